/* Answers: journal first, window, acknowledgements, sending again, never falsely green (A1-A4, D1).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "seat_world.h"

static void answer_many(struct world *w, int n)
{
    for (int i = 0; i < n; i++) {
        char item[16], value[16];
        uint64_t seq;
        snprintf(item, sizeof(item), "q%d", i % 100);
        snprintf(value, sizeof(value), "v%d", (int)seat_core_seq_last(w->core) + 1);
        assert_int_equal(world_answer(w, item, value, &seq), EXAM_OK);
    }
}

static void expect_values(const struct world *w, uint64_t n)
{
    assert_int_equal(w->site.seq_have, n);
    for (uint64_t i = 1; i <= n; i++) {
        char value[16];
        snprintf(value, sizeof(value), "v%d", (int)i);
        assert_string_equal(w->site.values[i], value);
    }
}

/* An answer is local, then sent, then as safe as the node says; it is durable before it is sent. */
static void test_a1__an_answer_turns_green_when_acknowledged(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    world_begin(w);
    uint64_t seq;
    assert_int_equal(world_answer(w, "q1", "A", &seq), EXAM_OK);
    assert_int_equal(seq, 1);
    assert_int_equal(seat_core_answer_state(w->core, 1), SEAT_ANSWER_SENT);
    assert_int_equal(seat_core_unsaved_n(w->core), 1);
    assert_int_equal(world_count(w, SEAT_EVENT_ANSWER), 0);
    world_settle(w);
    assert_int_equal(seat_core_answer_state(w->core, 1), SEAT_ANSWER_DUAL);
    assert_int_equal(world_last(w, SEAT_EVENT_ANSWER)->u.answer.state, SEAT_ANSWER_DUAL);
    assert_int_equal(seat_core_unsaved_n(w->core), 0);
    assert_int_equal(w->sent_undurable_n, 0);
    assert_int_equal(seat_core_answer_state(w->core, 2), SEAT_ANSWER_UNKNOWN);
    world_free(w);
}

/* A primary that is alone says solo, and the seat shows it. */
static void test_a1__solo_is_shown_as_solo(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    w->nodes[0].durability = SEAT__DURABILITY__DURABILITY_SOLO;
    world_begin(w);
    answer_many(w, 1);
    world_settle(w);
    assert_int_equal(seat_core_answer_state(w->core, 1), SEAT_ANSWER_SOLO);
    world_free(w);
}

/* Out of contact the candidate goes on; everything is sent, in order, on attaching (T6, A2). */
static void test_a2__answers_out_of_contact_are_sent_on_attaching(void **state)
{
    (void)state;
    struct world *w = world_new(2);
    world_begin(w);
    answer_many(w, 3);
    world_settle(w);
    world_kill(w, 0);
    answer_many(w, 10);
    assert_int_equal(seat_core_answer_state(w->core, 13), SEAT_ANSWER_LOCAL);
    world_run(w, w->now_ms + 5000);
    world_promote(w, 1, 2);
    expect_values(w, 13);
    assert_int_equal(seat_core_unsaved_n(w->core), 0);
    assert_int_equal(w->sent_undurable_n, 0);
    world_free(w);
}

/* A2: the successor lacks what was acknowledged: the seat sends it again, and is not green before.
 */
static void test_a2__acknowledged_answers_that_the_successor_lacks_are_sent_again(void **state)
{
    (void)state;
    struct world *w = world_new(2);
    world_begin(w);
    answer_many(w, 20);
    world_settle(w);
    assert_int_equal(seat_core_unsaved_n(w->core), 0);
    world_kill(w, 0);
    world_run(w, w->now_ms + 1000);
    w->site.seq_have = 7;
    w->nodes[1].hold = true;
    world_promote(w, 1, 2);
    assert_int_equal(world_last(w, SEAT_EVENT_ATTACHED)->u.attached.seq_acked, 20);
    assert_int_equal(seat_core_unsaved_n(w->core), 13);
    assert_int_equal(seat_core_answer_state(w->core, 7), SEAT_ANSWER_DUAL);
    assert_int_equal(seat_core_answer_state(w->core, 8), SEAT_ANSWER_SENT);
    w->nodes[1].hold = false;
    world_kill(w, 1);
    world_run(w, w->now_ms + 100);
    world_promote(w, 0, 3);
    world_run(w, w->now_ms + 500);
    expect_values(w, 20);
    assert_int_equal(seat_core_unsaved_n(w->core), 0);
    world_free(w);
}

/* What is not in memory any more is read back from the journal. */
static void test_a2__old_answers_come_from_the_journal(void **state)
{
    (void)state;
    struct world *w = world_new_with(2, SEAT_ANSWERS_BYTES_MIN, 0, 0);
    world_settle(w);
    world_begin(w);
    for (int i = 0; i < 20; i++) {
        answer_many(w, 50);
        world_settle(w);
    }
    world_kill(w, 0);
    world_run(w, w->now_ms + 1000);
    w->site.seq_have = 0;
    memset(w->site.values, 0, sizeof(w->site.values));
    world_promote(w, 1, 2);
    expect_values(w, 1000);
    assert_true(w->fetched_n >= 800);
    assert_int_equal(seat_core_stats(w->core).fetched_n, w->fetched_n);
    assert_int_equal(seat_core_answer_state(w->core, 1), SEAT_ANSWER_DUAL);
    world_free(w);
}

/* Connection lost with answers in flight: they are local again, then sent again (A4). */
static void test_a4__answers_in_flight_are_sent_again(void **state)
{
    (void)state;
    struct world *w = world_new(2);
    world_begin(w);
    w->nodes[0].hold = true;
    answer_many(w, 5);
    assert_int_equal(seat_core_answer_state(w->core, 5), SEAT_ANSWER_SENT);
    w->nodes[0].hold = false;
    world_kill(w, 0);
    assert_int_equal(seat_core_answer_state(w->core, 5), SEAT_ANSWER_LOCAL);
    assert_int_equal(world_last(w, SEAT_EVENT_ANSWER)->u.answer.state, SEAT_ANSWER_LOCAL);
    w->site.seq_have = 2; /* it had taken two of them */
    strcpy(w->site.values[1], "v1");
    strcpy(w->site.values[2], "v2");
    world_promote(w, 1, 2);
    world_settle(w);
    expect_values(w, 5);
    world_free(w);
}

/* No more than the window is in flight; the rest follows as acknowledgements come. */
static void test_seat_answers__the_window_bounds_what_is_in_flight(void **state)
{
    (void)state;
    struct world *w = world_new_with(1, 0, 0, 8);
    world_settle(w);
    world_begin(w);
    w->nodes[0].hold = true;
    answer_many(w, 30);
    assert_int_equal(w->nodes[0].answers_n, 8);
    assert_int_equal(seat_core_answer_state(w->core, 8), SEAT_ANSWER_SENT);
    assert_int_equal(seat_core_answer_state(w->core, 9), SEAT_ANSWER_LOCAL);
    world_kill(w, 0);
    w->nodes[0].hold = false;
    world_up(w, 0, true, 2);
    world_run(w, w->now_ms + 1000);
    expect_values(w, 30);
    world_free(w);
}

/* Too many unsaved answers are refused, with nothing recorded. */
static void test_seat_answers__unsaved_answers_are_bounded(void **state)
{
    (void)state;
    struct world *w = world_new_with(1, 0, 10, 0);
    world_settle(w);
    world_begin(w);
    world_kill(w, 0);
    answer_many(w, 10);
    size_t records = w->records_n;
    uint64_t seq = 77;
    assert_int_equal(world_answer(w, "q1", "A", &seq), EXAM_FULL);
    assert_int_equal(seq, 77);
    assert_int_equal(w->records_n, records);
    assert_int_equal(seat_core_seq_last(w->core), 10);
    world_up(w, 0, true, 2);
    world_run(w, w->now_ms + 1000);
    assert_int_equal(world_answer(w, "q1", "v11", &seq), EXAM_OK);
    assert_int_equal(seq, 11);
    world_free(w);
}

/* A journal without space: the answer is refused and not sent, and the next one gets its number. */
static void test_seat_answers__a_full_disk_refuses_the_answer(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    world_begin(w);
    w->journal_fails = EXAM_FULL;
    uint64_t seq = 0;
    assert_int_equal(world_answer(w, "q1", "v1", &seq), EXAM_FULL);
    world_run(w, w->now_ms + 3000);
    assert_int_equal(w->nodes[0].answers_n, 0);
    assert_int_equal(seat_core_state(w->core), SEAT_ANSWERING);
    assert_true(world_count(w, SEAT_EVENT_PROBLEM) > 0);
    w->journal_fails = EXAM_OK;
    assert_int_equal(world_answer(w, "q1", "v1", &seq), EXAM_OK);
    assert_int_equal(seq, 1);
    world_settle(w);
    expect_values(w, 1);
    world_free(w);
}

/* EXAM_AGAIN: nothing is lost, nothing is sent in a hurry, the order stays. */
static void test_seat_answers__again_is_retried_in_order(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    world_begin(w);
    answer_many(w, 2);
    world_settle(w);
    w->nodes[0].refuse_answers = EXAM_AGAIN;
    w->nodes[0].refuse_from_seq = 3;
    answer_many(w, 10);
    world_run(w, w->now_ms + 5000);
    assert_int_equal(seat_core_unsaved_n(w->core), 10);
    assert_in_range(w->nodes[0].answers_n, 12 + 2, 12 + 1000);
    w->nodes[0].refuse_answers = EXAM_OK;
    world_run(w, w->now_ms + 4000);
    expect_values(w, 12);
    assert_int_equal(seat_core_unsaved_n(w->core), 0);
    world_free(w);
}

/* The refusals of one flight are one reason to wait, not ten: a short wait it is. */
static void test_seat_answers__a_flight_is_given_up_once(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    world_begin(w);
    w->nodes[0].refuse_answers = EXAM_AGAIN;
    w->nodes[0].refuse_from_seq = 1;
    answer_many(w, 10);
    world_settle(w);
    w->nodes[0].refuse_answers = EXAM_OK;
    world_run(w, w->now_ms + 450);
    expect_values(w, 10);
    world_free(w);
}

/* A gap rewinds to what the node has. */
static void test_seat_answers__a_gap_rewinds(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    world_begin(w);
    answer_many(w, 10);
    world_settle(w);
    w->site.seq_have = 4; /* as if the node had lost some, on the same attachment */
    memset(w->site.values, 0, sizeof(w->site.values));
    for (int i = 1; i <= 4; i++)
        snprintf(w->site.values[i], 16, "v%d", i);
    answer_many(w, 1);
    world_run(w, w->now_ms + 4000);
    expect_values(w, 11);
    assert_int_equal(seat_core_unsaved_n(w->core), 0);
    world_free(w);
}

/* An answer that a rule refuses is told with its code; those after it go on. */
static void test_seat_answers__a_refused_answer_blocks_nothing(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    world_begin(w);
    w->nodes[0].refuse_answers = EXAM_NOT_FOUND;
    w->nodes[0].refuse_from_seq = 1;
    answer_many(w, 1);
    world_settle(w);
    const struct seat_event *e = world_last(w, SEAT_EVENT_ANSWER);
    assert_int_equal(e->u.answer.state, SEAT_ANSWER_REFUSED);
    assert_int_equal(e->u.answer.code, EXAM_NOT_FOUND);
    assert_int_equal(seat_core_answer_state(w->core, 1), SEAT_ANSWER_REFUSED);
    w->nodes[0].refuse_answers = EXAM_OK;
    answer_many(w, 1);
    world_settle(w);
    assert_int_equal(seat_core_answer_state(w->core, 2), SEAT_ANSWER_DUAL);
    assert_int_equal(seat_core_answer_state(w->core, 1), SEAT_ANSWER_REFUSED);
    assert_int_equal(seat_core_unsaved_n(w->core), 0);
    world_free(w);
}

/* A1: of five answers on their way when the connection breaks the node has taken three and refused
 * two. What it has is no promise that it counts: each is told as it is. */
static void test_a1__a_refusal_that_was_lost_is_told_again(void **state)
{
    (void)state;
    struct world *w = world_new(2);
    world_begin(w);
    w->nodes[0].hold = true;
    answer_many(w, 5);
    w->nodes[0].hold = false;
    world_kill(w, 0);
    w->site.seq_have = 5;
    w->site.seq_refused = 4;
    strcpy(w->site.values[1], "v1");
    strcpy(w->site.values[3], "v3");
    strcpy(w->site.values[5], "v5");
    world_forget_events(w);
    world_promote(w, 1, 2);
    world_settle(w);
    for (uint64_t seq = 1; seq <= 5; seq++)
        assert_int_equal(seat_core_answer_state(w->core, seq),
                         seq == 2 || seq == 4 ? SEAT_ANSWER_REFUSED : SEAT_ANSWER_DUAL);
    for (size_t i = 0; i < w->events_n; i++) {
        const struct seat_event *e = &w->events[i].e;
        if (e->kind == SEAT_EVENT_ANSWER && (e->u.answer.seq == 2 || e->u.answer.seq == 4))
            assert_true(e->u.answer.state == SEAT_ANSWER_SENT ||
                        e->u.answer.state == SEAT_ANSWER_REFUSED);
    }
    assert_int_equal(seat_core_unsaved_n(w->core), 0);
    world_free(w);
}

/* The same when this seat's disk has lost what was refused: it is not called saved, and what comes
 * after it is not held up. */
static void test_a1__a_lost_refusal_of_a_lost_answer_blocks_nothing(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    world_begin(w);
    answer_many(w, 1);
    world_settle(w);
    w->site.seq_have = 4;
    w->site.seq_refused = 3;
    world_kill(w, 0);
    world_up(w, 0, true, 1);
    world_run(w, w->now_ms + 3000);
    uint64_t seq;
    assert_int_equal(world_answer(w, "q1", "v5", &seq), EXAM_OK);
    assert_int_equal(seq, 5);
    world_settle(w);
    assert_int_equal(seat_core_answer_state(w->core, 3), SEAT_ANSWER_UNKNOWN);
    assert_int_equal(seat_core_answer_state(w->core, 5), SEAT_ANSWER_DUAL);
    assert_int_equal(seat_core_unsaved_n(w->core), 0);
    world_free(w);
}

/* T10: delivered after the finish, made before it: accepted, and flagged. */
static void test_t10__late_answers_are_flagged(void **state)
{
    (void)state;
    struct world *w = world_new(2);
    world_begin(w);
    world_kill(w, 0);
    answer_many(w, 2);
    world_run(w, w->now_ms + 1000);
    w->site.state = SEAT__SITTING_STATE__SITTING_STATE_FINISHED;
    w->site.finish = EV__FINISH__FINISH_CLOSED;
    w->nodes[1].late = true;
    world_promote(w, 1, 2);
    const struct seat_event *e = world_last(w, SEAT_EVENT_ANSWER);
    assert_true(e->u.answer.late);
    assert_int_equal(e->u.answer.state, SEAT_ANSWER_DUAL);
    assert_int_equal(seat_core_finish(w->core), EV__FINISH__FINISH_CLOSED);
    assert_int_equal(seat_core_unsaved_n(w->core), 0);
    uint64_t seq;
    assert_int_equal(world_answer(w, "q1", "A", &seq), EXAM_LATE);
    world_free(w);
}

/* A submission closes the screen at once, and is confirmed by the node. */
static void test_t10__submit(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    world_begin(w);
    answer_many(w, 3);
    uint64_t seq;
    assert_int_equal(seat_core_submit(w->core, w->now_ms, &seq), EXAM_OK);
    assert_int_equal(seq, 4);
    assert_int_equal(seat_core_state(w->core), SEAT_SUBMITTING);
    assert_int_equal(world_answer(w, "q1", "A", &seq), EXAM_LATE);
    world_settle(w);
    assert_int_equal(seat_core_state(w->core), SEAT_FINISHED);
    assert_int_equal(seat_core_finish(w->core), EV__FINISH__FINISH_SUBMITTED);
    assert_int_equal(world_count(w, SEAT_EVENT_FINISHED), 1);
    world_free(w);
}

/* A submission out of contact: the screen stays closed, its time is claimed up to the submission.
 */
static void test_t10__submit_out_of_contact(void **state)
{
    (void)state;
    struct world *w = world_new(2);
    world_begin(w);
    world_run(w, w->now_ms + 10000);
    world_kill(w, 0);
    world_run(w, w->now_ms + 3000);
    uint64_t seq;
    assert_int_equal(seat_core_submit(w->core, w->now_ms, &seq), EXAM_OK);
    world_run(w, w->now_ms + 60000);
    assert_int_equal(seat_core_state(w->core), SEAT_SUBMITTING);
    assert_int_equal(world_count(w, SEAT_EVENT_LOCKED), 0);
    world_promote(w, 1, 2);
    assert_int_equal(w->nodes[1].claim.open_ms, 3000);
    assert_true(w->nodes[1].claim.submitted);
    assert_false(w->nodes[1].claim.ended);
    assert_int_equal(w->nodes[1].claim.ended_ago_ms, 60000);
    assert_int_equal(seat_core_state(w->core), SEAT_FINISHED);
    assert_int_equal(w->site.finish, EV__FINISH__FINISH_SUBMITTED);
    world_free(w);
}

/* The values that are allowed, and those that are not. */
static void test_seat_answers__values_are_checked(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    uint64_t seq;
    char big[ANSWER_BYTES_MAX + 2];
    memset(big, 'x', sizeof(big));
    big[ANSWER_BYTES_MAX + 1] = 0;
    assert_int_equal(world_answer(w, "q1", "A", &seq), EXAM_STATE);
    world_begin(w);
    assert_int_equal(world_answer(w, "q 1", "A", &seq), EXAM_INVALID);
    assert_int_equal(world_answer(w, "", "A", &seq), EXAM_INVALID);
    assert_int_equal(world_answer(w, "q1", "\xff\xfe", &seq), EXAM_INVALID);
    assert_int_equal(world_answer(w, "q1", big, &seq), EXAM_TOO_BIG);
    big[ANSWER_BYTES_MAX] = 0;
    assert_int_equal(world_answer(w, "q1", big, &seq), EXAM_OK);
    assert_int_equal(world_answer(w, "q1", "", &seq), EXAM_OK);
    world_settle(w);
    assert_int_equal(seat_core_unsaved_n(w->core), 0);
    world_free(w);
}

/* The paper is fetched in parts and its digest is checked; a loss in the middle costs nothing. */
static void test_seat_answers__the_paper_is_fetched_over_a_failover(void **state)
{
    (void)state;
    struct world *w = world_new(2);
    assert_int_equal(seat_core_fetch_paper(w->core, w->now_ms), EXAM_STATE);
    world_begin(w);
    assert_int_equal(world_count(w, SEAT_EVENT_STARTED), 1);
    w->nodes[0].silent = true;
    assert_int_equal(seat_core_fetch_paper(w->core, w->now_ms), EXAM_OK);
    world_kill(w, 0);
    world_run(w, w->now_ms + 200);
    world_promote(w, 1, 2);
    assert_int_equal(world_count(w, SEAT_EVENT_PAPER), 1);
    assert_int_equal(world_count(w, SEAT_EVENT_PAPER_PART), 3);
    assert_memory_equal(w->paper_got, w->site.paper, WORLD_PAPER_BYTES);
    assert_int_equal(world_count(w, SEAT_EVENT_STARTED), 1);
    world_free(w);
}

/* A paper that is not what was announced is not shown; it can be fetched again. */
static void test_seat_answers__a_spoiled_paper_is_refused(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    world_begin(w);
    w->site.paper_spoiled = true;
    assert_int_equal(seat_core_fetch_paper(w->core, w->now_ms), EXAM_OK);
    world_settle(w);
    assert_int_equal(world_count(w, SEAT_EVENT_PAPER), 0);
    assert_int_equal(world_last(w, SEAT_EVENT_PAPER_FAILED)->u.problem.code, EXAM_CORRUPT);
    w->site.paper_spoiled = false;
    assert_int_equal(seat_core_fetch_paper(w->core, w->now_ms), EXAM_OK);
    world_settle(w);
    assert_int_equal(world_count(w, SEAT_EVENT_PAPER), 1);
    world_free(w);
}

/* After collection the seat is free for the next candidate, on a fresh connection (P11). */
static void test_p11__collected(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    world_begin(w);
    answer_many(w, 2);
    uint64_t seq;
    assert_int_equal(seat_core_submit(w->core, w->now_ms, &seq), EXAM_OK);
    world_settle(w);
    world_notice(w, 0, SEAT__NOTICE_KIND__NOTICE_KIND_COLLECTED);
    assert_int_equal(world_count(w, SEAT_EVENT_COLLECTED), 1);
    assert_false(world_last(w, SEAT_EVENT_COLLECTED)->u.collected.keep);
    assert_int_equal(seat_core_rejournal(w->core, w->now_ms), EXAM_OK);
    world_run(w, w->now_ms + 500);
    assert_int_equal(seat_core_state(w->core), SEAT_CONNECTED);
    assert_string_equal(seat_core_admission_no(w->core), "");
    w->site.state = SEAT__SITTING_STATE__SITTING_STATE_WAITING;
    w->site.seq_have = 0;
    world_sign_in(w);
    assert_int_equal(seat_core_state(w->core), SEAT_WAITING);
    world_restart_seat(w, w->now_ms + 100, true);
    assert_int_equal(seat_core_seq_last(w->core), 0);
    world_free(w);
}

static void notice_receipt(struct world *w, Seat__NoticeKind kind)
{
    static uint8_t text[] = "a receipt";
    Seat__Reply m = SEAT__REPLY__INIT;
    Seat__Notice n = SEAT__NOTICE__INIT;
    n.kind = kind;
    n.epoch = w->nodes[0].epoch;
    n.finish = EV__FINISH__FINISH_SUBMITTED;
    n.receipt.data = text;
    n.receipt.len = sizeof text - 1;
    m.kind_case = SEAT__REPLY__KIND_NOTICE;
    m.notice = &n;
    world_send(w, 0, &m);
    world_settle(w);
}

/* D8: the receipt that comes after a submission changes nothing else; the one of a collection comes
 * before the seat is free, as the candidate is not known any more then. */
static void test_d8__receipts_come_first(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    uint64_t seq;
    world_begin(w);
    answer_many(w, 2);
    assert_int_equal(seat_core_submit(w->core, w->now_ms, &seq), EXAM_OK);
    world_settle(w);
    size_t finished = world_count(w, SEAT_EVENT_FINISHED);
    uint64_t left_ms = seat_core_left_ms(w->core, w->now_ms);
    notice_receipt(w, SEAT__NOTICE_KIND__NOTICE_KIND_FINISHED);
    assert_int_equal(world_count(w, SEAT_EVENT_RECEIPT), 1);
    assert_int_equal(world_last(w, SEAT_EVENT_RECEIPT)->u.receipt.text_bytes, 9);
    assert_int_equal(world_count(w, SEAT_EVENT_FINISHED), finished);
    assert_int_equal(seat_core_left_ms(w->core, w->now_ms), left_ms);
    assert_int_equal(seat_core_state(w->core), SEAT_FINISHED);
    notice_receipt(w, SEAT__NOTICE_KIND__NOTICE_KIND_COLLECTED);
    assert_int_equal(world_count(w, SEAT_EVENT_RECEIPT), 2);
    assert_int_equal(world_count(w, SEAT_EVENT_COLLECTED), 1);
    assert_true(world_last(w, SEAT_EVENT_RECEIPT) < world_last(w, SEAT_EVENT_COLLECTED));
    world_free(w);
}

/* Collected while answers are unsaved: the seat first sends them. */
static void test_p6__collected_waits_for_unsaved_answers(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    world_begin(w);
    w->nodes[0].refuse_answers = EXAM_AGAIN;
    w->nodes[0].refuse_from_seq = 1;
    answer_many(w, 2);
    world_settle(w);
    world_notice(w, 0, SEAT__NOTICE_KIND__NOTICE_KIND_COLLECTED);
    assert_int_equal(world_count(w, SEAT_EVENT_COLLECTED), 0);
    w->nodes[0].refuse_answers = EXAM_OK;
    world_run(w, w->now_ms + 2000);
    assert_int_equal(w->site.seq_have, 2);
    assert_int_equal(world_count(w, SEAT_EVENT_COLLECTED), 1);
    world_free(w);
}

/* Whatever happens to nodes and seat, what was acknowledged is with the node in the end, every
 * value under its number, and never green before the node has it (seed printed). */
static void test_a2__nothing_acknowledged_is_lost(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct world *w = world_new_with(2, SEAT_ANSWERS_BYTES_MIN, 0, 4);
        world_settle(w);
        world_begin(w);
        uint64_t chance = seed * 88172645463325252u, epoch = 1;
        uint32_t primary = 0;
        for (int step = 0; step < 80; step++) {
            chance = chance * 6364136223846793005u + 1442695040888963407u;
            uint64_t dice = chance >> 33;
            if (seat_core_state(w->core) == SEAT_ANSWERING && dice % 3)
                answer_many(w, (int)(dice / 3 % 12));
            if (dice % 7 == 0) {
                world_kill(w, primary);
                primary = (primary + 1) % 2;
                /* solo acknowledgements may be gone with the old primary */
                w->site.seq_have -= w->site.seq_have < 5 ? w->site.seq_have : dice / 7 % 5;
                world_promote(w, primary, ++epoch);
            }
            if (dice % 11 == 0)
                world_restart_seat(w, w->now_ms + dice / 11 % 20000, dice % 2);
            world_run(w, w->now_ms + dice / 77 % 300);
            for (uint64_t i = w->site.seq_have + 1; i <= seat_core_seq_last(w->core); i++)
                assert_true(seat_core_answer_state(w->core, i) != SEAT_ANSWER_DUAL ||
                            !seat_core_in_contact(w->core));
            world_forget_events(w);
        }
        world_run(w, w->now_ms + 5000);
        if (seat_core_unsaved_n(w->core) != 0 || w->sent_undurable_n != 0)
            print_error("seed %lu: unsaved %lu\n", (unsigned long)seed,
                        (unsigned long)seat_core_unsaved_n(w->core));
        assert_int_equal(seat_core_unsaved_n(w->core), 0);
        assert_int_equal(w->sent_undurable_n, 0);
        expect_values(w, seat_core_seq_last(w->core));
        world_free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a1__an_answer_turns_green_when_acknowledged),
        cmocka_unit_test(test_a1__solo_is_shown_as_solo),
        cmocka_unit_test(test_a2__answers_out_of_contact_are_sent_on_attaching),
        cmocka_unit_test(test_a2__acknowledged_answers_that_the_successor_lacks_are_sent_again),
        cmocka_unit_test(test_a2__old_answers_come_from_the_journal),
        cmocka_unit_test(test_a4__answers_in_flight_are_sent_again),
        cmocka_unit_test(test_seat_answers__the_window_bounds_what_is_in_flight),
        cmocka_unit_test(test_seat_answers__unsaved_answers_are_bounded),
        cmocka_unit_test(test_seat_answers__a_full_disk_refuses_the_answer),
        cmocka_unit_test(test_seat_answers__again_is_retried_in_order),
        cmocka_unit_test(test_seat_answers__a_flight_is_given_up_once),
        cmocka_unit_test(test_seat_answers__a_gap_rewinds),
        cmocka_unit_test(test_seat_answers__a_refused_answer_blocks_nothing),
        cmocka_unit_test(test_a1__a_refusal_that_was_lost_is_told_again),
        cmocka_unit_test(test_a1__a_lost_refusal_of_a_lost_answer_blocks_nothing),
        cmocka_unit_test(test_t10__late_answers_are_flagged),
        cmocka_unit_test(test_t10__submit),
        cmocka_unit_test(test_t10__submit_out_of_contact),
        cmocka_unit_test(test_seat_answers__values_are_checked),
        cmocka_unit_test(test_seat_answers__the_paper_is_fetched_over_a_failover),
        cmocka_unit_test(test_seat_answers__a_spoiled_paper_is_refused),
        cmocka_unit_test(test_p11__collected),
        cmocka_unit_test(test_d8__receipts_come_first),
        cmocka_unit_test(test_p6__collected_waits_for_unsaved_answers),
        cmocka_unit_test(test_a2__nothing_acknowledged_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
