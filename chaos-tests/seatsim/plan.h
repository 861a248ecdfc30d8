/* plan.h - contingencies for a run of simulated seats: what happens to which seats, when, how long.
 * Pure but for the heap. Owned by the caller, freed by plan_free().
 *
 * One act a line; '#' begins a comment. WHEN is [h:]mm:ss[.mmm] since the first screen opened, or
 * @FILE: as soon as that file exists.
 *
 *   WHEN power SEATS for DURATION               the PCs lose their power, boot after so long
 *   WHEN cut   SEATS [from NODE] for DURATION   the cable: nothing passes, nobody is told
 *   WHEN reset SEATS [from NODE] for DURATION   connections are reset, new ones refused
 *   WHEN move  SEAT  to SPARE                   the candidate goes to that spare seat, and goes on
 *                                               there once the administrator has moved the sitting
 *
 * SEATS: `all`, `N%` (chosen by the run's seed), or seats with commas between them; `R01-*` is
 * every seat whose name begins so. NODE is a place in --nodes, from 1; without it, every node.
 * Instead of `for DURATION`: `until @FILE`. */
#ifndef SEATSIM_PLAN_H
#define SEATSIM_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exam_err.h"
#include "exam_limits.h"

enum { PLAN_BYTES_MAX = 1 << 20, PLAN_ACTS_MAX = 65536, PLAN_WORD_BYTES_MAX = 255 };

enum plan_kind { PLAN_POWER = 1, PLAN_CUT, PLAN_RESET, PLAN_MOVE };

/* An instant: a file's appearance, or milliseconds after what it counts from. */
struct plan_time {
    uint64_t ms;
    char file[PLAN_WORD_BYTES_MAX + 1]; /* "": not a file */
};

struct plan_act {
    enum plan_kind kind;
    uint32_t line; /* 0: drawn by chance */
    struct plan_time when, how_long;
    uint32_t percent; /* 1..100; 0: by name */
    uint32_t node;    /* from 1; 0: every node */
    char seats[PLAN_WORD_BYTES_MAX + 1];
    char spare[NAME_BYTES_MAX + 1]; /* of a move */
};

struct plan {
    struct plan_act *act;
    uint32_t n, max;
};

/* What is wrong, and where; line 0: the whole of it. */
typedef void (*plan_error)(void *ctx, uint32_t line, const char *what);

/* Reads all lines and tells every error; `nodes_n` is what --nodes names.
 * EXAM_INVALID: there was an error. EXAM_NOMEM. The plan is to be freed either way. */
EXAM_MUST_USE exam_err plan_read(struct plan *p, const char *text, size_t bytes, uint32_t nodes_n,
                                 plan_error error, void *ctx);
void plan_free(struct plan *p);

/* True when the act names this seat, as far as it names any. */
bool plan_act_names(const struct plan_act *a, const char *seat);
/* Every name of the plan must be a seat of these, every spare seat must not. Errors as above. */
EXAM_MUST_USE exam_err plan_check_seats(const struct plan *p, const char *const *seats,
                                        uint32_t seats_n, plan_error error, void *ctx);

/* Adds `a_minute` power cuts, cuts and resets a seat and minute on average, each a few seconds
 * long, over so long a time, drawn from the seed. EXAM_TOO_BIG: over PLAN_ACTS_MAX; EXAM_NOMEM. */
EXAM_MUST_USE exam_err plan_draw(struct plan *p, uint64_t seed, double a_minute, uint64_t over_ms,
                                 const char *const *seats, uint32_t seats_n, uint32_t nodes_n);

const char *plan_kind_word(enum plan_kind kind);

#endif
