/* Pauses and suspensions: T8 and W4, to the millisecond. */
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

static struct exam_interruption_view interruption(const struct drill *d, uint32_t sitting,
                                                  uint32_t i)
{
    struct exam_interruption_view v;

    assert_int_equal(exam_interruption_at(d->t->x, sitting, i, &v), EXAM_OK);
    return v;
}

/* Row 5 of section 8: a site paused for 4:10.250 loses just that, and the register says so. */
static void test_t8__a_pause_is_credited_to_the_millisecond(void **state)
{
    struct drill *d = *state;

    seats_sign_in(&d->w, 1001);
    seats_go(&d->w, MS(30, 0, 0));
    assert_int_equal(seats_pause(&d->w, "site"), EXAM_OK);
    seats_go(&d->w, MS(33, 0, 0));
    site_expect(d->t, 1, MS(30, 0, 0), MS(30, 0, 0), 0);
    assert_int_equal(site_view(d->t, 1).state, EXAM_SITTING_PAUSED);
    assert_int_equal(site_view(d->t, 1).stands_ms, MS(3, 0, 0));
    assert_int_equal(site_batch(d->t, 1).state, EXAM_BATCH_PAUSED);
    seats_go(&d->w, MS(34, 10, 250));
    assert_int_equal(seats_resume(&d->w, "site"), EXAM_OK);
    seats_go(&d->w, MS(40, 0, 0));
    site_expect(d->t, 1, MS(35, 49, 750), MS(24, 10, 250), MS(4, 10, 250));
    assert_int_equal(interruption(d, 1, 0).basis, EV__BASIS__BASIS_PAUSE);
    assert_int_equal(interruption(d, 1, 0).from_ms, MS(30, 0, 0));
    assert_int_equal(interruption(d, 1, 0).to_ms, MS(34, 10, 250));
    seats_go(&d->w, MS(64, 10, 249));
    assert_int_equal(site_view(d->t, 1).state, EXAM_SITTING_ANSWERING);
    seats_go(&d->w, MS(64, 10, 250));
    assert_int_equal(site_view(d->t, 1).finish, EV__FINISH__FINISH_TIMED_OUT);
}

/* Row 6: a seat out of contact is never charged for time after the pause, not even within grace. */
static void test_t8__a_seat_out_of_contact_is_cut_at_the_pause(void **state)
{
    struct drill *d = *state;

    seats_sign_in(&d->w, 1001);
    seats_sign_in(&d->w, 1002);
    seats_go(&d->w, MS(10, 0, 500));
    seats_cut(&d->w, 1001);
    seats_go(&d->w, MS(10, 5, 0));
    assert_int_equal(seats_pause(&d->w, "site"), EXAM_OK);
    seats_go(&d->w, MS(11, 0, 0));
    assert_int_equal(seats_resume(&d->w, "site"), EXAM_OK);
    site_expect(d->t, 1, MS(10, 0, 0), MS(50, 0, 0), 0); /* goes on when it attaches */
    seats_go(&d->w, MS(12, 0, 0));
    seats_heal(&d->w, 1001);
    assert_int_equal(interruption(d, 1, 0).basis, EV__BASIS__BASIS_PAUSE);
    seats_go(&d->w, MS(13, 0, 0));
    site_expect(d->t, 1, MS(11, 5, 0), MS(48, 55, 0), MS(1, 55, 0));
    site_expect(d->t, 2, MS(12, 5, 0), MS(47, 55, 0), MS(0, 55, 0));
}

/* Back within grace, with a short pause in between: what is after the pause is not charged, though
 * the screen has been open all the time. */
static void test_t8__back_within_grace_after_a_pause(void **state)
{
    struct drill *d = *state;

    seats_sign_in(&d->w, 1001);
    seats_go(&d->w, MS(10, 0, 500));
    seats_cut(&d->w, 1001);
    seats_go(&d->w, MS(10, 2, 0));
    assert_int_equal(seats_pause(&d->w, "R1-01"), EXAM_OK);
    assert_int_equal(seats_resume(&d->w, "R1-01"), EXAM_OK); /* lifted at once: it counts */
    seats_go(&d->w, MS(10, 9, 0));
    seats_heal(&d->w, 1001);
    site_expect(d->t, 1, MS(10, 2, 0), MS(49, 58, 0), MS(0, 7, 0));
}

/* A seat that comes back during the pause stands until the resume. */
static void test_t8__attaching_during_a_pause(void **state)
{
    struct drill *d = *state;

    seats_sign_in(&d->w, 1001);
    seats_go(&d->w, MS(10, 0, 700));
    seats_die(&d->w, 1001);
    seats_go(&d->w, MS(11, 0, 0));
    assert_int_equal(seats_pause(&d->w, "R1"), EXAM_OK);
    seats_go(&d->w, MS(12, 0, 0));
    seats_boot(&d->w, 1001);
    assert_int_equal(site_view(d->t, 1).state, EXAM_SITTING_PAUSED);
    site_expect(d->t, 1, MS(10, 0, 0), MS(50, 0, 0), MS(2, 0, 0));
    seats_go(&d->w, MS(13, 0, 0));
    assert_int_equal(seats_resume(&d->w, "R1"), EXAM_OK);
    seats_go(&d->w, MS(14, 0, 0));
    site_expect(d->t, 1, MS(11, 0, 0), MS(49, 0, 0), MS(3, 0, 0));
    assert_int_equal(interruption(d, 1, 0).basis, EV__BASIS__BASIS_MARK); /* it died before */
    assert_int_equal(interruption(d, 1, 1).basis, EV__BASIS__BASIS_PAUSE);
}

/* Pauses nest: a clock runs when the last one over it is lifted, and no second counts twice. */
static void test_t8__pauses_nest(void **state)
{
    struct drill *d = *state;

    seats_sign_in(&d->w, 1001);
    seats_sign_in(&d->w, 1002);
    seats_go(&d->w, MS(10, 0, 0));
    assert_int_equal(seats_pause(&d->w, "R1-01"), EXAM_OK);
    seats_go(&d->w, MS(11, 0, 0));
    assert_int_equal(seats_pause(&d->w, "B1"), EXAM_OK);
    seats_go(&d->w, MS(12, 0, 0));
    assert_int_equal(seats_pause(&d->w, "site"), EXAM_OK);
    seats_go(&d->w, MS(13, 0, 0));
    assert_int_equal(seats_resume(&d->w, "B1"), EXAM_OK);
    assert_int_equal(site_batch(d->t, 1).state, EXAM_BATCH_PAUSED); /* by the site */
    seats_go(&d->w, MS(14, 0, 0));
    assert_int_equal(seats_resume(&d->w, "site"), EXAM_OK);
    site_expect(d->t, 2, MS(11, 0, 0), MS(49, 0, 0), MS(3, 0, 0));
    site_expect(d->t, 3, MS(11, 0, 0), MS(49, 0, 0), MS(3, 0, 0)); /* nobody has signed in */
    assert_int_equal(site_view(d->t, 1).state, EXAM_SITTING_PAUSED);
    seats_go(&d->w, MS(15, 0, 0));
    assert_int_equal(seats_resume(&d->w, "R1-01"), EXAM_OK);
    seats_go(&d->w, MS(16, 0, 0));
    site_expect(d->t, 1, MS(11, 0, 0), MS(49, 0, 0), MS(5, 0, 0));
    site_expect(d->t, 2, MS(13, 0, 0), MS(47, 0, 0), MS(3, 0, 0));
    assert_int_equal(site_view(d->t, 1).interruptions, 1);
}

/* A pause outlives its primary; the dark time in it counts once, and without a screen, too. */
static void test_t8__a_pause_goes_on_over_an_epoch(void **state)
{
    struct drill *d = *state;

    seats_sign_in(&d->w, 1001);
    seats_go(&d->w, MS(5, 0, 0));
    assert_int_equal(seats_pause(&d->w, "site"), EXAM_OK);
    seats_go(&d->w, MS(6, 0, 0));
    seats_node_dies(&d->w);
    seats_go(&d->w, MS(8, 0, 0));
    seats_node_serves(&d->w, d->t, true);
    assert_int_equal(site_view(d->t, 1).state, EXAM_SITTING_PAUSED);
    site_expect(d->t, 1, MS(5, 0, 0), MS(55, 0, 0), MS(3, 0, 0));
    seats_go(&d->w, MS(9, 0, 0));
    site_expect(d->t, 3, MS(5, 0, 0), MS(55, 0, 0), 0);
    assert_int_equal(seats_resume(&d->w, "site"), EXAM_OK);
    seats_go(&d->w, MS(10, 0, 0));
    site_expect(d->t, 1, MS(6, 0, 0), MS(54, 0, 0), MS(4, 0, 0));
    site_expect(d->t, 3, MS(6, 0, 0), MS(54, 0, 0), MS(4, 0, 0));
}

/* T1: with personal timing the paper is opened when the pause is lifted, and nothing is lost. */
static void test_t1__personal_timing_begins_when_the_pause_ends(void **state)
{
    struct drill *d = *state;
    struct site_plan p = PLAN;

    p.batch = "B2";
    p.room = "R2";
    p.first_no = 2001;
    p.timing = EV__TIMING__TIMING_PERSONAL;
    site_plan_batch(d->t, &p);
    assert_int_equal(site_start(d->t, "B2"), EXAM_OK);
    assert_int_equal(site_pause(d->t, "R2"), EXAM_OK);
    seats_go(&d->w, MS(1, 0, 0));
    assert_int_equal(site_sign_in(d->t, 2001, "R2-01", 7), EXAM_OK);
    seats_go(&d->w, MS(2, 0, 0));
    site_expect(d->t, 4, 0, MS(60, 0, 0), 0);
    assert_false(site_view(d->t, 4).begun);
    assert_int_equal(site_resume(d->t, "R2"), EXAM_OK);
    seats_go(&d->w, MS(3, 0, 0));
    site_expect(d->t, 4, MS(1, 0, 0), MS(59, 0, 0), 0);
}

/* A batch that is started under a pause stands from its first millisecond. */
static void test_t8__a_batch_started_under_a_pause(void **state)
{
    struct drill *d = *state;
    struct site_plan p = PLAN;

    p.batch = "B2";
    p.room = "R2";
    p.first_no = 2001;
    site_plan_batch(d->t, &p);
    assert_int_equal(site_pause(d->t, "R2"), EXAM_OK);
    assert_int_equal(site_sign_in(d->t, 2001, "R2-01", 7), EXAM_OK);
    seats_go(&d->w, MS(1, 0, 0));
    assert_int_equal(site_start(d->t, "B2"), EXAM_OK);
    seats_go(&d->w, MS(2, 0, 0));
    assert_int_equal(site_resume(d->t, "R2"), EXAM_OK);
    seats_go(&d->w, MS(3, 0, 0));
    site_expect(d->t, 4, MS(1, 0, 0), MS(59, 0, 0), MS(1, 0, 0));
    site_expect(d->t, 5, MS(1, 0, 0), MS(59, 0, 0), MS(1, 0, 0));
}

/* An answer on its way when the pause came is taken, and moves no clock; so is a submission. */
static void test_t8__what_was_on_its_way_is_taken(void **state)
{
    struct drill *d = *state;

    seats_sign_in(&d->w, 1001);
    seats_go(&d->w, MS(10, 0, 0));
    assert_int_equal(seats_pause(&d->w, "site"), EXAM_OK);
    seats_go(&d->w, MS(10, 0, 80));
    assert_int_equal(site_answer(d->t, 1, 1, "q1", "A"), EXAM_OK);
    site_expect(d->t, 1, MS(10, 0, 0), MS(50, 0, 0), 0);
    seats_go(&d->w, MS(10, 0, 90));
    assert_int_equal(site_submit(d->t, 1, 2), EXAM_OK);
    site_expect(d->t, 1, MS(10, 0, 0), MS(50, 0, 0), 90); /* elapsed is used and lost */
    assert_int_equal(site_view(d->t, 1).finish, EV__FINISH__FINISH_SUBMITTED);
}

/* Collecting under a pause closes each account where the pause found it. */
static void test_t10__collecting_under_a_pause(void **state)
{
    struct drill *d = *state;

    seats_sign_in(&d->w, 1001);
    seats_go(&d->w, MS(10, 0, 0));
    assert_int_equal(seats_pause(&d->w, "site"), EXAM_OK);
    seats_go(&d->w, MS(12, 0, 0));
    assert_int_equal(site_collect(d->t, "B1", true), EXAM_OK);
    site_expect(d->t, 1, MS(10, 0, 0), MS(50, 0, 0), MS(2, 0, 0));
    assert_int_equal(site_view(d->t, 1).finish, EV__FINISH__FINISH_CLOSED);
    assert_int_equal(interruption(d, 1, 0).basis, EV__BASIS__BASIS_PAUSE);
}

/* Every pause that makes no sense is refused under its rule, and changes nothing. */
static void test_t8__refusals(void **state)
{
    struct drill *d = *state;
    struct site *t = d->t;
    size_t before = t->log_n;

    expect_refused(t, site_resume(t, "site"), "T8", "not paused");
    expect_refused(t, site_pause(t, "R9"), "R4", "no batch, room, seat or candidate R9");
    expect_refused(t, site_pause(t, "1001"), "T8", "R1-01");
    assert_int_equal(t->log_n, before);
    assert_int_equal(site_pause(t, "R1"), EXAM_OK);
    seats_go(&d->w, MS(1, 5, 0));
    expect_refused(t, site_pause(t, "R1"), "T8", "1 min 5 s already");
    expect_refused(t, site_resume(t, "R1-01"), "T8", "not paused by itself");
    assert_int_equal(site_collect(t, "B1", true), EXAM_OK);
    expect_refused(t, site_pause(t, "B1"), "T8", "not running");
}

/* A name that fits two things is refused until it is said which of them is meant. */
static void test_r4__an_ambiguous_name_is_refused(void **state)
{
    struct drill *d = *state;
    struct site_plan p = PLAN;
    struct exam_command c = {.kind = EXAM_CMD_PAUSE};

    p.batch = "R1";
    p.room = "R3";
    p.first_no = 3001;
    site_plan_batch(d->t, &p);
    expect_refused(d->t, site_pause(d->t, "R1"), "R4", "batch R1 and room R1");
    c.u.pause.scope = (struct exam_scope){EV__SCOPE_KIND__SCOPE_KIND_ROOM, "R1"};
    c.u.pause.who = c.u.pause.why = "";
    assert_int_equal(site_do(d->t, &c), EXAM_OK);
    assert_int_equal(site_last_event(d->t)->paused->scope->kind, EV__SCOPE_KIND__SCOPE_KIND_ROOM);
}

/* ---------------------------------------------------------------- suspension (W4) */

/* Drill 05 at the level of the core: what runs is suspended, over the next epoch, too, until a
 * person decides to go on. */
static void test_w4__suspension_survives_the_epoch(void **state)
{
    struct drill *d = *state;

    seats_sign_in(&d->w, 1001);
    seats_go(&d->w, MS(30, 0, 0));
    seats_die(&d->w, 1001);
    seats_go(&d->w, MS(52, 0, 0));
    assert_int_equal(seats_suspend(&d->w), EXAM_OK);
    assert_int_equal(site_batch(d->t, 1).state, EXAM_BATCH_SUSPENDED);
    seats_node_dies(&d->w);
    seats_go(&d->w, MS(95, 0, 0));
    seats_boot(&d->w, 1001);
    seats_go(&d->w, MS(95, 30, 0));
    seats_node_serves(&d->w, d->t, true);
    assert_int_equal(site_batch(d->t, 1).state, EXAM_BATCH_SUSPENDED);
    assert_int_equal(site_view(d->t, 1).state, EXAM_SITTING_PAUSED);
    site_expect(d->t, 1, MS(30, 0, 0), MS(30, 0, 0), MS(65, 30, 0));
    seats_go(&d->w, MS(96, 0, 0));
    assert_int_equal(seats_unsuspend(&d->w, "B1"), EXAM_OK);
    assert_int_equal(site_batch(d->t, 1).state, EXAM_BATCH_RUNNING);
    seats_go(&d->w, MS(97, 0, 0));
    site_expect(d->t, 1, MS(31, 0, 0), MS(29, 0, 0), MS(66, 0, 0));
    /* without a screen: marked at the suspension, and credited from there */
    site_expect(d->t, 2, MS(53, 0, 0), MS(7, 0, 0), MS(44, 0, 0));
}

/* A suspended batch that was paused, too, stands until both are lifted; nothing else is suspended.
 */
static void test_w4__suspension_nests_with_a_pause(void **state)
{
    struct drill *d = *state;

    seats_sign_in(&d->w, 1001);
    seats_go(&d->w, MS(10, 0, 0));
    assert_int_equal(seats_pause(&d->w, "B1"), EXAM_OK);
    seats_go(&d->w, MS(11, 0, 0));
    assert_int_equal(seats_suspend(&d->w), EXAM_OK);
    size_t before = d->t->log_n;
    assert_int_equal(seats_suspend(&d->w), EXAM_OK); /* it is already */
    assert_int_equal(d->t->log_n, before);
    seats_go(&d->w, MS(12, 0, 0));
    assert_int_equal(seats_resume(&d->w, "B1"), EXAM_OK);
    assert_int_equal(site_batch(d->t, 1).state, EXAM_BATCH_SUSPENDED);
    seats_go(&d->w, MS(13, 0, 0));
    assert_int_equal(seats_unsuspend(&d->w, "B1"), EXAM_OK);
    site_expect(d->t, 1, MS(10, 0, 0), MS(50, 0, 0), MS(3, 0, 0));
    expect_refused(d->t, seats_unsuspend(&d->w, "B1"), "W4", "not suspended");
}

/* T4: a pause after a dark time that nobody measured cuts the claim where the seat's own clock
 * says. */
static void test_t8__a_pause_after_an_unknown_dark_time(void **state)
{
    struct drill *d = *state;

    seats_sign_in(&d->w, 1001);
    seats_go(&d->w, MS(7, 30, 900)); /* last mark 7:30 */
    seats_node_dies(&d->w);
    struct test_seat *s = seats_of(&d->w, 1001);
    uint64_t last_ms = exam_last_ms(d->t->x);
    struct exam_command c = {.kind = EXAM_CMD_ATTACH};
    uint8_t session[SESSION_BYTES];

    d->t->now_ms = last_ms; /* the site's timeline stands in the dark: four minutes, really */
    assert_int_equal(site_epoch(d->t, false), EXAM_OK);
    site_go(d->t, last_ms + MS(0, 2, 0));
    assert_int_equal(site_pause(d->t, "site"), EXAM_OK);
    site_go(d->t, last_ms + MS(0, 5, 0));
    memset(session, s->session, sizeof session);
    c.u.attach.seat = s->name;
    c.u.attach.admission_no = "1001";
    c.u.attach.session = session;
    c.u.attach.mark = s->mark;
    c.u.attach.mark_bytes = s->mark_bytes;
    c.u.attach.clock_continuous = true;
    c.u.attach.open_ms = MS(0, 15, 0);
    c.u.attach.since_ms = MS(4, 5, 0); /* so the pause came 4:02 after its mark: no cut */
    assert_int_equal(site_do(d->t, &c), EXAM_OK);
    site_expect(d->t, 1, MS(7, 45, 0), MS(52, 15, 0), MS(3, 50, 0));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_t8__a_pause_is_credited_to_the_millisecond),
        TEST(test_t8__a_seat_out_of_contact_is_cut_at_the_pause),
        TEST(test_t8__back_within_grace_after_a_pause),
        TEST(test_t8__attaching_during_a_pause),
        TEST(test_t8__pauses_nest),
        TEST(test_t8__a_pause_goes_on_over_an_epoch),
        TEST(test_t1__personal_timing_begins_when_the_pause_ends),
        TEST(test_t8__a_batch_started_under_a_pause),
        TEST(test_t8__what_was_on_its_way_is_taken),
        TEST(test_t10__collecting_under_a_pause),
        TEST(test_t8__refusals),
        TEST(test_r4__an_ambiguous_name_is_refused),
        TEST(test_w4__suspension_survives_the_epoch),
        TEST(test_w4__suspension_nests_with_a_pause),
        TEST(test_t8__a_pause_after_an_unknown_dark_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
