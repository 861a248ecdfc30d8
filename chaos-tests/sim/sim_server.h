/* sim_server.h - connections of seats and administrators to nodes, in memory: server.h on the
 * node's side (server_sim.c), this header on the side of who dials.
 * Single-threaded. Bytes take no time, but move only when the owner of the other side looks for
 * them (sim_host_deliver, sim_end_next): nobody is called back inside a call of its own.
 *
 * A host is one machine's listeners: what server.h calls the event loop. It lives from the
 * machine's start to its end; when it goes, every connection is reset. */
#ifndef SIM_SERVER_H
#define SIM_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exam_err.h"
#include "mem_wire.h"

struct uv_loop_s; /* a host */
struct sim_end;   /* the dialling side of a connection */

/* Bytes that a node has not taken yet, at the most; beyond them a sender hears EXAM_AGAIN. */
enum { SIM_UNREAD_BYTES_MAX = 4 << 20 };

/* What lies between somebody who dials and a node. Both ways are streams. The owner's; it outlives
 * the connections, as do the flags, which are the machines'. */
struct sim_path {
    struct mem_air *air;
    struct mem_way to_node, to_dialler;
    /* Else nobody is there to say that a connection is no more. */
    const bool *node_is_on, *dialler_is_on;
};
void sim_path_init(struct sim_path *p, struct mem_air *air, const bool *node_is_on,
                   const bool *dialler_is_on);
/* True when a connection can be made. */
bool sim_path_is_open(const struct sim_path *p);

/* `wake` is called when something has come for the host's servers. EXAM_NOMEM. */
EXAM_MUST_USE exam_err sim_host_new(void (*wake)(void *ctx), void *ctx, struct uv_loop_s **out);
/* As a power cut does: no handler of the servers is called any more, every end sees its connection
 * reset. NULL is allowed. */
void sim_host_free(struct uv_loop_s *h);
/* The same without a word to the other ends: they hear of it when they send something over a path
 * that is open, and the node is on again. */
void sim_host_unplug(struct uv_loop_s *h);
/* Asked before each conn_send; false: nothing is sent, and the node does not know. */
void sim_host_gate(struct uv_loop_s *h, bool (*may_send)(void *ctx), void *ctx);
/* Gives what has come to the servers' handlers. It is the machine's turn (sim_clock.h). */
void sim_host_deliver(struct uv_loop_s *h);
bool sim_host_waits(const struct uv_loop_s *h); /* something has come and is not delivered */

/* Connects to the listener at `address`; `peer` is what the node calls this side in its log.
 * `path`: NULL, nothing lies between. `wake` is called when something has come for this side.
 * Connecting takes no time. EXAM_CONN: nobody listens there, or takes no more connections;
 * EXAM_NOMEM. */
EXAM_MUST_USE exam_err sim_dial(struct uv_loop_s *h, const char *address, const char *peer,
                                const struct sim_path *path, void (*wake)(void *ctx), void *ctx,
                                struct sim_end **out);
/* Sends whole frames. EXAM_CONN: the connection is gone; EXAM_AGAIN: too much is unread. */
EXAM_MUST_USE exam_err sim_end_send(struct sim_end *e, const uint8_t *frames, size_t bytes);
/* The next payload that came; it lives until the next call with this end, or the node's next turn.
 * False: none. */
bool sim_end_next(struct sim_end *e, const uint8_t **payload, size_t *bytes);
/* True when the node has closed, and everything that came before has been taken. */
bool sim_end_is_over(const struct sim_end *e);
/* Hangs up: the node sees the connection closed; nothing more comes. The memory stays. */
void sim_end_shut(struct sim_end *e);
/* Hangs up, and frees. NULL is allowed. */
void sim_end_free(struct sim_end *e);
/* Frees without hanging up, as a power cut does: as sim_host_unplug, the other way round. NULL is
 * allowed. */
void sim_end_unplug(struct sim_end *e);

#endif
