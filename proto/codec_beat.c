/* A seat's heartbeat and the acknowledgement of it, or of an answer: of all that is ever sent,
 * nearly all. They are packed and decoded here in a straight line, to the very bytes and fields
 * that protobuf-c's general way gives (test_codec_beat holds the two against each other). Whatever
 * is not exactly as codec_beat_pack writes it is left to the general way. */
#include "codec_rules.h"
#include "codec_wire.h"

enum {
    BEAT_MARK_BYTES_MAX = 64, /* longer ones may come, and go the general way */
    BODY_BYTES_MAX = 4 * 11 + 3 * 2 + 2 + BEAT_MARK_BYTES_MAX,
    BEAT_BYTES_MAX = 6 + 2 + BODY_BYTES_MAX,
};

_Static_assert((int)BODY_BYTES_MAX < 128, "the length of the inner message takes one byte");
_Static_assert((int)BEAT_BYTES_MAX < (int)SEAT_REQUEST_BYTES_MAX, "a beat is within all bounds");

/* ---------------------------------------------------------------- packing */

static uint8_t *put_heartbeat(uint8_t *to, const Seat__Heartbeat *h)
{
    to = put_number(to, 1, h->used_ms);
    return put_number(to, 2, h->unsent);
}

static uint8_t *put_ack(uint8_t *to, const Seat__Ack *a)
{
    to = put_number(to, 1, a->seq);
    to = put_number(to, 2, (uint32_t)a->durability);
    to = put_number(to, 3, a->used_ms);
    to = put_number(to, 4, a->left_ms);
    if (a->mark.len > 0)
        to = put_data(to, 5, &a->mark);
    to = put_number(to, 6, a->late ? 1 : 0);
    to = put_number(to, 7, a->finished ? 1 : 0);
    return put_number(to, 8, a->ago_ms);
}

static bool plain(const ProtobufCMessage *outer, const ProtobufCMessage *inner)
{
    return outer->n_unknown_fields == 0 && inner->n_unknown_fields == 0;
}

/* The body of a beat, its field in the outer message, and the outer message's id. 0: it is none. */
static size_t body_put(const ProtobufCMessage *m, uint8_t *body, unsigned *number, uint32_t *id)
{
    if (m->descriptor == &seat__request__descriptor) {
        const Seat__Request *q = (const Seat__Request *)m;
        if (q->kind_case != SEAT__REQUEST__KIND_HEARTBEAT || !plain(m, &q->heartbeat->base))
            return 0;
        *number = SEAT__REQUEST__KIND_HEARTBEAT;
        *id = q->id;
        return (size_t)(put_heartbeat(body, q->heartbeat) - body);
    }
    if (m->descriptor == &seat__reply__descriptor) {
        const Seat__Reply *r = (const Seat__Reply *)m;
        if (r->kind_case != SEAT__REPLY__KIND_ACK || !plain(m, &r->ack->base) ||
            r->ack->mark.len > BEAT_MARK_BYTES_MAX ||
            (uint32_t)r->ack->durability > SEAT__DURABILITY__DURABILITY_DUAL)
            return 0;
        *number = SEAT__REPLY__KIND_ACK;
        *id = r->id;
        return (size_t)(put_ack(body, r->ack) - body);
    }
    return 0;
}

size_t codec_beat_pack(const ProtobufCMessage *m, uint8_t *out, size_t out_bytes)
{
    uint8_t body[BODY_BYTES_MAX], *to = out;
    unsigned number;
    uint32_t id;
    size_t n;

    if (out_bytes < BEAT_BYTES_MAX || (n = body_put(m, body, &number, &id)) == 0)
        return 0;
    to = put_number(to, 1, id);
    *to++ = TAG(number, WIRE_BYTES);
    *to++ = (uint8_t)n;
    memcpy(to, body, n);
    return (size_t)(to - out) + n;
}

/* ---------------------------------------------------------------- decoding */

static bool get_durability(struct cursor *c, Seat__Durability *durability)
{
    uint64_t v;

    if (!get_varint(c, &v) || v > SEAT__DURABILITY__DURABILITY_DUAL)
        return false;
    *durability = (Seat__Durability)v;
    return true;
}

/* Fields in their order, each once. */
static bool get_heartbeat(struct cursor *c, Seat__Heartbeat *h)
{
    for (uint8_t tag, last = 0; c->at < c->end; last = tag) {
        tag = *c->at++;
        if (tag <= last || !(tag == TAG(1, WIRE_VARINT)   ? get_varint(c, &h->used_ms)
                             : tag == TAG(2, WIRE_VARINT) ? get_varint(c, &h->unsent)
                                                          : false))
            return false;
    }
    return true;
}

static bool get_ack_field(struct arena *a, struct cursor *c, uint8_t tag, Seat__Ack *k)
{
    switch (tag) {
    case TAG(1, WIRE_VARINT):
        return get_varint(c, &k->seq);
    case TAG(2, WIRE_VARINT):
        return get_durability(c, &k->durability);
    case TAG(3, WIRE_VARINT):
        return get_varint(c, &k->used_ms);
    case TAG(4, WIRE_VARINT):
        return get_varint(c, &k->left_ms);
    case TAG(5, WIRE_BYTES):
        return get_data(a, c, BEAT_MARK_BYTES_MAX, &k->mark);
    case TAG(6, WIRE_VARINT):
        return get_flag(c, &k->late);
    case TAG(7, WIRE_VARINT):
        return get_flag(c, &k->finished);
    case TAG(8, WIRE_VARINT):
        return get_varint(c, &k->ago_ms);
    default:
        return false;
    }
}

static bool get_ack(struct arena *a, struct cursor *c, Seat__Ack *k)
{
    for (uint8_t tag, last = 0; c->at < c->end; last = tag) {
        tag = *c->at++;
        if (tag <= last || !get_ack_field(a, c, tag, k))
            return false;
    }
    return k->durability != SEAT__DURABILITY__DURABILITY_UNKNOWN; /* D1 */
}

/* The outer message: its id, and nothing but the inner one of that number after it. */
static bool get_outer(struct cursor *c, unsigned number, uint32_t *id)
{
    uint64_t v = 0;

    if (c->at < c->end && *c->at == TAG(1, WIRE_VARINT)) {
        c->at++;
        if (!get_varint(c, &v) || v > UINT32_MAX)
            return false;
    }
    *id = (uint32_t)v;
    if (c->end - c->at < 2 || c->at[0] != TAG(number, WIRE_BYTES) || c->at[1] == 0 ||
        c->at[1] != c->end - c->at - 2)
        return false;
    c->at += 2;
    return true;
}

bool codec_beat_request(struct arena *a, const uint8_t *bytes, size_t n, const Seat__Request **out)
{
    struct cursor c = {bytes, bytes + n};
    uint32_t id;

    if (n > BEAT_BYTES_MAX || !get_outer(&c, SEAT__REQUEST__KIND_HEARTBEAT, &id))
        return false;
    arena_reset(a);
    Seat__Request *q = a->pb.alloc(a->pb.allocator_data, sizeof *q);
    Seat__Heartbeat *h = a->pb.alloc(a->pb.allocator_data, sizeof *h);
    if (q == NULL || h == NULL)
        return false;
    seat__request__init(q);
    seat__heartbeat__init(h);
    q->id = id;
    q->kind_case = SEAT__REQUEST__KIND_HEARTBEAT;
    q->heartbeat = h;
    *out = q;
    return get_heartbeat(&c, h);
}

bool codec_beat_reply(struct arena *a, const uint8_t *bytes, size_t n, const Seat__Reply **out)
{
    struct cursor c = {bytes, bytes + n};
    uint32_t id;

    if (n > BEAT_BYTES_MAX || !get_outer(&c, SEAT__REPLY__KIND_ACK, &id))
        return false;
    arena_reset(a);
    Seat__Reply *r = a->pb.alloc(a->pb.allocator_data, sizeof *r);
    Seat__Ack *k = a->pb.alloc(a->pb.allocator_data, sizeof *k);
    if (r == NULL || k == NULL)
        return false;
    seat__reply__init(r);
    seat__ack__init(k);
    r->id = id;
    r->kind_case = SEAT__REPLY__KIND_ACK;
    r->ack = k;
    *out = r;
    return get_ack(a, &c, k);
}
