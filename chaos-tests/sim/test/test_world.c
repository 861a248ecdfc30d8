#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec.h"
#include "office.h"
#include "rep.h"
#include "site.h"

enum { A, B, SEED = 42 };

/* Ten seconds from now on, then: batch and candidates under way at 10.000 s of the world. */
static void begin(struct site *s, uint64_t seed, uint32_t nodes_n, uint32_t seats_n)
{
    site_open(s, seed, nodes_n, seats_n);
    site_start(s);
    site_sign_in_all(s);
}

static void kill_node(struct site *s, uint32_t node)
{
    assert_int_equal(world_kill_node(s->w, node), EXAM_OK);
    world_settle(s->w);
}

static void boot_node(struct site *s, uint32_t node)
{
    char why[256];
    assert_int_equal(world_boot_node(s->w, node, why, sizeof why), EXAM_OK);
    world_settle(s->w);
}

/* At the end of an instant both nodes have the same log and the same state. */
static void test_world__a_standby_is_level_at_every_instant(void **state)
{
    struct site s;
    (void)state;
    begin(&s, SEED, 2, 3);
    world_run(s.w, 15000);
    assert_int_equal(world_answer(s.w, 0, "q1", "B"), EXAM_OK);
    world_settle(s.w);
    struct position a = node_last(world_node(s.w, A)), b = node_last(world_node(s.w, B));
    assert_true(a.lsn > 0);
    assert_true(a.lsn == b.lsn);
    assert_memory_equal(a.hash, b.hash, HASH_BYTES);
    assert_int_equal(seat_core_unsaved_n(world_seat(s.w, 0)->core), 0);
    site_assert_sound(&s);
    site_close(&s);
}

struct history {
    struct position last;
    uint64_t events_n;
};

static struct history play(uint64_t seed)
{
    struct site s;
    begin(&s, seed, 2, 5);
    world_run(s.w, 20345);
    assert_int_equal(world_answer(s.w, 1, "q1", "C"), EXAM_OK);
    kill_node(&s, A);
    world_run(s.w, 31000);
    assert_int_equal(site_promote(&s, B, true), EXAM_OK);
    world_run(s.w, 50000);
    struct history h = {.last = node_last(world_node(s.w, B)), .events_n = s.events_n};
    site_close(&s);
    return h;
}

/* The same seed gives the same history, byte for byte; another one gives other keys. */
static void test_world__the_same_seed_gives_the_same_history(void **state)
{
    struct history first = play(SEED), again = play(SEED), other = play(SEED + 1);
    (void)state;
    assert_memory_equal(first.last.hash, again.last.hash, HASH_BYTES);
    assert_true(first.events_n == again.events_n);
    assert_memory_not_equal(first.last.hash, other.last.hash, HASH_BYTES);
}

/* Everything that is told, and when; there are two switchovers in it. */
static uint64_t told_of_two_switchovers(bool is_curious)
{
    struct site s;
    begin(&s, SEED, 2, 2);
    s.is_curious = is_curious;
    world_run(s.w, 15000);
    assert_int_equal(site_promote(&s, B, false), EXAM_OK);
    world_run(s.w, 20000);
    assert_int_equal(site_promote(&s, A, false), EXAM_OK);
    world_run(s.w, 30000);
    site_assert_sound(&s);
    uint64_t told = s.told;
    assert_true((s.asked_ms > 0) == is_curious);
    site_close(&s);
    return told;
}

/* Who is told something in the middle of a node's turn may ask the others: the node goes on by its
 * own clock, and under its own name. */
static void test_world__asking_changes_nothing(void **state)
{
    (void)state;
    assert_true(told_of_two_switchovers(true) == told_of_two_switchovers(false));
}

/* A cut is seen at once by the seat and by the node; so is its healing. */
static void test_world__a_cut_is_seen_at_once_by_both_sides(void **state)
{
    struct site s;
    (void)state;
    begin(&s, SEED, 2, 1);
    world_run(s.w, 12300);
    world_cut_seat(s.w, 0, A);
    world_cut_seat(s.w, 0, B);
    world_settle(s.w);
    assert_false(seat_core_in_contact(world_seat(s.w, 0)->core));
    assert_false(site_sitting(&s, "1001").attached);
    world_run(s.w, 14700);
    world_heal_seat(s.w, 0, A);
    world_settle(s.w);
    assert_true(seat_core_in_contact(world_seat(s.w, 0)->core));
    assert_true(site_sitting(&s, "1001").attached);
    assert_true(site_sitting(&s, "1001").account.used_ms == 4700);
    assert_true(site_sitting(&s, "1001").account.lost_ms == 0);
    site_assert_sound(&s);
    site_close(&s);
}

/* A primary that has lost its standby goes on alone at the very millisecond, not before. */
static void test_world__a_primary_goes_on_alone_to_the_millisecond(void **state)
{
    struct site s;
    (void)state;
    begin(&s, SEED, 2, 1);
    world_run(s.w, 12345);
    kill_node(&s, B);
    world_run(s.w, 14344);
    assert_true(rep_is_waiting(node_rep(world_node(s.w, A))));
    world_run(s.w, 14345);
    assert_true(rep_is_solo(node_rep(world_node(s.w, A))));
    /* Nothing that was decided on the way is left lying about. */
    assert_true(seat_core_in_contact(world_seat(s.w, 0)->core));
    assert_true(site_sitting(&s, "1001").account.used_ms == 4345);
    boot_node(&s, B);
    assert_false(rep_is_solo(node_rep(world_node(s.w, A))));
    site_assert_sound(&s);
    site_close(&s);
}

/* A seat without power loses what its journal had only buffered, never what was durable. */
static void test_world__a_seat_keeps_what_was_durable(void **state)
{
    struct site s;
    (void)state;
    begin(&s, SEED, 1, 1);
    world_run(s.w, 15000);
    kill_node(&s, A);
    world_run(s.w, 17600);
    assert_int_equal(world_answer(s.w, 0, "q1", "D"), EXAM_OK);
    assert_int_equal(world_kill_seat(s.w, 0), EXAM_OK);
    world_run(s.w, 60000);
    boot_node(&s, A);
    assert_int_equal(world_boot_seat(s.w, 0), EXAM_OK);
    world_settle(s.w);
    struct exam_sitting_view v = site_sitting(&s, "1001");
    assert_true(v.attached);
    assert_int_equal(v.answers, 1);
    assert_true(v.account.used_ms == 7600);
    site_assert_sound(&s);
    site_close(&s);
}

/* A wiped node comes back empty, takes everything in, and is level at that instant. */
static void test_world__a_wiped_node_catches_up(void **state)
{
    struct site s;
    (void)state;
    begin(&s, SEED, 2, 2);
    world_run(s.w, 40000);
    assert_int_equal(world_wipe_node(s.w, B), EXAM_OK);
    world_run(s.w, 45000);
    boot_node(&s, B);
    assert_true(node_last(world_node(s.w, B)).lsn == node_last(world_node(s.w, A)).lsn);
    site_assert_sound(&s);
    site_close(&s);
}

/* B has lost its disk, and dies with what it has got back of A's log before it has learned (D7);
 * A goes on alone for five seconds, and burns down. */
static void burn_the_only_whole_copy(struct site *s)
{
    enum { EFFECTS_MAX = 60 };
    char why[256];
    size_t effects = 0;
    world_run(s->w, 20000);
    assert_int_equal(world_kill_node(s->w, B), EXAM_OK);
    do {
        assert_int_equal(world_wipe_node(s->w, B), EXAM_OK);
        world_fuse_node(s->w, B, ++effects, true);
        assert_int_equal(world_boot_node(s->w, B, why, sizeof why), EXAM_OK);
        world_settle(s->w);
        world_run(s->w, world_now_ms(s->w) + 100);
        assert_null(world_node(s->w, B));
    } while (!store_image_records(world_disk(s->w, B), false) && effects < EFFECTS_MAX);
    world_run(s->w, world_now_ms(s->w) + 5000);
    assert_int_equal(world_answer(s->w, 0, "q1", "D"), EXAM_OK);
    world_run(s->w, world_now_ms(s->w) + 100);
    kill_node(s, A);
    assert_int_equal(world_wipe_node(s->w, A), EXAM_OK);
    boot_node(s, B);
    boot_node(s, A);
}

static exam_err force(struct site *s, uint32_t node, const char *why, bool attest)
{
    static char who[] = "tester";
    char text[64];
    struct office_refusal refusal = {0};
    Admin__Promote promote = ADMIN__PROMOTE__INIT;
    Admin__Request m = ADMIN__REQUEST__INIT;
    snprintf(text, sizeof text, "%s", why);
    promote.attest = attest;
    promote.forced = true;
    promote.who = who;
    promote.why = text;
    m.kind_case = ADMIN__REQUEST__KIND_PROMOTE;
    m.promote = &promote;
    return office_ask_once(s->w, node, who, &m, NULL, NULL, &refusal);
}

/* The record that begins the newest epoch of its log says that it was forced, by whom and why. */
static void assert_forced(struct site *s, uint32_t node, const char *why)
{
    static uint8_t block[ARENA_BYTES_SEAT];
    const store_image *disk = world_disk(s->w, node);
    const Ev__Event *e = NULL;
    struct arena arena;
    struct record r;
    arena_init(&arena, block, sizeof block);
    for (size_t i = store_image_records(disk, false); i-- > 0;) {
        store_image_record_at(disk, false, i, &r);
        assert_int_equal(codec_event(&arena, r.event, r.event_bytes, &e, NULL), EXAM_OK);
        if (e->kind_case == EV__EVENT__KIND_EPOCH_BEGAN)
            break;
    }
    assert_int_equal(e->kind_case, EV__EVENT__KIND_EPOCH_BEGAN);
    assert_true(e->epoch_began->forced);
    assert_int_equal(e->epoch_began->reason, EV__EPOCH_REASON__EPOCH_REASON_ATTESTED);
    assert_string_equal(e->epoch_began->who, "tester");
    assert_string_equal(e->epoch_began->why, why);
}

/* D7, R4: with the only whole copy gone, a person may force the part of one that is left. It wants
 * a word and a reason, which go on record; the seats bring what they hold (A2), and the empty node
 * follows. */
static void test_world__a_part_of_a_copy_is_forced_to_serve(void **state)
{
    struct site s;
    (void)state;
    begin(&s, SEED, 2, 2);
    burn_the_only_whole_copy(&s);
    assert_int_equal(force(&s, B, "A burnt down", false), EXAM_ATTEST);
    assert_int_equal(force(&s, A, "A burnt down", true), EXAM_STATE);
    assert_int_equal(force(&s, B, "", true), EXAM_INVALID);
    assert_int_equal(site_promote(&s, B, true), EXAM_STATE);
    assert_int_equal(world_primary(s.w), WORLD_NONE);
    assert_int_equal(force(&s, B, "A burnt down", true), EXAM_OK);
    assert_int_equal(world_primary(s.w), B);
    assert_forced(&s, B, "A burnt down");
    world_run(s.w, world_now_ms(s.w) + 3000);
    assert_int_equal(site_sitting(&s, "1001").answers, 1);
    assert_true(node_last(world_node(s.w, B)).lsn == node_last(world_node(s.w, A)).lsn);
    site_assert_sound(&s);
    site_close(&s);
}

/* W1: a node that was away hears which epochs it has missed from a seat that looks for a server. */
static void test_world__tells_what_a_seat_says_of_epochs(void **state)
{
    struct site s;
    (void)state;
    begin(&s, SEED, 2, 1);
    kill_node(&s, A);
    assert_int_equal(site_promote(&s, B, true), EXAM_OK);
    world_run(s.w, 20000);
    world_cut_nodes(s.w, A, B);
    s.greeted_node = B;
    boot_node(&s, A);
    world_cut_seat(s.w, 0, B);
    world_run(s.w, 30000);
    assert_int_equal(s.greeted_node, A);
    assert_int_equal(s.greeted_seat, 0);
    assert_true(s.greeted.seen == rep_epoch(node_rep(world_node(s.w, B))));
    assert_true(s.greeted.epoch == rep_epoch(node_rep(world_node(s.w, A))));
    assert_true(s.greeted.epoch < s.greeted.seen);
    site_close(&s);
}

/* The machines' clocks have nothing to do with each other, and go on alike. */
static void test_world__machines_have_clocks_of_their_own(void **state)
{
    struct sim_clock a = {0}, b = {0};
    (void)state;
    sim_clock_boot(&a, 0, 0, 0);
    sim_clock_boot(&b, 1, 0, 5000);
    uint64_t apart_ms = sim_clock_to_machine(&a, 6000) - sim_clock_to_machine(&b, 6000);
    assert_true(apart_ms != 0 && apart_ms != 5000);
    assert_true(sim_clock_to_machine(&a, 9000) - sim_clock_to_machine(&b, 9000) == apart_ms);
    assert_true(sim_clock_to_world(&b, sim_clock_to_machine(&b, 7777)) == 7777);
    assert_string_not_equal(a.boot_id, b.boot_id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_world__a_standby_is_level_at_every_instant),
        cmocka_unit_test(test_world__the_same_seed_gives_the_same_history),
        cmocka_unit_test(test_world__asking_changes_nothing),
        cmocka_unit_test(test_world__a_cut_is_seen_at_once_by_both_sides),
        cmocka_unit_test(test_world__a_primary_goes_on_alone_to_the_millisecond),
        cmocka_unit_test(test_world__a_seat_keeps_what_was_durable),
        cmocka_unit_test(test_world__a_wiped_node_catches_up),
        cmocka_unit_test(test_world__a_part_of_a_copy_is_forced_to_serve),
        cmocka_unit_test(test_world__tells_what_a_seat_says_of_epochs),
        cmocka_unit_test(test_world__machines_have_clocks_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
