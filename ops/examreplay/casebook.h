/* casebook.h - who lost what and why: what a report says, as data. Pure over a replayed exam and
 * its story. Every figure is of the accounts; nothing is reckoned a second way. */
#ifndef EXAMREPLAY_CASEBOOK_H
#define EXAMREPLAY_CASEBOOK_H

#include "story.h"

/* So long without an interruption ends a disturbance. */
enum { CASE_APART_MS = 30 * 1000 };

struct case_totals {
    uint32_t interruptions, sittings;
    uint64_t lost_ms;           /* of all */
    uint64_t least_ms, most_ms; /* of one interruption */
    uint64_t from_ms, to_ms;    /* on the site's timeline */
};

struct case_cause { /* numbered from 1 in a report */
    struct story_cause cause;
    struct case_totals totals;
    uint32_t newest_sitting; /* that was counted */
};

struct case_interruption {
    uint32_t no; /* in its sitting, from 0 */
    size_t cause;
    struct exam_interruption_view view;
};

struct case_sitting {
    struct exam_sitting_view view;
    size_t first, n;        /* its interruptions, of those that the report is about */
    uint64_t lost_ms;       /* by them */
    uint64_t shown_lost_ms; /* the account's: by all of its interruptions */
};

struct case_disturbance { /* a stretch with somebody interrupted, or nobody serving */
    uint64_t from_ms, to_ms;
    uint64_t lost_ms;
    uint32_t interruptions;
};

struct casebook {
    const exam *x;
    const struct story *story;
    const struct vault *vault;     /* the caller's to set: opens names; NULL: none */
    uint32_t incident;             /* only what belongs to it; 0: all */
    struct case_sitting *sittings; /* by room and seat */
    size_t sittings_n, sittings_max;
    struct case_interruption *interruptions;
    size_t interruptions_n, interruptions_max;
    struct case_cause *causes; /* by when they began */
    size_t causes_n, causes_max;
    struct case_disturbance *disturbances;
    size_t disturbances_n, disturbances_max;
    struct case_totals totals;
    uint64_t from_ms, to_ms; /* from the first begin to the last finish */
    uint64_t median_lost_ms; /* of the sittings that lost any */
    uint64_t most_lost_ms;
};

/* What the filter names, and of that what belongs to the incident (0: all). */
void casebook_make(struct casebook *c, const exam *x, const struct story *story,
                   const struct filter *filter, uint32_t incident);
void casebook_fini(struct casebook *c);

/* What the clock would have been without credits: of what was given, all that has passed would
 * have run. */
struct case_without {
    uint64_t elapsed_ms; /* used + lost */
    uint64_t left_ms;
};
struct case_without case_without_credits(const struct exam_account *a);

/* Where the loss of an interruption begins: up to there the screen was open, and the time is used
 * (T6). */
uint64_t case_lost_from_ms(const struct exam_interruption_view *in);

#endif
