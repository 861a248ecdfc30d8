/* seed.h - chance for tests: a small generator whose seed is printed and can be given again. */
#ifndef EXAM_TEST_SEED_H
#define EXAM_TEST_SEED_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "chance.h"

/* The seed of this run: EXAM_TEST_SEED if it is set, else a new one; printed either way. */
static inline uint64_t seed_of_run(const char *test)
{
    const char *given = getenv("EXAM_TEST_SEED");
    struct timespec now = {0};
    uint64_t seed;

    if (given != NULL) {
        seed = strtoull(given, NULL, 0);
    } else {
        clock_gettime(CLOCK_REALTIME, &now);
        seed = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    }
    fprintf(stderr, "%s: EXAM_TEST_SEED=%llu\n", test, (unsigned long long)seed);
    return seed;
}

static inline uint64_t seed_next(uint64_t *seed)
{
    return chance_next(seed);
}

static inline size_t seed_below(uint64_t *seed, size_t n)
{
    return (size_t)(seed_next(seed) % n);
}

#endif
