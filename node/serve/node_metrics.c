#include "node_core.h"

#include <stdio.h>
#include <string.h>

#include "admin_core.h"
#include "clock.h"

enum { COUNT_EVERY_MS = 5000 }; /* batches and sittings: walking over all of them takes a while */

static void tell_peers(const struct node *n, uint64_t now_ms, struct metrics *out)
{
    out->peers_n = rep_peers(n->rep);
    out->in_sync = false;
    for (size_t i = 0; i < out->peers_n; i++) {
        struct rep_peer_status s;
        struct metrics_peer *p = &out->peers[i];
        rep_peer_status(n->rep, i, now_ms, &s);
        snprintf(p->node, sizeof p->node, "%s", s.node);
        p->connected = s.connected;
        p->in_sync = s.in_sync;
        p->learning = s.learning;
        p->ever_heard = s.ever_heard;
        p->epoch = s.epoch;
        p->lsn = s.lsn;
        p->silent_ms = s.silent_ms;
        out->in_sync = out->in_sync || s.in_sync;
    }
}

static void tell_log(struct node *n, struct metrics *out)
{
    Admin__NodeStatus signed_of = ADMIN__NODE_STATUS__INIT;
    node_evidence_status(n, &signed_of);
    out->lsn = engine_last(n->engine).lsn;
    out->durable_lsn = engine_durable(n->engine).lsn;
    out->released_lsn = rep_released_lsn(n->rep);
    out->pending_bytes = engine_pending_bytes(n->engine);
    out->branch_records = store_branch_records(engine_store(n->engine));
    out->checked_lsn = n->log_check.at.lsn;
    out->check_passes = n->log_check.passes;
    out->rotten = n->log_check.bad_lsn != 0;
    out->keys = n->keys != NULL;
    out->signed_lsn = signed_of.signed_lsn;
    out->others_signed = signed_of.others_signed_lsn;
    out->contradicted = signed_of.contradicted_lsn != 0;
}

static void count_exam(const exam *x, uint64_t site_ms, struct metrics *out)
{
    memset(out->batches, 0, sizeof out->batches);
    out->sittings = out->answering = out->finished = 0;
    out->answers = 0;
    for (uint32_t i = 1; i <= exam_batches(x); i++) {
        struct exam_batch_view v;
        exam_batch_view(x, i, site_ms, &v);
        if (v.superseded)
            continue;
        if ((unsigned)v.state < METRICS_BATCH_STATES)
            out->batches[v.state]++;
        out->sittings += v.sittings;
        out->answering += v.answering;
        out->finished += v.finished;
        out->answers += v.answers;
    }
    out->incidents_open = 0;
    for (uint32_t i = 1; i <= exam_incidents(x); i++) {
        struct exam_incident_view in;
        exam_incident_view(x, i, &in);
        out->incidents_open += in.open;
    }
    out->limits_reached = exam_limits_reached(x);
}

void node_metrics(struct node *n, struct metrics *out)
{
    uint64_t now_ms = clock_boot_ms();
    const exam *x = engine_exam(n->engine);
    snprintf(out->node, sizeof out->node, "%s", n->config.node);
    out->role = rep_role(n->rep);
    out->epoch = rep_epoch(n->rep);
    out->founded = exam_founded(x);
    out->serving = n->serving;
    out->solo = rep_is_solo(n->rep);
    out->waiting = rep_is_waiting(n->rep);
    out->locked = vault_is_locked(n->vault);
    out->learning = rep_is_learning(n->rep);
    out->needs_person = rep_needs_person(n->rep);
    out->going_down = n->battery_low || n->leaving;
    tell_peers(n, now_ms, out);
    tell_log(n, out);
    out->seats_connected = seat_server_seats(n->seats);
    out->sittings_attached = seat_server_attached(n->seats);
    out->replies_queued = seat_server_queued(n->seats);
    out->reply_waits = *seat_server_waits(n->seats);
    if (!out->counted_ms || now_ms >= out->counted_ms + COUNT_EVERY_MS) {
        out->counted_ms = now_ms;
        count_exam(x, engine_now_ms(n->engine), out);
    }
    enum store_room room = engine_room(n->engine, &out->disk_free_bytes);
    out->disk_low = room != STORE_ROOM_OK;
    out->disk_reserved = room == STORE_ROOM_RESERVED;
    out->memory_bytes = admin_memory_bytes();
    out->ups = n->ups;
    out->power = n->power;
}

uint64_t node_durable_lsn(const struct node *n)
{
    return engine_durable(n->engine).lsn;
}
