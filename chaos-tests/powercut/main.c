/* powercut: cuts the power of a recorded disk at every write and flush of the node's store. */
#include <argp.h>
#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "campaign.h"

static const char doc[] =
    "Records what a real history of the node's store writes and flushes, and cuts the power within "
    "each of these operations: what was not flushed may be there, not there, or torn at sectors, "
    "in any order. The store must open what is left, with everything in it that had been reported "
    "durable, whole hash chain and fitting tables (D1, D8), and go on."
    "\v"
    "Arms: `honest` must hold. The control arms must be caught, or the test could not fail: "
    "`no-sync` (the store does not flush), `lying-flushes` (fdatasync does nothing) and "
    "`lying-disk` (nothing is flushed any more), the last two from the middle of the history on.\n"
    "\n"
    "  powercut                           one seed, all arms, in seconds\n"
    "  powercut --seeds 1..50 --commits 100 --samples 20   a campaign\n"
    "\n"
    "Columns: reserve: commits on a full disk, out of the reserve; refused: an honest refusal "
    "before anything was reported; next: the commit under way "
    "is there, whole; all: cuts of which every outcome was tried.\n"
    "Exit codes: 0 as it must be; 1 a promise is broken, or a control arm was not caught; 2 bad "
    "arguments.";

enum { EXIT_USAGE = 2, PATH_BYTES = 300, JOBS_MAX = 64, COMMITS_MAX = 5000, SAMPLES_MAX = 100000 };

struct arm {
    const char *name;
    enum disk_lies lies;
    bool no_sync;
    bool must_hold;
};

static const struct arm arms[] = {
    {"honest", DISK_HONEST, false, true},
    {"no-sync", DISK_HONEST, true, false},
    {"lying-flushes", DISK_LIES_FLUSHES, false, false},
    {"lying-disk", DISK_LIES_ALWAYS, false, false},
};

struct arguments {
    uint64_t seed_first, seed_last;
    unsigned commits, jobs;
    uint64_t samples;
    const char *dir;
    const char *arm; /* NULL: all */
};

/* ---------------------------------------------------------------- folders */

static void folder_remove(const char *dir)
{
    DIR *d = opendir(dir);
    if (!d)
        return;
    char path[PATH_BYTES + 300];
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
            continue;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (unlink(path))
            folder_remove(path);
    }
    closedir(d);
    (void)rmdir(dir);
}

static void folder_begin(char out[PATH_BYTES], const struct arguments *a)
{
    snprintf(out, PATH_BYTES, "%s/powercut-XXXXXX", a->dir);
    if (mkdtemp(out))
        return;
    fprintf(stderr, "powercut: %s: no folder can be made there: %s\n", a->dir, strerror(errno));
    exit(EX_CANTCREAT);
}

/* ---------------------------------------------------------------- arms */

static void print_head(void)
{
    printf("%-6s %-14s %7s %7s %7s %7s %6s %7s %8s %8s %7s %8s  %s\n", "seed", "arm", "commits",
           "reserve", "writes", "flushes", "cuts", "all", "outcomes", "last", "next", "refused",
           "result");
}

static void print_row(uint64_t seed, const struct arm *arm, const struct workload *w,
                      const struct campaign_result *r, const char *result)
{
    printf("%-6llu %-14s %7zu %7u %7zu %7zu %6llu %7llu %8llu %8llu %7llu %8llu  %s\n",
           (unsigned long long)seed, arm->name, w->contents_n - 1, w->reserve,
           tape_count(&w->tape, TAPE_WRITE), tape_count(&w->tape, TAPE_FLUSH),
           (unsigned long long)r->cuts, (unsigned long long)r->exhausted,
           (unsigned long long)r->outcomes, (unsigned long long)r->judged[JUDGED_LAST],
           (unsigned long long)r->judged[JUDGED_NEXT],
           (unsigned long long)r->judged[JUDGED_REFUSED], result);
    fflush(stdout);
}

/* Whether the arm did what it must; a folder with a finding is kept. */
static bool arm_run(const struct arguments *a, uint64_t seed, const struct arm *arm,
                    struct campaign_result *sum)
{
    char dir[PATH_BYTES], recorded[PATH_BYTES + 16];
    struct workload w;
    struct campaign_result r;
    folder_begin(dir, a);
    snprintf(recorded, sizeof recorded, "%s/recorded", dir);
    const struct workload_options wo = {
        .dir = recorded, .seed = seed, .commits = a->commits, .no_sync = arm->no_sync};
    workload_record(&wo, &w);
    const struct campaign_options co = {.dir = dir,
                                        .jobs = a->jobs,
                                        .samples = a->samples,
                                        .seed = seed,
                                        .lies = arm->lies,
                                        .first_op = arm->must_hold ? 0 : w.tape.ops_n / 2};
    campaign_run(&co, &w, &r);
    bool good = r.broken != arm->must_hold;
    print_row(seed, arm, &w, &r,
              good ? (r.broken ? "caught" : "holds") : (r.broken ? "BROKEN" : "NOT CAUGHT"));
    if (!good)
        printf(
            "       %s\n       again: powercut --seeds %llu --arm %s --commits %u --samples %llu\n",
            r.broken ? r.why : "a control arm that fails to fail", (unsigned long long)seed,
            arm->name, a->commits, (unsigned long long)a->samples);
    if (good || !r.broken)
        folder_remove(dir);
    if (arm->must_hold) {
        sum->cuts += r.cuts;
        sum->outcomes += r.outcomes;
        sum->exhausted += r.exhausted;
    }
    workload_fini(&w);
    return good;
}

/* ---------------------------------------------------------------- arguments */

static uint64_t number_of(const char *text, char **end, uint64_t least, uint64_t most,
                          struct argp_state *state)
{
    errno = 0;
    unsigned long long v = strtoull(text, end, 10);
    if (errno || *end == text || text[0] == '-' || v < least || v > most)
        argp_error(state, "'%s' is not a number from %llu to %llu", text, (unsigned long long)least,
                   (unsigned long long)most);
    return v;
}

static uint64_t whole_number(const char *text, uint64_t most, struct argp_state *state)
{
    char *end;
    uint64_t v = number_of(text, &end, 1, most, state);
    if (*end)
        argp_error(state, "'%s' is not a number", text);
    return v;
}

static void seeds_of(const char *text, struct arguments *a, struct argp_state *state)
{
    char *end;
    a->seed_first = a->seed_last = number_of(text, &end, 0, UINT32_MAX, state);
    if (end[0] == '.' && end[1] == '.')
        a->seed_last = number_of(end + 2, &end, a->seed_first, UINT32_MAX, state);
    if (*end)
        argp_error(state, "'%s' is neither a seed nor a range as 1..20", text);
}

static void arm_of(const char *text, struct arguments *a, struct argp_state *state)
{
    for (size_t i = 0; i < sizeof arms / sizeof arms[0]; i++)
        if (!strcmp(text, arms[i].name)) {
            a->arm = text;
            return;
        }
    argp_error(state, "there is no arm '%s'", text);
}

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case 's':
        seeds_of(arg, a, state);
        return 0;
    case 'c':
        a->commits = (unsigned)whole_number(arg, COMMITS_MAX, state);
        return 0;
    case 'n':
        a->samples = whole_number(arg, SAMPLES_MAX, state);
        return 0;
    case 'j':
        a->jobs = (unsigned)whole_number(arg, JOBS_MAX, state);
        return 0;
    case 'd':
        a->dir = arg;
        return 0;
    case 'a':
        arm_of(arg, a, state);
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "no argument '%s' is expected", arg);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* A memory file system, if there is one: each outcome is a file of its own. */
static const char *default_dir(void)
{
    const char *tmp = getenv("TMPDIR");
    return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : tmp ? tmp : "/tmp";
}

static unsigned default_jobs(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > JOBS_MAX ? JOBS_MAX : (unsigned)n;
}

int main(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"seeds", 's', "N[..M]", 0, "these histories (1)", 0},
        {"commits", 'c', "N", 0, "transactions of each (30)", 0},
        {"samples", 'n', "N", 0, "random outcomes and tears of each cut (3)", 0},
        {"arm", 'a', "NAME", 0, "this arm only", 0},
        {"jobs", 'j', "N", 0, "processes (as many as processors)", 0},
        {"dir", 'd', "FOLDER", 0, "where the files go (/dev/shm, or $TMPDIR)", 0},
        {0},
    };
    const struct argp argp = {.options = options, .parser = on_option, .doc = doc};
    struct arguments a = {.seed_first = 1,
                          .seed_last = 1,
                          .commits = 30,
                          .samples = 3,
                          .jobs = default_jobs(),
                          .dir = default_dir()};
    struct campaign_result sum = {0};
    bool good = true;
    argp_err_exit_status = EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if (sodium_init() < 0)
        return EX_SOFTWARE;
    print_head();
    for (uint64_t seed = a.seed_first; seed <= a.seed_last; seed++)
        for (size_t i = 0; i < sizeof arms / sizeof arms[0]; i++)
            if (!a.arm || !strcmp(a.arm, arms[i].name))
                good &= arm_run(&a, seed, &arms[i], &sum);
    printf("honest: %llu cuts, of %llu every outcome; %llu files opened\n",
           (unsigned long long)sum.cuts, (unsigned long long)sum.exhausted,
           (unsigned long long)sum.outcomes);
    return good ? 0 : 1;
}
