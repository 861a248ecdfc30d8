/* frame: whatever way a stream is cut, the same payloads come out; hostile lengths reserve nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "frame.h"
#include "seed.h"

enum { PAYLOAD_MAX = 48, STREAM_MAX = 4096 };

struct stream {
    uint8_t bytes[STREAM_MAX];
    size_t n;
    size_t payload_bytes[64];
    size_t frames;
};

/* The i-th frame's payload is filled with its own number. */
static void stream_add(struct stream *s, size_t payload_bytes)
{
    assert_true(s->n + FRAME_HEADER_BYTES + payload_bytes <= STREAM_MAX);
    frame_header_put(s->bytes + s->n, payload_bytes);
    memset(s->bytes + s->n + FRAME_HEADER_BYTES, (int)(s->frames + 1), payload_bytes);
    s->n += FRAME_HEADER_BYTES + payload_bytes;
    s->payload_bytes[s->frames++] = payload_bytes;
}

/* Takes out all frames that are whole and checks that they are the next ones of the stream. */
static void drain(struct frame_reader *r, const struct stream *s, size_t *frames)
{
    const uint8_t *payload = NULL;
    size_t n = 0;

    while (frame_reader_next(r, &payload, &n) == EXAM_OK) {
        assert_true(*frames < s->frames);
        assert_int_equal(n, s->payload_bytes[*frames]);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(payload[i], *frames + 1);
        (*frames)++;
    }
    assert_int_equal(frame_reader_next(r, &payload, &n), EXAM_AGAIN);
}

/* Feeds up to n bytes of the stream, as the reader has room. */
static size_t feed(struct frame_reader *r, const uint8_t *bytes, size_t n)
{
    uint8_t *at;
    size_t room;

    frame_reader_space(r, &at, &room);
    assert_true(room > 0);
    n = n < room ? n : room;
    memcpy(at, bytes, n);
    frame_reader_filled(r, n);
    return n;
}

static void feed_all(struct frame_reader *r, const struct stream *s, size_t from, size_t to,
                     size_t *frames)
{
    while (from < to) {
        from += feed(r, s->bytes + from, to - from);
        drain(r, s, frames);
    }
}

/* A stream of small, middle and largest frames comes out whole for every pair of cuts. */
static void test_frame_reader__takes_every_cut(void **state)
{
    static const size_t sizes[] = {1, PAYLOAD_MAX, 2, 17, PAYLOAD_MAX, 1};
    uint8_t buf[FRAME_HEADER_BYTES + PAYLOAD_MAX];
    struct stream s = {.n = 0};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        stream_add(&s, sizes[i]);
    for (size_t a = 0; a <= s.n; a++) {
        for (size_t b = a; b <= s.n; b++) {
            struct frame_reader r;
            size_t frames = 0;

            frame_reader_init(&r, buf, sizeof buf, PAYLOAD_MAX);
            feed_all(&r, &s, 0, a, &frames);
            feed_all(&r, &s, a, b, &frames);
            feed_all(&r, &s, b, s.n, &frames);
            assert_int_equal(frames, s.frames);
        }
    }
}

/* Random frames in random pieces, with buffers from the smallest allowed to many frames' worth. */
static void test_frame_reader__takes_random_pieces(void **state)
{
    uint64_t seed = seed_of_run(__func__);
    uint8_t buf[FRAME_HEADER_BYTES + 20 * PAYLOAD_MAX];

    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct stream s = {.n = 0};
        struct frame_reader r;
        size_t frames = 0;
        size_t from = 0;
        size_t spare = seed_below(&seed, sizeof buf - FRAME_HEADER_BYTES - PAYLOAD_MAX + 1);

        for (size_t i = 1 + seed_below(&seed, 60); i > 0; i--)
            stream_add(&s, 1 + seed_below(&seed, PAYLOAD_MAX));
        frame_reader_init(&r, buf, FRAME_HEADER_BYTES + PAYLOAD_MAX + spare, PAYLOAD_MAX);
        while (from < s.n) {
            from += feed(&r, s.bytes + from, 1 + seed_below(&seed, s.n - from));
            drain(&r, &s, &frames);
        }
        assert_int_equal(frames, s.frames);
    }
}

/* Payloads that came in one piece stay where they are until more space is asked for. */
static void test_frame_reader__payloads_live_until_space(void **state)
{
    uint8_t buf[FRAME_HEADER_BYTES + 2 * PAYLOAD_MAX];
    struct stream s = {.n = 0};
    struct frame_reader r;
    const uint8_t *first, *second;
    size_t n;

    (void)state;
    stream_add(&s, 8);
    stream_add(&s, 8);
    frame_reader_init(&r, buf, sizeof buf, PAYLOAD_MAX);
    assert_int_equal(feed(&r, s.bytes, s.n), s.n);
    assert_int_equal(frame_reader_next(&r, &first, &n), EXAM_OK);
    assert_int_equal(frame_reader_next(&r, &second, &n), EXAM_OK);
    assert_int_equal(first[0], 1);
    assert_int_equal(first[7], 1);
    assert_int_equal(second[0], 2);
}

/* A length of zero, or one over the bound, is refused as soon as the header is there, for good, and
 * after the frames before it. */
static void test_frame_reader__refuses_hostile_lengths(void **state)
{
    static const struct {
        uint8_t header[FRAME_HEADER_BYTES];
        exam_err err;
    } cases[] = {
        {{0, 0, 0, 0}, EXAM_MALFORMED},  {{0, 0, 0, PAYLOAD_MAX + 1}, EXAM_TOO_BIG},
        {{0, 0, 1, 0}, EXAM_TOO_BIG},    {{0, 1, 0, 1}, EXAM_TOO_BIG},
        {{0x80, 0, 0, 1}, EXAM_TOO_BIG}, {{0xFF, 0xFF, 0xFF, 0xFF}, EXAM_TOO_BIG},
    };
    uint8_t buf[FRAME_HEADER_BYTES + PAYLOAD_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct stream s = {.n = 0};
        struct frame_reader r;
        const uint8_t *payload = NULL;
        uint8_t *at;
        size_t n = 77, room;

        stream_add(&s, 3);
        memcpy(s.bytes + s.n, cases[i].header, FRAME_HEADER_BYTES);
        frame_reader_init(&r, buf, sizeof buf, PAYLOAD_MAX);
        assert_int_equal(feed(&r, s.bytes, s.n + 3), s.n + 3);
        assert_int_equal(frame_reader_next(&r, &payload, &n), EXAM_OK);
        assert_int_equal(frame_reader_next(&r, &payload, &n), EXAM_AGAIN);
        assert_int_equal(feed(&r, s.bytes + s.n + 3, 1), 1);
        n = 77;
        payload = NULL;
        assert_int_equal(frame_reader_next(&r, &payload, &n), cases[i].err);
        frame_reader_space(&r, &at, &room);
        assert_int_equal(frame_reader_next(&r, &payload, &n), cases[i].err);
        assert_null(payload);
        assert_int_equal(n, 77);
    }
}

/* The header is big-endian, on every machine. */
static void test_frame_header__is_big_endian(void **state)
{
    static const uint8_t expected[FRAME_HEADER_BYTES] = {0, 0, 0x12, 0x34};
    static const uint8_t largest[FRAME_HEADER_BYTES] = {0, 1, 0, 0};
    uint8_t out[FRAME_HEADER_BYTES];

    (void)state;
    frame_header_put(out, 0x1234);
    assert_memory_equal(out, expected, sizeof out);
    frame_header_put(out, FRAME_BYTES_MAX);
    assert_memory_equal(out, largest, sizeof out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame_reader__takes_every_cut),
        cmocka_unit_test(test_frame_reader__takes_random_pieces),
        cmocka_unit_test(test_frame_reader__payloads_live_until_space),
        cmocka_unit_test(test_frame_reader__refuses_hostile_lengths),
        cmocka_unit_test(test_frame_header__is_big_endian),
    };

    return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
