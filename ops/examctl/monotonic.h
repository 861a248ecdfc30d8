/* monotonic.h - the clock for time limits and progress.
 * Shell. Never a wall clock (T4). */
#ifndef EXAMCTL_MONOTONIC_H
#define EXAMCTL_MONOTONIC_H

#include <stdint.h>

uint64_t monotonic_now_ms(void);

#endif
