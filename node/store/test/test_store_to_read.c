/* test_store_to_read.c - a folder opened for reading only: nothing in it changes, no node has it
 * meanwhile, and what is no readable folder is refused with a message. */
#include "store_fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lmdb.h>

enum { RECORDS = 100, EVENT_BYTES = 120 };

static const char *const dir = fixture_dir;

static void fill(void)
{
    store *s = fixture_open(dir, &FIXTURE_OPTIONS);
    assert_int_equal(fixture_commit_records(s, RECORDS, EVENT_BYTES), EXAM_OK);
    store_close(s);
}

static store *open_to_read(void)
{
    store *s = NULL;
    char why[FIXTURE_WHY_BYTES] = "";
    if (store_open_to_read(dir, &s, why, sizeof why))
        fail_msg("%s", why);
    return s;
}

static void assert_refused(exam_err expected, const char *word)
{
    store *s = NULL;
    char why[FIXTURE_WHY_BYTES] = "";
    assert_int_equal(store_open_to_read(dir, &s, why, sizeof why), expected);
    assert_null(s);
    if (!strstr(why, dir) || !strstr(why, word))
        fail_msg("the message \"%s\" lacks \"%s\" or \"%s\"", why, dir, word);
}

/* Sum over sizes, times of change and number of what is in the folder. */
static uint64_t folder_sum(void)
{
    uint64_t sum = 0;
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        struct stat st;
        if (strcmp(e->d_name, "..") == 0)
            continue;
        assert_int_equal(fstatat(dirfd(d), e->d_name, &st, 0), 0);
        sum = sum * 31 + (uint64_t)st.st_size + (uint64_t)st.st_mtim.tv_nsec +
              (uint64_t)st.st_ctim.tv_nsec;
    }
    closedir(d);
    return sum;
}

/* The whole log is there, and the folder is untouched to the nanosecond. */
static void test_store_to_read__reads_all_and_changes_nothing(void **state)
{
    uint64_t bad = 0;
    (void)state;
    fill();
    uint64_t before = folder_sum();
    store *s = open_to_read();
    assert_int_equal(store_last(s).lsn, RECORDS);
    assert_int_equal(fixture_check_log(s), RECORDS);
    assert_int_equal(store_verify(s, 1, RECORDS, &bad), EXAM_OK);
    store_close(s);
    assert_int_equal(folder_sum(), before);
}

static exam_err count_record(void *ctx, const struct record *r)
{
    (void)r;
    ++*(uint64_t *)ctx;
    return EXAM_OK;
}

static long file_pages_kib(void)
{
    char line[256];
    long kib = -1;
    FILE *f = fopen("/proc/self/status", "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        (void)sscanf(line, "RssFile: %ld kB", &kib);
    fclose(f);
    assert_true(kib > 0);
    return kib;
}

/* A log that is read in pieces does not fill the reader's memory. */
static void test_store_to_read__memory_does_not_grow_with_the_log(void **state)
{
    enum {
        MANY = 10 * 1000,
        PIECE = 1000,
        LARGE_BYTES = 2000,
        LOG_KIB = MANY * LARGE_BYTES / 1024
    };
    (void)state;
    store *s = fixture_open(dir, &FIXTURE_OPTIONS);
    for (int i = 0; i < MANY / PIECE; i++)
        assert_int_equal(fixture_commit_records(s, PIECE, LARGE_BYTES), EXAM_OK);
    store_close(s);
    s = open_to_read();
    long before = file_pages_kib(), most = before;
    uint64_t read = 0;
    for (uint64_t lsn = 1; lsn <= MANY; lsn += PIECE) {
        assert_int_equal(store_read_log(s, lsn, lsn + PIECE - 1, count_record, &read), EXAM_OK);
        most = file_pages_kib() > most ? file_pages_kib() : most;
    }
    assert_int_equal(read, MANY);
    assert_true(most - before < LOG_KIB / 4);
    assert_int_equal(fixture_check_log(s), MANY); /* what was let go is there again */
    store_close(s);
}

/* Readers do not exclude each other, but a node and a reader do. */
static void test_store_to_read__a_node_and_a_reader_exclude_each_other(void **state)
{
    store *none = NULL;
    (void)state;
    fill();
    store *node = fixture_open(dir, &FIXTURE_OPTIONS);
    assert_refused(EXAM_LOCKED, "stop that node");
    store_close(node);
    store *reader = open_to_read();
    assert_int_equal(store_open(dir, &FIXTURE_OPTIONS, &none, NULL, 0), EXAM_LOCKED);
    store_close(reader);
    store_close(fixture_open(dir, &FIXTURE_OPTIONS));
}

/* A copy of the data file alone is a folder to read, and stays alone. */
static void test_store_to_read__a_copy_of_the_data_file_is_enough(void **state)
{
    static const char *const others[] = {"lock.mdb", "owner.lock", "reserve"};
    char path[2 * FIXTURE_PATH_BYTES];
    (void)state;
    fill();
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, others[i]);
        assert_int_equal(remove(path), 0);
    }
    store *s = open_to_read();
    assert_int_equal(fixture_check_log(s), RECORDS);
    store_close(s);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, others[i]);
        assert_int_not_equal(access(path, F_OK), 0);
    }
}

static void write_data(const void *bytes, size_t n)
{
    char path[2 * FIXTURE_PATH_BYTES];
    snprintf(path, sizeof path, "%s/data.mdb", dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* Nothing is made where nothing is, and another program's file is not taken for a store. */
static void test_store_to_read__refuses_what_is_no_store(void **state)
{
    static const char text[5000] = "no store";
    (void)state;
    assert_refused(EXAM_NOT_FOUND, "there is no folder");
    assert_int_not_equal(access(dir, F_OK), 0);
    assert_int_equal(mkdir(dir, 0700), 0);
    assert_refused(EXAM_NOT_FOUND, "no store");
    write_data("", 0);
    assert_refused(EXAM_NOT_FOUND, "no store");
    write_data(text, 100);
    assert_refused(EXAM_INVALID, "cut off");
    write_data(text, sizeof text);
    assert_refused(EXAM_INVALID, "another program's");
}

static void with_environment(void (*change)(MDB_txn *txn))
{
    MDB_env *env;
    MDB_txn *txn;
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 8), 0);
    assert_int_equal(mdb_env_open(env, dir, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    change(txn);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void put_version(MDB_txn *txn)
{
    char name[] = "log_version", version[] = {0, 0, 0, LOG_VERSION + 1};
    MDB_val key = {sizeof name - 1, name}, value = {sizeof version, version};
    MDB_dbi dbi;
    assert_int_equal(mdb_dbi_open(txn, "format", 0, &dbi), 0);
    assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
}

static void drop_state(MDB_txn *txn)
{
    MDB_dbi dbi;
    assert_int_equal(mdb_dbi_open(txn, "state", 0, &dbi), 0);
    assert_int_equal(mdb_drop(txn, dbi, 1), 0);
}

static void take_a_record(MDB_txn *txn)
{
    char lsn[] = {0, 0, 0, 0, 0, 0, 0, 50};
    MDB_val key = {sizeof lsn, lsn};
    MDB_dbi dbi;
    assert_int_equal(mdb_dbi_open(txn, "log", 0, &dbi), 0);
    assert_int_equal(mdb_del(txn, dbi, &key, NULL), 0);
}

/* Another version, a store that lacks a table; a gap in the log is for store_verify to find. */
static void test_store_to_read__tells_versions_damage_and_gaps(void **state)
{
    uint64_t bad = 0;
    (void)state;
    fill();
    with_environment(take_a_record);
    store *s = open_to_read();
    assert_int_equal(store_verify(s, 1, store_last(s).lsn, &bad), EXAM_CORRUPT);
    assert_int_equal(bad, 50);
    store_close(s);
    with_environment(drop_state);
    assert_refused(EXAM_CORRUPT, "damaged");
    with_environment(put_version);
    assert_refused(EXAM_VERSION, "another version");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fixture_dir_setup, fixture_dir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_store_to_read__reads_all_and_changes_nothing),
        TEST(test_store_to_read__memory_does_not_grow_with_the_log),
        TEST(test_store_to_read__a_node_and_a_reader_exclude_each_other),
        TEST(test_store_to_read__a_copy_of_the_data_file_is_enough),
        TEST(test_store_to_read__refuses_what_is_no_store),
        TEST(test_store_to_read__tells_versions_damage_and_gaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
