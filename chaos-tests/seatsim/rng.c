#include "rng.h"

#include <assert.h>
#include <math.h>

#include "chance.h"

static uint64_t rotl(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

void rng_init(struct rng *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        r->s[i] = chance_next(&seed);
}

uint64_t rng_next(struct rng *r)
{
    uint64_t *s = r->s;
    uint64_t result = rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

uint32_t rng_below(struct rng *r, uint32_t bound)
{
    assert(bound > 0);
    return (uint32_t)(rng_next(r) % bound);
}

int rng_one_in(struct rng *r, uint32_t in)
{
    return rng_below(r, in) == 0;
}

uint64_t rng_exp(struct rng *r, uint64_t mean)
{
    double u = ((double)(rng_next(r) >> 11) + 1) / 9007199254740993.0; /* (0, 1) */
    double x = -log(u) * (double)mean;
    double cut = 8.0 * (double)mean;
    return (uint64_t)(x < cut ? x : cut);
}
