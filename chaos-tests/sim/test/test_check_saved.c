#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "check_saved.h"

enum { A, B, SEAT };

static struct saved saved;
static char what[300];

/* An answer of candidate 0 to item 0, journalled at its seat. */
static uint32_t made(uint64_t epoch, uint64_t lsn, uint64_t seq)
{
    const struct saved_answer a = {.version = {epoch, lsn, seq}};
    int id = saved_made(&saved, &a);
    assert_true(id >= 0);
    saved_seen(&saved, (uint32_t)id, SEAT, 0);
    return (uint32_t)id;
}

static int setup(void **state)
{
    (void)state;
    saved_init(&saved, 2);
    return 0;
}

/* Dual needs the disks of two nodes, solo that of one; a seat's journal is none (D1). */
static void test_check_saved__counts_disks(void **state)
{
    uint32_t id = made(1, 5, 1);
    (void)state;
    assert_false(saved_told(&saved, id, false, 1, what, sizeof what));
    assert_non_null(strstr(what, "D1"));
    saved_seen(&saved, id, A, 1);
    assert_true(saved_told(&saved, id, false, 1, what, sizeof what));
    assert_false(saved_told(&saved, id, true, 1, what, sizeof what));
    assert_non_null(strstr(what, "D1"));
    saved_seen(&saved, id, B, 1);
    assert_true(saved_told(&saved, id, true, 1, what, sizeof what));
}

/* A standby that knew of a higher epoch must not vouch for a lower one (D3). */
static void test_check_saved__a_superseded_primary_has_no_witness(void **state)
{
    uint32_t id = made(1, 5, 1);
    (void)state;
    saved_seen(&saved, id, A, 1);
    saved_seen(&saved, id, B, 2);
    assert_false(saved_told(&saved, id, true, 1, what, sizeof what));
    assert_non_null(strstr(what, "D3"));
    assert_true(saved_told(&saved, id, true, 2, what, sizeof what));
}

/* The latest version counts: by epoch, place of the attachment, then number (A3). */
static void test_check_saved__orders_versions(void **state)
{
    uint32_t first = made(1, 9, 7), later = made(2, 3, 1), last = made(2, 3, 2);
    (void)state;
    assert_int_equal(saved_expected(&saved, 0, 0), last);
    assert_true(saved_counts(&saved, 0, 0, (int)last, what, sizeof what));
    assert_false(saved_counts(&saved, 0, 0, (int)later, what, sizeof what));
    assert_false(saved_counts(&saved, 0, 0, (int)first, what, sizeof what));
    assert_false(saved_counts(&saved, 0, 0, SAVED_NONE, what, sizeof what));
    assert_non_null(strstr(what, "A2"));
}

/* An answer may be missing when every place that held it was destroyed, and only then. */
static void test_check_saved__excuses_only_what_was_destroyed(void **state)
{
    uint32_t first = made(1, 5, 1), last = made(1, 5, 2);
    (void)state;
    saved_seen(&saved, last, A, 1);
    saved_destroyed(&saved, last, SEAT);
    assert_int_equal(saved_expected(&saved, 0, 0), last);
    saved_place_destroyed(&saved, A);
    assert_int_equal(saved_expected(&saved, 0, 0), first);
    assert_true(saved_counts(&saved, 0, 0, (int)first, what, sizeof what));
    assert_true(saved_counts(&saved, 0, 0, (int)last, what, sizeof what));
}

/* A seat that throws away what no node has, has lost it. */
static void test_check_saved__a_journal_is_not_to_be_thrown_away_too_early(void **state)
{
    uint32_t delivered = made(1, 5, 1), alone = made(1, 5, 2);
    (void)state;
    saved_seen(&saved, delivered, B, 1);
    saved_discarded(&saved, SEAT, B);
    saved_place_destroyed(&saved, B);
    assert_int_equal(saved_expected(&saved, 0, 0), alone);
    assert_false(saved_counts(&saved, 0, 0, SAVED_NONE, what, sizeof what));
}

/* The disk of the node that told it to may be lost before the word is there; another's may not. */
static void test_check_saved__the_word_to_throw_it_away_may_be_late(void **state)
{
    uint32_t at_a = made(1, 5, 1), at_b = made(1, 5, 2);
    (void)state;
    saved_seen(&saved, at_a, A, 1);
    saved_seen(&saved, at_b, B, 1);
    saved_place_destroyed(&saved, A);
    saved_place_destroyed(&saved, B);
    saved_discarded(&saved, SEAT, B);
    assert_int_equal(saved_expected(&saved, 0, 0), at_a);
}

/* What was made after the finish need not count. */
static void test_check_saved__what_was_refused_need_not_count(void **state)
{
    uint32_t good = made(1, 5, 1), refused = made(1, 5, 2);
    (void)state;
    saved.answers[refused].refused = true;
    assert_true(saved_counts(&saved, 0, 0, (int)good, what, sizeof what));
    assert_false(saved_counts(&saved, 0, 0, SAVED_NONE, what, sizeof what));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_check_saved__counts_disks, setup),
        cmocka_unit_test_setup(test_check_saved__a_superseded_primary_has_no_witness, setup),
        cmocka_unit_test_setup(test_check_saved__orders_versions, setup),
        cmocka_unit_test_setup(test_check_saved__excuses_only_what_was_destroyed, setup),
        cmocka_unit_test_setup(test_check_saved__a_journal_is_not_to_be_thrown_away_too_early,
                               setup),
        cmocka_unit_test_setup(test_check_saved__the_word_to_throw_it_away_may_be_late, setup),
        cmocka_unit_test_setup(test_check_saved__what_was_refused_need_not_count, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
