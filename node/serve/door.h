/* door.h - what a server knows of the addresses that connect to it: how many connections each has,
 * and whether its strangers have come to nothing too often to be greeted in front of others. Pure:
 * the time comes in. Not thread-safe.
 *
 * Who comes without a key, or with a wrong one, costs the loop a handshake all the same. So each
 * address has a debt that time pays off: a connection that ended as a stranger's costs much of it,
 * one that was let in a little (nobody needs several a second). Deep in debt, an address is greeted
 * behind all others, and has few strangers at once. This machine's own address has no debt. */
#ifndef EXAM_DOOR_H
#define EXAM_DOOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "exam_err.h"

enum {
    DOOR_DEBT_MS = 60000, /* more than this: back of the queue */
    DOOR_DEBT_MS_MAX = 2 * DOOR_DEBT_MS,
    DOOR_FAILED_MS = 7500,     /* what a stranger's end costs: eight a minute are forgiven */
    DOOR_LET_IN_MS = 250,      /* and somebody who was let in */
    DOOR_DEBTOR_STRANGERS = 4, /* of one address in debt, at once */
    DOOR_IDLE_MAX = 4096,      /* addresses that are remembered for their debt only */
};

struct door;
struct door_address;

/* What bounds there are. */
struct door_options {
    uint32_t per_address_max; /* connections of one address; this machine's own is exempt */
};

EXAM_MUST_USE exam_err door_new(const struct door_options *o, struct door **out);
void door_free(struct door *d); /* NULL is allowed */

/* A connection from there; it is a stranger's until door_known. *why: there may be no more of that
 * address. EXAM_FULL: do not take it, nothing is counted; EXAM_NOMEM. An IPv6 address is its /64.
 */
EXAM_MUST_USE exam_err door_come(struct door *d, const struct sockaddr *from, uint64_t now_ms,
                                 struct door_address **out, const char **why);
void door_known(struct door_address *a, uint64_t now_ms);
/* It is gone; the address with it, unless it has other connections or a debt. */
void door_left(struct door *d, struct door_address *a, bool known, uint64_t now_ms);

bool door_is_in_debt(const struct door_address *a, uint64_t now_ms);
uint64_t door_debt_ms(const struct door_address *a, uint64_t now_ms); /* until it is paid off */
/* Forgets whose debt is paid. Call it about once a second. */
void door_sweep(struct door *d, uint64_t now_ms);
uint32_t door_addresses(const struct door *d);

#endif
