/* rng.h - repeatable chance: xoshiro256** seeded by splitmix64 (Blackman and Vigna, public domain).
 * Pure. Not for secrets. The same seed gives the same numbers on every machine. */
#ifndef SEATSIM_RNG_H
#define SEATSIM_RNG_H

#include <stdint.h>

struct rng {
    uint64_t s[4];
};

void rng_init(struct rng *r, uint64_t seed);
uint64_t rng_next(struct rng *r);
/* 0 .. bound - 1, bound > 0; the bias of the modulus is below 2^-32 for the bounds used here. */
uint32_t rng_below(struct rng *r, uint32_t bound);
/* True once in `in` draws. */
int rng_one_in(struct rng *r, uint32_t in);
/* Exponentially distributed with this mean, cut at eight times the mean. */
uint64_t rng_exp(struct rng *r, uint64_t mean);

#endif
