/* check_screens.h - what a candidate's account may say, reckoned from what could be seen in the
 * room: since when the batch runs, and from when to when a screen was open (section 5 of the
 * rules). It knows nothing of marks, claims or pauses, and none of the exam core's arithmetic.
 * Pure. Times are the world's milliseconds. */
#ifndef SIM_CHECK_SCREENS_H
#define SIM_CHECK_SCREENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SCREENS_SEATS_MAX = 16 };

/* One candidate. All zero at first. */
struct screens {
    bool begun, sat_down; /* the clock runs without a screen from the one to the other (T2) */
    uint64_t begun_ms, sat_down_ms;
    uint64_t open_before_ms; /* when somebody sat down, late again */
    uint32_t open;           /* seats whose screen shows this sitting, a bit each */
    uint64_t open_since_ms;
    uint64_t open_ms;      /* at least one was open, before open_since_ms */
    uint64_t told_used_ms; /* the highest mark of any seat (T3) since a grant was lost */
    /* The last that this session at that seat was told, and of how much. */
    uint64_t seat_used_ms[SCREENS_SEATS_MAX], seat_total_ms[SCREENS_SEATS_MAX];
    uint32_t attached_n;
    uint64_t slack_ms; /* frames that took their time: a clock starts at one end of their way */
};

/* The clock runs from here on, without a screen, until somebody sits down (common timing). */
void screens_begin(struct screens *s, uint64_t now_ms);
/* A seat is in contact with this sitting; `anew`: by a sign-in. */
void screens_attached(struct screens *s, uint32_t seat, bool anew, uint64_t now_ms);
/* Nobody who is left knows that somebody had sat down: the clock has run without a screen until
 * now (T2), whatever was open meanwhile. */
void screens_late_again(struct screens *s, uint64_t now_ms);
void screens_set(struct screens *s, uint32_t seat, bool open, uint64_t now_ms);
/* The seat was told so; `mark`: as an acknowledgement of something that it had sent (T3). False:
 * less than the same session at that seat was told before (T12), and not because all that the
 * candidate has is less now, by a grant that was lost. */
bool screens_told(struct screens *s, uint32_t seat, bool mark, uint64_t used_ms, uint64_t left_ms,
                  char *what, size_t what_bytes);

/* How long at least one screen was open. */
uint64_t screens_open_ms(const struct screens *s, uint64_t now_ms);
/* At the most: the time before somebody sat down, and that in which a screen was open. */
uint64_t screens_used_max_ms(const struct screens *s, uint64_t now_ms);

#endif
