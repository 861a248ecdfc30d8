/* test_replay_rot.c - D8: a byte that is not what was written, a record that is removed, inserted
 * or swapped, is found at its exact record; in the data file, too, and whatever a page has become.
 */
#include "replay_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lmdb.h>

#include "chance.h"

#define SITE                                                                                       \
    "nodes A B\n"                                                                                  \
    "batch B1 allot 60:00\n"                                                                       \
    "room R1 seats 2\n"                                                                            \
    "sitting 1001 batch B1 seat R1-01\n"                                                           \
    "sitting 1002 batch B1 seat R1-02\n"                                                           \
    "0:00 start B1\n"                                                                              \
    "0:00 sign-in 1001\n"                                                                          \
    "0:00 sign-in 1002\n"                                                                          \
    "0:02 answer 1001 q1 A\n"                                                                      \
    "0:03 pause R1 noise\n"                                                                        \
    "0:04 resume R1\n"

/* B went down in order: its tables stand for the log's end. */
#define SHORT SITE "0:05 battery-low B\n"
#define LONG                                                                                       \
    SITE "0:20 node-dies A\n"                                                                      \
         "0:40 promote B attest\n"                                                                 \
         "1:00 answer 1002 q2 B\n"                                                                 \
         "1:10 grant 1001 5:00 noise\n"                                                            \
         "2:00 battery-low B\n"

enum { B = 1 };

static uint64_t chance_below(uint64_t *state, uint64_t limit)
{
    return chance_next(state) % limit;
}

static uint64_t first_finding(const store_image *image)
{
    struct proved p;
    fixture_prove(&p, image);
    uint64_t lsn = p.proof.reader.findings.n > 0 ? p.proof.reader.findings.kept[0].lsn : UINT64_MAX;
    fixture_unprove(&p);
    return lsn;
}

static size_t value_bytes_at(const store_image *image, uint64_t lsn)
{
    struct record r;
    store_image_record_at(image, false, (size_t)lsn - 1, &r);
    assert_int_equal(r.lsn, lsn);
    return RECORD_HEADER_BYTES + r.event_bytes;
}

static void assert_rot_found(store_image *image, uint64_t lsn, size_t at, uint8_t bits)
{
    assert_int_equal(store_image_rot(image, lsn, at, bits), EXAM_OK);
    uint64_t found = first_finding(image);
    if (found != lsn)
        fail_msg("byte %zu of record %llu ^ %#x: found at %llu", at, (unsigned long long)lsn, bits,
                 (unsigned long long)found);
    assert_int_equal(store_image_rot(image, lsn, at, bits), EXAM_OK); /* and back */
}

/* Every byte of every record: all that a record has is in the chain. */
static void test_replay_rot__any_byte_is_found_at_its_record(void **state)
{
    (void)state;
    store_image *image = fixture_disk_of_text(SHORT, B);
    uint64_t c = fixture_seed_of("any byte");
    uint64_t n = store_image_records(image, false);
    assert_int_equal(first_finding(image), UINT64_MAX);
    for (uint64_t lsn = 1; lsn <= n; lsn++)
        for (size_t at = 0; at < value_bytes_at(image, lsn); at++)
            assert_rot_found(image, lsn, at, (uint8_t)(1u << chance_below(&c, 8)));
    assert_int_equal(first_finding(image), UINT64_MAX);
    store_image_free(image);
}

/* ---------------------------------------------------------------- records */

enum tampering { REMOVED, INSERTED, SWAPPED };

static void append_record(store *s, const store_image *image, uint64_t lsn)
{
    struct record r;
    store_image_record_at(image, false, (size_t)lsn - 1, &r);
    store_append(s, store_last(s).lsn + 1, r.event - RECORD_HEADER_BYTES,
                 RECORD_HEADER_BYTES + r.event_bytes);
}

/* The same log but for one record, each append a transaction so that its number is known. */
static store_image *tampered(const store_image *image, enum tampering what, uint64_t lsn)
{
    uint64_t n = store_image_records(image, false);
    store_image *out;
    store *s;
    assert_int_equal(store_image_new(&out), EXAM_OK);
    assert_int_equal(store_open_image(out, &s), EXAM_OK);
    for (uint64_t i = 1; i <= n; i++) {
        uint64_t from = what == SWAPPED && i == lsn       ? lsn + 1
                        : what == SWAPPED && i == lsn + 1 ? lsn
                                                          : i;
        unsigned times = what == INSERTED && i == lsn ? 2 : !(what == REMOVED && i == lsn);
        for (; times > 0; times--) {
            store_begin(s);
            append_record(s, image, from);
            assert_int_equal(store_commit(s), EXAM_OK);
        }
    }
    store_close(s);
    return out;
}

static void assert_tampering_found(const store_image *image, enum tampering what, uint64_t lsn)
{
    store_image *other = tampered(image, what, lsn);
    uint64_t found = first_finding(other), expected = what == INSERTED ? lsn + 1 : lsn;
    store_image_free(other);
    if (found != expected)
        fail_msg("tampering %d with record %llu: found at %llu", (int)what, (unsigned long long)lsn,
                 (unsigned long long)found);
}

/* Each of them, at each record but the last (whose removal the chain alone cannot tell). */
static void test_replay_rot__records_that_went_or_came_are_found(void **state)
{
    (void)state;
    store_image *image = fixture_disk_of_text(SHORT, B);
    uint64_t n = store_image_records(image, false);
    for (uint64_t lsn = 1; lsn < n; lsn++)
        for (enum tampering what = REMOVED; what <= SWAPPED; what++)
            assert_tampering_found(image, what, lsn);
    store_image_free(image);
}

/* ---------------------------------------------------------------- dead branches */

static bool has_finding(const struct findings *f, uint64_t branch, uint64_t lsn)
{
    for (size_t i = 0; i < f->kept_n; i++)
        if (f->kept[i].branch == branch && f->kept[i].lsn == lsn)
            return true;
    return false;
}

enum { WALL_MS_AT = 16 }; /* record.h: nothing but the hash tells that it is another */

/* What was set apart is checked as the log is; its first record by what it continues. */
static void assert_branch_rot_found(const store_image *image, uint64_t from, uint64_t lsn)
{
    store_image *copy;
    struct proof p;
    store *s;
    assert_int_equal(store_image_clone(image, &copy), EXAM_OK);
    assert_int_equal(store_image_rot(copy, lsn, WALL_MS_AT, 4), EXAM_OK);
    assert_int_equal(store_open_image(copy, &s), EXAM_OK);
    store_begin(s);
    store_cut(s, from - 1);
    assert_int_equal(store_commit(s), EXAM_OK);
    proof_make_of(&p, "disk", s, &fixture_options);
    if (!has_finding(&p.reader.findings, 1, lsn))
        fail_msg("record %llu of the branch is not found", (unsigned long long)lsn);
    proof_free(&p);
    store_image_free(copy);
}

static void test_replay_rot__a_dead_branch_is_checked(void **state)
{
    (void)state;
    store_image *image = fixture_disk_of_text(SHORT, B);
    uint64_t n = store_image_records(image, false);
    for (uint64_t lsn = n - 4; lsn <= n; lsn++)
        assert_branch_rot_found(image, n - 4, lsn);
    store_image_free(image);
}

/* ---------------------------------------------------------------- the data file */

struct file {
    char path[2 * FIXTURE_PATH_BYTES];
    uint8_t *bytes;
    size_t n;
};

static void file_read(struct file *f, const char *dir)
{
    struct stat st;
    snprintf(f->path, sizeof f->path, "%s/data.mdb", dir);
    int fd = open(f->path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    f->n = (size_t)st.st_size;
    f->bytes = malloc(f->n);
    assert_non_null(f->bytes);
    assert_int_equal(read(fd, f->bytes, f->n), (ssize_t)f->n);
    close(fd);
}

/* In place: an open store has the file mapped, so nobody may have it open. */
static void file_write(const struct file *f, size_t n)
{
    int fd = open(f->path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, f->bytes, n), (ssize_t)n);
    close(fd);
}

/* Turns a byte of the record wherever it lies: older pages have it, too. */
static unsigned file_flip(struct file *f, const struct record *r, size_t at, uint8_t bits)
{
    unsigned n = 0;
    const size_t hash_at = RECORD_HEADER_BYTES - HASH_BYTES;
    for (uint8_t *from = f->bytes, *end = f->bytes + f->n;;) {
        uint8_t *hash = memmem(from, (size_t)(end - from), r->hash, HASH_BYTES);
        if (!hash)
            return n;
        from = hash + HASH_BYTES;
        hash[(ptrdiff_t)at - (ptrdiff_t)hash_at] ^= bits;
        n++;
    }
}

static uint64_t folder_finding(const char *dir)
{
    struct proof p;
    uint64_t lsn = UINT64_MAX;
    assert_int_equal(proof_make(&p, dir, &fixture_options), EXIT_CODE_DONE);
    if (p.reader.findings.n > 0)
        lsn = p.reader.findings.kept[0].lsn;
    proof_free(&p);
    return lsn;
}

/* A bit of a record that turns in the file is found at this record. */
static void test_replay_rot__a_rotten_page_is_found_at_its_record(void **state)
{
    (void)state;
    store_image *image = fixture_disk_of_text(LONG, B);
    uint64_t c = fixture_seed_of("rotten page");
    char dir[FIXTURE_PATH_BYTES];
    struct file f;
    fixture_folder_make(image, dir);
    file_read(&f, dir);
    assert_int_equal(folder_finding(dir), UINT64_MAX);
    for (int i = 0; i < 100; i++) {
        uint64_t lsn = 1 + chance_below(&c, store_image_records(image, false));
        size_t at = (size_t)chance_below(&c, value_bytes_at(image, lsn));
        uint8_t bits = (uint8_t)(1u << chance_below(&c, 8));
        struct record r;
        store_image_record_at(image, false, (size_t)lsn - 1, &r);
        struct file rotten = f;
        rotten.bytes = malloc(f.n);
        assert_non_null(rotten.bytes);
        memcpy(rotten.bytes, f.bytes, f.n);
        assert_true(file_flip(&rotten, &r, at, bits) > 0);
        file_write(&rotten, f.n);
        free(rotten.bytes);
        assert_int_equal(folder_finding(dir), lsn);
    }
    free(f.bytes);
    fixture_folder_remove(dir);
    store_image_free(image);
}

/* A record that was taken out of the file leaves a gap. */
static void test_replay_rot__a_gap_is_found(void **state)
{
    (void)state;
    store_image *image = fixture_disk_of_text(SHORT, B);
    const uint8_t lsn[8] = {0, 0, 0, 0, 0, 0, 0, 9};
    char dir[FIXTURE_PATH_BYTES];
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi log;
    MDB_val key = {sizeof lsn, (void *)(uintptr_t)lsn};
    fixture_folder_make(image, dir);
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 8), 0);
    assert_int_equal(mdb_env_open(env, dir, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "log", 0, &log), 0);
    assert_int_equal(mdb_del(txn, log, &key, NULL), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
    assert_int_equal(folder_finding(dir), 9);
    fixture_folder_remove(dir);
    store_image_free(image);
}

/* ---------------------------------------------------------------- whatever a page has become */

static int verify_status(const char *dir)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        alarm(60);
        execl(EXAMREPLAY_PATH, "examreplay", "verify", dir, (char *)NULL);
        _exit(127);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static bool is_verdict(int status)
{
    return status == 0 || status == EXIT_WRONG || status == EXIT_CODE_BAD_INPUT ||
           status == EXIT_CODE_PROTOCOL || status == EXIT_CODE_INTERNAL;
}

/* Bytes anywhere in the file, and files that are cut off: a verdict or a clear end, never a crash
 * or a program that hangs, and nothing that is damaged in its records is proven. */
static void test_replay_rot__any_damage_ends_with_a_verdict(void **state)
{
    (void)state;
    store_image *image = fixture_disk_of_text(LONG, B);
    uint64_t c = fixture_seed_of("any damage");
    char dir[FIXTURE_PATH_BYTES];
    struct file f;
    fixture_folder_make(image, dir);
    file_read(&f, dir);
    assert_int_equal(verify_status(dir), 0);
    for (int i = 0; i < 60; i++) {
        size_t at = (size_t)chance_below(&c, f.n), n = f.n;
        uint8_t before = f.bytes[at];
        if (i % 3 == 0)
            n = at;
        else
            f.bytes[at] ^= (uint8_t)(1 + chance_below(&c, 255));
        file_write(&f, n);
        int status = verify_status(dir);
        if (!is_verdict(status))
            fail_msg("damage at %zu of %zu: status %d", at, n, status);
        f.bytes[at] = before;
    }
    free(f.bytes);
    fixture_folder_remove(dir);
    store_image_free(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replay_rot__any_byte_is_found_at_its_record),
        cmocka_unit_test(test_replay_rot__records_that_went_or_came_are_found),
        cmocka_unit_test(test_replay_rot__a_dead_branch_is_checked),
        cmocka_unit_test(test_replay_rot__a_rotten_page_is_found_at_its_record),
        cmocka_unit_test(test_replay_rot__a_gap_is_found),
        cmocka_unit_test(test_replay_rot__any_damage_ends_with_a_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
