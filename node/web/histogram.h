/* histogram.h - how long things took, counted in the steps that a monitor shows.
 * Pure; its owner's thread only. All zero is a good one. Times are microseconds. */
#ifndef EXAM_HISTOGRAM_H
#define EXAM_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum { HISTOGRAM_STEPS = 13 };

/* Upper ends, inclusive; what is above the last one is counted in at[HISTOGRAM_STEPS]. 15 s is the
 * grace, after which a screen locks (T6). */
static const uint64_t histogram_ends_us[HISTOGRAM_STEPS] = {
    1000,   2000,   5000,    10000,   20000,   50000,   100000,
    200000, 500000, 1000000, 2000000, 5000000, 15000000};

struct histogram {
    uint64_t at[HISTOGRAM_STEPS + 1]; /* not cumulative */
    uint64_t sum_us;
};

static inline void histogram_add(struct histogram *h, uint64_t us)
{
    size_t i = 0;
    while (i < HISTOGRAM_STEPS && us > histogram_ends_us[i])
        i++;
    h->at[i]++;
    h->sum_us += us;
}

#endif
