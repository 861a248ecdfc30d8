/* A3: what becomes of the records of a dead branch. The branch and the site's log are two sites of
 * site.h that part at some record. */
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

struct parted {
    struct site *branch; /* the old primary's log, which goes on alone for a while */
    struct site *main;   /* the successor's */
    size_t common;
};

/* At 10:00 the standby is cut off; 1001 and 1002 are signed in, 1003 is not. */
static int setup(void **state)
{
    static struct parted p;

    p.branch = site_new();
    site_plan_batch(p.branch, &PLAN);
    assert_int_equal(site_start(p.branch, "B1"), EXAM_OK);
    assert_int_equal(site_sign_in(p.branch, 1001, "R1-01", 1), EXAM_OK);
    assert_int_equal(site_sign_in(p.branch, 1002, "R1-02", 1), EXAM_OK);
    site_go(p.branch, MS(9, 0, 0));
    assert_int_equal(site_answer(p.branch, 1, 1, "q1", "A"), EXAM_OK);
    site_go(p.branch, MS(10, 0, 0));
    p.common = p.branch->log_n;
    p.main = site_fork(p.branch, p.common);
    *state = &p;
    return 0;
}

static int teardown(void **state)
{
    struct parted *p = *state;

    site_expect_replicates(p->main);
    site_free(p->main);
    site_free(p->branch);
    return 0;
}

/* The successor begins to serve, half an hour later, and 1001 goes on at another seat. */
static void succeed(struct parted *p)
{
    p->main->now_ms = MS(30, 0, 0);
    assert_int_equal(site_epoch(p->main, true), EXAM_OK);
    assert_int_equal(site_move(p->main, 1001, "R1-04", true), EXAM_OK);
    assert_int_equal(site_sign_in(p->main, 1001, "R1-04", 2), EXAM_OK);
    site_go(p->main, MS(31, 0, 0));
}

static exam_err recover_one(struct parted *p, size_t i)
{
    struct exam_command c = {.kind = EXAM_CMD_RECOVER};

    c.u.recover.record = &p->branch->log[i].r;
    c.u.recover.event = site_event(p->branch, i);
    return site_do(p->main, &c);
}

static void recover(struct parted *p)
{
    for (size_t i = p->common; i < p->branch->log_n; i++)
        assert_int_equal(recover_one(p, i), EXAM_OK);
}

static const Ev__Recovered *last(struct parted *p)
{
    const Ev__Event *e = site_last_event(p->main);

    assert_int_equal(e->kind_case, EV__EVENT__KIND_RECOVERED);
    return e->recovered;
}

/* Drill 08: an answer that the site lacks is adopted, one that was given again later is not; no
 * mark and no count of actions is touched; and doing it twice is harmless (A4). */
static void test_a3__answers_are_adopted_unless_there_is_a_later_one(void **state)
{
    struct parted *p = *state;

    site_go(p->branch, MS(15, 0, 0));
    assert_int_equal(site_answer(p->branch, 1, 2, "q2", "B"), EXAM_OK);
    assert_int_equal(site_answer(p->branch, 1, 3, "q3", "C"), EXAM_OK);
    succeed(p);
    assert_int_equal(site_answer(p->main, 1, 1, "q3", "D"), EXAM_OK);
    struct exam_sitting_view before = site_view(p->main, 1);
    recover(p);
    assert_string_equal(site_answer_value(p->main, 1, "q1"), "A");
    assert_string_equal(site_answer_value(p->main, 1, "q2"), "B");
    assert_string_equal(site_answer_value(p->main, 1, "q3"), "D");
    struct exam_sitting_view after = site_view(p->main, 1);
    assert_memory_equal(&before.account, &after.account, sizeof before.account);
    assert_int_equal(after.seq_have, 1);
    assert_int_equal(after.mark_ms, before.mark_ms);
    assert_int_equal(last(p)->epoch, 1); /* the origin */
    assert_int_equal(last(p)->lsn, p->branch->log_n);
    assert_int_equal(last(p)->as, EV__RECOVERED_AS__RECOVERED_AS_SUPERSEDED);
    assert_int_equal(exam_recovered_lsn(p->main->x, 1), p->branch->log_n);
    size_t n = p->main->log_n;
    recover(p);
    assert_int_equal(p->main->log_n, n);
}

/* Answers of the branch come in late, but they come in, when the sitting has finished meanwhile;
 * when it has been collected, a person is shown them. */
static void test_a3__answers_after_the_finish_and_after_the_collection(void **state)
{
    struct parted *p = *state;

    assert_int_equal(site_answer(p->branch, 1, 2, "q2", "B"), EXAM_OK);
    assert_int_equal(site_answer(p->branch, 2, 1, "q2", "B"), EXAM_OK);
    succeed(p);
    assert_int_equal(site_submit(p->main, 1, 1), EXAM_OK);
    assert_int_equal(recover_one(p, p->common), EXAM_OK);
    assert_string_equal(site_answer_value(p->main, 1, "q2"), "B");
    assert_int_equal(site_view(p->main, 1).late, 1);
    assert_int_equal(site_collect(p->main, "B1", true), EXAM_OK);
    assert_int_equal(recover_one(p, p->common + 1), EXAM_OK);
    assert_int_equal(last(p)->as, EV__RECOVERED_AS__RECOVERED_AS_SHOWN);
    assert_string_equal(site_answer_value(p->main, 2, "q2"), "");
}

/* A submission is adopted if the candidate has not attached since, and shown if so. */
static void test_a3__a_submission_unless_attached_since(void **state)
{
    struct parted *p = *state;

    site_go(p->branch, MS(12, 0, 0));
    assert_int_equal(site_submit(p->branch, 2, 1), EXAM_OK);
    assert_int_equal(site_submit(p->branch, 1, 2), EXAM_OK);
    succeed(p); /* 1001 has, 1002 has not */
    recover(p);
    assert_int_equal(site_view(p->main, 2).finish, EV__FINISH__FINISH_SUBMITTED);
    assert_int_equal(site_view(p->main, 1).state, EXAM_SITTING_ANSWERING);
    assert_int_equal(last(p)->as, EV__RECOVERED_AS__RECOVERED_AS_SHOWN);
    /* nothing of `left` is shortened: its account ends at the mark that the site knows */
    site_expect(p->main, 2, 0, MS(60, 0, 0), MS(31, 0, 0));
}

/* Grants and violations are adopted; a grant opens a sitting again that ran out without it. */
static void test_a3__grants_and_violations_are_adopted(void **state)
{
    struct parted *p = *state;
    struct exam_command c = {.kind = EXAM_CMD_VIOLATION};

    site_go(p->branch, MS(12, 0, 0));
    assert_int_equal(site_grant(p->branch, "B1", MS(20, 0, 0), "noise"), EXAM_OK);
    c.u.violation.admission_no = "1002";
    c.u.violation.text = "phone";
    c.u.violation.who = "tester";
    assert_int_equal(site_do(p->branch, &c), EXAM_OK);
    succeed(p);
    site_go(p->main, MS(82, 0, 0));
    assert_int_equal(site_view(p->main, 3).finish, EV__FINISH__FINISH_ABSENT);
    recover(p);
    for (uint32_t no = 1; no <= 3; no++)
        assert_int_equal(site_view(p->main, no).account.grants_ms, MS(20, 0, 0));
    assert_int_equal(site_view(p->main, 3).state, EXAM_SITTING_EXPECTED);
    assert_int_equal(site_view(p->main, 2).violations, 1);
    size_t n = p->main->log_n;
    recover(p); /* not a second time */
    assert_int_equal(p->main->log_n, n);
}

/* A grant that the branch took back is taken back no further than to 0 left. */
static void test_a3__a_reversal_never_below_zero(void **state)
{
    struct parted *p = *state;

    site_free(p->main); /* parts after the grant */
    assert_int_equal(site_grant(p->branch, "1001", MS(10, 0, 0), "noise"), EXAM_OK);
    p->common = p->branch->log_n;
    p->main = site_fork(p->branch, p->common);
    assert_int_equal(site_grant(p->branch, "1001", -(int64_t)MS(10, 0, 0), "mistake"), EXAM_OK);
    succeed(p);
    site_go(p->main, MS(89, 0, 0)); /* used 69 of 70 minutes */
    site_expect(p->main, 1, MS(69, 0, 0), MS(1, 0, 0), MS(20, 0, 0));
    recover(p);
    site_expect(p->main, 1, MS(69, 0, 0), 0, MS(20, 0, 0));
    assert_int_equal(site_view(p->main, 1).account.grants_ms, MS(9, 0, 0));
}

/* Pauses, moves and collections of the branch are shown, and change nothing; of its later marks one
 * is shown. */
static void test_a3__pauses_moves_and_marks_are_shown(void **state)
{
    struct parted *p = *state;
    uint32_t shown = 0;

    assert_int_equal(site_mark(p->branch, 1), EXAM_OK);
    site_go(p->branch, MS(12, 0, 0));
    assert_int_equal(site_mark(p->branch, 1), EXAM_OK);
    assert_int_equal(site_pause(p->branch, "R1"), EXAM_OK);
    assert_int_equal(site_move(p->branch, 1002, "R1-04", true), EXAM_OK);
    assert_int_equal(site_collect(p->branch, "B1", true), EXAM_OK);
    p->main->now_ms = MS(30, 0, 0);
    assert_int_equal(site_epoch(p->main, true), EXAM_OK);
    size_t before = p->main->log_n;
    recover(p);
    for (size_t i = before; i < p->main->log_n; i++) {
        const Ev__Recovered *e = site_event(p->main, i)->recovered;
        assert_int_equal(e->as, EV__RECOVERED_AS__RECOVERED_AS_SHOWN);
        assert_true(strlen(e->text) > 10);
        shown++;
    }
    assert_int_equal(shown, 4); /* marks, the pause, the move, the collection */
    assert_int_equal(site_view(p->main, 1).state, EXAM_SITTING_LOST);
    assert_string_equal(site_view(p->main, 2).seat, "R1-02");
    assert_int_equal(site_batch(p->main, 1).state, EXAM_BATCH_RUNNING);
    site_expect(p->main, 1, MS(9, 0, 0), MS(51, 0, 0), 0); /* left is not shortened */
}

/* A number that the branch alone has given names nobody here: it is shown, not adopted. */
static void test_a3__what_the_branch_alone_imported_is_shown(void **state)
{
    struct parted *p = *state;
    struct site_plan other = PLAN;

    other.batch = "B2";
    other.room = "R2";
    other.first_no = 2001;
    site_plan_batch(p->branch, &other);
    assert_int_equal(site_grant(p->branch, "2001", MS(1, 0, 0), "why"), EXAM_OK);
    succeed(p);
    other.batch = "B3"; /* its sittings have the same numbers */
    other.first_no = 3001;
    site_plan_batch(p->main, &other);
    recover(p);
    assert_int_equal(last(p)->as, EV__RECOVERED_AS__RECOVERED_AS_SHOWN);
    assert_int_equal(site_view(p->main, 4).account.grants_ms, 0);
}

/* Records of the site's own newest epoch are of no dead branch. */
static void test_a3__the_newest_epoch_is_refused(void **state)
{
    struct parted *p = *state;

    assert_int_equal(site_answer(p->branch, 1, 2, "q2", "B"), EXAM_OK);
    assert_int_equal(recover_one(p, p->common), EXAM_INVALID);
    assert_string_equal(p->main->why.rule, "A3");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a3__answers_are_adopted_unless_there_is_a_later_one),
        TEST(test_a3__answers_after_the_finish_and_after_the_collection),
        TEST(test_a3__a_submission_unless_attached_since),
        TEST(test_a3__grants_and_violations_are_adopted),
        TEST(test_a3__a_reversal_never_below_zero),
        TEST(test_a3__pauses_moves_and_marks_are_shown),
        TEST(test_a3__what_the_branch_alone_imported_is_shown),
        TEST(test_a3__the_newest_epoch_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
