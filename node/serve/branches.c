#include "branches.h"

#include <stdlib.h>
#include <string.h>

#include "oplog.h"

enum {
    RECORDS_PER_FRAME = 256,
    VALUES_BYTES = FRAME_BYTES_MAX - 4 * RECORDS_PER_FRAME - 256,
};

_Static_assert((int)VALUES_BYTES >= (int)RECORD_BYTES_MAX, "every record fits in a frame");

exam_err branches_init(struct branches *b)
{
    memset(b, 0, sizeof *b);
    b->records = malloc(RECORDS_PER_FRAME * sizeof *b->records);
    b->values = malloc(VALUES_BYTES);
    b->frame = malloc(FRAME_HEADER_BYTES + FRAME_BYTES_MAX);
    if (b->records && b->values && b->frame)
        return EXAM_OK;
    branches_fini(b);
    return EXAM_NOMEM;
}

void branches_fini(struct branches *b)
{
    free(b->records);
    free(b->values);
    free(b->frame);
    memset(b, 0, sizeof *b);
}

void branches_changed(struct branches *b)
{
    b->link = 0;
}

/* ---------------------------------------------------------------- sending */

struct sending {
    struct branches *b;
    struct engine *e;
    struct link_hub *hub;
    struct link_id link;
};

static exam_err frame_send(struct sending *s)
{
    struct branches *b = s->b;
    Rep__Message m = REP__MESSAGE__INIT;
    size_t bytes;
    if (!b->message.n_records)
        return EXAM_OK;
    m.kind_case = REP__MESSAGE__KIND_BRANCH_RECORDS;
    m.branch_records = &b->message;
    exam_err err =
        codec_frame_pack(&m.base, b->frame, FRAME_HEADER_BYTES + FRAME_BYTES_MAX, &bytes);
    if (!err)
        err = link_send(s->hub, s->link, b->frame, bytes);
    if (err)
        return err;
    b->lsn = b->message.first_lsn + b->message.n_records - 1;
    b->message.n_records = 0;
    b->values_bytes = 0;
    return EXAM_OK;
}

/* Records of one frame follow one another. */
static exam_err record_add(void *ctx, const struct record *r)
{
    struct sending *s = ctx;
    struct branches *b = s->b;
    Rep__BranchRecords *m = &b->message;
    size_t bytes = RECORD_HEADER_BYTES + r->event_bytes;
    if (r->lsn <= b->lsn || r->lsn <= exam_recovered_lsn(engine_exam(s->e), r->epoch))
        return EXAM_OK;
    if (m->n_records &&
        (m->n_records == RECORDS_PER_FRAME || b->values_bytes + bytes > VALUES_BYTES ||
         m->first_lsn + m->n_records != r->lsn)) {
        exam_err err = frame_send(s);
        if (err)
            return err;
    }
    if (!m->n_records)
        m->first_lsn = r->lsn;
    uint8_t *at = b->values + b->values_bytes;
    /* record.h: the header lies right before the event in the stored value. */
    memcpy(at, r->event - RECORD_HEADER_BYTES, bytes);
    b->values_bytes += bytes;
    m->records[m->n_records++] = (ProtobufCBinaryData){.len = bytes, .data = at};
    return EXAM_OK;
}

static exam_err branch_send(struct sending *s)
{
    struct branches *b = s->b;
    b->message.n_records = 0;
    b->values_bytes = 0;
    exam_err err = store_read_branch(engine_store(s->e), b->branch, record_add, s);
    return err ? err : frame_send(s);
}

exam_err branches_send(struct branches *b, struct engine *e, struct link_hub *hub,
                       struct link_id link, uint64_t epoch)
{
    struct sending s = {.b = b, .e = e, .hub = hub, .link = link};
    if (b->link != link.n) {
        b->link = link.n;
        b->branch = 1;
        b->lsn = 0;
        b->done = false;
    }
    rep__branch_records__init(&b->message);
    b->message.epoch = epoch;
    b->message.records = b->records;
    while (!b->done) {
        exam_err err = branch_send(&s);
        if (err == EXAM_NOT_FOUND) {
            b->done = true;
            break;
        }
        if (err)
            return exam_err_class_of(err) == EXAM_CLASS_RETRY ? EXAM_AGAIN : err;
        b->branch++;
        b->lsn = 0;
    }
    return EXAM_OK;
}

/* ---------------------------------------------------------------- taking */

static exam_err record_take(struct engine *e, struct arena *arena, uint64_t lsn,
                            const ProtobufCBinaryData *value)
{
    struct record r;
    struct exam_command c = {.kind = EXAM_CMD_RECOVER, .u.recover.record = &r};
    struct exam_refusal refused;
    uint64_t decided_lsn;
    const char *why = "";
    exam_err err = record_open(lsn, value->data, value->len, &r);
    if (!err)
        err = codec_event(arena, r.event, r.event_bytes, &c.u.recover.event, &why);
    if (!err)
        err = engine_decide(e, &c, &refused, &decided_lsn);
    return err;
}

void branches_take(struct engine *e, struct arena *arena, const Rep__BranchRecords *m,
                   const char *peer)
{
    uint64_t before = engine_last(e).lsn;
    size_t refused = 0;
    for (size_t i = 0; i < m->n_records; i++)
        if (record_take(e, arena, m->first_lsn + i, &m->records[i]))
            refused++;
    oplog(refused ? OPLOG_WARN : OPLOG_INFO, "branch-recovered", OPLOG_S("peer", peer),
          OPLOG_U("first_lsn", m->first_lsn), OPLOG_U("records", m->n_records),
          OPLOG_U("decided", engine_last(e).lsn - before), OPLOG_U("refused", refused));
}
