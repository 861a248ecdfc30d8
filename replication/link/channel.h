/* channel.h - who is at the other end of a connection, and what they say, unread and unchanged: a
 * handshake, then sealed records. Pure: no socket, clock, heap or chance of its own.
 *
 * Static public keys are the identities. Whoever dials is the initiator and knows the responder's
 * key beforehand; the responder learns the initiator's and asks `admit` before a byte of payload is
 * read. The terms (conversation, site, roster) go ahead of the hello in clear, so that a responder
 * can say what does not fit before it spends anything on it, and are bound into every key.
 *
 *     initiator                                        responder
 *     WRITES   -- hello: terms, keys, payload -->      READS
 *     READS    <-- reply: key, payload --              WRITES
 *     OPEN     -- first record -->                     UNCONFIRMED: the hello may be a replay
 *     OPEN     <-- records -->                         OPEN
 *     any failure, channel_fini: ENDED, with every secret wiped
 *
 * A hello can be recorded and sent again by anyone. So a responder's channel tells nobody's name
 * and no payload until the first record has come: only then may anything change on account of it.
 * An initiator that has nothing to say sends an empty record.
 *
 * Every message goes out as a frame of frame.h; channel_frame_bytes_max bounds what may come in
 * next. Records carry a stream of bytes, cut at CHANNEL_PLAIN_BYTES_MAX: frames of up to
 * FRAME_BYTES_MAX go through it as they are, several to a record or over two, and a second
 * frame_reader takes them out. As of any stream, its end is not announced: a frame that is cut off
 * was never said.
 *
 * Counters are implicit, so a missing, repeated or reordered record ends the channel. Each
 * direction's key is replaced (Noise's REKEY) after CHANNEL_REKEY_RECORDS or CHANNEL_REKEY_BYTES,
 * on both sides after the same record.
 *
 * Not thread-safe; one owner a channel. sodium_init has been called. A `struct channel` of zeros is
 * an ended channel. It holds secrets: do not copy it, and end it with channel_fini.
 *
 * Errors end the channel unless said otherwise; channel_why then says for the log what happened,
 * without a secret in it. What came from the network is compared in constant time where it meets a
 * secret (the tags, in libsodium); public keys are no secrets. */
#ifndef EXAM_CHANNEL_H
#define EXAM_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "channel_noise.h"
#include "exam_err.h"
#include "exam_limits.h"

enum {
    CHANNEL_VERSION = 1,
    CHANNEL_KEY_BYTES = NOISE_KEY_BYTES,
    CHANNEL_CHANCE_BYTES = NOISE_KEY_BYTES,
    CHANNEL_BINDING_BYTES = NOISE_HASH_BYTES,
    CHANNEL_TERMS_BYTES = 4 + 1 + 1 + 2 + SITE_ID_BYTES + 8,
    CHANNEL_PAYLOAD_BYTES_MAX = 256, /* of a handshake message */
    CHANNEL_HELLO_BYTES_MAX = CHANNEL_TERMS_BYTES + NOISE_HELLO_BYTES + CHANNEL_PAYLOAD_BYTES_MAX,
    CHANNEL_REPLY_BYTES_MAX = NOISE_REPLY_BYTES + CHANNEL_PAYLOAD_BYTES_MAX,
    CHANNEL_HANDSHAKE_FRAME_BYTES_MAX = FRAME_HEADER_BYTES + CHANNEL_HELLO_BYTES_MAX,
    CHANNEL_RECORD_BYTES_MAX = NOISE_MESSAGE_BYTES_MAX,
    CHANNEL_PLAIN_BYTES_MAX = CHANNEL_RECORD_BYTES_MAX - NOISE_TAG_BYTES,
    CHANNEL_RECORD_FRAME_BYTES = FRAME_HEADER_BYTES + NOISE_TAG_BYTES, /* around its plain bytes */
    CHANNEL_REKEY_RECORDS = 64 * 1024,
    CHANNEL_REKEY_BYTES = 64 * 1024 * 1024, /* plain bytes */
};

enum channel_conversation { CHANNEL_SEAT = 1, CHANNEL_ADMIN, CHANNEL_REPLICA };

/* What both ends must agree on; the versions of channel and conversation go with it. An initiator
 * needs no more of a roster than the responder's key, so an older one may do: what is bound into
 * the keys is the version that the initiator has said. */
struct channel_terms {
    enum channel_conversation conversation;
    uint8_t site_id[SITE_ID_BYTES];
    uint64_t roster_version; /* of the keys that are admitted */
    /* A responder's: the oldest version of theirs that initiators may have. 0: its own version. */
    uint64_t roster_accepts;
};

enum channel_state {
    CHANNEL_ENDED = 0,
    CHANNEL_WRITES,      /* channel_handshake_write is next */
    CHANNEL_READS,       /* channel_handshake_read is next */
    CHANNEL_UNCONFIRMED, /* a responder's before the first record: channel_open is next */
    CHANNEL_OPEN,
};

struct channel_config {
    bool initiator;
    struct channel_terms terms;
    const struct noise_key_pair *own; /* lives until the handshake is over */
    const uint8_t *peer;              /* initiator: the responder's public key */
    /* Responder: EXAM_OK if this key may come in; anything else is what channel_handshake_read
     * returns. The key is claimed, not proven: nothing may change on account of it. */
    exam_err (*admit)(void *ctx, const uint8_t peer[CHANNEL_KEY_BYTES]);
    void *admit_ctx;
};

/* Where a call appends whole frames; the caller's memory, apart from the inputs. */
struct channel_out {
    uint8_t *at;
    size_t bytes_max;
    size_t bytes; /* there already */
};

/* One way through a channel, and what was sent since its last key. */
struct channel_direction {
    struct noise_cipher cipher;
    uint32_t records;
    uint32_t plain_bytes;
};

/* Private. */
struct channel {
    enum channel_state state;
    struct channel_config config;
    const char *why;
    uint8_t terms[CHANNEL_TERMS_BYTES];
    uint8_t peer[CHANNEL_KEY_BYTES];
    uint8_t binding[CHANNEL_BINDING_BYTES];
    uint8_t payload[CHANNEL_PAYLOAD_BYTES_MAX]; /* the peer's */
    size_t payload_bytes;
    struct noise_handshake handshake;
    struct channel_direction send, receive;
};

/* Begins a handshake in any memory. Errors: EXAM_INVALID, the peer's key is one's own. */
EXAM_MUST_USE exam_err channel_init(struct channel *c, const struct channel_config *config);

/* Ends the channel and wipes all of it, `why` too. */
void channel_fini(struct channel *c);

enum channel_state channel_state(const struct channel *c);

/* Why the channel has ended, in English; "" if it has not failed. Never NULL. */
const char *channel_why(const struct channel *c);

/* The bound for the payload of the frame that comes next, for its frame_reader; 0: none may. */
size_t channel_frame_bytes_max(const struct channel *c);

/* Appends one's own handshake message. `chance`: CHANNEL_CHANCE_BYTES of a cryptographic generator,
 * never used for anything else; the caller wipes them. `payload` (at most
 * CHANNEL_PAYLOAD_BYTES_MAX) of a hello can be read by whoever gets hold of the responder's key
 * later, and be replayed: nothing that is secret or to be acted upon at once. Errors: EXAM_STATE,
 * not one's turn, and EXAM_FULL, no room in `out` (a whole CHANNEL_HANDSHAKE_FRAME_BYTES_MAX is
 * always enough): nothing was done. EXAM_INVALID: the peer's key is of low order. EXAM_CONN: the
 * channel has ended. */
EXAM_MUST_USE exam_err channel_handshake_write(struct channel *c,
                                               const uint8_t chance[CHANNEL_CHANCE_BYTES],
                                               const uint8_t *payload, size_t payload_bytes,
                                               struct channel_out *out);

/* Takes the peer's handshake message, a frame's payload.
 * Errors: EXAM_STATE, not the peer's turn: nothing was done. EXAM_MALFORMED, EXAM_TOO_BIG: no
 * handshake message. EXAM_VERSION, EXAM_REFUSED, EXAM_OTHER_SITE: other terms (version or roster;
 * conversation; site). What `admit` said. EXAM_INVALID: a public key of low order. EXAM_AUTH: not
 * sealed by and for the owners of these keys under these terms. EXAM_CONN: the channel has ended.
 */
EXAM_MUST_USE exam_err channel_handshake_read(struct channel *c, const uint8_t *message,
                                              size_t message_bytes);

/* Appends records with `n` plain bytes, one empty record if n is 0. channel_sealed_bytes(n) of
 * room. Errors: EXAM_STATE, no handshake yet or not confirmed yet, and EXAM_FULL, no room in `out`:
 * nothing was done. EXAM_CONN: the channel has ended, or the counter is at its end. */
EXAM_MUST_USE exam_err channel_seal(struct channel *c, const uint8_t *plain, size_t n,
                                    struct channel_out *out);

size_t channel_sealed_bytes(size_t n);

/* Takes a record, a frame's payload, and writes its plain bytes to `plain`: up to record_bytes -
 * NOISE_TAG_BYTES, which may be none. `plain` may be `record`; on failure nothing in it means
 * anything. The first record confirms a responder's channel.
 * Errors: EXAM_STATE, no handshake yet: nothing was done. EXAM_MALFORMED, EXAM_TOO_BIG: no record.
 * EXAM_AUTH: not the record that the peer sealed next. EXAM_CONN: as for channel_seal. */
EXAM_MUST_USE exam_err channel_open(struct channel *c, const uint8_t *record, size_t record_bytes,
                                    uint8_t *plain, size_t *plain_bytes);

/* Who the peer is, and what its handshake message carried; both live as long as the channel.
 * EXAM_STATE: not known yet (for a responder: not confirmed). EXAM_CONN: the channel has ended. */
EXAM_MUST_USE exam_err channel_peer(const struct channel *c, const uint8_t **key);
EXAM_MUST_USE exam_err channel_peer_payload(const struct channel *c, const uint8_t **payload,
                                            size_t *payload_bytes);

/* A value that this channel alone has, the same at both ends: sign it to bind something to the
 * channel. Errors as channel_peer. */
EXAM_MUST_USE exam_err channel_binding(const struct channel *c, uint8_t out[CHANNEL_BINDING_BYTES]);

#endif
