/* test_store_random.c - random histories, carried out on both kinds of store: they must stay equal,
 * record by record and entry by entry, through commits, aborts, cuts and reopening. */
#include "store_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "store_mem.h"

enum { TRANSACTIONS = 1500, COMPARE_EVERY = 25 };

struct pair {
    store *disk;
    store *memory;
    store_image *image;
    char dir[FIXTURE_PATH_BYTES];
};

static void pair_open(struct pair *p)
{
    p->disk = fixture_open(p->dir, &FIXTURE_OPTIONS);
    assert_int_equal(store_open_image(p->image, &p->memory), EXAM_OK);
}

static void pair_close(struct pair *p)
{
    store_close(p->disk);
    store_close(p->memory);
}

/* Everything that is in a store, as one growing text. */
struct dump {
    uint8_t *bytes;
    size_t used;
    size_t room;
};

static void dump_add(struct dump *d, const void *bytes, size_t n)
{
    if (d->used + n > d->room) {
        d->room = 2 * (d->used + n);
        d->bytes = realloc(d->bytes, d->room);
        assert_non_null(d->bytes);
    }
    if (n)
        memcpy(d->bytes + d->used, bytes, n);
    d->used += n;
}

static exam_err dump_record(void *ctx, const struct record *r)
{
    dump_add(ctx, &r->lsn, sizeof r->lsn);
    dump_add(ctx, &r->epoch, sizeof r->epoch);
    dump_add(ctx, r->hash, HASH_BYTES);
    dump_add(ctx, &r->event_bytes, sizeof r->event_bytes);
    dump_add(ctx, r->event, r->event_bytes);
    return EXAM_OK;
}

static exam_err dump_entry(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value,
                           size_t value_bytes)
{
    dump_add(ctx, &key_bytes, sizeof key_bytes);
    dump_add(ctx, key, key_bytes);
    dump_add(ctx, &value_bytes, sizeof value_bytes);
    dump_add(ctx, value, value_bytes);
    return EXAM_OK;
}

static struct dump dump_of(store *s)
{
    struct dump d = {0};
    assert_int_equal(store_read_log(s, 1, store_last(s).lsn, dump_record, &d), EXAM_OK);
    for (int t = 0; t < STORE_TABLES; t++)
        assert_int_equal(store_read_table(s, (enum store_table)t, NULL, 0, dump_entry, &d),
                         EXAM_OK);
    uint64_t kept = store_branch_records(s);
    dump_add(&d, &kept, sizeof kept);
    exam_err err = EXAM_OK;
    for (uint64_t branch = 1; !err; branch++)
        err = store_read_branch(s, branch, 1, dump_record, &d);
    assert_int_equal(err, EXAM_NOT_FOUND);
    return d;
}

static void assert_pair_equal(struct pair *p)
{
    struct position a = store_last(p->disk), b = store_last(p->memory);
    assert_memory_equal(&a, &b, sizeof a);
    struct dump disk = dump_of(p->disk), memory = dump_of(p->memory);
    assert_int_equal(disk.used, memory.used);
    assert_memory_equal(disk.bytes, memory.bytes, disk.used);
    free(disk.bytes);
    free(memory.bytes);
}

/* One random operation, the same on both. */
static void random_op(struct pair *p, uint64_t *rnd, struct fixture_writer w[2])
{
    static uint8_t value[6000];
    enum store_table t = (enum store_table)fixture_random_below(rnd, STORE_TABLES);
    char key[4] = {(char)('a' + fixture_random_below(rnd, 26)),
                   (char)('a' + fixture_random_below(rnd, 26))};
    size_t key_bytes = 1 + fixture_random_below(rnd, 2);
    size_t bytes = fixture_random_below(rnd, 20) ? fixture_random_below(rnd, 300)
                                                 : fixture_random_below(rnd, sizeof value);
    uint64_t dice = fixture_random_below(rnd, 100);
    if (dice < 60) {
        fixture_append(&w[0], bytes + 1);
        fixture_append(&w[1], bytes + 1);
    } else if (dice < 90) {
        memset(value, (int)dice, bytes);
        store_put(p->disk, t, key, key_bytes, value, bytes);
        store_put(p->memory, t, key, key_bytes, value, bytes);
    } else if (dice < 99) {
        store_del(p->disk, t, key, key_bytes);
        store_del(p->memory, t, key, key_bytes);
    } else {
        store_clear(p->disk, t);
        store_clear(p->memory, t);
    }
}

/* Cuts a committed tail off both, at the beginning of a transaction. */
static void random_cut(struct pair *p, uint64_t *rnd, struct fixture_writer w[2])
{
    uint64_t last = store_last(p->disk).lsn;
    uint64_t most = last < 200 ? last : 200;
    uint64_t lsn = last - fixture_random_below(rnd, most + 1);
    store_cut(p->disk, lsn);
    store_cut(p->memory, lsn);
    w[0].lsn = w[1].lsn = lsn;
    /* The link does not matter to the store; both get the same. */
    memset(w[0].hash, 1, HASH_BYTES);
    memset(w[1].hash, 1, HASH_BYTES);
}

static void random_transaction(struct pair *p, uint64_t *rnd)
{
    struct fixture_writer w[2] = {fixture_writer_at_end(p->disk), fixture_writer_at_end(p->memory)};
    w[0].flavour = w[1].flavour = (uint8_t)fixture_random(rnd);
    store_begin(p->disk);
    store_begin(p->memory);
    if (fixture_random_below(rnd, 12) == 0)
        random_cut(p, rnd, w);
    uint64_t ops = fixture_random_below(rnd, 40);
    for (uint64_t i = 0; i < ops; i++)
        random_op(p, rnd, w);
    if (fixture_random_below(rnd, 10) == 0) {
        store_abort(p->disk);
        store_abort(p->memory);
        return;
    }
    assert_int_equal(store_commit(p->disk), EXAM_OK);
    assert_int_equal(store_commit(p->memory), EXAM_OK);
}

/* After any history the store on the disk holds what the one in memory holds. */
static void test_store__both_kinds_stay_equal(void **state)
{
    (void)state;
    uint64_t rnd = fixture_seed(__func__);
    struct pair p = {0};
    fixture_dir_name(p.dir);
    assert_int_equal(store_image_new(&p.image), EXAM_OK);
    pair_open(&p);
    for (int i = 1; i <= TRANSACTIONS; i++) {
        random_transaction(&p, &rnd);
        if (i % COMPARE_EVERY == 0)
            assert_pair_equal(&p);
        if (fixture_random_below(&rnd, 50) == 0) {
            pair_close(&p);
            pair_open(&p);
        }
    }
    assert_pair_equal(&p);
    pair_close(&p);
    store_image_free(p.image);
    fixture_dir_remove(p.dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store__both_kinds_stay_equal),
    };
    return cmocka_run_group_tests_name("store random", tests, NULL, NULL);
}
