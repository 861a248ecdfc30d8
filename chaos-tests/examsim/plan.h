/* plan.h - what one history is to be: a small site, and what happens to it, instant by instant.
 * Pure: all of it follows from a seed. Every act stands by itself: it says what somebody does or
 * what breaks, never what the world must look like then, so any of them can be left out (shrink.h).
 * Times are milliseconds since the site was ready. */
#ifndef EXAMSIM_PLAN_H
#define EXAMSIM_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exam_limits.h"

enum {
    PLAN_NODES_MAX = 3,
    PLAN_CANDIDATES_MAX = 3,
    PLAN_SEATS_MAX = PLAN_CANDIDATES_MAX + 1, /* the last one is a spare */
    PLAN_ITEMS_MAX = 4,
    PLAN_ACTS_MAX = 256,
};

#define PLAN_PRIMARY UINT32_MAX /* of a node: whoever serves, with the highest epoch */

enum act_kind {
    /* candidates: a is the candidate */
    ACT_SIGN_IN = 1,
    ACT_ANSWER, /* b: the item */
    ACT_SUBMIT,
    /* administrators: `node` is whom they ask */
    ACT_START,
    ACT_PAUSE,     /* a: the scope (plan_scope_name) */
    ACT_RESUME,    /* a: the scope */
    ACT_GRANT,     /* a: the scope; x: milliseconds */
    ACT_MOVE,      /* a: the candidate; b: the seat */
    ACT_VIOLATION, /* a: the candidate */
    ACT_INCIDENT,  /* a: the scope; b: enum Ev__IncidentKind */
    ACT_COLLECT,   /* a: 1, the unfinished ones, too */
    ACT_POSTPONE,
    ACT_PROMOTE, /* a: the node; x: enum plan_word */
    ACT_HOSTILE, /* a seat that lies speaks to `node`; b: enum hostile_word, x: a number */
    ACT_TEND,    /* somebody sensible looks at the site, and does what is right */
    /* nodes: a is the node */
    ACT_NODE_ON,
    ACT_NODE_OFF,    /* the process is killed: its connections are reset */
    ACT_NODE_UNPLUG, /* the power goes: nobody is told */
    ACT_NODE_STOP,
    ACT_NODE_FREEZE,
    ACT_NODE_THAW,
    ACT_NODE_FUSE, /* b: effects that still happen; x: the commit is kept */
    ACT_NODE_WIPE,
    ACT_COMMIT_FAILS, /* b: which from now on; x: enum store_fault */
    ACT_DISK_FILLS,   /* b: bytes that are left */
    ACT_DISK_HAS_ROOM,
    ACT_ROT, /* b: records before the newest; x: the byte */
    ACT_DATE,
    ACT_MAINS_LOST,
    ACT_MAINS_BACK,
    ACT_BATTERY_LOW,
    /* seats: a is the seat */
    ACT_SEAT_ON,
    ACT_SEAT_OFF,
    ACT_SEAT_UNPLUG, /* x: enum sim_tail */
    ACT_SEAT_FREEZE,
    ACT_SEAT_THAW,
    ACT_SEAT_FUSE, /* b: effects */
    ACT_SEAT_WIPE,
    ACT_JOURNAL_FAILS, /* b: which write; x: enum sim_journal_fault */
    /* paths: a and b are places (plan_place) */
    ACT_CUT,     /* both ways, and both sides see it */
    ACT_HEAL,    /* after ACT_CUT */
    ACT_MUTE,    /* from a to b; x: enum mem_cut */
    ACT_WEATHER, /* both ways; x: a number that makes it (plan_weather); 0: fair */
    ACT_KINDS,
};

/* What a person who wants a node to serve says besides, true or not. */
enum plan_word {
    PLAN_WORD_NONE,
    PLAN_WORD_ATTEST, /* nobody else serves (W2) */
    PLAN_WORD_FORCE,  /* and every whole copy is lost (D7): of a node that has none itself */
};

struct act {
    uint64_t at_ms;
    enum act_kind kind;
    uint32_t a, b, node;
    int64_t x;
    uint64_t family; /* plan_bit; 0: of the exam itself */
};

struct plan_site {
    uint32_t nodes_n, candidates_n, seats_n, items_n;
    uint64_t allot_ms, grace_ms, solo_after_ms;
    uint32_t window_bytes; /* on their way to a standby at a time; 0: as many as there are */
    bool personal;         /* timing */
    bool no_hints;         /* nobody is told that a machine or a path is back */
};

struct plan {
    uint64_t seed;
    struct plan_site site;
    uint64_t families; /* of faults: plan_bit */
    uint32_t acts_n;
    uint64_t end_ms; /* then everything heals */
    struct act acts[PLAN_ACTS_MAX];
};

/* What a history may suffer from; each seed has some of them. */
enum plan_family {
    PLAN_NODE_DEATHS,
    PLAN_NODE_STOPS,
    PLAN_NODE_FREEZES,
    PLAN_NODE_FUSES,
    PLAN_NODE_CUTS,
    PLAN_NODE_MUTES,
    PLAN_NODE_WEATHER,
    PLAN_COMMIT_FAULTS,
    PLAN_DISK_FULL,
    PLAN_ROTS,
    PLAN_NODE_WIPES,
    PLAN_DATES,
    PLAN_UPS,
    PLAN_SEAT_DEATHS,
    PLAN_SEAT_FREEZES,
    PLAN_SEAT_FUSES,
    PLAN_SEAT_WIPES,
    PLAN_SEAT_CUTS,
    PLAN_SEAT_MUTES,
    PLAN_SEAT_WEATHER,
    PLAN_JOURNAL_FAULTS,
    PLAN_PROMOTIONS,
    PLAN_WRONG_PROMOTIONS,
    PLAN_RELAYS,
    PLAN_TWINS,
    PLAN_AMNESIAS,
    PLAN_EQUALS,
    PLAN_FORKS,
    PLAN_HALF_COPIES,
    PLAN_LOST_WORDS,
    PLAN_LATE_HAND_OVERS,
    PLAN_PAUSES,
    PLAN_GRANTS,
    PLAN_MOVES,
    PLAN_SUBMISSIONS,
    PLAN_COLLECTIONS,
    PLAN_STRAGGLERS,
    PLAN_LAST_COPIES,
    PLAN_STRAYS,
    PLAN_TURNCOATS,
    PLAN_HOMECOMERS,
    PLAN_NEWCOMERS,
    PLAN_CRAMPED_DISKS,
    PLAN_SWITCHOVERS,
    PLAN_VIOLATIONS,
    PLAN_INCIDENTS,
    PLAN_POSTPONEMENTS,
    PLAN_HOSTILES,
    PLAN_FAMILIES,
};
const char *plan_family_name(enum plan_family f);
static inline uint64_t plan_bit(enum plan_family f)
{
    return UINT64_C(1) << f;
}

/* The plan of a seed; the same on every machine. */
void plan_make(uint64_t seed, struct plan *p);
/* True when a node's disk is lost or rots, if it all happens. */
bool plan_takes_disks(const struct plan *p);
/* True when frames between nodes take their time, or are lost. */
bool plan_has_node_weather(const struct plan *p);
/* True when a path between nodes is silent for a while, and they are not told. */
bool plan_has_node_mutes(const struct plan *p);
/* True when somebody sits at one seat more, whose program lies. */
bool plan_has_hostile(const struct plan *p);
/* True when a seat forgets what it has not flushed. */
bool plan_kills_seats(const struct plan *p);
/* Takes out every act of these families (bits as in struct plan). */
void plan_without(struct plan *p, uint64_t families);

/* Scopes of pauses and grants: 0 the site, 1 the batch, 2 the room, then seats, then sittings. */
enum { PLAN_SCOPE_SITE, PLAN_SCOPE_BATCH, PLAN_SCOPE_ROOM, PLAN_SCOPE_SEAT };
/* Places of paths: nodes from 0, seats from PLAN_NODES_MAX. */
static inline uint32_t plan_seat_place(uint32_t seat)
{
    return PLAN_NODES_MAX + seat;
}

/* One act as people read it, without its instant. */
void plan_act_text(const struct plan *p, const struct act *a, char *out, size_t out_bytes);

#endif
