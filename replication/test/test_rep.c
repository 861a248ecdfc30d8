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

/* B has lost its disk and got only a part of the log back; it is down, and so is A. */
static struct cluster *half_copied(void)
{
    struct cluster *c = pair();
    cluster_write(c, A, 2000);
    cluster_run(c, 100);
    cluster_kill(c, B);
    cluster_wipe(c, B);
    cluster_boot(c, B);
    cluster_by_hand(c, true);
    cluster_connect(c, A, B);
    while (cluster_last(c, B) < 100)
        if (!cluster_deliver(c, A, B, 0) && !cluster_deliver(c, B, A, 0))
            fail_msg("B gets no records");
    assert_true(cluster_commit(c, B));
    assert_true(cluster_durable(c, B) < cluster_last(c, A));
    cluster_kill(c, B);
    cluster_kill(c, A);
    cluster_by_hand(c, false);
    return c;
}

/* D7: a crash in the middle of copying makes no standby of a learner: nobody can promote it. */
static void test_rep__half_copied_node_is_not_promoted(void **state)
{
    (void)state;
    struct cluster *c = half_copied();
    cluster_boot(c, B);
    cluster_run(c, 3000);
    assert_int_equal(role(c, B), REP_ROLE_STANDBY);
    assert_true(rep_is_learning(cluster_rep(c, B)));
    struct rep_preview p;
    rep_promotion_preview(cluster_rep(c, B), cluster_now_ms(c), &p);
    assert_int_equal(p.code, EXAM_STATE);
    cluster_promote(c, B, true);
    assert_reply(c, B, EXAM_STATE);
    assert_non_null(strstr(cluster_reply(c, B)->text, "D7"));
    end_alone(c);
}

/* D7, R4: when no whole copy is left, a person may force what there is, and is told beforehand
 * where it ends. It vouches for its log from then on, over crashes, too; a whole copy that comes
 * back after all is set apart (A3). */
static void test_rep__forced_learner_goes_on_with_what_it_has(void **state)
{
    (void)state;
    struct rep_preview p;
    char ends[64];
    struct cluster *c = half_copied();
    cluster_allow_stale_heirs(c); /* it lacks what was released: that is the point */
    cluster_boot(c, B);
    cluster_run(c, 3000);
    uint64_t had = cluster_last(c, B);
    rep_promotion_preview(cluster_rep(c, B), cluster_now_ms(c), &p);
    assert_true(p.forcible);
    snprintf(ends, sizeof ends, "ends at record %llu", (unsigned long long)had);
    assert_non_null(strstr(p.forced_text, ends));
    cluster_promote_forced(c, B, false);
    assert_reply(c, B, EXAM_ATTEST);
    cluster_promote_forced(c, B, true);
    assert_reply(c, B, EXAM_OK);
    assert_int_equal(cluster_primary(c), B);
    assert_true(rep_is_solo(cluster_rep(c, B)));
    assert_int_equal(cluster_last(c, B), had + 1);
    assert_false(rep_is_learning(cluster_rep(c, B)));
    cluster_kill(c, B);
    cluster_boot(c, B);
    assert_false(rep_is_learning(cluster_rep(c, B)));
    cluster_promote(c, B, true);
    cluster_boot(c, A);
    cluster_run(c, 3000);
    assert_int_equal(cluster_primary(c), B);
    assert_int_equal(cluster_branches(c, A), 1);
    end(c, A, B);
}

/* D7: whoever dies before it is kept that the epoch was forced is a learner as before. */
static void test_rep__forced_learner_that_dies_is_a_learner(void **state)
{
    (void)state;
    struct cluster *c = half_copied();
    cluster_allow_stale_heirs(c);
    for (size_t effects = 1; effects <= 2; effects++) { /* beginning the epoch; keeping */
        cluster_boot(c, B);
        cluster_run(c, 100);
        cluster_fuse(c, B, effects);
        cluster_promote_forced(c, B, true);
        assert_false(cluster_is_up(c, B));
        cluster_boot(c, B);
        cluster_run(c, 100);
        assert_int_equal(role(c, B), REP_ROLE_STANDBY);
        assert_true(rep_is_learning(cluster_rep(c, B)));
        cluster_kill(c, B);
    }
    cluster_boot(c, B);
    cluster_promote_forced(c, B, true);
    assert_reply(c, B, EXAM_OK);
    end_alone(c);
}

/* D7: nothing is forced where an ordinary promotion would do, beside a copy that is whole, with
 * nothing, or where somebody serves. */
static void test_rep__forcing_is_the_last_resort(void **state)
{
    (void)state;
    struct rep_preview p;
    struct cluster *c = half_copied();
    cluster_boot(c, A);
    cluster_promote_forced(c, A, true);
    assert_reply(c, A, EXAM_STATE);
    assert_non_null(strstr(cluster_reply(c, A)->text, "without forcing"));
    cluster_boot(c, B);
    cluster_run(c, 300);
    cluster_promote_forced(c, B, true);
    assert_reply(c, B, EXAM_REFUSED);
    assert_non_null(strstr(cluster_reply(c, B)->text, "promote A"));
    rep_promotion_preview(cluster_rep(c, B), cluster_now_ms(c), &p);
    assert_false(p.forcible);
    assert_non_null(strstr(p.forced_text, "promote A"));
    uint64_t had = cluster_last(c, B);
    cluster_frame_records_max(c, 10);
    cluster_by_hand(c, true);
    cluster_promote(c, A, true);
    while (cluster_last(c, B) < had + 100)
        if (!cluster_deliver(c, A, B, 0) && !cluster_deliver(c, B, A, 0) && !cluster_commit(c, B) &&
            !cluster_commit(c, A))
            fail_msg("B gets no records");
    cluster_promote_forced(c, B, true);
    assert_reply(c, B, EXAM_STATE);
    assert_non_null(strstr(cluster_reply(c, B)->text, "A serves"));
    cluster_by_hand(c, false);
    cluster_kill(c, A);
    cluster_kill(c, B);
    cluster_wipe(c, B);
    cluster_boot(c, B);
    cluster_promote_forced(c, B, true);
    assert_reply(c, B, EXAM_STATE);
    assert_non_null(strstr(cluster_reply(c, B)->text, "empty"));
    end_alone(c);
}

/* D7: of two learners the one that has more is to be forced, and the other one follows it. */
static void test_rep__forcing_names_the_learner_that_has_more(void **state)
{
    (void)state;
    struct cluster *c = cluster_new(3, NULL);
    cluster_allow_stale_heirs(c);
    cluster_found(c, A);
    cluster_run(c, 100);
    cluster_kill(c, B);
    cluster_kill(c, C);
    cluster_wipe(c, B);
    cluster_wipe(c, C);
    cluster_run(c, SOLO_AFTER_MS + PEER_TIMEOUT_MS + 100);
    cluster_write(c, A, 2000);
    cluster_frame_records_max(c, 10);
    cluster_by_hand(c, true);
    for (int node = B; node <= C; node++) {
        cluster_boot(c, node);
        cluster_connect(c, A, node);
        while (cluster_last(c, node) < (node == B ? 50U : 100U))
            if (!cluster_deliver(c, A, node, 0) && !cluster_deliver(c, node, A, 0))
                fail_msg("no records come");
        assert_true(cluster_commit(c, node));
        cluster_kill(c, node);
    }
    cluster_kill(c, A);
    cluster_by_hand(c, false);
    cluster_boot(c, B);
    cluster_boot(c, C);
    cluster_run(c, 1000);
    cluster_promote_forced(c, B, true);
    assert_reply(c, B, EXAM_REFUSED);
    assert_non_null(strstr(cluster_reply(c, B)->text, "it is C"));
    cluster_promote_forced(c, C, true);
    assert_reply(c, C, EXAM_OK);
    cluster_run(c, 1000);
    assert_false(rep_is_solo(cluster_rep(c, C)));
    end(c, B, C);
}

/* D7, W3: a learner does not vouch that nobody was promoted; a person says it. */
static void test_rep__learner_does_not_vouch_for_a_restart(void **state)
{
    (void)state;
    struct cluster *c = half_copied();
    cluster_boot(c, A);
    cluster_boot(c, B);
    cluster_run(c, 3000);
    assert_int_equal(role(c, A), REP_ROLE_STANDBY);
    assert_true(rep_needs_person(cluster_rep(c, A)));
    cluster_promote(c, A, false);
    assert_reply(c, A, EXAM_ATTEST);
    assert_non_null(strstr(cluster_reply(c, A)->text, "lost its disk"));
    cluster_promote(c, A, true);
    assert_reply(c, A, EXAM_OK);
    cluster_run(c, 3000);
    assert_false(rep_is_learning(cluster_rep(c, B)));
    assert_false(rep_is_solo(cluster_rep(c, A)));
    end(c, A, B);
}

/* D7: B served after A and lost its disk, and with it what it alone had been told. A, who knows
 * nothing of that, does not serve by itself. */
static void test_rep__older_node_does_not_serve_beside_a_wiped_one(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_kill(c, A);
    cluster_run(c, 10);
    cluster_promote(c, B, true);
    cluster_write(c, B, 5);
    cluster_run(c, 10);
    cluster_kill(c, B);
    cluster_wipe(c, B);
    cluster_boot(c, A);
    cluster_boot(c, B);
    cluster_run(c, 5000);
    assert_int_equal(role(c, A), REP_ROLE_STANDBY);
    assert_int_equal(role(c, B), REP_ROLE_EMPTY);
    assert_true(rep_needs_person(cluster_rep(c, A)));
    end_alone(c);
}

/* D1, D7: a learner's acknowledgements count for nothing, however many records it has. */
static void test_rep__learner_is_not_in_sync(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_write(c, A, 2000);
    cluster_run(c, 10);
    cluster_kill(c, B);
    cluster_wipe(c, B);
    cluster_run(c, SOLO_AFTER_MS + PEER_TIMEOUT_MS + 100);
    cluster_boot(c, B);
    cluster_by_hand(c, true);
    cluster_connect(c, A, B);
    while (rep_is_learning(cluster_rep(c, B))) {
        struct rep_peer_status s;
        rep_peer_status(cluster_rep(c, A), 0, cluster_now_ms(c), &s);
        assert_false(s.in_sync);
        cluster_hand_over(c, A);
        assert_reply(c, A, EXAM_STATE);
        if (!cluster_deliver(c, A, B, 0) && !cluster_commit(c, B) && !cluster_deliver(c, B, A, 0))
            fail_msg("B gets no records");
    }
    cluster_by_hand(c, false);
    cluster_run(c, 100);
    assert_false(rep_is_solo(cluster_rep(c, A)));
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

/* It catches up until it has had all once. From then on it may be behind, but what it makes durable
 * counts, so nothing of it may wait; and not when nobody sends. */
static void test_rep__catches_up_once(void **state)
{
    (void)state;
    struct rep_config figures = {.window_bytes = 64 * 1024};
    struct cluster *c = cluster_new(2, &figures);
    size_t catching_up = 0;
    cluster_found(c, A);
    cluster_run(c, 100);
    assert_false(rep_is_catching_up(cluster_rep(c, B)));
    cluster_kill(c, B);
    cluster_run(c, SOLO_AFTER_MS + 1);
    cluster_write(c, A, 5000);
    cluster_commit(c, A);
    cluster_boot(c, B);
    assert_false(rep_is_catching_up(cluster_rep(c, B)));
    cluster_by_hand(c, true);
    cluster_connect(c, A, B);
    for (int i = 0; i < 1000 && cluster_durable(c, B) < cluster_durable(c, A); i++) {
        cluster_deliver(c, A, B, 0);
        bool lacks = cluster_last(c, B) < cluster_durable(c, A) && cluster_last(c, B) > 1000;
        catching_up += rep_is_catching_up(cluster_rep(c, B));
        assert_true(!lacks || rep_is_catching_up(cluster_rep(c, B)));
        cluster_commit(c, B);
        cluster_deliver(c, B, A, 0);
    }
    assert_true(catching_up > 10);
    assert_false(rep_is_catching_up(cluster_rep(c, B)));
    assert_false(rep_is_catching_up(cluster_rep(c, A)));
    cluster_write(c, A, 5000);
    cluster_commit(c, A);
    for (int i = 0; i < 5; i++) {
        cluster_pass(c, 100); /* its pings say what it has */
        cluster_deliver(c, A, B, 0);
        assert_false(rep_is_catching_up(cluster_rep(c, B)));
    }
    cluster_by_hand(c, false);
    cluster_run(c, 100);
    cluster_cut(c, A, B);
    cluster_run(c, 2 * PEER_TIMEOUT_MS);
    assert_false(rep_is_catching_up(cluster_rep(c, B)));
    cluster_heal(c, A, B);
    cluster_run(c, 1000);
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

/* However small they are, no more stretches of records are on their way than the core keeps track
 * of; the rest follows as they are acknowledged. */
static void test_rep__stretches_on_their_way_are_counted(void **state)
{
    enum { STRETCHES_MAX = 128 };
    (void)state;
    struct cluster *c = pair();
    size_t frames = 0;
    cluster_by_hand(c, true);
    for (int i = 0; i < 2 * STRETCHES_MAX; i++)
        assert_int_equal(cluster_write(c, A, 1), 1);
    while (cluster_deliver(c, A, B, 0))
        frames++;
    assert_int_equal(frames, STRETCHES_MAX);
    cluster_by_hand(c, false);
    cluster_run(c, 100);
    assert_int_equal(cluster_released(c, A), cluster_last(c, A));
    end(c, A, B);
}

/* A link that is lost with a full window takes nothing of the next one's. */
static void test_rep__window_is_a_links_own(void **state)
{
    (void)state;
    struct rep_config figures = {.window_bytes = 64 * 1024};
    struct cluster *c = cluster_new(2, &figures);
    cluster_found(c, A);
    cluster_run(c, 100);
    for (int i = 0; i < 3; i++) {
        cluster_by_hand(c, true);
        cluster_write(c, A, 3000);
        cluster_reset(c, A, B); /* with all that was on its way */
        cluster_by_hand(c, false);
        cluster_run(c, 1000);
        assert_int_equal(cluster_released(c, A), cluster_last(c, A));
        assert_true(cluster_released_dual(c, A));
    }
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

/* ---------------------------------------------------------------- locked (P3) */

/* B was restarted, and has no data key yet: it follows all the same. */
static struct cluster *pair_with_locked(void)
{
    struct cluster *c = pair();
    cluster_boots_locked(c, true);
    cluster_kill(c, B);
    cluster_boot(c, B);
    cluster_run(c, 500);
    cluster_write(c, A, 5);
    cluster_settle(c);
    assert_true(cluster_logs_equal(c, A, B));
    assert_true(cluster_released_dual(c, A));
    return c;
}

/* A locked standby follows, vouches for what it has, and is not promoted, attested or forced. */
static void test_rep__locked_standby_follows_and_is_not_promoted(void **state)
{
    (void)state;
    struct cluster *c = pair_with_locked();
    struct rep_preview preview;
    cluster_promote(c, B, false);
    cluster_settle(c);
    assert_reply(c, B, EXAM_REFUSED);
    assert_non_null(strstr(cluster_reply(c, B)->text, "examctl unlock B"));
    assert_int_equal(role(c, A), REP_ROLE_PRIMARY);
    cluster_kill(c, A);
    cluster_run(c, 2000);
    cluster_promote(c, B, true);
    assert_reply(c, B, EXAM_REFUSED);
    cluster_promote_forced(c, B, true);
    assert_reply(c, B, EXAM_REFUSED);
    rep_promotion_preview(cluster_rep(c, B), cluster_now_ms(c), &preview);
    assert_int_equal(preview.code, EXAM_REFUSED);
    assert_int_equal(role(c, B), REP_ROLE_STANDBY);
    cluster_unlock(c, B);
    assert_int_equal(role(c, B), REP_ROLE_STANDBY); /* nobody asked it to serve */
    cluster_promote(c, B, true);
    assert_reply(c, B, EXAM_OK);
    assert_int_equal(role(c, B), REP_ROLE_PRIMARY);
    end_alone(c);
}

/* W4: nobody hands over to a node that could not go on; as soon as it could, it is heard of. */
static void test_rep__nobody_hands_over_to_a_locked_standby(void **state)
{
    (void)state;
    struct cluster *c = pair_with_locked();
    cluster_hand_over(c, A);
    cluster_settle(c);
    assert_reply(c, A, EXAM_STATE);
    assert_int_equal(role(c, A), REP_ROLE_PRIMARY);
    cluster_unlock(c, B);
    cluster_run(c, 500);
    cluster_hand_over(c, A);
    cluster_settle(c);
    assert_reply(c, A, EXAM_OK);
    assert_int_equal(role(c, B), REP_ROLE_PRIMARY);
    end(c, A, B);
}

/* W3: a primary that restarts serves again by itself, but not before it can. */
static void test_rep__locked_primary_serves_again_when_it_is_unlocked(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_boots_locked(c, true);
    cluster_kill(c, A);
    cluster_boot(c, A);
    cluster_run(c, 5000);
    assert_int_equal(role(c, A), REP_ROLE_STANDBY);
    cluster_unlock(c, A);
    cluster_settle(c);
    assert_int_equal(role(c, A), REP_ROLE_PRIMARY);
    assert_int_equal(rep_epoch(cluster_rep(c, A)), 2);
    end(c, A, B);
}

/* The only node of a site, too; and it founds none. */
static void test_rep__locked_node_alone_waits(void **state)
{
    (void)state;
    struct cluster *c = cluster_new(1, NULL);
    cluster_boots_locked(c, true);
    cluster_kill(c, A);
    cluster_boot(c, A);
    cluster_found(c, A);
    assert_reply(c, A, EXAM_REFUSED);
    assert_int_equal(role(c, A), REP_ROLE_EMPTY);
    cluster_unlock(c, A);
    cluster_found(c, A);
    assert_reply(c, A, EXAM_OK);
    cluster_write(c, A, 5);
    cluster_kill(c, A);
    cluster_boot(c, A);
    cluster_run(c, 5000);
    assert_int_equal(role(c, A), REP_ROLE_STANDBY);
    cluster_unlock(c, A);
    assert_int_equal(role(c, A), REP_ROLE_PRIMARY);
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

/* A primary that has hung was dead (T5): it begins anew, by itself where a restart would (W3). */
static void test_rep__hung_primary_begins_anew(void **state)
{
    (void)state;
    struct cluster *alone = cluster_new(1, NULL);
    cluster_found(alone, A);
    cluster_write(alone, A, 5);
    cluster_hung(alone, A);
    cluster_settle(alone);
    assert_int_equal(role(alone, A), REP_ROLE_PRIMARY);
    assert_int_equal(rep_epoch(cluster_rep(alone, A)), 2);
    end_alone(alone);

    struct cluster *c = pair();
    cluster_write(c, A, 5);
    cluster_run(c, 5);
    cluster_hung(c, A);
    assert_int_equal(role(c, A), REP_ROLE_STANDBY); /* what B said before the hang does not count */
    cluster_run(c, 1000);
    assert_int_equal(role(c, A), REP_ROLE_PRIMARY);
    assert_int_equal(rep_epoch(cluster_rep(c, A)), 2);
    assert_false(rep_is_solo(cluster_rep(c, A)));
    cluster_hung(c, B); /* a standby has nothing to give up */
    cluster_run(c, 1000);
    assert_int_equal(role(c, B), REP_ROLE_STANDBY);
    assert_int_equal(rep_epoch(cluster_rep(c, A)), 2);
    end(c, A, B);
}

/* One that cannot hear the other cannot know whether it was promoted: it waits for a person. What
 * it had not made durable as it hung does not keep it from serving again. */
static void test_rep__hung_primary_waits_for_the_others(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_cut(c, A, B);
    cluster_run(c, 5000);
    assert_true(rep_is_solo(cluster_rep(c, A)));
    cluster_by_hand(c, true);
    cluster_write(c, A, 3);
    cluster_hung(c, A);
    cluster_commit(c, A);
    cluster_by_hand(c, false);
    cluster_run(c, 5000);
    assert_int_equal(role(c, A), REP_ROLE_STANDBY);
    cluster_promote(c, B, true);
    assert_reply(c, B, EXAM_OK);
    cluster_heal(c, A, B);
    cluster_run(c, 5000);
    assert_int_equal(role(c, B), REP_ROLE_PRIMARY);
    assert_int_equal(role(c, A), REP_ROLE_STANDBY);
    end(c, A, B);

    struct cluster *alone = cluster_new(1, NULL);
    cluster_found(alone, A);
    cluster_by_hand(alone, true);
    cluster_write(alone, A, 3);
    cluster_hung(alone, A);
    assert_int_equal(role(alone, A), REP_ROLE_STANDBY);
    cluster_commit(alone, A);
    cluster_by_hand(alone, false);
    cluster_settle(alone);
    assert_int_equal(role(alone, A), REP_ROLE_PRIMARY);
    end_alone(alone);
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

/* Two persons have attested, each of another node: both serve, in epochs of one number. */
static struct cluster *twins(void)
{
    struct cluster *c = pair();
    cluster_kill(c, A);
    cluster_cut(c, A, B);
    cluster_boot(c, A);
    cluster_run(c, 3000);
    cluster_promote(c, A, true);
    cluster_promote(c, B, true);
    assert_int_equal(rep_epoch(cluster_rep(c, A)), 2);
    assert_int_equal(rep_epoch(cluster_rep(c, B)), 2);
    return c;
}

/* Both go down, come back in contact, and wait until a person promotes the heir. */
static void assert_both_wait(struct cluster *c, int heir, int other)
{
    cluster_kill(c, A);
    cluster_kill(c, B);
    cluster_heal(c, A, B);
    cluster_boot(c, A);
    cluster_boot(c, B);
    cluster_run(c, 3000);
    assert_int_equal(role(c, A), REP_ROLE_STANDBY);
    assert_int_equal(role(c, B), REP_ROLE_STANDBY);
    cluster_promote(c, heir, true);
    assert_reply(c, heir, EXAM_OK);
    cluster_run(c, 100);
    assert_int_equal(cluster_branches(c, other), 1);
    end(c, A, B);
}

/* W3: whoever finds that another was promoted since waits for a person: to its own number ... */
static void test_rep__restarted_twins_wait_for_a_person(void **state)
{
    (void)state;
    assert_both_wait(twins(), A, B);
}

/* ... or to a lower one. */
static void test_rep__restarted_primary_waits_for_a_lower_epoch_it_lacks(void **state)
{
    (void)state;
    struct cluster *c = twins();
    cluster_epoch_shared(c, B, 2);
    cluster_kill(c, A);
    cluster_boot(c, A);
    cluster_run(c, 3000);
    cluster_promote(c, A, true);
    assert_int_equal(rep_epoch(cluster_rep(c, A)), 3);
    assert_int_equal(rep_epoch(cluster_rep(c, B)), 4);
    assert_both_wait(c, B, A);
}

/* W1: a branch that is cut off takes its epochs out of the log. Whoever dies at that moment still
 * knows that it has begun them. */
static void test_rep__cut_epochs_are_not_begun_again(void **state)
{
    enum { EFFECTS = 30 };
    size_t cuts = 0;
    (void)state;
    for (size_t effect = 1; effect <= EFFECTS; effect++) {
        struct cluster *c = twins();
        cluster_kill(c, A);
        cluster_boot(c, A);
        cluster_fuse(c, A, effect);
        cluster_heal(c, A, B);
        cluster_run(c, 1000);
        cuts += cluster_branches(c, A);
        if (cluster_is_up(c, A))
            cluster_kill(c, A);
        cluster_cut(c, A, B);
        cluster_boot(c, A);
        cluster_run(c, 3000);
        cluster_promote(c, A, true);
        assert_reply(c, A, EXAM_OK);
        if (rep_epoch(cluster_rep(c, A)) <= 2)
            fail_msg("it died before effect %zu, and begins epoch 2 again", effect);
        cluster_heal(c, A, B);
        cluster_run(c, 1000);
        end(c, A, B);
    }
    assert_true(cuts > 0 && cuts < EFFECTS);
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

/* D6, D7: that B has learned could not be kept. So A must not hear of it: what it would take for
 * dual, nobody would vouch for when B is back. */
static void test_rep__nothing_is_said_that_could_not_be_kept(void **state)
{
    (void)state;
    struct cluster *c = half_copied();
    cluster_boot(c, A);
    cluster_promote(c, A, true);
    cluster_boot(c, B);
    cluster_fail_learned(c, B);
    cluster_run(c, 3000);
    assert_int_equal(role(c, B), REP_ROLE_FAILED);
    assert_true(cluster_durable(c, B) == cluster_last(c, A)); /* it has all, and may not say so */
    assert_int_equal(cluster_counts(c)->in_sync, 1);          /* before it lost its disk */
    cluster_kill(c, B);
    cluster_boot(c, B);
    cluster_run(c, 3000);
    assert_false(rep_is_solo(cluster_rep(c, A)));
    end(c, A, B);
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

/* D3, W1: what a standby has heard of epochs outlasts its crash. C hears of B's epoch, dies before
 * it has a record of it, and then meets A, who has heard nothing: A gets no dual of it. */
static struct cluster *standby_hears_and_dies(bool forgetful)
{
    struct cluster *c = cluster_new(3, NULL);
    if (forgetful)
        cluster_forgetful(c);
    cluster_found(c, A);
    cluster_run(c, 100);
    cluster_cut(c, A, B);
    cluster_cut(c, A, C);
    cluster_cut(c, B, C);
    cluster_run(c, SOLO_AFTER_MS + PEER_TIMEOUT_MS + 100);
    cluster_promote(c, B, true);
    assert_reply(c, B, EXAM_OK);
    cluster_by_hand(c, true);
    cluster_heal(c, B, C);
    cluster_connect(c, B, C);
    assert_true(cluster_deliver(c, B, C, 0)); /* Hello */
    assert_int_equal(rep_epoch(cluster_rep(c, C)), 2);
    cluster_kill(c, B);
    cluster_kill(c, C);
    cluster_by_hand(c, false);
    cluster_heal(c, A, C);
    cluster_boot(c, C);
    cluster_run(c, 1000);
    return c;
}

static void test_rep__epoch_heard_of_outlasts_a_crash(void **state)
{
    (void)state;
    struct cluster *c = standby_hears_and_dies(false);
    assert_int_equal(role(c, A), REP_ROLE_FENCED);
    assert_int_equal(cluster_write(c, A, 1), 0);
    end_alone(c);
    c = standby_hears_and_dies(true); /* the control: it would vouch for A */
    assert_non_null(cluster_broken(c));
    assert_non_null(strstr(cluster_broken(c), "has heard of epoch"));
    cluster_free(c);
}

/* W1, A3: two nodes began an epoch of the same number, and a seat that both have served proves it:
 * the one that it comes to goes on above it. */
static void test_rep__shared_epoch_is_left_behind(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_epoch_shared(c, B, 1); /* not a primary: nothing to leave */
    assert_int_equal(role(c, B), REP_ROLE_STANDBY);
    cluster_cut(c, A, B);
    cluster_epoch_shared(c, A, 1);
    assert_int_equal(role(c, A), REP_ROLE_PRIMARY);
    assert_int_equal(rep_epoch(cluster_rep(c, A)), 3); /* B would take 2 */
    cluster_epoch_shared(c, A, 1); /* told again: that one is behind it already */
    assert_int_equal(rep_epoch(cluster_rep(c, A)), 3);
    cluster_heal(c, A, B);
    cluster_run(c, 4000);
    end(c, A, B);
}

/* W1: seats have seen an epoch that is lost with the disk of who began it, and refuse the primary.
 * A person who promotes it once more takes it above what they claim; without that it stays as it
 * is. */
static void test_rep__primary_is_promoted_above_a_claim(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_promote_above(c, A, 1);
    assert_reply(c, A, EXAM_STATE);
    assert_int_equal(rep_epoch(cluster_rep(c, A)), 1);
    cluster_promote_above(c, A, 5);
    assert_reply(c, A, EXAM_OK);
    assert_int_equal(cluster_primary(c), A);
    assert_int_equal(rep_epoch(cluster_rep(c, A)), 6);
    cluster_run(c, 1000);
    assert_false(rep_is_solo(cluster_rep(c, A)));
    end(c, A, B);
}

/* W2: the preview names who else is known to have more of the log. */
static void test_rep__preview_names_who_has_more(void **state)
{
    (void)state;
    struct cluster *c = cluster_new(3, NULL);
    struct rep_preview p;
    cluster_found(c, A);
    cluster_run(c, 100);
    cluster_refuse_records(c, C, true);
    cluster_write(c, A, 10); /* with B in sync */
    cluster_run(c, 300);
    cluster_kill(c, A);
    cluster_kill(c, B);
    cluster_kill(c, C); /* it forgets what it was sent, and was told */
    cluster_refuse_records(c, C, false);
    cluster_boot(c, C);
    cluster_run(c, 100);
    rep_promotion_preview(cluster_rep(c, C), cluster_now_ms(c), &p);
    assert_int_equal(p.code, EXAM_ATTEST);
    assert_null(p.elsewhere); /* nothing heard since it started */
    cluster_boot(c, B);
    cluster_run(c, 100);
    cluster_kill(c, B);
    cluster_run(c, 2000);
    rep_promotion_preview(cluster_rep(c, C), cluster_now_ms(c), &p);
    assert_int_equal(p.code, EXAM_ATTEST);
    assert_non_null(p.elsewhere);
    assert_string_equal(p.elsewhere, "B");
    assert_int_equal(p.elsewhere_lsn, cluster_last(c, B));
    assert_non_null(strstr(p.text, "B is known to have had the log"));
    end_alone(c);
}

/* The same, met by the nodes themselves: A served an epoch of the number that B's has, and returns
 * as a standby. What A did there is a dead branch of its own. */
static void test_rep__returning_branch_of_the_same_number(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_kill(c, B);
    cluster_kill(c, A);
    cluster_boot(c, A);
    cluster_promote(c, A, true);
    assert_int_equal(cluster_write(c, A, 3), 3);
    cluster_kill(c, A);
    cluster_boot(c, B);
    cluster_promote(c, B, true);
    assert_int_equal(rep_epoch(cluster_rep(c, B)), 2);
    cluster_boot(c, A);
    cluster_run(c, 100);
    assert_int_equal(cluster_primary(c), B);
    assert_int_equal(rep_epoch(cluster_rep(c, B)), 4); /* A would have taken 3 */
    assert_int_equal(cluster_branches(c, A), 1);
    end(c, A, B);
}

/* W1: who settles a number out of contact with another who settles it takes another one. Both times
 * a seat has been served by both. */
static void test_rep__numbers_that_settle_differ(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_kill(c, A);
    cluster_cut(c, A, B);
    cluster_boot(c, A);
    cluster_run(c, 3000);
    cluster_promote(c, A, true);
    cluster_promote(c, B, true);
    cluster_epoch_shared(c, B, 2);
    cluster_epoch_shared(c, A, 2);
    assert_int_equal(role(c, A), REP_ROLE_PRIMARY);
    assert_int_equal(role(c, B), REP_ROLE_PRIMARY);
    assert_int_equal(rep_epoch(cluster_rep(c, A)), 3);
    assert_int_equal(rep_epoch(cluster_rep(c, B)), 4);
    cluster_heal(c, A, B);
    cluster_run(c, 300);
    assert_int_equal(cluster_primary(c), B);
    assert_int_equal(rep_epoch(cluster_rep(c, B)), 4);
    end(c, A, B);
}

/* W1, A3: of three nodes one settles its number out of contact with the other two, who go on from
 * the same number, attested and then handing over to each other: none of them takes the number that
 * it has settled on, and there is one order for what was done in all these epochs. */
static void settle_apart(int settler, uint64_t number)
{
    enum { HANDOVERS = 14 };
    struct cluster *c = cluster_new(3, NULL);
    int heir = settler == A ? B : A;
    cluster_allow_stale_heirs(c); /* the person was wrong */
    cluster_found(c, A);
    cluster_run(c, 100);
    if (settler != A)
        cluster_promote(c, settler, false);
    cluster_run(c, 100);
    if (number > rep_epoch(cluster_rep(c, settler)))
        cluster_promote_above(c, settler, number - 1);
    cluster_run(c, 1000);
    assert_int_equal(rep_epoch(cluster_rep(c, heir)), number);
    for (int i = A; i <= C; i++)
        if (i != settler)
            cluster_cut(c, settler, i);
    cluster_run(c, SOLO_AFTER_MS + PEER_TIMEOUT_MS + 100);
    cluster_promote(c, heir, true);
    cluster_epoch_shared(c, settler, number);
    cluster_run(c, 1000);
    uint64_t settled = rep_epoch(cluster_rep(c, settler));
    assert_true(settled > number);
    for (int i = 0; i < HANDOVERS; i++) {
        assert_true(rep_epoch(cluster_rep(c, heir)) == number + 1 + (uint64_t)i);
        assert_true(rep_epoch(cluster_rep(c, heir)) < settled);
        cluster_hand_over(c, heir);
        cluster_run(c, 1000);
        heir = A + B + C - settler - heir;
        assert_int_equal(role(c, heir), REP_ROLE_PRIMARY);
    }
    assert_true(rep_epoch(cluster_rep(c, heir)) < settled);
    for (int i = A; i <= C; i++)
        if (i != settler)
            cluster_heal(c, settler, i);
    cluster_run(c, 4000);
    assert_int_equal(cluster_primary(c), settler);
    assert_true(cluster_logs_equal(c, settler, A + B + C - settler - heir));
    end(c, settler, heir);
}

static void test_rep__settled_number_leaves_room_for_handovers(void **state)
{
    (void)state;
    settle_apart(A, 1);
    settle_apart(A, 33); /* the next number of its own would be 49 */
    settle_apart(B, 15); /* 17 */
    settle_apart(C, 31); /* 33 */
}

/* An epoch is told to nobody before its first record is durable, wherever its node dies: one that
 * came to nothing would be taken for a successor's. */
static void test_rep__epoch_is_told_when_it_is_durable(void **state)
{
    (void)state;
    for (size_t effects = 1; effects < 12; effects++) {
        struct cluster *c = pair();
        cluster_kill(c, B);
        cluster_kill(c, A);
        cluster_boot(c, A);
        cluster_promote(c, A, true);
        cluster_kill(c, A);
        cluster_boot(c, B);
        cluster_promote(c, B, true);
        cluster_boot(c, A); /* in A's log is the number that B serves under: B settles it ... */
        cluster_fuse(c, B, effects);
        cluster_run(c, 100); /* ... and dies as it does */
        assert_false(cluster_is_up(c, B));
        cluster_cut(c, A, B);
        cluster_boot(c, B);
        assert_true(rep_epoch(cluster_rep(c, A)) <= rep_epoch(cluster_rep(c, B)));
        cluster_heal(c, A, B);
        cluster_run(c, 4000);
        end_alone(c);
    }
}

/* W1, W3: A hands over, dies and is back before B has got the word. As long as B may still take it,
 * A does not begin an epoch: both would have the same number, and no person would have erred. */
static void test_rep__handover_under_way_outlives_its_sender(void **state)
{
    (void)state;
    for (int taken = 0; taken < 2; taken++) {
        struct cluster *c = pair();
        cluster_by_hand(c, true);
        cluster_hand_over(c, A); /* HandOver is on the old link */
        cluster_kill(c, A);
        cluster_boot(c, A);
        cluster_connect(c, A, B);
        assert_int_equal(cluster_links(c, A, B), 2);
        assert_true(cluster_deliver(c, B, A, 1)); /* B's Hello, said before it knew of this link */
        assert_int_equal(role(c, A), REP_ROLE_STANDBY);
        if (taken)
            while (cluster_deliver(c, A, B, 0)) {
            }
        else
            assert_true(cluster_deliver(c, A, B, 1)); /* A's Hello: B lets go of the old link */
        cluster_by_hand(c, false);
        cluster_run(c, 3000);
        assert_int_equal(cluster_primary(c), taken ? B : A);
        assert_int_equal(rep_epoch(cluster_rep(c, A)), 2);
        assert_int_equal(rep_epoch(cluster_rep(c, B)), 2);
        end(c, A, B);
    }
}

/* A1: at whatever effect the primary dies, nothing was released alone that its log does not call
 * so, and what it serves after a restart is no less. */
static void test_rep__solo_is_logged_at_every_crash_point(void **state)
{
    (void)state;
    size_t died = 0, effects = 1;
    for (bool more = true; more; effects++) {
        struct cluster *c = pair();
        cluster_kill(c, B);
        cluster_fuse(c, A, effects);
        for (int i = 0; i < 30; i++) {
            cluster_write(c, A, 2);
            cluster_run(c, 100);
        }
        more = !cluster_is_up(c, A);
        died += more;
        assert_sound(c); /* cluster.h: solo only after the log said so */
        if (!more)
            assert_true(cluster_counts(c)->released_solo > 5);
        cluster_fuse(c, A, 0);
        cluster_boot(c, A);
        cluster_boot(c, B);
        cluster_run(c, 3000);
        assert_int_equal(cluster_primary(c), A);
        end(c, A, B);
    }
    assert_true(died > 5);
}

/* One standby acknowledges, the other one lags: it is shown with what it has. */
static void test_rep__lag_of_the_other_standby_is_shown(void **state)
{
    (void)state;
    struct cluster *c = cluster_new(3, NULL);
    cluster_found(c, A);
    cluster_run(c, 100);
    cluster_refuse_records(c, C, true);
    uint64_t before = cluster_last(c, A);
    cluster_write(c, A, 10);
    cluster_run(c, 300);
    struct rep_peer_status b, lagging;
    rep_peer_status(cluster_rep(c, A), 0, cluster_now_ms(c), &b);
    rep_peer_status(cluster_rep(c, A), 1, cluster_now_ms(c), &lagging);
    assert_true(b.in_sync && b.lsn == cluster_last(c, A));
    assert_true(lagging.connected && lagging.lsn == before);
    assert_int_equal(cluster_released(c, A), cluster_last(c, A));
    cluster_refuse_records(c, C, false);
    cluster_run(c, 2000);
    end(c, A, C);
}

/* A primary that returns with less than it had said is followed all the same: what it had only in
 * memory is nothing to wait for. */
static void test_rep__what_was_never_durable_is_not_waited_for(void **state)
{
    (void)state;
    struct cluster *c = pair();
    cluster_refuse_records(c, A, true);
    cluster_reset(c, A, B);
    cluster_by_hand(c, true);
    cluster_write(c, A, 5);
    cluster_connect(c, A, B);
    assert_true(cluster_deliver(c, A, B, 0)); /* Hello: it has 5 more */
    cluster_kill(c, A);
    cluster_refuse_records(c, A, false);
    cluster_by_hand(c, false);
    cluster_boot(c, A);
    cluster_run(c, 1000);
    assert_int_equal(role(c, A), REP_ROLE_PRIMARY);
    cluster_trace(c);
    cluster_run(c, 10000);
    assert_null(strstr(cluster_trace(c), "sends none"));
    end(c, A, B);
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
        cmocka_unit_test(test_rep__catches_up_once),
        cmocka_unit_test(test_rep__full_link_is_tried_again),
        cmocka_unit_test(test_rep__window_bounds_what_is_on_its_way),
        cmocka_unit_test(test_rep__window_is_a_links_own),
        cmocka_unit_test(test_rep__stretches_on_their_way_are_counted),
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
        cmocka_unit_test(test_rep__locked_standby_follows_and_is_not_promoted),
        cmocka_unit_test(test_rep__nobody_hands_over_to_a_locked_standby),
        cmocka_unit_test(test_rep__locked_primary_serves_again_when_it_is_unlocked),
        cmocka_unit_test(test_rep__locked_node_alone_waits),
        cmocka_unit_test(test_rep__single_node_serves_again),
        cmocka_unit_test(test_rep__restarted_primary_serves_again),
        cmocka_unit_test(test_rep__restarted_primary_takes_its_last_records_back),
        cmocka_unit_test(test_rep__hung_primary_begins_anew),
        cmocka_unit_test(test_rep__hung_primary_waits_for_the_others),
        cmocka_unit_test(test_rep__restarted_primary_alone_waits),
        cmocka_unit_test(test_rep__restarted_standby_waits),
        cmocka_unit_test(test_rep__restarted_primary_needs_all_others),
        cmocka_unit_test(test_rep__restarted_twins_wait_for_a_person),
        cmocka_unit_test(test_rep__restarted_primary_waits_for_a_lower_epoch_it_lacks),
        cmocka_unit_test(test_rep__cut_epochs_are_not_begun_again),
        cmocka_unit_test(test_rep__one_of_two_standbys_suffices),
        cmocka_unit_test(test_rep__promotion_names_the_better_heir),
        cmocka_unit_test(test_rep__two_links_become_one),
        cmocka_unit_test(test_rep__lost_join_is_made_good),
        cmocka_unit_test(test_rep__failed_node_falls_silent),
        cmocka_unit_test(test_rep__nothing_is_said_that_could_not_be_kept),
        cmocka_unit_test(test_rep__epoch_heard_from_a_seat_fences),
        cmocka_unit_test(test_rep__epoch_heard_of_outlasts_a_crash),
        cmocka_unit_test(test_rep__half_copied_node_is_not_promoted),
        cmocka_unit_test(test_rep__forced_learner_goes_on_with_what_it_has),
        cmocka_unit_test(test_rep__forced_learner_that_dies_is_a_learner),
        cmocka_unit_test(test_rep__forcing_is_the_last_resort),
        cmocka_unit_test(test_rep__forcing_names_the_learner_that_has_more),
        cmocka_unit_test(test_rep__learner_does_not_vouch_for_a_restart),
        cmocka_unit_test(test_rep__older_node_does_not_serve_beside_a_wiped_one),
        cmocka_unit_test(test_rep__learner_is_not_in_sync),
        cmocka_unit_test(test_rep__shared_epoch_is_left_behind),
        cmocka_unit_test(test_rep__returning_branch_of_the_same_number),
        cmocka_unit_test(test_rep__numbers_that_settle_differ),
        cmocka_unit_test(test_rep__settled_number_leaves_room_for_handovers),
        cmocka_unit_test(test_rep__epoch_is_told_when_it_is_durable),
        cmocka_unit_test(test_rep__primary_is_promoted_above_a_claim),
        cmocka_unit_test(test_rep__preview_names_who_has_more),
        cmocka_unit_test(test_rep__handover_under_way_outlives_its_sender),
        cmocka_unit_test(test_rep__solo_is_logged_at_every_crash_point),
        cmocka_unit_test(test_rep__lag_of_the_other_standby_is_shown),
        cmocka_unit_test(test_rep__what_was_never_durable_is_not_waited_for),
        cmocka_unit_test(test_rep__stop_is_noticed_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
