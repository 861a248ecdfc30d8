#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "admin_client.h"
#include "exam_limits.h"
#include "fake_node.h"

enum { TIMEOUT_MS = 5000, SHORT_TIMEOUT_MS = 200 };

struct fixture {
    struct fake_node *fake;
    struct fake_seen seen;
    struct admin_client *client;
    struct node_address address;
};

static void begin(struct fixture *f, const struct fake_script *script, uint64_t timeout_ms)
{
    struct node_address_list list = {.at = &f->address, .room = 1};
    char text[32];

    f->fake = fake_node_start(script);
    assert_non_null(f->fake);
    snprintf(text, sizeof text, "127.0.0.1:%u", fake_node_port(f->fake));
    assert_int_equal(node_address_list_parse(text, &list, NULL), EXAM_OK);
    assert_int_equal(admin_client_new(timeout_ms, NULL, &f->client), EXAM_OK);
}

static void end(struct fixture *f)
{
    admin_client_free(f->client);
    fake_node_stop(f->fake, &f->seen);
}

static exam_err ask_status(struct fixture *f, const Admin__Reply **reply)
{
    Admin__Status status = ADMIN__STATUS__INIT;
    Admin__Request request = ADMIN__REQUEST__INIT;

    request.kind_case = ADMIN__REQUEST__KIND_STATUS;
    request.status = &status;
    return admin_client_ask(f->client, &request, reply);
}

static exam_err ask_results(struct fixture *f, const Admin__Reply **reply)
{
    char batch[] = "B1";
    Admin__Results results = ADMIN__RESULTS__INIT;
    Admin__Request request = ADMIN__REQUEST__INIT;

    results.batch = batch;
    request.kind_case = ADMIN__REQUEST__KIND_RESULTS;
    request.results = &results;
    return admin_client_ask(f->client, &request, reply);
}

/* Greets, and then answers come to what was asked. */
static void test_admin_client__talks_to_a_node(void **state)
{
    const struct fake_script script = {.node = "A", .role = ADMIN__ROLE__ROLE_PRIMARY, .epoch = 3};
    struct fixture f;
    const Admin__Reply *reply;
    unsigned n = 0;
    exam_err err;

    (void)state;
    begin(&f, &script, TIMEOUT_MS);
    assert_int_equal(admin_client_open(f.client, &f.address, "me"), EXAM_OK);
    assert_string_equal(admin_client_node(f.client), "A");
    assert_int_equal(ask_status(&f, &reply), EXAM_OK);
    assert_int_equal(reply->kind_case, ADMIN__REPLY__KIND_NODE_STATUS);
    assert_int_equal(reply->node_status->epoch, 3);
    err = ask_results(&f, &reply);
    while (err == EXAM_OK && reply->more) {
        n++;
        err = admin_client_next(f.client, &reply);
    }
    assert_int_equal(err, EXAM_OK);
    assert_int_equal(n, 3);
    end(&f);
    assert_int_equal(f.seen.connections, 1);
}

/* Nobody listens: an error at once, with the address in it. */
static void test_admin_client__tells_of_a_closed_port(void **state)
{
    const struct fake_script script = {.node = "A"};
    struct fixture f;

    (void)state;
    begin(&f, &script, TIMEOUT_MS);
    fake_node_stop(f.fake, &f.seen);
    assert_int_equal(admin_client_open(f.client, &f.address, "me"), EXAM_CONN);
    assert_non_null(strstr(admin_client_why(f.client), f.address.text));
    admin_client_free(f.client);
}

/* Another version is named as such, from either side's message. */
static void test_admin_client__tells_of_another_version(void **state)
{
    const struct fake_script welcomes = {.node = "A", .version = ADMIN_VERSION + 1};
    const struct fake_script refuses = {.node = "A", .mode = FAKE_REFUSES_HELLO};
    struct fixture f;

    (void)state;
    begin(&f, &welcomes, TIMEOUT_MS);
    assert_int_equal(admin_client_open(f.client, &f.address, "me"), EXAM_VERSION);
    assert_non_null(strstr(admin_client_why(f.client), "speaks version 2"));
    end(&f);
    begin(&f, &refuses, TIMEOUT_MS);
    assert_int_equal(admin_client_open(f.client, &f.address, "me"), EXAM_VERSION);
    end(&f);
}

/* A frozen node costs the time limit, not for ever; nor does one that sends a byte now and then. */
static void test_admin_client__gives_up_on_silence(void **state)
{
    const struct fake_script silent = {.node = "A", .mode = FAKE_SILENT};
    const struct fake_script trickle = {.node = "A", .mode = FAKE_TRICKLE};
    struct fixture f;

    (void)state;
    begin(&f, &silent, SHORT_TIMEOUT_MS);
    assert_int_equal(admin_client_open(f.client, &f.address, "me"), EXAM_TIMEOUT);
    assert_non_null(strstr(admin_client_why(f.client), "did not reply in time"));
    end(&f);
    begin(&f, &trickle, SHORT_TIMEOUT_MS);
    assert_int_equal(admin_client_open(f.client, &f.address, "me"), EXAM_TIMEOUT);
    end(&f);
}

/* A connection that ends within a long answer is an error, not the answer's end. */
static void test_admin_client__notices_an_answer_cut_off(void **state)
{
    const struct fake_script script = {.node = "A", .mode = FAKE_CUT_OFF};
    struct fixture f;
    const Admin__Reply *reply;
    unsigned n = 0;
    exam_err err;

    (void)state;
    begin(&f, &script, TIMEOUT_MS);
    assert_int_equal(admin_client_open(f.client, &f.address, "me"), EXAM_OK);
    for (err = ask_results(&f, &reply); err == EXAM_OK; err = admin_client_next(f.client, &reply)) {
        assert_true(reply->more);
        n++;
    }
    assert_int_equal(err, EXAM_CONN);
    assert_int_equal(n, 2);
    assert_int_equal(admin_client_next(f.client, &reply), EXAM_CONN); /* it stays closed */
    end(&f);
}

/* A reply to something else is not taken for the answer. */
static void test_admin_client__refuses_a_reply_to_another_request(void **state)
{
    const struct fake_script script = {.node = "A", .mode = FAKE_WRONG_ID};
    struct fixture f;

    (void)state;
    begin(&f, &script, TIMEOUT_MS);
    assert_int_equal(admin_client_open(f.client, &f.address, "me"), EXAM_MALFORMED);
    end(&f);
}

/* Whatever bytes come, the client ends with an error and says that this is no node. */
static void test_admin_client__survives_random_bytes(void **state)
{
    enum { ROUNDS = 40 };
    const char *given = getenv("EXAM_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : 20260101u;

    (void)state;
    print_message("seed %llu (again: EXAM_SEED=%llu)\n", (unsigned long long)seed,
                  (unsigned long long)seed);
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct fake_script script = {.node = "A", .mode = FAKE_RANDOM, .seed = seed + i};
        struct fixture f;
        exam_err err;

        begin(&f, &script, TIMEOUT_MS);
        err = admin_client_open(f.client, &f.address, "me");
        if (err != EXAM_MALFORMED && err != EXAM_TOO_BIG)
            fail_msg("round %u: error %d (%s)", i, (int)err, admin_client_why(f.client));
        assert_non_null(strstr(admin_client_why(f.client), "is the port right?"));
        end(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_admin_client__talks_to_a_node),
        cmocka_unit_test(test_admin_client__tells_of_a_closed_port),
        cmocka_unit_test(test_admin_client__tells_of_another_version),
        cmocka_unit_test(test_admin_client__gives_up_on_silence),
        cmocka_unit_test(test_admin_client__notices_an_answer_cut_off),
        cmocka_unit_test(test_admin_client__refuses_a_reply_to_another_request),
        cmocka_unit_test(test_admin_client__survives_random_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
