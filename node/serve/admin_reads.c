/* What administrators are shown: the state of node, batches, sittings, seats, incidents; results.
 */
#include "admin_core.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin_views.h"
#include "clock.h"
#include "oplog.h"
#include "receipt_issue.h"

enum {
    STREAM_QUEUE_BYTES = 256 * 1024, /* of a long answer, written ahead of the reader */
    ROWS_PER_REPLY = 20,             /* answers: at most 20 x 1.1 KiB a frame */
    STATUS_BATCHES_MAX = 64,         /* the newest: they fit in one frame; `batch list` shows all */
};

/* ---------------------------------------------------------------- reading the state */

static struct admin_view view_of(struct admin_server *a, const struct conn *c)
{
    return (struct admin_view){.x = engine_exam(a->node.engine),
                               .now_ms = engine_now_ms(a->node.engine),
                               .wall_ms = clock_wall_ms(),
                               .node = a->node.name,
                               .person = admin_person_of(a, c),
                               .vault = a->node.vault};
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
uint64_t admin_memory_bytes(void)
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

void admin_take_status(struct admin_server *a, struct conn *c, uint32_t id, bool digest)
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
    n.memory_bytes = admin_memory_bytes();
    proposals_expire(&a->proposals, clock_boot_ms());
    n.proposals = (uint32_t)a->proposals.n;
    struct admin_view v = view_of(a, c);
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
    admin_send(a, c, &r);
}

static void send_batch(struct admin_server *a, struct conn *c, uint32_t id, uint32_t batch,
                       bool more)
{
    struct admin_view v = view_of(a, c);
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
    admin_send(a, c, &r);
}

static void refuse_batch(struct admin_server *a, struct conn *c, uint32_t id, const char *batch)
{
    char text[256];
    snprintf(text, sizeof text, "no batch '%s' here: `examctl batch list` shows the batches",
             batch);
    admin_refuse(a, c, id, EXAM_NOT_FOUND, "", text);
}

void admin_take_batch_status(struct admin_server *a, struct conn *c, uint32_t id, const char *name)
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
        admin_send_done(a, c, id, "", 0);
    }
}

/* ---------------------------------------------------------------- results */

static void send_sitting(struct admin_server *a, struct conn *c, const struct stream *t)
{
    struct admin_view v = view_of(a, c);
    struct exam_sitting_view sitting;
    Admin__SittingResult s;
    Admin__Reply r = ADMIN__REPLY__INIT;
    admin_view_result(&v, t->sitting, &s);
    exam_sitting_view(v.x, t->sitting, v.now_ms, &sitting);
    if (t->id_no)
        s.id_no = (char *)(uintptr_t)sitting.id_no; /* or its keyed hash, good for an import */
    r.id = t->id;
    r.more = true;
    r.kind_case = ADMIN__REPLY__KIND_SITTING_RESULT;
    r.sitting_result = &s;
    admin_send(a, c, &r);
}

/* P3, D8: an answer that is in the log and cannot be read is never left out in silence. */
static void refuse_answer(struct admin_server *a, struct conn *c, const struct stream *t,
                          exam_err err, const char *item)
{
    struct exam_sitting_view v;
    char text[256];
    exam_sitting_view(engine_exam(a->node.engine), t->sitting, engine_now_ms(a->node.engine), &v);
    snprintf(text, sizeof text, "the answer of candidate %s to item %s %s", v.admission_no, item,
             err == EXAM_CORRUPT ? "is not what was sealed for this place (D8): compare with the "
                                   "other node, and with a backup"
                                 : "is sealed, and this node has no data key");
    oplog(OPLOG_ERROR, "answer-not-opened", OPLOG_U("sitting", t->sitting), OPLOG_S("item", item),
          OPLOG_S("code", exam_err_name(err)));
    admin_refuse(a, c, t->id, err, "P3", text);
}

/* The next few answers of the sitting; *sent is false when it has no more. */
static exam_err send_rows(struct admin_server *a, struct conn *c, struct stream *t, bool *sent)
{
    static uint8_t opened[ROWS_PER_REPLY][ANSWER_BYTES_MAX];
    const exam *x = engine_exam(a->node.engine);
    struct exam_sitting_view v;
    Admin__AnswerRow rows[ROWS_PER_REPLY];
    Admin__AnswerRow *pointers[ROWS_PER_REPLY];
    Admin__AnswerRows m = ADMIN__ANSWER_ROWS__INIT;
    Admin__Reply r = ADMIN__REPLY__INIT;
    struct exam_answer_view answer;
    while (m.n_rows < ROWS_PER_REPLY && !exam_answer_at(x, t->sitting, t->row, &answer)) {
        Admin__AnswerRow *row = &rows[m.n_rows];
        const uint8_t *value;
        size_t value_bytes;
        exam_err err = vault_open_answer(a->node.vault, x, t->sitting, &answer, opened[m.n_rows],
                                         &value, &value_bytes);
        if (err) {
            refuse_answer(a, c, t, err, answer.item);
            return err;
        }
        admin__answer_row__init(row);
        row->item = (char *)(uintptr_t)answer.item;
        row->subject = (char *)(uintptr_t)answer.subject;
        row->value.data = (uint8_t *)(uintptr_t)value;
        row->value.len = value_bytes;
        row->seq = answer.seq;
        row->made_at_ms = answer.made_at_ms;
        row->late = answer.late;
        pointers[m.n_rows++] = row;
        t->row++;
    }
    *sent = m.n_rows > 0;
    if (!*sent)
        return EXAM_OK;
    exam_sitting_view(x, t->sitting, engine_now_ms(a->node.engine), &v);
    m.admission_no = (char *)(uintptr_t)v.admission_no;
    m.rows = pointers;
    r.id = t->id;
    r.more = true;
    r.kind_case = ADMIN__REPLY__KIND_ANSWER_ROWS;
    r.answer_rows = &m;
    admin_send(a, c, &r);
    return EXAM_OK;
}

/* Writes ahead of the reader, up to STREAM_QUEUE_BYTES; goes on when that has been taken. */
void admin_stream_results(struct admin_server *a, struct conn *c)
{
    struct admin *admin = conn_data(c);
    struct stream *t = &admin->results;
    const exam *x = engine_exam(a->node.engine);
    while (t->sitting && conn_queued_bytes(c) < STREAM_QUEUE_BYTES) {
        bool sent = false;
        if (!t->row && !t->one)
            send_sitting(a, c, t);
        if (t->answers && send_rows(a, c, t, &sent)) {
            t->on = false;
            admin_finish_request(c);
            return;
        }
        if (sent)
            continue;
        t->sitting = t->one ? 0 : exam_batch_next_sitting(x, t->batch, t->sitting);
        t->row = 0;
    }
    if (t->sitting)
        return;
    t->on = false;
    admin_send_done(a, c, t->id, "", 0);
    admin_finish_request(c);
}

/* P3: true when what is asked for cannot be shown yet. */
static bool refuse_locked(struct admin_server *a, struct conn *c, uint32_t id)
{
    if (!vault_is_locked(a->node.vault))
        return false;
    admin_refuse(a, c, id, EXAM_REFUSED, "P3",
                 "this node is locked: names and answers are sealed, and it has no data key; "
                 "`examctl unlock` first, or ask a node that is unlocked");
    return true;
}

void admin_take_results(struct admin_server *a, struct conn *c, uint32_t id,
                        const Admin__Results *m)
{
    const exam *x = engine_exam(a->node.engine);
    struct admin *admin = conn_data(c);
    uint32_t batch;
    if (refuse_locked(a, c, id))
        return;
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
    admin_stream_results(a, c);
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
    admin_send(to->server, to->conn, r);
}

void admin_take_sitting_show(struct admin_server *a, struct conn *c, uint32_t id,
                             const char *admission_no)
{
    struct showing to = {.server = a, .conn = c, .id = id};
    struct admin_view v = view_of(a, c);
    struct admin *admin = conn_data(c);
    uint32_t sitting;
    if (refuse_locked(a, c, id))
        return;
    v.send = show;
    v.ctx = &to;
    if (exam_find_sitting(v.x, admission_no, &sitting)) {
        char text[160];
        snprintf(text, sizeof text, "no candidate with admission number '%s' here", admission_no);
        admin_refuse(a, c, id, EXAM_NOT_FOUND, "", text);
        return;
    }
    admin_view_sitting(&v, sitting);
    admin->results =
        (struct stream){.on = true, .answers = true, .one = true, .id = id, .sitting = sitting};
    admin->busy = true;
    admin_stream_results(a, c);
}

/* D8: what the candidate was given when it was over, or would have been. */
void admin_take_receipt(struct admin_server *a, struct conn *c, uint32_t id,
                        const char *admission_no)
{
    const exam *x = engine_exam(a->node.engine);
    struct exam_sitting_view v;
    char receipt[RECEIPT_BYTES_MAX + 1] = "", text[200] = "";
    size_t n = 0;
    uint32_t sitting;
    exam_err err = exam_find_sitting(x, admission_no, &sitting);
    if (!err)
        exam_sitting_view(x, sitting, engine_now_ms(a->node.engine), &v);
    if (err) {
        snprintf(text, sizeof text, "no candidate with admission number '%s' here", admission_no);
    } else if (!a->node.serving(a->node.ctx)) {
        err = EXAM_NOT_PRIMARY;
        snprintf(text, sizeof text, "this node does not serve: ask the one that does (W1)");
    } else if (v.finish == EV__FINISH__FINISH_NONE) {
        err = EXAM_STATE;
        snprintf(text, sizeof text,
                 "candidate %s is not through: there is a receipt when the answers are final",
                 admission_no);
    } else if ((err = receipt_issue(a->node.engine, a->node.keys, sitting, NULL, receipt, &n))) {
        snprintf(text, sizeof text, "this site has no keys: a receipt would be signed by nobody");
    }
    if (err) {
        admin_refuse(a, c, id, err, "D8", text);
        return;
    }
    uint64_t lsn = engine_last(a->node.engine).lsn;
    if (lsn <= a->released_lsn) {
        admin_send_receipt(a, c, id, receipt);
        return;
    }
    struct waiting *w = admin_wait(a, c, id, lsn);
    w->receipt = true;
    memcpy(w->text, receipt, n); /* zeros follow */
}

void admin_take_incidents(struct admin_server *a, struct conn *c, uint32_t id, bool open_only)
{
    struct showing to = {.server = a, .conn = c, .id = id};
    struct admin_view v = view_of(a, c);
    v.send = show;
    v.ctx = &to;
    admin_view_incidents(&v, open_only);
    admin_send_done(a, c, id, "", 0);
}

void admin_take_seats(struct admin_server *a, struct conn *c, uint32_t id, const char *room)
{
    struct showing to = {.server = a, .conn = c, .id = id};
    struct admin_view v = view_of(a, c);
    struct seat_contact *by_seat = calloc(exam_seats(v.x) + 1, sizeof *by_seat);
    if (!by_seat) {
        admin_refuse(a, c, id, EXAM_NOMEM, "", "this node is out of memory");
        return;
    }
    v.send = show;
    v.ctx = &to;
    a->node.contacts(a->node.ctx, by_seat);
    admin_view_seats(&v, room, by_seat);
    free(by_seat);
    admin_send_done(a, c, id, "", 0);
}
