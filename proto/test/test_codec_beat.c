/* The short way of heartbeats and acknowledgements gives what the general way gives: the same
 * bytes, and of any bytes the same message, or the same refusal. */
#include "short_way.h"

enum { ROUNDS = 200000, BYTES_MAX = 512 };

static size_t make_heartbeat(uint64_t *seed, uint8_t *fast, uint8_t *general, size_t *general_n)
{
    Seat__Request q = SEAT__REQUEST__INIT;
    Seat__Heartbeat h = SEAT__HEARTBEAT__INIT;

    q.id = (uint32_t)short_way_number(seed);
    q.kind_case = SEAT__REQUEST__KIND_HEARTBEAT;
    q.heartbeat = &h;
    h.used_ms = short_way_number(seed);
    h.unsent = seed_below(seed, 2) ? short_way_number(seed) : 0;
    *general_n = seat__request__pack(&q, general);
    return codec_beat_pack(&q.base, fast, BYTES_MAX);
}

static size_t make_ack(uint64_t *seed, uint8_t *fast, uint8_t *general, size_t *general_n)
{
    Seat__Reply r = SEAT__REPLY__INIT;
    Seat__Ack a = SEAT__ACK__INIT;
    uint8_t mark[MARK_BYTES_MAX];

    for (size_t i = 0; i < sizeof mark; i++)
        mark[i] = (uint8_t)seed_next(seed);
    r.id = (uint32_t)short_way_number(seed);
    r.kind_case = SEAT__REPLY__KIND_ACK;
    r.ack = &a;
    a.seq = seed_below(seed, 2) ? short_way_number(seed) : 0;
    a.durability = (Seat__Durability)seed_below(seed, 4);
    a.used_ms = short_way_number(seed);
    a.left_ms = short_way_number(seed);
    a.mark.data = mark;
    a.mark.len = seed_below(seed, sizeof mark + 1);
    a.late = (protobuf_c_boolean)seed_below(seed, 2);
    a.finished = (protobuf_c_boolean)seed_below(seed, 2);
    a.ago_ms = seed_below(seed, 3) ? 0 : seed_below(seed, 5000);
    *general_n = seat__reply__pack(&r, general);
    return codec_beat_pack(&r.base, fast, BYTES_MAX);
}

static const ProtobufCMessage *request_short(struct arena *a, const uint8_t *bytes, size_t n)
{
    const Seat__Request *q = NULL;
    return codec_beat_request(a, bytes, n, &q) ? &q->base : NULL;
}

static const ProtobufCMessage *reply_short(struct arena *a, const uint8_t *bytes, size_t n)
{
    const Seat__Reply *r = NULL;
    return codec_beat_reply(a, bytes, n, &r) ? &r->base : NULL;
}

static void expect_same(bool request, const uint8_t *bytes, size_t n, size_t *taken)
{
    short_way_expect_same(request ? request_short : reply_short,
                          request ? &codec_rule_seat_request : &codec_rule_seat_reply, bytes, n,
                          taken);
}

static void test_codec_beat__is_the_general_way(void **state)
{
    uint64_t seed = seed_of_run("test_codec_beat");
    uint8_t fast[BYTES_MAX], general[BYTES_MAX];
    size_t taken[2] = {0}, spoilt[2] = {0};

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        bool request = i % 2;
        size_t general_n, n = request ? make_heartbeat(&seed, fast, general, &general_n)
                                      : make_ack(&seed, fast, general, &general_n);
        if (n > 0) {
            assert_int_equal(n, general_n);
            assert_memory_equal(fast, general, n);
        }
        expect_same(request, general, general_n, &taken[request]);
        general_n = short_way_spoil(&seed, general, general_n);
        expect_same(request, general, general_n, &spoilt[request]);
    }
    for (int i = 0; i < 2; i++) { /* it is really taken, and so are some that were spoilt */
        assert_true(taken[i] > ROUNDS / 8);
        assert_true(spoilt[i] > ROUNDS / 64);
    }
}

/* Every field there is has its place in codec_beat.c: one that had none would not be sent. */
static void test_codec_beat__knows_all_fields(void **state)
{
    (void)state;
    assert_int_equal(seat__heartbeat__descriptor.n_fields, 2);
    assert_int_equal(seat__ack__descriptor.n_fields, 8);
    assert_int_equal(seat__request__descriptor.n_fields, 1 + SEAT__REQUEST__KIND_BYE - 1);
    assert_int_equal(seat__reply__descriptor.n_fields, 1 + SEAT__REPLY__KIND_NOTICE - 1);
}

/* Too little room, other kinds, and marks over their bound are left to the general way. */
static void test_codec_beat__leaves_the_rest(void **state)
{
    uint8_t out[BYTES_MAX], mark[MARK_BYTES_MAX] = {0};
    Seat__Request q = SEAT__REQUEST__INIT;
    Seat__Heartbeat h = SEAT__HEARTBEAT__INIT;
    Seat__Submit s = SEAT__SUBMIT__INIT;
    Seat__Reply r = SEAT__REPLY__INIT;
    Seat__Ack a = SEAT__ACK__INIT;

    (void)state;
    h.used_ms = 1;
    q.kind_case = SEAT__REQUEST__KIND_HEARTBEAT;
    q.heartbeat = &h;
    assert_int_equal(codec_beat_pack(&q.base, out, 8), 0);
    assert_true(codec_beat_pack(&q.base, out, sizeof out) > 0);
    q.kind_case = SEAT__REQUEST__KIND_SUBMIT;
    q.submit = &s;
    assert_int_equal(codec_beat_pack(&q.base, out, sizeof out), 0);
    r.kind_case = SEAT__REPLY__KIND_ACK;
    r.ack = &a;
    a.durability = SEAT__DURABILITY__DURABILITY_DUAL;
    a.mark.data = mark;
    a.mark.len = sizeof mark;
    assert_int_equal(codec_beat_pack(&r.base, out, sizeof out), 0);
    a.mark.len = 45;
    assert_true(codec_beat_pack(&r.base, out, sizeof out) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codec_beat__is_the_general_way),
        cmocka_unit_test(test_codec_beat__knows_all_fields),
        cmocka_unit_test(test_codec_beat__leaves_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
