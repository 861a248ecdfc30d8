/* codec_wire.h - numbers and bytes as protobuf writes them, for the messages that are packed and
 * decoded in a straight line (codec_beat.c, codec_stream.c). Private to the codec.
 * Pure. Every get_ takes the shortest form only, that is, what put_ writes: false leaves the bytes
 * to the general way, and what was got does not count. */
#ifndef EXAM_CODEC_WIRE_H
#define EXAM_CODEC_WIRE_H

#include <stdbool.h>
#include <string.h>

#include "codec.h"

enum { WIRE_VARINT = 0, WIRE_BYTES = 2, VARINT_BYTES_MAX = 10 };

/* The tag of field `number` of a message, below 16. */
#define TAG(number, wire) ((uint8_t)((number) << 3 | (wire)))

static inline uint8_t *put_varint(uint8_t *to, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *to++ = (uint8_t)(v | 0x80);
    *to++ = (uint8_t)v;
    return to;
}

static inline size_t varint_bytes(uint64_t v)
{
    size_t n = 1;

    for (; v >= 0x80; v >>= 7)
        n++;
    return n;
}

/* proto3: what is 0 is left out. */
static inline uint8_t *put_number(uint8_t *to, unsigned number, uint64_t v)
{
    if (v == 0)
        return to;
    *to++ = TAG(number, WIRE_VARINT);
    return put_varint(to, v);
}

static inline uint8_t *put_data(uint8_t *to, unsigned number, const ProtobufCBinaryData *data)
{
    *to++ = TAG(number, WIRE_BYTES);
    to = put_varint(to, data->len);
    if (data->len > 0)
        memcpy(to, data->data, data->len);
    return to + data->len;
}

struct cursor {
    const uint8_t *at, *end;
};

/* No more than 63 bits. */
static inline bool get_varint_or_0(struct cursor *c, uint64_t *v)
{
    unsigned shift = 0;

    for (*v = 0; c->at < c->end && shift < 63; shift += 7) {
        uint8_t byte = *c->at++;
        *v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return byte != 0 || shift == 0;
    }
    return false;
}

/* Of a field: what is 0 is left out. */
static inline bool get_varint(struct cursor *c, uint64_t *v)
{
    return get_varint_or_0(c, v) && *v != 0;
}

static inline bool get_flag(struct cursor *c, protobuf_c_boolean *flag)
{
    if (c->at == c->end || *c->at++ != 1)
        return false;
    *flag = 1;
    return true;
}

/* The extent of n bytes with their length before them. */
static inline bool get_extent(struct cursor *c, struct cursor *out)
{
    uint64_t n;

    if (!get_varint_or_0(c, &n) || n > (size_t)(c->end - c->at))
        return false;
    *out = (struct cursor){c->at, c->at + n};
    c->at += n;
    return true;
}

/* A copy of them in the arena: 1..bytes_max. */
static inline bool get_data(struct arena *a, struct cursor *c, size_t bytes_max,
                            ProtobufCBinaryData *data)
{
    struct cursor bytes;

    if (!get_extent(c, &bytes) || bytes.at == bytes.end ||
        (size_t)(bytes.end - bytes.at) > bytes_max)
        return false;
    data->len = (size_t)(bytes.end - bytes.at);
    data->data = a->pb.alloc(a->pb.allocator_data, data->len);
    if (data->data == NULL)
        return false;
    memcpy(data->data, bytes.at, data->len);
    return true;
}

#endif
