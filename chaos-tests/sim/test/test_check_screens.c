#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "check_epochs.h"
#include "check_screens.h"

static char what[300];

/* A candidate may be charged from the start to the first sign-in, and while a screen is open. */
static void test_check_screens__adds_up_what_could_be_seen(void **state)
{
    struct screens s = {0};
    (void)state;
    screens_begin(&s, 1000);
    assert_int_equal(screens_used_max_ms(&s, 3000), 2000);
    screens_attached(&s, 0, true, 4000);
    screens_set(&s, 0, true, 4000);
    assert_int_equal(screens_used_max_ms(&s, 5000), 4000);
    screens_set(&s, 0, false, 6000);
    assert_int_equal(screens_used_max_ms(&s, 9000), 5000);
    screens_set(&s, 0, true, 10000);
    screens_set(&s, 0, true, 11000);
    assert_int_equal(screens_used_max_ms(&s, 12000), 7000);
}

/* Where a sign-in is forgotten with all that knew of it, its candidate comes late once more: the
 * clock has run without a screen until then, and what was open meanwhile is in that. */
static void test_check_screens__a_forgotten_sign_in_is_late_again(void **state)
{
    struct screens s = {0};
    (void)state;
    screens_begin(&s, 1000);
    screens_attached(&s, 0, true, 2000);
    screens_set(&s, 0, true, 2000);
    screens_set(&s, 0, false, 5000);
    assert_int_equal(screens_used_max_ms(&s, 9000), 4000);
    screens_late_again(&s, 9000);
    screens_attached(&s, 1, true, 9000);
    assert_int_equal(screens_used_max_ms(&s, 9500), 8000);
    screens_set(&s, 1, true, 9500);
    assert_int_equal(screens_used_max_ms(&s, 9700), 8200);
}

/* Two open screens of one candidate are open once. */
static void test_check_screens__counts_two_screens_once(void **state)
{
    struct screens s = {0};
    (void)state;
    screens_attached(&s, 0, true, 1000);
    screens_set(&s, 0, true, 1000);
    screens_set(&s, 1, true, 2000);
    screens_set(&s, 0, false, 3000);
    screens_set(&s, 1, false, 5000);
    assert_int_equal(screens_used_max_ms(&s, 9000), 4000);
}

/* A session that is told less than before has been robbed of its mark; a new one begins anew. */
static void test_check_screens__used_never_goes_back(void **state)
{
    struct screens s = {0};
    (void)state;
    screens_attached(&s, 0, true, 0);
    assert_true(screens_told(&s, 0, true, 500, 500, what, sizeof what));
    assert_true(screens_told(&s, 0, true, 500, 500, what, sizeof what));
    assert_false(screens_told(&s, 0, true, 499, 501, what, sizeof what));
    screens_attached(&s, 0, true, 0);
    assert_true(screens_told(&s, 0, true, 400, 600, what, sizeof what));
    assert_int_equal(s.told_used_ms, 500);
}

/* When a grant is lost with the node that knew it, all that is left of the time may be used up; but
 * whoever has time left has not lost used time by it. */
static void test_check_screens__a_lost_grant_ends_the_time(void **state)
{
    struct screens s = {0};
    (void)state;
    screens_attached(&s, 0, true, 0);
    assert_true(screens_told(&s, 0, true, 1200, 300, what, sizeof what));
    assert_true(screens_told(&s, 0, true, 1000, 0, what, sizeof what));
    assert_true(screens_told(&s, 0, true, 1200, 300, what, sizeof what));
    assert_false(screens_told(&s, 0, true, 900, 100, what, sizeof what));
    assert_true(screens_told(&s, 0, true, 900, 0, what, sizeof what));
    assert_true(screens_told(&s, 0, true, 950, 0, what, sizeof what));
    assert_false(screens_told(&s, 0, true, 949, 100, what, sizeof what));
}

/* In an epoch of its own, whose name is not asked for. */
static bool began(struct epochs *e, uint32_t node, uint64_t epoch, bool person)
{
    const struct epoch_begun b = {
        .name = {epoch, 100 * node + (uint32_t)epoch}, .node = node, .person = person};
    return epochs_began(e, &b, what, sizeof what);
}

/* A node that begins an epoch which it knew of, or two that begin one unasked, are found (W1). */
static void test_check_epochs__one_number_is_begun_once(void **state)
{
    struct epochs e;
    (void)state;
    epochs_init(&e, 2);
    assert_true(began(&e, 0, 1, false));
    assert_false(began(&e, 0, 1, false));
    epochs_heard(&e, 1, 3);
    assert_false(began(&e, 1, 3, true));
    assert_non_null(strstr(what, "W1"));
    assert_true(began(&e, 1, 4, false));
    assert_false(began(&e, 0, 4, false));
}

/* Persons who say what cannot both be true may make one number twice; it is noted. */
static void test_check_epochs__persons_may_make_twins(void **state)
{
    struct epochs e;
    (void)state;
    epochs_init(&e, 2);
    assert_true(began(&e, 0, 2, true));
    assert_false(e.twins);
    assert_true(began(&e, 1, 2, true));
    assert_true(e.twins);
}

/* What was lost with every disk that knew of it can be begun again; what one disk still knows of,
 * not. */
static void test_check_epochs__a_forgotten_number_may_be_begun_again(void **state)
{
    struct epochs e;
    (void)state;
    epochs_init(&e, 3);
    assert_true(began(&e, 0, 3, false));
    epochs_heard(&e, 1, 3);
    epochs_forgotten(&e, 0);
    assert_false(began(&e, 2, 3, false));
    epochs_init(&e, 3);
    assert_true(began(&e, 0, 3, false));
    epochs_heard(&e, 1, 2);
    epochs_forgotten(&e, 0);
    assert_true(began(&e, 1, 3, false));
    assert_true(e.twins);
}

/* From epoch `before` of `from` on, by a switchover or by itself. */
static bool counted_on(struct epochs *e, uint32_t node, uint64_t epoch, uint32_t from,
                       uint64_t before, bool switchover)
{
    const struct epoch_begun b = {.name = {epoch, 100 * node + (uint32_t)epoch},
                                  .before = {before, 100 * from + (uint32_t)before},
                                  .node = node,
                                  .switchover = switchover};
    return epochs_began(e, &b, what, sizeof what);
}

/* A person's word is what two histories count on from, each within itself (W1). What settles a
 * number, and what goes back to no person, must differ all the same. */
static void test_check_epochs__numbers_follow_from_persons_twins(void **state)
{
    struct epochs e;
    (void)state;
    for (int switchover = 0; switchover < 2; switchover++) {
        epochs_init(&e, 3);
        assert_true(began(&e, 0, 3, true));
        assert_true(counted_on(&e, 2, 4, 0, 3, true));
        assert_true(began(&e, 1, 3, true));
        assert_int_equal(counted_on(&e, 0, 4, 1, 3, switchover), switchover);
    }
    epochs_init(&e, 3);
    assert_true(began(&e, 0, 3, true));
    assert_true(began(&e, 1, 2, false));
    assert_true(counted_on(&e, 2, 4, 0, 3, true));
    assert_false(counted_on(&e, 1, 4, 1, 2, true));
}

/* A number that two have begun is to be settled by whoever served under it. */
static void test_check_epochs__a_twin_is_to_be_settled(void **state)
{
    struct epochs e;
    (void)state;
    epochs_init(&e, 2);
    assert_true(began(&e, 0, 2, true));
    assert_true(began(&e, 0, 3, false));
    assert_false(epochs_was_twin(&e, 0));
    assert_false(epochs_was_twin(&e, 1));
    epochs_init(&e, 2);
    assert_true(began(&e, 0, 2, true));
    assert_true(began(&e, 1, 2, true));
    assert_true(began(&e, 0, 3, false));
    assert_true(epochs_was_twin(&e, 0));
}

/* Who serves has begun to. */
static void test_check_epochs__who_serves_has_begun(void **state)
{
    struct epochs e;
    (void)state;
    epochs_init(&e, 2);
    assert_true(began(&e, 0, 1, false));
    assert_true(epochs_serves(&e, 0, 1, what, sizeof what));
    assert_false(epochs_serves(&e, 1, 1, what, sizeof what));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_screens__adds_up_what_could_be_seen),
        cmocka_unit_test(test_check_screens__a_forgotten_sign_in_is_late_again),
        cmocka_unit_test(test_check_screens__counts_two_screens_once),
        cmocka_unit_test(test_check_screens__used_never_goes_back),
        cmocka_unit_test(test_check_screens__a_lost_grant_ends_the_time),
        cmocka_unit_test(test_check_epochs__one_number_is_begun_once),
        cmocka_unit_test(test_check_epochs__persons_may_make_twins),
        cmocka_unit_test(test_check_epochs__a_forgotten_number_may_be_begun_again),
        cmocka_unit_test(test_check_epochs__numbers_follow_from_persons_twins),
        cmocka_unit_test(test_check_epochs__a_twin_is_to_be_settled),
        cmocka_unit_test(test_check_epochs__who_serves_has_begun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
