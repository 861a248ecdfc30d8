/* web_trust.h - whom the node's web believes: certificates that the site's web authority has signed
 * for clients, that are not over, and are not in its list of those that were taken back.
 * Shell: reads files (GnuTLS). One thread at a time. */
#ifndef EXAM_WEB_TRUST_H
#define EXAM_WEB_TRUST_H

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exam_err.h"

struct web_trust;

enum { WEB_WHY_BYTES = 512, WEB_FILE_BYTES_MAX = 1 << 20 };

/* The files are those of `examctl site web-issue`: the node's own secret key with its certificate
 * and the authority's, and the list. EXAM_NOT_FOUND, EXAM_IO; EXAM_REFUSED: others may read the
 * key; EXAM_MALFORMED; EXAM_INVALID they do not fit, or are not good any more. `why` says which
 * file it is and what to do. */
EXAM_MUST_USE exam_err web_trust_open(const char *key_file, const char *revoked,
                                      struct web_trust **out, char why[WEB_WHY_BYTES]);
void web_trust_free(struct web_trust *t); /* NULL is allowed */

/* As texts, for a listener: they live as long as `t`. */
const char *web_trust_key(const struct web_trust *t);
const char *web_trust_certificate(const struct web_trust *t);
const char *web_trust_authority(const struct web_trust *t);
int64_t web_trust_until_s(const struct web_trust *t); /* Unix time: when the certificate ends */

/* Takes a newer list when the file has changed. False: it cannot be used, `why` says why, and the
 * one before goes on. It is told once for each state of the file. */
bool web_trust_refresh(struct web_trust *t, char why[WEB_WHY_BYTES]);

/* Whether the peer of a handshake is let in; if not, *why is a literal that says why. */
bool web_trust_lets_in(const struct web_trust *t, gnutls_session_t session, const char **why);

#endif
