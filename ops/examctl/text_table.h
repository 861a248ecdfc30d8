/* text_table.h - columns that line up on a terminal, Chinese text included.
 * Pure. Widths are terminal cells (wcwidth), which needs a UTF-8 locale for LC_CTYPE; bytes that
 * are no UTF-8 count as one cell each. Sticky: out of memory shows when printing. */
#ifndef EXAMCTL_TEXT_TABLE_H
#define EXAMCTL_TEXT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "exam_err.h"

enum { TEXT_TABLE_COLUMNS_MAX = 16 };

struct text_column {
    const char *header;
    bool right; /* figures */
};

struct text_table {
    const struct text_column *columns; /* the caller's */
    size_t columns_n;
    char **cells; /* row after row */
    size_t cells_n;
    size_t room;
    bool no_memory;
};

void text_table_init(struct text_table *t, const struct text_column *columns, size_t columns_n);
void text_table_fini(struct text_table *t);

/* Adds the next cell; rows fill from left to right. */
void text_table_add(struct text_table *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The header and the rows; the last row must be full. EXAM_NOMEM. */
EXAM_MUST_USE exam_err text_table_print(const struct text_table *t, FILE *to);

/* How many terminal cells a text takes. */
size_t text_width(const char *text);

/* Makes LC_CTYPE a UTF-8 locale, the user's own if it is one. */
void text_locale_init(void);

#endif
