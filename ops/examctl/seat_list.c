#include "seat_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct seat_line *line_new(struct seat_list *l)
{
    if (l->n == l->room) {
        size_t room = l->room == 0 ? 512 : l->room * 2;
        struct seat_line *lines = realloc(l->lines, room * sizeof *lines);

        l->no_memory = lines == NULL;
        if (lines == NULL)
            return NULL;
        l->lines = lines;
        l->room = room;
    }
    return &l->lines[l->n++];
}

void seat_list_add(struct seat_list *l, const Admin__SeatRows *rows)
{
    for (size_t i = 0; i < rows->n_rows && !l->no_memory; i++) {
        const Admin__SeatRow *row = rows->rows[i];
        struct seat_line *line = line_new(l);

        if (line == NULL)
            return;
        memset(line, 0, sizeof *line);
        snprintf(line->seat, sizeof line->seat, "%s", row->seat);
        snprintf(line->node, sizeof line->node, "%s", row->connected ? rows->node : "");
        snprintf(line->admission_no, sizeof line->admission_no, "%s", row->admission_no);
        snprintf(line->state, sizeof line->state, "%s", row->state);
        line->unsent = row->unsent;
        line->unsent_known = row->unsent_known;
        line->silent_ms = row->silent_ms;
        line->order = l->n;
    }
}

/* By seat; of one seat the line to be kept first. */
static int line_compare(const void *a, const void *b)
{
    const struct seat_line *x = a;
    const struct seat_line *y = b;
    int by_seat = strcmp(x->seat, y->seat);
    int by_contact = (y->node[0] != '\0') - (x->node[0] != '\0');

    if (by_seat != 0)
        return by_seat;
    if (by_contact != 0)
        return by_contact;
    return (x->order > y->order) - (x->order < y->order);
}

exam_err seat_list_merge(struct seat_list *l)
{
    size_t kept = 0;

    if (l->no_memory)
        return EXAM_NOMEM;
    if (l->n > 0)
        qsort(l->lines, l->n, sizeof *l->lines, line_compare);
    for (size_t i = 0; i < l->n; i++)
        if (kept == 0 || strcmp(l->lines[kept - 1].seat, l->lines[i].seat) != 0)
            l->lines[kept++] = l->lines[i];
    l->n = kept;
    return EXAM_OK;
}

bool seat_line_unknown(const struct seat_line *line)
{
    return !line->unsent_known && line->admission_no[0] != '\0' &&
           strcmp(line->state, "expected") != 0;
}

struct seat_summary seat_list_summary(const struct seat_list *l)
{
    struct seat_summary s = {.seats = l->n};

    for (size_t i = 0; i < l->n; i++) {
        const struct seat_line *line = &l->lines[i];

        s.connected += line->node[0] != '\0';
        if (line->unsent_known && line->unsent > 0) {
            s.holding++;
            s.unsent += line->unsent;
        }
        s.unknown += seat_line_unknown(line);
    }
    return s;
}

void seat_list_free(struct seat_list *l)
{
    free(l->lines);
    *l = (struct seat_list){0};
}
