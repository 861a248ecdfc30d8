#include "csv_table.h"

#include <csv.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "codec.h"
#include "exam_err.h"

enum { CELLS_MAX = 64, CELL_NONE = -1 };

struct table_reader {
    const struct csv_layout *layout;
    struct problems *problems;
    csv_row_fn row;
    void *ctx;

    unsigned line;     /* being fed */
    unsigned row_line; /* where the row being read began; 0: between rows */
    unsigned rows;

    char *cell[CELLS_MAX]; /* of the row being read; owned */
    size_t cells;          /* seen in it, kept or not */
    bool no_memory;

    size_t header_cells;          /* 0: the header has not been read */
    bool header_wrong;            /* rows below it would only repeat what is wrong with it */
    int header_column[CELLS_MAX]; /* cell -> column of the layout, or CELL_NONE */
    bool has_column[CSV_COLUMNS_MAX];
};

static void row_reset(struct table_reader *r)
{
    for (size_t i = 0; i < r->cells && i < CELLS_MAX; i++) {
        free(r->cell[i]);
        r->cell[i] = NULL;
    }
    r->cells = 0;
    r->row_line = 0;
}

static void on_cell(void *bytes, size_t n, void *ctx)
{
    struct table_reader *r = ctx;

    if (r->row_line == 0)
        r->row_line = r->line;
    if (r->cells < CELLS_MAX) {
        r->cell[r->cells] = n > 0 ? strndup(bytes, n) : strdup("");
        r->no_memory = r->no_memory || r->cell[r->cells] == NULL;
    }
    r->cells++;
}

static const char *column_name(const struct table_reader *r, size_t cell)
{
    return r->layout->columns[r->header_column[cell]].name;
}

static int column_find(const struct csv_layout *layout, const char *name)
{
    for (size_t i = 0; i < layout->columns_n; i++)
        if (strcasecmp(layout->columns[i].name, name) == 0)
            return (int)i;
    return CELL_NONE;
}

static void columns_list(const struct csv_layout *layout, char *out, size_t out_bytes)
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < layout->columns_n && used < out_bytes; i++)
        used += (size_t)snprintf(out + used, out_bytes - used, "%s%s", i > 0 ? "," : "",
                                 layout->columns[i].name);
}

static void header_cell_take(struct table_reader *r, size_t i)
{
    char quoted[PROBLEM_QUOTE_BYTES];
    char expected[PROBLEM_BYTES / 2];
    const char *file = r->layout->file;
    int column = column_find(r->layout, r->cell[i]);

    r->header_column[i] = CELL_NONE;
    columns_list(r->layout, expected, sizeof expected);
    if (column == CELL_NONE) {
        problems_add(r->problems, file, r->row_line, "unknown column %s; the columns are %s",
                     problem_quote(r->cell[i], quoted), expected);
    } else if (r->has_column[column]) {
        problems_add(r->problems, file, r->row_line, "column %s stands here twice; remove one",
                     problem_quote(r->cell[i], quoted));
    } else {
        r->has_column[column] = true;
        r->header_column[i] = column;
    }
}

static void header_take(struct table_reader *r)
{
    char expected[PROBLEM_BYTES / 2];
    unsigned before = r->problems->n;

    r->header_cells = r->cells;
    if (r->cells > CELLS_MAX) {
        problems_add(r->problems, r->layout->file, r->row_line,
                     "the header has %zu columns; is it the right file?", r->cells);
        r->header_wrong = true;
        return;
    }
    for (size_t i = 0; i < r->cells; i++)
        header_cell_take(r, i);
    columns_list(r->layout, expected, sizeof expected);
    for (size_t i = 0; i < r->layout->columns_n; i++)
        if (r->layout->columns[i].required && !r->has_column[i])
            problems_add(r->problems, r->layout->file, r->row_line,
                         "column %s is missing; the first line names the columns: %s",
                         r->layout->columns[i].name, expected);
    r->header_wrong = r->problems->n > before;
}

static bool row_is_blank(const struct table_reader *r)
{
    for (size_t i = 0; i < r->cells && i < CELLS_MAX; i++)
        if (r->cell[i][0] != '\0')
            return false;
    return true;
}

static bool cell_is_text(struct table_reader *r, size_t i)
{
    char quoted[PROBLEM_QUOTE_BYTES];

    if (codec_text_ok(r->cell[i], strlen(r->cell[i])))
        return true;
    if (strpbrk(r->cell[i], "\r\n") != NULL)
        problems_add(r->problems, r->layout->file, r->row_line,
                     "%s %s has a line break in it; remove it", column_name(r, i),
                     problem_quote(r->cell[i], quoted));
    else
        problems_add(r->problems, r->layout->file, r->row_line,
                     "%s %s is not UTF-8 text; save the file as \"CSV UTF-8\"", column_name(r, i),
                     problem_quote(r->cell[i], quoted));
    return false;
}

static void row_take(struct table_reader *r)
{
    const char *cells[CSV_COLUMNS_MAX];
    bool sound = true;

    r->rows++;
    if (r->cells != r->header_cells) {
        problems_add(r->problems, r->layout->file, r->row_line,
                     "has %zu cells, the header has %zu; a comma inside of a cell needs quotes",
                     r->cells, r->header_cells);
        return;
    }
    for (size_t i = 0; i < r->layout->columns_n; i++)
        cells[i] = "";
    for (size_t i = 0; i < r->cells; i++) {
        sound = cell_is_text(r, i) && sound;
        if (r->header_column[i] != CELL_NONE)
            cells[r->header_column[i]] = r->cell[i];
    }
    if (sound)
        r->row(r->ctx, r->row_line, cells);
}

static void on_row_end(int terminator, void *ctx)
{
    struct table_reader *r = ctx;

    (void)terminator;
    if (r->cells > 0 && !r->no_memory && !row_is_blank(r)) {
        if (r->header_cells == 0)
            header_take(r);
        else if (!r->header_wrong)
            row_take(r);
    }
    row_reset(r);
}

/* The bytes up to and with the next line end: LF, CRLF or a lone CR. */
static size_t line_bytes(const char *at, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (at[i] == '\n')
            return i + 1;
        if (at[i] == '\r')
            return i + 1 < n && at[i + 1] == '\n' ? i + 2 : i + 1;
    }
    return n;
}

static void quote_problem(struct table_reader *r)
{
    problems_add(r->problems, r->layout->file, r->row_line != 0 ? r->row_line : r->line,
                 "a quoted cell begins here and is not closed properly; double every quote that "
                 "belongs to the text, and close the cell");
}

/* Fed line by line, because libcsv counts none. */
static void lines_feed(struct table_reader *r, struct csv_parser *parser, const char *text,
                       size_t n)
{
    while (n > 0) {
        size_t step = line_bytes(text, n);

        r->line++;
        if (csv_parse(parser, text, step, on_cell, on_row_end, r) != step) {
            if (csv_error(parser) == CSV_ENOMEM)
                r->no_memory = true;
            else
                quote_problem(r);
            return;
        }
        /* A quoted cell that goes on over the line's end belongs to the line it began on. */
        if (r->row_line == 0 && parser->entry_pos > 0)
            r->row_line = r->line;
        text += step;
        n -= step;
    }
    if (csv_fini(parser, on_cell, on_row_end, r) != 0)
        quote_problem(r);
}

static bool looks_like_text(const struct csv_layout *layout, const char *text, size_t bytes,
                            struct problems *p)
{
    if (bytes == 0)
        problems_add(p, layout->file, 0, "is empty; export it again");
    else if (memchr(text, '\0', bytes) != NULL)
        problems_add(p, layout->file, 0,
                     "holds NUL bytes, so it is no UTF-8 text; save the file as \"CSV UTF-8\"");
    else
        return true;
    return false;
}

void csv_table_read(const struct csv_layout *layout, const char *text, size_t bytes,
                    struct problems *p, csv_row_fn row, void *ctx)
{
    struct table_reader r = {.layout = layout, .problems = p, .row = row, .ctx = ctx};
    unsigned before = p->n;
    struct csv_parser parser;

    if (!looks_like_text(layout, text, bytes, p))
        return;
    if (bytes >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        text += 3;
        bytes -= 3;
    }
    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) != 0) {
        problems_add(p, layout->file, 0, "does not fit in memory; free some and try again");
        return;
    }
    lines_feed(&r, &parser, text, bytes);
    csv_free(&parser);
    row_reset(&r);
    if (r.no_memory)
        problems_add(p, layout->file, r.line, "does not fit in memory; free some and try again");
    else if (r.rows == 0 && p->n == before)
        problems_add(p, layout->file, 0, "has no rows below its header; export it again");
}
