#include "sim_random.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "chance.h"

static uint64_t state;

static const char *random_name(void)
{
    return "seeded";
}

static uint32_t random_u32(void)
{
    return (uint32_t)(chance_next(&state) >> 32);
}

static void random_buf(void *const buf, const size_t bytes)
{
    uint8_t *at = buf;
    for (size_t done = 0; done < bytes; done += 8) {
        uint64_t x = chance_next(&state);
        memcpy(at + done, &x, bytes - done < 8 ? bytes - done : 8);
    }
}

void sim_random_seed(uint64_t seed)
{
    static randombytes_implementation seeded = {
        .implementation_name = random_name, .random = random_u32, .buf = random_buf};
    state = seed;
    if (randombytes_set_implementation(&seeded) != 0 || sodium_init() < 0)
        abort();
}
