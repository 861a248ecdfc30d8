#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "site.h"

static const struct site_plan PLAN = {.batch = "B1",
                                      .room = "R1",
                                      .room_seats = 4,
                                      .sittings = 3,
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

/* An attach of 1001 that carries `n` bytes of mark. */
static exam_err attach_with(struct site *t, const uint8_t *mark, size_t n)
{
    struct exam_command c = {.kind = EXAM_CMD_ATTACH};
    uint8_t session[SESSION_BYTES];

    memset(session, 1, sizeof session);
    c.u.attach.seat = "R1-01";
    c.u.attach.admission_no = "1001";
    c.u.attach.session = session;
    c.u.attach.mark = mark;
    c.u.attach.mark_bytes = n;
    return site_do(t, &c);
}

/* An unknown number and a wrong ID number get the same answer. */
static void test_p4__unknown_and_wrong_identity_look_the_same(void **state)
{
    struct site *t = *state;
    struct exam_command c = {.kind = EXAM_CMD_SIGN_IN};
    uint8_t session[SESSION_BYTES] = {9};
    char text[sizeof t->why.text];

    c.u.sign_in.seat = "R1-01";
    c.u.sign_in.admission_no = "9999";
    c.u.sign_in.id_no = "ID1001";
    c.u.sign_in.session = session;
    assert_int_equal(site_do(t, &c), EXAM_AUTH);
    strcpy(text, t->why.text);
    c.u.sign_in.admission_no = "1001";
    c.u.sign_in.id_no = "ID1002";
    assert_int_equal(site_do(t, &c), EXAM_AUTH);
    assert_string_equal(t->why.text, text);
    c.u.sign_in.id_no = "ID10011"; /* longer */
    assert_int_equal(site_do(t, &c), EXAM_AUTH);
    c.u.sign_in.id_no = "";
    c.u.sign_in.admission_no = "9999"; /* nobody has no ID number either */
    assert_int_equal(site_do(t, &c), EXAM_AUTH);
}

/* The right seat is named to a candidate at a wrong one. */
static void test_p4__wrong_seat_names_the_right_one(void **state)
{
    struct site *t = *state;

    assert_int_equal(site_sign_in(t, 1001, "R1-02", 1), EXAM_SEAT_TAKEN);
    expect_says(t, "", "belongs to seat R1-01");
    assert_int_equal(site_sign_in(t, 1001, "R9-01", 1), EXAM_NOT_FOUND);
    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    assert_int_equal(site_attach(t, 1001, "R1-02", 1), EXAM_SEAT_TAKEN);
    expect_says(t, "", "belongs to seat R1-01");
}

/* A sitting that is in contact cannot be signed in to from another PC; once it is lost, it can. */
static void test_p4__sitting_in_contact_is_taken(void **state)
{
    struct site *t = *state;

    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    assert_int_equal(site_sign_in(t, 1001, "R1-01", 2), EXAM_SEAT_TAKEN);
    expect_says(t, "", "another PC");
    assert_int_equal(site_detach(t, 1), EXAM_OK);
    assert_int_equal(site_sign_in(t, 1001, "R1-01", 2), EXAM_OK);
    assert_int_equal(site_attach(t, 1001, "R1-01", 1), EXAM_SEAT_TAKEN); /* shut out */
    assert_int_equal(site_attach(t, 1001, "R1-01", 2), EXAM_OK);
}

/* A sign-in that comes twice from the same PC, because its answer was lost, keeps the session. */
static void test_a4__repeated_sign_in_keeps_the_session(void **state)
{
    struct site *t = *state;

    assert_int_equal(site_start(t, "B1"), EXAM_OK);
    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    assert_int_equal(site_answer(t, 1, 1, "q1", "A"), EXAM_OK);
    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    assert_int_equal(site_view(t, 1).seq_have, 1);
    assert_int_equal(site_detach(t, 1), EXAM_OK);
    assert_int_equal(site_sign_in(t, 1001, "R1-01", 2), EXAM_OK);
    assert_int_equal(site_view(t, 1).seq_have, 0); /* another session counts anew */
}

/* A log that ends between a sign-in and its attachment leaves the old session shut out and nobody
 * in contact. */
static void test_t11__sign_in_alone_shuts_the_old_session_out(void **state)
{
    struct site *t = *state;

    assert_int_equal(site_start(t, "B1"), EXAM_OK);
    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    struct site *cut = site_fork(t, t->log_n);
    Ev__SignedIn e;
    Ev__Event event = EV__EVENT__INIT;
    uint8_t session[SESSION_BYTES] = {7};

    ev__signed_in__init(&e);
    e.sitting = e.seat = 1;
    e.session = (ProtobufCBinaryData){sizeof session, session};
    event.kind_case = EV__EVENT__KIND_SIGNED_IN;
    event.signed_in = &e;
    exam_apply(cut->x, &(struct record){.lsn = cut->log_n + 1, .epoch = 1}, &event);
    cut->now_ms = MS(1, 0, 0);
    assert_int_equal(site_view(cut, 1).state, EXAM_SITTING_LOST);
    site_expect(cut, 1, 0, MS(60, 0, 0), 0);
    assert_int_equal(site_attach(cut, 1001, "R1-01", 1), EXAM_SEAT_TAKEN);
    site_free(cut);
}

/* A seat that dies, is signed in to again and had nothing on its disk loses what no mark covers. */
static void test_t7__signing_in_again_claims_nothing(void **state)
{
    struct site *t = *state;

    assert_int_equal(site_start(t, "B1"), EXAM_OK);
    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    site_go(t, MS(10, 0, 0));
    assert_int_equal(site_mark(t, 1), EXAM_OK);
    site_go(t, MS(10, 0, 900));
    assert_int_equal(site_detach(t, 1), EXAM_OK);
    site_go(t, MS(12, 0, 0));
    assert_int_equal(site_sign_in(t, 1001, "R1-01", 2), EXAM_OK);
    site_expect(t, 1, MS(10, 0, 0), MS(50, 0, 0), MS(2, 0, 0));
}

/* A mark that was forged, cut, or made for another sitting is refused; a right one is taken. */
static void test_t12__forged_mark_is_refused(void **state)
{
    struct site *t = *state;
    uint8_t mark[MARK_BYTES_MAX];

    assert_int_equal(site_start(t, "B1"), EXAM_OK);
    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    size_t n = exam_mark_make(t->x, 1, MS(5, 0, 0), mark), before = t->log_n;
    for (size_t i = 0; i < n; i++) {
        mark[i] ^= 1;
        assert_int_equal(attach_with(t, mark, n), EXAM_REFUSED);
        expect_says(t, "T12", "not made by this site");
        mark[i] ^= 1;
    }
    assert_int_equal(attach_with(t, mark, n - 1), EXAM_REFUSED);
    n = exam_mark_make(t->x, 2, MS(5, 0, 0), mark);
    assert_int_equal(attach_with(t, mark, n), EXAM_REFUSED);
    expect_says(t, "T12", "another sitting");
    assert_int_equal(t->log_n, before); /* and nothing was changed by any of it */
    n = exam_mark_make(t->x, 1, MS(5, 0, 0), mark);
    assert_int_equal(attach_with(t, mark, n), EXAM_OK);
    site_expect(t, 1, MS(5, 0, 0), MS(55, 0, 0), 0);
}

/* A mark says when it was made, also one that is handed out after newer ones were booked: a node
 * with an older log can tell which is the newer. */
static void test_t12__mark_says_when_it_was_made(void **state)
{
    struct site *t = *state;
    struct exam_command c = {.kind = EXAM_CMD_ATTACH};
    uint8_t session[SESSION_BYTES], mark[MARK_BYTES_MAX];

    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    assert_int_equal(site_start(t, "B1"), EXAM_OK);
    site_go(t, MS(0, 10, 0));
    assert_int_equal(site_mark(t, 1), EXAM_OK);
    struct site *older = site_fork(t, t->log_n);
    site_go(t, MS(0, 11, 0));
    assert_int_equal(site_mark(t, 1), EXAM_OK);
    memset(session, 1, sizeof session);
    c.u.attach.seat = "R1-01";
    c.u.attach.admission_no = "1001";
    c.u.attach.session = session;
    c.u.attach.mark = mark;
    c.u.attach.mark_bytes = exam_mark_make(t->x, 1, MS(0, 9, 0), mark);
    c.u.attach.open_ms = c.u.attach.since_ms = MS(0, 3, 0);
    c.u.attach.clock_continuous = true;
    older->now_ms = MS(0, 12, 0);
    assert_int_equal(site_do(older, &c), EXAM_OK);
    site_expect(older, 1, MS(0, 12, 0), MS(59, 48, 0), 0);
    site_free(older);
}

/* A seat whose time ran out while it was out of contact ends at the instant that it names. */
static void test_t10__end_is_booked_at_its_instant(void **state)
{
    struct site *t = *state;
    struct exam_command c = {.kind = EXAM_CMD_ATTACH};
    uint8_t session[SESSION_BYTES], mark[MARK_BYTES_MAX];

    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    assert_int_equal(site_start(t, "B1"), EXAM_OK);
    site_go(t, MS(59, 55, 0));
    assert_int_equal(site_mark(t, 1), EXAM_OK);
    assert_int_equal(site_detach(t, 1), EXAM_OK);
    site_go(t, MS(61, 0, 0));
    memset(session, 1, sizeof session);
    c.u.attach.seat = "R1-01";
    c.u.attach.admission_no = "1001";
    c.u.attach.session = session;
    c.u.attach.mark = mark;
    c.u.attach.mark_bytes = exam_mark_make(t->x, 1, MS(59, 55, 0), mark);
    c.u.attach.open_ms = MS(0, 5, 0);
    c.u.attach.since_ms = MS(1, 5, 0);
    c.u.attach.clock_continuous = c.u.attach.ended = true;
    c.u.attach.ended_ago_ms = MS(1, 0, 0);
    assert_int_equal(site_do(t, &c), EXAM_OK);
    const Ev__Event *e = site_last_event(t);
    assert_int_equal(e->kind_case, EV__EVENT__KIND_FINISHED);
    assert_int_equal(e->finished->at_ms[0], MS(60, 0, 0));
    site_expect(t, 1, MS(60, 0, 0), 0, 0);
}

/* 1001 is in contact until 10:00, and its screen is open for 5 s more. */
static void out_of_contact_at_ten(struct site *t)
{
    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    assert_int_equal(site_start(t, "B1"), EXAM_OK);
    site_go(t, MS(10, 0, 0));
    assert_int_equal(site_mark(t, 1), EXAM_OK);
    assert_int_equal(site_detach(t, 1), EXAM_OK);
}

/* It is back at 11:00: its candidate submitted `ago_ms` ago, or, rebooted, nobody knows when. */
static exam_err back_submitted(struct site *t, uint64_t ago_ms, bool rebooted)
{
    struct exam_command c = {.kind = EXAM_CMD_ATTACH};
    uint8_t session[SESSION_BYTES], mark[MARK_BYTES_MAX];

    c.u.attach.mark_bytes = exam_mark_make(t->x, 1, MS(10, 0, 0), mark);
    site_go(t, MS(11, 0, 0));
    memset(session, 1, sizeof session);
    c.u.attach.seat = "R1-01";
    c.u.attach.admission_no = "1001";
    c.u.attach.session = session;
    c.u.attach.mark = mark;
    c.u.attach.open_ms = MS(0, 5, 0);
    c.u.attach.submitted = true;
    c.u.attach.clock_continuous = !rebooted;
    c.u.attach.since_ms = rebooted ? 0 : MS(1, 0, 0);
    c.u.attach.ended_ago_ms = ago_ms;
    return site_do(t, &c);
}

/* An answer of 1001 to be taken now, made at `made_at_ms` of its used time. */
static exam_err answer_made_at(struct site *t, uint64_t seq, const char *item, uint64_t made_at_ms)
{
    struct exam_sitting_view v = site_view(t, 1);
    struct exam_command c = site_answer_of(&v, seq, item, "A");

    c.u.answer.made_at_ms = c.u.answer.said_ms = made_at_ms;
    return site_do(t, &c);
}

/* A submission out of contact ends the account at its instant; what was made before it and comes
 * after it is late, what was made after it is refused, and so is all that follows the submission
 * itself. */
static void test_t10__submission_is_booked_at_its_instant(void **state)
{
    struct site *t = *state;

    out_of_contact_at_ten(t);
    assert_int_equal(back_submitted(t, MS(0, 55, 0), false), EXAM_OK);
    assert_int_equal(site_view(t, 1).finish, EV__FINISH__FINISH_SUBMITTED);
    assert_int_equal(site_view(t, 1).finish_ms, MS(10, 5, 0));
    site_expect(t, 1, MS(10, 5, 0), MS(49, 55, 0), 0);
    assert_int_equal(answer_made_at(t, 1, "q1", MS(10, 4, 0)), EXAM_OK);
    assert_string_equal(site_answer_value(t, 1, "q1"), "A");
    assert_int_equal(site_view(t, 1).late, 1);
    assert_int_equal(answer_made_at(t, 2, "q2", MS(10, 20, 1)), EXAM_LATE); /* beyond the grace */
    assert_true(t->why.consumed);
    exam *loaded = site_reload(t->x); /* it is awaited by who restarts here, too */
    site_expect_same(t->x, loaded);
    exam_free(loaded);
    assert_int_equal(site_submit(t, 1, 3), EXAM_OK);
    assert_int_equal(site_submit(t, 1, 3), EXAM_OK); /* A4 */
    assert_int_equal(answer_made_at(t, 4, "q2", MS(10, 4, 0)), EXAM_LATE);
    assert_int_equal(site_submit(t, 1, 5), EXAM_STATE);
    site_expect(t, 1, MS(10, 5, 0), MS(49, 55, 0), 0);
    assert_int_equal(exam_oddities(t->x), 0);
}

/* T7: a PC that rebooted does not know how long ago that was: its journal's position tells. */
static void test_t10__submission_of_a_rebooted_seat_ends_at_its_position(void **state)
{
    struct site *t = *state;

    out_of_contact_at_ten(t);
    assert_int_equal(back_submitted(t, 0, true), EXAM_OK);
    assert_int_equal(site_view(t, 1).finish_ms, MS(10, 5, 0));
    site_expect(t, 1, MS(10, 5, 0), MS(49, 55, 0), 0);
}

/* T8: what came after a pause is never charged: it is lost, up to the submission. An answer made
 * there is in the result all the same: the seat could not know. */
static void test_t10__submission_after_a_pause(void **state)
{
    struct site *t = *state;

    out_of_contact_at_ten(t);
    site_go(t, MS(10, 3, 0));
    assert_int_equal(site_pause(t, "R1-01"), EXAM_OK);
    site_go(t, MS(10, 30, 0));
    assert_int_equal(site_resume(t, "R1-01"), EXAM_OK);
    assert_int_equal(back_submitted(t, MS(0, 55, 0), false), EXAM_OK);
    assert_int_equal(site_view(t, 1).finish_ms, MS(10, 5, 0));
    site_expect(t, 1, MS(10, 3, 0), MS(49, 57, 0), MS(0, 2, 0));
    assert_int_equal(answer_made_at(t, 1, "q1", MS(10, 4, 0)), EXAM_OK);
}

/* A mark of a higher epoch tells a node that it has been superseded. */
static void test_w1__mark_of_a_higher_epoch_is_refused(void **state)
{
    struct site *t = *state;
    uint8_t mark[MARK_BYTES_MAX];

    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    struct site *successor = site_fork(t, t->log_n);
    assert_int_equal(site_epoch(successor, true), EXAM_OK);
    size_t n = exam_mark_make(successor->x, 1, 0, mark);
    size_t before = t->log_n;
    assert_int_equal(attach_with(t, mark, n), EXAM_STALE_EPOCH);
    assert_string_equal(t->why.rule, "W1");
    assert_int_equal(t->why.epoch_proven, 2);
    assert_int_equal(t->log_n, before);
    mark[n - 1] ^= 1; /* nobody can make that up */
    assert_int_equal(attach_with(t, mark, n), EXAM_REFUSED);
    assert_int_equal(t->why.epoch_proven, 0);
    site_free(successor);
}

/* W1, A3: two persons attested, and two nodes began epoch 2. A mark of the one shows the other that
 * its number is not its own; what both had before is no proof of anything. */
static void test_w1__mark_of_another_epoch_of_the_same_number_is_refused(void **state)
{
    struct site *t = *state;
    uint8_t mark[MARK_BYTES_MAX], old_mark[MARK_BYTES_MAX];

    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    struct site *other = site_fork(t, t->log_n);
    size_t old_n = exam_mark_make(t->x, 1, 0, old_mark);
    assert_int_equal(site_epoch(t, true), EXAM_OK);
    assert_int_equal(site_epoch(other, true), EXAM_OK);
    assert_int_equal(exam_epoch(t->x), exam_epoch(other->x));
    size_t n = exam_mark_make(other->x, 1, 0, mark);
    assert_int_equal(attach_with(t, mark, n), EXAM_STALE_EPOCH);
    assert_int_equal(t->why.epoch_proven, 2);
    assert_int_equal(attach_with(t, old_mark, old_n), EXAM_OK);
    assert_int_equal(attach_with(other, mark, n), EXAM_OK);
    assert_int_equal(site_epoch(t, true), EXAM_OK); /* 3: now it is the later one */
    assert_int_equal(attach_with(t, mark, n), EXAM_OK);
    site_free(other);
}

/* A node that does not even know of the start adopts what the seat's mark says was used. */
static void test_t12__mark_from_before_the_known_start_is_adopted(void **state)
{
    struct site *t = *state;
    uint8_t mark[MARK_BYTES_MAX];

    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    assert_int_equal(site_detach(t, 1), EXAM_OK);
    size_t n = exam_mark_make(t->x, 1, MS(7, 0, 0), mark);
    assert_int_equal(attach_with(t, mark, n), EXAM_OK);
    assert_int_equal(site_start(t, "B1"), EXAM_OK);
    site_go(t, MS(1, 0, 0));
    site_expect(t, 1, MS(8, 0, 0), MS(52, 0, 0), 0);
}

/* Before the start an attachment books nothing, and the start begins the clock of those there. */
static void test_t1__waiting_seats_begin_at_the_start(void **state)
{
    struct site *t = *state;

    site_go(t, MS(1, 0, 0));
    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    assert_int_equal(site_view(t, 1).state, EXAM_SITTING_PAUSED);
    site_go(t, MS(5, 0, 0));
    assert_int_equal(site_attach(t, 1001, "R1-01", 1), EXAM_OK);
    site_expect(t, 1, 0, MS(60, 0, 0), 0);
    assert_int_equal(site_start(t, "B1"), EXAM_OK);
    site_go(t, MS(6, 0, 0));
    site_expect(t, 1, MS(1, 0, 0), MS(59, 0, 0), 0);
}

/* A seat that was out of contact when the batch started had no paper on its screen: it claims
 * nothing of the stretch, and all of it is credited. */
static void test_t2__seat_out_of_contact_at_the_start_is_credited(void **state)
{
    struct site *t = *state;

    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    assert_int_equal(site_detach(t, 1), EXAM_OK);
    assert_int_equal(site_start(t, "B1"), EXAM_OK);
    site_go(t, MS(0, 9, 0));
    struct exam_command c = {.kind = EXAM_CMD_ATTACH};
    uint8_t session[SESSION_BYTES], mark[MARK_BYTES_MAX];
    memset(session, 1, sizeof session);
    c.u.attach.seat = "R1-01";
    c.u.attach.admission_no = "1001";
    c.u.attach.session = session;
    c.u.attach.mark = mark;
    c.u.attach.mark_bytes = exam_mark_make(t->x, 1, 0, mark);
    c.u.attach.open_ms = c.u.attach.since_ms = MS(0, 9, 0);
    c.u.attach.clock_continuous = true;
    assert_int_equal(site_do(t, &c), EXAM_OK);
    site_expect(t, 1, 0, MS(60, 0, 0), MS(0, 9, 0));
}

/* A new connection while the old one looks alive is reckoned from the last mark: an open screen
 * loses nothing, a seat that had died is not charged. */
static void test_t7__attach_over_an_open_connection(void **state)
{
    struct site *t = *state;
    struct exam_command c = {.kind = EXAM_CMD_ATTACH};
    uint8_t session[SESSION_BYTES], mark[MARK_BYTES_MAX];

    assert_int_equal(site_start(t, "B1"), EXAM_OK);
    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    site_go(t, MS(0, 8, 0)); /* no heartbeat came */
    memset(session, 1, sizeof session);
    c.u.attach.seat = "R1-01";
    c.u.attach.admission_no = "1001";
    c.u.attach.session = session;
    c.u.attach.mark = mark;
    c.u.attach.mark_bytes = exam_mark_make(t->x, 1, 0, mark);
    c.u.attach.open_ms = c.u.attach.since_ms = MS(0, 8, 0);
    c.u.attach.clock_continuous = true;
    assert_int_equal(site_do(t, &c), EXAM_OK);
    site_expect(t, 1, MS(0, 8, 0), MS(59, 52, 0), 0);
    site_go(t, MS(0, 20, 0));
    c.u.attach.mark_bytes = exam_mark_make(t->x, 1, MS(0, 8, 0), mark);
    c.u.attach.open_ms = c.u.attach.since_ms = 0;
    c.u.attach.clock_continuous = false;
    assert_int_equal(site_do(t, &c), EXAM_OK);
    site_expect(t, 1, MS(0, 8, 0), MS(59, 52, 0), MS(0, 12, 0));
}

/* Figures that no clock can have measured neither overflow nor charge more than grace. */
static void test_t6__absurd_figures_are_harmless(void **state)
{
    struct site *t = *state;
    struct exam_command c = {.kind = EXAM_CMD_ATTACH};
    uint8_t session[SESSION_BYTES];

    assert_int_equal(site_start(t, "B1"), EXAM_OK);
    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    site_go(t, MS(1, 0, 0));
    memset(session, 1, sizeof session);
    c.u.attach.seat = "R1-01";
    c.u.attach.admission_no = "1001";
    c.u.attach.session = session;
    c.u.attach.open_ms = c.u.attach.since_ms = c.u.attach.ended_ago_ms = UINT64_MAX;
    c.u.attach.clock_continuous = c.u.attach.ended = true;
    assert_int_equal(site_do(t, &c), EXAM_OK);
    site_expect(t, 1, MS(0, 15, 0), MS(59, 45, 0), MS(0, 45, 0));
}

/* A late tick books the exact instant; one that was never signed in to is absent. */
static void test_t10__late_tick_books_the_exact_instant(void **state)
{
    struct site *t = *state;

    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    site_go(t, MS(1, 0, 0));
    assert_int_equal(site_start(t, "B1"), EXAM_OK);
    assert_int_equal(exam_next_due_ms(t->x), MS(1, 1, 0)); /* the mark of those without a screen */
    t->now_ms = MS(61, 0, 777);
    site_tick(t);
    assert_int_equal(site_view(t, 2).finish, EV__FINISH__FINISH_ABSENT);
    const Ev__Event *e = site_last_event(t);
    assert_int_equal(e->kind_case, EV__EVENT__KIND_FINISHED);
    assert_int_equal(e->finished->n_sitting, 2);
    assert_int_equal(e->finished->at_ms[1], MS(61, 0, 0));
    assert_int_equal(exam_next_due_ms(t->x), UINT64_MAX);
    assert_int_equal(site_mark(t, 1), EXAM_OK);
    assert_int_equal(site_view(t, 1).finish, EV__FINISH__FINISH_TIMED_OUT);
    assert_int_equal(site_view(t, 1).finish_ms, MS(61, 0, 0));
    site_expect(t, 1, MS(60, 0, 0), 0, 0);
}

/* Marks of a thousand heartbeats are one event each; clocks that stand are not in it. */
static void test_t3__heartbeats_are_packed(void **state)
{
    struct site *t = *state;
    struct exam_command c = {.kind = EXAM_CMD_MARK};
    const struct exam_word words[] = {{2, UINT64_MAX, 0},
                                      {1, UINT64_MAX, 0},
                                      {3, UINT64_MAX, 0},
                                      {99, UINT64_MAX, 0},
                                      {0, UINT64_MAX, 0}};

    assert_int_equal(site_start(t, "B1"), EXAM_OK);
    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    assert_int_equal(site_sign_in(t, 1002, "R1-02", 1), EXAM_OK);
    site_go(t, MS(0, 0, 500));
    c.u.mark.words = words;
    c.u.mark.n = 5;
    size_t log_n = t->log_n;
    assert_int_equal(site_do(t, &c), EXAM_OK);
    assert_int_equal(t->log_n, log_n + 1);
    const Ev__Event *e = site_last_event(t);
    assert_int_equal(e->marked->n_sitting, 2);
    assert_int_equal(e->marked->sitting[0], 2);
    assert_int_equal(e->marked->used_ms[0], 500);
}

static exam_err say(struct site *t, uint64_t said_ms, uint64_t heard_ms)
{
    const struct exam_word w = {.sitting = 1, .said_ms = said_ms, .heard_ms = heard_ms};
    struct exam_command c = {.kind = EXAM_CMD_MARK};

    c.u.mark.words = &w;
    c.u.mark.n = 1;
    return site_do(t, &c);
}

/* A heartbeat that lay unread marks what had been used when it was sent: a seat that has died since
 * is charged no more, and one that has not goes on without a gap. */
static void test_t7__what_lay_unread_vouches_for_no_more_than_it_says(void **state)
{
    struct site *t = *state;

    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    assert_int_equal(site_start(t, "B1"), EXAM_OK);
    site_go(t, MS(0, 10, 0));
    assert_int_equal(say(t, MS(0, 6, 0), MS(0, 5, 500)), EXAM_OK);
    assert_int_equal(exam_sitting_mark_ms(t->x, 1), site_view(t, 1).begin_ms + MS(0, 6, 0));
    site_expect(t, 1, MS(0, 10, 0), MS(59, 50, 0), 0);           /* its clock runs on */
    assert_int_equal(say(t, MS(0, 1, 0), MS(0, 7, 0)), EXAM_OK); /* too little */
    assert_int_equal(exam_sitting_mark_ms(t->x, 1), site_view(t, 1).begin_ms + MS(0, 7, 0));
    assert_int_equal(site_detach(t, 1), EXAM_OK);
    site_expect(t, 1, MS(0, 7, 0), MS(59, 53, 0), 0);
}

/* T10: neither is its time up by a word that was said before it was. */
static void test_t10__what_lay_unread_ends_nothing_that_came_later(void **state)
{
    struct site *t = *state;

    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    assert_int_equal(site_start(t, "B1"), EXAM_OK);
    t->silent = true;
    site_go(t, MS(60, 1, 0));
    assert_int_equal(say(t, MS(59, 59, 0), MS(59, 58, 500)), EXAM_OK);
    assert_int_equal(site_view(t, 1).finish, EV__FINISH__FINISH_NONE);
    assert_int_equal(say(t, MS(60, 0, 0), MS(59, 58, 500)), EXAM_OK);
    assert_int_equal(site_view(t, 1).finish, EV__FINISH__FINISH_TIMED_OUT);
    assert_int_equal(site_view(t, 1).finish_ms, site_view(t, 1).begin_ms + MS(60, 0, 0));
}

/* Marks move no deadline, and all sittings without a screen are marked in one event a heartbeat. */
static void test_t3__marks_move_no_deadline(void **state)
{
    struct site *t = *state;

    for (uint32_t i = 0; i < 3; i++) {
        char seat[8];
        snprintf(seat, sizeof seat, "R1-%02u", i + 1);
        assert_int_equal(site_sign_in(t, 1001 + i, seat, 1), EXAM_OK);
    }
    assert_int_equal(site_start(t, "B1"), EXAM_OK);
    for (uint32_t i = 1; i <= 100; i++) {
        site_go(t, i * 333);
        assert_int_equal(site_mark(t, 1 + i % 3), EXAM_OK);
        assert_int_equal(t->now_ms + site_view(t, 1 + i % 3).account.left_ms, MS(60, 0, 0));
    }
    assert_int_equal(exam_next_due_ms(t->x), UINT64_MAX); /* T10: by their seats' words */
}

/* T10: a seat in contact ends its time by its word; the instant is exact, however late it comes.
 * One that says nothing is not charged for it: it has used what its last mark says (T7). */
static void test_t10__time_out_needs_a_word(void **state)
{
    struct site *t = *state;

    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    assert_int_equal(site_sign_in(t, 1002, "R1-02", 1), EXAM_OK);
    assert_int_equal(site_sign_in(t, 1003, "R1-03", 1), EXAM_OK);
    assert_int_equal(site_start(t, "B1"), EXAM_OK);
    t->silent = true;
    site_go(t, MS(59, 59, 0));
    for (uint32_t i = 1; i <= 3; i++)
        assert_int_equal(site_mark(t, i), EXAM_OK);
    site_go(t, MS(60, 2, 500));
    assert_int_equal(site_view(t, 1).finish, EV__FINISH__FINISH_NONE);
    assert_int_equal(site_mark(t, 1), EXAM_OK);
    assert_int_equal(site_view(t, 1).finish, EV__FINISH__FINISH_TIMED_OUT);
    assert_int_equal(site_view(t, 1).finish_ms, MS(60, 0, 0));
    site_expect(t, 1, MS(60, 0, 0), 0, 0);
    assert_int_equal(site_answer(t, 2, 1, "q1", "B"), EXAM_OK);
    assert_true(site_last_event(t)->answered->late);
    assert_int_equal(site_view(t, 2).finish_ms, MS(60, 0, 0));
    assert_int_equal(site_detach(t, 3), EXAM_OK);
    site_expect(t, 3, MS(59, 59, 0), MS(0, 1, 0), 0);
    site_go(t, MS(70, 0, 0));
    assert_int_equal(site_view(t, 3).finish, EV__FINISH__FINISH_NONE);
    site_expect_replicates(t);
}

/* T7, T8: what ran right before a pause is charged by the seat's next word, and not without one. */
static void test_t8__pause_charges_by_the_next_word(void **state)
{
    struct site *t = *state;
    const char *seats[] = {"R1-01", "R1-02", "R1-03"};

    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(site_sign_in(t, 1001 + i, seats[i], 1), EXAM_OK);
    assert_int_equal(site_start(t, "B1"), EXAM_OK);
    site_go(t, MS(0, 10, 0));
    for (uint32_t i = 1; i <= 3; i++)
        assert_int_equal(site_mark(t, i), EXAM_OK);
    site_go(t, MS(0, 10, 700));
    assert_int_equal(site_pause(t, "R1"), EXAM_OK);
    site_go(t, MS(0, 11, 0));
    site_expect(t, 1, MS(0, 10, 700), MS(59, 49, 300), 0); /* shown as running up to the pause */
    assert_int_equal(site_mark(t, 1), EXAM_OK);            /* 1 is there, 2 has died */
    assert_int_equal(site_detach(t, 2), EXAM_OK);
    site_expect(t, 2, MS(0, 10, 0), MS(59, 50, 0), 0);
    site_go(t, MS(0, 20, 700)); /* 3 has said nothing yet */
    assert_int_equal(site_resume(t, "R1"), EXAM_OK);
    site_go(t, MS(0, 21, 0));
    site_expect(t, 1, MS(0, 11, 0), MS(59, 49, 0), MS(0, 10, 0));
    site_expect(t, 3, MS(0, 11, 0), MS(59, 49, 0), MS(0, 10, 0));
    assert_int_equal(site_mark(t, 1), EXAM_OK);
    assert_int_equal(site_detach(t, 1), EXAM_OK);
    assert_int_equal(site_detach(t, 3), EXAM_OK);
    site_expect(t, 1, MS(0, 11, 0), MS(59, 49, 0), MS(0, 10, 0));
    site_expect(t, 3, MS(0, 10, 0), MS(59, 50, 0), MS(0, 10, 0));
    assert_int_equal(site_attach(t, 1002, "R1-02", 1), EXAM_OK);
    assert_int_equal(site_attach(t, 1003, "R1-03", 1), EXAM_OK);
    site_expect(t, 2, MS(0, 10, 0), MS(59, 50, 0), MS(0, 11, 0));
    site_expect(t, 3, MS(0, 10, 0), MS(59, 50, 0), MS(0, 11, 0));
    site_expect_replicates(t);
}

/* T8, T10: time that ran out right before a pause ends the sitting there. */
static void test_t10__time_out_right_before_a_pause(void **state)
{
    struct site *t = *state;

    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    assert_int_equal(site_start(t, "B1"), EXAM_OK);
    site_go(t, MS(59, 59, 500));
    assert_int_equal(site_mark(t, 1), EXAM_OK);
    t->silent = true;
    site_go(t, MS(60, 0, 10));
    assert_int_equal(site_pause(t, "R1"), EXAM_OK);
    site_go(t, MS(60, 0, 500));
    assert_int_equal(site_mark(t, 1), EXAM_OK);
    assert_int_equal(site_view(t, 1).finish, EV__FINISH__FINISH_TIMED_OUT);
    assert_int_equal(site_view(t, 1).finish_ms, MS(60, 0, 0));
    site_expect(t, 1, MS(60, 0, 0), 0, 0);
}

/* T12: a node that does not know the session has older data: the mark that comes with the sign-in
 * is adopted; one that is no mark of this sitting keeps nobody out. */
static void test_t12__sign_in_brings_the_mark(void **state)
{
    struct site *t = *state, *stale = site_fork(t, t->log_n);
    uint8_t session[SESSION_BYTES], mark[MARK_BYTES_MAX];
    struct exam_command c = {.kind = EXAM_CMD_SIGN_IN};

    assert_int_equal(site_start(t, "B1"), EXAM_OK);
    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    site_follow(stale, t);
    site_go(t, MS(0, 53, 0));
    assert_int_equal(site_mark(t, 1), EXAM_OK);
    memset(session, 2, sizeof session);
    c.u.sign_in.seat = "R1-01";
    c.u.sign_in.admission_no = "1001";
    c.u.sign_in.id_no = "ID1001";
    c.u.sign_in.session = session;
    c.u.sign_in.mark = mark;
    c.u.sign_in.mark_bytes = exam_mark_make(t->x, 1, MS(0, 53, 0), mark);
    stale->now_ms = MS(1, 0, 0);
    assert_int_equal(site_epoch_numbered(stale, 2, true), EXAM_OK);
    assert_int_equal(site_do(stale, &c), EXAM_OK);
    site_expect(stale, 1, MS(0, 53, 0), MS(59, 7, 0), MS(0, 7, 0));
    assert_int_equal(site_detach(stale, 1), EXAM_OK);
    mark[MARK_BYTES_MAX - 1] ^= 1;
    mark[1] ^= 1;
    session[0] = 3;
    assert_int_equal(site_do(stale, &c), EXAM_OK);
    site_expect(stale, 1, MS(0, 53, 0), MS(59, 7, 0), MS(0, 7, 0));
    site_free(stale);
}

/* T12, T2: who signs in at a node that has seen no screen of the sitting is late only there, and
 * has not lost what the mark proves to be used, though it was credited (T5, T14). */
static void test_t12__latecomers_mark_is_adopted(void **state)
{
    struct site *t = *state, *stale;
    uint8_t session[SESSION_BYTES] = {2}, mark[MARK_BYTES_MAX];
    struct exam_command c = {.kind = EXAM_CMD_SIGN_IN};
    struct exam_interruption_view in;
    struct exam_incident_view about;

    assert_int_equal(site_start(t, "B1"), EXAM_OK);
    stale = site_fork(t, t->log_n);
    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    site_go(t, MS(0, 53, 0));
    assert_int_equal(site_mark(t, 1), EXAM_OK);
    c.u.sign_in.seat = "R1-01";
    c.u.sign_in.admission_no = "1001";
    c.u.sign_in.id_no = "ID1001";
    c.u.sign_in.session = session;
    c.u.sign_in.mark = mark;
    c.u.sign_in.mark_bytes = exam_mark_make(t->x, 1, MS(0, 53, 0), mark);
    stale->now_ms = MS(0, 40, 0);
    assert_int_equal(site_epoch_numbered(stale, 2, true), EXAM_OK);
    stale->now_ms = MS(1, 0, 0);
    assert_int_equal(site_epoch_numbered(stale, 3, true), EXAM_OK);
    site_expect(stale, 1, 0, MS(60, 0, 0), MS(1, 0, 0));
    assert_int_equal(site_do(stale, &c), EXAM_OK);
    site_expect(stale, 1, MS(0, 53, 0), MS(59, 7, 0), MS(0, 7, 0));
    assert_int_equal(exam_interruption_at(stale->x, 1, 1, &in), EXAM_OK);
    assert_int_equal(in.lost_ms, 0);
    assert_int_equal(exam_interruption_at(stale->x, 1, 0, &in), EXAM_OK);
    assert_int_equal(in.lost_ms, MS(0, 7, 0));
    assert_int_equal(in.basis, EV__BASIS__BASIS_CARRIED);
    assert_int_equal(exam_interruption_at(stale->x, 1, 2, &in), EXAM_NOT_FOUND);
    exam_incident_view(stale->x, in.incident, &about);
    assert_int_equal(about.lost_ms + MS(0, 53, 0), about.interruptions / 2 * MS(1, 0, 0));
    site_free(stale);
}

/* T9: a person who gives time waits for no word: what has run out opens again. */
static void test_t9__grant_opens_what_has_run_out_unsaid(void **state)
{
    struct site *t = *state;

    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    assert_int_equal(site_start(t, "B1"), EXAM_OK);
    t->silent = true;
    site_go(t, MS(59, 59, 0));
    assert_int_equal(site_mark(t, 1), EXAM_OK);
    site_go(t, MS(60, 1, 0));
    struct exam_command c = {.kind = EXAM_CMD_GRANT};
    c.u.grant.scope.name = "1001";
    c.u.grant.ms = 60000;
    c.u.grant.who = "test";
    c.u.grant.why = "test";
    assert_int_equal(site_do(t, &c), EXAM_OK);
    site_expect(t, 1, MS(60, 0, 0), MS(1, 0, 0), MS(0, 1, 0));
}

/* Signing in at a PC from which another sitting is still in contact ends that contact. */
static void test_p11__seat_shows_one_sitting(void **state)
{
    struct site *t = *state;
    struct site_plan p = PLAN;

    p.batch = "B2";
    p.first_no = 2001;
    site_plan_batch(t, &p);
    assert_int_equal(site_sign_in(t, 2001, "R1-01", 1), EXAM_OK);
    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    assert_int_equal(site_view(t, 4).state, EXAM_SITTING_LOST);
    assert_int_equal(site_view(t, 1).state, EXAM_SITTING_PAUSED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_p4__unknown_and_wrong_identity_look_the_same),
        TEST(test_p4__wrong_seat_names_the_right_one),
        TEST(test_p4__sitting_in_contact_is_taken),
        TEST(test_a4__repeated_sign_in_keeps_the_session),
        TEST(test_t11__sign_in_alone_shuts_the_old_session_out),
        TEST(test_t7__signing_in_again_claims_nothing),
        TEST(test_t12__forged_mark_is_refused),
        TEST(test_t12__mark_says_when_it_was_made),
        TEST(test_t10__end_is_booked_at_its_instant),
        TEST(test_t10__submission_is_booked_at_its_instant),
        TEST(test_t10__submission_of_a_rebooted_seat_ends_at_its_position),
        TEST(test_t10__submission_after_a_pause),
        TEST(test_w1__mark_of_a_higher_epoch_is_refused),
        TEST(test_w1__mark_of_another_epoch_of_the_same_number_is_refused),
        TEST(test_t12__mark_from_before_the_known_start_is_adopted),
        TEST(test_t1__waiting_seats_begin_at_the_start),
        TEST(test_t2__seat_out_of_contact_at_the_start_is_credited),
        TEST(test_t7__attach_over_an_open_connection),
        TEST(test_t6__absurd_figures_are_harmless),
        TEST(test_t10__late_tick_books_the_exact_instant),
        TEST(test_t3__heartbeats_are_packed),
        TEST(test_t7__what_lay_unread_vouches_for_no_more_than_it_says),
        TEST(test_t10__what_lay_unread_ends_nothing_that_came_later),
        TEST(test_t3__marks_move_no_deadline),
        TEST(test_t10__time_out_needs_a_word),
        TEST(test_t8__pause_charges_by_the_next_word),
        TEST(test_t10__time_out_right_before_a_pause),
        TEST(test_t12__sign_in_brings_the_mark),
        TEST(test_t12__latecomers_mark_is_adopted),
        TEST(test_t9__grant_opens_what_has_run_out_unsaid),
        TEST(test_p11__seat_shows_one_sitting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
