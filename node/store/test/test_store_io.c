/* test_store_io.c - a disk that fails (D6): a flush or a write of a commit is made to fail with
 * strace in a process of its own; skipped where strace may not trace. */
#include "store_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COMMITS = 8 };

static const char *const dir = fixture_dir;

static int setup(void **state)
{
    fixture_dir_setup(state);
    store_close(fixture_open(dir, &FIXTURE_OPTIONS));
    return 0;
}

/* How the writer's commits ended. */
struct outcome {
    unsigned ok_before; /* commits before the first failure */
    unsigned ok_after;
    unsigned failed_io;
    unsigned failed_full;
    uint64_t acknowledged_lsn;
};

static void hear_line(struct outcome *o, const char *line)
{
    char name[32];
    unsigned long long lsn;
    if (sscanf(line, "%31s %llu", name, &lsn) != 2)
        fail_msg("the writer said: %s", line);
    bool failed_before = o->failed_io + o->failed_full > 0;
    if (strcmp(name, "ok") == 0) {
        o->acknowledged_lsn = lsn;
        *(failed_before ? &o->ok_after : &o->ok_before) += 1;
    } else if (strcmp(name, "io") == 0) {
        o->failed_io++;
    } else if (strcmp(name, "full") == 0) {
        o->failed_full++;
    } else {
        fail_msg("the writer said: %s", line);
    }
}

/* Runs the writer with the n-th call of `syscall` failing with `error`. */
static struct outcome run_writer(const char *syscall, const char *error, unsigned n)
{
    char trace[64], inject[128], commits[16];
    snprintf(trace, sizeof trace, "trace=%s", syscall);
    snprintf(inject, sizeof inject, "inject=%s:error=%s:when=%u", syscall, error, n);
    snprintf(commits, sizeof commits, "%d", (int)COMMITS);
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(fds[1], STDOUT_FILENO);
        close(fds[0]);
        close(fds[1]);
        setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* it does not work in a traced process */
        execlp("strace", "strace", "-f", "-qq", "-o", "/dev/null", "-e", trace, "-e", inject,
               STORE_WRITER, dir, commits, (char *)NULL);
        _exit(127);
    }
    close(fds[1]);
    struct outcome o = {0};
    char line[600];
    FILE *told = fdopen(fds[0], "r");
    assert_non_null(told);
    while (fgets(line, sizeof line, told))
        hear_line(&o, line);
    fclose(told);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    return o;
}

/* Whether strace is there and may trace: a writer without a fault commits everything. */
static void need_strace(void)
{
    if (system("strace -qq -o /dev/null true 2>/dev/null") != 0) {
        print_message("SKIPPED: strace is missing, or may not trace here\n");
        skip();
    }
    struct outcome o = run_writer("fdatasync", "EIO", 1000);
    assert_int_equal(o.ok_before, COMMITS);
}

/* Everything acknowledged is there after a restart, whole, and the state fits the log. */
static void check_restart(const struct outcome *o)
{
    store *s = fixture_open(dir, &FIXTURE_OPTIONS);
    struct position last = store_last(s);
    uint64_t bad_lsn, state_lsn = 0;
    assert_true(last.lsn >= o->acknowledged_lsn);
    assert_int_equal(store_verify(s, 1, last.lsn, &bad_lsn), EXAM_OK);
    const uint8_t *value;
    size_t bytes;
    if (store_get(s, STORE_STATE, "lsn", 3, &value, &bytes) == EXAM_OK)
        memcpy(&state_lsn, value, sizeof state_lsn);
    assert_int_equal(state_lsn, last.lsn);
    store_close(s);
}

/* A failed flush ends the store's writing for good, and nothing acknowledged is lost. LMDB itself
 * would go on. */
static void test_store_commit__stops_for_ever_at_a_failed_flush(void **state)
{
    (void)state;
    need_strace();
    for (unsigned n = 1; n <= 4; n++) {
        struct outcome o = run_writer("fdatasync", "EIO", n);
        assert_int_equal(o.ok_before, n - 1);
        assert_int_equal(o.failed_io, COMMITS - n + 1);
        assert_int_equal(o.ok_after + o.failed_full, 0);
        check_restart(&o);
    }
}

/* So does a failed write, of the pages or of the meta page, where the outcome is unknown. */
static void test_store_commit__stops_for_ever_at_a_failed_write(void **state)
{
    (void)state;
    need_strace();
    static const char *const calls[] = {"pwrite64", "writev", "pwritev"};
    unsigned failed = 0;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        for (unsigned n = 1; n <= 12; n++) {
            struct outcome o = run_writer(calls[i], "EIO", n);
            assert_int_equal(o.ok_after + o.failed_full, 0);
            assert_int_equal(o.ok_before + o.failed_io, COMMITS);
            failed += o.failed_io > 0;
            check_restart(&o);
        }
    }
    assert_true(failed >= 12);
}

/* A write that finds no space ends as a full disk if the commit is certainly not there, and as an
 * unknown outcome if it was the meta page's; acknowledged transactions stay either way. */
static void test_store_commit__tells_full_from_unknown(void **state)
{
    (void)state;
    need_strace();
    unsigned full = 0, unknown = 0;
    for (unsigned n = 1; n <= 16; n++) {
        struct outcome o = run_writer("pwrite64", "ENOSPC", n);
        full += o.failed_full;
        unknown += o.failed_io > 0;
        if (o.failed_full)
            assert_int_equal(o.ok_before + o.ok_after, COMMITS - 1);
        if (o.failed_io)
            assert_int_equal(o.ok_after, 0);
        check_restart(&o);
    }
    assert_true(full > 0 && unknown > 0);
}

/* A claim for space that fails for another reason than space is an I/O error, before the commit. */
static void test_store_commit__stops_when_it_cannot_claim_space(void **state)
{
    (void)state;
    need_strace();
    struct outcome o = run_writer("fallocate", "EIO", 1);
    assert_int_equal(o.ok_before + o.ok_after, 0);
    assert_int_equal(o.failed_io, COMMITS);
    check_restart(&o);
}

/* A file system that cannot allocate ahead is used all the same. */
static void test_store_commit__does_without_fallocate(void **state)
{
    (void)state;
    need_strace();
    struct outcome o = run_writer("fallocate", "EOPNOTSUPP", 1);
    assert_int_equal(o.ok_before, COMMITS);
    check_restart(&o);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, fixture_dir_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_store_commit__stops_for_ever_at_a_failed_flush),
        TEST(test_store_commit__stops_for_ever_at_a_failed_write),
        TEST(test_store_commit__tells_full_from_unknown),
        TEST(test_store_commit__stops_when_it_cannot_claim_space),
        TEST(test_store_commit__does_without_fallocate),
    };
    return cmocka_run_group_tests_name("store io", tests, NULL, NULL);
}
