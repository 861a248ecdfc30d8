/* sim_seat.h - one seat's PC: the real seat core, a disk, the connections, and who sits there.
 * Single-threaded, heap. The world tells it the time and when to look at its connections; it asks
 * the world for connections and tells it what happens. Nothing here calls a node.
 *
 * The person at the seat signs in again whenever the screen asks for it: after the PC came back
 * with an empty disk, or when the server does not know the session. */
#ifndef SIM_SEAT_H
#define SIM_SEAT_H

#include "journal_mem.h"
#include "seat_core.h"
#include "sim_fuse.h"
#include "sim_server.h"

struct sim_greeting {
    uint64_t seen;  /* the highest epoch that the seat knew of when it greeted the node */
    uint64_t epoch; /* the node's own then */
};

/* What a seat asks of the world around it; `seat` is its number. */
struct sim_seat_ties {
    void *ctx;
    /* EXAM_CONN: nobody answers; EXAM_AGAIN: no path, the attempt hangs and is made again. */
    exam_err (*dial)(void *ctx, uint32_t seat, uint32_t node, struct sim_end **out);
    void (*ready)(void *ctx, uint32_t seat); /* it wants its turn (sim_seat_turn) */
    void (*event)(void *ctx, uint32_t seat, const struct seat_event *e);
    /* The node has welcomed it: it knows what the seat had said of epochs (W1). */
    void (*greeted)(void *ctx, uint32_t seat, uint32_t node, const struct sim_greeting *g);
};

/* What a power cut makes of records that the journal has and has not flushed. */
enum sim_tail {
    SIM_TAIL_LOST, /* all are gone */
    SIM_TAIL_TORN, /* what lies after a random byte of them is gone */
    SIM_TAIL_KEPT, /* the disk had them already */
    SIM_TAILS,
};

struct sim_seat_link {
    bool dialling;
    bool hung;             /* the attempt has met no path */
    struct sim_end *end;   /* NULL: not connected */
    struct sim_end *ended; /* hung up within the running call of the core */
    bool broken;           /* did not take what was sent: to be reported as closed */
    bool greeting;         /* it has sent its Hello, and nothing has come back yet */
    uint64_t said_epoch;   /* in that Hello */
};

struct sim_seat {
    uint32_t number, nodes_n, boots;
    char name[NAME_BYTES_MAX + 1];
    struct sim_seat_ties ties;
    struct arena *arena; /* shared by all seats */

    uint64_t up_at_ms, base_ms; /* its clock, as of sim_clock.h */
    struct seat_core *core;     /* NULL: off */
    void *block;
    struct journal_mem journal;
    enum sim_tail tail;
    uint64_t tails_n[SIM_TAILS]; /* deaths that met a tail: each kind */
    uint64_t chance;             /* of a torn tail */
    struct sim_fuse fuse;
    bool on, frozen;
    struct sim_seat_link links[NODES_MAX];

    char admission_no[NAME_BYTES_MAX + 1], id_no[NAME_BYTES_MAX + 1]; /* who sits here; "" nobody */
    bool hung_up;   /* within the running call of the core */
    bool fell;      /* a connection has ended: set here, cleared by the world */
    bool asked_in;  /* the screen asks for a sign-in */
    bool collected; /* the journal is to be begun anew */
    bool collected_keep;
    exam_err refused; /* how the last sign-in ended; EXAM_OK: it did not, or well */
    char refused_text[512];
};

/* `s` must not move afterwards. EXAM_INVALID a name. */
EXAM_MUST_USE exam_err sim_seat_init(struct sim_seat *s, uint32_t number, const char *name,
                                     uint32_t nodes_n, struct arena *arena,
                                     const struct sim_seat_ties *ties);
void sim_seat_fini(struct sim_seat *s);

bool sim_seat_is_on(const struct sim_seat *s);
/* Switches the PC on: it reads its journal and begins to dial. Requires that it is off. It is off
 * again when its journal does not take its first records. */
void sim_seat_boot(struct sim_seat *s, uint64_t now_ms);
/* The power goes; the journal keeps what was durable, and of the rest what `tail` says. `unheard`:
 * the nodes see nothing of it. Requires that it is on. */
void sim_seat_die(struct sim_seat *s, bool unheard);
/* The disk is lost. Requires that it is off. */
void sim_seat_wipe(struct sim_seat *s);

/* What has come, and what was asked for. */
void sim_seat_turn(struct sim_seat *s, uint64_t now_ms);
/* What is due. */
void sim_seat_tick(struct sim_seat *s, uint64_t now_ms);
/* When sim_seat_tick is to be called at the latest, in world time. */
uint64_t sim_seat_deadline_ms(const struct sim_seat *s);
/* The path to that node may be there again: dials at once. */
void sim_seat_hint(struct sim_seat *s, uint64_t now_ms, uint32_t node);
/* The path to that node is gone, and both sides see it at once. */
void sim_seat_cut(struct sim_seat *s, uint64_t now_ms, uint32_t node);

/* The process is stopped, as by SIGSTOP, or goes on. Requires that it is on. */
void sim_seat_freeze(struct sim_seat *s, bool frozen);

/* The person: sits down and signs in (the outcome is told later: see `refused`), answers, submits.
 * Errors: EXAM_STATE the PC is off, or frozen; those of seat_core.h. */
EXAM_MUST_USE exam_err sim_seat_sign_in(struct sim_seat *s, uint64_t now_ms,
                                        const char *admission_no, const char *id_no);
EXAM_MUST_USE exam_err sim_seat_answer(struct sim_seat *s, uint64_t now_ms, const char *item,
                                       const char *value);
EXAM_MUST_USE exam_err sim_seat_submit(struct sim_seat *s, uint64_t now_ms);
/* Stands up: nobody answers this screen any more. */
void sim_seat_leave(struct sim_seat *s);

#endif
