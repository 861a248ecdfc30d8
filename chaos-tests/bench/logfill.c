/* logfill.c - makes a log of so many events with the node's own engine, and measures what an answer
 * costs at its end: decided, sealed, applied and committed durably, without network and standby.
 *
 * Ends as a kill does: nothing is flushed but what was committed. Exits 0, 1 when the engine
 * refuses something, 64 for wrong arguments (EX_USAGE). */
#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine.h"
#include "oplog.h"

enum {
    ROOMS = 12,
    SEATS_A_ROOM = 40,
    SITTINGS = ROOMS * SEATS_A_ROOM,
    NAME_BYTES = 16,
    FILL_BATCH = 2000,
    ITEMS = 100,
    SAMPLES_MAX = 1 << 20,
    ALLOT_MS = 23 * 3600 * 1000,
};

struct options {
    const char *dir;
    uint64_t events;
    unsigned seconds;
};

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static _Noreturn void give_up(const char *what, const char *why)
{
    fprintf(stderr, "logfill: %s: %s\n", what, why);
    _exit(1);
}

/* ---------------------------------------------------------------- a running batch */

static void decide(struct engine *e, const struct exam_command *c, const char *what)
{
    struct exam_refusal why = {.text = ""};
    uint64_t lsn;
    exam_err err = engine_decide(e, c, &why, &lsn);
    if (err)
        give_up(what, why.text[0] ? why.text : exam_err_text(err));
}

static void commit(struct engine *e)
{
    exam_err err = engine_commit(e);
    if (err)
        give_up("commit", exam_err_text(err));
}

static void found(struct engine *e)
{
    static const uint8_t id[SITE_ID_BYTES] = {7}, key[SITE_KEY_BYTES] = {9};
    struct exam_command c = {.kind = EXAM_CMD_FOUND};
    c.u.found.site_id = id;
    c.u.found.site_key = key;
    c.u.found.name = "bench";
    c.u.found.who = "logfill";
    decide(e, &c, "founding");
    c = (struct exam_command){.kind = EXAM_CMD_BEGIN_EPOCH};
    c.u.begin_epoch.epoch = 1;
    c.u.begin_epoch.node = "A";
    c.u.begin_epoch.who = c.u.begin_epoch.why = "";
    c.u.begin_epoch.reason = EV__EPOCH_REASON__EPOCH_REASON_FOUNDED;
    c.u.begin_epoch.solo = true;
    decide(e, &c, "beginning an epoch");
}

struct names {
    char admission[SITTINGS][NAME_BYTES], id[SITTINGS][NAME_BYTES], seat[SITTINGS][NAME_BYTES];
    char room[ROOMS][NAME_BYTES];
};

static void names_make(struct names *n)
{
    for (int i = 0; i < ROOMS; i++)
        snprintf(n->room[i], NAME_BYTES, "R%02d", i + 1);
    for (int i = 0; i < SITTINGS; i++) {
        snprintf(n->admission[i], NAME_BYTES, "%d", 10001 + i);
        snprintf(n->id[i], NAME_BYTES, "ID%d", 10001 + i);
        snprintf(n->seat[i], NAME_BYTES, "R%02d-%02d", i / SEATS_A_ROOM + 1, i % SEATS_A_ROOM + 1);
    }
}

static void import(struct engine *e, struct names *n)
{
    static Ev__RoomAdded rooms[ROOMS];
    static const Ev__RoomAdded *room_list[ROOMS];
    static Ev__NewSitting sittings[SITTINGS];
    static struct exam_import_sitting list[SITTINGS];
    for (int i = 0; i < ROOMS; i++) {
        ev__room_added__init(&rooms[i]);
        rooms[i].room = n->room[i];
        rooms[i].seats = SEATS_A_ROOM;
        room_list[i] = &rooms[i];
    }
    for (int i = 0; i < SITTINGS; i++) {
        ev__new_sitting__init(&sittings[i]);
        sittings[i].admission_no = n->admission[i];
        sittings[i].id_no = n->id[i];
        sittings[i].name = n->id[i];
        sittings[i].seat = n->seat[i];
        list[i] = (struct exam_import_sitting){&sittings[i], (uint32_t)i + 2};
    }
    const struct exam_import all = {.batch = "B1",
                                    .title = "",
                                    .who = "logfill",
                                    .allot_ms = ALLOT_MS,
                                    .rooms = room_list,
                                    .rooms_n = ROOMS,
                                    .sittings = list,
                                    .sittings_n = SITTINGS};
    struct exam_command c = {.kind = EXAM_CMD_IMPORT, .u.import = &all};
    decide(e, &c, "import");
}

static void begin(struct engine *e)
{
    static struct names n;
    names_make(&n);
    found(e);
    import(e, &n);
    struct exam_command c = {.kind = EXAM_CMD_BATCH_START};
    c.u.batch_start.batch = "B1";
    c.u.batch_start.who = "logfill";
    decide(e, &c, "starting the batch");
    for (int i = 0; i < SITTINGS; i++) {
        uint8_t session[SESSION_BYTES] = {(uint8_t)i, (uint8_t)(i >> 8), 1};
        c = (struct exam_command){.kind = EXAM_CMD_SIGN_IN};
        c.u.sign_in.seat = n.seat[i];
        c.u.sign_in.admission_no = n.admission[i];
        c.u.sign_in.id_no = n.id[i];
        c.u.sign_in.session = session;
        decide(e, &c, "sign-in");
    }
    commit(e);
}

/* ---------------------------------------------------------------- answers */

/* Every sitting in turn, every item of it in turn. */
static void answer(struct engine *e)
{
    static uint64_t n;
    uint32_t sitting = (uint32_t)(n % SITTINGS) + 1;
    uint64_t seq = n++ / SITTINGS + 1;
    char item[NAME_BYTES], value[] = "ABCD";
    struct exam_sitting_view v;
    exam_sitting_view(engine_exam(e), sitting, engine_now_ms(e), &v);
    snprintf(item, sizeof item, "q%llu", (unsigned long long)(seq % ITEMS));
    struct exam_command c = {.kind = EXAM_CMD_ANSWER};
    c.u.answer.sitting = sitting;
    c.u.answer.seq = seq;
    c.u.answer.item = item;
    c.u.answer.value = (const uint8_t *)value;
    c.u.answer.value_bytes = 1 + n % 4;
    c.u.answer.made_at_ms = v.account.used_ms;
    c.u.answer.attachment_epoch = v.attachment_epoch;
    c.u.answer.attachment_lsn = v.attachment_lsn;
    decide(e, &c, "answer");
}

static void fill(struct engine *e, const struct options *o)
{
    uint64_t shown = 0;
    while (engine_last(e).lsn < o->events) {
        for (int i = 0; i < FILL_BATCH && engine_last(e).lsn < o->events; i++)
            answer(e);
        commit(e);
        if (engine_last(e).lsn / 1000000 > shown && isatty(STDERR_FILENO))
            fprintf(stderr, "logfill: %llu million events\r",
                    (unsigned long long)(shown = engine_last(e).lsn / 1000000));
    }
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Commits of `batch` answers for so long: microseconds an answer, and of a commit's round. */
static json_t *measure(struct engine *e, unsigned seconds, int batch)
{
    uint32_t *took_ns = malloc(SAMPLES_MAX * sizeof *took_ns);
    if (!took_ns)
        give_up("measuring", "no memory");
    uint64_t began = now_ns(), end = began + (uint64_t)seconds * 1000000000u, before = began;
    size_t n = 0;
    while (before < end && n < SAMPLES_MAX) {
        for (int i = 0; i < batch; i++)
            answer(e);
        commit(e);
        uint64_t after = now_ns();
        took_ns[n++] = after - before > UINT32_MAX ? UINT32_MAX : (uint32_t)(after - before);
        before = after;
    }
    qsort(took_ns, n, sizeof *took_ns, by_size);
    json_t *j = json_pack("{s:i, s:f, s:f, s:f}", "batch", batch, "us_an_answer",
                          (double)(before - began) / 1e3 / (double)n / batch, "round_p50_us",
                          took_ns[n / 2] / 1e3, "round_p99_us", took_ns[n * 99 / 100] / 1e3);
    free(took_ns);
    return j;
}

/* ---------------------------------------------------------------- the run */

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    char *end = NULL;
    errno = 0;
    switch (key) {
    case 'd':
        o->dir = arg;
        return 0;
    case 'n':
        o->events = strtoull(arg, &end, 10);
        if (errno || *end || !o->events || arg[0] == '-')
            argp_error(state, "'%s' is not a number of events", arg);
        return 0;
    case 's':
        o->seconds = (unsigned)strtoul(arg, &end, 10);
        if (errno || *end || !o->seconds || o->seconds > 600)
            argp_error(state, "'%s' is not a number of seconds from 1 to 600", arg);
        return 0;
    case ARGP_KEY_END:
        if (!o->dir)
            argp_error(state, "--dir is needed: a data folder that does not exist yet");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int main(int argc, char **argv)
{
    static const struct argp_option known[] = {
        {"dir", 'd', "FOLDER", 0, "the data folder to make", 0},
        {"events", 'n', "N", 0, "length of the log (10000)", 0},
        {"seconds", 's', "SECONDS", 0, "of each measurement at its end (3)", 0},
        {0},
    };
    static const struct argp argp = {
        .options = known,
        .parser = on_option,
        .doc = "Makes a log of N events with the node's own engine, and measures what an answer "
               "costs at its end, one a commit and 480 a commit. Prints JSON.",
    };
    struct options o = {.events = 10000, .seconds = 3};
    char why[512] = "";
    struct engine *e;
    store *s;
    argp_err_exit_status = 64;
    argp_parse(&argp, argc, argv, 0, NULL, &o);
    if (sodium_init() < 0)
        give_up("start", "libsodium cannot be used on this machine");
    oplog_open("A", OPLOG_ERROR);
    exam_err err = store_open(o.dir, NULL, &s, why, sizeof why);
    if (!err)
        err = engine_open("A", s, &e, why, sizeof why);
    if (err)
        give_up(o.dir, why);
    if (engine_last(e).lsn)
        give_up(o.dir, "there is a log in it already");
    begin(e);
    uint64_t began = now_ns();
    fill(e, &o);
    double filled_s = (double)(now_ns() - began) / 1e9;
    json_t *one = measure(e, o.seconds, 1), *many = measure(e, o.seconds, SITTINGS);
    json_t *j = json_pack("{s:I, s:f, s:o, s:o}", "events", (json_int_t)o.events, "filled_s",
                          filled_s, "one", one, "many", many);
    json_dumpf(j, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(5));
    putchar('\n');
    fflush(stdout);
    _exit(0); /* the state tables are not flushed: the next start has to apply what is missing */
}
