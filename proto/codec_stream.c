/* What goes from node to node with every batch and many times a second between batches (Append,
 * Appended, Ping), and the event that nearly every batch is (Marked). Packed and decoded here in a
 * straight line, as codec_beat.c does it for seats: to the very bytes and fields that protobuf-c's
 * general way gives (test_codec_stream holds the two against each other). Whatever is not exactly
 * as it is written here is left to the general way. */
#include "codec_rules.h"
#include "codec_wire.h"
#include "frame.h"
#include "record.h"

enum {
    TAG_BYTES = 1,
    NUMBER_BYTES_MAX = TAG_BYTES + VARINT_BYTES_MAX,
    DATA_HEAD_BYTES_MAX = TAG_BYTES + VARINT_BYTES_MAX,
    /* of Ping and Appended, which have neither a list nor a text */
    SHORT_BYTES_MAX = 5 * NUMBER_BYTES_MAX + DATA_HEAD_BYTES_MAX + HASH_BYTES,
    MARKED_TAG = EV__EVENT__KIND_MARKED << 3 | WIRE_BYTES, /* as a number: above one byte */
};

_Static_assert((int)RECORD_BYTES_MAX < (int)FRAME_BYTES_MAX, "a record fits in a frame");

/* ---------------------------------------------------------------- packing: nodes */

static uint8_t *put_ping(uint8_t *to, const Rep__Ping *p)
{
    to = put_number(to, 1, p->epoch);
    to = put_number(to, 2, (uint32_t)p->role);
    to = put_number(to, 3, p->lsn);
    to = put_number(to, 4, p->lsn_epoch);
    return put_number(to, 5, p->learning ? 1 : 0);
}

static uint8_t *put_appended(uint8_t *to, const Rep__Appended *a)
{
    to = put_number(to, 1, a->epoch);
    to = put_number(to, 2, a->lsn);
    if (a->hash.len > 0)
        to = put_data(to, 3, &a->hash);
    return put_number(to, 4, a->learning ? 1 : 0);
}

static uint8_t *put_append(uint8_t *to, const Rep__Append *a)
{
    to = put_number(to, 1, a->epoch);
    to = put_number(to, 2, a->first_lsn);
    if (a->prev_hash.len > 0)
        to = put_data(to, 3, &a->prev_hash);
    for (size_t i = 0; i < a->n_records; i++)
        to = put_data(to, 4, &a->records[i]);
    to = put_number(to, 5, a->released_lsn);
    return put_number(to, 6, a->site_ms);
}

static size_t number_bytes(uint64_t v)
{
    return v ? TAG_BYTES + varint_bytes(v) : 0;
}

static size_t data_bytes(const ProtobufCBinaryData *data)
{
    return TAG_BYTES + varint_bytes(data->len) + data->len;
}

static size_t append_bytes(const Rep__Append *a)
{
    size_t n = number_bytes(a->epoch) + number_bytes(a->first_lsn) + number_bytes(a->released_lsn) +
               number_bytes(a->site_ms) + (a->prev_hash.len > 0 ? data_bytes(&a->prev_hash) : 0);

    for (size_t i = 0; i < a->n_records; i++)
        n += data_bytes(&a->records[i]);
    return n;
}

static size_t pack_short(const Rep__Message *m, uint8_t *out, size_t out_bytes)
{
    uint8_t body[SHORT_BYTES_MAX];
    bool is_ping = m->kind_case == REP__MESSAGE__KIND_PING;
    size_t n =
        (size_t)((is_ping ? put_ping(body, m->ping) : put_appended(body, m->appended)) - body);
    const ProtobufCBinaryData data = {.data = body, .len = n};

    if (DATA_HEAD_BYTES_MAX + n > out_bytes)
        return 0;
    return (size_t)(put_data(out, m->kind_case, &data) - out);
}

static size_t pack_append(const Rep__Append *a, uint8_t *out, size_t out_bytes)
{
    size_t n = append_bytes(a);
    uint8_t *to = out;

    if (n > FRAME_BYTES_MAX - DATA_HEAD_BYTES_MAX || DATA_HEAD_BYTES_MAX + n > out_bytes)
        return 0;
    *to++ = TAG(REP__MESSAGE__KIND_APPEND, WIRE_BYTES);
    to = put_varint(to, n);
    return (size_t)(put_append(to, a) - out);
}

size_t codec_stream_pack(const ProtobufCMessage *base, uint8_t *out, size_t out_bytes)
{
    const Rep__Message *m = (const Rep__Message *)base;

    if (base->descriptor != &rep__message__descriptor || base->n_unknown_fields > 0)
        return 0;
    switch (m->kind_case) {
    case REP__MESSAGE__KIND_PING:
        if (m->ping->base.n_unknown_fields > 0 || m->ping->n_checkpoints > 0 || m->ping->locked ||
            (uint32_t)m->ping->role > REP__ROLE__ROLE_EMPTY)
            return 0;
        return pack_short(m, out, out_bytes);
    case REP__MESSAGE__KIND_APPENDED:
        if (m->appended->base.n_unknown_fields > 0 || m->appended->hash.len > HASH_BYTES)
            return 0;
        return pack_short(m, out, out_bytes);
    case REP__MESSAGE__KIND_APPEND:
        return m->append->base.n_unknown_fields > 0 ? 0 : pack_append(m->append, out, out_bytes);
    default:
        return 0;
    }
}

/* ---------------------------------------------------------------- decoding: nodes */

static bool get_role(struct cursor *c, Rep__Role *role)
{
    uint64_t v;

    if (!get_varint(c, &v) || v > REP__ROLE__ROLE_EMPTY)
        return false;
    *role = (Rep__Role)v;
    return true;
}

static bool get_ping_field(struct cursor *c, uint8_t tag, Rep__Ping *p)
{
    switch (tag) {
    case TAG(1, WIRE_VARINT):
        return get_varint(c, &p->epoch);
    case TAG(2, WIRE_VARINT):
        return get_role(c, &p->role);
    case TAG(3, WIRE_VARINT):
        return get_varint(c, &p->lsn);
    case TAG(4, WIRE_VARINT):
        return get_varint(c, &p->lsn_epoch);
    case TAG(5, WIRE_VARINT):
        return get_flag(c, &p->learning);
    default:
        return false;
    }
}

/* Fields in their order, each once. */
static bool get_ping(struct cursor *c, Rep__Ping *p)
{
    for (uint8_t tag, last = 0; c->at < c->end; last = tag) {
        tag = *c->at++;
        if (tag <= last || !get_ping_field(c, tag, p))
            return false;
    }
    return p->role != REP__ROLE__ROLE_UNKNOWN;
}

static bool get_hash(struct arena *a, struct cursor *c, ProtobufCBinaryData *hash)
{
    return get_data(a, c, HASH_BYTES, hash) && hash->len == HASH_BYTES;
}

static bool get_appended_field(struct arena *a, struct cursor *c, uint8_t tag, Rep__Appended *d)
{
    switch (tag) {
    case TAG(1, WIRE_VARINT):
        return get_varint(c, &d->epoch);
    case TAG(2, WIRE_VARINT):
        return get_varint(c, &d->lsn);
    case TAG(3, WIRE_BYTES):
        return get_hash(a, c, &d->hash);
    case TAG(4, WIRE_VARINT):
        return get_flag(c, &d->learning);
    default:
        return false;
    }
}

static bool get_appended(struct arena *a, struct cursor *c, Rep__Appended *d)
{
    for (uint8_t tag, last = 0; c->at < c->end; last = tag) {
        tag = *c->at++;
        if (tag <= last || !get_appended_field(a, c, tag, d))
            return false;
    }
    return d->hash.len == HASH_BYTES || d->lsn == 0;
}

static size_t records_count(struct cursor c)
{
    struct cursor record;
    size_t n = 0;

    while (c.at < c.end && *c.at == TAG(4, WIRE_BYTES)) {
        c.at++;
        if (!get_extent(&c, &record))
            return 0;
        n++;
    }
    return n;
}

static bool get_record(struct arena *a, struct cursor *c, ProtobufCBinaryData *record)
{
    return *c->at++ == TAG(4, WIRE_BYTES) && get_data(a, c, RECORD_BYTES_MAX, record) &&
           record->len >= RECORD_HEADER_BYTES;
}

/* The cursor stands at the first of them. */
static bool get_records(struct arena *a, struct cursor *c, Rep__Append *d)
{
    size_t n = records_count(*c);

    if (n == 0 || n > FRAME_BYTES_MAX / RECORD_HEADER_BYTES)
        return false;
    d->records = a->pb.alloc(a->pb.allocator_data, n * sizeof *d->records);
    if (d->records == NULL)
        return false;
    for (; d->n_records < n; d->n_records++)
        if (!get_record(a, c, &d->records[d->n_records]))
            return false;
    return true;
}

static bool get_append_field(struct arena *a, struct cursor *c, uint8_t tag, Rep__Append *d)
{
    switch (tag) {
    case TAG(1, WIRE_VARINT):
        return get_varint(c, &d->epoch);
    case TAG(2, WIRE_VARINT):
        return get_varint(c, &d->first_lsn);
    case TAG(3, WIRE_BYTES):
        return get_hash(a, c, &d->prev_hash);
    case TAG(4, WIRE_BYTES):
        c->at--;
        return get_records(a, c, d);
    case TAG(5, WIRE_VARINT):
        return get_varint(c, &d->released_lsn);
    case TAG(6, WIRE_VARINT):
        return get_varint(c, &d->site_ms);
    default:
        return false;
    }
}

static bool get_append(struct arena *a, struct cursor *c, Rep__Append *d)
{
    for (uint8_t tag, last = 0; c->at < c->end; last = tag) {
        tag = *c->at++;
        if (tag <= last || !get_append_field(a, c, tag, d))
            return false;
    }
    return d->prev_hash.len == HASH_BYTES;
}

/* The one field that the outer message has. */
static bool get_kind(struct arena *a, uint8_t tag, struct cursor *body, Rep__Message *m)
{
    switch (tag) {
    case TAG(REP__MESSAGE__KIND_PING, WIRE_BYTES):
        m->kind_case = REP__MESSAGE__KIND_PING;
        m->ping = a->pb.alloc(a->pb.allocator_data, sizeof *m->ping);
        if (m->ping == NULL)
            return false;
        rep__ping__init(m->ping);
        return get_ping(body, m->ping);
    case TAG(REP__MESSAGE__KIND_APPENDED, WIRE_BYTES):
        m->kind_case = REP__MESSAGE__KIND_APPENDED;
        m->appended = a->pb.alloc(a->pb.allocator_data, sizeof *m->appended);
        if (m->appended == NULL)
            return false;
        rep__appended__init(m->appended);
        return get_appended(a, body, m->appended);
    case TAG(REP__MESSAGE__KIND_APPEND, WIRE_BYTES):
        m->kind_case = REP__MESSAGE__KIND_APPEND;
        m->append = a->pb.alloc(a->pb.allocator_data, sizeof *m->append);
        if (m->append == NULL)
            return false;
        rep__append__init(m->append);
        return get_append(a, body, m->append);
    default:
        return false;
    }
}

bool codec_stream_message(struct arena *a, const uint8_t *bytes, size_t n, const Rep__Message **out)
{
    struct cursor c = {bytes, bytes + n}, body;
    uint8_t tag;

    if (n == 0 || n > FRAME_BYTES_MAX)
        return false;
    tag = *c.at++;
    if (!get_extent(&c, &body) || c.at != c.end || body.at == body.end)
        return false;
    arena_reset(a);
    Rep__Message *m = a->pb.alloc(a->pb.allocator_data, sizeof *m);
    if (m == NULL)
        return false;
    rep__message__init(m);
    if (!get_kind(a, tag, &body, m))
        return false;
    *out = m;
    return true;
}

/* ---------------------------------------------------------------- marks */

static bool is_marked(const Ev__Event *e)
{
    return e->kind_case == EV__EVENT__KIND_MARKED && e->base.n_unknown_fields == 0 &&
           e->marked->base.n_unknown_fields == 0;
}

struct marked_bytes {
    size_t sitting, used_ms, body;
};

static size_t list_bytes(size_t n)
{
    return n ? TAG_BYTES + varint_bytes(n) + n : 0;
}

static struct marked_bytes marked_bytes(const Ev__Marked *m)
{
    struct marked_bytes b = {0};

    for (size_t i = 0; i < m->n_sitting; i++)
        b.sitting += varint_bytes(m->sitting[i]);
    for (size_t i = 0; i < m->n_used_ms; i++)
        b.used_ms += varint_bytes(m->used_ms[i]);
    b.body = list_bytes(b.sitting) + list_bytes(b.used_ms);
    return b;
}

static uint8_t *put_list_head(uint8_t *to, unsigned number, size_t n)
{
    *to++ = TAG(number, WIRE_BYTES);
    return put_varint(to, n);
}

size_t codec_event_bytes(const Ev__Event *e)
{
    if (!is_marked(e))
        return ev__event__get_packed_size(e);
    struct marked_bytes b = marked_bytes(e->marked);
    return varint_bytes(MARKED_TAG) + varint_bytes(b.body) + b.body;
}

size_t codec_event_pack(const Ev__Event *e, uint8_t *out)
{
    uint8_t *to = out;

    if (!is_marked(e))
        return ev__event__pack(e, out);
    struct marked_bytes b = marked_bytes(e->marked);
    to = put_varint(to, MARKED_TAG);
    to = put_varint(to, b.body);
    if (b.sitting > 0)
        to = put_list_head(to, 1, b.sitting);
    for (size_t i = 0; i < e->marked->n_sitting; i++)
        to = put_varint(to, e->marked->sitting[i]);
    if (b.used_ms > 0)
        to = put_list_head(to, 2, b.used_ms);
    for (size_t i = 0; i < e->marked->n_used_ms; i++)
        to = put_varint(to, e->marked->used_ms[i]);
    return (size_t)(to - out);
}

/* One number ends where a byte below 128 stands. */
static size_t numbers_count(const struct cursor *c)
{
    size_t n = 0;

    for (const uint8_t *at = c->at; at < c->end; at++)
        n += *at < 0x80;
    return n;
}

static bool get_list(struct cursor *c, unsigned number, struct cursor *list, size_t *n)
{
    if (c->at == c->end || *c->at++ != TAG(number, WIRE_BYTES) || !get_extent(c, list))
        return false;
    *n = numbers_count(list);
    return *n > 0 && *n <= MARKS_PER_EVENT_MAX;
}

static bool get_marks(struct arena *a, struct cursor sittings, struct cursor used, Ev__Marked *m)
{
    uint64_t v;

    m->sitting = a->pb.alloc(a->pb.allocator_data, m->n_sitting * sizeof *m->sitting);
    m->used_ms = a->pb.alloc(a->pb.allocator_data, m->n_used_ms * sizeof *m->used_ms);
    if (m->sitting == NULL || m->used_ms == NULL)
        return false;
    for (size_t i = 0; i < m->n_sitting; i++) {
        if (!get_varint_or_0(&sittings, &v) || v > UINT32_MAX)
            return false;
        m->sitting[i] = (uint32_t)v;
    }
    for (size_t i = 0; i < m->n_used_ms; i++)
        if (!get_varint_or_0(&used, &m->used_ms[i]))
            return false;
    return sittings.at == sittings.end && used.at == used.end;
}

bool codec_stream_marked(struct arena *a, const uint8_t *bytes, size_t n, const Ev__Event **out)
{
    struct cursor c = {bytes, bytes + n}, body, sittings, used;
    uint64_t tag;
    size_t n_sitting, n_used_ms;

    if (n > RECORD_BYTES_MAX - RECORD_HEADER_BYTES || !get_varint_or_0(&c, &tag) ||
        tag != MARKED_TAG || !get_extent(&c, &body) || c.at != c.end)
        return false;
    if (!get_list(&body, 1, &sittings, &n_sitting) || !get_list(&body, 2, &used, &n_used_ms) ||
        body.at != body.end || n_sitting != n_used_ms)
        return false;
    arena_reset(a);
    Ev__Event *e = a->pb.alloc(a->pb.allocator_data, sizeof *e);
    Ev__Marked *m = a->pb.alloc(a->pb.allocator_data, sizeof *m);
    if (e == NULL || m == NULL)
        return false;
    ev__event__init(e);
    ev__marked__init(m);
    e->kind_case = EV__EVENT__KIND_MARKED;
    e->marked = m;
    m->n_sitting = n_sitting;
    m->n_used_ms = n_used_ms;
    if (!get_marks(a, sittings, used, m))
        return false;
    *out = e;
    return true;
}
