/* node_core.h - what the files of a node share. Internal to this folder; shell, loop thread only.
 *
 * One concept a file: node.c turns, commits, opening and closing; node_act.c what the replication
 * core asks for; node_send.c messages and records to peers; node_kept.c what the core is to
 * remember; node_links.c what peers send, dialling, dead branches; node_endpoints.c what seats' and
 * administrators' endpoints ask; node_keys.c the site's keys; node_vault.c its data key (P3);
 * node_roster.c the oldest roster of them; node_evidence.c what nodes sign of their logs (D8);
 * node_power.c power and leaving (R1, W4); node_hang.c hangs (T5); node_disk.c failing (D6) and rot
 * (D8); node_metrics.c what a monitor is told. */
#ifndef EXAM_NODE_CORE_H
#define EXAM_NODE_CORE_H

#include "admin_server.h"
#include "branches.h"
#include "engine.h"
#include "log_check.h"
#include "node.h"
#include "rep_append.h"
#include "seat_server.h"

/* From battery low (W4), or from the wish to end in order, to the end. */
enum down {
    DOWN_NOT,
    DOWN_HANDING, /* a standby in sync was asked to take over */
    DOWN_HANDED,  /* it does; its first word of that is the last thing to wait for */
    DOWN_NOW,
};

struct peer {
    char url[ADDRESS_BYTES_MAX + 8];
    struct link_id dialling; /* under way; none: not */
    uint64_t dial_at_ms;
};

/* Who asked for the promotion or founding under way. */
struct asked {
    uint64_t token;
    bool attest;
    char who[PERSON_BYTES_MAX + 1];
    char why[REASON_BYTES_MAX + 1];
    char site_name[TITLE_BYTES_MAX + 1];
};

struct node {
    struct config config;
    uint64_t sweep_at_ms;

    struct engine *engine;
    struct seat_server *seats;
    struct admin_server *admins;
    rep *rep;
    struct rep_log rep_log;
    struct link_hub *hub;
    struct keyring *keys; /* NULL: plain connections */
    struct vault *vault;  /* NULL: nothing is sealed */
    struct peer peers[NODES_MAX - 1];
    struct rep_append append; /* frames to a standby */
    uint8_t frame[FRAME_HEADER_BYTES + FRAME_BYTES_MAX];
    struct arena arena;
    uint8_t *arena_block;

    uint64_t awake_ms; /* when this node was seen running last */
    struct asked asked;
    uint64_t epoch_claimed; /* the highest that a seat says it has seen; 0: none above ours */
    uint64_t pending_ms;    /* since when records wait for the commit of a standby that is behind */
    uint64_t announced_lsn; /* the replication core knows of the records up to here */
    Admin__Power power;     /* what the UPS says, for the status */
    char power_text[REASON_BYTES_MAX + 1];
    bool ups;
    enum node_power power_said; /* the last that the UPS told, */
    bool power_unbooked;        /* and it is to be logged as soon as this node decides */
    bool battery_low;
    bool leaving;
    uint64_t leave_until_ms;
    enum down down;
    uint64_t down_until_ms;
    struct branches branches;
    uint64_t branches_due_ms;  /* they are to be sent on then */
    struct arena branch_arena; /* for the events of records of a dead branch */
    uint8_t *branch_block;
    struct log_check log_check;
    struct evidence *evidence; /* of node_evidence.c */
    bool serving, held, pumping, stopping, hung;
    exam_err failure;
};

/* --- node.c --- */

/* Tells the replication core of a position in the log: appended, durable, cut ... */
void node_feed(struct node *n, enum rep_input_kind kind, struct position at);
/* False: the commit failed, and with it the node. */
bool node_commit_here(struct node *n);

/* --- node_act.c --- */

/* Carries out what the core asks for until it asks for nothing more; then tells the endpoints when
 * the node decides again. */
void node_pump(struct node *n);

/* --- node_send.c --- */

void node_send(struct node *n, const struct rep_action *a);
void node_send_records(struct node *n, const struct rep_action *a);
void node_close_link(struct node *n, const struct rep_action *a);
/* Closes a link that is of no use any more, and tells the replication core. */
void node_link_lost(struct node *n, struct rep_link link);

/* --- node_kept.c --- */

/* Durable in STORE_META when it returns; out of the reserve, if it must be. */
EXAM_MUST_USE exam_err node_meta_put(struct node *n, const char *key, const uint8_t *value,
                                     size_t bytes);
void node_keep(struct node *n, const struct rep_action *a);
/* A store without it has heard of no epoch but those in its log. */
void node_kept_read(struct node *n, struct rep_start *start);

/* --- node_links.c --- */

/* A3: what this node holds itself, and did not bring in as a standby. */
void node_take_own_branches(struct node *n);
/* A3: to the primary that this node follows, once it is level with it. */
void node_send_branches(struct node *n);
void node_peers_dial(struct node *n, uint64_t now_ms);
uint64_t node_peers_next_ms(const struct node *n);

/* --- node_endpoints.c --- */

EXAM_MUST_USE exam_err node_open_endpoints(struct node *n, const struct node_parts *parts,
                                           char *why, size_t why_bytes);

/* --- node_keys.c --- */

void node_keys_told(const struct node *n);
/* Once a second: takes a newer roster, and closes the connections of whom it does not have. */
void node_keys_turn(struct node *n);
/* Whoever is at the other end of the link is that node, by its key. True without keys. */
bool node_keys_fit(const struct node *n, struct link_id link, const char *node);
/* EXAM_OTHER_SITE: the log is not of the roster's site. */
EXAM_MUST_USE exam_err node_keys_check_site(const struct node *n, char *why, size_t why_bytes);

/* --- node_roster.c --- */

/* A roster that this node has used is the oldest that it ever uses again, over restarts too.
 * EXAM_REFUSED: the one it was started with is older. Otherwise as store_get and store_commit. */
EXAM_MUST_USE exam_err node_roster_check(struct node *n, char *why, size_t why_bytes);

/* --- node_evidence.c --- */

/* Checkpoints on their way to a peer. */
struct node_checkpoints {
    uint64_t no;
    size_t n;
    uint8_t bytes[CHECKPOINTS_SENT_MAX][CHECKPOINT_BYTES];
    ProtobufCBinaryData data[CHECKPOINTS_SENT_MAX];
};

EXAM_MUST_USE exam_err node_evidence_open(struct node *n);
void node_evidence_free(struct node *n);
/* Once a second: signs what is due, and holds what was signed against the log (D8). */
void node_evidence_turn(struct node *n);
/* An orderly end: signs how far the log has come. */
void node_evidence_end(struct node *n);
/* The log was cut after `lsn`. */
void node_evidence_cut(struct node *n, uint64_t lsn);
/* What the peer at that link has not been told yet, some of it; returns how many. They go with a
 * Ping, and count as told with node_evidence_sent. */
size_t node_evidence_to_send(struct node *n, uint64_t link, struct node_checkpoints *out);
void node_evidence_sent(struct node *n, uint64_t link, const struct node_checkpoints *sent);
void node_evidence_take(struct node *n, struct link_id link, const Rep__Ping *m);
void node_evidence_status(const struct node *n, Admin__NodeStatus *out);

/* --- node_vault.c --- */

void node_vault_told(const struct node *n);
/* P3: somebody brings the data key. `text` says what became of it. EXAM_AUTH; EXAM_STATE: the site
 * has none. */
EXAM_MUST_USE exam_err node_unlock(struct node *n, const uint8_t key[DATA_KEY_BYTES],
                                   const char **text);

/* --- node_power.c --- */

/* W2: marks every clock, before a hand-over drains. */
void node_mark_all(struct node *n);
/* Whatever the power asks for and can be done now. */
void node_power_turn(struct node *n);
/* W4: the hand-over that node_power.c asked for has been answered. */
void node_hand_over_ended(struct node *n, const struct rep_action *a);

/* --- node_hang.c --- */

/* Asked before anything is done that this process could not do for a while (T5). */
void node_hang_check(struct node *n);
uint64_t node_awake_next_ms(const struct node *n);

/* --- node_disk.c --- */

/* D6: stops serving; the node must not go on. */
void node_fail(struct node *n, exam_err err, const char *what);
/* D8: says once that the record at `lsn` is not what was written. */
void node_rot_found(struct node *n, uint64_t lsn);
/* Checks a piece of the log, and ends the node when whoever read met an error. */
void node_disk_turn(struct node *n, uint64_t now_ms, bool idle);

#endif
