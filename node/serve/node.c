#include "node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "node_core.h"
#include "oplog.h"

enum {
    SWEEP_EVERY_MS = 1000,
    PEER_TIMEOUT_MS = 900, /* with solo-after under three heartbeats: no seat redials meanwhile */
    CATCH_UP_BYTES = 1 << 20, /* a commit of a standby that is far behind: under the window, so */
    CATCH_UP_MS = 20,         /* that more is on its way meanwhile; and how long one waits for it */
};

/* ---------------------------------------------------------------- feeding the replication core */

void node_feed(struct node *n, enum rep_input_kind kind, struct position at)
{
    struct rep_input in = {.kind = kind, .now_ms = clock_boot_ms(), .position = at};
    if (kind == REP_APPENDED || kind == REP_EPOCH_OPEN)
        n->announced_lsn = at.lsn;
    rep_step(n->rep, &in);
}

bool node_commit_here(struct node *n)
{
    exam_err err = engine_commit(n->engine);
    if (err)
        node_fail(n, err, "commit");
    return !err;
}

/* A standby that catches up commits what a megabyte of records brings at once: two flushes of the
 * disk cost it more than the records do, and nobody waits for them. */
static bool commit_waits(struct node *n, uint64_t now_ms)
{
    if (!n->pending_ms)
        n->pending_ms = now_ms;
    return rep_is_catching_up(n->rep) && !n->stopping &&
           engine_pending_bytes(n->engine) < CATCH_UP_BYTES && now_ms < n->pending_ms + CATCH_UP_MS;
}

/* Sends what is new to the standby, commits it here meanwhile, and tells what is durable. */
static void node_commit(struct node *n)
{
    if (!engine_has_pending(n->engine) || n->failure || commit_waits(n, clock_boot_ms()))
        return;
    n->pending_ms = 0;
    struct position last = engine_last(n->engine);
    if (last.lsn > n->announced_lsn) {
        node_feed(n, REP_APPENDED, last);
        node_pump(n);
    }
    if (!engine_has_pending(n->engine) || !node_commit_here(n))
        return;
    node_hang_check(n); /* the disk may have held it up: what has hung releases nothing */
    node_feed(n, REP_DURABLE, engine_durable(n->engine));
    node_pump(n);
}

/* ---------------------------------------------------------------- turns of the loop */

static uint64_t earliest(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t due_next_ms(struct node *n, uint64_t now_ms)
{
    bool pending = engine_has_pending(n->engine);
    if (pending && !commit_waits(n, now_ms))
        return now_ms; /* decided while the batch was released: what was held goes on at once */
    uint64_t at = earliest(n->sweep_at_ms, rep_next_deadline_ms(n->rep));
    if (pending)
        at = earliest(at, n->pending_ms + CATCH_UP_MS);
    at = earliest(at, node_peers_next_ms(n));
    at = earliest(at, node_awake_next_ms(n));
    at = earliest(at, seat_server_due_ms(n->seats));
    at = earliest(at, log_check_due_ms(&n->log_check));
    at = earliest(at, n->branches_due_ms);
    if (n->down == DOWN_HANDED)
        at = earliest(at, n->down_until_ms);
    if (n->leaving && n->down != DOWN_NOW)
        at = earliest(at, n->leave_until_ms);
    if (n->serving && !n->held && branches_own_left(&n->branches, n->engine))
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
        node_keys_turn(n);
        node_evidence_turn(n);
    }
    node_peers_dial(n, now_ms);
    if (n->serving && !n->held)
        engine_tick(n->engine);
}

uint64_t node_turn(struct node *n)
{
    uint64_t now_ms = clock_boot_ms();
    if (n->failure)
        return UINT64_MAX;
    node_hang_check(n);
    seat_server_turn(n->seats);
    do_due(n, now_ms);
    node_power_turn(n);
    node_take_own_branches(n);
    node_send_branches(n);
    if (engine_has_pending(n->engine) || now_ms >= seat_server_due_ms(n->seats))
        seat_server_flush(n->seats);
    bool idle = !engine_has_pending(n->engine);
    node_commit(n);
    node_disk_turn(n, now_ms, idle);
    return n->failure ? UINT64_MAX : due_next_ms(n, now_ms);
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

static exam_err open_replication(struct node *n, uint32_t window_bytes, char *why, size_t why_bytes)
{
    const char *peers[NODES_MAX];
    struct rep_config config = {.node = n->config.node,
                                .peers = peers,
                                .peers_n = n->config.peers_n,
                                .solo_after_ms = (uint32_t)n->config.solo_after_ms,
                                .peer_timeout_ms = PEER_TIMEOUT_MS,
                                .window_bytes = window_bytes};
    size_t epochs_n;
    const struct engine_epoch *epochs = engine_epochs(n->engine, &epochs_n);
    struct rep_start start = {.last = engine_last(n->engine),
                              .served_last = epochs_n && epochs[epochs_n - 1].own};
    start.locked = vault_is_locked(n->vault);
    node_kept_read(n, &start);
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
    n->keys = parts->keys;
    n->vault = parts->vault;
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
        if (n->vault)
            engine_on_append(n->engine, vault_seal, n->vault);
        err = node_keys_check_site(n, why, why_bytes);
    }
    if (!err)
        err = node_roster_check(n, why, why_bytes);
    if (!err)
        err = node_evidence_open(n);
    if (!err)
        err = open_replication(n, parts->window_bytes, why, why_bytes);
    if (!err)
        err = node_open_endpoints(n, parts, why, why_bytes);
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
    node_keys_told(n);
    node_vault_told(n);
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
    node_evidence_end(n);
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
    if (n->failure)
        engine_abandon(n->engine);
    else
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
    node_evidence_free(n);
    free(n->branch_block);
    free(n->arena_block);
    free(n);
}
