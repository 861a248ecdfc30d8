/* hostile.h - a seat program that lies: it belongs to a candidate of its own, speaks the seats'
 * conversation in well-formed frames, and says what no seat says. What it must not get: another
 * candidate's sitting (P4, T11), time that has not passed (T6), a mark that it has made itself
 * (T12), an acknowledgement of what follows a gap or of an attachment to come (A2, A3).
 * Single-threaded, heap. A broken promise becomes the history's violation. */
#ifndef EXAMSIM_HOSTILE_H
#define EXAMSIM_HOSTILE_H

#include "history.h"

/* What it says. The first ones are true. */
enum hostile_word {
    HOSTILE_SIGNS_IN,
    HOSTILE_ATTACHES,
    HOSTILE_ANSWERS,
    HOSTILE_TRUE,
    HOSTILE_CLAIMS = HOSTILE_TRUE, /* to have been open for any time */
    HOSTILE_OLD_MARK,
    HOSTILE_FORGED_MARK,
    HOSTILE_ATTACHES_AS_ANOTHER,
    HOSTILE_SIGNS_IN_AS_ANOTHER,
    HOSTILE_LEAVES_A_GAP,
    HOSTILE_ANSWERS_AGAIN, /* otherwise, under a number that it has used */
    HOSTILE_COMES_FROM_LATER,
    HOSTILE_SUBMITS_AFTER_A_GAP,
    HOSTILE_BEATS, /* with any figures */
    HOSTILE_GREETS_AGAIN,
    HOSTILE_FETCHES, /* at any offset */
    HOSTILE_HANGS_UP,
    HOSTILE_WORDS,
};

/* Says it to that node; x: a number that makes the figures. */
void hostile_say(struct history *h, uint32_t node, enum hostile_word word, uint64_t x);
/* Before the world ends. */
void hostile_end(struct history *h);

#endif
