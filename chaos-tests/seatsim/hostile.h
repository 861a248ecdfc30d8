/* hostile.h - `seatsim hostile`: peers that want to be in the way. Some are strangers (garbage,
 * connections that say half of a hello, recorded hellos that are played again, hellos of keys that
 * the roster does not have), some have a seat's key and misuse it (they read nothing of what they
 * ask for, or send valid messages as fast as they can). Each that is closed comes back. Shell.
 *
 * It is for measuring what honest seats notice: run it beside `seatsim bench`. */
#ifndef SEATSIM_HOSTILE_H
#define SEATSIM_HOSTILE_H

#include <stdbool.h>
#include <stdint.h>

enum hostile_kind {
    HOSTILE_GARBAGE,
    HOSTILE_HALF,   /* of a hello, and then nothing */
    HOSTILE_REPLAY, /* an enrolled seat's hello, recorded: the handshake is answered, and stops */
    HOSTILE_WRONG_KEY, /* a good hello, of a key that nobody knows */
    HOSTILE_DEAF,      /* a seat that asks for the paper again and again, and reads nothing */
    HOSTILE_FLOOD,     /* a seat that answers as fast as it can */
    HOSTILE_KINDS,
};

struct hostile_options {
    const char *node; /* NAME@HOST:PORT */
    const char *roster_path, *keys_dir;
    const char
        *from; /* the first address that they come from; the node's own is exempt of bounds */
    uint32_t addresses_n; /* that one and those that follow it */
    uint32_t skip_n;      /* candidates of the roster that others play */
    uint32_t n[HOSTILE_KINDS];
    uint32_t rate; /* new connections a second, at most, of all of them */
    double dur_s;
    uint64_t seed;
    bool sink; /* the node is none: whatever listens there; nobody minds that nothing comes back */
};

const char *hostile_kind_name(enum hostile_kind kind); /* "garbage" */
/* Prints READY when all have connected once, and what they did at the end. The exit code. */
int hostile_peers(const struct hostile_options *o);

#endif
