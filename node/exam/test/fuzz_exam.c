/* fuzz_exam.c - any log that the codec lets through is applied to its end (exam_apply is total);
 * the state is a function of it (D4), survives being written and read back, can be asked anything,
 * and decides. The input: records, each a length, the time since the one before, and an event. */
#include <sodium.h>
#include <string.h>

#include "codec.h"
#include "exam.h"
#include "fuzz.h"

enum { RECORDS_MAX = 200, ENTRIES_MAX = 20000, KEY_MAX = 64, SEATS_ASKED_MAX = 64 };

struct log_record {
    struct record r;
    const uint8_t *event;
    size_t event_bytes;
};

struct entry {
    uint8_t key[KEY_MAX];
    size_t key_bytes, value_bytes;
    uint8_t *value;
};

struct entries {
    struct entry at[ENTRIES_MAX];
    size_t n;
};

static struct log_record records[RECORDS_MAX];
static struct entries entries;

static void *resize(void *ctx, void *block, size_t bytes)
{
    (void)ctx;
    if (bytes == 0) {
        free(block);
        return NULL;
    }
    block = realloc(block, bytes);
    require(block != NULL);
    return block;
}

static const struct exam_memory memory = {.resize = resize};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    require(sodium_init() >= 0);
    return 0;
}

static size_t log_take(struct fuzz_input *in)
{
    size_t n = 0;

    for (uint64_t at_ms = 0; n < RECORDS_MAX && in->n > 0; n++) {
        struct log_record *l = &records[n];
        size_t bytes = fuzz_number(in, 2);

        at_ms += fuzz_number(in, 2);
        l->r = (struct record){.lsn = n + 1, .epoch = 1, .at_ms = at_ms, .hash = {(uint8_t)n}};
        l->event = fuzz_piece(in, bytes, &l->event_bytes);
    }
    return n;
}

static exam *play(size_t n)
{
    static uint8_t block[ARENA_BYTES_FRAME];
    const Ev__Event *event = NULL;
    struct arena a;
    exam *x;

    require(exam_new(&memory, &x) == EXAM_OK);
    arena_init(&a, block, sizeof block);
    for (size_t i = 0; i < n; i++) {
        if (codec_event(&a, records[i].event, records[i].event_bytes, &event, NULL) != EXAM_OK)
            continue;
        if (event->kind_case == EV__EVENT__KIND_EPOCH_BEGAN)
            records[i].r.epoch = event->epoch_began->epoch;
        exam_apply(x, &records[i].r, event);
    }
    return x;
}

static void expect_same(const exam *a, const exam *b)
{
    uint8_t of_a[HASH_BYTES], of_b[HASH_BYTES];

    exam_digest(a, of_a);
    exam_digest(b, of_b);
    require(memcmp(of_a, of_b, HASH_BYTES) == 0);
}

/* ---------------------------------------------------------------- written and read back */

static exam_err keep_entry(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value,
                           size_t value_bytes)
{
    struct entry *e = &entries.at[entries.n++];

    (void)ctx;
    require(entries.n <= ENTRIES_MAX && key_bytes <= KEY_MAX);
    memcpy(e->key, key, key_bytes);
    e->key_bytes = key_bytes;
    e->value = malloc(value_bytes + 1);
    require(e->value != NULL);
    if (value_bytes > 0)
        memcpy(e->value, value, value_bytes);
    e->value_bytes = value_bytes;
    return EXAM_OK;
}

static int by_key(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    size_t n = x->key_bytes < y->key_bytes ? x->key_bytes : y->key_bytes;
    int order = memcmp(x->key, y->key, n);

    return order != 0 ? order : (x->key_bytes > y->key_bytes) - (x->key_bytes < y->key_bytes);
}

static void expect_reloads(exam *x)
{
    exam *loaded;

    entries.n = 0;
    require(exam_flush(x, keep_entry, NULL) == EXAM_OK);
    require(exam_flush_pending(x) == 0);
    qsort(entries.at, entries.n, sizeof entries.at[0], by_key);
    require(exam_new(&memory, &loaded) == EXAM_OK);
    for (size_t i = 0; i < entries.n; i++) {
        const struct entry *e = &entries.at[i];
        require(exam_load(loaded, e->key, e->key_bytes, e->value, e->value_bytes) == EXAM_OK);
        free(e->value);
    }
    require(exam_load_end(loaded) == EXAM_OK);
    expect_same(x, loaded);
    exam_free(loaded);
}

/* ---------------------------------------------------------------- asked */

static void ask_sitting(const exam *x, uint32_t sitting, uint64_t now_ms)
{
    struct exam_sitting_view v;
    struct exam_answer_view answer;
    struct exam_interruption_view interruption;
    uint8_t mark[MARK_BYTES_MAX];
    const uint8_t *bytes;
    size_t n;

    exam_sitting_view(x, sitting, now_ms, &v);
    require(v.admission_no != NULL && v.seat != NULL && v.batch != NULL && v.paper != NULL);
    for (uint32_t i = 0; exam_answer_at(x, sitting, i, &answer) == EXAM_OK; i++)
        require(answer.item != NULL && answer.value_bytes <= ANSWER_STORED_BYTES_MAX);
    for (uint32_t i = 0; exam_interruption_at(x, sitting, i, &interruption) == EXAM_OK; i++)
        require(exam_scope_name(x, EV__SCOPE_KIND__SCOPE_KIND_SITTING, sitting) != NULL);
    require(exam_mark_make(x, sitting, v.account.used_ms, mark) <= MARK_BYTES_MAX);
    if (exam_paper_at(x, sitting, 0, &bytes, &n) == EXAM_OK)
        require(n <= PAPER_BYTES_MAX);
}

static void ask(const exam *x, uint64_t now_ms)
{
    struct exam_batch_view batch;
    struct exam_incident_view incident;
    const char *room, *seat;
    uint32_t sitting;

    for (uint32_t i = 1; i <= exam_sittings(x); i++)
        ask_sitting(x, i, now_ms);
    for (uint32_t i = 1; i <= exam_batches(x); i++)
        exam_batch_view(x, i, now_ms, &batch);
    for (uint32_t i = 1; i <= exam_incidents(x); i++)
        exam_incident_view(x, i, &incident);
    for (uint32_t i = 1; i <= exam_seats(x) && i <= SEATS_ASKED_MAX; i++)
        exam_seat_view(x, i, &room, &seat, &sitting);
    exam_lock_after_ms(x);
}

/* What is decided on such a state is an event that a log can hold, and fits the state. */
static void take_event(void *ctx, const Ev__Event *event)
{
    size_t n = ev__event__get_packed_size(event);

    require(n > 0 && n <= RECORD_BYTES_MAX - RECORD_HEADER_BYTES);
    ++*(size_t *)ctx;
}

static void decide(const exam *x, uint64_t now_ms)
{
    const struct exam_command commands[] = {
        {.kind = EXAM_CMD_TICK},
        {.kind = EXAM_CMD_MARK_ALL},
        {.kind = EXAM_CMD_PAUSE, .u.pause = {{.name = "site"}, "W", "why"}},
        {.kind = EXAM_CMD_RESUME, .u.pause = {{.name = "site"}, "W", "why"}},
        {.kind = EXAM_CMD_BATCH_START, .u.batch_start = {"B1", "W"}},
        {.kind = EXAM_CMD_BATCH_COLLECT, .u.batch_collect = {"B1", "W", true}},
        {.kind = EXAM_CMD_GRANT, .u.grant = {{.name = "1001"}, -60000, "W", "why"}},
        {.kind = EXAM_CMD_MOVE, .u.move = {"1001", "R1-04", false, "W", "why"}},
        {.kind = EXAM_CMD_SUSPEND, .u.suspend = {"A"}},
        {.kind = EXAM_CMD_BATCH_POSTPONE, .u.batch_act = {"B1", "W", "why"}},
    };

    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        struct exam_refusal why = {.code = EXAM_OK};
        size_t events = 0;
        exam_err err = exam_decide(x, &commands[i], now_ms, take_event, &events, &why);
        require(err == EXAM_OK || why.consumed || events == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    size_t n = log_take(&in);
    exam *x = play(n), *again = play(n);
    uint64_t now_ms = exam_last_ms(x);

    expect_same(x, again);
    require(exam_next_due_ms(x) == exam_next_due_ms(again));
    ask(x, now_ms);
    decide(x, now_ms);
    expect_same(x, again); /* asking and deciding change nothing */
    expect_reloads(x);
    exam_free(again);
    exam_free(x);
    return 0;
}
