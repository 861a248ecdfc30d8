/* Answers and submissions: A3, A4, T10. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "site.h"

static const struct site_plan PLAN = {.batch = "B1",
                                      .room = "R1",
                                      .paper = "P1",
                                      .room_seats = 4,
                                      .sittings = 2,
                                      .first_no = 1001,
                                      .items = 60,
                                      .allot_ms = MS(60, 0, 0)};

static int setup(void **state)
{
    struct site *t = site_new();

    site_plan_batch(t, &PLAN);
    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    assert_int_equal(site_start(t, "B1"), EXAM_OK);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    site_expect_replicates(*state);
    site_free(*state);
    return 0;
}

static struct exam_command answer_of(const struct site *t, uint64_t seq, const char *item,
                                     const char *value)
{
    struct exam_sitting_view v = site_view(t, 1);

    return site_answer_of(&v, seq, item, value);
}

/* An answer sent twice, or ten times, is one event. */
static void test_a4__duplicate_is_no_event(void **state)
{
    struct site *t = *state;

    assert_int_equal(site_answer(t, 1, 1, "q1", "A"), EXAM_OK);
    size_t log_n = t->log_n;
    for (int i = 0; i < 10; i++)
        assert_int_equal(site_answer(t, 1, 1, "q1", "B"), EXAM_OK);
    assert_int_equal(t->log_n, log_n);
    assert_string_equal(site_answer_value(t, 1, "q1"), "A");
}

/* A1: what was refused for good is refused again, whenever and however often it comes; what was
 * accepted before and after it is acknowledged again, and so is what a later answer has replaced.
 */
static void test_a1__refused_is_refused_again(void **state)
{
    struct site *t = *state;
    struct exam_command old = answer_of(t, 1, "q1", "A");

    assert_int_equal(site_do(t, &old), EXAM_OK);
    struct exam_command refused = answer_of(t, 2, "q2", "B");
    refused.u.answer.attachment_lsn++; /* of an attachment that is still to come */
    assert_int_equal(site_do(t, &refused), EXAM_INVALID);
    assert_int_equal(site_view(t, 1).seq_refused, 2);
    assert_int_equal(site_answer(t, 1, 3, "q1", "C"), EXAM_OK);
    assert_int_equal(site_view(t, 1).seq_refused, 2);
    size_t log_n = t->log_n;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(site_do(t, &old), EXAM_OK);
        assert_int_equal(site_do(t, &refused), EXAM_INVALID);
        assert_false(t->why.consumed);
        assert_int_equal(site_answer(t, 1, 3, "q1", "C"), EXAM_OK);
    }
    assert_int_equal(t->log_n, log_n);
    assert_string_equal(site_answer_value(t, 1, "q1"), "C");
    assert_string_equal(site_answer_value(t, 1, "q2"), "");
}

/* A1: and though its item has a later one, of the seat at which the candidate goes on. */
static void test_a1__refused_of_a_left_seat_is_refused_again(void **state)
{
    struct site *t = *state;
    struct exam_command old = answer_of(t, 1, "q1", "A");

    assert_int_equal(site_move(t, 1001, "R1-04", true), EXAM_OK);
    assert_int_equal(site_sign_in(t, 1001, "R1-04", 9), EXAM_OK);
    assert_int_equal(site_answer(t, 1, 1, "q1", "B"), EXAM_OK);
    assert_int_equal(site_collect(t, "B1", true), EXAM_OK);
    old.u.answer.former = 1;
    assert_int_equal(site_do(t, &old), EXAM_STATE);
    assert_int_equal(site_do(t, &old), EXAM_STATE);
}

/* A1: it is refused though its item has an earlier answer, and by a node that has started again. */
static void test_a1__refused_beside_an_earlier_answer(void **state)
{
    struct site *t = *state;

    assert_int_equal(site_answer(t, 1, 1, "q1", "A"), EXAM_OK);
    struct exam_command refused = answer_of(t, 2, "q1", "B");
    refused.u.answer.attachment_lsn++; /* of an attachment that is still to come */
    assert_int_equal(site_do(t, &refused), EXAM_INVALID);
    struct site *restarted = site_restarted(t), *both[] = {t, restarted};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(site_do(both[i], &refused), EXAM_INVALID);
        assert_int_equal(site_answer(both[i], 1, 1, "q1", "A"), EXAM_OK);
        assert_string_equal(site_answer_value(both[i], 1, "q1"), "A");
    }
    site_free(restarted);
}

/* A1: an answer that came too late stays refused when a grant has opened the sitting again: the
 * candidate was told so, and may give it once more. */
static void test_a1__refused_stays_refused_after_a_grant(void **state)
{
    struct site *t = *state;
    struct exam_command c;

    site_go(t, MS(60, 0, 0));
    c = answer_of(t, 1, "q1", "A");
    c.u.answer.made_at_ms = MS(60, 0, 1);
    assert_int_equal(site_do(t, &c), EXAM_LATE);
    assert_int_equal(site_grant(t, "1001", MS(5, 0, 0), "noise"), EXAM_OK);
    assert_int_equal(site_attach(t, 1001, "R1-01", 1), EXAM_OK);
    assert_int_equal(site_do(t, &c), EXAM_LATE);
    assert_non_null(strstr(t->why.text, "refused when it came first"));
    assert_int_equal(site_answer(t, 1, 2, "q1", "A"), EXAM_OK);
}

/* An answer before its predecessor is refused with what the node has. */
static void test_a3__gap_tells_what_the_node_has(void **state)
{
    struct site *t = *state;

    assert_int_equal(site_answer(t, 1, 1, "q1", "A"), EXAM_OK);
    assert_int_equal(site_answer(t, 1, 3, "q2", "A"), EXAM_GAP);
    assert_int_equal(t->why.seq_have, 1);
    assert_false(t->why.consumed);
    assert_int_equal(site_answer(t, 1, 0, "q2", "A"), EXAM_INVALID);
    assert_int_equal(site_answer(t, 1, 2, "q2", "A"), EXAM_OK);
}

/* An acknowledged answer is a mark. */
static void test_t3__answer_is_a_mark(void **state)
{
    struct site *t = *state;

    site_go(t, MS(20, 0, 600));
    assert_int_equal(site_answer(t, 1, 1, "q1", "A"), EXAM_OK);
    site_go(t, MS(20, 0, 900));
    assert_int_equal(site_detach(t, 1), EXAM_OK);
    site_expect(t, 1, MS(20, 0, 600), MS(39, 59, 400), 0);
}

/* What can never be accepted is refused, kept in the log, and does not block what comes after it.
 */
static void test_a3__refused_answer_is_consumed(void **state)
{
    struct site *t = *state;
    char long_value[ANSWER_BYTES_MAX + 2];
    struct exam_command c;

    assert_int_equal(site_answer(t, 1, 1, "q61", "A"), EXAM_NOT_FOUND);
    assert_non_null(strstr(t->why.text, "item q61"));
    assert_non_null(strstr(t->why.text, "paper P1"));
    assert_true(t->why.consumed);
    const Ev__Event *e = site_last_event(t);
    assert_int_equal(e->kind_case, EV__EVENT__KIND_ANSWERED);
    assert_true(e->answered->refused);
    assert_int_equal(site_view(t, 1).seq_have, 1);
    memset(long_value, 'x', sizeof long_value);
    long_value[sizeof long_value - 1] = '\0';
    assert_int_equal(site_answer(t, 1, 2, "q1", long_value), EXAM_TOO_BIG);
    assert_true(t->why.consumed);
    c = answer_of(t, 3, "q1", "A");
    c.u.answer.attachment_lsn++;
    assert_int_equal(site_do(t, &c), EXAM_INVALID);
    assert_true(t->why.consumed);
    assert_int_equal(site_answer(t, 1, 4, "q1", "B"), EXAM_OK);
    assert_string_equal(site_answer_value(t, 1, "q1"), "B");
    assert_int_equal(site_view(t, 1).answers, 1);
}

/* Of two answers made under different attachments the later attachment's counts, in whatever order
 * they arrive; both are in the log. */
static void test_a3__answer_of_an_older_attachment_does_not_replace(void **state)
{
    struct site *t = *state;
    struct exam_command old = answer_of(t, 2, "q1", "old");

    assert_int_equal(site_detach(t, 1), EXAM_OK);
    assert_int_equal(site_attach(t, 1001, "R1-01", 1), EXAM_OK);
    assert_int_equal(site_answer(t, 1, 1, "q1", "new"), EXAM_OK);
    size_t log_n = t->log_n;
    assert_int_equal(site_do(t, &old), EXAM_OK);
    assert_int_equal(t->log_n, log_n + 1);
    assert_string_equal(site_answer_value(t, 1, "q1"), "new");
    assert_int_equal(site_view(t, 1).seq_have, 2);
}

/* An answer taken back counts no more. */
static void test_a3__answer_is_taken_back(void **state)
{
    struct site *t = *state;

    assert_int_equal(site_answer(t, 1, 1, "q1", "A"), EXAM_OK);
    assert_int_equal(site_view(t, 1).answers, 1);
    assert_int_equal(site_answer(t, 1, 2, "q1", ""), EXAM_OK);
    assert_int_equal(site_view(t, 1).answers, 0);
    assert_string_equal(site_answer_value(t, 1, "q1"), "");
}

/* Answers are listed in the order of the paper. */
static void test_results__come_in_the_order_of_the_paper(void **state)
{
    struct site *t = *state;
    struct exam_answer_view a;

    assert_int_equal(site_answer(t, 1, 1, "q50", "C"), EXAM_OK);
    assert_int_equal(site_answer(t, 1, 2, "q2", "A"), EXAM_OK);
    assert_int_equal(site_answer(t, 1, 3, "q10", "B"), EXAM_OK);
    assert_int_equal(exam_answer_at(t->x, 1, 0, &a), EXAM_OK);
    assert_string_equal(a.item, "q2");
    assert_int_equal(exam_answer_at(t->x, 1, 1, &a), EXAM_OK);
    assert_string_equal(a.item, "q10");
    assert_int_equal(exam_answer_at(t->x, 1, 2, &a), EXAM_OK);
    assert_string_equal(a.item, "q50");
    assert_int_equal(exam_answer_at(t->x, 1, 3, &a), EXAM_NOT_FOUND);
}

/* Before the start nothing can be answered; without an attachment neither. */
static void test_t1__nothing_is_answered_before_the_start(void **state)
{
    struct site *t = *state;
    struct site_plan p = PLAN;

    assert_int_equal(site_answer(t, 2, 1, "q1", "A"), EXAM_STATE);
    p.batch = "B2";
    p.room = "R2";
    p.first_no = 2001;
    site_plan_batch(t, &p);
    assert_int_equal(site_sign_in(t, 2001, "R2-01", 1), EXAM_OK);
    assert_int_equal(site_answer(t, 3, 1, "q1", "A"), EXAM_AGAIN);
    assert_string_equal(t->why.rule, "T1");
    assert_false(t->why.consumed);
    assert_int_equal(site_submit(t, 3, 1), EXAM_AGAIN);
}

/* After a time-out an answer made before it is accepted and flagged; one made after it is kept in
 * the log, refused for the result. */
static void test_t10__late_answer_is_flagged_and_a_later_one_refused(void **state)
{
    struct site *t = *state;
    struct exam_command c;

    site_go(t, MS(60, 0, 0));
    assert_int_equal(site_view(t, 1).finish, EV__FINISH__FINISH_TIMED_OUT);
    c = answer_of(t, 1, "q1", "A");
    assert_int_equal(site_do(t, &c), EXAM_OK); /* made with all the time used */
    assert_string_equal(site_answer_value(t, 1, "q1"), "A");
    assert_int_equal(site_view(t, 1).late, 1);
    c = answer_of(t, 2, "q2", "B");
    c.u.answer.made_at_ms = MS(60, 0, 1);
    assert_int_equal(site_do(t, &c), EXAM_LATE);
    assert_true(t->why.consumed);
    assert_string_equal(site_answer_value(t, 1, "q2"), "");
    site_expect(t, 1, MS(60, 0, 0), 0, 0);
}

/* T7: a submission that lay unread ends the sitting when the candidate submitted, before a pause
 * that was logged meanwhile, too. */
static void test_t10__a_submission_that_lay_unread_ends_where_it_was_made(void **state)
{
    struct site *t = *state;
    struct exam_command c = {.kind = EXAM_CMD_SUBMIT};

    site_go(t, MS(30, 0, 0));
    assert_int_equal(site_answer(t, 1, 1, "q1", "A"), EXAM_OK);
    site_go(t, MS(30, 3, 0));
    assert_int_equal(site_pause(t, "site"), EXAM_OK);
    site_go(t, MS(30, 4, 0));
    c.u.submit.sitting = 1;
    c.u.submit.seq = 2;
    c.u.submit.said_ms = MS(30, 2, 500);
    c.u.submit.heard_ms = MS(30, 1, 0);
    assert_int_equal(site_do(t, &c), EXAM_OK);
    site_expect(t, 1, MS(30, 2, 500), MS(29, 57, 500), MS(0, 1, 500));
    assert_int_equal(site_view(t, 1).finish, EV__FINISH__FINISH_SUBMITTED);
}

/* A submission ends the sitting; what follows it is not in the result. */
static void test_t10__nothing_follows_a_submission(void **state)
{
    struct site *t = *state;
    struct exam_command c;

    site_go(t, MS(30, 0, 0));
    assert_int_equal(site_answer(t, 1, 1, "q1", "A"), EXAM_OK);
    site_go(t, MS(31, 0, 0));
    assert_int_equal(site_submit(t, 1, 2), EXAM_OK);
    assert_int_equal(site_submit(t, 1, 2), EXAM_OK); /* A4 */
    assert_int_equal(site_submit(t, 1, 3), EXAM_STATE);
    site_go(t, MS(40, 0, 0));
    site_expect(t, 1, MS(31, 0, 0), MS(29, 0, 0), 0);
    assert_int_equal(site_view(t, 1).finish, EV__FINISH__FINISH_SUBMITTED);
    c = answer_of(t, 3, "q1", "B");
    c.u.answer.made_at_ms = MS(30, 30, 0); /* what the seat says does not help */
    assert_int_equal(site_do(t, &c), EXAM_LATE);
    assert_true(t->why.consumed);
    assert_string_equal(site_answer_value(t, 1, "q1"), "A");
    assert_int_equal(site_sign_in(t, 1001, "R1-01", 2), EXAM_STATE); /* finished */
    assert_int_equal(site_attach(t, 1001, "R1-01", 1), EXAM_OK);     /* to see that */
    site_expect(t, 1, MS(31, 0, 0), MS(29, 0, 0), 0);
}

/* After the collection an answer made in time is kept in the log, not in the result. */
static void test_p6__collected_batch_is_closed(void **state)
{
    struct site *t = *state;

    site_go(t, MS(10, 0, 0));
    assert_int_equal(site_collect(t, "B1", true), EXAM_OK);
    assert_int_equal(site_view(t, 1).finish, EV__FINISH__FINISH_CLOSED);
    assert_int_equal(site_view(t, 2).finish, EV__FINISH__FINISH_ABSENT);
    assert_int_equal(site_answer(t, 1, 1, "q1", "A"), EXAM_STATE);
    assert_true(t->why.consumed);
    assert_string_equal(site_answer_value(t, 1, "q1"), "");
    assert_int_equal(site_sign_in(t, 1002, "R1-02", 1), EXAM_STATE);
}

/* Without a paper an item comes into being with its first answer, up to a bound. */
static void test_items__open_sitting_has_a_bound(void **state)
{
    struct site *t = *state;
    struct site_plan p = PLAN;
    char item[16];

    p.batch = "B2";
    p.room = "R2";
    p.paper = NULL;
    p.first_no = 2001;
    site_plan_batch(t, &p);
    assert_int_equal(site_start(t, "B2"), EXAM_OK);
    assert_int_equal(site_sign_in(t, 2001, "R2-01", 1), EXAM_OK);
    for (uint32_t i = 1; i <= PAPER_ITEMS_MAX; i++) {
        snprintf(item, sizeof item, "x%u", i);
        assert_int_equal(site_answer(t, 3, i, item, item), EXAM_OK);
    }
    assert_int_equal(site_answer(t, 3, PAPER_ITEMS_MAX + 1, "one-more", "A"), EXAM_NOT_FOUND);
    assert_int_equal(site_view(t, 3).answers, PAPER_ITEMS_MAX);
}

static void count_only(void *ctx, const Ev__Event *event)
{
    (void)event;
    ++*(uint64_t *)ctx;
}

/* Tells what an answer costs, decided and applied; the log line is the result. */
static void test_answers__cost_is_told(void **state)
{
    enum { N = 200000 };
    struct site *t = *state;
    struct timespec from, to;
    struct exam_refusal why;
    uint64_t events = 0;
    char items[60][16];
    Ev__Answered e;
    Ev__Event event = EV__EVENT__INIT;
    exam *x;

    ev__answered__init(&e);
    exam *first = site_reload(t->x);
    x = first;
    for (int i = 0; i < 60; i++)
        snprintf(items[i], sizeof items[i], "q%d", i + 1);
    struct exam_command c = answer_of(t, 1, "q1", "A");
    e.sitting = 1;
    e.attachment_epoch = c.u.answer.attachment_epoch;
    e.attachment_lsn = c.u.answer.attachment_lsn;
    e.value = (ProtobufCBinaryData){1, (uint8_t *)(uintptr_t) "A"};
    event.kind_case = EV__EVENT__KIND_ANSWERED;
    event.answered = &e;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (uint64_t i = 1; i <= N; i++) {
        c.u.answer.seq = i;
        c.u.answer.item = items[i % 60];
        assert_int_equal(exam_decide(x, &c, t->now_ms, count_only, &events, &why), EXAM_OK);
        e.seq = i;
        e.item = items[i % 60];
        exam_apply(x, &(struct record){.lsn = 100 + i, .epoch = 1, .at_ms = t->now_ms}, &event);
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    double ns = (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec);
    print_message("an answer, decided and applied: %.0f ns\n", ns / N);
    assert_int_equal(events, N);
    assert_int_equal(exam_oddities(x), 0);
    exam_free(x);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a4__duplicate_is_no_event),
        TEST(test_a1__refused_is_refused_again),
        TEST(test_a1__refused_beside_an_earlier_answer),
        TEST(test_a1__refused_of_a_left_seat_is_refused_again),
        TEST(test_a1__refused_stays_refused_after_a_grant),
        TEST(test_a3__gap_tells_what_the_node_has),
        TEST(test_t3__answer_is_a_mark),
        TEST(test_a3__refused_answer_is_consumed),
        TEST(test_a3__answer_of_an_older_attachment_does_not_replace),
        TEST(test_a3__answer_is_taken_back),
        TEST(test_results__come_in_the_order_of_the_paper),
        TEST(test_t1__nothing_is_answered_before_the_start),
        TEST(test_t10__late_answer_is_flagged_and_a_later_one_refused),
        TEST(test_t10__nothing_follows_a_submission),
        TEST(test_t10__a_submission_that_lay_unread_ends_where_it_was_made),
        TEST(test_p6__collected_batch_is_closed),
        TEST(test_items__open_sitting_has_a_bound),
        TEST(test_answers__cost_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
