#include "admin_server.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin_acts.h"
#include "admin_views.h"
#include "clock.h"
#include "codec.h"
#include "import_stage.h"
#include "oplog.h"
#include "server.h"

enum {
    CONNS_MAX = 64,
    PER_ADDRESS_MAX = 16,
    STRANGERS_MAX = 32,
    QUEUE_BYTES_MAX = 4 << 20,
    STREAM_QUEUE_BYTES = 256 * 1024, /* of a long answer, written ahead of the reader */
    ROWS_PER_REPLY = 20,             /* answers: at most 20 x 1.1 KiB a frame */
    WAITING_MAX = CONNS_MAX,
    STATUS_BATCHES_MAX = 64, /* the newest: they fit in one frame; `batch list` shows all */
};

/* A long answer that is written as the peer reads it. */
struct stream {
    bool on, answers, id_no;
    bool one;                         /* just this sitting's answers */
    uint32_t id, batch, sitting, row; /* sitting: the one to be written next; 0: none is left */
};

/* conn_data */
struct admin {
    char who[PERSON_BYTES_MAX + 1];
    struct import_stage *import;
    struct stream results;
    bool busy; /* a request is under way: the next one is held */
};

/* An act that is decided and not durable yet. */
struct waiting {
    struct conn_ref conn;
    uint64_t lsn;
    uint32_t id;
    char text[256];
};

struct admin_server {
    struct admin_node node;
    struct server *server;
    struct waiting waiting[WAITING_MAX];
    size_t waiting_n;
    uint64_t released_lsn;
    struct conn_ref promoter; /* who waits for admin_server_outcome */
    uint32_t promoter_id;
    bool promoting;
    uint64_t opened_ms;
    struct arena arena;
    uint8_t *arena_block;
    uint8_t frame[FRAME_HEADER_BYTES + FRAME_BYTES_MAX];
};

/* ---------------------------------------------------------------- replies */

static void send_reply(struct admin_server *a, struct conn *c, const Admin__Reply *r)
{
    size_t n;
    exam_err err = codec_frame_pack(&r->base, a->frame, sizeof a->frame, &n);
    assert(!err);
    conn_send(c, a->frame, n);
}

static void send_refused(struct admin_server *a, struct conn *c, uint32_t id,
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
    send_reply(a, c, &r);
}

static void refuse(struct admin_server *a, struct conn *c, uint32_t id, exam_err code,
                   const char *rule, const char *text)
{
    struct exam_refusal why = {.code = code, .rule = rule};
    snprintf(why.text, sizeof why.text, "%s", text);
    send_refused(a, c, id, &why);
}

static void send_done(struct admin_server *a, struct conn *c, uint32_t id, const char *text,
                      uint64_t lsn)
{
    Admin__Done d = ADMIN__DONE__INIT;
    Admin__Reply r = ADMIN__REPLY__INIT;
    d.text = (char *)(uintptr_t)text;
    d.lsn = lsn;
    r.id = id;
    r.kind_case = ADMIN__REPLY__KIND_DONE;
    r.done = &d;
    send_reply(a, c, &r);
}

/* The connection's next request may be taken: the caller releases what is held. */
static void finish_request(struct conn *c)
{
    struct admin *admin = conn_data(c);
    admin->busy = false;
}

static void wait_durable(struct admin_server *a, struct conn *c, uint32_t id, uint64_t lsn,
                         const char *text)
{
    struct admin *admin = conn_data(c);
    if (lsn <= a->released_lsn) { /* there was nothing to do */
        send_done(a, c, id, text, lsn);
        return;
    }
    assert(a->waiting_n < WAITING_MAX); /* one request at a time on each connection */
    struct waiting *w = &a->waiting[a->waiting_n++];
    *w = (struct waiting){.conn = conn_ref_of(c), .lsn = lsn, .id = id};
    snprintf(w->text, sizeof w->text, "%s", text);
    admin->busy = true;
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
            send_done(a, c, w->id, w->text, w->lsn);
            finish_request(c);
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
        refuse(a, c, a->waiting[i].id, EXAM_NOT_PRIMARY, "W1",
               "this node stopped serving before the act was durable on its standby: ask the "
               "node that serves now whether it was carried out");
        finish_request(c);
    }
    a->waiting_n = 0;
    a->released_lsn = 0;
    server_release_held(a->server);
}

void admin_server_outcome(struct admin_server *a, const struct admin_outcome *o)
{
    struct conn *c = a->promoting ? conn_of(a->server, a->promoter) : NULL;
    a->promoting = false;
    if (!c)
        return;
    if (o->err)
        refuse(a, c, a->promoter_id, o->err, o->rule, o->text);
    else
        send_done(a, c, a->promoter_id, o->text, engine_durable(a->node.engine).lsn);
    finish_request(c);
    server_release_held(a->server);
}

/* ---------------------------------------------------------------- reading the state */

static struct admin_view view_of(struct admin_server *a)
{
    return (struct admin_view){.x = engine_exam(a->node.engine),
                               .now_ms = engine_now_ms(a->node.engine),
                               .wall_ms = clock_wall_ms(),
                               .node = a->node.name};
}

/* False: a cut-off import that was repeated under the same name; nobody sees it. */
static bool batch_shown(struct admin_server *a, uint32_t batch)
{
    struct exam_batch_view v;
    exam_batch_view(engine_exam(a->node.engine), batch, engine_now_ms(a->node.engine), &v);
    return !v.superseded;
}

/* The node's own memory. Pages of the data file that the kernel happens to keep mapped are its
 * cache, to be had back at any time: they are not counted. */
static uint64_t memory_bytes(void)
{
    unsigned long resident = 0, shared = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f)
        return 0;
    if (fscanf(f, "%*u %lu %lu", &resident, &shared) != 2)
        resident = shared = 0;
    fclose(f);
    return (uint64_t)(resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void take_status(struct admin_server *a, struct conn *c, uint32_t id, bool digest)
{
    const exam *x = engine_exam(a->node.engine);
    static Admin__BatchInfo batches[STATUS_BATCHES_MAX];
    static Admin__BatchInfo *pointers[STATUS_BATCHES_MAX];
    static char warnings[STATUS_BATCHES_MAX][REASON_BYTES_MAX + 1];
    uint32_t first =
        exam_batches(x) > STATUS_BATCHES_MAX ? exam_batches(x) - STATUS_BATCHES_MAX + 1 : 1;
    uint8_t state_digest[HASH_BYTES];
    struct position last = engine_last(a->node.engine);
    Admin__NodeStatus n = ADMIN__NODE_STATUS__INIT;
    Admin__Reply r = ADMIN__REPLY__INIT;
    a->node.status(a->node.ctx, &n);
    n.node = (char *)(uintptr_t)a->node.name;
    if (exam_founded(x)) {
        n.site_id.data = (uint8_t *)(uintptr_t)exam_site_id(x);
        n.site_id.len = SITE_ID_BYTES;
        n.site_name = (char *)(uintptr_t)exam_site_name(x);
    }
    n.lsn = last.lsn;
    n.durable_lsn = engine_durable(a->node.engine).lsn;
    n.hash.data = last.hash;
    n.hash.len = HASH_BYTES;
    if (digest) {
        exam_digest(x, state_digest);
        n.state_digest.data = state_digest;
        n.state_digest.len = HASH_BYTES;
    }
    n.up_ms = clock_boot_ms() - a->opened_ms;
    enum store_room room = engine_room(a->node.engine, &n.disk_free_bytes);
    n.disk_low = room != STORE_ROOM_OK;
    n.disk_reserved = room == STORE_ROOM_RESERVED;
    for (uint32_t i = 1; i <= exam_incidents(x); i++) {
        struct exam_incident_view in;
        exam_incident_view(x, i, &in);
        n.incidents_open += in.open;
    }
    n.limits_reached = exam_limits_reached(x);
    n.branch_records = store_branch_records(engine_store(a->node.engine));
    n.memory_bytes = memory_bytes();
    struct admin_view v = view_of(a);
    for (uint32_t i = first; i <= exam_batches(x); i++) {
        if (!batch_shown(a, i))
            continue;
        admin_view_batch(&v, i, &batches[n.n_batches], warnings[n.n_batches]);
        pointers[n.n_batches] = &batches[n.n_batches];
        n.n_batches++;
    }
    n.batches = pointers;
    r.id = id;
    r.kind_case = ADMIN__REPLY__KIND_NODE_STATUS;
    r.node_status = &n;
    send_reply(a, c, &r);
}

static void send_batch(struct admin_server *a, struct conn *c, uint32_t id, uint32_t batch,
                       bool more)
{
    struct admin_view v = view_of(a);
    char warning[REASON_BYTES_MAX + 1];
    Admin__BatchInfo b;
    Admin__Reply r = ADMIN__REPLY__INIT;
    if (!batch_shown(a, batch))
        return;
    admin_view_batch(&v, batch, &b, warning);
    r.id = id;
    r.more = more;
    r.kind_case = ADMIN__REPLY__KIND_BATCH_INFO;
    r.batch_info = &b;
    send_reply(a, c, &r);
}

static void refuse_batch(struct admin_server *a, struct conn *c, uint32_t id, const char *batch)
{
    char text[256];
    snprintf(text, sizeof text, "no batch '%s' here: `examctl batch list` shows the batches",
             batch);
    refuse(a, c, id, EXAM_NOT_FOUND, "", text);
}

static void take_batch_status(struct admin_server *a, struct conn *c, uint32_t id, const char *name)
{
    const exam *x = engine_exam(a->node.engine);
    uint32_t batch, n = exam_batches(x);
    if (*name && exam_find_batch(x, name, &batch)) {
        refuse_batch(a, c, id, name);
    } else if (*name) {
        send_batch(a, c, id, batch, false);
    } else {
        for (uint32_t i = 1; i <= n; i++)
            send_batch(a, c, id, i, true);
        send_done(a, c, id, "", 0);
    }
}

/* ---------------------------------------------------------------- results */

static void send_sitting(struct admin_server *a, struct conn *c, const struct stream *t)
{
    struct admin_view v = view_of(a);
    struct exam_sitting_view sitting;
    Admin__SittingResult s;
    Admin__Reply r = ADMIN__REPLY__INIT;
    admin_view_result(&v, t->sitting, &s);
    exam_sitting_view(v.x, t->sitting, v.now_ms, &sitting);
    if (t->id_no)
        s.id_no = (char *)(uintptr_t)sitting.id_no;
    r.id = t->id;
    r.more = true;
    r.kind_case = ADMIN__REPLY__KIND_SITTING_RESULT;
    r.sitting_result = &s;
    send_reply(a, c, &r);
}

/* Sends the next few answers of the sitting; false when it has no more. */
static bool send_rows(struct admin_server *a, struct conn *c, struct stream *t)
{
    const exam *x = engine_exam(a->node.engine);
    struct exam_sitting_view v;
    Admin__AnswerRow rows[ROWS_PER_REPLY];
    Admin__AnswerRow *pointers[ROWS_PER_REPLY];
    Admin__AnswerRows m = ADMIN__ANSWER_ROWS__INIT;
    Admin__Reply r = ADMIN__REPLY__INIT;
    struct exam_answer_view answer;
    while (m.n_rows < ROWS_PER_REPLY && !exam_answer_at(x, t->sitting, t->row, &answer)) {
        Admin__AnswerRow *row = &rows[m.n_rows];
        admin__answer_row__init(row);
        row->item = (char *)(uintptr_t)answer.item;
        row->subject = (char *)(uintptr_t)answer.subject;
        row->value.data = (uint8_t *)(uintptr_t)answer.value;
        row->value.len = answer.value_bytes;
        row->seq = answer.seq;
        row->made_at_ms = answer.made_at_ms;
        row->late = answer.late;
        pointers[m.n_rows++] = row;
        t->row++;
    }
    if (!m.n_rows)
        return false;
    exam_sitting_view(x, t->sitting, engine_now_ms(a->node.engine), &v);
    m.admission_no = (char *)(uintptr_t)v.admission_no;
    m.rows = pointers;
    r.id = t->id;
    r.more = true;
    r.kind_case = ADMIN__REPLY__KIND_ANSWER_ROWS;
    r.answer_rows = &m;
    send_reply(a, c, &r);
    return true;
}

/* Writes ahead of the reader, up to STREAM_QUEUE_BYTES; goes on when that has been taken. */
static void stream_results(struct admin_server *a, struct conn *c)
{
    struct admin *admin = conn_data(c);
    struct stream *t = &admin->results;
    const exam *x = engine_exam(a->node.engine);
    while (t->sitting && conn_queued_bytes(c) < STREAM_QUEUE_BYTES) {
        if (!t->row && !t->one)
            send_sitting(a, c, t);
        if (t->answers && send_rows(a, c, t))
            continue;
        t->sitting = t->one ? 0 : exam_batch_next_sitting(x, t->batch, t->sitting);
        t->row = 0;
    }
    if (t->sitting)
        return;
    t->on = false;
    send_done(a, c, t->id, "", 0);
    finish_request(c);
}

static void on_drained(void *ctx, struct conn *c)
{
    struct admin_server *a = ctx;
    struct admin *admin = conn_data(c);
    if (!admin->results.on)
        return;
    stream_results(a, c);
    if (!admin->busy)
        server_release_held(a->server);
}

static void take_results(struct admin_server *a, struct conn *c, uint32_t id,
                         const Admin__Results *m)
{
    const exam *x = engine_exam(a->node.engine);
    struct admin *admin = conn_data(c);
    uint32_t batch;
    if (exam_find_batch(x, m->batch, &batch)) {
        refuse_batch(a, c, id, m->batch);
        return;
    }
    admin->results = (struct stream){.on = true,
                                     .answers = m->answers,
                                     .id_no = m->id_no,
                                     .id = id,
                                     .batch = batch,
                                     .sitting = exam_batch_next_sitting(x, batch, 0)};
    admin->busy = true;
    stream_results(a, c);
}

/* ---------------------------------------------------------------- what is shown */

/* Where the replies of a view go. */
struct showing {
    struct admin_server *server;
    struct conn *conn;
    uint32_t id;
};

static void show(void *ctx, Admin__Reply *r)
{
    const struct showing *to = ctx;
    r->id = to->id;
    send_reply(to->server, to->conn, r);
}

static void take_sitting_show(struct admin_server *a, struct conn *c, uint32_t id,
                              const char *admission_no)
{
    struct showing to = {.server = a, .conn = c, .id = id};
    struct admin_view v = view_of(a);
    struct admin *admin = conn_data(c);
    uint32_t sitting;
    v.send = show;
    v.ctx = &to;
    if (exam_find_sitting(v.x, admission_no, &sitting)) {
        char text[160];
        snprintf(text, sizeof text, "no candidate with admission number '%s' here", admission_no);
        refuse(a, c, id, EXAM_NOT_FOUND, "", text);
        return;
    }
    admin_view_sitting(&v, sitting);
    admin->results =
        (struct stream){.on = true, .answers = true, .one = true, .id = id, .sitting = sitting};
    admin->busy = true;
    stream_results(a, c);
}

static void take_incidents(struct admin_server *a, struct conn *c, uint32_t id, bool open_only)
{
    struct showing to = {.server = a, .conn = c, .id = id};
    struct admin_view v = view_of(a);
    v.send = show;
    v.ctx = &to;
    admin_view_incidents(&v, open_only);
    send_done(a, c, id, "", 0);
}

static void take_seats(struct admin_server *a, struct conn *c, uint32_t id, const char *room)
{
    struct showing to = {.server = a, .conn = c, .id = id};
    struct admin_view v = view_of(a);
    struct seat_contact *by_seat = calloc(exam_seats(v.x) + 1, sizeof *by_seat);
    if (!by_seat) {
        refuse(a, c, id, EXAM_NOMEM, "", "this node is out of memory");
        return;
    }
    v.send = show;
    v.ctx = &to;
    a->node.contacts(a->node.ctx, by_seat);
    admin_view_seats(&v, room, by_seat);
    free(by_seat);
    send_done(a, c, id, "", 0);
}

/* ---------------------------------------------------------------- acts */

static void decide(struct admin_server *a, struct conn *c, uint32_t id,
                   const struct exam_command *cmd, const char *done)
{
    struct exam_refusal why;
    uint64_t lsn;
    exam_err err = engine_decide(a->node.engine, cmd, &why, &lsn);
    if (err) {
        oplog(OPLOG_WARN, "act-refused", OPLOG_S("peer", conn_peer(c)),
              OPLOG_S("code", exam_err_name(err)), OPLOG_S("why", why.text));
        send_refused(a, c, id, &why);
        return;
    }
    oplog(OPLOG_INFO, "act", OPLOG_S("what", done), OPLOG_U("lsn", lsn));
    wait_durable(a, c, id, lsn, done);
}

static void take_import_begin(struct admin_server *a, struct conn *c, uint32_t id,
                              const uint8_t *payload, size_t bytes)
{
    struct admin *admin = conn_data(c);
    if (admin->import)
        import_stage_free(admin->import);
    admin->import = NULL;
    exam_err err = import_stage_new(payload, bytes, &admin->import);
    if (err)
        refuse(a, c, id, err, "", "the import could not be begun");
    else
        send_done(a, c, id, "", 0);
}

static void take_import_part(struct admin_server *a, struct conn *c, uint32_t id,
                             const uint8_t *payload, size_t bytes)
{
    struct admin *admin = conn_data(c);
    if (!admin->import) {
        refuse(a, c, id, EXAM_STATE, "", "an ImportPart without an ImportBegin");
        return;
    }
    exam_err err = import_stage_add(admin->import, payload, bytes);
    if (err)
        refuse(a, c, id, err, "", "the import is larger than a node takes: split it by batch");
    else
        send_done(a, c, id, "", 0);
}

static void take_import_commit(struct admin_server *a, struct conn *c, uint32_t id,
                               const Admin__ImportCommit *m)
{
    struct admin *admin = conn_data(c);
    struct exam_command cmd = {.kind = EXAM_CMD_IMPORT};
    if (!admin->import) {
        refuse(a, c, id, EXAM_STATE, "", "an ImportCommit without an ImportBegin");
        return;
    }
    exam_err err = import_stage_whole(admin->import, m, &cmd.u.import);
    if (err) {
        refuse(a, c, id, err, "", "the import is cut off: not all of it has arrived; import again");
    } else {
        char done[256];
        snprintf(done, sizeof done, "batch %s imported: %zu sittings", cmd.u.import->batch,
                 cmd.u.import->sittings_n);
        decide(a, c, id, &cmd, done);
    }
    import_stage_free(admin->import);
    admin->import = NULL;
}

static void take_batch_start(struct admin_server *a, struct conn *c, uint32_t id,
                             const Admin__BatchStart *m)
{
    struct exam_command cmd = {.kind = EXAM_CMD_BATCH_START};
    char done[256];
    cmd.u.batch_start.batch = m->batch;
    cmd.u.batch_start.who = m->who;
    snprintf(done, sizeof done, "batch %s started", m->batch);
    decide(a, c, id, &cmd, done);
}

static void take_batch_collect(struct admin_server *a, struct conn *c, uint32_t id,
                               const Admin__BatchCollect *m)
{
    struct exam_command cmd = {.kind = EXAM_CMD_BATCH_COLLECT};
    char done[256];
    cmd.u.batch_collect.batch = m->batch;
    cmd.u.batch_collect.who = m->who;
    cmd.u.batch_collect.unfinished = m->unfinished;
    snprintf(done, sizeof done, "batch %s collected", m->batch);
    decide(a, c, id, &cmd, done);
}

/* What an act would do, and whether it may be done at all. */
static void preview(struct admin_server *a, struct conn *c, uint32_t id,
                    const struct admin_act *act)
{
    struct admin_preview p = {0};
    struct exam_refusal why;
    char text[256];
    if (engine_preview(a->node.engine, &act->command, admin_preview_emit, &p, &why)) {
        send_refused(a, c, id, &why);
        return;
    }
    admin_preview_text(&p, act, text, sizeof text);
    send_done(a, c, id, text, 0);
}

/* R3, R4. */
static bool take_contingency(struct admin_server *a, struct conn *c, const Admin__Request *m)
{
    const struct admin *admin = conn_data(c);
    struct admin_act act;
    if (!admin_act_of(m, admin->who, &act))
        return false;
    if (act.command.kind == EXAM_CMD_MOVE)
        act.command.u.move.seat_in_contact = a->node.in_contact(a->node.ctx, m->move->seat);
    if (act.preview)
        preview(a, c, m->id, &act);
    else
        decide(a, c, m->id, &act.command, act.done);
    return true;
}

static void take_promotion(struct admin_server *a, struct conn *c, const Admin__Request *m)
{
    struct admin *admin = conn_data(c);
    if (a->promoting) {
        refuse(a, c, m->id, EXAM_AGAIN, "W2", "another promotion is under way on this node");
        return;
    }
    a->promoting = true;
    a->promoter = conn_ref_of(c);
    a->promoter_id = m->id;
    admin->busy = true;
    if (m->kind_case == ADMIN__REQUEST__KIND_PROMOTE)
        a->node.promote(a->node.ctx, m->promote);
    else
        a->node.found(a->node.ctx, m->found);
}

/* R4: with keys, what is on record is the name of the key. */
static bool is_of_peer(const struct conn *c, const char *who)
{
    const struct key_entry *key = conn_identity(c);
    return !key || !strcmp(key->name, who);
}

static void refuse_impostor(struct admin_server *a, struct conn *c, uint32_t id, const char *who)
{
    char text[128 + PERSON_BYTES_MAX + NAME_BYTES_MAX];
    const char *name = conn_identity(c)->name;
    snprintf(text, sizeof text,
             "this is the key of %s, and the act is said to be of %s: acts are on record under the "
             "key's name (R4)",
             name, who);
    oplog(OPLOG_WARN, "admin-impostor", OPLOG_S("peer", conn_peer(c)), OPLOG_S("says", who),
          OPLOG_S("is", name));
    refuse(a, c, id, EXAM_AUTH, "R4", text);
}

/* Who a request is said to be of, whichever act it is; "": it names nobody. */
static const char *person_named(const Admin__Request *m)
{
    const ProtobufCFieldDescriptor *kind =
        protobuf_c_message_descriptor_get_field(m->base.descriptor, m->kind_case);
    const ProtobufCFieldDescriptor *field;
    const ProtobufCMessage *act;
    const char *who;
    if (!kind || kind->type != PROTOBUF_C_TYPE_MESSAGE)
        return "";
    memcpy(&act, (const uint8_t *)m + kind->offset, sizeof act);
    field = protobuf_c_message_descriptor_get_field_by_name(act->descriptor, "who");
    if (!field || field->type != PROTOBUF_C_TYPE_STRING)
        return "";
    memcpy(&who, (const uint8_t *)act + field->offset, sizeof who);
    return who;
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
        refuse(a, c, id, EXAM_VERSION, "", text);
        return CONN_CLOSE;
    }
    if (!is_of_peer(c, h->who)) {
        refuse_impostor(a, c, id, h->who);
        return CONN_CLOSE;
    }
    snprintf(admin->who, sizeof admin->who, "%s", h->who);
    conn_known(c);
    Admin__Welcome w = ADMIN__WELCOME__INIT;
    Admin__Reply r = ADMIN__REPLY__INIT;
    w.version = ADMIN_VERSION;
    w.node = (char *)(uintptr_t)a->node.name;
    if (exam_founded(x)) {
        w.site_id.data = (uint8_t *)(uintptr_t)exam_site_id(x);
        w.site_id.len = SITE_ID_BYTES;
    }
    r.id = id;
    r.kind_case = ADMIN__REPLY__KIND_WELCOME;
    r.welcome = &w;
    send_reply(a, c, &r);
    return CONN_TAKEN;
}

/* What changes the exam, and so needs the primary. */
static enum conn_verdict take_act(struct admin_server *a, struct conn *c, const Admin__Request *m,
                                  const uint8_t *payload, size_t bytes)
{
    if (!a->node.serving(a->node.ctx)) {
        refuse(a, c, m->id, EXAM_NOT_PRIMARY, "W1",
               "this node does not serve: ask the primary (`examctl status` shows who it is), or "
               "promote this one");
        return CONN_TAKEN;
    }
    if (a->node.held(a->node.ctx))
        return CONN_HELD;
    switch (m->kind_case) {
    case ADMIN__REQUEST__KIND_IMPORT_BEGIN:
        take_import_begin(a, c, m->id, payload, bytes);
        break;
    case ADMIN__REQUEST__KIND_IMPORT_PART:
        take_import_part(a, c, m->id, payload, bytes);
        break;
    case ADMIN__REQUEST__KIND_IMPORT_COMMIT:
        take_import_commit(a, c, m->id, m->import_commit);
        break;
    case ADMIN__REQUEST__KIND_BATCH_START:
        take_batch_start(a, c, m->id, m->batch_start);
        break;
    case ADMIN__REQUEST__KIND_BATCH_COLLECT:
        take_batch_collect(a, c, m->id, m->batch_collect);
        break;
    default:
        return take_contingency(a, c, m) ? CONN_TAKEN : CONN_CLOSE;
    }
    return CONN_TAKEN;
}

static enum conn_verdict on_frame(void *ctx, struct conn *c, const uint8_t *payload, size_t bytes)
{
    struct admin_server *a = ctx;
    struct admin *admin = conn_data(c);
    const Admin__Request *m;
    const char *why = "";
    if (admin->busy)
        return CONN_HELD;
    exam_err err = codec_admin_request(&a->arena, payload, bytes, &m, &why);
    if (err) {
        oplog(OPLOG_WARN, "admin-frame-refused", OPLOG_S("peer", conn_peer(c)),
              OPLOG_S("why", why));
        if (conn_is_known(c))
            refuse(a, c, 0, err, "", why);
        return CONN_CLOSE;
    }
    if (m->kind_case == ADMIN__REQUEST__KIND_HELLO)
        return take_hello(a, c, m->id, m->hello);
    if (!conn_is_known(c))
        return CONN_CLOSE;
    const char *who = person_named(m);
    if (who[0] && !is_of_peer(c, who)) {
        refuse_impostor(a, c, m->id, who);
        return CONN_CLOSE;
    }
    switch (m->kind_case) {
    case ADMIN__REQUEST__KIND_STATUS:
        take_status(a, c, m->id, m->status->digest);
        return CONN_TAKEN;
    case ADMIN__REQUEST__KIND_BATCH_STATUS:
        take_batch_status(a, c, m->id, m->batch_status->batch);
        return CONN_TAKEN;
    case ADMIN__REQUEST__KIND_RESULTS:
        take_results(a, c, m->id, m->results);
        return CONN_TAKEN;
    case ADMIN__REQUEST__KIND_SITTING_SHOW:
        take_sitting_show(a, c, m->id, m->sitting_show->admission_no);
        return CONN_TAKEN;
    case ADMIN__REQUEST__KIND_INCIDENTS:
        take_incidents(a, c, m->id, m->incidents->open);
        return CONN_TAKEN;
    case ADMIN__REQUEST__KIND_SEATS:
        take_seats(a, c, m->id, m->seats->room);
        return CONN_TAKEN;
    case ADMIN__REQUEST__KIND_PROMOTE:
    case ADMIN__REQUEST__KIND_FOUND:
        take_promotion(a, c, m);
        return CONN_TAKEN;
    default:
        return take_act(a, c, m, payload, bytes);
    }
}

static void on_closed(void *ctx, struct conn *c, const char *why)
{
    struct admin *admin = conn_data(c);
    (void)ctx;
    if (admin->import)
        import_stage_free(admin->import);
    if (!conn_is_known(c))
        oplog(OPLOG_WARN, "stranger-closed", OPLOG_S("endpoint", "admin"),
              OPLOG_S("peer", conn_peer(c)), OPLOG_S("why", why));
}

void admin_server_resume(struct admin_server *a)
{
    server_release_held(a->server);
}

void admin_server_sweep(struct admin_server *a)
{
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
    free(a->arena_block);
    free(a);
}
