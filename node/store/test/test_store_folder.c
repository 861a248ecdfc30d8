/* test_store_folder.c - what a data folder may be when a store is opened on it, and what a person
 * is told; and bytes in it that are no longer those that were stored (D8). */
#include "store_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lmdb.h>

static const char *const dir = fixture_dir;

static void assert_refused(const char *path, exam_err expected, const char *word)
{
    store *s = NULL;
    char why[FIXTURE_WHY_BYTES] = "";
    assert_int_equal(store_open(path, &FIXTURE_OPTIONS, &s, why, sizeof why), expected);
    assert_null(s);
    if (!strstr(why, path) || !strstr(why, word))
        fail_msg("the message \"%s\" lacks \"%s\" or \"%s\"", why, path, word);
    assert_int_equal(store_open(path, &FIXTURE_OPTIONS, &s, NULL, 0), expected);
}

static void file_path(char out[2 * FIXTURE_PATH_BYTES], const char *name)
{
    snprintf(out, 2 * FIXTURE_PATH_BYTES, "%s/%s", dir, name);
}

static void write_file(const char *name, const char *text)
{
    char path[2 * FIXTURE_PATH_BYTES];
    file_path(path, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static bool file_exists(const char *name)
{
    char path[2 * FIXTURE_PATH_BYTES];
    file_path(path, name);
    return access(path, F_OK) == 0;
}

/* A store with n records. */
static void make_store(uint64_t n)
{
    store *s = fixture_open(dir, &FIXTURE_OPTIONS);
    assert_int_equal(fixture_commit_records(s, n, 50), EXAM_OK);
    store_close(s);
}

/* --- the lock --- */

/* A second opening is refused, within the process, too, and told whose the first one is. */
static void test_store_open__refuses_an_open_folder(void **state)
{
    (void)state;
    store *s = fixture_open(dir, &FIXTURE_OPTIONS);
    char pid[32];
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    assert_refused(dir, EXAM_LOCKED, pid);
    assert_int_equal(fixture_commit_records(s, 1, 10), EXAM_OK);
    store_close(s);
    s = fixture_open(dir, &FIXTURE_OPTIONS);
    assert_int_equal(fixture_check_log(s), 1);
    store_close(s);
}

/* A process that dies with the store open leaves no lock behind. */
static void test_store_open__needs_no_unlocking_after_a_kill(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        store *s;
        bool open = store_open(dir, &FIXTURE_OPTIONS, &s, NULL, 0) == EXAM_OK;
        if (!open || write(fds[1], "o", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    char byte;
    close(fds[1]);
    assert_int_equal(read(fds[0], &byte, 1), 1);
    close(fds[0]);
    char pid[32];
    snprintf(pid, sizeof pid, "process %ld", (long)child);
    assert_refused(dir, EXAM_LOCKED, pid);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    store_close(fixture_open(dir, &FIXTURE_OPTIONS));
}

/* --- what is in the folder --- */

/* A folder with somebody's files in it is refused by name and left as it was. */
static void test_store_open__refuses_a_foreign_folder(void **state)
{
    (void)state;
    assert_int_equal(mkdir(dir, 0700), 0);
    write_file("thesis.odt", "years of work");
    assert_refused(dir, EXAM_INVALID, "thesis.odt");
    assert_false(file_exists("owner.lock"));
    assert_false(file_exists("data.mdb"));
    assert_false(file_exists("reserve"));
}

/* A stray file beside a store does not keep a node from starting. */
static void test_store_open__ignores_strays_beside_a_store(void **state)
{
    (void)state;
    make_store(3);
    write_file("core.1234", "x");
    store *s = fixture_open(dir, &FIXTURE_OPTIONS);
    assert_int_equal(fixture_check_log(s), 3);
    store_close(s);
}

/* A file is no folder, and a folder whose parent is missing is not made. */
static void test_store_open__refuses_what_is_no_folder(void **state)
{
    (void)state;
    char path[2 * FIXTURE_PATH_BYTES];
    assert_int_equal(mkdir(dir, 0700), 0);
    write_file("thesis.odt", "x");
    file_path(path, "thesis.odt");
    assert_refused(path, EXAM_INVALID, "not a folder");
    file_path(path, "no/such");
    assert_refused(path, EXAM_SYSTEM, "cannot be made");
}

/* A store whose making was cut off before anything was in it is made again. */
static void test_store_open__finishes_a_half_made_store(void **state)
{
    (void)state;
    assert_int_equal(mkdir(dir, 0700), 0);
    write_file("data.mdb", "");
    write_file("lock.mdb", "");
    write_file("owner.lock", "");
    write_file("reserve", "short");
    make_store(2);
}

/* A file in the place of the database is damage. */
static void test_store_open__refuses_a_file_that_is_no_database(void **state)
{
    (void)state;
    assert_int_equal(mkdir(dir, 0700), 0);
    write_file("data.mdb", "this is not what LMDB writes");
    assert_refused(dir, EXAM_CORRUPT, "damaged");
}

/* Sizes that make no sense are refused before anything is made. */
static void test_store_open__refuses_impossible_sizes(void **state)
{
    (void)state;
    const struct store_options bad[] = {
        {.map_bytes = 1u << 20, .reserve_bytes = 1u << 20},
        {.map_bytes = 1u << 30, .reserve_bytes = 1u << 31},
        {.map_bytes = 1u << 30, .reserve_bytes = 4096},
        {.map_bytes = (uint64_t)1 << 47, .reserve_bytes = 1u << 20},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        store *s = NULL;
        char why[FIXTURE_WHY_BYTES] = "";
        assert_int_equal(store_open(dir, &bad[i], &s, why, sizeof why), EXAM_INVALID);
        assert_non_null(strstr(why, "reserve"));
        assert_false(file_exists("data.mdb"));
    }
}

/* --- the database, changed behind the store's back --- */

struct raw {
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
};

static struct raw raw_open(const char *db)
{
    struct raw r;
    assert_int_equal(mdb_env_create(&r.env), 0);
    assert_int_equal(mdb_env_set_mapsize(r.env, 1u << 30), 0);
    assert_int_equal(mdb_env_set_maxdbs(r.env, 8), 0);
    assert_int_equal(mdb_env_open(r.env, dir, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(r.env, NULL, 0, &r.txn), 0);
    assert_int_equal(mdb_dbi_open(r.txn, db, MDB_CREATE, &r.dbi), 0);
    return r;
}

static void raw_close(struct raw *r)
{
    assert_int_equal(mdb_txn_commit(r->txn), 0);
    mdb_env_close(r->env);
}

static void raw_put(const char *db, MDB_val key, MDB_val value)
{
    struct raw r = raw_open(db);
    assert_int_equal(mdb_put(r.txn, r.dbi, &key, &value, 0), 0);
    raw_close(&r);
}

static MDB_val log_key(uint8_t bytes[8], uint64_t lsn)
{
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(lsn >> (56 - 8 * i));
    return (MDB_val){.mv_size = 8, .mv_data = bytes};
}

/* Turns one bit of a record's stored value. */
static void raw_rot(uint64_t lsn, size_t at)
{
    uint8_t key_bytes[8], value_bytes[RECORD_BYTES_MAX];
    MDB_val key = log_key(key_bytes, lsn), value;
    struct raw r = raw_open("log");
    assert_int_equal(mdb_get(r.txn, r.dbi, &key, &value), 0);
    assert_true(at < value.mv_size);
    memcpy(value_bytes, value.mv_data, value.mv_size);
    value_bytes[at] ^= 0x20;
    value.mv_data = value_bytes;
    assert_int_equal(mdb_put(r.txn, r.dbi, &key, &value, 0), 0);
    raw_close(&r);
}

/* A log of another version is left to the program that wrote it. */
static void test_store_open__refuses_another_version(void **state)
{
    (void)state;
    make_store(1);
    uint8_t version[4] = {0, 0, 0, LOG_VERSION + 1};
    char name[] = "log_version";
    raw_put("format", (MDB_val){11, name}, (MDB_val){4, version});
    assert_refused(dir, EXAM_VERSION, "version");
    raw_put("format", (MDB_val){11, name}, (MDB_val){3, version});
    assert_refused(dir, EXAM_CORRUPT, "damaged");
}

/* Another program's database is not taken for an empty store. */
static void test_store_open__refuses_another_programs_database(void **state)
{
    (void)state;
    assert_int_equal(mkdir(dir, 0700), 0);
    char text[] = "x";
    raw_put("accounts", (MDB_val){1, text}, (MDB_val){1, text});
    assert_refused(dir, EXAM_INVALID, "another program");
}

/* A turned bit, wherever in a record, is found, and the record named. */
static void test_store_verify__names_the_record_that_rotted(void **state)
{
    (void)state;
    uint64_t rnd = fixture_seed(__func__);
    make_store(2000);
    for (int i = 0; i < 25; i++) {
        uint64_t lsn = i == 0 ? 1 : i == 1 ? 2000 : 1 + fixture_random_below(&rnd, 2000);
        size_t at = fixture_random_below(&rnd, RECORD_HEADER_BYTES + 50);
        raw_rot(lsn, at);
        store *s = fixture_open(dir, &FIXTURE_OPTIONS);
        uint64_t bad_lsn = 0;
        assert_int_equal(store_verify(s, 1, 2000, &bad_lsn), EXAM_CORRUPT);
        assert_int_equal(bad_lsn, lsn);
        store_close(s);
        raw_rot(lsn, at);
    }
    store *s = fixture_open(dir, &FIXTURE_OPTIONS);
    assert_int_equal(fixture_check_log(s), 2000);
    store_close(s);
}

static exam_err ignore_record(void *ctx, const struct record *r)
{
    (void)ctx;
    (void)r;
    return EXAM_OK;
}

/* A record that is too short to be one is damage, for the reader and for the check. */
static void test_store_read_log__refuses_a_stump(void **state)
{
    (void)state;
    make_store(10);
    uint8_t key_bytes[8];
    char stump[] = "stump";
    raw_put("log", log_key(key_bytes, 6), (MDB_val){5, stump});
    store *s = fixture_open(dir, &FIXTURE_OPTIONS);
    uint64_t bad_lsn = 0;
    assert_int_equal(store_read_log(s, 1, 5, ignore_record, NULL), EXAM_OK);
    assert_int_equal(store_read_log(s, 1, 10, ignore_record, NULL), EXAM_CORRUPT);
    assert_int_equal(store_verify(s, 1, 10, &bad_lsn), EXAM_CORRUPT);
    assert_int_equal(bad_lsn, 6);
    store_close(s);
}

/* A log with a hole or a stump at its end is not opened. */
static void test_store_open__refuses_a_log_with_a_hole(void **state)
{
    (void)state;
    make_store(10);
    uint8_t key_bytes[8];
    MDB_val key = log_key(key_bytes, 6);
    struct raw r = raw_open("log");
    assert_int_equal(mdb_del(r.txn, r.dbi, &key, NULL), 0);
    raw_close(&r);
    assert_refused(dir, EXAM_CORRUPT, "damaged");
}

/* A record that was moved to another number leaves a hole that reading names. */
static void test_store_verify__names_a_missing_record(void **state)
{
    (void)state;
    make_store(10);
    uint8_t key_bytes[8];
    MDB_val key = log_key(key_bytes, 6);
    char stump[] = "stump";
    struct raw r = raw_open("log");
    assert_int_equal(mdb_del(r.txn, r.dbi, &key, NULL), 0);
    raw_close(&r);
    raw_put("log", log_key(key_bytes, 0), (MDB_val){5, stump}); /* as many as before */
    store *s = fixture_open(dir, &FIXTURE_OPTIONS);
    uint64_t bad_lsn = 0;
    assert_int_equal(store_verify(s, 1, 10, &bad_lsn), EXAM_CORRUPT);
    assert_int_equal(bad_lsn, 6);
    assert_int_equal(store_verify(s, 6, 10, &bad_lsn), EXAM_CORRUPT);
    assert_int_equal(bad_lsn, 6);
    assert_int_equal(store_verify(s, 7, 10, &bad_lsn), EXAM_CORRUPT);
    assert_int_equal(bad_lsn, 6);
    store_close(s);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fixture_dir_setup, fixture_dir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_store_open__refuses_an_open_folder),
        TEST(test_store_open__needs_no_unlocking_after_a_kill),
        TEST(test_store_open__refuses_a_foreign_folder),
        TEST(test_store_open__ignores_strays_beside_a_store),
        TEST(test_store_open__refuses_what_is_no_folder),
        TEST(test_store_open__finishes_a_half_made_store),
        TEST(test_store_open__refuses_a_file_that_is_no_database),
        TEST(test_store_open__refuses_impossible_sizes),
        TEST(test_store_open__refuses_another_version),
        TEST(test_store_open__refuses_another_programs_database),
        TEST(test_store_verify__names_the_record_that_rotted),
        TEST(test_store_read_log__refuses_a_stump),
        TEST(test_store_open__refuses_a_log_with_a_hole),
        TEST(test_store_verify__names_a_missing_record),
    };
    return cmocka_run_group_tests_name("store folder", tests, NULL, NULL);
}
