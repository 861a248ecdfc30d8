/* signed_command.h - acts of people that only they can have asked for (R4, P2).
 * Pure. sodium_init has been called.
 *
 * What is signed (context "command"): the node that is asked, a nonce that it has drawn for this
 * connection, and the request's bytes. So a signature is good once: for that connection, and for
 * that request on it, as requests are numbered. The signature is the request's last field; as
 * admin.proto has it, a frame is the request and behind it SIGNED_TAIL_BYTES. */
#ifndef EXAM_SIGNED_COMMAND_H
#define EXAM_SIGNED_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.pb-c.h"
#include "key_roster.h"

enum { SIGNED_TAIL_BYTES = 3 + KEY_SIGNATURE_BYTES };

struct signed_command {
    const char *node;
    const uint8_t *nonce;   /* SIGN_NONCE_BYTES */
    const uint8_t *request; /* without its signature */
    size_t request_bytes;
};

/* The field that goes behind the request. */
void signed_command_sign(const struct signed_command *c, const struct key_file *k,
                         uint8_t tail[SIGNED_TAIL_BYTES]);
/* The request and the signature of a frame's payload. False: it has none; untouched. */
bool signed_command_split(const uint8_t *payload, size_t n, size_t *request_bytes,
                          const uint8_t **signature);
/* EXAM_AUTH: the owner of sign_public has not said that. */
EXAM_MUST_USE exam_err signed_command_verify(const struct signed_command *c,
                                             const uint8_t sign_public[KEY_BYTES],
                                             const uint8_t site_id[SITE_ID_BYTES],
                                             const uint8_t signature[KEY_SIGNATURE_BYTES]);

/* What is sent ahead of an act, and is of it: each request goes into the digest, which begins with
 * zeros, and which the act then names. digest = BLAKE2b-256(digest, request). */
void signed_command_chain(uint8_t digest[HASH_BYTES], const uint8_t *payload, size_t n);

/* For whoever reads a log later. EXAM_NOT_FOUND: the roster has no such key, or it is another
 * name's; EXAM_AUTH: it has not signed that. */
EXAM_MUST_USE exam_err signed_command_check(const Ev__CommandSigned *e,
                                            const struct key_roster *roster);

#endif
