/* link.h - framed, bounded byte-stream connections between processes, dialled or accepted.
 * Shell (link_nng.c: NNG streams over tcp:// and ipc://) or simulated (link_mem.c): one contract,
 * one test suite.
 *
 * Threading: one thread, the owner's, calls everything of one hub. The implementation's own threads
 * move bytes and call `wake`, nothing else; whatever happened is handed out by link_next on the
 * owner's thread. `wake` comes from any thread, also while the owner is inside one of these calls,
 * and must only signal (uv_async_send, a write to an eventfd). After a wake call link_next until it
 * returns false; a wake may turn out to be for nothing.
 *
 * Bounds: a link holds at most one receive buffer and `send_bytes_max` of frames to send. A peer
 * that the owner does not drain is not read from (so TCP holds it back); a peer that does not read
 * is EXAM_AGAIN to the sender, and is closed when it has taken nothing for send_timeout_ms.
 *
 * Liveness and redialling are the caller's business: a link that dies silently raises no event.
 *
 * With keys every link is a channel (tunnel.h): it opens when both ends have proven who they are,
 * and nothing that came before is handed out. Links in memory have none. */
#ifndef EXAM_LINK_H
#define EXAM_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exam_err.h"
#include "exam_limits.h"
#include "tunnel.h"

struct link_hub;

/* A link's name in its hub; never used again for another link. All zero: no link. */
struct link_id {
    uint64_t n;
};

struct link_options {
    size_t payload_bytes_max; /* of a frame that comes in. 0: FRAME_BYTES_MAX */
    size_t recv_bytes;        /* receive buffer a link; at least a whole frame. 0: just that */
    size_t send_bytes_max;    /* queued a link, headers included. 0: 4 frames of FRAME_BYTES_MAX */
    uint32_t links_max;       /* dialled and accepted together. 0: 64 */
    uint32_t accepted_max;    /* a connection beyond it is closed at once. 0: links_max / 2 */
    uint32_t dial_timeout_ms; /* 0: 2,000 */
    uint32_t send_timeout_ms; /* without progress. 0: 5,000 */
    void (*wake)(void *ctx);  /* see above; may be NULL for an owner that polls */
    void *wake_ctx;
    /* Zeros: plain. Its payload_bytes_max is the one above; its keys live longer than the hub. */
    struct tunnel_end tunnel;
};

enum link_event_kind {
    LINK_OPENED = 1, /* a dial succeeded, or a connection was accepted */
    LINK_FRAME,      /* one payload, in the order in which the peer sent them */
    LINK_CLOSED,     /* an open link is gone: its id is void. Frames that had arrived came before */
    LINK_DIAL_FAILED, /* the dialled link is gone: its id is void */
    LINK_REFUSED, /* a connection that was accepted did not prove who it is: it never was a link */
};

struct link_event {
    enum link_event_kind kind;
    struct link_id link;
    bool dialled;           /* by this hub; else accepted */
    uint64_t token;         /* as given to link_dial; 0 for accepted ones */
    const uint8_t *payload; /* LINK_FRAME; lives until the next call of link_next on the hub */
    size_t payload_bytes;
    /* LINK_CLOSED, LINK_DIAL_FAILED: EXAM_CONN refused, reset or closed by the peer; EXAM_TIMEOUT;
     * EXAM_MALFORMED or EXAM_TOO_BIG a hostile header; EXAM_INVALID a URL that means nothing;
     * EXAM_NOMEM; EXAM_SYSTEM; and LINK_REFUSED, too: what tunnel.h has against the peer. */
    exam_err reason;
    const char *why;     /* the same for the log; "": no more is known. Lives as the payload does */
    const char *address; /* LINK_REFUSED: whose connection it was; else "" */
};

/* A hub over NNG streams. Zeros in `o` are the defaults. Errors: EXAM_NOMEM; EXAM_SYSTEM. */
EXAM_MUST_USE exam_err link_hub_new(const struct link_options *o, struct link_hub **out);

/* Closes everything and frees the hub; waits for callbacks under way, never for a peer.
 * NULL is allowed. */
void link_hub_free(struct link_hub *h);

/* Accepts connections at `url` ("tcp://127.0.0.1:7102", "ipc:///run/exam.sock") from now on.
 * On failure `why` says what to do. Errors: EXAM_EXISTS the address is in use; EXAM_INVALID;
 * EXAM_FULL too many listeners (4); EXAM_NOMEM; EXAM_SYSTEM. */
EXAM_MUST_USE exam_err link_listen(struct link_hub *h, const char *url, char *why,
                                   size_t why_bytes);

/* Begins to dial; the outcome is an event (LINK_OPENED or LINK_DIAL_FAILED) with `token`.
 * `peer`: who must be there, by the name in the roster; NULL will do without keys.
 * Errors: EXAM_FULL links_max; EXAM_INVALID the URL; EXAM_NOT_FOUND the roster has no such peer;
 * EXAM_NOMEM. Then no event comes. */
EXAM_MUST_USE exam_err link_dial(struct link_hub *h, const char *url, const char *peer,
                                 uint64_t token, struct link_id *out);

/* Sends whole frames, headers included (codec_frame_pack), at once if the link is idle; copies what
 * has to wait. All of it is queued, or nothing.
 * Errors: EXAM_AGAIN over send_bytes_max: the peer is slow; EXAM_CONN not an open link (its
 * LINK_CLOSED may still be to come); EXAM_NOMEM. */
EXAM_MUST_USE exam_err link_send(struct link_hub *h, struct link_id id, const uint8_t *frames,
                                 size_t bytes);

/* Bytes that wait to be sent; 0 for a link that is gone. */
size_t link_queued_bytes(const struct link_hub *h, struct link_id id);

/* Closes or stops dialling; no further event comes of this link. What was queued is still sent, for
 * as long as the peer takes it (send_timeout_ms); the end of it needs link_next as events do. An id
 * that is void already is fine. */
void link_close(struct link_hub *h, struct link_id id);

/* The next thing that happened; false: nothing more for now. */
bool link_next(struct link_hub *h, struct link_event *out);

/* The other end's address for a log line ("10.0.0.7:50112"); "" when it has none. */
void link_peer(const struct link_hub *h, struct link_id id, char *out, size_t out_bytes);

/* Who has proven to be at the other end of an open link; NULL: nobody has to, without keys. Lives
 * until the next call of link_next. */
const struct key_entry *link_identity(const struct link_hub *h, struct link_id id);

/* After a new roster: closes the links whose peer's key it does not have or has revoked. They come
 * as LINK_CLOSED, EXAM_AUTH. */
void link_recheck(struct link_hub *h);

static inline bool link_same(struct link_id a, struct link_id b)
{
    return a.n == b.n;
}

static inline bool link_none(struct link_id a)
{
    return a.n == 0;
}

#endif
