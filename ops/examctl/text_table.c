#include "text_table.h"

#include <assert.h>
#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

void text_locale_init(void)
{
    (void)setlocale(LC_CTYPE, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        (void)setlocale(LC_CTYPE, "C.UTF-8");
}

size_t text_width(const char *text)
{
    mbstate_t state = {0};
    size_t left = strlen(text);
    size_t width = 0;

    while (left > 0) {
        wchar_t c;
        size_t n = mbrtowc(&c, text, left, &state);

        if (n == 0 || n > left) { /* no UTF-8: show it as one cell and go on behind it */
            memset(&state, 0, sizeof state);
            width++;
            n = 1;
        } else {
            int cells = wcwidth(c);

            width += cells < 0 ? 1 : (size_t)cells;
        }
        text += n;
        left -= n;
    }
    return width;
}

void text_table_init(struct text_table *t, const struct text_column *columns, size_t columns_n)
{
    assert(columns_n > 0 && columns_n <= TEXT_TABLE_COLUMNS_MAX);
    *t = (struct text_table){.columns = columns, .columns_n = columns_n};
}

void text_table_fini(struct text_table *t)
{
    for (size_t i = 0; i < t->cells_n; i++)
        free(t->cells[i]);
    free(t->cells);
    t->cells = NULL;
    t->cells_n = 0;
}

void text_table_add(struct text_table *t, const char *format, ...)
{
    char *cell = NULL;
    va_list args;

    if (t->no_memory)
        return;
    if (t->cells_n == t->room) {
        size_t room = t->room == 0 ? 64 : t->room * 2;
        char **cells = realloc(t->cells, room * sizeof *cells);

        t->no_memory = cells == NULL;
        if (t->no_memory)
            return;
        t->cells = cells;
        t->room = room;
    }
    va_start(args, format);
    t->no_memory = vasprintf(&cell, format, args) < 0;
    va_end(args);
    if (!t->no_memory)
        t->cells[t->cells_n++] = cell;
}

static void cell_print(const char *text, size_t width, bool right, bool last, FILE *to)
{
    size_t fill = width - text_width(text);

    if (right)
        fprintf(to, "%*s%s", (int)fill, "", text);
    else if (last)
        fputs(text, to); /* no blanks at a line's end */
    else
        fprintf(to, "%s%*s", text, (int)fill, "");
    fputs(last ? "\n" : "  ", to);
}

exam_err text_table_print(const struct text_table *t, FILE *to)
{
    size_t width[TEXT_TABLE_COLUMNS_MAX];
    size_t n = t->columns_n;

    if (t->no_memory)
        return EXAM_NOMEM;
    assert(t->cells_n % n == 0);
    for (size_t i = 0; i < n; i++)
        width[i] = text_width(t->columns[i].header);
    for (size_t i = 0; i < t->cells_n; i++) {
        size_t cells = text_width(t->cells[i]);

        if (cells > width[i % n])
            width[i % n] = cells;
    }
    for (size_t i = 0; i < n; i++)
        cell_print(t->columns[i].header, width[i], t->columns[i].right, i + 1 == n, to);
    for (size_t i = 0; i < t->cells_n; i++)
        cell_print(t->cells[i], width[i % n], t->columns[i % n].right, i % n + 1 == n, to);
    return EXAM_OK;
}
