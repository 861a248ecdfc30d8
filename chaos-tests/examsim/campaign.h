/* campaign.h - many histories, on all cores.
 * Shell: processes with a shared board, so that an assertion in one history costs that one only. */
#ifndef EXAMSIM_CAMPAIGN_H
#define EXAMSIM_CAMPAIGN_H

#include "history.h"

enum { CAMPAIGN_JOBS_MAX = 64, CAMPAIGN_FAILURES_MAX = 32 };

struct campaign_options {
    uint64_t first, last; /* seeds */
    uint32_t jobs;
    uint64_t without; /* families, as plan_without has them */
    bool stop_at_first;
    FILE *progress; /* NULL: silent */
};

struct campaign_failure {
    uint64_t seed;
    struct violation violation;
};

struct campaign_totals {
    uint64_t seeds_n, failures_n;
    uint64_t virtual_ms, answers_n, saved_n, epochs_n, twins_n;
    uint64_t faults[WORLD_FAULTS];
    uint64_t fault_seeds[WORLD_FAULTS]; /* histories in which it happened */
};

struct campaign {
    struct campaign_totals totals;
    uint32_t failures_n; /* kept, in the order of their seeds */
    struct campaign_failure failures[CAMPAIGN_FAILURES_MAX];
    double seconds;
};

/* EXAM_SYSTEM: no processes, no memory, or a history that nobody has played. */
EXAM_MUST_USE exam_err campaign_run(const struct campaign_options *o, struct campaign *out);

#endif
