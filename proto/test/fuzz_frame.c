/* fuzz_frame.c - libFuzzer: whatever a peer sends in whatever pieces, the reader stays in its
 * buffer and hands out what a reading in one piece would. The first byte of the input sizes the
 * pieces. Build with -DEXAM_FUZZ=ON and clang. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"

enum { PAYLOAD_MAX = 300 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
    if (!ok)
        abort();
}

/* Takes all whole frames and compares them with the stream; false: the reader has given up. */
static bool drain(struct frame_reader *r, const uint8_t *stream, size_t stream_bytes, size_t *at)
{
    const uint8_t *payload = NULL;
    size_t n = 0;
    exam_err err;

    while ((err = frame_reader_next(r, &payload, &n)) == EXAM_OK) {
        require(n > 0 && n <= PAYLOAD_MAX);
        require(*at + FRAME_HEADER_BYTES + n <= stream_bytes);
        require(memcmp(payload, stream + *at + FRAME_HEADER_BYTES, n) == 0);
        *at += FRAME_HEADER_BYTES + n;
    }
    require(err == EXAM_AGAIN || err == EXAM_MALFORMED || err == EXAM_TOO_BIG);
    return err == EXAM_AGAIN;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *buf = malloc(FRAME_HEADER_BYTES + PAYLOAD_MAX); /* exact, for ASan */
    struct frame_reader r;
    size_t fed = 0, at = 0;

    require(buf != NULL);
    frame_reader_init(&r, buf, FRAME_HEADER_BYTES + PAYLOAD_MAX, PAYLOAD_MAX);
    while (size > 0 && fed < size - 1) {
        size_t piece = 1 + (size_t)(data[0] * 31u + fed * 7u) % 97u;
        uint8_t *to;
        size_t room;

        frame_reader_space(&r, &to, &room);
        require(room > 0);
        piece = piece < room ? piece : room;
        piece = piece < size - 1 - fed ? piece : size - 1 - fed;
        memcpy(to, data + 1 + fed, piece);
        frame_reader_filled(&r, piece);
        fed += piece;
        if (!drain(&r, data + 1, size - 1, &at))
            break;
    }
    free(buf);
    return 0;
}
