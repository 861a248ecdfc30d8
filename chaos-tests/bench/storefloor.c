/* storefloor.c - the machine's floor: how fast plain LMDB commits batches of small records here.
 * No code of the project is in it, so that a figure of the service can be held against it in the
 * same run. LMDB's default mode: each commit is durable when it returns.
 *
 * One environment, or with --pair two in threads of their own, as the disks of a primary and a
 * standby on one machine. Exits 0, 1 when a call failed, 64 for wrong arguments (EX_USAGE). */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>
#include <lmdb.h>

#include "floor_args.h"

enum {
    RECORD_BYTES = 200,
    SAMPLES_MAX = 4 * 1000 * 1000, /* commits of one environment */
    BATCH_MAX = 100000,
    SECONDS_MAX = 3600,
    PATH_BYTES = 512,
};

struct options {
    const char *dir;
    long batch;
    long seconds;
    bool pair;
    bool json;
};

/* One environment and what was measured on it. */
struct arm {
    char path[PATH_BYTES];
    long batch;
    uint64_t until_ns;
    MDB_env *env;
    MDB_dbi dbi;
    uint32_t *commit_ns; /* of each commit; 4.29 s and more count as that */
    size_t commits;
    uint64_t elapsed_ns;
    int rc; /* LMDB's, of the first call that failed */
};

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* --- one environment --- */

static int arm_open(struct arm *a)
{
    if (mkdir(a->path, 0700) != 0)
        return errno;
    a->commit_ns = malloc(SAMPLES_MAX * sizeof *a->commit_ns);
    if (!a->commit_ns)
        return ENOMEM;
    MDB_txn *txn;
    int rc = mdb_env_create(&a->env);
    if (!rc)
        rc = mdb_env_set_mapsize(a->env, (size_t)1 << 38);
    if (!rc)
        rc = mdb_env_open(a->env, a->path, 0, 0600);
    if (!rc)
        rc = mdb_txn_begin(a->env, NULL, 0, &txn);
    if (rc)
        return rc;
    rc = mdb_dbi_open(txn, NULL, 0, &a->dbi);
    if (rc) {
        mdb_txn_abort(txn);
        return rc;
    }
    return mdb_txn_commit(txn);
}

static void arm_close(struct arm *a)
{
    static const char *const files[] = {"data.mdb", "lock.mdb"};
    if (a->env)
        mdb_env_close(a->env);
    int dir_fd = open(a->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < sizeof files / sizeof files[0] && dir_fd >= 0; i++)
        (void)unlinkat(dir_fd, files[i], 0);
    if (dir_fd >= 0)
        close(dir_fd);
    (void)rmdir(a->path);
    free(a->commit_ns);
}

static int put_batch(struct arm *a, MDB_txn *txn, uint64_t *next)
{
    uint8_t value_bytes[RECORD_BYTES];
    for (long i = 0; i < a->batch; i++, (*next)++) {
        uint8_t key_bytes[8];
        for (int b = 0; b < 8; b++)
            key_bytes[b] = (uint8_t)(*next >> (56 - 8 * b));
        memset(value_bytes, (int)*next, sizeof value_bytes);
        MDB_val key = {sizeof key_bytes, key_bytes};
        MDB_val value = {sizeof value_bytes, value_bytes};
        int rc = mdb_put(txn, a->dbi, &key, &value, MDB_APPEND);
        if (rc)
            return rc;
    }
    return 0;
}

static int commit_batch(struct arm *a, uint64_t *next)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(a->env, NULL, 0, &txn);
    if (rc)
        return rc;
    rc = put_batch(a, txn, next);
    if (rc) {
        mdb_txn_abort(txn);
        return rc;
    }
    uint64_t begin_ns = now_ns();
    rc = mdb_txn_commit(txn);
    uint64_t took_ns = now_ns() - begin_ns;
    a->commit_ns[a->commits++] = took_ns > UINT32_MAX ? UINT32_MAX : (uint32_t)took_ns;
    return rc;
}

static void *arm_run(void *ctx)
{
    struct arm *a = ctx;
    uint64_t next = 1, begin_ns = now_ns();
    while (!a->rc && a->commits < SAMPLES_MAX && now_ns() < a->until_ns)
        a->rc = commit_batch(a, &next);
    a->elapsed_ns = now_ns() - begin_ns;
    return NULL;
}

/* --- the figures --- */

struct figures {
    size_t environments;
    double commits_per_s; /* of one environment, the mean of them */
    double records_per_s; /* of one environment, the mean of them */
    double p50_us;
    double p99_us;
    double max_us;
};

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The smallest sample that at least `part` of all are not above. */
static double quantile_us(const uint32_t *sorted, size_t n, double part)
{
    size_t at = (size_t)(part * (double)n);
    return sorted[at < n ? at : n - 1] / 1000.0;
}

static int reckon(const struct arm *arms, size_t n, struct figures *out)
{
    struct figures f = {.environments = n};
    size_t total = 0;
    for (size_t i = 0; i < n; i++) {
        double s = (double)arms[i].elapsed_ns / 1e9;
        f.commits_per_s += (double)arms[i].commits / s / (double)n;
        f.records_per_s += (double)arms[i].commits * (double)arms[i].batch / s / (double)n;
        total += arms[i].commits;
    }
    uint32_t *all = malloc(total * sizeof *all + 1);
    if (!all || total == 0) {
        free(all);
        return ENOMEM;
    }
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        memcpy(all + used, arms[i].commit_ns, arms[i].commits * sizeof *all);
        used += arms[i].commits;
    }
    qsort(all, total, sizeof *all, by_size);
    f.p50_us = quantile_us(all, total, 0.50);
    f.p99_us = quantile_us(all, total, 0.99);
    f.max_us = all[total - 1] / 1000.0;
    free(all);
    *out = f;
    return 0;
}

static void print_json(const struct options *o, const struct figures *f)
{
    json_t *j = json_pack("{s:i, s:i, s:i, s:i, s:f, s:f, s:f, s:f, s:f}", "environments",
                          (int)f->environments, "batch", (int)o->batch, "record_bytes",
                          (int)RECORD_BYTES, "seconds", (int)o->seconds, "commits_per_s",
                          f->commits_per_s, "records_per_s", f->records_per_s, "commit_p50_us",
                          f->p50_us, "commit_p99_us", f->p99_us, "commit_max_us", f->max_us);
    json_dumpf(j, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(8));
    putchar('\n');
    json_decref(j);
}

static void print_text(const struct options *o, const struct figures *f)
{
    printf("%s, %ld records of %d bytes a commit, %ld s\n",
           f->environments == 2 ? "two environments at once, figures of one" : "one environment",
           o->batch, (int)RECORD_BYTES, o->seconds);
    printf("commits/s %10.0f\nrecords/s %10.0f\n", f->commits_per_s, f->records_per_s);
    printf("a commit in us: p50 %.0f, p99 %.0f, max %.0f\n", f->p50_us, f->p99_us, f->max_us);
}

/* --- the run --- */

static int run_arms(struct arm *arms, size_t n, long seconds)
{
    pthread_t threads[2];
    uint64_t until_ns = now_ns() + (uint64_t)seconds * 1000000000u;
    size_t started = 0;
    int rc = 0;
    for (; started < n && !rc; started += !rc) {
        arms[started].until_ns = until_ns;
        rc = pthread_create(&threads[started], NULL, arm_run, &arms[started]);
    }
    for (size_t i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
    for (size_t i = 0; i < started && !rc; i++)
        rc = arms[i].rc;
    return rc;
}

static int measure(const struct options *o, struct figures *out)
{
    struct arm arms[2] = {0};
    size_t n = o->pair ? 2 : 1;
    int rc = 0;
    for (size_t i = 0; i < n && !rc; i++) {
        snprintf(arms[i].path, sizeof arms[i].path, "%s/storefloor-%ld-%zu", o->dir, (long)getpid(),
                 i);
        arms[i].batch = o->batch;
        rc = arm_open(&arms[i]);
    }
    if (!rc)
        rc = run_arms(arms, n, o->seconds);
    if (!rc)
        rc = reckon(arms, n, out);
    for (size_t i = 0; i < n; i++)
        arm_close(&arms[i]);
    return rc;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 'd':
        o->dir = arg;
        return 0;
    case 'b':
        o->batch = floor_number(arg, BATCH_MAX, state);
        return 0;
    case 's':
        o->seconds = floor_number(arg, SECONDS_MAX, state);
        return 0;
    case 'p':
        o->pair = true;
        return 0;
    case 'j':
        o->json = true;
        return 0;
    case ARGP_KEY_END:
        floor_needs_dir(o->dir, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int main(int argc, char **argv)
{
    static const struct argp_option known[] = {
        {"dir", 'd', "FOLDER", 0, "a folder on the disk to measure", 0},
        {"batch", 'b', "RECORDS", 0, "records of 200 bytes a commit (100)", 0},
        {"seconds", 's', "SECONDS", 0, "how long (5)", 0},
        {"pair", 'p', NULL, 0, "two environments at once, in threads of their own", 0},
        {"json", 'j', NULL, 0, "print JSON", 0},
        {0},
    };
    static const struct argp argp = {
        .options = known,
        .parser = parse,
        .doc = "Measures how fast plain LMDB commits batches of records durably on this machine.",
    };
    struct options o = {.batch = 100, .seconds = 5};
    if (argp_parse(&argp, argc, argv, 0, NULL, &o) != 0)
        return 64;
    struct figures f;
    int rc = measure(&o, &f);
    if (rc) {
        fprintf(stderr, "storefloor: %s: %s\n", o.dir, mdb_strerror(rc));
        return 1;
    }
    if (o.json)
        print_json(&o, &f);
    else
        print_text(&o, &f);
    return 0;
}
