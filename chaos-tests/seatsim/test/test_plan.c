#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "plan.h"

static struct plan plan;
static char said[2000];

static int setup(void **state)
{
    (void)state;
    said[0] = '\0';
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    plan_free(&plan);
    return 0;
}

static void say(void *ctx, uint32_t line, const char *what)
{
    (void)ctx;
    size_t n = strlen(said);
    snprintf(said + n, sizeof said - n, "%u: %s\n", line, what);
}

static exam_err read(const char *text)
{
    return plan_read(&plan, text, strlen(text), 2, say, NULL);
}

/* Each kind of act, with its time, its seats, its path and its length. */
static void test_plan__reads_every_kind(void **state)
{
    (void)state;
    assert_int_equal(read("# a comment\n"
                          "0:02.500 power 10% for 0:03\n"
                          "\n"
                          "0:03 cut R01-01,R02-* from 2 until @healed  # a comment\n"
                          "@go reset all for 1:00\n"
                          "0:05 move R01-03 to R01-41"),
                     EXAM_OK);
    assert_int_equal(plan.n, 4);
    assert_int_equal(plan.act[0].kind, PLAN_POWER);
    assert_int_equal(plan.act[0].line, 2);
    assert_int_equal(plan.act[0].when.ms, 2500);
    assert_int_equal(plan.act[0].percent, 10);
    assert_int_equal(plan.act[0].how_long.ms, 3000);
    assert_int_equal(plan.act[1].kind, PLAN_CUT);
    assert_int_equal(plan.act[1].node, 2);
    assert_string_equal(plan.act[1].how_long.file, "healed");
    assert_true(plan_act_names(&plan.act[1], "R01-01"));
    assert_true(plan_act_names(&plan.act[1], "R02-17"));
    assert_false(plan_act_names(&plan.act[1], "R01-02"));
    assert_false(plan_act_names(&plan.act[1], "R01-011"));
    assert_int_equal(plan.act[2].kind, PLAN_RESET);
    assert_string_equal(plan.act[2].when.file, "go");
    assert_int_equal(plan.act[2].percent, 100);
    assert_int_equal(plan.act[3].kind, PLAN_MOVE);
    assert_string_equal(plan.act[3].spare, "R01-41");
    assert_string_equal(said, "");
}

/* Each error is told with its line, and the others are found all the same. */
static void test_plan__tells_every_error(void **state)
{
    (void)state;
    assert_int_equal(read("soon power all for 0:01\n"
                          "0:01 burn all for 0:01\n"
                          "0:01 power 0% for 0:01\n"
                          "0:01 power 101% for 0:01\n"
                          "0:01 power all\n"
                          "0:01 power all from 1 for 0:01\n"
                          "0:01 cut all from 3 for 0:01\n"
                          "0:01 cut all until 0:05\n"
                          "0:01 move 10% to R01-41\n"
                          "0:01 move R01-01 R01-41\n"
                          "0:01 cut all for 0:01 please\n"
                          "@ cut all for 0:01\n"),
                     EXAM_INVALID);
    assert_int_equal(plan.n, 0);
    for (uint32_t line = 1; line <= 12; line++) {
        char at[20];
        snprintf(at, sizeof at, "%s%u: ", line > 1 ? "\n" : "", line);
        assert_non_null(strstr(said, at));
    }
}

/* Names must be seats of the run; a spare seat must be nobody's, and is given once. */
static void test_plan__names_must_be_seats(void **state)
{
    static const char *const seats[] = {"R01-01", "R01-02"};
    (void)state;
    assert_int_equal(read("0:01 cut R01-01,R01-77 for 0:01\n"
                          "0:01 power R02-* for 0:01\n"
                          "0:01 move R01-01 to R01-02\n"
                          "0:01 move R01-01 to R01-41\n"
                          "0:01 move R01-02 to R01-41\n"
                          "0:01 power all for 0:01\n"),
                     EXAM_OK);
    assert_int_equal(plan_check_seats(&plan, seats, 2, say, NULL), EXAM_INVALID);
    assert_non_null(strstr(said, "1: no candidate of this run sits at R01-77\n"));
    assert_non_null(strstr(said, "2: no candidate of this run sits at R02-*\n"));
    assert_non_null(strstr(said, "3: R01-02 is no spare seat"));
    assert_null(strstr(said, "4: "));
    assert_non_null(strstr(said, "5: R01-41 is no spare seat"));
    assert_null(strstr(said, "6: "));
}

/* What is drawn is about as much as was asked for, within the time, the same for the same seed. */
static void test_plan__draws_by_seed(void **state)
{
    enum { SEATS = 200 };
    static char name[SEATS][16];
    static const char *seats[SEATS];
    struct plan again = {0}, other = {0};
    (void)state;
    for (int i = 0; i < SEATS; i++) {
        snprintf(name[i], sizeof name[i], "S%03d", i);
        seats[i] = name[i];
    }
    assert_int_equal(plan_draw(&plan, 7, 2, 60000, seats, SEATS, 2), EXAM_OK);
    assert_int_equal(plan_draw(&again, 7, 2, 60000, seats, SEATS, 2), EXAM_OK);
    assert_int_equal(plan_draw(&other, 8, 2, 60000, seats, SEATS, 2), EXAM_OK);
    assert_in_range(plan.n, 2 * SEATS * 3 / 4, 2 * SEATS * 5 / 4);
    assert_int_equal(plan.n, again.n);
    assert_memory_equal(plan.act, again.act, plan.n * sizeof *plan.act);
    assert_true(other.n != plan.n || memcmp(other.act, plan.act, plan.n * sizeof *plan.act) != 0);
    for (uint32_t i = 0; i < plan.n; i++) {
        assert_true(plan.act[i].when.ms < 60000);
        assert_true(plan.act[i].how_long.ms > 0);
        assert_true(plan.act[i].node <= 2);
    }
    plan_free(&again);
    plan_free(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_plan__reads_every_kind, setup, teardown),
        cmocka_unit_test_setup_teardown(test_plan__tells_every_error, setup, teardown),
        cmocka_unit_test_setup_teardown(test_plan__names_must_be_seats, setup, teardown),
        cmocka_unit_test_setup_teardown(test_plan__draws_by_seed, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
