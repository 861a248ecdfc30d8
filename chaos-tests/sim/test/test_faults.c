/* Every fault of world.h: that it happens, is counted, and has the effect that its header says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "chance.h"
#include "rep.h"
#include "site.h"

enum { A, B, SEED = 42, STEPS_MAX = 200, DAYS = 30 };

/* ---------------------------------------------------------------- what the tests ask */

/* The candidates are under way at 10.000 s of the world. */
static void begin(struct site *s, uint32_t nodes_n, uint32_t seats_n)
{
    site_open(s, SEED, nodes_n, seats_n);
    site_start(s);
    site_sign_in_all(s);
}

static void boot_node(struct site *s, uint32_t node)
{
    char why[256] = "";
    exam_err err = world_boot_node(s->w, node, why, sizeof why);
    if (err)
        fail_msg("node %u does not start: %s", node, why);
    world_settle(s->w);
}

static void mute_both(struct site *s, struct world_place a, struct world_place b, enum mem_cut how)
{
    world_mute(s->w, a, b, how);
    world_mute(s->w, b, a, how);
}

static void answer(struct site *s, uint32_t seat, const char *item, const char *value)
{
    assert_int_equal(world_answer(s->w, seat, item, value), EXAM_OK);
}

static uint64_t unsaved(struct site *s, uint32_t seat)
{
    return seat_core_unsaved_n(world_seat(s->w, seat)->core);
}

static bool in_contact(struct site *s, uint32_t seat)
{
    return seat_core_in_contact(world_seat(s->w, seat)->core);
}

static uint64_t count(struct site *s, enum world_fault f)
{
    return world_count(s->w, f);
}

/* ---------------------------------------------------------------- paths */

/* What a seat says is not heard, what the node says is: the seat finds out by its silence alone,
 * and what it took meanwhile comes with the healing. */
static void test_faults__a_one_way_cut_holds_one_way(void **state)
{
    struct site s;
    (void)state;
    begin(&s, 1, 1);
    world_run(s.w, 12300);
    world_mute(s.w, world_at_seat(0), world_at_node(A), MEM_CUT_HOLDS);
    world_settle(s.w);
    assert_true(in_contact(&s, 0));
    assert_true(site_sitting(&s, "1001").attached);
    answer(&s, 0, "q1", "B");
    site_run_for(&s, 500);
    assert_true(in_contact(&s, 0));
    assert_int_equal(unsaved(&s, 0), 1);
    assert_int_equal(site_pause(&s, "R1", false), EXAM_OK); /* the other way goes on */
    assert_int_equal(seat_core_state(world_seat(s.w, 0)->core), SEAT_PAUSED);
    assert_int_equal(site_pause(&s, "R1", true), EXAM_OK);
    site_run_for(&s, 5000);
    assert_false(in_contact(&s, 0));
    assert_true(count(&s, WORLD_FAULT_HELD_ONE_WAY) > 0);
    assert_true(count(&s, WORLD_FAULT_DIAL_HUNG) > 0);
    assert_int_equal(count(&s, WORLD_FAULT_HELD_BOTH), 0);
    world_mute(s.w, world_at_seat(0), world_at_node(A), MEM_CUT_NONE);
    site_run_for(&s, 3000);
    assert_true(in_contact(&s, 0));
    assert_int_equal(unsaved(&s, 0), 0);
    site_assert_sound(&s);
    site_close(&s);
}

/* A silent cut between two nodes is noticed by the time-out of their heartbeats, no sooner. */
static void test_faults__a_silent_cut_is_noticed_by_time_outs(void **state)
{
    struct site s;
    (void)state;
    begin(&s, 2, 1);
    world_run(s.w, 12345);
    mute_both(&s, world_at_node(A), world_at_node(B), MEM_CUT_HOLDS);
    answer(&s, 0, "q1", "B");
    site_run_for(&s, 300);
    assert_int_equal(unsaved(&s, 0), 1); /* A1: not without the standby */
    assert_false(rep_is_waiting(node_rep(world_node(s.w, A))));
    site_run_for(&s, 4000);
    assert_true(rep_is_solo(node_rep(world_node(s.w, A))));
    assert_int_equal(unsaved(&s, 0), 0);
    assert_true(count(&s, WORLD_FAULT_HELD_BOTH) > 0);
    assert_true(count(&s, WORLD_FAULT_DIAL_HUNG) > 0);
    assert_int_equal(count(&s, WORLD_FAULT_CUT), 0);
    mute_both(&s, world_at_node(A), world_at_node(B), MEM_CUT_NONE);
    site_run_for(&s, 4000);
    assert_false(rep_is_solo(node_rep(world_node(s.w, A))));
    assert_true(node_last(world_node(s.w, A)).lsn == node_last(world_node(s.w, B)).lsn);
    site_assert_sound(&s);
    site_close(&s);
}

/* A standby that hears its primary and is not heard holds nobody up for longer than the time-out:
 * the primary goes on alone (A1). */
static void test_faults__a_standby_that_is_not_heard_is_left_behind(void **state)
{
    struct site s;
    (void)state;
    begin(&s, 2, 1);
    world_run(s.w, 12345);
    world_mute(s.w, world_at_node(B), world_at_node(A), MEM_CUT_HOLDS);
    answer(&s, 0, "q1", "B");
    site_run_for(&s, 300);
    assert_int_equal(unsaved(&s, 0), 1);
    assert_true(node_last(world_node(s.w, A)).lsn == node_last(world_node(s.w, B)).lsn);
    site_run_for(&s, 4000);
    assert_true(rep_is_solo(node_rep(world_node(s.w, A))));
    assert_int_equal(unsaved(&s, 0), 0);
    assert_true(count(&s, WORLD_FAULT_HELD_ONE_WAY) > 0);
    assert_int_equal(count(&s, WORLD_FAULT_HELD_BOTH), 0);
    world_mute(s.w, world_at_node(B), world_at_node(A), MEM_CUT_NONE);
    site_run_for(&s, 4000);
    assert_false(rep_is_solo(node_rep(world_node(s.w, A))));
    site_assert_sound(&s);
    site_close(&s);
}

/* A seat's connection that has lost something is broken after the healing, as TCP's would be. */
static void test_faults__a_cut_that_loses_breaks_a_seats_connection(void **state)
{
    struct site s;
    (void)state;
    begin(&s, 1, 1);
    world_run(s.w, 12300);
    world_mute(s.w, world_at_seat(0), world_at_node(A), MEM_CUT_LOSES);
    answer(&s, 0, "q1", "B");
    site_run_for(&s, 400);
    assert_true(in_contact(&s, 0));
    world_mute(s.w, world_at_seat(0), world_at_node(A), MEM_CUT_NONE);
    uint64_t losses = seat_core_stats(world_seat(s.w, 0)->core).losses_n;
    world_settle(s.w);
    assert_true(seat_core_stats(world_seat(s.w, 0)->core).losses_n == losses + 1);
    site_run_for(&s, 1000);
    assert_int_equal(unsaved(&s, 0), 0);
    assert_true(count(&s, WORLD_FAULT_LOST_ONE_WAY) > 0);
    mute_both(&s, world_at_seat(0), world_at_node(A), MEM_CUT_LOSES);
    answer(&s, 0, "q1", "C");
    site_run_for(&s, 400);
    assert_true(count(&s, WORLD_FAULT_LOST_BOTH) > 0);
    site_assert_sound(&s);
    site_close(&s);
}

/* An answer and its acknowledgement each take their time, to the millisecond. */
static void test_faults__frames_take_their_time(void **state)
{
    const struct mem_weather slow = {.delay_min_ms = 40, .delay_max_ms = 40};
    struct site s;
    (void)state;
    begin(&s, 1, 1);
    world_run(s.w, 12300);
    world_weather(s.w, world_at_seat(0), world_at_node(A), &slow);
    world_weather(s.w, world_at_node(A), world_at_seat(0), &slow);
    answer(&s, 0, "q1", "B");
    site_run_for(&s, 79);
    assert_int_equal(unsaved(&s, 0), 1);
    site_run_for(&s, 1);
    assert_int_equal(unsaved(&s, 0), 0);
    assert_true(count(&s, WORLD_FAULT_DELAY) >= 2);
    world_weather(s.w, world_at_seat(0), world_at_node(A), NULL);
    world_weather(s.w, world_at_node(A), world_at_seat(0), NULL);
    site_run_for(&s, 1000);
    answer(&s, 0, "q1", "C");
    world_settle(s.w);
    assert_int_equal(unsaved(&s, 0), 0);
    site_assert_sound(&s);
    site_close(&s);
}

/* Answers, half a minute of them, whatever the weather. */
static void answer_along(struct site *s)
{
    char value[16];
    for (int i = 0; i < 100; i++) {
        snprintf(value, sizeof value, "v%d", i);
        exam_err err = world_answer(s->w, (uint32_t)i % s->seats_n, "q1", value);
        (void)err; /* a screen may be locked */
        site_run_for(s, 300);
    }
}

/* Between nodes frames are lost, come twice and overtake each other; when the weather is fair again
 * both have the same. */
static void test_faults__nodes_stand_bad_weather(void **state)
{
    const struct mem_weather storm = {
        .delay_max_ms = 30, .loss_permille = 20, .duplicate_permille = 20, .reorder_permille = 50};
    struct site s;
    (void)state;
    begin(&s, 2, 3);
    world_weather(s.w, world_at_node(A), world_at_node(B), &storm);
    world_weather(s.w, world_at_node(B), world_at_node(A), &storm);
    answer_along(&s);
    assert_true(count(&s, WORLD_FAULT_LOSS) > 0);
    assert_true(count(&s, WORLD_FAULT_DUPLICATE) > 0);
    assert_true(count(&s, WORLD_FAULT_REORDER) > 0);
    world_weather(s.w, world_at_node(A), world_at_node(B), NULL);
    world_weather(s.w, world_at_node(B), world_at_node(A), NULL);
    site_run_for(&s, 5000);
    assert_false(rep_is_solo(node_rep(world_node(s.w, A))));
    assert_true(node_last(world_node(s.w, A)).lsn == node_last(world_node(s.w, B)).lsn);
    for (uint32_t seat = 0; seat < s.seats_n; seat++)
        assert_int_equal(unsaved(&s, seat), 0);
    site_assert_sound(&s);
    site_close(&s);
}

/* A seat's connections stall and break; nothing that it took is missing afterwards. */
static void test_faults__seats_stand_stalls_and_resets(void **state)
{
    const struct mem_weather storm = {.delay_max_ms = 30,
                                      .stall_permille = 20,
                                      .stall_ms = 1500,
                                      .reset_permille = 20,
                                      .loss_permille = 500}; /* TCP mends that */
    struct site s;
    (void)state;
    begin(&s, 1, 2);
    for (uint32_t seat = 0; seat < 2; seat++) {
        world_weather(s.w, world_at_seat(seat), world_at_node(A), &storm);
        world_weather(s.w, world_at_node(A), world_at_seat(seat), &storm);
    }
    answer_along(&s);
    assert_true(count(&s, WORLD_FAULT_STALL) > 0);
    assert_true(count(&s, WORLD_FAULT_RESET) > 0);
    assert_int_equal(count(&s, WORLD_FAULT_LOSS), 0);
    for (uint32_t seat = 0; seat < 2; seat++) {
        world_weather(s.w, world_at_seat(seat), world_at_node(A), NULL);
        world_weather(s.w, world_at_node(A), world_at_seat(seat), NULL);
    }
    site_run_for(&s, 5000);
    assert_int_equal(unsaved(&s, 0), 0);
    assert_int_equal(unsaved(&s, 1), 0);
    site_assert_sound(&s);
    site_close(&s);
}

/* Without hints a seat finds the node again by its own redialling: not at that very instant. */
static void test_faults__without_hints_seats_find_out_by_themselves(void **state)
{
    struct site s;
    (void)state;
    site_open_unhinted(&s, SEED, 1, 1);
    site_start(&s);
    site_sign_in_all(&s);
    site_run_for(&s, 2300);
    assert_int_equal(world_kill_node(s.w, A), EXAM_OK);
    site_run_for(&s, 5000);
    boot_node(&s, A);
    assert_false(in_contact(&s, 0));
    site_run_for(&s, 2000);
    assert_true(in_contact(&s, 0));
    assert_int_equal(count(&s, WORLD_FAULT_NODE_KILLED), 1);
    site_assert_sound(&s);
    site_close(&s);
}

/* An announced cut counts when it has broken a connection, or kept somebody from making one. */
static void test_faults__an_announced_cut_counts_when_it_hits(void **state)
{
    struct site s;
    (void)state;
    begin(&s, 2, 1);
    world_cut_nodes(s.w, A, B);
    uint64_t n = count(&s, WORLD_FAULT_CUT);
    assert_true(n > 0);
    world_cut_seat(s.w, 0, A);
    assert_true(count(&s, WORLD_FAULT_CUT) == n + 1);
    world_settle(s.w);
    site_close(&s);
}

/* ---------------------------------------------------------------- machines */

/* A frozen primary keeps its connections and says nothing; thawed, it finds the time gone and what
 * came meanwhile waiting. */
static void test_faults__a_frozen_node_wakes_and_finds_time_gone(void **state)
{
    struct site s;
    char why[64];
    (void)state;
    begin(&s, 1, 1);
    world_run(s.w, 12300);
    assert_int_equal(world_freeze_node(s.w, A), EXAM_OK);
    assert_int_equal(world_freeze_node(s.w, A), EXAM_STATE);
    assert_int_equal(world_stop_node(s.w, A), EXAM_STATE);
    assert_int_equal(world_boot_node(s.w, A, why, sizeof why), EXAM_STATE);
    assert_true(world_node_is_frozen(s.w, A));
    answer(&s, 0, "q1", "B");
    world_settle(s.w);
    assert_true(in_contact(&s, 0));
    assert_int_equal(unsaved(&s, 0), 1);
    uint64_t lsn = node_last(world_node(s.w, A)).lsn;
    site_run_for(&s, 8000);
    assert_false(in_contact(&s, 0));
    assert_true(node_last(world_node(s.w, A)).lsn == lsn);
    assert_int_equal(world_thaw_node(s.w, A), EXAM_OK);
    assert_int_equal(world_thaw_node(s.w, A), EXAM_STATE);
    site_run_for(&s, 3000);
    assert_true(in_contact(&s, 0));
    assert_int_equal(unsaved(&s, 0), 0);
    assert_true(site_sitting(&s, "1001").account.lost_ms == 0); /* T6: within grace */
    assert_int_equal(count(&s, WORLD_FAULT_NODE_FROZEN), 1);
    site_assert_sound(&s);
    site_close(&s);
}

/* T7: nothing is charged to a seat that has died but what it has said, however long that lay
 * unread: `held_up` keeps A from reading it for some seconds, and lets it go on. */
static void seat_dies_unread(uint32_t nodes_n, void (*held_up)(struct site *s, bool on))
{
    struct site s;
    begin(&s, nodes_n, 1);
    world_run(s.w, 12300);
    uint64_t used_ms = site_sitting(&s, "1001").account.used_ms;
    held_up(&s, true);
    site_run_for(&s, 2500);
    assert_int_equal(world_unplug_seat(s.w, 0), EXAM_OK);
    site_run_for(&s, 1500);
    held_up(&s, false);
    site_run_for(&s, 20000);
    assert_false(site_sitting(&s, "1001").attached);
    used_ms = site_sitting(&s, "1001").account.used_ms - used_ms;
    if (used_ms < 1500 || used_ms > 2500) /* its last heartbeat came within the second before */
        fail_msg("%llu ms are charged", (unsigned long long)used_ms);
    site_assert_sound(&s);
    site_close(&s);
}

static void a_is_frozen(struct site *s, bool on)
{
    assert_int_equal(on ? world_freeze_node(s->w, A) : world_thaw_node(s->w, A), EXAM_OK);
}

static void test_faults__a_seat_that_died_while_its_node_was_frozen(void **state)
{
    (void)state;
    seat_dies_unread(1, a_is_frozen);
}

/* A1: a primary that has lost its standby decides nothing until it goes on alone. */
static void a_waits_for_b(struct site *s, bool on)
{
    if (on)
        assert_int_equal(world_unplug_node(s->w, 1), EXAM_OK);
}

static void test_faults__a_seat_that_died_while_its_node_waited(void **state)
{
    (void)state;
    seat_dies_unread(2, a_waits_for_b);
}

/* T5: frozen for longer than the grace (15 s) it was dead: it begins anew before it does anything
 * else, and nobody is charged for a screen that was locked. */
static void test_faults__a_node_frozen_beyond_the_grace_begins_anew(void **state)
{
    struct site s;
    (void)state;
    for (uint32_t nodes_n = 1; nodes_n <= 2; nodes_n++) {
        begin(&s, nodes_n, 1);
        world_run(s.w, 12300);
        uint64_t epoch = exam_epoch(node_exam(world_node(s.w, A)));
        assert_int_equal(world_freeze_node(s.w, A), EXAM_OK);
        site_run_for(&s, 100000);
        assert_int_equal(world_thaw_node(s.w, A), EXAM_OK);
        site_run_for(&s, 5000);
        assert_true(exam_epoch(node_exam(world_node(s.w, A))) == epoch + 1);
        assert_true(in_contact(&s, 0));
        uint64_t lost_ms = site_sitting(&s, "1001").account.lost_ms;
        /* The mark was up to 1 s old; it came back within seconds. */
        if (lost_ms < 100000 - 15000 || lost_ms > 100000 - 14000 + 4000)
            fail_msg("%llu ms are credited", (unsigned long long)lost_ms);
        site_assert_sound(&s);
        site_close(&s);
    }
}

/* P4, T5: a sign-in lies unread while its node hangs, and crosses the notice of the epoch that the
 * node begins then: the seat says it twice, which is harmless (A4). */
static void test_faults__a_sign_in_crosses_a_new_epoch(void **state)
{
    (void)state;
    for (uint64_t before_ms = 100; before_ms <= 3000; before_ms += 100) {
        struct site s;
        site_open_as(
            &s, &(struct site_options){.seed = SEED, .nodes_n = 1, .seats_n = 1, .grace_ms = 2000});
        site_start(&s);
        world_run(s.w, 12300);
        assert_int_equal(world_freeze_node(s.w, A), EXAM_OK);
        site_run_for(&s, 3000 - before_ms);
        assert_int_equal(world_sign_in(s.w, 0, "1001", "1001"), EXAM_OK);
        site_run_for(&s, before_ms);
        assert_int_equal(world_thaw_node(s.w, A), EXAM_OK);
        site_run_for(&s, 10000);
        assert_true(exam_epoch(node_exam(world_node(s.w, A))) == 2);
        if (!in_contact(&s, 0))
            fail_msg("a sign-in %llu ms before the node goes on", (unsigned long long)before_ms);
        site_assert_sound(&s);
        site_close(&s);
    }
}

/* A frozen seat takes nothing and says nothing; the node notices by its silence. */
static void test_faults__a_frozen_seat_is_silent(void **state)
{
    struct site s;
    (void)state;
    begin(&s, 1, 1);
    world_run(s.w, 12300);
    assert_int_equal(world_freeze_seat(s.w, 0), EXAM_OK);
    assert_int_equal(world_freeze_seat(s.w, 0), EXAM_STATE);
    assert_true(world_seat_is_frozen(s.w, 0));
    assert_int_equal(world_answer(s.w, 0, "q1", "B"), EXAM_STATE);
    site_run_for(&s, 6000);
    assert_int_equal(world_thaw_seat(s.w, 0), EXAM_OK);
    assert_int_equal(world_thaw_seat(s.w, 0), EXAM_STATE);
    site_run_for(&s, 2000);
    assert_true(in_contact(&s, 0));
    answer(&s, 0, "q1", "B");
    world_settle(s.w);
    assert_int_equal(unsaved(&s, 0), 0);
    assert_int_equal(count(&s, WORLD_FAULT_SEAT_FROZEN), 1);
    site_assert_sound(&s);
    site_close(&s);
}

/* A node without power says nothing; when it is there again, the first thing that a seat sends
 * breaks the old connection. */
static void test_faults__an_unplugged_node_is_silent(void **state)
{
    struct site s;
    (void)state;
    begin(&s, 2, 1);
    world_run(s.w, 12300);
    assert_int_equal(world_unplug_node(s.w, A), EXAM_OK);
    assert_int_equal(world_unplug_node(s.w, A), EXAM_STATE);
    world_settle(s.w);
    assert_null(world_node(s.w, A));
    assert_true(in_contact(&s, 0));
    assert_true(rep_peer_connected(node_rep(world_node(s.w, B)), 0));
    site_run_for(&s, 400);
    assert_true(in_contact(&s, 0));
    boot_node(&s, A);
    assert_true(in_contact(&s, 0));
    site_run_for(&s, 1000);
    assert_true(in_contact(&s, 0)); /* with another connection: */
    assert_int_equal(seat_core_stats(world_seat(s.w, 0)->core).losses_n, 1);
    assert_int_equal(count(&s, WORLD_FAULT_DIAL_HUNG), 0);
    assert_int_equal(world_unplug_node(s.w, A), EXAM_OK);
    site_run_for(&s, 6000);
    assert_false(in_contact(&s, 0));
    assert_true(count(&s, WORLD_FAULT_DIAL_HUNG) >= 2); /* the seat's and the standby's */
    boot_node(&s, A);
    site_run_for(&s, 4000);
    assert_true(in_contact(&s, 0));
    assert_true(node_last(world_node(s.w, A)).lsn == node_last(world_node(s.w, B)).lsn);
    assert_int_equal(count(&s, WORLD_FAULT_NODE_UNPLUGGED), 2);
    site_assert_sound(&s);
    site_close(&s);
}

/* The node does not see that a seat has lost its power, until it is silent for too long. */
static void test_faults__an_unplugged_seat_is_silent(void **state)
{
    struct site s;
    (void)state;
    begin(&s, 1, 1);
    world_run(s.w, 12300);
    assert_int_equal(world_unplug_seat(s.w, 0), EXAM_OK);
    assert_int_equal(world_unplug_seat(s.w, 0), EXAM_STATE);
    site_run_for(&s, 300);
    assert_true(site_sitting(&s, "1001").attached);
    site_run_for(&s, 60000);
    assert_false(site_sitting(&s, "1001").attached);
    assert_int_equal(world_boot_seat(s.w, 0), EXAM_OK);
    site_run_for(&s, 1000);
    assert_true(in_contact(&s, 0));
    assert_int_equal(count(&s, WORLD_FAULT_SEAT_UNPLUGGED), 1);
    site_assert_sound(&s);
    site_close(&s);
}

/* One answer; A, or the seat, dies at its n-th effect and comes back. True if the fuse has blown.
 */
static bool crash_at(uint64_t n, bool seat_dies, bool kept)
{
    struct site s;
    begin(&s, 2, 1);
    world_run(s.w, 12300);
    if (seat_dies)
        world_fuse_seat(s.w, 0, n);
    else
        world_fuse_node(s.w, A, n, kept);
    bool taken = world_answer(s.w, 0, "q1", "B") == EXAM_OK;
    site_run_for(&s, 100);
    world_fuse_seat(s.w, 0, WORLD_NO_FUSE);
    world_fuse_node(s.w, A, WORLD_NO_FUSE, false);
    bool blown = count(&s, WORLD_FAULT_NODE_FUSE) + count(&s, WORLD_FAULT_SEAT_FUSE) > 0;
    if (!world_node(s.w, A))
        boot_node(&s, A);
    if (!sim_seat_is_on(world_seat(s.w, 0)))
        assert_int_equal(world_boot_seat(s.w, 0), EXAM_OK);
    site_run_for(&s, 10000);
    assert_true(in_contact(&s, 0));
    assert_int_equal(unsaved(&s, 0), 0);
    assert_true(site_sitting(&s, "1001").answers == 1 || !taken); /* A2 */
    site_assert_sound(&s);
    site_close(&s);
    return blown;
}

/* A node that dies at any one of its effects loses nothing that a seat took (A2); the last step
 * is one at which nothing happens any more. */
static void test_faults__a_node_may_die_at_any_step(void **state)
{
    uint64_t lost = 0, kept = 0;
    (void)state;
    while (lost < STEPS_MAX && crash_at(lost, false, false))
        lost++;
    while (kept < STEPS_MAX && crash_at(kept, false, true))
        kept++;
    assert_in_range(lost, 5, STEPS_MAX - 1);
    assert_true(lost == kept);
}

static void test_faults__a_seat_may_die_at_any_step(void **state)
{
    uint64_t n = 0;
    (void)state;
    while (n < STEPS_MAX && crash_at(n, true, false))
        n++;
    assert_in_range(n, 3, STEPS_MAX - 1);
}

/* A standby that copies in many steps is told to go down in order, and dies at its n-th effect: is
 * its disk free then? True if the fuse has blown. */
static bool crash_in_order(uint64_t n)
{
    struct site s;
    site_open_as(
        &s, &(struct site_options){.seed = SEED, .nodes_n = 2, .seats_n = 1, .window_bytes = 700});
    site_start(&s);
    site_sign_in_all(&s);
    world_run(s.w, 40000);
    assert_int_equal(world_wipe_node(s.w, B), EXAM_OK);
    world_fuse_node(s.w, B, n, false);
    boot_node(&s, B);
    if (world_node(s.w, B))
        assert_int_equal(world_power(s.w, B, NODE_BATTERY_LOW), EXAM_OK);
    site_run_for(&s, 3000);
    assert_null(world_node(s.w, B));
    bool blown = count(&s, WORLD_FAULT_NODE_FUSE) > 0;
    world_fuse_node(s.w, B, WORLD_NO_FUSE, false);
    boot_node(&s, B);
    site_run_for(&s, 10000);
    assert_non_null(world_node(s.w, B));
    site_assert_sound(&s);
    site_close(&s);
    return blown;
}

static void test_faults__a_node_may_die_while_it_stops(void **state)
{
    uint64_t n = 0;
    (void)state;
    while (n < STEPS_MAX && crash_in_order(n))
        n++;
    assert_in_range(n, 5, STEPS_MAX - 1);
}

/* A fuse that was set while the machine was off counts from its start. */
static void test_faults__a_machine_may_die_while_it_starts(void **state)
{
    struct site s;
    char why[256];
    (void)state;
    begin(&s, 1, 1);
    site_run_for(&s, 2000);
    assert_int_equal(world_kill_node(s.w, A), EXAM_OK);
    world_fuse_node(s.w, A, 0, false);
    assert_int_equal(world_boot_node(s.w, A, why, sizeof why), EXAM_OK);
    world_settle(s.w);
    assert_null(world_node(s.w, A));
    assert_int_equal(count(&s, WORLD_FAULT_NODE_FUSE), 1);
    boot_node(&s, A);
    assert_non_null(world_node(s.w, A));
    site_run_for(&s, 2000);
    assert_true(world_node_effects(s.w, A) > 0);
    assert_int_equal(world_kill_seat(s.w, 0), EXAM_OK);
    world_fuse_seat(s.w, 0, 1);
    assert_int_equal(world_boot_seat(s.w, 0), EXAM_OK);
    world_settle(s.w);
    assert_false(sim_seat_is_on(world_seat(s.w, 0)));
    assert_int_equal(count(&s, WORLD_FAULT_SEAT_FUSE), 1);
    assert_int_equal(world_boot_seat(s.w, 0), EXAM_OK);
    site_run_for(&s, 2000);
    assert_true(in_contact(&s, 0));
    assert_true(world_seat_effects(s.w, 0) > 0);
    site_assert_sound(&s);
    site_close(&s);
}

/* T4: a date that jumps changes no account. */
static void test_faults__a_date_that_jumps_changes_no_account(void **state)
{
    struct site s;
    (void)state;
    begin(&s, 1, 1);
    world_run(s.w, 12000);
    world_set_date(s.w, A, -86400000);
    world_run(s.w, 14000);
    assert_true(site_sitting(&s, "1001").account.used_ms == 4000);
    assert_int_equal(count(&s, WORLD_FAULT_DATE), 1);
    site_assert_sound(&s);
    site_close(&s);
}

/* ---------------------------------------------------------------- disks */

/* One answer that meets the fault at the commit on A. True: A has it after its next start. */
static bool answer_meets(struct site *s, enum store_fault fault, enum world_fault counted)
{
    begin(s, 1, 1);
    world_run(s->w, 12300);
    world_fail_commit(s->w, A, 1, fault);
    answer(s, 0, "q1", "B");
    world_settle(s->w);
    assert_null(world_node(s->w, A));
    assert_true(world_count(s->w, counted) == 1);
    world_cut_seat(s->w, 0, A); /* the seat is not to bring it again */
    boot_node(s, A);
    bool kept = site_sitting(s, "1001").answers == 1;
    world_heal_seat(s->w, 0, A);
    site_run_for(s, 10000);
    assert_int_equal(site_sitting(s, "1001").answers, 1);
    assert_int_equal(unsaved(s, 0), 0);
    site_assert_sound(s);
    site_close(s);
    return kept;
}

/* A commit in which the power goes, or whose outcome is unknown: it is there afterwards, or it is
 * not, and the seat, which has heard of neither, sends it again (A4). */
static void test_faults__a_commit_is_lost_or_kept(void **state)
{
    struct site s;
    (void)state;
    assert_false(answer_meets(&s, STORE_FAULT_POWER_LOST, WORLD_FAULT_POWER_LOST));
    assert_true(answer_meets(&s, STORE_FAULT_POWER_KEPT, WORLD_FAULT_POWER_KEPT));
    assert_false(answer_meets(&s, STORE_FAULT_IO_LOST, WORLD_FAULT_IO_LOST));
    assert_true(answer_meets(&s, STORE_FAULT_IO_KEPT, WORLD_FAULT_IO_KEPT));
}

/* A full disk refuses answers and keeps the clocks going; when there is space, they come in. */
static void test_faults__a_full_disk_refuses_answers_until_there_is_space(void **state)
{
    struct site s;
    (void)state;
    begin(&s, 1, 1);
    world_run(s.w, 12300);
    world_fill_disk(s.w, A, 0, 64 << 10);
    site_run_for(&s, 3000);
    assert_true(count(&s, WORLD_FAULT_DISK_FULL) > 0);
    answer(&s, 0, "q1", "B");
    site_run_for(&s, 2000);
    assert_int_equal(site_sitting(&s, "1001").answers, 0);
    assert_true(in_contact(&s, 0));
    world_fill_disk(s.w, A, WORLD_ROOM, 0);
    site_run_for(&s, 3000);
    assert_int_equal(site_sitting(&s, "1001").answers, 1);
    assert_int_equal(unsaved(&s, 0), 0);
    site_assert_sound(&s);
    site_close(&s);
}

/* A record that rots counts when it is read. */
static void test_faults__rot_counts_when_it_is_read(void **state)
{
    struct site s;
    char why[256] = "";
    (void)state;
    begin(&s, 1, 1);
    site_run_for(&s, 2000);
    assert_int_equal(world_rot(s.w, A, 3, 0, 1), EXAM_OK);
    assert_int_equal(world_rot(s.w, A, 1000, 0, 1), EXAM_NOT_FOUND);
    site_run_for(&s, 2000);
    assert_int_equal(count(&s, WORLD_FAULT_ROT), 0);
    assert_int_equal(world_kill_node(s.w, A), EXAM_OK);
    exam_err err = world_boot_node(s.w, A, why, sizeof why);
    (void)err; /* what the node makes of it is its own tests' business */
    assert_true(count(&s, WORLD_FAULT_ROT) > 0);
    site_close(&s);
}

/* The power goes before an attachment is flushed: how many records of it stay. */
static size_t kept_of_tail(enum sim_tail tail, enum world_fault counted)
{
    struct site s;
    begin(&s, 1, 1);
    world_run(s.w, 10300);
    const struct journal_mem *j = &world_seat(s.w, 0)->journal;
    size_t durable = j->durable_n;
    assert_true(j->n >= durable + 2);
    world_set_tail(s.w, 0, tail);
    assert_int_equal(world_kill_seat(s.w, 0), EXAM_OK);
    assert_int_equal(world_count(s.w, counted), 1);
    size_t kept = j->durable_n - durable;
    assert_int_equal(world_boot_seat(s.w, 0), EXAM_OK);
    site_run_for(&s, 100);
    assert_true(in_contact(&s, 0));
    site_assert_sound(&s);
    site_close(&s);
    return kept;
}

static void test_faults__a_tail_is_lost_torn_or_kept(void **state)
{
    (void)state;
    size_t lost = kept_of_tail(SIM_TAIL_LOST, WORLD_FAULT_TAIL_LOST);
    size_t torn = kept_of_tail(SIM_TAIL_TORN, WORLD_FAULT_TAIL_TORN);
    size_t kept = kept_of_tail(SIM_TAIL_KEPT, WORLD_FAULT_TAIL_KEPT);
    assert_int_equal(lost, 0);
    assert_true(torn < kept);
}

/* T7: a journal that takes no more refuses the answer; one whose outcome is unknown may have it. */
static void test_faults__a_journal_fails(void **state)
{
    struct site s;
    (void)state;
    begin(&s, 1, 1);
    world_run(s.w, 12300);
    assert_int_equal(world_kill_node(s.w, A), EXAM_OK);
    world_settle(s.w);
    world_fail_journal(s.w, 0, 1, SIM_JOURNAL_FULL);
    assert_int_equal(world_answer(s.w, 0, "q1", "B"), EXAM_FULL);
    answer(&s, 0, "q1", "C");
    world_fail_journal(s.w, 0, 1, SIM_JOURNAL_IO_KEPT);
    assert_int_equal(world_answer(s.w, 0, "q2", "D"), EXAM_IO);
    assert_int_equal(world_answer(s.w, 0, "q3", "E"), EXAM_IO);
    assert_int_equal(world_kill_seat(s.w, 0), EXAM_OK);
    assert_int_equal(world_boot_seat(s.w, 0), EXAM_OK);
    boot_node(&s, A);
    site_run_for(&s, 2000);
    assert_int_equal(site_sitting(&s, "1001").answers, 2);
    world_fail_journal(s.w, 0, 1, SIM_JOURNAL_IO_LOST);
    assert_int_equal(world_answer(s.w, 0, "q4", "F"), EXAM_IO);
    assert_int_equal(world_kill_seat(s.w, 0), EXAM_OK);
    assert_int_equal(world_boot_seat(s.w, 0), EXAM_OK);
    site_run_for(&s, 2000);
    assert_int_equal(site_sitting(&s, "1001").answers, 2);
    assert_int_equal(count(&s, WORLD_FAULT_JOURNAL_FULL), 1);
    assert_int_equal(count(&s, WORLD_FAULT_JOURNAL_IO), 2);
    site_assert_sound(&s);
    site_close(&s);
}

/* ---------------------------------------------------------------- the whole */

/* T11: a candidate who is moved signs in at the spare seat and goes on there. */
static void test_faults__a_moved_candidate_goes_on_elsewhere(void **state)
{
    struct site s;
    (void)state;
    begin(&s, 2, 1);
    site_run_for(&s, 2000);
    answer(&s, 0, "q1", "B");
    site_run_for(&s, 500);
    assert_int_equal(world_kill_seat(s.w, 0), EXAM_OK);
    assert_int_equal(world_boot_seat(s.w, 1), EXAM_OK);
    site_run_for(&s, 3000);
    assert_int_equal(site_move(&s, "1001", "R1-02"), EXAM_OK);
    world_leave(s.w, 0);
    assert_int_equal(world_sign_in(s.w, 1, "1001", "1001"), EXAM_OK);
    site_run_for(&s, 1000);
    assert_int_equal(world_answer(s.w, 1, "q2", "C"), EXAM_OK);
    assert_int_equal(world_boot_seat(s.w, 0), EXAM_OK);
    site_run_for(&s, 2000);
    assert_int_not_equal(seat_core_state(world_seat(s.w, 0)->core), SEAT_ANSWERING);
    assert_int_equal(site_sitting(&s, "1001").answers, 2);
    assert_int_equal(world_submit(s.w, 1), EXAM_OK);
    site_run_for(&s, 1000);
    assert_int_equal(seat_core_state(world_seat(s.w, 1)->core), SEAT_FINISHED);
    site_assert_sound(&s);
    site_close(&s);
}

static uint64_t chance;

static uint32_t below(uint32_t n)
{
    return (uint32_t)(chance_next(&chance) % n);
}

static struct mem_weather any_weather(void)
{
    return (struct mem_weather){.delay_max_ms = below(50),
                                .stall_permille = below(10),
                                .stall_ms = below(2000),
                                .loss_permille = below(10),
                                .duplicate_permille = below(20),
                                .reorder_permille = below(100),
                                .reset_permille = below(10)};
}

static void mute(struct world *w, struct world_place a, struct world_place b, enum mem_cut how,
                 uint32_t which)
{
    if (which != 0)
        world_mute(w, a, b, how);
    if (which != 1)
        world_mute(w, b, a, how);
}

/* Any fault, anywhere; what it is refused for does not matter here. */
static void any_fault(struct site *s)
{
    uint32_t node = below(s->nodes_n), other = (node + 1) % s->nodes_n, seat = below(s->seats_n);
    struct world_place a = world_at_node(node);
    struct world_place b = below(2) ? world_at_seat(seat) : world_at_node(other);
    const struct mem_weather weather = any_weather();
    const enum store_fault commit = STORE_FAULT_FULL + (enum store_fault)below(5);
    char why[256];
    exam_err err = EXAM_OK;
    switch (below(24)) {
    case 0:
        mute(s->w, a, b, (enum mem_cut)below(3), below(3));
        break;
    case 1:
        mute(s->w, a, b, MEM_CUT_NONE, 2);
        break;
    case 2:
        world_weather(s->w, a, b, below(2) ? &weather : NULL);
        world_weather(s->w, b, a, below(2) ? &weather : NULL);
        break;
    case 3:
        err = below(2) ? world_freeze_node(s->w, node) : world_freeze_seat(s->w, seat);
        break;
    case 4:
    case 5:
        err = world_thaw_node(s->w, node);
        err = world_thaw_seat(s->w, seat);
        break;
    case 6:
        world_fuse_node(s->w, node, below(50), below(2));
        break;
    case 7:
        world_fuse_seat(s->w, seat, below(20));
        break;
    case 8:
        world_fail_commit(s->w, node, below(5), commit);
        break;
    case 9:
        world_fill_disk(s->w, node, below(2) ? WORLD_ROOM : below(2000), 64 << 10);
        break;
    case 10:
        world_fail_journal(s->w, seat, below(4), 1 + (enum sim_journal_fault)below(3));
        world_set_tail(s->w, seat, (enum sim_tail)below(SIM_TAILS));
        break;
    case 11:
        err = world_kill_seat(s->w, seat);
        break;
    case 12:
        err = world_unplug_seat(s->w, seat);
        break;
    case 13:
        err = world_kill_node(s->w, node);
        break;
    case 14:
        err = world_unplug_node(s->w, node);
        break;
    case 15:
        err = site_promote(s, node, below(2));
        break;
    case 16:
        world_cut_nodes(s->w, node, other);
        world_cut_seat(s->w, seat, node);
        break;
    case 17:
        world_heal_nodes(s->w, node, other);
        world_heal_seat(s->w, seat, node);
        break;
    case 18:
        world_set_date(s->w, node, below(1000000));
        err = world_rot(s->w, node, 1 + below(20), 0, (uint8_t)below(256));
        break;
    case 19:
        if (below(4) == 0)
            err = world_wipe_node(s->w, node);
        else if (below(3) == 0)
            world_wipe_seat(s->w, seat);
        break;
    default:
        err = world_boot_node(s->w, node, why, sizeof why);
        err = world_boot_seat(s->w, seat);
        break;
    }
    (void)err;
}

/* What was told in a day of faults without end. */
static uint64_t play(uint64_t seed, uint64_t fired[WORLD_FAULTS])
{
    struct site s;
    chance = seed;
    site_open(&s, seed, 2 + below(2), 3);
    site_start(&s);
    site_sign_in_all(&s);
    for (int i = 0; i < 150; i++) {
        any_fault(&s);
        exam_err err = world_answer(s.w, below(s.seats_n), "q1", below(2) ? "B" : "C");
        (void)err;
        site_run_for(&s, below(2000));
    }
    for (int f = 0; f < WORLD_FAULTS; f++)
        fired[f] += world_count(s.w, (enum world_fault)f);
    uint64_t told = s.told;
    site_close(&s);
    return told;
}

/* The same seed and the same faults make the same history, whatever happens in it. */
static void test_faults__the_same_seed_gives_the_same_history(void **state)
{
    uint64_t first[WORLD_FAULTS] = {0}, again[WORLD_FAULTS] = {0}, before = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= DAYS; seed++) {
        uint64_t told = play(seed, first);
        assert_true(told == play(seed, again));
        assert_true(told != before);
        before = told;
    }
    assert_memory_equal(first, again, sizeof first);
    for (int f = 0; f < WORLD_FAULTS; f++)
        if (!first[f])
            fail_msg("%s never happened", world_fault_name((enum world_fault)f));
}

static void test_faults__each_has_a_name(void **state)
{
    (void)state;
    for (int f = 0; f < WORLD_FAULTS; f++) {
        assert_non_null(world_fault_name((enum world_fault)f));
        for (int g = 0; g < f; g++)
            assert_string_not_equal(world_fault_name((enum world_fault)f),
                                    world_fault_name((enum world_fault)g));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults__a_one_way_cut_holds_one_way),
        cmocka_unit_test(test_faults__a_silent_cut_is_noticed_by_time_outs),
        cmocka_unit_test(test_faults__a_standby_that_is_not_heard_is_left_behind),
        cmocka_unit_test(test_faults__a_cut_that_loses_breaks_a_seats_connection),
        cmocka_unit_test(test_faults__frames_take_their_time),
        cmocka_unit_test(test_faults__nodes_stand_bad_weather),
        cmocka_unit_test(test_faults__seats_stand_stalls_and_resets),
        cmocka_unit_test(test_faults__without_hints_seats_find_out_by_themselves),
        cmocka_unit_test(test_faults__an_announced_cut_counts_when_it_hits),
        cmocka_unit_test(test_faults__a_frozen_node_wakes_and_finds_time_gone),
        cmocka_unit_test(test_faults__a_node_frozen_beyond_the_grace_begins_anew),
        cmocka_unit_test(test_faults__a_sign_in_crosses_a_new_epoch),
        cmocka_unit_test(test_faults__a_seat_that_died_while_its_node_was_frozen),
        cmocka_unit_test(test_faults__a_seat_that_died_while_its_node_waited),
        cmocka_unit_test(test_faults__a_frozen_seat_is_silent),
        cmocka_unit_test(test_faults__an_unplugged_node_is_silent),
        cmocka_unit_test(test_faults__an_unplugged_seat_is_silent),
        cmocka_unit_test(test_faults__a_node_may_die_at_any_step),
        cmocka_unit_test(test_faults__a_node_may_die_while_it_stops),
        cmocka_unit_test(test_faults__a_seat_may_die_at_any_step),
        cmocka_unit_test(test_faults__a_machine_may_die_while_it_starts),
        cmocka_unit_test(test_faults__a_date_that_jumps_changes_no_account),
        cmocka_unit_test(test_faults__a_commit_is_lost_or_kept),
        cmocka_unit_test(test_faults__a_full_disk_refuses_answers_until_there_is_space),
        cmocka_unit_test(test_faults__rot_counts_when_it_is_read),
        cmocka_unit_test(test_faults__a_tail_is_lost_torn_or_kept),
        cmocka_unit_test(test_faults__a_journal_fails),
        cmocka_unit_test(test_faults__a_moved_candidate_goes_on_elsewhere),
        cmocka_unit_test(test_faults__the_same_seed_gives_the_same_history),
        cmocka_unit_test(test_faults__each_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
