/* test_store_contract.c - what store.h promises, of every kind of store: each test runs on the one
 * in LMDB and on the one in memory. */
#include "store_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store_mem.h"

/* One store under test and the disk, or image, that outlives it. */
struct subject {
    bool in_memory;
    store *s;
    char dir[FIXTURE_PATH_BYTES];
    store_image *image;
};

static void subject_open(struct subject *u)
{
    if (!u->in_memory) {
        u->s = fixture_open(u->dir, &FIXTURE_OPTIONS);
        return;
    }
    assert_int_equal(store_open_image(u->image, &u->s), EXAM_OK);
}

static void subject_new(struct subject *u, bool in_memory)
{
    *u = (struct subject){.in_memory = in_memory};
    if (in_memory)
        assert_int_equal(store_image_new(&u->image), EXAM_OK);
    else
        fixture_dir_name(u->dir);
    subject_open(u);
}

static void subject_free(struct subject *u)
{
    store_close(u->s);
    if (u->in_memory)
        store_image_free(u->image);
    else
        fixture_dir_remove(u->dir);
}

static void subject_reopen(struct subject *u)
{
    store_close(u->s);
    subject_open(u);
}

static int setup(void **state)
{
    bool in_memory = *state != NULL;
    struct subject *u = malloc(sizeof *u);
    subject_new(u, in_memory);
    *state = u;
    return 0;
}

static int teardown(void **state)
{
    subject_free(*state);
    free(*state);
    return 0;
}

static void put(store *s, enum store_table t, const char *key, const char *value)
{
    store_put(s, t, key, strlen(key), value, strlen(value));
}

static void assert_value(store *s, enum store_table t, const char *key, const char *expected)
{
    const uint8_t *value = NULL;
    size_t bytes = 0;
    exam_err err = store_get(s, t, key, strlen(key), &value, &bytes);
    if (!expected) {
        assert_int_equal(err, EXAM_NOT_FOUND);
        assert_null(value);
        return;
    }
    assert_int_equal(err, EXAM_OK);
    assert_int_equal(bytes, strlen(expected));
    assert_memory_equal(value, expected, bytes);
}

/* Notes what an `each` callback was called with. */
struct notes {
    char text[512]; /* "key=value " of each entry, "lsn " of each record */
    unsigned calls;
    unsigned stop_at; /* the call that returns EXAM_REFUSED; 0: none */
};

static exam_err note_entry(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value,
                           size_t value_bytes)
{
    struct notes *n = ctx;
    size_t used = strlen(n->text);
    snprintf(n->text + used, sizeof n->text - used, "%.*s=%.*s ", (int)key_bytes, (const char *)key,
             (int)value_bytes, (const char *)value);
    return ++n->calls == n->stop_at ? EXAM_REFUSED : EXAM_OK;
}

static exam_err note_record(void *ctx, const struct record *r)
{
    struct notes *n = ctx;
    size_t used = strlen(n->text);
    snprintf(n->text + used, sizeof n->text - used, "%llu ", (unsigned long long)r->lsn);
    return ++n->calls == n->stop_at ? EXAM_REFUSED : EXAM_OK;
}

static void assert_branch(store *s, uint64_t branch, const char *lsns)
{
    struct notes n = {0};
    assert_int_equal(store_read_branch(s, branch, 1, note_record, &n), EXAM_OK);
    assert_string_equal(n.text, lsns);
}

/* --- the log --- */

/* A new store has no record, no entry and no branch. */
static void test_store__is_empty_at_first(void **state)
{
    struct subject *u = *state;
    struct position zero = {0}, last = store_last(u->s);
    struct notes n = {0};
    assert_memory_equal(&last, &zero, sizeof zero);
    assert_int_equal(store_read_log(u->s, 1, 0, note_record, &n), EXAM_OK);
    assert_int_equal(store_read_log(u->s, 1, 1, note_record, &n), EXAM_NOT_FOUND);
    assert_int_equal(store_read_log(u->s, 0, 0, note_record, &n), EXAM_NOT_FOUND);
    assert_int_equal(store_read_table(u->s, STORE_META, NULL, 0, note_entry, &n), EXAM_OK);
    assert_int_equal(store_read_table(u->s, STORE_STATE, NULL, 0, note_entry, &n), EXAM_OK);
    assert_int_equal(n.calls, 0);
    assert_value(u->s, STORE_META, "a", NULL);
    assert_int_equal(store_branch_records(u->s), 0);
    assert_int_equal(store_read_branch(u->s, 1, 1, note_record, &n), EXAM_NOT_FOUND);
}

/* Committed records come back as they were, in order, in this store and in the reopened one. */
static void test_store__keeps_records(void **state)
{
    struct subject *u = *state;
    for (int i = 1; i <= 20; i++)
        assert_int_equal(fixture_commit_records(u->s, 50, (size_t)i * 10), EXAM_OK);
    struct position last = store_last(u->s);
    assert_int_equal(fixture_check_log(u->s), 1000);
    subject_reopen(u);
    struct position again = store_last(u->s);
    assert_memory_equal(&again, &last, sizeof last);
    assert_int_equal(fixture_check_log(u->s), 1000);
}

/* The smallest and the largest record that the format allows are kept, mixed. */
static void test_store__keeps_records_of_all_sizes(void **state)
{
    struct subject *u = *state;
    struct fixture_writer w = fixture_writer_at_end(u->s);
    store_begin(u->s);
    for (int i = 0; i < 20; i++) {
        fixture_append(&w, 1);
        fixture_append(&w, RECORD_BYTES_MAX - RECORD_HEADER_BYTES);
        fixture_append(&w, 2000 + (size_t)i);
    }
    assert_int_equal(store_commit(u->s), EXAM_OK);
    subject_reopen(u);
    assert_int_equal(fixture_check_log(u->s), 60);
}

/* What a transaction writes is seen by nobody before its commit, and by everybody after it. */
static void test_store__shows_committed_data_only(void **state)
{
    struct subject *u = *state;
    struct notes n = {0};
    struct fixture_writer w = fixture_writer_at_end(u->s);
    store_begin(u->s);
    fixture_append(&w, 10);
    put(u->s, STORE_STATE, "k", "v");
    assert_int_equal(store_last(u->s).lsn, 0);
    assert_int_equal(store_read_log(u->s, 1, 1, note_record, &n), EXAM_NOT_FOUND);
    assert_value(u->s, STORE_STATE, "k", NULL);
    assert_int_equal(store_commit(u->s), EXAM_OK);
    assert_int_equal(store_last(u->s).lsn, 1);
    assert_value(u->s, STORE_STATE, "k", "v");
    assert_int_equal(fixture_check_log(u->s), 1);
}

/* An aborted transaction, and one that is open when the store is closed, leave nothing. */
static void test_store__drops_what_is_not_committed(void **state)
{
    struct subject *u = *state;
    assert_int_equal(fixture_commit_records(u->s, 3, 10), EXAM_OK);
    struct fixture_writer w = fixture_writer_at_end(u->s);
    store_begin(u->s);
    fixture_append(&w, 10);
    put(u->s, STORE_META, "k", "v");
    store_cut(u->s, 1);
    store_abort(u->s);
    assert_int_equal(fixture_check_log(u->s), 3);

    w = fixture_writer_at_end(u->s);
    store_begin(u->s);
    fixture_append(&w, 10);
    put(u->s, STORE_META, "k", "v");
    subject_reopen(u);
    assert_int_equal(fixture_check_log(u->s), 3);
    assert_value(u->s, STORE_META, "k", NULL);
    assert_int_equal(store_branch_records(u->s), 0);
}

/* An empty transaction is one like any other. */
static void test_store__commits_nothing(void **state)
{
    struct subject *u = *state;
    store_begin(u->s);
    assert_int_equal(store_commit(u->s), EXAM_OK);
    assert_int_equal(fixture_commit_records(u->s, 1, 10), EXAM_OK);
    store_begin(u->s);
    assert_int_equal(store_commit(u->s), EXAM_OK);
    assert_int_equal(fixture_check_log(u->s), 1);
}

/* A range is read from its first record to its last, and not at all when the log ends before. */
static void test_store_read_log__reads_a_range(void **state)
{
    struct subject *u = *state;
    assert_int_equal(fixture_commit_records(u->s, 9, 10), EXAM_OK);
    struct notes n = {0};
    assert_int_equal(store_read_log(u->s, 4, 6, note_record, &n), EXAM_OK);
    assert_string_equal(n.text, "4 5 6 ");
    n = (struct notes){0};
    assert_int_equal(store_read_log(u->s, 8, 10, note_record, &n), EXAM_NOT_FOUND);
    assert_int_equal(store_read_log(u->s, 11, 10, note_record, &n), EXAM_NOT_FOUND);
    assert_int_equal(store_read_log(u->s, 10, 9, note_record, &n), EXAM_OK);
    assert_int_equal(n.calls, 0);
    n.stop_at = 3;
    assert_int_equal(store_read_log(u->s, 2, 9, note_record, &n), EXAM_REFUSED);
    assert_string_equal(n.text, "2 3 4 ");
}

/* --- the tables --- */

/* An entry is put, replaced, emptied and deleted; deleting one that is not there is no error. */
static void test_store_put__replaces(void **state)
{
    struct subject *u = *state;
    store_begin(u->s);
    put(u->s, STORE_STATE, "a", "one");
    put(u->s, STORE_STATE, "a", "another, longer one");
    put(u->s, STORE_STATE, "b", "");
    put(u->s, STORE_STATE, "c", "gone before it was there");
    store_del(u->s, STORE_STATE, "c", 1);
    store_del(u->s, STORE_STATE, "never", 5);
    assert_int_equal(store_commit(u->s), EXAM_OK);
    assert_value(u->s, STORE_STATE, "a", "another, longer one");
    assert_value(u->s, STORE_STATE, "b", "");
    assert_value(u->s, STORE_STATE, "c", NULL);
    store_begin(u->s);
    store_del(u->s, STORE_STATE, "a", 1);
    assert_int_equal(store_commit(u->s), EXAM_OK);
    subject_reopen(u);
    assert_value(u->s, STORE_STATE, "a", NULL);
    assert_value(u->s, STORE_STATE, "b", "");
}

/* The tables are apart: clearing one leaves the other, and what is put after the clearing. */
static void test_store_clear__empties_one_table(void **state)
{
    struct subject *u = *state;
    store_begin(u->s);
    put(u->s, STORE_META, "k", "meta");
    put(u->s, STORE_STATE, "k", "state");
    put(u->s, STORE_STATE, "old", "x");
    assert_int_equal(store_commit(u->s), EXAM_OK);
    store_begin(u->s);
    put(u->s, STORE_STATE, "before", "x");
    store_clear(u->s, STORE_STATE);
    put(u->s, STORE_STATE, "after", "y");
    assert_int_equal(store_commit(u->s), EXAM_OK);
    subject_reopen(u);
    struct notes n = {0};
    assert_int_equal(store_read_table(u->s, STORE_STATE, NULL, 0, note_entry, &n), EXAM_OK);
    assert_string_equal(n.text, "after=y ");
    assert_value(u->s, STORE_META, "k", "meta");
}

/* A table is read in the order of its keys' bytes, by prefix, until the callback has enough. */
static void test_store_read_table__reads_a_prefix(void **state)
{
    struct subject *u = *state;
    store_begin(u->s);
    static const char *const keys[] = {"b\xff", "a", "bb", "c", "b", "b\xff\xff", "ba", "aa"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        put(u->s, STORE_STATE, keys[i], "1");
    assert_int_equal(store_commit(u->s), EXAM_OK);
    struct notes n = {0};
    assert_int_equal(store_read_table(u->s, STORE_STATE, "b", 1, note_entry, &n), EXAM_OK);
    assert_string_equal(n.text, "b=1 ba=1 bb=1 b\xff=1 b\xff\xff=1 ");
    n = (struct notes){0};
    assert_int_equal(store_read_table(u->s, STORE_STATE, "b\xff", 2, note_entry, &n), EXAM_OK);
    assert_string_equal(n.text, "b\xff=1 b\xff\xff=1 ");
    n = (struct notes){.stop_at = 2};
    assert_int_equal(store_read_table(u->s, STORE_STATE, NULL, 0, note_entry, &n), EXAM_REFUSED);
    assert_string_equal(n.text, "a=1 aa=1 ");
    n = (struct notes){0};
    assert_int_equal(store_read_table(u->s, STORE_STATE, "x", 1, note_entry, &n), EXAM_OK);
    assert_int_equal(n.calls, 0);
}

static exam_err read_within(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value,
                            size_t value_bytes)
{
    store *s = ctx;
    assert_value(s, STORE_STATE, "b", "2");
    assert_int_equal(fixture_check_log(s), 5);
    char copy_key[8] = "", copy_value[8] = "";
    memcpy(copy_key, key, key_bytes);
    memcpy(copy_value, value, value_bytes);
    put(s, STORE_META, copy_key, copy_value);
    return EXAM_OK;
}

/* A callback may read the store and write to its open transaction. */
static void test_store_read_table__lets_its_callback_read_and_put(void **state)
{
    struct subject *u = *state;
    assert_int_equal(fixture_commit_records(u->s, 5, 10), EXAM_OK);
    store_begin(u->s);
    put(u->s, STORE_STATE, "a", "1");
    put(u->s, STORE_STATE, "b", "2");
    assert_int_equal(store_commit(u->s), EXAM_OK);
    store_begin(u->s);
    assert_int_equal(store_read_table(u->s, STORE_STATE, NULL, 0, read_within, u->s), EXAM_OK);
    assert_int_equal(store_commit(u->s), EXAM_OK);
    assert_value(u->s, STORE_META, "a", "1");
    assert_value(u->s, STORE_META, "b", "2");
}

/* What store_get gave lives through commits that replace it, until the next store_get. */
static void test_store_get__gives_bytes_that_last(void **state)
{
    struct subject *u = *state;
    store_begin(u->s);
    put(u->s, STORE_STATE, "k", "first value");
    assert_int_equal(store_commit(u->s), EXAM_OK);
    const uint8_t *value;
    size_t bytes;
    assert_int_equal(store_get(u->s, STORE_STATE, "k", 1, &value, &bytes), EXAM_OK);
    for (int i = 0; i < 10; i++) {
        store_begin(u->s);
        put(u->s, STORE_STATE, "k", "other value");
        assert_int_equal(store_commit(u->s), EXAM_OK);
    }
    assert_memory_equal(value, "first value", 11);
}

/* --- dead branches (A3) --- */

/* The records after a cut go to a numbered branch, and new ones take their numbers. */
static void test_store_cut__keeps_the_tail_as_a_branch(void **state)
{
    struct subject *u = *state;
    assert_int_equal(fixture_commit_records(u->s, 5, 10), EXAM_OK);
    store_begin(u->s);
    store_cut(u->s, 2);
    assert_int_equal(store_commit(u->s), EXAM_OK);
    assert_int_equal(fixture_check_log(u->s), 2);
    assert_int_equal(store_branch_records(u->s), 3);

    assert_int_equal(fixture_commit_records(u->s, 2, 20), EXAM_OK);
    store_begin(u->s);
    store_cut(u->s, 0);
    assert_int_equal(store_commit(u->s), EXAM_OK);
    subject_reopen(u);
    assert_int_equal(fixture_check_log(u->s), 0);
    assert_int_equal(store_branch_records(u->s), 7);
    assert_branch(u->s, 1, "3 4 5 ");
    assert_branch(u->s, 2, "1 2 3 4 ");
    struct notes n = {0};
    assert_int_equal(store_read_branch(u->s, 3, 1, note_record, &n), EXAM_NOT_FOUND);
    assert_int_equal(store_read_branch(u->s, 0, 1, note_record, &n), EXAM_NOT_FOUND);
}

/* Who reads a long branch in pieces goes on where it was; after the last record is nothing, which
 * is not the same as no branch. */
static void test_store_read_branch__begins_at_a_record(void **state)
{
    struct subject *u = *state;
    assert_int_equal(fixture_commit_records(u->s, 6, 10), EXAM_OK);
    for (uint64_t lsn = 4; lsn >= 2; lsn -= 2) {
        store_begin(u->s);
        store_cut(u->s, lsn);
        assert_int_equal(store_commit(u->s), EXAM_OK);
    }
    static const struct {
        uint64_t branch, first_lsn;
        const char *lsns;
    } cases[] = {{1, 0, "5 6 "},      {1, 5, "5 6 "}, {1, 6, "6 "}, {1, 7, ""},
                 {1, UINT64_MAX, ""}, {2, 1, "3 4 "}, {2, 4, "4 "}, {2, 5, ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct notes n = {0};
        assert_int_equal(
            store_read_branch(u->s, cases[i].branch, cases[i].first_lsn, note_record, &n), EXAM_OK);
        assert_string_equal(n.text, cases[i].lsns);
    }
    struct notes n = {0};
    assert_int_equal(store_read_branch(u->s, 3, 4, note_record, &n), EXAM_NOT_FOUND);
}

/* A cut, a new state and the records of the new history are one transaction. */
static void test_store_cut__goes_with_appends(void **state)
{
    struct subject *u = *state;
    assert_int_equal(fixture_commit_records(u->s, 3, 10), EXAM_OK);
    struct position third = store_last(u->s);
    assert_int_equal(fixture_commit_records(u->s, 500, 300), EXAM_OK);
    struct fixture_writer w = {.s = u->s, .lsn = third.lsn, .epoch = third.epoch + 1, .flavour = 9};
    memcpy(w.hash, third.hash, HASH_BYTES);
    store_begin(u->s);
    store_cut(u->s, 3);
    store_clear(u->s, STORE_STATE);
    for (int i = 0; i < 700; i++)
        fixture_append(&w, 100);
    assert_int_equal(store_commit(u->s), EXAM_OK);
    assert_int_equal(store_last(u->s).epoch, 2);
    assert_int_equal(fixture_check_log(u->s), 703);
    assert_int_equal(store_branch_records(u->s), 500);
    subject_reopen(u);
    assert_int_equal(fixture_check_log(u->s), 703);
}

/* A cut at the end makes no branch; one of the transaction's own records does. */
static void test_store_cut__at_the_end_is_none(void **state)
{
    struct subject *u = *state;
    assert_int_equal(fixture_commit_records(u->s, 3, 10), EXAM_OK);
    struct fixture_writer w = fixture_writer_at_end(u->s);
    store_begin(u->s);
    store_cut(u->s, 3);
    fixture_append(&w, 10);
    fixture_append(&w, 10);
    store_cut(u->s, 4);
    assert_int_equal(store_commit(u->s), EXAM_OK);
    assert_int_equal(fixture_check_log(u->s), 4);
    assert_branch(u->s, 1, "5 ");
}

/* --- the chain (D8) --- */

/* A record that does not continue the chain is named, from wherever the check begins. */
static void test_store_verify__names_a_broken_link(void **state)
{
    struct subject *u = *state;
    uint64_t bad_lsn = 77;
    assert_int_equal(store_verify(u->s, 1, 0, &bad_lsn), EXAM_OK);
    assert_int_equal(fixture_commit_records(u->s, 10, 10), EXAM_OK);
    struct fixture_writer w = fixture_writer_at_end(u->s);
    w.hash[5] ^= 1;
    store_begin(u->s);
    for (int i = 0; i < 5; i++)
        fixture_append(&w, 10);
    assert_int_equal(store_commit(u->s), EXAM_OK);
    assert_int_equal(store_verify(u->s, 1, 10, &bad_lsn), EXAM_OK);
    assert_int_equal(store_verify(u->s, 12, 15, &bad_lsn), EXAM_OK);
    assert_int_equal(store_verify(u->s, 1, 16, &bad_lsn), EXAM_NOT_FOUND);
    assert_int_equal(store_verify(u->s, 0, 3, &bad_lsn), EXAM_NOT_FOUND);
    assert_int_equal(bad_lsn, 77);
    assert_int_equal(store_verify(u->s, 1, 15, &bad_lsn), EXAM_CORRUPT);
    assert_int_equal(bad_lsn, 11);
    bad_lsn = 77;
    assert_int_equal(store_verify(u->s, 11, 11, &bad_lsn), EXAM_CORRUPT);
    assert_int_equal(bad_lsn, 11);
}

/* The same check in pieces: it stops after so many bytes, goes on from there, and names the record
 * that breaks the chain. What it finds does not make the store unusable: that is the caller's to
 * decide. */
static void test_store_verify_on__walks_in_pieces(void **state)
{
    struct subject *u = *state;
    struct store_walk walk = {0};
    assert_int_equal(store_verify_on(u->s, &walk, 1), EXAM_OK);
    assert_int_equal(walk.lsn, 0);
    assert_int_equal(fixture_commit_records(u->s, 10, 100), EXAM_OK);
    assert_int_equal(store_verify_on(u->s, &walk, 1), EXAM_OK);
    assert_int_equal(walk.lsn, 1);
    assert_int_equal(store_verify_on(u->s, &walk, 3 * (100 + RECORD_HEADER_BYTES)), EXAM_OK);
    assert_int_equal(walk.lsn, 4);
    assert_int_equal(store_verify_on(u->s, &walk, SIZE_MAX), EXAM_OK);
    assert_int_equal(walk.lsn, 10);
    struct fixture_writer w = fixture_writer_at_end(u->s);
    w.hash[0] ^= 1;
    store_begin(u->s);
    fixture_append(&w, 10);
    assert_int_equal(store_commit(u->s), EXAM_OK);
    assert_int_equal(store_verify_on(u->s, &walk, SIZE_MAX), EXAM_CORRUPT);
    assert_int_equal(walk.lsn, 10);
    assert_int_equal(store_failure(u->s), EXAM_OK);
    walk.lsn = 12;
    assert_int_equal(store_verify_on(u->s, &walk, 1), EXAM_NOT_FOUND);
}

static exam_err refuse_record(void *ctx, const struct record *r)
{
    (void)ctx;
    (void)r;
    return EXAM_CORRUPT;
}

/* A reader's own refusal, or asking for what is not there, is no failure of the store (D6). */
static void test_store_failure__is_not_what_a_reader_returns(void **state)
{
    struct subject *u = *state;
    const uint8_t *value;
    size_t bytes;
    assert_int_equal(fixture_commit_records(u->s, 3, 10), EXAM_OK);
    assert_int_equal(store_read_log(u->s, 1, 3, refuse_record, NULL), EXAM_CORRUPT);
    assert_int_equal(store_read_log(u->s, 2, 4, refuse_record, NULL), EXAM_NOT_FOUND);
    assert_int_equal(store_get(u->s, STORE_STATE, "x", 1, &value, &bytes), EXAM_NOT_FOUND);
    assert_int_equal(store_failure(u->s), EXAM_OK);
}

/* --- misuse --- */

/* A gap in the numbers is the caller's error, which no build lets pass. (In memory only: LMDB is
 * not for use across a fork, and the check is the same code.) */
static void test_store_append__aborts_on_a_gap(void **state)
{
    struct subject *u = *state;
    pid_t child = fork();
    if (child == 0) {
        struct rlimit none = {0};
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL);
        fclose(stderr);
        struct fixture_writer w = fixture_writer_at_end(u->s);
        w.lsn = 1;
        store_begin(u->s);
        fixture_append(&w, 10);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* Every test of the table runs on both kinds of store. */
#define ON_BOTH(test)                                                                              \
    {#test "__lmdb", test, setup, teardown, NULL},                                                 \
    {                                                                                              \
#test "__mem", test, setup, teardown, in_memory_mark                                       \
    }

int main(void)
{
    static char in_memory_mark[] = "in memory";
    const struct CMUnitTest tests[] = {
        ON_BOTH(test_store__is_empty_at_first),
        ON_BOTH(test_store__keeps_records),
        ON_BOTH(test_store__keeps_records_of_all_sizes),
        ON_BOTH(test_store__shows_committed_data_only),
        ON_BOTH(test_store__drops_what_is_not_committed),
        ON_BOTH(test_store__commits_nothing),
        ON_BOTH(test_store_read_log__reads_a_range),
        ON_BOTH(test_store_put__replaces),
        ON_BOTH(test_store_clear__empties_one_table),
        ON_BOTH(test_store_read_table__reads_a_prefix),
        ON_BOTH(test_store_read_table__lets_its_callback_read_and_put),
        ON_BOTH(test_store_get__gives_bytes_that_last),
        ON_BOTH(test_store_cut__keeps_the_tail_as_a_branch),
        ON_BOTH(test_store_read_branch__begins_at_a_record),
        ON_BOTH(test_store_cut__goes_with_appends),
        ON_BOTH(test_store_cut__at_the_end_is_none),
        ON_BOTH(test_store_verify__names_a_broken_link),
        ON_BOTH(test_store_verify_on__walks_in_pieces),
        ON_BOTH(test_store_failure__is_not_what_a_reader_returns),
        {"test_store_append__aborts_on_a_gap__mem", test_store_append__aborts_on_a_gap, setup,
         teardown, in_memory_mark},
    };
    return cmocka_run_group_tests_name("store contract", tests, NULL, NULL);
}
