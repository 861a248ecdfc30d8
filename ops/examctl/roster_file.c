#include "roster_file.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "csv_table.h"

/* A list under construction, with everything its rows are checked against. */
struct roster_reader {
    const char *file;
    struct problems *problems;
    struct room_list rooms;
    struct roster roster;
    size_t room; /* how many elements the growing list has room for */
    bool no_memory;
};

/* A row under check. */
struct row_check {
    struct roster_reader *r;
    unsigned line;
    bool sound;
};

static void *grown(struct roster_reader *r, void *list, size_t n, size_t element_bytes)
{
    void *more;

    if (n < r->room)
        return list;
    more = realloc(list, (n == 0 ? 256 : n * 2) * element_bytes);
    if (more == NULL) {
        r->no_memory = true;
        return NULL;
    }
    r->room = n == 0 ? 256 : n * 2;
    return more;
}

static void take_name(struct row_check *row, const char *column, const char *cell,
                      char out[NAME_BYTES_MAX + 1])
{
    char quoted[PROBLEM_QUOTE_BYTES];

    if (codec_name_ok(cell)) {
        memcpy(out, cell, strlen(cell) + 1);
        return;
    }
    row->sound = false;
    if (cell[0] == '\0')
        problems_add(row->r->problems, row->r->file, row->line, "%s is empty; fill it in", column);
    else
        problems_add(row->r->problems, row->r->file, row->line,
                     "%s %s is no name; use at most %d bytes without spaces, commas, quotes and "
                     "slashes",
                     column, problem_quote(cell, quoted), NAME_BYTES_MAX);
}

static void take_person(struct row_check *row, const char *cell, char out[PERSON_BYTES_MAX + 1])
{
    size_t n = strlen(cell);

    if (n > 0 && n <= PERSON_BYTES_MAX) {
        memcpy(out, cell, n + 1);
        return;
    }
    row->sound = false;
    if (n == 0)
        problems_add(row->r->problems, row->r->file, row->line, "name is empty; fill it in");
    else
        problems_add(row->r->problems, row->r->file, row->line,
                     "name is %zu bytes long; %d are allowed", n, PERSON_BYTES_MAX);
}

/* Digits only, in [min, max]. */
static bool number_read(const char *cell, uint32_t min, uint32_t max, uint32_t *out)
{
    uint32_t value = 0;

    if (cell[0] == '\0')
        return false;
    for (; *cell != '\0'; cell++) {
        if (*cell < '0' || *cell > '9')
            return false;
        value = value * 10 + (uint32_t)(*cell - '0');
        if (value > max)
            return false;
    }
    if (value < min)
        return false;
    *out = value;
    return true;
}

static void take_number(struct row_check *row, const char *column, const char *cell, uint32_t min,
                        uint32_t max, uint32_t *out)
{
    char quoted[PROBLEM_QUOTE_BYTES];

    if (number_read(cell, min, max, out))
        return;
    row->sound = false;
    problems_add(row->r->problems, row->r->file, row->line,
                 "%s is %s; write a whole number from %u to %u", column,
                 problem_quote(cell, quoted), (unsigned)min, (unsigned)max);
}

/* ---------------------------------------------------------------- rooms */

static const struct room *room_find(const struct room_list *l, const char *name, size_t name_bytes)
{
    for (size_t i = 0; i < l->n; i++)
        if (strlen(l->rooms[i].name) == name_bytes &&
            memcmp(l->rooms[i].name, name, name_bytes) == 0)
            return &l->rooms[i];
    return NULL;
}

static void on_room(void *ctx, unsigned line, const char *const cells[])
{
    struct roster_reader *r = ctx;
    struct row_check row = {.r = r, .line = line, .sound = true};
    struct room room = {.line = line};
    const struct room *first;
    struct room *list;

    take_name(&row, "room", cells[0], room.name);
    take_number(&row, "seats", cells[1], 1, ROOM_SEATS_MAX, &room.seats);
    if (!row.sound)
        return;
    first = room_find(&r->rooms, room.name, strlen(room.name));
    if (first != NULL) {
        problems_add(r->problems, r->file, line,
                     "room '%s' stands in line %u already; remove one of the two", room.name,
                     first->line);
        return;
    }
    if (r->rooms.n == ROOMS_MAX) {
        problems_add(r->problems, r->file, line, "is room number %d; a site has at most %d",
                     ROOMS_MAX + 1, ROOMS_MAX);
        return;
    }
    list = grown(r, r->rooms.rooms, r->rooms.n, sizeof room);
    if (list == NULL)
        return;
    r->rooms.rooms = list;
    list[r->rooms.n++] = room;
}

exam_err room_list_read(const struct source_text *source, struct problems *p, struct room_list *out)
{
    static const struct csv_column columns[] = {{"room", true}, {"seats", true}};
    const struct csv_layout layout = {source->file, columns, 2};
    struct roster_reader r = {.file = source->file, .problems = p};

    csv_table_read(&layout, source->text, source->bytes, p, on_room, &r);
    if (r.no_memory) {
        room_list_free(&r.rooms);
        return EXAM_NOMEM;
    }
    *out = r.rooms;
    return EXAM_OK;
}

void room_list_free(struct room_list *l)
{
    free(l->rooms);
    l->rooms = NULL;
    l->n = 0;
}

/* ---------------------------------------------------------------- roster */

/* A seat is <room>-<number of two digits, three when it needs them>. */
static void check_seat(struct row_check *row, const char *seat)
{
    const struct room_list *rooms = &row->r->rooms;
    const char *dash = strrchr(seat, '-');
    const struct room *room = dash != NULL ? room_find(rooms, seat, (size_t)(dash - seat)) : NULL;
    char expected[NAME_BYTES_MAX + 16];
    uint32_t number;

    if (room == NULL) {
        row->sound = false;
        problems_add(row->r->problems, row->r->file, row->line,
                     "seat '%s' is in no room of the rooms file; seats are named like %s-01", seat,
                     rooms->n > 0 ? rooms->rooms[0].name : "R01");
        return;
    }
    if (number_read(dash + 1, 1, room->seats, &number)) {
        snprintf(expected, sizeof expected, "%s-%02u", room->name, (unsigned)number);
        if (strcmp(expected, seat) == 0)
            return;
    }
    row->sound = false;
    problems_add(row->r->problems, row->r->file, row->line,
                 "seat '%s' does not exist; room %s has the seats %s-01 to %s-%02u", seat,
                 room->name, room->name, room->name, (unsigned)room->seats);
}

static void on_candidate(void *ctx, unsigned line, const char *const cells[])
{
    struct roster_reader *r = ctx;
    struct row_check row = {.r = r, .line = line, .sound = true};
    struct candidate c = {.line = line};
    struct candidate *list;

    take_name(&row, "admission_no", cells[0], c.admission_no);
    take_name(&row, "id_no", cells[1], c.id_no);
    take_person(&row, cells[2], c.name);
    take_name(&row, "seat", cells[3], c.seat);
    if (c.seat[0] != '\0')
        check_seat(&row, c.seat);
    take_name(&row, "paper", cells[4], c.paper);
    if (cells[5][0] != '\0')
        take_number(&row, "extra_minutes", cells[5], 0, ROSTER_EXTRA_MINUTES_MAX, &c.extra_minutes);
    if (!row.sound)
        return;
    if (r->roster.n == SITTINGS_MAX) {
        problems_add(r->problems, r->file, line, "is candidate number %d; a site has at most %d",
                     SITTINGS_MAX + 1, SITTINGS_MAX);
        return;
    }
    list = grown(r, r->roster.candidates, r->roster.n, sizeof c);
    if (list == NULL)
        return;
    r->roster.candidates = list;
    list[r->roster.n++] = c;
}

/* What may come only once in a roster. */
struct unique_column {
    const char *name;
    size_t offset; /* in struct candidate */
    const char *advice;
};

struct unique_key {
    const char *value;
    unsigned line;
};

static int unique_key_compare(const void *a, const void *b)
{
    const struct unique_key *x = a;
    const struct unique_key *y = b;
    int by_value = strcmp(x->value, y->value);

    return by_value != 0 ? by_value : (x->line > y->line) - (x->line < y->line);
}

static exam_err check_unique(const struct roster_reader *r, const struct unique_column *column)
{
    struct unique_key *keys = calloc(r->roster.n + 1, sizeof *keys);
    size_t first = 0;

    if (keys == NULL)
        return EXAM_NOMEM;
    for (size_t i = 0; i < r->roster.n; i++) {
        const struct candidate *c = &r->roster.candidates[i];

        keys[i] = (struct unique_key){(const char *)c + column->offset, c->line};
    }
    qsort(keys, r->roster.n, sizeof *keys, unique_key_compare);
    for (size_t i = 1; i < r->roster.n; i++) {
        if (strcmp(keys[i].value, keys[first].value) != 0)
            first = i;
        else
            problems_add(r->problems, r->file, keys[i].line, "%s '%s' is given in line %u, too; %s",
                         column->name, keys[i].value, keys[first].line, column->advice);
    }
    free(keys);
    return EXAM_OK;
}

static exam_err roster_check_unique(const struct roster_reader *r)
{
    static const struct unique_column columns[] = {
        {"admission_no", offsetof(struct candidate, admission_no),
         "a candidate sits once in a batch, remove one of the two"},
        {"id_no", offsetof(struct candidate, id_no),
         "one person cannot sit at two seats, correct one of the two"},
        {"seat", offsetof(struct candidate, seat), "give one of the two candidates another seat"},
    };

    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        exam_err err = check_unique(r, &columns[i]);

        if (err != EXAM_OK)
            return err;
    }
    return EXAM_OK;
}

exam_err roster_read(const struct source_text *source, const struct room_list *rooms,
                     struct problems *p, struct roster *out)
{
    static const struct csv_column columns[] = {
        {"admission_no", true}, {"id_no", true}, {"name", true},
        {"seat", true},         {"paper", true}, {"extra_minutes", false},
    };
    const struct csv_layout layout = {source->file, columns, 6};
    struct roster_reader r = {.file = source->file, .problems = p, .rooms = *rooms};
    exam_err err;

    csv_table_read(&layout, source->text, source->bytes, p, on_candidate, &r);
    err = r.no_memory ? EXAM_NOMEM : roster_check_unique(&r);
    if (err != EXAM_OK) {
        roster_free(&r.roster);
        return err;
    }
    *out = r.roster;
    return EXAM_OK;
}

void roster_free(struct roster *r)
{
    free(r->candidates);
    r->candidates = NULL;
    r->n = 0;
}

void roster_check_papers(const struct roster *r, const char *file, const char *const papers[],
                         size_t n, struct problems *p)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct candidate *c = &r->candidates[i];
        bool found = false;

        for (size_t k = 0; k < n && !found; k++)
            found = strcmp(papers[k], c->paper) == 0;
        if (!found)
            problems_add(p, file, c->line,
                         "paper '%s' is none of the papers given; add its file with --paper",
                         c->paper);
    }
}
