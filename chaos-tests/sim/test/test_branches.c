/* W5, A3: what becomes of a dead branch when a frame of it is lost, or the node that was to take it
 * in is gone. A grant of 5 s lies in it: taken in twice it would be one of 10 s. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "codec.h"
#include "rep.h"
#include "site.h"

enum { A, B, C, SPARE = 1, SEED = 42, GRANT_MS = 5000, STEPS_MAX = 10000 };

/* A, cut off from the others, has granted 5 s alone when B is promoted, wrongly. */
static void part(struct site *s, uint32_t nodes_n)
{
    site_open(s, SEED, nodes_n, 1);
    site_start(s);
    site_sign_in_all(s);
    site_run_for(s, 3000);
    for (uint32_t i = 1; i < nodes_n; i++)
        world_cut_nodes(s->w, A, i);
    site_run_for(s, 4000);
    assert_true(rep_is_solo(node_rep(world_node(s->w, A))));
    assert_int_equal(site_grant(s, "1001", GRANT_MS), EXAM_OK);
    site_run_for(s, 100);
    assert_int_equal(site_promote(s, B, true), EXAM_OK);
    site_run_for(s, 4000);
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
        site_run_for(s, 1);
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
    site_run_for(&s, 4000);
    assert_int_equal(site_promote(&s, A, true), EXAM_OK);
    site_run_for(&s, 4000);
    assert_int_equal(site_sitting(&s, "1001").account.grants_ms, GRANT_MS);
    char why[256] = "";
    assert_int_equal(world_boot_node(s.w, B, why, sizeof why), EXAM_OK);
    site_run_for(&s, 4000);
    assert_int_equal(site_sitting(&s, "1001").account.grants_ms, GRANT_MS);
    assert_int_equal(site_promote(&s, B, false), EXAM_OK);
    site_run_for(&s, 4000);
    assert_int_equal(site_sitting(&s, "1001").account.grants_ms, GRANT_MS);
    site_assert_sound(&s);
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
        site_run_for(&s, 1);
    }
    uint64_t took_ms = world_now_ms(s.w) - met_ms;
    *same_link = rep_peer_link(node_rep(world_node(s.w, A)), 0).n == link;
    site_run_for(&s, 4000);
    assert_int_equal(site_sitting(&s, "1001").account.grants_ms, GRANT_MS);
    site_assert_sound(&s);
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
    site_run_for(&s, 4000);
    world_heal_nodes(s.w, A, B);
    site_run_for(&s, 5000);
    assert_int_equal(site_sitting(&s, "1001").account.grants_ms, GRANT_MS);
    assert_int_equal(world_kill_node(s.w, A), EXAM_OK);
    assert_int_equal(world_wipe_node(s.w, A), EXAM_OK);
    assert_int_equal(world_kill_node(s.w, B), EXAM_OK);
    site_run_for(&s, 4000);
    assert_int_equal(site_promote(&s, C, true), EXAM_OK);
    site_run_for(&s, 4000);
    assert_int_equal(site_sitting(&s, "1001").account.grants_ms, 0);
    assert_int_equal(world_boot_node(s.w, B, why, sizeof why), EXAM_OK);
    world_heal_nodes(s.w, B, C);
    site_run_for(&s, 5000);
    assert_int_equal(site_sitting(&s, "1001").account.grants_ms, GRANT_MS);
    assert_int_equal(world_boot_node(s.w, A, why, sizeof why), EXAM_OK);
    world_heal_nodes(s.w, A, C);
    site_run_for(&s, 5000);
    assert_int_equal(site_sitting(&s, "1001").account.grants_ms, GRANT_MS);
    site_assert_sound(&s);
    site_close(&s);
}

/* The record of A's log that grants the 5 s. */
static uint64_t lsn_of_grant(struct site *s)
{
    const store_image *disk = world_disk(s->w, A);
    for (size_t i = store_image_records(disk, false); i > 0; i--) {
        struct record r;
        uint8_t block[4096];
        struct arena arena;
        const Ev__Event *e;
        arena_init(&arena, block, sizeof block);
        store_image_record_at(disk, false, i - 1, &r);
        if (!codec_event(&arena, r.event, r.event_bytes, &e, NULL) &&
            e->kind_case == EV__EVENT__KIND_GRANTED)
            return r.lsn;
    }
    fail_msg("there is no grant in A's log");
    return 0;
}

/* A's branch holds the grant of 5 s; that byte of the record so many before or after it rots before
 * the nodes meet. False: the record has no such byte. */
static bool rot_and_meet(int away, size_t at)
{
    struct site s;
    struct record r;
    part(&s, 2);
    uint64_t lsn = lsn_of_grant(&s) + (uint64_t)(int64_t)away;
    store_image_record_at(world_disk(s.w, A), false, lsn - 1, &r);
    bool is_there = at < RECORD_HEADER_BYTES + r.event_bytes;
    if (is_there) {
        assert_int_equal(world_rot(s.w, A, lsn, at, 0x10), EXAM_OK);
        world_heal_nodes(s.w, A, B);
        site_run_for(&s, 4000);
        if (site_sitting(&s, "1001").account.grants_ms != (away ? GRANT_MS : 0))
            fail_msg(
                "byte %zu of the record %d from the grant has rotted, and %lld ms were granted", at,
                away, (long long)site_sitting(&s, "1001").account.grants_ms);
        site_assert_sound(&s);
    }
    site_close(&s);
    return is_there;
}

/* D8: what has rotted in a branch is not taken in, and what has not is. */
static void test_branches__what_has_rotted_is_left_out(void **state)
{
    enum { STEP = 7 }; /* of bytes: each part of a record is met */
    (void)state;
    for (int away = -1; away <= 1; away++)
        for (size_t at = 0; rot_and_meet(away, at); at += STEP)
            ;
}

static const char *answer_of(struct site *s, const char *admission_no)
{
    static char value[32];
    const struct exam_sitting_view v = site_sitting(s, admission_no);
    struct exam_answer_view a;
    if (exam_answer_at(node_exam(world_node(s->w, world_primary(s->w))), v.sitting, 0, &a))
        return "";
    snprintf(value, sizeof value, "%.*s", (int)a.value_bytes, (const char *)a.value);
    return value;
}

/* A alone has signed 1001 in at R1-01, and has acknowledged an answer; then its disk is lost. */
static void strand(struct site *s)
{
    site_open(s, SEED, 2, 1);
    site_start(s);
    assert_int_equal(world_boot_seat(s->w, SPARE), EXAM_OK);
    world_cut_nodes(s->w, A, B);
    site_run_for(s, 6000);
    assert_true(rep_is_solo(node_rep(world_node(s->w, A))));
    assert_int_equal(world_sign_in(s->w, 0, "1001", "1001"), EXAM_OK);
    site_run_for(s, 100);
    assert_int_equal(world_answer(s->w, 0, "q1", "A"), EXAM_OK);
    site_run_for(s, 1000);
    assert_int_equal(seat_core_unsaved_n(world_seat(s->w, 0)->core), 0);
    assert_int_equal(world_kill_node(s->w, A), EXAM_OK);
    assert_int_equal(world_wipe_node(s->w, A), EXAM_OK);
}

static void assert_handed_in(struct site *s)
{
    assert_string_equal(answer_of(s, "1001"), "A");
    assert_string_equal(seat_core_admission_no(world_seat(s->w, 0)->core), "");
    assert_true(site_sitting(s, "1001").attached);
    assert_string_equal(site_sitting(s, "1001").seat, "R1-02");
    site_assert_sound(s);
    site_close(s);
}

/* A2, T11: B knows nothing of that session, and has moved the candidate before the seat is in
 * contact: the only place that holds the answer is the journal of a seat that was left. */
static void test_branches__a_seat_hands_in_what_only_a_lost_branch_knew(void **state)
{
    struct site s;
    (void)state;
    strand(&s);
    world_cut_seat(s.w, 0, B);
    assert_int_equal(site_promote(&s, B, true), EXAM_OK);
    site_run_for(&s, 4000);
    assert_int_equal(site_move(&s, "1001", "R1-02"), EXAM_OK);
    assert_int_equal(world_sign_in(s.w, SPARE, "1001", "1001"), EXAM_OK);
    site_run_for(&s, 1000);
    assert_string_equal(answer_of(&s, "1001"), "");
    world_heal_seat(s.w, 0, B);
    site_run_for(&s, 5000);
    assert_handed_in(&s);
}

/* T5, T12: the same when nobody is moved: the PC was switched on again before the candidate is back
 * at it. He is no latecomer: the account goes on from the seat's mark, and what B's clock has run
 * without a screen is lost time. */
static void test_branches__a_seat_goes_on_from_the_mark_of_a_lost_branch(void **state)
{
    struct site s;
    (void)state;
    strand(&s);
    uint64_t used_ms = seat_core_used_ms(world_seat(s.w, 0)->core, world_now_ms(s.w));
    world_leave(s.w, 0);
    assert_int_equal(world_kill_seat(s.w, 0), EXAM_OK);
    site_run_for(&s, 5000);
    assert_int_equal(site_promote(&s, B, true), EXAM_OK);
    site_run_for(&s, 30000);
    assert_true(site_sitting(&s, "1001").account.used_ms > used_ms + 10000);
    assert_int_equal(world_boot_seat(s.w, 0), EXAM_OK);
    site_run_for(&s, 1000);
    const struct exam_account a = site_sitting(&s, "1001").account;
    assert_true(site_sitting(&s, "1001").attached);
    assert_in_range(a.used_ms, used_ms, used_ms + 1000);
    assert_true(a.lost_ms > 30000);
    assert_string_equal(answer_of(&s, "1001"), "A");
    site_assert_sound(&s);
    site_close(&s);
}

/* A alone has imported the batch and started it; 1001 has answered, 1002 has submitted; B is
 * promoted, A comes back as its standby, and no PC remembers anything. */
static void lose_the_import(struct site *s)
{
    char why[256] = "";
    site_open_as(
        s, &(struct site_options){.seed = SEED, .nodes_n = 2, .seats_n = 2, .import_alone = true});
    site_start(s);
    site_sign_in_all(s);
    site_run_for(s, 1000);
    assert_int_equal(world_answer(s->w, 0, "q1", "A"), EXAM_OK);
    assert_int_equal(site_grant(s, "1001", GRANT_MS), EXAM_OK);
    site_run_for(s, 1000);
    assert_int_equal(world_submit(s->w, 1), EXAM_OK);
    site_run_for(s, 1000);
    assert_int_equal(site_pause(s, "site", false),
                     EXAM_OK); /* it is shown, and comes in before them */
    site_run_for(s, 1000);
    assert_int_equal(seat_core_unsaved_n(world_seat(s->w, 0)->core), 0);
    for (uint32_t i = 0; i < 2; i++) {
        world_leave(s->w, i);
        assert_int_equal(world_kill_seat(s->w, i), EXAM_OK);
        world_wipe_seat(s->w, i);
    }
    assert_int_equal(world_kill_node(s->w, A), EXAM_OK);
    site_run_for(s, 4000);
    assert_int_equal(site_promote(s, B, true), EXAM_OK);
    assert_int_equal(exam_sittings(node_exam(world_node(s->w, B))), 0);
    assert_int_equal(world_boot_node(s->w, A, why, sizeof why), EXAM_OK);
}

static void assert_come_in(struct site *s)
{
    assert_string_equal(answer_of(s, "1001"), "A");
    assert_int_equal(site_sitting(s, "1001").account.grants_ms, GRANT_MS);
    assert_int_equal(site_sitting(s, "1002").finish, EV__FINISH__FINISH_SUBMITTED);
    site_assert_sound(s);
    site_close(s);
}

/* A2: the branch of a log that ends before the import waits on its disk until the batch is imported
 * again, whoever serves then. */
static void test_branches__wait_for_the_import(void **state)
{
    (void)state;
    for (int own = 0; own < 2; own++) {
        struct site s;
        lose_the_import(&s);
        world_heal_nodes(s.w, A, B);
        site_run_for(&s, 6000);
        assert_true(store_image_records(world_disk(s.w, A), true) > 0);
        if (own)
            assert_int_equal(site_promote(&s, A, false), EXAM_OK);
        site_run_for(&s, 6000);
        site_import(&s, world_primary(s.w), 0);
        site_run_for(&s, 3000);
        assert_string_equal(answer_of(&s, "1001"), "A");
        assert_int_equal(site_sitting(&s, "1002").finish, EV__FINISH__FINISH_NONE);
        site_start(&s);
        site_run_for(&s, 3000);
        assert_come_in(&s);
    }
}

/* A2: the same when that has happened before the branch comes back. */
static void test_branches__find_the_import_done_again(void **state)
{
    struct site s;
    (void)state;
    lose_the_import(&s);
    site_import(&s, B, 0);
    site_start(&s);
    site_run_for(&s, 3000);
    world_heal_nodes(s.w, A, B);
    site_run_for(&s, 6000);
    assert_come_in(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_branches__a_primary_takes_in_its_own),
        cmocka_unit_test(test_branches__lost_frames_are_sent_again),
        cmocka_unit_test(test_branches__what_was_recovered_is_recovered_again),
        cmocka_unit_test(test_branches__what_has_rotted_is_left_out),
        cmocka_unit_test(test_branches__a_seat_hands_in_what_only_a_lost_branch_knew),
        cmocka_unit_test(test_branches__a_seat_goes_on_from_the_mark_of_a_lost_branch),
        cmocka_unit_test(test_branches__wait_for_the_import),
        cmocka_unit_test(test_branches__find_the_import_done_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
