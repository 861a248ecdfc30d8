/* What is sealed for one place opens there, with its key, as it was; and in no other way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "codec.h"
#include "sealed_field.h"
#include "seed.h"

enum { ROUNDS = 300, TIMED = 20000 };

static const uint8_t SITE[SITE_ID_BYTES] = {1, 2, 3};
static const struct sealed_place PLACE = {
    .kind = SEALED_ANSWER, .site_id = SITE, .batch = "B1", .candidate = "1001", .item = "q1"};

static struct sealed_keys keys_of(uint8_t number)
{
    uint8_t data_key[DATA_KEY_BYTES];
    struct sealed_keys k;

    memset(data_key, number, sizeof data_key);
    sealed_keys_of(data_key, &k);
    return k;
}

static size_t text_make(uint64_t *seed, uint8_t *out, size_t n_max)
{
    size_t n = seed_below(seed, 4) ? seed_below(seed, 20) : seed_below(seed, n_max + 1);

    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)seed_next(seed);
    return n;
}

/* Of every length: it opens as it was, is the same whenever it is sealed (A4), is what a log takes,
 * and hides its length up to 16 bytes. */
static void test_sealed_field__opens_as_it_was(void **state)
{
    uint64_t seed = seed_of_run("test_sealed_field");
    const struct sealed_keys k = keys_of(7);

    (void)state;
    for (size_t n = 0; n <= ANSWER_BYTES_MAX; n++) {
        uint8_t plain[ANSWER_BYTES_MAX], opened[ANSWER_BYTES_MAX] = {0};
        uint8_t sealed[ANSWER_STORED_BYTES_MAX], again[ANSWER_STORED_BYTES_MAX];
        size_t opened_n = 0;
        for (size_t i = 0; i < n; i++)
            plain[i] = (uint8_t)seed_next(&seed);
        size_t sealed_n = sealed_seal(&k, &PLACE, plain, n, sealed);
        assert_int_equal(sealed_n, 26 + (n / 16 + 1) * 16 + 16);
        assert_true(sealed_value_is(sealed, sealed_n));
        assert_true(codec_answer_stored_ok(sealed, sealed_n));
        assert_false(codec_answer_ok(sealed, sealed_n));
        assert_int_equal(sealed_seal(&k, &PLACE, plain, n, again), sealed_n);
        assert_memory_equal(sealed, again, sealed_n);
        assert_int_equal(sealed_open(&k, &PLACE, sealed, sealed_n, opened, &opened_n), EXAM_OK);
        assert_int_equal(opened_n, n);
        assert_memory_equal(opened, plain, n);
    }
}

static void expect_auth(const struct sealed_keys *k, const struct sealed_place *at,
                        const uint8_t *sealed, size_t n)
{
    uint8_t opened[ANSWER_BYTES_MAX];
    size_t opened_n = 4711;

    assert_int_equal(sealed_open(k, at, sealed, n, opened, &opened_n), EXAM_AUTH);
    assert_int_equal(opened_n, 4711);
}

/* Not at another site, batch, candidate or item, not as another kind, and not with another key. */
static void test_sealed_field__opens_at_its_place_only(void **state)
{
    static const uint8_t other_site[SITE_ID_BYTES] = {1, 2, 4};
    const struct sealed_keys k = keys_of(7), other = keys_of(8);
    struct sealed_place places[] = {PLACE, PLACE, PLACE, PLACE, PLACE, PLACE};
    uint8_t sealed[ANSWER_STORED_BYTES_MAX], there[ANSWER_STORED_BYTES_MAX];
    size_t n = sealed_seal(&k, &PLACE, (const uint8_t *)"ABD", 3, sealed);

    (void)state;
    places[0].site_id = other_site;
    places[1].batch = "B2";
    places[2].candidate = "1002";
    places[3].item = "q2";
    places[4].kind = SEALED_NAME;
    places[5].candidate = "1001q"; /* the names do not run together */
    places[5].item = "1";
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        expect_auth(&k, &places[i], sealed, n);
        assert_int_equal(sealed_seal(&k, &places[i], (const uint8_t *)"ABD", 3, there), n);
        assert_memory_not_equal(there, sealed, n); /* nor does it look alike there */
    }
    expect_auth(&other, &PLACE, sealed, n);
}

/* Every single bit counts; what is cut off or longer does not even have the form. */
static void test_sealed_field__one_bit_is_noticed(void **state)
{
    const struct sealed_keys k = keys_of(7);
    uint8_t sealed[ANSWER_STORED_BYTES_MAX + 16] = {0}, opened[ANSWER_BYTES_MAX];
    size_t opened_n, n = sealed_seal(&k, &PLACE, (const uint8_t *)"AB", 2, sealed);

    (void)state;
    for (size_t bit = 0; bit < 8 * n; bit++) {
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(sealed_open(&k, &PLACE, sealed, n, opened, &opened_n),
                         bit < 16 ? EXAM_MALFORMED : EXAM_AUTH);
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t i = 0; i <= sizeof sealed; i++) {
        bool form = i >= 58 && i <= ANSWER_STORED_BYTES_MAX && i % 16 == 10;
        if (i != n)
            assert_int_equal(sealed_open(&k, &PLACE, sealed, i, opened, &opened_n),
                             form ? EXAM_AUTH : EXAM_MALFORMED);
    }
}

/* Bytes of a stranger are refused, and nothing else happens. */
static void test_sealed_field__random_bytes_are_refused(void **state)
{
    uint64_t seed = seed_of_run("test_sealed_field");
    const struct sealed_keys k = keys_of(7);

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        uint8_t bytes[ANSWER_STORED_BYTES_MAX], opened[ANSWER_BYTES_MAX];
        size_t opened_n, n = text_make(&seed, bytes, sizeof bytes);
        if (n > 1 && seed_below(&seed, 2)) {
            bytes[0] = SEALED_MARK;
            bytes[1] = SEALED_VERSION;
        }
        assert_int_not_equal(sealed_open(&k, &PLACE, bytes, n, opened, &opened_n), EXAM_OK);
    }
}

/* A name of any length that is allowed, as text that a log takes; at its own place. */
static void test_sealed_field__names(void **state)
{
    const struct sealed_keys k = keys_of(7);
    struct sealed_place at = PLACE, other = PLACE;
    char name[PERSON_BYTES_MAX + 1] = "", sealed[PERSON_STORED_BYTES_MAX + 1];
    char opened[PERSON_BYTES_MAX + 1];

    (void)state;
    at.kind = other.kind = SEALED_NAME;
    other.candidate = "1002";
    for (size_t n = 0; n <= PERSON_BYTES_MAX; n++) {
        memset(name, 'x', n);
        name[n] = '\0';
        sealed_name_seal(&k, &at, name, sealed);
        assert_true(sealed_name_is(sealed));
        assert_true(codec_text_ok(sealed, strlen(sealed)));
        assert_in_range(strlen(sealed), 7, PERSON_STORED_BYTES_MAX);
        assert_int_equal(sealed_name_open(&k, &at, sealed, opened), EXAM_OK);
        assert_string_equal(opened, name);
        assert_int_equal(sealed_name_open(&k, &other, sealed, opened), EXAM_AUTH);
    }
    sealed[20] = sealed[20] == 'A' ? 'B' : 'A';
    assert_int_equal(sealed_name_open(&k, &at, sealed, opened), EXAM_AUTH);
    sealed[20] = (char)0xDF; /* libsodium would take it for a '_' */
    assert_int_equal(sealed_name_open(&k, &at, sealed, opened), EXAM_MALFORMED);
    sealed[20] = '!';
    assert_int_equal(sealed_name_open(&k, &at, sealed, opened), EXAM_MALFORMED);
    assert_int_equal(sealed_name_open(&k, &at, "Li Na", opened), EXAM_MALFORMED);
    assert_int_equal(sealed_name_open(&k, &at, "sealed:", opened), EXAM_MALFORMED);
    assert_false(sealed_name_is("Li Na"));
}

/* Of an ID number only whether it is the same can be told, and only with the key. */
static void test_sealed_field__id_numbers(void **state)
{
    const struct sealed_keys k = keys_of(7), other_key = keys_of(8);
    struct sealed_place at = PLACE, other = PLACE;
    char a[NAME_BYTES_MAX + 1], b[NAME_BYTES_MAX + 1];

    (void)state;
    at.kind = other.kind = SEALED_ID;
    other.candidate = "1002";
    sealed_id_hash(&k, &at, "330106200001011234", a);
    assert_true(sealed_id_is(a));
    assert_in_range(strlen(a), 24, NAME_BYTES_MAX);
    sealed_id_hash(&k, &at, "330106200001011234", b);
    assert_string_equal(a, b);
    sealed_id_hash(&k, &at, "330106200001011235", b);
    assert_string_not_equal(a, b);
    sealed_id_hash(&k, &other, "330106200001011234", b);
    assert_string_not_equal(a, b);
    sealed_id_hash(&other_key, &at, "330106200001011234", b);
    assert_string_not_equal(a, b);
}

/* Whatever pieces a paper is sealed in, it opens in any others. */
static void test_sealed_field__papers_in_any_pieces(void **state)
{
    static uint8_t text[5000], plain[sizeof text];
    static const uint8_t digest[HASH_BYTES] = {9}, other_digest[HASH_BYTES] = {8};
    uint64_t seed = seed_of_run("test_sealed_field");
    const struct sealed_keys k = keys_of(7);
    struct sealed_place at = PLACE;

    (void)state;
    at.kind = SEALED_PAPER;
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < sizeof text; i++)
            plain[i] = text[i] = (uint8_t)seed_next(&seed);
        for (int turn = 0; turn < 2; turn++) {
            for (size_t i = 0, n; i < sizeof text; i += n) {
                n = 1 + seed_below(&seed, 700);
                n = n < sizeof text - i ? n : sizeof text - i;
                sealed_paper_turn(&k, &at, digest, (uint32_t)i, text + i, n);
            }
            if (turn == 0)
                assert_memory_not_equal(text, plain, 64);
        }
        assert_memory_equal(text, plain, sizeof text);
    }
    sealed_paper_turn(&k, &at, digest, 0, text, sizeof text);
    sealed_paper_turn(&k, &at, other_digest, 0, text, sizeof text);
    assert_memory_not_equal(text, plain, 64);
}

/* The name of a key is another one at another site, and tells nothing of what it opens. */
static void test_sealed_field__key_ids(void **state)
{
    static const uint8_t other_site[SITE_ID_BYTES] = {9};
    uint8_t key[DATA_KEY_BYTES] = {5}, a[DATA_ID_BYTES], b[DATA_ID_BYTES];

    (void)state;
    sealed_key_id(key, SITE, a);
    sealed_key_id(key, SITE, b);
    assert_memory_equal(a, b, sizeof a);
    sealed_key_id(key, other_site, b);
    assert_memory_not_equal(a, b, sizeof a);
    key[31] = 1;
    sealed_key_id(key, SITE, b);
    assert_memory_not_equal(a, b, sizeof a);
}

/* Told, not judged: what an answer costs on this machine. */
static void test_sealed_field__what_it_costs(void **state)
{
    const struct sealed_keys k = keys_of(7);
    uint8_t sealed[ANSWER_STORED_BYTES_MAX], opened[ANSWER_BYTES_MAX];
    size_t n = 0, opened_n = 0;
    struct timespec from, until;

    (void)state;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (int i = 0; i < TIMED; i++) {
        n = sealed_seal(&k, &PLACE, (const uint8_t *)"ABCD", 4, sealed);
        assert_int_equal(sealed_open(&k, &PLACE, sealed, n, opened, &opened_n), EXAM_OK);
    }
    clock_gettime(CLOCK_MONOTONIC, &until);
    print_message("sealed and opened in %lld ns\n",
                  ((until.tv_sec - from.tv_sec) * 1000000000LL + until.tv_nsec - from.tv_nsec) /
                      TIMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sealed_field__opens_as_it_was),
        cmocka_unit_test(test_sealed_field__opens_at_its_place_only),
        cmocka_unit_test(test_sealed_field__one_bit_is_noticed),
        cmocka_unit_test(test_sealed_field__random_bytes_are_refused),
        cmocka_unit_test(test_sealed_field__names),
        cmocka_unit_test(test_sealed_field__id_numbers),
        cmocka_unit_test(test_sealed_field__papers_in_any_pieces),
        cmocka_unit_test(test_sealed_field__key_ids),
        cmocka_unit_test(test_sealed_field__what_it_costs),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
