/* main.c - the command line of examsim. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "campaign.h"
#include "report.h"
#include "shrink.h"

const char *argp_program_version = "examsim " EXAMSIM_VERSION;

enum { EXIT_HELD = 0, EXIT_BROKEN = 1, EXIT_USAGE = 2 };

enum {
    OPT_SEED = 256,
    OPT_SEEDS,
    OPT_JOBS,
    OPT_FIRST,
    OPT_REQUIRE,
    OPT_TRACE,
    OPT_PLAN,
    OPT_ONLY,
    OPT_UNTIL,
    OPT_WITHOUT,
    OPT_OUT,
    OPT_SHRINK,
    OPT_JSON,
};

struct options {
    bool one, many, trace, plan, json, first_only, require_faults, has_only;
    uint64_t first, last, until_ms, without;
    uint32_t jobs;
    unsigned shrink_seconds;
    const char *out;
    bool only[PLAN_ACTS_MAX];
};

/* ---------------------------------------------------------------- arguments */

static const char doc[] =
    "Plays random exam days in virtual time: one to three nodes, some seats, administrators who "
    "act "
    "sensibly and wrongly, and whatever can break. The nodes and seats are the service's own code. "
    "A seed makes a day, always the same one.\n"
    "\n"
    "After every step it is checked that one node serves an epoch at the most (W1), that what was "
    "called saved lies on as many disks as was said (D1, D3), that equal logs make equal states "
    "(D4), that accounts add up (D5) and never go back (T12), that a failed node serves no more "
    "(D6). Then everything is repaired: the site must come to rest, with every answer that any "
    "surviving disk holds (A2), in its right version (A3).\v"
    "A history that breaks something is made as short as possible and written, with what happened "
    "in "
    "it, to a file examsim-SEED.txt.\n"
    "\n"
    "Exit status: 0 nothing was broken; 1 something was, or --require-faults missed a fault; 2 "
    "wrong "
    "usage; 71 the system lacks memory or processes; 73 a file could not be written.\n"
    "\n"
    "Examples:\n"
    "  examsim --seeds 1..1000                many days, on all cores\n"
    "  examsim --seed 42 --trace              one of them, told\n"
    "  examsim --seed 42 --only 0,3,7-9 --trace   the same with these acts of its plan alone\n";

static const struct argp_option option_table[] = {
    {"seed", OPT_SEED, "N", 0, "Play this one history", 0},
    {"seeds", OPT_SEEDS, "A..B", 0, "Play all of these", 0},
    {"jobs", OPT_JOBS, "N", 0, "In so many processes (default: one a core)", 1},
    {"first", OPT_FIRST, NULL, 0, "Stop at the first history that breaks something", 1},
    {"require-faults", OPT_REQUIRE, NULL, 0, "Fail if some fault has never happened", 1},
    {"without", OPT_WITHOUT, "NAME,...", 0,
     "Leave these families of faults out (`--without list' names them)", 1},
    {"trace", OPT_TRACE, NULL, 0, "Tell what happens, one line an event", 2},
    {"plan", OPT_PLAN, NULL, 0, "Print the plan of the seed, play nothing", 2},
    {"only", OPT_ONLY, "NUMBERS", 0, "Only these acts of the plan: 0,3,7-9", 2},
    {"until", OPT_UNTIL, "MS", 0, "Repair everything at this instant", 2},
    {"out", OPT_OUT, "FOLDER", 0, "Where broken histories are written (default: here)", 3},
    {"shrink", OPT_SHRINK, "SECONDS", 0,
     "How long to look for a shorter history of each (default 60; 0: not at all)", 3},
    {"json", OPT_JSON, NULL, 0, "Print the outcome as JSON", 3},
    {0}};

static bool read_number(const char **text, uint64_t max, uint64_t *out)
{
    char *end;
    errno = 0;
    if (**text < '0' || **text > '9')
        return false;
    unsigned long long v = strtoull(*text, &end, 10);
    if (errno || v > max)
        return false;
    *text = end;
    *out = v;
    return true;
}

static uint64_t number(struct argp_state *state, const char *arg, uint64_t max)
{
    const char *at = arg;
    uint64_t v = 0;
    if (!read_number(&at, max, &v) || *at)
        argp_error(state, "%s: a whole number up to %" PRIu64 " is wanted", arg, max);
    return v;
}

static void take_seeds(struct argp_state *state, struct options *o, const char *arg)
{
    const char *at = arg;
    bool good = read_number(&at, UINT64_MAX - 1, &o->first) && !strncmp(at, "..", 2);
    at += good ? 2 : 0;
    good = good && read_number(&at, UINT64_MAX - 1, &o->last) && !*at && o->first <= o->last;
    if (!good)
        argp_error(state, "%s: seeds are written A..B, as in 1..1000", arg);
    o->many = true;
}

static void take_only(struct argp_state *state, struct options *o, const char *arg)
{
    const char *at = arg;
    o->has_only = true;
    for (;;) {
        uint64_t first, last;
        bool good = read_number(&at, PLAN_ACTS_MAX - 1, &first);
        last = first;
        if (good && *at == '-') {
            at++;
            good = read_number(&at, PLAN_ACTS_MAX - 1, &last) && first <= last;
        }
        if (!good || (*at && *at != ',')) {
            argp_error(state, "%s: acts are written 0,3,7-9", arg);
            return;
        }
        for (uint64_t i = first; i <= last; i++)
            o->only[i] = true;
        if (!*at)
            return;
        at++;
    }
}

static void list_families(void)
{
    for (int i = 0; i < PLAN_FAMILIES; i++)
        puts(plan_family_name((enum plan_family)i));
    exit(EXIT_HELD);
}

static void take_without(struct argp_state *state, struct options *o, const char *arg)
{
    if (!strcmp(arg, "list"))
        list_families();
    while (*arg) {
        size_t n = strcspn(arg, ",");
        int i = 0;
        while (i < PLAN_FAMILIES && (strlen(plan_family_name((enum plan_family)i)) != n ||
                                     strncmp(plan_family_name((enum plan_family)i), arg, n) != 0))
            i++;
        if (i == PLAN_FAMILIES)
            argp_error(state, "%.*s: no such family; --without list names them", (int)n, arg);
        o->without |= plan_bit(i);
        arg += n;
        arg += *arg == ',';
    }
}

static error_t take_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case OPT_SEED:
        o->first = o->last = number(state, arg, UINT64_MAX - 1);
        o->one = true;
        return 0;
    case OPT_SEEDS:
        take_seeds(state, o, arg);
        return 0;
    case OPT_JOBS:
        o->jobs = (uint32_t)number(state, arg, CAMPAIGN_JOBS_MAX);
        return 0;
    case OPT_FIRST:
        o->first_only = true;
        return 0;
    case OPT_REQUIRE:
        o->require_faults = true;
        return 0;
    case OPT_TRACE:
        o->trace = true;
        return 0;
    case OPT_PLAN:
        o->plan = true;
        return 0;
    case OPT_ONLY:
        take_only(state, o, arg);
        return 0;
    case OPT_UNTIL:
        o->until_ms = number(state, arg, 24 * 3600 * 1000);
        return 0;
    case OPT_WITHOUT:
        take_without(state, o, arg);
        return 0;
    case OPT_OUT:
        o->out = arg;
        return 0;
    case OPT_SHRINK:
        o->shrink_seconds = (unsigned)number(state, arg, 86400);
        return 0;
    case OPT_JSON:
        o->json = true;
        return 0;
    case ARGP_KEY_END:
        if (o->one == o->many)
            argp_error(state, "give either --seed N or --seeds A..B");
        if (o->many && (o->trace || o->plan || o->has_only || o->until_ms))
            argp_error(state, "--trace, --plan, --only and --until go with --seed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---------------------------------------------------------------- plans */

static void make_plan(const struct options *o, uint64_t seed, struct plan *p)
{
    uint32_t n = 0;
    plan_make(seed, p);
    for (uint32_t i = 0; i < p->acts_n; i++)
        if (!o->has_only || o->only[i])
            p->acts[n++] = p->acts[i];
    p->acts_n = n;
    plan_without(p, o->without);
    if (o->until_ms)
        p->end_ms = o->until_ms;
}

/* ---------------------------------------------------------------- a broken one */

static void write_trace(const char *path, const struct plan *p, const uint32_t *kept,
                        const struct violation *v)
{
    struct verdict_of_history again;
    FILE *f = fopen(path, "w");
    if (!f) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        exit(EX_CANTCREAT);
    }
    report_failure(f, p->seed, v);
    fprintf(f, "examsim --seed %" PRIu64 " --until %" PRIu64 " --only ", p->seed, p->end_ms);
    report_numbers(f, kept, p->acts_n);
    fprintf(f, " --trace\n\n");
    report_plan(f, p, kept);
    fputc('\n', f);
    if (fclose(f)) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        exit(EX_CANTCREAT);
    }
    shrink_play(p, path, &again);
}

/* Shortens it, and writes what happens in it to a file. */
static void explain(const struct options *o, uint64_t seed, const struct violation *v)
{
    static struct plan plan;
    static uint32_t kept[PLAN_ACTS_MAX];
    char path[4096];
    if (o->has_only) /* somebody has it before his eyes, and in his hands */
        return;
    make_plan(o, seed, &plan);
    for (uint32_t i = 0; i < plan.acts_n; i++)
        kept[i] = i;
    uint32_t acts_n = plan.acts_n;
    if (o->shrink_seconds)
        shrink(&plan, kept, v, o->shrink_seconds);
    snprintf(path, sizeof path, "%s/examsim-%" PRIu64 ".txt", o->out, seed);
    write_trace(path, &plan, kept, v);
    fprintf(stderr, "  %u of its %u acts suffice: %s\n", plan.acts_n, acts_n, path);
}

/* ---------------------------------------------------------------- what was asked for */

static void put_digest(const uint8_t digest[32])
{
    for (int i = 0; i < 8; i++)
        printf("%02x", digest[i]);
    putchar('\n');
}

static int play_one(const struct options *o)
{
    static struct plan plan;
    struct verdict_of_history v;
    make_plan(o, o->first, &plan);
    if (o->plan) {
        report_plan(stdout, &plan, NULL);
        return EXIT_HELD;
    }
    shrink_play(&plan, o->trace ? "/dev/stdout" : NULL, &v);
    if (!v.violation.rule[0]) {
        printf("seed %" PRIu64 ": nothing is broken; %u answers, %u called saved, %u epochs, ",
               o->first, v.answers_n, v.saved_n, v.epochs_n);
        put_digest(v.digest);
        return EXIT_HELD;
    }
    report_failure(stdout, o->first, &v.violation);
    explain(o, o->first, &v.violation);
    return EXIT_BROKEN;
}

static int play_many(const struct options *o)
{
    static struct campaign c;
    const struct campaign_options co = {.first = o->first,
                                        .last = o->last,
                                        .jobs = o->jobs,
                                        .without = o->without,
                                        .stop_at_first = o->first_only,
                                        .progress = isatty(STDERR_FILENO) ? stderr : NULL};
    if (campaign_run(&co, &c)) {
        fprintf(stderr, "only %" PRIu64 " of %" PRIu64 " histories could be played\n",
                c.totals.seeds_n, o->last - o->first + 1);
        return EX_OSERR;
    }
    if (o->json)
        report_json(stdout, &c);
    else
        report_totals(stdout, &c);
    for (uint32_t i = 0; i < c.failures_n && (i == 0 || !o->first_only); i++) {
        report_failure(stderr, c.failures[i].seed, &c.failures[i].violation);
        explain(o, c.failures[i].seed, &c.failures[i].violation);
    }
    if (c.totals.failures_n)
        return EXIT_BROKEN;
    const char *missing = o->require_faults ? report_missing(&c) : NULL;
    if (missing)
        fprintf(stderr, "no history has met this fault: %s\n", missing);
    return missing ? EXIT_BROKEN : EXIT_HELD;
}

int main(int argc, char **argv)
{
    const struct argp argp = {option_table, take_option, NULL, doc, NULL, NULL, NULL};
    struct options o = {.out = ".", .shrink_seconds = 60};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    argp_err_exit_status = EXIT_USAGE;
    if (argp_parse(&argp, argc, argv, 0, NULL, &o))
        return EXIT_USAGE;
    if (!o.jobs)
        o.jobs = cores < 1 ? 1 : cores > CAMPAIGN_JOBS_MAX ? CAMPAIGN_JOBS_MAX : (uint32_t)cores;
    return o.one ? play_one(&o) : play_many(&o);
}
