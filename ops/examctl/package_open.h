/* package_open.h - reads a sealed package (package_header.h has its format).
 * Shell: reads a stream that can be read twice, in bounded memory. Not thread-safe. sodium_init has
 * been called.
 *
 * begin, check, unlock, then read until there is nothing more; fini in any case: it wipes what is
 * secret. Nothing is decrypted before the signature was found good, and what is read is only to be
 * used when read has said that it was the end: it is the same file then as the one that was
 * checked, whole. Errors leave a text for a person in `why`. */
#ifndef EXAMCTL_PACKAGE_OPEN_H
#define EXAMCTL_PACKAGE_OPEN_H

#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "package_header.h"
#include "package_sign.h"

#define PACKAGE_BYTES_MAX ((uint64_t)512 * 1024 * 1024)

struct package_open {
    FILE *from;
    struct package_header header;
    uint64_t bytes;    /* of the whole file */
    size_t line_bytes; /* of the header, with its end */
    char why[PACKAGE_WHY_BYTES];
    bool checked, unlocked;
    uint8_t digest[PACKAGE_DIGEST_BYTES]; /* as it was checked */
    crypto_generichash_state hash;        /* of what is read the second time */
    crypto_secretstream_xchacha20poly1305_state stream;
    uint64_t sealed_left; /* bytes of chunks to come */
    uint8_t plain[PACKAGE_CHUNK_BYTES];
};

/* The header, believed by nobody yet. EXAM_TOO_BIG, EXAM_IO, and as package_header_parse. */
EXAM_MUST_USE exam_err package_open_begin(struct package_open *p, FILE *from);
/* EXAM_AUTH: not a byte of it is to be used; EXAM_IO. Whose the key is, package_signer_check says.
 */
EXAM_MUST_USE exam_err package_open_check(struct package_open *p);
/* Requires check. EXAM_AUTH: another password; EXAM_IO, EXAM_NOMEM, EXAM_CORRUPT. */
EXAM_MUST_USE exam_err package_open_unlock(struct package_open *p, const char *password);
/* Requires unlock. The next bytes, which live until the next call; *n = 0: that was the end, and
 * all of it is good. EXAM_CORRUPT, EXAM_IO. */
EXAM_MUST_USE exam_err package_open_read(struct package_open *p, const uint8_t **bytes, size_t *n);
void package_open_fini(struct package_open *p);

#endif
