/* thief.h - what the thief of one seat's credential has: the seat's key file, the site's roster,
 * the addresses of both nodes, and what one can see or guess of a candidate at another seat. The
 * other credentials here are the owners', for controls: the same attempt with the right one.
 * Shell: reads files. One thread. */
#ifndef ADVERSARY_THIEF_H
#define ADVERSARY_THIEF_H

#include "key_roster.h"
#include "talk.h"
#include "wire.h"

enum { THIEF_NODES = 2 };

enum port { PORT_SEAT, PORT_ADMIN, PORT_REPLICA, PORTS };

enum who {
    WHO_THIEF,
    WHO_OWNER,  /* of the other seat */
    WHO_PERSON, /* an administrator */
    WHO_NODE,   /* a node of the site */
    WHO_SPARE,  /* a seat that the victim is moved to; only the group `former' needs it */
    WHO_N,
};

struct candidate {
    char admission_no[NAME_BYTES_MAX + 1], id_no[NAME_BYTES_MAX + 1];
    uint8_t session[SESSION_BYTES]; /* the same one whenever it comes again */
};

struct thief {
    struct address node[THIEF_NODES][PORTS]; /* the first one serves */
    struct key_file key[WHO_N];
    bool has[WHO_N];
    struct key_roster *roster;
    struct candidate own, victim;
    const char *recorded[2]; /* files: what a seat has sent, what the node has */
    const char *move;        /* shell command that moves the victim to the spare seat */
    const char *ready;       /* file that is made when a connection is held; NULL: none */
    int patience_ms;
    struct seat_sight victim_seen; /* what the victim's own seat was told last */
    struct seat_sight own_first, own_seen;
    struct talk talk, other;
};

/* ADMISSION_NO:ID_NO */
bool candidate_parse(const char *text, struct candidate *out);

/* Whom the roster has at that node; in the thief's words, all of it true. */
struct greeting thief_greeting(const struct thief *t, enum who who, size_t node, enum port port);

/* TCP alone, in t->talk. */
bool thief_dial(struct thief *t, size_t node, enum port port);
/* A channel in `k`, and Hello by the name that its key has. False: k->said says what came of it. */
bool thief_greet(struct thief *t, struct talk *k, enum who who, size_t node);
/* The same, and the candidate is signed in. */
bool thief_sign_in(struct thief *t, struct talk *k, enum who who, const struct candidate *c);

#endif
