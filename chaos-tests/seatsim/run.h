/* run.h - `seatsim run`: candidates who sign in, wait, read, answer, change their minds and submit;
 * contingencies that befall them (plan.h); and the checks that only the seats' side can make
 * (witness.h, reckon.h). Shell. */
#ifndef SEATSIM_RUN_H
#define SEATSIM_RUN_H

#include <stdbool.h>
#include <stdint.h>

struct run_options {
    const char *nodes, *roster_path, *journals_dir;
    const char *keys_dir;                                 /* NULL: plain connections */
    const char *acked_path, *events_path, *accounts_path; /* NULL: none */
    const char *plan_path;                                /* NULL: none */
    const char *until_path; /* when it exists, everybody submits; NULL: none */
    double contingencies;   /* a seat and minute, drawn from the seed */
    uint32_t seats_n;       /* 0: all of the roster after skip_n */
    uint32_t skip_n;        /* candidates that other processes play */
    uint32_t answers_n;
    uint64_t think_ms, seed;
    uint64_t grace_ms;  /* T6, as imported */
    uint64_t timeout_s; /* 0: none */
    bool json;
};

/* The program's exit code: 0 only if every candidate has submitted and every check holds; 65 when
 * the plan cannot be read, and nothing has run. */
int run_seats(const struct run_options *o);

#endif
