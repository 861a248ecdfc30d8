/* account.h - the arithmetic of section 5: what a candidate has used, has left and has lost.
 * Pure functions over one account; whole milliseconds of the site's timeline, no float. Whether the
 * clock runs is the caller's to know (exam_state.h); how much follows from it is reckoned here.
 *
 *   allot + grants == used + left                      always
 *   now - begin    == used + lost                      at each mark, where no dark time is unknown
 */
#ifndef EXAM_ACCOUNT_H
#define EXAM_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "event.pb-c.h"

struct account {
    uint64_t allot_ms; /* paper time and the candidate's own extra */
    int64_t grants_ms; /* T9 */
    uint64_t begin_ms; /* T1 */
    uint64_t used_ms;  /* at the mark */
    uint64_t mark_ms;  /* site_ms of the mark (T3) */
    uint64_t lost_ms;  /* credited until the mark (T14) */
    /* (derived; after a load: 0) What ran from the mark until a pause stopped the clock. No word of
     * the seat has vouched for it yet (T7, T8): its next one does, or it is lost. */
    uint64_t unheard_ms;
};

/* allot + grants; never less than 0 (T9). */
uint64_t account_total_ms(const struct account *a);
/* What is used at now_ms. A clock that stands has used what its last mark says (T7), and what ran
 * until it was stopped (T8). */
uint64_t account_used_ms(const struct account *a, bool clock_runs, uint64_t now_ms);
uint64_t account_left_ms(const struct account *a, uint64_t used_ms);
/* T8: the instant at which a clock that stands has stopped. */
uint64_t account_stop_ms(const struct account *a);
/* T10: the instant at which a clock that runs since the mark has used all. */
uint64_t account_deadline_ms(const struct account *a);

/* T1. What a carried mark has told before the start is known here stays used (T12): it began so
 * much earlier. */
void account_begin(struct account *a, uint64_t now_ms);
/* T12: it began earlier on a branch than this log knows. */
void account_begin_earlier(struct account *a, uint64_t ms);
/* T8: stops a clock that has run since the mark. */
void account_stop(struct account *a, uint64_t now_ms);
/* T3. False, and nothing is changed: a mark that would give used time back. */
bool account_mark(struct account *a, uint64_t used_ms, uint64_t now_ms);
/* T3: the same where so much was used: marks of a clock lie on one straight line while it runs, and
 * of one that stands up to where it stopped (T8). */
bool account_mark_used(struct account *a, uint64_t used_ms);
/* T3, T7: what a seat's word vouches for that is read at now_ms: what had been used when it was
 * sent, by the seat's own reckoning (said_ms), but as much as at heard_ms, when all that had come
 * before it was read, and no more than now. */
uint64_t account_vouched_ms(const struct account *a, bool clock_runs, uint64_t now_ms,
                            uint64_t heard_ms, uint64_t said_ms);
/* T14: credits a stretch in which the clock stood, and moves the mark over it: what ran before it
 * is still to be vouched for. */
void account_credit(struct account *a, uint64_t lost_ms);
/* Books a stretch that ends at now_ms: `used_ms` after it, `lost_ms` credited for it. False as
 * above. */
bool account_book(struct account *a, uint64_t used_ms, uint64_t lost_ms, uint64_t now_ms);

/* T12: what has been used beyond used_ms, by a clock without a screen, was not: the mark goes back
 * on that clock's line. */
void account_take_back(struct account *a, uint64_t used_ms);

/* What a seat says when it attaches again, and what the node knows beside it. */
struct account_return {
    uint64_t now_ms;
    uint64_t grace_ms;
    bool dark_known;    /* the site's timeline is unbroken since the node's mark (exam.h) */
    bool begin_known;   /* and since the sitting's begin */
    bool screen_opened; /* the paper has been on a screen before */
    bool carried;       /* a mark that the nodes gave (T12) */
    uint64_t carried_used_ms, carried_at_ms;
    bool carried_newer; /* than the node's own mark: the node has older data */
    bool found;         /* the mark is of a dead branch that had the sitting's only session */
    bool carried_apart; /* of an epoch that this log has not got: its time is not the site's here */
    uint64_t open_ms;   /* T6: the screen was open so long since that mark */
    uint64_t since_ms;  /* how long ago that mark was, if clock_continuous */
    uint64_t slack_ms;  /* T7: that may have taken so long to be read, and was not late then */
    bool clock_continuous;
    bool ended;     /* T10: its time ran out while out of contact, */
    bool submitted; /* or the candidate submitted, */
    uint64_t ended_ago_ms;
    bool paused; /* T8: since the mark that the claim counts from (the seat's, or the node's if it
                    brings none), */
    uint64_t pause_after_ms; /* for the first time so long after it */
};

/* How the stretch from the node's mark until now is to be booked. */
struct account_stretch {
    uint64_t used_ms; /* after it; never less than the node's own mark, nor more than the total */
    uint64_t lost_ms; /* what is neither has run since the seat spoke (T7): its clock goes on */
    Ev__Basis basis;
    bool finished;   /* all is used, */
    uint64_t end_ms; /* since this instant */
};

/* T5, T6, T7, T10, T12: a seat is back. */
void account_reckon_return(const struct account *a, const struct account_return *r,
                           struct account_stretch *out);

#endif
