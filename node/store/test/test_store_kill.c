/* test_store_kill.c - a process that is killed at any instant loses nothing that it acknowledged,
 * and leaves no half of a transaction (A2, D1; power cuts are another matter, tested elsewhere). */
#include "store_fixture.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KILLS = 80, KILL_US_MAX = 25000, COMMITS_MAX = 100000 };

/* What a transaction writes beside its records, and what is told once it is committed. */
struct progress {
    uint64_t commits;
    uint64_t kept; /* records in the log and in the branches together */
    struct position last;
};

static exam_err take_hash(void *ctx, const struct record *r)
{
    memcpy(ctx, r->hash, HASH_BYTES);
    return EXAM_OK;
}

/* One random transaction; the progress goes into the state table with it. */
static exam_err work_once(store *s, uint64_t *rnd, struct progress *p)
{
    struct fixture_writer w = fixture_writer_at_end(s);
    store_begin(s);
    if (w.lsn > 1 && fixture_random_below(rnd, 20) == 0) {
        w.lsn--;
        if (store_read_log(s, w.lsn, w.lsn, take_hash, w.hash) != EXAM_OK)
            _exit(6);
        store_cut(s, w.lsn);
    }
    uint64_t n = 1 + fixture_random_below(rnd, 25);
    for (uint64_t i = 0; i < n; i++)
        fixture_append(&w, 20 + fixture_random_below(rnd, 400));
    p->commits++;
    p->kept += n;
    p->last = (struct position){.epoch = w.epoch, .lsn = w.lsn};
    memcpy(p->last.hash, w.hash, HASH_BYTES);
    store_put(s, STORE_STATE, "progress", 8, p, sizeof *p);
    for (uint64_t i = 0; i < 20; i++)
        store_put(s, STORE_STATE, &i, sizeof i, &p->commits, sizeof p->commits);
    return store_commit(s);
}

static struct progress progress_of(store *s)
{
    struct progress p = {0};
    const uint8_t *value;
    size_t bytes;
    if (store_get(s, STORE_STATE, "progress", 8, &value, &bytes) == EXAM_OK)
        memcpy(&p, value, bytes < sizeof p ? bytes : sizeof p);
    return p;
}

/* The process that gets killed. It must not come back into the test's code. */
static _Noreturn void work(const char *dir, uint64_t seed, int tell_fd)
{
    store *s;
    char why[FIXTURE_WHY_BYTES];
    if (store_open(dir, &FIXTURE_OPTIONS, &s, why, sizeof why) != EXAM_OK)
        _exit(2);
    struct progress p = progress_of(s);
    for (int i = 0; i < COMMITS_MAX; i++) {
        if (work_once(s, &seed, &p) != EXAM_OK)
            _exit(3);
        if (write(tell_fd, &p, sizeof p) != (ssize_t)sizeof p)
            _exit(4);
    }
    _exit(5);
}

/* Reads one acknowledgement; false at the end. A write of this size to a pipe is not torn. */
static bool hear(int fd, struct progress *told)
{
    struct progress p;
    ssize_t n;
    do
        n = read(fd, &p, sizeof p);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof p)
        return false;
    *told = p;
    return true;
}

/* Lets a process work on the folder and kills it; *told is what it acknowledged last. */
static void run_and_kill(const char *dir, uint64_t *rnd, struct progress *told)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    uint64_t seed = fixture_random(rnd);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(fds[0]);
        work(dir, seed, fds[1]);
    }
    close(fds[1]);
    /* Every second one is killed while it commits, the others at any time, opening included. */
    if (fixture_random_below(rnd, 2) == 0)
        (void)hear(fds[0], told);
    usleep((useconds_t)fixture_random_below(rnd, KILL_US_MAX));
    assert_int_equal(kill(child, SIGKILL), 0);
    while (hear(fds[0], told))
        continue;
    close(fds[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* What was acknowledged is there; of what came after it, whole transactions or nothing. */
static void check_after_kill(const char *dir, const struct progress *told)
{
    store *s = fixture_open(dir, &FIXTURE_OPTIONS);
    struct progress p = progress_of(s);
    struct position last = store_last(s);
    assert_true(p.commits == told->commits || p.commits == told->commits + 1);
    if (p.commits == told->commits)
        assert_memory_equal(&p, told, sizeof p);
    assert_memory_equal(&p.last, &last, sizeof last);
    assert_int_equal(fixture_check_log(s) + store_branch_records(s), p.kept);
    for (uint64_t i = 0; i < 20 && p.commits > 0; i++) {
        const uint8_t *value;
        size_t bytes;
        assert_int_equal(store_get(s, STORE_STATE, &i, sizeof i, &value, &bytes), EXAM_OK);
        assert_int_equal(bytes, sizeof p.commits);
        assert_memory_equal(value, &p.commits, sizeof p.commits);
    }
    store_close(s);
}

/* After each of many kills the store holds every acknowledged transaction, whole. */
static void test_store__survives_kill_at_any_time(void **state)
{
    (void)state;
    uint64_t rnd = fixture_seed(__func__);
    char dir[FIXTURE_PATH_BYTES];
    fixture_dir_name(dir);
    struct progress told = {0};
    unsigned while_committing = 0;
    for (int i = 0; i < KILLS; i++) {
        uint64_t commits_before = told.commits;
        run_and_kill(dir, &rnd, &told);
        while_committing += told.commits > commits_before;
        check_after_kill(dir, &told);
        store *s = fixture_open(dir, &FIXTURE_OPTIONS);
        told = progress_of(s);
        store_close(s);
    }
    print_message("%u of %d kills came while it committed; %llu commits\n", while_committing,
                  (int)KILLS, (unsigned long long)told.commits);
    assert_true(while_committing >= KILLS / 4);
    fixture_dir_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store__survives_kill_at_any_time),
    };
    return cmocka_run_group_tests_name("store kill", tests, NULL, NULL);
}
