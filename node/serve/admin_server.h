/* admin_server.h - the administrators' endpoint: the conversation of admin.proto over server.h.
 * Shell. Loop thread only. An act is answered when it is durable; its name and reason are in the
 * log (R4). */
#ifndef EXAM_ADMIN_SERVER_H
#define EXAM_ADMIN_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "admin.pb-c.h"
#include "config.h"
#include "engine.h"
#include "seat_server.h"

struct admin_server;
struct uv_loop_s;

/* The answer to an act that takes a while (promotion). `err` EXAM_OK: done, `text` says what. */
struct admin_outcome {
    exam_err err;
    const char *rule, *text;
};

struct admin_node {
    struct engine *engine;
    const char *name;
    const struct keyring *keys; /* NULL: plain connections */
    unsigned two_person;        /* config.h */
    uint64_t grant_two_person_ms;
    const struct vault *vault; /* NULL: nothing is sealed */
    void *ctx;
    bool (*serving)(void *ctx);
    bool (*held)(void *ctx);
    /* Fills role, epoch, solo, waiting, peers and what else the endpoint cannot know itself. The
     * pointers it sets live until the next call. */
    void (*status)(void *ctx, Admin__NodeStatus *out);
    /* Starts a promotion or the founding of a site; admin_server_outcome() tells how it ended,
     * perhaps before the call returns. */
    void (*promote)(void *ctx, const Admin__Promote *m);
    void (*found)(void *ctx, const Admin__Found *m);
    /* P3: DATA_KEY_BYTES. `text` says what became of it. */
    exam_err (*unlock)(void *ctx, const uint8_t *key, const char **text);
    /* Of the seats' endpoint: seat_server.h. */
    void (*contacts)(void *ctx, struct seat_contact *by_seat);
    bool (*in_contact)(void *ctx, const char *seat);
};

EXAM_MUST_USE exam_err admin_server_open(struct uv_loop_s *loop, const struct config *config,
                                         const struct admin_node *node, struct admin_server **out,
                                         char *why, size_t why_bytes);
void admin_server_close(struct admin_server *a);
/* The memory, and nothing else: whatever server.h has of it is the caller's. */
void admin_server_free(struct admin_server *a);

/* The promotion or founding under way has ended. */
void admin_server_outcome(struct admin_server *a, const struct admin_outcome *o);
/* Everything up to `lsn` may be told. */
void admin_server_released(struct admin_server *a, uint64_t lsn);
/* This node serves no more: what waits is answered with that. */
void admin_server_retired(struct admin_server *a);
/* The node decides again: takes up what was held. */
void admin_server_resume(struct admin_server *a);
void admin_server_sweep(struct admin_server *a);
/* After a new roster of keys. */
void admin_server_recheck(struct admin_server *a);

#endif
