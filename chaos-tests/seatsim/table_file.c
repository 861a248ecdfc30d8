#include "table_file.h"

#include <assert.h>
#include <csv.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct table {
    const char *const *columns;
    size_t columns_n;
    int place[TABLE_COLUMNS_MAX]; /* column of the file; -1: not in the header */
    char cell[TABLE_COLUMNS_MAX][TABLE_CELL_BYTES_MAX + 1];
    bool filled[TABLE_COLUMNS_MAX];
    int at; /* column of the file that comes next */
    uint64_t line;
    table_row row;
    void *ctx;
    exam_err err; /* sticky */
    char *why;
    size_t why_bytes;
};

static void table_fail(struct table *t, exam_err err, const char *what, const char *name)
{
    if (t->err != EXAM_OK)
        return;
    t->err = err;
    snprintf(t->why, t->why_bytes, "line %llu: %s %s", (unsigned long long)t->line, what, name);
}

/* Spreadsheets run cells that begin with these; exports put an apostrophe before them. */
static bool cell_is_shielded(const char *s, size_t n)
{
    return n >= 2 && s[0] == '\'' && strchr("=+-@\t\r'", s[1]) != NULL;
}

static void header_cell(struct table *t, const char *s, size_t n)
{
    if (t->at == 0 && n >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0) {
        s += 3;
        n -= 3;
    }
    for (size_t i = 0; i < t->columns_n; i++)
        if (strlen(t->columns[i]) == n && memcmp(t->columns[i], s, n) == 0)
            t->place[i] = t->at;
}

static void on_cell(void *cell, size_t n, void *ctx)
{
    struct table *t = ctx;
    const char *s = cell;
    if (t->line == 1)
        header_cell(t, s, n);
    for (size_t i = 0; t->line > 1 && i < t->columns_n; i++) {
        if (t->place[i] != t->at)
            continue;
        bool shielded = cell_is_shielded(s, n);
        size_t bytes = n - shielded;
        if (bytes > TABLE_CELL_BYTES_MAX) {
            table_fail(t, EXAM_TOO_BIG, "too long:", t->columns[i]);
            return;
        }
        memcpy(t->cell[i], s + shielded, bytes);
        t->cell[i][bytes] = '\0';
        t->filled[i] = true;
    }
    t->at++;
}

static void header_end(struct table *t)
{
    for (size_t i = 0; i < t->columns_n; i++)
        if (t->place[i] < 0)
            table_fail(t, EXAM_INVALID, "no column named", t->columns[i]);
}

static void row_end(struct table *t)
{
    const char *cells[TABLE_COLUMNS_MAX];
    for (size_t i = 0; i < t->columns_n; i++) {
        cells[i] = t->cell[i];
        if (!t->filled[i])
            table_fail(t, EXAM_INVALID, "no cell for the column", t->columns[i]);
        t->filled[i] = false;
    }
    if (t->err == EXAM_OK) {
        exam_err err = t->row(t->ctx, t->line, cells);
        if (err != EXAM_OK)
            table_fail(t, err, "refused:", exam_err_text(err));
    }
}

static void on_row(int end_char, void *ctx)
{
    (void)end_char;
    struct table *t = ctx;
    if (t->err == EXAM_OK && t->line == 1)
        header_end(t);
    else if (t->err == EXAM_OK)
        row_end(t);
    t->at = 0;
    t->line++;
}

static void table_parse(struct table *t, FILE *f, struct csv_parser *p)
{
    char block[64 * 1024];
    size_t n;
    while (t->err == EXAM_OK && (n = fread(block, 1, sizeof block, f)) > 0)
        if (csv_parse(p, block, n, on_cell, on_row, t) != n)
            table_fail(t, EXAM_MALFORMED, "not CSV:", csv_strerror(csv_error(p)));
    if (t->err == EXAM_OK && ferror(f))
        table_fail(t, EXAM_IO, "reading failed:", strerror(errno));
    if (t->err == EXAM_OK && csv_fini(p, on_cell, on_row, t) != 0)
        table_fail(t, EXAM_MALFORMED, "ends inside quotes", "");
    if (t->err == EXAM_OK && t->line == 1)
        table_fail(t, EXAM_INVALID, "the file is empty", "");
}

exam_err table_file_read(const char *path, const char *const *columns, size_t columns_n,
                         table_row row, void *ctx, char *why, size_t why_bytes)
{
    assert(columns_n > 0 && columns_n <= TABLE_COLUMNS_MAX);
    struct table t = {.columns = columns,
                      .columns_n = columns_n,
                      .line = 1,
                      .row = row,
                      .ctx = ctx,
                      .why = why,
                      .why_bytes = why_bytes};
    for (size_t i = 0; i < TABLE_COLUMNS_MAX; i++)
        t.place[i] = -1;
    FILE *f = fopen(path, "r");
    if (f == NULL) {
        snprintf(why, why_bytes, "cannot be opened: %s", strerror(errno));
        return EXAM_IO;
    }
    struct csv_parser p;
    if (csv_init(&p, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL) != 0) {
        fclose(f);
        return EXAM_NOMEM;
    }
    table_parse(&t, f, &p);
    csv_free(&p);
    fclose(f);
    return t.err;
}
