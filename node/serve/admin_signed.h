/* admin_signed.h - a request that its person has signed (R4), as the node keeps it until it is in
 * the log: a copy of its own, as frames and arenas go.
 * Pure. Not to be moved or copied as a struct: the event points into it. */
#ifndef EXAM_ADMIN_SIGNED_H
#define EXAM_ADMIN_SIGNED_H

#include "exam.h"
#include "signed_command.h"

struct admin_signed {
    Ev__CommandSigned event; /* of what follows */
    char who[KEY_NAME_BYTES], node[KEY_NAME_BYTES];
    uint8_t key[KEY_BYTES], nonce[SIGN_NONCE_BYTES], signature[KEY_SIGNATURE_BYTES];
    uint8_t request[SIGNED_REQUEST_BYTES_MAX];
};

/* Whose connection it came on, and what was drawn for it. */
struct admin_signed_by {
    const struct key_entry *person;
    const uint8_t *site_id; /* SITE_ID_BYTES */
    const char *node;       /* this one */
    const uint8_t *nonce;   /* SIGN_NONCE_BYTES */
};

/* EXAM_AUTH: it is not signed, or not by that person for this connection; EXAM_TOO_BIG: longer than
 * an act is. `why` says so; `out` is touched on EXAM_OK only. */
EXAM_MUST_USE exam_err admin_signed_take(const struct admin_signed_by *by, const uint8_t *payload,
                                         size_t bytes, struct admin_signed *out,
                                         struct exam_refusal *why);

void admin_signed_copy(struct admin_signed *out, const struct admin_signed *s);

/* BLAKE2b-256 of the request: what a second person confirms. */
void admin_signed_digest(const struct admin_signed *s, uint8_t out[HASH_BYTES]);

#endif
