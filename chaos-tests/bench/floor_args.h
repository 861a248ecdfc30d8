/* floor_args.h - what the floors' command lines share. */
#ifndef BENCH_FLOOR_ARGS_H
#define BENCH_FLOOR_ARGS_H

#include <argp.h>
#include <errno.h>
#include <stdlib.h>

/* A number from 1 to `most`; anything else ends the program with a message. */
static inline long floor_number(const char *text, long most, const struct argp_state *state)
{
    char *end;
    errno = 0;
    long v = strtol(text, &end, 10);
    if (errno || *end || end == text || v < 1 || v > most)
        argp_error(state, "'%s' is not a number from 1 to %ld", text, most);
    return v;
}

static inline void floor_needs_dir(const char *dir, const struct argp_state *state)
{
    if (!dir)
        argp_error(state, "--dir is needed: a folder on the disk to measure");
}

#endif
