/* site.h - a small site in a simulated world, for tests: nodes A, B, ..., one room R1, one batch B1
 * of 60 minutes, and a sitting "1001", "1002", ... for each of its seats but the last: that one is
 * spare, and off.
 * For tests only; its functions assert. */
#ifndef SIM_TEST_SITE_H
#define SIM_TEST_SITE_H

#include "world.h"

struct site {
    struct world *w;
    uint32_t nodes_n;
    uint32_t seats_n;            /* that have a sitting */
    uint64_t events_n;           /* that seats have told */
    struct sim_greeting greeted; /* the last one, of any seat and node */
    uint32_t greeted_seat, greeted_node;
    uint64_t told;     /* a digest of all that seats and nodes have told, and when */
    bool is_curious;   /* whoever hears what a node logs asks every node for its time at once, */
    uint64_t asked_ms; /* ... and this is what the last one said */
};

struct site_options {
    uint64_t seed;
    uint32_t nodes_n, seats_n;
    uint32_t window_bytes; /* 0: the usual (world.h) */
    uint64_t grace_ms;     /* 0: the usual (T6) */
    bool no_hints;
    bool import_alone; /* the other nodes are cut off from A before the import */
};

/* Everything is switched on, founded, imported and in sync; nobody has signed in. */
void site_open(struct site *s, uint64_t seed, uint32_t nodes_n, uint32_t seats_n);
void site_open_as(struct site *s, const struct site_options *how);
/* The same in a world without hints (world.h). */
void site_open_unhinted(struct site *s, uint64_t seed, uint32_t nodes_n, uint32_t seats_n);
void site_close(struct site *s);

void site_run_for(struct site *s, uint64_t ms);
/* All nodes that are up agree, and every account adds up. */
void site_assert_sound(struct site *s);

/* Founds a site on a node, and nothing else. */
void site_found(struct site *s, uint32_t node);
/* B1, of all seats, at a node; grace_ms 0: the usual. */
void site_import(struct site *s, uint32_t node, uint64_t grace_ms);
void site_start(struct site *s);
void site_sign_in_all(struct site *s);
/* EXAM_OK, or the refusal. */
exam_err site_promote(struct site *s, uint32_t node, bool attest);

/* Acts on the primary; `name` is "site", "R1", a seat, or an admission number. EXAM_OK, or the
 * refusal. */
exam_err site_pause(struct site *s, const char *name, bool resume);
exam_err site_grant(struct site *s, const char *name, int64_t ms);
exam_err site_move(struct site *s, const char *admission_no, const char *seat);
/* The batch; with those who are not finished, too. */
exam_err site_collect(struct site *s, bool unfinished);

/* As the primary sees it. */
struct exam_sitting_view site_sitting(struct site *s, const char *admission_no);

#endif
