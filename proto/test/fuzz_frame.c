/* fuzz_frame.c - whatever a peer sends, in whatever pieces, the reader stays in its buffer and
 * hands out what reading it in one piece would. The first byte sizes the pieces. */
#include <string.h>

#include "frame.h"
#include "fuzz.h"

enum { PAYLOAD_MAX = 300 };

/* The stream as frame.h says it is made: where its next frame's payload begins, and how long it is.
 */
static exam_err stream_next(const uint8_t *stream, size_t stream_bytes, size_t at, size_t *n)
{
    if (stream_bytes - at < FRAME_HEADER_BYTES)
        return EXAM_AGAIN;
    *n = (size_t)stream[at] << 24 | (size_t)stream[at + 1] << 16 | (size_t)stream[at + 2] << 8 |
         stream[at + 3];
    if (*n == 0)
        return EXAM_MALFORMED;
    if (*n > PAYLOAD_MAX)
        return EXAM_TOO_BIG;
    return *n > stream_bytes - at - FRAME_HEADER_BYTES ? EXAM_AGAIN : EXAM_OK;
}

/* Takes all whole frames and compares them with the stream; false: the reader has given up. */
static bool drain(struct frame_reader *r, const uint8_t *stream, size_t fed, size_t *at)
{
    const uint8_t *payload = NULL;
    size_t n = 0, expected_n = 0;

    for (;;) {
        exam_err expected = stream_next(stream, fed, *at, &expected_n);
        exam_err err = frame_reader_next(r, &payload, &n);

        require(err == expected);
        if (err != EXAM_OK)
            return err == EXAM_AGAIN;
        require(n == expected_n);
        require(memcmp(payload, stream + *at + FRAME_HEADER_BYTES, n) == 0);
        *at += FRAME_HEADER_BYTES + n;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input stream = {data, size};
    size_t pieces = fuzz_byte(&stream), fed = 0, at = 0;
    uint8_t *buf = malloc(FRAME_HEADER_BYTES + PAYLOAD_MAX); /* exact, for ASan */
    struct frame_reader r;

    require(buf != NULL);
    frame_reader_init(&r, buf, FRAME_HEADER_BYTES + PAYLOAD_MAX, PAYLOAD_MAX);
    while (fed < stream.n) {
        size_t piece = 1 + (pieces * 31u + fed * 7u) % 97u;
        uint8_t *to;
        size_t room;

        frame_reader_space(&r, &to, &room);
        require(room > 0);
        piece = piece < room ? piece : room;
        piece = piece < stream.n - fed ? piece : stream.n - fed;
        memcpy(to, stream.at + fed, piece);
        frame_reader_filled(&r, piece);
        fed += piece;
        if (!drain(&r, stream.at, fed, &at))
            break;
    }
    free(buf);
    return 0;
}
