/* package_sign.h - whose a sealed package is: the exam office's signature, and the roster's word.
 * Pure. sodium_init has been called. */
#ifndef EXAMCTL_PACKAGE_SIGN_H
#define EXAMCTL_PACKAGE_SIGN_H

#include <sodium.h>

#include "key_roster.h"
#include "package_header.h"

enum { PACKAGE_DIGEST_BYTES = 64 };

/* Of everything before the signature: crypto_generichash_update, crypto_generichash_final. */
void package_digest_begin(crypto_generichash_state *hash);

void package_sign(const struct key_file *office, const uint8_t digest[PACKAGE_DIGEST_BYTES],
                  uint8_t signature[KEY_SIGNATURE_BYTES]);
/* EXAM_AUTH: the key that the header names has not signed that. */
EXAM_MUST_USE exam_err package_verify(const struct package_header *h,
                                      const uint8_t digest[PACKAGE_DIGEST_BYTES],
                                      const uint8_t signature[KEY_SIGNATURE_BYTES]);

/* P2: only the exam office's packages of this very site are taken. EXAM_OTHER_SITE;
 * EXAM_NOT_FOUND: the roster has no such key; EXAM_REFUSED: it is another role's, was revoked, or
 * is another person's than the header says. */
EXAM_MUST_USE exam_err package_signer_check(const struct package_header *h,
                                            const struct key_roster *roster,
                                            char why[PACKAGE_WHY_BYTES]);

#endif
