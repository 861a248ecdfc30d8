#include "roster.h"

#include <stdlib.h>
#include <string.h>

#include "table_file.h"

struct roster_reading {
    struct roster r;
    uint32_t capacity;
};

static exam_err cell_copy(char out[NAME_BYTES_MAX + 1], const char *cell)
{
    size_t n = strlen(cell);
    if (n == 0 || n > NAME_BYTES_MAX)
        return EXAM_INVALID;
    memcpy(out, cell, n + 1);
    return EXAM_OK;
}

static exam_err roster_grow(struct roster_reading *g)
{
    if (g->r.n < g->capacity)
        return EXAM_OK;
    if (g->r.n == SITTINGS_MAX)
        return EXAM_TOO_BIG;
    uint32_t capacity = g->capacity ? g->capacity * 2 : 512;
    struct roster_row *row = realloc(g->r.row, capacity * sizeof *row);
    if (row == NULL)
        return EXAM_NOMEM;
    g->r.row = row;
    g->capacity = capacity;
    return EXAM_OK;
}

static exam_err roster_add(void *ctx, uint64_t line, const char *const *cells)
{
    (void)line;
    struct roster_reading *g = ctx;
    exam_err err = roster_grow(g);
    if (err != EXAM_OK)
        return err;
    struct roster_row *row = &g->r.row[g->r.n];
    char *const to[3] = {row->admission_no, row->id_no, row->seat};
    for (int i = 0; i < 3; i++) {
        err = cell_copy(to[i], cells[i]);
        if (err != EXAM_OK)
            return err;
    }
    g->r.n++;
    return EXAM_OK;
}

exam_err roster_read(const char *path, struct roster *out, char *why, size_t why_bytes)
{
    static const char *const columns[] = {"admission_no", "id_no", "seat"};
    struct roster_reading g = {0};
    exam_err err = table_file_read(path, columns, 3, roster_add, &g, why, why_bytes);
    if (err != EXAM_OK) {
        roster_free(&g.r);
        return err;
    }
    *out = g.r;
    return EXAM_OK;
}

void roster_free(struct roster *r)
{
    free(r->row);
    *r = (struct roster){0};
}
