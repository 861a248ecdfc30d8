/* The check of the log in the background: it comes to the end in pieces, rests, finds rot and says
 * where, and is rarer while the node is busy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "log_check.h"
#include "store_mem.h"

enum { RECORDS = 3000, EVENT_BYTES = 1000 }; /* about 12 pieces */

struct fixture {
    store_image *image;
    store *s;
    struct log_check check;
    uint64_t now_ms;
};

static void append(store *s, unsigned records)
{
    static uint8_t event[EVENT_BYTES], value[RECORD_HEADER_BYTES + EVENT_BYTES];
    struct position last = store_last(s);
    store_begin(s);
    for (unsigned i = 0; i < records; i++) {
        struct record r = {
            .lsn = ++last.lsn, .epoch = 1, .event = event, .event_bytes = sizeof event};
        record_seal(&r, last.hash, value);
        memcpy(last.hash, r.hash, HASH_BYTES);
        store_append(s, r.lsn, value, sizeof value);
    }
    assert_int_equal(store_commit(s), EXAM_OK);
}

static int setup(void **state)
{
    static struct fixture f;
    f = (struct fixture){.now_ms = 5000};
    assert_int_equal(store_image_new(&f.image), EXAM_OK);
    assert_int_equal(store_open_image(f.image, &f.s), EXAM_OK);
    append(f.s, RECORDS);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    store_close(f->s);
    store_image_free(f->image);
    return 0;
}

/* Turns for so long, as a loop that sleeps until the check wants to be called; whether rot was
 * found in one of them. */
static bool turn_for(struct fixture *f, uint64_t ms, bool idle, unsigned *turns)
{
    bool found = false;
    *turns = 0;
    for (uint64_t end = f->now_ms + ms; f->now_ms < end; ++*turns) {
        found |= log_check_turn(&f->check, f->s, f->now_ms, idle, &f->check.bad_lsn);
        uint64_t due_ms = log_check_due_ms(&f->check);
        assert_true(due_ms > f->now_ms); /* nothing spins */
        f->now_ms = due_ms < end ? due_ms : end;
    }
    return found;
}

/* It goes through the log in bounded pieces, and begins again after a rest: what was added since is
 * checked, too. */
static void test_log_check__comes_to_the_end_again_and_again(void **state)
{
    struct fixture *f = *state;
    unsigned turns;
    assert_false(log_check_turn(&f->check, f->s, f->now_ms, true, &f->check.bad_lsn));
    assert_in_range(f->check.at.lsn, 1, RECORDS / 4);
    assert_false(turn_for(f, 5000, true, &turns));
    assert_in_range(turns, 10, 30);
    assert_int_equal(f->check.passes, 1);
    append(f->s, 10);
    assert_false(turn_for(f, 130000, true, &turns));
    assert_int_equal(f->check.passes, 3);
    assert_int_equal(f->check.bad_lsn, 0);
}

/* A byte of any record is found, and the record is named; then it checks no further. */
static void test_log_check__names_a_rotten_record(void **state)
{
    struct fixture *f = *state;
    unsigned turns;
    assert_int_equal(store_image_rot(f->image, 1234, RECORD_HEADER_BYTES + 17, 1), EXAM_OK);
    assert_true(turn_for(f, 5000, true, &turns));
    assert_int_equal(f->check.bad_lsn, 1234);
    assert_int_equal(f->check.passes, 0);
    assert_int_equal(log_check_due_ms(&f->check), UINT64_MAX);
    assert_false(log_check_turn(&f->check, f->s, f->now_ms, true, &f->check.bad_lsn));
    assert_int_equal(store_failure(f->s), EXAM_OK); /* what follows from it is the node's to say */
}

/* While the node is busy there is a piece a second, not twenty; but there is one. */
static void test_log_check__gives_way_to_answers(void **state)
{
    struct fixture *f = *state;
    unsigned turns;
    assert_false(turn_for(f, 1, false, &turns));
    uint64_t first = f->check.at.lsn;
    assert_false(turn_for(f, 900, false, &turns));
    assert_int_equal(f->check.at.lsn, first);
    assert_false(turn_for(f, 200, false, &turns));
    assert_in_range(f->check.at.lsn, first + 1, 3 * first);
}

/* After a cut the records at the old places may be others. */
static void test_log_check__begins_anew_after_a_cut(void **state)
{
    struct fixture *f = *state;
    unsigned turns;
    assert_false(turn_for(f, 300, true, &turns));
    assert_true(f->check.at.lsn > 10);
    store_begin(f->s);
    store_cut(f->s, 5);
    assert_int_equal(store_commit(f->s), EXAM_OK);
    log_check_again(&f->check);
    append(f->s, 20);
    assert_false(turn_for(f, 1000, true, &turns));
    assert_int_equal(f->check.passes, 1);
    assert_int_equal(f->check.bad_lsn, 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_log_check__comes_to_the_end_again_and_again),
        TEST(test_log_check__names_a_rotten_record),
        TEST(test_log_check__gives_way_to_answers),
        TEST(test_log_check__begins_anew_after_a_cut),
    };
    return cmocka_run_group_tests_name("log check", tests, NULL, NULL);
}
