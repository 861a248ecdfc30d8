/* The short way of an event Answered gives what the general way gives: of any bytes the same
 * event, or nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec_rules.h"
#include "seed.h"

enum { ROUNDS = 200000, BYTES_MAX = 2048 };

static uint8_t short_block[ARENA_BYTES_FRAME] __attribute__((aligned(16)));
static uint8_t general_block[ARENA_BYTES_FRAME] __attribute__((aligned(16)));

/* Numbers of every length. */
static uint64_t number(uint64_t *seed)
{
    return seed_next(seed) >> seed_below(seed, 64) >> seed_below(seed, 2);
}

static size_t make(uint64_t *seed, uint8_t *bytes)
{
    Ev__Event e = EV__EVENT__INIT;
    Ev__Answered a = EV__ANSWERED__INIT;
    char item[NAME_BYTES_MAX + 2] = "";
    uint8_t value[ANSWER_STORED_BYTES_MAX + 1];

    for (size_t i = 0, n = seed_below(seed, 40) ? seed_below(seed, 9) : sizeof item - 1; i < n; i++)
        item[i] = (char)('a' + seed_below(seed, 26));
    a.value.data = value;
    a.value.len = seed_below(seed, 40) ? seed_below(seed, 20) : sizeof value - seed_below(seed, 2);
    if (seed_below(seed, 40) == 0)
        a.value.len = ANSWER_BYTES_MAX + seed_below(seed, 2);
    for (size_t i = 0; i < a.value.len; i++)
        value[i] = (uint8_t)('A' + seed_below(seed, 4));
    if (seed_below(seed, 4) == 0)
        value[0] = SEALED_MARK;
    e.kind_case = EV__EVENT__KIND_ANSWERED;
    e.answered = &a;
    a.item = item;
    a.sitting = (uint32_t)number(seed);
    a.seq = number(seed);
    a.made_at_ms = number(seed);
    a.attachment_epoch = number(seed);
    a.attachment_lsn = number(seed);
    a.used_ms = number(seed);
    a.late = (protobuf_c_boolean)seed_below(seed, 2);
    a.refused = (protobuf_c_boolean)seed_below(seed, 2);
    a.former = seed_below(seed, 2) ? (uint32_t)number(seed) : 0;
    return ev__event__pack(&e, bytes);
}

/* Counts the events that the short way takes. */
static void expect_same(const uint8_t *bytes, size_t n, size_t *taken)
{
    static uint8_t of_short[2 * BYTES_MAX], of_general[2 * BYTES_MAX];
    const ProtobufCMessage *general = NULL;
    const Ev__Event *e = NULL;
    struct arena a, b;

    arena_init(&a, short_block, sizeof short_block);
    arena_init(&b, general_block, sizeof general_block);
    if (!codec_answered_event(&a, bytes, n, &e))
        return;
    (*taken)++;
    assert_int_equal(codec_decode(&b, &codec_rule_event, bytes, n, BYTES_MAX, &general, NULL),
                     EXAM_OK);
    assert_int_equal(arena_string_bytes(&a, e->answered->item), strlen(e->answered->item));
    size_t short_n = ev__event__pack(e, of_short);
    assert_int_equal(short_n, protobuf_c_message_pack(general, of_general));
    assert_memory_equal(of_short, of_general, short_n);
    assert_int_equal(short_n, n);
    assert_memory_equal(of_short, bytes, n);
}

/* What is packed is taken the short way, but for what is against the rules and numbers of 64 bits.
 */
static void test_codec_answered__what_is_packed_is_decoded_alike(void **state)
{
    uint64_t seed = seed_of_run("test_codec_answered");
    size_t taken = 0;

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        uint8_t bytes[BYTES_MAX];
        expect_same(bytes, make(&seed, bytes), &taken);
    }
    assert_in_range(taken, ROUNDS * 3 / 4, ROUNDS - 1);
}

/* Bytes changed, missing or more: either way of decoding says the same. */
static void test_codec_answered__of_other_bytes_it_takes_only_what_is_packed_so(void **state)
{
    uint64_t seed = seed_of_run("test_codec_answered");
    size_t taken = 0;

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        uint8_t bytes[BYTES_MAX];
        size_t n = make(&seed, bytes);
        for (uint64_t k = seed_below(&seed, 3); k > 0; k--)
            bytes[seed_below(&seed, n)] = (uint8_t)seed_next(&seed);
        n -= seed_below(&seed, 8) ? 0 : seed_below(&seed, n);
        expect_same(bytes, n, &taken);
    }
    assert_in_range(taken, ROUNDS / 8, ROUNDS - 1);
}

/* A name, or a text, that the rules refuse is left to the way that says why. */
static void test_codec_answered__leaves_what_the_rules_refuse(void **state)
{
    static const char *const items[] = {"", ".", "..", "a b", "q\n"};
    uint8_t bytes[BYTES_MAX];
    const Ev__Event *out = NULL;
    struct arena a;

    (void)state;
    arena_init(&a, short_block, sizeof short_block);
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        Ev__Event e = EV__EVENT__INIT;
        Ev__Answered answered = EV__ANSWERED__INIT;
        e.kind_case = EV__EVENT__KIND_ANSWERED;
        e.answered = &answered;
        answered.sitting = 1;
        answered.item = (char *)(uintptr_t)items[i];
        size_t n = ev__event__pack(&e, bytes);
        assert_false(codec_answered_event(&a, bytes, n, &out));
        assert_int_not_equal(codec_event(&a, bytes, n, &out, NULL), EXAM_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codec_answered__what_is_packed_is_decoded_alike),
        cmocka_unit_test(test_codec_answered__of_other_bytes_it_takes_only_what_is_packed_so),
        cmocka_unit_test(test_codec_answered__leaves_what_the_rules_refuse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
