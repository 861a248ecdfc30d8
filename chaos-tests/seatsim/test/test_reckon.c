#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "reckon.h"
#include "round_trips.h"

/* A network that takes 4 ms, and a notice so 8 at the most; the batch starts at 1000. */
enum { WAY_MS = 4, START_MS = 1000, GRACE_MS = 15000, TOTAL_MS = 3600000, SEATS = 3 };

static struct reckoning seat[SEATS];
static const struct reckoning *all[SEATS];
static struct reckon_site site;
static struct reckon_bounds bounds;

static uint64_t late_ms(const void *ctx, uint64_t at_ms)
{
    (void)ctx;
    (void)at_ms;
    return WAY_MS;
}

static void attach(struct reckoning *r, uint64_t at_ms, enum reckon_state state, uint64_t epoch)
{
    struct reckon_attach a = {
        .sent_ms = at_ms - WAY_MS, .received_ms = at_ms, .epoch = epoch, .state = state};
    a.finish = state == RECKON_ENDED ? RECKON_SUBMITTED : RECKON_NOT_FINISHED;
    reckon_attached(r, &a);
}

/* An acknowledgement that came at this instant. */
static void ack(struct reckoning *r, uint64_t at_ms)
{
    reckon_acked(r, at_ms - WAY_MS, at_ms);
}

static void submit(struct reckoning *r, uint64_t at_ms)
{
    reckon_submits(r, at_ms - WAY_MS);
    ack(r, at_ms);
    reckon_finished(r, RECKON_SUBMITTED, at_ms - WAY_MS, at_ms, false);
}

static int setup(void **state)
{
    (void)state;
    site = (struct reckon_site){.late_ms = late_ms};
    for (int i = 0; i < SEATS; i++) {
        all[i] = &seat[i];
        reckon_init(&seat[i], GRACE_MS);
        attach(&seat[i], 500, RECKON_BEFORE, 1);
        reckon_noticed(&seat[i], START_MS + 2);
        reckon_started(&seat[i], START_MS + 2);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    reckon_site_free(&site);
    for (int i = 0; i < SEATS; i++)
        reckon_fini(&seat[i]);
    return 0;
}

static void reckon(const struct reckoning *r)
{
    assert_int_equal(reckon_site_make(&site, all, SEATS), EXAM_OK);
    assert_true(reckon_final(r, &site, TOTAL_MS, &bounds));
}

/* What is true must be within the bounds, and they must not be wider than said. */
static void must_be(uint64_t used_ms, uint64_t used_width_ms, uint64_t lost_ms,
                    uint64_t lost_width_ms)
{
    assert_true(reckon_within(&bounds, used_ms, lost_ms));
    assert_in_range(bounds.used_hi_ms - bounds.used_lo_ms, 0, used_width_ms);
    assert_in_range(bounds.lost_hi_ms - bounds.lost_lo_ms, 0, lost_width_ms);
}

/* Never interrupted: lost is exactly 0, and one millisecond of it is too much. */
static void test_reckon__uninterrupted(void **state)
{
    (void)state;
    ack(&seat[0], 2000);
    submit(&seat[0], START_MS + 60000);
    reckon(&seat[0]);
    must_be(59998, 20, 0, 0);
    assert_false(reckon_within(&bounds, 59998, 1));
    assert_false(reckon_within(&bounds, 59998 + 20, 0));
    assert_false(reckon_within(&bounds, 59998 - 20, 0));
}

/* T6: back within grace, at another node, loses nothing. */
static void test_reckon__back_within_grace(void **state)
{
    (void)state;
    ack(&seat[0], 12000);
    reckon_lost(&seat[0], 12300, 12300);
    attach(&seat[0], 22000, RECKON_OPEN, 2);
    submit(&seat[0], 61000);
    reckon(&seat[0]);
    must_be(59998, 30, 0, 0);
}

/* T6: locked from grace after the last mark until contact is back (rules, example 2). */
static void test_reckon__locked_beyond_grace(void **state)
{
    (void)state;
    ack(&seat[0], START_MS + 720000);
    reckon_lost(&seat[0], START_MS + 720300, 0);
    attach(&seat[0], START_MS + 767000, RECKON_OPEN, 2);
    submit(&seat[0], START_MS + 780000);
    reckon(&seat[0]);
    must_be(748000, 50, 32000, 30);
    assert_false(reckon_within(&bounds, 780000, 0));
}

/* A request was under way when contact was lost by the seat's own act: a node that was not dead may
 * have marked later, and nobody knows how much. */
static void test_reckon__doubt_is_wide(void **state)
{
    (void)state;
    ack(&seat[0], 720000);
    reckon_lost(&seat[0], 720300, UINT64_MAX);
    attach(&seat[0], 767000, RECKON_OPEN, 1);
    submit(&seat[0], 780000);
    reckon(&seat[0]);
    assert_int_equal(bounds.lost_lo_ms, 0);
    assert_in_range(bounds.lost_hi_ms, 32000, 32020);
}

/* T7: a dead seat has used what its disk has (rules, example 3: an answer at .600). */
static void test_reckon__power_cut(void **state)
{
    (void)state;
    ack(&seat[0], START_MS + 1200000);
    reckon_died(&seat[0], START_MS + 1200700, START_MS + 1200600, 0);
    attach(&seat[0], START_MS + 1410000, RECKON_OPEN, 1);
    submit(&seat[0], START_MS + 1440000);
    reckon(&seat[0]);
    must_be(1230600, 40, 209400, 20);
    assert_false(reckon_within(&bounds, 1230700, 209300));
}

/* T6 clips what a disk has. A second power cut before contact is back changes nothing. */
static void test_reckon__power_cut_out_of_contact(void **state)
{
    (void)state;
    ack(&seat[0], 20000);
    reckon_lost(&seat[0], 20500, 0);
    reckon_died(&seat[0], 26000, 25000, 0);
    reckon_died(&seat[0], 28000, 25000, 0);
    attach(&seat[0], 90000, RECKON_OPEN, 1);
    submit(&seat[0], 100000);
    reckon(&seat[0]);
    must_be(99000 - 65000, 40, 65000, 20);
}

/* T8: in contact the clock stands from the pause to the resumption. */
static void test_reckon__pause_in_contact(void **state)
{
    (void)state;
    ack(&seat[0], 30000);
    reckon_noticed(&seat[0], 31002);
    reckon_paused(&seat[0], 31002);
    ack(&seat[0], 60000);
    reckon_noticed(&seat[0], 65252);
    reckon_resumed(&seat[0], 65252, 30000, 34250);
    submit(&seat[0], 80000);
    reckon(&seat[0]);
    must_be(79000 - 34250, 50, 34250, 30);
    reckon_at(&seat[0], &site, 0, &bounds);
    assert_true(reckon_within(&bounds, 30000, 34250));
    assert_false(reckon_within(&bounds, 30000, 34250 + 60));
}

/* T8: a pause of the room counts for a seat that is out of contact and never hears of it (rules,
 * the example with 10:00.500: used up to the pause, locked after it). */
static void test_reckon__pause_out_of_contact(void **state)
{
    (void)state;
    ack(&seat[0], START_MS + 600000);
    reckon_lost(&seat[0], START_MS + 603000, 0);
    for (int i = 1; i < SEATS; i++) {
        ack(&seat[i], START_MS + 604900);
        reckon_noticed(&seat[i], START_MS + 605003);
        reckon_paused(&seat[i], START_MS + 605003);
        reckon_noticed(&seat[i], START_MS + 660003);
        reckon_resumed(&seat[i], START_MS + 660003, 605000, 55000);
    }
    attach(&seat[0], START_MS + 720000, RECKON_OPEN, 1);
    submit(&seat[0], START_MS + 780000);
    reckon(&seat[0]);
    must_be(665000, 50, 115000, 30);
}

/* The same seat is back before the pause is over: it stands until the resumption. */
static void test_reckon__back_into_a_pause(void **state)
{
    (void)state;
    ack(&seat[0], 600000);
    reckon_lost(&seat[0], 603000, 0);
    for (int i = 1; i < SEATS; i++) {
        reckon_noticed(&seat[i], 605003);
        reckon_paused(&seat[i], 605003);
    }
    attach(&seat[0], 610000, RECKON_PAUSED, 1);
    reckon_noticed(&seat[0], 660003);
    reckon_resumed(&seat[0], 660003, 604000, 55000);
    submit(&seat[0], 700000);
    reckon(&seat[0]);
    must_be(699000 - 55000, 50, 55000, 30);
}

/* A pause of one seat is not its room's. */
static void test_reckon__pause_of_one_seat(void **state)
{
    (void)state;
    reckon_noticed(&seat[1], 605003);
    reckon_paused(&seat[1], 605003);
    ack(&seat[0], 600000);
    reckon_lost(&seat[0], 603000, 0);
    attach(&seat[0], 610000, RECKON_OPEN, 1);
    submit(&seat[0], 700000);
    reckon(&seat[0]);
    assert_int_equal(site.pauses_n, 0);
    must_be(699000, 30, 0, 0);
}

/* T11: a candidate who moves goes on from the last mark, whatever the old seat's disk has. */
static void test_reckon__moved(void **state)
{
    (void)state;
    ack(&seat[0], 20000);
    reckon_died(&seat[0], 20700, 20600, 0);
    struct reckon_attach a = {
        .sent_ms = 49996, .received_ms = 50000, .epoch = 1, .state = RECKON_OPEN, .anew = true};
    reckon_attached(&seat[0], &a);
    submit(&seat[0], 70000);
    reckon(&seat[0]);
    must_be(69000 - 30000, 40, 30000, 20);
}

/* T10: submitted out of contact: the account ends there, and nothing of it was lost. */
static void test_reckon__submitted_out_of_contact(void **state)
{
    (void)state;
    ack(&seat[0], 20000);
    reckon_lost(&seat[0], 20500, 0);
    reckon_submits(&seat[0], 24000);
    attach(&seat[0], 60000, RECKON_ENDED, 2);
    reckon(&seat[0]);
    must_be(23000, 50, 0, 15);
}

/* T10: time that ran out is all of it, exactly. */
static void test_reckon__timed_out(void **state)
{
    (void)state;
    ack(&seat[0], START_MS + TOTAL_MS - 500);
    reckon_lost(&seat[0], START_MS + TOTAL_MS - 400, 0);
    reckon_finished(&seat[0], RECKON_TIMED_OUT, 0, START_MS + TOTAL_MS, false);
    attach(&seat[0], START_MS + TOTAL_MS + 9000, RECKON_ENDED, 1);
    reckon(&seat[0]);
    must_be(TOTAL_MS, 0, 0, 0);
}

/* T9: a grant reopens it; what lay between is lost. */
static void test_reckon__reopened(void **state)
{
    (void)state;
    reckon_finished(&seat[0], RECKON_TIMED_OUT, 0, 100000, false);
    attach(&seat[0], 160000, RECKON_OPEN, 1);
    submit(&seat[0], 170000);
    reckon(&seat[0]);
    must_be(169000 - 60000, 100010, 60000, 100010);
    assert_true(bounds.lost_hi_ms >= 60000);
}

/* T2: out of contact when the batch starts, a seat that had signed in loses the time until it is
 * back; a latecomer does not. */
static void test_reckon__start_missed(void **state)
{
    (void)state;
    reckon_fini(&seat[0]);
    reckon_init(&seat[0], GRACE_MS);
    attach(&seat[0], 500, RECKON_BEFORE, 1);
    reckon_lost(&seat[0], 900, 0);
    attach(&seat[0], 31000, RECKON_OPEN, 1);
    submit(&seat[0], 61000);
    reckon_fini(&seat[1]);
    reckon_init(&seat[1], GRACE_MS);
    attach(&seat[1], 31000, RECKON_OPEN, 1);
    submit(&seat[1], 61000);
    reckon(&seat[0]);
    must_be(30000, 40, 30000, 20);
    assert_true(reckon_final(&seat[1], &site, TOTAL_MS, &bounds));
    must_be(60000, 20, 0, 0);
}

/* A3: a submission that only a dead branch had may come with the mark that the successor has. */
static void test_reckon__submission_of_a_dead_branch(void **state)
{
    (void)state;
    ack(&seat[0], 50000);
    reckon_dual(&seat[0]);
    reckon_submits(&seat[0], 60000);
    ack(&seat[0], 60004);
    reckon_finished(&seat[0], RECKON_SUBMITTED, 60000, 60004, true);
    reckon_lost(&seat[0], 61000, 0);
    attach(&seat[0], 65000, RECKON_ENDED, 2);
    ack(&seat[0], 65010);
    reckon_dual(&seat[0]);
    reckon(&seat[0]);
    assert_true(reckon_within(&bounds, 49000, 15000));
    assert_true(reckon_within(&bounds, 59002, 0));
    assert_false(reckon_within(&bounds, 48900, 0));
}

/* What is not known to be finished is not reckoned. */
static void test_reckon__unfinished(void **state)
{
    (void)state;
    assert_int_equal(reckon_site_make(&site, all, SEATS), EXAM_OK);
    assert_false(reckon_final(&seat[0], &site, TOTAL_MS, &bounds));
}

/* The longest round trip within a second of an instant counts, and no other. */
static void test_round_trips__around(void **state)
{
    struct round_trips t = {0};
    (void)state;
    assert_int_equal(round_trips_around_ms(&t, 5), ROUND_TRIPS_MS_LEAST);
    assert_int_equal(round_trips_note(&t, 1000, 1030), EXAM_OK);
    assert_int_equal(round_trips_note(&t, 5000, 5090), EXAM_OK);
    assert_int_equal(round_trips_note(&t, 5089, 5091), EXAM_OK);
    assert_int_equal(round_trips_around_ms(&t, 1500), 30);
    assert_int_equal(round_trips_around_ms(&t, 3000), ROUND_TRIPS_MS_LEAST);
    assert_int_equal(round_trips_around_ms(&t, 4500), 90);
    assert_int_equal(round_trips_around_ms(&t, 900000), ROUND_TRIPS_MS_LEAST);
    round_trips_free(&t);
}

#define RECKON_TEST(name) cmocka_unit_test_setup_teardown(test_reckon__##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RECKON_TEST(uninterrupted),
        RECKON_TEST(back_within_grace),
        RECKON_TEST(locked_beyond_grace),
        RECKON_TEST(doubt_is_wide),
        RECKON_TEST(power_cut),
        RECKON_TEST(power_cut_out_of_contact),
        RECKON_TEST(pause_in_contact),
        RECKON_TEST(pause_out_of_contact),
        RECKON_TEST(back_into_a_pause),
        RECKON_TEST(pause_of_one_seat),
        RECKON_TEST(moved),
        RECKON_TEST(submitted_out_of_contact),
        RECKON_TEST(timed_out),
        RECKON_TEST(reopened),
        RECKON_TEST(start_missed),
        RECKON_TEST(submission_of_a_dead_branch),
        RECKON_TEST(unfinished),
        cmocka_unit_test(test_round_trips__around),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
