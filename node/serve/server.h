/* server.h - a listener of framed TCP connections in the node's event loop, and its connections.
 * Shell (server.c, libuv) or simulated (other .c, same header). Loop thread only. What both
 * endpoints, seats' and administrators', share: bounds on connections, frames and queues, the time
 * a stranger has to say Hello, and writing.
 *
 * Whatever arrives is hostile: a length over the bound or a peer that does not read its replies
 * costs the peer its connection, nothing else. */
#ifndef EXAM_SERVER_H
#define EXAM_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exam_err.h"
#include "tunnel.h"

struct server;
struct conn;
struct uv_loop_s; /* the event loop; a simulated server needs none */

/* What became of a frame. */
enum conn_verdict {
    CONN_TAKEN,
    CONN_HELD,  /* not now: keep it and the ones after it until server_release_held() */
    CONN_CLOSE, /* close the connection, after what is queued has been written */
};

struct server_handlers {
    enum conn_verdict (*frame)(void *ctx, struct conn *c, const uint8_t *payload, size_t bytes);
    void (*closed)(void *ctx, struct conn *c, const char *why); /* the last call for this c */
    void (*drained)(void *ctx,
                    struct conn *c); /* all queued bytes are with the kernel; may be NULL */
};

/* What one connection, and all strangers together, may cost in a turn of the loop (what is taken
 * between two commits); the rest of it waits its turn, and holds up nobody else. */
enum {
    SERVER_ACCEPTS_PER_TURN = 8,
    SERVER_GREETINGS_PER_TURN = 4,     /* handshakes: some 0.4 ms each */
    SERVER_DEBTOR_GREETING_MS = 20,    /* between two of addresses in debt (door.h) */
    SERVER_BYTES_PER_TURN = 64 * 1024, /* written to one connection */
};

struct server_options {
    const char *name;   /* for the log */
    const char *listen; /* HOST:PORT */
    uint32_t conns_max;
    uint32_t per_address_max; /* connections of one address; this machine's own is exempt */
    uint32_t strangers_max;   /* connections that have not been told conn_known() */
    uint32_t per_key_max;     /* connections of one key: a further one ends the oldest; 0: any */
    uint32_t frames_per_turn; /* taken of one connection; 0: any */
    uint32_t bytes_a_second;  /* written to one key before more is taken of it; 0: any */
    size_t payload_bytes_max; /* of a frame that comes in */
    size_t queue_bytes_max;   /* of replies that the peer does not take */
    size_t conn_bytes;        /* of the owner's own data a connection: conn_data() */
    /* Zeros: plain. With keys a connection is a channel, and `frame` hears of nobody who has not
     * proven who they are. Its payload_bytes_max is the one above; a simulated server has none. */
    struct tunnel_end tunnel;
};

/* Binds and listens. On failure `why` says which address and what to do.
 * Errors: EXAM_EXISTS the port is in use; EXAM_INVALID; EXAM_SYSTEM. */
EXAM_MUST_USE exam_err server_listen(struct uv_loop_s *loop, const struct server_options *o,
                                     const struct server_handlers *h, void *ctx,
                                     struct server **out, char *why, size_t why_bytes);
/* Closes the listener and every connection (`closed` is called for each). The memory goes with the
 * loop's last close callback. */
void server_close(struct server *s);

/* Gives the held frames of every connection to `frame` again. */
void server_release_held(struct server *s);
/* Closes strangers that are over their time, and writes what the log has left out; once a second.
 */
void server_sweep(struct server *s, uint64_t now_ms);
uint32_t server_conns(const struct server *s);
/* Calls `each` for every open connection. */
void server_each(struct server *s, void (*each)(void *ctx, struct conn *c), void *ctx);

/* After a new roster of keys: closes the connections of those whose key it does not have or has
 * revoked. */
void server_recheck(struct server *s);

/* How often, and the most there ever were in one turn, or at once: what the bounds are seen by. */
struct server_counts {
    uint64_t turns, accepted, refused, greeted, debtors_greeted, put_off;
    uint32_t accepts_turn_max, greetings_turn_max, frames_turn_max, strangers_max;
};
struct server_counts server_counts(const struct server *s);

/* A reference that is safe to keep: a slot and its generation. */
struct conn_ref {
    uint32_t slot, generation;
};
struct conn_ref conn_ref_of(const struct conn *c);
struct conn *conn_of(struct server *s, struct conn_ref ref); /* NULL: gone */

void *conn_data(struct conn *c);
const char *conn_peer(const struct conn *c); /* "10.0.0.7:50112" */
/* Who has proven to be at the other end; NULL: nobody has to, without keys. */
const struct key_entry *conn_identity(const struct conn *c);
/* The peer has said a Hello that fits: it is no stranger any more. */
void conn_known(struct conn *c);
bool conn_is_known(const struct conn *c);
/* When the last byte came from the peer (clock_boot_ms). */
uint64_t conn_heard_ms(const struct conn *c);

/* Writes whole frames; copies them when the kernel does not take them at once. A peer that does not
 * read until queue_bytes_max is reached is closed. */
void conn_send(struct conn *c, const uint8_t *frames, size_t bytes);
size_t conn_queued_bytes(const struct conn *c);
/* Closes after what is queued is written, or after a second. */
void conn_close(struct conn *c, const char *why);

#endif
