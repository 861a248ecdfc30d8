/* csv_table.h - a strict reader of CSV files with a header line.
 * Pure: text in, rows out. A byte order mark and CRLF are tolerated, a spreadsheet's empty rows are
 * skipped; an unknown column is an error, because a misspelt `extra_minutes` that nobody reads
 * would cost a candidate the time. Every cell is checked to be UTF-8 without control characters. */
#ifndef EXAMCTL_CSV_TABLE_H
#define EXAMCTL_CSV_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "problems.h"

enum { CSV_COLUMNS_MAX = 16 };

struct csv_column {
    const char *name;
    bool required; /* else its cells are "" when the file does not have it */
};

struct csv_layout {
    const char *file; /* for messages */
    const struct csv_column *columns;
    size_t columns_n; /* at most CSV_COLUMNS_MAX */
};

/* One sound row: cells in the order of the layout; they live until the call returns. `line` is
 * where the row begins. */
typedef void (*csv_row_fn)(void *ctx, unsigned line, const char *const cells[]);

/* Hands out every sound row; whatever is wrong is noted in `p` (a file without any row, too). */
void csv_table_read(const struct csv_layout *layout, const char *text, size_t bytes,
                    struct problems *p, csv_row_fn row, void *ctx);

#endif
