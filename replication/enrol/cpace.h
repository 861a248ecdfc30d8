/* cpace.h - two parties that share a short secret agree on a long one: CPace
 * (draft-irtf-cfrg-cpace, CPACE-RISTR255-SHA512) on libsodium's ristretto255. Pure; chance comes
 * in.
 *
 * Whoever listens learns nothing about the secret, and who takes part without it has one guess in
 * each run, which the other side sees fail: so a short secret will do when its failures are
 * counted. Nothing tells a wrong secret from a right one before a message under the key is opened.
 *
 * A `struct cpace` and the key are secrets: wipe them. sodium_init has been called. */
#ifndef EXAM_CPACE_H
#define EXAM_CPACE_H

#include <stddef.h>
#include <stdint.h>

#include "exam_err.h"

enum {
    CPACE_SHARE_BYTES = 32,
    CPACE_CHANCE_BYTES = 64,
    CPACE_KEY_BYTES = 64,
    CPACE_SECRET_BYTES_MAX = 64,
    CPACE_CHANNEL_BYTES_MAX = 64,
    CPACE_SESSION_BYTES = 16,
};

struct cpace_terms {
    const uint8_t *secret; /* PRS: what both know, at most CPACE_SECRET_BYTES_MAX */
    size_t secret_bytes;
    const uint8_t *channel; /* CI: what both take the conversation for */
    size_t channel_bytes;
    uint8_t session[CPACE_SESSION_BYTES]; /* sid: of this run only */
};

/* What one party has said: its share, and what goes with it in clear. */
struct cpace_said {
    uint8_t share[CPACE_SHARE_BYTES];
    const uint8_t *more; /* AD */
    size_t more_bytes;   /* at most 127 */
};

struct cpace {
    uint8_t scalar[32];
    uint8_t session[CPACE_SESSION_BYTES];
};

/* `chance`: of a cryptographic generator, never used for anything else. `share` is to be sent. */
void cpace_begin(struct cpace *c, const struct cpace_terms *terms,
                 const uint8_t chance[CPACE_CHANCE_BYTES], uint8_t share[CPACE_SHARE_BYTES]);

/* The key (ISK) from what was said by who spoke first and by who answered; `peer` is the one of
 * them that is not ours. EXAM_INVALID: the peer's share is none: no key, end the conversation. */
EXAM_MUST_USE exam_err cpace_key(const struct cpace *c, const struct cpace_said *first,
                                 const struct cpace_said *answer, const struct cpace_said *peer,
                                 uint8_t key[CPACE_KEY_BYTES]);

#endif
