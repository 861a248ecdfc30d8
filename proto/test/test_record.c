/* record: the stored form and the hash chain (D8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <sodium.h>

#include "record.h"

enum { CHAIN = 3, EVENT_MAX = 40 };

static const uint8_t zeros[HASH_BYTES];

struct chain {
    uint8_t value[CHAIN][RECORD_HEADER_BYTES + EVENT_MAX];
    size_t value_bytes[CHAIN];
    uint8_t hash[CHAIN][HASH_BYTES];
};

/* Three records: a usual event, an empty one, a time before 1970. */
static void chain_make(struct chain *c)
{
    static const uint8_t event[EVENT_MAX] = "an event, as far as a record cares";
    const size_t event_bytes[CHAIN] = {EVENT_MAX, 0, 7};
    const uint8_t *prev = zeros;

    for (size_t i = 0; i < CHAIN; i++) {
        struct record r = {.lsn = i + 1,
                           .epoch = 3,
                           .at_ms = 1000 * i + 7,
                           .wall_ms = i == 2 ? -5 : 1400000000123,
                           .event = event,
                           .event_bytes = event_bytes[i]};

        record_seal(&r, prev, c->value[i]);
        c->value_bytes[i] = RECORD_HEADER_BYTES + event_bytes[i];
        memcpy(c->hash[i], r.hash, HASH_BYTES);
        prev = c->hash[i];
    }
}

/* The number of the first record that does not continue the chain; 0: all do. */
static size_t chain_broken_at(const struct chain *c)
{
    const uint8_t *prev = zeros;
    struct record r[CHAIN];

    for (size_t i = 0; i < CHAIN; i++) {
        if (record_open(i + 1, c->value[i], c->value_bytes[i], &r[i]) != EXAM_OK ||
            record_verify(&r[i], prev) != EXAM_OK)
            return i + 1;
        prev = r[i].hash;
    }
    return 0;
}

/* What was sealed is opened again, field by field, without a copy of the event. */
static void test_record__round_trip(void **state)
{
    struct chain c;
    struct record r;

    (void)state;
    chain_make(&c);
    assert_int_equal(record_open(3, c.value[2], c.value_bytes[2], &r), EXAM_OK);
    assert_int_equal(r.lsn, 3);
    assert_int_equal(r.epoch, 3);
    assert_int_equal(r.at_ms, 2007);
    assert_true(r.wall_ms == -5);
    assert_int_equal(r.event_bytes, 7);
    assert_ptr_equal(r.event, c.value[2] + RECORD_HEADER_BYTES);
    assert_memory_equal(r.event, "an even", 7);
    assert_memory_equal(r.hash, c.hash[2], HASH_BYTES);
    assert_int_equal(chain_broken_at(&c), 0);
}

/* The hash is the formula of record.h, computed here in one piece over the bytes it names. */
static void test_record__hash_is_the_documented_one(void **state)
{
    struct chain c;
    uint8_t bytes[HASH_BYTES + 8 + RECORD_HEADER_BYTES + EVENT_MAX] = {0};
    uint8_t hash[HASH_BYTES];

    (void)state;
    chain_make(&c);
    bytes[HASH_BYTES + 7] = 1;                      /* LSN 1 after 32 zero bytes */
    memcpy(bytes + HASH_BYTES + 8, c.value[0], 24); /* epoch, at_ms, wall_ms as stored */
    memcpy(bytes + HASH_BYTES + 32, c.value[0] + RECORD_HEADER_BYTES, EVENT_MAX);
    crypto_generichash(hash, sizeof hash, bytes, HASH_BYTES + 32 + EVENT_MAX, NULL, 0);
    assert_memory_equal(hash, c.hash[0], HASH_BYTES);
}

/* The form is read for years (D4): these bytes, reckoned with another implementation of BLAKE2b,
 * must come out for ever. */
static void test_record__form_is_fixed(void **state)
{
    static const char expected[] =
        "0000000000000003" /* epoch */
        "00000000000003ef" /* at_ms 1007 */
        "00000145f680b07b" /* wall_ms 1400000000123 */
        "fa3f3e6e65930fd0bfcfab49e4346ba4d6a4d6004b0ab799b34bda93e45d6321";
    struct chain c;
    char hex[2 * RECORD_HEADER_BYTES + 1];

    (void)state;
    chain_make(&c);
    sodium_bin2hex(hex, sizeof hex, c.value[1], RECORD_HEADER_BYTES);
    assert_string_equal(hex, expected);
}

/* D8: whichever byte of whichever record is changed, to whichever value, the chain shows it there.
 */
static void test_record__any_changed_byte_is_found(void **state)
{
    struct chain c;

    (void)state;
    chain_make(&c);
    for (size_t i = 0; i < CHAIN; i++) {
        for (size_t at = 0; at < c.value_bytes[i]; at++) {
            for (int flip = 1; flip < 256; flip++) {
                c.value[i][at] ^= (uint8_t)flip;
                assert_int_equal(chain_broken_at(&c), i + 1);
                c.value[i][at] ^= (uint8_t)flip;
            }
        }
    }
    assert_int_equal(chain_broken_at(&c), 0);
}

/* D8: a record that is cut, lengthened, renumbered, left out or put elsewhere is found. */
static void test_record__other_changes_are_found(void **state)
{
    struct chain c, whole;
    struct record r;

    (void)state;
    chain_make(&whole);

    c = whole;
    c.value_bytes[0]--;
    assert_int_equal(chain_broken_at(&c), 1);
    c = whole;
    c.value_bytes[1]++;
    assert_int_equal(chain_broken_at(&c), 2);

    assert_int_equal(record_open(4, whole.value[2], whole.value_bytes[2], &r), EXAM_OK);
    assert_int_equal(record_verify(&r, whole.hash[1]), EXAM_CORRUPT); /* renumbered */
    assert_int_equal(record_open(2, whole.value[1], whole.value_bytes[1], &r), EXAM_OK);
    assert_int_equal(record_verify(&r, zeros), EXAM_CORRUPT); /* its predecessor left out */
    assert_int_equal(record_verify(&r, whole.hash[0]), EXAM_OK);
}

/* Of a record whose hash has rotted, the hash that its successor continues can be reckoned; in the
 * place of its predecessor's, too. */
static void test_record__reckons_the_hash_that_it_should_have(void **state)
{
    struct chain c;
    struct record rotten, next;
    uint8_t hash[HASH_BYTES];

    (void)state;
    chain_make(&c);
    c.value[1][RECORD_HEADER_BYTES - 1] ^= 1;
    assert_int_equal(record_open(2, c.value[1], c.value_bytes[1], &rotten), EXAM_OK);
    assert_int_equal(record_open(3, c.value[2], c.value_bytes[2], &next), EXAM_OK);
    assert_int_equal(record_verify(&rotten, c.hash[0]), EXAM_CORRUPT);
    assert_int_equal(record_verify(&next, rotten.hash), EXAM_CORRUPT);
    memcpy(hash, c.hash[0], sizeof hash);
    record_reckon(&rotten, hash, hash);
    assert_memory_equal(hash, c.hash[1], sizeof hash);
    assert_int_equal(record_verify(&next, hash), EXAM_OK);
}

/* Too short for a header, or longer than any record: refused before anything is read. */
static void test_record__bad_lengths_are_corrupt(void **state)
{
    static const uint8_t value[RECORD_BYTES_MAX + 1];
    struct record r = {.lsn = 99};

    (void)state;
    assert_int_equal(record_open(1, value, 0, &r), EXAM_CORRUPT);
    assert_int_equal(record_open(1, value, RECORD_HEADER_BYTES - 1, &r), EXAM_CORRUPT);
    assert_int_equal(record_open(1, value, RECORD_BYTES_MAX + 1, &r), EXAM_CORRUPT);
    assert_int_equal(r.lsn, 99);
    assert_int_equal(record_open(1, value, RECORD_HEADER_BYTES, &r), EXAM_OK);
    assert_int_equal(record_open(1, value, RECORD_BYTES_MAX, &r), EXAM_OK);
}

/* An event that was encoded straight into its place in the value is sealed there. */
static void test_record__seals_in_place(void **state)
{
    uint8_t value[RECORD_HEADER_BYTES + 5], copy[RECORD_HEADER_BYTES + 5];
    struct record r = {.lsn = 1, .epoch = 1, .event_bytes = 5};

    (void)state;
    r.event = (const uint8_t *)"event";
    record_seal(&r, zeros, copy);
    memcpy(value + RECORD_HEADER_BYTES, "event", 5);
    r.event = value + RECORD_HEADER_BYTES;
    record_seal(&r, zeros, value);
    assert_memory_equal(value, copy, sizeof value);
}

static int start(void **state)
{
    (void)state;
    return sodium_init() < 0 ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record__round_trip),
        cmocka_unit_test(test_record__hash_is_the_documented_one),
        cmocka_unit_test(test_record__form_is_fixed),
        cmocka_unit_test(test_record__any_changed_byte_is_found),
        cmocka_unit_test(test_record__other_changes_are_found),
        cmocka_unit_test(test_record__reckons_the_hash_that_it_should_have),
        cmocka_unit_test(test_record__bad_lengths_are_corrupt),
        cmocka_unit_test(test_record__seals_in_place),
    };

    return cmocka_run_group_tests_name("record", tests, start, NULL);
}
