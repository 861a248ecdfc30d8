/* node.h - one exam server: the engine, its endpoints and the replication with its peers.
 * Shell without a loop of its own: loop.c turns it with libuv, a simulation in virtual time. One
 * thread; NNG's threads only wake the loop.
 *
 * A turn: whatever has arrived from seats, administrators and peers has been taken in and decided;
 * then the new records go to the standby, then they are committed here, and every reply goes out
 * when what it promises is durable (D1, A1). */
#ifndef EXAM_NODE_H
#define EXAM_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "admin.pb-c.h"
#include "config.h"
#include "exam.h"
#include "exam_err.h"
#include "keyring.h"
#include "link.h"
#include "metrics.h"
#include "rep.h"
#include "store.h"
#include "vault.h"

struct node;
struct uv_loop_s;

/* W1: nothing vouches for what a seat says of epochs: so far above a node's own it is believed, and
 * what begins by a person's word gets a higher number. */
enum { NODE_EPOCHS_CLAIMED_MAX = 1000 };

/* What a node stands on: real, or simulated by the same headers (clock.h and server.h, too). */
struct node_parts {
    store *store;             /* taken over, on failure, too */
    struct link_hub *hub;     /* to the other nodes; its wake leads to node_take_links */
    struct keyring *keys;     /* NULL: plain connections; the same for the hub */
    struct vault *vault;      /* P3; NULL: nothing is sealed. The caller's, and lives longer */
    struct uv_loop_s *loop;   /* of server.c */
    uint32_t beats_gather_ms; /* how long heartbeats wait for each other (seat_server.h) */
    uint32_t word_slack_ms;   /* T7: how long a word of a seat may take (seat_server.h) */
    uint32_t window_bytes;    /* on their way to a standby at a time (rep.h); 0: the default */
};

/* Brings the state up to date and opens the three endpoints. On failure `why` says what to do about
 * it, and the process is to end. Errors: those of engine_open and of the endpoints. */
EXAM_MUST_USE exam_err node_open(const struct config *config, const struct node_parts *parts,
                                 struct node **out, char *why, size_t why_bytes);
void node_start(struct node *n);

/* Takes in what the other nodes sent. */
void node_take_links(struct node *n);
/* The network to the other nodes may be back: the next turn dials those that are not connected,
 * without waiting for the time of the next attempt. */
void node_dial_peers(struct node *n);
/* Ends a turn of the loop: call it before the loop waits for anything, and after. Returns when it
 * is to be called at the latest (clock_boot_ms). */
uint64_t node_turn(struct node *n);
/* EXAM_IO, EXAM_FULL, EXAM_CORRUPT: the node must not go on (D6); what happened is in the log. */
exam_err node_failure(const struct node *n);

/* R1, W4: what this node's own UPS says. It may be told what it knows already (after a restart):
 * only a change is booked. Battery low: hands over to a standby in sync, or suspends what runs, and
 * then wants to be stopped. */
enum node_power { NODE_MAINS_LOST, NODE_MAINS_BACK, NODE_BATTERY_LOW };
void node_power(struct node *n, enum node_power what);
/* For the status; decides nothing. `text` is copied and mended; without it no UPS is configured. */
void node_power_told(struct node *n, Admin__Power power, const char *text);
/* An orderly end is wanted: a primary hands over to a standby in sync first, so that no candidate
 * waits; it is not held up for long. node_wants_stop then says when. */
void node_leave(struct node *n);
/* W4, node_leave: the node has done what it could and is to be stopped, in order. */
bool node_wants_stop(const struct node *n);

/* An orderly end: commits, tells seats and peers, closes the store. Nothing but ending the process
 * may follow. */
void node_stop(struct node *n);
/* For a simulation: ends as a crash does, or frees what node_stop has ended. Nothing is written or
 * sent any more; the store is closed. The hub and the connections of server.h are the caller's. */
void node_abandon(struct node *n);

const exam *node_exam(const struct node *n);
uint64_t node_site_ms(const struct node *n);     /* now, on the site's timeline (exam.h) */
struct position node_last(const struct node *n); /* of its log, in memory */
const rep *node_rep(const struct node *n);
uint64_t node_durable_lsn(const struct node *n); /* on its own disk */
/* What a monitor may know; leaves alone what the node does not. `out` holds what it was given the
 * last time, or zeros: some of it is counted every few seconds only. */
void node_metrics(struct node *n, struct metrics *out);

#endif
