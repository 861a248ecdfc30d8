/* The seat's program, or its machine, dies and comes back (T5-T7, T12). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "seat_world.h"

enum { MINUTE = 60000 };

/* Rules section 8, row 3: power cut at 20:00.700, back at 23:30: charged up to the last mark. */
static void test_t7__a_power_cut_is_charged_to_the_last_mark(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    world_begin(w);
    uint64_t begin_ms = w->now_ms;
    world_run(w, begin_ms + 20 * MINUTE + 700);
    w->site.attached = false; /* the node notices: its own mark is 20:00.000 */
    w->site.used_ms = 20 * MINUTE;
    world_restart_seat(w, begin_ms + 23 * MINUTE + 30000, true);
    assert_true(seat_core_in_contact(w->core));
    assert_false(w->nodes[0].claim.clock_continuous);
    assert_int_equal(w->nodes[0].claim.since_ms, 0);
    assert_int_equal(w->nodes[0].attach_n, 1);
    assert_int_equal(seat_core_state(w->core), SEAT_ANSWERING);
    world_run(w, begin_ms + 24 * MINUTE);
    assert_int_equal(seat_core_used_ms(w->core, w->now_ms), 20 * MINUTE + 30000);
    world_free(w);
}

/* A restarted seat is locked until it attaches: its screen shows nothing unaccounted. */
static void test_t7__a_restarted_seat_is_locked_until_it_attaches(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    world_begin(w);
    world_run(w, w->now_ms + 5000);
    w->nodes[0].up = false;
    world_restart_seat(w, w->now_ms + 2000, false);
    assert_int_equal(seat_core_state(w->core), SEAT_LOCKED);
    uint64_t seq;
    assert_int_equal(world_answer(w, "q1", "A", &seq), EXAM_STATE);
    w->nodes[0].up = true;
    world_run(w, w->now_ms + 1000);
    assert_int_equal(seat_core_state(w->core), SEAT_ANSWERING);
    assert_int_equal(world_count(w, SEAT_EVENT_UNLOCKED), 1);
    world_free(w);
}

/* T7: out of contact the journalled position counts: the last heartbeat instant, in the same boot
 * and over a reboot alike; only the clock's continuity differs. */
static void test_t7__the_journalled_position_is_claimed(void **state)
{
    (void)state;
    for (int reboot = 0; reboot < 2; reboot++) {
        struct world *w = world_new(1);
        world_begin(w);
        uint64_t begin_ms = w->now_ms;
        world_run(w, begin_ms + 10000);
        w->nodes[0].silent = true;
        world_run(w, begin_ms + 17400);
        w->nodes[0].silent = false;
        world_restart_seat(w, begin_ms + 40000, reboot);
        world_run(w, begin_ms + 41000);
        assert_true(seat_core_in_contact(w->core));
        assert_int_equal(w->nodes[0].claim.open_ms, 7000);
        assert_int_equal(w->nodes[0].claim.clock_continuous, !reboot);
        assert_int_equal(w->nodes[0].claim.since_ms, reboot ? 0 : 30000);
        world_free(w);
    }
}

/* T6: an answer journals the position, too. */
static void test_t6__an_answer_is_a_position(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    world_begin(w);
    uint64_t begin_ms = w->now_ms;
    world_run(w, begin_ms + 10000);
    world_kill(w, 0);
    world_run(w, begin_ms + 12345);
    uint64_t seq;
    assert_int_equal(world_answer(w, "q1", "v1", &seq), EXAM_OK);
    world_up(w, 0, true, 2);
    world_restart_seat(w, begin_ms + 30000, true);
    assert_int_equal(w->nodes[0].claim.open_ms, 2345);
    assert_int_equal(w->site.seq_have, 1);
    assert_string_equal(w->site.values[1], "v1");
    world_free(w);
}

/* A claim from the journal is never over grace, whatever the journal says. */
static void test_t6__a_replayed_claim_is_clipped(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    world_begin(w);
    uint64_t begin_ms = w->now_ms;
    world_run(w, begin_ms + 10000);
    world_kill(w, 0);
    world_run(w, begin_ms + 100000);
    world_up(w, 0, true, 2);
    world_restart_seat(w, begin_ms + 200000, false);
    assert_int_equal(w->nodes[0].claim.open_ms, 15000);
    world_free(w);
}

/* A position that is over grace, by whatever fault, is clipped all the same. */
static void test_t6__a_journalled_position_over_grace_is_clipped(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    world_begin(w);
    world_run(w, w->now_ms + 10000);
    struct seat_record r = {.kind = SEAT_RECORD_POSITION, .u.position.used_ms = 60000};
    assert_int_equal(w->config.effects->journal(w, &r, true), EXAM_OK);
    world_restart_seat(w, w->now_ms + 90000, false);
    assert_int_equal(w->nodes[0].claim.open_ms, 15000);
    world_free(w);
}

/* A mark from before a reboot stays one from before a reboot, however often the program starts. */
static void test_t7__a_reboot_is_not_forgotten(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    world_begin(w);
    world_run(w, w->now_ms + 10000);
    world_kill(w, 0);
    world_restart_seat(w, w->now_ms + 3000, true);
    world_restart_seat(w, w->now_ms + 3000, false);
    world_up(w, 0, true, 2);
    world_run(w, w->now_ms + 1000);
    assert_true(seat_core_in_contact(w->core));
    assert_false(w->nodes[0].claim.clock_continuous);
    world_free(w);
}

/* T12: the mark it was given is carried over a restart, at most one heartbeat old. */
static void test_t12__the_carried_mark_survives_a_restart(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    world_begin(w);
    world_run(w, w->now_ms + 10500);
    world_restart_seat(w, w->now_ms + 1000, false);
    assert_in_range(w->nodes[0].claim.mark_used_ms, 9000, 10000);
    world_free(w);
}

/* T2: the first one tells a successor with older data that the candidate has sat down, and when:
 * it is durable as soon as the screen is open. */
static void test_t12__the_first_mark_survives_a_power_cut(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    w->site.state = SEAT__SITTING_STATE__SITTING_STATE_ANSWERING;
    w->site.used_ms = 19000; /* he is late */
    world_run(w, w->now_ms + 100);
    world_sign_in(w);
    assert_int_equal(seat_core_state(w->core), SEAT_ANSWERING);
    world_restart_seat(w, w->now_ms + 1000, true);
    assert_int_equal(w->nodes[0].claim.mark_used_ms, 19000);
    world_free(w);
}

/* T10 over a restart: the time had run out; in the same boot it still knows how long ago. */
static void test_t10__an_end_out_of_contact_survives_a_restart(void **state)
{
    (void)state;
    for (int reboot = 0; reboot < 2; reboot++) {
        struct world *w = world_new(1);
        world_begin(w);
        uint64_t begin_ms = w->now_ms;
        world_run(w, begin_ms + 60 * MINUTE - 5000);
        world_kill(w, 0);
        world_run(w, begin_ms + 60 * MINUTE + 1000);
        assert_int_equal(seat_core_state(w->core), SEAT_FINISHED);
        world_up(w, 0, true, 2);
        world_restart_seat(w, begin_ms + 60 * MINUTE + 9000, reboot);
        assert_true(w->nodes[0].claim.ended);
        assert_int_equal(w->nodes[0].claim.ended_ago_ms, reboot ? 0 : 9000);
        assert_int_equal(w->nodes[0].claim.open_ms, 5000);
        assert_int_equal(w->site.finish, EV__FINISH__FINISH_TIMED_OUT);
        assert_int_equal(seat_core_state(w->core), SEAT_FINISHED);
        world_free(w);
    }
}

/* Everything unsaved is in the journal and is sent after a reboot (A2). */
static void test_a2__unsaved_answers_survive_a_power_cut(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    world_begin(w);
    world_kill(w, 0);
    uint64_t seq;
    for (int i = 0; i < 100; i++)
        assert_int_equal(world_answer(w, "q1", "x", &seq), EXAM_OK);
    world_restart_seat(w, w->now_ms + 5000, true);
    assert_int_equal(seat_core_unsaved_n(w->core), 100);
    assert_int_equal(seat_core_seq_last(w->core), 100);
    world_up(w, 0, true, 2);
    world_run(w, w->now_ms + 1000);
    assert_int_equal(w->site.seq_have, 100);
    assert_int_equal(seat_core_unsaved_n(w->core), 0);
    world_free(w);
}

/* A submission that was not delivered stays one over a restart: the screen does not open again. */
static void test_t10__a_pending_submission_survives_a_restart(void **state)
{
    (void)state;
    for (int reboot = 0; reboot < 2; reboot++) {
        struct world *w = world_new(1);
        world_begin(w);
        world_run(w, w->now_ms + 2000);
        world_kill(w, 0);
        world_run(w, w->now_ms + 1500);
        uint64_t seq;
        assert_int_equal(seat_core_submit(w->core, w->now_ms, &seq), EXAM_OK);
        world_restart_seat(w, w->now_ms + 5000, reboot);
        assert_int_equal(seat_core_state(w->core), SEAT_SUBMITTING);
        world_up(w, 0, true, 2);
        world_run(w, w->now_ms + 1000);
        assert_true(w->nodes[0].claim.submitted);
        assert_int_equal(w->nodes[0].claim.clock_continuous, !reboot);
        if (!reboot)
            assert_int_equal(w->nodes[0].claim.ended_ago_ms, w->nodes[0].claim.since_ms - 1500);
        assert_int_equal(w->nodes[0].claim.open_ms, 1500);
        assert_int_equal(w->site.finish, EV__FINISH__FINISH_SUBMITTED);
        assert_int_equal(seat_core_state(w->core), SEAT_FINISHED);
        assert_int_equal(world_count(w, SEAT_EVENT_UNLOCKED), 0);
        world_free(w);
    }
}

/* A node that has actions which the journal has lost: no number is used twice. */
static void test_seat_restart__a_journal_that_lost_actions_never_reuses_a_number(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    world_begin(w);
    uint64_t seq;
    for (int i = 0; i < 10; i++)
        assert_int_equal(world_answer(w, "q1", "x", &seq), EXAM_OK);
    world_settle(w);
    for (size_t i = 0; i < w->records_n; i++) /* a disk that lied */
        w->records[i].durable = w->records[i].bytes[4] != SEAT_RECORD_ANSWER;
    world_restart_seat(w, w->now_ms + 5000, true);
    assert_int_equal(world_last(w, SEAT_EVENT_PROBLEM)->u.problem.code, EXAM_CORRUPT);
    w->nodes[0].up = false;
    world_restart_seat(w, w->now_ms + 100, false);
    assert_int_equal(seat_core_seq_last(w->core), 10);
    w->nodes[0].up = true;
    world_run(w, w->now_ms + 1000);
    assert_int_equal(world_answer(w, "q2", "y", &seq), EXAM_OK);
    assert_int_equal(seq, 11);
    world_settle(w);
    assert_int_equal(w->site.seq_have, 11);
    world_restart_seat(w, w->now_ms + 5000, true);
    assert_int_equal(world_answer(w, "q2", "y", &seq), EXAM_OK);
    assert_int_equal(seq, 12);
    world_free(w);
}

/* Any records in any order leave a seat that works: replaying is total. */
static void test_seat_restart__replay_is_total(void **state)
{
    (void)state;
    print_message("seeds 1 to 300\n");
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct world *w = world_new(1);
        uint64_t chance = seed;
        world_cut_journal(w, 0);
        for (int i = 0; i < 60; i++) {
            chance = chance * 6364136223846793005u + 1442695040888963407u;
            uint64_t dice = chance >> 20;
            struct seat_record r = {.kind = (enum seat_record_kind)(1 + dice % 10)};
            if (r.kind == SEAT_RECORD_SESSION) {
                r.u.session.admission_no = "2026010001";
            } else if (r.kind == SEAT_RECORD_MARK) {
                r.u.mark = (struct seat_mark){.at_ms = dice,
                                              .used_ms = dice % 2 ? dice : UINT64_MAX - dice % 5,
                                              .left_ms = dice / 3,
                                              .state = (uint8_t)dice,
                                              .finish = (uint8_t)(dice >> 8)};
            } else if (r.kind == SEAT_RECORD_ANSWER) {
                r.u.action = (struct seat_action){
                    .seq = dice % 9, .used_ms = dice, .item = "q", .value = (const uint8_t *)""};
            } else if (r.kind == SEAT_RECORD_SUBMIT) {
                r.u.action = (struct seat_action){.seq = dice % 9, .used_ms = dice, .submit = true};
            } else if (r.kind == SEAT_RECORD_ATTACHED) {
                r.u.attached.seq_have = dice % 12;
                r.u.attached.heartbeat_ms = dice % 3000;
                r.u.attached.grace_ms = dice % 70000;
            } else {
                r.u.position.at_ms = dice;
                r.u.position.used_ms = dice / 2;
            }
            assert_int_equal(w->config.effects->journal(w, &r, true), EXAM_OK);
        }
        world_restart_seat(w, w->now_ms + 1000, seed % 2);
        world_run(w, w->now_ms + 60000);
        world_free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_t7__a_power_cut_is_charged_to_the_last_mark),
        cmocka_unit_test(test_t7__a_restarted_seat_is_locked_until_it_attaches),
        cmocka_unit_test(test_t7__the_journalled_position_is_claimed),
        cmocka_unit_test(test_t6__an_answer_is_a_position),
        cmocka_unit_test(test_t6__a_replayed_claim_is_clipped),
        cmocka_unit_test(test_t6__a_journalled_position_over_grace_is_clipped),
        cmocka_unit_test(test_t7__a_reboot_is_not_forgotten),
        cmocka_unit_test(test_t12__the_carried_mark_survives_a_restart),
        cmocka_unit_test(test_t12__the_first_mark_survives_a_power_cut),
        cmocka_unit_test(test_t10__an_end_out_of_contact_survives_a_restart),
        cmocka_unit_test(test_a2__unsaved_answers_survive_a_power_cut),
        cmocka_unit_test(test_t10__a_pending_submission_survives_a_restart),
        cmocka_unit_test(test_seat_restart__a_journal_that_lost_actions_never_reuses_a_number),
        cmocka_unit_test(test_seat_restart__replay_is_total),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
