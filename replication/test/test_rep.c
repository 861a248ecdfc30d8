/* The replication core: who serves, who follows, what is acknowledged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "cluster.h"

enum { A, B, C };

#define SOLO_AFTER_MS   2000
#define PEER_TIMEOUT_MS 1500

static void assert_sound(struct cluster *c)
{
    if (cluster_broken(c))
        fail_msg("%s", cluster_broken(c));
}

static enum rep_role role(struct cluster *c, int node)
{
    return rep_role(cluster_rep(c, node));
}

static void assert_reply(struct cluster *c, int node, exam_err code)
{
    const struct cluster_reply *r = cluster_reply(c, node);
    assert_true(r->given);
    if (r->code != code)
        fail_msg("%s: %s", exam_err_name(r->code), r->text);
    assert_true(r->text[0]);
}

/* Two nodes: A has founded the site, B is in sync. */
static struct cluster *pair(void)
{
    struct cluster *c = cluster_new(2, NULL);
    cluster_found(c, A);
    cluster_run(c, 100);
    assert_int_equal(role(c, A), REP_ROLE_PRIMARY);
    assert_int_equal(role(c, B), REP_ROLE_STANDBY);
    assert_false(rep_is_solo(cluster_rep(c, A)));
    assert_true(cluster_logs_equal(c, A, B));
    return c;
}

/* The last thing of every test: no rule was broken on the way, and the nodes agree. */
static void end(struct cluster *c, int a, int b)
{
    assert_sound(c);
    assert_true(cluster_logs_equal(c, a, b));
    cluster_free(c);
}

static void end_alone(struct cluster *c)
{
    assert_sound(c);
    cluster_free(c);
}

/* ---------------------------------------------------------------- founding, joining */

/* An empty node that meets a primary joins from the first record and counts as soon as it has all.
 */
static void test_rep__found_and_join(void **state)
{
    (void)state;
    struct cluster *c = cluster_new(2, NULL);
    cluster_run(c, 1000);
    assert_int_equal(role(c, A), REP_ROLE_EMPTY);
    assert_int_equal(role(c, B), REP_ROLE_EMPTY);
    cluster_found(c, A);
    assert_reply(c, A, EXAM_OK);
    assert_int_equal(rep_epoch(cluster_rep(c, A)), 1);
    assert_true(rep_is_solo(cluster_rep(c, A)));
    cluster_run(c, 50);
    assert_false(rep_is_solo(cluster_rep(c, A)));
    assert_int_equal(role(c, B), REP_ROLE_STANDBY);
    end(c, A, B);
}

/* A site is founded once: not on a node with a log, and not beside one. */
static void test_rep__found_is_refused_where_a_site_is(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_found(c, A);
    assert_reply(c, A, EXAM_STATE);
    cluster_found(c, B);
    assert_reply(c, B, EXAM_STATE);
    cluster_kill(c, B);
    cluster_settle(c);
    cluster_wipe(c, B);
    cluster_boot(c, B);
    cluster_by_hand(c, true); /* in contact, and has not joined yet */
    cluster_connect(c, A, B);
    assert_true(cluster_deliver(c, A, B, 0));
    cluster_found(c, B);
    assert_reply(c, B, EXAM_STATE);
    end_alone(c);
}

/* Two sites do not mix: both ends say why, nothing of either log is touched. */
static void test_rep__two_sites_do_not_mix(void **state)
{
    (void)state;
    struct cluster *c = cluster_new(2, NULL);
    struct rep_peer_status s;
    cluster_cut(c, A, B);
    cluster_run(c, 3000);
    cluster_found(c, A);
    cluster_run(c, 7);
    cluster_found(c, B);
    cluster_heal(c, A, B);
    cluster_run(c, 1000);
    assert_int_equal(role(c, A), REP_ROLE_PRIMARY);
    assert_int_equal(role(c, B), REP_ROLE_PRIMARY);
    rep_peer_status(cluster_rep(c, A), 0, cluster_now_ms(c), &s);
    assert_int_equal(s.refused, EXAM_OTHER_SITE);
    assert_false(s.connected);
    rep_peer_status(cluster_rep(c, B), 0, cluster_now_ms(c), &s);
    assert_int_equal(s.refused, EXAM_OTHER_SITE);
    assert_non_null(strstr(s.text, "two different sites"));
    assert_int_equal(cluster_branches(c, A) + cluster_branches(c, B), 0);
    end_alone(c);
}

/* D7: a wiped node is a learner: it counts again when it has everything. */
static void test_rep__wiped_node_learns_first(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_write(c, A, 3000);
    cluster_kill(c, B);
    cluster_wipe(c, B);
    cluster_run(c, SOLO_AFTER_MS + PEER_TIMEOUT_MS + 100);
    assert_true(rep_is_solo(cluster_rep(c, A)));
    cluster_boot(c, B);
    cluster_promote(c, B, true);
    assert_reply(c, B, EXAM_STATE); /* it has nothing to serve with */
    cluster_run(c, 200);
    assert_false(rep_is_solo(cluster_rep(c, A)));
    assert_false(rep_is_waiting(cluster_rep(c, A)));
    end(c, A, B);
}

/* ---------------------------------------------------------------- acknowledging (A1, D1) */

/* What is released with a standby in sync is durable there, and says so. */
static void test_rep__release_is_dual_when_both_have_it(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_by_hand(c, true);
    uint64_t before = cluster_released(c, A);
    assert_int_equal(cluster_write(c, A, 10), 10);
    assert_true(cluster_commit(c, A));
    assert_int_equal(cluster_released(c, A), before); /* durable here only */
    while (cluster_deliver(c, A, B, 0)) {
    }
    assert_int_equal(cluster_released(c, A), before); /* B has it in memory */
    assert_true(cluster_commit(c, B));
    assert_int_equal(cluster_released(c, A), before);
    while (cluster_deliver(c, B, A, 0)) {
    }
    assert_int_equal(cluster_released(c, A), before + 10);
    assert_true(cluster_released_dual(c, A));
    end(c, A, B);
}

/* The standby may be first: nothing is released before the primary has it on its own disk. */
static void test_rep__release_waits_for_own_disk(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_by_hand(c, true);
    uint64_t before = cluster_released(c, A);
    cluster_write(c, A, 10);
    while (cluster_deliver(c, A, B, 0)) {
    }
    cluster_commit(c, B);
    while (cluster_deliver(c, B, A, 0)) {
    }
    assert_int_equal(cluster_released(c, A), before);
    cluster_commit(c, A);
    assert_int_equal(cluster_released(c, A), before + 10);
    assert_true(cluster_released_dual(c, A));
    end(c, A, B);
}

/* A1: a primary that loses its standby acknowledges nothing until it has logged that it is alone.
 */
static void test_rep__lost_standby_wait_then_solo(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_write(c, A, 5);
    cluster_run(c, 10);
    uint64_t before = cluster_released(c, A);
    cluster_kill(c, B);
    cluster_run(c, 1);
    assert_true(rep_is_waiting(cluster_rep(c, A)));
    assert_false(rep_may_decide(cluster_rep(c, A)));
    assert_int_equal(cluster_write(c, A, 1), 0);
    cluster_run(c, SOLO_AFTER_MS - 2);
    assert_true(rep_is_waiting(cluster_rep(c, A)));
    assert_int_equal(cluster_released(c, A), before);
    cluster_run(c, 1);
    assert_true(rep_is_solo(cluster_rep(c, A)));
    assert_int_equal(cluster_released(c, A), before + 1); /* the record that says so */
    assert_int_equal(cluster_write(c, A, 5), 5);
    assert_int_equal(cluster_released(c, A), before + 6);
    assert_false(cluster_released_dual(c, A));
    end_alone(c);
}

/* Going alone needs the record that says so on the disk, not only in memory. */
static void test_rep__solo_needs_its_record_durable(void **state)
{
    (void)state;
    struct cluster *c = pair();
    uint64_t before = cluster_released(c, A);
    cluster_by_hand(c, true);
    cluster_write(c, A, 4);
    cluster_kill(c, B);
    assert_true(cluster_deliver(c, B, A, 0)); /* the end of its link */
    cluster_pass(c, SOLO_AFTER_MS);
    assert_true(rep_is_waiting(cluster_rep(c, A)));
    cluster_commit_part(c, A, before + 4); /* all but the record that says so */
    assert_true(rep_is_waiting(cluster_rep(c, A)));
    assert_int_equal(cluster_released(c, A), before);
    assert_true(cluster_commit(c, A));
    assert_true(rep_is_solo(cluster_rep(c, A)));
    assert_int_equal(cluster_released(c, A), before + 5);
    end_alone(c);
}

/* A standby that comes back catches up, in large pieces, and counts again: the log says so. */
static void test_rep__catch_up_then_dual(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_kill(c, B);
    cluster_run(c, SOLO_AFTER_MS + 1);
    cluster_write(c, A, 5000);
    assert_false(cluster_released_dual(c, A));
    cluster_boot(c, B);
    cluster_run(c, 100);
    assert_false(rep_is_solo(cluster_rep(c, A)));
    cluster_write(c, A, 1);
    cluster_run(c, 1);
    assert_true(cluster_released_dual(c, A));
    assert_int_equal(cluster_released(c, A), cluster_last(c, A));
    end(c, A, B);
}

/* A link that breaks for a moment costs a moment: no solo, nothing cut off. */
static void test_rep__broken_link_is_joined_again(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_by_hand(c, true);
    cluster_write(c, A, 100);
    cluster_deliver(c, A, B, 0);
    cluster_commit(c, B); /* has some that A has not made durable */
    cluster_reset(c, A, B);
    assert_true(rep_is_waiting(cluster_rep(c, A)));
    cluster_by_hand(c, false);
    cluster_run(c, 100);
    assert_false(rep_is_waiting(cluster_rep(c, A)));
    assert_false(rep_is_solo(cluster_rep(c, A)));
    assert_int_equal(cluster_branches(c, B), 0);
    assert_int_equal(cluster_released(c, A), cluster_last(c, A));
    end(c, A, B);
}

/* Links die silently: silence is noticed within the time-out, by both. */
static void test_rep__silence_is_loss(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_cut(c, A, B);
    cluster_run(c, PEER_TIMEOUT_MS - 250);
    assert_true(rep_peer_connected(cluster_rep(c, A), 0));
    cluster_run(c, 251);
    assert_false(rep_peer_connected(cluster_rep(c, A), 0));
    assert_false(rep_peer_connected(cluster_rep(c, B), 0));
    cluster_run(c, SOLO_AFTER_MS);
    assert_true(rep_is_solo(cluster_rep(c, A)));
    cluster_write(c, A, 10);
    cluster_heal(c, A, B);
    cluster_run(c, 1000);
    assert_false(rep_is_solo(cluster_rep(c, A)));
    end(c, A, B);
}

/* A standby that answers pings and makes nothing durable must not stop the exam. */
static void test_rep__hanging_disk_of_standby_is_loss(void **state)
{
    (void)state;
    struct cluster *c = pair();
    uint64_t before = cluster_released(c, A);
    cluster_refuse_records(c, B, true);
    cluster_write(c, A, 1);
    cluster_run(c, PEER_TIMEOUT_MS / 2);
    assert_int_equal(cluster_released(c, A), before);
    cluster_run(c, PEER_TIMEOUT_MS + SOLO_AFTER_MS);
    assert_true(rep_is_solo(cluster_rep(c, A)));
    assert_int_equal(cluster_released(c, A), cluster_last(c, A));
    cluster_refuse_records(c, B, false);
    cluster_run(c, 500);
    assert_false(rep_is_solo(cluster_rep(c, A)));
    end(c, A, B);
}

/* Under steady load a standby that is always a few records behind counts all the same. */
static void test_rep__catches_up_under_load(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_kill(c, B);
    cluster_run(c, SOLO_AFTER_MS + 1);
    cluster_write(c, A, 2000);
    cluster_boot(c, B);
    cluster_by_hand(c, true);
    cluster_connect(c, A, B);
    for (int i = 0; i < 300 && rep_is_solo(cluster_rep(c, A)); i++) {
        cluster_write(c, A, 3);
        cluster_commit(c, A);
        for (int k = 0; k < 2; k++) {
            cluster_deliver(c, A, B, 0);
            cluster_deliver(c, B, A, 0);
        }
        cluster_commit(c, B);
        cluster_pass(c, 5);
    }
    assert_false(rep_is_solo(cluster_rep(c, A)));
    cluster_by_hand(c, false);
    cluster_run(c, 10);
    end(c, A, B);
}

/* A link that takes one frame at a time slows the stream down, and loses nothing. */
static void test_rep__full_link_is_tried_again(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_link_frames_max(c, 1);
    cluster_write(c, A, 4000);
    cluster_run(c, 1000);
    assert_int_equal(cluster_released(c, A), cluster_last(c, A));
    end(c, A, B);
}

/* The window bounds what is on its way, and opens again with every acknowledgement. */
static void test_rep__window_bounds_what_is_on_its_way(void **state)
{
    (void)state;
    struct rep_config figures = {.window_bytes = 64 * 1024};
    struct cluster *c = cluster_new(2, &figures);
    cluster_found(c, A);
    cluster_run(c, 100);
    cluster_by_hand(c, true);
    cluster_write(c, A, 10000);
    size_t frames = 0;
    while (cluster_deliver(c, A, B, 0))
        frames++;
    assert_in_range(frames, 1, 3);
    assert_true(cluster_last(c, B) < cluster_last(c, A) / 2);
    cluster_by_hand(c, false);
    cluster_run(c, 100);
    assert_int_equal(cluster_released(c, A), cluster_last(c, A));
    end(c, A, B);
}

/* ---------------------------------------------------------------- promotion (W1, W2) */

/* A switchover loses nothing: the old primary drains, hands over and follows. */
static void test_rep__switchover(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_write(c, A, 50);
    cluster_promote(c, B, false);
    cluster_settle(c);
    assert_reply(c, B, EXAM_OK);
    assert_int_equal(role(c, B), REP_ROLE_PRIMARY);
    assert_int_equal(role(c, A), REP_ROLE_STANDBY);
    assert_int_equal(rep_epoch(cluster_rep(c, A)), 2);
    assert_false(rep_is_solo(cluster_rep(c, B)));
    assert_false(rep_is_waiting(cluster_rep(c, B)));
    assert_int_equal(cluster_branches(c, A), 0);
    cluster_write(c, B, 5);
    cluster_settle(c);
    assert_true(cluster_released_dual(c, B));
    end(c, A, B);
}

/* While it drains the old primary decides nothing; what it had decided is released before it ends.
 */
static void test_rep__switchover_drains_first(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_by_hand(c, true);
    cluster_write(c, A, 20);
    cluster_promote(c, B, false);
    while (cluster_deliver(c, B, A, 0)) {
    }
    assert_true(rep_is_draining(cluster_rep(c, A)));
    assert_int_equal(cluster_write(c, A, 1), 0);
    assert_int_equal(role(c, A), REP_ROLE_PRIMARY);
    cluster_by_hand(c, false);
    cluster_settle(c);
    assert_int_equal(role(c, B), REP_ROLE_PRIMARY);
    assert_true(cluster_released(c, A) >= 20);
    end(c, A, B);
}

/* A handover that never comes to its end is given up: the primary goes on. */
static void test_rep__switchover_times_out(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_by_hand(c, true);
    cluster_write(c, A, 1);
    cluster_promote(c, B, false);
    while (cluster_deliver(c, B, A, 0) || cluster_deliver(c, A, B, 0)) {
    }
    assert_true(rep_is_draining(cluster_rep(c, A))); /* A's own disk hangs */
    for (int i = 0; i < 10; i++) {
        cluster_pass(c, PEER_TIMEOUT_MS / 8);
        cluster_commit(c, B);
        while (cluster_deliver(c, B, A, 0) || cluster_deliver(c, A, B, 0)) {
        }
    }
    assert_false(rep_is_draining(cluster_rep(c, A)));
    assert_reply(c, B, EXAM_TIMEOUT);
    cluster_by_hand(c, false);
    cluster_run(c, 100);
    assert_int_equal(role(c, A), REP_ROLE_PRIMARY);
    end(c, A, B);
}

/* With the primary out of contact a promotion needs a person's word that it is off. */
static void test_rep__attest(void **state)
{
    (void)state;
    struct cluster *c = pair();
    struct rep_preview preview;
    cluster_write(c, A, 10);
    cluster_run(c, 10);
    cluster_kill(c, A);
    cluster_run(c, 3000);
    assert_true(rep_needs_person(cluster_rep(c, B)));
    rep_promotion_preview(cluster_rep(c, B), cluster_now_ms(c), &preview);
    assert_int_equal(preview.code, EXAM_ATTEST);
    assert_string_equal(preview.primary, "A");
    assert_false(preview.primary_in_contact);
    assert_in_range(preview.primary_silent_ms, 2900, 3300);
    assert_false(preview.stale);
    cluster_promote(c, B, false);
    assert_reply(c, B, EXAM_ATTEST);
    assert_non_null(strstr(cluster_reply(c, B)->text, "attest"));
    assert_int_equal(role(c, B), REP_ROLE_STANDBY);
    cluster_promote(c, B, true);
    assert_reply(c, B, EXAM_OK);
    assert_int_equal(role(c, B), REP_ROLE_PRIMARY);
    assert_int_equal(rep_epoch(cluster_rep(c, B)), 2);
    assert_true(rep_is_solo(cluster_rep(c, B)));
    assert_int_equal(cluster_write(c, B, 5), 5);
    assert_int_equal(cluster_released(c, B), cluster_last(c, B));
    end_alone(c);
}

/* A promotion asked for at the very moment at which the path is cut is refused, not left hanging.
 */
static void test_rep__promotion_over_a_dead_link_needs_attest(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_cut(c, A, B);
    cluster_promote(c, B, false);
    assert_false(cluster_reply(c, B)->given);
    cluster_run(c, PEER_TIMEOUT_MS + 10);
    assert_reply(c, B, EXAM_ATTEST);
    assert_int_equal(role(c, B), REP_ROLE_STANDBY);
    end_alone(c);
}

/* An old primary without anything of its own follows its successor; nothing is cut off. */
static void test_rep__old_primary_returns_without_a_tail(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_write(c, A, 10);
    cluster_run(c, 10);
    cluster_kill(c, A);
    cluster_run(c, 2000);
    cluster_promote(c, B, true);
    cluster_write(c, B, 10);
    cluster_boot(c, A);
    assert_int_equal(role(c, A), REP_ROLE_STANDBY);
    cluster_run(c, 100);
    assert_int_equal(role(c, A), REP_ROLE_STANDBY);
    assert_int_equal(rep_epoch(cluster_rep(c, A)), 2);
    assert_int_equal(cluster_branches(c, A), 0);
    assert_false(rep_is_solo(cluster_rep(c, B)));
    end(c, A, B);
}

/* One with records that its successor never had keeps them apart, and follows. */
static void test_rep__old_primary_returns_with_a_tail(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_cut(c, A, B);
    cluster_run(c, SOLO_AFTER_MS + PEER_TIMEOUT_MS + 100);
    assert_int_equal(cluster_write(c, A, 7), 7); /* alone */
    cluster_kill(c, A);
    cluster_promote(c, B, true);
    cluster_write(c, B, 3);
    cluster_heal(c, A, B);
    cluster_boot(c, A);
    cluster_run(c, 100);
    assert_int_equal(role(c, A), REP_ROLE_STANDBY);
    assert_int_equal(cluster_branches(c, A), 1);
    end(c, A, B);
}

/* W1: after a wrong word both serve; when they meet, the lower epoch stops at once and follows. */
static void test_rep__dual_primary_heals(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_cut(c, A, B);
    cluster_run(c, PEER_TIMEOUT_MS + 10);
    cluster_promote(c, B, true); /* A is not off */
    cluster_run(c, SOLO_AFTER_MS);
    assert_int_equal(role(c, A), REP_ROLE_PRIMARY);
    assert_int_equal(cluster_write(c, A, 4), 4);
    assert_int_equal(cluster_write(c, B, 6), 6);
    assert_false(cluster_released_dual(c, A));
    cluster_heal(c, A, B);
    cluster_run(c, 300);
    assert_int_equal(role(c, A), REP_ROLE_STANDBY);
    assert_int_equal(role(c, B), REP_ROLE_PRIMARY);
    assert_int_equal(cluster_branches(c, A), 1);
    assert_int_equal(cluster_branches(c, B), 0);
    end(c, A, B);
}

/* D3: a standby that has been promoted takes nothing of its old primary, which learns why. */
static void test_rep__superseded_primary_gets_no_dual(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_by_hand(c, true);
    cluster_write(c, A, 3); /* on its way, and then nothing moves for a while */
    cluster_commit(c, A);
    uint64_t released = cluster_released(c, A), had = cluster_last(c, B);
    cluster_epoch_heard(c, B, 5);
    while (cluster_deliver(c, A, B, 0)) {
    }
    cluster_commit(c, B);
    assert_int_equal(cluster_last(c, B), had);
    while (cluster_deliver(c, B, A, 0)) {
    }
    assert_int_equal(role(c, A), REP_ROLE_FENCED);
    assert_int_equal(cluster_released(c, A), released);
    end_alone(c);
}

/* Two persons' wrong words give two primaries of one epoch: they must not both go on. */
static void test_rep__tie_of_epochs_is_settled(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_kill(c, A);
    cluster_cut(c, A, B);
    cluster_boot(c, A);
    cluster_run(c, 3000);
    cluster_promote(c, A, true);
    cluster_promote(c, B, true);
    assert_int_equal(rep_epoch(cluster_rep(c, A)), 2);
    assert_int_equal(rep_epoch(cluster_rep(c, B)), 2);
    cluster_write(c, A, 4);
    cluster_write(c, B, 9);
    cluster_heal(c, A, B);
    cluster_run(c, 300);
    assert_int_equal(role(c, A), REP_ROLE_PRIMARY);
    assert_int_equal(role(c, B), REP_ROLE_STANDBY);
    assert_int_equal(rep_epoch(cluster_rep(c, A)), 3);
    assert_int_equal(cluster_branches(c, B), 1);
    end(c, A, B);
}

/* The refusals of W2, each with a text: on the primary itself, and on one that is not in sync. */
static void test_rep__refused_promotions(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_promote(c, A, true);
    assert_reply(c, A, EXAM_STATE);
    assert_non_null(strstr(cluster_reply(c, A)->text, "A serves already"));
    cluster_kill(c, B);
    cluster_run(c, SOLO_AFTER_MS + 1);
    cluster_write(c, A, 5000);
    cluster_boot(c, B);
    cluster_by_hand(c, true);
    cluster_connect(c, A, B);
    cluster_promote(c, B, false);
    assert_reply(c, B, EXAM_ATTEST); /* has heard of nobody yet */
    assert_true(cluster_deliver(c, A, B, 0));
    assert_true(cluster_deliver(c, B, A, 0));
    assert_true(cluster_deliver(c, B, A, 0)); /* Join */
    cluster_promote(c, B, true);              /* no word overrules a primary that is there */
    assert_false(cluster_reply(c, B)->given);
    while (cluster_deliver(c, B, A, 0) || cluster_deliver(c, A, B, 0)) {
    }
    assert_reply(c, B, EXAM_STATE);
    assert_int_equal(role(c, A), REP_ROLE_PRIMARY);
    cluster_by_hand(c, false);
    cluster_run(c, 200);
    end(c, A, B);
}

/* What a promotion puts at stake is shown first: a stale standby knows that it is. */
static void test_rep__preview_of_a_stale_standby(void **state)
{
    (void)state;
    struct cluster *c = pair();
    struct rep_preview preview;
    rep_promotion_preview(cluster_rep(c, B), cluster_now_ms(c), &preview);
    assert_int_equal(preview.code, EXAM_OK);
    assert_true(preview.primary_in_contact);
    cluster_kill(c, B);
    cluster_run(c, SOLO_AFTER_MS + 1);
    cluster_write(c, A, 5000);
    cluster_boot(c, B);
    cluster_by_hand(c, true);
    cluster_connect(c, A, B);
    cluster_deliver(c, A, B, 0);
    cluster_kill(c, A);
    cluster_deliver(c, A, B, 0);
    rep_promotion_preview(cluster_rep(c, B), cluster_now_ms(c), &preview);
    assert_int_equal(preview.code, EXAM_ATTEST);
    assert_true(preview.stale);
    assert_true(preview.behind_records >= 5000);
    assert_non_null(strstr(preview.text, "lacks at least"));
    end_alone(c);
}

/* W4: a primary whose battery runs low hands over by itself, to a standby in sync or to nobody. */
static void test_rep__primary_hands_over_by_itself(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_write(c, A, 5);
    cluster_hand_over(c, B);
    assert_reply(c, B, EXAM_NOT_PRIMARY);
    cluster_hand_over(c, A);
    cluster_settle(c);
    assert_reply(c, A, EXAM_OK);
    assert_int_equal(role(c, B), REP_ROLE_PRIMARY);
    assert_int_equal(role(c, A), REP_ROLE_STANDBY);
    assert_true(cluster_logs_equal(c, A, B));
    cluster_kill(c, A);
    cluster_settle(c);
    cluster_hand_over(c, B);
    assert_reply(c, B, EXAM_STATE);
    assert_int_equal(role(c, B), REP_ROLE_PRIMARY);
    end_alone(c);
}

/* ---------------------------------------------------------------- restarts (W3) */

/* The only node of its site serves again by itself, under a new epoch. */
static void test_rep__single_node_serves_again(void **state)
{
    (void)state;
    struct cluster *c = cluster_new(1, NULL);
    cluster_found(c, A);
    assert_reply(c, A, EXAM_OK);
    cluster_write(c, A, 5);
    assert_int_equal(cluster_released(c, A), cluster_last(c, A));
    cluster_kill(c, A);
    cluster_boot(c, A);
    assert_int_equal(role(c, A), REP_ROLE_PRIMARY);
    assert_int_equal(rep_epoch(cluster_rep(c, A)), 2);
    assert_true(rep_is_solo(cluster_rep(c, A)));
    end_alone(c);
}

/* A restarted primary that sees the other, whom nobody promoted, serves again. */
static void test_rep__restarted_primary_serves_again(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_write(c, A, 5);
    cluster_run(c, 5);
    cluster_kill(c, A);
    cluster_run(c, 3000);
    cluster_boot(c, A);
    assert_int_equal(role(c, A), REP_ROLE_STANDBY);
    cluster_run(c, 50);
    assert_int_equal(role(c, A), REP_ROLE_PRIMARY);
    assert_int_equal(rep_epoch(cluster_rep(c, A)), 2);
    assert_int_equal(role(c, B), REP_ROLE_STANDBY);
    assert_false(rep_is_solo(cluster_rep(c, A)));
    assert_false(rep_is_waiting(cluster_rep(c, A)));
    end(c, A, B);
}

/* One that went down with records only its standby had made durable takes them back first. */
static void test_rep__restarted_primary_takes_its_last_records_back(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_by_hand(c, true);
    cluster_write(c, A, 30); /* sent before A's own commit, which never comes */
    while (cluster_deliver(c, A, B, 0)) {
    }
    cluster_commit(c, B);
    cluster_kill(c, A);
    cluster_by_hand(c, false);
    assert_int_equal(cluster_last(c, B), cluster_last(c, A) + 30);
    cluster_run(c, 3000);
    cluster_boot(c, A);
    cluster_run(c, 50);
    assert_int_equal(role(c, A), REP_ROLE_PRIMARY);
    assert_int_equal(cluster_branches(c, B), 0);
    assert_true(cluster_last(c, A) > 30);
    (void)cluster_trace(c);
    for (int i = 0; i < 5; i++) { /* and B, which gave them back, is a plain standby from here on */
        cluster_write(c, A, 3);
        cluster_run(c, 1000);
    }
    assert_null(strstr(cluster_trace(c), "closes"));
    end(c, A, B);
}

/* Alone after a restart it cannot know whether the other was promoted: it waits for a person. */
static void test_rep__restarted_primary_alone_waits(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_kill(c, B);
    cluster_run(c, SOLO_AFTER_MS + 1);
    cluster_write(c, A, 1);
    cluster_kill(c, A);
    cluster_boot(c, A);
    cluster_run(c, 10000);
    assert_int_equal(role(c, A), REP_ROLE_STANDBY);
    assert_true(rep_needs_person(cluster_rep(c, A)));
    cluster_promote(c, A, true);
    assert_reply(c, A, EXAM_OK);
    assert_int_equal(rep_epoch(cluster_rep(c, A)), 2);
    end_alone(c);
}

/* A standby that never served does not begin to by itself, whoever it meets. */
static void test_rep__restarted_standby_waits(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_kill(c, A);
    cluster_kill(c, B);
    cluster_boot(c, B);
    cluster_run(c, 5000);
    assert_int_equal(role(c, B), REP_ROLE_STANDBY);
    cluster_boot(c, A);
    cluster_run(c, 100);
    assert_int_equal(role(c, A), REP_ROLE_PRIMARY);
    end(c, A, B);
}

/* W3 wants contact with all others: of three nodes, one missing is one too many. */
static void test_rep__restarted_primary_needs_all_others(void **state)
{
    (void)state;
    struct cluster *c = cluster_new(3, NULL);
    cluster_found(c, A);
    cluster_run(c, 100);
    cluster_kill(c, C);
    cluster_kill(c, A);
    cluster_boot(c, A);
    cluster_run(c, 3000);
    assert_int_equal(role(c, A), REP_ROLE_STANDBY);
    cluster_boot(c, C);
    cluster_run(c, 100);
    assert_int_equal(role(c, A), REP_ROLE_PRIMARY);
    assert_true(cluster_logs_equal(c, A, C));
    end(c, A, B);
}

/* ---------------------------------------------------------------- the rest */

/* With two standbys one acknowledgement suffices: the loss of the other is no waiting. */
static void test_rep__one_of_two_standbys_suffices(void **state)
{
    (void)state;
    struct cluster *c = cluster_new(3, NULL);
    cluster_found(c, A);
    cluster_run(c, 100);
    cluster_kill(c, B);
    cluster_run(c, 1);
    assert_false(rep_is_waiting(cluster_rep(c, A)));
    assert_int_equal(cluster_write(c, A, 10), 10);
    cluster_run(c, 1);
    assert_int_equal(cluster_released(c, A), cluster_last(c, A));
    assert_true(cluster_released_dual(c, A));
    end(c, A, C);
}

/* W2: who has less of the log than another one in contact is not the one to promote. */
static void test_rep__promotion_names_the_better_heir(void **state)
{
    (void)state;
    struct cluster *c = cluster_new(3, NULL);
    cluster_found(c, A);
    cluster_run(c, 100);
    cluster_cut(c, A, B);
    cluster_run(c, PEER_TIMEOUT_MS + 100);
    cluster_write(c, A, 10); /* with C in sync */
    cluster_run(c, 10);
    cluster_kill(c, A);
    cluster_run(c, 2000);
    cluster_promote(c, B, true);
    assert_reply(c, B, EXAM_REFUSED);
    assert_non_null(strstr(cluster_reply(c, B)->text, "promote C"));
    cluster_promote(c, C, true);
    assert_reply(c, C, EXAM_OK);
    cluster_run(c, 100);
    end(c, B, C);
}

/* Of two links to one peer both ends keep the same. */
static void test_rep__two_links_become_one(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_connect(c, B, A);
    cluster_settle(c);
    assert_int_equal(cluster_links(c, A, B), 1);
    assert_false(rep_is_waiting(cluster_rep(c, A)));
    cluster_connect(c, A, B); /* a newer one of the same dialler takes its place */
    cluster_run(c, 10);
    assert_int_equal(cluster_links(c, A, B), 1);
    assert_false(rep_is_waiting(cluster_rep(c, A)));
    assert_false(rep_is_solo(cluster_rep(c, A)));
    cluster_write(c, A, 3);
    cluster_run(c, 10);
    end(c, A, B);
}

/* A Join that is lost to a full link is made good: nobody waits for ever. */
static void test_rep__lost_join_is_made_good(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_reset(c, A, B);
    cluster_by_hand(c, true);
    cluster_connect(c, A, B);
    assert_true(cluster_deliver(c, A, B, 0)); /* Hello */
    assert_true(cluster_deliver(c, B, A, 0));
    cluster_lose_message(c, B, A);
    cluster_by_hand(c, false);
    cluster_run(c, SOLO_AFTER_MS + 2 * PEER_TIMEOUT_MS + 1000);
    assert_false(rep_is_solo(cluster_rep(c, A)));
    assert_false(rep_is_waiting(cluster_rep(c, A)));
    end(c, A, B);
}

/* D6: a node that met an I/O error serves no more, and says no more. */
static void test_rep__failed_node_falls_silent(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_fail(c, A);
    cluster_settle(c);
    assert_int_equal(role(c, A), REP_ROLE_FAILED);
    assert_false(rep_peer_connected(cluster_rep(c, B), 0));
    assert_int_equal(cluster_write(c, A, 1), 0);
    cluster_run(c, 1000);
    assert_int_equal(role(c, A), REP_ROLE_FAILED);
    cluster_promote(c, B, true);
    assert_reply(c, B, EXAM_OK);
    end_alone(c);
}

/* A seat's mark of a higher epoch fences a primary as a peer's word does. */
static void test_rep__epoch_heard_from_a_seat_fences(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_epoch_heard(c, A, 1);
    assert_int_equal(role(c, A), REP_ROLE_PRIMARY);
    cluster_epoch_heard(c, A, 2);
    assert_int_equal(role(c, A), REP_ROLE_FENCED);
    assert_int_equal(cluster_write(c, A, 1), 0);
    end_alone(c);
}

/* An orderly end tells the others at once. */
static void test_rep__stop_is_noticed_at_once(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_stop(c, B);
    cluster_settle(c);
    assert_false(rep_peer_connected(cluster_rep(c, A), 0));
    assert_true(rep_is_waiting(cluster_rep(c, A)));
    end_alone(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rep__found_and_join),
        cmocka_unit_test(test_rep__found_is_refused_where_a_site_is),
        cmocka_unit_test(test_rep__two_sites_do_not_mix),
        cmocka_unit_test(test_rep__wiped_node_learns_first),
        cmocka_unit_test(test_rep__release_is_dual_when_both_have_it),
        cmocka_unit_test(test_rep__release_waits_for_own_disk),
        cmocka_unit_test(test_rep__lost_standby_wait_then_solo),
        cmocka_unit_test(test_rep__solo_needs_its_record_durable),
        cmocka_unit_test(test_rep__catch_up_then_dual),
        cmocka_unit_test(test_rep__broken_link_is_joined_again),
        cmocka_unit_test(test_rep__silence_is_loss),
        cmocka_unit_test(test_rep__hanging_disk_of_standby_is_loss),
        cmocka_unit_test(test_rep__catches_up_under_load),
        cmocka_unit_test(test_rep__full_link_is_tried_again),
        cmocka_unit_test(test_rep__window_bounds_what_is_on_its_way),
        cmocka_unit_test(test_rep__switchover),
        cmocka_unit_test(test_rep__switchover_drains_first),
        cmocka_unit_test(test_rep__switchover_times_out),
        cmocka_unit_test(test_rep__attest),
        cmocka_unit_test(test_rep__promotion_over_a_dead_link_needs_attest),
        cmocka_unit_test(test_rep__old_primary_returns_without_a_tail),
        cmocka_unit_test(test_rep__old_primary_returns_with_a_tail),
        cmocka_unit_test(test_rep__dual_primary_heals),
        cmocka_unit_test(test_rep__superseded_primary_gets_no_dual),
        cmocka_unit_test(test_rep__tie_of_epochs_is_settled),
        cmocka_unit_test(test_rep__refused_promotions),
        cmocka_unit_test(test_rep__preview_of_a_stale_standby),
        cmocka_unit_test(test_rep__primary_hands_over_by_itself),
        cmocka_unit_test(test_rep__single_node_serves_again),
        cmocka_unit_test(test_rep__restarted_primary_serves_again),
        cmocka_unit_test(test_rep__restarted_primary_takes_its_last_records_back),
        cmocka_unit_test(test_rep__restarted_primary_alone_waits),
        cmocka_unit_test(test_rep__restarted_standby_waits),
        cmocka_unit_test(test_rep__restarted_primary_needs_all_others),
        cmocka_unit_test(test_rep__one_of_two_standbys_suffices),
        cmocka_unit_test(test_rep__promotion_names_the_better_heir),
        cmocka_unit_test(test_rep__two_links_become_one),
        cmocka_unit_test(test_rep__lost_join_is_made_good),
        cmocka_unit_test(test_rep__failed_node_falls_silent),
        cmocka_unit_test(test_rep__epoch_heard_from_a_seat_fences),
        cmocka_unit_test(test_rep__stop_is_noticed_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
