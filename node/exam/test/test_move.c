/* Moved seats, and what the seat that was left still holds: T11, A3, P11. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "site.h"

static const struct site_plan PLAN = {.batch = "B1",
                                      .room = "R1",
                                      .room_seats = 4,
                                      .sittings = 2,
                                      .first_no = 1001,
                                      .allot_ms = MS(60, 0, 0)};

static int setup(void **state)
{
    struct site *t = site_new();

    site_plan_batch(t, &PLAN);
    assert_int_equal(site_start(t, "B1"), EXAM_OK);
    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    site_expect_replicates(*state);
    site_free(*state);
    return 0;
}

static void expect_refused(const struct site *t, exam_err err, const char *rule, const char *says)
{
    assert_int_not_equal(err, EXAM_OK);
    assert_string_equal(t->why.rule, rule);
    if (!strstr(t->why.text, says))
        fail_msg("\"%s\" does not say \"%s\"", t->why.text, says);
}

/* An action of the former session number `former`, made under the attachment of `v`. */
static exam_err old_answer(struct site *t, const struct exam_sitting_view *v, uint32_t former,
                           uint64_t seq, const char *item, const char *value)
{
    struct exam_command c = site_answer_of(v, seq, item, value);

    c.u.answer.former = former;
    return site_do(t, &c);
}

static exam_err old_submit(struct site *t, uint32_t former, uint64_t seq)
{
    struct exam_command c = {.kind = EXAM_CMD_SUBMIT};

    c.u.submit.sitting = 1;
    c.u.submit.seq = seq;
    c.u.submit.former = former;
    return site_do(t, &c);
}

/* A moved sitting stands until it is signed in to at its new seat, and goes on from its last mark.
 */
static void test_t11__goes_on_from_the_last_mark(void **state)
{
    struct site *t = *state;

    site_go(t, MS(6, 0, 0));
    assert_int_equal(site_mark(t, 1), EXAM_OK);
    site_go(t, MS(6, 0, 400));
    assert_int_equal(site_move(t, 1001, "R1-03", true), EXAM_OK);
    site_expect(t, 1, MS(6, 0, 0), MS(54, 0, 0), 0);
    assert_int_equal(site_view(t, 1).state, EXAM_SITTING_LOST);
    assert_string_equal(site_view(t, 1).seat, "R1-03");
    site_go(t, MS(6, 30, 0));
    assert_int_equal(site_sign_in(t, 1001, "R1-01", 2), EXAM_SEAT_TAKEN); /* not here any more */
    assert_int_equal(site_sign_in(t, 1001, "R1-03", 2), EXAM_OK);
    site_go(t, MS(7, 0, 0));
    site_expect(t, 1, MS(6, 30, 0), MS(53, 30, 0), MS(0, 30, 0));
}

/* The old seat is shut out with its session, but told apart from a stranger. */
static void test_t11__the_old_seat_is_shut_out(void **state)
{
    struct site *t = *state;

    site_go(t, MS(6, 0, 0));
    assert_int_equal(site_answer(t, 1, 1, "q1", "A"), EXAM_OK);
    assert_int_equal(site_move(t, 1001, "R1-03", true), EXAM_OK);
    expect_refused(t, site_attach(t, 1001, "R1-01", 1), "T11", "goes on at seat R1-03");
    assert_int_equal(t->why.former, 1);
    assert_int_equal(t->why.sitting, 1);
    assert_int_equal(t->why.seq_have, 1);
    assert_int_equal(site_attach(t, 1001, "R1-01", 7), EXAM_AUTH); /* nobody ever had that one */
    assert_int_equal(t->why.former, 0);
    assert_int_equal(site_attach(t, 1001, "R1-04", 1), EXAM_AUTH); /* nobody had it there */
    assert_int_equal(t->why.former, 0);
    assert_int_equal(site_attach(t, 1001, "R1-03", 0), EXAM_AUTH); /* no session at all */
    assert_int_equal(site_sign_in(t, 1001, "R1-03", 0), EXAM_INVALID);
}

/* A3: what the old seat holds comes in as what it is: older than all that was done elsewhere. */
static void test_a3__what_the_old_seat_holds_is_taken_in(void **state)
{
    struct site *t = *state;

    site_go(t, MS(6, 0, 0));
    struct exam_sitting_view old = site_view(t, 1);
    assert_int_equal(site_detach(t, 1), EXAM_OK);
    assert_int_equal(site_move(t, 1001, "R1-03", true), EXAM_OK);
    assert_int_equal(site_sign_in(t, 1001, "R1-03", 2), EXAM_OK);
    assert_int_equal(site_answer(t, 1, 1, "q1", "new"), EXAM_OK);
    struct exam_sitting_view now = site_view(t, 1);
    assert_int_equal(old_answer(t, &old, 1, 1, "q1", "old"), EXAM_OK);
    assert_int_equal(old_answer(t, &old, 1, 2, "q2", "B"), EXAM_OK);
    assert_int_equal(old_answer(t, &old, 1, 2, "q2", "B"), EXAM_OK); /* A4 */
    assert_string_equal(site_answer_value(t, 1, "q1"), "new");
    assert_string_equal(site_answer_value(t, 1, "q2"), "B");
    assert_int_equal(old_answer(t, &old, 1, 5, "q3", "C"), EXAM_GAP);
    assert_int_equal(t->why.seq_have, 2);
    assert_int_equal(old_answer(t, &old, 2, 1, "q3", "C"), EXAM_STATE); /* there is no second one */
    /* and the new session's own count and clock are what they were */
    assert_int_equal(site_view(t, 1).seq_have, 1);
    assert_int_equal(site_view(t, 1).mark_ms, now.mark_ms);
    assert_int_equal(site_answer(t, 1, 2, "q2", "later"), EXAM_OK);
    assert_string_equal(site_answer_value(t, 1, "q2"), "later");
}

/* A3: a submission from there counts unless the candidate has gone on since. */
static void test_a3__an_old_submission_counts_unless_gone_on(void **state)
{
    struct site *t = *state;

    site_go(t, MS(6, 0, 0));
    struct exam_sitting_view old = site_view(t, 1);
    assert_int_equal(site_move(t, 1001, "R1-03", true), EXAM_OK);
    site_go(t, MS(7, 0, 0));
    assert_int_equal(old_answer(t, &old, 1, 1, "q1", "A"), EXAM_OK);
    assert_int_equal(old_submit(t, 1, 2), EXAM_OK); /* nobody sits at the new seat yet */
    assert_int_equal(site_view(t, 1).finish, EV__FINISH__FINISH_SUBMITTED);
    site_expect(t, 1, 0, MS(60, 0, 0), MS(7, 0, 0));
    assert_int_equal(old_answer(t, &old, 1, 3, "q1", "B"), EXAM_LATE); /* after its submission */
    assert_true(t->why.consumed);
}

static void test_a3__an_old_submission_is_kept_when_gone_on(void **state)
{
    struct site *t = *state;

    site_go(t, MS(6, 0, 0));
    struct exam_sitting_view old = site_view(t, 1);
    assert_int_equal(site_move(t, 1001, "R1-03", true), EXAM_OK);
    assert_int_equal(site_sign_in(t, 1001, "R1-03", 2), EXAM_OK);
    expect_refused(t, old_submit(t, 1, 1), "A3", "gone on at seat R1-03");
    assert_true(t->why.consumed);
    assert_true(site_last_event(t)->submitted->refused);
    assert_int_equal(site_view(t, 1).state, EXAM_SITTING_ANSWERING);
    assert_int_equal(old_answer(t, &old, 1, 2, "q1", "A"), EXAM_OK); /* it blocks nothing */
    /* T10: made before the submission at the new seat, delivered after it: late, and in the result
     */
    assert_int_equal(site_submit(t, 1, 1), EXAM_OK);
    assert_int_equal(old_answer(t, &old, 1, 3, "q2", "B"), EXAM_OK);
    assert_string_equal(site_answer_value(t, 1, "q2"), "B");
    assert_int_equal(site_view(t, 1).late, 1);
    assert_int_equal(site_collect(t, "B1", true), EXAM_OK);
    assert_int_equal(old_answer(t, &old, 1, 4, "q3", "C"), EXAM_STATE); /* P6: kept, not counted */
    assert_true(t->why.consumed);
}

/* Whoever sits down where a moved candidate sat before takes nothing from that candidate: the clock
 * at the new seat runs on. */
static void test_t11__who_gets_the_old_seat_shuts_nobody_out(void **state)
{
    struct site *t = *state;

    assert_int_equal(site_move(t, 1001, "R1-03", true), EXAM_OK);
    assert_int_equal(site_sign_in(t, 1001, "R1-03", 2), EXAM_OK);
    assert_int_equal(site_move(t, 1002, "R1-01", true), EXAM_OK);
    assert_int_equal(site_sign_in(t, 1002, "R1-01", 3), EXAM_OK);
    assert_true(site_view(t, 1).attached);
    site_go(t, MS(5, 0, 0));
    site_expect(t, 1, MS(5, 0, 0), MS(55, 0, 0), 0);
}

/* A3: what a former session hands in moves neither clock nor count, whatever it says. */
static void test_t11__an_old_seat_moves_no_clock(void **state)
{
    struct site *t = *state;
    struct exam_command c = {.kind = EXAM_CMD_MARK};
    const struct exam_word one = {.sitting = 1, .said_ms = UINT64_MAX};

    site_go(t, MS(6, 0, 0));
    struct exam_sitting_view old = site_view(t, 1);
    assert_int_equal(site_detach(t, 1), EXAM_OK);
    assert_int_equal(site_move(t, 1001, "R1-03", true), EXAM_OK);
    old.account.used_ms = MS(59, 0, 0); /* made at, it says */
    site_go(t, MS(7, 0, 0));
    c.u.mark.words = &one;
    c.u.mark.n = 1;
    assert_int_equal(old_answer(t, &old, 1, 1, "q1", "A"), EXAM_OK);
    assert_int_equal(site_do(t, &c), EXAM_OK); /* a heartbeat: nobody is in contact */
    site_expect(t, 1, 0, MS(60, 0, 0), 0);
    assert_int_equal(site_sign_in(t, 1001, "R1-03", 2), EXAM_OK);
    site_go(t, MS(8, 0, 0));
    size_t before = t->log_n;
    assert_int_equal(site_attach(t, 1001, "R1-01", 1), EXAM_SEAT_TAKEN); /* with any claim */
    assert_int_equal(t->log_n, before);
    assert_int_equal(old_answer(t, &old, 1, 2, "q2", "B"), EXAM_OK);
    site_expect(t, 1, MS(1, 0, 0), MS(59, 0, 0), MS(7, 0, 0));
}

/* A sitting that is moved again and again: the sessions that can be named are bounded. One beyond
 * is a stranger, which is refused, and nothing that is known of the others is lost by it. */
static void test_t11__former_sessions_are_bounded(void **state)
{
    static const char *const seats[] = {"R1-03", "R1-01"};
    enum { FORMERS = 64, MOVES = FORMERS + 2 };
    struct site *t = *state;
    struct exam_sitting_view first = site_view(t, 1);

    for (uint32_t i = 0; i < MOVES; i++) {
        assert_int_equal(site_move(t, 1001, seats[i % 2], true), EXAM_OK);
        assert_int_equal(site_view(t, 1).formers, i < FORMERS ? i + 1 : FORMERS);
        assert_int_equal(site_view(t, 1).former_newest, i + 1 < FORMERS ? i + 1 : 0);
        assert_int_equal(site_sign_in(t, 1001, seats[i % 2], (uint8_t)(i + 2)), EXAM_OK);
    }
    size_t before = t->log_n;
    expect_refused(t, site_attach(t, 1001, "R1-03", FORMERS + 1), "T11", "no such session");
    assert_int_equal(t->why.former, 0);
    assert_int_equal(old_answer(t, &first, FORMERS + 1, 1, "q1", "A"), EXAM_STATE);
    assert_int_equal(t->log_n, before);
    assert_int_equal(site_attach(t, 1001, "R1-01", 1), EXAM_SEAT_TAKEN);
    assert_int_equal(t->why.former, 1);
    assert_int_equal(old_answer(t, &first, 1, 1, "q1", "A"), EXAM_OK);
    assert_string_equal(site_answer_value(t, 1, "q1"), "A");
}

/* It is the former session of one seat: whoever has copied it there is a stranger anywhere else. */
static void test_t11__a_former_session_is_of_its_seat(void **state)
{
    struct site *t = *state;

    assert_int_equal(site_answer(t, 1, 1, "q1", "A"), EXAM_OK);
    assert_int_equal(site_move(t, 1001, "R1-03", true), EXAM_OK);
    size_t before = t->log_n;
    expect_refused(t, site_attach(t, 1001, "R1-04", 1), "T11", "no such session");
    assert_int_equal(t->why.code, EXAM_AUTH);
    assert_int_equal(t->why.former, 0);
    assert_int_equal(t->why.seq_have, 0);
    expect_refused(t, site_attach(t, 1001, "R1-03", 1), "T11", "no such session");
    assert_int_equal(t->why.former, 0);
    assert_int_equal(t->log_n, before);
    assert_int_equal(site_attach(t, 1001, "R1-01", 1), EXAM_SEAT_TAKEN);
    assert_int_equal(t->why.former, 1);
}

/* A session that signs in again goes on with its own count of actions. */
static void test_a4__a_former_session_comes_back(void **state)
{
    struct site *t = *state;

    assert_int_equal(site_answer(t, 1, 1, "q1", "A"), EXAM_OK);
    assert_int_equal(site_answer(t, 1, 2, "q2", "A"), EXAM_OK);
    assert_int_equal(site_detach(t, 1), EXAM_OK);
    assert_int_equal(site_sign_in(t, 1001, "R1-01", 2), EXAM_OK);
    assert_int_equal(site_detach(t, 1), EXAM_OK);
    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    assert_int_equal(site_view(t, 1).seq_have, 2);
    assert_int_equal(site_detach(t, 1), EXAM_OK);
    assert_int_equal(site_attach(t, 1001, "R1-01", 1), EXAM_OK);
    assert_int_equal(site_detach(t, 1), EXAM_OK);
    assert_int_equal(site_attach(t, 1001, "R1-01", 2), EXAM_SEAT_TAKEN);
    assert_int_equal(t->why.former, 2);
}

/* A1: each session has its own refusals: they go with it when its seat is left, are told to that
 * seat when it comes back, and are the sitting's again when the session is. */
static void test_a1__refusals_go_with_their_session(void **state)
{
    struct site *t = *state;
    struct exam_sitting_view first = site_view(t, 1), to_come = first;

    to_come.attachment_lsn++;
    assert_int_equal(old_answer(t, &to_come, 0, 1, "q1", "A"), EXAM_INVALID);
    assert_int_equal(old_answer(t, &first, 0, 2, "q2", "A"), EXAM_OK);
    assert_int_equal(site_view(t, 1).seq_refused, 1);
    assert_int_equal(site_detach(t, 1), EXAM_OK);
    assert_int_equal(site_sign_in(t, 1001, "R1-01", 2), EXAM_OK);
    assert_int_equal(site_view(t, 1).seq_refused, 0);
    assert_int_equal(site_attach(t, 1001, "R1-01", 1), EXAM_SEAT_TAKEN);
    assert_int_equal(t->why.seq_have, 2);
    assert_int_equal(t->why.seq_refused, 1);
    to_come.attachment_lsn = site_view(t, 1).attachment_lsn + 1;
    struct site *restarted = site_restarted(t), *both[] = {t, restarted};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(old_answer(both[i], &to_come, 1, 1, "q1", "A"), EXAM_INVALID);
        assert_false(both[i]->why.consumed);
        assert_int_equal(old_answer(both[i], &first, 1, 2, "q2", "A"), EXAM_OK);
    }
    site_free(restarted);
    assert_int_equal(site_detach(t, 1), EXAM_OK);
    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    assert_int_equal(site_view(t, 1).seq_refused, 1);
    assert_int_equal(old_answer(t, &to_come, 0, 1, "q1", "A"), EXAM_LATE);
    assert_non_null(strstr(t->why.text, "refused when it came first"));
    assert_string_equal(site_answer_value(t, 1, "q1"), "");
}

/* A latecomer's clock goes on at whatever seat, and stands at one that is paused. */
static void test_t11__a_clock_without_a_screen_moves_along(void **state)
{
    struct site *t = *state;

    site_go(t, MS(5, 0, 500));
    assert_int_equal(site_pause(t, "R1-04"), EXAM_OK);
    assert_int_equal(site_move(t, 1002, "R1-03", true), EXAM_OK);
    assert_int_equal(site_view(t, 2).state, EXAM_SITTING_EXPECTED);
    site_go(t, MS(6, 0, 500));
    site_expect(t, 2, MS(6, 0, 500), MS(53, 59, 500), 0);
    assert_int_equal(site_move(t, 1002, "R1-04", true), EXAM_OK);
    site_go(t, MS(7, 0, 500));
    site_expect(t, 2, MS(6, 0, 500), MS(53, 59, 500), 0);
    assert_int_equal(site_move(t, 1002, "R1-03", true), EXAM_OK);
    site_go(t, MS(8, 0, 500));
    site_expect(t, 2, MS(7, 0, 500), MS(52, 59, 500), MS(1, 0, 0));
}

/* Every move that makes no sense is refused under its rule, and changes nothing. */
static void test_t11__refusals(void **state)
{
    struct site *t = *state;
    struct site_plan p = PLAN;

    p.batch = "B2";
    p.room = "R2";
    p.first_no = 2001;
    site_plan_batch(t, &p);
    assert_int_equal(site_start(t, "B2"), EXAM_OK);
    size_t before = t->log_n;
    expect_refused(t, site_move(t, 4711, "R1-03", true), "R4", "4711");
    expect_refused(t, site_move(t, 1001, "R1-05", true), "T11", "no seat R1-05");
    expect_refused(t, site_move(t, 1001, "R1-02", true), "T11", "taken by candidate 1002");
    expect_refused(t, site_move(t, 1001, "R1-01", true), "T11", "already");
    expect_refused(t, site_move(t, 1001, "R1-03", false), "T11", "switch it on");
    expect_refused(t, site_move(t, 1001, "R2-03", true), "P11", "holds batch B2");
    assert_int_equal(t->log_n, before);
    assert_int_equal(site_submit(t, 1, 1), EXAM_OK);
    expect_refused(t, site_move(t, 1001, "R1-03", true), "T11", "has finished");
    assert_int_equal(site_collect(t, "B1", true), EXAM_OK);
    expect_refused(t, site_move(t, 1002, "R1-03", true), "T11", "collected");
}

/* A2, T9: who has finished keeps the seat, which may be the last place that holds the answers; who
 * never came has left nothing there. */
static void test_t11__who_has_finished_keeps_the_seat(void **state)
{
    struct site *t = *state;

    assert_int_equal(site_submit(t, 1, 1), EXAM_OK);
    expect_refused(t, site_move(t, 1002, "R1-01", true), "T11",
                   "taken by candidate 1001 until that batch is collected");
    assert_int_equal(site_sign_in(t, 1002, "R1-02", 2), EXAM_OK);
    assert_int_equal(site_move(t, 1002, "R1-03", true), EXAM_OK);
}

static void test_t11__who_never_came_keeps_no_seat(void **state)
{
    struct site *t = *state;

    assert_int_equal(site_grant(t, "1001", MS(5, 0, 0), "noise"), EXAM_OK);
    site_go(t, MS(60, 0, 0));
    assert_int_equal(site_view(t, 2).finish, EV__FINISH__FINISH_ABSENT);
    assert_int_equal(site_move(t, 1001, "R1-02", true), EXAM_OK);
}

/* P11: the room a sitting was moved to is held by its batch until that one is collected. */
static void test_p11__the_new_room_is_held(void **state)
{
    struct site *t = *state;
    struct site_plan p = PLAN;

    p.batch = "B2";
    p.room = "R2";
    p.first_no = 2001;
    site_plan_batch(t, &p);
    assert_true(site_batch(t, 2).sign_in_open);
    assert_int_equal(site_move(t, 1001, "R2-04", true), EXAM_OK);
    assert_false(site_batch(t, 2).sign_in_open);
    expect_refused(t, site_start(t, "B2"), "P11", "room R2 still holds batch B1");
    expect_refused(t, site_sign_in(t, 2001, "R2-01", 5), "P11", "room R2 still holds batch B1");
    assert_int_equal(site_collect(t, "B1", true), EXAM_OK);
    assert_int_equal(site_start(t, "B2"), EXAM_OK); /* early or not */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_t11__goes_on_from_the_last_mark),
        TEST(test_t11__the_old_seat_is_shut_out),
        TEST(test_a3__what_the_old_seat_holds_is_taken_in),
        TEST(test_a3__an_old_submission_counts_unless_gone_on),
        TEST(test_a3__an_old_submission_is_kept_when_gone_on),
        TEST(test_t11__an_old_seat_moves_no_clock),
        TEST(test_t11__who_gets_the_old_seat_shuts_nobody_out),
        TEST(test_t11__former_sessions_are_bounded),
        TEST(test_t11__a_former_session_is_of_its_seat),
        TEST(test_a4__a_former_session_comes_back),
        TEST(test_a1__refusals_go_with_their_session),
        TEST(test_t11__a_clock_without_a_screen_moves_along),
        TEST(test_t11__refusals),
        TEST(test_t11__who_has_finished_keeps_the_seat),
        TEST(test_t11__who_never_came_keeps_no_seat),
        TEST(test_p11__the_new_room_is_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
