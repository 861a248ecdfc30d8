/* site_keys.h - the keys of an invented site, for tests: an authority, two nodes, a seat and a
 * person, all from one number. Ends the test when it cannot be made. */
#ifndef EXAM_SITE_KEYS_H
#define EXAM_SITE_KEYS_H

#include "keyring.h"

enum site_key { SITE_NODE_A, SITE_NODE_B, SITE_SEAT, SITE_PERSON, SITE_KEYS };

struct site_keys {
    struct key_file authority;
    struct key_file own[SITE_KEYS]; /* A, B, R01-01, operator */
    struct key_roster *roster;
    struct keyring *ring[SITE_KEYS]; /* all of them with `roster` */
};

void site_keys_init(struct site_keys *s, uint8_t number);
void site_keys_fini(struct site_keys *s);

/* A further identity of the site, in its roster. */
void site_keys_add(struct site_keys *s, const char *name, enum key_kind kind, uint8_t number,
                   struct key_file *out);

#endif
