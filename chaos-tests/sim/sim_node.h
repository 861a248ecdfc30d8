/* sim_node.h - one server's machine: a clock, a disk, a network card, and the real node on them.
 * Single-threaded, heap. Whoever calls lets it be the machine's turn by calling here: every
 * function sets sim_clock.h for it. */
#ifndef SIM_NODE_H
#define SIM_NODE_H

#include "link_mem.h"
#include "node.h"
#include "sim_clock.h"
#include "sim_fuse.h"
#include "sim_server.h"
#include "store_mem.h"

extern const char sim_node_seat_address[], sim_node_admin_address[];

struct sim_node {
    struct config config;
    uint32_t window_bytes; /* of its replication core; 0: the default */
    struct link_net *net;
    uint32_t number, boots;
    struct sim_clock clock;
    store_image *disk;
    struct uv_loop_s *host; /* NULL, like the next two: the machine is off */
    struct link_hub *hub;
    struct node *node;
    bool woken;            /* something has come for it */
    uint64_t next_ms;      /* world time of its next deadline */
    bool has_ups;          /* it was told of the mains: it asks again when it starts */
    enum node_power mains; /* what the UPS would say */
    exam_err failure;      /* why the node's process ended by itself (D6) */
    bool on, frozen;
    bool dark;                /* off, and whoever dials it hears nothing */
    enum node_power ups_said; /* to a running node, */
    bool ups_unheard;         /* which has not looked yet: it is frozen */
    struct sim_fuse fuse;
    bool commit_kept; /* what becomes of a commit in which the fuse blows */
    uint64_t fuses_n;
    uint64_t hang_in, hang_ms; /* the hang_in-th commit of its turns takes so long; 0: none does */
    bool in_turn;
    uint64_t power_lost_n, power_kept_n;   /* commits in which the power went */
    uint64_t met[STORE_FAULTS], rot_reads; /* of disks that are gone */
};

/* `config` needs the names of the node and its peers, and the figures; addresses are made here. */
EXAM_MUST_USE exam_err sim_node_init(struct sim_node *n, uint32_t number, struct link_net *net,
                                     const struct config *config);
void sim_node_fini(struct sim_node *n);

bool sim_node_is_up(const struct sim_node *n);
/* Switches the machine on and starts the node. EXAM_CORRUPT ...: those of node_open; the machine is
 * off again, `why` says what the node said. EXAM_OK, and it is off again: the fuse blew.
 * Requires that it is off. */
EXAM_MUST_USE exam_err sim_node_boot(struct sim_node *n, uint64_t now_ms, char *why,
                                     size_t why_bytes);
/* The power goes: the disk keeps what was committed. `unheard`: those it was connected with hear
 * nothing of it. Requires that it is up. */
void sim_node_die(struct sim_node *n, bool unheard);
/* Goes down in order. Requires that it is up. */
void sim_node_stop(struct sim_node *n, uint64_t now_ms);
/* What its UPS tells the node. EXAM_STATE: it is off, and hears of it when it starts. */
EXAM_MUST_USE exam_err sim_node_power(struct sim_node *n, uint64_t now_ms, enum node_power what);
/* Another, empty disk. Requires that it is off. EXAM_NOMEM. */
EXAM_MUST_USE exam_err sim_node_wipe(struct sim_node *n);

/* The process is stopped, as by SIGSTOP, or goes on. Requires that it is up. */
void sim_node_freeze(struct sim_node *n, bool frozen);
/* Commits that have met a fault of the disk (power cuts: see the counts above), and reads of rotten
 * records, with those of any disk that it had. */
uint64_t sim_node_met(const struct sim_node *n, enum store_fault fault);
uint64_t sim_node_rot_reads(const struct sim_node *n);

/* True when a turn has something to do now. */
bool sim_node_wants_turn(const struct sim_node *n, uint64_t now_ms);
/* A node that has failed (D6), that wants to go down (W4), or whose fuse has blown, is off after
 * its turn. Returns when it is over: now_ms, or later by a commit that hung. */
uint64_t sim_node_turn(struct sim_node *n, uint64_t now_ms);
/* The network to the others may be back: dials them in the next turn. */
void sim_node_dial_peers(struct sim_node *n, uint64_t now_ms);
/* A seat or an administrator connects; as sim_dial. EXAM_CONN when it is off.
 * A frozen one's kernel connects. */
EXAM_MUST_USE exam_err sim_node_dial(struct sim_node *n, uint64_t now_ms, const char *address,
                                     const char *peer, const struct sim_path *path,
                                     void (*wake)(void *ctx), void *ctx, struct sim_end **out);

#endif
