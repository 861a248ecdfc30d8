/* boot_clock.h - the clocks of the shell: a seat's own time, and the wall's for people.
 * Shell. Any thread. CLOCK_BOOTTIME goes on while a machine sleeps (T6). */
#ifndef SEATSIM_BOOT_CLOCK_H
#define SEATSIM_BOOT_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t boot_clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t boot_clock_ms(void)
{
    return boot_clock_ns() / 1000000u;
}

static inline uint64_t wall_clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

#endif
