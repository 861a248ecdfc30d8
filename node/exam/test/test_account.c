#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "account.h"
#include "site.h"

/* A sitting of 60 minutes with its mark at 12:00, all used until then. */
static struct account at_twelve(void)
{
    return (struct account){
        .allot_ms = MS(60, 0, 0), .used_ms = MS(12, 0, 0), .mark_ms = MS(12, 0, 0)};
}

/* A seat that comes back `out_ms` after 12:00 with the mark of 12:00. */
static struct account_return back_after(uint64_t out_ms)
{
    return (struct account_return){.now_ms = MS(12, 0, 0) + out_ms,
                                   .grace_ms = MS(0, 15, 0),
                                   .dark_known = true,
                                   .screen_opened = true,
                                   .carried = true,
                                   .carried_used_ms = MS(12, 0, 0),
                                   .since_ms = out_ms,
                                   .clock_continuous = true,
                                   .open_ms = out_ms < MS(0, 15, 0) ? out_ms : MS(0, 15, 0)};
}

static void expect_stretch(const struct account *a, const struct account_return *r,
                           uint64_t used_ms, uint64_t lost_ms, Ev__Basis basis)
{
    struct account_stretch s;

    account_reckon_return(a, r, &s);
    assert_int_equal(s.used_ms, used_ms);
    assert_int_equal(s.lost_ms, lost_ms);
    assert_int_equal(s.basis, basis);
}

/* A clock that runs has used one millisecond more each millisecond, and never more than all. */
static void test_t2__running_clock_uses_each_millisecond(void **state)
{
    struct account a = at_twelve();

    (void)state;
    assert_int_equal(account_used_ms(&a, true, MS(12, 0, 1)), MS(12, 0, 1));
    assert_int_equal(account_used_ms(&a, true, MS(60, 0, 0)), MS(60, 0, 0));
    assert_int_equal(account_used_ms(&a, true, MS(90, 0, 0)), MS(60, 0, 0));
    assert_int_equal(account_used_ms(&a, false, MS(90, 0, 0)), MS(12, 0, 0));
    assert_int_equal(account_deadline_ms(&a), MS(60, 0, 0));
}

/* Grants of either sign change the total, and nothing falls below 0. */
static void test_t9__grants_of_either_sign_keep_left_at_zero_or_more(void **state)
{
    struct account a = at_twelve();

    (void)state;
    a.grants_ms = 120000;
    assert_int_equal(account_left_ms(&a, a.used_ms), MS(50, 0, 0));
    a.grants_ms = -(int64_t)MS(50, 0, 0);
    assert_int_equal(account_left_ms(&a, a.used_ms), 0);
    a.grants_ms = INT64_MIN;
    assert_int_equal(account_total_ms(&a), 0);
}

/* A mark that would give used time back, or use more than there is, is not booked. */
static void test_t3__mark_never_gives_used_time_back(void **state)
{
    struct account a = at_twelve();

    (void)state;
    assert_false(account_mark(&a, MS(11, 59, 999), MS(13, 0, 0)));
    assert_false(account_mark(&a, MS(60, 0, 1), MS(13, 0, 0)));
    assert_int_equal(a.mark_ms, MS(12, 0, 0));
    assert_true(account_mark(&a, MS(13, 0, 0), MS(13, 0, 0)));
    assert_int_equal(a.used_ms, MS(13, 0, 0));
}

/* Within grace a screen never closes, so nothing is lost. */
static void test_t6__back_within_grace_loses_nothing(void **state)
{
    struct account a = at_twelve();
    struct account_return r = back_after(MS(0, 10, 0));

    (void)state;
    expect_stretch(&a, &r, MS(12, 10, 0), 0, EV__BASIS__BASIS_CLAIM);
    r = back_after(MS(0, 15, 0));
    expect_stretch(&a, &r, MS(12, 15, 0), 0, EV__BASIS__BASIS_CLAIM);
}

/* A seat whose clock differs by milliseconds from the nodes' loses none of them either: what it has
 * not measured runs on until its next word. */
static void test_t6__never_locked_is_measured_on_one_clock(void **state)
{
    struct account a = at_twelve();
    struct account_return r = back_after(MS(0, 10, 0));

    (void)state;
    r.open_ms = r.since_ms = MS(0, 9, 997);
    expect_stretch(&a, &r, MS(12, 9, 997), 0, EV__BASIS__BASIS_CLAIM);
    r.open_ms = r.since_ms = MS(0, 10, 4);
    expect_stretch(&a, &r, MS(12, 10, 0), 0, EV__BASIS__BASIS_CLAIM);
}

/* What a seat says within grace may wait for a standby meanwhile: it locks when its grace, which
 * counts from the mark that it was given, is over. */
static void test_t6__never_locked_ends_with_the_grace_of_the_seats_mark(void **state)
{
    struct account a = at_twelve();
    struct account_return r = back_after(MS(0, 14, 0));

    (void)state;
    a.used_ms = a.mark_ms = MS(12, 1, 0); /* logged, and never acknowledged */
    r.now_ms = MS(12, 15, 500);
    expect_stretch(&a, &r, MS(12, 14, 0), 500, EV__BASIS__BASIS_CLAIM);
}

/* Whatever a seat claims, not more than grace is charged to it. */
static void test_t6__claim_is_clipped_to_grace(void **state)
{
    struct account a = at_twelve();
    struct account_return r = back_after(MS(0, 47, 0));

    (void)state;
    expect_stretch(&a, &r, MS(12, 15, 0), MS(0, 32, 0), EV__BASIS__BASIS_CLAIM);
    r.open_ms = MS(0, 47, 0);
    expect_stretch(&a, &r, MS(12, 15, 0), MS(0, 32, 0), EV__BASIS__BASIS_CLAIM);
}

/* A claim from the node's own mark is not longer than the time since then. */
static void test_t6__claim_is_clipped_to_the_stretch(void **state)
{
    struct account a = at_twelve();
    struct account_return r = back_after(MS(0, 4, 0));

    (void)state;
    r.clock_continuous = false;
    r.open_ms = MS(0, 9, 0);
    expect_stretch(&a, &r, MS(12, 4, 0), 0, EV__BASIS__BASIS_CLAIM);
}

/* The seat's mark may be older than the node's: its claim counts from its own mark. */
static void test_t6__claim_counts_from_the_mark_it_was_made_from(void **state)
{
    struct account a = at_twelve();
    struct account_return r = back_after(MS(0, 47, 0));

    (void)state;
    r.carried_used_ms = MS(11, 58, 0);
    r.since_ms = MS(0, 49, 0);
    expect_stretch(&a, &r, MS(12, 13, 0), MS(0, 34, 0), EV__BASIS__BASIS_CLAIM);
}

/* A seat that died is charged up to its last journalled position, and no further. */
static void test_t7__dead_seat_is_charged_what_is_recorded(void **state)
{
    struct account a = at_twelve();
    struct account_return r = back_after(MS(3, 30, 0));

    (void)state;
    r.clock_continuous = false;
    r.open_ms = 0;
    expect_stretch(&a, &r, MS(12, 0, 0), MS(3, 30, 0), EV__BASIS__BASIS_MARK);
    r.open_ms = MS(0, 3, 0);
    expect_stretch(&a, &r, MS(12, 3, 0), MS(3, 27, 0), EV__BASIS__BASIS_CLAIM);
}

/* A node with older data adopts the mark that the seat carries, and the claim counts from that. */
static void test_t12__newer_carried_mark_is_adopted(void **state)
{
    struct account a = at_twelve();
    struct account_return r = back_after(MS(10, 30, 0));

    (void)state;
    r.carried_used_ms = r.carried_at_ms = MS(22, 0, 0);
    r.carried_newer = true;
    r.since_ms = MS(0, 30, 0);
    r.open_ms = MS(0, 15, 0);
    expect_stretch(&a, &r, MS(22, 15, 0), MS(0, 15, 0), EV__BASIS__BASIS_CARRIED);
}

/* Of an epoch with a lower number, as two may have begun one: it says more, and counts once. */
static void test_t12__an_older_mark_of_more_time_is_adopted(void **state)
{
    struct account a = at_twelve();
    struct account_return r = back_after(MS(10, 30, 0));

    (void)state;
    r.carried_used_ms = r.carried_at_ms = MS(22, 0, 0);
    r.carried_apart = true;
    r.clock_continuous = false;
    r.open_ms = 0;
    expect_stretch(&a, &r, MS(22, 0, 0), MS(0, 30, 0), EV__BASIS__BASIS_CARRIED);
    r.clock_continuous = true;
    r.since_ms = MS(0, 30, 0);
    r.open_ms = MS(0, 15, 0);
    expect_stretch(&a, &r, MS(22, 15, 0), MS(0, 15, 0), EV__BASIS__BASIS_CARRIED);
}

/* The seat's clock, and the latency of its messages, cost nobody a millisecond: the nodes' clocks
 * have measured the marks. */
static void test_t12__clock_noise_loses_nothing(void **state)
{
    struct account a = at_twelve();
    struct account_return r = back_after(MS(0, 4, 0));

    (void)state;
    r.carried_used_ms = r.carried_at_ms = MS(12, 3, 0);
    r.carried_newer = true;
    r.open_ms = r.since_ms = MS(0, 1, 3);
    expect_stretch(&a, &r, MS(12, 4, 0), 0, EV__BASIS__BASIS_CARRIED);
    r.open_ms = r.since_ms = MS(0, 0, 960);
    expect_stretch(&a, &r, MS(12, 3, 960), 0, EV__BASIS__BASIS_CARRIED);
}

/* The time of a mark that was given on another timeline says nothing on this one: the seat's own
 * clock tells how long ago it was (T4). */
static void test_t12__a_mark_of_an_epoch_apart_is_as_old_as_the_seat_says(void **state)
{
    struct account a = at_twelve();
    struct account_return r = back_after(MS(0, 20, 0));

    (void)state;
    r.carried_used_ms = MS(12, 14, 0);
    r.carried_at_ms = MS(12, 9, 0); /* eleven seconds ago, if this were its timeline */
    r.carried_newer = r.carried_apart = true;
    r.open_ms = r.since_ms = MS(0, 1, 0);
    expect_stretch(&a, &r, MS(12, 15, 0), MS(0, 5, 0), EV__BASIS__BASIS_CARRIED);
}

/* T3: a word is dated by the seat that has said it, within what the node knows. */
static void test_t7__a_word_vouches_up_to_when_it_was_said(void **state)
{
    struct account a = at_twelve();
    const uint64_t now_ms = MS(12, 4, 0), heard_ms = MS(12, 1, 0);

    (void)state;
    assert_int_equal(account_vouched_ms(&a, true, now_ms, heard_ms, MS(12, 1, 500)),
                     MS(12, 1, 500));
    assert_int_equal(account_vouched_ms(&a, true, now_ms, heard_ms, 0), MS(12, 1, 0));
    assert_int_equal(account_vouched_ms(&a, true, now_ms, 0, 0), MS(12, 0, 0));
    assert_int_equal(account_vouched_ms(&a, true, now_ms, heard_ms, UINT64_MAX), MS(12, 4, 0));
    account_stop(&a, MS(12, 2, 0)); /* T8 */
    assert_int_equal(account_vouched_ms(&a, false, now_ms, heard_ms, UINT64_MAX), MS(12, 2, 0));
    assert_int_equal(account_vouched_ms(&a, false, now_ms, heard_ms, MS(12, 1, 500)),
                     MS(12, 1, 500));
    assert_int_equal(account_vouched_ms(&a, false, now_ms, heard_ms, 0), MS(12, 1, 0));
}

/* The mark lies where so much was used, and the rest waits for the next word. */
static void test_t3__a_mark_lies_where_so_much_was_used(void **state)
{
    struct account a = at_twelve();

    (void)state;
    assert_true(account_mark_used(&a, MS(12, 1, 500)));
    assert_int_equal(a.mark_ms, MS(12, 1, 500));
    assert_int_equal(account_used_ms(&a, true, MS(12, 4, 0)), MS(12, 4, 0));
    account_stop(&a, MS(12, 4, 0));
    assert_true(account_mark_used(&a, MS(12, 3, 0)));
    assert_int_equal(account_used_ms(&a, false, MS(13, 0, 0)), MS(12, 4, 0));
    assert_int_equal(account_stop_ms(&a), MS(12, 4, 0));
    assert_false(account_mark_used(&a, MS(12, 2, 0)));
}

/* The node's mark may be older than the seat's although both say the same: the stretch between them
 * was lost, and the claim counts from the seat's. */
static void test_t12__stretch_lost_before_the_carried_mark_is_not_claimed(void **state)
{
    struct account a = at_twelve();
    struct account_return r = back_after(MS(0, 42, 0));

    (void)state;
    r.carried_at_ms = MS(12, 37, 0);
    r.carried_newer = true;
    r.open_ms = r.since_ms = MS(0, 5, 0);
    expect_stretch(&a, &r, MS(12, 5, 0), MS(0, 37, 0), EV__BASIS__BASIS_CLAIM);
}

/* Over a dark time that no node has measured, the seat's own clock tells how long it was. */
static void test_t5__unknown_dark_time_is_measured_by_the_seat(void **state)
{
    struct account a = at_twelve();
    struct account_return r = back_after(MS(4, 30, 0));

    (void)state;
    r.dark_known = false;
    r.now_ms = MS(12, 0, 800); /* the site's timeline has hardly moved */
    expect_stretch(&a, &r, MS(12, 15, 0), MS(4, 15, 0), EV__BASIS__BASIS_CLAIM);
    r.clock_continuous = false;
    expect_stretch(&a, &r, MS(12, 15, 0), 0, EV__BASIS__BASIS_CLAIM);
}

/* T1: unless it began after that: what was before its begin is no time of the sitting. */
static void test_t5__a_time_since_the_begin_is_measured_by_the_node(void **state)
{
    struct account a = at_twelve();
    struct account_return r = back_after(MS(4, 30, 0));

    (void)state;
    r.dark_known = false;
    r.begin_known = true;
    r.now_ms = MS(12, 20, 0);
    expect_stretch(&a, &r, MS(12, 15, 0), MS(0, 5, 0), EV__BASIS__BASIS_CLAIM);
}

/* A sitting whose time ran out on the seat ends at that instant: what came after is not lost. */
static void test_t10__time_out_out_of_contact_ends_the_account_there(void **state)
{
    struct account a = at_twelve();
    struct account_return r = back_after(MS(0, 40, 0));
    struct account_stretch s;

    (void)state;
    a.used_ms = r.carried_used_ms = MS(59, 50, 0);
    r.open_ms = MS(0, 10, 0);
    r.ended = true;
    r.ended_ago_ms = MS(0, 30, 0);
    account_reckon_return(&a, &r, &s);
    assert_true(s.finished);
    assert_int_equal(s.used_ms, MS(60, 0, 0));
    assert_int_equal(s.lost_ms, 0);
    assert_int_equal(s.end_ms, MS(12, 10, 0));
}

/* A candidate who submitted out of contact ended there, within T6's clip; not before what is used.
 */
static void test_t10__submission_out_of_contact_ends_the_account_there(void **state)
{
    struct account a = at_twelve();
    struct account_return r = back_after(MS(0, 40, 0));
    struct account_stretch s;

    (void)state;
    r.open_ms = MS(0, 10, 0);
    r.submitted = true;
    r.ended_ago_ms = MS(0, 30, 0);
    account_reckon_return(&a, &r, &s);
    assert_false(s.finished);
    assert_int_equal(s.used_ms, MS(12, 10, 0));
    assert_int_equal(s.lost_ms, 0);
    assert_int_equal(s.end_ms, MS(12, 10, 0));
    r.ended_ago_ms = MS(0, 20, 0); /* after its screen had closed: that is lost */
    account_reckon_return(&a, &r, &s);
    assert_int_equal(s.lost_ms, MS(0, 10, 0));
    assert_int_equal(s.end_ms, MS(12, 20, 0));
    r.ended_ago_ms = UINT64_MAX; /* "long before its mark" */
    account_reckon_return(&a, &r, &s);
    assert_int_equal(s.used_ms, MS(12, 10, 0));
    assert_int_equal(s.lost_ms, 0);
    assert_int_equal(s.end_ms, MS(12, 10, 0));
}

/* A seat that says it has ended while there is time left goes on, and its stretch counts in full.
 */
static void test_t10__end_that_does_not_add_up_is_ignored(void **state)
{
    struct account a = at_twelve();
    struct account_return r = back_after(MS(0, 40, 0));

    (void)state;
    r.ended = true;
    r.ended_ago_ms = MS(0, 30, 0);
    r.open_ms = MS(0, 10, 0);
    expect_stretch(&a, &r, MS(12, 10, 0), MS(0, 30, 0), EV__BASIS__BASIS_CLAIM);
}

/* Before the paper was on a screen there is nothing to claim. */
static void test_t2__no_claim_before_the_paper_was_on_a_screen(void **state)
{
    struct account a = at_twelve();
    struct account_return r = back_after(MS(0, 10, 0));

    (void)state;
    r.screen_opened = false;
    expect_stretch(&a, &r, MS(12, 0, 0), MS(0, 10, 0), EV__BASIS__BASIS_MARK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_t2__running_clock_uses_each_millisecond),
        cmocka_unit_test(test_t9__grants_of_either_sign_keep_left_at_zero_or_more),
        cmocka_unit_test(test_t3__mark_never_gives_used_time_back),
        cmocka_unit_test(test_t6__back_within_grace_loses_nothing),
        cmocka_unit_test(test_t6__never_locked_is_measured_on_one_clock),
        cmocka_unit_test(test_t6__never_locked_ends_with_the_grace_of_the_seats_mark),
        cmocka_unit_test(test_t6__claim_is_clipped_to_grace),
        cmocka_unit_test(test_t6__claim_is_clipped_to_the_stretch),
        cmocka_unit_test(test_t6__claim_counts_from_the_mark_it_was_made_from),
        cmocka_unit_test(test_t7__dead_seat_is_charged_what_is_recorded),
        cmocka_unit_test(test_t12__newer_carried_mark_is_adopted),
        cmocka_unit_test(test_t12__an_older_mark_of_more_time_is_adopted),
        cmocka_unit_test(test_t12__clock_noise_loses_nothing),
        cmocka_unit_test(test_t3__a_mark_lies_where_so_much_was_used),
        cmocka_unit_test(test_t7__a_word_vouches_up_to_when_it_was_said),
        cmocka_unit_test(test_t12__a_mark_of_an_epoch_apart_is_as_old_as_the_seat_says),
        cmocka_unit_test(test_t12__stretch_lost_before_the_carried_mark_is_not_claimed),
        cmocka_unit_test(test_t5__unknown_dark_time_is_measured_by_the_seat),
        cmocka_unit_test(test_t5__a_time_since_the_begin_is_measured_by_the_node),
        cmocka_unit_test(test_t10__time_out_out_of_contact_ends_the_account_there),
        cmocka_unit_test(test_t10__submission_out_of_contact_ends_the_account_there),
        cmocka_unit_test(test_t10__end_that_does_not_add_up_is_ignored),
        cmocka_unit_test(test_t2__no_claim_before_the_paper_was_on_a_screen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
