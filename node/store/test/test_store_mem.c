/* test_store_mem.c - the image under a store in memory: faults, crashes, copies. */
#include "store_fixture.h"

#include "store_mem.h"

struct subject {
    store_image *image;
    store *s;
};

static int setup(void **state)
{
    static struct subject u;
    u = (struct subject){0};
    assert_int_equal(store_image_new(&u.image), EXAM_OK);
    assert_int_equal(store_open_image(u.image, &u.s), EXAM_OK);
    *state = &u;
    return 0;
}

static int teardown(void **state)
{
    struct subject *u = *state;
    store_close(u->s);
    store_image_free(u->image);
    return 0;
}

static void reopen(struct subject *u)
{
    store_close(u->s);
    assert_int_equal(store_open_image(u->image, &u->s), EXAM_OK);
}

/* The n-th commit finds the disk full, cleanly: the store goes on. */
static void test_store_mem__fails_full_at_the_nth_commit(void **state)
{
    struct subject *u = *state;
    store_image_fail_commit(u->image, 2, STORE_FAULT_FULL);
    assert_int_equal(fixture_commit_records(u->s, 2, 10), EXAM_OK);
    assert_int_equal(fixture_commit_records(u->s, 2, 10), EXAM_FULL);
    assert_int_equal(fixture_check_log(u->s), 2);
    assert_int_equal(fixture_commit_records(u->s, 2, 10), EXAM_OK);
    assert_int_equal(fixture_check_log(u->s), 4);
}

static void fails_io(struct subject *u, enum store_fault fault, uint64_t records_after)
{
    assert_int_equal(fixture_commit_records(u->s, 2, 10), EXAM_OK);
    store_image_fail_commit(u->image, 1, fault);
    assert_int_equal(fixture_commit_records(u->s, 3, 10), EXAM_IO);
    assert_int_equal(store_failure(u->s), EXAM_IO);
    assert_int_equal(store_last(u->s).lsn, 2);
    for (int i = 0; i < 3; i++)
        assert_int_equal(fixture_commit_records(u->s, 1, 10), EXAM_IO);
    store_begin(u->s);
    store_abort(u->s);
    assert_int_equal(fixture_commit_records(u->s, 1, 10), EXAM_IO);
    reopen(u);
    assert_int_equal(fixture_check_log(u->s), records_after);
    assert_int_equal(fixture_commit_records(u->s, 1, 10), EXAM_OK);
}

/* After an I/O error the store refuses everything (D6); what was in flight is lost ... */
static void test_store_mem__fails_io_and_loses(void **state)
{
    fails_io(*state, STORE_FAULT_IO_LOST, 2);
}

/* ... or there, which only a restart can tell. */
static void test_store_mem__fails_io_and_keeps(void **state)
{
    fails_io(*state, STORE_FAULT_IO_KEPT, 5);
}

static enum store_fault power_goes(void *ctx, enum store_fault due)
{
    unsigned *asked = ctx;
    (*asked)++;
    return due == STORE_FAULT_NONE ? STORE_FAULT_NONE : STORE_FAULT_POWER_KEPT;
}

/* The machine's owner is asked at each commit what it meets, and has the last word. */
static void test_store_mem__asks_the_owner_at_each_commit(void **state)
{
    struct subject *u = *state;
    unsigned asked = 0;
    store_image_on_commit(u->image, power_goes, &asked);
    fails_io(u, STORE_FAULT_POWER_LOST, 5);
    assert_int_equal(asked, 3);
    assert_int_equal(store_image_met(u->image, STORE_FAULT_POWER_KEPT), 1);
    assert_int_equal(store_image_met(u->image, STORE_FAULT_POWER_LOST), 0);
    store_image_on_commit(u->image, NULL, NULL);
}

/* A copy has what was committed, and goes its own way. */
static void test_store_image_clone__copies_what_is_committed(void **state)
{
    struct subject *u = *state;
    assert_int_equal(fixture_commit_records(u->s, 5, 10), EXAM_OK);
    store_begin(u->s);
    store_put(u->s, STORE_META, "k", 1, "v", 1);
    store_cut(u->s, 4);
    assert_int_equal(store_commit(u->s), EXAM_OK);
    store_begin(u->s);
    store_put(u->s, STORE_META, "k", 1, "uncommitted", 11);
    store_image *copy;
    store *s;
    assert_int_equal(store_image_clone(u->image, &copy), EXAM_OK);
    assert_int_equal(store_commit(u->s), EXAM_OK);
    assert_int_equal(store_open_image(copy, &s), EXAM_OK);
    assert_int_equal(fixture_check_log(s), 4);
    assert_int_equal(store_branch_records(s), 1);
    const uint8_t *value;
    size_t bytes;
    assert_int_equal(store_get(s, STORE_META, "k", 1, &value, &bytes), EXAM_OK);
    assert_int_equal(bytes, 1);
    assert_int_equal(fixture_commit_records(s, 5, 10), EXAM_OK);
    assert_int_equal(fixture_check_log(u->s), 4);
    store_close(s);
    store_image_free(copy);
}

/* One store at a time, as on a disk. */
static void test_store_open_image__locks(void **state)
{
    struct subject *u = *state;
    store *s = NULL;
    assert_int_equal(store_open_image(u->image, &s), EXAM_LOCKED);
    assert_null(s);
}

/* A turned bit in any byte of a record is found and named. */
static void test_store_image_rot__is_found(void **state)
{
    struct subject *u = *state;
    assert_int_equal(fixture_commit_records(u->s, 9, 10), EXAM_OK);
    for (size_t at = 0; at < RECORD_HEADER_BYTES + 10; at++) {
        uint64_t bad_lsn = 0;
        assert_int_equal(store_image_rot(u->image, 5, at, 0x10), EXAM_OK);
        assert_int_equal(store_verify(u->s, 1, 9, &bad_lsn), EXAM_CORRUPT);
        assert_int_equal(bad_lsn, 5);
        assert_int_equal(store_image_rot(u->image, 5, at, 0x10), EXAM_OK);
        assert_int_equal(store_verify(u->s, 1, 9, &bad_lsn), EXAM_OK);
    }
    assert_int_equal(store_image_rot(u->image, 5, RECORD_HEADER_BYTES + 10, 1), EXAM_NOT_FOUND);
    assert_int_equal(store_image_rot(u->image, 10, 0, 1), EXAM_NOT_FOUND);
}

/* What was proven once is proven until a bit turns in it, or in the hash before it; whoever has
 * that hash from before the rot goes on. */
static void test_store_image_rot__is_found_in_what_was_proven(void **state)
{
    struct subject *u = *state;
    struct store_walk walk = {0};
    uint64_t bad_lsn = 0;
    assert_int_equal(fixture_commit_records(u->s, 5, 10), EXAM_OK);
    assert_int_equal(store_verify_on(u->s, &walk, SIZE_MAX), EXAM_OK);
    assert_int_equal(fixture_commit_records(u->s, 4, 10), EXAM_OK);
    assert_int_equal(store_verify(u->s, 1, 9, &bad_lsn), EXAM_OK);
    struct store_walk elsewhere = {.lsn = 5}; /* with the hash of another history */
    assert_int_equal(store_verify_on(u->s, &elsewhere, SIZE_MAX), EXAM_CORRUPT);
    assert_int_equal(store_image_rot(u->image, 5, RECORD_HEADER_BYTES - 1, 0x10), EXAM_OK);
    assert_int_equal(store_verify_on(u->s, &walk, SIZE_MAX), EXAM_OK);
    assert_int_equal(walk.lsn, 9);
    assert_int_equal(store_verify(u->s, 6, 9, &bad_lsn), EXAM_CORRUPT);
    assert_int_equal(bad_lsn, 6);
    store_begin(u->s);
    store_cut(u->s, 6);
    assert_int_equal(store_commit(u->s), EXAM_OK);
    assert_int_equal(fixture_commit_records(u->s, 1, 10), EXAM_OK);
    assert_int_equal(store_verify(u->s, 1, 6, &bad_lsn), EXAM_CORRUPT);
    assert_int_equal(bad_lsn, 5);
}

/* A small disk gets low, then reserved; control records go on into the reserve; then it is full. */
static void test_store_mem__has_room_and_a_reserve(void **state)
{
    struct subject *u = *state;
    enum store_room room;
    uint64_t free_bytes;
    store_image_set_capacity(u->image, 10000, 4000, 3000);
    assert_int_equal(store_room(u->s, &room, &free_bytes), EXAM_OK);
    assert_int_equal(room, STORE_ROOM_OK);
    assert_int_equal(free_bytes, 6000);
    assert_int_equal(fixture_commit_records(u->s, 1, 3900), EXAM_OK);
    assert_int_equal(store_room(u->s, &room, &free_bytes), EXAM_OK);
    assert_int_equal(room, STORE_ROOM_LOW);
    assert_int_equal(fixture_commit_records(u->s, 1, 1700), EXAM_OK);
    assert_int_equal(store_room(u->s, &room, &free_bytes), EXAM_OK);
    assert_int_equal(room, STORE_ROOM_RESERVED);
    assert_int_equal(fixture_commit_records(u->s, 1, 1000), EXAM_FULL);
    store_use_reserve(u->s, true);
    assert_int_equal(fixture_commit_records(u->s, 1, 1000), EXAM_OK);
    assert_int_equal(fixture_commit_records(u->s, 1, 4000), EXAM_FULL);
    store_use_reserve(u->s, false);
    assert_int_equal(fixture_commit_records(u->s, 1, 10), EXAM_FULL);
    store_image_set_capacity(u->image, 20000, 4000, 3000);
    assert_int_equal(store_room(u->s, &room, &free_bytes), EXAM_OK);
    assert_int_equal(room, STORE_ROOM_OK);
    assert_int_equal(fixture_commit_records(u->s, 1, 10), EXAM_OK);
    assert_int_equal(fixture_check_log(u->s), 4);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_store_mem__fails_full_at_the_nth_commit),
        TEST(test_store_mem__fails_io_and_loses),
        TEST(test_store_mem__fails_io_and_keeps),
        TEST(test_store_mem__asks_the_owner_at_each_commit),
        TEST(test_store_image_clone__copies_what_is_committed),
        TEST(test_store_open_image__locks),
        TEST(test_store_image_rot__is_found),
        TEST(test_store_image_rot__is_found_in_what_was_proven),
        TEST(test_store_mem__has_room_and_a_reserve),
    };
    return cmocka_run_group_tests_name("store mem", tests, NULL, NULL);
}
