/* The state as entries: what changed is flushed, what was flushed is loaded, and nothing that a
 * disk gives can make a load fall over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "site.h"

static const struct site_plan PLAN = {.batch = "B1",
                                      .room = "R1",
                                      .paper = "P1",
                                      .room_seats = 48,
                                      .sittings = 40,
                                      .first_no = 1001,
                                      .items = 60,
                                      .allot_ms = MS(60, 0, 0)};

/* A site in the middle of a batch, with answers, interruptions and somebody who never came. */
static int setup(void **state)
{
    struct site *t = site_new();

    site_plan_batch(t, &PLAN);
    assert_int_equal(site_start(t, "B1"), EXAM_OK);
    assert_int_equal(site_sign_in(t, 1001, "R1-01", 1), EXAM_OK);
    assert_int_equal(site_sign_in(t, 1002, "R1-02", 1), EXAM_OK);
    site_go(t, MS(10, 0, 0));
    assert_int_equal(site_answer(t, 1, 1, "q1", "A"), EXAM_OK);
    assert_int_equal(site_answer(t, 1, 2, "q60", "a longer answer than fits in a slot"), EXAM_OK);
    assert_int_equal(site_detach(t, 2), EXAM_OK);
    site_go(t, MS(12, 0, 0));
    assert_int_equal(site_attach(t, 1002, "R1-02", 1), EXAM_OK);
    *state = t;
    return 0;
}

static int teardown(void **state)
{
    site_free(*state);
    return 0;
}

struct kept {
    uint8_t key[16];
    size_t key_bytes;
    uint8_t *value;
    size_t value_bytes;
};

struct kept_list {
    struct kept at[256];
    size_t n;
};

static exam_err keep(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value,
                     size_t value_bytes)
{
    struct kept_list *l = ctx;
    struct kept *k = &l->at[l->n++];

    assert_true(l->n <= 256 && key_bytes <= sizeof k->key);
    memcpy(k->key, key, key_bytes);
    k->key_bytes = key_bytes;
    k->value = malloc(value_bytes + 1);
    memcpy(k->value, value, value_bytes);
    k->value_bytes = value_bytes;
    return EXAM_OK;
}

static int by_key(const void *a, const void *b)
{
    return memcmp(a, b, sizeof((const struct kept *)a)->key);
}

static struct kept_list *kept_of(exam *x)
{
    struct kept_list *l = calloc(1, sizeof *l);

    assert_int_equal(exam_flush(x, keep, l), EXAM_OK);
    qsort(l->at, l->n, sizeof *l->at, by_key);
    return l;
}

static void kept_free(struct kept_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->at[i].value);
    free(l);
}

/* Loads all entries but `without`; EXAM_OK only if load and end agree. */
static exam_err load(const struct kept_list *l, size_t without, uint8_t digest[HASH_BYTES])
{
    exam *x;
    exam_err err = EXAM_OK;

    assert_int_equal(exam_new(&site_memory, &x), EXAM_OK);
    for (size_t i = 0; err == EXAM_OK && i < l->n; i++)
        if (i != without)
            err = exam_load(x, l->at[i].key, l->at[i].key_bytes, l->at[i].value,
                            l->at[i].value_bytes);
    if (err == EXAM_OK)
        err = exam_load_end(x);
    if (err == EXAM_OK)
        exam_digest(x, digest);
    exam_free(x);
    return err;
}

/* A new exam flushes everything, then only what has changed. */
static void test_flush__writes_what_changed(void **state)
{
    struct site *t = *state;
    size_t all = exam_flush_pending(t->x);
    struct kept_list *l = kept_of(t->x);

    assert_int_equal(l->n, all);
    /* site, room, paper, its text in 2, batch, 40 x roster and account, answers, interruptions */
    assert_int_equal(all, 6 + 40 * 2 + 1 + 1);
    kept_free(l);
    assert_int_equal(exam_flush_pending(t->x), 0);
    assert_int_equal(site_answer(t, 1, 3, "q2", "B"), EXAM_OK);
    l = kept_of(t->x);
    assert_int_equal(l->n, 3); /* the site's last instant, the account, the answers */
    kept_free(l);
    assert_int_equal(site_mark(t, 1), EXAM_OK);
    assert_int_equal(exam_flush_pending(t->x), 2);
}

/* All entries, flushed or not, in the order of their keys; the next flush is what it was. */
static void test_entries__are_all_of_them(void **state)
{
    struct site *t = *state;
    struct kept_list *flushed = kept_of(t->x), *all = calloc(1, sizeof *all);

    assert_int_equal(site_answer(t, 1, 3, "q2", "B"), EXAM_OK);
    size_t pending = exam_flush_pending(t->x);
    assert_int_equal(exam_entries(t->x, keep, all), EXAM_OK);
    assert_int_equal(exam_flush_pending(t->x), pending);
    assert_int_equal(all->n, flushed->n);
    for (size_t i = 0; i < all->n; i++)
        assert_memory_equal(all->at[i].key, flushed->at[i].key, sizeof all->at[i].key);
    kept_free(all);
    kept_free(flushed);
}

static exam_err fail_third(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value,
                           size_t value_bytes)
{
    (void)key, (void)key_bytes, (void)value, (void)value_bytes;
    return ++*(int *)ctx == 3 ? EXAM_FULL : EXAM_OK;
}

/* After a flush that failed everything is still to be flushed. */
static void test_flush__failure_keeps_everything_pending(void **state)
{
    struct site *t = *state;
    size_t all = exam_flush_pending(t->x);
    int calls = 0;

    assert_int_equal(exam_flush(t->x, fail_third, &calls), EXAM_FULL);
    assert_int_equal(calls, 3);
    assert_int_equal(exam_flush_pending(t->x), all);
}

/* An attach of 1002 that claims four seconds. */
static exam_err attach_claiming(struct site *t)
{
    struct exam_command c = {.kind = EXAM_CMD_ATTACH};
    uint8_t session[SESSION_BYTES];

    memset(session, 1, sizeof session);
    c.u.attach.seat = "R1-02";
    c.u.attach.admission_no = "1002";
    c.u.attach.session = session;
    c.u.attach.open_ms = 4000;
    return site_do(t, &c);
}

/* What was loaded goes on as what was flushed: the same clocks, sessions, rooms and refusals. */
static void test_load__goes_on_like_the_original(void **state)
{
    struct site *t = *state;
    struct site_plan next = PLAN;

    next.batch = "B2";
    next.first_no = 2001;
    site_plan_batch(t, &next);
    struct site *copy = site_restarted(t);
    struct site *both[] = {t, copy};
    for (int i = 0; i < 2; i++) {
        struct site *s = both[i];
        assert_int_equal(site_start(s, "B1"), EXAM_STATE);
        site_go(s, MS(20, 0, 0));
        assert_int_equal(site_answer(s, 1, 3, "q3", "C"), EXAM_OK);
        assert_int_equal(site_sign_in(s, 1003, "R1-03", 1), EXAM_OK);
        assert_int_equal(site_sign_in(s, 1002, "R1-02", 9), EXAM_SEAT_TAKEN);
        assert_int_equal(site_start(s, "B2"), EXAM_STATE); /* P11 */
        assert_int_equal(site_detach(s, 2), EXAM_OK);
        assert_int_equal(attach_claiming(s), EXAM_OK);
        site_expect(s, 2, 4000, MS(60, 0, 0) - 4000, MS(20, 0, 0) - 4000);
        site_go(s, MS(80, 0, 0));
        assert_int_equal(site_batch(s, 1).state, EXAM_BATCH_ENDED);
    }
    site_expect_same(t->x, copy->x);
    site_free(copy);
}

/* An entry that is missing is noticed, whichever it is. */
static void test_load__missing_entry_is_corrupt(void **state)
{
    struct site *t = *state;
    struct kept_list *l = kept_of(t->x);
    uint8_t whole[HASH_BYTES], part[HASH_BYTES];

    assert_int_equal(load(l, SIZE_MAX, whole), EXAM_OK);
    for (size_t i = 0; i < l->n; i++) {
        bool may_be_absent = l->at[i].key[0] == 1 || l->at[i].key[0] == 8; /* site, answers */
        exam_err err = load(l, i, part);
        if (may_be_absent)
            assert_true(err != EXAM_OK || memcmp(whole, part, HASH_BYTES) != 0);
        else
            assert_int_equal(err, EXAM_CORRUPT);
    }
    kept_free(l);
}

/* Bytes that are not what was stored never make a load fall over (the sanitizers look on). */
static void test_load__damaged_entry_never_falls_over(void **state)
{
    struct site *t = *state;
    struct kept_list *l = kept_of(t->x);
    uint8_t whole[HASH_BYTES], damaged[HASH_BYTES];
    uint64_t random = 20140614;

    assert_int_equal(load(l, SIZE_MAX, whole), EXAM_OK);
    print_message("seed %llu\n", (unsigned long long)random);
    for (int i = 0; i < 2000; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        struct kept *k = &l->at[(random >> 33) % l->n];
        if (k->value_bytes == 0)
            continue;
        size_t at = (random >> 13) % k->value_bytes;
        uint8_t bit = (uint8_t)(1 << (random >> 60 & 7));
        k->value[at] ^= bit;
        (void)load(l, SIZE_MAX, damaged);
        k->value[at] ^= bit;
        size_t cut = k->value_bytes;
        k->value_bytes = at;
        (void)load(l, SIZE_MAX, damaged);
        k->value_bytes = cut;
    }
    assert_int_equal(load(l, SIZE_MAX, damaged), EXAM_OK);
    assert_memory_equal(whole, damaged, HASH_BYTES);
    kept_free(l);
}

/* Keys of no kind, and entries of another version, are refused. */
static void test_load__foreign_entries_are_refused(void **state)
{
    static const uint8_t keys[][9] = {{0}, {12, 0, 0, 0, 1}, {4, 0, 0, 0, 1}, {2, 0, 0, 0, 7}};
    static const uint8_t version_99[] = {0x08, 99};
    static const uint8_t site_key[] = {1, 0, 0, 0, 0};
    exam *x;

    (void)state;
    assert_int_equal(exam_new(&site_memory, &x), EXAM_OK);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        assert_int_equal(exam_load(x, keys[i], 5, NULL, 0), EXAM_CORRUPT);
    assert_int_equal(exam_load(x, NULL, 0, NULL, 0), EXAM_CORRUPT);
    assert_int_equal(exam_load(x, site_key, 5, version_99, 2), EXAM_VERSION);
    exam_free(x);
}

/* Events that do not fit the state are counted and change nothing but the time. */
static void test_apply__is_total(void **state)
{
    struct site *t = *state;
    uint8_t before[HASH_BYTES], after[HASH_BYTES];
    uint32_t none[] = {0, 77};
    uint64_t huge[] = {UINT64_MAX, 0};
    Ev__Event events[12];
    Ev__SiteFounded e_site_founded; /* is founded */
    Ev__RoomAdded e_room_added;
    Ev__PaperChunk e_paper_chunk;
    Ev__BatchStarted e_batch_started;
    Ev__BatchCollected e_batch_collected;
    Ev__SignedIn e_signed_in;
    Ev__Attached e_attached;
    Ev__Detached e_detached;
    Ev__Marked e_marked;
    Ev__Answered e_answered;
    Ev__Finished e_finished;

    ev__site_founded__init(&e_site_founded);
    ev__room_added__init(&e_room_added);
    ev__paper_chunk__init(&e_paper_chunk);
    ev__batch_started__init(&e_batch_started);
    ev__batch_collected__init(&e_batch_collected);
    ev__signed_in__init(&e_signed_in);
    ev__attached__init(&e_attached);
    ev__detached__init(&e_detached);
    ev__marked__init(&e_marked);
    ev__answered__init(&e_answered);
    ev__finished__init(&e_finished);
    e_batch_started.batch = 1; /* is started */
    e_marked.n_sitting = e_marked.n_used_ms = 2;
    e_marked.sitting = none;
    e_marked.used_ms = huge;
    e_answered.sitting = 1;
    e_answered.item = (char *)(uintptr_t) "q999";
    for (size_t i = 0; i < 12; i++)
        ev__event__init(&events[i]);
#define EVENT(i, KIND, member)                                                                     \
    events[i].kind_case = EV__EVENT__KIND_##KIND;                                                  \
    events[i].member = &e_##member
    EVENT(0, SITE_FOUNDED, site_founded);
    EVENT(1, ROOM_ADDED, room_added);
    EVENT(2, PAPER_CHUNK, paper_chunk);
    EVENT(3, BATCH_STARTED, batch_started);
    EVENT(4, BATCH_COLLECTED, batch_collected);
    EVENT(5, SIGNED_IN, signed_in);
    EVENT(6, ATTACHED, attached);
    EVENT(7, DETACHED, detached);
    EVENT(8, MARKED, marked);
    EVENT(9, ANSWERED, answered);
    EVENT(10, FINISHED, finished);
#undef EVENT
    exam_digest(t->x, before);
    for (size_t i = 0; i < 12; i++) {
        struct record r = {.lsn = 1000 + i, .epoch = 1, .at_ms = t->now_ms};
        exam_apply_soon(t->x, &events[i]);
        exam_apply(t->x, &r, &events[i]);
        assert_int_equal(exam_oddities(t->x), i + 1);
    }
    exam_digest(t->x, after);
    assert_memory_equal(before, after, HASH_BYTES);
}

/* Announcing an answer changes nothing, whoever it names. */
static void test_apply_soon__changes_nothing(void **state)
{
    static const uint32_t sittings[] = {0, 1, 2, 40, 41, UINT32_MAX};
    struct site *t = *state;
    uint8_t before[HASH_BYTES], after[HASH_BYTES];
    Ev__Answered answered;
    Ev__Event event;
    exam *x;

    ev__event__init(&event);
    ev__answered__init(&answered);
    event.kind_case = EV__EVENT__KIND_ANSWERED;
    event.answered = &answered;
    answered.item = (char *)(uintptr_t) "q1";
    assert_int_equal(exam_new(&site_memory, &x), EXAM_OK);
    exam_digest(t->x, before);
    for (size_t i = 0; i < sizeof sittings / sizeof *sittings; i++) {
        answered.sitting = sittings[i];
        exam_apply_soon(x, &event);
        exam_apply_soon(t->x, &event);
    }
    exam_digest(t->x, after);
    assert_memory_equal(before, after, HASH_BYTES);
    assert_int_equal(exam_oddities(t->x), 0);
    exam_free(x);
}

static exam_err put_nowhere(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value,
                            size_t value_bytes)
{
    (void)key, (void)key_bytes, (void)value;
    *(size_t *)ctx += value_bytes;
    return EXAM_OK;
}

/* Tells what flushing a batch of 480 costs; the log line is the result. */
static void test_flush__cost_is_told(void **state)
{
    struct site *t = site_new();
    struct site_plan p = PLAN;
    struct timespec from, to;
    size_t entries, bytes = 0;

    (void)state;
    p.room_seats = p.sittings = 480;
    site_plan_batch(t, &p);
    assert_int_equal(site_start(t, "B1"), EXAM_OK);
    for (uint32_t i = 0; i < 480; i++) {
        char seat[16], item[16];
        snprintf(seat, sizeof seat, "R1-%02u", i + 1);
        assert_int_equal(site_sign_in(t, 1001 + i, seat, 1), EXAM_OK);
        for (uint32_t q = 1; q <= 60; q++) {
            snprintf(item, sizeof item, "q%u", q);
            assert_int_equal(site_answer(t, i + 1, q, item, "A"), EXAM_OK);
        }
    }
    exam_free(site_reload(t->x));
    for (uint32_t i = 1; i <= 480; i++)
        assert_int_equal(site_answer(t, i, 61, "q1", "B"), EXAM_OK);
    clock_gettime(CLOCK_MONOTONIC, &from);
    entries = exam_flush_pending(t->x);
    assert_int_equal(exam_flush(t->x, put_nowhere, &bytes), EXAM_OK);
    clock_gettime(CLOCK_MONOTONIC, &to);
    double ms = (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
    print_message("480 sittings with 60 answers: %zu entries, %zu bytes, flushed in %.2f ms\n",
                  entries, bytes, ms);
    assert_int_equal(entries, 480 * 2 + 1);
    site_free(t);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_flush__writes_what_changed),
        TEST(test_entries__are_all_of_them),
        TEST(test_flush__failure_keeps_everything_pending),
        TEST(test_load__goes_on_like_the_original),
        TEST(test_load__missing_entry_is_corrupt),
        TEST(test_load__damaged_entry_never_falls_over),
        TEST(test_load__foreign_entries_are_refused),
        TEST(test_apply__is_total),
        TEST(test_apply_soon__changes_nothing),
        cmocka_unit_test(test_flush__cost_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
