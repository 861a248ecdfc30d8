#include "talk.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static char *text_of(const char *text)
{
    return (char *)(uintptr_t)text; /* generated messages have no const */
}

static ProtobufCBinaryData data_of(const uint8_t *bytes, size_t n)
{
    return (ProtobufCBinaryData){.len = n, .data = (uint8_t *)(uintptr_t)bytes};
}

void talk_begin(struct talk *k)
{
    arena_init(&k->arena, k->block, sizeof k->block);
    k->id = 0;
    k->sight = (struct seat_sight){.epoch = 0};
    k->said[0] = '\0';
    k->wire.fd = -1;
}

void talk_end(struct talk *k)
{
    Seat__Request q = SEAT__REQUEST__INIT;
    Seat__Bye m = SEAT__BYE__INIT;
    if (k->wire.fd < 0)
        return;
    q.id = ++k->id;
    q.kind_case = SEAT__REQUEST__KIND_BYE;
    q.bye = &m;
    if (channel_state(&k->wire.channel) == CHANNEL_OPEN && wire_say(&k->wire, &q.base))
        (void)wire_ended(&k->wire);
    wire_drop(&k->wire);
}

/* ---------------------------------------------------------------- replies */

static void mark_keep(struct talk *k, const ProtobufCBinaryData *mark)
{
    if (mark->len == 0 || mark->len > sizeof k->sight.mark)
        return;
    memcpy(k->sight.mark, mark->data, mark->len);
    k->sight.mark_bytes = mark->len;
}

static void take_attached(struct talk *k, const Seat__Attached *a)
{
    struct seat_sight *s = &k->sight;
    snprintf(s->admission_no, sizeof s->admission_no, "%s", a->candidate->admission_no);
    s->attachment_epoch = a->attachment_epoch;
    s->attachment_lsn = a->attachment_lsn;
    s->seq_have = a->seq_have;
    s->used_ms = a->account->used_ms;
    s->left_ms = a->account->left_ms;
    s->epoch = a->epoch;
    mark_keep(k, &a->mark);
    snprintf(k->said, sizeof k->said, "attached %s at %s", a->candidate->admission_no,
             a->candidate->seat);
}

static void take_ack(struct talk *k, const Seat__Ack *a)
{
    k->sight.used_ms = a->used_ms;
    k->sight.left_ms = a->left_ms;
    if (a->seq > k->sight.seq_have)
        k->sight.seq_have = a->seq;
    mark_keep(k, &a->mark);
    snprintf(k->said, sizeof k->said, "ack %" PRIu64, a->seq);
}

static void take_reply(struct talk *k, const Seat__Reply *r)
{
    switch (r->kind_case) {
    case SEAT__REPLY__KIND_WELCOME:
        k->sight.epoch = r->welcome->epoch;
        snprintf(k->said, sizeof k->said, "welcome by %s, epoch %" PRIu64, r->welcome->node,
                 r->welcome->epoch);
        break;
    case SEAT__REPLY__KIND_ATTACHED:
        take_attached(k, r->attached);
        break;
    case SEAT__REPLY__KIND_ACK:
        take_ack(k, r->ack);
        break;
    case SEAT__REPLY__KIND_REFUSED:
        snprintf(k->said, sizeof k->said, "refused %s: %s",
                 exam_err_name((exam_err)r->refused->code), r->refused->text);
        break;
    case SEAT__REPLY__KIND_PAPER_PART:
        snprintf(k->said, sizeof k->said, "%u bytes of the paper", r->paper_part->total);
        break;
    default:
        snprintf(k->said, sizeof k->said, "a notice");
    }
}

enum wire_state talk_hear(struct talk *k, uint32_t *id, bool *refused)
{
    const uint8_t *payload;
    const Seat__Reply *r;
    const char *why = "";
    size_t n;
    enum wire_state s = wire_hear(&k->wire, &payload, &n);
    if (s != WIRE_OPEN) {
        snprintf(k->said, sizeof k->said, "%s", wire_state_name(s));
        return s;
    }
    if (codec_seat_reply(&k->arena, payload, n, &r, &why) != EXAM_OK) {
        snprintf(k->said, sizeof k->said, "what no seat is told: %s", why);
        return WIRE_CLOSED;
    }
    take_reply(k, r);
    *id = r->id;
    *refused = r->kind_case == SEAT__REPLY__KIND_REFUSED;
    return WIRE_OPEN;
}

bool talk_ask(struct talk *k, Seat__Request *q)
{
    uint32_t id;
    bool refused;
    q->id = ++k->id;
    if (!wire_say(&k->wire, &q->base)) {
        snprintf(k->said, sizeof k->said, "closed");
        return false;
    }
    do {
        if (talk_hear(k, &id, &refused) != WIRE_OPEN)
            return false;
    } while (id != k->id && !(refused && id == 0));
    return !refused;
}

/* ---------------------------------------------------------------- requests */

bool talk_hello_as(struct talk *k, const Seat__Hello *m)
{
    Seat__Request q = SEAT__REQUEST__INIT;
    q.kind_case = SEAT__REQUEST__KIND_HELLO;
    q.hello = (Seat__Hello *)(uintptr_t)m;
    return talk_ask(k, &q);
}

bool talk_hello(struct talk *k, const char *seat, uint64_t epoch_seen)
{
    Seat__Hello m = SEAT__HELLO__INIT;
    m.version = SEAT_VERSION;
    m.seat = text_of(seat);
    m.client = text_of("adversary");
    m.epoch_seen = epoch_seen;
    return talk_hello_as(k, &m);
}

bool talk_sign_in(struct talk *k, const char *admission_no, const char *id_no,
                  const uint8_t session[SESSION_BYTES])
{
    Seat__Request q = SEAT__REQUEST__INIT;
    Seat__SignIn m = SEAT__SIGN_IN__INIT;
    m.admission_no = text_of(admission_no);
    m.id_no = text_of(id_no);
    m.session = data_of(session, SESSION_BYTES);
    q.kind_case = SEAT__REQUEST__KIND_SIGN_IN;
    q.sign_in = &m;
    return talk_ask(k, &q);
}

bool talk_attach_as(struct talk *k, const Seat__Attach *m)
{
    Seat__Request q = SEAT__REQUEST__INIT;
    q.kind_case = SEAT__REQUEST__KIND_ATTACH;
    q.attach = (Seat__Attach *)(uintptr_t)m;
    return talk_ask(k, &q);
}

bool talk_attach(struct talk *k, const char *admission_no, const uint8_t session[SESSION_BYTES],
                 const uint8_t *mark, size_t mark_bytes)
{
    Seat__Attach m = SEAT__ATTACH__INIT;
    m.admission_no = text_of(admission_no);
    m.session = data_of(session, SESSION_BYTES);
    m.mark = data_of(mark, mark_bytes);
    return talk_attach_as(k, &m);
}

bool talk_answer(struct talk *k, uint64_t seq, const char *item, uint64_t attachment_epoch,
                 uint64_t attachment_lsn)
{
    static const uint8_t value[] = "the thief's";
    Seat__Request q = SEAT__REQUEST__INIT;
    Seat__Answer m = SEAT__ANSWER__INIT;
    m.seq = seq;
    m.item = text_of(item);
    m.value = data_of(value, sizeof value - 1);
    m.attachment_epoch = attachment_epoch;
    m.attachment_lsn = attachment_lsn;
    q.kind_case = SEAT__REQUEST__KIND_ANSWER;
    q.answer = &m;
    return talk_ask(k, &q);
}

bool talk_heartbeat(struct talk *k, uint64_t used_ms)
{
    Seat__Request q = SEAT__REQUEST__INIT;
    Seat__Heartbeat m = SEAT__HEARTBEAT__INIT;
    m.used_ms = used_ms;
    q.kind_case = SEAT__REQUEST__KIND_HEARTBEAT;
    q.heartbeat = &m;
    return talk_ask(k, &q);
}

bool talk_fetch(struct talk *k)
{
    Seat__Request q = SEAT__REQUEST__INIT;
    Seat__FetchPaper m = SEAT__FETCH_PAPER__INIT;
    q.kind_case = SEAT__REQUEST__KIND_FETCH_PAPER;
    q.fetch_paper = &m;
    return talk_ask(k, &q);
}

bool talk_submit(struct talk *k, uint64_t seq)
{
    Seat__Request q = SEAT__REQUEST__INIT;
    Seat__Submit m = SEAT__SUBMIT__INIT;
    m.seq = seq;
    q.kind_case = SEAT__REQUEST__KIND_SUBMIT;
    q.submit = &m;
    return talk_ask(k, &q);
}
