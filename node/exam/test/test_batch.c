#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "site.h"

static const struct site_plan PLAN = {.batch = "B1",
                                      .room = "R1",
                                      .room_seats = 4,
                                      .sittings = 4,
                                      .first_no = 1001,
                                      .allot_ms = MS(60, 0, 0)};

static int setup(void **state)
{
    struct site *t = site_new();

    site_plan_batch(t, &PLAN);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    site_expect_replicates(*state);
    site_free(*state);
    return 0;
}

static void expect_says(const struct site *t, const char *rule, const char *text)
{
    assert_string_equal(t->why.rule, rule);
    if (!strstr(t->why.text, text))
        fail_msg("\"%s\" does not say \"%s\"", t->why.text, text);
}

/* A batch starts once, and who starts it again is told when that was. */
static void test_t1__batch_starts_once(void **state)
{
    struct site *t = *state;

    assert_int_equal(site_start(t, "B9"), EXAM_NOT_FOUND);
    assert_int_equal(site_start(t, "B1"), EXAM_OK);
    site_go(t, MS(3, 7, 0));
    assert_int_equal(site_start(t, "B1"), EXAM_STATE);
    expect_says(t, "T1", "started already, 3 min 7 s ago");
}

/* A room takes its next batch only when the last one there is collected. */
static void test_p11__room_takes_the_next_batch_after_collection(void **state)
{
    struct site *t = *state;
    struct site_plan p = PLAN;

    p.batch = "B2";
    p.first_no = 2001;
    site_plan_batch(t, &p);
    assert_int_equal(site_start(t, "B1"), EXAM_OK);
    assert_int_equal(site_start(t, "B2"), EXAM_STATE);
    expect_says(t, "P11", "room R1 still holds batch B1");
    assert_int_equal(site_sign_in(t, 2001, "R1-01", 1), EXAM_STATE);
    expect_says(t, "P11", "room R1 still holds batch B1");
    site_go(t, MS(60, 0, 0));
    assert_int_equal(site_batch(t, 1).state, EXAM_BATCH_ENDED);
    assert_int_equal(site_start(t, "B2"), EXAM_STATE);
    assert_int_equal(site_collect(t, "B1", false), EXAM_OK);
    assert_int_equal(site_sign_in(t, 2001, "R1-01", 1), EXAM_OK);
    assert_int_equal(site_start(t, "B2"), EXAM_OK);
    assert_int_equal(site_start(t, "B1"), EXAM_STATE);
    expect_says(t, "T10", "has been collected");
}

/* Nothing is collected before it has ended, unless a person closes what is not finished. */
static void test_p6__unfinished_batch_needs_a_person_to_close_it(void **state)
{
    struct site *t = *state;

    assert_int_equal(site_collect(t, "B1", true), EXAM_STATE);
    expect_says(t, "P6", "not been started");
    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    assert_int_equal(site_sign_in(t, 1002, "R1-02", 1), EXAM_OK);
    assert_int_equal(site_sign_in(t, 1003, "R1-03", 1), EXAM_OK);
    assert_int_equal(site_start(t, "B1"), EXAM_OK);
    site_go(t, MS(20, 0, 0));
    assert_int_equal(site_mark(t, 3), EXAM_OK);
    assert_int_equal(site_detach(t, 3), EXAM_OK);
    assert_int_equal(site_submit(t, 1, 1), EXAM_OK);
    site_go(t, MS(30, 0, 0));
    assert_int_equal(site_collect(t, "B1", false), EXAM_STATE);
    expect_says(t, "P6", "3 sittings of batch B1 are not finished, the first is 1002 at R1-02");
    assert_int_equal(site_collect(t, "B1", true), EXAM_OK);
    site_expect(t, 1, MS(20, 0, 0), MS(40, 0, 0), 0);
    site_expect(t, 2, MS(30, 0, 0), MS(30, 0, 0), 0);
    site_expect(t, 3, MS(20, 0, 0), MS(40, 0, 0), MS(10, 0, 0)); /* out of contact until the end */
    site_expect(t, 4, MS(30, 0, 0), MS(30, 0, 0), 0);
    struct exam_batch_view b = site_batch(t, 1);
    assert_int_equal(b.state, EXAM_BATCH_COLLECTED);
    assert_int_equal(b.submitted, 1);
    assert_int_equal(b.closed, 2);
    assert_int_equal(b.absent, 1);
    assert_int_equal(b.finished, 4);
    site_go(t, MS(31, 0, 0));
    assert_int_equal(site_collect(t, "B1", true), EXAM_STATE);
    expect_says(t, "P6", "collected already, 1 min 0 s ago");
}

/* The figures of a batch are those of its sittings. */
static void test_status__batch_figures_add_up(void **state)
{
    struct site *t = *state;
    struct exam_batch_view b;

    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    assert_int_equal(site_sign_in(t, 1002, "R1-02", 1), EXAM_OK);
    assert_int_equal(site_start(t, "B1"), EXAM_OK);
    assert_int_equal(site_answer(t, 1, 1, "q1", "A"), EXAM_OK);
    site_go(t, MS(5, 0, 0));
    assert_int_equal(site_detach(t, 2), EXAM_OK);
    site_go(t, MS(6, 0, 0));
    b = site_batch(t, 1);
    assert_int_equal(b.state, EXAM_BATCH_RUNNING);
    assert_int_equal(b.sittings, 4);
    assert_int_equal(b.signed_in, 2);
    assert_int_equal(b.attached, 1);
    assert_int_equal(b.answering, 1);
    assert_int_equal(b.answers, 1);
    assert_int_equal(b.elapsed_ms, MS(6, 0, 0));
    assert_int_equal(b.left_ms_max, MS(60, 0, 0)); /* 1002 was never marked */
    assert_int_equal(site_attach(t, 1002, "R1-02", 1), EXAM_OK);
    b = site_batch(t, 1);
    assert_int_equal(b.lost_ms_min, 0);
    assert_int_equal(b.lost_ms_median, 0);
    assert_int_equal(b.lost_ms_max, MS(6, 0, 0));
    assert_int_equal(exam_batch_next_sitting(t->x, 1, 0), 1);
    assert_int_equal(exam_batch_next_sitting(t->x, 1, 3), 4);
    assert_int_equal(exam_batch_next_sitting(t->x, 1, 4), 0);
}

/* Who is attached when a batch under personal timing starts begins then; the others when they come.
 */
static void test_t1__personal_timing_begins_with_the_screen(void **state)
{
    struct site *t = *state;
    struct site_plan p = PLAN;

    p.batch = "B2";
    p.room = "R2";
    p.first_no = 2001;
    p.timing = EV__TIMING__TIMING_PERSONAL;
    site_plan_batch(t, &p);
    assert_int_equal(site_sign_in(t, 2001, "R2-01", 1), EXAM_OK);
    assert_int_equal(site_sign_in(t, 2002, "R2-02", 1), EXAM_OK);
    assert_int_equal(site_detach(t, 6), EXAM_OK);
    assert_int_equal(site_start(t, "B2"), EXAM_OK);
    assert_int_equal(exam_next_due_ms(t->x), UINT64_MAX); /* no marks without a screen */
    site_go(t, MS(5, 0, 0));
    assert_int_equal(site_attach(t, 2002, "R2-02", 1), EXAM_OK);
    site_go(t, MS(6, 0, 0));
    site_expect(t, 5, MS(6, 0, 0), MS(54, 0, 0), 0);
    site_expect(t, 6, MS(1, 0, 0), MS(59, 0, 0), 0);
    site_expect(t, 7, 0, MS(60, 0, 0), 0);
    site_go(t, MS(65, 0, 0));
    assert_int_equal(site_batch(t, 2).state, EXAM_BATCH_RUNNING); /* two have never come */
    assert_int_equal(site_collect(t, "B2", true), EXAM_OK);
    assert_int_equal(site_view(t, 7).finish, EV__FINISH__FINISH_ABSENT);
}

/* Epochs only rise, and a site is founded once. */
static void test_w1__epochs_rise(void **state)
{
    struct site *t = *state;
    struct exam_command c = {.kind = EXAM_CMD_BEGIN_EPOCH};
    const uint8_t id[32] = {3};

    c.u.begin_epoch.epoch = 1;
    assert_int_equal(site_do(t, &c), EXAM_STALE_EPOCH);
    site_go(t, MS(1, 0, 0));
    assert_int_equal(site_epoch(t, true), EXAM_OK);
    assert_int_equal(exam_epoch(t->x), 2);
    assert_int_equal(exam_epoch_base_ms(t->x), MS(1, 0, 0));
    c = (struct exam_command){.kind = EXAM_CMD_FOUND};
    c.u.found.site_id = c.u.found.site_key = id;
    c.u.found.name = c.u.found.who = "tester";
    assert_int_equal(site_do(t, &c), EXAM_EXISTS);
    c = (struct exam_command){.kind = EXAM_CMD_STANDBY_CHANGED};
    c.u.standby_changed.node = "B";
    c.u.standby_changed.solo = true;
    assert_int_equal(site_do(t, &c), EXAM_OK);
    assert_true(exam_solo(t->x));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_t1__batch_starts_once),
        TEST(test_p11__room_takes_the_next_batch_after_collection),
        TEST(test_p6__unfinished_batch_needs_a_person_to_close_it),
        TEST(test_status__batch_figures_add_up),
        TEST(test_t1__personal_timing_begins_with_the_screen),
        TEST(test_w1__epochs_rise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
