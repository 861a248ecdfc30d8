#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "witness.h"

static struct witness_faults faults;
static struct witness w;

static int setup(void **state)
{
    (void)state;
    memset(&faults, 0, sizeof faults);
    witness_init(&w, "R01-01", false, &faults);
    return 0;
}

static void account(uint64_t used_ms, uint64_t lost_ms, uint64_t sent_ms, uint64_t received_ms)
{
    struct witness_account a = {
        .allot_ms = 60000, .used_ms = used_ms, .left_ms = 60000 - used_ms, .lost_ms = lost_ms};
    witness_see_account(&w, &a, sent_ms, received_ms);
}

/* A history that the rules allow, with a failover after a lock, raises nothing. */
static void test_witness__honest_history(void **state)
{
    (void)state;
    account(0, 0, 100, 105);
    witness_see_acked(&w, 1, true, 1);
    witness_see_mark(&w, 1000, 59000, 0, 1102, 1106);
    witness_see_mark(&w, 2000, 58000, 0, 2102, 2110);
    account(17000, 32000, 49000, 49120);
    witness_see_attached(&w, 1, 1);
    assert_int_equal(faults.count, 0);
}

/* A2: a node that has less than it acknowledged is caught. */
static void test_witness__acknowledged_answer_is_missing(void **state)
{
    (void)state;
    account(0, 0, 100, 105);
    witness_see_acked(&w, 7, true, 1);
    witness_see_mark(&w, 10, 59990, 0, 110, 116);
    witness_see_attached(&w, 7, 1);
    assert_int_equal(faults.count, 0);
    witness_see_attached(&w, 6, 1);
    assert_int_equal(faults.count, 1);
    assert_non_null(strstr(faults.text[0], "A2"));
}

/* A1: a successor may lack what was saved on its predecessor only; that one itself may not. */
static void test_witness__solo_answer_is_missing(void **state)
{
    (void)state;
    witness_see_acked(&w, 5, true, 1);
    witness_see_acked(&w, 7, false, 1);
    witness_see_attached(&w, 5, 2);
    assert_int_equal(faults.count, 0);
    witness_see_attached(&w, 6, 1);
    assert_int_equal(faults.count, 1);
    witness_see_attached(&w, 4, 2);
    assert_int_equal(faults.count, 2);
}

/* With one node there is nobody else who could have it. */
static void test_witness__sole_node_lacks_a_solo_answer(void **state)
{
    (void)state;
    witness_init(&w, "R01-01", true, &faults);
    witness_see_acked(&w, 7, false, 1);
    witness_see_attached(&w, 6, 2);
    assert_int_equal(faults.count, 1);
}

/* The sum of used and left is checked in accounts and in acknowledgements. */
static void test_witness__sum_does_not_hold(void **state)
{
    (void)state;
    account(0, 0, 100, 105);
    witness_see_acked(&w, 1, true, 1);
    witness_see_mark(&w, 10, 59991, 0, 110, 116);
    assert_int_equal(faults.count, 1);
    struct witness_account a = {
        .allot_ms = 60000, .grants_ms = 500, .used_ms = 20, .left_ms = 59980};
    witness_see_account(&w, &a, 130, 131);
    assert_int_equal(faults.count, 2);
}

/* Used time never goes back. */
static void test_witness__used_goes_back(void **state)
{
    (void)state;
    account(5000, 0, 10000, 10001);
    witness_see_acked(&w, 1, true, 1);
    witness_see_mark(&w, 4999, 55001, 0, 10002, 10003);
    assert_int_equal(faults.count, 1);
}

/* T2: used that runs ahead of the seat's own clock is caught, by one millisecond over the slack. */
static void test_witness__clock_runs_too_fast(void **state)
{
    (void)state;
    account(1000, 0, 5000, 5002);
    witness_see_acked(&w, 1, true, 1);
    witness_see_mark(&w, 2000 + WITNESS_CLOCK_SLACK_MS, 58000 - WITNESS_CLOCK_SLACK_MS, 0, 5990,
                     6000);
    assert_int_equal(faults.count, 0);
    witness_see_acked(&w, 2, true, 1);
    witness_see_mark(&w, 3001 + WITNESS_CLOCK_SLACK_MS, 56999 - WITNESS_CLOCK_SLACK_MS, 0, 6990,
                     7000);
    assert_int_equal(faults.count, 1);
    assert_non_null(strstr(faults.text[0], "T2"));
}

/* T7: a mark that the node calls old says what was used then; what has run since comes later. */
static void test_witness__old_mark(void **state)
{
    (void)state;
    account(1000, 0, 5000, 5002);
    witness_see_mark(&w, 2000, 58000, 400, 6400, 6400);
    witness_see_mark(&w, 3000, 57000, 0, 7000, 7000);
    assert_int_equal(faults.count, 0);
    witness_see_mark(&w, 3001 + WITNESS_CLOCK_SLACK_MS, 56999 - WITNESS_CLOCK_SLACK_MS, 0, 7000,
                     7000);
    assert_int_equal(faults.count, 1);
}

/* What has been credited is never taken back. */
static void test_witness__lost_goes_back(void **state)
{
    (void)state;
    account(1000, 400, 5000, 5001);
    account(1000, 400, 5000, 5002);
    assert_int_equal(faults.count, 0);
    account(1000, 399, 5000, 5003);
    assert_int_equal(faults.count, 1);
}

/* More faults than are kept as text are still counted. */
static void test_witness__counts_all_faults(void **state)
{
    (void)state;
    witness_see_acked(&w, 9, true, 1);
    witness_see_mark(&w, 0, 60000, 0, 1, 2);
    for (int i = 0; i < 10; i++)
        witness_see_attached(&w, 0, 1);
    assert_int_equal(faults.count, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_witness__honest_history, setup),
        cmocka_unit_test_setup(test_witness__acknowledged_answer_is_missing, setup),
        cmocka_unit_test_setup(test_witness__solo_answer_is_missing, setup),
        cmocka_unit_test_setup(test_witness__sole_node_lacks_a_solo_answer, setup),
        cmocka_unit_test_setup(test_witness__sum_does_not_hold, setup),
        cmocka_unit_test_setup(test_witness__used_goes_back, setup),
        cmocka_unit_test_setup(test_witness__clock_runs_too_fast, setup),
        cmocka_unit_test_setup(test_witness__old_mark, setup),
        cmocka_unit_test_setup(test_witness__lost_goes_back, setup),
        cmocka_unit_test_setup(test_witness__counts_all_faults, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
