#include "export_store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "export_form.h"
#include "language.h"
#include "store_backend.h"

enum {
    STRIDE_LINES = 256,              /* between two places that are kept */
    LET_GO_BYTES = 16 * 1024 * 1024, /* of the file, that a reader has passed */
    PAGE_BYTES = 64 * 1024,          /* a multiple of any page */
    BRANCH_KEY_BYTES = 12,
};

/* One record of a dead branch, or one entry of a table. */
struct kept {
    uint8_t key[EXPORT_KEY_BYTES_MAX];
    size_t key_bytes, value_bytes;
    uint8_t *value;
};

struct kept_list { /* by key */
    struct kept *at;
    size_t n, max;
};

struct export_store {
    struct store base; /* first: a store is cast to it */
    const char *text;
    size_t bytes;
    uint64_t lines;   /* that are as they were written */
    uint64_t *places; /* of each STRIDE_LINES-th line, its first byte */
    uint64_t branch_records, entries[STORE_TABLES]; /* as the head says */
    struct kept_list branches, tables[STORE_TABLES];
    uint64_t next_line, next_at; /* where a reader that goes on will be */
    uint64_t held_at;            /* what was read from there on is in memory still */
};

static struct export_store *export_of(struct store *s)
{
    return (struct export_store *)s;
}

/* ---------------------------------------------------------------- values */

static json_t *line_parse(const char *line, size_t n)
{
    return json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
}

/* To out[0..*n), `max` of room. False: it is no base64 of so few bytes. */
static bool base64_take(const char *text, uint8_t *out, size_t max, size_t *n)
{
    const char *end;
    return sodium_base642bin(out, max, text, strlen(text), NULL, n, &end,
                             sodium_base64_VARIANT_ORIGINAL) == 0 &&
           *end == '\0';
}

static bool hex_take(const char *text, uint8_t *out, size_t max, size_t *n)
{
    const char *end;
    return sodium_hex2bin(out, max, text, strlen(text), NULL, n, &end) == 0 && *end == '\0';
}

static void put_be(uint8_t *out, uint64_t v, size_t bytes)
{
    for (size_t i = bytes; i > 0; i--, v >>= 8)
        out[i - 1] = (uint8_t)v;
}

static uint64_t get_be(const uint8_t *in, size_t bytes)
{
    uint64_t v = 0;
    for (size_t i = 0; i < bytes; i++)
        v = v << 8 | in[i];
    return v;
}

/* ---------------------------------------------------------------- what is kept in memory */

static int key_order(const struct kept *k, const uint8_t *key, size_t key_bytes)
{
    int order = memcmp(k->key, key, k->key_bytes < key_bytes ? k->key_bytes : key_bytes);
    return order ? order : (k->key_bytes > key_bytes) - (k->key_bytes < key_bytes);
}

static exam_err keep(struct kept_list *list, const uint8_t *key, size_t key_bytes,
                     const char *base64)
{
    size_t room = strlen(base64) / 4 * 3 + 3, n;
    if (key_bytes < 1 || (list->n > 0 && key_order(&list->at[list->n - 1], key, key_bytes) >= 0))
        return EXAM_CORRUPT;
    if (list->n == list->max) {
        size_t max = list->max ? 2 * list->max : 64;
        struct kept *more = realloc(list->at, max * sizeof *more);
        if (!more)
            return EXAM_NOMEM;
        list->at = more;
        list->max = max;
    }
    uint8_t *value = malloc(room);
    if (!value)
        return EXAM_NOMEM;
    if (!base64_take(base64, value, room, &n)) {
        free(value);
        return EXAM_CORRUPT;
    }
    struct kept *k = &list->at[list->n++];
    *k = (struct kept){.key_bytes = key_bytes, .value = value, .value_bytes = n};
    memcpy(k->key, key, key_bytes);
    return EXAM_OK;
}

static void list_fini(struct kept_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->at[i].value);
    free(list->at);
}

/* The first one whose key is not below. */
static size_t list_find(const struct kept_list *list, const uint8_t *key, size_t key_bytes)
{
    size_t low = 0, high = list->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (key_order(&list->at[middle], key, key_bytes) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool begins_with(const struct kept *k, const void *prefix, size_t bytes)
{
    return k->key_bytes >= bytes && (bytes == 0 || memcmp(k->key, prefix, bytes) == 0);
}

/* ---------------------------------------------------------------- sorts of lines */

enum sort { SORT_HEAD, SORT_RECORD, SORT_BRANCH, SORT_META, SORT_STATE, SORT_NONE };

/* By its number, from 0; *nth: which one of its sort, from 1. */
static enum sort sort_of(const struct export_store *e, uint64_t line, uint64_t *nth)
{
    const uint64_t of_sort[] = {1, e->base.last.lsn, e->branch_records, e->entries[STORE_META],
                                e->entries[STORE_STATE]};
    for (int sort = SORT_HEAD; sort < SORT_NONE; sort++) {
        *nth = line + 1;
        if (line < of_sort[sort])
            return (enum sort)sort;
        line -= of_sort[sort];
    }
    return SORT_NONE;
}

static uint64_t lines_of(const struct export_store *e)
{
    return 1 + e->base.last.lsn + e->branch_records + e->entries[STORE_META] +
           e->entries[STORE_STATE];
}

static bool count_take(json_int_t n, uint64_t *out)
{
    *out = (uint64_t)n;
    return n >= 0 && n < INT64_C(1) << 56;
}

static exam_err take_head(struct export_store *e, const char *line, size_t n)
{
    int version = 0, log_version = 0;
    json_int_t records = -1, branch_records = -1, meta = -1, state = -1, epoch = -1;
    const char *hash;
    size_t hash_bytes;
    json_t *o = line_parse(line, n);
    exam_err err = EXAM_CORRUPT;
    if (json_unpack(o, "{s:i, s:i}", EXPORT_HEAD, &version, "log_version", &log_version) == 0 &&
        (version != EXPORT_VERSION || log_version != LOG_VERSION))
        err = EXAM_VERSION;
    else if (json_unpack(o, "{s:I, s:I, s:I, s:I, s:I, s:s}", "records", &records, "branch_records",
                         &branch_records, "meta_entries", &meta, "state_entries", &state,
                         "last_epoch", &epoch, "last_hash", &hash) == 0 &&
             count_take(records, &e->base.last.lsn) &&
             count_take(branch_records, &e->branch_records) &&
             count_take(meta, &e->entries[STORE_META]) &&
             count_take(state, &e->entries[STORE_STATE]) &&
             count_take(epoch, &e->base.last.epoch) &&
             hex_take(hash, e->base.last.hash, HASH_BYTES, &hash_bytes) && hash_bytes == HASH_BYTES)
        err = EXAM_OK;
    json_decref(o);
    return err;
}

static exam_err take_branch(struct export_store *e, const char *line, size_t n)
{
    json_int_t branch = 0, lsn = 0;
    const char *raw;
    uint8_t key[BRANCH_KEY_BYTES];
    json_t *o = line_parse(line, n);
    exam_err err = EXAM_CORRUPT;
    if (json_unpack(o, "{s:I, s:I, s:s}", "branch", &branch, "lsn", &lsn, "raw", &raw) == 0 &&
        branch >= 1 && branch <= UINT32_MAX && lsn >= 1) {
        put_be(key, (uint64_t)branch, 4);
        put_be(key + 4, (uint64_t)lsn, 8);
        err = keep(&e->branches, key, sizeof key, raw);
    }
    json_decref(o);
    return err;
}

static exam_err take_entry(struct export_store *e, enum store_table t, const char *line, size_t n)
{
    const char *hex, *value;
    uint8_t key[EXPORT_KEY_BYTES_MAX];
    size_t key_bytes;
    json_t *o = line_parse(line, n);
    exam_err err = EXAM_CORRUPT;
    if (json_unpack(o, "{s:s, s:s}", "key", &hex, "value", &value) == 0 &&
        hex_take(hex, key, sizeof key, &key_bytes))
        err = keep(&e->tables[t], key, key_bytes, value);
    json_decref(o);
    return err;
}

/* Records are looked at when they are read. */
static exam_err take_line(struct export_store *e, const char *line, size_t n)
{
    uint64_t nth;
    switch (e->lines == 0 ? SORT_HEAD : sort_of(e, e->lines, &nth)) {
    case SORT_HEAD:
        return take_head(e, line, n);
    case SORT_BRANCH:
        return take_branch(e, line, n);
    case SORT_META:
        return take_entry(e, STORE_META, line, n);
    case SORT_STATE:
        return take_entry(e, STORE_STATE, line, n);
    default:
        return EXAM_OK;
    }
}

/* ---------------------------------------------------------------- looking through the file */

/* Memory does not grow with the length of the log: pages that were passed are the kernel's again.
 */
static void pass(struct export_store *e, uint64_t at)
{
    uint64_t from = e->held_at / PAGE_BYTES * PAGE_BYTES, to = at / PAGE_BYTES * PAGE_BYTES;
    if (at >= e->held_at && at - e->held_at < LET_GO_BYTES)
        return;
    if (at > e->held_at)
        (void)madvise((void *)(uintptr_t)(e->text + from), to - from, MADV_DONTNEED);
    e->held_at = at;
}

/* "record 811", of the line that is looked at. */
static void name_line(const struct export_store *e, char *out, size_t out_bytes)
{
    uint64_t nth;
    switch (e->lines == 0 ? SORT_HEAD : sort_of(e, e->lines, &nth)) {
    case SORT_RECORD:
        snprintf(out, out_bytes, _("record %" PRIu64), nth);
        return;
    case SORT_BRANCH:
        snprintf(out, out_bytes, "%s", _("a record of a dead branch"));
        return;
    case SORT_META:
    case SORT_STATE:
        snprintf(out, out_bytes, "%s", _("the tables"));
        return;
    case SORT_HEAD:
        snprintf(out, out_bytes, "%s", _("its head"));
        return;
    default:
        snprintf(out, out_bytes, "%s", _("behind its last line"));
    }
}

static void damaged(const struct export_store *e, uint64_t at, const char *what,
                    struct export_damage *damage)
{
    char name[64];
    name_line(e, name, sizeof name);
    damage->found = true;
    snprintf(damage->text, sizeof damage->text,
             _("line %" PRIu64 " of the export (byte %" PRIu64 ", %s) %s"), e->lines + 1, at, name,
             what);
}

/* One line, [at..at + n) without its end. */
static exam_err look_at_line(struct export_store *e, uint64_t at, size_t n,
                             struct export_check *check)
{
    const char *line = e->text + at;
    char tail[EXPORT_TAIL_BYTES + 1];
    if (n <= EXPORT_TAIL_BYTES || n > EXPORT_LINE_BYTES_MAX)
        return EXAM_CORRUPT;
    export_check_next(check, line, n - EXPORT_TAIL_BYTES, tail);
    if (memcmp(line + n - EXPORT_TAIL_BYTES, tail, EXPORT_TAIL_BYTES) != 0)
        return EXAM_CORRUPT;
    if (e->lines % STRIDE_LINES == 0)
        e->places[e->lines / STRIDE_LINES] = at;
    return take_line(e, line, n);
}

/* Up to the first line that is not as it was written. */
static exam_err look_through(struct export_store *e, struct export_damage *damage)
{
    struct export_check check = {.value = {0}};
    uint64_t at = 0;
    exam_err err = EXAM_OK;
    while (!err && (e->lines == 0 || e->lines < lines_of(e))) {
        const char *end = memchr(e->text + at, '\n', e->bytes - at);
        if (at == e->bytes || !end) {
            damaged(e, at,
                    at == e->bytes ? _("is not there: the file was cut off before it")
                                   : _("is not whole: the file was cut off within it"),
                    damage);
            return e->lines > 0 ? EXAM_OK : EXAM_CORRUPT;
        }
        size_t n = (size_t)(end - (e->text + at));
        err = look_at_line(e, at, n, &check);
        if (err == EXAM_CORRUPT && e->lines > 0) {
            damaged(e, at, _("is not what was written, or not in its place"), damage);
            return EXAM_OK;
        }
        e->lines += !err;
        at += n + 1;
        pass(e, at);
    }
    if (!err && at < e->bytes)
        damaged(e, at, _("does not belong to it: something was added"), damage);
    return err;
}

/* ---------------------------------------------------------------- reading */

static void export_close(struct store *s)
{
    struct export_store *e = export_of(s);
    list_fini(&e->branches);
    for (int t = 0; t < STORE_TABLES; t++)
        list_fini(&e->tables[t]);
    free(e->places);
    if (e->text)
        (void)munmap((void *)(uintptr_t)e->text, e->bytes);
    free(e);
}

/* Where a line begins. It is one of those that are as they were written. */
static uint64_t place_of(const struct export_store *e, uint64_t line)
{
    if (line == e->next_line)
        return e->next_at;
    uint64_t at = e->places[line / STRIDE_LINES];
    for (uint64_t i = line / STRIDE_LINES * STRIDE_LINES; i < line; i++)
        at = (uint64_t)((const char *)memchr(e->text + at, '\n', e->bytes - at) - e->text) + 1;
    return at;
}

static exam_err give_record(const char *line, size_t n, uint64_t lsn, uint8_t *value,
                            store_each_record *each, void *ctx)
{
    json_int_t written = 0;
    const char *raw;
    size_t bytes;
    struct record r;
    json_t *o = line_parse(line, n);
    bool good = json_unpack(o, "{s:I, s:s}", "lsn", &written, "raw", &raw) == 0 &&
                (uint64_t)written == lsn && base64_take(raw, value, RECORD_BYTES_MAX, &bytes);
    json_decref(o);
    if (!good || record_open(lsn, value, bytes, &r))
        return EXAM_CORRUPT;
    return each(ctx, &r);
}

static exam_err export_read_log(struct store *s, uint64_t first, uint64_t last,
                                store_each_record *each, void *ctx)
{
    struct export_store *e = export_of(s);
    uint8_t *value = malloc(RECORD_BYTES_MAX); /* its own: a callback may read, too */
    exam_err err = value ? EXAM_OK : EXAM_NOMEM;
    for (uint64_t lsn = first; lsn <= last && !err; lsn++) { /* line `lsn`, as the head is line 0 */
        if (lsn >= e->lines) {
            err = EXAM_CORRUPT;
            break;
        }
        uint64_t at = place_of(e, lsn);
        size_t n =
            (size_t)((const char *)memchr(e->text + at, '\n', e->bytes - at) - (e->text + at));
        e->next_line = lsn + 1;
        e->next_at = at + n + 1;
        pass(e, at);
        err = give_record(e->text + at, n, lsn, value, each, ctx);
    }
    free(value);
    return err;
}

static exam_err export_get(struct store *s, enum store_table t, struct store_bytes key,
                           const uint8_t **value, size_t *value_bytes)
{
    const struct kept_list *list = &export_of(s)->tables[t];
    size_t i = list_find(list, key.at, key.bytes);
    if (i == list->n || key_order(&list->at[i], key.at, key.bytes) != 0)
        return EXAM_NOT_FOUND;
    *value = list->at[i].value;
    *value_bytes = list->at[i].value_bytes;
    return EXAM_OK;
}

static exam_err export_read_table(struct store *s, enum store_table t, struct store_bytes prefix,
                                  store_each_entry *each, void *ctx)
{
    const struct kept_list *list = &export_of(s)->tables[t];
    exam_err err = EXAM_OK;
    for (size_t i = list_find(list, prefix.at, prefix.bytes);
         i < list->n && begins_with(&list->at[i], prefix.at, prefix.bytes) && !err; i++)
        err = each(ctx, list->at[i].key, list->at[i].key_bytes, list->at[i].value,
                   list->at[i].value_bytes);
    return err;
}

static exam_err export_branch_records(struct store *s, uint64_t *n)
{
    *n = export_of(s)->branch_records;
    return EXAM_OK;
}

static exam_err export_read_branch(struct store *s, uint64_t branch, uint64_t first_lsn,
                                   store_each_record *each, void *ctx)
{
    const struct kept_list *list = &export_of(s)->branches;
    uint8_t from[BRANCH_KEY_BYTES];
    exam_err err = EXAM_OK;
    if (branch < 1 || branch > UINT32_MAX)
        return EXAM_NOT_FOUND;
    put_be(from, branch, 4);
    put_be(from + 4, 0, 8);
    size_t i = list_find(list, from, sizeof from);
    if (i == list->n || !begins_with(&list->at[i], from, 4))
        return EXAM_NOT_FOUND;
    put_be(from + 4, first_lsn, 8);
    i = list_find(list, from, sizeof from);
    for (; i < list->n && begins_with(&list->at[i], from, 4) && !err; i++) {
        const struct kept *k = &list->at[i];
        struct record r;
        err = record_open(get_be(k->key + 4, 8), k->value, k->value_bytes, &r);
        if (!err)
            err = each(ctx, &r);
    }
    return err;
}

static const struct store_ops export_ops = {
    .close = export_close,
    .read_log = export_read_log,
    .get = export_get,
    .read_table = export_read_table,
    .branch_records = export_branch_records,
    .read_branch = export_read_branch,
};

/* ---------------------------------------------------------------- opening */

/* EXAM_NOT_FOUND: it is no regular file, or does not begin as an export does. */
static exam_err map(const char *path, struct export_store *e)
{
    static const char begin[] = "{\"" EXPORT_HEAD "\":";
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    exam_err err = EXAM_NOT_FOUND;
    if (fd < 0)
        return err;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (size_t)st.st_size >= sizeof begin - 1) {
        void *at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        err = at == MAP_FAILED ? EXAM_SYSTEM : EXAM_OK;
        e->text = at == MAP_FAILED ? NULL : at;
        e->bytes = (size_t)st.st_size;
    }
    close(fd);
    if (!err && memcmp(e->text, begin, sizeof begin - 1) != 0)
        err = EXAM_NOT_FOUND;
    return err;
}

static void explain(exam_err err, const char *path, char *why, size_t why_bytes)
{
    if (err == EXAM_CORRUPT)
        snprintf(why, why_bytes,
                 _("%s: the head of the export is damaged or cut off: nothing of it can be read"),
                 path);
    else if (err == EXAM_VERSION)
        snprintf(why, why_bytes,
                 _("%s is an export of another version: use the program that wrote it"), path);
    else
        snprintf(why, why_bytes, "%s: %s", path,
                 err == EXAM_SYSTEM ? strerror(errno) : exam_err_text(err));
}

exam_err export_store_open(const char *path, store **out, struct export_damage *damage, char *why,
                           size_t why_bytes)
{
    struct export_store *e = calloc(1, sizeof *e);
    if (!e)
        return EXAM_NOMEM;
    e->base.ops = &export_ops;
    *damage = (struct export_damage){.found = false};
    exam_err err = map(path, e);
    if (!err) {
        e->places = calloc(e->bytes / EXPORT_TAIL_BYTES / STRIDE_LINES + 1, sizeof *e->places);
        err = e->places ? look_through(e, damage) : EXAM_NOMEM;
    }
    if (!err) {
        *out = &e->base;
        return EXAM_OK;
    }
    if (err != EXAM_NOT_FOUND)
        explain(err, path, why, why_bytes);
    export_close(&e->base);
    return err;
}
