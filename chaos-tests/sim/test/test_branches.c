/* W5, A3: what becomes of a dead branch when a frame of it is lost, or the node that was to take it
 * in is gone. A grant of 5 s lies in it: taken in twice it would be one of 10 s. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "check_accounts.h"
#include "check_replicas.h"
#include "rep.h"
#include "site.h"

enum { A, B, C, SEED = 42, GRANT_MS = 5000, STEPS_MAX = 10000 };

static void run_for(struct site *s, uint64_t ms)
{
    world_run(s->w, world_now_ms(s->w) + ms);
}

static void assert_sound(struct site *s)
{
    char what[256] = "";
    if (!check_replicas(s->w, what, sizeof what))
        fail_msg("%s", what);
    for (uint32_t i = 0; i < s->nodes_n; i++) {
        struct node *n = world_node(s->w, i);
        if (n && !check_accounts(node_exam(n), node_site_ms(n), what, sizeof what))
            fail_msg("%s", what);
    }
}

/* A, cut off from the others, has granted 5 s alone when B is promoted, wrongly. */
static void part(struct site *s, uint32_t nodes_n)
{
    site_open(s, SEED, nodes_n, 1);
    site_start(s);
    site_sign_in_all(s);
    run_for(s, 3000);
    for (uint32_t i = 1; i < nodes_n; i++)
        world_cut_nodes(s->w, A, i);
    run_for(s, 4000);
    assert_true(rep_is_solo(node_rep(world_node(s->w, A))));
    assert_int_equal(site_grant(s, "1001", GRANT_MS), EXAM_OK);
    run_for(s, 100);
    assert_int_equal(site_promote(s, B, true), EXAM_OK);
    run_for(s, 4000);
}

/* A has heard of B and set its branch apart, and B has not got it yet: each frame takes its time.
 */
static void part_and_meet(struct site *s, uint32_t nodes_n)
{
    const struct mem_weather slow = {.delay_min_ms = 20, .delay_max_ms = 20};
    part(s, nodes_n);
    world_weather(s->w, world_at_node(A), world_at_node(B), &slow);
    world_weather(s->w, world_at_node(B), world_at_node(A), &slow);
    world_heal_nodes(s->w, A, B);
    for (int i = 0; i < STEPS_MAX && !store_image_records(world_disk(s->w, A), true); i++)
        run_for(s, 1);
    assert_true(store_image_records(world_disk(s->w, A), true) > 0);
    assert_int_equal(site_sitting(s, "1001").account.grants_ms, 0);
}

/* The successor dies before it has taken the branch in: the node that holds it is promoted, and
 * takes it in itself, once. */
static void test_branches__a_primary_takes_in_its_own(void **state)
{
    struct site s;
    (void)state;
    part_and_meet(&s, 2);
    assert_int_equal(world_kill_node(s.w, B), EXAM_OK);
    world_weather(s.w, world_at_node(A), world_at_node(B), NULL);
    world_weather(s.w, world_at_node(B), world_at_node(A), NULL);
    run_for(&s, 4000);
    assert_int_equal(site_promote(&s, A, true), EXAM_OK);
    run_for(&s, 4000);
    assert_int_equal(site_sitting(&s, "1001").account.grants_ms, GRANT_MS);
    char why[256] = "";
    assert_int_equal(world_boot_node(s.w, B, why, sizeof why), EXAM_OK);
    run_for(&s, 4000);
    assert_int_equal(site_sitting(&s, "1001").account.grants_ms, GRANT_MS);
    assert_int_equal(site_promote(&s, B, false), EXAM_OK);
    run_for(&s, 4000);
    assert_int_equal(site_sitting(&s, "1001").account.grants_ms, GRANT_MS);
    assert_sound(&s);
    site_close(&s);
}

/* When the grant was in: so long after the meeting. Nothing of A's comes through for 15 ms from
 * `from_ms` on. *same_link: the connection between the nodes has stayed. */
static uint64_t taken_after_ms(uint64_t from_ms, bool *same_link)
{
    struct site s;
    part_and_meet(&s, 2);
    uint64_t met_ms = world_now_ms(s.w);
    uint64_t link = rep_peer_link(node_rep(world_node(s.w, A)), 0).n;
    for (int i = 0; i < STEPS_MAX && !site_sitting(&s, "1001").account.grants_ms; i++) {
        uint64_t after_ms = world_now_ms(s.w) - met_ms;
        bool cut = after_ms >= from_ms && after_ms < from_ms + 15;
        world_mute(s.w, world_at_node(A), world_at_node(B), cut ? MEM_CUT_LOSES : MEM_CUT_NONE);
        run_for(&s, 1);
    }
    uint64_t took_ms = world_now_ms(s.w) - met_ms;
    *same_link = rep_peer_link(node_rep(world_node(s.w, A)), 0).n == link;
    run_for(&s, 4000);
    assert_int_equal(site_sitting(&s, "1001").account.grants_ms, GRANT_MS);
    assert_sound(&s);
    site_close(&s);
    return took_ms;
}

/* Whichever of its frames is lost, the branch comes in within seconds; and one that is lost on a
 * link that stays is sent again over it. */
static void test_branches__lost_frames_are_sent_again(void **state)
{
    bool same_link, resent = false;
    (void)state;
    for (uint64_t from_ms = 0; from_ms < 200; from_ms += 10) {
        uint64_t took_ms = taken_after_ms(from_ms, &same_link);
        if (took_ms > 6000)
            fail_msg("lost from %llu ms on, the branch is in after %llu ms",
                     (unsigned long long)from_ms, (unsigned long long)took_ms);
        resent |= same_link && took_ms > 900;
    }
    assert_true(resent);
}

/* B took the branch in and told nobody; A lost its disk; B's log is dead, too, as C was promoted: B
 * brings what it had taken in. */
static void test_branches__what_was_recovered_is_recovered_again(void **state)
{
    struct site s;
    char why[256] = "";
    (void)state;
    part(&s, 3);
    world_cut_nodes(s.w, B, C);
    run_for(&s, 4000);
    world_heal_nodes(s.w, A, B);
    run_for(&s, 5000);
    assert_int_equal(site_sitting(&s, "1001").account.grants_ms, GRANT_MS);
    assert_int_equal(world_kill_node(s.w, A), EXAM_OK);
    assert_int_equal(world_wipe_node(s.w, A), EXAM_OK);
    assert_int_equal(world_kill_node(s.w, B), EXAM_OK);
    run_for(&s, 4000);
    assert_int_equal(site_promote(&s, C, true), EXAM_OK);
    run_for(&s, 4000);
    assert_int_equal(site_sitting(&s, "1001").account.grants_ms, 0);
    assert_int_equal(world_boot_node(s.w, B, why, sizeof why), EXAM_OK);
    world_heal_nodes(s.w, B, C);
    run_for(&s, 5000);
    assert_int_equal(site_sitting(&s, "1001").account.grants_ms, GRANT_MS);
    assert_int_equal(world_boot_node(s.w, A, why, sizeof why), EXAM_OK);
    world_heal_nodes(s.w, A, C);
    run_for(&s, 5000);
    assert_int_equal(site_sitting(&s, "1001").account.grants_ms, GRANT_MS);
    assert_sound(&s);
    site_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_branches__a_primary_takes_in_its_own),
        cmocka_unit_test(test_branches__lost_frames_are_sent_again),
        cmocka_unit_test(test_branches__what_was_recovered_is_recovered_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
