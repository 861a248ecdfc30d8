/* key_file.h - one identity of a site, as the file that its owner keeps: name, kind and secret key.
 * Pure: bytes in, bytes out; keyring.h reads and writes the files. JSON (jansson), so that a person
 * can tell whose a file is.
 *
 * Everything that is secret is wiped by its owner: a `struct key_file` by key_file_wipe, the bytes
 * of a file by whoever read them. Errors leave `out` untouched, and say in `why` what to do. */
#ifndef EXAM_KEY_FILE_H
#define EXAM_KEY_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "channel_noise.h"
#include "exam_err.h"
#include "exam_limits.h"

enum {
    KEY_BYTES = NOISE_KEY_BYTES,
    KEY_FILE_BYTES_MAX = 4096,
    KEY_NAME_BYTES = NAME_BYTES_MAX + 1,
};

/* Written into files: never renumber, and see key_kind_name. */
enum key_kind {
    KEY_AUTHORITY = 1, /* signs the site's roster of keys; never on a server or a seat */
    KEY_NODE,
    KEY_SEAT,
    KEY_PERSON,
};

struct key_file {
    char name[KEY_NAME_BYTES];
    enum key_kind kind;
    uint8_t site_id[SITE_ID_BYTES];
    uint8_t authority[KEY_BYTES]; /* public, Ed25519: whose rosters the owner believes */
    /* X25519; of the authority an Ed25519 seed and its public key. */
    struct noise_key_pair pair;
};

/* A new identity of a site. `chance`: KEY_BYTES of a cryptographic generator, never used for
 * anything else; they become the secret. An authority is its own authority. */
void key_file_make(struct key_file *out, const char *name, enum key_kind kind,
                   const uint8_t site_id[SITE_ID_BYTES], const uint8_t authority[KEY_BYTES],
                   const uint8_t chance[KEY_BYTES]);

/* EXAM_MALFORMED no key file; EXAM_VERSION of another format; EXAM_INVALID a value is wrong, or the
 * public key is not the secret one's; EXAM_TOO_BIG; EXAM_NOMEM. */
EXAM_MUST_USE exam_err key_file_parse(const char *text, size_t n, struct key_file *out, char *why,
                                      size_t why_bytes);

/* Writes the file's text to out[0..*n); KEY_FILE_BYTES_MAX of room are enough. EXAM_NOMEM. */
EXAM_MUST_USE exam_err key_file_format(const struct key_file *k, char out[KEY_FILE_BYTES_MAX],
                                       size_t *n);

void key_file_wipe(struct key_file *k);

const char *key_kind_name(enum key_kind kind); /* "node"; never NULL */
/* EXAM_INVALID: no kind has that name. */
EXAM_MUST_USE exam_err key_kind_of(const char *name, enum key_kind *out);

#endif
