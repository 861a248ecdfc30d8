/* A3: what becomes of the records of a dead branch. The branch and the site's log are two sites of
 * site.h that part at some record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
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

static uint32_t tag_of(struct site *t, uint64_t epoch)
{
    for (size_t i = 0; i < t->log_n; i++)
        if (t->log[i].r.epoch == epoch)
            return record_tag(t->log[i].r.hash);
    fail_msg("the log has no epoch %llu", (unsigned long long)epoch);
    return 0;
}

/* Record i of a site's log, which parts from this one after `common` records, is offered. */
static exam_err offer(struct site *to, struct site *from, size_t i, size_t common)
{
    struct exam_command c = {.kind = EXAM_CMD_RECOVER};
    uint64_t epoch = from->log[i].r.epoch;
    size_t since = i;

    while (since > common && from->log[since - 1].r.epoch == epoch)
        since--;
    c.u.recover.record = &from->log[i].r;
    c.u.recover.event = site_event(from, i);
    c.u.recover.epoch_tag = tag_of(from, epoch);
    c.u.recover.since_lsn = from->log[since].r.lsn;
    return site_do(to, &c);
}

static void offer_all(struct site *to, struct site *from, size_t common)
{
    for (size_t i = common; i < from->log_n; i++)
        assert_int_equal(offer(to, from, i, common), EXAM_OK);
}

static exam_err recover_one(struct parted *p, size_t i)
{
    return offer(p->main, p->branch, i, p->common);
}

static void recover(struct parted *p)
{
    offer_all(p->main, p->branch, p->common);
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
    assert_true(exam_recovered(p->main->x, 1, tag_of(p->branch, 1), p->branch->log_n));
    assert_false(exam_recovered(p->main->x, 1, tag_of(p->branch, 1), p->branch->log_n + 1));
    assert_false(exam_recovered(p->main->x, 1, tag_of(p->branch, 1) + 1, p->branch->log_n));
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
    /* its account ends where the seat was told that it ends (T3, T12) */
    site_expect(p->main, 2, MS(12, 0, 0), MS(48, 0, 0), MS(19, 0, 0));
}

/* A2, T10: the candidate's PC still holds what was made, and acknowledged by the old primary alone,
 * before the submission: it is taken when the PC is back, and what was made after it is not. */
static void test_a2__answers_before_a_recovered_submission_are_taken(void **state)
{
    struct parted *p = *state;
    struct exam_command c = {.kind = EXAM_CMD_ANSWER};

    site_go(p->branch, MS(11, 0, 0));
    assert_int_equal(site_answer(p->branch, 2, 1, "q1", "B"), EXAM_OK);
    site_go(p->branch, MS(12, 0, 0));
    assert_int_equal(site_submit(p->branch, 2, 2), EXAM_OK);
    p->main->now_ms = MS(30, 0, 0);
    assert_int_equal(site_epoch(p->main, true), EXAM_OK);
    recover(p);
    assert_int_equal(site_view(p->main, 2).finish, EV__FINISH__FINISH_SUBMITTED);
    assert_string_equal(site_answer_value(p->main, 2, "q1"), "B");
    assert_int_equal(site_attach(p->main, 1002, "R1-02", 1), EXAM_OK);
    c.u.answer.sitting = 2;
    c.u.answer.seq = 1;
    c.u.answer.item = "q2";
    c.u.answer.value = (const uint8_t *)"C";
    c.u.answer.value_bytes = 1;
    c.u.answer.made_at_ms = c.u.answer.said_ms = MS(11, 0, 0);
    assert_int_equal(site_do(p->main, &c), EXAM_OK);
    assert_string_equal(site_answer_value(p->main, 2, "q2"), "C");
    assert_int_equal(site_submit(p->main, 2, 2), EXAM_OK);
    c.u.answer.seq = 3;
    c.u.answer.item = "q3";
    assert_int_equal(site_do(p->main, &c), EXAM_LATE);
    assert_string_equal(site_answer_value(p->main, 2, "q3"), "");
    site_expect(p->main, 2, MS(12, 0, 0), MS(48, 0, 0), MS(18, 0, 0));
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
    assert_int_equal(site_mark(p->branch, 1), EXAM_OK);
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

/* W1: two wrong promotions gave one number twice. What the one branch holds hides nothing of the
 * other's. */
static void test_a3__branches_of_one_number_do_not_hide_each_other(void **state)
{
    struct parted *p = *state;
    struct site *other = site_fork(p->branch, p->common);
    struct site *first = site_fork(p->main, p->common);

    other->history = 7;
    first->history = 9;
    other->now_ms = first->now_ms = MS(11, 0, 0);
    assert_int_equal(site_epoch(other, true), EXAM_OK); /* both begin epoch 2 */
    assert_int_equal(site_epoch(first, true), EXAM_OK);
    assert_int_not_equal(tag_of(other, 2), tag_of(first, 2));
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(site_grant(first, "1003", 1000, "first"), EXAM_OK);
    assert_int_equal(site_grant(other, "1002", 5000, "other"), EXAM_OK);
    assert_int_equal(site_grant(other, "1002", 700, "other"), EXAM_OK);
    p->main->now_ms = MS(30, 0, 0);
    assert_int_equal(site_epoch_numbered(p->main, 3, true), EXAM_OK);
    offer_all(p->main, first, p->common); /* the longer one */
    offer_all(p->main, other, p->common);
    assert_int_equal(site_view(p->main, 3).account.grants_ms, 3000);
    assert_int_equal(site_view(p->main, 2).account.grants_ms, 5700);
    size_t n = p->main->log_n;
    offer_all(p->main, other, p->common);
    offer_all(p->main, first, p->common);
    assert_int_equal(p->main->log_n, n);
    site_free(other);
    site_free(first);
}

/* The number of the site's own newest epoch, and another epoch. */
static void test_a3__a_branch_with_the_number_of_the_newest_epoch(void **state)
{
    struct parted *p = *state;

    p->branch->history = 7;
    p->branch->now_ms = MS(11, 0, 0);
    assert_int_equal(site_epoch(p->branch, true), EXAM_OK);
    assert_int_equal(site_grant(p->branch, "1002", 5000, "why"), EXAM_OK);
    succeed(p);
    assert_int_equal(exam_epoch(p->main->x), 2);
    recover(p);
    assert_int_equal(site_view(p->main, 2).account.grants_ms, 5000);
}

/* The branch was recovered by a successor whose log is dead itself, and the branch's disk is gone:
 * what the successor took in is taken in from it, under its true origin, and once, whoever brings
 * the rest. */
static void test_a3__what_a_dead_branch_had_recovered_is_recovered(void **state)
{
    struct parted *p = *state;
    struct exam_command c = {.kind = EXAM_CMD_VIOLATION};

    site_go(p->branch, MS(12, 0, 0));
    assert_int_equal(site_answer(p->branch, 1, 2, "q2", "B"), EXAM_OK);
    assert_int_equal(site_grant(p->branch, "1002", 5000, "noise"), EXAM_OK);
    assert_int_equal(site_mark(p->branch, 1), EXAM_OK);
    c.u.violation.admission_no = "1002";
    c.u.violation.text = "phone";
    c.u.violation.who = "tester";
    assert_int_equal(site_do(p->branch, &c), EXAM_OK);
    assert_int_equal(site_pause(p->branch, "R1"), EXAM_OK);
    struct site *dead = site_fork(p->branch, p->common);
    dead->history = 7;
    dead->now_ms = MS(20, 0, 0);
    assert_int_equal(site_epoch(dead, true), EXAM_OK);
    offer_all(dead, p->branch, p->common);
    p->main->now_ms = MS(30, 0, 0);
    assert_int_equal(site_epoch_numbered(p->main, 3, true), EXAM_OK);
    site_tick(p->main);
    size_t before = p->main->log_n;
    offer_all(p->main, dead, p->common);
    assert_string_equal(site_answer_value(p->main, 1, "q2"), "B");
    assert_int_equal(site_view(p->main, 2).account.grants_ms, 5000);
    assert_int_equal(site_view(p->main, 2).violations, 1);
    /* and shown: later marks, the pause, and the incident with which the dead epoch began */
    assert_int_equal(p->main->log_n, before + 6);
    assert_int_equal(last(p)->as, EV__RECOVERED_AS__RECOVERED_AS_SHOWN);
    assert_int_equal(last(p)->epoch, 1);
    assert_int_equal(last(p)->epoch_tag, tag_of(p->branch, 1));
    assert_int_equal(last(p)->lsn, p->branch->log_n);
    assert_non_null(strstr(last(p)->text, "pause"));
    size_t n = p->main->log_n;
    recover(p); /* the lost disk is found */
    offer_all(p->main, dead, p->common);
    assert_int_equal(p->main->log_n, n);
    site_free(dead);
}

/* Only the end of what the dead successor had taken in comes first, as the rest lies in another
 * branch: nothing of the rest is taken for recovered. */
static void test_a3__pieces_come_in_any_order(void **state)
{
    struct parted *p = *state;
    struct site *dead;

    for (uint64_t i = 1; i <= 4; i++)
        assert_int_equal(site_grant(p->branch, "1002", (int64_t)i, "why"), EXAM_OK);
    dead = site_fork(p->branch, p->common);
    dead->now_ms = MS(20, 0, 0);
    assert_int_equal(site_epoch(dead, true), EXAM_OK);
    offer_all(dead, p->branch, p->common);
    p->main->now_ms = MS(30, 0, 0);
    assert_int_equal(site_epoch_numbered(p->main, 3, true), EXAM_OK);
    assert_int_equal(offer(p->main, dead, dead->log_n - 1, dead->log_n - 1), EXAM_OK);
    assert_int_equal(site_view(p->main, 2).account.grants_ms, 4);
    assert_false(exam_recovered(p->main->x, 1, tag_of(p->branch, 1), p->branch->log_n - 1));
    offer_all(p->main, dead, p->common);
    assert_int_equal(site_view(p->main, 2).account.grants_ms, 1 + 2 + 3 + 4);
    recover(p);
    assert_int_equal(site_view(p->main, 2).account.grants_ms, 1 + 2 + 3 + 4);
    site_free(dead);
}

/* What this log has itself is of no branch here, whoever had to set it apart, or recovered it. */
static void test_a3__what_the_site_has_itself_is_not_taken_twice(void **state)
{
    struct parted *p = *state;
    struct site *dead = site_fork(p->branch, p->common);

    assert_int_equal(site_grant(p->branch, "1002", 5000, "why"), EXAM_OK);
    dead->now_ms = MS(20, 0, 0);
    dead->history = 7;
    assert_int_equal(site_epoch(dead, true), EXAM_OK);
    offer_all(dead, p->branch, p->common);
    site_free(p->main); /* a third node, which had it all */
    p->main = site_fork(p->branch, p->branch->log_n);
    p->main->now_ms = MS(30, 0, 0);
    assert_int_equal(site_epoch_numbered(p->main, 3, true), EXAM_OK);
    offer_all(p->main, dead, p->common);
    recover(p);
    assert_int_equal(site_view(p->main, 2).account.grants_ms, 5000);
    site_free(dead);
}

/* ---------------------------------------------------------------- begins on a branch (T12) */

/* 1001 has signed in before the parting; the branch has started the batch at 0:00, and its mark of
 * 5:00 is what the seat carries; the successor has begun to serve at 6:00, and has not started it.
 */
static struct exam_command began_apart(struct parted *p)
{
    static uint8_t session[SESSION_BYTES], mark[MARK_BYTES_MAX];
    struct exam_command c = {.kind = EXAM_CMD_ATTACH};

    site_free(p->main);
    site_free(p->branch);
    p->branch = site_new();
    site_plan_batch(p->branch, &PLAN);
    assert_int_equal(site_sign_in(p->branch, 1001, "R1-01", 1), EXAM_OK);
    p->common = p->branch->log_n;
    p->main = site_fork(p->branch, p->common);
    assert_int_equal(site_start(p->branch, "B1"), EXAM_OK);
    site_go(p->branch, MS(5, 0, 0));
    assert_int_equal(site_mark(p->branch, 1), EXAM_OK);
    p->main->now_ms = MS(6, 0, 0);
    assert_int_equal(site_epoch(p->main, true), EXAM_OK);
    memset(session, 1, sizeof session);
    c.u.attach.seat = "R1-01";
    c.u.attach.admission_no = "1001";
    c.u.attach.session = session;
    c.u.attach.mark = mark;
    c.u.attach.mark_bytes = exam_mark_make(p->branch->x, 1, MS(5, 0, 0), mark);
    c.u.attach.clock_continuous = true;
    return c;
}

/* Section 5: what is used and lost is the time since the begin. */
static void expect_began(struct parted *p, uint64_t begin_ms, uint64_t used_ms, uint64_t until_ms)
{
    const struct exam_sitting_view v = site_view(p->main, 1);

    assert_true(v.begun);
    assert_int_equal(v.begin_ms, begin_ms);
    assert_int_equal(v.account.used_ms, used_ms);
    assert_int_equal(v.account.used_ms + v.account.lost_ms, until_ms - v.begin_ms);
}

/* Started again here at 6:00, a sitting has used more at 6:10 than has passed since: so it began
 * earlier, as early as its mark proves. */
static void test_t12__a_mark_proves_an_earlier_begin(void **state)
{
    struct parted *p = *state;
    struct exam_command c = began_apart(p);

    assert_int_equal(site_start(p->main, "B1"), EXAM_OK);
    p->main->now_ms = MS(6, 10, 0);
    c.u.attach.since_ms = MS(1, 10, 0);
    c.u.attach.open_ms = MS(0, 15, 0); /* from a mark that is older than the start here */
    assert_int_equal(site_do(p->main, &c), EXAM_OK);
    site_go(p->main, MS(8, 0, 0));
    expect_began(p, MS(1, 10, 0), MS(5, 0, 0) + MS(1, 50, 0), MS(8, 0, 0));
}

/* The same of a mark that comes before the start here; and no begin is moved of whom nothing is
 * proven. */
static void test_t12__a_mark_from_before_the_start_proves_it_too(void **state)
{
    struct parted *p = *state;
    struct exam_command c = began_apart(p);

    assert_int_equal(site_do(p->main, &c), EXAM_OK);
    assert_int_equal(site_start(p->main, "B1"), EXAM_OK);
    expect_began(p, MS(1, 0, 0), MS(5, 0, 0), MS(6, 0, 0));
    assert_int_equal(site_view(p->main, 2).begin_ms, MS(6, 0, 0));
    assert_int_equal(site_view(p->main, 2).account.used_ms, 0);
}

/* T10: the candidate has submitted, out of contact: the account ends no sooner than it can have
 * used what it has. */
static void test_t10__a_submission_proves_an_earlier_begin(void **state)
{
    struct parted *p = *state;
    struct exam_command c = began_apart(p);

    assert_int_equal(site_start(p->main, "B1"), EXAM_OK);
    p->main->now_ms = MS(6, 10, 0);
    c.u.attach.since_ms = MS(1, 10, 0);
    c.u.attach.submitted = true;
    c.u.attach.ended_ago_ms = MS(0, 5, 0);
    assert_int_equal(site_do(p->main, &c), EXAM_OK);
    assert_int_equal(site_view(p->main, 1).finish, EV__FINISH__FINISH_SUBMITTED);
    assert_int_equal(site_view(p->main, 1).finish_ms, MS(6, 10, 0));
    expect_began(p, MS(1, 10, 0), MS(5, 0, 0), MS(6, 10, 0));
}

/* The branch's own submission proves it, too. */
static void test_a3__a_recovered_submission_proves_an_earlier_begin(void **state)
{
    struct parted *p = *state;

    (void)began_apart(p);
    assert_int_equal(site_submit(p->branch, 1, 1), EXAM_OK);
    assert_int_equal(site_start(p->main, "B1"), EXAM_OK);
    p->main->now_ms = MS(6, 10, 0);
    recover(p);
    assert_int_equal(site_view(p->main, 1).finish, EV__FINISH__FINISH_SUBMITTED);
    expect_began(p, MS(1, 10, 0), MS(5, 0, 0), MS(6, 10, 0));
}

/* After a dark time that nobody has measured the site's timeline says nothing about it. */
static void test_t4__no_begin_is_proven_over_an_unknown_time(void **state)
{
    struct parted *p = *state;
    struct exam_command c = began_apart(p);

    assert_int_equal(site_start(p->main, "B1"), EXAM_OK);
    assert_true(exam_time_known_since(p->main->x, MS(6, 0, 0)));
    assert_int_equal(site_epoch(p->main, false), EXAM_OK);
    assert_false(exam_time_known_since(p->main->x, MS(6, 0, 0)));
    p->main->now_ms = MS(6, 10, 0);
    assert_true(exam_time_known_since(p->main->x, MS(6, 10, 0)));
    c.u.attach.since_ms = MS(1, 10, 0);
    assert_int_equal(site_do(p->main, &c), EXAM_OK);
    assert_int_equal(site_view(p->main, 1).begin_ms, MS(6, 0, 0));
}

/* ---------------------------------------------------------------- imports of a branch alone */

/* Whoever is imported first here has the number that 1001 has on the branch. */
static const struct site_plan ANOTHER = {.batch = "B0",
                                         .room = "R0",
                                         .room_seats = 4,
                                         .sittings = 2,
                                         .first_no = 2001,
                                         .allot_ms = MS(60, 0, 0)};

/* What the numbers mean that the branch has given, one stretch a sitting. */
static size_t renumber(struct site *to, struct site *from, size_t common,
                       struct exam_renumbered *out, size_t max)
{
    size_t n = 0;

    for (size_t i = common; i < from->log_n; i++) {
        const Ev__Event *e = site_event(from, i);
        for (size_t j = 0;
             e->kind_case == EV__EVENT__KIND_SITTINGS_ADDED && j < e->sittings_added->n_sittings;
             j++) {
            assert_true(n < max);
            out[n] =
                (struct exam_renumbered){.there = e->sittings_added->first + (uint32_t)j, .n = 1};
            if (exam_find_sitting(to->x, e->sittings_added->sittings[j]->admission_no,
                                  &out[n].here))
                out[n].here = 0;
            n++;
        }
    }
    return n;
}

/* As a node does it: what waits is left, and nothing tells of it. How many records wait. */
static size_t bring(struct site *to, struct site *from, size_t common)
{
    struct exam_renumbered renumbered[200];
    size_t n = renumber(to, from, common, renumbered, 200), waits = 0, since = common;

    for (size_t i = common; i < from->log_n; i++) {
        const struct record *r = &from->log[i].r;
        struct exam_command c = {.kind = EXAM_CMD_RECOVER,
                                 .u.recover = {.record = r,
                                               .event = site_event(from, i),
                                               .epoch_tag = tag_of(from, r->epoch),
                                               .since_lsn = from->log[since].r.lsn,
                                               .renumbered = renumbered,
                                               .renumbered_n = n}};
        if (exam_recovered(to->x, r->epoch, c.u.recover.epoch_tag, r->lsn))
            continue;
        if (exam_recover_waits(to->x, &c.u.recover)) {
            waits++;
            since = i + 1;
        } else {
            assert_int_equal(site_do(to, &c), EXAM_OK);
        }
    }
    return waits;
}

/* 1001 and 1002 work on the branch, 1002 submits; a grant and a violation. */
static void work_apart(struct site *branch)
{
    struct exam_command c = {.kind = EXAM_CMD_VIOLATION};

    assert_int_equal(site_start(branch, "B1"), EXAM_OK);
    assert_int_equal(site_sign_in(branch, 1001, "R1-01", 1), EXAM_OK);
    assert_int_equal(site_sign_in(branch, 1002, "R1-02", 2), EXAM_OK);
    site_go(branch, MS(5, 0, 0));
    assert_int_equal(site_answer(branch, 1, 1, "q1", "A"), EXAM_OK);
    assert_int_equal(site_answer(branch, 2, 1, "q1", "B"), EXAM_OK);
    assert_int_equal(site_grant(branch, "B1", MS(0, 7, 0), "noise"), EXAM_OK);
    c.u.violation.admission_no = "1001";
    c.u.violation.text = "phone";
    c.u.violation.who = "tester";
    assert_int_equal(site_do(branch, &c), EXAM_OK);
    site_go(branch, MS(8, 0, 0));
    assert_int_equal(site_submit(branch, 2, 2), EXAM_OK);
}

/* The branch begins before the import of B1, and the successor's epoch at 30:00. */
static void part_before_the_import(struct parted *p, const struct site_plan *plan)
{
    site_free(p->main);
    site_free(p->branch);
    p->branch = site_new();
    p->common = p->branch->log_n;
    p->main = site_fork(p->branch, p->common);
    site_plan_batch(p->branch, plan);
    p->main->now_ms = MS(30, 0, 0);
}

static uint32_t number_of(struct site *t, const char *admission_no)
{
    uint32_t no = 0;

    assert_int_equal(exam_find_sitting(t->x, admission_no, &no), EXAM_OK);
    return no;
}

/* A2: the branch comes in before anybody has imported the batch again: what it has of its
 * candidates waits, and comes in when they are known, under the numbers that they have here; a
 * submission comes in when the batch has started, too. */
static void test_a2__a_branch_waits_for_its_import(void **state)
{
    struct parted *p = *state;

    part_before_the_import(p, &PLAN);
    work_apart(p->branch);
    assert_int_equal(site_epoch(p->main, true), EXAM_OK);
    size_t waits = bring(p->main, p->branch, p->common), n = p->main->log_n;
    assert_true(waits > 0);
    site_plan_batch(p->main, &ANOTHER); /* 1001's number there is 2001's here */
    n = p->main->log_n;
    assert_int_equal(bring(p->main, p->branch, p->common), waits);
    assert_int_equal(p->main->log_n, n);

    uint32_t steps = exam_batch_steps(p->main->x);
    site_plan_batch(p->main, &PLAN);
    assert_int_not_equal(exam_batch_steps(p->main->x), steps);
    assert_int_equal(bring(p->main, p->branch, p->common), 1); /* the submission */
    uint32_t first = number_of(p->main, "1001");
    assert_int_equal(first, 3);
    assert_string_equal(site_answer_value(p->main, first, "q1"), "A");
    assert_string_equal(site_answer_value(p->main, first + 1, "q1"), "B");
    assert_string_equal(site_answer_value(p->main, 1, "q1"), "");
    assert_int_equal(site_view(p->main, 1).violations, 0);
    steps = exam_batch_steps(p->main->x);
    assert_int_equal(site_start(p->main, "B1"), EXAM_OK);
    assert_int_not_equal(exam_batch_steps(p->main->x), steps);
    assert_int_equal(bring(p->main, p->branch, p->common), 0);
    assert_int_equal(site_view(p->main, first + 1).finish, EV__FINISH__FINISH_SUBMITTED);
    assert_int_equal(site_view(p->main, first + 1).account.used_ms, MS(8, 0, 0));
    n = p->main->log_n;
    assert_int_equal(bring(p->main, p->branch, p->common), 0);
    assert_int_equal(p->main->log_n, n);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(site_view(p->main, first + i).account.grants_ms, MS(0, 7, 0));
    assert_int_equal(site_view(p->main, first).violations, 1);
}

/* The same, when it has been imported and started again before the branch comes in. */
static void test_a2__a_branch_finds_its_import_done_again(void **state)
{
    struct parted *p = *state;

    part_before_the_import(p, &PLAN);
    work_apart(p->branch);
    assert_int_equal(site_epoch(p->main, true), EXAM_OK);
    site_plan_batch(p->main, &PLAN);
    assert_int_equal(site_start(p->main, "B1"), EXAM_OK);
    assert_int_equal(bring(p->main, p->branch, p->common), 0);
    assert_string_equal(site_answer_value(p->main, 1, "q1"), "A");
    assert_int_equal(site_view(p->main, 2).finish, EV__FINISH__FINISH_SUBMITTED);
}

/* D7: the log ends in the middle of the import, so that this one is done again with other numbers:
 * some candidates are known here by the one that was cut off, others by the branch alone. */
static void test_a2__a_branch_of_an_import_that_was_cut_off(void **state)
{
    static const struct site_plan many = {.batch = "B1",
                                          .room = "R1",
                                          .room_seats = 120,
                                          .sittings = 120,
                                          .first_no = 1001,
                                          .allot_ms = MS(60, 0, 0)};
    struct parted *p = *state;

    part_before_the_import(p, &many);
    site_free(p->main);
    p->common = 0;
    while (site_event(p->branch, p->common)->kind_case != EV__EVENT__KIND_SITTINGS_ADDED)
        p->common++;
    p->main = site_fork(p->branch, ++p->common);
    p->main->now_ms = MS(30, 0, 0);
    assert_int_equal(site_start(p->branch, "B1"), EXAM_OK);
    assert_int_equal(site_sign_in(p->branch, 1010, "R1-10", 1), EXAM_OK);
    assert_int_equal(site_sign_in(p->branch, 1060, "R1-60", 1), EXAM_OK);
    assert_int_equal(site_answer(p->branch, 10, 1, "q1", "A"), EXAM_OK);
    assert_int_equal(site_answer(p->branch, 60, 1, "q1", "B"), EXAM_OK);
    assert_int_equal(site_grant(p->branch, "B1", MS(0, 7, 0), "noise"), EXAM_OK);
    assert_int_equal(site_epoch(p->main, true), EXAM_OK);
    assert_true(bring(p->main, p->branch, p->common) >= 3);
    site_plan_batch(p->main, &many);
    assert_int_equal(number_of(p->main, "1001"), 51);
    assert_int_equal(bring(p->main, p->branch, p->common), 0);
    assert_string_equal(site_answer_value(p->main, 60, "q1"), "A");
    assert_string_equal(site_answer_value(p->main, 110, "q1"), "B");
    for (uint32_t no = 51; no <= 170; no++)
        assert_int_equal(site_view(p->main, no).account.grants_ms, MS(0, 7, 0));
}

/* ---------------------------------------------------------------- seats of a dead branch (T11) */

/* Seat R1-03, where 1003 signed in on the branch alone, knocks at the successor. */
static exam_err knock_with(struct parted *p, const char *no, const char *seat, uint8_t session,
                           const uint8_t *mark, size_t mark_bytes, uint64_t since_ms)
{
    struct exam_command c = {.kind = EXAM_CMD_ATTACH};
    uint8_t bytes[SESSION_BYTES];

    memset(bytes, session, sizeof bytes);
    c.u.attach.seat = seat;
    c.u.attach.admission_no = no;
    c.u.attach.session = bytes;
    c.u.attach.mark = mark;
    c.u.attach.mark_bytes = mark_bytes;
    c.u.attach.since_ms = since_ms;
    c.u.attach.clock_continuous = true;
    return site_do(p->main, &c);
}

static exam_err knock_at(struct parted *p, const char *no, const char *seat, uint8_t session,
                         const uint8_t *mark, size_t mark_bytes)
{
    return knock_with(p, no, seat, session, mark, mark_bytes, 0);
}

static exam_err knock_since(struct parted *p, uint64_t used_ms, uint64_t since_ms)
{
    uint8_t mark[MARK_BYTES_MAX];
    size_t n = exam_mark_make(p->branch->x, 3, used_ms, mark);

    return knock_with(p, "1003", "R1-03", 7, mark, n, since_ms);
}

static exam_err knock(struct parted *p, const char *seat, uint8_t session, const uint8_t *mark,
                      size_t mark_bytes)
{
    return knock_at(p, "1003", seat, session, mark, mark_bytes);
}

/* With the mark that the branch has given. */
static exam_err knock_as(struct parted *p, uint32_t sitting, const char *no, const char *seat,
                         uint8_t session)
{
    uint8_t mark[MARK_BYTES_MAX];
    uint64_t used_ms = site_view(p->branch, sitting).account.used_ms;

    return knock_at(p, no, seat, session, mark,
                    exam_mark_make(p->branch->x, sitting, used_ms, mark));
}

static exam_err knock_truly(struct parted *p, const char *seat, uint8_t session)
{
    return knock_as(p, 3, "1003", seat, session);
}

/* The successor serves from 30:00 on; 1003, who answers on the branch at 15:00, is moved there. */
static struct exam_sitting_view strand(struct parted *p, bool moved)
{
    site_go(p->branch, MS(15, 0, 0));
    assert_int_equal(site_sign_in(p->branch, 1003, "R1-03", 7), EXAM_OK);
    assert_int_equal(site_answer(p->branch, 3, 1, "q1", "A"), EXAM_OK);
    p->main->now_ms = MS(30, 0, 0);
    assert_int_equal(site_epoch(p->main, true), EXAM_OK);
    if (moved)
        assert_int_equal(site_move(p->main, 1003, "R1-04", true), EXAM_OK);
    return site_view(p->branch, 3);
}

static exam_err hand_in(struct parted *p, const struct exam_sitting_view *v, uint64_t seq,
                        const char *item, const char *value)
{
    struct exam_command c = site_answer_of(v, seq, item, value);

    c.u.answer.former = 1;
    return site_do(p->main, &c);
}

static exam_err hand_in_submission(struct parted *p, uint64_t seq)
{
    struct exam_command c = {.kind = EXAM_CMD_SUBMIT};

    c.u.submit.sitting = 3;
    c.u.submit.seq = seq;
    c.u.submit.former = 1;
    return site_do(p->main, &c);
}

/* A2: the branch's disk may be gone, and the seat be the only place that has the answer. It is
 * booked once, whoever brings it again: the seat (A4), or the branch. */
static void test_a2__a_session_that_only_the_branch_knows_hands_in(void **state)
{
    struct parted *p = *state;
    struct exam_sitting_view there = strand(p, true), before = site_view(p->main, 3);
    size_t n = p->main->log_n;

    assert_int_equal(knock_truly(p, "R1-03", 7), EXAM_SEAT_TAKEN);
    assert_int_equal(p->main->why.former, 1);
    assert_int_equal(p->main->why.sitting, 3);
    assert_int_equal(p->main->why.seq_have, 0);
    assert_int_equal(p->main->log_n, n + 1);
    assert_int_equal(hand_in(p, &there, 1, "q1", "A"), EXAM_OK);
    assert_string_equal(site_answer_value(p->main, 3, "q1"), "A");
    assert_int_equal(knock_truly(p, "R1-03", 7), EXAM_SEAT_TAKEN);
    assert_int_equal(p->main->why.seq_have, 1);
    assert_int_equal(p->main->log_n, n + 2);
    struct exam_sitting_view after = site_view(p->main, 3);
    assert_memory_equal(&before.account, &after.account, sizeof before.account);
    assert_int_equal(after.mark_ms, before.mark_ms);
    assert_int_equal(after.state, before.state);
    recover(p);
    assert_int_equal(site_view(p->main, 3).formers, 1);
    assert_string_equal(site_answer_value(p->main, 3, "q1"), "A");
}

/* T11, T12: nothing is charged by it; but who goes on at the new seat, and has not yet attached
 * here, goes on from the mark that the old one has shown, since this node has older data. */
static void test_t12__the_mark_that_it_shows_is_where_the_next_seat_goes_on(void **state)
{
    struct parted *p = *state;

    site_go(p->branch, MS(15, 0, 0));
    assert_int_equal(site_move(p->branch, 1001, "R1-04", true), EXAM_OK);
    assert_int_equal(site_sign_in(p->branch, 1001, "R1-04", 7), EXAM_OK);
    site_go(p->branch, MS(20, 0, 0));
    p->main->now_ms = MS(30, 0, 0);
    assert_int_equal(site_epoch(p->main, true), EXAM_OK);
    uint64_t used_ms = site_view(p->branch, 1).account.used_ms;
    assert_true(used_ms > site_view(p->main, 1).account.used_ms);
    assert_int_equal(knock_as(p, 1, "1001", "R1-04", 7), EXAM_SEAT_TAKEN);
    assert_true(used_ms > site_view(p->main, 1).account.used_ms);
    assert_int_equal(site_move(p->main, 1001, "R1-04", true), EXAM_OK);
    assert_int_equal(site_sign_in(p->main, 1001, "R1-04", 8), EXAM_OK);
    assert_int_equal(site_view(p->main, 1).account.used_ms, used_ms);
    assert_int_equal(site_view(p->main, 1).account.lost_ms, MS(30, 0, 0) - used_ms);
    assert_int_equal(site_detach(p->main, 1), EXAM_OK);
    site_go(p->main, MS(31, 0, 0));
    assert_int_equal(site_sign_in(p->main, 1001, "R1-04", 9), EXAM_OK);
    site_expect(p->main, 1, used_ms, MS(60, 0, 0) - used_ms, MS(31, 0, 0) - used_ms);
}

static size_t shown_marks(struct parted *p)
{
    size_t n = 0;

    for (size_t i = p->common; i < p->main->log_n; i++) {
        const Ev__Event *e = site_event(p->main, i);
        n += e->kind_case == EV__EVENT__KIND_RECOVERED && e->recovered->marks;
    }
    return n;
}

/* T2, D6: the seat has lost its disk, so that nobody has shown that its candidate sat down there,
 * and the clock has run without a screen: that is for a person to see. */
static void late_at_both(struct parted *p)
{
    site_go(p->branch, MS(15, 0, 0));
    assert_int_equal(site_sign_in(p->branch, 1003, "R1-03", 7), EXAM_OK);
    p->main->now_ms = MS(11, 0, 0);
    assert_int_equal(site_epoch(p->main, true), EXAM_OK);
    site_go(p->main, MS(30, 0, 0));
    assert_true(site_view(p->main, 3).account.used_ms > MS(15, 0, 0));
}

static void test_a3__a_sign_in_that_no_seat_has_shown_is_shown(void **state)
{
    struct parted *p = *state;

    late_at_both(p);
    assert_int_equal(site_sign_in(p->main, 1003, "R1-03", 8), EXAM_OK);
    recover(p);
    assert_int_equal(shown_marks(p), 1);
    assert_non_null(strstr(last(p)->text, "candidate 1003 had signed in there at seat R1-03"));
}

static void test_a3__a_sign_in_that_its_seat_has_shown_is_not(void **state)
{
    struct parted *p = *state;

    late_at_both(p);
    assert_int_equal(site_sign_in(p->main, 1003, "R1-03", 7), EXAM_OK);
    recover(p);
    assert_int_equal(shown_marks(p), 0);
}

/* A3, T11: of a mark that a seat had handed to a node which was outdone, only its branch knows. */
static void test_a3__the_mark_of_a_seat_that_a_branch_had_found_is_shown(void **state)
{
    struct parted *p = *state;

    strand(p, true);
    struct site *third = site_fork(p->main, p->common);
    assert_int_equal(knock_truly(p, "R1-03", 7), EXAM_SEAT_TAKEN);
    site_free(p->branch);
    p->branch = p->main;
    p->main = third;
    third->now_ms = MS(14, 0, 0);
    assert_int_equal(site_epoch_numbered(p->main, 3, true), EXAM_OK);
    recover(p);
    assert_int_equal(shown_marks(p), 1);
}

/* A3: what the candidate does at the new seat is later; so a submission changes nothing then. */
static void test_a3__what_it_hands_in_is_older_than_what_came_since(void **state)
{
    struct parted *p = *state;
    struct exam_sitting_view there = strand(p, true);

    assert_int_equal(site_sign_in(p->main, 1003, "R1-04", 8), EXAM_OK);
    assert_int_equal(site_answer(p->main, 3, 1, "q1", "D"), EXAM_OK);
    struct exam_sitting_view before = site_view(p->main, 3);
    assert_int_equal(knock_truly(p, "R1-03", 7), EXAM_SEAT_TAKEN);
    assert_int_equal(hand_in(p, &there, 1, "q1", "A"), EXAM_OK);
    assert_int_equal(hand_in(p, &there, 2, "q2", "B"), EXAM_OK);
    assert_string_equal(site_answer_value(p->main, 3, "q1"), "D");
    assert_string_equal(site_answer_value(p->main, 3, "q2"), "B");
    assert_int_equal(hand_in_submission(p, 3), EXAM_SEAT_TAKEN);
    assert_true(p->main->why.consumed);
    struct exam_sitting_view after = site_view(p->main, 3);
    assert_true(after.attached);
    assert_memory_equal(&before.account, &after.account, sizeof before.account);
    assert_int_equal(after.seq_have, 1);
}

static void test_a3__its_submission_counts_unless_attached_since(void **state)
{
    struct parted *p = *state;
    struct exam_sitting_view there = strand(p, true);

    assert_int_equal(knock_truly(p, "R1-03", 7), EXAM_SEAT_TAKEN);
    assert_int_equal(hand_in(p, &there, 1, "q1", "A"), EXAM_OK);
    assert_int_equal(hand_in_submission(p, 2), EXAM_OK);
    assert_int_equal(site_view(p->main, 3).finish, EV__FINISH__FINISH_SUBMITTED);
}

/* T10, T13: the sitting has ended here at an older mark; on the branch the answer was in time. */
static void test_a2__it_hands_in_after_the_end(void **state)
{
    struct parted *p = *state;
    struct exam_sitting_view there = strand(p, false);

    assert_int_equal(site_batch_act(p->main, EXAM_CMD_BATCH_POSTPONE, "B1"), EXAM_OK);
    assert_int_equal(knock_truly(p, "R1-03", 7), EXAM_SEAT_TAKEN);
    assert_int_equal(hand_in(p, &there, 1, "q1", "A"), EXAM_OK);
    assert_string_equal(site_answer_value(p->main, 3, "q1"), "A");
    assert_int_equal(site_view(p->main, 3).late, 1);
}

/* T1: the start lies in the branch, too: what the seat holds does not wait for the next one. */
static void test_a2__it_hands_in_before_the_start(void **state)
{
    struct parted *p = *state;
    size_t n = 0;

    while (site_event(p->branch, n)->kind_case != EV__EVENT__KIND_BATCH_STARTED)
        n++;
    site_free(p->main);
    p->main = site_fork(p->branch, p->common = n);
    struct exam_sitting_view there = strand(p, true);
    assert_int_equal(knock_truly(p, "R1-03", 7), EXAM_SEAT_TAKEN);
    assert_int_equal(hand_in(p, &there, 1, "q1", "A"), EXAM_OK);
    assert_string_equal(site_answer_value(p->main, 3, "q1"), "A");
    assert_int_equal(hand_in_submission(p, 2), EXAM_SEAT_TAKEN);
    assert_true(p->main->why.consumed);
    assert_int_equal(site_start(p->main, "B1"), EXAM_OK);
    assert_string_equal(site_answer_value(p->main, 3, "q1"), "A");
}

/* P6: what is collected is closed: the answer is kept in the log, and the seat is free. */
static void test_p6__it_hands_in_after_the_collection(void **state)
{
    struct parted *p = *state;
    struct exam_sitting_view there = strand(p, false);

    assert_int_equal(site_collect(p->main, "B1", true), EXAM_OK);
    assert_int_equal(knock_truly(p, "R1-03", 7), EXAM_SEAT_TAKEN);
    assert_int_equal(hand_in(p, &there, 1, "q1", "A"), EXAM_STATE);
    assert_true(p->main->why.consumed);
    assert_string_equal(site_answer_value(p->main, 3, "q1"), "");
    assert_int_equal(knock_truly(p, "R1-03", 7), EXAM_SEAT_TAKEN);
    assert_int_equal(p->main->why.seq_have, 1);
    assert_int_equal(p->main->why.seq_refused, 1);
}

/* T5, T6, T12, T14: while nobody has signed in at the successor its clock runs without a screen
 * (T2), and is marked so. When the seat shows that it had a screen, the account goes on from the
 * seat's mark and claim; the rest is an interruption. */
static void test_t12__a_sign_in_of_the_branch_alone_makes_no_latecomer(void **state)
{
    struct parted *p = *state;
    struct exam_sitting_view there = strand(p, false);
    struct exam_interruption_view i;

    assert_int_equal(there.account.used_ms, MS(15, 0, 0));
    site_go(p->main, MS(40, 0, 0));
    assert_true(site_view(p->main, 3).account.used_ms > MS(19, 0, 0));
    uint64_t lost_ms = site_view(p->main, 3).account.lost_ms;
    assert_int_equal(knock_truly(p, "R1-03", 7), EXAM_OK);
    assert_true(site_view(p->main, 3).attached);
    site_expect(p->main, 3, MS(15, 0, 0), MS(45, 0, 0), MS(25, 0, 0));
    uint32_t last = site_view(p->main, 3).interruptions - 1;
    assert_int_equal(exam_interruption_at(p->main->x, 3, last, &i), EXAM_OK);
    assert_int_equal(i.lost_ms, MS(25, 0, 0) - lost_ms);
    assert_int_equal(i.to_ms, MS(40, 0, 0));
    assert_int_equal(i.from_ms + i.lost_ms, i.to_ms);
    assert_int_equal(i.basis, EV__BASIS__BASIS_CARRIED);
    assert_int_equal(site_answer(p->main, 3, 1, "q1", "A"), EXAM_OK);
    site_go(p->main, MS(41, 0, 0));
    site_expect(p->main, 3, MS(16, 0, 0), MS(44, 0, 0), MS(25, 0, 0));
}

/* 1003 sits down on the branch at 1:00, and has used so much there when the successor begins to
 * serve, after a time that no node has measured; it starts the batch ten minutes later. */
static void begin_anew(struct parted *p, uint64_t branch_used_ms)
{
    site_free(p->main);
    site_free(p->branch);
    p->branch = site_new();
    site_plan_batch(p->branch, &PLAN);
    p->main = site_fork(p->branch, p->common = p->branch->log_n);
    site_go(p->branch, MS(1, 0, 0));
    assert_int_equal(site_sign_in(p->branch, 1003, "R1-03", 7), EXAM_OK);
    if (branch_used_ms > 0)
        assert_int_equal(site_start(p->branch, "B1"), EXAM_OK);
    site_go(p->branch, p->branch->now_ms + branch_used_ms);
    if (branch_used_ms > 0)
        assert_int_equal(site_mark(p->branch, 3), EXAM_OK);
    assert_int_equal(site_epoch(p->main, false), EXAM_OK);
    site_go(p->main, p->main->now_ms + MS(10, 0, 0));
    assert_int_equal(site_start(p->main, "B1"), EXAM_OK);
}

/* T1, T5: the seat says that its mark was 30 minutes ago, and the batch has begun here since: what
 * was before that is no time of the sitting, so it is not lost. */
static void test_t1__nothing_is_lost_before_the_begin(void **state)
{
    struct parted *p = *state;

    for (uint64_t used_ms = 0; used_ms <= MS(0, 20, 0); used_ms += MS(0, 20, 0)) {
        begin_anew(p, used_ms);
        site_go(p->main, p->main->now_ms + MS(1, 0, 0));
        assert_int_equal(knock_since(p, used_ms, MS(30, 0, 0)), EXAM_OK);
        site_expect(p->main, 3, used_ms, MS(60, 0, 0) - used_ms, MS(1, 0, 0) - used_ms);
    }
}

/* Whoever has signed in at the successor is no such case: the other PC's session is a stranger's.
 */
static void test_t12__a_sign_in_at_the_successor_is_not_undone(void **state)
{
    struct parted *p = *state;

    strand(p, false);
    assert_int_equal(site_sign_in(p->main, 1003, "R1-03", 8), EXAM_OK);
    assert_int_equal(site_detach(p->main, 3), EXAM_OK);
    size_t n = p->main->log_n;
    assert_int_equal(knock_truly(p, "R1-03", 7), EXAM_AUTH);
    assert_int_equal(p->main->log_n, n);
}

static void expect_stranger(struct parted *p, exam_err err)
{
    assert_int_equal(err, EXAM_AUTH);
    assert_int_equal(p->main->why.former, 0);
}

/* T12: whoever cannot show that a server has had it so is a stranger, and nothing is booked. */
static void test_t12__no_session_without_a_mark_of_the_branch(void **state)
{
    struct parted *p = *state;
    uint8_t mark[MARK_BYTES_MAX];

    strand(p, true);
    size_t before = p->main->log_n;
    expect_stranger(p, knock(p, "R1-03", 7, NULL, 0));
    expect_stranger(p, knock_truly(p, "R1-03", 0));                /* no session at all */
    size_t n = exam_mark_make(p->branch->x, 1, MS(1, 0, 0), mark); /* another candidate's */
    expect_stranger(p, knock(p, "R1-03", 7, mark, n));
    n = exam_mark_make(p->main->x, 3, MS(1, 0, 0), mark); /* this epoch's: this log has it all */
    expect_stranger(p, knock(p, "R1-03", 7, mark, n));
    n = exam_mark_make(p->branch->x, 3, MS(1, 0, 0), mark);
    mark[n - 1] ^= 1;
    expect_stranger(p, knock(p, "R1-03", 7, mark, n));
    assert_int_equal(p->main->log_n, before);
}

/* One a seat, and some a sitting: with a true mark, too. A later branch's takes its place. */
static void test_t11__sessions_of_dead_branches_are_bounded(void **state)
{
    static const struct site_plan many = {.batch = "B2",
                                          .room = "R2",
                                          .room_seats = 20,
                                          .sittings = 1,
                                          .first_no = 2001,
                                          .allot_ms = MS(60, 0, 0)};
    enum { SESSIONS = 16 };
    struct parted *p = *state;
    char seat[16];

    strand(p, true);
    site_plan_batch(p->main, &many);
    for (uint8_t i = 1; i <= SESSIONS; i++) {
        snprintf(seat, sizeof seat, "R2-%02d", i);
        assert_int_equal(knock_truly(p, seat, i), EXAM_SEAT_TAKEN);
        assert_int_equal(p->main->why.former, i);
    }
    size_t before = p->main->log_n;
    expect_stranger(p, knock_truly(p, "R2-01", 99));
    expect_stranger(p, knock_truly(p, "R2-17", 99));
    expect_stranger(p, knock(p, "R2-01", 1, NULL, 0)); /* nor one that is booked */
    assert_int_equal(p->main->log_n, before);
    assert_int_equal(site_epoch_numbered(p->branch, 5, true), EXAM_OK);
    assert_int_equal(site_epoch_numbered(p->main, 6, true), EXAM_OK);
    assert_int_equal(knock_truly(p, "R2-01", 99), EXAM_SEAT_TAKEN);
    assert_int_equal(p->main->why.former, 1);
    assert_int_equal(site_view(p->main, 3).formers, SESSIONS);
    expect_stranger(p, knock_truly(p, "R2-01", 1));
}

/* T2, T12: a seat that the sitting has left here shows that its candidate has sat down: nobody is
 * late, and the clock stops. Whoever signs in goes on from the seat's mark, and what the clock had
 * run beyond it is an interruption (T14). */
static void sits_at_a_seat_that_was_left(struct parted *p, uint64_t epoch_ms, uint64_t knock_ms)
{
    uint64_t clock_ms = MS(10, 0, 0) + (knock_ms - epoch_ms) / 1000 * 1000; /* by its last mark */

    site_go(p->branch, MS(15, 0, 0));
    assert_int_equal(site_move(p->branch, 1003, "R1-04", true), EXAM_OK);
    assert_int_equal(site_sign_in(p->branch, 1003, "R1-04", 7), EXAM_OK);
    site_go(p->branch, MS(20, 0, 0));
    p->main->now_ms = epoch_ms;
    assert_int_equal(site_epoch(p->main, true), EXAM_OK);
    site_go(p->main, knock_ms);
    assert_int_equal(knock_truly(p, "R1-04", 7), EXAM_SEAT_TAKEN);
    assert_int_equal(p->main->why.former, 1);
    site_expect(p->main, 3, clock_ms, MS(60, 0, 0) - clock_ms, epoch_ms - MS(10, 0, 0));
    site_go(p->main, MS(75, 0, 0));
    assert_int_equal(site_view(p->main, 3).account.used_ms, clock_ms);
    assert_int_equal(site_view(p->main, 3).finish, EV__FINISH__FINISH_NONE);
}

static void test_t2__who_has_sat_at_a_seat_that_was_left_is_no_latecomer(void **state)
{
    struct parted *p = *state;

    sits_at_a_seat_that_was_left(p, MS(30, 0, 0), MS(30, 5, 500));
    assert_int_equal(site_sign_in(p->main, 1003, "R1-03", 8), EXAM_OK);
    site_expect(p->main, 3, MS(20, 0, 0), MS(40, 0, 0), MS(55, 0, 0));
}

static void test_t2__what_the_clock_had_run_without_its_screen_is_lost(void **state)
{
    struct parted *p = *state;

    sits_at_a_seat_that_was_left(p, MS(21, 0, 0), MS(40, 0, 0));
    assert_int_equal(site_sign_in(p->main, 1003, "R1-03", 8), EXAM_OK);
    site_expect(p->main, 3, MS(20, 0, 0), MS(40, 0, 0), MS(55, 0, 0));
    assert_int_equal(site_answer(p->main, 3, 1, "q1", "A"), EXAM_OK);
    site_go(p->main, MS(76, 0, 0));
    site_expect(p->main, 3, MS(21, 0, 0), MS(39, 0, 0), MS(55, 0, 0));
}

/* P7: nor has he been absent when a person closes the batch. */
static void test_p7__who_has_sat_at_a_seat_that_was_left_was_there(void **state)
{
    struct parted *p = *state;

    sits_at_a_seat_that_was_left(p, MS(30, 0, 0), MS(31, 0, 0));
    assert_int_equal(site_collect(p->main, "B1", true), EXAM_OK);
    assert_int_equal(site_view(p->main, 3).finish, EV__FINISH__FINISH_CLOSED);
}

/* ---------------------------------------------------------------- what this log never gave */

/* 1001's own seat, session 1, sends what it has made on the branch. */
static exam_err send(struct parted *p, const struct exam_sitting_view *there, uint64_t seq,
                     uint64_t made_at_ms, const char *item)
{
    struct exam_command c = site_answer_of(there, seq, item, "B");

    c.u.answer.made_at_ms = made_at_ms;
    return site_do(p->main, &c);
}

/* A2, T9, T10, T12: the branch had granted ten minutes, and its node is lost. The seat's mark shows
 * time that there never was here, so what was acknowledged in it was made in time; within the grace
 * after that mark, too (T6). What is made later was not. */
static void test_a2__what_was_made_in_a_grant_that_is_lost_counts(void **state)
{
    struct parted *p = *state;

    assert_int_equal(site_grant(p->branch, "1001", MS(10, 0, 0), "a drill"), EXAM_OK);
    site_go(p->branch, MS(65, 0, 0));
    struct exam_sitting_view there = site_view(p->branch, 1);
    assert_int_equal(there.account.used_ms, MS(65, 0, 0));
    p->main->now_ms = MS(66, 0, 0);
    assert_int_equal(site_epoch(p->main, true), EXAM_OK);
    assert_int_equal(knock_as(p, 1, "1001", "R1-01", 1), EXAM_OK);
    assert_int_equal(site_view(p->main, 1).finish, EV__FINISH__FINISH_TIMED_OUT);
    assert_int_equal(send(p, &there, 2, MS(65, 0, 0), "q2"), EXAM_OK);
    assert_string_equal(site_answer_value(p->main, 1, "q2"), "B");
    assert_int_equal(send(p, &there, 3, MS(65, 0, 0) + there.grace_ms, "q3"), EXAM_OK);
    assert_int_equal(send(p, &there, 4, MS(65, 0, 1) + there.grace_ms, "q4"), EXAM_LATE);
    assert_string_equal(site_answer_value(p->main, 1, "q4"), "");
    assert_int_equal(site_view(p->main, 1).late, 2);
    site_expect(p->main, 1, MS(60, 0, 0), 0, MS(6, 0, 0));
}

/* 1001, under personal timing; the pause was lifted on the branch alone. */
static struct exam_sitting_view sits_down_while_main_is_paused(struct parted *p)
{
    struct site_plan personal = PLAN;

    site_free(p->main);
    site_free(p->branch);
    personal.timing = EV__TIMING__TIMING_PERSONAL;
    p->branch = site_new();
    site_plan_batch(p->branch, &personal);
    assert_int_equal(site_start(p->branch, "B1"), EXAM_OK);
    assert_int_equal(site_pause(p->branch, "B1"), EXAM_OK);
    p->common = p->branch->log_n;
    p->main = site_fork(p->branch, p->common);
    assert_int_equal(site_resume(p->branch, "B1"), EXAM_OK);
    assert_int_equal(site_sign_in(p->branch, 1001, "R1-01", 1), EXAM_OK);
    site_go(p->branch, MS(5, 0, 0));
    p->main->now_ms = MS(10, 0, 0);
    assert_int_equal(site_epoch(p->main, true), EXAM_OK);
    return site_view(p->branch, 1);
}

/* A2, T1: under personal timing a pause that was lifted on the branch alone keeps the sitting from
 * beginning; what was made there does not wait for a person. What is made here would. */
static void test_a2__what_was_made_in_a_time_that_never_began_counts(void **state)
{
    struct parted *p = *state;
    struct exam_sitting_view there = sits_down_while_main_is_paused(p);

    assert_int_equal(site_sign_in(p->main, 1001, "R1-01", 1), EXAM_OK);
    assert_int_equal(send(p, &there, 1, 0, "q1"), EXAM_OK);
    assert_string_equal(site_answer_value(p->main, 1, "q1"), "B");
    assert_int_equal(site_answer(p->main, 1, 2, "q2", "C"), EXAM_AGAIN);
    assert_int_equal(site_resume(p->main, "B1"), EXAM_OK);
    assert_int_equal(site_answer(p->main, 1, 2, "q2", "C"), EXAM_OK);
}

/* 1001 at R1-01, session 1, with the mark that the branch has given. */
static exam_err sign_in_with_mark(struct parted *p)
{
    struct exam_command c = {.kind = EXAM_CMD_SIGN_IN};
    uint8_t mark[MARK_BYTES_MAX], session[SESSION_BYTES];
    uint64_t used_ms = site_view(p->branch, 1).account.used_ms;

    memset(session, 1, sizeof session);
    c.u.sign_in.seat = "R1-01";
    c.u.sign_in.admission_no = "1001";
    c.u.sign_in.id_no = "ID1001";
    c.u.sign_in.session = session;
    c.u.sign_in.mark = mark;
    c.u.sign_in.mark_bytes = exam_mark_make(p->branch->x, 1, used_ms, mark);
    return site_do(p->main, &c);
}

static exam_err submit_of_epoch(struct parted *p, uint64_t epoch, uint64_t seq)
{
    struct exam_command c = {.kind = EXAM_CMD_SUBMIT};

    c.u.submit.sitting = 1;
    c.u.submit.seq = seq;
    c.u.submit.said_ms = MS(5, 0, 0);
    c.u.submit.attachment_epoch = epoch;
    return site_do(p->main, &c);
}

/* T10: so does a submission that was made there: the sitting begins and ends with it, at the mark
 * that its seat carries (T12). One that is made here waits, and so does one whose seat does not say
 * when it was made. */
static void test_t10__a_submission_of_a_time_that_never_began_counts(void **state)
{
    struct parted *p = *state;
    struct exam_sitting_view there = sits_down_while_main_is_paused(p);

    assert_int_equal(knock_as(p, 1, "1001", "R1-01", 1), EXAM_AUTH);
    assert_int_equal(sign_in_with_mark(p), EXAM_OK);
    assert_int_equal(submit_of_epoch(p, there.attachment_epoch + 1, 1), EXAM_AGAIN);
    assert_int_equal(submit_of_epoch(p, 0, 1), EXAM_AGAIN);
    assert_int_equal(submit_of_epoch(p, there.attachment_epoch, 1), EXAM_OK);
    assert_int_equal(site_view(p->main, 1).finish, EV__FINISH__FINISH_SUBMITTED);
    site_expect(p->main, 1, MS(5, 0, 0), MS(55, 0, 0), 0);
    assert_int_equal(submit_of_epoch(p, there.attachment_epoch, 1), EXAM_OK); /* A4 */
}

/* A3: or the branch brings it, if the candidate has not attached since. */
static void test_a3__a_submission_of_a_time_that_never_began_is_adopted(void **state)
{
    struct parted *p = *state;

    sits_down_while_main_is_paused(p);
    assert_int_equal(site_submit(p->branch, 1, 1), EXAM_OK);
    recover(p);
    assert_int_equal(site_view(p->main, 1).finish, EV__FINISH__FINISH_SUBMITTED);
    site_expect(p->main, 1, MS(5, 0, 0), MS(55, 0, 0), 0);
}

/* T1: where the batch has not started, a submission waits for that. */
static void test_t1__a_submission_waits_for_a_start_that_was_lost(void **state)
{
    struct parted *p = *state;

    site_free(p->main);
    site_free(p->branch);
    p->branch = site_new();
    site_plan_batch(p->branch, &PLAN);
    p->main = site_fork(p->branch, p->branch->log_n);
    assert_int_equal(site_epoch(p->main, true), EXAM_OK);
    assert_int_equal(site_sign_in(p->main, 1001, "R1-01", 1), EXAM_OK);
    assert_int_equal(submit_of_epoch(p, 1, 1), EXAM_AGAIN);
    assert_int_equal(site_start(p->main, "B1"), EXAM_OK);
    assert_int_equal(submit_of_epoch(p, 1, 1), EXAM_OK);
}

/* D7, T12: a log was forced that ends in the middle of the import, and the batch is imported again:
 * the mark that a left seat carries names the sitting which its candidate had before. Another
 * candidate's is no mark of this one. */
static void test_t12__a_mark_names_the_sitting_of_an_import_that_was_cut_off(void **state)
{
    struct parted *p = *state;

    site_free(p->main);
    for (p->common = 0;
         site_event(p->branch, p->common)->kind_case != EV__EVENT__KIND_IMPORT_COMPLETED;)
        p->common++;
    p->main = site_fork(p->branch, p->common);
    p->main->now_ms = MS(30, 0, 0);
    assert_int_equal(site_epoch(p->main, true), EXAM_OK);
    site_plan_batch(p->main, &PLAN);
    struct exam_sitting_view there = site_view(p->branch, 1);
    assert_int_equal(site_move(p->main, 1001, "R1-04", true), EXAM_OK);
    assert_int_equal(knock_as(p, 2, "1001", "R1-01", 1), EXAM_AUTH);
    assert_int_equal(knock_as(p, 1, "1001", "R1-01", 1), EXAM_SEAT_TAKEN);
    struct exam_command c = site_answer_of(&there, 1, "q1", "A");
    c.u.answer.sitting = p->main->why.sitting;
    c.u.answer.former = p->main->why.former;
    assert_int_equal(site_do(p->main, &c), EXAM_OK);
    assert_string_equal(site_answer_value(p->main, c.u.answer.sitting, "q1"), "A");
}

/* A3: an attachment of an epoch that is over is not to come, whether this log has it or not: 1001
 * attached at R1-01 in an epoch of the branch's, and was moved here. */
static void test_a3__a_left_seat_hands_in_what_a_later_branch_acknowledged(void **state)
{
    struct parted *p = *state;

    assert_int_equal(site_epoch_numbered(p->branch, 2, true), EXAM_OK);
    assert_int_equal(site_attach(p->branch, 1001, "R1-01", 1), EXAM_OK);
    struct exam_sitting_view there = site_view(p->branch, 1);
    assert_int_equal(there.attachment_epoch, 2);
    p->main->now_ms = MS(30, 0, 0);
    assert_int_equal(site_epoch_numbered(p->main, 3, true), EXAM_OK);
    assert_int_equal(site_move(p->main, 1001, "R1-04", true), EXAM_OK);
    assert_int_equal(knock_as(p, 1, "1001", "R1-01", 1), EXAM_SEAT_TAKEN);
    assert_int_equal(hand_in(p, &there, 2, "q2", "B"), EXAM_OK);
    assert_string_equal(site_answer_value(p->main, 1, "q2"), "B");
    there.attachment_epoch = 3;
    there.attachment_lsn = UINT64_MAX / 2;
    assert_int_equal(hand_in(p, &there, 3, "q3", "B"), EXAM_INVALID);
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
        TEST(test_a2__answers_before_a_recovered_submission_are_taken),
        TEST(test_a3__grants_and_violations_are_adopted),
        TEST(test_a3__a_reversal_never_below_zero),
        TEST(test_a3__pauses_moves_and_marks_are_shown),
        TEST(test_a3__what_the_branch_alone_imported_is_shown),
        TEST(test_a3__branches_of_one_number_do_not_hide_each_other),
        TEST(test_a3__a_branch_with_the_number_of_the_newest_epoch),
        TEST(test_a3__what_a_dead_branch_had_recovered_is_recovered),
        TEST(test_a3__pieces_come_in_any_order),
        TEST(test_a3__what_the_site_has_itself_is_not_taken_twice),
        TEST(test_t12__a_mark_proves_an_earlier_begin),
        TEST(test_t12__a_mark_from_before_the_start_proves_it_too),
        TEST(test_t10__a_submission_proves_an_earlier_begin),
        TEST(test_a3__a_recovered_submission_proves_an_earlier_begin),
        TEST(test_t4__no_begin_is_proven_over_an_unknown_time),
        TEST(test_a2__a_branch_waits_for_its_import),
        TEST(test_a2__a_branch_finds_its_import_done_again),
        TEST(test_a2__a_branch_of_an_import_that_was_cut_off),
        TEST(test_a2__a_session_that_only_the_branch_knows_hands_in),
        TEST(test_a3__a_sign_in_that_no_seat_has_shown_is_shown),
        TEST(test_a3__a_sign_in_that_its_seat_has_shown_is_not),
        TEST(test_a3__the_mark_of_a_seat_that_a_branch_had_found_is_shown),
        TEST(test_a3__what_it_hands_in_is_older_than_what_came_since),
        TEST(test_a3__its_submission_counts_unless_attached_since),
        TEST(test_a2__it_hands_in_after_the_end),
        TEST(test_a2__it_hands_in_before_the_start),
        TEST(test_t12__a_sign_in_of_the_branch_alone_makes_no_latecomer),
        TEST(test_t1__nothing_is_lost_before_the_begin),
        TEST(test_t12__a_sign_in_at_the_successor_is_not_undone),
        TEST(test_t12__the_mark_that_it_shows_is_where_the_next_seat_goes_on),
        TEST(test_p6__it_hands_in_after_the_collection),
        TEST(test_t12__no_session_without_a_mark_of_the_branch),
        TEST(test_t11__sessions_of_dead_branches_are_bounded),
        TEST(test_t2__who_has_sat_at_a_seat_that_was_left_is_no_latecomer),
        TEST(test_t2__what_the_clock_had_run_without_its_screen_is_lost),
        TEST(test_p7__who_has_sat_at_a_seat_that_was_left_was_there),
        TEST(test_a2__what_was_made_in_a_grant_that_is_lost_counts),
        TEST(test_a2__what_was_made_in_a_time_that_never_began_counts),
        TEST(test_t10__a_submission_of_a_time_that_never_began_counts),
        TEST(test_a3__a_submission_of_a_time_that_never_began_is_adopted),
        TEST(test_t1__a_submission_waits_for_a_start_that_was_lost),
        TEST(test_t12__a_mark_names_the_sitting_of_an_import_that_was_cut_off),
        TEST(test_a3__a_left_seat_hands_in_what_a_later_branch_acknowledged),
        TEST(test_a3__the_newest_epoch_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
