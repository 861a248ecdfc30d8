/* Checkpoints and receipts (D8): what was signed is taken as it was, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "checkpoint.h"
#include "receipt.h"
#include "seed.h"
#include "site_keys.h"

enum { ROUNDS = 300 };

static struct site_keys site;

static int begin(void **state)
{
    (void)state;
    if (sodium_init() < 0)
        return -1;
    site_keys_init(&site, 3);
    return 0;
}

static int end(void **state)
{
    (void)state;
    site_keys_fini(&site);
    return 0;
}

static void fill(uint64_t *seed, void *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)at)[i] = (uint8_t)seed_next(seed);
}

static struct checkpoint checkpoint_of(uint64_t *seed)
{
    struct checkpoint c = {.at = {.epoch = 1 + seed_next(seed) % 9, .lsn = 1 + seed_next(seed) / 2},
                           .epoch_tag = (uint32_t)seed_next(seed),
                           .site_ms = seed_next(seed),
                           .wall_ms = (int64_t)seed_next(seed),
                           .why = CHECKPOINT_GOES_ON + (int)seed_below(seed, 3)};
    fill(seed, c.at.hash, HASH_BYTES);
    checkpoint_sign(&c, &site.own[SITE_NODE_A]);
    return c;
}

static struct receipt receipt_of(uint64_t *seed)
{
    struct receipt r = {.batch = "B1",
                        .candidate = "\xE8\x80\x83-1001",
                        .answers = (uint32_t)seed_next(seed),
                        .lsn = 1 + seed_next(seed) / 2,
                        .epoch = 1 + seed_next(seed) % 9,
                        .wall_ms = receipt_wall_ms((int64_t)(seed_next(seed) >> 20))};
    memcpy(r.site_id, site.own[SITE_NODE_A].site_id, SITE_ID_BYTES);
    fill(seed, r.digest, HASH_BYTES);
    fill(seed, r.chain, HASH_BYTES);
    receipt_sign(&r, &site.own[SITE_NODE_A]);
    return r;
}

/* ---------------------------------------------------------------- checkpoints */

/* What was signed comes back from its bytes, and the roster says whose it is. */
static void test_checkpoint__comes_back(void **state)
{
    uint64_t seed = seed_of_run("test_checkpoint__comes_back");
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct checkpoint c = checkpoint_of(&seed), again;
        const struct key_entry *by = NULL;
        uint8_t bytes[CHECKPOINT_BYTES], bytes_again[CHECKPOINT_BYTES];
        checkpoint_put(&c, bytes);
        assert_int_equal(checkpoint_take(bytes, sizeof bytes, &again), EXAM_OK);
        checkpoint_put(&again, bytes_again);
        assert_memory_equal(bytes, bytes_again, sizeof bytes);
        assert_int_equal(checkpoint_verify(&again, site.roster, &by), EXAM_OK);
        assert_string_equal(by->name, "A");
    }
}

/* One changed bit anywhere, and it is no checkpoint, or nobody's. */
static void test_checkpoint__no_bit_can_change(void **state)
{
    uint64_t seed = seed_of_run("test_checkpoint__no_bit_can_change");
    struct checkpoint c = checkpoint_of(&seed), again;
    uint8_t bytes[CHECKPOINT_BYTES];
    (void)state;
    checkpoint_put(&c, bytes);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (checkpoint_take(bytes, sizeof bytes, &again) == EXAM_OK)
            assert_int_not_equal(checkpoint_verify(&again, site.roster, NULL), EXAM_OK);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(checkpoint_take(bytes, sizeof bytes - 1, &again), EXAM_MALFORMED);
    assert_int_equal(checkpoint_take(bytes, 0, &again), EXAM_MALFORMED);
}

/* A node signs for itself only, a seat for nobody, and another site's node not here. */
static void test_checkpoint__who_may_sign(void **state)
{
    uint64_t seed = seed_of_run("test_checkpoint__who_may_sign");
    struct site_keys other;
    (void)state;
    site_keys_init(&other, 9);
    struct checkpoint c = checkpoint_of(&seed);
    strcpy(c.node, "B");
    assert_int_equal(checkpoint_verify(&c, site.roster, NULL), EXAM_AUTH);
    strcpy(c.node, "Z");
    assert_int_equal(checkpoint_verify(&c, site.roster, NULL), EXAM_NOT_FOUND);
    strcpy(c.node, "R01-01");
    assert_int_equal(checkpoint_verify(&c, site.roster, NULL), EXAM_NOT_FOUND);
    checkpoint_sign(&c, &other.own[SITE_NODE_A]);
    assert_int_equal(checkpoint_verify(&c, site.roster, NULL), EXAM_AUTH);
    checkpoint_sign(&c, &site.own[SITE_NODE_B]);
    assert_int_equal(checkpoint_verify(&c, site.roster, NULL), EXAM_OK);
    assert_string_equal(c.node, "B");
    site_keys_fini(&other);
}

/* What a node signed before its key was revoked stays signed, and whoever reads it can say so. */
static void test_checkpoint__a_revoked_key(void **state)
{
    uint64_t seed = seed_of_run("test_checkpoint__a_revoked_key");
    struct site_keys own;
    const struct key_entry *by = NULL;
    (void)state;
    site_keys_init(&own, 3);
    struct checkpoint c = checkpoint_of(&seed);
    key_roster_next(own.roster);
    assert_int_equal(key_roster_revoke(own.roster, "A", KEY_NODE), EXAM_OK);
    assert_int_equal(checkpoint_verify(&c, own.roster, &by), EXAM_OK);
    assert_true(by->revoked != 0);
    site_keys_fini(&own);
}

/* Keys in the store: one node's checkpoints in the order of its history, and no two alike. */
static void test_checkpoint__keys_are_in_order(void **state)
{
    uint64_t seed = seed_of_run("test_checkpoint__keys_are_in_order");
    uint8_t low[CHECKPOINT_KEY_BYTES_MAX], high[CHECKPOINT_KEY_BYTES_MAX];
    (void)state;
    struct checkpoint c = checkpoint_of(&seed), d = c;
    d.at.lsn++;
    size_t n = checkpoint_key(&c, low);
    assert_int_equal(checkpoint_key(&d, high), n);
    assert_true(memcmp(low, high, n) < 0);
    d.at.lsn = 1;
    d.at.epoch++;
    assert_int_equal(checkpoint_key(&d, high), n);
    assert_true(memcmp(low, high, n) < 0);
    strcpy(c.node, "12345678901234567890123456789012");
    assert_true(checkpoint_key(&c, low) <= CHECKPOINT_KEY_BYTES_MAX);
}

/* ---------------------------------------------------------------- receipts */

/* What was signed comes back from its text, with either kind of line ends. */
static void test_receipt__comes_back(void **state)
{
    uint64_t seed = seed_of_run("test_receipt__comes_back");
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct receipt r = receipt_of(&seed), again;
        char text[RECEIPT_BYTES_MAX], crlf[RECEIPT_BYTES_MAX];
        size_t n, crlf_n = 0;
        receipt_format(&r, text, &n);
        assert_int_equal(receipt_parse(text, n, &again), EXAM_OK);
        assert_true(receipt_same_facts(&r, &again));
        assert_int_equal(receipt_verify(&again, site.roster, NULL), EXAM_OK);
        for (size_t at = 0; at < n; at++) {
            if (text[at] == '\n')
                crlf[crlf_n++] = '\r';
            crlf[crlf_n++] = text[at];
        }
        assert_int_equal(receipt_parse(crlf, crlf_n, &again), EXAM_OK);
        assert_int_equal(receipt_verify(&again, site.roster, NULL), EXAM_OK);
        assert_int_equal(receipt_parse(text, n - 1, &again), EXAM_OK);
    }
}

/* The form is fixed: what was printed is read in any year. */
static void test_receipt__form_is_fixed(void **state)
{
    static const char want[] =
        "shunyan-receipt-1\n"
        "site 000102030405060708090a0b0c0d0e0f\n"
        "batch B1\n"
        "candidate 20260517\n"
        "answers 2\n"
        "digest 18027c06328418c5b2d66843db159635b8f7605b63f6fe3829830c4dddf7cd8e\n"
        "record 1234\n"
        "epoch 2\n"
        "chain 0000000000000000000000000000000000000000000000000000000000000000\n"
        "written 2026-05-16T10:30:15.007Z\n"
        "check NFNZ-63BA-K8CJ\n"
        "node A\n"
        "signature ";
    struct receipt r = {.batch = "B1",
                        .candidate = "20260517",
                        .lsn = 1234,
                        .epoch = 2,
                        .wall_ms = 1778927415007,
                        .node = "A"};
    struct receipt_answers a;
    char text[RECEIPT_BYTES_MAX];
    size_t n;
    (void)state;
    for (uint8_t i = 0; i < SITE_ID_BYTES; i++)
        r.site_id[i] = i;
    receipt_answers_begin(&a);
    receipt_answers_add(&a, "Q1", (const uint8_t *)"B", 1);
    receipt_answers_add(&a, "Q2", (const uint8_t *)"A,C", 3);
    receipt_answers_end(&a, &r);
    receipt_format(&r, text, &n);
    assert_memory_equal(text, want, sizeof want - 1);
}

/* One changed bit anywhere, and it is no receipt, or nobody's. */
static void test_receipt__no_bit_can_change(void **state)
{
    uint64_t seed = seed_of_run("test_receipt__no_bit_can_change");
    struct receipt r = receipt_of(&seed), again;
    char text[RECEIPT_BYTES_MAX];
    size_t n;
    (void)state;
    receipt_format(&r, text, &n);
    for (size_t bit = 0; bit < 8 * (n - 1); bit++) {
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
        if (receipt_parse(text, n, &again) == EXAM_OK)
            assert_int_not_equal(receipt_verify(&again, site.roster, NULL), EXAM_OK);
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
    }
    for (size_t cut = 0; cut < n - 1; cut++)
        assert_int_equal(receipt_parse(text, cut, &again), EXAM_MALFORMED);
}

/* A receipt whose check was made to fit is still nobody's: of another sitting, with other answers,
 * by another node, of another site. */
static void test_receipt__forged(void **state)
{
    uint64_t seed = seed_of_run("test_receipt__forged");
    struct receipt r = receipt_of(&seed), forged = r;
    char text[RECEIPT_BYTES_MAX];
    size_t n;
    (void)state;
    strcpy(forged.candidate, "1002");
    receipt_format(&forged, text, &n);
    assert_int_equal(receipt_parse(text, n, &forged), EXAM_OK);
    assert_int_equal(receipt_verify(&forged, site.roster, NULL), EXAM_AUTH);
    forged = r;
    forged.digest[0] ^= 1;
    assert_int_equal(receipt_verify(&forged, site.roster, NULL), EXAM_AUTH);
    forged = r;
    strcpy(forged.node, "B");
    assert_int_equal(receipt_verify(&forged, site.roster, NULL), EXAM_AUTH);
    strcpy(forged.node, "C");
    assert_int_equal(receipt_verify(&forged, site.roster, NULL), EXAM_NOT_FOUND);
    forged = r;
    forged.site_id[0] ^= 1;
    assert_int_equal(receipt_verify(&forged, site.roster, NULL), EXAM_OTHER_SITE);
}

/* What a person types off a printed page: case, dashes, and letters that look like digits. */
static void test_receipt__a_typed_check(void **state)
{
    uint64_t seed = seed_of_run("test_receipt__a_typed_check");
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct receipt r = receipt_of(&seed);
        char check[RECEIPT_CHECK_BYTES], typed[RECEIPT_CHECK_BYTES];
        size_t n = 0;
        receipt_check(&r, check);
        assert_true(receipt_check_same(check, check));
        for (const char *at = check; *at; at++)
            if (*at != '-')
                typed[n++] = *at == '0' ? 'o' : *at == '1' ? 'l' : (char)(*at | ('A' <= *at) << 5);
        typed[n] = '\0';
        assert_true(receipt_check_same(check, typed));
        typed[n - 1] = typed[n - 1] == 'x' ? 'y' : 'x';
        assert_false(receipt_check_same(check, typed));
        typed[n - 1] = '\0';
        assert_false(receipt_check_same(check, typed));
        assert_false(receipt_check_same(check, ""));
    }
}

/* Answers that say the same when written in a row are different lists. */
static void test_receipt__digest_tells_lists_apart(void **state)
{
    struct receipt r[2] = {0};
    struct receipt_answers a;
    (void)state;
    receipt_answers_begin(&a);
    receipt_answers_add(&a, "Q1", (const uint8_t *)"AB", 2);
    receipt_answers_end(&a, &r[0]);
    receipt_answers_begin(&a);
    receipt_answers_add(&a, "Q1A", (const uint8_t *)"B", 1);
    receipt_answers_end(&a, &r[1]);
    assert_memory_not_equal(r[0].digest, r[1].digest, HASH_BYTES);
    assert_int_equal(r[0].answers, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checkpoint__comes_back),
        cmocka_unit_test(test_checkpoint__no_bit_can_change),
        cmocka_unit_test(test_checkpoint__who_may_sign),
        cmocka_unit_test(test_checkpoint__a_revoked_key),
        cmocka_unit_test(test_checkpoint__keys_are_in_order),
        cmocka_unit_test(test_receipt__comes_back),
        cmocka_unit_test(test_receipt__form_is_fixed),
        cmocka_unit_test(test_receipt__no_bit_can_change),
        cmocka_unit_test(test_receipt__forged),
        cmocka_unit_test(test_receipt__a_typed_check),
        cmocka_unit_test(test_receipt__digest_tells_lists_apart),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
