/* cluster.h - some replication cores, each with a log in memory, and the links between them, in
 * virtual time, for tests. Single-threaded; deterministic for the same calls.
 *
 * Messages go through the real codec. A record's event is one letter and what it needs:
 * F founded, E epoch began, S standby changed, W written by the test. */
#ifndef EXAM_TEST_CLUSTER_H
#define EXAM_TEST_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rep.h"

struct cluster;

enum { CLUSTER_NODES_MAX = 3, NOBODY = -1 };

struct cluster *cluster_new(size_t nodes, const struct rep_config *figures);
void cluster_free(struct cluster *c);

/* By hand: nothing moves between nodes, and nothing is committed, but what the test says (see
 * cluster_deliver and cluster_commit). Off at first: everything is carried out at once. */
void cluster_by_hand(struct cluster *c, bool by_hand);

/* --- what happens --- */
void cluster_boot(struct cluster *c, int node);
void cluster_kill(struct cluster *c, int node); /* what was not durable is gone */
void cluster_wipe(struct cluster *c, int node); /* of a node that is down: its disk is gone */
/* Another node's disk has all that was released as dual. */
bool cluster_may_wipe(const struct cluster *c, int node);
/* It dies before the n-th effect from now on (n >= 1; 0: it does not). */
void cluster_fuse(struct cluster *c, int node, size_t effects);
void cluster_fail(struct cluster *c, int node); /* REP_FAILED */
/* Its disk fails at the next REP_DO_KEEP that says that it has learned (D7). */
void cluster_fail_learned(struct cluster *c, int node);
void cluster_hung(struct cluster *c, int node); /* REP_HUNG */
void cluster_stop(struct cluster *c, int node); /* REP_STOP, then down */
void cluster_found(struct cluster *c, int node);
void cluster_promote(struct cluster *c, int node, bool attest);
/* By attest, while seats claim to have seen that epoch. */
void cluster_promote_above(struct cluster *c, int node, uint64_t epoch);
/* D7: though it is a learner. */
void cluster_promote_forced(struct cluster *c, int node, bool attest);
void cluster_hand_over(struct cluster *c, int node);
/* A link's full queue has swallowed the next message. */
void cluster_lose_message(struct cluster *c, int from, int to);
/* What no stream does, and what must be harmless all the same. */
void cluster_repeat_message(struct cluster *c, int from, int to);
void cluster_swap_messages(struct cluster *c, int from, int to);
void cluster_epoch_heard(struct cluster *c, int node, uint64_t epoch);
void cluster_epoch_shared(struct cluster *c, int node, uint64_t epoch);
/* P3: whoever boots after that has no data key; it comes. */
void cluster_boots_locked(struct cluster *c, bool locked);
void cluster_unlock(struct cluster *c, int node);
/* Records decided by `node`, if the core lets it decide; returns how many. */
size_t cluster_write(struct cluster *c, int node, size_t records);
void cluster_cut(struct cluster *c, int a, int b); /* silently: nobody is told */
void cluster_cut_one_way(struct cluster *c, int from, int to);
void cluster_heal(struct cluster *c, int a, int b);
void cluster_reset(struct cluster *c, int a, int b);       /* their links break; both are told */
void cluster_connect(struct cluster *c, int from, int to); /* dials, even with a link there */
void cluster_refuse_records(struct cluster *c, int node, bool on); /* its disk hangs: no commits */
/* Time passes, with everything carried out that comes due. */
void cluster_run(struct cluster *c, uint64_t ms);
/* A stranger's link to `node`, and what he says over it. */
uint64_t cluster_intrude(struct cluster *c, int node);
void cluster_say(struct cluster *c, int node, uint64_t link, const Rep__Message *m);
/* Carries out all that can be without time passing. */
void cluster_settle(struct cluster *c);

/* --- by hand --- */
void cluster_pass(struct cluster *c, uint64_t ms); /* the clock only, and every node's tick */
bool cluster_deliver(struct cluster *c, int from, int to,
                     size_t link); /* one message; false: none */
size_t cluster_links(struct cluster *c, int a, int b);
bool cluster_commit(struct cluster *c, int node);
void cluster_commit_part(struct cluster *c, int node, uint64_t lsn); /* up to lsn */
void cluster_link_frames_max(struct cluster *c,
                             size_t frames); /* a link takes no more; 0: no bound */

/* Of one Append; 0: as many as fit. */
void cluster_frame_records_max(struct cluster *c, size_t records);

/* --- what came of it --- */
uint64_t cluster_now_ms(const struct cluster *c);
bool cluster_is_up(const struct cluster *c, int node);
rep *cluster_rep(struct cluster *c, int node);
int cluster_primary(const struct cluster *c); /* of the highest epoch; NOBODY */
uint64_t cluster_last(const struct cluster *c, int node);
uint64_t cluster_durable(const struct cluster *c, int node);
/* Zeros where the log has no record. */
struct position cluster_position(const struct cluster *c, int node, uint64_t lsn);
bool cluster_site_id(struct cluster *c, int node, uint8_t out[SITE_ID_BYTES]);
size_t cluster_branches(const struct cluster *c, int node); /* dead ends kept */
bool cluster_logs_equal(const struct cluster *c, int a, int b);
struct cluster_reply {
    bool given;
    exam_err code;
    char text[REP_TEXT_BYTES];
};
const struct cluster_reply *cluster_reply(const struct cluster *c, int node);
uint64_t cluster_released(const struct cluster *c, int node);  /* by this node since it booted */
bool cluster_released_dual(const struct cluster *c, int node); /* the last release */
/* The first rule that was broken, in words; NULL: none. Checked at every release and epoch:
 * what was released as dual was durable on two nodes, no two nodes released different records as
 * dual at one place, whoever begins an epoch has all of them, solo only after the log said so,
 * nobody vouches for an epoch below one that he has heard of, crashes or not; nobody serves again
 * by himself below an epoch that has begun, as far as a disk that has it was not wiped and copied
 * anew. */
const char *cluster_broken(const struct cluster *c);
/* Leaves out what only holds of two nodes whose disks survive: of three, a person may promote the
 * one that was not in sync. */
void cluster_allow_stale_heirs(struct cluster *c);
/* Records that do not verify may arrive: somebody makes them up. */
void cluster_allow_forgery(struct cluster *c);
/* Control arms: standbys acknowledge what they have not made durable; a crash forgets the epochs
 * heard of; a crash forgets that a node was learning. */
void cluster_lying_standbys(struct cluster *c);
void cluster_forgetful(struct cluster *c);
void cluster_hasty_learners(struct cluster *c);

/* How often what happened: whether a random history went anywhere. */
struct cluster_counts {
    uint64_t epochs[5]; /* by Ev__EpochReason */
    uint64_t cuts, solo, in_sync, released_dual, released_solo, step_downs, pulls;
    uint64_t fuses, wipes, lost, repeated, swapped, kept;
};
const struct cluster_counts *cluster_counts(const struct cluster *c);

/* The narrated trace since the last call: one line an event. Off until the first call. */
const char *cluster_trace(struct cluster *c);

#endif
