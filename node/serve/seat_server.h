/* seat_server.h - the seats' endpoint: the conversation of seat.proto over server.h.
 * Shell. Loop thread only. Turns requests into commands of the exam core and queues every reply
 * until what it promises is durable (D1). Holds who is connected; the truth is in the engine. */
#ifndef EXAM_SEAT_SERVER_H
#define EXAM_SEAT_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "engine.h"
#include "histogram.h"
#include "keyring.h"
#include "record.h"
#include "vault.h"

struct seat_server;
struct uv_loop_s;

/* What the seats' endpoint asks of the node around it. */
struct seat_node {
    struct engine *engine;
    const char *name;
    const struct keyring *keys; /* NULL: plain connections */
    const struct vault *vault;  /* NULL: nothing is sealed */
    uint32_t beats_gather_ms;   /* see seat_server_flush */
    uint32_t
        word_slack_ms; /* T7: what a word of a seat may take, there and back, without being late */
    void *ctx;
    bool (*serving)(void *ctx); /* this node is the primary and its epoch is durable (W1) */
    bool (*held)(void *ctx);    /* decide nothing now: the standby is lost, or a hand-over drains */
    uint64_t (*epoch)(void *ctx);                  /* the highest that this node knows */
    void (*epoch_seen)(void *ctx, uint64_t epoch); /* by a seat, and higher than this node's */
    /* A mark of this site's nodes is of that epoch, higher than any this node knows, or of another
     * node's epoch of the same number (W1). NULL: nobody wants to know. */
    void (*epoch_proven)(void *ctx, uint64_t epoch);
};

EXAM_MUST_USE exam_err seat_server_open(struct uv_loop_s *loop, const struct config *config,
                                        const struct seat_node *node, struct seat_server **out,
                                        char *why, size_t why_bytes);
void seat_server_close(struct seat_server *s);
/* The memory, and nothing else: whatever server.h has of it is the caller's. */
void seat_server_free(struct seat_server *s);

/* This node begins to serve, or serves no more: tells every seat. */
void seat_server_serving(struct seat_server *s, bool serving);
/* The node decides again: takes up what was held. */
void seat_server_resume(struct seat_server *s);
/* An event was decided and applied: queues the notices that follow from it. */
void seat_server_event(struct seat_server *s, const struct record *r, const Ev__Event *event);
/* As a turn of the node begins: what seats have sent before the last ones has been read (T7). */
void seat_server_turn(struct seat_server *s);
/* Before a commit: the marks of the heartbeats that came in. They go with a batch that there is
 * anyway, or wait for each other until seat_server_due_ms: 480 seats are not 480 commits a second.
 */
void seat_server_flush(struct seat_server *s);
uint64_t seat_server_due_ms(const struct seat_server *s); /* clock_boot_ms; UINT64_MAX: none */
/* Everything up to `lsn` may be told; `solo`: durable on this node only (A1). */
void seat_server_released(struct seat_server *s, uint64_t lsn, bool solo);
/* Once a second: seats that have gone silent. */
void seat_server_sweep(struct seat_server *s);
/* After a new roster of keys. */
void seat_server_recheck(struct seat_server *s);

/* What the endpoint knows of a seat (P3, P6). */
struct seat_contact {
    bool connected;
    bool unsent_known; /* it has told since it attached */
    uint64_t unsent;   /* answers on its own disk only */
    uint64_t silent_ms;
};
/* Of all seats of the site, by their number: room for exam_seats() + 1. */
void seat_server_contacts(struct seat_server *s, struct seat_contact *by_seat);
/* A seat of that name is connected: switched on, and at its screen. */
bool seat_server_in_contact(struct seat_server *s, const char *seat);

uint32_t seat_server_seats(const struct seat_server *s);    /* connected and known */
uint32_t seat_server_attached(const struct seat_server *s); /* with a sitting */
/* Replies that wait until what they promise is durable, and how long those before them waited. */
size_t seat_server_queued(const struct seat_server *s);
const struct histogram *seat_server_waits(const struct seat_server *s);

#endif
