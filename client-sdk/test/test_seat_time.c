/* The account between marks: grace, lock, claim, pause, end (T3, T6, T8, T9, T10). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "seat_world.h"

enum { MINUTE = 60000 };

/* A sitting that has been under way, in contact, for `ms`; returns when it began. */
static uint64_t begin(struct world *w, uint64_t ms)
{
    world_begin(w);
    uint64_t begin_ms = w->now_ms;
    world_run(w, begin_ms + ms);
    return begin_ms;
}

/* In contact the seat shows the node's account plus its own clock, to the millisecond. */
static void test_seat_time__used_and_left_follow_the_clock(void **state)
{
    (void)state;
    struct world *w = world_new(2);
    begin(w, 12 * MINUTE + 345);
    assert_int_equal(seat_core_used_ms(w->core, w->now_ms), 12 * MINUTE + 345);
    assert_int_equal(seat_core_left_ms(w->core, w->now_ms), 48 * MINUTE - 345);
    assert_int_equal(w->nodes[0].heartbeats_n, 720);
    world_free(w);
}

/* Rules section 8, row 1: a successor within grace: no lock, nothing lost. */
static void test_t6__failover_within_grace_loses_nothing(void **state)
{
    (void)state;
    struct world *w = world_new(2);
    uint64_t begin_ms = begin(w, 12 * MINUTE + 300);
    world_kill(w, 0);
    world_run(w, begin_ms + 12 * MINUTE + 9999);
    assert_int_equal(seat_core_state(w->core), SEAT_ANSWERING);
    assert_false(seat_core_in_contact(w->core));
    world_run(w, begin_ms + 12 * MINUTE + 10000);
    world_promote(w, 1, 2);
    assert_true(seat_core_in_contact(w->core));
    assert_int_equal(w->nodes[1].claim.open_ms, 10000);
    assert_int_equal(w->nodes[1].claim.since_ms, 10000);
    assert_true(w->nodes[1].claim.clock_continuous);
    assert_int_equal(world_count(w, SEAT_EVENT_LOCKED), 0);
    world_run(w, begin_ms + 13 * MINUTE);
    assert_int_equal(seat_core_used_ms(w->core, w->now_ms), 13 * MINUTE);
    world_free(w);
}

/* Rules section 8, row 2: after grace the screen locks at 12:15.000 exactly; 32 s are lost. */
static void test_t6__failover_after_grace_locks_exactly(void **state)
{
    (void)state;
    struct world *w = world_new(2);
    uint64_t begin_ms = begin(w, 12 * MINUTE + 300);
    world_kill(w, 0);
    world_run(w, begin_ms + 12 * MINUTE + 14999);
    assert_int_equal(world_count(w, SEAT_EVENT_LOCKED), 0);
    world_run(w, begin_ms + 12 * MINUTE + 15000);
    assert_int_equal(world_count(w, SEAT_EVENT_LOCKED), 1);
    assert_int_equal(seat_core_state(w->core), SEAT_LOCKED);
    uint64_t seq;
    assert_int_equal(world_answer(w, "q1", "A", &seq), EXAM_STATE);
    world_run(w, begin_ms + 12 * MINUTE + 47000);
    assert_int_equal(seat_core_used_ms(w->core, w->now_ms), 12 * MINUTE + 15000);
    world_promote(w, 1, 2);
    assert_int_equal(w->nodes[1].claim.open_ms, 15000);
    assert_int_equal(w->nodes[1].claim.since_ms, 47000);
    assert_int_equal(world_count(w, SEAT_EVENT_UNLOCKED), 1);
    assert_int_equal(seat_core_state(w->core), SEAT_ANSWERING);
    world_run(w, begin_ms + 13 * MINUTE);
    assert_int_equal(seat_core_used_ms(w->core, w->now_ms), 12 * MINUTE + 28000);
    assert_int_equal(seat_core_left_ms(w->core, w->now_ms), 47 * MINUTE + 32000);
    world_free(w);
}

/* A shell that is late locks the screen late, but no later on the account. */
static void test_t6__a_late_tick_locks_at_the_exact_instant(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    uint64_t begin_ms = begin(w, 1000);
    world_kill(w, 0);
    w->now_ms = begin_ms + 60000;
    seat_core_tick(w->core, w->now_ms);
    assert_int_equal(seat_core_state(w->core), SEAT_LOCKED);
    assert_int_equal(seat_core_used_ms(w->core, w->now_ms), 16000);
    world_free(w);
}

/* An acknowledged answer is a mark: grace and claim count from it (T3). */
static void test_t3__an_answer_is_a_mark(void **state)
{
    (void)state;
    struct world *w = world_new(2);
    uint64_t begin_ms = begin(w, 20 * MINUTE + 600);
    uint64_t seq;
    assert_int_equal(world_answer(w, "q1", "A", &seq), EXAM_OK);
    world_settle(w);
    world_kill(w, 0);
    world_run(w, begin_ms + 20 * MINUTE + 15599);
    assert_int_equal(seat_core_state(w->core), SEAT_ANSWERING);
    world_run(w, begin_ms + 20 * MINUTE + 15600);
    assert_int_equal(seat_core_state(w->core), SEAT_LOCKED);
    world_free(w);
}

/* T10: the time runs out at its exact instant, in contact. */
static void test_t10__times_out_exactly_in_contact(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    uint64_t begin_ms = begin(w, 60 * MINUTE - 1);
    assert_int_equal(seat_core_state(w->core), SEAT_ANSWERING);
    world_run(w, begin_ms + 60 * MINUTE);
    assert_int_equal(seat_core_state(w->core), SEAT_FINISHED);
    assert_int_equal(seat_core_finish(w->core), EV__FINISH__FINISH_TIMED_OUT);
    assert_int_equal(world_last(w, SEAT_EVENT_FINISHED)->u.finished.at_ms, begin_ms + 60 * MINUTE);
    uint64_t seq;
    assert_int_equal(world_answer(w, "q1", "A", &seq), EXAM_LATE);
    assert_int_equal(seat_core_left_ms(w->core, w->now_ms), 0);
    assert_int_equal(world_count(w, SEAT_EVENT_FINISHED), 1);
    world_free(w);
}

/* T10: out of contact, too; when it attaches it says how long ago that was. */
static void test_t10__times_out_exactly_out_of_contact(void **state)
{
    (void)state;
    struct world *w = world_new(2);
    uint64_t begin_ms = begin(w, 60 * MINUTE - 5000);
    world_kill(w, 0);
    world_run(w, begin_ms + 60 * MINUTE - 1);
    assert_int_equal(seat_core_state(w->core), SEAT_ANSWERING);
    world_run(w, begin_ms + 60 * MINUTE);
    assert_int_equal(seat_core_state(w->core), SEAT_FINISHED);
    world_run(w, begin_ms + 60 * MINUTE + 7000);
    world_promote(w, 1, 2);
    assert_true(w->nodes[1].claim.ended);
    assert_int_equal(w->nodes[1].claim.ended_ago_ms, 7000);
    assert_int_equal(w->nodes[1].claim.open_ms, 5000);
    assert_int_equal(w->site.state, SEAT__SITTING_STATE__SITTING_STATE_FINISHED);
    assert_int_equal(seat_core_state(w->core), SEAT_FINISHED);
    assert_int_equal(world_count(w, SEAT_EVENT_FINISHED), 1);
    assert_int_equal(world_count(w, SEAT_EVENT_LOCKED), 0);
    world_free(w);
}

/* Whichever of lock and end comes first happens, and only that one. */
static void test_t10__a_locked_seat_does_not_time_out(void **state)
{
    (void)state;
    struct world *w = world_new(2);
    uint64_t begin_ms = begin(w, 60 * MINUTE - 20000);
    world_kill(w, 0);
    world_run(w, begin_ms + 70 * MINUTE);
    assert_int_equal(seat_core_state(w->core), SEAT_LOCKED);
    assert_int_equal(seat_core_left_ms(w->core, w->now_ms), 5000);
    world_promote(w, 1, 2);
    assert_false(w->nodes[1].claim.ended);
    world_run(w, w->now_ms + 4999);
    assert_int_equal(seat_core_state(w->core), SEAT_ANSWERING);
    world_run(w, w->now_ms + 1);
    assert_int_equal(seat_core_state(w->core), SEAT_FINISHED);
    world_free(w);
}

/* Grace and time end in the same instant: it is the end. */
static void test_t10__the_end_goes_before_the_lock(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    begin(w, 60 * MINUTE - 15000);
    world_kill(w, 0);
    world_run(w, w->now_ms + 20000);
    assert_int_equal(seat_core_state(w->core), SEAT_FINISHED);
    assert_int_equal(world_count(w, SEAT_EVENT_LOCKED), 0);
    world_free(w);
}

/* An acknowledgement that was on its way when the time ran out gives no time back. */
static void test_t10__a_late_acknowledgement_gives_nothing_back(void **state)
{
    (void)state;
    struct world *w = world_new(2);
    begin(w, 60 * MINUTE);
    assert_int_equal(seat_core_state(w->core), SEAT_FINISHED);
    w->site.used_ms = 60 * MINUTE - 5; /* the node's clock is behind, and says so */
    w->site.state = SEAT__SITTING_STATE__SITTING_STATE_PAUSED;
    world_run(w, w->now_ms + 1000);
    assert_int_equal(seat_core_account(w->core).left_ms, 5);
    assert_int_equal(seat_core_left_ms(w->core, w->now_ms), 0);
    assert_int_equal(seat_core_state(w->core), SEAT_FINISHED);
    world_kill(w, 0);
    world_run(w, w->now_ms + 500);
    world_promote(w, 1, 2);
    assert_true(w->nodes[1].claim.ended);
    assert_int_equal(w->nodes[1].claim.open_ms, 5);
    world_free(w);
}

/* T7: what lay unread is acknowledged with what had been used when it was sent. The clock goes on
 * from there, and the grace counts from there, too (T6). */
static void test_t7__an_acknowledgement_may_lie_back(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    uint64_t begin_ms = begin(w, 30000);
    w->nodes[0].ago_ms = 700;
    world_run(w, begin_ms + 31000);
    assert_int_equal(seat_core_account(w->core).used_ms, 30300);
    assert_int_equal(seat_core_used_ms(w->core, w->now_ms), 31000);
    world_kill(w, 0);
    world_run(w, begin_ms + 60000);
    assert_int_equal(seat_core_state(w->core), SEAT_LOCKED);
    assert_int_equal(seat_core_used_ms(w->core, w->now_ms), 30300 + 15000);
    world_free(w);
}

/* T12: a notice may overtake the acknowledgement of an older word: what was told stays. */
static void test_t12__an_older_word_takes_nothing_back(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    uint64_t begin_ms = begin(w, 30500);
    world_notice(w, 0, SEAT__NOTICE_KIND__NOTICE_KIND_ACCOUNT);
    assert_int_equal(seat_core_account(w->core).used_ms, 30500);
    w->nodes[0].ago_ms = 900;
    world_run(w, begin_ms + 31000);
    assert_int_equal(seat_core_account(w->core).used_ms, 30500);
    assert_int_equal(seat_core_used_ms(w->core, w->now_ms), 31000);
    world_free(w);
}

/* T8: a pause stops the clock at the node's instant, resuming starts it. */
static void test_t8__pause_and_resume(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    uint64_t begin_ms = begin(w, 30 * MINUTE);
    world_notice(w, 0, SEAT__NOTICE_KIND__NOTICE_KIND_PAUSED);
    w->site.state = SEAT__SITTING_STATE__SITTING_STATE_PAUSED;
    assert_int_equal(seat_core_state(w->core), SEAT_PAUSED);
    uint64_t seq;
    assert_int_equal(world_answer(w, "q1", "A", &seq), EXAM_STATE);
    world_run(w, begin_ms + 34 * MINUTE + 10250);
    assert_int_equal(seat_core_used_ms(w->core, w->now_ms), 30 * MINUTE);
    w->site.marked_at_ms = w->now_ms;
    w->site.state = SEAT__SITTING_STATE__SITTING_STATE_ANSWERING;
    world_notice(w, 0, SEAT__NOTICE_KIND__NOTICE_KIND_RESUMED);
    world_run(w, begin_ms + 40 * MINUTE);
    assert_int_equal(seat_core_used_ms(w->core, w->now_ms), 35 * MINUTE + 49750);
    world_free(w);
}

/* A seat that was paused claims no open time, however long it was out of contact. */
static void test_t8__a_paused_seat_claims_nothing(void **state)
{
    (void)state;
    struct world *w = world_new(2);
    begin(w, 30 * MINUTE);
    world_notice(w, 0, SEAT__NOTICE_KIND__NOTICE_KIND_PAUSED);
    w->site.state = SEAT__SITTING_STATE__SITTING_STATE_PAUSED;
    world_kill(w, 0);
    world_run(w, w->now_ms + 40000);
    assert_int_equal(seat_core_state(w->core), SEAT_PAUSED);
    world_promote(w, 1, 2);
    assert_int_equal(w->nodes[1].claim.open_ms, 0);
    assert_int_equal(seat_core_state(w->core), SEAT_PAUSED);
    world_free(w);
}

/* T9: a grant after the time-out opens the sitting again. */
static void test_t9__a_grant_reopens_a_timed_out_sitting(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    begin(w, 60 * MINUTE);
    assert_int_equal(seat_core_state(w->core), SEAT_FINISHED);
    w->site.used_ms = 60 * MINUTE;
    w->site.allot_ms += 5 * MINUTE;
    w->site.marked_at_ms = w->now_ms;
    world_notice(w, 0, SEAT__NOTICE_KIND__NOTICE_KIND_ACCOUNT);
    assert_int_equal(world_count(w, SEAT_EVENT_REOPENED), 1);
    assert_int_equal(seat_core_state(w->core), SEAT_ANSWERING);
    world_run(w, w->now_ms + 5 * MINUTE);
    assert_int_equal(seat_core_state(w->core), SEAT_FINISHED);
    world_free(w);
}

/* A grant while answering changes what is left, at once. */
static void test_t9__a_grant_while_answering(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    begin(w, 10 * MINUTE);
    w->site.allot_ms += 7 * MINUTE;
    world_notice(w, 0, SEAT__NOTICE_KIND__NOTICE_KIND_ACCOUNT);
    assert_int_equal(seat_core_left_ms(w->core, w->now_ms), 57 * MINUTE);
    assert_int_equal(seat_core_state(w->core), SEAT_ANSWERING);
    assert_true(world_last(w, SEAT_EVENT_ACCOUNT)->u.account.full);
    world_free(w);
}

/* Waiting for the start there is no clock, whatever happens to the nodes. */
static void test_t1__no_clock_before_the_start(void **state)
{
    (void)state;
    struct world *w = world_new(2);
    world_sign_in(w);
    assert_int_equal(seat_core_state(w->core), SEAT_WAITING);
    world_run(w, w->now_ms + 10 * MINUTE);
    world_kill(w, 0);
    world_run(w, w->now_ms + MINUTE);
    assert_int_equal(seat_core_state(w->core), SEAT_WAITING);
    assert_int_equal(seat_core_used_ms(w->core, w->now_ms), 0);
    world_promote(w, 1, 2);
    assert_int_equal(w->nodes[1].claim.open_ms, 0);
    assert_int_equal(world_count(w, SEAT_EVENT_LOCKED), 0);
    world_free(w);
}

/* The position is journalled durably at each heartbeat instant, in contact and out of it. */
static void test_t6__positions_are_durable_at_each_heartbeat(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    begin(w, 5000);
    size_t before = w->records_n, positions = 0;
    world_run(w, w->now_ms + 3000);
    world_kill(w, 0);
    world_run(w, w->now_ms + 3000);
    for (size_t i = before; i < w->records_n; i++) {
        bool position = w->records[i].bytes[4] == SEAT_RECORD_POSITION;
        assert_true(!position || w->records[i].durable);
        positions += position;
    }
    assert_int_equal(positions, 6);
    world_free(w);
}

/* A node that is connected but silent is out of contact all the same: 3 heartbeats, then the link.
 */
static void test_t3__a_silent_node_is_left_after_three_heartbeats(void **state)
{
    (void)state;
    struct world *w = world_new(2);
    uint64_t begin_ms = begin(w, 5000);
    w->nodes[0].silent = true;
    world_run(w, begin_ms + 8999);
    assert_true(seat_core_in_contact(w->core));
    world_run(w, begin_ms + 9000);
    assert_false(seat_core_in_contact(w->core));
    assert_int_equal(world_count(w, SEAT_EVENT_LOST), 1);
    w->nodes[0].serving = false;
    world_promote(w, 1, 2);
    world_run(w, w->now_ms + 2000);
    assert_true(seat_core_in_contact(w->core));
    assert_int_equal(seat_core_node(w->core), 1);
    world_free(w);
}

/* The account of a seat never goes back, whatever the order of events (seed printed). */
static void test_seat_time__used_never_decreases(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct world *w = world_new(2);
        world_begin(w);
        uint64_t epoch = 1, chance = seed * 2654435761u, last_ms = 0;
        uint32_t primary = 0;
        for (int step = 0; step < 60; step++) {
            chance = chance * 6364136223846793005u + 1442695040888963407u;
            uint64_t dice = chance >> 33;
            if (dice % 5 == 0) {
                world_kill(w, primary);
            } else if (dice % 5 == 1) {
                world_kill(w, primary);
                primary = (primary + 1) % 2;
                world_promote(w, primary, ++epoch);
            } else if (dice % 5 == 2) {
                uint64_t seq;
                exam_err err = world_answer(w, "q1", "B", &seq);
                (void)err;
            }
            world_run(w, w->now_ms + dice / 5 % 9000);
            uint64_t used_ms = seat_core_used_ms(w->core, w->now_ms);
            uint64_t left_ms = seat_core_left_ms(w->core, w->now_ms);
            if (used_ms < last_ms || used_ms + left_ms != w->site.allot_ms) {
                print_error("seed %lu step %d: used %lu after %lu, left %lu\n", (unsigned long)seed,
                            step, (unsigned long)used_ms, (unsigned long)last_ms,
                            (unsigned long)left_ms);
                fail();
            }
            last_ms = used_ms;
        }
        world_free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seat_time__used_and_left_follow_the_clock),
        cmocka_unit_test(test_t6__failover_within_grace_loses_nothing),
        cmocka_unit_test(test_t6__failover_after_grace_locks_exactly),
        cmocka_unit_test(test_t6__a_late_tick_locks_at_the_exact_instant),
        cmocka_unit_test(test_t3__an_answer_is_a_mark),
        cmocka_unit_test(test_t10__times_out_exactly_in_contact),
        cmocka_unit_test(test_t10__times_out_exactly_out_of_contact),
        cmocka_unit_test(test_t10__a_locked_seat_does_not_time_out),
        cmocka_unit_test(test_t10__the_end_goes_before_the_lock),
        cmocka_unit_test(test_t10__a_late_acknowledgement_gives_nothing_back),
        cmocka_unit_test(test_t7__an_acknowledgement_may_lie_back),
        cmocka_unit_test(test_t12__an_older_word_takes_nothing_back),
        cmocka_unit_test(test_t8__pause_and_resume),
        cmocka_unit_test(test_t8__a_paused_seat_claims_nothing),
        cmocka_unit_test(test_t9__a_grant_reopens_a_timed_out_sitting),
        cmocka_unit_test(test_t9__a_grant_while_answering),
        cmocka_unit_test(test_t1__no_clock_before_the_start),
        cmocka_unit_test(test_t6__positions_are_durable_at_each_heartbeat),
        cmocka_unit_test(test_t3__a_silent_node_is_left_after_three_heartbeats),
        cmocka_unit_test(test_seat_time__used_never_decreases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
