#include "node_core.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "codec.h"
#include "oplog.h"

static bool ask_serving(void *ctx)
{
    struct node *n = ctx;
    node_hang_check(n);
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
static void tell_epoch_seen(void *ctx, uint64_t epoch)
{
    struct node *n = ctx;
    if (epoch > n->epoch_claimed && epoch - rep_epoch(n->rep) <= NODE_EPOCHS_CLAIMED_MAX)
        n->epoch_claimed = epoch;
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

static char *stake_text(char text[3 * REP_TEXT_BYTES])
{
    if (strlen(text) > REASON_BYTES_MAX)
        text[REASON_BYTES_MAX] = '\0';
    codec_text_mend(text, REASON_BYTES_MAX);
    return text;
}

/* W2: what a person is to read before promoting this node. */
static void tell_stake(const struct node *n, uint64_t now_ms, Admin__NodeStatus *out)
{
    static struct rep_preview p;
    rep_promotion_preview(n->rep, now_ms, &p);
    out->promotion = stake_text(p.text);
    out->promotion_code = (uint32_t)p.code;
    out->learning = p.learning;
    out->forcible = p.forcible;
    out->forced = stake_text(p.forced_text);
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
    out->locked = vault_is_locked(n->vault);
    out->sealing = n->vault != NULL;
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
    node_evidence_status(n, out);
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
    static const struct admin_outcome no_reason = {
        .err = EXAM_INVALID,
        .rule = "R4",
        .text = "who forces a promotion says why no whole copy can be brought back"};
    struct node *n = ctx;
    if (m->forced && !m->why[0]) {
        admin_server_outcome(n->admins, &no_reason);
        return;
    }
    asked_begin(n, m->who, m->why);
    struct rep_input in = {.kind = REP_PROMOTE,
                           .now_ms = clock_boot_ms(),
                           .token = n->asked.token,
                           .epoch = n->epoch_claimed,
                           .attest = m->attest,
                           .forced = m->forced};
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

static exam_err ask_unlock(void *ctx, const uint8_t *key, const char **text)
{
    return node_unlock(ctx, key, text);
}

exam_err node_open_endpoints(struct node *n, const struct node_parts *parts, char *why,
                             size_t why_bytes)
{
    const struct seat_node seats = {.engine = n->engine,
                                    .name = n->config.node,
                                    .keys = n->keys,
                                    .vault = n->vault,
                                    .beats_gather_ms = parts->beats_gather_ms,
                                    .word_slack_ms = parts->word_slack_ms,
                                    .ctx = n,
                                    .serving = ask_serving,
                                    .held = ask_held,
                                    .epoch = ask_epoch,
                                    .epoch_seen = tell_epoch_seen,
                                    .epoch_proven = tell_epoch_proven};
    const struct admin_node admins = {.engine = n->engine,
                                      .name = n->config.node,
                                      .keys = n->keys,
                                      .two_person = n->config.two_person,
                                      .grant_two_person_ms = n->config.grant_two_person_ms,
                                      .vault = n->vault,
                                      .ctx = n,
                                      .serving = ask_serving,
                                      .held = ask_held,
                                      .status = ask_status,
                                      .promote = ask_promote,
                                      .found = ask_found,
                                      .unlock = ask_unlock,
                                      .contacts = ask_contacts,
                                      .in_contact = ask_in_contact};
    exam_err err = seat_server_open(parts->loop, &n->config, &seats, &n->seats, why, why_bytes);
    if (!err)
        err = admin_server_open(parts->loop, &n->config, &admins, &n->admins, why, why_bytes);
    if (!err)
        engine_on_event(n->engine, tell_event, n);
    return err;
}
