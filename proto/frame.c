#include "frame.h"

#include <assert.h>
#include <string.h>

void frame_header_put(uint8_t out[FRAME_HEADER_BYTES], size_t payload_bytes)
{
    assert(payload_bytes > 0 && payload_bytes <= FRAME_BYTES_MAX);
    out[0] = (uint8_t)(payload_bytes >> 24);
    out[1] = (uint8_t)(payload_bytes >> 16);
    out[2] = (uint8_t)(payload_bytes >> 8);
    out[3] = (uint8_t)payload_bytes;
}

static size_t header_get(const uint8_t *in)
{
    return (size_t)in[0] << 24 | (size_t)in[1] << 16 | (size_t)in[2] << 8 | (size_t)in[3];
}

void frame_reader_init(struct frame_reader *r, uint8_t *buf, size_t buf_bytes,
                       size_t payload_bytes_max)
{
    assert(buf != NULL);
    assert(payload_bytes_max > 0 && payload_bytes_max <= FRAME_BYTES_MAX);
    assert(buf_bytes >= FRAME_HEADER_BYTES + payload_bytes_max);
    *r = (struct frame_reader){
        .buf = buf, .buf_bytes = buf_bytes, .payload_bytes_max = payload_bytes_max};
}

/* Bytes that the frame at `begin` needs in the buffer, as far as is known: a header first. */
static size_t frame_bytes_wanted(const struct frame_reader *r)
{
    if (r->end - r->begin < FRAME_HEADER_BYTES)
        return FRAME_HEADER_BYTES;
    return FRAME_HEADER_BYTES + header_get(r->buf + r->begin);
}

void frame_reader_space(struct frame_reader *r, uint8_t **at, size_t *bytes)
{
    assert(r->begin <= r->end && r->end <= r->buf_bytes);
    if (r->begin == r->end) {
        r->begin = r->end = 0;
    } else if (r->buf_bytes - r->begin < frame_bytes_wanted(r)) {
        /* Only what is left of a cut frame moves, and only when it does not fit where it is. */
        memmove(r->buf, r->buf + r->begin, r->end - r->begin);
        r->end -= r->begin;
        r->begin = 0;
    }
    *at = r->buf + r->end;
    *bytes = r->buf_bytes - r->end;
}

void frame_reader_filled(struct frame_reader *r, size_t bytes)
{
    assert(bytes <= r->buf_bytes - r->end);
    r->end += bytes;
}

exam_err frame_reader_next(struct frame_reader *r, const uint8_t **payload, size_t *payload_bytes)
{
    size_t have = r->end - r->begin;
    size_t n;

    if (have < FRAME_HEADER_BYTES)
        return EXAM_AGAIN;
    n = header_get(r->buf + r->begin);
    if (n == 0)
        return EXAM_MALFORMED;
    if (n > r->payload_bytes_max)
        return EXAM_TOO_BIG;
    if (have < FRAME_HEADER_BYTES + n)
        return EXAM_AGAIN;

    *payload = r->buf + r->begin + FRAME_HEADER_BYTES;
    *payload_bytes = n;
    r->begin += FRAME_HEADER_BYTES + n;
    assert(r->begin <= r->end);
    return EXAM_OK;
}
