#include "whole_export.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "export_form.h"
#include "json_output.h"
#include "language.h"
#include "report.h"

struct writing {
    store *s;
    FILE *to;
    const struct event_shown *shown;
    struct event_words words;
    struct export_check check;
    exam_err err; /* the first failure */
};

static const char *const table_names[STORE_TABLES] = {
    [STORE_META] = "meta", [STORE_STATE] = "state"};

/* ---------------------------------------------------------------- lines */

static void put_line(struct writing *w, json_t *line)
{
    char tail[EXPORT_TAIL_BYTES + 1];
    char *text = line && !w->err ? json_dumps(line, JSON_COMPACT) : NULL;
    json_decref(line);
    if (w->err)
        return;
    if (!text) {
        w->err = EXAM_NOMEM;
        return;
    }
    size_t n = strlen(text) - 1; /* the bracket is the tail's */
    export_check_next(&w->check, text, n, tail);
    if (fwrite(text, 1, n, w->to) != n || fprintf(w->to, "%s\n", tail) < 0)
        w->err = EXAM_IO;
    free(text);
}

static json_t *base64_of(const uint8_t *bytes, size_t n)
{
    size_t room = sodium_base64_ENCODED_LEN(n, sodium_base64_VARIANT_ORIGINAL);
    char *text = malloc(room);
    if (!text)
        return NULL;
    json_t *j =
        json_string(sodium_bin2base64(text, room, bytes, n, sodium_base64_VARIANT_ORIGINAL));
    free(text);
    return j;
}

/* A stored value is one run of bytes: head, event (record.h). */
static json_t *raw_of(const struct record *r)
{
    return base64_of(r->event - RECORD_HEADER_BYTES, RECORD_HEADER_BYTES + r->event_bytes);
}

/* ---------------------------------------------------------------- the head */

static exam_err count_entry(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value,
                            size_t value_bytes)
{
    uint64_t *n = ctx;
    (void)key;
    (void)key_bytes;
    (void)value;
    (void)value_bytes;
    (*n)++;
    return EXAM_OK;
}

static void put_head(struct writing *w)
{
    const struct position last = store_last(w->s);
    uint64_t entries[STORE_TABLES] = {0};
    char hash[2 * HEX_BYTES_MAX + 1];
    for (int t = 0; t < STORE_TABLES && !w->err; t++)
        w->err = store_read_table(w->s, (enum store_table)t, "", 0, count_entry, &entries[t]);
    hex_format(last.hash, HASH_BYTES, hash);
    put_line(w, json_pack("{s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:s}", EXPORT_HEAD, EXPORT_VERSION,
                          "log_version", LOG_VERSION, "records", (json_int_t)last.lsn,
                          "branch_records", (json_int_t)store_branch_records(w->s), "meta_entries",
                          (json_int_t)entries[STORE_META], "state_entries",
                          (json_int_t)entries[STORE_STATE], "last_epoch", (json_int_t)last.epoch,
                          "last_hash", hash));
}

/* ---------------------------------------------------------------- what follows it */

static bool wants(void *ctx, const struct replay_record *at)
{
    const struct writing *w = ctx;
    (void)at;
    return !w->err;
}

static void seen(void *ctx, const struct replay *p, const struct replay_record *at)
{
    struct writing *w = ctx;
    event_tell(p->x, at->event, &w->words);
    json_t *line = json_of_record(p->x, at, &w->words, w->shown);
    if (line && json_object_set_new(line, "raw", raw_of(at->r)) != 0)
        w->err = EXAM_NOMEM;
    put_line(w, line);
}

struct branch_writing {
    struct writing *w;
    uint64_t branch;
};

static exam_err put_branch_record(void *ctx, const struct record *r)
{
    struct branch_writing *b = ctx;
    put_line(b->w, json_pack("{s:I, s:I, s:o}", "branch", (json_int_t)b->branch, "lsn",
                             (json_int_t)r->lsn, "raw", raw_of(r)));
    return b->w->err;
}

static exam_err put_branches(struct writing *w)
{
    struct branch_writing b = {.w = w, .branch = 1};
    exam_err err;
    while (!(err = store_read_branch(w->s, b.branch, 0, put_branch_record, &b)))
        b.branch++;
    return err == EXAM_NOT_FOUND ? EXAM_OK : err;
}

struct table_writing {
    struct writing *w;
    enum store_table table;
};

static exam_err put_entry(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value,
                          size_t value_bytes)
{
    struct table_writing *t = ctx;
    char hex[2 * EXPORT_KEY_BYTES_MAX + 1];
    if (key_bytes > EXPORT_KEY_BYTES_MAX)
        return EXAM_CORRUPT;
    sodium_bin2hex(hex, sizeof hex, key, key_bytes);
    put_line(t->w, json_pack("{s:s, s:s, s:o}", "table", table_names[t->table], "key", hex, "value",
                             base64_of(value, value_bytes)));
    return t->w->err;
}

static void put_tables(struct writing *w)
{
    struct table_writing t = {.w = w};
    for (int i = 0; i < STORE_TABLES && !w->err; i++) {
        t.table = (enum store_table)i;
        w->err = store_read_table(w->s, t.table, "", 0, put_entry, &t);
    }
}

enum exit_code whole_export_write(struct log_reader *r, const struct event_shown *shown, FILE *to)
{
    static struct writing w;
    const struct replay_hooks hooks = {.ctx = &w, .wants = wants, .seen = seen};
    w = (struct writing){.s = r->s, .to = to, .shown = shown};
    put_head(&w);
    enum exit_code code = log_reader_show(r, UINT64_MAX, &hooks);
    if (code != EXIT_CODE_DONE)
        return code;
    if (!w.err)
        w.err = put_branches(&w);
    if (!w.err)
        put_tables(&w);
    if (!w.err)
        return EXIT_CODE_DONE;
    report_error(_("cannot make the export: %s"), exam_err_text(w.err));
    return EXIT_CODE_INTERNAL;
}
