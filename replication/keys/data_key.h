/* data_key.h - the key that a site's personal data are sealed with, as the file that its
 * administrator keeps. Pure: bytes in, bytes out; keyring.h reads the file. JSON (jansson).
 * sodium_init has been called.
 *
 * The file has the key under a password, or, for servers that are to start without a person, in the
 * clear. The site's roster names the key by its id (sealed_field.h), so that a node takes no other.
 *
 * Errors leave `out` untouched, and say in `why` what to do. Whatever has a key in it is wiped by
 * its owner. */
#ifndef EXAM_DATA_KEY_H
#define EXAM_DATA_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "password_box.h"
#include "sealed_field.h"

enum { DATA_KEY_FILE_BYTES_MAX = 1024 };

struct data_key_file {
    uint8_t site_id[SITE_ID_BYTES];
    uint8_t id[DATA_ID_BYTES];
    bool boxed; /* under a password: then `key` is not there */
    struct password_box box;
    uint8_t key[DATA_KEY_BYTES];
};

/* A file in the clear. `key`: of a cryptographic generator. */
void data_key_file_make(struct data_key_file *out, const uint8_t site_id[SITE_ID_BYTES],
                        const uint8_t key[DATA_KEY_BYTES]);
/* Puts a clear one under a password. EXAM_NOMEM. */
EXAM_MUST_USE exam_err data_key_file_close(struct data_key_file *f,
                                           const struct password_cost *cost, const char *password,
                                           const uint8_t chance[PASSWORD_CHANCE_BYTES]);
/* Makes a boxed one clear. EXAM_AUTH: another password, or the file was changed; EXAM_NOMEM. */
EXAM_MUST_USE exam_err data_key_file_open(struct data_key_file *f, const char *password);

/* EXAM_MALFORMED no such file; EXAM_VERSION of another format; EXAM_INVALID a value is wrong, or
 * the key is not the one it names; EXAM_TOO_BIG; EXAM_NOMEM. */
EXAM_MUST_USE exam_err data_key_file_parse(const char *text, size_t n, struct data_key_file *out,
                                           char *why, size_t why_bytes);
/* Writes the file's text to out[0..*n). EXAM_NOMEM. */
EXAM_MUST_USE exam_err data_key_file_format(const struct data_key_file *f,
                                            char out[DATA_KEY_FILE_BYTES_MAX], size_t *n);

void data_key_file_wipe(struct data_key_file *f);

#endif
