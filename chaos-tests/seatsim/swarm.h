/* swarm.h - many seats in one process: the seat core and journal of the SDK, libuv for everything
 * else.
 * Shell. One loop thread. A behaviour (run.c, bench.c) decides what the candidates do; the swarm
 * carries out the cores' effects, calls them when the time has come, and lets the behaviour act
 * when a core's function has returned (an effect must not call back into the core). */
#ifndef SEATSIM_SWARM_H
#define SEATSIM_SWARM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "journal.h"
#include "roster.h"
#include "seat_core.h"

struct swarm;

struct swarm_seat {
    struct swarm *swarm;
    uint32_t index;
    const struct roster_row *row;
    struct seat_core *core;
    struct journal *journal;
    uint64_t reply_sent_ms; /* while an event is told: when the request behind it was sent */
    void *user;             /* the behaviour's */
};

struct swarm_behaviour {
    /* Something happened at a seat. Must not call the core's functions that change it. */
    void (*event)(struct swarm_seat *s, const struct seat_event *e);
    /* After events, and when wake_ms has come: may call the core's functions. */
    void (*act)(struct swarm_seat *s, uint64_t now_ms);
    /* When act is to be called without an event; UINT64_MAX: never. */
    uint64_t (*wake_ms)(const struct swarm_seat *s);
    /* A few times a second. */
    void (*beat)(void *user, uint64_t now_ms);
    void *user;
};

struct swarm_config {
    const char *nodes; /* HOST:PORT,HOST:PORT */
    const struct roster *roster;
    uint32_t skip_n; /* candidates of the roster that are left out before the first */
    uint32_t seats_n;
    const char *journals_dir; /* exists */
    uint64_t seed;
    struct swarm_behaviour behaviour;
};

/* Opens all journals, replays them, and starts the cores, so many a millisecond that a node's
 * listen queue is not the thing under test. Errors go to stderr with what to do. EXAM_INVALID: the
 * addresses; otherwise as journal_open, or EXAM_SYSTEM. */
EXAM_MUST_USE exam_err swarm_open(const struct swarm_config *c, struct swarm **out);

/* Runs until swarm_stop, SIGINT or SIGTERM; then says goodbye on all links and returns once they
 * are closed. True: it was a signal. */
bool swarm_run(struct swarm *w);
void swarm_stop(struct swarm *w);
void swarm_close(struct swarm *w);

uint32_t swarm_seats(const struct swarm *w);
struct swarm_seat *swarm_seat_at(struct swarm *w, uint32_t i);
/* A seat that is to act soon, though nothing happened at it. */
void swarm_seat_wake(struct swarm_seat *s);

#endif
