#include "node_core.h"

#include <assert.h>
#include <string.h>

#include "clock.h"
#include "codec.h"
#include "oplog.h"

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
    const struct rep_append *append = &s->n->append;
    bool enough = rep_append_records(append) &&
                  s->sent_bytes + append->values_bytes + value_bytes > s->a->bytes_max;
    err = enough ? EXAM_FULL : rep_append_add(&s->n->append, value, value_bytes);
    if (err == EXAM_FULL) {
        err = sending_flush(s);
        if (!err && (enough || s->sent_bytes >= s->a->bytes_max))
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

void node_send_records(struct node *n, const struct rep_action *a)
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
        node_rot_found(n, s.next_lsn);
        node_link_lost(n, a->link);
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

/* Closes a link that is of no use any more, and tells the replication core. */
void node_link_lost(struct node *n, struct rep_link link)
{
    struct rep_input in = {.kind = REP_LINK_CLOSED, .now_ms = clock_boot_ms(), .link = link};
    link_close(n->hub, (struct link_id){.n = link.n});
    rep_step(n->rep, &in);
}

/* D8: what this node has signed goes along, as far as the peer has not been told. */
static void send_ping(struct node *n, const struct rep_action *a)
{
    static struct node_checkpoints c;
    Rep__Message m = *a->message;
    Rep__Ping ping = *a->message->ping;
    size_t bytes;
    ping.n_checkpoints = node_evidence_to_send(n, a->link.n, &c);
    ping.checkpoints = ping.n_checkpoints ? c.data : NULL;
    m.ping = &ping;
    exam_err err = codec_frame_pack(&m.base, n->frame, sizeof n->frame, &bytes);
    assert(!err);
    /* A peer that takes nothing for long is lost by its silence. */
    if (!link_send(n->hub, (struct link_id){.n = a->link.n}, n->frame, bytes) && c.n)
        node_evidence_sent(n, a->link.n, &c);
}

void node_send(struct node *n, const struct rep_action *a)
{
    size_t bytes;
    if (a->message->kind_case == REP__MESSAGE__KIND_PING) {
        send_ping(n, a);
        return;
    }
    exam_err err = codec_frame_pack(&a->message->base, n->frame, sizeof n->frame, &bytes);
    assert(!err);
    err = link_send(n->hub, (struct link_id){.n = a->link.n}, n->frame, bytes);
    if (!err)
        return;
    /* It is not said twice: begin anew with a link that takes it. */
    oplog(OPLOG_WARN, "peer-slow", OPLOG_S("code", exam_err_name(err)));
    node_link_lost(n, a->link);
}

void node_close_link(struct node *n, const struct rep_action *a)
{
    if (a->text[0])
        oplog(a->code ? OPLOG_WARN : OPLOG_INFO, "peer-closed",
              OPLOG_S("code", exam_err_name(a->code)), OPLOG_S("why", a->text));
    link_close(n->hub, (struct link_id){.n = a->link.n});
}
