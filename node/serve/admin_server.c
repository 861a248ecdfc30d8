#include "admin_server.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin_core.h"
#include "clock.h"
#include "oplog.h"

enum {
    PER_ADDRESS_MAX = 16,
    STRANGERS_MAX = 32,
    CONNS_OF_A_PERSON_MAX = 16,
    FRAMES_PER_TURN = 4,
    QUEUE_BYTES_MAX = 4 << 20,
};

/* ---------------------------------------------------------------- replies */

void admin_send(struct admin_server *a, struct conn *c, const Admin__Reply *r)
{
    size_t n;
    exam_err err = codec_frame_pack(&r->base, a->frame, sizeof a->frame, &n);
    assert(!err);
    conn_send(c, a->frame, n);
}

void admin_send_refused(struct admin_server *a, struct conn *c, uint32_t id,
                        const struct exam_refusal *why)
{
    Admin__Refused f = ADMIN__REFUSED__INIT;
    Admin__Reply r = ADMIN__REPLY__INIT;
    char text[sizeof why->text];
    strcpy(text, why->text);
    codec_text_mend(text, sizeof text - 1);
    f.code = why->code;
    f.text = text;
    f.rule = (char *)(uintptr_t)why->rule;
    f.line = why->line;
    r.id = id;
    r.kind_case = ADMIN__REPLY__KIND_REFUSED;
    r.refused = &f;
    admin_send(a, c, &r);
}

void admin_refuse(struct admin_server *a, struct conn *c, uint32_t id, exam_err code,
                  const char *rule, const char *text)
{
    struct exam_refusal why = {.code = code, .rule = rule};
    snprintf(why.text, sizeof why.text, "%s", text);
    admin_send_refused(a, c, id, &why);
}

void admin_send_done(struct admin_server *a, struct conn *c, uint32_t id, const char *text,
                     uint64_t lsn)
{
    Admin__Done d = ADMIN__DONE__INIT;
    Admin__Reply r = ADMIN__REPLY__INIT;
    d.text = (char *)(uintptr_t)text;
    d.lsn = lsn;
    r.id = id;
    r.kind_case = ADMIN__REPLY__KIND_DONE;
    r.done = &d;
    admin_send(a, c, &r);
}

void admin_send_receipt(struct admin_server *a, struct conn *c, uint32_t id, const char *text)
{
    Admin__ReceiptText t = ADMIN__RECEIPT_TEXT__INIT;
    Admin__Reply r = ADMIN__REPLY__INIT;
    t.text.data = (uint8_t *)(uintptr_t)text;
    t.text.len = strlen(text);
    r.id = id;
    r.kind_case = ADMIN__REPLY__KIND_RECEIPT_TEXT;
    r.receipt_text = &t;
    admin_send(a, c, &r);
}

/* The connection's next request may be taken: the caller releases what is held. */
void admin_finish_request(struct conn *c)
{
    struct admin *admin = conn_data(c);
    admin->busy = false;
}

/* What was to be told to who is gone. */
static void waiting_forget(struct admin_server *a)
{
    size_t kept = 0;
    for (size_t i = 0; i < a->waiting_n; i++)
        if (conn_of(a->server, a->waiting[i].conn))
            a->waiting[kept++] = a->waiting[i];
    a->waiting_n = kept;
}

struct waiting *admin_wait(struct admin_server *a, struct conn *c, uint32_t id, uint64_t lsn)
{
    struct admin *admin = conn_data(c);
    if (a->waiting_n == WAITING_MAX)
        waiting_forget(a);
    assert(a->waiting_n < WAITING_MAX); /* one request at a time on each connection */
    struct waiting *w = &a->waiting[a->waiting_n++];
    *w = (struct waiting){.conn = conn_ref_of(c), .lsn = lsn, .id = id};
    admin->busy = true;
    return w;
}

void admin_wait_durable(struct admin_server *a, struct conn *c, uint32_t id, uint64_t lsn,
                        const char *text)
{
    if (lsn <= a->released_lsn) { /* there was nothing to do */
        admin_send_done(a, c, id, text, lsn);
        return;
    }
    struct waiting *w = admin_wait(a, c, id, lsn);
    snprintf(w->text, sizeof w->text, "%s", text);
}

void admin_server_released(struct admin_server *a, uint64_t lsn)
{
    size_t kept = 0, told = 0;
    a->released_lsn = lsn;
    for (size_t i = 0; i < a->waiting_n; i++) {
        struct waiting *w = &a->waiting[i];
        struct conn *c = conn_of(a->server, w->conn);
        if (w->lsn > lsn) {
            a->waiting[kept++] = *w;
        } else if (c) {
            if (w->receipt)
                admin_send_receipt(a, c, w->id, w->text);
            else
                admin_send_done(a, c, w->id, w->text, w->lsn);
            admin_finish_request(c);
            told++;
        }
    }
    a->waiting_n = kept;
    if (told)
        server_release_held(a->server);
}

void admin_server_retired(struct admin_server *a)
{
    for (size_t i = 0; i < a->waiting_n; i++) {
        struct conn *c = conn_of(a->server, a->waiting[i].conn);
        if (!c)
            continue;
        admin_refuse(a, c, a->waiting[i].id, EXAM_NOT_PRIMARY, "W1",
                     "this node stopped serving before the act was durable on its standby: ask the "
                     "node that serves now whether it was carried out");
        admin_finish_request(c);
    }
    a->waiting_n = 0;
    a->released_lsn = 0;
    a->promoted_n = 0;
    if (a->proposals.n)
        oplog(OPLOG_WARN, "proposals-ended", OPLOG_U("proposals", a->proposals.n),
              OPLOG_S("text", "this node serves no more: what waited for a second person (P2) was "
                              "not done, and is to be proposed again"));
    proposals_clear(&a->proposals);
    server_release_held(a->server);
}

/* R4, W2: who has asked for the epoch that this node has begun. */
static void note_promoted(struct admin_server *a)
{
    const struct engine_signers by = {.at = {&a->promoted[0].event, &a->promoted[1].event},
                                      .n = a->promoted_n};
    if (a->promoting || !by.n || !a->node.serving(a->node.ctx) || a->node.held(a->node.ctx))
        return;
    engine_note_signed(a->node.engine, &by);
    a->promoted_n = 0;
}

void admin_server_outcome(struct admin_server *a, const struct admin_outcome *o)
{
    struct conn *c = a->promoting ? conn_of(a->server, a->promoter) : NULL;
    a->promoting = false;
    if (o->err)
        a->promoted_n = 0;
    note_promoted(a);
    if (!c)
        return;
    if (o->err)
        admin_refuse(a, c, a->promoter_id, o->err, o->rule, o->text);
    else
        admin_send_done(a, c, a->promoter_id, o->text, engine_durable(a->node.engine).lsn);
    admin_finish_request(c);
    server_release_held(a->server);
}

static enum conn_verdict take_hello(struct admin_server *a, struct conn *c, uint32_t id,
                                    const Admin__Hello *h)
{
    const exam *x = engine_exam(a->node.engine);
    struct admin *admin = conn_data(c);
    if (h->version != ADMIN_VERSION) {
        char text[160];
        snprintf(text, sizeof text,
                 "this tool speaks version %u of the admin conversation, node %s version %d: use "
                 "the examctl that was installed with the node",
                 h->version, a->node.name, ADMIN_VERSION);
        admin_refuse(a, c, id, EXAM_VERSION, "", text);
        return CONN_CLOSE;
    }
    if (!admin_is_of_peer(c, h->who)) {
        admin_refuse_impostor(a, c, id, h->who);
        return CONN_CLOSE;
    }
    snprintf(admin->who, sizeof admin->who, "%s", h->who);
    admin->id_last = id;
    conn_known(c);
    Admin__Welcome w = ADMIN__WELCOME__INIT;
    Admin__Reply r = ADMIN__REPLY__INIT;
    w.version = ADMIN_VERSION;
    w.node = (char *)(uintptr_t)a->node.name;
    if (exam_founded(x)) {
        w.site_id.data = (uint8_t *)(uintptr_t)exam_site_id(x);
        w.site_id.len = SITE_ID_BYTES;
    }
    if (conn_identity(c)) {
        randombytes_buf(admin->nonce, sizeof admin->nonce);
        w.nonce.data = admin->nonce;
        w.nonce.len = sizeof admin->nonce;
    }
    r.id = id;
    r.kind_case = ADMIN__REPLY__KIND_WELCOME;
    r.welcome = &w;
    admin_send(a, c, &r);
    return CONN_TAKEN;
}

/* What changes the exam, and so needs the primary. */
static enum conn_verdict take_act(struct admin_server *a, struct conn *c, const Admin__Request *m,
                                  const uint8_t *payload, size_t bytes)
{
    if (!a->node.serving(a->node.ctx)) {
        admin_refuse(
            a, c, m->id, EXAM_NOT_PRIMARY, "W1",
            "this node does not serve: ask the primary (`examctl status` shows who it is), or "
            "promote this one");
        return CONN_TAKEN;
    }
    if (a->node.held(a->node.ctx))
        return CONN_HELD;
    switch (m->kind_case) {
    case ADMIN__REQUEST__KIND_IMPORT_BEGIN:
        admin_take_import_begin(a, c, m->id, payload, bytes);
        break;
    case ADMIN__REQUEST__KIND_IMPORT_PART:
        admin_take_import_part(a, c, m->id, payload, bytes);
        break;
    case ADMIN__REQUEST__KIND_IMPORT_COMMIT:
        admin_take_import_commit(a, c, m->id, m->import_commit);
        break;
    case ADMIN__REQUEST__KIND_BATCH_START:
        admin_take_batch_start(a, c, m->id, m->batch_start);
        break;
    case ADMIN__REQUEST__KIND_BATCH_COLLECT:
        admin_take_batch_collect(a, c, m->id, m->batch_collect);
        break;
    default:
        return admin_take_contingency(a, c, m) ? CONN_TAKEN : CONN_CLOSE;
    }
    return CONN_TAKEN;
}

enum conn_verdict admin_take(struct admin_server *a, struct conn *c, const Admin__Request *m,
                             const uint8_t *payload, size_t bytes)
{
    switch (m->kind_case) {
    case ADMIN__REQUEST__KIND_STATUS:
        admin_take_status(a, c, m->id, m->status->digest);
        return CONN_TAKEN;
    case ADMIN__REQUEST__KIND_BATCH_STATUS:
        admin_take_batch_status(a, c, m->id, m->batch_status->batch);
        return CONN_TAKEN;
    case ADMIN__REQUEST__KIND_RESULTS:
        admin_take_results(a, c, m->id, m->results);
        return CONN_TAKEN;
    case ADMIN__REQUEST__KIND_SITTING_SHOW:
        admin_take_sitting_show(a, c, m->id, m->sitting_show->admission_no);
        return CONN_TAKEN;
    case ADMIN__REQUEST__KIND_RECEIPT:
        admin_take_receipt(a, c, m->id, m->receipt->admission_no);
        return CONN_TAKEN;
    case ADMIN__REQUEST__KIND_INCIDENTS:
        admin_take_incidents(a, c, m->id, m->incidents->open);
        return CONN_TAKEN;
    case ADMIN__REQUEST__KIND_SEATS:
        admin_take_seats(a, c, m->id, m->seats->room);
        return CONN_TAKEN;
    case ADMIN__REQUEST__KIND_PROPOSALS:
        admin_take_proposals(a, c, m->id);
        return CONN_TAKEN;
    case ADMIN__REQUEST__KIND_CONFIRM:
        return admin_take_confirm(a, c, m);
    case ADMIN__REQUEST__KIND_UNLOCK:
        admin_take_unlock(a, c, m, payload, bytes);
        return CONN_TAKEN;
    case ADMIN__REQUEST__KIND_PROMOTE:
    case ADMIN__REQUEST__KIND_FOUND:
        admin_take_promotion(a, c, m);
        return CONN_TAKEN;
    default:
        return take_act(a, c, m, payload, bytes);
    }
}

static enum conn_verdict on_frame(void *ctx, struct conn *c, const uint8_t *payload, size_t bytes)
{
    struct admin_server *a = ctx;
    struct admin *admin = conn_data(c);
    const Admin__Request *m;
    struct exam_refusal refusal;
    const char *why = "";
    if (admin->busy)
        return CONN_HELD;
    exam_err err = codec_admin_request(&a->arena, payload, bytes, &m, &why);
    if (err) {
        oplog_gated(&a->gate, clock_boot_ms(), OPLOG_WARN, "admin-frame-refused", "",
                    OPLOG_S("peer", conn_peer(c)), OPLOG_S("why", why));
        if (conn_is_known(c))
            admin_refuse(a, c, 0, err, "", why);
        return CONN_CLOSE;
    }
    if (m->kind_case == ADMIN__REQUEST__KIND_HELLO)
        return take_hello(a, c, m->id, m->hello);
    if (!conn_is_known(c))
        return CONN_CLOSE;
    char **who = admin_person_place(m);
    if (who && **who && !admin_is_of_peer(c, *who)) {
        admin_refuse_impostor(a, c, m->id, *who);
        return CONN_CLOSE;
    }
    if (admin_authorise(a, c, m, payload, bytes, &refusal))
        return admin_refuse_person(a, c, m, &refusal);
    if (who && a->by.n)
        *who = a->acting;
    enum conn_verdict verdict = admin_take(a, c, m, payload, bytes);
    if (verdict != CONN_HELD)
        admin->id_last = m->id;
    return verdict;
}

static void on_drained(void *ctx, struct conn *c)
{
    struct admin_server *a = ctx;
    struct admin *admin = conn_data(c);
    if (!admin->results.on)
        return;
    admin_stream_results(a, c);
    if (!admin->busy)
        server_release_held(a->server);
}

static void on_closed(void *ctx, struct conn *c, const char *why)
{
    struct admin *admin = conn_data(c);
    struct admin_server *a = ctx;
    if (admin->import)
        import_stage_free(admin->import);
    if (!conn_is_known(c))
        oplog_gated(&a->gate, clock_boot_ms(), OPLOG_WARN, "stranger-closed", "",
                    OPLOG_S("endpoint", "admin"), OPLOG_S("peer", conn_peer(c)),
                    OPLOG_S("why", why));
}

void admin_server_resume(struct admin_server *a)
{
    note_promoted(a);
    server_release_held(a->server);
}

void admin_server_sweep(struct admin_server *a)
{
    oplog_gate_sweep(&a->gate, clock_boot_ms());
    proposals_expire(&a->proposals, clock_boot_ms());
    server_sweep(a->server, clock_boot_ms());
    server_release_held(a->server); /* what was held behind a request that ended since */
}

exam_err admin_server_open(struct uv_loop_s *loop, const struct config *config,
                           const struct admin_node *node, struct admin_server **out, char *why,
                           size_t why_bytes)
{
    const struct server_options o = {
        .name = "admin-listen",
        .listen = config->admin_listen,
        .conns_max = CONNS_MAX,
        .per_address_max = PER_ADDRESS_MAX,
        .strangers_max = STRANGERS_MAX,
        .per_key_max = CONNS_OF_A_PERSON_MAX,
        .frames_per_turn = FRAMES_PER_TURN,
        .payload_bytes_max = FRAME_BYTES_MAX,
        .queue_bytes_max = QUEUE_BYTES_MAX,
        .conn_bytes = sizeof(struct admin),
        .tunnel = {.keys = node->keys, .conversation = CHANNEL_ADMIN, .peers = KEY_PERSON},
    };
    const struct server_handlers h = {
        .frame = on_frame, .closed = on_closed, .drained = on_drained};
    struct admin_server *a = calloc(1, sizeof *a);
    uint8_t *block = malloc(ARENA_BYTES_FRAME);
    exam_err err = a && block ? EXAM_OK : EXAM_NOMEM;
    if (!err) {
        a->node = *node;
        a->opened_ms = clock_boot_ms();
        a->arena_block = block;
        arena_init(&a->arena, block, ARENA_BYTES_FRAME);
        err = server_listen(loop, &o, &h, a, &a->server, why, why_bytes);
    }
    if (err) {
        free(block);
        free(a);
        return err;
    }
    *out = a;
    return EXAM_OK;
}

void admin_server_close(struct admin_server *a)
{
    server_close(a->server);
}

void admin_server_recheck(struct admin_server *a)
{
    server_recheck(a->server);
}

static void drop_import(void *ctx, struct conn *c)
{
    struct admin *admin = conn_data(c);
    (void)ctx;
    if (admin->import)
        import_stage_free(admin->import);
    admin->import = NULL;
}

void admin_server_free(struct admin_server *a)
{
    server_each(a->server, drop_import, a);
    proposals_clear(&a->proposals);
    free(a->arena_block);
    free(a);
}
