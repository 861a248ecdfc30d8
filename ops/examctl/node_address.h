/* node_address.h - where nodes listen, as people write it: HOST:PORT or [IPV6]:PORT, and
 * NAME@HOST:PORT where it matters who is there.
 * Pure: no name is looked up here. */
#ifndef EXAMCTL_NODE_ADDRESS_H
#define EXAMCTL_NODE_ADDRESS_H

#include <stddef.h>

#include "exam_err.h"
#include "exam_limits.h"

enum {
    NODE_ADDRESS_HOST_BYTES = 256,
    NODE_ADDRESS_TEXT_BYTES = NODE_ADDRESS_HOST_BYTES + NAME_BYTES_MAX + 16,
};

struct node_address {
    char name[NAME_BYTES_MAX + 1];      /* "": none was given */
    char host[NODE_ADDRESS_HOST_BYTES]; /* without brackets */
    char port[6];
    char text[NODE_ADDRESS_TEXT_BYTES]; /* as it was written */
};

struct node_address_list {
    struct node_address *at; /* the caller's */
    size_t room;
    size_t n;
};

/* Adds the addresses of a comma-separated list to `list`. EXAM_INVALID: one is no address (*bad is
 * where it begins, if bad is not NULL); EXAM_TOO_BIG: more than there is room for. */
EXAM_MUST_USE exam_err node_address_list_parse(const char *text, struct node_address_list *list,
                                               const char **bad);

#endif
