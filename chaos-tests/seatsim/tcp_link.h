/* tcp_link.h - one framed TCP connection from a simulated seat to a node, on a libuv loop.
 * Shell. Everything runs on the loop's thread. Thousands of them share one receive buffer, so a
 * link that has no partial frame costs a few hundred bytes.
 *
 * A link is dialled, opens or not, delivers frames, and ends exactly once: either by itself
 * (`closed` is called) or by tcp_link_close (nothing is called any more). Its memory is given back
 * after that. Nothing is called while a function of this header runs. */
#ifndef SEATSIM_TCP_LINK_H
#define SEATSIM_TCP_LINK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <uv.h>

#include "exam_err.h"
#include "frame.h"

enum { TCP_LINK_QUEUED_BYTES_MAX = 256 * 1024 };

struct tcp_link;

struct tcp_link_pool { /* one a loop; zeroed and given the loop before the first dial */
    uv_loop_t *loop;
    uint64_t links_open; /* connections in any state, also those being closed */
    uint8_t buffer[2 * (FRAME_HEADER_BYTES + FRAME_BYTES_MAX)];
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

/* Begins to connect. EXAM_SYSTEM: not even that could be done; nothing will be called. */
EXAM_MUST_USE exam_err tcp_link_dial(struct tcp_link_pool *pool, const struct sockaddr *to,
                                     const struct tcp_link_hooks *hooks, void *ctx, uint32_t node,
                                     struct tcp_link **out);
void tcp_link_close(struct tcp_link *l);

/* Sends a whole frame, copying what the socket does not take at once. EXAM_FULL: more than
 * TCP_LINK_QUEUED_BYTES_MAX wait already; EXAM_CONN: the connection is broken. After either the
 * caller closes the link. */
EXAM_MUST_USE exam_err tcp_link_send(struct tcp_link *l, const uint8_t *frame, size_t frame_bytes,
                                     uint64_t now_ms);

#endif
