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
    return s->ops->room(s, room, free_bytes);
}

/* --- reading --- */

exam_err store_read_log(store *s, uint64_t first, uint64_t last,
                        exam_err (*each)(void *ctx, const struct record *r), void *ctx)
{
    if (first >= 1 && last == first - 1 && last <= s->last.lsn)
        return EXAM_OK;
    if (first < 1 || first > last || last > s->last.lsn)
        return EXAM_NOT_FOUND;
    s->in_reads++;
    exam_err err = s->ops->read_log(s, first, last, each, ctx);
    s->in_reads--;
    return err;
}

exam_err store_get(store *s, enum store_table t, const void *key, size_t key_bytes,
                   const uint8_t **value, size_t *value_bytes)
{
    assert(t < STORE_TABLES && key_ok(key_bytes));
    return s->ops->get(s, t, (struct store_bytes){key, key_bytes}, value, value_bytes);
}

exam_err store_read_table(store *s, enum store_table t, const void *prefix, size_t prefix_bytes,
                          exam_err (*each)(void *ctx, const uint8_t *key, size_t key_bytes,
                                           const uint8_t *value, size_t value_bytes),
                          void *ctx)
{
    assert(t < STORE_TABLES && prefix_bytes <= STORE_KEY_BYTES_MAX);
    s->in_reads++;
    exam_err err = s->ops->read_table(s, t, (struct store_bytes){prefix, prefix_bytes}, each, ctx);
    s->in_reads--;
    return err;
}

uint64_t store_branch_records(store *s)
{
    return s->ops->branch_records(s);
}

exam_err store_read_branch(store *s, uint64_t branch,
                           exam_err (*each)(void *ctx, const struct record *r), void *ctx)
{
    s->in_reads++;
    exam_err err = s->ops->read_branch(s, branch, each, ctx);
    s->in_reads--;
    return err;
}

/* --- verifying --- */

struct chain {
    uint8_t prev_hash[HASH_BYTES];
    uint64_t next_lsn; /* the record that has to come next: the bad one when reading stops */
};

static exam_err chain_start(void *ctx, const struct record *r)
{
    struct chain *c = ctx;
    memcpy(c->prev_hash, r->hash, HASH_BYTES);
    return EXAM_OK;
}

static exam_err chain_step(void *ctx, const struct record *r)
{
    struct chain *c = ctx;
    exam_err err = record_verify(r, c->prev_hash);
    if (err)
        return err;
    memcpy(c->prev_hash, r->hash, HASH_BYTES);
    c->next_lsn = r->lsn + 1;
    return EXAM_OK;
}

exam_err store_verify(store *s, uint64_t first, uint64_t last, uint64_t *bad_lsn)
{
    if (first < 1)
        return EXAM_NOT_FOUND;
    struct chain chain = {.next_lsn = first};
    exam_err err = EXAM_OK;
    if (first > 1 && first <= last) {
        err = store_read_log(s, first - 1, first - 1, chain_start, &chain);
        if (err == EXAM_CORRUPT)
            chain.next_lsn = first - 1;
    }
    if (!err)
        err = store_read_log(s, first, last, chain_step, &chain);
    if (err == EXAM_CORRUPT)
        *bad_lsn = chain.next_lsn;
    return err;
}
