/* store_mem.c - see store_mem.h. Contract: store.h.
 *
 * A transaction is a list of operations with their bytes; the commit carries them out on the image,
 * so readers see committed data only and a crash before the commit leaves nothing. */
#include "store_mem.h"

#include "store_backend.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* One key and its value, or one record (no key). */
struct entry {
    uint64_t lsn;    /* of a record */
    uint32_t branch; /* of a record of a dead branch */
    bool rotten;
    bool proven; /* a record of the log: it continues what is before it there */
    size_t key_bytes;
    size_t value_bytes;
    uint8_t bytes[]; /* the key, then the value */
};

/* Entries in order. */
struct row {
    struct entry **at;
    size_t count;
    size_t room;
};

struct store_image {
    struct row log; /* at[lsn - 1] */
    struct row branches;
    struct row tables[STORE_TABLES];
    uint64_t bytes;
    uint64_t capacity_bytes;
    uint64_t reserve_bytes;
    uint64_t warn_bytes;
    uint64_t fail_in; /* commits */
    enum store_fault fault;
    enum store_fault (*meets)(void *ctx, enum store_fault due);
    void *meets_ctx;
    uint64_t met[STORE_FAULTS], rot_reads;
    bool is_open;
};

enum op_kind { OP_APPEND, OP_PUT, OP_DEL, OP_CLEAR, OP_CUT };

struct op {
    enum op_kind kind;
    enum store_table table;
    uint64_t first_lsn; /* OP_CUT */
    struct entry *entry;
};

struct store_mem {
    struct store base; /* first: a store is cast to it */
    store_image *image;
    bool own_image;
    bool may_use_reserve;
    bool reserved; /* STORE_ROOM_RESERVED lasts */
    struct op *ops;
    size_t op_count;
    size_t op_room;
    uint8_t *got; /* the copy that store_get hands out */
};

static struct store_mem *mem_of(struct store *s)
{
    return (struct store_mem *)s;
}

/* --- entries and rows --- */

static struct entry *entry_new(struct store_bytes key, struct store_bytes value)
{
    struct entry *e = malloc(sizeof *e + key.bytes + value.bytes);
    if (!e)
        return NULL;
    *e = (struct entry){.key_bytes = key.bytes, .value_bytes = value.bytes};
    if (key.bytes)
        memcpy(e->bytes, key.at, key.bytes);
    if (value.bytes)
        memcpy(e->bytes + key.bytes, value.at, value.bytes);
    return e;
}

static const uint8_t *entry_value(const struct entry *e)
{
    return e->bytes + e->key_bytes;
}

static uint64_t entry_bytes(const struct entry *e)
{
    return e->key_bytes + e->value_bytes;
}

static exam_err row_insert(struct row *row, size_t at, struct entry *e)
{
    if (row->count == row->room) {
        size_t room = row->room ? 2 * row->room : 64;
        struct entry **more = realloc(row->at, room * sizeof *more);
        if (!more)
            return EXAM_NOMEM;
        row->at = more;
        row->room = room;
    }
    memmove(row->at + at + 1, row->at + at, (row->count - at) * sizeof *row->at);
    row->at[at] = e;
    row->count++;
    return EXAM_OK;
}

static void row_remove(struct row *row, size_t at)
{
    row->count--;
    memmove(row->at + at, row->at + at + 1, (row->count - at) * sizeof *row->at);
}

static void row_free(struct row *row)
{
    for (size_t i = 0; i < row->count; i++)
        free(row->at[i]);
    free(row->at);
    *row = (struct row){0};
}

static int key_compare(struct store_bytes a, const struct entry *b)
{
    size_t n = a.bytes < b->key_bytes ? a.bytes : b->key_bytes;
    int order = n ? memcmp(a.at, b->bytes, n) : 0;
    if (order == 0)
        order = (a.bytes > b->key_bytes) - (a.bytes < b->key_bytes);
    return order;
}

/* The place of the first entry whose key is not below `key`; *found: it is that key. */
static size_t row_find(const struct row *row, struct store_bytes key, bool *found)
{
    size_t low = 0, high = row->count;
    *found = false;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = key_compare(key, row->at[mid]);
        if (order == 0)
            *found = true;
        if (order <= 0)
            high = mid;
        else
            low = mid + 1;
    }
    return low;
}

static exam_err row_copy(const struct row *from, struct row *to)
{
    for (size_t i = 0; i < from->count; i++) {
        const struct entry *e = from->at[i];
        struct entry *copy = malloc(sizeof *copy + e->key_bytes + e->value_bytes);
        if (!copy)
            return EXAM_NOMEM;
        memcpy(copy, e, sizeof *copy + e->key_bytes + e->value_bytes);
        if (row_insert(to, to->count, copy) != EXAM_OK) {
            free(copy);
            return EXAM_NOMEM;
        }
    }
    return EXAM_OK;
}

/* --- the image --- */

exam_err store_image_new(store_image **out)
{
    store_image *image = calloc(1, sizeof *image);
    if (!image)
        return EXAM_NOMEM;
    *out = image;
    return EXAM_OK;
}

exam_err store_image_clone(const store_image *from, store_image **out)
{
    store_image *image;
    exam_err err = store_image_new(&image);
    if (err)
        return err;
    err = row_copy(&from->log, &image->log);
    if (!err)
        err = row_copy(&from->branches, &image->branches);
    for (int t = 0; t < STORE_TABLES && !err; t++)
        err = row_copy(&from->tables[t], &image->tables[t]);
    if (err) {
        store_image_free(image);
        return err;
    }
    image->bytes = from->bytes;
    store_image_set_capacity(image, from->capacity_bytes, from->reserve_bytes, from->warn_bytes);
    *out = image;
    return EXAM_OK;
}

void store_image_free(store_image *image)
{
    if (!image)
        return;
    assert(!image->is_open);
    row_free(&image->log);
    row_free(&image->branches);
    for (int t = 0; t < STORE_TABLES; t++)
        row_free(&image->tables[t]);
    free(image);
}

void store_image_fail_commit(store_image *image, uint64_t n, enum store_fault fault)
{
    image->fail_in = n;
    image->fault = fault;
}

void store_image_on_commit(store_image *image,
                           enum store_fault (*meets)(void *ctx, enum store_fault due), void *ctx)
{
    image->meets = meets;
    image->meets_ctx = ctx;
}

uint64_t store_image_met(const store_image *image, enum store_fault fault)
{
    return image->met[fault];
}

uint64_t store_image_bytes(const store_image *image)
{
    return image->bytes;
}

void store_image_set_capacity(store_image *image, uint64_t capacity_bytes, uint64_t reserve_bytes,
                              uint64_t warn_bytes)
{
    assert(reserve_bytes <= capacity_bytes);
    image->capacity_bytes = capacity_bytes;
    image->reserve_bytes = reserve_bytes;
    image->warn_bytes = warn_bytes;
}

exam_err store_image_rot(store_image *image, uint64_t lsn, size_t at, uint8_t bits)
{
    if (lsn < 1 || lsn > image->log.count || at >= image->log.at[lsn - 1]->value_bytes)
        return EXAM_NOT_FOUND;
    struct entry *e = image->log.at[lsn - 1];
    e->bytes[at] ^= bits;
    e->rotten |= bits != 0;
    e->proven = false;
    if (lsn < image->log.count)
        image->log.at[lsn]->proven = false; /* it has the hash of this one in it */
    return EXAM_OK;
}

uint64_t store_image_rot_reads(const store_image *image)
{
    return image->rot_reads;
}

/* --- looking --- */

size_t store_image_records(const store_image *image, bool branches)
{
    return branches ? image->branches.count : image->log.count;
}

void store_image_record_at(const store_image *image, bool branches, size_t i, struct record *out)
{
    const struct row *row = branches ? &image->branches : &image->log;
    assert(i < row->count);
    const struct entry *e = row->at[i];
    exam_err err = record_open(e->lsn, entry_value(e), e->value_bytes, out);
    assert(!err); /* rot turns bits, and leaves the length */
}

bool store_image_is_rotten(const store_image *image, bool branches, size_t i)
{
    const struct row *row = branches ? &image->branches : &image->log;
    assert(i < row->count);
    return row->at[i]->rotten;
}

/* --- carrying out a transaction --- */

static exam_err do_append(store_image *image, struct entry *e)
{
    exam_err err = row_insert(&image->log, image->log.count, e);
    if (!err)
        image->bytes += entry_bytes(e);
    return err;
}

static void do_del(store_image *image, struct row *row, struct store_bytes key)
{
    bool found;
    size_t at = row_find(row, key, &found);
    if (!found)
        return;
    image->bytes -= entry_bytes(row->at[at]);
    free(row->at[at]);
    row_remove(row, at);
}

static exam_err do_put(store_image *image, struct row *row, struct entry *e)
{
    struct store_bytes key = {e->bytes, e->key_bytes};
    do_del(image, row, key);
    bool found;
    exam_err err = row_insert(row, row_find(row, key, &found), e);
    if (!err)
        image->bytes += entry_bytes(e);
    return err;
}

static void do_clear(store_image *image, struct row *row)
{
    for (size_t i = 0; i < row->count; i++)
        image->bytes -= entry_bytes(row->at[i]);
    row_free(row);
}

static exam_err do_cut(store_image *image, uint64_t first_lsn)
{
    struct row *branches = &image->branches;
    uint32_t branch = 1;
    if (branches->count > 0)
        branch = branches->at[branches->count - 1]->branch + 1;
    size_t count_before = branches->count;
    for (size_t i = first_lsn - 1; i < image->log.count; i++) {
        image->log.at[i]->branch = branch;
        exam_err err = row_insert(branches, branches->count, image->log.at[i]);
        if (err) {
            branches->count = count_before; /* they are the log's still */
            return err;
        }
    }
    image->log.count = first_lsn - 1;
    return EXAM_OK;
}

static exam_err do_op(store_image *image, struct op *op)
{
    struct row *row = &image->tables[op->table];
    exam_err err = EXAM_OK;
    switch (op->kind) {
    case OP_APPEND:
        err = do_append(image, op->entry);
        break;
    case OP_PUT:
        err = do_put(image, row, op->entry);
        break;
    case OP_DEL:
        do_del(image, row, (struct store_bytes){op->entry->bytes, op->entry->key_bytes});
        return EXAM_OK;
    case OP_CLEAR:
        do_clear(image, row);
        return EXAM_OK;
    case OP_CUT:
        return do_cut(image, op->first_lsn);
    }
    if (!err)
        op->entry = NULL; /* the image has it now */
    return err;
}

static void ops_drop(struct store_mem *m)
{
    for (size_t i = 0; i < m->op_count; i++)
        free(m->ops[i].entry);
    m->op_count = 0;
}

static exam_err ops_carry_out(struct store_mem *m)
{
    exam_err err = EXAM_OK;
    for (size_t i = 0; i < m->op_count && !err; i++)
        err = do_op(m->image, &m->ops[i]);
    return err;
}

/* What the transaction adds at the most: what it replaces or deletes is not taken off, as a real
 * store needs the space before it can give back the old one's. */
static uint64_t ops_bytes(const struct store_mem *m)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < m->op_count; i++)
        if (m->ops[i].kind == OP_APPEND || m->ops[i].kind == OP_PUT)
            bytes += entry_bytes(m->ops[i].entry);
    return bytes;
}

static uint64_t free_beside_reserve(const store_image *image)
{
    if (image->capacity_bytes == 0)
        return UINT64_MAX;
    uint64_t limit_bytes = image->capacity_bytes - image->reserve_bytes;
    return limit_bytes > image->bytes ? limit_bytes - image->bytes : 0;
}

static bool fits(const struct store_mem *m)
{
    const store_image *image = m->image;
    if (image->capacity_bytes == 0 || m->op_count == 0)
        return true;
    uint64_t end_bytes = image->bytes + ops_bytes(m);
    return end_bytes <= image->capacity_bytes - (m->may_use_reserve ? 0 : image->reserve_bytes);
}

/* --- the backend --- */

static exam_err ops_add(struct store_mem *m, struct op op)
{
    if (m->op_count == m->op_room) {
        size_t room = m->op_room ? 2 * m->op_room : 64;
        struct op *more = realloc(m->ops, room * sizeof *more);
        if (!more) {
            free(op.entry);
            return EXAM_NOMEM;
        }
        m->ops = more;
        m->op_room = room;
    }
    m->ops[m->op_count++] = op;
    return EXAM_OK;
}

static exam_err mem_begin(struct store *s)
{
    assert(mem_of(s)->op_count == 0);
    return EXAM_OK;
}

static exam_err mem_append(struct store *s, uint64_t lsn, struct store_bytes value)
{
    struct entry *e = entry_new((struct store_bytes){0}, value);
    if (!e)
        return EXAM_NOMEM;
    e->lsn = lsn;
    return ops_add(mem_of(s), (struct op){.kind = OP_APPEND, .entry = e});
}

static exam_err mem_put(struct store *s, enum store_table t, struct store_bytes key,
                        struct store_bytes value)
{
    struct entry *e = entry_new(key, value);
    if (!e)
        return EXAM_NOMEM;
    return ops_add(mem_of(s), (struct op){.kind = OP_PUT, .table = t, .entry = e});
}

static exam_err mem_del(struct store *s, enum store_table t, struct store_bytes key)
{
    struct entry *e = entry_new(key, (struct store_bytes){0});
    if (!e)
        return EXAM_NOMEM;
    return ops_add(mem_of(s), (struct op){.kind = OP_DEL, .table = t, .entry = e});
}

static exam_err mem_clear(struct store *s, enum store_table t)
{
    return ops_add(mem_of(s), (struct op){.kind = OP_CLEAR, .table = t});
}

static exam_err mem_cut(struct store *s, uint64_t first, uint64_t last)
{
    (void)last;
    return ops_add(mem_of(s), (struct op){.kind = OP_CUT, .first_lsn = first});
}

static exam_err mem_locate(struct store *s, uint64_t lsn, struct position *at)
{
    struct store_mem *m = mem_of(s);
    /* The newest append of the number is the one in the log, as only a cut frees a number. */
    for (size_t i = m->op_count; i > 0; i--) {
        const struct op *op = &m->ops[i - 1];
        if (op->kind == OP_APPEND && op->entry->lsn == lsn)
            return store_position_of(lsn, op->entry->bytes, op->entry->value_bytes, at);
    }
    assert(lsn >= 1 && lsn <= m->image->log.count);
    const struct entry *e = m->image->log.at[lsn - 1];
    m->image->rot_reads += e->rotten;
    return store_position_of(lsn, e->bytes, e->value_bytes, at);
}

static void mem_abort(struct store *s)
{
    ops_drop(mem_of(s));
}

/* What this commit meets. */
static enum store_fault commit_fault(store_image *image)
{
    bool due = image->fail_in > 0 && --image->fail_in == 0;
    enum store_fault fault = due ? image->fault : STORE_FAULT_NONE;
    return image->meets ? image->meets(image->meets_ctx, fault) : fault;
}

static exam_err mem_commit(struct store *s)
{
    struct store_mem *m = mem_of(s);
    enum store_fault fault = commit_fault(m->image);
    if (!fits(m) && fault == STORE_FAULT_NONE)
        fault = STORE_FAULT_FULL;
    bool kept = fault == STORE_FAULT_NONE || fault == STORE_FAULT_IO_KEPT ||
                fault == STORE_FAULT_POWER_KEPT;
    exam_err err = kept ? ops_carry_out(m) : EXAM_OK;
    ops_drop(m);
    m->image->met[fault]++;
    if (!err && fault != STORE_FAULT_NONE)
        err = fault == STORE_FAULT_FULL ? EXAM_FULL : EXAM_IO;
    return err;
}

static void mem_use_reserve(struct store *s, bool may)
{
    mem_of(s)->may_use_reserve = may;
}

static exam_err mem_room(struct store *s, enum store_room *room, uint64_t *free_bytes)
{
    struct store_mem *m = mem_of(s);
    uint64_t bytes = free_beside_reserve(m->image);
    bool before = m->reserved;
    m->reserved = bytes < m->image->reserve_bytes / 8 * (m->reserved ? 2 : 1);
    m->image->met[STORE_FAULT_FULL] += m->reserved && !before;
    *room = m->reserved                    ? STORE_ROOM_RESERVED
            : bytes < m->image->warn_bytes ? STORE_ROOM_LOW
                                           : STORE_ROOM_OK;
    *free_bytes = bytes;
    return EXAM_OK;
}

static exam_err give(store_image *image, const struct entry *e, store_each_record *each, void *ctx)
{
    struct record r;
    image->rot_reads += e->rotten;
    exam_err err = record_open(e->lsn, e->bytes, e->value_bytes, &r);
    return err ? err : each(ctx, &r);
}

static exam_err mem_read_log(struct store *s, uint64_t first, uint64_t last,
                             store_each_record *each, void *ctx)
{
    store_image *image = mem_of(s)->image;
    exam_err err = EXAM_OK;
    for (uint64_t lsn = first; lsn <= last && !err; lsn++)
        err = give(image, image->log.at[lsn - 1], each, ctx);
    return err;
}

static bool is_hash_before(const store_image *image, uint64_t lsn, const uint8_t hash[HASH_BYTES])
{
    static const uint8_t none[HASH_BYTES];
    struct record before = {0};
    if (lsn == 1)
        return memcmp(hash, none, HASH_BYTES) == 0;
    const struct entry *e = image->log.at[lsn - 2];
    return !record_open(e->lsn, e->bytes, e->value_bytes, &before) &&
           memcmp(hash, before.hash, HASH_BYTES) == 0;
}

/* Nothing changes these bytes but store_image_rot: a record that was proven once is proven. A node
 * checks its log again and again; in days of virtual time this was half of all the work. */
static exam_err mem_verify(struct store *s, const struct record *r,
                           const uint8_t before[HASH_BYTES])
{
    const store_image *image = mem_of(s)->image;
    struct entry *e = image->log.at[r->lsn - 1];
    bool in_place = is_hash_before(image, r->lsn, before);
    if (in_place && e->proven)
        return EXAM_OK;
    exam_err err = record_verify(r, before);
    if (in_place)
        e->proven = !err;
    return err;
}

static exam_err mem_get(struct store *s, enum store_table t, struct store_bytes key,
                        const uint8_t **value, size_t *value_bytes)
{
    struct store_mem *m = mem_of(s);
    bool found;
    const struct row *row = &m->image->tables[t];
    size_t at = row_find(row, key, &found);
    if (!found)
        return EXAM_NOT_FOUND;
    const struct entry *e = row->at[at];
    uint8_t *copy = malloc(e->value_bytes + 1);
    if (!copy)
        return EXAM_NOMEM;
    memcpy(copy, entry_value(e), e->value_bytes);
    free(m->got); /* so that a sanitizer sees who keeps it for too long */
    m->got = copy;
    *value = copy;
    *value_bytes = e->value_bytes;
    return EXAM_OK;
}

static exam_err mem_read_table(struct store *s, enum store_table t, struct store_bytes prefix,
                               store_each_entry *each, void *ctx)
{
    const struct row *row = &mem_of(s)->image->tables[t];
    bool found;
    exam_err err = EXAM_OK;
    for (size_t i = row_find(row, prefix, &found); i < row->count && !err; i++) {
        const struct entry *e = row->at[i];
        if (e->key_bytes < prefix.bytes ||
            (prefix.bytes && memcmp(e->bytes, prefix.at, prefix.bytes) != 0))
            break;
        err = each(ctx, e->bytes, e->key_bytes, entry_value(e), e->value_bytes);
    }
    return err;
}

static exam_err mem_branch_records(struct store *s, uint64_t *n)
{
    *n = mem_of(s)->image->branches.count;
    return EXAM_OK;
}

/* Where a branch's records from that one on begin, or would. */
static size_t branch_find(const struct row *row, uint64_t branch, uint64_t lsn)
{
    size_t low = 0, high = row->count;
    while (low < high) {
        size_t at = low + (high - low) / 2;
        const struct entry *e = row->at[at];
        if (e->branch < branch || (e->branch == branch && e->lsn < lsn))
            low = at + 1;
        else
            high = at;
    }
    return low;
}

static exam_err mem_read_branch(struct store *s, uint64_t branch, uint64_t first_lsn,
                                store_each_record *each, void *ctx)
{
    const struct row *row = &mem_of(s)->image->branches;
    size_t i = branch_find(row, branch, 0);
    exam_err err = EXAM_OK;
    if (i == row->count || row->at[i]->branch != branch)
        return EXAM_NOT_FOUND;
    for (i = branch_find(row, branch, first_lsn);
         i < row->count && row->at[i]->branch == branch && !err; i++)
        err = give(mem_of(s)->image, row->at[i], each, ctx);
    return err;
}

static void mem_close(struct store *s)
{
    struct store_mem *m = mem_of(s);
    m->image->is_open = false;
    if (m->own_image)
        store_image_free(m->image);
    free(m->ops);
    free(m->got);
    free(m);
}

static const struct store_ops mem_ops = {
    .close = mem_close,
    .begin = mem_begin,
    .append = mem_append,
    .put = mem_put,
    .del = mem_del,
    .clear = mem_clear,
    .cut = mem_cut,
    .locate = mem_locate,
    .commit = mem_commit,
    .abort = mem_abort,
    .use_reserve = mem_use_reserve,
    .room = mem_room,
    .read_log = mem_read_log,
    .verify = mem_verify,
    .get = mem_get,
    .read_table = mem_read_table,
    .branch_records = mem_branch_records,
    .read_branch = mem_read_branch,
};

exam_err store_open_image(store_image *image, store **out)
{
    if (image->is_open)
        return EXAM_LOCKED;
    struct store_mem *m = calloc(1, sizeof *m);
    if (!m)
        return EXAM_NOMEM;
    m->base.ops = &mem_ops;
    m->image = image;
    if (image->log.count > 0) {
        const struct entry *e = image->log.at[image->log.count - 1];
        image->rot_reads += e->rotten;
        exam_err err = store_position_of(e->lsn, e->bytes, e->value_bytes, &m->base.last);
        if (err) {
            free(m);
            return err;
        }
    }
    image->is_open = true;
    *out = &m->base;
    return EXAM_OK;
}

exam_err store_open_mem(store **out)
{
    store_image *image;
    exam_err err = store_image_new(&image);
    if (err)
        return err;
    store *s;
    err = store_open_image(image, &s);
    if (err) {
        store_image_free(image);
        return err;
    }
    mem_of(s)->own_image = true;
    *out = s;
    return EXAM_OK;
}
