/* relay.h - a proxy of the thief's own, between an honest seat and its node: it hands on every byte
 * and keeps a copy. Shell. */
#ifndef ADVERSARY_RELAY_H
#define ADVERSARY_RELAY_H

#include <stdint.h>

#include "wire.h"

/* Takes one connection on 127.0.0.1:port and hands it on until either end closes; what the seat has
 * sent is in `said` then, what the node has in `heard`. `ready` is made when the port listens.
 * Returns an exit code; what is wrong goes to stderr. */
int relay_record(uint16_t port, const struct address *to, const char *said, const char *heard,
                 const char *ready);

#endif
