/* What waits for a second person (P2): bounded, for a while, and never by mistake another one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "proposals.h"
#include "site_keys.h"

enum { NOW_MS = 5000 };

static struct site_keys site;

/* A signed request of a person of that name. */
static void signed_by(const char *who, uint8_t text, struct admin_signed *out)
{
    uint8_t payload[16 + SIGNED_TAIL_BYTES], nonce[SIGN_NONCE_BYTES] = {1};
    struct key_file k = site.own[SITE_PERSON];
    struct key_entry person;
    struct exam_refusal why;

    memset(payload, text, 16);
    const struct signed_command c = {
        .node = "A", .nonce = nonce, .request = payload, .request_bytes = 16};
    signed_command_sign(&c, &k, payload + 16);
    snprintf(k.name, sizeof k.name, "%s", who);
    key_entry_of(&k, &person);
    const struct admin_signed_by by = {
        .person = &person, .site_id = k.site_id, .node = "A", .nonce = nonce};
    assert_int_equal(admin_signed_take(&by, payload, sizeof payload, out, &why), EXAM_OK);
}

static exam_err add(struct proposals *p, uint64_t now_ms, uint32_t number, const char *who)
{
    static struct admin_signed first;
    struct proposal *one;

    signed_by(who, (uint8_t)number, &first);
    exam_err err = proposals_add(p, now_ms, number, &first, NULL, &one);
    if (!err) {
        assert_int_equal(one->number, number);
        assert_string_equal(one->first.event.who, who);
        assert_ptr_equal(one->first.event.request.data, one->first.request); /* its own copy */
    }
    return err;
}

/* What a person has signed is kept as it was said; unsigned, changed and too long ones are not. */
static void test_admin_signed__keeps_what_was_said(void **state)
{
    static uint8_t payload[SIGNED_REQUEST_BYTES_MAX + 1 + SIGNED_TAIL_BYTES];
    static struct admin_signed s, copy;
    uint8_t nonce[SIGN_NONCE_BYTES] = {1}, digest[HASH_BYTES], expected[HASH_BYTES];
    const struct key_file *k = &site.own[SITE_PERSON];
    const struct key_entry *person = key_roster_find_name(site.roster, KEY_PERSON, k->name);
    const struct admin_signed_by by = {
        .person = person, .site_id = k->site_id, .node = "A", .nonce = nonce};
    struct signed_command c = {.node = "A", .nonce = nonce, .request = payload};
    struct exam_refusal why;

    (void)state;
    for (c.request_bytes = 16; c.request_bytes <= sizeof payload - SIGNED_TAIL_BYTES;
         c.request_bytes += sizeof payload - SIGNED_TAIL_BYTES - 16) {
        bool fits = c.request_bytes <= SIGNED_REQUEST_BYTES_MAX;
        size_t bytes = c.request_bytes + SIGNED_TAIL_BYTES;
        signed_command_sign(&c, k, payload + c.request_bytes);
        assert_int_equal(admin_signed_take(&by, payload, bytes, &s, &why),
                         fits ? EXAM_OK : EXAM_TOO_BIG);
        payload[3] ^= 1;
        assert_int_equal(admin_signed_take(&by, payload, bytes, &s, &why), EXAM_AUTH);
        assert_string_equal(why.rule, "R4");
        payload[3] ^= 1;
        assert_int_equal(admin_signed_take(&by, payload, bytes - 1, &s, &why), EXAM_AUTH);
        assert_int_equal(admin_signed_take(&by, payload, 0, &s, &why), EXAM_AUTH);
    }
    admin_signed_copy(&copy, &s);
    memset(&s, 0, sizeof s);
    assert_string_equal(copy.event.who, "operator");
    assert_int_equal(signed_command_check(&copy.event, site.roster), EXAM_OK);
    admin_signed_digest(&copy, digest);
    crypto_generichash(expected, sizeof expected, payload, 16, NULL, 0);
    assert_memory_equal(digest, expected, sizeof digest);
}

/* They are found by their number, for a quarter of an hour. */
static void test_proposals__expire(void **state)
{
    struct proposals p = {.n = 0};

    (void)state;
    assert_int_equal(add(&p, NOW_MS, 4711, "wang"), EXAM_OK);
    assert_int_equal(add(&p, NOW_MS + 1000, 4712, "wang"), EXAM_OK);
    assert_int_equal(add(&p, NOW_MS + 1000, 4712, "li"), EXAM_EXISTS);
    assert_null(proposals_find(&p, NOW_MS, 4713));
    assert_non_null(proposals_find(&p, NOW_MS + PROPOSAL_EXPIRES_MS - 1, 4711));
    assert_null(proposals_find(&p, NOW_MS + PROPOSAL_EXPIRES_MS, 4711));
    assert_non_null(proposals_find(&p, NOW_MS + PROPOSAL_EXPIRES_MS, 4712));
    proposals_expire(&p, NOW_MS + 1000 + PROPOSAL_EXPIRES_MS);
    assert_int_equal(p.n, 0);
}

/* One that was carried out or rejected is gone, and no other one with it. */
static void test_proposals__go_one_by_one(void **state)
{
    struct proposals p = {.n = 0};

    (void)state;
    for (uint32_t i = 1; i <= 3; i++)
        assert_int_equal(add(&p, NOW_MS, i, "wang"), EXAM_OK);
    proposals_drop(&p, proposals_find(&p, NOW_MS, 2));
    assert_null(proposals_find(&p, NOW_MS, 2));
    assert_non_null(proposals_find(&p, NOW_MS, 1));
    assert_non_null(proposals_find(&p, NOW_MS, 3));
    proposals_clear(&p);
    assert_int_equal(p.n, 0);
}

/* Nobody fills the list: neither one person nor all of them. */
static void test_proposals__are_bounded(void **state)
{
    struct proposals p = {.n = 0};
    char who[16];
    uint32_t number = 1;

    (void)state;
    for (uint32_t person = 0; person < PROPOSALS_MAX / PROPOSALS_OF_ONE_MAX; person++) {
        snprintf(who, sizeof who, "p%u", person);
        for (int i = 0; i < PROPOSALS_OF_ONE_MAX; i++)
            assert_int_equal(add(&p, NOW_MS, number++, who), EXAM_OK);
        assert_int_equal(add(&p, NOW_MS, number++, who), EXAM_FULL);
    }
    assert_int_equal(add(&p, NOW_MS, number, "another"), EXAM_FULL);
    assert_int_equal(add(&p, NOW_MS + PROPOSAL_EXPIRES_MS, number, "another"), EXAM_OK);
    proposals_clear(&p);
}

static struct import_stage *stage(void)
{
    Admin__ImportBegin begin = ADMIN__IMPORT_BEGIN__INIT;
    Admin__Request request = ADMIN__REQUEST__INIT;
    struct import_stage *g;
    uint8_t bytes[64];
    char batch[] = "B1";

    begin.batch = batch;
    request.kind_case = ADMIN__REQUEST__KIND_IMPORT_BEGIN;
    request.import_begin = &begin;
    size_t n = admin__request__pack(&request, bytes);
    assert_int_equal(import_stage_new(bytes, n, &g), EXAM_OK);
    return g;
}

/* Imports take memory: fewer of them wait, and they go with their proposal. */
static void test_proposals__own_their_imports(void **state)
{
    static struct admin_signed first;
    struct proposals p = {.n = 0};
    struct proposal *one;

    (void)state;
    for (uint32_t i = 0; i < PROPOSED_IMPORTS_MAX; i++) {
        signed_by(i % 2 ? "li" : "wang", 1, &first);
        assert_int_equal(proposals_add(&p, NOW_MS, i, &first, stage(), &one), EXAM_OK);
    }
    struct import_stage *more = stage();
    assert_int_equal(proposals_add(&p, NOW_MS, 77, &first, more, &one), EXAM_FULL);
    import_stage_free(more); /* still the caller's */
    assert_int_equal(add(&p, NOW_MS, 78, "li"), EXAM_OK);
    proposals_clear(&p);
}

/* What waits, by the site's configuration: from the limit on, in both directions. */
static void test_proposal_is_due__as_configured(void **state)
{
    struct exam_command grant = {.kind = EXAM_CMD_GRANT}, import = {.kind = EXAM_CMD_IMPORT};
    const struct exam_command pause = {.kind = EXAM_CMD_PAUSE};
    static const int64_t limits[] = {600000, -600000};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        grant.u.grant.ms = limits[i];
        assert_true(proposal_is_due(CONFIG_TWO_GRANT, 600000, &grant));
        assert_false(proposal_is_due(CONFIG_TWO_IMPORT, 600000, &grant));
        grant.u.grant.ms = limits[i] + (i ? 1 : -1);
        assert_false(proposal_is_due(CONFIG_TWO_GRANT, 600000, &grant));
        assert_true(proposal_is_due(CONFIG_TWO_GRANT, 0, &grant));
    }
    grant.u.grant.ms = INT64_MIN;
    assert_true(proposal_is_due(CONFIG_TWO_GRANT, UINT64_C(1) << 63, &grant));
    assert_true(proposal_is_due(CONFIG_TWO_IMPORT, 0, &import));
    assert_false(proposal_is_due(CONFIG_TWO_GRANT, 0, &import));
    assert_false(proposal_is_due(CONFIG_TWO_GRANT | CONFIG_TWO_IMPORT, 0, &pause));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_admin_signed__keeps_what_was_said),
        cmocka_unit_test(test_proposals__expire),
        cmocka_unit_test(test_proposals__go_one_by_one),
        cmocka_unit_test(test_proposals__are_bounded),
        cmocka_unit_test(test_proposals__own_their_imports),
        cmocka_unit_test(test_proposal_is_due__as_configured),
    };

    site_keys_init(&site, 7);
    int failed = cmocka_run_group_tests_name("proposals", tests, NULL, NULL);
    site_keys_fini(&site);
    return failed;
}
