/* hist.h - latencies in a fixed block of memory: a log-linear histogram.
 * Pure. Not thread-safe. The unit is the caller's (seatsim records nanoseconds).
 *
 * Values below 2^(HIST_SUB_BITS + 1) are kept exactly; a greater one shares its bucket with values
 * that differ by less than one part in 2^HIST_SUB_BITS (0.8 %). A value over HIST_VALUE_MAX counts
 * as HIST_VALUE_MAX; `value_max` keeps the true one. */
#ifndef SEATSIM_HIST_H
#define SEATSIM_HIST_H

#include <stdint.h>

enum {
    HIST_SUB_BITS = 7,
    HIST_VALUE_BITS = 40, /* nanoseconds: 18 minutes */
    HIST_BUCKETS = (HIST_VALUE_BITS - HIST_SUB_BITS + 1) << HIST_SUB_BITS,
};
#define HIST_VALUE_MAX ((UINT64_C(1) << HIST_VALUE_BITS) - 1)

struct hist {
    uint64_t count;
    uint64_t value_max;
    uint64_t bucket[HIST_BUCKETS];
};

void hist_reset(struct hist *h);
void hist_record(struct hist *h, uint64_t value);

/* The value at place floor((count - 1) * q) of the sorted values, 0 <= q <= 1: never below the true
 * one, and above it by less than one part in 2^HIST_SUB_BITS. 0 when nothing was recorded. */
uint64_t hist_quantile(const struct hist *h, double q);

#endif
