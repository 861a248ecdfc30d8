/* chance.h - numbers that look random and follow from a seed (splitmix64): for jitter, simulations
 * and tests, where a history must be repeatable; never for anything secret (that is libsodium's).
 * Pure. Any value is a good state to begin with. */
#ifndef EXAM_CHANCE_H
#define EXAM_CHANCE_H

#include <stdint.h>

static inline uint64_t chance_next(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

#endif
