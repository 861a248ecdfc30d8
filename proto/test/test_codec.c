/* codec: whatever bytes come, either a message comes out that is safe to read, or an error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "frame.h"
#include "sample.h"
#include "seed.h"

enum { MUTATIONS_PER_KIND = 6000, KINDS_LEAST = 50 };

static uint8_t frame_block[ARENA_BYTES_FRAME] __attribute__((aligned(16)));
static uint8_t packed[SAMPLE_PACKED_MAX], repacked[SAMPLE_PACKED_MAX], third[SAMPLE_PACKED_MAX];
static const struct sample_options full = {.list_n = 2};

static const char *kind_name(const struct conversation *c, unsigned kind)
{
    return c->rule->oneof->cases[kind]->descriptor->name;
}

static void fail_with_bytes(const char *what, const char *why, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fprintf(stderr, "%02x%s", bytes[i], i + 1 < n ? " " : "\n");
    fail_msg("%s: %s", what, why);
}

/* Reads all that a decoded message says, by packing it again, and takes that in once more. */
static void read_all(const struct conversation *c, const ProtobufCMessage *m)
{
    static uint8_t block[ARENA_BYTES_FRAME];
    const ProtobufCMessage *again = NULL;
    const char *why = "";
    struct arena a;
    size_t n = protobuf_c_message_pack(m, repacked);

    if (n > c->bytes_max)
        return; /* a shorter encoding than ours came in */
    arena_init(&a, block, sizeof block);
    if (c->decode(&a, repacked, n, &again, &why) != EXAM_OK)
        fail_with_bytes("accepted, but refused when packed again", why, repacked, n);
    assert_int_equal(protobuf_c_message_pack(again, third), n);
    assert_memory_equal(third, repacked, n);
}

static void round_trip(const struct conversation *c, unsigned kind, void *ctx)
{
    struct arena a;
    const char *why = "untouched";
    size_t *kinds = ctx;

    arena_init(&a, frame_block, sizeof frame_block);
    for (size_t list_n = 0; list_n < 4; list_n++) {
        for (int least = 0; least < 2; least++) {
            const struct sample_options o = {.list_n = list_n, .least = least != 0};
            const ProtobufCMessage *m = NULL;
            size_t n;

            sample_reset();
            n = sample_pack(sample_make(c->rule, kind, &o), packed);
            if (c->decode(&a, packed, n, &m, &why) != EXAM_OK)
                fail_msg("%s refused: %s", kind_name(c, kind), why);
            assert_string_equal(why, "untouched");
            assert_int_equal(protobuf_c_message_pack(m, repacked), n);
            assert_memory_equal(repacked, packed, n);
        }
    }
    (*kinds)++;
}

/* Every kind of message, empty, small and full, comes out as it went in. */
static void test_codec__round_trip_of_every_kind(void **state)
{
    size_t kinds = 0;

    (void)state;
    sample_each_kind(round_trip, &kinds);
    assert_true(kinds >= KINDS_LEAST);
}

static void truncate_everywhere(const struct conversation *c, unsigned kind, void *ctx)
{
    struct arena a;
    size_t *refused = ctx;
    size_t n;

    arena_init(&a, frame_block, sizeof frame_block);
    sample_reset();
    n = sample_pack(sample_make(c->rule, kind, &full), packed);
    for (size_t cut = 0; cut < n; cut++) {
        const ProtobufCMessage *m = NULL;
        uint8_t *exact = malloc(cut > 0 ? cut : 1); /* a byte read beyond it is an ASan error */
        exam_err err;

        assert_non_null(exact);
        memcpy(exact, packed, cut);
        err = c->decode(&a, exact, cut, &m, NULL);
        free(exact);
        if (err == EXAM_OK)
            read_all(c, m);
        else
            assert_true(err == EXAM_MALFORMED);
        *refused += err != EXAM_OK;
        assert_true(cut > 0 || err == EXAM_MALFORMED); /* nothing is no message */
    }
}

/* A message cut off at any byte is refused, or is a shorter valid one; nothing beyond is read. */
static void test_codec__truncation_at_every_byte(void **state)
{
    size_t refused = 0;

    (void)state;
    sample_each_kind(truncate_everywhere, &refused);
    assert_true(refused > 1000);
}

struct mutation {
    uint64_t seed;
    size_t done, accepted;
};

/* Up to three bytes changed, taken out or put in. */
static size_t mutate(uint64_t *seed, uint8_t *bytes, size_t n)
{
    for (size_t i = 1 + seed_below(seed, 3); i > 0 && n > 0; i--) {
        size_t at = seed_below(seed, n);

        switch (seed_below(seed, 8)) {
        case 0:
            memmove(bytes + at, bytes + at + 1, n - at - 1);
            n--;
            break;
        case 1:
            memmove(bytes + at + 1, bytes + at, n - at);
            n++;
            bytes[at] = (uint8_t)seed_next(seed);
            break;
        case 2:
            bytes[at] ^= (uint8_t)(1u << seed_below(seed, 8));
            break;
        default:
            bytes[at] = (uint8_t)seed_next(seed);
        }
    }
    return n;
}

static void mutate_kind(const struct conversation *c, unsigned kind, void *ctx)
{
    struct mutation *x = ctx;
    struct arena a;
    const ProtobufCMessage *sample;

    arena_init(&a, frame_block, sizeof frame_block);
    sample_reset();
    sample = sample_make(c->rule, kind, &full);
    for (size_t i = 0; i < MUTATIONS_PER_KIND; i++) {
        const ProtobufCMessage *m = NULL;
        const char *why = NULL;
        size_t n = mutate(&x->seed, packed, sample_pack(sample, packed));
        exam_err err = c->decode(&a, packed, n, &m, &why);

        x->done++;
        if (err == EXAM_OK) {
            x->accepted++;
            read_all(c, m);
        } else {
            assert_true(err == EXAM_MALFORMED || err == EXAM_TOO_BIG);
            assert_non_null(why);
        }
    }
}

/* Random changes to valid messages do no harm; what is accepted is a message like any other. */
static void test_codec__random_mutations(void **state)
{
    struct mutation x = {.seed = seed_of_run(__func__)};

    (void)state;
    sample_each_kind(mutate_kind, &x);
    printf("%zu mutations, %zu accepted\n", x.done, x.accepted);
    assert_true(x.done >= 200000);
    assert_true(x.accepted > 0 && x.accepted < x.done);
}

/* Bytes that were never a message do no harm either. */
static void test_codec__random_bytes(void **state)
{
    uint64_t seed = seed_of_run(__func__);
    struct arena a;

    (void)state;
    arena_init(&a, frame_block, sizeof frame_block);
    for (size_t i = 0; i < 60000; i++) {
        const struct conversation *c = &conversations[i % CONVERSATIONS];
        const ProtobufCMessage *m = NULL;
        size_t n = seed_below(&seed, 64);

        for (size_t k = 0; k < n; k++)
            packed[k] = (uint8_t)(seed_next(&seed) & (seed_below(&seed, 2) ? 0xFF : 0x1F));
        if (c->decode(&a, packed, n, &m, NULL) == EXAM_OK)
            read_all(c, m);
    }
}

/* A seat's frame, an event and all others have their bound, and it is the size that is refused. */
static void test_codec__size_bounds(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, frame_block, sizeof frame_block);
    memset(packed, 0, sizeof packed);
    for (size_t i = 0; i < CONVERSATIONS; i++) {
        const struct conversation *c = &conversations[i];
        const ProtobufCMessage *m = NULL;
        const char *why = NULL;

        assert_int_equal(c->decode(&a, packed, c->bytes_max, &m, &why), EXAM_MALFORMED);
        assert_int_equal(c->decode(&a, packed, c->bytes_max + 1, &m, &why), EXAM_TOO_BIG);
        assert_string_equal(why, c->name);
        assert_null(m);
    }
}

/* ---------------------------------------------------------------- the arena */

struct densest {
    size_t used_bytes_max, seat_bytes_max;
    const char *name;
};

static size_t densest_pack(const struct conversation *c, unsigned kind, bool least)
{
    for (size_t list_n = MARKS_PER_EVENT_MAX; list_n > 0; list_n = list_n * 19 / 20) {
        const struct sample_options o = {.list_n = list_n, .least = least};
        size_t n;

        sample_reset();
        n = sample_pack(sample_make(c->rule, kind, &o), packed);
        if (n <= c->bytes_max)
            return n;
    }
    fail_msg("%s fits in no frame", kind_name(c, kind));
    return 0;
}

static void densest_decode(const struct conversation *c, unsigned kind, void *ctx)
{
    struct densest *x = ctx;
    struct arena a;

    arena_init(&a, frame_block, sizeof frame_block);
    for (int least = 0; least < 2; least++) {
        const ProtobufCMessage *m = NULL;
        const char *why = "";
        size_t n = densest_pack(c, kind, least != 0);

        if (c->decode(&a, packed, n, &m, &why) != EXAM_OK)
            fail_msg("%s of %zu bytes refused: %s", kind_name(c, kind), n, why);
        if (a.used_bytes > x->used_bytes_max) {
            x->used_bytes_max = a.used_bytes;
            x->name = kind_name(c, kind);
        }
        if (c->rule == &codec_rule_seat_request && a.used_bytes > x->seat_bytes_max)
            x->seat_bytes_max = a.used_bytes;
    }
}

/* ARENA_BYTES_*: the densest messages that the rules allow (lists as long as they may be, or as fit
 * in a frame, of least and of usual elements) need half of what there is at most. */
static void test_arena__holds_the_densest_messages(void **state)
{
    struct densest x = {.name = ""};

    (void)state;
    sample_each_kind(densest_decode, &x);
    printf("arena: %zu bytes for %s, %zu for a seat's request\n", x.used_bytes_max, x.name,
           x.seat_bytes_max);
    assert_true(x.used_bytes_max > FRAME_BYTES_MAX); /* the samples are dense indeed */
    assert_true(x.used_bytes_max <= ARENA_BYTES_FRAME / 2);
    assert_true(x.seat_bytes_max <= ARENA_BYTES_SEAT / 2);
}

/* A frame full of empty elements (tag, length 0) of one list. `outer` is the oneof's field. */
static size_t bomb_pack(uint8_t outer, uint8_t inner)
{
    size_t n = FRAME_BYTES_MAX - 4;

    packed[0] = (uint8_t)(outer << 3 | 2);
    packed[1] = (uint8_t)((n & 0x7F) | 0x80);
    packed[2] = (uint8_t)((n >> 7 & 0x7F) | 0x80);
    packed[3] = (uint8_t)(n >> 14);
    for (size_t i = 0; i < n; i += 2) {
        packed[4 + i] = (uint8_t)(inner << 3 | 2);
        packed[5 + i] = 0;
    }
    return n + 4;
}

/* 32,000 empty elements in one frame, and 32,000 unknown fields, end cleanly: as too many, as bad
 * ones, or for want of memory in the arena; never beyond it. */
static void test_arena__survives_amplification(void **state)
{
    static const struct {
        size_t conversation;
        uint8_t outer, inner;
    } bombs[] = {
        {4, 2, 4},  /* rep.Append.records */
        {4, 1, 7},  /* rep.Hello.epochs */
        {4, 1, 15}, /* rep.Hello, unknown */
        {4, 15, 1}, /* rep.Message, unknown */
        {3, 6, 12}, /* admin.NodeStatus, unknown */
        {3, 9, 2},  /* admin.AnswerRows.rows */
        {2, 7, 1},  /* admin.ImportPart.rooms */
        {2, 7, 2},  /* admin.ImportPart.sittings */
        {2, 7, 3},  /* admin.ImportPart.paper, again and again */
    };
    static const size_t arena_bytes[] = {1, 7, 8, 64, 4096, ARENA_BYTES_SEAT, ARENA_BYTES_FRAME};

    (void)state;
    for (size_t i = 0; i < sizeof bombs / sizeof bombs[0]; i++) {
        const struct conversation *c = &conversations[bombs[i].conversation];
        size_t n = bomb_pack(bombs[i].outer, bombs[i].inner);

        for (size_t k = 0; k < sizeof arena_bytes / sizeof arena_bytes[0]; k++) {
            uint8_t *block = malloc(arena_bytes[k]); /* exact: ASan sees a byte beyond it */
            const ProtobufCMessage *m = NULL;
            struct arena a;
            exam_err err;

            assert_non_null(block);
            arena_init(&a, block, arena_bytes[k]);
            err = c->decode(&a, packed, n, &m, NULL);
            assert_true(err == EXAM_TOO_BIG || err == EXAM_MALFORMED);
            assert_true(k == 6 || err == EXAM_TOO_BIG);
            assert_true(a.used_bytes <= a.block_bytes);
            free(block);
        }
    }
}

static void starve_kind(const struct conversation *c, unsigned kind, void *ctx)
{
    size_t n, need;
    const ProtobufCMessage *m = NULL;
    struct arena a;

    (void)ctx;
    sample_reset();
    n = sample_pack(sample_make(c->rule, kind, &full), packed);
    arena_init(&a, frame_block, sizeof frame_block);
    assert_int_equal(c->decode(&a, packed, n, &m, NULL), EXAM_OK);
    need = a.used_bytes;
    for (size_t bytes = 1; bytes < need; bytes += bytes < 64 ? 1 : 5) {
        uint8_t *block = malloc(bytes); /* exact: ASan sees a byte beyond it */
        exam_err err;

        assert_non_null(block);
        arena_init(&a, block, bytes);
        err = c->decode(&a, packed, n, &m, NULL);
        free(block);
        assert_true(err == EXAM_TOO_BIG || (err == EXAM_OK && need - bytes < 16));
    }
}

/* Memory that ends at any point of decoding is EXAM_TOO_BIG, for every kind of message. */
static void test_arena__may_end_anywhere(void **state)
{
    (void)state;
    sample_each_kind(starve_kind, NULL);
}

/* Pieces are aligned and apart, whatever the block's own alignment. */
static void test_arena__pieces_are_aligned(void **state)
{
    (void)state;
    for (size_t shift = 0; shift < 16; shift++) {
        struct arena a;
        uint8_t *last_end = frame_block + shift;

        arena_init(&a, frame_block + shift, 4096);
        for (size_t n = 0; n < 60; n++) {
            uint8_t *piece = a.pb.alloc(a.pb.allocator_data, n);

            assert_non_null(piece);
            assert_int_equal((uintptr_t)piece % 16, 0);
            assert_true(piece >= last_end + sizeof(uint64_t)); /* its size is before it */
            memset(piece, 0xFF, n);
            last_end = piece + n;
        }
        assert_null(a.pb.alloc(a.pb.allocator_data, SIZE_MAX));
        assert_null(a.pb.alloc(a.pb.allocator_data, 1)); /* full is full until the reset */
        arena_reset(&a);
        assert_non_null(a.pb.alloc(a.pb.allocator_data, 1));
    }
}

/* ---------------------------------------------------------------- frames */

/* A packed frame is header and message, in exactly the room that it says. */
static void test_frame_pack__fits_exactly(void **state)
{
    const ProtobufCMessage *m;
    uint8_t *out;
    size_t n, frame_bytes = 77;

    (void)state;
    sample_reset();
    m = sample_make(&codec_rule_seat_request, SEAT__REQUEST__KIND_ANSWER, &full);
    n = sample_pack(m, packed);
    out = malloc(FRAME_HEADER_BYTES + n);
    assert_non_null(out);
    for (size_t room = 0; room < FRAME_HEADER_BYTES + n; room++)
        assert_int_equal(codec_frame_pack(m, out, room, &frame_bytes), EXAM_TOO_BIG);
    assert_int_equal(frame_bytes, 77);
    assert_int_equal(codec_frame_pack(m, out, FRAME_HEADER_BYTES + n, &frame_bytes), EXAM_OK);
    assert_int_equal(frame_bytes, FRAME_HEADER_BYTES + n);
    assert_int_equal(out[3] | out[2] << 8, n);
    assert_memory_equal(out + FRAME_HEADER_BYTES, packed, n);
    free(out);
}

/* A message over the bound of a frame is not packed, however much room there is. */
static void test_frame_pack__refuses_what_no_reader_takes(void **state)
{
    Rep__Append append = REP__APPEND__INIT;
    Rep__Message m = REP__MESSAGE__INIT;
    ProtobufCBinaryData records[2] = {{.len = FRAME_BYTES_MAX / 2, .data = frame_block},
                                      {.len = FRAME_BYTES_MAX / 2, .data = frame_block}};
    size_t n;

    (void)state;
    append.records = records;
    append.n_records = 2;
    m.kind_case = REP__MESSAGE__KIND_APPEND;
    m.append = &append;
    assert_int_equal(codec_frame_pack(&m.base, packed, sizeof packed, &n), EXAM_TOO_BIG);
    append.n_records = 1;
    assert_int_equal(codec_frame_pack(&m.base, packed, sizeof packed, &n), EXAM_OK);
}

static double decode_ns(const struct conversation *c, unsigned kind, size_t rounds)
{
    static uint8_t block[ARENA_BYTES_SEAT];
    struct timespec t0, t1;
    struct arena a;
    size_t n;

    sample_reset();
    n = sample_pack(sample_make(c->rule, kind, &full), packed);
    arena_init(&a, block, sizeof block);
    clock_gettime(CLOCK_MONOTONIC, &t0);
    for (size_t i = 0; i < rounds; i++) {
        const ProtobufCMessage *m = NULL;

        assert_true(c->decode(&a, packed, n, &m, NULL) == EXAM_OK);
    }
    clock_gettime(CLOCK_MONOTONIC, &t1);
    return ((double)(t1.tv_sec - t0.tv_sec) * 1e9 + (double)(t1.tv_nsec - t0.tv_nsec)) /
           (double)rounds;
}

/* For the log of the run only: what an answer costs to decode and check. */
static void test_codec__figures(void **state)
{
    (void)state;
    printf("decode and check: seat.Answer %.0f ns, ev.Answered %.0f ns\n",
           decode_ns(&conversations[0], SEAT__REQUEST__KIND_ANSWER, 50000),
           decode_ns(&conversations[5], EV__EVENT__KIND_ANSWERED, 50000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codec__round_trip_of_every_kind),
        cmocka_unit_test(test_codec__truncation_at_every_byte),
        cmocka_unit_test(test_codec__random_mutations),
        cmocka_unit_test(test_codec__random_bytes),
        cmocka_unit_test(test_codec__size_bounds),
        cmocka_unit_test(test_arena__holds_the_densest_messages),
        cmocka_unit_test(test_arena__survives_amplification),
        cmocka_unit_test(test_arena__may_end_anywhere),
        cmocka_unit_test(test_arena__pieces_are_aligned),
        cmocka_unit_test(test_frame_pack__fits_exactly),
        cmocka_unit_test(test_frame_pack__refuses_what_no_reader_takes),
        cmocka_unit_test(test_codec__figures),
    };

    return cmocka_run_group_tests_name("codec", tests, NULL, NULL);
}
