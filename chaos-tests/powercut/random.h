/* random.h - chance below a limit. Pure. */
#ifndef EXAM_POWERCUT_RANDOM_H
#define EXAM_POWERCUT_RANDOM_H

#include <stdint.h>

#include "chance.h"

static inline uint64_t random_below(uint64_t *state, uint64_t limit)
{
    return chance_next(state) % limit;
}

#endif
