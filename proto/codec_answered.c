/* An event Answered: of a long log nearly all are, so this is what a standby that catches up
 * decodes. Here it is decoded in a straight line, as codec_beat.c does it for heartbeats: to the
 * fields that protobuf-c's general way gives (test_codec_answered holds the two against each
 * other). Whatever is not exactly as it is packed is left to the general way. */
#include "codec_rules.h"
#include "codec_wire.h"
#include "record.h"

enum { ANSWERED_TAG = EV__EVENT__KIND_ANSWERED << 3 | WIRE_BYTES }; /* as a number */

static bool get_u32(struct cursor *c, uint32_t *out)
{
    uint64_t v;

    if (!get_varint(c, &v) || v > UINT32_MAX)
        return false;
    *out = (uint32_t)v;
    return true;
}

static bool get_item(struct arena *a, struct cursor *c, char **out)
{
    struct cursor item;

    if (!get_extent(c, &item) || item.at == item.end || item.end - item.at > NAME_BYTES_MAX)
        return false;
    size_t n = (size_t)(item.end - item.at);
    char *text = a->pb.alloc(a->pb.allocator_data, n + 1);
    if (text == NULL)
        return false;
    memcpy(text, item.at, n);
    text[n] = '\0';
    *out = text;
    return strlen(text) == n && codec_name_ok(text);
}

static bool get_value(struct arena *a, struct cursor *c, ProtobufCBinaryData *value)
{
    return get_data(a, c, ANSWER_STORED_BYTES_MAX, value) &&
           codec_answer_stored_ok(value->data, value->len);
}

static bool get_field(struct arena *a, struct cursor *c, uint8_t tag, Ev__Answered *e)
{
    switch (tag) {
    case TAG(1, WIRE_VARINT):
        return get_u32(c, &e->sitting);
    case TAG(2, WIRE_VARINT):
        return get_varint(c, &e->seq);
    case TAG(3, WIRE_BYTES):
        return get_item(a, c, &e->item);
    case TAG(4, WIRE_BYTES):
        return get_value(a, c, &e->value);
    case TAG(5, WIRE_VARINT):
        return get_varint(c, &e->made_at_ms);
    case TAG(6, WIRE_VARINT):
        return get_varint(c, &e->attachment_epoch);
    case TAG(7, WIRE_VARINT):
        return get_varint(c, &e->attachment_lsn);
    case TAG(8, WIRE_VARINT):
        return get_varint(c, &e->used_ms);
    case TAG(9, WIRE_VARINT):
        return get_flag(c, &e->late);
    case TAG(10, WIRE_VARINT):
        return get_flag(c, &e->refused);
    case TAG(11, WIRE_VARINT):
        return get_u32(c, &e->former);
    default:
        return false;
    }
}

/* Fields in their order, each once. */
static bool get_fields(struct arena *a, struct cursor *c, Ev__Answered *e)
{
    for (uint8_t tag, last = 0; c->at < c->end; last = tag) {
        tag = *c->at++;
        if (tag <= last || !get_field(a, c, tag, e))
            return false;
    }
    return e->item[0] != '\0';
}

bool codec_answered_event(struct arena *a, const uint8_t *bytes, size_t n, const Ev__Event **out)
{
    struct cursor c = {bytes, bytes + n}, body;
    uint64_t tag;

    if (n > RECORD_BYTES_MAX - RECORD_HEADER_BYTES || !get_varint_or_0(&c, &tag) ||
        tag != ANSWERED_TAG || !get_extent(&c, &body) || c.at != c.end)
        return false;
    arena_reset(a);
    Ev__Event *e = a->pb.alloc(a->pb.allocator_data, sizeof *e);
    Ev__Answered *answered = a->pb.alloc(a->pb.allocator_data, sizeof *answered);
    if (e == NULL || answered == NULL)
        return false;
    ev__event__init(e);
    ev__answered__init(answered);
    e->kind_case = EV__EVENT__KIND_ANSWERED;
    e->answered = answered;
    if (!get_fields(a, &body, answered))
        return false;
    *out = e;
    return true;
}
