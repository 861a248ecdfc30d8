/* The worked examples of section 8 and the drills that need no pause, grant or move, to the
 * millisecond, at the level of the core. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "seats.h"

static const struct site_plan PLAN = {.batch = "B1",
                                      .room = "R1",
                                      .room_seats = 4,
                                      .sittings = 2,
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
    seats_init(&d.w, d.t, 2, 1001);
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

static void both_sign_in(struct drill *d)
{
    seats_sign_in(&d->w, 1001);
    seats_sign_in(&d->w, 1002);
}

/* The primary's log is on its in-sync standby, so the successor's core has the same state. */
static void fail_over(struct drill *d)
{
    seats_node_serves(&d->w, d->t, true);
}

/* Drill 01, first row of section 8: back within grace, nobody loses a second. */
static void test_r2__failover_within_grace_loses_nothing(void **state)
{
    struct drill *d = *state;

    both_sign_in(d);
    seats_go(&d->w, MS(12, 0, 200));
    seats_answer(&d->w, 1001, "q7", "B");
    seats_go(&d->w, MS(12, 0, 300));
    seats_node_dies(&d->w);
    seats_go(&d->w, MS(12, 4, 0));
    seats_answer(&d->w, 1002, "q1", "C");
    seats_go(&d->w, MS(12, 10, 0));
    fail_over(d);
    assert_string_equal(site_answer_value(d->t, 2, "q1"), "C");
    seats_go(&d->w, MS(13, 0, 0));
    site_expect(d->t, 1, MS(13, 0, 0), MS(47, 0, 0), 0);
    site_expect(d->t, 2, MS(13, 0, 0), MS(47, 0, 0), 0);
    assert_string_equal(site_answer_value(d->t, 1, "q7"), "B");
    seats_go(&d->w, MS(59, 59, 999));
    assert_int_equal(site_view(d->t, 1).state, EXAM_SITTING_ANSWERING);
    seats_go(&d->w, MS(60, 0, 0));
    site_expect(d->t, 1, MS(60, 0, 0), 0, 0);
    assert_int_equal(site_view(d->t, 1).finish, EV__FINISH__FINISH_TIMED_OUT);
    assert_int_equal(site_batch(d->t, 1).state, EXAM_BATCH_ENDED);
}

/* Drill 02, second row: the locked stretch, and only that, is credited. */
static void test_r2__failover_after_lock_credits_the_locked_stretch(void **state)
{
    struct drill *d = *state;

    seats_sign_in(&d->w, 1001);
    seats_go(&d->w, MS(12, 0, 300));
    seats_node_dies(&d->w);
    seats_go(&d->w, MS(12, 47, 0));
    fail_over(d);
    seats_go(&d->w, MS(13, 0, 0));
    site_expect(d->t, 1, MS(12, 28, 0), MS(47, 32, 0), MS(0, 32, 0));
    seats_go(&d->w, MS(60, 31, 999));
    assert_int_equal(site_view(d->t, 1).state, EXAM_SITTING_ANSWERING);
    seats_go(&d->w, MS(60, 32, 0));
    site_expect(d->t, 1, MS(60, 0, 0), 0, MS(0, 32, 0));
    assert_int_equal(site_view(d->t, 1).finish, EV__FINISH__FINISH_TIMED_OUT);
}

/* Drill 03, rows 3 and 4: what nothing recorded is not charged; an acknowledged answer is a mark.
 */
static void test_t7__seat_power_cut_charges_what_is_recorded(void **state)
{
    struct drill *d = *state;

    both_sign_in(d);
    seats_go(&d->w, MS(20, 0, 600));
    seats_answer(&d->w, 1002, "q3", "A");
    seats_go(&d->w, MS(20, 0, 700));
    seats_die(&d->w, 1001);
    seats_die(&d->w, 1002);
    site_expect(d->t, 1, MS(20, 0, 0), MS(40, 0, 0), 0); /* its last mark at once */
    assert_int_equal(site_view(d->t, 1).state, EXAM_SITTING_LOST);
    seats_go(&d->w, MS(23, 30, 0));
    seats_boot(&d->w, 1001);
    seats_boot(&d->w, 1002);
    seats_go(&d->w, MS(24, 0, 0));
    site_expect(d->t, 1, MS(20, 30, 0), MS(39, 30, 0), MS(3, 30, 0));
    site_expect(d->t, 2, MS(20, 30, 600), MS(39, 29, 400), MS(3, 29, 400));
    assert_string_equal(site_answer_value(d->t, 2, "q3"), "A");
}

/* Drill 04: seats die, the server lives; each comes back when it can and ends that much later. */
static void test_r1__power_back_in_time_moves_each_end(void **state)
{
    struct drill *d = *state;

    both_sign_in(d);
    seats_go(&d->w, MS(30, 0, 250));
    seats_die(&d->w, 1001);
    seats_die(&d->w, 1002);
    seats_go(&d->w, MS(41, 55, 0));
    seats_boot(&d->w, 1001);
    seats_go(&d->w, MS(42, 20, 500));
    seats_boot(&d->w, 1002);
    seats_go(&d->w, MS(43, 0, 0));
    site_expect(d->t, 1, MS(31, 5, 0), MS(28, 55, 0), MS(11, 55, 0));
    site_expect(d->t, 2, MS(30, 39, 500), MS(29, 20, 500), MS(12, 20, 500));
    seats_go(&d->w, MS(71, 55, 0));
    assert_int_equal(site_view(d->t, 1).finish, EV__FINISH__FINISH_TIMED_OUT);
    seats_go(&d->w, MS(72, 20, 499));
    assert_int_equal(site_batch(d->t, 1).state, EXAM_BATCH_RUNNING);
    seats_go(&d->w, MS(72, 20, 500));
    assert_int_equal(site_batch(d->t, 1).state, EXAM_BATCH_ENDED);
    assert_int_equal(site_view(d->t, 2).account.lost_ms, MS(12, 20, 500));
}

/* Drill 07: a successor that was cut off adopts the seats' marks and gets their answers. */
static void test_t12__stale_standby_adopts_marks_and_answers(void **state)
{
    struct drill *d = *state;
    struct site *stale;

    both_sign_in(d);
    seats_go(&d->w, MS(10, 0, 0));
    stale = site_fork(d->t, d->t->log_n);
    seats_go(&d->w, MS(18, 0, 0));
    seats_answer(&d->w, 1001, "q5", "D");
    seats_go(&d->w, MS(20, 0, 400));
    seats_node_dies(&d->w);
    seats_go(&d->w, MS(20, 30, 0));
    seats_node_serves(&d->w, stale, true);
    seats_go(&d->w, MS(21, 0, 0));
    site_expect(stale, 1, MS(20, 45, 0), MS(39, 15, 0), MS(0, 15, 0));
    site_expect(stale, 2, MS(20, 45, 0), MS(39, 15, 0), MS(0, 15, 0));
    assert_string_equal(site_answer_value(stale, 1, "q5"), "D");
    seats_go(&d->w, MS(25, 0, 0));
    site_expect(stale, 1, MS(24, 45, 0), MS(35, 15, 0), MS(0, 15, 0));
    site_expect_replicates(stale);
    site_free(stale);
}

/* Drill 09: the only server restarts after an unknown time; the seat's own clock tells how long. */
static void one_server_restarts(struct drill *d, bool dark_known)
{
    seats_sign_in(&d->w, 1001);
    seats_go(&d->w, MS(5, 0, 0));
    seats_answer(&d->w, 1001, "q1", "A");
    seats_go(&d->w, MS(7, 30, 900));
    seats_node_dies(&d->w);
    seats_go(&d->w, MS(7, 40, 0));
    seats_answer(&d->w, 1001, "q2", "B");
    seats_go(&d->w, MS(12, 0, 0));
    seats_node_serves(&d->w, d->t, dark_known);
    assert_string_equal(site_answer_value(d->t, 1, "q1"), "A");
    assert_string_equal(site_answer_value(d->t, 1, "q2"), "B");
    seats_go(&d->w, MS(13, 0, 0));
    site_expect(d->t, 1, MS(8, 45, 0), MS(51, 15, 0), MS(4, 15, 0));
}

static void test_t5__one_server_restart_with_known_dark_time(void **state)
{
    one_server_restarts(*state, true);
}

/* The same when no clock of the site has measured the dark time: the timeline stands, the seat's
 * clock says how long it was out. */
static void test_t5__one_server_restart_with_unknown_dark_time(void **state)
{
    struct drill *d = *state;

    seats_sign_in(&d->w, 1001);
    seats_go(&d->w, MS(7, 30, 900));
    seats_node_dies(&d->w);
    uint64_t last_ms = exam_last_ms(d->t->x);
    seats_go(&d->w, MS(12, 0, 0));
    /* the site's timeline goes on from its last record, four and a half minutes behind */
    struct test_seat *s = seats_of(&d->w, 1001);
    struct exam_command c = {.kind = EXAM_CMD_ATTACH};
    uint8_t session[SESSION_BYTES];
    d->t->now_ms = last_ms;
    assert_int_equal(site_epoch(d->t, false), EXAM_OK);
    memset(session, s->session, sizeof session);
    c.u.attach.seat = s->name;
    c.u.attach.admission_no = "1001";
    c.u.attach.session = session;
    c.u.attach.mark = s->mark;
    c.u.attach.mark_bytes = s->mark_bytes;
    c.u.attach.clock_continuous = true;
    c.u.attach.open_ms = MS(0, 15, 0);
    c.u.attach.since_ms = MS(4, 30, 0);
    assert_int_equal(site_do(d->t, &c), EXAM_OK);
    site_expect(d->t, 1, MS(7, 45, 0), MS(52, 15, 0), MS(4, 15, 0));
    /* from here on the time is known again */
    site_go(d->t, last_ms + MS(1, 0, 0));
    site_expect(d->t, 1, MS(8, 45, 0), MS(51, 15, 0), MS(4, 15, 0));
    assert_int_equal(site_detach(d->t, 1), EXAM_OK);
    site_expect(d->t, 1, MS(7, 45, 0), MS(52, 15, 0), MS(4, 15, 0));
}

/* Drill 11: a planned switchover, and a restart within grace, lose nothing. */
static void test_w2__switchover_and_return_lose_nothing(void **state)
{
    struct drill *d = *state;

    seats_sign_in(&d->w, 1001);
    seats_go(&d->w, MS(10, 0, 500));
    assert_int_equal(site_mark(d->t, 1), EXAM_OK); /* a switchover acknowledges every seat */
    seats_node_serves(&d->w, d->t, true);
    seats_go(&d->w, MS(11, 0, 0));
    site_expect(d->t, 1, MS(11, 0, 0), MS(49, 0, 0), 0);
    seats_go(&d->w, MS(20, 0, 300));
    seats_node_dies(&d->w);
    seats_go(&d->w, MS(20, 8, 0));
    seats_node_serves(&d->w, d->t, true);
    seats_go(&d->w, MS(21, 0, 0));
    site_expect(d->t, 1, MS(21, 0, 0), MS(39, 0, 0), 0);
    assert_int_equal(site_view(d->t, 1).interruptions, 0);
}

/* Drill 12: while the primary waits it makes no marks; an unacknowledged answer dies with the only
 * disk that held it, and a seat that keeps its journal is charged up to its last position. */
static void test_a1__solo_wait_makes_no_marks(void **state)
{
    struct drill *d = *state;

    both_sign_in(d);
    seats_go(&d->w, MS(10, 0, 500));
    d->w.waiting = true;
    seats_go(&d->w, MS(10, 3, 0));
    seats_answer(&d->w, 1001, "q1", "A");
    seats_go(&d->w, MS(10, 3, 500));
    d->t->now_ms = d->w.now_ms;
    seats_wipe(&d->w, 1001);
    seats_die(&d->w, 1002);
    seats_go(&d->w, MS(10, 5, 500));
    d->w.waiting = false;
    seats_go(&d->w, MS(11, 0, 0));
    seats_boot(&d->w, 1001);
    seats_boot(&d->w, 1002);
    assert_string_equal(site_answer_value(d->t, 1, "q1"), "");
    seats_go(&d->w, MS(12, 0, 0));
    site_expect(d->t, 1, MS(11, 0, 0), MS(49, 0, 0), MS(1, 0, 0));
    site_expect(d->t, 2, MS(11, 3, 0), MS(48, 57, 0), MS(0, 57, 0));
}

/* Row 7 of section 8: the clock of a latecomer under common timing runs without a screen. */
static void test_t1__latecomer_under_common_timing(void **state)
{
    struct drill *d = *state;

    seats_go(&d->w, MS(4, 0, 0));
    site_expect(d->t, 1, MS(4, 0, 0), MS(56, 0, 0), 0);
    assert_int_equal(site_view(d->t, 1).state, EXAM_SITTING_EXPECTED);
    seats_go(&d->w, MS(5, 0, 0));
    seats_sign_in(&d->w, 1001);
    seats_go(&d->w, MS(6, 0, 0));
    site_expect(d->t, 1, MS(6, 0, 0), MS(54, 0, 0), 0);
}

/* Row 8: under personal timing the clock begins when the candidate first opens the paper. */
static void test_t1__latecomer_under_personal_timing(void **state)
{
    struct drill *d = *state;
    struct site_plan p = PLAN;

    p.batch = "B2";
    p.room = "R2";
    p.first_no = 2001;
    p.timing = EV__TIMING__TIMING_PERSONAL;
    p.extra_ms = MS(15, 0, 0);
    site_plan_batch(d->t, &p);
    assert_int_equal(site_start(d->t, "B2"), EXAM_OK);
    seats_go(&d->w, MS(5, 0, 0));
    assert_int_equal(site_sign_in(d->t, 2001, "R2-01", 7), EXAM_OK);
    seats_go(&d->w, MS(6, 0, 0));
    site_expect(d->t, 3, MS(1, 0, 0), MS(59, 0, 0), 0);
    site_expect(d->t, 4, 0, MS(75, 0, 0), 0);
    assert_int_equal(site_view(d->t, 4).state, EXAM_SITTING_EXPECTED);
}

/* T2: the dark time of the servers stops a clock without a screen, too; its marks, made at whole
 * heartbeats from the batch's start, say where. */
static void test_t2__dark_time_stops_a_clock_without_a_screen(void **state)
{
    struct drill *d = *state;
    struct exam_interruption_view i;

    seats_go(&d->w, MS(3, 0, 400));
    seats_node_dies(&d->w);
    seats_go(&d->w, MS(5, 0, 0));
    seats_node_serves(&d->w, d->t, true);
    site_expect(d->t, 1, MS(3, 0, 0), MS(57, 0, 0), MS(2, 0, 0));
    assert_int_equal(exam_interruption_at(d->t->x, 1, 0, &i), EXAM_OK);
    assert_int_equal(i.basis, EV__BASIS__BASIS_DARK);
    assert_int_equal(i.from_ms, MS(3, 0, 0));
    assert_int_equal(i.to_ms, MS(5, 0, 0));
    seats_go(&d->w, MS(7, 0, 0));
    seats_sign_in(&d->w, 1001);
    seats_go(&d->w, MS(8, 0, 0));
    site_expect(d->t, 1, MS(6, 0, 0), MS(54, 0, 0), MS(2, 0, 0));
    seats_go(&d->w, MS(62, 0, 0));
    assert_int_equal(site_view(d->t, 1).finish, EV__FINISH__FINISH_TIMED_OUT);
    assert_int_equal(site_view(d->t, 2).finish, EV__FINISH__FINISH_ABSENT);
}

/* T5: an epoch whose log ends before its credit was logged leaves such clocks standing; the next
 * one credits all of it. */
static void test_t5__credit_that_was_not_logged_is_made_up_for(void **state)
{
    struct drill *d = *state;
    struct site *cut;

    seats_go(&d->w, MS(3, 0, 400));
    seats_node_dies(&d->w);
    seats_go(&d->w, MS(5, 0, 0));
    seats_node_serves(&d->w, d->t, true);
    cut = site_fork(d->t, d->t->log_n - 1);
    assert_int_equal(exam_epoch(cut->x), 2);
    assert_int_equal(exam_next_due_ms(cut->x), UINT64_MAX);
    cut->now_ms = MS(6, 0, 0);
    site_expect(cut, 1, MS(3, 0, 0), MS(57, 0, 0), 0);
    assert_int_equal(site_epoch(cut, true), EXAM_OK);
    site_go(cut, MS(7, 0, 0));
    site_expect(cut, 1, MS(4, 0, 0), MS(56, 0, 0), MS(3, 0, 0));
    site_free(cut);
}

/* T10: a seat whose time runs out while it is out of contact ends at that instant. */
static void test_t10__time_out_out_of_contact(void **state)
{
    struct drill *d = *state;

    both_sign_in(d);
    seats_go(&d->w, MS(59, 50, 500));
    seats_cut(&d->w, 1001); /* last mark 59:50 */
    seats_answer(&d->w, 1001, "q1", "A");
    seats_go(&d->w, MS(61, 0, 0));
    assert_int_equal(site_view(d->t, 1).state, EXAM_SITTING_LOST);
    site_expect(d->t, 1, MS(59, 50, 0), MS(0, 10, 0), 0);
    seats_heal(&d->w, 1001);
    site_expect(d->t, 1, MS(60, 0, 0), 0, 0);
    assert_int_equal(site_view(d->t, 1).finish, EV__FINISH__FINISH_TIMED_OUT);
    assert_string_equal(site_answer_value(d->t, 1, "q1"), "A"); /* made before the end */
    assert_int_equal(site_view(d->t, 1).late, 1);
    assert_int_equal(site_batch(d->t, 1).state, EXAM_BATCH_ENDED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_r2__failover_within_grace_loses_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_r2__failover_after_lock_credits_the_locked_stretch,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_t7__seat_power_cut_charges_what_is_recorded, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_r1__power_back_in_time_moves_each_end, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_t12__stale_standby_adopts_marks_and_answers, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_t5__one_server_restart_with_known_dark_time, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_t5__one_server_restart_with_unknown_dark_time, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_w2__switchover_and_return_lose_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a1__solo_wait_makes_no_marks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_t1__latecomer_under_common_timing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_t1__latecomer_under_personal_timing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_t2__dark_time_stops_a_clock_without_a_screen, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_t5__credit_that_was_not_logged_is_made_up_for, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_t10__time_out_out_of_contact, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
