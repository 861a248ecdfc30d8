#include "checkpoints.h"

#include <stdlib.h>
#include <string.h>

enum {
    LOOKED_AT_A_TIME = 2048,
    EPOCHS_MAX = 4096, /* of a log that are looked at, newest first */
};

enum fit {
    FIT_OPEN, /* not held against the log, or the log does not reach so far yet */
    FIT_SAME,
    FIT_ELSEWHERE,
    FIT_CONTRADICTS,
};

struct kept {
    struct checkpoint c;
    uint64_t no; /* in the order in which they came, from 1 */
    enum fit fit;
    bool written;
};

struct checkpoints {
    struct kept *list;
    size_t n, max;
    size_t next; /* to be checked */
    uint64_t no_last;
    /* Keys that are to leave the store. */
    struct gone {
        uint8_t key[CHECKPOINT_KEY_BYTES_MAX];
        size_t key_bytes;
    } * gone;
    size_t gone_n;
    bool dirty;
};

exam_err checkpoints_new(struct checkpoints **out)
{
    struct checkpoints *c = calloc(1, sizeof *c);
    if (!c)
        return EXAM_NOMEM;
    c->gone = calloc(CHECKPOINTS_OF_A_NODE_MAX, sizeof *c->gone);
    if (!c->gone) {
        free(c);
        return EXAM_NOMEM;
    }
    *out = c;
    return EXAM_OK;
}

void checkpoints_free(struct checkpoints *c)
{
    if (!c)
        return;
    free(c->list);
    free(c->gone);
    free(c);
}

/* ---------------------------------------------------------------- adding */

static bool same_place(const struct checkpoint *a, const struct checkpoint *b)
{
    return a->at.lsn == b->at.lsn && a->at.epoch == b->at.epoch && a->epoch_tag == b->epoch_tag &&
           strcmp(a->node, b->node) == 0;
}

static const struct kept *kept_at(const struct checkpoints *c, const struct checkpoint *one)
{
    for (size_t i = c->n; i-- > 0;)
        if (same_place(&c->list[i].c, one))
            return &c->list[i];
    return NULL;
}

static size_t count_of(const struct checkpoints *c, const char *node)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++)
        n += strcmp(c->list[i].c.node, node) == 0;
    return n;
}

static void forget(struct checkpoints *c, const struct kept *k)
{
    struct gone *g = &c->gone[c->gone_n];
    if (!k->written)
        return;
    g->key_bytes = checkpoint_key(&k->c, g->key);
    c->gone_n++;
    c->dirty = true;
}

/* Every second one of the older half of a node's. */
static void thin_out(struct checkpoints *c, const char *node)
{
    size_t seen = 0, to = 0;
    for (size_t i = 0; i < c->n; i++) {
        bool own = strcmp(c->list[i].c.node, node) == 0;
        bool goes = own && seen < CHECKPOINTS_OF_A_NODE_MAX / 2 && seen % 2 == 1 &&
                    c->gone_n < CHECKPOINTS_OF_A_NODE_MAX;
        seen += own;
        if (goes)
            forget(c, &c->list[i]);
        else
            c->list[to++] = c->list[i];
    }
    c->n = to;
    c->next = 0;
}

static exam_err push(struct checkpoints *c, const struct checkpoint *one, bool written)
{
    if (c->n == c->max) {
        size_t max = c->max ? 2 * c->max : 64;
        struct kept *more = realloc(c->list, max * sizeof *more);
        if (!more)
            return EXAM_NOMEM;
        c->list = more;
        c->max = max;
    }
    c->list[c->n++] = (struct kept){.c = *one, .no = ++c->no_last, .written = written};
    c->dirty |= !written;
    return EXAM_OK;
}

exam_err checkpoints_add(struct checkpoints *c, const struct checkpoint *one)
{
    const struct kept *k = kept_at(c, one);
    if (k)
        return memcmp(k->c.at.hash, one->at.hash, HASH_BYTES) ? EXAM_CORRUPT : EXAM_EXISTS;
    if (count_of(c, one->node) >= CHECKPOINTS_OF_A_NODE_MAX)
        thin_out(c, one->node);
    if (c->n >= CHECKPOINTS_MAX || count_of(c, one->node) >= CHECKPOINTS_OF_A_NODE_MAX)
        return EXAM_FULL;
    return push(c, one, false);
}

bool checkpoints_have(const struct checkpoints *c, const struct checkpoint *one)
{
    const struct kept *k = kept_at(c, one);
    return k && memcmp(k->c.signature, one->signature, KEY_SIGNATURE_BYTES) == 0 &&
           memcmp(k->c.at.hash, one->at.hash, HASH_BYTES) == 0;
}

/* ---------------------------------------------------------------- the store */

struct reading {
    struct checkpoints *c;
    size_t damaged;
};

static exam_err take_entry(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value,
                           size_t value_bytes)
{
    struct reading *r = ctx;
    struct checkpoint one;
    uint8_t own_key[CHECKPOINT_KEY_BYTES_MAX];
    if (checkpoint_take(value, value_bytes, &one) || checkpoint_key(&one, own_key) != key_bytes ||
        memcmp(own_key, key, key_bytes) != 0 || r->c->n >= CHECKPOINTS_MAX) {
        r->damaged++;
        return EXAM_OK;
    }
    return push(r->c, &one, true);
}

exam_err checkpoints_read(struct checkpoints *c, store *s, size_t *damaged)
{
    struct reading r = {.c = c};
    exam_err err = store_read_table(s, STORE_META, CHECKPOINT_PREFIX, sizeof CHECKPOINT_PREFIX - 1,
                                    take_entry, &r);
    *damaged = r.damaged;
    return err;
}

exam_err checkpoints_write(struct checkpoints *c, store *s, const char *node)
{
    uint8_t key[CHECKPOINT_KEY_BYTES_MAX], value[CHECKPOINT_BYTES];
    if (!c->dirty)
        return EXAM_OK;
    store_begin(s);
    store_put(s, STORE_META, CHECKPOINT_OWNER, sizeof CHECKPOINT_OWNER - 1, node, strlen(node));
    for (size_t i = 0; i < c->gone_n; i++)
        store_del(s, STORE_META, c->gone[i].key, c->gone[i].key_bytes);
    for (size_t i = 0; i < c->n; i++) {
        if (c->list[i].written)
            continue;
        checkpoint_put(&c->list[i].c, value);
        store_put(s, STORE_META, key, checkpoint_key(&c->list[i].c, key), value, sizeof value);
    }
    exam_err err = store_commit(s);
    if (err)
        return err;
    for (size_t i = 0; i < c->n; i++)
        c->list[i].written = true;
    c->gone_n = 0;
    c->dirty = false;
    return EXAM_OK;
}

/* ---------------------------------------------------------------- against the log */

static size_t epochs_of(const struct engine *e, struct checkpoint_epoch *out)
{
    size_t n, from;
    const struct engine_epoch *all = engine_epochs(e, &n);
    from = n > EPOCHS_MAX ? n - EPOCHS_MAX : 0;
    for (size_t i = from; i < n; i++)
        out[i - from] = (struct checkpoint_epoch){.epoch = all[i].epoch,
                                                  .first_lsn = all[i].first_lsn,
                                                  .tag = record_tag(all[i].first_hash)};
    return n - from;
}

/* What cannot be read is no contradiction: the store's own checks tell of it. */
static enum fit fit_of(const struct checkpoint *one, struct engine *e,
                       const struct checkpoint_epoch *epochs, size_t n)
{
    uint8_t hash[HASH_BYTES];
    switch (checkpoint_place(one, epochs, n, engine_last(e).lsn)) {
    case CHECKPOINT_HERE:
        if (engine_hash_at(e, one->at.lsn, hash))
            return FIT_OPEN;
        return memcmp(hash, one->at.hash, HASH_BYTES) ? FIT_CONTRADICTS : FIT_SAME;
    case CHECKPOINT_NOWHERE:
        return FIT_CONTRADICTS;
    case CHECKPOINT_ELSEWHERE:
        return FIT_ELSEWHERE;
    case CHECKPOINT_AHEAD:
        break;
    }
    return FIT_OPEN;
}

const struct checkpoint *checkpoints_check(struct checkpoints *c, struct engine *e)
{
    static struct checkpoint_epoch epochs[EPOCHS_MAX];
    size_t n = epochs_of(e, epochs);
    size_t read = 0;
    for (size_t i = 0; i < LOOKED_AT_A_TIME && i < c->n && read < CHECKPOINTS_READ_A_TIME; i++) {
        c->next = c->next < c->n ? c->next : 0;
        struct kept *k = &c->list[c->next++];
        if (k->fit != FIT_OPEN)
            continue;
        k->fit = fit_of(&k->c, e, epochs, n);
        read += k->fit == FIT_SAME;
        if (k->fit == FIT_CONTRADICTS)
            return &k->c;
    }
    return NULL;
}

void checkpoints_again(struct checkpoints *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->list[i].fit != FIT_CONTRADICTS)
            c->list[i].fit = FIT_OPEN;
}

/* ---------------------------------------------------------------- asking */

const struct checkpoint *checkpoints_next(const struct checkpoints *c, const char *node,
                                          uint64_t *no)
{
    for (size_t i = 0; i < c->n; i++) {
        const struct kept *k = &c->list[i];
        if (k->no <= *no || strcmp(k->c.node, node) != 0)
            continue;
        *no = k->no;
        return &k->c;
    }
    return NULL;
}

uint64_t checkpoints_covered(const struct checkpoints *c, const char *node, bool others)
{
    uint64_t lsn = 0;
    for (size_t i = 0; i < c->n; i++) {
        const struct kept *k = &c->list[i];
        if (k->fit == FIT_SAME && (strcmp(k->c.node, node) != 0) == others && k->c.at.lsn > lsn)
            lsn = k->c.at.lsn;
    }
    return lsn;
}
