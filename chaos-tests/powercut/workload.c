#include "workload.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "recorder.h"
#include "store_mem.h"

enum { EVENT_BYTES_MAX = 40000, PATH_BYTES = 512, OPS_MAX = 24, CUT_MAX = 60 };

static _Noreturn void give_up(const char *what, exam_err err)
{
    fprintf(stderr, "powercut: the workload cannot be recorded: %s: %s\n", what,
            exam_err_text(err));
    exit(1);
}

/* ---------------------------------------------------------------- what a store holds */

static exam_err digest_entry(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value,
                             size_t value_bytes)
{
    crypto_generichash_state *h = ctx;
    uint64_t sizes[] = {key_bytes, value_bytes};
    crypto_generichash_update(h, (const uint8_t *)sizes, sizeof sizes);
    crypto_generichash_update(h, key, key_bytes);
    crypto_generichash_update(h, value, value_bytes);
    return EXAM_OK;
}

static exam_err digest_record(void *ctx, const struct record *r)
{
    crypto_generichash_state *h = ctx;
    crypto_generichash_update(h, (const uint8_t *)&r->lsn, sizeof r->lsn);
    crypto_generichash_update(h, r->hash, HASH_BYTES);
    crypto_generichash_update(h, r->event, r->event_bytes);
    return EXAM_OK;
}

exam_err content_of(store *s, struct content *out)
{
    crypto_generichash_state h;
    crypto_generichash_init(&h, NULL, 0, DIGEST_BYTES);
    exam_err err = EXAM_OK;
    for (int t = 0; t < STORE_TABLES && !err; t++)
        err = store_read_table(s, (enum store_table)t, NULL, 0, digest_entry, &h);
    for (uint64_t branch = 1; !err; branch++)
        err = store_read_branch(s, branch, 1, digest_record, &h);
    if (err != EXAM_NOT_FOUND) /* the first branch that is not there */
        return err;
    out->last = store_last(s);
    crypto_generichash_final(&h, out->digest, DIGEST_BYTES);
    return EXAM_OK;
}

bool content_equal(const struct content *a, const struct content *b)
{
    return a->last.lsn == b->last.lsn && a->last.epoch == b->last.epoch &&
           !memcmp(a->last.hash, b->last.hash, HASH_BYTES) &&
           !memcmp(a->digest, b->digest, DIGEST_BYTES);
}

/* ---------------------------------------------------------------- one transaction */

static size_t random_bytes(uint64_t *rnd)
{
    return 1 + random_below(rnd, random_below(rnd, 16) ? 300 : EVENT_BYTES_MAX);
}

static void append(store *s, struct position *last, uint64_t *rnd)
{
    static uint8_t event[EVENT_BYTES_MAX], value[RECORD_HEADER_BYTES + EVENT_BYTES_MAX];
    size_t n = random_bytes(rnd);
    memset(event, (int)chance_next(rnd), n);
    struct record r = {.lsn = last->lsn + 1,
                       .epoch = last->epoch ? last->epoch : 1,
                       .at_ms = last->lsn,
                       .event = event,
                       .event_bytes = n};
    record_seal(&r, last->hash, value);
    store_append(s, r.lsn, value, RECORD_HEADER_BYTES + n);
    *last = (struct position){.epoch = r.epoch, .lsn = r.lsn};
    memcpy(last->hash, r.hash, HASH_BYTES);
}

static void change_table(store *s, uint64_t *rnd)
{
    static uint8_t value[EVENT_BYTES_MAX];
    enum store_table t = (enum store_table)random_below(rnd, STORE_TABLES);
    char key[3] = {(char)('a' + random_below(rnd, 26)), (char)('a' + random_below(rnd, 8))};
    uint64_t dice = random_below(rnd, 100);
    if (dice < 80) {
        size_t n = random_bytes(rnd);
        memset(value, (int)dice, n);
        store_put(s, t, key, 2, value, n);
    } else if (dice < 98) {
        store_del(s, t, key, 2);
    } else {
        store_clear(s, t);
    }
}

static exam_err take_position(void *ctx, const struct record *r)
{
    struct position *at = ctx;
    *at = (struct position){.epoch = r->epoch, .lsn = r->lsn};
    memcpy(at->hash, r->hash, HASH_BYTES);
    return EXAM_OK;
}

/* Sets a dead branch apart, as a node that comes back does. */
static void cut(store *s, struct position *last, uint64_t *rnd)
{
    uint64_t most = last->lsn < CUT_MAX ? last->lsn : CUT_MAX;
    uint64_t lsn = last->lsn - random_below(rnd, most + 1);
    struct position at = {0};
    if (lsn && store_read_log(s, lsn, lsn, take_position, &at))
        return;
    store_cut(s, lsn);
    *last = at;
    last->epoch++;
}

static void transaction(store *s, uint64_t *rnd)
{
    struct position last = store_last(s);
    store_begin(s);
    if (random_below(rnd, 15) == 0)
        cut(s, &last, rnd);
    uint64_t ops = 1 + random_below(rnd, OPS_MAX);
    for (uint64_t i = 0; i < ops; i++)
        if (random_below(rnd, 3))
            append(s, &last, rnd);
        else
            change_table(s, rnd);
    /* As the engine does: the tables say what they stand for. */
    store_put(s, STORE_META, "state", 5, &last, sizeof last);
}

exam_err workload_go_on(store *s, uint64_t *rnd)
{
    transaction(s, rnd);
    return store_commit(s);
}

/* ---------------------------------------------------------------- recording */

struct recording {
    const struct workload_options *o;
    struct workload *w;
    store *disk, *twin;
    store_image *image;
    uint64_t rnd;
    bool use_reserve;
};

struct store_options workload_store_options(uint64_t seed)
{
    return (struct store_options){.map_bytes = seed % 3 ? 64u << 20 : 1500u << 10,
                                  .reserve_bytes = 256u << 10};
}

static void disk_open(struct recording *r)
{
    struct store_options so = workload_store_options(r->o->seed);
    char why[512] = "";
    so.no_sync = r->o->no_sync;
    exam_err err = store_open(r->o->dir, &so, &r->disk, why, sizeof why);
    if (err)
        give_up(why, err);
    store_use_reserve(r->disk, r->use_reserve);
}

static void report(struct recording *r)
{
    struct workload *w = r->w;
    tape_reported(&w->tape);
    exam_err err = content_of(r->twin, &w->contents[w->contents_n++]);
    if (err)
        give_up("the store in memory", err);
}

/* One transaction on the disk, and when it is there, on the twin. */
static void step(struct recording *r)
{
    uint64_t same = r->rnd;
    if (random_below(&r->rnd, 12) == 0) { /* one that is thought better of */
        transaction(r->disk, &r->rnd);
        store_abort(r->disk);
        return;
    }
    same = r->rnd;
    exam_err err = workload_go_on(r->disk, &r->rnd);
    if (err == EXAM_FULL) { /* from now on control records only */
        r->w->full++;
        r->use_reserve = true;
        store_use_reserve(r->disk, true);
        return;
    }
    if (!err)
        err = workload_go_on(r->twin, &same);
    if (err)
        give_up("a commit", err);
    r->w->reserve += r->use_reserve;
    report(r);
}

void workload_record(const struct workload_options *o, struct workload *out)
{
    struct recording r = {.o = o, .w = out, .rnd = o->seed};
    char path[PATH_BYTES];
    memset(out, 0, sizeof *out);
    out->contents = calloc((size_t)o->commits + 1, sizeof *out->contents);
    if (!out->contents || store_image_new(&r.image) || store_open_image(r.image, &r.twin))
        give_up("memory", EXAM_NOMEM);
    snprintf(path, sizeof path, "%s/data.mdb", o->dir);
    recorder_begin(path, &out->tape);
    disk_open(&r);
    report(&r);
    for (unsigned i = 0; i < o->commits; i++) {
        step(&r);
        if (random_below(&r.rnd, 30) == 0) {
            store_close(r.disk);
            disk_open(&r);
        }
    }
    struct content disk;
    exam_err err = content_of(r.disk, &disk);
    if (err || !content_equal(&disk, &out->contents[out->contents_n - 1]))
        give_up("the stores on the disk and in memory differ", err);
    store_close(r.disk);
    recorder_end();
    store_close(r.twin);
    store_image_free(r.image);
}

void workload_fini(struct workload *w)
{
    tape_fini(&w->tape);
    free(w->contents);
}
