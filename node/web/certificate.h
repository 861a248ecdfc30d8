/* certificate.h - the certificates of a site's web: its own authority, which signs those of nodes
 * and of whoever may read what they tell, and the list of those that it has taken back.
 * Shell without files: GnuTLS makes keys from the system's chance; texts in and out are PEM.
 * ECDSA P-256, since every monitor knows it. Not for a hot path.
 *
 * `why` (CERTIFICATE_WHY_BYTES) says what is wrong and what to do. */
#ifndef EXAM_CERTIFICATE_H
#define EXAM_CERTIFICATE_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "exam_err.h"
#include "exam_limits.h"

struct certificate_authority;

enum {
    CERTIFICATE_WHY_BYTES = 256,
    CERTIFICATE_ADDRESSES_MAX = 16,
    CERTIFICATE_YEARS = 5, /* of those it signs */
    CERTIFICATE_AUTHORITY_YEARS = 30,
};

enum certificate_use {
    CERTIFICATE_NODE,   /* good for a server */
    CERTIFICATE_CLIENT, /* good for who asks one */
};

/* A text of GnuTLS; free it with certificate_text_free, which wipes it: it may be a secret. */
struct certificate_text {
    char *bytes; /* and a NUL behind them */
    size_t n;
};
void certificate_text_free(struct certificate_text *t);

/* A new authority, and an empty list of what it has taken back. EXAM_SYSTEM. */
EXAM_MUST_USE exam_err certificate_authority_make(const char *site, time_t now,
                                                  struct certificate_authority **out,
                                                  char why[CERTIFICATE_WHY_BYTES]);
/* From the texts that the three functions below have made. EXAM_AUTH: not this password;
 * EXAM_MALFORMED; EXAM_INVALID they do not fit. */
EXAM_MUST_USE exam_err certificate_authority_open(const char *certificate, const char *key,
                                                  const char *password, const char *revoked,
                                                  struct certificate_authority **out,
                                                  char why[CERTIFICATE_WHY_BYTES]);
void certificate_authority_free(struct certificate_authority *a); /* NULL is allowed */

/* EXAM_SYSTEM. The secret key is encrypted with `password`. */
EXAM_MUST_USE exam_err certificate_authority_text(const struct certificate_authority *a,
                                                  struct certificate_text *out);
EXAM_MUST_USE exam_err certificate_authority_key_text(const struct certificate_authority *a,
                                                      const char *password,
                                                      struct certificate_text *out);
EXAM_MUST_USE exam_err certificate_revoked_text(const struct certificate_authority *a,
                                                struct certificate_text *out);

struct certificate_order {
    enum certificate_use use;
    const char *name;
    const char *addresses[CERTIFICATE_ADDRESSES_MAX]; /* IP addresses and host names of a node */
    size_t addresses_n;
    time_t from, until;
};
/* A new key and its certificate. `bundle`: secret key, certificate, authority's certificate, as its
 * owner is given them; `certificate` alone is what may be known. EXAM_INVALID an address is none;
 * EXAM_SYSTEM. */
EXAM_MUST_USE exam_err certificate_issue(const struct certificate_authority *a,
                                         const struct certificate_order *order,
                                         struct certificate_text *bundle,
                                         struct certificate_text *certificate,
                                         char why[CERTIFICATE_WHY_BYTES]);

/* Takes a certificate back: the list has its number from now on, and is signed anew.
 * EXAM_MALFORMED no certificate; EXAM_REFUSED of another authority; EXAM_SYSTEM. */
EXAM_MUST_USE exam_err certificate_revoke(struct certificate_authority *a, const char *certificate,
                                          time_t now, char why[CERTIFICATE_WHY_BYTES]);

#endif
