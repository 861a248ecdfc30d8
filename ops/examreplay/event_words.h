/* event_words.h - one event of the log as a sentence for people, and what kind of news it is.
 * Pure. Never what a candidate answered: answers are sealed. */
#ifndef EXAMREPLAY_EVENT_WORDS_H
#define EXAMREPLAY_EVENT_WORDS_H

#include "exam.h"

enum event_kind {
    EVENT_ROLE,         /* who serves, and whether a standby is in sync (W1, A1) */
    EVENT_INCIDENT,     /* opened, noted, closed (T14) */
    EVENT_INTERRUPTION, /* time given back (T5-T8) */
    EVENT_DECISION,     /* an act of a person (R3, R4), or that one is asked for */
    EVENT_POWER,        /* R1, W4 */
    EVENT_BATCH,        /* imported, started, collected */
    EVENT_RECOVERED,    /* out of a dead branch (A3) */
    EVENT_FINISH,       /* T10 */
    EVENT_CONTACT,      /* signed in, attached, out of contact */
    EVENT_ANSWER,
    EVENT_MARK,
    EVENT_IMPORT, /* rooms, papers, candidates */
    EVENT_KINDS,
};

enum { EVENT_TEXT_BYTES = 1024 };

struct event_words {
    enum event_kind kind;
    const char *who; /* "": no person; lives as long as the event */
    char text[EVENT_TEXT_BYTES];
};

const char *event_kind_word(enum event_kind kind);
/* False: no such word. */
bool event_kind_of_word(const char *word, enum event_kind *out);

/* `x` has applied the event. */
void event_tell(const exam *x, const Ev__Event *event, struct event_words *out);

/* The sittings that the event names itself; *n 0: it names none in this way. They live as long as
 * the event. */
const uint32_t *event_sittings(const Ev__Event *event, size_t *n);

const char *epoch_reason_word(Ev__EpochReason reason);

#endif
