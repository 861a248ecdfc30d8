/* password_box.h - a secret of 32 bytes that a password opens: a person's key, a site's data key.
 * Pure but for time and memory: Argon2id takes a second and 256 MiB of them (password_cost_people),
 * so that whoever has found the file tries few passwords. Thread-safe. sodium_init has been called.
 * Passwords and secrets are wiped by their owner.
 *
 * `bound` is what stands beside the box in its file, as bytes that the caller puts together: the
 * box opens only with the same ones, so that none of it can be exchanged. */
#ifndef EXAM_PASSWORD_BOX_H
#define EXAM_PASSWORD_BOX_H

#include <stddef.h>
#include <stdint.h>

#include "exam_err.h"

enum {
    PASSWORD_SECRET_BYTES = 32,
    PASSWORD_SALT_BYTES = 16,
    PASSWORD_NONCE_BYTES = 24,
    PASSWORD_SEALED_BYTES = PASSWORD_SECRET_BYTES + 16,
    PASSWORD_CHANCE_BYTES = PASSWORD_SALT_BYTES + PASSWORD_NONCE_BYTES,
    PASSWORD_BOX_TEXT_BYTES = 256,
};

struct password_cost {
    uint64_t ops, memory_bytes;
};
extern const struct password_cost password_cost_people; /* Argon2id, moderate */
extern const struct password_cost password_cost_least;  /* for tests: protects nothing */

struct password_box {
    struct password_cost cost;
    uint8_t salt[PASSWORD_SALT_BYTES];
    uint8_t nonce[PASSWORD_NONCE_BYTES];
    uint8_t sealed[PASSWORD_SEALED_BYTES];
};

/* `chance`: of a cryptographic generator, never used before. EXAM_NOMEM. */
EXAM_MUST_USE exam_err password_box_seal(struct password_box *out, const struct password_cost *cost,
                                         const char *password, const void *bound,
                                         size_t bound_bytes,
                                         const uint8_t secret[PASSWORD_SECRET_BYTES],
                                         const uint8_t chance[PASSWORD_CHANCE_BYTES]);
/* EXAM_AUTH: another password, or the box or what it is bound to was changed; EXAM_NOMEM. */
EXAM_MUST_USE exam_err password_box_open(const struct password_box *box, const char *password,
                                         const void *bound, size_t bound_bytes,
                                         uint8_t secret[PASSWORD_SECRET_BYTES]);

/* One line of text, without its end: "argon2id 3 268435456 <hex>". */
void password_box_format(const struct password_box *box, char out[PASSWORD_BOX_TEXT_BYTES]);
/* EXAM_MALFORMED; EXAM_TOO_BIG: it asks for more time or memory than any box of people does. */
EXAM_MUST_USE exam_err password_box_parse(const char *text, struct password_box *out);

#endif
