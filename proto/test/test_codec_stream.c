/* The short way of what nodes say all the time, and of marks, gives what the general way gives: the
 * same bytes, and of any bytes the same message, or the same refusal. */
#include "record.h"
#include "short_way.h"

enum { ROUNDS = 40000, BYTES_MAX = 4096, LIST_MAX = 12, VALUE_BYTES_MAX = 200 };

enum kind { PING, APPENDED, APPEND, MARKED, KINDS };

/* Numbers of every length, and 0. */
static uint64_t number(uint64_t *seed)
{
    return seed_below(seed, 5) ? short_way_number(seed) : 0;
}

static ProtobufCBinaryData data_of(uint64_t *seed, uint8_t *room, size_t n)
{
    for (size_t i = 0; i < n; i++)
        room[i] = (uint8_t)seed_next(seed);
    return (ProtobufCBinaryData){.len = n, .data = room};
}

/* Nearly always as long as it is to be. */
static size_t hash_bytes(uint64_t *seed)
{
    return seed_below(seed, 8) ? HASH_BYTES : seed_below(seed, HASH_BYTES + 1);
}

static size_t pack_both(const Rep__Message *m, uint8_t *fast, uint8_t *general, size_t *general_n)
{
    *general_n = rep__message__pack(m, general);
    return codec_stream_pack(&m->base, fast, BYTES_MAX);
}

static size_t make_ping(uint64_t *seed, uint8_t *fast, uint8_t *general, size_t *general_n)
{
    Rep__Message m = REP__MESSAGE__INIT;
    Rep__Ping p = REP__PING__INIT;

    p.epoch = number(seed);
    p.role = (Rep__Role)seed_below(seed, REP__ROLE__ROLE_EMPTY + 2);
    p.lsn = number(seed);
    p.lsn_epoch = number(seed);
    p.learning = (protobuf_c_boolean)seed_below(seed, 2);
    m.kind_case = REP__MESSAGE__KIND_PING;
    m.ping = &p;
    return pack_both(&m, fast, general, general_n);
}

static size_t make_appended(uint64_t *seed, uint8_t *fast, uint8_t *general, size_t *general_n)
{
    Rep__Message m = REP__MESSAGE__INIT;
    Rep__Appended a = REP__APPENDED__INIT;
    uint8_t hash[HASH_BYTES];

    a.epoch = number(seed);
    a.lsn = number(seed);
    a.hash = data_of(seed, hash, hash_bytes(seed));
    a.learning = (protobuf_c_boolean)seed_below(seed, 2);
    m.kind_case = REP__MESSAGE__KIND_APPENDED;
    m.appended = &a;
    return pack_both(&m, fast, general, general_n);
}

static size_t make_append(uint64_t *seed, uint8_t *fast, uint8_t *general, size_t *general_n)
{
    Rep__Message m = REP__MESSAGE__INIT;
    Rep__Append a = REP__APPEND__INIT;
    uint8_t hash[HASH_BYTES], values[LIST_MAX][VALUE_BYTES_MAX];
    ProtobufCBinaryData records[LIST_MAX];

    a.epoch = number(seed);
    a.first_lsn = number(seed);
    a.prev_hash = data_of(seed, hash, hash_bytes(seed));
    a.released_lsn = number(seed);
    a.site_ms = number(seed);
    a.n_records = seed_below(seed, LIST_MAX + 1);
    a.records = records;
    for (size_t i = 0; i < a.n_records; i++) {
        size_t least = seed_below(seed, 40) ? RECORD_HEADER_BYTES : 0;
        records[i] = data_of(seed, values[i], least + seed_below(seed, VALUE_BYTES_MAX - least));
    }
    m.kind_case = REP__MESSAGE__KIND_APPEND;
    m.append = &a;
    return pack_both(&m, fast, general, general_n);
}

static size_t make_marked(uint64_t *seed, uint8_t *fast, uint8_t *general, size_t *general_n)
{
    Ev__Event e = EV__EVENT__INIT;
    Ev__Marked m = EV__MARKED__INIT;
    uint32_t sittings[LIST_MAX];
    uint64_t used_ms[LIST_MAX];

    m.n_sitting = seed_below(seed, LIST_MAX + 1);
    m.n_used_ms = seed_below(seed, 8) ? m.n_sitting : seed_below(seed, LIST_MAX + 1);
    for (size_t i = 0; i < LIST_MAX; i++) {
        sittings[i] = (uint32_t)number(seed);
        used_ms[i] = number(seed);
    }
    m.sitting = sittings;
    m.used_ms = used_ms;
    e.kind_case = EV__EVENT__KIND_MARKED;
    e.marked = &m;
    *general_n = ev__event__pack(&e, general);
    assert_int_equal(codec_event_bytes(&e), *general_n);
    return codec_event_pack(&e, fast);
}

static size_t make(enum kind kind, uint64_t *seed, uint8_t *fast, uint8_t *general,
                   size_t *general_n)
{
    switch (kind) {
    case PING:
        return make_ping(seed, fast, general, general_n);
    case APPENDED:
        return make_appended(seed, fast, general, general_n);
    case APPEND:
        return make_append(seed, fast, general, general_n);
    default:
        return make_marked(seed, fast, general, general_n);
    }
}

static const ProtobufCMessage *event_short(struct arena *a, const uint8_t *bytes, size_t n)
{
    const Ev__Event *e = NULL;
    return codec_stream_marked(a, bytes, n, &e) ? &e->base : NULL;
}

static const ProtobufCMessage *message_short(struct arena *a, const uint8_t *bytes, size_t n)
{
    const Rep__Message *m = NULL;
    return codec_stream_message(a, bytes, n, &m) ? &m->base : NULL;
}

static void expect_same(bool event, const uint8_t *bytes, size_t n, size_t *taken)
{
    short_way_expect_same(event ? event_short : message_short,
                          event ? &codec_rule_event : &codec_rule_replica_message, bytes, n, taken);
}

static void test_codec_stream__is_the_general_way(void **state)
{
    uint64_t seed = seed_of_run("test_codec_stream");
    static uint8_t fast[BYTES_MAX], general[BYTES_MAX];
    size_t packed[KINDS] = {0}, taken[KINDS] = {0}, spoilt[KINDS] = {0};

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        enum kind kind = (enum kind)(i % KINDS);
        size_t general_n, n = make(kind, &seed, fast, general, &general_n);
        if (n > 0) {
            packed[kind]++;
            assert_int_equal(n, general_n);
            assert_memory_equal(fast, general, n);
        }
        expect_same(kind == MARKED, general, general_n, &taken[kind]);
        general_n = short_way_spoil(&seed, general, general_n);
        expect_same(kind == MARKED, general, general_n, &spoilt[kind]);
    }
    for (int i = 0; i < KINDS; i++) { /* it is really taken, and so are some that were spoilt */
        assert_true(packed[i] > ROUNDS / KINDS / 2);
        assert_true(taken[i] > ROUNDS / KINDS / 4);
        assert_true(spoilt[i] > ROUNDS / KINDS / 50);
    }
}

/* A Marked of a whole batch, and an Append as large as a frame: far above what chance makes. */
static void test_codec_stream__takes_the_largest(void **state)
{
    static uint8_t fast[FRAME_BYTES_MAX], general[FRAME_BYTES_MAX], value[RECORD_BYTES_MAX];
    static uint32_t sittings[MARKS_PER_EVENT_MAX];
    static uint64_t used_ms[MARKS_PER_EVENT_MAX];
    static uint8_t block[ARENA_BYTES_FRAME] __attribute__((aligned(16)));
    Ev__Event e = EV__EVENT__INIT;
    Ev__Marked m = EV__MARKED__INIT;
    Rep__Message r = REP__MESSAGE__INIT;
    Rep__Append a = REP__APPEND__INIT;
    ProtobufCBinaryData record = {.data = value, .len = sizeof value};
    size_t taken = 0;

    (void)state;
    m.n_sitting = m.n_used_ms = MARKS_PER_EVENT_MAX;
    m.sitting = sittings;
    m.used_ms = used_ms;
    e.kind_case = EV__EVENT__KIND_MARKED;
    e.marked = &m;
    assert_int_equal(codec_event_pack(&e, fast), ev__event__pack(&e, general));
    assert_memory_equal(fast, general, codec_event_bytes(&e));
    r.kind_case = REP__MESSAGE__KIND_APPEND;
    r.append = &a;
    a.prev_hash = (ProtobufCBinaryData){.data = value, .len = HASH_BYTES};
    a.n_records = 1;
    a.records = &record;
    size_t n = codec_stream_pack(&r.base, fast, sizeof fast);
    assert_int_equal(n, rep__message__pack(&r, general));
    assert_memory_equal(fast, general, n);
    const Rep__Message *back = NULL;
    struct arena arena;
    arena_init(&arena, block, sizeof block);
    taken += codec_stream_message(&arena, fast, n, &back);
    assert_int_equal(taken, 1);
    assert_int_equal(back->append->records[0].len, sizeof value);
}

/* Every field there is has its place in codec_stream.c: one that had none would not be sent. */
static void test_codec_stream__knows_all_fields(void **state)
{
    (void)state;
    /* A Ping with checkpoints goes the general way, as there is one every 10 s; so does one of a
     * locked node. */
    assert_int_equal(rep__ping__descriptor.n_fields, 7);
    assert_int_equal(rep__appended__descriptor.n_fields, 4);
    assert_int_equal(rep__append__descriptor.n_fields, 6);
    assert_int_equal(rep__message__descriptor.n_fields, REP__MESSAGE__KIND_BRANCH_TAKEN);
    assert_int_equal(ev__marked__descriptor.n_fields, 2);
}

/* Too little room, other kinds, and other events are left to the general way. */
static void test_codec_stream__leaves_the_rest(void **state)
{
    uint8_t out[BYTES_MAX], general[BYTES_MAX];
    Rep__Message m = REP__MESSAGE__INIT;
    Rep__Ping p = REP__PING__INIT;
    Rep__Superseded s = REP__SUPERSEDED__INIT;
    Ev__Event e = EV__EVENT__INIT;
    Ev__Submitted submitted = EV__SUBMITTED__INIT;

    (void)state;
    m.kind_case = REP__MESSAGE__KIND_PING;
    m.ping = &p;
    assert_int_equal(codec_stream_pack(&m.base, out, 8), 0);
    assert_true(codec_stream_pack(&m.base, out, sizeof out) > 0);
    m.kind_case = REP__MESSAGE__KIND_SUPERSEDED;
    m.superseded = &s;
    assert_int_equal(codec_stream_pack(&m.base, out, sizeof out), 0);
    submitted.seq = 1;
    e.kind_case = EV__EVENT__KIND_SUBMITTED;
    e.submitted = &submitted;
    assert_int_equal(codec_event_pack(&e, out), ev__event__pack(&e, general));
    assert_memory_equal(out, general, codec_event_bytes(&e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codec_stream__is_the_general_way),
        cmocka_unit_test(test_codec_stream__takes_the_largest),
        cmocka_unit_test(test_codec_stream__knows_all_fields),
        cmocka_unit_test(test_codec_stream__leaves_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
