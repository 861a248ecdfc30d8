/* The journal's file and its records: torn ends, damage, kills, full disks, two programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "journal.h"

enum { SEEN_MAX = 70000 };

/* What a replay told. */
struct seen {
    uint64_t n;
    uint64_t sessions, marks, positions;
    uint64_t seqs; /* actions, which must come as 1, 2, 3, ... */
    bool in_order;
    exam_err stop;
};

static char dir[64];

static exam_err see(void *ctx, const struct seat_record *r)
{
    struct seen *s = ctx;
    s->n++;
    s->sessions += r->kind == SEAT_RECORD_SESSION;
    s->marks += r->kind == SEAT_RECORD_MARK;
    s->positions += r->kind == SEAT_RECORD_POSITION;
    if (r->kind == SEAT_RECORD_ANSWER) {
        char value[32];
        int n = snprintf(value, sizeof(value), "value %llu", (unsigned long long)r->u.action.seq);
        s->in_order = s->in_order && r->u.action.seq == s->seqs + 1 &&
                      r->u.action.value_bytes == (size_t)n &&
                      memcmp(r->u.action.value, value, (size_t)n) == 0;
        s->seqs = r->u.action.seq;
    }
    return s->stop;
}

static int dir_make(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/examseat-journal-XXXXXX");
    return mkdtemp(dir) == NULL;
}

static int dir_remove(void **state)
{
    (void)state;
    DIR *d = opendir(dir);
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;)
        if (e->d_name[0] != '.')
            unlinkat(dirfd(d), e->d_name, 0);
    closedir(d);
    return rmdir(dir);
}

static size_t files_with(const char *part)
{
    size_t n = 0;
    DIR *d = opendir(dir);
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;)
        n += strstr(e->d_name, part) != NULL;
    closedir(d);
    return n;
}

static const char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static exam_err open_it(struct journal **j, struct seen *seen, struct journal_opened *how,
                        char why[JOURNAL_WHY_BYTES])
{
    *seen = (struct seen){.in_order = true};
    return journal_open(&(const struct journal_place){.dir = dir, .seat = "R01-01"}, see, seen, j,
                        how, why);
}

static struct journal *must_open(struct seen *seen)
{
    struct journal *j;
    char why[JOURNAL_WHY_BYTES];
    exam_err err = open_it(&j, seen, NULL, why);
    if (err != EXAM_OK)
        fail_msg("%s", why);
    return j;
}

static struct seat_record answer_of(uint64_t seq)
{
    static char value[32];
    int n = snprintf(value, sizeof(value), "value %llu", (unsigned long long)seq);
    return (struct seat_record){.kind = SEAT_RECORD_ANSWER,
                                .u.action = {.seq = seq,
                                             .used_ms = seq * 10,
                                             .item = "q1",
                                             .value = (const uint8_t *)value,
                                             .value_bytes = (size_t)n}};
}

static exam_err put_answer(struct journal *j, uint64_t seq, bool durable)
{
    struct seat_record r = answer_of(seq);
    return journal_append(j, &r, durable);
}

static exam_err put_session(struct journal *j)
{
    struct seat_record r = {.kind = SEAT_RECORD_SESSION, .u.session.admission_no = "2026010001"};
    return journal_append(j, &r, true);
}

static size_t slurp(const char *path, uint8_t *out, size_t max)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(out, 1, max, f);
    fclose(f);
    return n;
}

static void spit(const char *path, const uint8_t *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

/* What was appended comes back in order, buffered records included. */
static void test_journal__what_was_written_comes_back(void **state)
{
    (void)state;
    struct seen seen;
    struct journal *j = must_open(&seen);
    assert_int_equal(seen.n, 0);
    assert_int_equal(put_session(j), EXAM_OK);
    for (uint64_t i = 1; i <= 500; i++)
        assert_int_equal(put_answer(j, i, i % 7 == 0), EXAM_OK);
    journal_close(j);
    j = must_open(&seen);
    assert_int_equal(seen.n, 501);
    assert_int_equal(seen.seqs, 500);
    assert_true(seen.in_order);
    assert_int_equal(put_answer(j, 501, true), EXAM_OK);
    journal_close(j);
    journal_close(must_open(&seen));
    assert_int_equal(seen.seqs, 501);
}

/* Every record kind survives its way through the bytes. */
static void test_journal__every_kind_of_record(void **state)
{
    (void)state;
    struct journal_chain put = {.settled = true}, get = {.settled = false};
    for (int kind = SEAT_RECORD_BOOT; kind <= SEAT_RECORD_COLLECTED; kind++) {
        struct seat_record r, back;
        uint8_t bytes[JOURNAL_RECORD_BYTES_MAX];
        size_t n, got;
        memset(&r, 0, sizeof(r));
        r.kind = (enum seat_record_kind)kind;
        if (kind == SEAT_RECORD_SESSION)
            r.u.session.admission_no = "2026010001";
        else if (kind == SEAT_RECORD_ANSWER)
            r = answer_of(7);
        else if (kind == SEAT_RECORD_SUBMIT)
            r.u.action = (struct seat_action){.seq = 9, .used_ms = 8, .submit = true};
        else if (kind == SEAT_RECORD_MARK)
            r.u.mark = (struct seat_mark){.at_ms = 1, .used_ms = 2, .left_ms = 3, .bytes_n = 4};
        else
            memset(&r.u, 0x41, sizeof(r.u.attached));
        assert_int_equal(journal_record_put(&r, &put, bytes, &n), EXAM_OK);
        assert_int_equal(journal_record_get(bytes, n, &get, &back, &got), EXAM_OK);
        assert_int_equal(got, n);
        assert_int_equal(back.kind, kind);
        assert_memory_equal(put.checksum, get.checksum, JOURNAL_CHECKSUM_BYTES);
        uint8_t again[JOURNAL_RECORD_BYTES_MAX];
        size_t again_n;
        struct journal_chain chain = {.settled = kind == SEAT_RECORD_BOOT};
        memcpy(chain.checksum, get.checksum, sizeof(chain.checksum));
        assert_int_equal(journal_record_put(&back, &chain, again, &again_n), EXAM_OK);
        assert_int_equal(again_n, n);
        assert_memory_equal(again, bytes, n - JOURNAL_CHECKSUM_BYTES);
    }
}

/* A record with a text or a value over its bound is not written, and harms nothing. */
static void test_journal__records_over_their_bounds_are_refused(void **state)
{
    (void)state;
    struct seen seen;
    struct journal *j = must_open(&seen);
    static uint8_t big[ANSWER_BYTES_MAX + 1];
    struct seat_record r = answer_of(1);
    assert_int_equal(put_session(j), EXAM_OK);
    r.u.action.value = big;
    r.u.action.value_bytes = sizeof(big);
    assert_int_equal(journal_append(j, &r, true), EXAM_TOO_BIG);
    r = answer_of(1);
    r.u.action.item = "a name that is too long to be one of an item";
    assert_int_equal(journal_append(j, &r, true), EXAM_INVALID);
    assert_int_equal(put_answer(j, 1, true), EXAM_OK);
    journal_close(j);
    journal_close(must_open(&seen));
    assert_int_equal(seen.seqs, 1);
}

/* A file that was cut anywhere opens with every record before the cut, and keeps what it cut off.
 */
static void test_journal__a_torn_end_at_every_byte(void **state)
{
    (void)state;
    static uint8_t whole[8192];
    struct seen seen;
    struct journal *j = must_open(&seen);
    assert_int_equal(put_session(j), EXAM_OK);
    for (uint64_t i = 1; i <= 6; i++)
        assert_int_equal(put_answer(j, i, true), EXAM_OK);
    journal_close(j);
    size_t n = slurp(path_of("R01-01.journal"), whole, sizeof(whole));
    size_t session_end = JOURNAL_HEADER_BYTES + 8 + 16 + 12 + 16;
    size_t answer_bytes = (n - session_end) / 6;
    for (size_t cut = JOURNAL_HEADER_BYTES; cut < n; cut++) {
        struct journal_opened how;
        char why[JOURNAL_WHY_BYTES];
        spit(path_of("R01-01.journal"), whole, cut);
        exam_err err = open_it(&j, &seen, &how, why);
        if (err != EXAM_OK)
            fail_msg("cut at %zu: %s", cut, why);
        assert_int_equal(seen.sessions, cut >= session_end);
        assert_int_equal(seen.seqs, cut < session_end ? 0 : (cut - session_end) / answer_bytes);
        assert_int_equal(how.torn_bytes, cut < session_end ? cut - JOURNAL_HEADER_BYTES
                                                           : (cut - session_end) % answer_bytes);
        assert_int_equal(files_with(".torn."), how.torn_bytes > 0);
        assert_int_equal(put_answer(j, seen.seqs + 1, true), EXAM_OK);
        journal_close(j);
        journal_close(must_open(&seen));
        assert_true(seen.in_order);
        unlink(path_of("R01-01.journal.torn.1"));
    }
}

/* A bit that changed is found; before the last settled record it is damage, and the file is kept.
 */
static void test_journal__every_changed_bit_is_found(void **state)
{
    (void)state;
    static uint8_t whole[8192];
    struct seen seen;
    struct journal *j = must_open(&seen);
    assert_int_equal(put_session(j), EXAM_OK);
    for (uint64_t i = 1; i <= 4; i++)
        assert_int_equal(put_answer(j, i, true), EXAM_OK);
    journal_close(j);
    size_t n = slurp(path_of("R01-01.journal"), whole, sizeof(whole));
    size_t last = n - 8 - 40 - 4 - 7 - JOURNAL_CHECKSUM_BYTES; /* where the last answer begins */
    for (size_t bit = 0; bit < 8 * n; bit++) {
        struct journal_opened how;
        char why[JOURNAL_WHY_BYTES];
        whole[bit / 8] ^= (uint8_t)(1u << bit % 8);
        spit(path_of("R01-01.journal"), whole, n);
        whole[bit / 8] ^= (uint8_t)(1u << bit % 8);
        exam_err err = open_it(&j, &seen, &how, why);
        if (bit / 8 >= last) { /* nothing says that it was on the disk */
            assert_int_equal(err, EXAM_OK);
            assert_int_equal(seen.seqs, 3);
            journal_close(j);
            unlink(path_of("R01-01.journal.torn.1"));
            continue;
        }
        assert_int_equal(err, EXAM_CORRUPT);
        assert_non_null(strstr(why, dir));
        assert_non_null(strstr(why, "offset"));
        assert_int_equal(files_with(".damaged.1"), 1);
        assert_int_equal(access(path_of("R01-01.journal"), F_OK), -1);
        unlink(path_of("R01-01.journal.damaged.1"));
    }
}

/* After damage the next opening begins an empty journal; the damaged file stays. */
static void test_journal__damage_keeps_the_file_aside(void **state)
{
    (void)state;
    static uint8_t whole[8192], kept[8192];
    struct seen seen;
    struct journal *j = must_open(&seen);
    assert_int_equal(put_session(j), EXAM_OK);
    assert_int_equal(put_answer(j, 1, true), EXAM_OK);
    assert_int_equal(put_answer(j, 2, true), EXAM_OK);
    journal_close(j);
    size_t n = slurp(path_of("R01-01.journal"), whole, sizeof(whole));
    whole[JOURNAL_HEADER_BYTES + 20] ^= 1;
    spit(path_of("R01-01.journal"), whole, n);
    char why[JOURNAL_WHY_BYTES];
    assert_int_equal(open_it(&j, &seen, NULL, why), EXAM_CORRUPT);
    struct journal_opened how;
    assert_int_equal(open_it(&j, &seen, &how, why), EXAM_OK);
    assert_true(how.created);
    journal_close(j);
    assert_int_equal(slurp(path_of("R01-01.journal.damaged.1"), kept, sizeof(kept)), n);
    assert_memory_equal(kept, whole, n);
}

/* Blocks of one unsettled write that reached the disk out of order are a torn end, not damage. */
static void test_journal__a_hole_in_an_unsettled_write_is_a_torn_end(void **state)
{
    (void)state;
    static uint8_t whole[65536];
    struct seen seen;
    struct journal *j = must_open(&seen);
    assert_int_equal(put_session(j), EXAM_OK);
    for (uint64_t i = 1; i <= 40; i++)
        assert_int_equal(put_answer(j, i, false), EXAM_OK);
    journal_close(j);
    size_t n = slurp(path_of("R01-01.journal"), whole, sizeof(whole));
    /* The first answer is settled: the hole is in a later one. */
    memset(whole + JOURNAL_HEADER_BYTES + 300, 0, 100);
    spit(path_of("R01-01.journal"), whole, n);
    struct journal_opened how;
    char why[JOURNAL_WHY_BYTES];
    assert_int_equal(open_it(&j, &seen, &how, why), EXAM_OK);
    assert_true(how.torn_bytes > 0);
    assert_in_range(seen.seqs, 1, 4);
    assert_true(seen.in_order);
    journal_close(j);
}

/* A record taken out, or brought in from another journal, does not go unnoticed. */
static void test_journal__the_chain_finds_what_was_taken_out(void **state)
{
    (void)state;
    static uint8_t whole[8192];
    struct seen seen;
    struct journal *j = must_open(&seen);
    assert_int_equal(put_session(j), EXAM_OK);
    for (uint64_t i = 1; i <= 3; i++)
        assert_int_equal(put_answer(j, i, true), EXAM_OK);
    journal_close(j);
    size_t n = slurp(path_of("R01-01.journal"), whole, sizeof(whole));
    size_t answer_bytes = 8 + 40 + 4 + 7 + JOURNAL_CHECKSUM_BYTES, at = n - 2 * answer_bytes;
    memmove(whole + at, whole + at + answer_bytes, answer_bytes);
    spit(path_of("R01-01.journal"), whole, n - answer_bytes);
    char why[JOURNAL_WHY_BYTES];
    assert_int_equal(open_it(&j, &seen, NULL, why), EXAM_OK);
    assert_int_equal(seen.seqs, 1); /* not 1 and 3 */
    journal_close(j);
}

/* A second program gets a clear refusal while the first has the journal open. */
static void test_journal__is_locked_against_a_second_program(void **state)
{
    (void)state;
    struct seen seen, other;
    struct journal *j = must_open(&seen), *k;
    char why[JOURNAL_WHY_BYTES];
    assert_int_equal(open_it(&k, &other, NULL, why), EXAM_LOCKED);
    assert_non_null(strstr(why, "R01-01.journal"));
    assert_int_equal(journal_discard(j, false), EXAM_OK);
    assert_int_equal(open_it(&k, &other, NULL, why), EXAM_LOCKED);
    journal_close(j);
    journal_close(must_open(&seen));
}

/* Files that are no journals, another seat's, of another version, or not there at all. */
static void test_journal__foreign_files_are_refused(void **state)
{
    (void)state;
    static uint8_t bytes[4096];
    struct seen seen;
    struct journal *j;
    char why[JOURNAL_WHY_BYTES];
    spit(path_of("R01-01.journal"), (const uint8_t *)"something else", 14);
    assert_int_equal(open_it(&j, &seen, NULL, why), EXAM_CORRUPT);
    journal_close(must_open(&seen));
    size_t n = slurp(path_of("R01-01.journal"), bytes, sizeof(bytes));
    spit(path_of("R01-02.journal"), bytes, n);
    assert_int_equal(journal_open(&(const struct journal_place){.dir = dir, .seat = "R01-02"}, see,
                                  &seen, &j, NULL, why),
                     EXAM_OTHER_SITE);
    struct journal_header h = {.version = JOURNAL_VERSION + 1, .seat = "R01-03"};
    struct journal_chain chain;
    journal_header_put(&h, bytes, &chain);
    spit(path_of("R01-03.journal"), bytes, JOURNAL_HEADER_BYTES);
    assert_int_equal(journal_open(&(const struct journal_place){.dir = dir, .seat = "R01-03"}, see,
                                  &seen, &j, NULL, why),
                     EXAM_VERSION);
    assert_int_equal(journal_open(&(const struct journal_place){.dir = dir, .seat = "R 1"}, see,
                                  &seen, &j, NULL, why),
                     EXAM_INVALID);
    assert_int_equal(
        journal_open(&(const struct journal_place){.dir = "/nowhere/at/all", .seat = "R1"}, see,
                     &seen, &j, NULL, why),
        EXAM_NOT_FOUND);
    assert_int_equal(symlink("/etc/hostname", path_of("R01-04.journal")), 0);
    assert_int_equal(journal_open(&(const struct journal_place){.dir = dir, .seat = "R01-04"}, see,
                                  &seen, &j, NULL, why),
                     EXAM_SYSTEM);
}

/* A replay that refuses ends the opening with its error. */
static void test_journal__a_refusing_replay_ends_the_opening(void **state)
{
    (void)state;
    struct seen seen;
    struct journal *j = must_open(&seen);
    assert_int_equal(put_session(j), EXAM_OK);
    journal_close(j);
    char why[JOURNAL_WHY_BYTES];
    seen = (struct seen){.stop = EXAM_NOMEM};
    assert_int_equal(journal_open(&(const struct journal_place){.dir = dir, .seat = "R01-01"}, see,
                                  &seen, &j, NULL, why),
                     EXAM_NOMEM);
    journal_close(must_open(&seen));
}

/* Actions are found by number in the newest session, in any order. */
static void test_journal__find(void **state)
{
    (void)state;
    struct seen seen;
    struct seat_record r;
    struct journal *j = must_open(&seen);
    assert_int_equal(journal_find(j, 1, &r), EXAM_NOT_FOUND);
    for (int session = 0; session < 2; session++) {
        assert_int_equal(put_session(j), EXAM_OK);
        for (uint64_t i = 1; i <= 300; i++) {
            struct seat_record p = {.kind = SEAT_RECORD_POSITION, .u.position.used_ms = i};
            assert_int_equal(put_answer(j, i, i % 10 == 0), EXAM_OK);
            assert_int_equal(journal_append(j, &p, false), EXAM_OK);
            if (session == 1 && i == 100)
                assert_int_equal(journal_find(j, 101, &r), EXAM_NOT_FOUND);
        }
        assert_int_equal(journal_flush(j), EXAM_OK);
    }
    for (uint64_t i = 1; i <= 300; i++) {
        uint64_t seq = i * 7 % 301;
        if (seq == 0)
            continue;
        assert_int_equal(journal_find(j, seq, &r), EXAM_OK);
        assert_int_equal(r.u.action.seq, seq);
        assert_int_equal(r.u.action.used_ms, seq * 10);
        assert_string_equal(r.u.action.item, "q1");
    }
    assert_int_equal(journal_find(j, 301, &r), EXAM_NOT_FOUND);
    journal_close(j);
    j = must_open(&seen);
    assert_int_equal(journal_find(j, 42, &r), EXAM_OK);
    assert_int_equal(put_answer(j, 301, true), EXAM_OK);
    assert_int_equal(journal_find(j, 301, &r), EXAM_OK);
    journal_close(j);
}

/* Discarding begins an empty journal; with `keep` the old one stays beside it. */
static void test_journal__discard(void **state)
{
    (void)state;
    struct seen seen;
    struct journal *j = must_open(&seen);
    assert_int_equal(put_session(j), EXAM_OK);
    assert_int_equal(put_answer(j, 1, true), EXAM_OK);
    assert_int_equal(journal_discard(j, true), EXAM_OK);
    assert_int_equal(files_with(".kept.1"), 1);
    assert_int_equal(put_session(j), EXAM_OK);
    assert_int_equal(put_answer(j, 1, true), EXAM_OK);
    assert_int_equal(journal_discard(j, false), EXAM_OK);
    assert_int_equal(files_with(".kept."), 1);
    journal_close(j);
    journal_close(must_open(&seen));
    assert_int_equal(seen.n, 0);
}

/* A full disk: the record is refused, what was durable stays, and the journal goes on when there is
 * space again. */
static void test_journal__a_full_disk_loses_nothing(void **state)
{
    (void)state;
    struct seen seen;
    struct journal *j = must_open(&seen);
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 20000;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(put_session(j), EXAM_OK);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    uint64_t seq = 0;
    exam_err err = EXAM_OK;
    while (err == EXAM_OK && seq < 10000) {
        err = put_answer(j, seq + 1, seq % 3 != 0);
        seq += err == EXAM_OK;
    }
    assert_int_equal(err, EXAM_FULL);
    assert_int_equal(put_answer(j, seq + 1, true), EXAM_FULL);
    assert_non_null(strstr(journal_why(j), "space"));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(put_answer(j, seq + 1, true), EXAM_OK);
    journal_close(j);
    struct journal_opened how;
    char why[JOURNAL_WHY_BYTES];
    assert_int_equal(open_it(&j, &seen, &how, why), EXAM_OK);
    journal_close(j);
    assert_int_equal(how.torn_bytes, 0); /* what was refused has left no trace */
    assert_true(seen.in_order);
    assert_int_equal(seen.seqs, seq + 1);
}

/* ---------------------------------------------------------------- sealed */

static const uint8_t KEY[JOURNAL_KEY_BYTES] = {1, 2, 3}, OTHER_KEY[JOURNAL_KEY_BYTES] = {4};

static exam_err open_with(const uint8_t *key, struct journal **j, struct seen *seen)
{
    char why[JOURNAL_WHY_BYTES];
    *seen = (struct seen){.in_order = true};
    return journal_open(&(const struct journal_place){.dir = dir, .seat = "R01-01", .key = key},
                        see, seen, j, NULL, why);
}

static bool file_has(const char *name, const char *words)
{
    static uint8_t bytes[65536];
    size_t n = slurp(path_of(name), bytes, sizeof(bytes));
    return memmem(bytes, n, words, strlen(words)) != NULL;
}

static void expect_found(struct journal *j, uint64_t seq)
{
    struct seat_record expected = answer_of(seq), found;
    assert_int_equal(journal_find(j, seq, &found), EXAM_OK);
    assert_int_equal(found.u.action.value_bytes, expected.u.action.value_bytes);
    assert_memory_equal(found.u.action.value, expected.u.action.value, found.u.action.value_bytes);
}

/* P3: with a key the answers are not in the file, and come back all the same: as the journal is
 * taken in, and asked for one by one. */
static void test_journal__sealed_answers_come_back(void **state)
{
    (void)state;
    struct seen seen;
    struct journal *j;
    assert_int_equal(open_with(KEY, &j, &seen), EXAM_OK);
    assert_int_equal(put_session(j), EXAM_OK);
    for (uint64_t i = 1; i <= 20; i++)
        assert_int_equal(put_answer(j, i, true), EXAM_OK);
    expect_found(j, 7);
    expect_found(j, 20);
    expect_found(j, 3);
    journal_close(j);
    assert_int_equal(open_with(KEY, &j, &seen), EXAM_OK);
    assert_true(seen.in_order);
    assert_int_equal(seen.seqs, 20);
    static uint8_t longest[ANSWER_BYTES_MAX + 1];
    struct seat_record r = answer_of(21);
    memset(longest, 'x', sizeof(longest));
    r.u.action.value = longest;
    r.u.action.value_bytes = ANSWER_BYTES_MAX + 1;
    assert_int_equal(journal_append(j, &r, true), EXAM_TOO_BIG);
    r.u.action.value_bytes = ANSWER_BYTES_MAX;
    assert_int_equal(journal_append(j, &r, true), EXAM_OK);
    r.u.action.seq = 22;
    r.u.action.value_bytes = 0; /* taken back */
    assert_int_equal(journal_append(j, &r, true), EXAM_OK);
    journal_close(j);
    assert_false(file_has("R01-01.journal", "value 7"));
    assert_false(file_has("R01-01.journal", "xxxxxxxx"));
    assert_true(file_has("R01-01.journal", "2026010001"));
    assert_int_equal(open_with(KEY, &j, &seen), EXAM_OK);
    assert_int_equal(seen.seqs, 22);
    expect_found(j, 12);
    assert_int_equal(journal_find(j, 21, &r), EXAM_OK);
    assert_int_equal(r.u.action.value_bytes, ANSWER_BYTES_MAX);
    assert_memory_equal(r.u.action.value, longest, ANSWER_BYTES_MAX);
    assert_int_equal(journal_find(j, 22, &r), EXAM_OK);
    assert_int_equal(r.u.action.value_bytes, 0);
    journal_close(j);
}

/* Without its key a journal is refused, and left as it is: nothing of it is lost. */
static void test_journal__sealed_with_another_key_is_left_alone(void **state)
{
    (void)state;
    static uint8_t before[8192], after[8192];
    struct seen seen;
    struct journal *j;
    assert_int_equal(open_with(KEY, &j, &seen), EXAM_OK);
    assert_int_equal(put_session(j), EXAM_OK);
    assert_int_equal(put_answer(j, 1, true), EXAM_OK);
    journal_close(j);
    size_t n = slurp(path_of("R01-01.journal"), before, sizeof(before));
    assert_int_equal(open_with(OTHER_KEY, &j, &seen), EXAM_AUTH);
    assert_int_equal(open_with(NULL, &j, &seen), EXAM_AUTH);
    assert_int_equal(seen.seqs, 0);
    assert_int_equal(slurp(path_of("R01-01.journal"), after, sizeof(after)), n);
    assert_memory_equal(before, after, n);
    assert_int_equal(files_with("R01-01.journal"), 1);
    assert_int_equal(open_with(KEY, &j, &seen), EXAM_OK);
    assert_int_equal(seen.seqs, 1);
    journal_close(j);
}

/* A journal that was begun before the seat had a key goes on as it is, and the next one is sealed.
 */
static void test_journal__a_plain_one_is_taken_in_with_a_key(void **state)
{
    (void)state;
    struct seen seen;
    struct journal *j = must_open(&seen);
    assert_int_equal(put_session(j), EXAM_OK);
    assert_int_equal(put_answer(j, 1, true), EXAM_OK);
    journal_close(j);
    assert_int_equal(open_with(KEY, &j, &seen), EXAM_OK);
    assert_int_equal(seen.seqs, 1);
    assert_int_equal(put_answer(j, 2, true), EXAM_OK);
    expect_found(j, 1);
    expect_found(j, 2);
    assert_true(file_has("R01-01.journal", "value 2"));
    assert_int_equal(journal_discard(j, false), EXAM_OK);
    assert_int_equal(put_session(j), EXAM_OK);
    assert_int_equal(put_answer(j, 1, true), EXAM_OK);
    expect_found(j, 1);
    assert_false(file_has("R01-01.journal", "value 1"));
    journal_close(j);
    assert_int_equal(open_with(KEY, &j, &seen), EXAM_OK);
    assert_int_equal(seen.seqs, 1);
    journal_close(j);
}

/* Appends and reports each durable answer's number through the pipe, until it is killed. */
static void child_appends(int pipe_fd, uint64_t from)
{
    struct seen seen = {.in_order = true};
    struct journal *j;
    char why[JOURNAL_WHY_BYTES];
    if (journal_open(&(const struct journal_place){.dir = dir, .seat = "R01-01"}, see, &seen, &j,
                     NULL, why) != EXAM_OK)
        _exit(1);
    if (from == 1 && put_session(j) != EXAM_OK)
        _exit(1);
    for (uint64_t seq = from; seq < SEEN_MAX; seq++) {
        if (put_answer(j, seq, true) != EXAM_OK || write(pipe_fd, &seq, sizeof(seq)) < 0)
            _exit(1);
    }
    _exit(0);
}

/* kill -9 at any moment: every answer that was reported durable is there, in order. */
static void test_journal__kill_loses_nothing_durable(void **state)
{
    (void)state;
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    uint64_t there = 0;
    for (int round = 0; round < 60; round++) {
        int fds[2];
        assert_int_equal(pipe(fds), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            close(fds[0]);
            child_appends(fds[1], there + 1);
        }
        close(fds[1]);
        uint64_t reported = there, seq;
        seed = seed * 1103515245u + 12345u;
        unsigned reports = seed / 65536 % 40;
        while (reports-- > 0 && read(fds[0], &seq, sizeof(seq)) == sizeof(seq))
            reported = seq;
        kill(pid, SIGKILL);
        while (read(fds[0], &seq, sizeof(seq)) == sizeof(seq))
            reported = seq;
        close(fds[0]);
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        struct seen seen;
        struct journal *j = must_open(&seen);
        assert_true(seen.in_order);
        assert_true(seen.seqs >= reported);
        there = seen.seqs;
        if (there == 0 && seen.sessions == 0)
            assert_int_equal(put_session(j), EXAM_OK);
        journal_close(j);
    }
    assert_true(there > 60);
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
#define JOURNAL_TEST(f) cmocka_unit_test_setup_teardown(f, dir_make, dir_remove)
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(test_journal__what_was_written_comes_back),
        JOURNAL_TEST(test_journal__every_kind_of_record),
        JOURNAL_TEST(test_journal__records_over_their_bounds_are_refused),
        JOURNAL_TEST(test_journal__a_torn_end_at_every_byte),
        JOURNAL_TEST(test_journal__sealed_answers_come_back),
        JOURNAL_TEST(test_journal__sealed_with_another_key_is_left_alone),
        JOURNAL_TEST(test_journal__a_plain_one_is_taken_in_with_a_key),
        JOURNAL_TEST(test_journal__every_changed_bit_is_found),
        JOURNAL_TEST(test_journal__damage_keeps_the_file_aside),
        JOURNAL_TEST(test_journal__a_hole_in_an_unsettled_write_is_a_torn_end),
        JOURNAL_TEST(test_journal__the_chain_finds_what_was_taken_out),
        JOURNAL_TEST(test_journal__is_locked_against_a_second_program),
        JOURNAL_TEST(test_journal__foreign_files_are_refused),
        JOURNAL_TEST(test_journal__a_refusing_replay_ends_the_opening),
        JOURNAL_TEST(test_journal__find),
        JOURNAL_TEST(test_journal__discard),
        JOURNAL_TEST(test_journal__a_full_disk_loses_nothing),
        JOURNAL_TEST(test_journal__kill_loses_nothing_durable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
