/* package_seal.h - writes a sealed package (package_header.h has its format).
 * Shell: writes a stream, draws chance. Not thread-safe. sodium_init has been called.
 * begin, write as often as one likes, end; fini in any case: it wipes what is secret. An error
 * sticks: the next calls return it, and what was written is no package. */
#ifndef EXAMCTL_PACKAGE_SEAL_H
#define EXAMCTL_PACKAGE_SEAL_H

#include <sodium.h>
#include <stdio.h>

#include "package_header.h"

struct package_order {
    const struct key_file *office; /* who signs */
    const char *batch;
    const char *password;
    const struct password_cost *cost;
    int64_t made_wall_ms;
};

struct package_seal {
    FILE *to;
    const struct key_file *office;
    exam_err err;
    crypto_generichash_state hash;
    crypto_secretstream_xchacha20poly1305_state stream;
    uint8_t plain[PACKAGE_CHUNK_BYTES];
    size_t plain_n;
};

/* EXAM_NOMEM; EXAM_IO: errno says why. */
EXAM_MUST_USE exam_err package_seal_begin(struct package_seal *s, FILE *to,
                                          const struct package_order *order);
EXAM_MUST_USE exam_err package_seal_write(struct package_seal *s, const void *bytes, size_t n);
/* The last chunk, and the signature. The stream is the caller's to flush. */
EXAM_MUST_USE exam_err package_seal_end(struct package_seal *s);
void package_seal_fini(struct package_seal *s);

#endif
