#include "node.h"

#include <assert.h>
#include <endian.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin_server.h"
#include "branches.h"
#include "clock.h"
#include "codec.h"
#include "engine.h"
#include "link.h"
#include "log_check.h"
#include "oplog.h"
#include "rep.h"
#include "rep_append.h"
#include "seat_server.h"

enum {
    SWEEP_EVERY_MS = 1000,
    PEER_TIMEOUT_MS = 900, /* with solo-after under three heartbeats: no seat redials meanwhile */
    DIAL_MS_MIN = 100,     /* between two attempts to reach a peer, with as much jitter again */
    DIAL_JITTER_MS = 200,
    EPOCHS_CLAIMED_MAX = 1000, /* above our own that a seat's word is taken for */
    HANDED_OVER_MS = 2000, /* W4: at the most so long until the successor has said that it serves */
    HANG_MS_MIN = 20,      /* no grace is so short that less than this could lock a screen */
    LEAVE_MS = 5000,       /* an orderly end is not held up for longer, whatever it waits for */
};

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
    struct peer peers[NODES_MAX - 1];
    struct rep_append append; /* frames to a standby */
    uint8_t frame[FRAME_HEADER_BYTES + FRAME_BYTES_MAX];
    struct arena arena;
    uint8_t *arena_block;

    uint64_t awake_ms; /* when this node was seen running last */
    struct asked asked;
    uint64_t epoch_claimed; /* the highest that a seat says it has seen; 0: none above ours */
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
    bool serving, held, pumping, stopping, hung;
    exam_err failure;
};

static void node_pump(struct node *n);
static void hang_check(struct node *n);

/* ---------------------------------------------------------------- failing */

/* D6: a node that does not know what is on its disk does not guess. */
static void node_fail(struct node *n, exam_err err, const char *what)
{
    if (n->failure)
        return;
    n->failure = err;
    oplog(OPLOG_ERROR, "failed", OPLOG_S("what", what), OPLOG_S("code", exam_err_name(err)),
          OPLOG_S("text",
                  n->serving ? "this node stops serving; promote the standby, and look at this disk"
                             : "this node vouches for nothing any more; look at its disk"));
    struct rep_input in = {.kind = REP_FAILED, .now_ms = clock_boot_ms()};
    rep_step(n->rep, &in);
    node_pump(n);
    if (n->serving) {
        n->serving = false;
        seat_server_serving(n->seats, false);
        admin_server_retired(n->admins);
    }
}

static void rot_found(struct node *n, uint64_t lsn)
{
    if (n->log_check.bad_lsn)
        return;
    n->log_check.bad_lsn = lsn;
    oplog(OPLOG_ERROR, "log-rotten", OPLOG_U("lsn", lsn),
          OPLOG_S("text", "this record is not what was written (D8): if this node serves, promote "
                          "its standby; then keep its data folder, and let it start with an empty "
                          "one and join again"));
}

/* ---------------------------------------------------------------- feeding the replication core */

static void feed_position(struct node *n, enum rep_input_kind kind, struct position at)
{
    struct rep_input in = {.kind = kind, .now_ms = clock_boot_ms(), .position = at};
    if (kind == REP_APPENDED || kind == REP_EPOCH_OPEN)
        n->announced_lsn = at.lsn;
    rep_step(n->rep, &in);
}

static bool commit_here(struct node *n)
{
    exam_err err = engine_commit(n->engine);
    if (err)
        node_fail(n, err, "commit");
    return !err;
}

/* Sends what is new to the standby, commits it here meanwhile, and tells what is durable. */
static void node_commit(struct node *n)
{
    if (!engine_has_pending(n->engine) || n->failure)
        return;
    struct position last = engine_last(n->engine);
    if (last.lsn > n->announced_lsn) {
        feed_position(n, REP_APPENDED, last);
        node_pump(n);
    }
    if (!engine_has_pending(n->engine) || !commit_here(n))
        return;
    hang_check(n); /* the disk may have held it up: what has hung releases nothing */
    feed_position(n, REP_DURABLE, engine_durable(n->engine));
    node_pump(n);
}

/* ---------------------------------------------------------------- records to a standby */

struct sending {
    struct node *n;
    const struct rep_action *a;
    uint64_t sent_lsn;
    uint64_t sent_bytes;
    uint64_t next_lsn;
    uint8_t last_hash[HASH_BYTES];
};

static exam_err sending_flush(struct sending *s)
{
    const uint8_t *frame;
    size_t bytes;
    if (!rep_append_records(&s->n->append))
        return EXAM_OK;
    rep_append_finish(&s->n->append, &frame, &bytes);
    exam_err err = link_send(s->n->hub, (struct link_id){.n = s->a->link.n}, frame, bytes);
    if (err)
        return err;
    s->sent_lsn = s->next_lsn - 1;
    s->sent_bytes += bytes;
    return EXAM_OK;
}

static void sending_begin(struct sending *s, uint64_t lsn)
{
    struct node *n = s->n;
    rep_append_begin(&n->append, s->a->epoch, lsn, s->last_hash, s->a->released_lsn);
    n->append.append.site_ms = n->serving ? engine_now_ms(n->engine) : 0;
}

static exam_err sending_each(void *ctx, uint64_t lsn, const uint8_t *value, size_t value_bytes)
{
    struct sending *s = ctx;
    struct record r;
    exam_err err = record_open(lsn, value, value_bytes, &r);
    if (!err && lsn <= engine_durable(s->n->engine).lsn)
        err = record_verify(&r, s->last_hash); /* D8: rot does not travel */
    if (err)
        return err;
    err = rep_append_add(&s->n->append, value, value_bytes);
    if (err == EXAM_FULL) {
        err = sending_flush(s);
        if (!err && s->sent_bytes >= s->a->bytes_max)
            err = EXAM_AGAIN;
        if (err)
            return err;
        sending_begin(s, lsn);
        err = rep_append_add(&s->n->append, value, value_bytes);
    }
    if (err)
        return err;
    memcpy(s->last_hash, r.hash, HASH_BYTES);
    s->next_lsn = lsn + 1;
    return EXAM_OK;
}

static void link_lost(struct node *n, struct rep_link link);

static void do_send_records(struct node *n, const struct rep_action *a)
{
    struct sending s = {.n = n, .a = a, .sent_lsn = a->first_lsn - 1, .next_lsn = a->first_lsn};
    exam_err err = EXAM_OK;
    if (a->first_lsn > 1)
        err = engine_hash_at(n->engine, a->first_lsn - 1, s.last_hash);
    if (!err) {
        sending_begin(&s, a->first_lsn);
        err = engine_read(n->engine, a->first_lsn, a->last_lsn, sending_each, &s);
    }
    bool rotten = err == EXAM_CORRUPT && !store_failure(engine_store(n->engine));
    if (!err || rotten)
        err = sending_flush(&s); /* what is before the rotten record is true */
    if (rotten) {
        rot_found(n, s.next_lsn);
        link_lost(n, a->link);
        return;
    }
    if (err && exam_err_class_of(err) != EXAM_CLASS_RETRY) {
        node_fail(n, err, "reading the log for a standby");
        return;
    }
    struct rep_input in = {.kind = REP_SENT,
                           .now_ms = clock_boot_ms(),
                           .link = a->link,
                           .bytes = s.sent_bytes,
                           .position.lsn = s.sent_lsn};
    rep_step(n->rep, &in);
}

/* ---------------------------------------------------------------- actions */

/* Closes a link that is of no use any more, and tells the replication core. */
static void link_lost(struct node *n, struct rep_link link)
{
    struct rep_input in = {.kind = REP_LINK_CLOSED, .now_ms = clock_boot_ms(), .link = link};
    link_close(n->hub, (struct link_id){.n = link.n});
    rep_step(n->rep, &in);
}

static void do_send(struct node *n, const struct rep_action *a)
{
    size_t bytes;
    exam_err err = codec_frame_pack(&a->message->base, n->frame, sizeof n->frame, &bytes);
    assert(!err);
    err = link_send(n->hub, (struct link_id){.n = a->link.n}, n->frame, bytes);
    if (!err || a->message->kind_case == REP__MESSAGE__KIND_PING)
        return; /* a peer that takes nothing for long is lost by its silence */
    /* Any other message is not said twice: begin anew with a link that takes it. */
    oplog(OPLOG_WARN, "peer-slow", OPLOG_S("code", exam_err_name(err)));
    link_lost(n, a->link);
}

static void do_close(struct node *n, const struct rep_action *a)
{
    if (a->text[0])
        oplog(a->code ? OPLOG_WARN : OPLOG_INFO, "peer-closed",
              OPLOG_S("code", exam_err_name(a->code)), OPLOG_S("why", a->text));
    link_close(n->hub, (struct link_id){.n = a->link.n});
}

static void do_append(struct node *n, const struct rep_action *a)
{
    uint64_t lsn = a->append->first_lsn, free_bytes;
    /* The reserve is for control records: with it this node can still be promoted. */
    if (engine_room(n->engine, &free_bytes) == STORE_ROOM_RESERVED) {
        node_fail(n, EXAM_FULL, "following with a full disk");
        return;
    }
    for (size_t i = 0; i < a->append->n_records; i++, lsn++) {
        exam_err err =
            engine_follow(n->engine, lsn, a->append->records[i].data, a->append->records[i].len);
        if (err) {
            oplog(OPLOG_ERROR, "record-refused", OPLOG_U("lsn", lsn),
                  OPLOG_S("why", "it does not continue this node's hash chain (D8)"));
            link_lost(n, a->link);
            break;
        }
    }
    if (a->append->site_ms && a->append->site_ms <= INT64_MAX)
        engine_now_told(n->engine, a->append->site_ms);
    feed_position(n, REP_APPENDED, engine_last(n->engine));
}

static void do_cut(struct node *n, const struct rep_action *a)
{
    uint64_t before = engine_last(n->engine).lsn;
    if (engine_has_pending(n->engine) && !commit_here(n))
        return;
    exam_err err = engine_cut(n->engine, a->lsn);
    if (err) {
        node_fail(n, err, "setting a dead branch apart");
        return;
    }
    n->announced_lsn = a->lsn;
    branches_changed(&n->branches);
    log_check_again(&n->log_check);
    oplog(OPLOG_WARN, "dead-branch-kept", OPLOG_U("from_lsn", a->lsn + 1),
          OPLOG_U("records", before - a->lsn),
          OPLOG_S("text", "the successor's log does not have these records; they stay readable"));
    feed_position(n, REP_CUT_DONE, engine_last(n->engine));
}

static exam_err decide_found(struct node *n)
{
    uint8_t site_id[SITE_ID_BYTES], site_key[SITE_KEY_BYTES];
    struct exam_command c = {.kind = EXAM_CMD_FOUND};
    struct exam_refusal why;
    uint64_t lsn;
    randombytes_buf(site_id, sizeof site_id);
    randombytes_buf(site_key, sizeof site_key);
    c.u.found.site_id = site_id;
    c.u.found.site_key = site_key;
    c.u.found.name = n->asked.site_name;
    c.u.found.who = n->asked.who;
    exam_err err = engine_decide(n->engine, &c, &why, &lsn);
    sodium_memzero(site_key, sizeof site_key);
    return err;
}

/* W4, or an orderly end: no person asked for it. */
static void handed_over_by(struct node *n, char out[NAME_BYTES_MAX + 1])
{
    struct rep_preview p;
    const char *low = exam_battery_low(engine_exam(n->engine));
    rep_promotion_preview(n->rep, clock_boot_ms(), &p);
    snprintf(out, NAME_BYTES_MAX + 1, "%s", low[0] ? low : p.primary ? p.primary : "");
}

static void do_begin_epoch(struct node *n, const struct rep_action *a)
{
    struct exam_command c = {.kind = EXAM_CMD_BEGIN_EPOCH};
    struct exam_refusal why;
    uint64_t lsn;
    bool asked = a->token && a->token == n->asked.token;
    char by[NAME_BYTES_MAX + 1] = ""; /* the node that has handed over by itself */
    exam_err err = EXAM_OK;
    if (engine_has_pending(n->engine)) {
        if (!commit_here(n))
            return;
        feed_position(n, REP_DURABLE, engine_durable(n->engine));
    }
    if (a->reason == EV__EPOCH_REASON__EPOCH_REASON_FOUNDED)
        err = decide_found(n);
    bool low = exam_battery_low(engine_exam(n->engine))[0];
    if (a->reason == EV__EPOCH_REASON__EPOCH_REASON_SWITCHOVER && !asked)
        handed_over_by(n, by);
    c.u.begin_epoch.epoch = a->epoch;
    c.u.begin_epoch.node = n->config.node;
    c.u.begin_epoch.who = asked ? n->asked.who : by;
    c.u.begin_epoch.why = asked    ? n->asked.why
                          : !by[0] ? ""
                          : low    ? "its battery is low (W4)"
                                   : "it is being stopped in order";
    c.u.begin_epoch.reason = a->reason;
    c.u.begin_epoch.dark_known = engine_now_known(n->engine);
    c.u.begin_epoch.solo = a->solo;
    if (!err)
        err = engine_decide(n->engine, &c, &why, &lsn);
    if (err) {
        node_fail(n, err, "beginning an epoch");
        return;
    }
    if (!commit_here(n))
        return;
    oplog(OPLOG_INFO, "epoch-began", OPLOG_U("epoch", a->epoch),
          OPLOG_U("reason", (uint64_t)a->reason), OPLOG_S("who", c.u.begin_epoch.who),
          OPLOG_S("why", c.u.begin_epoch.why), OPLOG_U("solo", a->solo));
    feed_position(n, REP_EPOCH_OPEN, engine_last(n->engine));
    n->serving = true;
    branches_changed(&n->branches);
    n->held = !rep_may_decide(n->rep);
    n->power_unbooked = n->power_said != NODE_MAINS_BACK; /* R1: the exam goes on without mains */
    seat_server_serving(n->seats, true);
}

static void do_step_down(struct node *n, const struct rep_action *a)
{
    if (!n->stopping && !n->hung)
        oplog(OPLOG_WARN, "stepped-down", OPLOG_U("epoch", a->epoch),
              OPLOG_S("text", "another node serves, or is to serve (W1)"));
    if (!n->serving)
        return;
    n->serving = false;
    seat_server_serving(n->seats, false);
    admin_server_retired(n->admins);
}

static void do_log_standby(struct node *n, const struct rep_action *a)
{
    struct exam_command c = {.kind = EXAM_CMD_STANDBY_CHANGED};
    struct exam_refusal why;
    uint64_t lsn;
    c.u.standby_changed.node = a->peer;
    c.u.standby_changed.in_sync = a->in_sync;
    c.u.standby_changed.solo = a->solo;
    exam_err err = engine_decide(n->engine, &c, &why, &lsn);
    if (err) {
        node_fail(n, err, "logging the standby's condition");
        return;
    }
    oplog(a->solo ? OPLOG_WARN : OPLOG_INFO, a->in_sync ? "standby-in-sync" : "standby-lost",
          OPLOG_S("peer", a->peer), OPLOG_S("acknowledges", a->solo ? "solo" : "dual"));
    feed_position(n, REP_APPENDED, engine_last(n->engine));
}

static void hand_over_ended(struct node *n, const struct rep_action *a);

static void do_reply(struct node *n, const struct rep_action *a)
{
    if (a->token != n->asked.token)
        return;
    if (n->down == DOWN_HANDING) {
        hand_over_ended(n, a);
        return;
    }
    const struct admin_outcome o = {
        .err = a->code, .rule = a->rule ? a->rule : "", .text = a->text};
    oplog(a->code ? OPLOG_WARN : OPLOG_INFO, "promotion", OPLOG_S("who", n->asked.who),
          OPLOG_S("code", exam_err_name(a->code)), OPLOG_S("text", a->text));
    admin_server_outcome(n->admins, &o);
}

/* ---------------------------------------------------------------- what the core is to remember */

static const char META_KEPT[] = "replication";
enum { META_KEPT_BYTES = 9 }; /* the epoch, big-endian; 1: learning */

static exam_err kept_write(struct node *n, const uint8_t value[META_KEPT_BYTES])
{
    store *s = engine_store(n->engine);
    store_begin(s);
    store_put(s, STORE_META, META_KEPT, sizeof META_KEPT - 1, value, META_KEPT_BYTES);
    return store_commit(s);
}

static void do_keep(struct node *n, const struct rep_action *a)
{
    uint8_t value[META_KEPT_BYTES];
    uint64_t epoch = htobe64(a->epoch), free_bytes;
    memcpy(value, &epoch, sizeof epoch);
    value[sizeof epoch] = a->learning;
    exam_err err = kept_write(n, value);
    if (err == EXAM_FULL) {
        store_use_reserve(engine_store(n->engine), true);
        err = kept_write(n, value);
        store_use_reserve(engine_store(n->engine),
                          engine_room(n->engine, &free_bytes) == STORE_ROOM_RESERVED);
    }
    if (err)
        node_fail(n, err, "keeping what was heard of epochs");
}

/* A store without it has heard of no epoch but those in its log. */
static void kept_read(struct node *n, struct rep_start *start)
{
    const uint8_t *value;
    size_t bytes;
    uint64_t epoch;
    if (store_get(engine_store(n->engine), STORE_META, META_KEPT, sizeof META_KEPT - 1, &value,
                  &bytes) ||
        bytes != META_KEPT_BYTES)
        return;
    memcpy(&epoch, value, sizeof epoch);
    start->known_epoch = be64toh(epoch);
    start->learning = value[sizeof epoch];
}

static void carry_out(struct node *n, const struct rep_action *a)
{
    switch (a->kind) {
    case REP_DO_KEEP:
        do_keep(n, a);
        return;
    case REP_DO_SEND:
        do_send(n, a);
        return;
    case REP_DO_SEND_RECORDS:
        do_send_records(n, a);
        return;
    case REP_DO_APPEND:
        do_append(n, a);
        return;
    case REP_DO_CUT:
        do_cut(n, a);
        return;
    case REP_DO_BEGIN_EPOCH:
        do_begin_epoch(n, a);
        return;
    case REP_DO_STEP_DOWN:
        do_step_down(n, a);
        return;
    case REP_DO_RELEASE:
        seat_server_released(n->seats, a->lsn, !a->dual);
        admin_server_released(n->admins, a->lsn);
        return;
    case REP_DO_LOG_STANDBY:
        do_log_standby(n, a);
        return;
    case REP_DO_CLOSE:
        do_close(n, a);
        return;
    case REP_DO_REPLY:
        do_reply(n, a);
        return;
    }
}

/* Carries out what the core asks for until it asks for nothing more; then tells the endpoints when
 * the node decides again. */
static void node_pump(struct node *n)
{
    const struct rep_action *a;
    if (n->pumping)
        return; /* the outer call goes on with it */
    n->pumping = true;
    while ((a = rep_next_action(n->rep)))
        carry_out(n, a);
    n->pumping = false;
    bool held = !rep_may_decide(n->rep);
    bool resumed = n->held && !held && n->serving;
    n->held = held;
    if (resumed) {
        seat_server_resume(n->seats);
        admin_server_resume(n->admins);
    }
}

/* ---------------------------------------------------------------- hangs (T5) */

/* Asked before anything is done that this process could not do for a while: stopped, on a machine
 * that was paused, at a disk that did not answer. Seats whose screens have locked meanwhile would
 * be charged by clocks that nobody has stopped; so the old epoch is over, as with a restart (W3),
 * and the seats say what they have used (T6). */
static void hang_check(struct node *n)
{
    uint64_t now_ms = clock_boot_ms(), gone_ms = now_ms - n->awake_ms;
    struct rep_input in = {.kind = REP_HUNG, .now_ms = now_ms};
    if (n->pumping)
        return;
    n->awake_ms = now_ms;
    if (gone_ms < HANG_MS_MIN || !n->serving || n->failure ||
        gone_ms < exam_lock_after_ms(engine_exam(n->engine)))
        return;
    oplog(OPLOG_WARN, "hung", OPLOG_U("for_ms", gone_ms), OPLOG_U("epoch", rep_epoch(n->rep)),
          OPLOG_S("text", "this process did not run for so long that screens may have locked: it "
                          "begins anew, as after a restart; if it does not serve again by itself, "
                          "promote a node (T5, W3); find out what held it up"));
    n->hung = true;
    rep_step(n->rep, &in);
    node_pump(n);
    n->hung = false;
}

/* The loop shows itself often enough that a hang is told from a wait for something to do. */
static uint64_t awake_next_ms(const struct node *n)
{
    uint64_t lock_ms = n->serving ? exam_lock_after_ms(engine_exam(n->engine)) : UINT64_MAX;
    return lock_ms == UINT64_MAX ? UINT64_MAX : n->awake_ms + lock_ms / 2;
}

/* ---------------------------------------------------------------- links */

/* W2: what a successor does not have is lost to the candidates, so every clock is marked before a
 * hand-over drains. */
static void mark_all(struct node *n)
{
    struct exam_command c = {.kind = EXAM_CMD_MARK_ALL};
    struct exam_refusal why;
    uint64_t lsn;
    if (!n->serving || !rep_may_decide(n->rep) || n->failure)
        return;
    exam_err err = engine_decide(n->engine, &c, &why, &lsn);
    if (err)
        oplog(OPLOG_WARN, "marks-refused", OPLOG_S("why", why.text));
    if (lsn > n->announced_lsn) {
        feed_position(n, REP_APPENDED, engine_last(n->engine));
        node_pump(n);
    }
}

/* The name of the peer at the other end; NULL: none of this site. */
static const char *peer_of(struct node *n, uint64_t link)
{
    for (size_t i = 0; i < n->config.peers_n; i++)
        if (rep_peer_connected(n->rep, i) && rep_peer_link(n->rep, i).n == link)
            return n->config.peers[i].node;
    return NULL;
}

/* A3: of a standby that has come back with what this site's log lacks. It sends again what is not
 * answered: while nothing is decided, too. */
static void take_branch(struct node *n, uint64_t link, const Rep__BranchRecords *m)
{
    const char *peer = peer_of(n, link);
    Rep__BranchTaken taken = REP__BRANCH_TAKEN__INIT;
    Rep__Message answer = REP__MESSAGE__INIT;
    size_t bytes;
    if (!peer || !n->serving || m->epoch != rep_epoch(n->rep) || !rep_may_decide(n->rep))
        return;
    branches_take(n->engine, &n->branch_arena, m, peer);
    taken.epoch = m->epoch;
    taken.branch = m->branch;
    taken.lsn = m->first_lsn + m->n_records - 1;
    answer.kind_case = REP__MESSAGE__KIND_BRANCH_TAKEN;
    answer.branch_taken = &taken;
    exam_err err = codec_frame_pack(&answer.base, n->frame, sizeof n->frame, &bytes);
    assert(!err);
    if (link_send(n->hub, (struct link_id){.n = link}, n->frame, bytes))
        return; /* the records come again */
}

/* A3: what this node holds itself, and did not bring in as a standby. */
static void take_own_branches(struct node *n)
{
    if (n->failure || !n->serving || !rep_may_decide(n->rep) || n->branches.own_done ||
        !store_branch_records(engine_store(n->engine)))
        return;
    exam_err err = branches_take_own(&n->branches, n->engine, &n->branch_arena);
    if (err && err != EXAM_AGAIN)
        node_fail(n, err, "reading a dead branch");
}

/* A3: to the primary that this node follows, once it is level with it. */
static void send_branches(struct node *n)
{
    struct rep_peer_status s;
    n->branches_due_ms = UINT64_MAX;
    if (n->failure || rep_role(n->rep) != REP_ROLE_STANDBY ||
        !store_branch_records(engine_store(n->engine)))
        return;
    for (size_t i = 0; i < rep_peers(n->rep); i++) {
        rep_peer_status(n->rep, i, clock_boot_ms(), &s);
        struct link_id link = {.n = rep_peer_link(n->rep, i).n};
        if (!s.in_sync || s.role != REP_ROLE_PRIMARY)
            continue;
        exam_err err = branches_send(&n->branches, n->engine, n->hub, link, rep_epoch(n->rep),
                                     clock_boot_ms());
        if (err == EXAM_AGAIN)
            n->branches_due_ms = n->branches.due_ms;
        else if (err)
            node_fail(n, err, "reading a dead branch");
        return;
    }
}

static void on_peer_frame(struct node *n, const struct link_event *ev)
{
    const Rep__Message *m;
    const char *why = "";
    exam_err err = codec_replica_message(&n->arena, ev->payload, ev->payload_bytes, &m, &why);
    if (err) {
        char peer[64];
        link_peer(n->hub, ev->link, peer, sizeof peer);
        oplog(OPLOG_WARN, "replica-frame-refused", OPLOG_S("peer", peer), OPLOG_S("why", why));
        link_lost(n, (struct rep_link){.n = ev->link.n});
    } else {
        struct rep_input in = {
            .kind = REP_MESSAGE, .now_ms = clock_boot_ms(), .link.n = ev->link.n, .message = m};
        if (m->kind_case == REP__MESSAGE__KIND_HAND_OVER_REQUEST && peer_of(n, ev->link.n))
            mark_all(n);
        rep_step(n->rep, &in);
    }
    node_pump(n);
    if (!err && m->kind_case == REP__MESSAGE__KIND_BRANCH_RECORDS)
        take_branch(n, ev->link.n, m->branch_records);
    if (!err && m->kind_case == REP__MESSAGE__KIND_BRANCH_TAKEN)
        branches_answered(&n->branches, ev->link.n, m->branch_taken);
}

static void peer_redial_later(struct node *n, uint64_t token)
{
    assert(token >= 1 && token <= n->config.peers_n);
    struct peer *p = &n->peers[token - 1];
    p->dialling = (struct link_id){.n = 0};
    p->dial_at_ms = clock_boot_ms() + DIAL_MS_MIN + randombytes_uniform(DIAL_JITTER_MS);
}

void node_take_links(struct node *n)
{
    struct link_event ev;
    hang_check(n);
    while (!n->failure && link_next(n->hub, &ev)) {
        struct rep_input in = {.now_ms = clock_boot_ms(), .link.n = ev.link.n};
        if (ev.dialled && ev.kind != LINK_FRAME)
            peer_redial_later(n, ev.token);
        switch (ev.kind) {
        case LINK_FRAME:
            on_peer_frame(n, &ev);
            continue;
        case LINK_OPENED:
            in.kind = REP_LINK_OPENED;
            in.dialled = ev.dialled;
            break;
        case LINK_CLOSED:
            in.kind = REP_LINK_CLOSED;
            break;
        case LINK_DIAL_FAILED:
            continue;
        }
        rep_step(n->rep, &in);
        node_pump(n);
    }
    send_branches(n);
}

static void peers_dial(struct node *n, uint64_t now_ms)
{
    for (size_t i = 0; i < n->config.peers_n; i++) {
        struct peer *p = &n->peers[i];
        if (p->dialling.n || now_ms < p->dial_at_ms || rep_peer_connected(n->rep, i))
            continue;
        if (link_dial(n->hub, p->url, i + 1, &p->dialling))
            peer_redial_later(n, i + 1);
    }
}

void node_dial_peers(struct node *n)
{
    for (size_t i = 0; i < n->config.peers_n; i++)
        n->peers[i].dial_at_ms = 0;
}

static uint64_t peers_next_ms(const struct node *n)
{
    uint64_t at = UINT64_MAX;
    for (size_t i = 0; i < n->config.peers_n; i++)
        if (!n->peers[i].dialling.n && !rep_peer_connected(n->rep, i) &&
            n->peers[i].dial_at_ms < at)
            at = n->peers[i].dial_at_ms;
    return at;
}

/* ---------------------------------------------------------------- power (R1, W4) */

static void power_book(struct node *n)
{
    static const Ev__Power powers[] = {
        [NODE_MAINS_LOST] = EV__POWER__POWER_MAINS_LOST,
        [NODE_MAINS_BACK] = EV__POWER__POWER_MAINS_BACK,
        [NODE_BATTERY_LOW] = EV__POWER__POWER_BATTERY_LOW,
    };
    struct exam_command c = {.kind = EXAM_CMD_POWER};
    struct exam_refusal why;
    uint64_t lsn;
    c.u.power.node = n->config.node;
    c.u.power.power = powers[n->power_said];
    n->power_unbooked = false;
    exam_err err = engine_decide(n->engine, &c, &why, &lsn);
    if (err)
        oplog(OPLOG_WARN, "power-refused", OPLOG_S("why", why.text));
}

static void down_hand_over(struct node *n)
{
    mark_all(n);
    n->asked.token++;
    n->down = DOWN_HANDING;
    struct rep_input in = {
        .kind = REP_HAND_OVER, .now_ms = clock_boot_ms(), .token = n->asked.token};
    rep_step(n->rep, &in);
    node_pump(n);
}

/* W4: with nobody to hand over to, what runs is suspended: a person decides, once there is power.
 */
static void hand_over_ended(struct node *n, const struct rep_action *a)
{
    struct exam_command c = {.kind = EXAM_CMD_SUSPEND, .u.suspend.node = n->config.node};
    struct exam_refusal why;
    uint64_t lsn;
    oplog(OPLOG_WARN, "going-down", OPLOG_S("code", exam_err_name(a->code)),
          OPLOG_S("text", a->text));
    if (!a->code) {
        n->down = DOWN_HANDED;
        n->down_until_ms = clock_boot_ms() + HANDED_OVER_MS;
        return;
    }
    n->down = DOWN_NOW;
    if (!n->serving || !n->battery_low)
        return; /* another one serves already; or this one is back in a moment */
    exam_err err = engine_decide(n->engine, &c, &why, &lsn);
    if (err)
        oplog(OPLOG_ERROR, "suspend-refused", OPLOG_S("why", why.text));
}

/* Whatever the power asks for and can be done now. A primary that decides nothing at the moment, as
 * it waits for its standby, does so when it decides again. */
static void power_turn(struct node *n)
{
    bool decides = n->serving && rep_may_decide(n->rep) && !n->failure;
    bool wanted = n->down == DOWN_NOT && (n->battery_low || n->leaving);
    if (n->power_unbooked && decides)
        power_book(n);
    if (wanted && decides)
        down_hand_over(n);
    else if (wanted && (!n->serving || (n->leaving && rep_is_waiting(n->rep))))
        n->down = DOWN_NOW; /* nobody waits for a standby, and nobody could take over */
    if (n->leaving && clock_boot_ms() >= n->leave_until_ms)
        n->down = DOWN_NOW;
    if (n->down == DOWN_HANDED &&
        (rep_epoch(n->rep) > exam_epoch(engine_exam(n->engine)) ||
         clock_boot_ms() >= n->down_until_ms || rep_role(n->rep) == REP_ROLE_STANDBY))
        n->down = DOWN_NOW;
}

void node_power(struct node *n, enum node_power what)
{
    static const char *const words[] = {
        [NODE_MAINS_LOST] = "mains lost",
        [NODE_MAINS_BACK] = "mains back",
        [NODE_BATTERY_LOW] = "battery low",
    };
    oplog(what == NODE_MAINS_BACK ? OPLOG_INFO : OPLOG_WARN, "power", OPLOG_S("what", words[what]));
    hang_check(n);
    n->power_said = what;
    n->power_unbooked = n->serving;
    n->battery_low = what == NODE_BATTERY_LOW;
    power_turn(n);
}

void node_leave(struct node *n)
{
    if (n->leaving)
        return;
    hang_check(n);
    n->leaving = true;
    n->leave_until_ms = clock_boot_ms() + LEAVE_MS;
    power_turn(n);
}

bool node_wants_stop(const struct node *n)
{
    return n->down == DOWN_NOW;
}

/* ---------------------------------------------------------------- the disk (D6, D8) */

static bool follows_a_primary(const struct node *n)
{
    struct rep_peer_status s;
    for (size_t i = 0; i < rep_peers(n->rep) && !n->serving; i++) {
        rep_peer_status(n->rep, i, clock_boot_ms(), &s);
        if (s.connected && s.role == REP_ROLE_PRIMARY)
            return true;
    }
    return false;
}

/* Whoever read, and whatever became of the error there: the node ends with it. */
static void disk_turn(struct node *n, uint64_t now_ms, bool idle)
{
    struct store *s = engine_store(n->engine);
    uint64_t bad_lsn;
    if (log_check_turn(&n->log_check, s, now_ms, idle, &bad_lsn))
        rot_found(n, bad_lsn);
    /* Once another one has everything. Until then what this node acknowledges is true, and ending
     * would only take the exam from those who sit it. */
    if (n->log_check.bad_lsn && follows_a_primary(n))
        node_fail(n, EXAM_CORRUPT, "checking the log");
    if (store_failure(s))
        node_fail(n, store_failure(s), "reading the store");
}

/* ---------------------------------------------------------------- turns of the loop */

static uint64_t earliest(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t due_next_ms(struct node *n, uint64_t now_ms)
{
    if (engine_has_pending(n->engine))
        return now_ms; /* decided while the batch was released: what was held goes on at once */
    uint64_t at = earliest(n->sweep_at_ms, rep_next_deadline_ms(n->rep));
    at = earliest(at, peers_next_ms(n));
    at = earliest(at, awake_next_ms(n));
    at = earliest(at, seat_server_due_ms(n->seats));
    at = earliest(at, log_check_due_ms(&n->log_check));
    at = earliest(at, n->branches_due_ms);
    if (n->down == DOWN_HANDED)
        at = earliest(at, n->down_until_ms);
    if (n->leaving && n->down != DOWN_NOW)
        at = earliest(at, n->leave_until_ms);
    if (n->serving && !n->held && !n->branches.own_done &&
        store_branch_records(engine_store(n->engine)))
        return now_ms;
    if (n->serving && !n->held) {
        uint64_t due = exam_next_due_ms(engine_exam(n->engine));
        uint64_t site_now = engine_now_ms(n->engine);
        if (due != UINT64_MAX)
            at = earliest(at, due > site_now ? now_ms + (due - site_now) : now_ms);
    }
    return at;
}

static void do_due(struct node *n, uint64_t now_ms)
{
    if (now_ms >= rep_next_deadline_ms(n->rep)) {
        struct rep_input in = {.kind = REP_TICK, .now_ms = now_ms};
        rep_step(n->rep, &in);
        node_pump(n);
    }
    if (now_ms >= n->sweep_at_ms) {
        n->sweep_at_ms = now_ms + SWEEP_EVERY_MS;
        engine_watch_room(n->engine);
        seat_server_sweep(n->seats);
        admin_server_sweep(n->admins);
    }
    peers_dial(n, now_ms);
    if (n->serving && !n->held)
        engine_tick(n->engine);
}

uint64_t node_turn(struct node *n)
{
    uint64_t now_ms = clock_boot_ms();
    if (n->failure)
        return UINT64_MAX;
    hang_check(n);
    do_due(n, now_ms);
    power_turn(n);
    take_own_branches(n);
    send_branches(n);
    if (engine_has_pending(n->engine) || now_ms >= seat_server_due_ms(n->seats))
        seat_server_flush(n->seats);
    bool idle = !engine_has_pending(n->engine);
    node_commit(n);
    disk_turn(n, now_ms, idle);
    return n->failure ? UINT64_MAX : due_next_ms(n, now_ms);
}

/* ---------------------------------------------------------------- what the endpoints ask */

static bool ask_serving(void *ctx)
{
    struct node *n = ctx;
    hang_check(n);
    return n->serving;
}

static bool ask_held(void *ctx)
{
    const struct node *n = ctx;
    return !rep_may_decide(n->rep);
}

static uint64_t ask_epoch(void *ctx)
{
    const struct node *n = ctx;
    return rep_epoch(n->rep);
}

/* Nothing vouches for what a seat says of epochs, so it stops no exam: a seat that has seen a
 * higher one refuses this node by itself (W1). But when this node is promoted, and was out of
 * contact while another one served, the seats are who knows of it: its epoch is to be above theirs.
 */
static void tell_epoch_seen(void *ctx, uint64_t epoch, const char *seat)
{
    struct node *n = ctx;
    if (epoch > n->epoch_claimed && epoch - rep_epoch(n->rep) <= EPOCHS_CLAIMED_MAX)
        n->epoch_claimed = epoch;
    oplog(OPLOG_WARN, "seat-saw-higher-epoch", OPLOG_S("seat", seat), OPLOG_U("epoch", epoch),
          OPLOG_U("own_epoch", rep_epoch(n->rep)),
          OPLOG_S("text",
                  "the seat refuses this node (W1): if no other one serves, promote this one "
                  "again, attesting it"));
}

/* What the operator's log tells beside the acts of people. */
static void log_event(const struct node *n, const Ev__Event *event)
{
    const exam *x = engine_exam(n->engine);
    switch (event->kind_case) {
    case EV__EVENT__KIND_INCIDENT_OPENED:
        oplog(OPLOG_WARN, "incident-opened", OPLOG_U("incident", event->incident_opened->incident),
              OPLOG_S("scope", exam_scope_name(x, event->incident_opened->scope->kind,
                                               event->incident_opened->scope->no)),
              OPLOG_S("who", event->incident_opened->who),
              OPLOG_S("text", event->incident_opened->text));
        break;
    case EV__EVENT__KIND_INCIDENT_CLOSED:
        oplog(OPLOG_INFO, "incident-closed", OPLOG_U("incident", event->incident_closed->incident),
              OPLOG_S("who", event->incident_closed->who),
              OPLOG_S("text", event->incident_closed->text));
        break;
    case EV__EVENT__KIND_BATCH_SUSPENDED:
        oplog(OPLOG_WARN, "batch-suspended",
              OPLOG_S("batch", exam_scope_name(x, EV__SCOPE_KIND__SCOPE_KIND_BATCH,
                                               event->batch_suspended->batch)),
              OPLOG_S("text", "a person decides whether it goes on or is postponed (W4)"));
        break;
    case EV__EVENT__KIND_INTERRUPTION_LIMIT_REACHED:
        oplog(OPLOG_WARN, "interruption-limit",
              OPLOG_S("candidate", exam_scope_name(x, EV__SCOPE_KIND__SCOPE_KIND_SITTING,
                                                   event->interruption_limit_reached->sitting)),
              OPLOG_S("text", "a person decides what becomes of it (R4)"));
        break;
    default:
        break;
    }
}

static void tell_event(void *ctx, const struct record *r, const Ev__Event *event)
{
    struct node *n = ctx;
    log_event(n, event);
    seat_server_event(n->seats, r, event);
}

/* W1, T12: a mark that only this site's nodes can have made is of an epoch above this node's, or of
 * another one that has the same number. */
static void tell_epoch_proven(void *ctx, uint64_t epoch)
{
    struct node *n = ctx;
    bool shared = epoch == rep_epoch(n->rep);
    struct rep_input in = {.kind = shared ? REP_EPOCH_SHARED : REP_EPOCH_HEARD,
                           .now_ms = clock_boot_ms(),
                           .epoch = epoch};
    oplog(OPLOG_WARN, shared ? "epoch-begun-twice" : "epoch-proven", OPLOG_U("epoch", epoch),
          OPLOG_U("own_epoch", rep_epoch(n->rep)),
          OPLOG_S("text", "a seat carries a mark of another server that serves or has served"));
    rep_step(n->rep, &in);
    node_pump(n);
}

static Admin__Role role_of(enum rep_role role)
{
    switch (role) {
    case REP_ROLE_STANDBY:
        return ADMIN__ROLE__ROLE_STANDBY;
    case REP_ROLE_PRIMARY:
        return ADMIN__ROLE__ROLE_PRIMARY;
    case REP_ROLE_FENCED:
        return ADMIN__ROLE__ROLE_FENCED;
    case REP_ROLE_EMPTY:
        return ADMIN__ROLE__ROLE_EMPTY;
    case REP_ROLE_FAILED:
        return ADMIN__ROLE__ROLE_FAILED;
    }
    return ADMIN__ROLE__ROLE_UNKNOWN;
}

/* W2: what a person is to read before promoting this node. */
static void tell_stake(const struct node *n, uint64_t now_ms, Admin__NodeStatus *out)
{
    static struct rep_preview p;
    rep_promotion_preview(n->rep, now_ms, &p);
    if (strlen(p.text) > REASON_BYTES_MAX)
        p.text[REASON_BYTES_MAX] = '\0';
    codec_text_mend(p.text, REASON_BYTES_MAX);
    out->promotion = p.text;
    out->promotion_code = (uint32_t)p.code;
    out->learning = p.learning;
}

static void ask_status(void *ctx, Admin__NodeStatus *out)
{
    struct node *n = ctx;
    static Admin__PeerStatus peers[NODES_MAX];
    static Admin__PeerStatus *pointers[NODES_MAX];
    static char troubles[NODES_MAX][REP_TEXT_BYTES];
    uint64_t now_ms = clock_boot_ms();
    out->role = role_of(rep_role(n->rep));
    out->epoch = rep_epoch(n->rep);
    out->solo = rep_is_solo(n->rep);
    out->waiting = rep_is_waiting(n->rep);
    out->seats_connected = seat_server_seats(n->seats);
    out->sittings_attached = seat_server_attached(n->seats);
    for (size_t i = 0; i < rep_peers(n->rep); i++) {
        struct rep_peer_status s;
        rep_peer_status(n->rep, i, now_ms, &s);
        admin__peer_status__init(&peers[i]);
        snprintf(troubles[i], sizeof troubles[i], "%s", s.text);
        codec_text_mend(troubles[i], sizeof troubles[i] - 1);
        peers[i].trouble = troubles[i];
        peers[i].node = (char *)(uintptr_t)s.node;
        peers[i].connected = s.connected;
        peers[i].in_sync = s.in_sync;
        peers[i].role = role_of(s.role);
        peers[i].epoch = s.epoch;
        peers[i].lsn = s.lsn;
        peers[i].silent_ms = s.silent_ms;
        peers[i].ever_heard = s.ever_heard;
        peers[i].learning = s.learning;
        pointers[i] = &peers[i];
    }
    out->n_peers = rep_peers(n->rep);
    out->peers = pointers;
    out->power = n->power;
    out->power_text = n->power_text;
    out->ups = n->ups;
    out->going_down = n->battery_low;
    tell_stake(n, now_ms, out);
    out->log_checked_lsn = n->log_check.at.lsn;
    out->log_check_passes = n->log_check.passes;
    out->log_check_ms = n->log_check.passes ? now_ms - n->log_check.ended_ms : 0;
    out->log_bad_lsn = n->log_check.bad_lsn;
}

static void ask_contacts(void *ctx, struct seat_contact *by_seat)
{
    const struct node *n = ctx;
    seat_server_contacts(n->seats, by_seat);
}

static bool ask_in_contact(void *ctx, const char *seat)
{
    const struct node *n = ctx;
    return seat_server_in_contact(n->seats, seat);
}

static void asked_begin(struct node *n, const char *who, const char *why)
{
    n->asked.token++;
    snprintf(n->asked.who, sizeof n->asked.who, "%s", who);
    snprintf(n->asked.why, sizeof n->asked.why, "%s", why);
}

static void ask_promote(void *ctx, const Admin__Promote *m)
{
    struct node *n = ctx;
    asked_begin(n, m->who, m->why);
    struct rep_input in = {.kind = REP_PROMOTE,
                           .now_ms = clock_boot_ms(),
                           .token = n->asked.token,
                           .epoch = n->epoch_claimed,
                           .attest = m->attest};
    rep_step(n->rep, &in);
    node_pump(n);
}

static void ask_found(void *ctx, const Admin__Found *m)
{
    struct node *n = ctx;
    asked_begin(n, m->who, "");
    snprintf(n->asked.site_name, sizeof n->asked.site_name, "%s", m->site_name);
    struct rep_input in = {.kind = REP_FOUND, .now_ms = clock_boot_ms(), .token = n->asked.token};
    rep_step(n->rep, &in);
    node_pump(n);
}

/* ---------------------------------------------------------------- power */

void node_power_told(struct node *n, Admin__Power power, const char *text)
{
    n->ups = text != NULL;
    n->power = power;
    snprintf(n->power_text, sizeof n->power_text, "%s",
             text ? text : "no UPS is configured: a power cut ends this server at once (R1)");
    codec_text_mend(n->power_text, sizeof n->power_text - 1);
}

/* ---------------------------------------------------------------- the log, for the core */

static exam_err log_hash_at(void *ctx, uint64_t lsn, uint8_t out[HASH_BYTES])
{
    struct node *n = ctx;
    return engine_hash_at(n->engine, lsn, out);
}

static size_t log_epochs(void *ctx, struct rep_epoch *out, size_t max)
{
    struct node *n = ctx;
    size_t have;
    const struct engine_epoch *e = engine_epochs(n->engine, &have);
    size_t skip = have > max ? have - max : 0;
    for (size_t i = skip; i < have; i++) {
        out[i - skip].epoch = e[i].epoch;
        out[i - skip].first_lsn = e[i].first_lsn;
        memcpy(out[i - skip].first_hash, e[i].first_hash, HASH_BYTES);
    }
    return have - skip;
}

static bool log_site_id(void *ctx, uint8_t out[SITE_ID_BYTES])
{
    struct node *n = ctx;
    const exam *x = engine_exam(n->engine);
    if (!exam_founded(x))
        return false;
    memcpy(out, exam_site_id(x), SITE_ID_BYTES);
    return true;
}

/* ---------------------------------------------------------------- opening, running, closing */

static exam_err open_replication(struct node *n, char *why, size_t why_bytes)
{
    const char *peers[NODES_MAX];
    struct rep_config config = {.node = n->config.node,
                                .peers = peers,
                                .peers_n = n->config.peers_n,
                                .solo_after_ms = (uint32_t)n->config.solo_after_ms,
                                .peer_timeout_ms = PEER_TIMEOUT_MS};
    size_t epochs_n;
    const struct engine_epoch *epochs = engine_epochs(n->engine, &epochs_n);
    struct rep_start start = {.last = engine_last(n->engine),
                              .served_last = epochs_n && epochs[epochs_n - 1].own};
    kept_read(n, &start);
    for (size_t i = 0; i < n->config.peers_n; i++) {
        peers[i] = n->config.peers[i].node;
        snprintf(n->peers[i].url, sizeof n->peers[i].url, "tcp://%s", n->config.peers[i].replica);
    }
    n->rep_log = (struct rep_log){
        .ctx = n, .hash_at = log_hash_at, .epochs = log_epochs, .site_id = log_site_id};
    n->announced_lsn = start.last.lsn;
    exam_err err = rep_new(&config, &start, &n->rep_log, clock_boot_ms(), &n->rep);
    if (!err && n->config.replica_listen[0]) {
        char url[ADDRESS_BYTES_MAX + 8];
        snprintf(url, sizeof url, "tcp://%s", n->config.replica_listen);
        err = link_listen(n->hub, url, why, why_bytes);
    }
    return err;
}

static exam_err open_endpoints(struct node *n, const struct node_parts *parts, char *why,
                               size_t why_bytes)
{
    const struct seat_node seats = {.engine = n->engine,
                                    .name = n->config.node,
                                    .beats_gather_ms = parts->beats_gather_ms,
                                    .ctx = n,
                                    .serving = ask_serving,
                                    .held = ask_held,
                                    .epoch = ask_epoch,
                                    .epoch_seen = tell_epoch_seen,
                                    .epoch_proven = tell_epoch_proven};
    const struct admin_node admins = {.engine = n->engine,
                                      .name = n->config.node,
                                      .ctx = n,
                                      .serving = ask_serving,
                                      .held = ask_held,
                                      .status = ask_status,
                                      .promote = ask_promote,
                                      .found = ask_found,
                                      .contacts = ask_contacts,
                                      .in_contact = ask_in_contact};
    exam_err err = seat_server_open(parts->loop, &n->config, &seats, &n->seats, why, why_bytes);
    if (!err)
        err = admin_server_open(parts->loop, &n->config, &admins, &n->admins, why, why_bytes);
    if (!err)
        engine_on_event(n->engine, tell_event, n);
    return err;
}

exam_err node_open(const struct config *config, const struct node_parts *parts, struct node **out,
                   char *why, size_t why_bytes)
{
    struct node *n = calloc(1, sizeof *n);
    uint8_t *block = malloc(ARENA_BYTES_FRAME), *branch_block = malloc(ARENA_BYTES_FRAME);
    if (!n || !block || !branch_block || branches_init(&n->branches)) {
        free(n);
        free(block);
        free(branch_block);
        return EXAM_NOMEM;
    }
    n->config = *config;
    n->hub = parts->hub;
    n->held = true;
    n->arena_block = block;
    arena_init(&n->arena, n->arena_block, ARENA_BYTES_FRAME);
    n->power_said = NODE_MAINS_BACK;
    n->branch_block = branch_block;
    arena_init(&n->branch_arena, n->branch_block, ARENA_BYTES_FRAME);
    node_power_told(n, ADMIN__POWER__POWER_UNKNOWN, NULL);
    exam_err err = engine_open(config->node, parts->store, &n->engine, why, why_bytes);
    if (!err) {
        const struct exam_options o = {.interruption_limit_ms = config->interruption_limit_ms,
                                       .grant_ms_max = config->grant_ms_max};
        engine_set_options(n->engine, &o);
        err = open_replication(n, why, why_bytes);
    }
    if (!err)
        err = open_endpoints(n, parts, why, why_bytes);
    if (err) {
        node_abandon(n);
        return err;
    }
    *out = n;
    return EXAM_OK;
}

void node_start(struct node *n)
{
    struct position last = engine_last(n->engine);
    struct rep_input tick = {.kind = REP_TICK, .now_ms = clock_boot_ms()};
    n->sweep_at_ms = tick.now_ms + SWEEP_EVERY_MS;
    n->awake_ms = tick.now_ms;
    rep_step(n->rep, &tick);
    node_pump(n);
    oplog(OPLOG_INFO, "ready", OPLOG_S("seat", n->config.seat_listen),
          OPLOG_S("admin", n->config.admin_listen), OPLOG_S("replica", n->config.replica_listen),
          OPLOG_U("lsn", last.lsn), OPLOG_U("epoch", last.epoch),
          OPLOG_S("role", rep_role_text(rep_role(n->rep))));
}

exam_err node_failure(const struct node *n)
{
    return n->failure;
}

const exam *node_exam(const struct node *n)
{
    return engine_exam(n->engine);
}

uint64_t node_site_ms(const struct node *n)
{
    return engine_now_ms(n->engine);
}

struct position node_last(const struct node *n)
{
    return engine_last(n->engine);
}

const rep *node_rep(const struct node *n)
{
    return n->rep;
}

void node_stop(struct node *n)
{
    if (n->stopping || n->failure)
        return;
    n->stopping = true;
    node_commit(n);
    if (n->serving) {
        n->serving = false;
        seat_server_serving(n->seats, false);
        admin_server_retired(n->admins);
    }
    struct rep_input in = {.kind = REP_STOP, .now_ms = clock_boot_ms()};
    rep_step(n->rep, &in);
    node_pump(n);
    seat_server_close(n->seats);
    admin_server_close(n->admins);
    if (!n->failure)
        engine_close(n->engine); /* flushes the state tables */
    n->engine = NULL;
}

void node_abandon(struct node *n)
{
    if (n->engine)
        engine_abandon(n->engine);
    if (n->seats)
        seat_server_free(n->seats);
    if (n->admins)
        admin_server_free(n->admins);
    rep_free(n->rep);
    branches_fini(&n->branches);
    free(n->branch_block);
    free(n->arena_block);
    free(n);
}
