/* test_disk_model.c - what the model of a disk says may be left after a power cut. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "disk_model.h"

static struct tape t;
static struct disk *d;

static int setup(void **state)
{
    (void)state;
    tape_init(&t);
    d = disk_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    disk_free(d);
    tape_fini(&t);
    return 0;
}

/* The newest operation of the tape begins, and ends if `whole`. */
static void play(bool whole)
{
    disk_begin(d, &t, &t.ops[t.ops_n - 1]);
    if (whole)
        disk_end(d, &t.ops[t.ops_n - 1]);
}

static void write_fill(uint64_t at, size_t n, int byte, bool synced, bool whole)
{
    uint8_t *bytes = malloc(n);
    assert_non_null(bytes);
    memset(bytes, byte, n);
    tape_write(&t, at, synced, bytes, n);
    free(bytes);
    play(whole);
}

static void flush(bool whole)
{
    tape_flush(&t);
    play(whole);
}

/* In how many of the outcomes the byte at `at` is `byte` (-1: beyond the file's end). */
static unsigned outcomes_with(size_t at, int byte, uint64_t samples)
{
    unsigned n = 0;
    for (uint64_t i = 0; i < disk_outcomes(d, samples); i++) {
        size_t bytes;
        const uint8_t *file = disk_outcome(d, samples, i, 7, &bytes);
        n += byte < 0 ? at >= bytes : at < bytes && file[at] == byte;
    }
    return n;
}

/* What is not flushed may be there or not, each sector for itself. */
static void test_disk_outcome__tries_every_subset_of_a_few_sectors(void **state)
{
    (void)state;
    write_fill(0, 3 * SECTOR_BYTES, 'a', false, true);
    assert_int_equal(disk_pending_sectors(d), 3);
    assert_int_equal(disk_outcomes(d, 1), 8);
    assert_int_equal(outcomes_with(0, 'a', 1), 4);
    assert_int_equal(outcomes_with(SECTOR_BYTES, 'a', 1), 4);
    assert_int_equal(outcomes_with(3 * SECTOR_BYTES - 1, 'a', 1), 4);
}

/* A flush that has ended makes it certain; one that is under way does not. */
static void test_disk_end__makes_certain_what_was_flushed(void **state)
{
    (void)state;
    write_fill(0, 2 * SECTOR_BYTES, 'a', false, true);
    flush(false);
    assert_int_equal(disk_outcomes(d, 1), 4);
    disk_end(d, &t.ops[t.ops_n - 1]);
    assert_int_equal(disk_outcomes(d, 1), 1);
    assert_int_equal(outcomes_with(2 * SECTOR_BYTES - 1, 'a', 1), 1);
    assert_int_equal(outcomes_with(2 * SECTOR_BYTES, -1, 1), 1);
}

/* A sector that was written twice may have either content, or its old one. */
static void test_disk_outcome__knows_every_version_of_a_sector(void **state)
{
    (void)state;
    write_fill(0, SECTOR_BYTES, 'a', false, true);
    flush(true);
    write_fill(0, SECTOR_BYTES, 'b', false, true);
    write_fill(0, 10, 'c', false, true);
    assert_int_equal(disk_outcomes(d, 1), 3);
    assert_int_equal(outcomes_with(0, 'a', 1), 1);
    assert_int_equal(outcomes_with(0, 'b', 1), 1);
    assert_int_equal(outcomes_with(0, 'c', 1), 1);
    assert_int_equal(outcomes_with(10, 'b', 1), 2); /* the later write went over the earlier one */
}

/* An O_DSYNC write makes its own sectors certain, and no others. */
static void test_disk_end__of_a_synced_write_covers_its_own_bytes(void **state)
{
    (void)state;
    write_fill(0, SECTOR_BYTES, 'a', false, true);
    write_fill(8 * SECTOR_BYTES, 120, 'm', true, false);
    assert_int_equal(disk_outcomes(d, 1), 4);
    disk_end(d, &t.ops[t.ops_n - 1]);
    assert_int_equal(disk_outcomes(d, 1), 2);
    assert_int_equal(outcomes_with(8 * SECTOR_BYTES, 'm', 1), 2);
    assert_int_equal(outcomes_with(0, 'a', 1), 1);
    assert_int_equal(outcomes_with(0, 0, 1), 1); /* a hole reads as zeros */
}

/* With too many to try all: nothing, everything, and a tear within a write are among them. */
static void test_disk_outcome__samples_what_is_too_much_to_try(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        write_fill((uint64_t)i * 4096, 4096, 'a' + i, false, true);
    uint64_t n = disk_outcomes(d, 50);
    assert_true(n > 50 && n < 200);
    unsigned none = 0, whole = 0, torn = 0;
    for (uint64_t i = 0; i < n; i++) {
        size_t bytes, there = 0;
        const uint8_t *file = disk_outcome(d, 50, i, 3, &bytes);
        for (size_t s = 0; s < 80 && (s + 1) * SECTOR_BYTES <= bytes; s++)
            there += file[s * SECTOR_BYTES] != 0;
        none += there == 0;
        whole += there == 80;
        torn += there % 8 != 0;
    }
    assert_true(none > 0 && whole > 0 && torn > 10);
}

/* The control arms: what such a disk calls flushed may be gone. */
static void test_disk__can_lie(void **state)
{
    (void)state;
    disk_lie(d, DISK_LIES_FLUSHES);
    write_fill(0, SECTOR_BYTES, 'a', false, true);
    flush(true);
    write_fill(4096, 120, 'm', true, true);
    assert_int_equal(disk_outcomes(d, 1), 2);
    disk_free(d);
    d = disk_new();
    disk_lie(d, DISK_LIES_ALWAYS);
    write_fill(0, SECTOR_BYTES, 'a', true, true);
    flush(true);
    assert_int_equal(disk_outcomes(d, 1), 2);
    assert_int_equal(outcomes_with(0, 'a', 1), 1);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_disk_outcome__tries_every_subset_of_a_few_sectors),
        TEST(test_disk_end__makes_certain_what_was_flushed),
        TEST(test_disk_outcome__knows_every_version_of_a_sector),
        TEST(test_disk_end__of_a_synced_write_covers_its_own_bytes),
        TEST(test_disk_outcome__samples_what_is_too_much_to_try),
        TEST(test_disk__can_lie),
    };
    return cmocka_run_group_tests_name("powercut disk model", tests, NULL, NULL);
}
