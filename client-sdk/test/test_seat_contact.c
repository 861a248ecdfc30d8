/* Who serves: dialling, epochs, moving on, and what hostile nodes can do (W1, P3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "seat_world.h"

/* A seat that is switched on shows its connection before anybody signs in (P3). */
static void test_p3__connected_before_sign_in(void **state)
{
    (void)state;
    struct world *w = world_new(2);
    assert_int_equal(seat_core_state(w->core), SEAT_CONNECTED);
    world_run(w, w->now_ms + 60000);
    assert_int_equal(seat_core_state(w->core), SEAT_CONNECTED);
    world_kill(w, 0);
    assert_int_equal(seat_core_state(w->core), SEAT_CONNECTING);
    world_free(w);
}

/* An idle connection that has died silently is noticed, too. */
static void test_p3__a_silent_idle_link_is_noticed(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    w->nodes[0].silent = true;
    world_run(w, w->now_ms + 8000);
    assert_int_equal(seat_core_state(w->core), SEAT_CONNECTING);
    w->nodes[0].silent = false;
    world_run(w, w->now_ms + 3000);
    assert_int_equal(seat_core_state(w->core), SEAT_CONNECTED);
    world_free(w);
}

/* Nodes that are down are dialled again and again, neither at once nor rarely. */
static void test_seat_contact__backoff_is_bounded_both_ways(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    world_kill(w, 0);
    uint64_t before = seat_core_stats(w->core).dials_n;
    world_run(w, w->now_ms + 60000);
    uint64_t dials = seat_core_stats(w->core).dials_n - before;
    assert_in_range(dials, 60000 / 400, 60000 / 50);
    world_up(w, 0, true, 1);
    world_run(w, w->now_ms + 400);
    assert_int_equal(seat_core_state(w->core), SEAT_CONNECTED);
    world_free(w);
}

/* Two seats with different seeds do not dial in step. */
static void test_seat_contact__seeds_spread_the_dials(void **state)
{
    (void)state;
    uint64_t due_ms[2];
    for (uint64_t i = 0; i < 2; i++) {
        struct world *w = world_new(1);
        world_kill(w, 0);
        w->config.chance_seed = 1000 + i;
        world_restart_seat(w, w->now_ms + 10, false);
        world_run(w, w->now_ms + 20000);
        due_ms[i] = seat_core_deadline_ms(w->core);
        world_free(w);
    }
    assert_int_not_equal(due_ms[0], due_ms[1]);
}

/* While nobody serves the seat stays with the standby, and is back the moment it is promoted. */
static void test_w1__a_promoted_standby_is_joined_at_once(void **state)
{
    (void)state;
    struct world *w = world_new(2);
    world_begin(w);
    world_run(w, w->now_ms + 5000);
    assert_false(w->nodes[1].linked);
    world_kill(w, 0);
    world_run(w, w->now_ms + 3000);
    assert_true(w->nodes[1].linked);
    uint64_t at_ms = w->now_ms;
    world_promote(w, 1, 2);
    assert_true(seat_core_in_contact(w->core));
    assert_int_equal(w->now_ms, at_ms);
    assert_int_equal(world_last(w, SEAT_EVENT_ATTACHED)->u.attached.epoch, 2);
    world_free(w);
}

/* Once attached, the seat keeps one connection. */
static void test_seat_contact__other_links_are_closed_after_a_moment(void **state)
{
    (void)state;
    struct world *w = world_new(3);
    assert_true(w->nodes[1].linked);
    world_sign_in(w);
    world_run(w, w->now_ms + 1500);
    assert_true(w->nodes[0].linked);
    assert_false(w->nodes[1].linked);
    assert_false(w->nodes[2].linked);
    world_free(w);
}

/* W1: a node with a lower epoch than one seen is refused, however it insists. */
static void test_w1__a_lower_epoch_is_refused(void **state)
{
    (void)state;
    struct world *w = world_new(2);
    world_begin(w);
    world_kill(w, 0);
    world_run(w, w->now_ms + 500);
    world_promote(w, 1, 5);
    world_run(w, w->now_ms + 2000);
    assert_int_equal(seat_core_epoch_seen(w->core), 5);
    world_kill(w, 1);
    world_up(w, 0, true, 4);
    world_run(w, w->now_ms + 10000);
    assert_false(seat_core_in_contact(w->core));
    assert_int_equal(w->nodes[0].attach_n, 0);
    assert_true(seat_core_stats(w->core).epochs_refused_n > 5);
    assert_int_equal(w->nodes[0].epoch_told, 5);
    world_free(w);
}

/* W1: the highest epoch outlives the seat's program. */
static void test_w1__the_epoch_seen_is_journalled(void **state)
{
    (void)state;
    struct world *w = world_new(2);
    world_kill(w, 0);
    world_promote(w, 1, 7);
    world_run(w, w->now_ms + 1000);
    world_kill(w, 1);
    world_up(w, 0, true, 6);
    world_restart_seat(w, w->now_ms + 1000, true);
    world_run(w, w->now_ms + 5000);
    assert_int_equal(seat_core_state(w->core), SEAT_CONNECTING);
    assert_int_equal(w->nodes[0].epoch_told, 7);
    world_free(w);
}

/* Two nodes that both claim to serve: the higher epoch is followed, as soon as it is heard of. */
static void test_w1__of_two_primaries_the_higher_epoch_is_followed(void **state)
{
    (void)state;
    struct world *w = world_new_with(2, 0, 0, 0);
    w->nodes[1].serving = true;
    w->nodes[1].epoch = 2;
    world_settle(w);
    world_sign_in(w);
    assert_int_equal(seat_core_node(w->core), 1);
    assert_int_equal(w->nodes[0].sign_in_n, 0);
    world_free(w);
}

/* A node that retires is left at once, but listened to. */
static void test_w1__a_retired_node_is_left(void **state)
{
    (void)state;
    struct world *w = world_new(2);
    world_begin(w);
    w->nodes[0].serving = false;
    w->site.attached = false;
    world_notice(w, 0, SEAT__NOTICE_KIND__NOTICE_KIND_RETIRED);
    assert_false(seat_core_in_contact(w->core));
    assert_true(w->nodes[0].linked);
    world_run(w, w->now_ms + 200);
    world_promote(w, 1, 2);
    assert_true(seat_core_in_contact(w->core));
    assert_int_equal(world_count(w, SEAT_EVENT_LOCKED), 0);
    world_free(w);
}

/* A retired node may still refuse what was under way to it: that is no hostility. */
static void test_w1__refusals_after_retiring_are_expected(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    world_begin(w);
    w->nodes[0].hold = true;
    uint64_t seq;
    assert_int_equal(world_answer(w, "q1", "A", &seq), EXAM_OK);
    w->nodes[0].serving = false;
    w->site.attached = false;
    world_notice(w, 0, SEAT__NOTICE_KIND__NOTICE_KIND_RETIRED);
    Seat__Reply m = SEAT__REPLY__INIT;
    Seat__Refused r = SEAT__REFUSED__INIT;
    r.code = EXAM_NOT_PRIMARY;
    m.id = 3; /* Hello, SignIn, Answer */
    m.kind_case = SEAT__REPLY__KIND_REFUSED;
    m.refused = &r;
    world_send(w, 0, &m);
    world_settle(w);
    assert_true(w->nodes[0].linked);
    assert_int_equal(seat_core_stats(w->core).frames_bad_n, 0);
    world_free(w);
}

/* A node that begins to serve anew on a live connection is attached to anew (T5). */
static void test_t5__a_new_epoch_on_the_same_connection(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    world_begin(w);
    world_run(w, w->now_ms + 2000);
    w->nodes[0].epoch = 2;
    w->site.attached = false;
    world_notice(w, 0, SEAT__NOTICE_KIND__NOTICE_KIND_SERVING);
    assert_true(seat_core_in_contact(w->core));
    assert_int_equal(w->nodes[0].attach_n, 1);
    assert_int_equal(world_last(w, SEAT_EVENT_ATTACHED)->u.attached.epoch, 2);
    world_free(w);
}

/* A node of another site is not used while somebody sits here. */
static void test_seat_contact__another_site_is_refused(void **state)
{
    (void)state;
    struct world *w = world_new(2);
    world_begin(w);
    world_run(w, w->now_ms + 2000);
    memset(w->nodes[1].site_id, 0x22, SITE_ID_BYTES);
    world_up(w, 1, true, 9);
    world_kill(w, 0);
    world_run(w, w->now_ms + 20000);
    assert_false(seat_core_in_contact(w->core));
    assert_int_equal(world_last(w, SEAT_EVENT_PROBLEM)->u.problem.code, EXAM_OTHER_SITE);
    assert_int_equal(seat_core_epoch_seen(w->core), 1);
    world_free(w);
}

/* A node that was empty when it greeted is asked anew when it serves: what this seat journals of
 * its site has to be true after a restart, or no node takes what it holds (A2). */
static void test_a2__a_node_that_was_empty_says_its_site_when_it_serves(void **state)
{
    (void)state;
    struct world *w = world_new_with(1, 0, 0, 0);
    w->nodes[0].empty = true;
    w->nodes[0].serving = false;
    world_settle(w);
    w->nodes[0].empty = false;
    w->nodes[0].serving = true;
    world_notice(w, 0, SEAT__NOTICE_KIND__NOTICE_KIND_SERVING);
    world_run(w, w->now_ms + 1000);
    world_sign_in(w);
    assert_true(seat_core_in_contact(w->core));
    world_restart_seat(w, w->now_ms + 1000, true);
    world_run(w, w->now_ms + 1000);
    assert_memory_equal(w->nodes[0].site_told, w->site.site_id, SITE_ID_BYTES);
    world_free(w);
}

/* A node of another version is told of once, with a text, and not used. */
static void test_seat_contact__another_version_is_told_once(void **state)
{
    (void)state;
    struct world *w = world_new_with(1, 0, 0, 0);
    w->nodes[0].refuse_hello = EXAM_VERSION;
    world_run(w, w->now_ms + 30000);
    assert_int_equal(seat_core_state(w->core), SEAT_CONNECTING);
    assert_int_equal(world_count(w, SEAT_EVENT_PROBLEM), 1);
    assert_int_equal(world_last(w, SEAT_EVENT_PROBLEM)->u.problem.code, EXAM_VERSION);
    assert_in_range(w->nodes[0].hellos_n, 5, 31);
    w->nodes[0].refuse_hello = EXAM_OK;
    w->nodes[0].version = SEAT_VERSION + 1;
    world_run(w, w->now_ms + 5000);
    assert_int_equal(seat_core_state(w->core), SEAT_CONNECTING);
    world_free(w);
}

/* A dial that neither succeeds nor fails is given up. */
static void test_seat_contact__a_dial_that_hangs_is_given_up(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    world_kill(w, 0);
    world_run(w, w->now_ms + 2000);
    while (!w->nodes[0].dialling) {
        w->now_ms = seat_core_deadline_ms(w->core);
        seat_core_tick(w->core, w->now_ms);
    }
    world_drop_wire(w); /* its outcome never comes */
    uint64_t at_ms = w->now_ms;
    while (w->nodes[0].dialling) {
        w->now_ms = seat_core_deadline_ms(w->core);
        seat_core_tick(w->core, w->now_ms);
    }
    assert_in_range(w->now_ms - at_ms, 500, 3000);
    world_free(w);
}

/* Sign-in is refused with the node's code; the seat is then free for another try. */
static void test_p4__a_refused_sign_in_can_be_repeated(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    w->nodes[0].refuse_sign_in = EXAM_AUTH;
    world_sign_in(w);
    assert_int_equal(world_last(w, SEAT_EVENT_SIGN_IN_REFUSED)->u.problem.code, EXAM_AUTH);
    assert_int_equal(seat_core_state(w->core), SEAT_CONNECTED);
    w->nodes[0].refuse_sign_in = EXAM_OK;
    world_sign_in(w);
    assert_int_equal(seat_core_state(w->core), SEAT_WAITING);
    assert_int_equal(world_count(w, SEAT_EVENT_CANDIDATE), 1);
    world_free(w);
}

/* A sign-in that the node cannot take yet is repeated by itself. */
static void test_p4__sign_in_is_retried_while_the_node_waits(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    w->nodes[0].refuse_sign_in = EXAM_AGAIN;
    world_sign_in(w);
    world_run(w, w->now_ms + 2000);
    assert_int_equal(seat_core_state(w->core), SEAT_SIGNING_IN);
    assert_in_range(w->nodes[0].sign_in_n, 8, 42);
    w->nodes[0].refuse_sign_in = EXAM_OK;
    world_run(w, w->now_ms + 300);
    assert_int_equal(seat_core_state(w->core), SEAT_WAITING);
    world_free(w);
}

/* What cannot be a number is refused here; a second candidate cannot take the seat. */
static void test_p4__sign_in_checks_what_it_is_given(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    uint8_t session[SESSION_BYTES] = {1};
    assert_int_equal(seat_core_sign_in(w->core, w->now_ms, "", "1", session), EXAM_INVALID);
    assert_int_equal(seat_core_sign_in(w->core, w->now_ms, "a b", "1", session), EXAM_INVALID);
    assert_int_equal(seat_core_sign_in(w->core, w->now_ms, "1", "", session), EXAM_INVALID);
    assert_int_equal(seat_core_sign_in(w->core, w->now_ms, "1", "\xff", session), EXAM_INVALID);
    assert_int_equal(
        seat_core_sign_in(w->core, w->now_ms, "1", "012345678901234567890123456789012", session),
        EXAM_INVALID);
    world_sign_in(w);
    assert_int_equal(seat_core_sign_in(w->core, w->now_ms, "2026010002", "1", session), EXAM_STATE);
    assert_int_equal(seat_core_sign_in(w->core, w->now_ms, "2026010001", "1", session),
                     EXAM_EXISTS);
    world_free(w);
}

/* T11: a seat whose sitting went on elsewhere is shut out, says why, and can take another one. */
static void test_t11__a_moved_sitting_shuts_the_seat_out(void **state)
{
    (void)state;
    struct world *w = world_new(2);
    world_begin(w);
    world_kill(w, 0);
    world_run(w, w->now_ms + 100);
    w->nodes[1].refuse_attach = EXAM_SEAT_TAKEN;
    world_promote(w, 1, 2);
    assert_int_equal(seat_core_state(w->core), SEAT_SHUT_OUT);
    assert_int_equal(world_last(w, SEAT_EVENT_PROBLEM)->u.problem.code, EXAM_SEAT_TAKEN);
    world_run(w, w->now_ms + 30000);
    assert_int_equal(w->nodes[1].attach_n, 1);
    w->nodes[1].refuse_attach = EXAM_OK;
    world_sign_in(w);
    assert_true(seat_core_in_contact(w->core));
    world_free(w);
}

/* A2: one primary has shut the seat out, by a log that lacks the candidate's move to it; the next
 * one knows the move. What the seat holds goes there without anybody's doing. */
static void test_a2__a_session_that_was_shut_out_is_tried_at_the_next_primary(void **state)
{
    (void)state;
    struct world *w = world_new(3);
    world_begin(w);
    uint64_t seq;
    world_kill(w, 0);
    assert_int_equal(world_answer(w, "q1", "v1", &seq), EXAM_OK);
    w->nodes[1].refuse_attach = EXAM_SEAT_TAKEN;
    world_promote(w, 1, 2);
    assert_int_equal(seat_core_state(w->core), SEAT_SHUT_OUT);
    assert_int_equal(seat_core_unsaved_n(w->core), 1);
    world_kill(w, 1);
    world_promote(w, 2, 3);
    world_run(w, w->now_ms + 1000);
    assert_true(seat_core_in_contact(w->core));
    assert_int_equal(w->nodes[2].sign_in_n, 0);
    assert_int_equal(seat_core_unsaved_n(w->core), 0);
    assert_string_equal(w->site.values[1], "v1");
    world_free(w);
}

/* A successor that has older data does not know the session: the seat signs in again by itself,
 * with the same session, and sends everything (A2). */
static void test_a2__a_lost_session_is_signed_in_again(void **state)
{
    (void)state;
    struct world *w = world_new(2);
    world_begin(w);
    uint64_t seq;
    for (int i = 0; i < 5; i++)
        assert_int_equal(world_answer(w, "q1", "A", &seq), EXAM_OK);
    world_settle(w);
    assert_int_equal(seat_core_answer_state(w->core, 5), SEAT_ANSWER_DUAL);
    world_kill(w, 0);
    w->site.signed_in = false;
    w->site.seq_have = 0;
    world_run(w, w->now_ms + 100);
    world_promote(w, 1, 2);
    assert_int_equal(w->nodes[1].sign_in_n, 1);
    assert_int_equal(w->site.seq_have, 5);
    assert_int_equal(seat_core_answer_state(w->core, 5), SEAT_ANSWER_DUAL);
    world_free(w);
}

/* A seat restarted, and five of its answers are on its disk alone. */
static struct world *world_void(void)
{
    struct world *w = world_new(2);
    uint64_t seq;
    world_begin(w);
    for (int i = 0; i < 5; i++)
        assert_int_equal(world_answer(w, "q1", "A", &seq), EXAM_OK);
    world_settle(w);
    w->site.signed_in = false;
    w->site.seq_have = 0;
    world_restart_seat(w, w->now_ms + 5000, true);
    assert_int_equal(seat_core_state(w->core), SEAT_SHUT_OUT);
    return w;
}

/* The same after a restart of the program: the candidate has to be asked, the session stays. */
static void test_a2__a_lost_session_after_a_restart(void **state)
{
    (void)state;
    struct world *w = world_void();
    assert_int_equal(world_count(w, SEAT_EVENT_SIGN_IN_NEEDED), 1);
    memset(w->session, 0x77, SESSION_BYTES); /* the new random number is not used */
    world_sign_in(w);
    assert_int_equal(w->site.session[0], 0x5A);
    assert_int_equal(w->site.seq_have, 5);
    world_free(w);
}

/* T11: the candidate is moved instead of signing in again: from then on the node takes the session
 * as one that was left, and the seat, which asks now and then, hands in what it holds. */
static void test_a2__a_lost_session_is_asked_for_again(void **state)
{
    (void)state;
    struct world *w = world_void();
    uint64_t asked_n = w->nodes[0].attach_n;
    world_run(w, w->now_ms + 60000);
    assert_in_range(w->nodes[0].attach_n - asked_n, 6, 12);
    assert_int_equal(world_count(w, SEAT_EVENT_SIGN_IN_NEEDED), 1); /* told once */
    assert_int_equal(seat_core_state(w->core), SEAT_SHUT_OUT);
    w->site.signed_in = true;
    w->site.state = SEAT__SITTING_STATE__SITTING_STATE_FINISHED;
    w->site.finish = EV__FINISH__FINISH_CLOSED;
    world_run(w, w->now_ms + 10000);
    assert_int_equal(w->site.seq_have, 5);
    world_notice(w, 0, SEAT__NOTICE_KIND__NOTICE_KIND_COLLECTED);
    world_settle(w);
    assert_int_equal(world_count(w, SEAT_EVENT_COLLECTED), 1);
    assert_int_equal(w->nodes[0].sign_in_n, 1);
    world_free(w);
}

static exam_err sign_in_another(struct world *w)
{
    uint8_t session[SESSION_BYTES];
    memset(session, 0x33, sizeof session);
    exam_err err = seat_core_sign_in(w->core, w->now_ms, "2026010002", "1", session);
    world_settle(w);
    return err;
}

/* Another candidate comes to the seat, as the sitting has left it: what lies there is handed in
 * first, since nobody asks for it afterwards. */
static void test_a2__who_signs_in_waits_until_it_is_handed_in(void **state)
{
    (void)state;
    struct world *w = world_void();
    w->site.signed_in = true;
    w->site.state = SEAT__SITTING_STATE__SITTING_STATE_FINISHED;
    w->site.finish = EV__FINISH__FINISH_CLOSED;
    world_forget_events(w);
    assert_int_equal(sign_in_another(w), EXAM_OK);
    assert_int_equal(w->site.seq_have, 5);
    assert_int_equal(world_count(w, SEAT_EVENT_CANDIDATE), 0); /* whose data concern nobody here */
    world_notice(w, 0, SEAT__NOTICE_KIND__NOTICE_KIND_COLLECTED);
    w->site.seq_have = 0;
    w->site.state = SEAT__SITTING_STATE__SITTING_STATE_WAITING;
    w->site.finish = EV__FINISH__FINISH_NONE;
    world_run(w, w->now_ms + 1000);
    assert_string_equal(w->site.admission_no, "2026010002");
    assert_int_equal(w->site.session[0], 0x33);
    assert_string_equal(seat_core_admission_no(w->core), "2026010002");
    assert_true(seat_core_in_contact(w->core));
    assert_int_equal(world_count(w, SEAT_EVENT_CANDIDATE), 1);
    assert_int_equal(seat_core_unsaved_n(w->core), 0);
    world_free(w);
}

/* Nobody wants it, or nobody says anything of use: it stays on the disk, and the candidate does not
 * wait for ever. */
static void test_a2__who_signs_in_does_not_wait_for_ever(void **state)
{
    static const exam_err refusals[] = {EXAM_AUTH, EXAM_AGAIN};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct world *w = world_void();
        w->nodes[0].refuse_attach = refusals[i];
        assert_int_equal(sign_in_another(w), EXAM_OK);
        world_run(w, w->now_ms + (refusals[i] == EXAM_AUTH ? 1000 : 6000));
        assert_string_equal(seat_core_admission_no(w->core), "2026010002");
        assert_true(seat_core_in_contact(w->core));
        world_notice(w, 0, SEAT__NOTICE_KIND__NOTICE_KIND_COLLECTED);
        world_settle(w);
        assert_true(world_last(w, SEAT_EVENT_COLLECTED)->u.collected.keep);
        world_free(w);
    }
}

/* A later primary knows the session after all: its candidate goes on, the other one hears so. */
static void test_a2__who_signs_in_gives_way_to_a_session_that_goes_on(void **state)
{
    (void)state;
    struct world *w = world_void();
    w->site.signed_in = true;
    w->site.state = SEAT__SITTING_STATE__SITTING_STATE_ANSWERING;
    assert_int_equal(sign_in_another(w), EXAM_OK);
    assert_string_equal(seat_core_admission_no(w->core), "2026010001");
    assert_int_equal(seat_core_state(w->core), SEAT_ANSWERING);
    assert_int_equal(world_last(w, SEAT_EVENT_SIGN_IN_REFUSED)->u.problem.code, EXAM_STATE);
    assert_int_equal(w->site.seq_have, 5);
    world_run(w, w->now_ms + 10000);
    assert_int_equal(w->nodes[0].sign_in_n, 1);
    world_free(w);
}

/* The candidate signs in at the very moment at which the seat asks: that is neither refused nor
 * forgotten, and one sign-in is enough. */
static void test_a2__a_sign_in_crosses_the_question(void **state)
{
    (void)state;
    struct world *w = world_void();
    Seat__Reply m = SEAT__REPLY__INIT;
    Seat__Refused r = SEAT__REFUSED__INIT;
    w->nodes[0].hold_attach = true;
    for (int i = 0; i < 20000 && w->nodes[0].held_attach_id == 0; i++)
        world_run(w, w->now_ms + 1);
    assert_int_not_equal(w->nodes[0].held_attach_id, 0);
    w->nodes[0].hold_attach = false;
    world_sign_in(w);
    r.code = EXAM_AUTH;
    r.text = (char *)(uintptr_t) "no such session";
    m.id = w->nodes[0].held_attach_id;
    m.kind_case = SEAT__REPLY__KIND_REFUSED;
    m.refused = &r;
    world_send(w, 0, &m);
    world_settle(w);
    assert_true(seat_core_in_contact(w->core));
    assert_int_equal(w->nodes[0].sign_in_n, 2);
    assert_int_equal(w->site.seq_have, 5);
    world_free(w);
}

/* Whatever bytes a node sends cost it the connection, and nothing else. */
static void test_seat_contact__hostile_bytes_close_the_link(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    world_begin(w);
    uint8_t bytes[300];
    uint64_t chance = 7;
    for (int round = 0; round < 2000; round++) {
        world_run(w, w->now_ms + 500);
        assert_true(seat_core_in_contact(w->core));
        size_t n = 1 + (size_t)round % sizeof(bytes);
        for (size_t i = 0; i < n; i++) {
            chance = chance * 6364136223846793005u + 1442695040888963407u;
            bytes[i] = (uint8_t)(chance >> 56);
        }
        world_send_bytes(w, 0, bytes, n);
        world_settle(w);
        w->site.state = SEAT__SITTING_STATE__SITTING_STATE_ANSWERING;
        w->site.used_ms = 0;
        world_forget_events(w);
        world_cut_journal(w, 1);
    }
    assert_int_equal(seat_core_stats(w->core).frames_bad_n, 2000);
    world_free(w);
}

/* Frames that are almost right: whatever they do to the seat, it stays in one piece and its journal
 * stays one that can be replayed (seed printed). What they say may of course be believed. */
static void test_seat_contact__changed_bytes_do_no_harm(void **state)
{
    (void)state;
    uint64_t mutated = 0;
    print_message("seeds 1 to 400\n");
    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct world *w = world_new(2);
        world_begin(w);
        w->mutate_seed = seed;
        for (int step = 0; step < 40; step++) {
            uint64_t seq;
            exam_err err = world_answer(w, "q1", "A", &seq);
            (void)err; /* the seat may be locked, or believe that it has finished */
            if (step == 20)
                err = seat_core_fetch_paper(w->core, w->now_ms);
            world_notice(w, 0, (Seat__NoticeKind)(1 + (uint64_t)step % 7));
            w->site.state = SEAT__SITTING_STATE__SITTING_STATE_ANSWERING;
            world_run(w, w->now_ms + 400);
        }
        mutated += w->mutated_n;
        world_restart_seat(w, w->now_ms + 100, seed % 2);
        world_run(w, w->now_ms + 1000);
        assert_int_equal(w->sent_undurable_n, 0);
        world_free(w);
    }
    print_message("%lu frames changed\n", (unsigned long)mutated);
    assert_true(mutated > 2000);
}

static void reply_and_expect_closed(struct world *w, const Seat__Reply *m)
{
    uint64_t before = seat_core_stats(w->core).frames_bad_n;
    world_run(w, w->now_ms + 1000);
    assert_true(seat_core_in_contact(w->core));
    world_send(w, 0, m);
    world_settle(w);
    assert_int_equal(seat_core_stats(w->core).frames_bad_n, before + 1);
}

/* Well-formed replies that nothing had asked for, or with figures that cannot be, are hostile. */
static void test_seat_contact__replies_that_make_no_sense_close_the_link(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    world_begin(w);
    Seat__Reply m = SEAT__REPLY__INIT;
    Seat__Ack ack = SEAT__ACK__INIT;
    ack.durability = SEAT__DURABILITY__DURABILITY_DUAL;
    m.kind_case = SEAT__REPLY__KIND_ACK;
    m.ack = &ack;
    m.id = 0;
    reply_and_expect_closed(w, &m);
    m.id = 999;
    reply_and_expect_closed(w, &m);
    Seat__PaperPart part = SEAT__PAPER_PART__INIT;
    m.kind_case = SEAT__REPLY__KIND_PAPER_PART;
    m.paper_part = &part;
    reply_and_expect_closed(w, &m);
    Seat__Notice notice = SEAT__NOTICE__INIT;
    Seat__Account account = SEAT__ACCOUNT__INIT;
    account.used_ms = UINT64_MAX;
    notice.kind = SEAT__NOTICE_KIND__NOTICE_KIND_ACCOUNT;
    notice.account = &account;
    m.id = 0;
    m.kind_case = SEAT__REPLY__KIND_NOTICE;
    m.notice = &notice;
    reply_and_expect_closed(w, &m);
    Seat__Welcome welcome = SEAT__WELCOME__INIT;
    welcome.node = (char *)(uintptr_t) "A";
    m.kind_case = SEAT__REPLY__KIND_WELCOME;
    m.welcome = &welcome;
    reply_and_expect_closed(w, &m);
    m.kind_case = SEAT__REPLY__KIND__NOT_SET;
    reply_and_expect_closed(w, &m);
    world_free(w);
}

/* An acknowledgement of another action than the one asked about is no acknowledgement. */
static void test_seat_contact__an_ack_of_another_action_is_hostile(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    world_begin(w);
    w->nodes[0].hold = true;
    uint64_t seq;
    assert_int_equal(world_answer(w, "q1", "A", &seq), EXAM_OK);
    world_settle(w);
    Seat__Reply m = SEAT__REPLY__INIT;
    Seat__Ack ack = SEAT__ACK__INIT;
    ack.durability = SEAT__DURABILITY__DURABILITY_DUAL;
    ack.seq = 2;
    m.kind_case = SEAT__REPLY__KIND_ACK;
    m.ack = &ack;
    m.id = 3; /* Hello, SignIn, Answer */
    world_send(w, 0, &m);
    world_settle(w);
    assert_int_equal(seat_core_stats(w->core).frames_bad_n, 1);
    assert_int_equal(seat_core_answer_state(w->core, 1), SEAT_ANSWER_LOCAL);
    world_free(w);
}

/* Stopping in order says goodbye, journals the position durably and asks for nothing more. */
static void test_seat_contact__stop_says_goodbye(void **state)
{
    (void)state;
    struct world *w = world_new(2);
    world_begin(w);
    world_run(w, w->now_ms + 3500);
    seat_core_stop(w->core, w->now_ms);
    assert_int_equal(w->nodes[0].byes_n, 1);
    assert_false(w->nodes[0].linked);
    assert_true(w->records[w->records_n - 1].durable);
    assert_true(seat_core_deadline_ms(w->core) == UINT64_MAX);
    world_restart_seat(w, w->now_ms + 20000, false);
    assert_int_equal(w->nodes[0].claim.open_ms, 500);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_p3__connected_before_sign_in),
        cmocka_unit_test(test_p3__a_silent_idle_link_is_noticed),
        cmocka_unit_test(test_seat_contact__backoff_is_bounded_both_ways),
        cmocka_unit_test(test_seat_contact__seeds_spread_the_dials),
        cmocka_unit_test(test_w1__a_promoted_standby_is_joined_at_once),
        cmocka_unit_test(test_seat_contact__other_links_are_closed_after_a_moment),
        cmocka_unit_test(test_w1__a_lower_epoch_is_refused),
        cmocka_unit_test(test_w1__the_epoch_seen_is_journalled),
        cmocka_unit_test(test_w1__of_two_primaries_the_higher_epoch_is_followed),
        cmocka_unit_test(test_w1__a_retired_node_is_left),
        cmocka_unit_test(test_w1__refusals_after_retiring_are_expected),
        cmocka_unit_test(test_t5__a_new_epoch_on_the_same_connection),
        cmocka_unit_test(test_seat_contact__another_site_is_refused),
        cmocka_unit_test(test_a2__a_node_that_was_empty_says_its_site_when_it_serves),
        cmocka_unit_test(test_seat_contact__another_version_is_told_once),
        cmocka_unit_test(test_seat_contact__a_dial_that_hangs_is_given_up),
        cmocka_unit_test(test_p4__a_refused_sign_in_can_be_repeated),
        cmocka_unit_test(test_p4__sign_in_is_retried_while_the_node_waits),
        cmocka_unit_test(test_p4__sign_in_checks_what_it_is_given),
        cmocka_unit_test(test_t11__a_moved_sitting_shuts_the_seat_out),
        cmocka_unit_test(test_a2__a_session_that_was_shut_out_is_tried_at_the_next_primary),
        cmocka_unit_test(test_a2__a_lost_session_is_signed_in_again),
        cmocka_unit_test(test_a2__a_lost_session_after_a_restart),
        cmocka_unit_test(test_a2__a_lost_session_is_asked_for_again),
        cmocka_unit_test(test_a2__a_sign_in_crosses_the_question),
        cmocka_unit_test(test_a2__who_signs_in_waits_until_it_is_handed_in),
        cmocka_unit_test(test_a2__who_signs_in_does_not_wait_for_ever),
        cmocka_unit_test(test_a2__who_signs_in_gives_way_to_a_session_that_goes_on),
        cmocka_unit_test(test_seat_contact__hostile_bytes_close_the_link),
        cmocka_unit_test(test_seat_contact__changed_bytes_do_no_harm),
        cmocka_unit_test(test_seat_contact__replies_that_make_no_sense_close_the_link),
        cmocka_unit_test(test_seat_contact__an_ack_of_another_action_is_hostile),
        cmocka_unit_test(test_seat_contact__stop_says_goodbye),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
