/* main.c - the command line of seatsim. */
#include <argp.h>
#include <sodium.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "account_check.h"
#include "answer_check.h"
#include "bench.h"
#include "exam_limits.h"
#include "hostile.h"
#include "run.h"

const char *argp_program_version = "seatsim 0.1.0";

enum { EXIT_USAGE = 2, ANSWERS = 40, ANSWERS_UNTIL = 10000 };

enum {
    OPT_NODES = 256,
    OPT_ROSTER,
    OPT_JOURNALS,
    OPT_SEATS,
    OPT_SKIP,
    OPT_THINK,
    OPT_ANSWERS,
    OPT_SEED,
    OPT_ACKED,
    OPT_EVENTS,
    OPT_JSON,
    OPT_TIMEOUT,
    OPT_WARM,
    OPT_DUR,
    OPT_VALUE,
    OPT_SOLO,
    OPT_MIXED,
    OPT_RESULTS,
    OPT_PLAN,
    OPT_CONTINGENCIES,
    OPT_GRACE,
    OPT_ACCOUNTS,
    OPT_TOTALS,
    OPT_INTERRUPTIONS,
    OPT_KEYS,
    OPT_FROM,
    OPT_ADDRESSES,
    OPT_RATE,
    OPT_SINK,
    OPT_UNTIL
};

static uint64_t number(struct argp_state *state, const char *arg, uint64_t max)
{
    char *end;
    unsigned long long v = strtoull(arg, &end, 10);
    if (end == arg || *end != '\0' || *arg == '-' || v > max)
        argp_error(state, "%s: a whole number from 0 to %llu is wanted", arg,
                   (unsigned long long)max);
    return v;
}

static double decimal(struct argp_state *state, const char *arg, const char *what)
{
    char *end;
    double v = strtod(arg, &end);
    if (end == arg || *end != '\0' || !(v >= 0 && v <= 86400))
        argp_error(state, "%s: %s from 0 to 86400 are wanted", arg, what);
    return v;
}

static const char *keys_dir_of_environment(void)
{
    const char *dir = getenv("SEATSIM_KEYS");
    return dir != NULL && dir[0] != '\0' ? dir : NULL;
}

static error_t run_option(int key, char *arg, struct argp_state *state)
{
    struct run_options *o = state->input;
    switch (key) {
    case OPT_NODES:
        o->nodes = arg;
        return 0;
    case OPT_ROSTER:
        o->roster_path = arg;
        return 0;
    case OPT_JOURNALS:
        o->journals_dir = arg;
        return 0;
    case OPT_KEYS:
        o->keys_dir = arg;
        return 0;
    case OPT_SEATS:
        o->seats_n = (uint32_t)number(state, arg, SITTINGS_MAX);
        return 0;
    case OPT_SKIP:
        o->skip_n = (uint32_t)number(state, arg, SITTINGS_MAX);
        return 0;
    case OPT_THINK:
        o->think_ms = number(state, arg, 3600000);
        return 0;
    case OPT_ANSWERS:
        o->answers_n = (uint32_t)number(state, arg, 100000);
        return 0;
    case OPT_SEED:
        o->seed = number(state, arg, UINT64_MAX - 1);
        return 0;
    case OPT_ACKED:
        o->acked_path = arg;
        return 0;
    case OPT_EVENTS:
        o->events_path = arg;
        return 0;
    case OPT_PLAN:
        o->plan_path = arg;
        return 0;
    case OPT_CONTINGENCIES:
        o->contingencies = decimal(state, arg, "contingencies a minute");
        return 0;
    case OPT_UNTIL:
        o->until_path = arg;
        return 0;
    case OPT_GRACE:
        o->grace_ms = number(state, arg, 3600000);
        return 0;
    case OPT_ACCOUNTS:
        o->accounts_path = arg;
        return 0;
    case OPT_TIMEOUT:
        o->timeout_s = number(state, arg, 1000000);
        return 0;
    case OPT_JSON:
        o->json = true;
        return 0;
    case ARGP_KEY_END:
        if (o->answers_n == UINT32_MAX)
            o->answers_n = o->until_path != NULL ? ANSWERS_UNTIL : ANSWERS;
        if (o->keys_dir == NULL)
            o->keys_dir = keys_dir_of_environment();
        if (o->nodes == NULL || o->roster_path == NULL || o->journals_dir == NULL)
            argp_error(state, "--nodes, --roster and --journals are needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int run_main(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"nodes", OPT_NODES, "HOST:PORT,...", 0, "Where seats connect: the nodes' seat-listen", 0},
        {"keys", OPT_KEYS, "DIR", 0,
         "The site's keys, of `examctl site init` (default: $SEATSIM_KEYS); --nodes is then "
         "NAME@HOST:PORT,...",
         0},
        {"roster", OPT_ROSTER, "FILE", 0, "The roster that was imported", 0},
        {"journals", OPT_JOURNALS, "DIR", 0, "Folder for the seats' journals; must exist", 0},
        {"seats", OPT_SEATS, "N", 0, "Only N candidates of the roster", 0},
        {"skip", OPT_SKIP, "N", 0, "Leave out the first N: others play them (descriptors)", 0},
        {"answers", OPT_ANSWERS, "N", 0,
         "Answers of each before submitting (default 40; with --until 10000)", 0},
        {"until", OPT_UNTIL, "FILE", 0, "Submit when this file exists, if not before", 0},
        {"think-ms", OPT_THINK, "MS", 0, "Mean time between two answers (default 400)", 0},
        {"seed", OPT_SEED, "N", 0, "Repeats the candidates' choices (default 1)", 0},
        {"acked", OPT_ACKED, "FILE", 0, "Write each acknowledged answer as CSV", 0},
        {"events", OPT_EVENTS, "FILE", 0, "Write attached, lost, locked ... as JSON lines", 0},
        {"plan", OPT_PLAN, "FILE", 0, "Contingencies that befall the seats: see below", 0},
        {"contingencies", OPT_CONTINGENCIES, "RATE", 0,
         "So many power cuts and cut cables a seat and minute, drawn from the seed", 0},
        {"grace-ms", OPT_GRACE, "MS", 0, "The batch's grace, as imported (default 15000)", 0},
        {"accounts", OPT_ACCOUNTS, "FILE", 0, "Write what each account must be as CSV", 0},
        {"timeout", OPT_TIMEOUT, "SECONDS", 0, "Give up after so long (default 1800; 0: never)", 0},
        {"json", OPT_JSON, NULL, 0, "Summary as JSON", 0},
        {0}};
    static const struct argp argp = {
        options,
        run_option,
        NULL,
        "Simulated candidates: sign in, wait for the batch, fetch the paper, answer, submit. "
        "Checks "
        "that no acknowledged answer is missing, and reckons from what the seats see what each "
        "account must be (common timing); exits with 0 only if all of it holds.\v"
        "Example: seatsim run --nodes 127.0.0.1:7100,127.0.0.1:7200 --roster roster.csv "
        "--journals j\n"
        "\n"
        "A plan has one act a line; # begins a comment. Times are [h:]mm:ss[.mmm] since the first "
        "screen opened; @FILE in their place means: when that file exists.\n"
        "\n"
        "  0:02     power 10%     for 0:03           PCs lose their power, and boot after 3 s\n"
        "  0:02.500 cut   R01-*   for 0:20           cables are pulled: silence, to all nodes\n"
        "  0:03     reset R02-01,R02-02 from 2 until @healed\n"
        "                                            resets and refusals, by the 2nd of --nodes\n"
        "  0:05     move  R01-03  to R01-41          the candidate walks to a spare seat, and\n"
        "                                            signs in there when examctl has moved the\n"
        "                                            sitting; the old PC stays as it is\n"
        "\n"
        "SEATS are all, N% of those who still sit, or names with commas between them; R01-* is "
        "every "
        "seat whose name begins so. A candidate who moved is told from the old seat, which must "
        "hear "
        "that it is shut out before the run is over.",
        NULL,
        NULL,
        NULL};
    struct run_options o = {
        .answers_n = UINT32_MAX, .think_ms = 400, .seed = 1, .timeout_s = 1800, .grace_ms = 15000};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    return run_seats(&o);
}

static error_t bench_option(int key, char *arg, struct argp_state *state)
{
    struct bench_options *o = state->input;
    switch (key) {
    case OPT_NODES:
        o->nodes = arg;
        return 0;
    case OPT_ROSTER:
        o->roster_path = arg;
        return 0;
    case OPT_JOURNALS:
        o->journals_dir = arg;
        return 0;
    case OPT_KEYS:
        o->keys_dir = arg;
        return 0;
    case 'W':
        o->seats_n = (uint32_t)number(state, arg, SITTINGS_MAX);
        return 0;
    case OPT_WARM:
        o->warm_s = decimal(state, arg, "seconds");
        return 0;
    case OPT_DUR:
        o->dur_s = decimal(state, arg, "seconds");
        return 0;
    case OPT_VALUE:
        o->value_bytes = (uint32_t)number(state, arg, ANSWER_BYTES_MAX);
        return 0;
    case OPT_SEED:
        o->seed = number(state, arg, UINT64_MAX - 1);
        return 0;
    case OPT_SOLO:
        o->solo = true;
        return 0;
    case OPT_MIXED:
        o->mixed = true;
        return 0;
    case ARGP_KEY_END:
        if (o->keys_dir == NULL)
            o->keys_dir = keys_dir_of_environment();
        if (o->nodes == NULL || o->roster_path == NULL)
            argp_error(state, "--nodes and --roster are needed");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int bench_main(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"nodes", OPT_NODES, "HOST:PORT,...", 0, "Where seats connect: the nodes' seat-listen", 0},
        {"keys", OPT_KEYS, "DIR", 0,
         "The site's keys, of `examctl site init`; --nodes is then NAME@HOST:PORT,...", 0},
        {"roster", OPT_ROSTER, "FILE", 0, "The roster that was imported", 0},
        {"journals", OPT_JOURNALS, "DIR", 0, "Folder for the journals (default: new, /dev/shm)", 0},
        {"seats", 'W', "N", 0, "Seats, each with one answer outstanding (default 480)", 0},
        {"warm", OPT_WARM, "SECONDS", 0, "Before the measurement (default 2)", 0},
        {"dur", OPT_DUR, "SECONDS", 0, "Length of the measurement (default 10)", 0},
        {"value-bytes", OPT_VALUE, "N", 0, "Size of an answer's value (default 120)", 0},
        {"seed", OPT_SEED, "N", 0, "Of the answers' bytes (default 1)", 0},
        {"solo", OPT_SOLO, NULL, 0, "Measure a primary that is alone; without it, only a pair", 0},
        {"mixed", OPT_MIXED, NULL, 0, "Measure while a standby comes or goes: solo and dual count",
         0},
        {0}};
    static const struct argp argp = {
        options,
        bench_option,
        NULL,
        "Closed loop: each seat's next answer goes out when its last is "
        "acknowledged. The batch must be running.",
        NULL,
        NULL,
        NULL};
    struct bench_options o = {
        .seats_n = 480, .value_bytes = 120, .warm_s = 2, .dur_s = 10, .seed = 1};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    return bench_seats(&o);
}

/* garbage=60,flood=1 */
static void kinds_take(struct argp_state *state, const char *arg, struct hostile_options *o)
{
    char *copy = strdup(arg), *save = NULL;
    memset(o->n, 0, sizeof o->n);
    for (char *a = copy ? strtok_r(copy, ",", &save) : NULL; a != NULL;
         a = strtok_r(NULL, ",", &save)) {
        char *equals = strchr(a, '=');
        size_t k = 0;
        if (equals != NULL)
            *equals = '\0';
        while (k < HOSTILE_KINDS && strcmp(hostile_kind_name((enum hostile_kind)k), a) != 0)
            k++;
        if (equals == NULL || k == HOSTILE_KINDS)
            argp_error(state, "%s: KIND=N,... is wanted", arg);
        else
            o->n[k] = (uint32_t)number(state, equals + 1, 10000);
    }
    free(copy);
}

static error_t hostile_option(int key, char *arg, struct argp_state *state)
{
    struct hostile_options *o = state->input;
    switch (key) {
    case OPT_NODES:
        o->node = arg;
        return 0;
    case OPT_ROSTER:
        o->roster_path = arg;
        return 0;
    case OPT_KEYS:
        o->keys_dir = arg;
        return 0;
    case OPT_SKIP:
        o->skip_n = (uint32_t)number(state, arg, SITTINGS_MAX);
        return 0;
    case OPT_FROM:
        o->from = arg;
        return 0;
    case OPT_ADDRESSES:
        o->addresses_n = (uint32_t)number(state, arg, 1 << 16);
        return 0;
    case OPT_RATE:
        o->rate = (uint32_t)number(state, arg, 1000000);
        return 0;
    case OPT_DUR:
        o->dur_s = decimal(state, arg, "seconds");
        return 0;
    case OPT_SEED:
        o->seed = number(state, arg, UINT64_MAX - 1);
        return 0;
    case OPT_SINK:
        o->sink = true;
        return 0;
    case ARGP_KEY_ARG:
        kinds_take(state, arg, o);
        return 0;
    case ARGP_KEY_END:
        if (o->keys_dir == NULL)
            o->keys_dir = keys_dir_of_environment();
        if (o->node == NULL || o->roster_path == NULL || o->keys_dir == NULL)
            argp_error(state, "--nodes, --roster and --keys are needed");
        if (o->addresses_n == 0)
            argp_error(state, "they come from one address at least");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int hostile_main(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"nodes", OPT_NODES, "NAME@HOST:PORT", 0, "The node they are against: its seat-listen", 0},
        {"keys", OPT_KEYS, "DIR", 0, "The site's keys, of `examctl site init`", 0},
        {"roster", OPT_ROSTER, "FILE", 0, "The roster that was imported", 0},
        {"skip", OPT_SKIP, "N", 0, "Those with a key are candidates after the first N", 0},
        {"from", OPT_FROM, "ADDRESS", 0,
         "The first address that they come from (default 127.0.0.2; a node's own, 127.0.0.1, is "
         "exempt of bounds)",
         0},
        {"addresses", OPT_ADDRESSES, "N", 0, "That one and those after it (default 20)", 0},
        {"rate", OPT_RATE, "N", 0, "New connections a second, of all of them (default 1000)", 0},
        {"dur", OPT_DUR, "SECONDS", 0, "How long (default 10)", 0},
        {"seed", OPT_SEED, "N", 0, "Of the garbage (default 1)", 0},
        {"sink", OPT_SINK, NULL, 0,
         "What listens there is no node: to see what the same traffic costs the machine", 0},
        {0}};
    static const struct argp argp = {
        options,
        hostile_option,
        "[KIND=N,...]",
        "Peers that want to be in the way of others; each that is closed comes back. KIND: "
        "garbage, "
        "half (of a hello), replay (a recorded hello), wrong-key, deaf (a seat that reads nothing "
        "of what it asks for), flood (a seat that answers as fast as it can). Default: "
        "garbage=60,half=40,replay=40,wrong-key=40,deaf=19,flood=1. Run it beside `seatsim "
        "bench`. Exits with 1 when a kind came to nothing at all.",
        NULL,
        NULL,
        NULL};
    struct hostile_options o = {.from = "127.0.0.2",
                                .addresses_n = 20,
                                .rate = 1000,
                                .dur_s = 10,
                                .seed = 1,
                                .n = {60, 40, 40, 40, 19, 1}};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    return hostile_peers(&o);
}

struct check_options {
    const char *acked_path, *results_path;
    const char *accounts_path, *totals_path, *interruptions_path;
};

static error_t check_option(int key, char *arg, struct argp_state *state)
{
    struct check_options *o = state->input;
    switch (key) {
    case OPT_ACKED:
        o->acked_path = arg;
        return 0;
    case OPT_RESULTS:
        o->results_path = arg;
        return 0;
    case OPT_ACCOUNTS:
        o->accounts_path = arg;
        return 0;
    case OPT_TOTALS:
        o->totals_path = arg;
        return 0;
    case OPT_INTERRUPTIONS:
        o->interruptions_path = arg;
        return 0;
    case ARGP_KEY_END:
        if ((o->acked_path == NULL) != (o->results_path == NULL) ||
            (o->accounts_path == NULL) != (o->totals_path == NULL) ||
            (o->acked_path == NULL && o->accounts_path == NULL) ||
            (o->interruptions_path != NULL && o->accounts_path == NULL))
            argp_error(state, "--acked with --results, or --accounts with --totals, or both");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void fault_print(void *ctx, const char *text)
{
    (void)ctx;
    printf("FAULT %s\n", text);
}

static int unreadable(const char *file, const char *why)
{
    fprintf(stderr, "seatsim: %s: %s\n", file, why);
    return EX_DATAERR;
}

static int check_answers(const struct check_options *o)
{
    char why[300] = "";
    const char *file = o->acked_path;
    struct answer_check *check;
    struct answer_check_figures f = {0};
    if (answer_check_new(&check) != EXAM_OK)
        return EX_OSERR;
    exam_err err = answer_check_note_file(check, o->acked_path, why, sizeof why);
    if (err == EXAM_OK) {
        file = o->results_path;
        err = answer_check_compare(check, file, fault_print, NULL, &f, why, sizeof why);
    }
    answer_check_free(check);
    if (err != EXAM_OK)
        return unreadable(file, why);
    printf(
        "answers in force          %llu acknowledged, %llu found in the result (%llu newer), %llu "
        "missing, %llu different\n",
        (unsigned long long)f.acknowledged, (unsigned long long)f.found,
        (unsigned long long)f.newer, (unsigned long long)f.missing,
        (unsigned long long)f.different);
    return f.found == f.acknowledged && f.acknowledged > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int check_accounts(const struct check_options *o)
{
    char why[300] = "";
    const char *file = o->accounts_path;
    struct account_check *check;
    if (account_check_new(&check) != EXAM_OK)
        return EX_OSERR;
    account_check_on_fault(check, fault_print, NULL);
    exam_err err = account_check_bounds(check, file, why, sizeof why);
    if (err == EXAM_OK)
        err = account_check_results(check, file = o->totals_path, why, sizeof why);
    if (err == EXAM_OK && o->interruptions_path != NULL)
        err = account_check_sittings(check, file = o->interruptions_path, why, sizeof why);
    struct account_check_figures f = account_check_figures(check);
    account_check_free(check);
    if (err != EXAM_OK)
        return unreadable(file, why);
    printf("accounts                  %llu reckoned by the seats, %llu right, %llu wrong, %llu "
           "missing\n",
           (unsigned long long)f.reckoned, (unsigned long long)f.right, (unsigned long long)f.wrong,
           (unsigned long long)f.missing);
    if (o->interruptions_path != NULL)
        printf(
            "interruptions             of %llu sittings summed up, %llu are not their lost time\n",
            (unsigned long long)f.itemized, (unsigned long long)f.sum_wrong);
    bool itemized = o->interruptions_path == NULL || f.itemized == f.reckoned;
    bool right = f.right == f.reckoned && f.reckoned > 0 && f.sum_wrong == 0 && itemized;
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int check_files(const struct check_options *o)
{
    int answers = o->acked_path != NULL ? check_answers(o) : EXIT_SUCCESS;
    int accounts = o->accounts_path != NULL ? check_accounts(o) : EXIT_SUCCESS;
    return answers != EXIT_SUCCESS ? answers : accounts;
}

static int check_main(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"acked", OPT_ACKED, "FILE", 0, "What `seatsim run --acked` wrote", 0},
        {"results", OPT_RESULTS, "FILE", 0, "What `examctl results ID --answers` wrote", 0},
        {"accounts", OPT_ACCOUNTS, "FILE", 0, "What `seatsim run --accounts` wrote", 0},
        {"totals", OPT_TOTALS, "FILE", 0, "What `examctl results ID` wrote", 0},
        {"interruptions", OPT_INTERRUPTIONS, "FILE", 0,
         "What `examctl sitting show --json` wrote of each candidate, one after the other", 0},
        {0}};
    static const struct argp argp = {
        options,
        check_option,
        NULL,
        "The last acknowledged answer of each candidate and item must be in the result. Each "
        "account of the result must be within what the seats' side reckons, and with "
        "--interruptions the sum of them must be the lost time (T14). Exits with 1 when something "
        "is missing or differs, and when there is nothing at all.",
        NULL,
        NULL,
        NULL};
    struct check_options o = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    return check_files(&o);
}

static int usage(FILE *to)
{
    fputs("Usage: seatsim run|bench|hostile|check [OPTION...]\n"
          "  run    candidates who think, answer and submit; checks from the seats' side\n"
          "  bench  a closed loop that measures acknowledgements per second\n"
          "  hostile  peers that want to be in the way, beside one of the others\n"
          "  check  acknowledged answers and reckoned accounts against an exported result\n"
          "`seatsim COMMAND --help` tells the options.\n",
          to);
    return to == stdout ? EXIT_SUCCESS : EXIT_USAGE;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*main)(int argc, char **argv);
    } command[] = {
        {"run", run_main}, {"bench", bench_main}, {"hostile", hostile_main}, {"check", check_main}};
    argp_err_exit_status = EXIT_USAGE;
    signal(SIGPIPE, SIG_IGN);
    if (sodium_init() < 0)
        return EX_SOFTWARE;
    if (argc >= 2 && strcmp(argv[1], "--version") == 0)
        return puts(argp_program_version) < 0;
    for (size_t i = 0; argc >= 2 && i < sizeof command / sizeof *command; i++)
        if (strcmp(argv[1], command[i].name) == 0)
            return command[i].main(argc - 1, argv + 1);
    return usage(argc >= 2 && strcmp(argv[1], "--help") == 0 ? stdout : stderr);
}
