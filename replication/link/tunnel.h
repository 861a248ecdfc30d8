/* tunnel.h - one end of a connection, frame by frame: plain, or through a channel whose owner is in
 * the site's roster of keys. The one place where channels, keys and framing meet; what moves the
 * bytes (link_nng.c, the node's server, the tools) is the same for both.
 *
 * Bytes from the peer go in (tunnel_space, tunnel_filled), its frames come out (tunnel_next); what
 * the handshake has to say is appended to `out`, and is sent whatever tunnel_next returned. Frames
 * to the peer are sealed in the order in which they are queued, and once: sealed bytes that are
 * dropped end the channel.
 *
 * Of a sealed connection nothing comes out before the peer has proven who it is, an accepted one's
 * by its first record. A record that comes in may hold as much as the longest frame; who sends to a
 * server seals frame by frame.
 *
 * Not thread-safe; one owner. Needs chance for its handshake only, of libsodium's generator. Errors
 * end the tunnel; tunnel_why says for the log what happened, without a secret in it. */
#ifndef EXAM_TUNNEL_H
#define EXAM_TUNNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "channel.h"
#include "exam_err.h"
#include "frame.h"
#include "keyring.h"

enum {
    TUNNEL_WHY_BYTES = 192,
    /* What one call of tunnel_begin or tunnel_next appends to `out` at the most. */
    TUNNEL_OUT_BYTES_MAX = CHANNEL_HANDSHAKE_FRAME_BYTES_MAX + CHANNEL_RECORD_FRAME_BYTES,
};

/* What the connections of one endpoint have in common; lives longer than they do. */
struct tunnel_end {
    const struct keyring *keys; /* NULL: plain */
    enum channel_conversation conversation;
    enum key_kind peers;      /* whose keys are let in; for who dials: whom it dials */
    size_t payload_bytes_max; /* of a frame that comes in; 1..FRAME_BYTES_MAX */
};

/* Private. */
struct tunnel {
    const struct tunnel_end *end;
    struct frame_reader outer, inner, before;
    struct key_entry peer;
    struct channel channel;
    char why[TUNNEL_WHY_BYTES];
};

/* Memory for what comes in, of which `receive_bytes` at least are for bytes as they arrive (0: as
 * much as a frame needs). */
size_t tunnel_buf_bytes(const struct tunnel_end *end, size_t receive_bytes);

/* `buf` of that many bytes stays the caller's. `responder`: who is dialled, by name; NULL: the
 * connection was accepted. EXAM_NOT_FOUND: the roster has no good key of that name. */
EXAM_MUST_USE exam_err tunnel_init(struct tunnel *t, const struct tunnel_end *end, uint8_t *buf,
                                   size_t receive_bytes, bool dialled, const char *responder);
/* Wipes what is secret. A tunnel of zeros is fine. */
void tunnel_fini(struct tunnel *t);

/* What a dialled one says first; nothing if it is plain or accepted. Errors as of the channel. */
EXAM_MUST_USE exam_err tunnel_begin(struct tunnel *t, struct channel_out *out);

/* As frame_reader_space and frame_reader_filled. */
void tunnel_space(struct tunnel *t, uint8_t **at, size_t *bytes);
void tunnel_filled(struct tunnel *t, size_t bytes);

/* The next whole frame's payload, which lives until the next call but for tunnel_put_back.
 * EXAM_AGAIN: more bytes are needed. `out` has room for TUNNEL_OUT_BYTES_MAX.
 * Errors: as frame_reader_next, channel_handshake_read and channel_open. */
EXAM_MUST_USE exam_err tunnel_next(struct tunnel *t, struct channel_out *out,
                                   const uint8_t **payload, size_t *payload_bytes);
/* Of an accepted one: the peer's whole hello is there, so the next tunnel_next costs a handshake.
 */
bool tunnel_has_hello(const struct tunnel *t);
/* The frame that tunnel_next gave last comes again. */
void tunnel_put_back(struct tunnel *t);

bool tunnel_is_sealed(const struct tunnel *t); /* or plain */
/* Frames may be sent: it is plain, or the peer has proven who it is. */
bool tunnel_is_open(const struct tunnel *t);
/* Who the peer has proven to be; NULL: plain, or not open. */
const struct key_entry *tunnel_peer(const struct tunnel *t);
/* False: the roster in use does not have the peer's key any more, or it was revoked. */
bool tunnel_peer_is_good(const struct tunnel *t);

/* Appends whole frames for the peer; tunnel_sealed_bytes of room. Plain ones are copied as they
 * are. EXAM_STATE, EXAM_FULL: nothing was done. EXAM_CONN: it has ended. */
EXAM_MUST_USE exam_err tunnel_seal(struct tunnel *t, const uint8_t *frames, size_t bytes,
                                   struct channel_out *out);
size_t tunnel_sealed_bytes(const struct tunnel *t, size_t bytes);

const char *tunnel_why(const struct tunnel *t); /* "" while nothing failed */

#endif
