/* test_store_space.c - a disk that fills up: a small file system of its own (needs the right to
 * mount one; skipped without). Never an I/O error, never a record lost, and control records go on
 * when answers no longer can. */
#include "store_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RESERVE_BYTES = 2 << 20, STEPS_MAX = 20000 };

static char mount_dir[FIXTURE_PATH_BYTES];
static char data_dir[2 * FIXTURE_PATH_BYTES];
static bool mounted;

static const struct store_options small_options = {
    .map_bytes = 1u << 30, .reserve_bytes = RESERVE_BYTES, .warn_bytes = 4 << 20};

/* Makes, or changes the size of, the small file system; skips the test where that is not allowed.
 */
static void mount_small(unsigned mib)
{
    char options[32];
    snprintf(options, sizeof options, "size=%um", mib);
    if (mount("tmpfs", mount_dir, "tmpfs", mounted ? MS_REMOUNT : 0, options) != 0) {
        print_message("SKIPPED: no file system can be mounted here: %s\n", strerror(errno));
        skip();
    }
    mounted = true;
}

static int setup(void **state)
{
    (void)state;
    mounted = false;
    fixture_dir_name(mount_dir);
    assert_int_equal(mkdir(mount_dir, 0700), 0);
    snprintf(data_dir, sizeof data_dir, "%s/data", mount_dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    /* Detached rather than refused, in case a failed test has left a store open on it. */
    if (mounted && umount2(mount_dir, MNT_DETACH) != 0)
        return -1;
    return rmdir(mount_dir);
}

static enum store_room room_of(store *s, uint64_t *free_bytes)
{
    enum store_room room;
    assert_int_equal(store_room(s, &room, free_bytes), EXAM_OK);
    return room;
}

static uint64_t reserve_on_disk(void)
{
    char path[3 * FIXTURE_PATH_BYTES];
    snprintf(path, sizeof path, "%s/reserve", data_dir);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return (uint64_t)st.st_blocks * 512;
}

/* Commits ordinary transactions until one does not fit; *low_first: the warning came before. */
static void fill(store *s, bool *low_first, bool *reserved_first)
{
    uint64_t free_bytes;
    for (int i = 0; i < STEPS_MAX; i++) {
        enum store_room room = room_of(s, &free_bytes);
        *low_first |= room == STORE_ROOM_LOW && !*reserved_first;
        *reserved_first |= room == STORE_ROOM_RESERVED;
        exam_err err = fixture_commit_records(s, 10, 200);
        if (err == EXAM_FULL)
            return;
        assert_int_equal(err, EXAM_OK);
    }
    fail_msg("the disk never got full");
}

/* A new store that cannot have its reserve is not made; the message says how much it takes. */
static void test_store_open__needs_space_for_its_reserve(void **state)
{
    (void)state;
    mount_small(1);
    store *s = NULL;
    char why[FIXTURE_WHY_BYTES] = "";
    assert_int_equal(store_open(data_dir, &small_options, &s, why, sizeof why), EXAM_FULL);
    assert_non_null(strstr(why, "needs 2304 KiB"));
    assert_non_null(strstr(why, data_dir));
    mount_small(8);
    s = fixture_open(data_dir, &small_options);
    assert_true(reserve_on_disk() >= RESERVE_BYTES);
    store_close(s);
}

/* Warned first, then reserved, then full; control records go on, a restart too; when space comes
 * back the reserve is made whole and everything goes on. */
static void test_store__goes_on_with_control_records_when_full(void **state)
{
    (void)state;
    mount_small(12);
    store *s = fixture_open(data_dir, &small_options);
    uint64_t free_bytes = 0;
    assert_int_equal(room_of(s, &free_bytes), STORE_ROOM_OK);
    assert_in_range(free_bytes, 9 << 20, 10 << 20);
    bool low_first = false, reserved_first = false;
    fill(s, &low_first, &reserved_first);
    assert_true(low_first && reserved_first);
    uint64_t records = fixture_check_log(s);
    assert_true(reserve_on_disk() >= RESERVE_BYTES);

    store_use_reserve(s, true);
    for (int i = 0; i < 40; i++)
        assert_int_equal(fixture_commit_records(s, 1, 500), EXAM_OK);
    assert_true(reserve_on_disk() < RESERVE_BYTES);
    store_use_reserve(s, false);
    assert_int_equal(fixture_commit_records(s, 1, 10), EXAM_FULL);
    assert_int_equal(room_of(s, &free_bytes), STORE_ROOM_RESERVED);
    store_close(s);

    s = fixture_open(data_dir, &small_options);
    assert_int_equal(room_of(s, &free_bytes), STORE_ROOM_RESERVED);
    assert_int_equal(fixture_commit_records(s, 1, 10), EXAM_FULL);
    store_use_reserve(s, true);
    assert_int_equal(fixture_commit_records(s, 1, 500), EXAM_OK);
    store_use_reserve(s, false);
    assert_int_equal(fixture_check_log(s), records + 41);

    mount_small(24);
    assert_int_equal(room_of(s, &free_bytes), STORE_ROOM_OK);
    assert_true(reserve_on_disk() >= RESERVE_BYTES);
    assert_int_equal(fixture_commit_records(s, 100, 200), EXAM_OK);
    assert_int_equal(fixture_check_log(s), records + 141);
    store_close(s);
}

/* Without asking for the room in between, the commit itself finds that space has come back. */
static void test_store_commit__refills_the_reserve(void **state)
{
    (void)state;
    mount_small(6);
    store *s = fixture_open(data_dir, &small_options);
    bool low_first = false, reserved_first = false;
    fill(s, &low_first, &reserved_first);
    store_use_reserve(s, true);
    for (int i = 0; i < 20; i++)
        assert_int_equal(fixture_commit_records(s, 1, 3000), EXAM_OK);
    store_use_reserve(s, false);
    assert_int_equal(fixture_commit_records(s, 1, 10), EXAM_FULL);
    mount_small(16);
    assert_int_equal(fixture_commit_records(s, 1, 10), EXAM_OK);
    assert_true(reserve_on_disk() >= RESERVE_BYTES);
    store_close(s);
}

/* The reserve, too, has an end: then control records get a clean refusal. */
static void test_store_commit__refuses_cleanly_at_the_very_end(void **state)
{
    (void)state;
    mount_small(6);
    store *s = fixture_open(data_dir, &small_options);
    store_use_reserve(s, true);
    exam_err err = EXAM_OK;
    uint64_t records = 0;
    for (int i = 0; i < STEPS_MAX && !err; i++) {
        err = fixture_commit_records(s, 20, 400);
        records += err ? 0 : 20;
    }
    assert_int_equal(err, EXAM_FULL);
    assert_int_equal(fixture_check_log(s), records);
    /* It was the disk that filled up, reserve and all, not some other bound. */
    assert_true(records * 400 > 4u << 20);
    store_close(s);
    s = fixture_open(data_dir, &small_options);
    assert_int_equal(fixture_check_log(s), records);
    store_close(s);
}

/* Takes all but a random part of what is free, as a log file of somebody else's would. */
static void foreign_file(uint64_t *rnd)
{
    static uint8_t block[64 * 1024];
    char path[2 * FIXTURE_PATH_BYTES];
    snprintf(path, sizeof path, "%s/somebody-elses", mount_dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    uint64_t bytes = fixture_random_below(rnd, 12u << 20);
    for (uint64_t done = 0; done < bytes; done += sizeof block)
        if (write(fd, block, sizeof block) != (ssize_t)sizeof block)
            break;
    close(fd);
}

static exam_err random_transaction(store *s, uint64_t *rnd)
{
    static uint8_t value[20000];
    struct fixture_writer w = fixture_writer_at_end(s);
    store_begin(s);
    uint64_t appends = fixture_random_below(rnd, 60);
    for (uint64_t i = 0; i < appends; i++)
        fixture_append(&w, fixture_random_below(rnd, 30) ? 200 : 50000);
    uint64_t puts = fixture_random_below(rnd, 60);
    for (uint64_t i = 0; i < puts; i++) {
        uint16_t key = (uint16_t)fixture_random_below(rnd, 500);
        size_t bytes = fixture_random_below(rnd, 10) ? 300 : sizeof value;
        store_put(s, STORE_STATE, &key, sizeof key, value, bytes);
    }
    if (fixture_random_below(rnd, 40) == 0)
        store_clear(s, STORE_STATE);
    return store_commit(s);
}

/* However the free space comes and goes, a full disk is never mistaken for a broken one. */
static void test_store_commit__never_runs_into_the_full_disk(void **state)
{
    (void)state;
    uint64_t rnd = fixture_seed(__func__);
    unsigned full = 0, done = 0;
    for (int round = 0; round < 6; round++) {
        mount_small(12);
        store *s = fixture_open(data_dir, &small_options);
        for (int i = 0; i < 150; i++) {
            if (fixture_random_below(&rnd, 10) == 0)
                foreign_file(&rnd);
            store_use_reserve(s, fixture_random_below(&rnd, 2));
            exam_err err = random_transaction(s, &rnd);
            if (err && err != EXAM_FULL)
                fail_msg("round %d, transaction %d: %s", round, i, exam_err_name(err));
            full += err == EXAM_FULL;
            done += err == EXAM_OK;
        }
        fixture_check_log(s);
        store_close(s);
        assert_int_equal(umount(mount_dir), 0);
        mounted = false;
    }
    print_message("%u transactions, %u refused\n", done, full);
    assert_true(full >= 50 && done >= 50);
}

/* The map's upper bound is a disk's end like another: reserved first, the reserve then usable. */
static void test_store__keeps_a_reserve_below_the_maps_bound(void **state)
{
    (void)state;
    const struct store_options o = {
        .map_bytes = 6 << 20, .reserve_bytes = RESERVE_BYTES, .warn_bytes = 3 << 20};
    snprintf(data_dir, sizeof data_dir, "%s/data", mount_dir);
    store *s = fixture_open(data_dir, &o);
    bool low_first = false, reserved_first = false;
    fill(s, &low_first, &reserved_first);
    assert_true(low_first && reserved_first);
    store_use_reserve(s, true);
    for (int i = 0; i < 40; i++)
        assert_int_equal(fixture_commit_records(s, 1, 500), EXAM_OK);
    exam_err err = EXAM_OK;
    for (int i = 0; i < STEPS_MAX && !err; i++)
        err = fixture_commit_records(s, 20, 400);
    assert_int_equal(err, EXAM_FULL);
    fixture_check_log(s);
    store_close(s);
    fixture_dir_remove(data_dir);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_store_open__needs_space_for_its_reserve),
        TEST(test_store__goes_on_with_control_records_when_full),
        TEST(test_store_commit__refills_the_reserve),
        TEST(test_store_commit__refuses_cleanly_at_the_very_end),
        TEST(test_store_commit__never_runs_into_the_full_disk),
        TEST(test_store__keeps_a_reserve_below_the_maps_bound),
    };
    return cmocka_run_group_tests_name("store space", tests, NULL, NULL);
}
