/* channel_noise.h - the suite of channel.h: Noise_IK_25519_ChaChaPoly_SHA256 (Noise Protocol
 * Framework, revision 34) on libsodium's primitives. Pure. Internal to channel.c and its tests.
 *
 *     <- s                      the initiator knows the responder's static key beforehand
 *     -> e, es, s, ss, payload  "hello"
 *     <- e, ee, se, payload     "reply"
 *
 * A failed call leaves secrets in the caller's structs: the caller wipes those. What a call itself
 * computed on the way is wiped here. sodium_init has been called. Errors: EXAM_INVALID, a public
 * key of low order; EXAM_AUTH, the bytes are not what the owner of the expected keys has sealed. */
#ifndef EXAM_CHANNEL_NOISE_H
#define EXAM_CHANNEL_NOISE_H

#include <stddef.h>
#include <stdint.h>

#include "exam_err.h"

enum {
    NOISE_KEY_BYTES = 32,
    NOISE_HASH_BYTES = 32,
    NOISE_TAG_BYTES = 16,
    NOISE_MESSAGE_BYTES_MAX = 65535,
    /* What a message is longer than its payload. */
    NOISE_HELLO_BYTES = NOISE_KEY_BYTES + NOISE_KEY_BYTES + NOISE_TAG_BYTES + NOISE_TAG_BYTES,
    NOISE_REPLY_BYTES = NOISE_KEY_BYTES + NOISE_TAG_BYTES,
};

/* The counter of which Noise keeps the last value for REKEY: no message has it. */
#define NOISE_COUNTER_END UINT64_MAX

struct noise_key_pair {
    uint8_t secret[NOISE_KEY_BYTES];
    uint8_t public[NOISE_KEY_BYTES];
};

/* CipherState */
struct noise_cipher {
    uint8_t key[NOISE_KEY_BYTES];
    uint64_t counter; /* of the next message */
};

/* HandshakeState, the SymmetricState in it. */
struct noise_handshake {
    struct noise_cipher cipher;
    uint8_t chaining_key[NOISE_HASH_BYTES];
    uint8_t hash[NOISE_HASH_BYTES];
    uint8_t own_ephemeral[NOISE_KEY_BYTES]; /* secret */
    uint8_t peer_ephemeral[NOISE_KEY_BYTES];
    uint8_t peer_static[NOISE_KEY_BYTES];
};

void noise_key_pair_of(const uint8_t secret[NOISE_KEY_BYTES], struct noise_key_pair *out);

/* `responder` is the responder's static public key, on both sides. */
void noise_begin(struct noise_handshake *hs, const uint8_t *prologue, size_t prologue_bytes,
                 const uint8_t responder[NOISE_KEY_BYTES]);

/* The initiator's message: hs->own_ephemeral and hs->peer_static are set by the caller. `out` holds
 * NOISE_HELLO_BYTES + payload_bytes. */
EXAM_MUST_USE exam_err noise_hello_write(struct noise_handshake *hs,
                                         const struct noise_key_pair *own, const uint8_t *payload,
                                         size_t payload_bytes, uint8_t *out);

/* The responder reads it in two steps: who claims to send it (hs->peer_static), and, when that one
 * is welcome, the payload, which proves the claim. `message_bytes` is NOISE_HELLO_BYTES at least.
 */
EXAM_MUST_USE exam_err noise_hello_read_static(struct noise_handshake *hs,
                                               const struct noise_key_pair *own,
                                               const uint8_t *message);
EXAM_MUST_USE exam_err noise_hello_read_payload(struct noise_handshake *hs,
                                                const struct noise_key_pair *own,
                                                const uint8_t *message, size_t message_bytes,
                                                uint8_t *payload);

/* The responder's message: hs->own_ephemeral is set by the caller. `out` holds NOISE_REPLY_BYTES +
 * payload_bytes. */
EXAM_MUST_USE exam_err noise_reply_write(struct noise_handshake *hs, const uint8_t *payload,
                                         size_t payload_bytes, uint8_t *out);
/* `message_bytes` is NOISE_REPLY_BYTES at least. */
EXAM_MUST_USE exam_err noise_reply_read(struct noise_handshake *hs,
                                        const struct noise_key_pair *own, const uint8_t *message,
                                        size_t message_bytes, uint8_t *payload);

/* After the reply: the keys of both directions, and the handshake is wiped but for its hash. */
void noise_split(struct noise_handshake *hs, struct noise_cipher *of_initiator,
                 struct noise_cipher *of_responder);

/* One message of a direction; the counter is below its end and goes up. `out` holds n +
 * NOISE_TAG_BYTES, or n - NOISE_TAG_BYTES, and may be the same memory as `in`. */
void noise_seal(struct noise_cipher *c, const uint8_t *in, size_t n, uint8_t *out);
EXAM_MUST_USE exam_err noise_open(struct noise_cipher *c, const uint8_t *in, size_t n,
                                  uint8_t *out);

/* REKEY: what was sealed before cannot be read with the new key. The counter goes on. */
void noise_rekey(struct noise_cipher *c);

#endif
