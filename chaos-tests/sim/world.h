/* world.h - a whole site in one process and in virtual time: nodes, seats, the paths between them.
 * Single-threaded; deterministic: the same seed and the same calls give the same history. It links
 * the real node (node/serve, node/exam, replication) and the real seat core; simulated are only
 * what they stand on: clocks, chance, disks, connections.
 *
 * Messages take no time. An instant is over when nothing moves any more (world_settle). Within it
 * the order is fixed: seats that are due, nodes by number, what they sent each other, then seats in
 * the order in which something came for them.
 *
 * Death, a cut and a healing are seen at once by both sides: connections are reset, and whoever
 * could connect again is told so (seat_core_hint, node_dial_peers), as a good network card would.
 *
 * The faults (world_mute and what follows it) take all this away, where and when they are asked
 * for. None is there by itself, and a world without them is what it was, to the millisecond. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "mem_wire.h"
#include "oplog.h"
#include "sim_node.h"
#include "sim_seat.h"

struct world;

/* Told what happens, at world_now_ms; must not call the world. Any may be NULL. */
struct world_watch {
    void *ctx;
    void (*seat)(void *ctx, uint32_t seat, const struct seat_event *e);
    void (*node)(void *ctx, uint32_t node, enum oplog_level level, const char *event,
                 const struct oplog_field *fields);
    /* The node that was switched on last has heard what the seat says of epochs. */
    void (*greeted)(void *ctx, uint32_t seat, uint32_t node, const struct sim_greeting *g);
};

struct world_options {
    uint64_t seed;
    uint64_t solo_after_ms; /* 0: the default of the replication core */
    uint32_t window_bytes;  /* 0: the same; less: a standby catches up in many steps */
    uint32_t seats_max;
    /* Nobody is told when a machine, a path or a primary is there again: seats and nodes find out
     * by their own redialling, as in real networks. */
    bool no_hints;
    struct world_watch watch;
};

#define WORLD_NONE UINT32_MAX

/* All machines are off, all paths whole, and it is 0 o'clock. Nodes and seats are numbered from 0.
 * One world at a time a process (clock, chance and log are the process's). Errors: EXAM_INVALID a
 * name, or too many nodes; EXAM_NOMEM. */
EXAM_MUST_USE exam_err world_new(const struct world_options *o, const char *const *nodes,
                                 uint32_t nodes_n, struct world **out);
void world_free(struct world *w);
/* Errors: EXAM_INVALID the name; EXAM_FULL more than seats_max. */
EXAM_MUST_USE exam_err world_add_seat(struct world *w, const char *name, uint32_t *seat);

/* --- time --- */
uint64_t world_now_ms(const struct world *w);
/* Everything that is due by itself up to until_ms, that instant included, and what follows of it.
 */
void world_run(struct world *w, uint64_t until_ms);
/* What follows from the acts below, at this instant. */
void world_settle(struct world *w);

/* --- acts: what follows from them comes with world_settle --- */
/* EXAM_STATE: it is up already; otherwise why the node did not start. EXAM_OK, and it is off: its
 * fuse has blown. */
EXAM_MUST_USE exam_err world_boot_node(struct world *w, uint32_t node, char *why, size_t why_bytes);
/* EXAM_STATE: it is off already, or, for wiping, was on and goes off first. */
EXAM_MUST_USE exam_err world_kill_node(struct world *w, uint32_t node);
EXAM_MUST_USE exam_err world_stop_node(struct world *w, uint32_t node);
EXAM_MUST_USE exam_err world_wipe_node(struct world *w, uint32_t node);
/* Its UPS tells it. EXAM_STATE: it is off. */
EXAM_MUST_USE exam_err world_power(struct world *w, uint32_t node, enum node_power what);
/* Its calendar clock jumps. */
void world_set_date(struct world *w, uint32_t node, int64_t by_ms);

EXAM_MUST_USE exam_err world_boot_seat(struct world *w, uint32_t seat);
EXAM_MUST_USE exam_err world_kill_seat(struct world *w, uint32_t seat);
void world_wipe_seat(struct world *w, uint32_t seat);

void world_cut_seat(struct world *w, uint32_t seat, uint32_t node);
void world_heal_seat(struct world *w, uint32_t seat, uint32_t node);
void world_cut_nodes(struct world *w, uint32_t a, uint32_t b);
void world_heal_nodes(struct world *w, uint32_t a, uint32_t b);

/* --- faults of paths: each is of one way, from one machine to another --- */

struct world_place {
    bool is_seat;
    uint32_t number;
};
static inline struct world_place world_at_node(uint32_t node)
{
    return (struct world_place){.number = node};
}
static inline struct world_place world_at_seat(uint32_t seat)
{
    return (struct world_place){.is_seat = true, .number = seat};
}

/* A cut that nobody is told of: the other way goes on, connections stay, and only time-outs notice
 * it. Both ways: two calls. MEM_CUT_HOLDS: what is sent waits, and comes with the healing, as TCP's
 * does. MEM_CUT_LOSES: it is gone; between nodes later frames come without it, a seat's connection
 * that has lost something is reset after the healing. Nobody can connect while either way is cut:
 * the attempt hangs. MEM_CUT_NONE heals, and nobody is told of that, either. One end is a node. */
void world_mute(struct world *w, struct world_place from, struct world_place to, enum mem_cut how);
/* What becomes of each frame that is sent that way from now on; NULL: fair weather. Loss,
 * duplication and reordering are for the ways between nodes, stalls and resets for all. */
void world_weather(struct world *w, struct world_place from, struct world_place to,
                   const struct mem_weather *weather);

/* --- faults of machines --- */

/* As world_kill_node, but as a power cut: its connections stay as they are for those at their other
 * ends, who hear of it when they send something after the machine is back, or by their time-outs;
 * who dials it meanwhile hears nothing. */
EXAM_MUST_USE exam_err world_unplug_node(struct world *w, uint32_t node);
EXAM_MUST_USE exam_err world_unplug_seat(struct world *w, uint32_t seat);
/* SIGSTOP: the process does nothing any more, its connections stay, what comes queues up, its clock
 * goes on; thawed, it finds the time gone. A frozen node cannot be stopped in order, a frozen seat
 * takes nothing from its person. EXAM_STATE: it is off, or frozen, or not frozen. */
EXAM_MUST_USE exam_err world_freeze_node(struct world *w, uint32_t node);
EXAM_MUST_USE exam_err world_thaw_node(struct world *w, uint32_t node);
EXAM_MUST_USE exam_err world_freeze_seat(struct world *w, uint32_t seat);
EXAM_MUST_USE exam_err world_thaw_seat(struct world *w, uint32_t seat);
bool world_node_is_frozen(const struct world *w, uint32_t node);
bool world_seat_is_frozen(const struct world *w, uint32_t seat);
/* A crash at any step. Of the node's effects (a send to a node, to a seat, to an administrator; the
 * beginning of a commit; its end) the next n happen, none after them, and it is dead when its turn
 * ends. A commit that has begun and not ended is on the disk afterwards or not: commit_kept. Of a
 * seat's: a write to its journal, its flush, a send. The fuse of a machine that is off counts from
 * its start; it goes with the machine's death. WORLD_NO_FUSE takes it out. */
#define WORLD_NO_FUSE UINT64_MAX
void world_fuse_node(struct world *w, uint32_t node, uint64_t n, bool commit_kept);
void world_fuse_seat(struct world *w, uint32_t seat, uint64_t n);
/* Effects that the machine has had since it was switched on: what a fuse is set by. */
uint64_t world_node_effects(const struct world *w, uint32_t node);
uint64_t world_seat_effects(const struct world *w, uint32_t seat);

/* --- faults of disks --- */

/* The n-th commit from now on (1: the next one) meets the fault: STORE_FAULT_FULL, _IO_LOST,
 * _IO_KEPT, or the machine's power goes within it: _POWER_LOST, _POWER_KEPT. n == 0: none does. */
void world_fail_commit(struct world *w, uint32_t node, uint64_t n, enum store_fault fault);
/* The n-th commit of the node's turns from now on takes so long. Everything else stands still
 * meanwhile, and is late: as on a host of machines that pauses. n == 0: none does. */
void world_hang_commit(struct world *w, uint32_t node, uint64_t n, uint64_t ms);
/* From now on there is room for free_bytes more beside a reserve of reserve_bytes for control
 * records. WORLD_ROOM: as much as anybody wants. */
#define WORLD_ROOM UINT64_MAX
void world_fill_disk(struct world *w, uint32_t node, uint64_t free_bytes, uint64_t reserve_bytes);
/* Turns bits of the byte `at` of a record of the log. EXAM_NOT_FOUND: no such byte. */
EXAM_MUST_USE exam_err world_rot(struct world *w, uint32_t node, uint64_t lsn, size_t at,
                                 uint8_t bits);
/* What a seat's power cut makes of the journal's tail that was not flushed, from now on. */
void world_set_tail(struct world *w, uint32_t seat, enum sim_tail tail);
/* The n-th write to the seat's journal from now on (1: the next one) meets the fault; n == 0: none
 * does. */
void world_fail_journal(struct world *w, uint32_t seat, uint64_t n, enum sim_journal_fault fault);

/* --- how often each fault has really happened: a loss counts when a frame was lost --- */

enum world_fault {
    WORLD_FAULT_CUT,          /* a connection was reset by an announced cut, or could not be made */
    WORLD_FAULT_HELD_ONE_WAY, /* a frame waited at a silent cut; the other way was open */
    WORLD_FAULT_HELD_BOTH,    /* ... was cut, too */
    WORLD_FAULT_LOST_ONE_WAY, /* a frame was lost at a silent cut; the other way was open */
    WORLD_FAULT_LOST_BOTH,    /* ... was cut, too */
    WORLD_FAULT_DIAL_HUNG,    /* somebody could not connect through a silent cut, or to a machine
                               without power */
    WORLD_FAULT_DELAY,        /* a frame took its time */
    WORLD_FAULT_LOSS,         /* weather: a frame was lost, */
    WORLD_FAULT_DUPLICATE,    /* came twice, */
    WORLD_FAULT_REORDER,      /* overtook another one, */
    WORLD_FAULT_STALL,        /* stopped all behind it for a while, */
    WORLD_FAULT_RESET,        /* broke its connection */
    WORLD_FAULT_NODE_KILLED,
    WORLD_FAULT_NODE_UNPLUGGED,
    WORLD_FAULT_NODE_FROZEN, /* thawed after something had come, or fallen due, meanwhile */
    WORLD_FAULT_NODE_FUSE,   /* died at its n-th effect */
    WORLD_FAULT_NODE_WIPED,
    WORLD_FAULT_DATE,
    WORLD_FAULT_SEAT_KILLED,
    WORLD_FAULT_SEAT_UNPLUGGED,
    WORLD_FAULT_SEAT_FROZEN,
    WORLD_FAULT_SEAT_FUSE,
    WORLD_FAULT_SEAT_WIPED,
    WORLD_FAULT_POWER_LOST, /* the power went within a commit: it is not on the disk */
    WORLD_FAULT_POWER_KEPT, /* ... it is, though nobody heard so */
    WORLD_FAULT_IO_LOST,    /* a commit's outcome was unknown: it is not on the disk */
    WORLD_FAULT_IO_KEPT,
    WORLD_FAULT_DISK_FULL, /* a commit did not fit, or a node saw that only its reserve is left */
    WORLD_FAULT_ROT,       /* a record that has rotted was read */
    WORLD_FAULT_TAIL_LOST, /* a seat's power cut lost records of its journal, all not flushed */
    WORLD_FAULT_TAIL_TORN, /* ... at a random byte */
    WORLD_FAULT_TAIL_KEPT, /* ... none, though nobody had waited for them */
    WORLD_FAULT_JOURNAL_FULL,
    WORLD_FAULT_JOURNAL_IO, /* a write's outcome was unknown */
    WORLD_FAULTS,
};
uint64_t world_count(const struct world *w, enum world_fault f);
/* "loss", "node-fuse" ...: as the enumeration has it. */
const char *world_fault_name(enum world_fault f);

/* The person at a seat; errors as in sim_seat.h. */
EXAM_MUST_USE exam_err world_sign_in(struct world *w, uint32_t seat, const char *admission_no,
                                     const char *id_no);
EXAM_MUST_USE exam_err world_answer(struct world *w, uint32_t seat, const char *item,
                                    const char *value);
EXAM_MUST_USE exam_err world_submit(struct world *w, uint32_t seat);
void world_leave(struct world *w, uint32_t seat);

/* Connects to a node's administrators' endpoint; office.h is the conversation. EXAM_CONN. */
EXAM_MUST_USE exam_err world_dial_admin(struct world *w, uint32_t node, struct sim_end **out);
/* Connects to its seats' endpoint, over a path of its own: a program that is none of the world's
 * seats and says what it likes. `seat`: for the log. EXAM_CONN. */
EXAM_MUST_USE exam_err world_dial_seat(struct world *w, uint32_t node, const char *seat,
                                       struct sim_end **out);

/* --- questions --- */
uint32_t world_nodes(const struct world *w);
uint32_t world_seats(const struct world *w);
const char *world_node_name(const struct world *w, uint32_t node);
/* NULL: it is off. What is asked of it must not change it; its clock's turn is set. */
struct node *world_node(struct world *w, uint32_t node);
/* How often it was switched on. */
uint32_t world_node_boots(const struct world *w, uint32_t node);
const struct sim_seat *world_seat(const struct world *w, uint32_t seat);
/* Its disk, for checkers; another one after world_wipe_node. */
const store_image *world_disk(const struct world *w, uint32_t node);
/* The node that serves, with the highest epoch; WORLD_NONE. */
uint32_t world_primary(const struct world *w);
/* True when a node that serves can be reached from the seat. */
bool world_seat_is_served(const struct world *w, uint32_t seat);

#endif
