/* replayfloor.c - the machine's floor under a log that is proven: what reading every record of a
 * data folder costs, and what reading and hashing them as the chain wants it. No code of the
 * project is in it: LMDB and BLAKE2b as the libraries have them. One thread.
 *
 * With a command behind the folder it runs that instead, and says what it cost: seconds, processor
 * seconds, and the most memory that it had. Prints JSON. Exits 0, 1 when a call or the command
 * failed, or the chain is not whole, 64 for wrong arguments (EX_USAGE). */
#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>
#include <lmdb.h>
#include <sodium.h>

enum { HASH_BYTES = 32, HASH_AT = 24, HEAD_BYTES = HASH_AT + HASH_BYTES, LINE_BYTES = 64, DBS = 8 };

struct options {
    const char *dir;
    char **command; /* NULL: none */
};

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static _Noreturn void give_up(const char *what, const char *why)
{
    fprintf(stderr, "replayfloor: %s: %s\n", what, why);
    exit(1);
}

static void need(int rc, const char *what)
{
    if (rc)
        give_up(what, mdb_strerror(rc));
}

/* ---------------------------------------------------------------- the floor */

struct pass {
    void (*each)(struct pass *p, const MDB_val *key, const MDB_val *value);
    uint8_t chain[HASH_BYTES];
    uint64_t records;
    uint8_t sum;
    double cpu_s;
};

static void read_record(struct pass *p, const MDB_val *key, const MDB_val *value)
{
    const uint8_t *at = value->mv_data;
    (void)key;
    for (size_t i = 0; i < value->mv_size; i += LINE_BYTES)
        p->sum ^= at[i];
}

static void hash_record(struct pass *p, const MDB_val *key, const MDB_val *value)
{
    const uint8_t *at = value->mv_data;
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, HASH_BYTES);
    crypto_generichash_update(&state, p->chain, HASH_BYTES);
    crypto_generichash_update(&state, key->mv_data, key->mv_size);
    crypto_generichash_update(&state, at, HASH_AT);
    crypto_generichash_update(&state, at + HEAD_BYTES, value->mv_size - HEAD_BYTES);
    crypto_generichash_final(&state, p->chain, HASH_BYTES);
    if (memcmp(p->chain, at + HASH_AT, HASH_BYTES) != 0)
        give_up("hashing", "the chain is not whole");
}

static void go_through(MDB_env *env, struct pass *p)
{
    MDB_txn *txn;
    MDB_dbi dbi;
    MDB_cursor *c;
    MDB_val key, value;
    int rc;
    need(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), "reading");
    need(mdb_dbi_open(txn, "log", 0, &dbi), "the log");
    need(mdb_cursor_open(txn, dbi, &c), "the log");
    double before_s = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    while ((rc = mdb_cursor_get(c, &key, &value, MDB_NEXT)) == 0) {
        if (value.mv_size < HEAD_BYTES)
            give_up("reading", "a record is too short");
        p->each(p, &key, &value);
        p->records++;
    }
    p->cpu_s = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - before_s;
    if (rc != MDB_NOTFOUND)
        need(rc, "reading");
    mdb_cursor_close(c);
    mdb_txn_abort(txn);
}

static json_t *floor_of(const char *dir)
{
    struct pass reading = {.each = read_record}, hashing = {.each = hash_record};
    MDB_env *env;
    need(mdb_env_create(&env), dir);
    need(mdb_env_set_maxdbs(env, DBS), dir);
    need(mdb_env_open(env, dir, MDB_RDONLY | MDB_NOLOCK, 0600), dir);
    go_through(env, &reading); /* for the file's pages to be there */
    reading = (struct pass){.each = read_record, .sum = reading.sum};
    go_through(env, &reading);
    go_through(env, &hashing);
    mdb_env_close(env);
    return json_pack("{s:I, s:i, s:f, s:f}", "records", (json_int_t)hashing.records, "sum",
                     (int)reading.sum, "read_cpu_s", reading.cpu_s, "read_and_hash_cpu_s",
                     hashing.cpu_s);
}

/* ---------------------------------------------------------------- a command */

static double time_s(const struct timeval *t)
{
    return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

static json_t *cost_of(char **command)
{
    struct rusage used;
    int status;
    double before_s = seconds_of(CLOCK_MONOTONIC);
    pid_t pid = fork();
    if (pid == 0) {
        (void)dup2(STDERR_FILENO, STDOUT_FILENO);
        execvp(command[0], command);
        _exit(127);
    }
    if (pid < 0 || wait4(pid, &status, 0, &used) != pid)
        give_up(command[0], strerror(errno));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        give_up(command[0], "it failed");
    return json_pack("{s:f, s:f, s:I}", "seconds", seconds_of(CLOCK_MONOTONIC) - before_s, "cpu_s",
                     time_s(&used.ru_utime) + time_s(&used.ru_stime), "most_kib",
                     (json_int_t)used.ru_maxrss);
}

/* ---------------------------------------------------------------- arguments */

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 'd':
        o->dir = arg;
        return 0;
    case ARGP_KEY_ARGS:
        o->command = state->argv + state->next;
        return 0;
    case ARGP_KEY_END:
        if (!o->dir && !o->command)
            argp_error(state, "--dir is needed: a data folder of a stopped node; or a command");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int main(int argc, char **argv)
{
    static const struct argp_option known[] = {
        {"dir", 'd', "FOLDER", 0, "a data folder", 0},
        {0},
    };
    static const struct argp argp = {
        .options = known,
        .parser = parse,
        .args_doc = "[COMMAND...]",
        .doc = "Measures what reading all records of a data folder costs, and reading and hashing "
               "them; or what a command costs. Prints JSON.",
    };
    struct options o = {.dir = NULL};
    argp_err_exit_status = 64;
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &o);
    if (sodium_init() < 0)
        give_up("start", "libsodium cannot be used on this machine");
    json_t *j = o.command ? cost_of(o.command) : floor_of(o.dir);
    json_dumpf(j, stdout, JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(j);
    return 0;
}
