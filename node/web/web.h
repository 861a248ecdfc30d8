/* web.h - the node's web: HTTPS for monitors of the site, with GET /metrics (metrics.h) and GET
 * /health (health.h), and nothing else.
 * Shell (libmicrohttpd, GnuTLS) with a thread of its own, which the loop never waits for. The loop
 * hands in a snapshot about once a second; the thread writes it down for whoever asks. It reads no
 * state of the node.
 *
 * TLS 1.3 only, and both ends prove who they are: who has no certificate of the site's web
 * authority ends in the handshake, and no byte of theirs is read as HTTP. Whatever arrives is
 * hostile: there are bounds for connections, for those of one address (door.h), for the time and
 * the memory of one; when all are taken, who has proven least makes room. One answer a connection.
 */
#ifndef EXAM_WEB_H
#define EXAM_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exam_err.h"
#include "metrics.h"
#include "web_trust.h"

struct web;

enum {
    WEB_CONNS_MAX = 64, /* then who has proven least makes room */
    WEB_PER_ADDRESS_MAX = 8,
    WEB_STRANGER_MS = 5000,       /* for the handshake */
    WEB_CONN_MS = 10000,          /* for all of it */
    WEB_MEMORY_BYTES = 16 * 1024, /* of a connection: a longer request is refused */
    WEB_EVENTS_MAX = 16,
    WEB_PEER_BYTES = 64,
};

struct web_options {
    const char *host;               /* as a listener's */
    uint16_t port;                  /* 0: any, which web_port tells */
    const char *key_file, *revoked; /* web_trust.h */
    uint32_t stranger_ms, conn_ms;  /* 0: WEB_STRANGER_MS, WEB_CONN_MS */
};

/* Listens, and starts the thread. `why` says what to do. Errors: those of web_trust_open;
 * EXAM_EXISTS the port is in use; EXAM_INVALID the address is none; EXAM_SYSTEM. */
EXAM_MUST_USE exam_err web_open(const struct web_options *o, struct web **out, char *why,
                                size_t why_bytes);
uint16_t web_port(const struct web *w);
/* Loop thread, about once a second: what is told from now on; also ends connections that have had
 * their time. */
void web_publish(struct web *w, const struct metrics *m);

/* Loop thread: what is to be in the operator's log, oldest first; false: nothing more. */
struct web_event {
    enum {
        WEB_REFUSED,    /* a connection: from where, why */
        WEB_NOT_RENEWED /* the list of revoked certificates; the one before goes on */
    } kind;
    char peer[WEB_PEER_BYTES];
    char why[WEB_WHY_BYTES];
};
bool web_take_event(struct web *w, struct web_event *out);

/* Ends the thread, and every connection. */
void web_close(struct web *w);

#endif
