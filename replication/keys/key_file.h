/* key_file.h - one identity of a site, as the file that its owner keeps: name, kind and secret.
 * Pure: bytes in, bytes out; keyring.h reads and writes the files. JSON (jansson), so that a person
 * can tell whose a file is. sodium_init has been called.
 *
 * The secret is one seed. From it are derived the key of the channel (X25519: who is at the other
 * end of a connection) and the key of signatures (Ed25519: who said this, for whoever reads it
 * later). An authority signs, and has no channel. A file may have it under a password
 * (password_box.h), with all the rest of the file bound to it.
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
#include "password_box.h"

enum {
    KEY_BYTES = NOISE_KEY_BYTES, /* of a public key, and of a seed */
    KEY_SIGNATURE_BYTES = 64,
    KEY_SIGN_SECRET_BYTES = 64,
    KEY_FILE_BYTES_MAX = 4096,
    KEY_NAME_BYTES = NAME_BYTES_MAX + 1,
    KEY_PASSWORD_BYTES = 256, /* with its NUL */
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
    uint8_t authority[KEY_BYTES]; /* sign_public of the one whose rosters the owner believes */
    uint8_t seed[KEY_BYTES];      /* secret; what follows comes from it */
    struct noise_key_pair pair;   /* of the channel; an authority's is all zeros */
    uint8_t sign_public[KEY_BYTES];
    uint8_t sign_secret[KEY_SIGN_SECRET_BYTES];
};

/* A new identity of a site. `chance`: KEY_BYTES of a cryptographic generator, never used for
 * anything else; they become the seed. An authority is its own authority. */
void key_file_make(struct key_file *out, const char *name, enum key_kind kind,
                   const uint8_t site_id[SITE_ID_BYTES], const uint8_t authority[KEY_BYTES],
                   const uint8_t chance[KEY_BYTES]);

/* Gives the password of the file of that name and kind, when there is one on it. Its error is
 * handed on; `out` is wiped by whoever asked. */
struct key_password {
    exam_err (*ask)(void *ctx, enum key_kind kind, const char *name, char out[KEY_PASSWORD_BYTES]);
    void *ctx;
};

/* EXAM_MALFORMED no key file; EXAM_VERSION of another format; EXAM_INVALID a value is wrong, or the
 * public keys are not the secret's; EXAM_AUTH it is under a password, and this is not it, or nobody
 * can be asked (`password` NULL); EXAM_TOO_BIG; EXAM_NOMEM. */
EXAM_MUST_USE exam_err key_file_parse(const char *text, size_t n,
                                      const struct key_password *password, struct key_file *out,
                                      char *why, size_t why_bytes);

/* Writes the file's text to out[0..*n); KEY_FILE_BYTES_MAX of room are enough. EXAM_NOMEM. */
EXAM_MUST_USE exam_err key_file_format(const struct key_file *k, char out[KEY_FILE_BYTES_MAX],
                                       size_t *n);

/* The same with the secret under a password. `chance`: of a cryptographic generator. */
EXAM_MUST_USE exam_err key_file_format_boxed(const struct key_file *k, const char *password,
                                             const struct password_cost *cost,
                                             const uint8_t chance[PASSWORD_CHANCE_BYTES],
                                             char out[KEY_FILE_BYTES_MAX], size_t *n);

void key_file_wipe(struct key_file *k);

/* A further secret of the same owner: 32 bytes for one purpose, which nobody can tell from those
 * for another one. */
enum key_purpose {
    KEY_FOR_CHANNEL = 1, /* derivation numbers: never renumber */
    KEY_FOR_SIGNING,
    KEY_FOR_JOURNAL,
    KEY_FOR_WEB, /* of an authority: encrypts the key of the web's authority */
};
void key_file_derive(const struct key_file *k, enum key_purpose purpose, uint8_t out[KEY_BYTES]);

/* Signs message[0..n) as `k`, for one purpose: `context` is a short constant text that names it
 * ("command"). A signature is good for its site and its context only. Ed25519ph, RFC 8032. */
void key_file_sign(const struct key_file *k, const char *context, const void *message, size_t n,
                   uint8_t out[KEY_SIGNATURE_BYTES]);
/* EXAM_AUTH: the owner of sign_public has not signed that. */
EXAM_MUST_USE exam_err key_verify(const uint8_t sign_public[KEY_BYTES],
                                  const uint8_t site_id[SITE_ID_BYTES], const char *context,
                                  const void *message, size_t n,
                                  const uint8_t signature[KEY_SIGNATURE_BYTES]);

const char *key_kind_name(enum key_kind kind); /* "node"; never NULL */
/* EXAM_INVALID: no kind has that name. */
EXAM_MUST_USE exam_err key_kind_of(const char *name, enum key_kind *out);

#endif
