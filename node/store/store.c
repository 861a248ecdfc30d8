/* store.c - the contract's own part, the same for every kind of store: the sticky error, the
 * positions, what may be called when. What follows is carried out by the backend. */
#include "store_backend.h"

#include <assert.h>
#include <string.h>

enum { STORE_KEY_BYTES_MAX = 64 };

static bool key_ok(size_t key_bytes)
{
    return key_bytes >= 1 && key_bytes <= STORE_KEY_BYTES_MAX;
}

exam_err store_position_of(uint64_t lsn, const uint8_t *value, size_t value_bytes,
                           struct position *out)
{
    struct record r;
    exam_err err = record_open(lsn, value, value_bytes, &r);
    if (err)
        return err;
    out->epoch = r.epoch;
    out->lsn = lsn;
    memcpy(out->hash, r.hash, HASH_BYTES);
    return EXAM_OK;
}

void store_close(store *s)
{
    if (!s)
        return;
    assert(s->in_reads == 0);
    if (s->in_txn)
        store_abort(s);
    s->ops->close(s);
}

struct position store_last(const store *s)
{
    return s->last;
}

exam_err store_failure(const store *s)
{
    return s->failure;
}

/* What the backend met while reading. Memory that is missing says nothing about the store. */
static exam_err met(store *s, exam_err err)
{
    if (err && err != EXAM_NOT_FOUND && err != EXAM_NOMEM && !s->failure)
        s->failure = err;
    return err;
}

/* --- writing --- */

void store_begin(store *s)
{
    assert(!s->in_txn);
    assert(s->in_reads == 0);
    s->in_txn = true;
    s->pending = s->last;
    s->sticky = s->failed ? EXAM_IO : s->ops->begin(s);
}

void store_append(store *s, uint64_t lsn, const uint8_t *value, size_t value_bytes)
{
    assert(s->in_txn);
    if (s->sticky)
        return;
    assert(lsn == s->pending.lsn + 1);
    struct position at;
    s->sticky = store_position_of(lsn, value, value_bytes, &at);
    if (!s->sticky)
        s->sticky = s->ops->append(s, lsn, (struct store_bytes){value, value_bytes});
    if (!s->sticky)
        s->pending = at;
}

void store_put(store *s, enum store_table t, const void *key, size_t key_bytes, const void *value,
               size_t value_bytes)
{
    assert(s->in_txn && t < STORE_TABLES && key_ok(key_bytes));
    if (s->sticky)
        return;
    s->sticky = s->ops->put(s, t, (struct store_bytes){key, key_bytes},
                            (struct store_bytes){value, value_bytes});
}

void store_del(store *s, enum store_table t, const void *key, size_t key_bytes)
{
    assert(s->in_txn && t < STORE_TABLES && key_ok(key_bytes));
    if (!s->sticky)
        s->sticky = s->ops->del(s, t, (struct store_bytes){key, key_bytes});
}

void store_clear(store *s, enum store_table t)
{
    assert(s->in_txn && t < STORE_TABLES);
    if (!s->sticky)
        s->sticky = s->ops->clear(s, t);
}

void store_cut(store *s, uint64_t lsn)
{
    assert(s->in_txn);
    if (s->sticky)
        return;
    assert(lsn <= s->pending.lsn);
    if (lsn == s->pending.lsn)
        return;
    struct position at = {0};
    if (lsn > 0)
        s->sticky = s->ops->locate(s, lsn, &at);
    if (!s->sticky)
        s->sticky = s->ops->cut(s, lsn + 1, s->pending.lsn);
    if (!s->sticky)
        s->pending = at;
}

exam_err store_commit(store *s)
{
    assert(s->in_txn);
    assert(s->in_reads == 0);
    s->in_txn = false;
    exam_err err = s->sticky;
    if (s->failed)
        return EXAM_IO;
    if (err)
        s->ops->abort(s);
    else
        err = s->ops->commit(s);
    if (!err) {
        s->last = s->pending;
        return EXAM_OK;
    }
    if (err == EXAM_FULL)
        return EXAM_FULL;
    s->failed = true;
    s->failure = EXAM_IO;
    return EXAM_IO;
}

void store_abort(store *s)
{
    assert(s->in_txn);
    assert(s->in_reads == 0);
    s->in_txn = false;
    if (!s->failed)
        s->ops->abort(s);
}

void store_use_reserve(store *s, bool may)
{
    s->ops->use_reserve(s, may);
}

exam_err store_room(store *s, enum store_room *room, uint64_t *free_bytes)
{
    return met(s, s->ops->room(s, room, free_bytes));
}

/* --- reading --- */

/* Tells what a reader's own callback returned from what the backend met. */
struct told {
    store_each_record *record;
    store_each_entry *entry;
    void *ctx;
    exam_err err;
};

static exam_err told_record(void *ctx, const struct record *r)
{
    struct told *t = ctx;
    return t->err = t->record(t->ctx, r);
}

static exam_err told_entry(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value,
                           size_t value_bytes)
{
    struct told *t = ctx;
    return t->err = t->entry(t->ctx, key, key_bytes, value, value_bytes);
}

static exam_err read_log(store *s, uint64_t first, uint64_t last, struct told *t)
{
    s->in_reads++;
    exam_err err = s->ops->read_log(s, first, last, told_record, t);
    s->in_reads--;
    return err;
}

exam_err store_read_log(store *s, uint64_t first, uint64_t last,
                        exam_err (*each)(void *ctx, const struct record *r), void *ctx)
{
    if (first >= 1 && last == first - 1 && last <= s->last.lsn)
        return EXAM_OK;
    if (first < 1 || first > last || last > s->last.lsn)
        return EXAM_NOT_FOUND;
    struct told t = {.record = each, .ctx = ctx};
    exam_err err = read_log(s, first, last, &t);
    return t.err ? err : met(s, err);
}

exam_err store_get(store *s, enum store_table t, const void *key, size_t key_bytes,
                   const uint8_t **value, size_t *value_bytes)
{
    assert(t < STORE_TABLES && key_ok(key_bytes));
    return met(s, s->ops->get(s, t, (struct store_bytes){key, key_bytes}, value, value_bytes));
}

exam_err store_read_table(store *s, enum store_table t, const void *prefix, size_t prefix_bytes,
                          exam_err (*each)(void *ctx, const uint8_t *key, size_t key_bytes,
                                           const uint8_t *value, size_t value_bytes),
                          void *ctx)
{
    assert(t < STORE_TABLES && prefix_bytes <= STORE_KEY_BYTES_MAX);
    struct told told = {.entry = each, .ctx = ctx};
    s->in_reads++;
    exam_err err =
        s->ops->read_table(s, t, (struct store_bytes){prefix, prefix_bytes}, told_entry, &told);
    s->in_reads--;
    return told.err ? err : met(s, err);
}

uint64_t store_branch_records(store *s)
{
    uint64_t n = 0;
    return met(s, s->ops->branch_records(s, &n)) ? 0 : n;
}

exam_err store_read_branch(store *s, uint64_t branch, uint64_t first_lsn,
                           exam_err (*each)(void *ctx, const struct record *r), void *ctx)
{
    struct told t = {.record = each, .ctx = ctx};
    s->in_reads++;
    exam_err err = s->ops->read_branch(s, branch, first_lsn, told_record, &t);
    s->in_reads--;
    return t.err ? err : met(s, err);
}

/* --- verifying --- */

struct walking {
    store *s;
    struct store_walk *at;
    size_t bytes_left;
};

static exam_err verify(store *s, const struct record *r, const uint8_t before[HASH_BYTES])
{
    return s->ops->verify ? s->ops->verify(s, r, before) : record_verify(r, before);
}

static exam_err walk_step(void *ctx, const struct record *r)
{
    struct walking *w = ctx;
    exam_err err = verify(w->s, r, w->at->hash);
    if (err)
        return err;
    memcpy(w->at->hash, r->hash, HASH_BYTES);
    w->at->lsn = r->lsn;
    size_t bytes = RECORD_HEADER_BYTES + r->event_bytes;
    if (bytes >= w->bytes_left)
        return EXAM_AGAIN;
    w->bytes_left -= bytes;
    return EXAM_OK;
}

static exam_err walk_to(store *s, struct store_walk *at, uint64_t last, size_t bytes_max)
{
    struct walking w = {.s = s, .at = at, .bytes_left = bytes_max};
    struct told t = {.record = walk_step, .ctx = &w};
    exam_err err = read_log(s, at->lsn + 1, last, &t);
    return err == EXAM_AGAIN ? EXAM_OK : err == EXAM_CORRUPT ? err : met(s, err);
}

exam_err store_verify_on(store *s, struct store_walk *w, size_t bytes_max)
{
    if (w->lsn > s->last.lsn)
        return EXAM_NOT_FOUND;
    return w->lsn == s->last.lsn ? EXAM_OK : walk_to(s, w, s->last.lsn, bytes_max);
}

static exam_err take_link(void *ctx, const struct record *r)
{
    struct store_walk *at = ctx;
    memcpy(at->hash, r->hash, HASH_BYTES);
    at->lsn = r->lsn;
    return EXAM_OK;
}

exam_err store_verify(store *s, uint64_t first, uint64_t last, uint64_t *bad_lsn)
{
    if (first < 1 || first > last + 1 || last > s->last.lsn)
        return EXAM_NOT_FOUND;
    struct store_walk at = {.lsn = first > 2 ? first - 2 : 0};
    struct told t = {.record = take_link, .ctx = &at};
    exam_err err = EXAM_OK;
    if (first > 1 && first <= last)
        err = read_log(s, first - 1, first - 1, &t);
    if (!err && first <= last)
        err = walk_to(s, &at, last, SIZE_MAX);
    if (err == EXAM_CORRUPT)
        *bad_lsn = at.lsn + 1;
    return err;
}
