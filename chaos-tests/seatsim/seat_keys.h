/* seat_keys.h - the keys of simulated seats, as `examctl site init` has made them in a folder: the
 * authority's word on who belongs to the site, and a key for each seat.
 * Shell: reads files; what is wrong goes to stderr. */
#ifndef SEATSIM_SEAT_KEYS_H
#define SEATSIM_SEAT_KEYS_H

#include "keyring.h"

struct seat_keys {
    const char *dir; /* NULL: there are none, and connections are plain */
    struct key_roster *roster;
};

/* `seat`: any seat of the site; its key file says whose rosters are believed. Errors as
 * keyring_read_key and keyring_read_roster. */
EXAM_MUST_USE exam_err seat_keys_open(const char *dir, const char *seat, struct seat_keys *out);
/* The seat's own key with the roster; *out stays NULL when there are none. */
EXAM_MUST_USE exam_err seat_keys_ring(const struct seat_keys *k, const char *seat,
                                      struct keyring **out);
void seat_keys_close(struct seat_keys *k);

#endif
