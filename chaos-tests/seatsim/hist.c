#include "hist.h"

#include <assert.h>
#include <string.h>

static uint32_t bucket_of(uint64_t value)
{
    if (value > HIST_VALUE_MAX)
        value = HIST_VALUE_MAX;
    unsigned top = value == 0 ? 0 : 63u - (unsigned)__builtin_clzll(value);
    unsigned shift = top > HIST_SUB_BITS ? top - HIST_SUB_BITS : 0;
    uint32_t i = (shift << HIST_SUB_BITS) + (uint32_t)(value >> shift);
    assert(i < HIST_BUCKETS);
    return i;
}

/* The greatest value that falls into bucket i. */
static uint64_t bucket_top(uint32_t i)
{
    if (i < 2u << HIST_SUB_BITS)
        return i;
    unsigned shift = (i >> HIST_SUB_BITS) - 1;
    uint64_t part = (i & ((1u << HIST_SUB_BITS) - 1)) + (1u << HIST_SUB_BITS);
    return ((part + 1) << shift) - 1;
}

void hist_reset(struct hist *h)
{
    memset(h, 0, sizeof *h);
}

void hist_record(struct hist *h, uint64_t value)
{
    h->bucket[bucket_of(value)]++;
    h->count++;
    if (value > h->value_max)
        h->value_max = value;
}

uint64_t hist_quantile(const struct hist *h, double q)
{
    assert(q >= 0 && q <= 1);
    if (h->count == 0)
        return 0;
    uint64_t place = (uint64_t)((double)(h->count - 1) * q);
    uint64_t seen = 0;
    for (uint32_t i = 0; i < HIST_BUCKETS; i++) {
        seen += h->bucket[i];
        if (seen > place && i < HIST_BUCKETS - 1) {
            uint64_t top = bucket_top(i);
            return top < h->value_max ? top : h->value_max;
        }
    }
    return h->value_max;
}
