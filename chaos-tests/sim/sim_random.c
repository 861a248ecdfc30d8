#include "sim_random.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state;

static uint64_t next_u64(void) /* splitmix64 */
{
    uint64_t x = state += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

static const char *random_name(void)
{
    return "seeded";
}

static uint32_t random_u32(void)
{
    return (uint32_t)(next_u64() >> 32);
}

static void random_buf(void *const buf, const size_t bytes)
{
    uint8_t *at = buf;
    for (size_t done = 0; done < bytes; done += 8) {
        uint64_t x = next_u64();
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
