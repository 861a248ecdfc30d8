#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "check_accounts.h"
#include "check_epochs.h"
#include "check_replicas.h"

static const struct exam_sitting_view good = {
    .admission_no = "1001",
    .account = {.allot_ms = 3600000,
                .grants_ms = -60000,
                .used_ms = 1000000,
                .left_ms = 2540000,
                .lost_ms = 32000},
};

/* An account that adds up passes. */
static void test_check_account__takes_what_adds_up(void **state)
{
    char what[200];
    (void)state;
    assert_true(check_account(&good, 32000, what, sizeof what));
}

/* A millisecond too much or too little anywhere is found, and named. */
static void test_check_account__finds_a_missing_millisecond(void **state)
{
    char what[200];
    struct exam_sitting_view v = good;
    (void)state;
    v.account.left_ms--;
    assert_false(check_account(&v, 32000, what, sizeof what));
    assert_non_null(strstr(what, "1001"));
    v = good;
    v.account.used_ms++;
    assert_false(check_account(&v, 32000, what, sizeof what));
    v = good;
    v.account.grants_ms = 60000;
    assert_false(check_account(&v, 32000, what, sizeof what));
}

/* Lost time that no interruption explains is found (T14), and so is the opposite. */
static void test_check_account__finds_lost_time_without_an_interruption(void **state)
{
    char what[200];
    (void)state;
    assert_false(check_account(&good, 31999, what, sizeof what));
    assert_non_null(strstr(what, "T14"));
    assert_false(check_account(&good, 32001, what, sizeof what));
}

/* Used and lost time are as much as has passed since the begin, to the millisecond; a clock that
 * stands has more to come. */
static void test_check_elapsed__finds_a_millisecond_too_much_or_too_little(void **state)
{
    char what[200];
    struct exam_sitting_view v = good;
    (void)state;
    v.begun = true;
    v.begin_ms = 5000;
    assert_true(check_elapsed(&v, 1037000, true, what, sizeof what));
    assert_false(check_elapsed(&v, 1036999, true, what, sizeof what));
    assert_non_null(strstr(what, "1001"));
    assert_false(check_elapsed(&v, 1037001, true, what, sizeof what));
    v.stands_ms = 4000;
    assert_true(check_elapsed(&v, 1041000, true, what, sizeof what));
    v.finish = EV__FINISH__FINISH_SUBMITTED;
    v.finish_ms = 1037000;
    v.stands_ms = 0;
    assert_true(check_elapsed(&v, 1099000, true, what, sizeof what));
    v.finish_ms--;
    assert_false(check_elapsed(&v, 1099000, true, what, sizeof what));
}

/* What seats' clocks have measured of a time that no node knows is not too much; too little is. */
static void test_check_elapsed__where_the_time_is_not_known(void **state)
{
    char what[200];
    struct exam_sitting_view v = good;
    (void)state;
    v.begun = true;
    assert_true(check_elapsed(&v, 1031000, false, what, sizeof what));
    assert_false(check_elapsed(&v, 1032001, false, what, sizeof what));
    v.account.used_ms += v.account.left_ms; /* T10: it has run out, and nobody has said so */
    v.account.left_ms = 0;
    assert_true(check_elapsed(&v, 9000000, true, what, sizeof what));
    v.finish_ms = 9000000;
    v.finish = EV__FINISH__FINISH_POSTPONED; /* T13: before anybody has */
    assert_true(check_elapsed(&v, 9000000, true, what, sizeof what));
    v.finish = EV__FINISH__FINISH_TIMED_OUT;
    assert_false(check_elapsed(&v, 9000000, true, what, sizeof what));
}

static const struct replica_facts server = {
    .name = "A", .up = true, .serves = true, .epoch = 2, .last = {.epoch = 2, .lsn = 17}};

/* Two that serve while they are in contact are found, whatever their epochs (W1). */
static void test_check_replica__finds_two_that_serve_in_contact(void **state)
{
    char what[200] = "";
    struct replica_facts a = server, b = server;
    (void)state;
    b.name = "B";
    b.epoch = 3;
    assert_true(check_replica_pair(&a, &b, 1, what, sizeof what));
    a.in_contact[1] = true;
    assert_false(check_replica_pair(&a, &b, 1, what, sizeof what));
    assert_non_null(strstr(what, "W1"));
    b.serves = false;
    assert_true(check_replica_pair(&a, &b, 1, what, sizeof what));
}

/* Equal logs with unequal states are found (D4); unequal logs may have any. */
static void test_check_replica__finds_a_state_that_its_log_does_not_make(void **state)
{
    char what[200] = "";
    struct replica_facts a = server, b = server;
    (void)state;
    b.name = "B";
    b.digest[5] = 1;
    assert_false(check_replica_pair(&a, &b, 1, what, sizeof what));
    assert_non_null(strstr(what, "D4"));
    b.last.hash[0] = 1;
    assert_true(check_replica_pair(&a, &b, 1, what, sizeof what));
    b.last = a.last;
    b.up = false;
    assert_true(check_replica_pair(&a, &b, 1, what, sizeof what));
}

/* A record that did not fit its state is found. */
static void test_check_replica__finds_odd_records(void **state)
{
    char what[200] = "";
    struct replica_facts a = server;
    (void)state;
    assert_true(check_replica(&a, what, sizeof what));
    a.oddities = 1;
    assert_false(check_replica(&a, what, sizeof what));
}

static struct epoch_begun handed(struct epochs *e, uint32_t node, struct epoch_name before,
                                 struct epoch_name name)
{
    char what[200];
    const struct epoch_begun b = {
        .node = node, .name = name, .before = before, .switchover = before.number != 0};
    assert_true(epochs_began(e, &b, what, sizeof what));
    return b;
}

/* Two histories go on side by side: whom a node takes over from is he in whose epoch its log was,
 * whoever has begun another one meanwhile, under the same number before it lost its disk (W2). */
static void test_check_epochs__knows_who_has_handed_over(void **state)
{
    enum { A, B, C };
    static struct epochs e;
    const struct epoch_name first = {1, 1}, by_word = {5, 50};
    struct epoch_begun b, word = {.node = C, .name = by_word, .before = first, .person = true};
    bool once;
    char what[200];
    (void)state;
    epochs_init(&e, 3);
    handed(&e, C, (struct epoch_name){0}, first);
    handed(&e, A, first, (struct epoch_name){6, 60});
    assert_true(epochs_began(&e, &word, what, sizeof what));
    handed(&e, B, (struct epoch_name){6, 60}, (struct epoch_name){7, 70});
    epochs_forgotten(&e, A);
    b = handed(&e, A, by_word, (struct epoch_name){6, 61});
    assert_int_equal(epochs_handed_over(&e, &b, &once)->node, C);
    assert_true(once);
}

/* What was handed over, or has gone on by itself, is not handed over again; what a person has begun
 * besides it ends nothing (W2). */
static void test_check_epochs__finds_an_epoch_that_is_handed_over_twice(void **state)
{
    enum { A, B, C };
    static struct epochs e;
    const struct epoch_name first = {1, 1};
    struct epoch_begun b, word = {.node = C, .name = {2, 20}, .before = first, .person = true};
    bool once;
    char what[200];
    (void)state;
    epochs_init(&e, 3);
    handed(&e, A, (struct epoch_name){0}, first);
    assert_true(epochs_began(&e, &word, what, sizeof what));
    b = handed(&e, B, first, (struct epoch_name){3, 30});
    assert_int_equal(epochs_handed_over(&e, &b, &once)->node, A);
    assert_true(once);
    b = handed(&e, C, first, (struct epoch_name){4, 40});
    assert_int_equal(epochs_handed_over(&e, &b, &once)->node, A);
    assert_false(once);
    b.before = (struct epoch_name){9, 90}; /* nobody was seen to begin that */
    assert_null(epochs_handed_over(&e, &b, &once));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_account__takes_what_adds_up),
        cmocka_unit_test(test_check_account__finds_a_missing_millisecond),
        cmocka_unit_test(test_check_account__finds_lost_time_without_an_interruption),
        cmocka_unit_test(test_check_elapsed__finds_a_millisecond_too_much_or_too_little),
        cmocka_unit_test(test_check_elapsed__where_the_time_is_not_known),
        cmocka_unit_test(test_check_replica__finds_two_that_serve_in_contact),
        cmocka_unit_test(test_check_replica__finds_a_state_that_its_log_does_not_make),
        cmocka_unit_test(test_check_replica__finds_odd_records),
        cmocka_unit_test(test_check_epochs__knows_who_has_handed_over),
        cmocka_unit_test(test_check_epochs__finds_an_epoch_that_is_handed_over_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
