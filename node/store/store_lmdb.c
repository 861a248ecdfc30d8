/* store_lmdb.c - the store on a disk: one LMDB environment a folder. Contract: store.h.
 *
 * Databases: `log` (key: LSN), `state`, `meta`, `branches` (key: branch number u32, LSN u64), all
 * integers big-endian, and `format` with the log's version. Records and the state that follows from
 * them go into one LMDB transaction. LMDB runs in its default mode only: every other one loses
 * acknowledged commits in a power cut, or turns a full disk into a SIGBUS.
 *
 * LMDB 0.9 does not poison an environment whose fdatasync failed: later commits succeed and prove
 * nothing. store.c refuses them (D6). */
#include "store_backend.h"
#include "store_folder.h"
#include "store_reserve.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <lmdb.h>

enum {
    KEY_LOG_BYTES = 8,
    KEY_BRANCH_BYTES = 4 + 8,
    KEY_BYTES_MAX = 64,
    FORMAT_BYTES = 4,
    FREE_DB = 0, /* LMDB's own list of free pages, as mdb_stat knows it */
};

/* The databases whose growth a commit has to reckon with. */
enum db { DB_LOG, DB_BRANCHES, DB_META, DB_STATE, DB_FORMAT, DBS };

/* What one transaction did to one database, to know what its commit may write. */
struct db_work {
    uint64_t pages_before;
    uint64_t scattered;   /* operations anywhere in the tree: all but appends at its end */
    uint64_t large_pages; /* pages of values that do not fit into a leaf */
};

struct store_lmdb {
    struct store base; /* first: a store is cast to it */
    struct store_folder folder;
    struct store_reserve reserve;
    MDB_env *env;
    size_t page_bytes;
    MDB_dbi dbi[DBS];
    MDB_txn *txn; /* the open write transaction */
    MDB_cursor *log_end;
    struct db_work work[DBS];
    MDB_txn *reader; /* reset between reads */
    bool reader_busy;
    bool sheds;   /* what was read of the file is not kept in the process's memory */
    uint8_t *got; /* the copy that store_get hands out */
    size_t got_bytes;
};

static struct store_lmdb *lmdb_of(struct store *s)
{
    return (struct store_lmdb *)s;
}

static exam_err err_of(int rc)
{
    switch (rc) {
    case MDB_SUCCESS:
        return EXAM_OK;
    case MDB_NOTFOUND:
        return EXAM_NOT_FOUND;
    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return EXAM_FULL;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_CURSOR_FULL: /* a tree deeper than any that LMDB makes */
    case MDB_KEYEXIST:    /* the log's end is not where its last record said */
        return EXAM_CORRUPT;
    case MDB_VERSION_MISMATCH:
        return EXAM_VERSION;
    case ENOMEM:
        return EXAM_NOMEM;
    case EIO:
    case ENXIO: /* the disk is gone */
    case ENODEV:
    case EROFS: /* the kernel's answer to a damaged file system */
    case MDB_PANIC:
        return EXAM_IO;
    default:
        return EXAM_SYSTEM;
    }
}

/* --- keys --- */

static void put_be(uint8_t *out, uint64_t v, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
}

static uint64_t get_be(const uint8_t *in, size_t bytes)
{
    uint64_t v = 0;
    for (size_t i = 0; i < bytes; i++)
        v = v << 8 | in[i];
    return v;
}

/* LMDB's MDB_val is not const, for what it reads, too; it does not write through these. */
static MDB_val val_of(const void *at, size_t bytes)
{
    union {
        const void *in;
        void *out;
    } p = {.in = at};
    return (MDB_val){.mv_size = bytes, .mv_data = p.out};
}

static enum db db_of(enum store_table t)
{
    return t == STORE_META ? DB_META : DB_STATE;
}

/* --- the size of a transaction --- */

static uint64_t used_bytes(const struct store_lmdb *l)
{
    MDB_envinfo info;
    int rc = mdb_env_info(l->env, &info);
    assert(rc == 0);
    return ((uint64_t)info.me_last_pgno + 1) * l->page_bytes;
}

static exam_err pages_of(struct store_lmdb *l, MDB_dbi dbi, uint64_t *pages, uint64_t *depth)
{
    MDB_stat st;
    int rc = mdb_stat(l->txn, dbi, &st);
    if (rc)
        return err_of(rc);
    *pages = st.ms_branch_pages + st.ms_leaf_pages + st.ms_overflow_pages;
    *depth = st.ms_depth;
    return EXAM_OK;
}

static void count_put(struct store_lmdb *l, enum db db, size_t value_bytes)
{
    struct db_work *w = &l->work[db];
    w->scattered++;
    if (value_bytes >= l->page_bytes / 4)
        w->large_pages += (value_bytes + 16) / l->page_bytes + 1;
}

/* The most pages that the open transaction can have added behind the end of the file, if it found
 * no free one inside. LMDB copies a page when it first touches it: an operation somewhere in a tree
 * copies or makes at most a path and a split of each level; all of them together at most the whole
 * tree of before, copied, and of after, made (what becomes free in between is used again first).
 * An append copies the tree's right edge once and adds pages. Then the list of free pages is
 * written anew, which takes pages itself. */
static exam_err count_pages(struct store_lmdb *l, uint64_t *pages)
{
    uint64_t sum = 0;
    for (int db = 0; db < DBS; db++) {
        const struct db_work *w = &l->work[db];
        uint64_t after = 0, depth = 0;
        exam_err err = pages_of(l, l->dbi[db], &after, &depth);
        if (err)
            return err;
        uint64_t by_paths = w->scattered * 2 * (depth + 1);
        uint64_t by_tree = w->pages_before + after;
        uint64_t grown = after > w->pages_before ? after - w->pages_before : 0;
        sum += (by_paths < by_tree ? by_paths : by_tree) + grown + depth + 1 + w->large_pages;
    }
    uint64_t free_pages = 0, depth = 0;
    exam_err err = pages_of(l, FREE_DB, &free_pages, &depth);
    if (err)
        return err;
    *pages = sum + 2 * free_pages + sum * 2 * sizeof(size_t) / l->page_bytes + 32;
    return EXAM_OK;
}

/* --- writing --- */

static exam_err lmdb_begin(struct store *s)
{
    struct store_lmdb *l = lmdb_of(s);
    int rc = mdb_txn_begin(l->env, NULL, 0, &l->txn);
    if (rc) {
        l->txn = NULL;
        return err_of(rc);
    }
    memset(l->work, 0, sizeof l->work);
    for (int db = 0; db < DBS; db++) {
        uint64_t depth;
        exam_err err = pages_of(l, l->dbi[db], &l->work[db].pages_before, &depth);
        if (err)
            return err;
    }
    return err_of(mdb_cursor_open(l->txn, l->dbi[DB_LOG], &l->log_end));
}

static exam_err lmdb_append(struct store *s, uint64_t lsn, struct store_bytes value)
{
    struct store_lmdb *l = lmdb_of(s);
    uint8_t key_bytes[KEY_LOG_BYTES];
    put_be(key_bytes, lsn, sizeof key_bytes);
    MDB_val key = val_of(key_bytes, sizeof key_bytes);
    MDB_val val = val_of(value.at, value.bytes);
    return err_of(mdb_cursor_put(l->log_end, &key, &val, MDB_APPEND));
}

static exam_err lmdb_put(struct store *s, enum store_table t, struct store_bytes key,
                         struct store_bytes value)
{
    struct store_lmdb *l = lmdb_of(s);
    MDB_val k = val_of(key.at, key.bytes);
    MDB_val v = val_of(value.at, value.bytes);
    count_put(l, db_of(t), value.bytes);
    return err_of(mdb_put(l->txn, l->dbi[db_of(t)], &k, &v, 0));
}

static exam_err lmdb_del(struct store *s, enum store_table t, struct store_bytes key)
{
    struct store_lmdb *l = lmdb_of(s);
    MDB_val k = val_of(key.at, key.bytes);
    count_put(l, db_of(t), 0);
    int rc = mdb_del(l->txn, l->dbi[db_of(t)], &k, NULL);
    return rc == MDB_NOTFOUND ? EXAM_OK : err_of(rc);
}

static exam_err lmdb_clear(struct store *s, enum store_table t)
{
    struct store_lmdb *l = lmdb_of(s);
    l->work[db_of(t)].scattered += l->work[db_of(t)].pages_before;
    return err_of(mdb_drop(l->txn, l->dbi[db_of(t)], 0));
}

/* The newest branch's number as the write transaction sees it; 0: there is none. */
static exam_err branch_newest(struct store_lmdb *l, uint64_t *branch)
{
    MDB_cursor *c;
    MDB_val key, val;
    int rc = mdb_cursor_open(l->txn, l->dbi[DB_BRANCHES], &c);
    if (rc)
        return err_of(rc);
    rc = mdb_cursor_get(c, &key, &val, MDB_LAST);
    mdb_cursor_close(c);
    if (rc == MDB_NOTFOUND) {
        *branch = 0;
        return EXAM_OK;
    }
    if (rc)
        return err_of(rc);
    if (key.mv_size != KEY_BRANCH_BYTES)
        return EXAM_CORRUPT;
    *branch = get_be(key.mv_data, 4);
    return EXAM_OK;
}

/* Copies one record of the log to a branch. */
static exam_err branch_add(struct store_lmdb *l, uint64_t branch, uint64_t lsn)
{
    uint8_t key_bytes[KEY_BRANCH_BYTES];
    put_be(key_bytes, branch, 4);
    put_be(key_bytes + 4, lsn, 8);
    MDB_val branch_key = val_of(key_bytes, KEY_BRANCH_BYTES);
    MDB_val log_key = val_of(key_bytes + 4, KEY_LOG_BYTES);
    MDB_val val;
    int rc = mdb_get(l->txn, l->dbi[DB_LOG], &log_key, &val);
    if (rc)
        return rc == MDB_NOTFOUND ? EXAM_CORRUPT : err_of(rc);
    if (val.mv_size > RECORD_BYTES_MAX)
        return EXAM_CORRUPT;
    /* What mdb_get shows may lie in a page that the next put moves. */
    uint8_t copy[RECORD_BYTES_MAX];
    memcpy(copy, val.mv_data, val.mv_size);
    MDB_val own = val_of(copy, val.mv_size);
    return err_of(mdb_put(l->txn, l->dbi[DB_BRANCHES], &branch_key, &own, MDB_APPEND));
}

static exam_err log_del(struct store_lmdb *l, uint64_t lsn)
{
    uint8_t key_bytes[KEY_LOG_BYTES];
    put_be(key_bytes, lsn, sizeof key_bytes);
    MDB_val key = val_of(key_bytes, sizeof key_bytes);
    l->work[DB_LOG].scattered++;
    int rc = mdb_del(l->txn, l->dbi[DB_LOG], &key, NULL);
    return rc == MDB_NOTFOUND ? EXAM_CORRUPT : err_of(rc);
}

static exam_err lmdb_cut(struct store *s, uint64_t first, uint64_t last)
{
    struct store_lmdb *l = lmdb_of(s);
    uint64_t branch = 0;
    exam_err err = branch_newest(l, &branch);
    for (uint64_t lsn = first; lsn <= last && !err; lsn++)
        err = branch_add(l, branch + 1, lsn);
    for (uint64_t lsn = last; lsn >= first && !err; lsn--)
        err = log_del(l, lsn);
    if (err)
        return err;
    mdb_cursor_close(l->log_end); /* it stood on what is gone */
    l->log_end = NULL;
    return err_of(mdb_cursor_open(l->txn, l->dbi[DB_LOG], &l->log_end));
}

static exam_err lmdb_locate(struct store *s, uint64_t lsn, struct position *at)
{
    struct store_lmdb *l = lmdb_of(s);
    uint8_t key_bytes[KEY_LOG_BYTES];
    put_be(key_bytes, lsn, sizeof key_bytes);
    MDB_val key = val_of(key_bytes, sizeof key_bytes), val;
    int rc = mdb_get(l->txn, l->dbi[DB_LOG], &key, &val);
    if (rc)
        return rc == MDB_NOTFOUND ? EXAM_CORRUPT : err_of(rc);
    return store_position_of(lsn, val.mv_data, val.mv_size, at);
}

static void lmdb_abort(struct store *s)
{
    struct store_lmdb *l = lmdb_of(s);
    if (l->log_end)
        mdb_cursor_close(l->log_end);
    if (l->txn)
        mdb_txn_abort(l->txn);
    l->log_end = NULL;
    l->txn = NULL;
}

/* After ENOSPC from a commit: LMDB has given up on the environment if the meta page was at fault,
 * and then the outcome is unknown. */
static exam_err full_or_unknown(struct store_lmdb *l)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(l->env, NULL, 0, &txn);
    if (rc)
        return EXAM_IO;
    mdb_txn_abort(txn);
    return EXAM_FULL;
}

static exam_err lmdb_commit(struct store *s)
{
    struct store_lmdb *l = lmdb_of(s);
    uint64_t pages;
    exam_err err = count_pages(l, &pages);
    if (!err)
        err = store_reserve_claim(&l->reserve, used_bytes(l), pages * l->page_bytes);
    if (err) {
        lmdb_abort(s);
        return err;
    }
    mdb_cursor_close(l->log_end);
    l->log_end = NULL;
    int rc = mdb_txn_commit(l->txn); /* frees it, whatever happens */
    l->txn = NULL;
    err = err_of(rc);
    return err == EXAM_FULL ? full_or_unknown(l) : err;
}

static void lmdb_use_reserve(struct store *s, bool may)
{
    lmdb_of(s)->reserve.may = may;
}

static exam_err lmdb_room(struct store *s, enum store_room *room, uint64_t *free_bytes)
{
    struct store_lmdb *l = lmdb_of(s);
    return store_reserve_room(&l->reserve, used_bytes(l), room, free_bytes);
}

/* --- reading --- */

static exam_err reader_begin(struct store_lmdb *l, MDB_txn **txn)
{
    if (l->reader_busy) /* a callback that reads */
        return err_of(mdb_txn_begin(l->env, NULL, MDB_RDONLY, txn));
    int rc = mdb_txn_renew(l->reader);
    if (rc)
        return err_of(rc);
    l->reader_busy = true;
    *txn = l->reader;
    return EXAM_OK;
}

/* A transaction that sits still would pin old pages. */
static void reader_end(struct store_lmdb *l, MDB_txn *txn)
{
    if (txn != l->reader) {
        mdb_txn_abort(txn);
        return;
    }
    mdb_txn_reset(txn);
    l->reader_busy = false;
}

static exam_err cursor_begin(struct store_lmdb *l, enum db db, MDB_cursor **out)
{
    MDB_txn *txn;
    exam_err err = reader_begin(l, &txn);
    if (err)
        return err;
    int rc = mdb_cursor_open(txn, l->dbi[db], out);
    if (rc)
        reader_end(l, txn);
    return err_of(rc);
}

static void cursor_end(struct store_lmdb *l, MDB_cursor *c)
{
    MDB_txn *txn = mdb_cursor_txn(c);
    mdb_cursor_close(c);
    reader_end(l, txn);
}

static exam_err give_record(uint64_t lsn, const MDB_val *val, store_each_record *each, void *ctx)
{
    struct record r;
    exam_err err = record_open(lsn, val->mv_data, val->mv_size, &r);
    return err ? err : each(ctx, &r);
}

/* Where in the mapped file the records of one read lie. */
struct stretch {
    const uint8_t *from, *to;
};

static void stretch_add(struct stretch *t, const MDB_val *val)
{
    const uint8_t *at = val->mv_data;
    if (!t->from || at < t->from)
        t->from = at;
    if (at + val->mv_size > t->to)
        t->to = at + val->mv_size;
}

/* The system keeps the pages as long as it has room; a process that reads a whole log would count
 * all of it as its own. What is needed again is mapped again. */
static void shed(const struct store_lmdb *l, const struct stretch *t)
{
    if (!l->sheds || !t->from)
        return;
    size_t before = (uintptr_t)t->from % (size_t)sysconf(_SC_PAGESIZE);
    (void)madvise((void *)(uintptr_t)(t->from - before), (size_t)(t->to - t->from) + before,
                  MADV_DONTNEED);
}

static exam_err lmdb_read_log(struct store *s, uint64_t first, uint64_t last,
                              store_each_record *each, void *ctx)
{
    struct store_lmdb *l = lmdb_of(s);
    MDB_cursor *c;
    exam_err err = cursor_begin(l, DB_LOG, &c);
    if (err)
        return err;
    uint8_t key_bytes[KEY_LOG_BYTES];
    put_be(key_bytes, first, sizeof key_bytes);
    MDB_val key = val_of(key_bytes, sizeof key_bytes), val;
    struct stretch stretch = {NULL, NULL};
    int rc = mdb_cursor_get(c, &key, &val, MDB_SET_KEY);
    for (uint64_t lsn = first; !err; lsn++) {
        if (rc == MDB_NOTFOUND)
            err = EXAM_CORRUPT; /* s->last says that it is there */
        else if (rc)
            err = err_of(rc);
        else if (key.mv_size != KEY_LOG_BYTES || get_be(key.mv_data, KEY_LOG_BYTES) != lsn)
            err = EXAM_CORRUPT;
        else
            err = give_record(lsn, &val, each, ctx);
        if (!err) /* one that is damaged may tell of any length */
            stretch_add(&stretch, &val);
        if (lsn == last)
            break;
        rc = mdb_cursor_get(c, &key, &val, MDB_NEXT);
    }
    cursor_end(l, c);
    shed(l, &stretch);
    return err;
}

static exam_err lmdb_get(struct store *s, enum store_table t, struct store_bytes key,
                         const uint8_t **value, size_t *value_bytes)
{
    struct store_lmdb *l = lmdb_of(s);
    MDB_txn *txn;
    exam_err err = reader_begin(l, &txn);
    if (err)
        return err;
    MDB_val k = val_of(key.at, key.bytes), v;
    err = err_of(mdb_get(txn, l->dbi[db_of(t)], &k, &v));
    if (!err && (v.mv_size > l->got_bytes || !l->got)) {
        uint8_t *more = realloc(l->got, v.mv_size + 1);
        if (more) {
            l->got = more;
            l->got_bytes = v.mv_size + 1;
        } else {
            err = EXAM_NOMEM;
        }
    }
    if (!err) {
        memcpy(l->got, v.mv_data, v.mv_size);
        *value = l->got;
        *value_bytes = v.mv_size;
    }
    reader_end(l, txn);
    return err;
}

/* Keys of a walk: a damaged tree may lead back to where it was, for ever. */
struct key_order {
    uint8_t last[KEY_BYTES_MAX];
    size_t last_bytes;
};

static bool key_goes_on(struct key_order *o, const MDB_val *key)
{
    size_t n = key->mv_size;
    if (n < 1 || n > sizeof o->last)
        return false;
    int c = memcmp(key->mv_data, o->last, n < o->last_bytes ? n : o->last_bytes);
    if (c < 0 || (c == 0 && n <= o->last_bytes))
        return false;
    memcpy(o->last, key->mv_data, n);
    o->last_bytes = n;
    return true;
}

/* Walks the entries of a database whose key begins with `prefix`. */
static exam_err walk_from(struct store_lmdb *l, enum db db, struct store_bytes prefix,
                          struct store_bytes from, store_each_entry *each, void *ctx)
{
    MDB_cursor *c;
    exam_err err = cursor_begin(l, db, &c);
    if (err)
        return err;
    struct key_order order = {.last_bytes = 0};
    MDB_val key = val_of(from.at, from.bytes), val;
    int rc = mdb_cursor_get(c, &key, &val, from.bytes ? MDB_SET_RANGE : MDB_FIRST);
    while (!rc && !err) {
        if (!key_goes_on(&order, &key)) {
            err = EXAM_CORRUPT;
            break;
        }
        if (key.mv_size < prefix.bytes ||
            (prefix.bytes && memcmp(key.mv_data, prefix.at, prefix.bytes) != 0))
            break;
        err = each(ctx, key.mv_data, key.mv_size, val.mv_data, val.mv_size);
        if (!err)
            rc = mdb_cursor_get(c, &key, &val, MDB_NEXT);
    }
    cursor_end(l, c);
    if (!err && rc && rc != MDB_NOTFOUND)
        err = err_of(rc);
    return err;
}

static exam_err walk(struct store_lmdb *l, enum db db, struct store_bytes prefix,
                     store_each_entry *each, void *ctx)
{
    return walk_from(l, db, prefix, prefix, each, ctx);
}

static exam_err lmdb_read_table(struct store *s, enum store_table t, struct store_bytes prefix,
                                store_each_entry *each, void *ctx)
{
    return walk(lmdb_of(s), db_of(t), prefix, each, ctx);
}

static exam_err lmdb_branch_records(struct store *s, uint64_t *n)
{
    struct store_lmdb *l = lmdb_of(s);
    MDB_txn *txn;
    MDB_stat st;
    exam_err err = reader_begin(l, &txn);
    if (err)
        return err;
    err = err_of(mdb_stat(txn, l->dbi[DB_BRANCHES], &st));
    reader_end(l, txn);
    if (!err)
        *n = st.ms_entries;
    return err;
}

struct branch_walk {
    store_each_record *each;
    void *ctx;
    bool any;
};

static exam_err branch_step(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value,
                            size_t value_bytes)
{
    struct branch_walk *w = ctx;
    if (key_bytes != KEY_BRANCH_BYTES)
        return EXAM_CORRUPT;
    struct record r;
    exam_err err = record_open(get_be(key + 4, 8), value, value_bytes, &r);
    if (err)
        return err;
    w->any = true;
    return w->each(w->ctx, &r);
}

static exam_err branch_is_there(void *ctx, const struct record *r)
{
    (void)ctx;
    (void)r;
    return EXAM_AGAIN;
}

static exam_err lmdb_read_branch(struct store *s, uint64_t branch, uint64_t first_lsn,
                                 store_each_record *each, void *ctx)
{
    if (branch < 1 || branch > UINT32_MAX)
        return EXAM_NOT_FOUND;
    uint8_t from[KEY_BRANCH_BYTES];
    put_be(from, branch, 4);
    put_be(from + 4, first_lsn, 8);
    const struct store_bytes prefix = {from, 4};
    struct branch_walk w = {.each = each, .ctx = ctx};
    exam_err err = walk_from(lmdb_of(s), DB_BRANCHES, prefix,
                             (struct store_bytes){from, sizeof from}, branch_step, &w);
    if (err || w.any)
        return err;
    w = (struct branch_walk){.each = branch_is_there};
    err = walk(lmdb_of(s), DB_BRANCHES, prefix, branch_step, &w);
    return w.any ? EXAM_OK : err ? err : EXAM_NOT_FOUND;
}

/* --- opening and closing --- */

static void lmdb_close(struct store *s)
{
    struct store_lmdb *l = lmdb_of(s);
    if (l->reader)
        mdb_txn_abort(l->reader);
    if (l->env)
        mdb_env_close(l->env);
    store_reserve_close(&l->reserve);
    store_folder_close(&l->folder); /* last: it unlocks */
    free(l->got);
    free(l);
}

static const struct store_ops lmdb_ops = {
    .close = lmdb_close,
    .begin = lmdb_begin,
    .append = lmdb_append,
    .put = lmdb_put,
    .del = lmdb_del,
    .clear = lmdb_clear,
    .cut = lmdb_cut,
    .locate = lmdb_locate,
    .commit = lmdb_commit,
    .abort = lmdb_abort,
    .use_reserve = lmdb_use_reserve,
    .room = lmdb_room,
    .read_log = lmdb_read_log,
    .get = lmdb_get,
    .read_table = lmdb_read_table,
    .branch_records = lmdb_branch_records,
    .read_branch = lmdb_read_branch,
};

static int env_open(struct store_lmdb *l, const char *dir, bool no_sync)
{
    int rc = mdb_env_create(&l->env);
    if (rc)
        return rc;
    rc = mdb_env_set_mapsize(l->env, (size_t)l->reserve.map_bytes);
    if (!rc)
        rc = mdb_env_set_maxdbs(l->env, DBS);
    /* NOTLS: a thread may read while it has a write transaction open. */
    if (!rc)
        rc = mdb_env_open(l->env, dir, MDB_NOTLS | (no_sync ? MDB_NOSYNC : 0), 0600);
    MDB_stat st;
    if (!rc)
        rc = mdb_env_stat(l->env, &st);
    if (rc)
        return rc;
    l->page_bytes = st.ms_psize;
    /* The folder's lock says that nobody else is in: what readers are listed are dead ones. */
    int dead;
    return mdb_reader_check(l->env, &dead);
}

/* The format database says which version of the log the folder holds; it is made with the store.
 * EXAM_NOT_FOUND: there is none; EXAM_INVALID: databases of somebody else's. */
static exam_err format_read(struct store_lmdb *l, MDB_txn *txn)
{
    MDB_val key = val_of("log_version", 11), val;
    int rc = mdb_dbi_open(txn, "format", 0, &l->dbi[DB_FORMAT]);
    if (rc)
        return rc == MDB_INCOMPATIBLE ? EXAM_INVALID : err_of(rc);
    rc = mdb_get(txn, l->dbi[DB_FORMAT], &key, &val);
    if (rc || val.mv_size != FORMAT_BYTES)
        return rc && rc != MDB_NOTFOUND ? err_of(rc) : EXAM_CORRUPT;
    return get_be(val.mv_data, FORMAT_BYTES) == LOG_VERSION ? EXAM_OK : EXAM_VERSION;
}

static exam_err format_check(struct store_lmdb *l, MDB_txn *txn)
{
    uint8_t version[FORMAT_BYTES];
    exam_err err = format_read(l, txn);
    if (err != EXAM_NOT_FOUND)
        return err;
    MDB_val key = val_of("log_version", 11), val = val_of(version, sizeof version);
    MDB_stat st;
    int rc = mdb_env_stat(l->env, &st);
    if (rc || st.ms_entries > 0)
        return rc ? err_of(rc) : EXAM_INVALID;
    put_be(version, LOG_VERSION, sizeof version);
    rc = mdb_dbi_open(txn, "format", MDB_CREATE, &l->dbi[DB_FORMAT]);
    if (!rc)
        rc = mdb_put(txn, l->dbi[DB_FORMAT], &key, &val, 0);
    return err_of(rc);
}

static const char *const db_names[DBS] = {
    [DB_LOG] = "log",
    [DB_BRANCHES] = "branches",
    [DB_META] = "meta",
    [DB_STATE] = "state",
};

static exam_err dbs_open(struct store_lmdb *l)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(l->env, NULL, 0, &txn);
    if (rc)
        return err_of(rc);
    exam_err err = format_check(l, txn);
    for (int db = 0; db < DBS && !err; db++)
        if (db_names[db])
            err = err_of(mdb_dbi_open(txn, db_names[db], MDB_CREATE, &l->dbi[db]));
    if (err) {
        mdb_txn_abort(txn);
        return err;
    }
    return err_of(mdb_txn_commit(txn));
}

/* The last record, and how many there are: both without a scan. */
static exam_err load_last(struct store_lmdb *l, uint64_t *records)
{
    MDB_stat st;
    MDB_cursor *c;
    MDB_val key, val;
    int rc = mdb_txn_begin(l->env, NULL, MDB_RDONLY, &l->reader);
    if (rc)
        return err_of(rc);
    rc = mdb_stat(l->reader, l->dbi[DB_LOG], &st);
    if (!rc)
        rc = mdb_cursor_open(l->reader, l->dbi[DB_LOG], &c);
    if (rc)
        return err_of(rc);
    rc = mdb_cursor_get(c, &key, &val, MDB_LAST);
    exam_err err = EXAM_OK;
    if (rc == MDB_NOTFOUND)
        err = st.ms_entries == 0 ? EXAM_OK : EXAM_CORRUPT;
    else if (rc)
        err = err_of(rc);
    else if (key.mv_size != KEY_LOG_BYTES)
        err = EXAM_CORRUPT;
    else
        err = store_position_of(get_be(key.mv_data, KEY_LOG_BYTES), val.mv_data, val.mv_size,
                                &l->base.last);
    mdb_cursor_close(c);
    mdb_txn_reset(l->reader);
    *records = st.ms_entries;
    return err;
}

static exam_err explain(exam_err err, const char *dir, struct store_why why)
{
    switch (err) {
    case EXAM_VERSION:
        store_why_set(why,
                      "the data folder %s holds a log of another version: use the program that "
                      "wrote it",
                      dir);
        break;
    case EXAM_INVALID:
        store_why_set(why,
                      "the data folder %s holds a database of another program: give the node a "
                      "folder of its own",
                      dir);
        break;
    case EXAM_CORRUPT:
        store_why_set(why,
                      "the store in %s is damaged: keep the folder as it is for an examination, "
                      "and let this node start anew from another one",
                      dir);
        break;
    case EXAM_FULL:
        store_why_set(why, "the disk of the data folder %s is full: free some space", dir);
        break;
    default:
        store_why_set(why, "the store in %s cannot be opened: %s", dir, exam_err_text(err));
        break;
    }
    return err;
}

static exam_err open_in_folder(struct store_lmdb *l, const char *dir, const struct store_options *o,
                               struct store_why why)
{
    exam_err err = store_reserve_open(&l->reserve, o, dir, &l->folder, why);
    if (err)
        return err;
    int data_fd = -1;
    int rc = env_open(l, dir, o->no_sync);
    if (!rc)
        rc = mdb_env_get_fd(l->env, &data_fd);
    err = err_of(rc);
    if (err == EXAM_SYSTEM) {
        store_why_set(why, "the store in %s cannot be opened: %s", dir, mdb_strerror(rc));
        return err;
    }
    if (!err) {
        store_reserve_attach(&l->reserve, data_fd, used_bytes(l));
        err = dbs_open(l);
    }
    /* LMDB syncs its files, but not their names. */
    if (!err)
        err = store_folder_sync(&l->folder);
    uint64_t records = 0;
    if (!err)
        err = load_last(l, &records);
    if (!err && records != l->base.last.lsn)
        err = EXAM_CORRUPT;
    return err ? explain(err, dir, why) : EXAM_OK;
}

/* A store on the folder, which its owner has locked as `lock` does; its environment is not open. */
static exam_err on_folder(const char *dir,
                          exam_err (*lock)(const char *, struct store_folder *, struct store_why),
                          struct store_why why, struct store_lmdb **out)
{
    struct store_lmdb *l = calloc(1, sizeof *l);
    if (!l)
        return explain(EXAM_NOMEM, dir, why);
    l->base.ops = &lmdb_ops;
    l->reserve.file_fd = -1;
    exam_err err = lock(dir, &l->folder, why);
    if (err) {
        free(l);
        return err;
    }
    *out = l;
    return EXAM_OK;
}

/* Hands the store out, or closes what did not open. */
static exam_err opened(struct store_lmdb *l, exam_err err, store **out)
{
    if (err)
        lmdb_close(&l->base);
    else
        *out = &l->base;
    return err;
}

exam_err store_open(const char *dir, const struct store_options *o, store **out, char *why,
                    size_t why_bytes)
{
    static const struct store_options defaults = {0};
    struct store_why w = {why, why_bytes};
    struct store_lmdb *l;
    exam_err err = on_folder(dir, store_folder_open, w, &l);
    return err ? err : opened(l, open_in_folder(l, dir, o ? o : &defaults, w), out);
}

/* --- opening for reading only --- */

/* Nobody else is in the folder, so LMDB needs no lock file, and makes none. */
static int env_open_to_read(struct store_lmdb *l, const char *dir)
{
    int rc = mdb_env_create(&l->env);
    if (rc)
        return rc;
    l->sheds = true;
    rc = mdb_env_set_maxdbs(l->env, DBS);
    return rc ? rc : mdb_env_open(l->env, dir, MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS, 0600);
}

static exam_err dbs_open_to_read(struct store_lmdb *l)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(l->env, NULL, MDB_RDONLY, &txn);
    if (rc)
        return err_of(rc);
    exam_err err = format_read(l, txn);
    if (err == EXAM_NOT_FOUND)
        err = EXAM_INVALID;
    for (int db = 0; db < DBS && !err; db++)
        if (db_names[db] && mdb_dbi_open(txn, db_names[db], 0, &l->dbi[db]))
            err = EXAM_CORRUPT; /* they were all made with the store */
    if (err) {
        mdb_txn_abort(txn);
        return err;
    }
    return err_of(mdb_txn_commit(txn)); /* keeps the handles */
}

static exam_err open_env_to_read(struct store_lmdb *l, const char *dir, struct store_why why)
{
    uint64_t records = 0;
    int rc = env_open_to_read(l, dir);
    exam_err err = err_of(rc);
    if (rc == MDB_INVALID) {
        store_why_set(
            why, "%s/" STORE_FILE_DATA " is no store: it is another program's, or cut off", dir);
        return EXAM_INVALID;
    }
    if (err == EXAM_SYSTEM) {
        store_why_set(why, "the store in %s cannot be opened: %s", dir, mdb_strerror(rc));
        return err;
    }
    if (!err)
        err = dbs_open_to_read(l);
    if (!err)
        err = load_last(l, &records);
    return err ? explain(err, dir, why) : EXAM_OK;
}

exam_err store_open_to_read(const char *dir, store **out, char *why, size_t why_bytes)
{
    struct store_why w = {why, why_bytes};
    struct store_lmdb *l;
    exam_err err = on_folder(dir, store_folder_open_to_read, w, &l);
    return err ? err : opened(l, open_env_to_read(l, dir, w), out);
}
