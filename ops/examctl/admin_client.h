/* admin_client.h - one connection to a node's admin address, from Hello to the last reply.
 * Shell: blocks, but never longer than its time limit for one reply. Not thread-safe.
 * A node may be gone, frozen, of another version or no node at all: each has an error and a text
 * (admin_client_why) that says what happened at which address. */
#ifndef EXAMCTL_ADMIN_CLIENT_H
#define EXAMCTL_ADMIN_CLIENT_H

#include <stdint.h>

#include "admin.pb-c.h"
#include "exam_err.h"
#include "keyring.h"
#include "node_address.h"

struct admin_client;

/* EXAM_NOMEM. `keys`: connections are channels, and live longer than the client; NULL: plain.
 * `timeout_ms` bounds the wait for each reply; connecting and greeting are given at
 * most ADMIN_CLIENT_GREET_MS of it, so that a dead node does not hold up the search for a live one.
 */
enum { ADMIN_CLIENT_GREET_MS = 3000 };
EXAM_MUST_USE exam_err admin_client_new(uint64_t timeout_ms, const struct keyring *keys,
                                        struct admin_client **out);
void admin_client_free(struct admin_client *c); /* NULL is allowed */

/* Connects, proves who both are where there are keys, and greets. EXAM_AUTH, EXAM_NOT_FOUND,
 * EXAM_CONN, EXAM_TIMEOUT, EXAM_VERSION, EXAM_MALFORMED, EXAM_TOO_BIG. */
EXAM_MUST_USE exam_err admin_client_open(struct admin_client *c, const struct node_address *address,
                                         const char *who);

/* Sends one request (its id is set here) and waits for the first reply to it. A refusal by the node
 * is a reply like any other: look at (*reply)->kind_case. The reply lives until the next call.
 * After an error the connection is closed, and whether the node carried out the request is unknown.
 */
EXAM_MUST_USE exam_err admin_client_ask(struct admin_client *c, Admin__Request *request,
                                        const Admin__Reply **reply);

/* The next reply to the same request, while the one before said `more`. */
EXAM_MUST_USE exam_err admin_client_next(struct admin_client *c, const Admin__Reply **reply);

/* The name that the node gave; "" before. */
const char *admin_client_node(const struct admin_client *c);

/* What went wrong last, with the address in front; "" before. */
const char *admin_client_why(const struct admin_client *c);

#endif
