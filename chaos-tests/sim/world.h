/* world.h - a whole site in one process and in virtual time: nodes, seats, the paths between them.
 * Single-threaded; deterministic: the same seed and the same calls give the same history. It links
 * the real node (node/serve, node/exam, replication) and the real seat core; simulated are only
 * what they stand on: clocks, chance, disks, connections.
 *
 * Messages take no time. An instant is over when nothing moves any more (world_settle). Within it
 * the order is fixed: seats that are due, nodes by number, what they sent each other, then seats in
 * the order in which something came for them.
 *
 * Death, a cut and a healing are seen at once by both sides: connections are reset, and whoever
 * could connect again is told so (seat_core_hint, node_dial_peers), as a good network card would.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "oplog.h"
#include "sim_node.h"
#include "sim_seat.h"

struct world;

/* Told what happens, at world_now_ms; must not call the world. Either may be NULL. */
struct world_watch {
    void *ctx;
    void (*seat)(void *ctx, uint32_t seat, const struct seat_event *e);
    void (*node)(void *ctx, uint32_t node, enum oplog_level level, const char *event,
                 const struct oplog_field *fields);
};

struct world_options {
    uint64_t seed;
    uint64_t solo_after_ms; /* 0: the default of the replication core */
    uint32_t seats_max;
    struct world_watch watch;
};

#define WORLD_NONE UINT32_MAX

/* All machines are off, all paths whole, and it is 0 o'clock. Nodes and seats are numbered from 0.
 * One world at a time a process (clock, chance and log are the process's). Errors: EXAM_INVALID a
 * name, or too many nodes; EXAM_NOMEM. */
EXAM_MUST_USE exam_err world_new(const struct world_options *o, const char *const *nodes,
                                 uint32_t nodes_n, struct world **out);
void world_free(struct world *w);
/* Errors: EXAM_INVALID the name; EXAM_FULL more than seats_max. */
EXAM_MUST_USE exam_err world_add_seat(struct world *w, const char *name, uint32_t *seat);

/* --- time --- */
uint64_t world_now_ms(const struct world *w);
/* Everything that is due by itself up to until_ms, that instant included, and what follows of it.
 */
void world_run(struct world *w, uint64_t until_ms);
/* What follows from the acts below, at this instant. */
void world_settle(struct world *w);

/* --- acts: what follows from them comes with world_settle --- */
/* EXAM_STATE: it is up already; otherwise why the node did not start. */
EXAM_MUST_USE exam_err world_boot_node(struct world *w, uint32_t node, char *why, size_t why_bytes);
/* EXAM_STATE: it is off already, or, for wiping, was on and goes off first. */
EXAM_MUST_USE exam_err world_kill_node(struct world *w, uint32_t node);
EXAM_MUST_USE exam_err world_stop_node(struct world *w, uint32_t node);
EXAM_MUST_USE exam_err world_wipe_node(struct world *w, uint32_t node);
/* Its UPS tells it. EXAM_STATE: it is off. */
EXAM_MUST_USE exam_err world_power(struct world *w, uint32_t node, enum node_power what);
/* Its calendar clock jumps. */
void world_set_date(struct world *w, uint32_t node, int64_t by_ms);

EXAM_MUST_USE exam_err world_boot_seat(struct world *w, uint32_t seat);
EXAM_MUST_USE exam_err world_kill_seat(struct world *w, uint32_t seat);
void world_wipe_seat(struct world *w, uint32_t seat);

void world_cut_seat(struct world *w, uint32_t seat, uint32_t node);
void world_heal_seat(struct world *w, uint32_t seat, uint32_t node);
void world_cut_nodes(struct world *w, uint32_t a, uint32_t b);
void world_heal_nodes(struct world *w, uint32_t a, uint32_t b);

/* The person at a seat; errors as in sim_seat.h. */
EXAM_MUST_USE exam_err world_sign_in(struct world *w, uint32_t seat, const char *admission_no,
                                     const char *id_no);
EXAM_MUST_USE exam_err world_answer(struct world *w, uint32_t seat, const char *item,
                                    const char *value);
EXAM_MUST_USE exam_err world_submit(struct world *w, uint32_t seat);
void world_leave(struct world *w, uint32_t seat);

/* Connects to a node's administrators' endpoint; office.h is the conversation. EXAM_CONN. */
EXAM_MUST_USE exam_err world_dial_admin(struct world *w, uint32_t node, struct sim_end **out);

/* --- questions --- */
uint32_t world_nodes(const struct world *w);
uint32_t world_seats(const struct world *w);
const char *world_node_name(const struct world *w, uint32_t node);
/* NULL: it is off. What is asked of it must not change it; its clock's turn is set. */
struct node *world_node(struct world *w, uint32_t node);
const struct sim_seat *world_seat(const struct world *w, uint32_t seat);
/* The node that serves, with the highest epoch; WORLD_NONE. */
uint32_t world_primary(const struct world *w);
/* True when a node that serves can be reached from the seat. */
bool world_seat_is_served(const struct world *w, uint32_t seat);

#endif
