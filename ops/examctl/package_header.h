/* package_header.h - the first line of a sealed package (P2): whose it is, who made it, and the box
 * with the key to the rest.
 * Pure. JSON (jansson), so that a person can read it. Nothing of it is to be believed before
 * package_open_check has found the signature good. sodium_init has been called.
 *
 * A package, format shunyan-package-1:
 *     the header   one line of JSON with its end
 *     the content  crypto_secretstream_xchacha20poly1305: its header, then chunks of
 *                  PACKAGE_CHUNK_BYTES (the last one is tagged FINAL and may be shorter) of a tar
 *                  archive (package_archive.h)
 *     the end      the exam office's signature (Ed25519, context "package") of the BLAKE2b-512
 *                  digest of all before it
 * The stream's key comes by chance and is in the header, in a box that the password opens
 * (password_box.h: Argon2id, with bounds on what a file may ask for); all the rest of the header is
 * bound to the box. */
#ifndef EXAMCTL_PACKAGE_HEADER_H
#define EXAMCTL_PACKAGE_HEADER_H

#include <stddef.h>
#include <stdint.h>

#include "exam_err.h"
#include "key_file.h"
#include "password_box.h"

enum {
    PACKAGE_LINE_BYTES_MAX = 1024,
    PACKAGE_BOUND_BYTES = 512,
    PACKAGE_WHY_BYTES = 512,
    PACKAGE_CHUNK_BYTES = 64 * 1024,
};

struct package_header {
    uint8_t site_id[SITE_ID_BYTES];
    char batch[NAME_BYTES_MAX + 1];
    char who[KEY_NAME_BYTES]; /* the owner of the key, as the key's file has it */
    uint8_t sign_public[KEY_BYTES];
    int64_t made_wall_ms; /* Unix time, by the office's calendar */
    struct password_box box;
};

/* What the box is bound to. Returns how many bytes they are. */
size_t package_header_bound(const struct package_header *h, char out[PACKAGE_BOUND_BYTES]);

/* The line, with its end; *n bytes and a NUL. EXAM_NOMEM. */
EXAM_MUST_USE exam_err package_header_format(const struct package_header *h,
                                             char out[PACKAGE_LINE_BYTES_MAX], size_t *n);
/* A line without its end. EXAM_MALFORMED no package; EXAM_VERSION of another format; EXAM_TOO_BIG
 * its box asks for more time or memory than any; EXAM_INVALID. `out` is untouched by errors. */
EXAM_MUST_USE exam_err package_header_parse(const char *line, size_t n, struct package_header *out,
                                            char why[PACKAGE_WHY_BYTES]);

#endif
