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
    struct seat_core *core; /* NULL: the PC is off */
    struct journal *journal;
    uint64_t reply_sent_ms; /* while an event is told: when the request behind it was sent */
    bool reply_pushed;      /* there was no request */
    uint64_t position_ms;   /* T6: of the last position that is on the disk; 0: none */
    uint64_t doubt_ms;      /* see reckon_lost(): of what was on its way when contact was lost */
    void *user;             /* the behaviour's */
};

struct swarm_behaviour {
    /* Something happened at a seat. Must not call the core's functions that change it. */
    void (*event)(struct swarm_seat *s, const struct seat_event *e);
    /* After events, and when wake_ms has come: may call the core's functions. Never for a PC that
     * is off. */
    void (*act)(struct swarm_seat *s, uint64_t now_ms);
    /* When act is to be called without an event; UINT64_MAX: never. */
    uint64_t (*wake_ms)(const struct swarm_seat *s);
    /* SWARM_BEAT_MS apart. No core is running: may cut power and cables. */
    void (*beat)(void *user, uint64_t now_ms);
    /* So long a request took to be answered on a path that was whole, or the loop was busy and
     * heard nothing. NULL: nobody wants to know. */
    void (*took)(void *user, uint64_t from_ms, uint64_t to_ms);
    void *user;
};

enum { SWARM_BEAT_MS = 50 };

struct swarm_config {
    const char *nodes;    /* HOST:PORT,HOST:PORT; with keys NAME@HOST:PORT */
    const char *keys_dir; /* of `examctl site init`; NULL: plain connections */
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
uint32_t swarm_nodes(const struct swarm *w);
struct swarm_seat *swarm_seat_at(struct swarm *w, uint32_t i);
/* A seat that is to act soon, though nothing happened at it. */
void swarm_seat_wake(struct swarm_seat *s);

/* ---------------------------------------------------------------- contingencies */

/* The PC's power goes: the core is dropped without a word, its connections go silent, and of the
 * journal's bytes that were not flushed some or all are lost. Requires that it is on. */
void swarm_seat_power_cut(struct swarm_seat *s);
/* The PC boots from its journal, and its boot id is a new one. Requires that it is off. Errors as
 * swarm_open, told on stderr; the PC stays off. */
EXAM_MUST_USE exam_err swarm_seat_power_on(struct swarm_seat *s);

enum swarm_path {
    SWARM_WHOLE,
    SWARM_SILENT,  /* a cable is pulled: nothing passes, nobody is told */
    SWARM_REFUSED, /* connections are reset, and new ones refused */
};
/* Changes the path to one node; whole again, the seat's network card says so (seat_core_hint). */
void swarm_seat_path(struct swarm_seat *s, uint32_t node, enum swarm_path path);

#endif
