/* tcp_link.h - one framed TCP connection from a simulated seat to a node, on a libuv loop.
 * Shell. Everything runs on the loop's thread. Thousands of them share one receive buffer, so a
 * link that has no partial frame costs a few hundred bytes.
 *
 * A link is dialled, opens or not, delivers frames, and ends exactly once: either by itself
 * (`closed` is called) or by tcp_link_close (nothing is called any more). Its memory is given back
 * after that. Nothing is called while a function of this header runs, tcp_link_heal excepted.
 *
 * A cable that is pulled says nothing to either side. A link whose path is cut is stalled: what is
 * sent waits, as TCP would keep it, and nothing is read. Closed in that state it is abandoned: the
 * other side hears of its end only when the path is healed. */
#ifndef SEATSIM_TCP_LINK_H
#define SEATSIM_TCP_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <uv.h>

#include "exam_err.h"
#include "tunnel.h"

enum { TCP_LINK_QUEUED_BYTES_MAX = 256 * 1024 };

struct tcp_link;
LIST_HEAD(tcp_links, tcp_link);

struct tcp_link_pool { /* one a loop; zeroed and given the loop before the first dial */
    uv_loop_t *loop;
    uint64_t links_open; /* connections in any state, also those being closed */
    struct tcp_links abandoned;
    uint8_t buffer[2 * (FRAME_HEADER_BYTES + FRAME_BYTES_MAX)];
    uint8_t sealed[2 * CHANNEL_RECORD_FRAME_BYTES + FRAME_HEADER_BYTES + FRAME_BYTES_MAX];
    uint64_t refused_n;                 /* channels that did not open, */
    char refused_why[TUNNEL_WHY_BYTES]; /* and why the last one did not */
};

struct tcp_link_hooks {
    void (*opened)(void *ctx, uint32_t node);
    void (*closed)(void *ctx, uint32_t node);
    /* `sent_ms`: when the request that this frame answers was sent, at the latest; for a pushed
     * frame and after more than TCP_LINK_REQUESTS_TIMED in flight, when the link opened. */
    void (*frame)(void *ctx, uint32_t node, const uint8_t *payload, size_t payload_bytes,
                  uint64_t sent_ms);
};

enum { TCP_LINK_REQUESTS_TIMED = 128 };

/* Whom to dial, and as who. */
struct tcp_link_target {
    const struct sockaddr *to;
    const struct tunnel_end *end; /* lives longer than the link; plain without keys */
    const char *name;             /* of the node in the roster */
};

/* Begins to connect; it opens when it could send frames. EXAM_SYSTEM, EXAM_NOMEM, EXAM_NOT_FOUND:
 * not even that could be done; nothing will be called. */
EXAM_MUST_USE exam_err tcp_link_dial(struct tcp_link_pool *pool,
                                     const struct tcp_link_target *target,
                                     const struct tcp_link_hooks *hooks, void *ctx, uint32_t node,
                                     struct tcp_link **out);
void tcp_link_close(struct tcp_link *l);
/* The same with a reset, at once even when it is stalled. */
void tcp_link_reset(struct tcp_link *l);

void tcp_link_stall(struct tcp_link *l);
/* The path is there again. May call `opened`. A request that waited counts as sent now. */
void tcp_link_heal(struct tcp_link *l, uint64_t now_ms);
/* Ends what was abandoned by this owner on the way to this node. */
void tcp_link_release(struct tcp_link_pool *pool, const void *ctx, uint32_t node);

/* False: a frame that was pushed. */
bool tcp_link_is_reply(const uint8_t *payload);

/* True while a request is on its way, or at the node, that has not been answered. */
bool tcp_link_waits(const struct tcp_link *l);
/* When the path was last known to be whole again: opened, or healed. The time of a request that
 * was sent before is no round trip. */
uint64_t tcp_link_healed_ms(const struct tcp_link *l);

/* Sends a whole frame, copying what the socket does not take at once. EXAM_FULL: more than
 * TCP_LINK_QUEUED_BYTES_MAX wait already; EXAM_CONN: the connection is broken. After either the
 * caller closes the link. */
EXAM_MUST_USE exam_err tcp_link_send(struct tcp_link *l, const uint8_t *frame, size_t frame_bytes,
                                     uint64_t now_ms);

#endif
