/* history.h - one history: a plan, played in a simulated world, with checkers that look on.
 * Single-threaded, heap; one at a time a process (world.h). The same plan gives the same history.
 */
#ifndef EXAMSIM_HISTORY_H
#define EXAMSIM_HISTORY_H

#include <stdio.h>

#include "check_epochs.h"
#include "check_replicas.h"
#include "check_saved.h"
#include "check_screens.h"
#include "plan.h"
#include "trace.h"
#include "world.h"

/* What was broken: the first thing only. `rule` is "" when nothing was. */
struct violation {
    char rule[8]; /* the promise or rule: "A2", "D5"; "ends": an assertion, or no end */
    char text[480];
    uint64_t at_ms;
};

struct verdict_of_history {
    struct violation violation;
    uint64_t virtual_ms;
    uint64_t faults[WORLD_FAULTS]; /* how often each has really happened */
    uint32_t answers_n, saved_n;   /* made; told that they are saved */
    uint32_t epochs_n;
    bool twins;         /* persons have begun one epoch number twice */
    uint8_t digest[32]; /* of all that was told: equal for equal histories */
};

/* Plays it to its end, or to the first violation. `out`: narrates there, one line an event; NULL:
 * silent. */
void history_play(const struct plan *p, FILE *out, struct verdict_of_history *v);

/* The same, silent; `look` sees the world as the history leaves it. */
void history_play_and_look(const struct plan *p, void (*look)(void *ctx, struct world *w),
                           void *ctx, struct verdict_of_history *v);

/* ---------------------------------------------------------------- private to examsim's parts */

enum { NOTES_MAX = 64 };

struct note { /* of a violation (R3) */
    uint32_t candidate;
    bool told; /* somebody was told that it is on record */
};

struct told_at { /* where the node that told it was then, its log's last record, and whom it told */
    uint32_t node, seat;
    bool gone; /* that seat has thrown its journal away since, or lost its disk */
    uint64_t lsn;
    uint8_t hash[HASH_BYTES];
};

struct said { /* what seats have told a node of epochs, since it was switched on (W1) */
    uint32_t boots;
    uint64_t epoch; /* the highest that it may not ignore */
};

struct disk_seen { /* how far a node's disk has been read */
    size_t records, branch_records;
    uint64_t grew_ms; /* when its log was last seen to have grown */
    uint8_t hash[HASH_BYTES];
};

struct history {
    const struct plan *plan;
    struct world *w;
    uint64_t zero_ms; /* the world's time at the plan's 0 */
    struct trace trace;
    bool told; /* somebody reads the trace */
    struct violation violation;

    struct saved saved;
    struct epochs epochs;
    struct replicas_seen replicas;
    struct screens screens[PLAN_CANDIDATES_MAX];
    struct told_at told_at[PLAN_CANDIDATES_MAX]; /* of the highest mark that somebody was told */
    struct told_at sat_at[PLAN_CANDIDATES_MAX];  /* of the first sign-in (T2) */
    struct disk_seen disks[PLAN_NODES_MAX];
    uint32_t sits_at[PLAN_CANDIDATES_MAX];
    bool signed_in_again[PLAN_CANDIDATES_MAX]; /* a node did not know the session any more */
    uint32_t seat_boots[PLAN_SEATS_MAX];
    uint64_t submitted_ms[PLAN_SEATS_MAX], attached_ms[PLAN_SEATS_MAX];
    uint32_t attached_to[PLAN_SEATS_MAX]; /* the node that has taken it in last */
    bool started;                         /* the batch, as far as any node has said so */
    bool collected;                       /* ... or a node was asked to */
    uint64_t rotten_lsn[PLAN_NODES_MAX];  /* the first record of its log that has rotted; 0: none */
    bool learner[PLAN_NODES_MAX]; /* has lost its disk, and not been level with a primary since */
    bool log_is_lost; /* every sound copy of some record has rotted: nobody gets past it */
    bool
        vouches[PLAN_NODES_MAX]; /* has been level with a primary since it lost its disk, if ever */
    bool repaired;               /* nothing goes wrong any more */
    bool forced_once;  /* a node serves that was no whole copy: what came after it is lost (D7) */
    uint64_t clash_ms; /* since when two in contact have both served, while frames are delayed; 0 */
    bool attested_once; /* somebody has begun an epoch by a person's word */
    bool two_served;    /* two nodes have served at one time: somebody attested what was not true */
    uint64_t io_errors[PLAN_NODES_MAX]; /* that its disk had met when it was switched on (D6) */
    bool attested[PLAN_NODES_MAX];      /* by the person who asked it to serve last (W2), */
    bool forced[PLAN_NODES_MAX];        /* who has given up every whole copy (D7) */
    struct said said[PLAN_NODES_MAX];
    uint64_t said_epoch[PLAN_NODES_MAX]; /* of that, when a person asked it to serve last (W1) */
    bool taken[SAVED_ANSWERS_MAX];       /* by a screen, without any complaint of its disk */
    struct hostile *hostile;             /* NULL: it has not spoken */
    struct note notes[NOTES_MAX];
    uint32_t notes_n;
    uint64_t stopped_used_ms[PLAN_NODES_MAX]
                            [PLAN_CANDIDATES_MAX]; /* since the batch is postponed */
    bool stopped[PLAN_NODES_MAX];                  /* there, by its own log (T13), */
    size_t stopped_apart[PLAN_NODES_MAX];          /* when it had set so many records apart */
    uint32_t served_last;                          /* who has begun the last epoch */
    bool serves[PLAN_NODES_MAX];                   /* has since it was looked at last */
    uint64_t epoch_seen[PLAN_SEATS_MAX];   /* the highest that the seat's disk has heard of (W1) */
    bool left[PLAN_SEATS_MAX];             /* it has heard that its candidate is elsewhere (T11) */
    uint32_t session_from[PLAN_SEATS_MAX]; /* the first answer since somebody signed in there */
    bool dark; /* something has happened that stops a clock which runs without a screen (T2, T5) */
    size_t owed[PLAN_NODES_MAX]; /* records that the others had since it lost its disk; 0: it has
                                    not, or has been level with a primary since */
    uint64_t level_ms[PLAN_NODES_MAX]; /* when it was level again, if ever */
    struct arena arena;
    uint8_t *arena_block;
    void *digest_state;
};

/* Books the first violation; later ones follow from it. */
void history_fail(struct history *h, const char *rule, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The rule is at the end of `what`, in parentheses. */
void history_fail_what(struct history *h, const char *what);
static inline bool history_broken(const struct history *h)
{
    return h->violation.rule[0] != '\0';
}
/* Goes into the digest of the history. */
void history_note(struct history *h, char what, uint32_t who, uint32_t how);
void history_tell(struct history *h, const char *who, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
