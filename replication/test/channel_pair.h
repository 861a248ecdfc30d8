/* channel_pair.h - two ends of a channel with keys and chance from a seed, for tests. What one end
 * writes lies in `wire` until it is carried, so that a test can change it on the way. */
#ifndef EXAM_TEST_CHANNEL_PAIR_H
#define EXAM_TEST_CHANNEL_PAIR_H

#include "channel.h"
#include "frame.h"

enum { WIRE_BYTES_MAX = 3 * (FRAME_HEADER_BYTES + FRAME_BYTES_MAX) };

/* Bytes on the way: whole frames, one after the other. */
struct wire {
    uint8_t bytes[WIRE_BYTES_MAX];
    size_t n;
};

struct pair {
    struct noise_key_pair initiator_key, responder_key;
    struct channel initiator, responder;
    struct channel_terms terms;
    uint64_t seed;
    /* How the responder's `admit` answers, and what it was asked. */
    exam_err admit;
    unsigned admit_calls;
    uint8_t admit_key[CHANNEL_KEY_BYTES];
};

/* Keys, terms and both channels, ready for the handshake. */
void pair_init(struct pair *p, uint64_t seed);
void pair_fini(struct pair *p);

/* New channels between the same keys, under the terms of `p` each. */
void pair_begin_initiator(struct pair *p);
void pair_begin_responder(struct pair *p);

void pair_chance(struct pair *p, uint8_t out[CHANNEL_CHANCE_BYTES]);
void pair_key(struct pair *p, struct noise_key_pair *out);

/* The next handshake message of one end replaces what is in `w`. */
void pair_handshake(struct pair *p, struct channel *from, const char *payload, struct wire *w);
/* Hands the one handshake message of `w` to `to`. */
exam_err pair_take(struct channel *to, const struct wire *w);
/* The whole handshake, without a record: the responder is not confirmed. */
void pair_shake_hands(struct pair *p);
/* The handshake and an empty record of the initiator. */
void pair_open(struct pair *p);

/* Seals into `w`, replacing what is there. */
void pair_seal(struct channel *from, const void *plain, size_t n, struct wire *w);
/* Opens every record of `w` into `plain`, which holds WIRE_BYTES_MAX; stops at the first error. */
exam_err pair_open_all(struct channel *to, const struct wire *w, uint8_t *plain, size_t *n);

#endif
