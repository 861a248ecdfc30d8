/* web_folder.h - the certificates of a site's web, beside its other keys: for the nodes' HTTPS, and
 * for the monitors that may ask there (node/web/certificate.h).
 * Shell: writes files. Errors are told on stderr.
 *
 *     web/authority.pem   web/authority.key   web/revoked.crl
 *     web/nodes/A.pem     web/clients/prometheus.pem    secret: to be handed over
 *     web/nodes/A.crt     web/clients/prometheus.crt    what may be known of them stays
 *
 * The secret key of the web's authority is encrypted with one that follows from the site's
 * authority: who has not got that, and its password, issues nothing. */
#ifndef EXAMCTL_WEB_FOLDER_H
#define EXAMCTL_WEB_FOLDER_H

#include <stdbool.h>

#include "certificate.h"
#include "exam_err.h"
#include "key_folder.h"

struct web_folder {
    char path[1024];
    struct certificate_authority *authority;
};

/* Opens the part `web` of a folder of keys; made if it is not there and `make` holds.
 * EXAM_NOT_FOUND, EXAM_IO, EXAM_NOMEM, EXAM_SYSTEM, and what certificate_authority_open says. */
EXAM_MUST_USE exam_err web_folder_open(const struct key_folder *keys, bool make,
                                       struct web_folder *out);
void web_folder_close(struct web_folder *w);

/* A key and a certificate for order->name, from now on. EXAM_EXISTS: it has one; EXAM_INVALID,
 * EXAM_IO, EXAM_SYSTEM. */
EXAM_MUST_USE exam_err web_folder_issue(struct web_folder *w, struct certificate_order *order);
/* Takes it back: in revoked.crl from now on. EXAM_NOT_FOUND, EXAM_IO, EXAM_SYSTEM. */
EXAM_MUST_USE exam_err web_folder_revoke(struct web_folder *w, enum certificate_use use,
                                         const char *name);

#endif
