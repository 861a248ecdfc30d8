#include "node_core.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "oplog.h"

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
            node_link_lost(n, a->link);
            break;
        }
    }
    if (a->append->site_ms && a->append->site_ms <= INT64_MAX)
        engine_now_told(n->engine, a->append->site_ms);
    node_feed(n, REP_APPENDED, engine_last(n->engine));
}

static void do_cut(struct node *n, const struct rep_action *a)
{
    uint64_t before = engine_last(n->engine).lsn;
    if (engine_has_pending(n->engine) && !node_commit_here(n))
        return;
    exam_err err = engine_cut(n->engine, a->lsn);
    if (err) {
        node_fail(n, err, "setting a dead branch apart");
        return;
    }
    n->announced_lsn = a->lsn;
    branches_changed(&n->branches);
    log_check_again(&n->log_check);
    node_evidence_cut(n, a->lsn);
    oplog(OPLOG_WARN, "dead-branch-kept", OPLOG_U("from_lsn", a->lsn + 1),
          OPLOG_U("records", before - a->lsn),
          OPLOG_S("text", "the successor's log does not have these records; they stay readable"));
    node_feed(n, REP_CUT_DONE, engine_last(n->engine));
}

static exam_err decide_found(struct node *n)
{
    uint8_t site_id[SITE_ID_BYTES], site_key[SITE_KEY_BYTES];
    struct exam_command c = {.kind = EXAM_CMD_FOUND};
    struct exam_refusal why;
    uint64_t lsn;
    if (n->keys) /* it had a name before it had a log */
        memcpy(site_id, key_roster_site(keyring_roster(n->keys)), sizeof site_id);
    else
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
        struct position last = engine_last(n->engine);
        if (last.lsn > n->announced_lsn) /* decided in this turn, before a seat proved an epoch */
            node_feed(n, REP_APPENDED, last);
        if (!node_commit_here(n))
            return;
        node_feed(n, REP_DURABLE, engine_durable(n->engine));
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
    c.u.begin_epoch.forced = a->forced;
    if (!err)
        err = engine_decide(n->engine, &c, &why, &lsn);
    if (err) {
        node_fail(n, err, "beginning an epoch");
        return;
    }
    if (!node_commit_here(n))
        return;
    oplog(OPLOG_INFO, "epoch-began", OPLOG_U("epoch", a->epoch),
          OPLOG_U("reason", (uint64_t)a->reason), OPLOG_S("who", c.u.begin_epoch.who),
          OPLOG_S("why", c.u.begin_epoch.why), OPLOG_U("solo", a->solo),
          OPLOG_U("forced", a->forced));
    node_feed(n, REP_EPOCH_OPEN, engine_last(n->engine));
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
    node_feed(n, REP_APPENDED, engine_last(n->engine));
}

static void do_reply(struct node *n, const struct rep_action *a)
{
    if (a->token != n->asked.token)
        return;
    if (n->down == DOWN_HANDING) {
        node_hand_over_ended(n, a);
        return;
    }
    const struct admin_outcome o = {
        .err = a->code, .rule = a->rule ? a->rule : "", .text = a->text};
    oplog(a->code ? OPLOG_WARN : OPLOG_INFO, "promotion", OPLOG_S("who", n->asked.who),
          OPLOG_S("code", exam_err_name(a->code)), OPLOG_S("text", a->text));
    admin_server_outcome(n->admins, &o);
}

static void carry_out(struct node *n, const struct rep_action *a)
{
    switch (a->kind) {
    case REP_DO_KEEP:
        node_keep(n, a);
        return;
    case REP_DO_SEND:
        node_send(n, a);
        return;
    case REP_DO_SEND_RECORDS:
        node_send_records(n, a);
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
        node_close_link(n, a);
        return;
    case REP_DO_REPLY:
        do_reply(n, a);
        return;
    }
}

/* Carries out what the core asks for until it asks for nothing more; then tells the endpoints when
 * the node decides again. */
void node_pump(struct node *n)
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
