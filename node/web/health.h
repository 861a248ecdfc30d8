/* health.h - whether a node can do its work, for a monitor that asks a short question.
 * Pure: a snapshot in (metrics.h), a verdict and its text out. */
#ifndef EXAM_HEALTH_H
#define EXAM_HEALTH_H

#include "exam_err.h"
#include "metrics.h"

enum {
    HEALTH_TROUBLES_MAX = 16,
    HEALTH_SILENT_MS = 5000, /* a loop that has told nothing for so long does not run */
};

/* Words for programs, in the order of the JSON; they live for ever. */
struct health {
    const char *troubles[HEALTH_TROUBLES_MAX]; /* any of them: this node cannot do its work */
    size_t troubles_n;
    const char *warnings[HEALTH_TROUBLES_MAX]; /* it can, and somebody should look */
    size_t warnings_n;
};

/* A primary does its work when it serves; a standby when it could take over without a loss. */
void health_judge(const struct metrics *m, uint64_t age_ms, struct health *out);

/* One JSON object, to be freed with free(). EXAM_NOMEM. */
EXAM_MUST_USE exam_err health_text(const struct metrics *m, const struct health *h, uint64_t age_ms,
                                   char **out);

#endif
