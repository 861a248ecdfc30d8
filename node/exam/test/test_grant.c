/* Granted time (T9), postponement (T13) and violations (R3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "seats.h"

static const struct site_plan PLAN = {.batch = "B1",
                                      .room = "R1",
                                      .room_seats = 4,
                                      .sittings = 3,
                                      .first_no = 1001,
                                      .allot_ms = MS(60, 0, 0)};

struct drill {
    struct site *t;
    struct seats w;
};

static int setup(void **state)
{
    static struct drill d;

    d.t = site_new();
    site_plan_batch(d.t, &PLAN);
    seats_init(&d.w, d.t, 3, 1001);
    seats_start(&d.w, "B1");
    *state = &d;
    return 0;
}

static int teardown(void **state)
{
    struct drill *d = *state;

    site_expect_replicates(d->t);
    site_free(d->t);
    return 0;
}

static void expect_refused(const struct site *t, exam_err err, const char *rule, const char *says)
{
    assert_int_not_equal(err, EXAM_OK);
    assert_string_equal(t->why.rule, rule);
    if (!strstr(t->why.text, says))
        fail_msg("\"%s\" does not say \"%s\"", t->why.text, says);
}

/* Drill 10: a grant moves the end; after a time-out it opens the sitting again, and the stretch in
 * between is lost. */
static void test_t9__a_grant_opens_a_timed_out_sitting_again(void **state)
{
    struct drill *d = *state;

    seats_go(&d->w, MS(5, 0, 0));
    seats_sign_in(&d->w, 1001);
    seats_go(&d->w, MS(8, 0, 0));
    assert_int_equal(seats_grant(&d->w, "1001", MS(3, 0, 0)), EXAM_OK);
    seats_go(&d->w, MS(9, 0, 0));
    site_expect(d->t, 1, MS(9, 0, 0), MS(54, 0, 0), 0);
    seats_go(&d->w, MS(62, 59, 999));
    assert_int_equal(site_view(d->t, 1).state, EXAM_SITTING_ANSWERING);
    seats_go(&d->w, MS(63, 0, 0));
    assert_int_equal(site_view(d->t, 1).finish, EV__FINISH__FINISH_TIMED_OUT);
    seats_go(&d->w, MS(64, 0, 0));
    assert_int_equal(seats_grant(&d->w, "1001", MS(2, 0, 0)), EXAM_OK);
    assert_int_equal(site_batch(d->t, 1).state, EXAM_BATCH_RUNNING); /* it had ended */
    seats_go(&d->w, MS(65, 0, 0));
    site_expect(d->t, 1, MS(64, 0, 0), MS(1, 0, 0), MS(1, 0, 0));
    assert_int_equal(site_view(d->t, 1).state, EXAM_SITTING_ANSWERING);
    seats_go(&d->w, MS(66, 0, 0));
    site_expect(d->t, 1, MS(65, 0, 0), 0, MS(1, 0, 0));
    assert_int_equal(site_view(d->t, 1).finish_ms, MS(66, 0, 0));
}

/* One who never came opens again, too, and is expected as before. */
static void test_t9__an_absent_candidate_is_expected_again(void **state)
{
    struct drill *d = *state;

    seats_go(&d->w, MS(62, 0, 0));
    assert_int_equal(site_view(d->t, 2).finish, EV__FINISH__FINISH_ABSENT);
    assert_int_equal(seats_grant(&d->w, "1002", MS(5, 0, 0)), EXAM_OK);
    assert_int_equal(site_view(d->t, 2).state, EXAM_SITTING_EXPECTED);
    seats_go(&d->w, MS(63, 0, 0));
    seats_sign_in(&d->w, 1002);
    site_expect(d->t, 2, MS(61, 0, 0), MS(4, 0, 0), MS(2, 0, 0));
    seats_go(&d->w, MS(67, 0, 0));
    assert_int_equal(site_view(d->t, 2).finish, EV__FINISH__FINISH_TIMED_OUT);
}

/* A sitting that opens again while it is paused stands until the resume. */
static void test_t9__reopened_under_a_pause(void **state)
{
    struct drill *d = *state;

    seats_sign_in(&d->w, 1001);
    seats_go(&d->w, MS(60, 0, 0));
    assert_int_equal(seats_pause(&d->w, "R1-01"), EXAM_OK);
    seats_go(&d->w, MS(61, 0, 0));
    assert_int_equal(seats_grant(&d->w, "1001", MS(1, 0, 0)), EXAM_OK);
    assert_int_equal(site_view(d->t, 1).state, EXAM_SITTING_PAUSED);
    seats_go(&d->w, MS(62, 0, 0));
    assert_int_equal(seats_resume(&d->w, "R1-01"), EXAM_OK);
    seats_go(&d->w, MS(62, 30, 0));
    site_expect(d->t, 1, MS(60, 30, 0), MS(0, 30, 0), MS(2, 0, 0));
}

/* A grant to a room goes to the batch that holds it, one to a batch to all of it. */
static void test_t9__room_and_batch(void **state)
{
    struct drill *d = *state;
    struct site_plan p = PLAN;

    p.batch = "B2"; /* in the same room, later */
    p.first_no = 2001;
    site_plan_batch(d->t, &p);
    seats_sign_in(&d->w, 1001);
    seats_go(&d->w, MS(1, 0, 0));
    assert_int_equal(seats_grant(&d->w, "R1", MS(1, 0, 0)), EXAM_OK);
    assert_int_equal(seats_grant(&d->w, "B1", MS(2, 0, 0)), EXAM_OK);
    for (uint32_t no = 1; no <= 3; no++)
        assert_int_equal(site_view(d->t, no).account.grants_ms, MS(3, 0, 0));
    for (uint32_t no = 4; no <= 6; no++)
        assert_int_equal(site_view(d->t, no).account.grants_ms, 0);
    assert_int_equal(seats_grant(&d->w, "B2", MS(4, 0, 0)), EXAM_OK); /* before its start */
    assert_int_equal(site_view(d->t, 4).account.left_ms, MS(64, 0, 0));
}

/* A mistaken grant is reversed by one of opposite sign: never more than was granted, and never
 * below 0 left. */
static void test_t9__reversal(void **state)
{
    struct drill *d = *state;

    seats_sign_in(&d->w, 1001);
    seats_go(&d->w, MS(1, 0, 0));
    expect_refused(d->t, seats_grant(&d->w, "1001", -1), "T9", "only that much");
    assert_int_equal(seats_grant(&d->w, "1001", MS(10, 0, 0)), EXAM_OK);
    expect_refused(d->t, seats_grant(&d->w, "1001", -(int64_t)MS(10, 0, 1)), "T9", "600000 ms");
    assert_int_equal(seats_grant(&d->w, "1001", -(int64_t)MS(4, 0, 0)), EXAM_OK);
    site_expect(d->t, 1, MS(1, 0, 0), MS(65, 0, 0), 0);
    seats_go(&d->w, MS(65, 0, 0));
    site_expect(d->t, 1, MS(65, 0, 0), MS(1, 0, 0), 0);
    assert_int_equal(seats_grant(&d->w, "1001", -(int64_t)MS(6, 0, 0)), EXAM_OK);
    site_expect(d->t, 1, MS(65, 0, 0), 0, 0); /* one minute of the six was left */
    assert_int_equal(site_view(d->t, 1).account.grants_ms, MS(5, 0, 0));
    assert_int_equal(site_view(d->t, 1).finish, EV__FINISH__FINISH_TIMED_OUT);
    assert_int_equal(site_view(d->t, 1).finish_ms, MS(65, 0, 0));
}

/* A grant taken back from a clock that stands ends the sitting all the same, its loss booked. */
static void test_t10__nothing_left_ends_a_clock_that_stands(void **state)
{
    struct drill *d = *state;

    seats_sign_in(&d->w, 1001);
    assert_int_equal(seats_grant(&d->w, "1001", MS(5, 0, 0)), EXAM_OK);
    seats_go(&d->w, MS(62, 0, 0));
    assert_int_equal(seats_pause(&d->w, "site"), EXAM_OK);
    seats_go(&d->w, MS(63, 0, 0));
    assert_int_equal(seats_grant(&d->w, "1001", -(int64_t)MS(5, 0, 0)), EXAM_OK);
    site_expect(d->t, 1, MS(62, 0, 0), 0, MS(1, 0, 0));
    assert_int_equal(site_view(d->t, 1).finish, EV__FINISH__FINISH_TIMED_OUT);
}

/* Every grant that makes no sense is refused under its rule, and changes nothing. */
static void test_t9__refusals(void **state)
{
    struct drill *d = *state;
    struct site *t = d->t;
    const struct exam_options o = {.grant_ms_max = MS(30, 0, 0)};

    exam_set_options(t->x, &o);
    seats_sign_in(&d->w, 1001);
    size_t before = t->log_n;
    expect_refused(t, site_grant(t, "1001", 1000, ""), "T9", "reason");
    expect_refused(t, site_grant(t, "1001", 0, "why"), "T9", "1 ms to 24 hours");
    expect_refused(t, site_grant(t, "1001", INT64_MIN, "why"), "T9", "1 ms to 24 hours");
    expect_refused(t, site_grant(t, "1001", MS(30, 0, 1), "why"), "T9", "maximum of 1800000");
    expect_refused(t, site_grant(t, "9999", 1000, "why"), "R4", "9999");
    expect_refused(t, site_grant(t, "site", 1000, "why"), "T9", "not to the site");
    expect_refused(t, site_grant(t, "R1-01", 1000, "why"), "T9", "not to seat R1-01");
    assert_int_equal(t->log_n, before);
    seats_submit(&d->w, 1001);
    expect_refused(t, site_grant(t, "1001", 1000, "why"), "T9", "has submitted");
    assert_int_equal(site_grant(t, "B1", 1000, "why"), EXAM_OK); /* the others get it */
    assert_int_equal(site_view(t, 1).account.grants_ms, 0);
    assert_int_equal(site_collect(t, "B1", true), EXAM_OK);
    expect_refused(t, site_grant(t, "1002", 1000, "why"), "T9", "collected");
    expect_refused(t, site_grant(t, "B1", 1000, "why"), "T9", "closed");
    expect_refused(t, site_grant(t, "R1", 1000, "why"), "T9", "no batch is running");
}

/* ---------------------------------------------------------------- postponed (T13) */

/* Every clock stops for good; who had finished stays so; the rooms are free for another batch. */
static void test_t13__postponed(void **state)
{
    struct drill *d = *state;
    struct site *t = d->t;

    seats_sign_in(&d->w, 1001);
    seats_sign_in(&d->w, 1002);
    seats_go(&d->w, MS(10, 0, 0));
    seats_answer(&d->w, 1001, "q1", "A");
    seats_submit(&d->w, 1002);
    seats_cut(&d->w, 1001);
    seats_go(&d->w, MS(10, 7, 0));
    seats_answer(&d->w, 1001, "q2", "B");
    seats_go(&d->w, MS(20, 0, 0));
    assert_int_equal(seats_postpone(&d->w, "B1"), EXAM_OK);
    site_expect(t, 1, MS(10, 0, 0), MS(50, 0, 0), MS(10, 0, 0));
    assert_int_equal(site_view(t, 1).finish, EV__FINISH__FINISH_POSTPONED);
    assert_int_equal(site_view(t, 2).finish, EV__FINISH__FINISH_SUBMITTED);
    assert_int_equal(site_view(t, 3).finish, EV__FINISH__FINISH_POSTPONED);
    assert_int_equal(site_batch(t, 1).state, EXAM_BATCH_POSTPONED);
    assert_int_equal(site_batch(t, 1).postponed, 2);
    assert_string_equal(site_answer_value(t, 1, "q1"), "A");
    seats_go(&d->w, MS(30, 0, 0));
    seats_heal(&d->w, 1001); /* with an answer of before: late, and kept */
    assert_string_equal(site_answer_value(t, 1, "q2"), "B");
    assert_int_equal(site_view(t, 1).late, 1);
    site_expect(t, 1, MS(10, 0, 0), MS(50, 0, 0), MS(10, 0, 0));
    expect_refused(t, site_start(t, "B1"), "T13", "postponed");
    expect_refused(t, site_collect(t, "B1", true), "T13", "sealed");
    expect_refused(t, site_batch_act(t, EXAM_CMD_BATCH_POSTPONE, "B1"), "T13", "10 min 0 s ago");
    expect_refused(t, site_sign_in(t, 1003, "R1-03", 5), "T13", "will be told");
    expect_refused(t, site_pause(t, "B1"), "T8", "not running");
    expect_refused(t, site_grant(t, "1001", 1000, "why"), "T13", "postponed");
}

/* The candidates of a postponed batch can be imported again, and sit the new one. */
static void test_t13__sat_again(void **state)
{
    struct drill *d = *state;
    struct site *t = d->t;
    struct site_plan p = PLAN;
    uint32_t sitting;

    p.batch = "B1b";
    seats_sign_in(&d->w, 1001);
    seats_go(&d->w, MS(1, 0, 0));
    seats_answer(&d->w, 1001, "q1", "A");
    assert_int_equal(seats_postpone(&d->w, "B1"), EXAM_OK);
    site_plan_batch(t, &p);
    assert_int_equal(site_start(t, "B1b"), EXAM_OK);
    assert_int_equal(exam_find_sitting(t->x, "1001", &sitting), EXAM_OK);
    assert_int_equal(sitting, 4);
    assert_int_equal(site_sign_in(t, 1001, "R1-01", 9), EXAM_OK);
    site_go(t, MS(2, 0, 0));
    site_expect(t, 4, MS(1, 0, 0), MS(59, 0, 0), 0);
    assert_string_equal(site_answer_value(t, 1, "q1"), "A"); /* sealed, and exportable */
    assert_string_equal(site_answer_value(t, 4, "q1"), "");
}

/* A batch that nobody has started can be postponed, too. */
static void test_r1__a_planned_batch_is_postponed(void **state)
{
    struct drill *d = *state;
    struct site_plan p = PLAN;

    p.batch = "B2";
    p.first_no = 2001;
    site_plan_batch(d->t, &p);
    assert_int_equal(site_batch_act(d->t, EXAM_CMD_BATCH_POSTPONE, "B2"), EXAM_OK);
    assert_int_equal(site_batch(d->t, 2).state, EXAM_BATCH_POSTPONED);
    assert_int_equal(site_view(d->t, 4).finish, EV__FINISH__FINISH_POSTPONED);
    expect_refused(d->t, site_start(d->t, "B2"), "T13", "postponed");
}

/* ---------------------------------------------------------------- violations (R3) */

/* A violation is on record and touches no clock. */
static void test_r3__a_violation_touches_no_clock(void **state)
{
    struct drill *d = *state;
    struct exam_command c = {.kind = EXAM_CMD_VIOLATION};

    seats_sign_in(&d->w, 1001);
    seats_go(&d->w, MS(7, 0, 0));
    struct exam_sitting_view before = site_view(d->t, 1);
    c.u.violation.admission_no = "1001";
    c.u.violation.who = "tester";
    c.u.violation.text = "";
    expect_refused(d->t, site_do(d->t, &c), "R3", "evidence");
    c.u.violation.text = "phone on the desk, photo 12";
    assert_int_equal(site_do(d->t, &c), EXAM_OK);
    struct exam_sitting_view after = site_view(d->t, 1);
    assert_memory_equal(&before.account, &after.account, sizeof before.account);
    assert_int_equal(after.violations, 1);
    assert_int_equal(after.mark_ms, before.mark_ms);
    assert_string_equal(site_last_event(d->t)->violation_noted->text,
                        "phone on the desk, photo 12");
    c.u.violation.admission_no = "4711";
    expect_refused(d->t, site_do(d->t, &c), "R4", "4711");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_t9__a_grant_opens_a_timed_out_sitting_again),
        TEST(test_t9__an_absent_candidate_is_expected_again),
        TEST(test_t9__reopened_under_a_pause),
        TEST(test_t9__room_and_batch),
        TEST(test_t9__reversal),
        TEST(test_t10__nothing_left_ends_a_clock_that_stands),
        TEST(test_t9__refusals),
        TEST(test_t13__postponed),
        TEST(test_t13__sat_again),
        TEST(test_r1__a_planned_batch_is_postponed),
        TEST(test_r3__a_violation_touches_no_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
