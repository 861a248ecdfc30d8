#include "clock.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

uint64_t clock_boot_ms(void)
{
    struct timespec t;
    int rc = clock_gettime(CLOCK_BOOTTIME, &t);
    assert(rc == 0);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

int64_t clock_wall_ms(void)
{
    struct timespec t;
    int rc = clock_gettime(CLOCK_REALTIME, &t);
    assert(rc == 0);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void clock_boot_id(char out[BOOT_ID_BYTES + 1])
{
    memset(out, 0, BOOT_ID_BYTES + 1);
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (!f)
        return;
    if (fread(out, 1, BOOT_ID_BYTES, f) != BOOT_ID_BYTES)
        memset(out, 0, BOOT_ID_BYTES + 1);
    fclose(f);
}
