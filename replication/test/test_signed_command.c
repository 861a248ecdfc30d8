/* Signed acts: what their person has said at that node on that connection, and nothing else (R4).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "admin.pb-c.h"
#include "signed_command.h"
#include "site_keys.h"

enum { PAYLOAD_MAX = 512 };

struct fixture {
    struct site_keys site;
    const struct key_file *person;
    uint8_t nonce[SIGN_NONCE_BYTES];
    uint8_t payload[PAYLOAD_MAX]; /* of a signed grant */
    size_t request_bytes, bytes;
};

static struct signed_command command_of(const struct fixture *f)
{
    return (struct signed_command){
        .node = "A", .nonce = f->nonce, .request = f->payload, .request_bytes = f->request_bytes};
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    Admin__Target target = ADMIN__TARGET__INIT;
    Admin__Grant grant = ADMIN__GRANT__INIT;
    Admin__Request request = ADMIN__REQUEST__INIT;
    char room[] = "R01", why[] = "screens flickered";

    if (f == NULL)
        return -1;
    site_keys_init(&f->site, 7);
    f->person = &f->site.own[SITE_PERSON];
    memset(f->nonce, 9, sizeof f->nonce);
    target.kind = EV__SCOPE_KIND__SCOPE_KIND_ROOM;
    target.name = room;
    grant.target = &target;
    grant.ms = 300000;
    grant.why = why;
    request.id = 3;
    request.kind_case = ADMIN__REQUEST__KIND_GRANT;
    request.grant = &grant;
    f->request_bytes = admin__request__pack(&request, f->payload);
    const struct signed_command c = command_of(f);
    signed_command_sign(&c, f->person, f->payload + f->request_bytes);
    f->bytes = f->request_bytes + SIGNED_TAIL_BYTES;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    site_keys_fini(&f->site);
    free(f);
    return 0;
}

static exam_err verify(const struct fixture *f, const struct signed_command *c,
                       const struct key_file *by)
{
    return signed_command_verify(c, by->sign_public, f->person->site_id,
                                 f->payload + f->request_bytes + 3);
}

/* The signature is the request's last field: a frame with it is a request that says the same. */
static void test_signed_command__is_the_last_field_of_a_request(void **state)
{
    struct fixture *f = *state;
    size_t request_bytes = 0;
    const uint8_t *signature = NULL;
    Admin__Request *m = admin__request__unpack(NULL, f->bytes, f->payload);

    assert_non_null(m);
    assert_int_equal(m->id, 3);
    assert_int_equal(m->grant->ms, 300000);
    assert_int_equal(m->signature.len, KEY_SIGNATURE_BYTES);
    assert_true(signed_command_split(f->payload, f->bytes, &request_bytes, &signature));
    assert_int_equal(request_bytes, f->request_bytes);
    assert_memory_equal(signature, m->signature.data, KEY_SIGNATURE_BYTES);
    admin__request__free_unpacked(m, NULL);
    assert_false(signed_command_split(f->payload, f->request_bytes, &request_bytes, &signature));
    for (size_t n = 0; n < f->bytes; n++) /* one that was cut off has none at its end */
        assert_false(signed_command_split(f->payload, n, &request_bytes, &signature));
}

/* Another person, node, connection, site, or another byte of the request: it was not said. */
static void test_signed_command__is_good_for_what_was_said_only(void **state)
{
    struct fixture *f = *state;
    struct signed_command c = command_of(f);
    uint8_t other_site[SITE_ID_BYTES] = {1};

    assert_int_equal(verify(f, &c, f->person), EXAM_OK);
    assert_int_equal(verify(f, &c, &f->site.own[SITE_SEAT]), EXAM_AUTH);
    assert_int_equal(signed_command_verify(&c, f->person->sign_public, other_site,
                                           f->payload + f->request_bytes + 3),
                     EXAM_AUTH);
    c.node = "B";
    assert_int_equal(verify(f, &c, f->person), EXAM_AUTH);
    c = command_of(f);
    f->nonce[31] ^= 1;
    assert_int_equal(verify(f, &c, f->person), EXAM_AUTH);
    f->nonce[31] ^= 1;
    for (size_t i = 0; i < f->request_bytes; i++) {
        f->payload[i] ^= 1;
        assert_int_equal(verify(f, &c, f->person), EXAM_AUTH);
        f->payload[i] ^= 1;
    }
    c.request_bytes--;
    assert_int_equal(verify(f, &c, f->person), EXAM_AUTH);
}

static Ev__CommandSigned event_of(struct fixture *f)
{
    Ev__CommandSigned e = EV__COMMAND_SIGNED__INIT;

    e.who = f->site.own[SITE_PERSON].name;
    e.node = f->site.own[SITE_NODE_A].name;
    e.key = (ProtobufCBinaryData){KEY_BYTES, f->site.own[SITE_PERSON].sign_public};
    e.nonce = (ProtobufCBinaryData){sizeof f->nonce, f->nonce};
    e.request = (ProtobufCBinaryData){f->request_bytes, f->payload};
    e.signature = (ProtobufCBinaryData){KEY_SIGNATURE_BYTES, f->payload + f->request_bytes + 3};
    return e;
}

/* A reader of the log needs the roster only; a key that was revoked since has signed all the same.
 */
static void test_signed_command__can_be_checked_later(void **state)
{
    struct fixture *f = *state;
    struct key_roster *r = f->site.roster;
    Ev__CommandSigned e = event_of(f);
    char another[] = "wang";

    assert_int_equal(signed_command_check(&e, r), EXAM_OK);
    key_roster_next(r);
    assert_int_equal(key_roster_revoke(r, "operator", KEY_PERSON), EXAM_OK);
    assert_int_equal(signed_command_check(&e, r), EXAM_OK);
    e.who = another;
    assert_int_equal(signed_command_check(&e, r), EXAM_NOT_FOUND);
    e = event_of(f);
    e.key.data = f->site.own[SITE_SEAT].sign_public; /* no person's */
    assert_int_equal(signed_command_check(&e, r), EXAM_NOT_FOUND);
    e = event_of(f);
    f->payload[f->request_bytes - 1] ^= 1;
    assert_int_equal(signed_command_check(&e, r), EXAM_AUTH);
}

/* The digest of what goes ahead of an act knows its parts, their order and their bounds, and
 * nothing of their signatures. */
static void test_signed_command_chain__knows_every_part(void **state)
{
    struct fixture *f = *state;
    uint8_t a[HASH_BYTES] = {0}, b[HASH_BYTES] = {0};

    signed_command_chain(a, f->payload, f->bytes);
    signed_command_chain(b, f->payload, f->request_bytes);
    assert_memory_equal(a, b, HASH_BYTES);
    signed_command_chain(a, (const uint8_t *)"ab", 2);
    signed_command_chain(a, (const uint8_t *)"c", 1);
    signed_command_chain(b, (const uint8_t *)"a", 1);
    signed_command_chain(b, (const uint8_t *)"bc", 2);
    assert_memory_not_equal(a, b, HASH_BYTES);
}

#define WITH_SITE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SITE(test_signed_command__is_the_last_field_of_a_request),
        WITH_SITE(test_signed_command__is_good_for_what_was_said_only),
        WITH_SITE(test_signed_command__can_be_checked_later),
        WITH_SITE(test_signed_command_chain__knows_every_part),
    };

    return cmocka_run_group_tests_name("signed_command", tests, NULL, NULL);
}
