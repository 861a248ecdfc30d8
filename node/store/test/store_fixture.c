/* store_fixture.c - see store_fixture.h. */
#include "store_fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "chance.h"

void fixture_dir_name(char out[FIXTURE_PATH_BYTES])
{
    const char *tmp = getenv("TMPDIR");
    snprintf(out, FIXTURE_PATH_BYTES, "%s/store-test-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(out));
    assert_int_equal(rmdir(out), 0);
}

void fixture_dir_remove(const char *dir)
{
    DIR *d = opendir(dir);
    if (!d)
        return;
    for (struct dirent *e = readdir(d); e; e = readdir(d))
        if (e->d_name[0] != '.')
            (void)unlinkat(dirfd(d), e->d_name, 0);
    closedir(d);
    (void)rmdir(dir);
}

char fixture_dir[FIXTURE_PATH_BYTES];

int fixture_dir_setup(void **state)
{
    (void)state;
    fixture_dir_name(fixture_dir);
    return 0;
}

int fixture_dir_teardown(void **state)
{
    (void)state;
    fixture_dir_remove(fixture_dir);
    return 0;
}

store *fixture_open(const char *dir, const struct store_options *o)
{
    store *s = NULL;
    char why[FIXTURE_WHY_BYTES] = "";
    exam_err err = store_open(dir, o, &s, why, sizeof why);
    if (err)
        fail_msg("store_open: %s: %s", exam_err_name(err), why);
    return s;
}

uint64_t fixture_seed(const char *test)
{
    const char *given = getenv("STORE_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : 0;
    if (!given) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        seed = (uint64_t)now.tv_sec * 1000000007u + (uint64_t)now.tv_nsec + (uint64_t)getpid();
    }
    print_message("%s: run again with STORE_SEED=%llu\n", test, (unsigned long long)seed);
    return seed;
}

uint64_t fixture_random(uint64_t *state)
{
    return chance_next(state);
}

uint64_t fixture_random_below(uint64_t *state, uint64_t limit)
{
    return fixture_random(state) % limit;
}

/* The flavour comes first, so that a reader can make the same bytes again. */
static void make_event(uint64_t lsn, uint8_t flavour, uint8_t *out, size_t event_bytes)
{
    for (size_t i = 0; i < event_bytes; i++)
        out[i] = (uint8_t)(lsn * 31 + flavour * 7u + i * 13);
    if (event_bytes > 0)
        out[0] = flavour;
}

struct fixture_writer fixture_writer_at_end(store *s)
{
    struct position last = store_last(s);
    struct fixture_writer w = {.s = s, .lsn = last.lsn, .epoch = last.epoch ? last.epoch : 1};
    memcpy(w.hash, last.hash, HASH_BYTES);
    return w;
}

void fixture_append(struct fixture_writer *w, size_t event_bytes)
{
    static uint8_t event[RECORD_BYTES_MAX];
    static uint8_t value[RECORD_BYTES_MAX];
    assert_true(event_bytes + RECORD_HEADER_BYTES <= sizeof value);
    w->lsn++;
    make_event(w->lsn, w->flavour, event, event_bytes);
    struct record r = {.lsn = w->lsn,
                       .epoch = w->epoch,
                       .at_ms = 10 * w->lsn,
                       .wall_ms = 1000 + (int64_t)w->lsn,
                       .event = event,
                       .event_bytes = event_bytes};
    record_seal(&r, w->hash, value);
    memcpy(w->hash, r.hash, HASH_BYTES);
    store_append(w->s, w->lsn, value, RECORD_HEADER_BYTES + event_bytes);
}

exam_err fixture_commit_records(store *s, uint64_t n, size_t event_bytes)
{
    struct fixture_writer w = fixture_writer_at_end(s);
    store_begin(s);
    for (uint64_t i = 0; i < n; i++)
        fixture_append(&w, event_bytes);
    return store_commit(s);
}

struct check {
    uint64_t count;
    uint8_t hash[HASH_BYTES];
    uint8_t event[RECORD_BYTES_MAX];
};

static exam_err check_record(void *ctx, const struct record *r)
{
    struct check *c = ctx;
    c->count++;
    assert_int_equal(r->lsn, c->count);
    assert_int_equal(r->at_ms, 10 * r->lsn);
    assert_int_equal(r->wall_ms, 1000 + (int64_t)r->lsn);
    assert_int_equal(record_verify(r, c->hash), EXAM_OK);
    memcpy(c->hash, r->hash, HASH_BYTES);
    assert_in_range(r->event_bytes, 1, sizeof c->event);
    make_event(r->lsn, r->event[0], c->event, r->event_bytes);
    assert_memory_equal(r->event, c->event, r->event_bytes);
    return EXAM_OK;
}

uint64_t fixture_check_log(store *s)
{
    struct check c = {0};
    struct position last = store_last(s);
    assert_int_equal(store_read_log(s, 1, last.lsn, check_record, &c), EXAM_OK);
    assert_int_equal(c.count, last.lsn);
    assert_memory_equal(c.hash, last.hash, HASH_BYTES);
    uint64_t bad_lsn = 0;
    assert_int_equal(store_verify(s, 1, last.lsn, &bad_lsn), EXAM_OK);
    return c.count;
}
