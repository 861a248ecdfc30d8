#include "drill_read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "statement.h"

enum {
    MS_PER_MINUTE = 60 * 1000,
    ALLOT_MS_MAX = 24 * 60 * MS_PER_MINUTE, /* as the node takes it */
    GRACE_MS_MAX = 60 * MS_PER_MINUTE,      /* the same, and the seats */
    HEARTBEAT_MS_MIN = 20,
    HEARTBEAT_MS_MAX = MS_PER_MINUTE,
};

struct reader {
    struct drill *d;
    struct names names;
    struct words w;
    uint32_t line; /* being read */
    bool timed;    /* the first line with an instant has come */
    uint32_t batches_max, rooms_max, sittings_max, lines_max, seats_max;
    uint64_t last_ms;
    drill_error_fn error;
    void *ctx;
    uint32_t errors_n;
    bool nomem;
};

static void tell(struct reader *r, uint32_t line, const char *what)
{
    if (r->errors_n++ < DRILL_ERRORS_MAX)
        r->error(r->ctx, r->d->file, line, what);
}

static void *grow(struct reader *r, void *block, uint32_t n, uint32_t *max, size_t item_bytes)
{
    if (n < *max)
        return block;
    uint32_t more = *max ? 2 * *max : 16;
    void *p = realloc(block, more * item_bytes);
    if (!p) {
        r->nomem = true;
        return block;
    }
    *max = more;
    return p;
}

static const char *keep(struct reader *r, const char *text)
{
    return texts_keep(r->d->texts, text);
}

static void name_add(struct reader *r, const char *text, enum drill_scope_kind kind, uint32_t at,
                     uint32_t line)
{
    if (names_add(&r->names, text, kind, at, line))
        r->nomem = true;
}

/* ---------------------------------------------------------------- set-up lines */

static void read_nodes(struct reader *r)
{
    struct drill *d = r->d;
    if (d->nodes_n)
        words_fail(&r->w, "a second line of nodes");
    do {
        const char *name = words_take_name(&r->w, "a node's name");
        if (d->nodes_n == NODES_MAX)
            words_fail(&r->w, "more than %d nodes", NODES_MAX);
        if (r->w.failed)
            return;
        d->nodes[d->nodes_n] = keep(r, name);
        name_add(r, d->nodes[d->nodes_n], DRILL_NODE, d->nodes_n, r->line);
        d->nodes_n++;
    } while (words_more(&r->w));
}

static void read_option(struct reader *r)
{
    const char *option = words_take(&r->w, "an option");
    if (r->w.failed)
        return;
    if (strcmp(option, "solo-after") != 0) {
        words_fail(&r->w, "'%s' is no option: there is solo-after", option);
        return;
    }
    r->d->solo_after_ms = words_take_ms(&r->w, "duration");
    if (!r->d->solo_after_ms || r->d->solo_after_ms > UINT32_MAX)
        words_fail(&r->w, "solo-after is at least 0:00.001 and less than 49 days");
}

static void read_batch_options(struct reader *r, struct drill_batch *b)
{
    while (words_more(&r->w)) {
        if (words_take_if(&r->w, "timing")) {
            b->personal = words_take_if(&r->w, "personal");
            if (!b->personal && !words_take_if(&r->w, "common"))
                words_fail(&r->w, "timing is common or personal");
        } else if (words_take_if(&r->w, "grace")) {
            b->grace_ms = words_take_ms(&r->w, "duration");
        } else if (words_take_if(&r->w, "heartbeat")) {
            b->heartbeat_ms = words_take_ms(&r->w, "duration");
        } else if (words_take_if(&r->w, "allot")) {
            b->allot_ms = words_take_ms(&r->w, "duration");
        } else {
            words_fail(&r->w, "'%s' is not one of allot, timing, grace, heartbeat",
                       words_peek(&r->w));
        }
    }
}

static void check_batch(struct reader *r, const struct drill_batch *b)
{
    uint64_t heartbeat_ms = b->heartbeat_ms;
    if (!b->allot_ms || b->allot_ms > ALLOT_MS_MAX)
        words_fail(&r->w, "a batch needs its allot: more than 0:00, at most 24 hours");
    if (heartbeat_ms < HEARTBEAT_MS_MIN || heartbeat_ms > HEARTBEAT_MS_MAX)
        words_fail(&r->w, "a heartbeat is from 0:00.020 to 1:00");
    if (b->grace_ms < 2 * heartbeat_ms || b->grace_ms > GRACE_MS_MAX)
        words_fail(&r->w, "grace is at least two heartbeats and at most an hour (T6)");
}

static void read_batch(struct reader *r)
{
    struct drill *d = r->d;
    struct drill_batch b = {.line = r->line, .grace_ms = 15000, .heartbeat_ms = 1000};
    b.name = keep(r, words_take_name(&r->w, "a batch's name"));
    read_batch_options(r, &b);
    check_batch(r, &b);
    if (d->batches_n == BATCHES_MAX)
        words_fail(&r->w, "more than %d batches", BATCHES_MAX);
    d->batches = grow(r, d->batches, d->batches_n, &r->batches_max, sizeof *d->batches);
    if (r->w.failed || r->nomem)
        return;
    name_add(r, b.name, DRILL_BATCH, d->batches_n, r->line);
    d->batches[d->batches_n++] = b;
}

static void seat_add(struct reader *r, const char *room, uint32_t seat)
{
    struct drill *d = r->d;
    char name[2 * NAME_BYTES_MAX];
    snprintf(name, sizeof name, "%s-%02u", room, seat);
    if (!codec_name_ok(name))
        words_fail(&r->w, "room '%s': its seats' names would be too long", room);
    d->seats = grow(r, d->seats, d->seats_n, &r->seats_max, sizeof *d->seats);
    if (r->w.failed || r->nomem)
        return;
    d->seats[d->seats_n] = keep(r, name);
    name_add(r, d->seats[d->seats_n], DRILL_SEAT, d->seats_n, r->line);
    d->seats_n++;
}

static void read_room(struct reader *r)
{
    struct drill *d = r->d;
    struct drill_room room = {.line = r->line, .seat_first = d->seats_n};
    room.name = keep(r, words_take_name(&r->w, "a room's name"));
    if (!words_take_if(&r->w, "seats"))
        words_fail(&r->w, "`seats` and their number are missing");
    room.seats = (uint32_t)words_take_number(&r->w, "number of seats", 1, ROOM_SEATS_MAX);
    if (d->rooms_n == ROOMS_MAX)
        words_fail(&r->w, "more than %d rooms", ROOMS_MAX);
    if (d->seats_n + room.seats > DRILL_SEATS_MAX)
        words_fail(&r->w, "more than %d seats in all", DRILL_SEATS_MAX);
    d->rooms = grow(r, d->rooms, d->rooms_n, &r->rooms_max, sizeof *d->rooms);
    if (r->w.failed || r->nomem)
        return;
    name_add(r, room.name, DRILL_ROOM, d->rooms_n, r->line);
    d->rooms[d->rooms_n++] = room;
    for (uint32_t i = 1; i <= room.seats; i++)
        seat_add(r, room.name, i);
}

static void read_sitting(struct reader *r)
{
    struct drill *d = r->d;
    struct drill_sitting s = {.line = r->line};
    s.admission_no = keep(r, words_take_name(&r->w, "an admission number"));
    while (words_more(&r->w)) {
        if (words_take_if(&r->w, "batch"))
            s.batch_name = keep(r, words_take(&r->w, "a batch"));
        else if (words_take_if(&r->w, "seat"))
            s.seat_name = keep(r, words_take(&r->w, "a seat"));
        else if (words_take_if(&r->w, "extra"))
            s.extra_ms = words_take_ms(&r->w, "duration");
        else
            words_fail(&r->w, "'%s' is not one of batch, seat, extra", words_peek(&r->w));
    }
    if (!s.batch_name || !s.seat_name)
        words_fail(&r->w, "a sitting needs its batch and its seat");
    if (s.extra_ms > ALLOT_MS_MAX)
        words_fail(&r->w, "extra is at most 24 hours");
    if (d->sittings_n == DRILL_SITTINGS_MAX)
        words_fail(&r->w, "more than %d sittings", DRILL_SITTINGS_MAX);
    d->sittings = grow(r, d->sittings, d->sittings_n, &r->sittings_max, sizeof *d->sittings);
    if (r->w.failed || r->nomem)
        return;
    name_add(r, s.admission_no, DRILL_SITTING, d->sittings_n, r->line);
    d->sittings[d->sittings_n++] = s;
}

static void read_setup(struct reader *r)
{
    static const struct {
        const char *word;
        void (*read)(struct reader *r);
    } kinds[] = {
        {"nodes", read_nodes}, {"option", read_option},   {"batch", read_batch},
        {"room", read_room},   {"sitting", read_sitting},
    };
    const char *word = words_take(&r->w, "a statement");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].word, word) != 0)
            continue;
        if (r->timed)
            words_fail(&r->w, "`%s` describes the site: it stands before the first instant", word);
        kinds[i].read(r);
        words_end(&r->w);
        return;
    }
    words_fail(&r->w, "'%s' is neither an instant nor one of nodes, option, batch, room, sitting",
               word);
}

/* ---------------------------------------------------------------- when the site is complete */

static void resolve_names(struct reader *r)
{
    char what[256];
    const struct name *first, *second;
    name_add(r, "site", DRILL_SITE, 0, 0);
    second = names_sort(&r->names, &first);
    if (!second)
        return;
    snprintf(what, sizeof what, "'%s' is a %s's name already", second->text,
             names_kind_text(first->of.kind));
    tell(r, second->line, what);
}

static bool resolve(struct reader *r, const char *name, enum drill_scope_kind kind, uint32_t line,
                    uint32_t *at)
{
    char what[256];
    const struct name *n = names_find(&r->names, name);
    if (n && n->of.kind == kind) {
        *at = n->of.at;
        return true;
    }
    snprintf(what, sizeof what, "there is no %s '%s'", names_kind_text(kind), name);
    tell(r, line, what);
    return false;
}

/* True when the sitting's seat is given to another one of the same batch. */
static int by_seat(const void *a, const void *b)
{
    const struct drill_sitting *x = *(const struct drill_sitting *const *)a;
    const struct drill_sitting *y = *(const struct drill_sitting *const *)b;
    if (x->seat != y->seat)
        return x->seat < y->seat ? -1 : 1;
    if (x->batch != y->batch)
        return x->batch < y->batch ? -1 : 1;
    return x->line < y->line ? -1 : x->line > y->line;
}

static void check_seats_once(struct reader *r)
{
    const struct drill *d = r->d;
    const struct drill_sitting **order = malloc((d->sittings_n + 1) * sizeof *order);
    if (!order) {
        r->nomem = true;
        return;
    }
    for (uint32_t i = 0; i < d->sittings_n; i++)
        order[i] = &d->sittings[i];
    qsort(order, d->sittings_n, sizeof *order, by_seat);
    for (uint32_t i = 1; i < d->sittings_n; i++) {
        char what[256];
        if (order[i]->seat != order[i - 1]->seat || order[i]->batch != order[i - 1]->batch)
            continue;
        snprintf(what, sizeof what, "seat %s is given to sitting %s already", order[i]->seat_name,
                 order[i - 1]->admission_no);
        tell(r, order[i]->line, what);
    }
    free(order);
}

static void resolve_sittings(struct reader *r)
{
    bool all = true;
    for (uint32_t i = 0; i < r->d->sittings_n; i++) {
        struct drill_sitting *s = &r->d->sittings[i];
        all &= resolve(r, s->batch_name, DRILL_BATCH, s->line, &s->batch);
        all &= resolve(r, s->seat_name, DRILL_SEAT, s->line, &s->seat);
    }
    if (all)
        check_seats_once(r);
}

static void check_batches_sat(struct reader *r)
{
    const struct drill *d = r->d;
    bool *sat = calloc(d->batches_n + 1, sizeof *sat);
    if (!sat) {
        r->nomem = true;
        return;
    }
    for (uint32_t i = 0; i < d->sittings_n; i++)
        sat[d->sittings[i].batch] = true;
    for (uint32_t i = 0; i < d->batches_n; i++)
        if (!sat[i])
            tell(r, d->batches[i].line, "nobody sits this batch: give it a sitting");
    free(sat);
}

/* The last set-up line has been read. */
static void finish_setup(struct reader *r)
{
    r->timed = true;
    if (!r->d->nodes_n)
        tell(r, 0, "a drill needs its nodes: `nodes A B`");
    resolve_names(r);
    resolve_sittings(r);
    if (!r->errors_n)
        check_batches_sat(r);
}

/* ---------------------------------------------------------------- lines with an instant */

static void read_timed(struct reader *r, const char *text)
{
    struct drill *d = r->d;
    struct drill_line line = {.line = r->line, .node = DRILL_ALL};
    line.at_ms = words_take_ms(&r->w, "instant");
    if (r->w.failed)
        return;
    if (line.at_ms < r->last_ms)
        words_fail(&r->w, "instants go on, never back");
    if (!words_more(&r->w))
        words_fail(&r->w, "a statement is missing behind the instant");
    line.text = keep(r, text);
    statement_read(&r->w, &r->names, d->texts, &line);
    d->lines = grow(r, d->lines, d->lines_n, &r->lines_max, sizeof *d->lines);
    if (r->w.failed || r->nomem)
        return;
    r->last_ms = line.at_ms;
    d->lines[d->lines_n++] = line;
}

/* The words behind the instant, with single spaces: for messages. */
static void statement_text(const struct words *w, char out[DRILL_LINE_BYTES_MAX + 1])
{
    size_t n = 0;
    out[0] = '\0';
    for (uint32_t i = 1; i < w->n; i++) {
        const char *word = w->line + w->starts[i];
        n +=
            (size_t)snprintf(out + n, DRILL_LINE_BYTES_MAX + 1 - n, "%s%s", i > 1 ? " " : "", word);
    }
}

static void read_line(struct reader *r, const char *line, size_t bytes)
{
    char text[DRILL_LINE_BYTES_MAX + 1];
    words_cut(&r->w, line, bytes);
    const char *first = words_peek(&r->w);
    if (words_more(&r->w) && first[0] >= '0' && first[0] <= '9') {
        if (!r->timed)
            finish_setup(r);
        statement_text(&r->w, text);
        read_timed(r, text);
    } else if (words_more(&r->w)) {
        read_setup(r);
    }
    if (r->w.failed)
        tell(r, r->line, r->w.error);
}

static void read_lines(struct reader *r, const char *bytes, size_t n)
{
    static const char bom[] = "\xEF\xBB\xBF";
    if (n >= 3 && !memcmp(bytes, bom, 3)) {
        bytes += 3;
        n -= 3;
    }
    while (n && !r->nomem && r->errors_n < DRILL_ERRORS_MAX) {
        const char *end = memchr(bytes, '\n', n);
        size_t line_bytes = end ? (size_t)(end - bytes) : n;
        r->line++;
        read_line(r, bytes, line_bytes);
        line_bytes += end != NULL;
        bytes += line_bytes;
        n -= line_bytes;
    }
    if (!r->timed)
        finish_setup(r);
    if (!r->d->lines_n && !r->errors_n)
        tell(r, 0, "nothing happens in this drill: it has no line with an instant");
}

/* ---------------------------------------------------------------- drills */

static struct drill *drill_new(const char *file)
{
    struct drill *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->file = strdup(file);
    d->texts = texts_new();
    if (d->file && d->texts)
        return d;
    drill_free(d);
    return NULL;
}

void drill_free(struct drill *d)
{
    if (!d)
        return;
    free(d->file);
    free(d->batches);
    free(d->rooms);
    free(d->seats);
    free(d->sittings);
    free(d->lines);
    texts_free(d->texts);
    free(d);
}

exam_err drill_read(const char *file, const char *bytes, size_t n, drill_error_fn error, void *ctx,
                    struct drill **out)
{
    struct reader *r = calloc(1, sizeof *r);
    struct drill *d = drill_new(file);
    if (!r || !d) {
        free(r);
        drill_free(d);
        return EXAM_NOMEM;
    }
    r->d = d;
    r->error = error;
    r->ctx = ctx;
    if (n > DRILL_BYTES_MAX)
        tell(r, 0, "a drill of more than 16 MiB");
    else
        read_lines(r, bytes, n);
    exam_err err = r->nomem ? EXAM_NOMEM : r->errors_n ? EXAM_INVALID : EXAM_OK;
    names_fini(&r->names);
    free(r);
    if (err)
        drill_free(d);
    else
        *out = d;
    return err;
}

exam_err drill_read_file(const char *path, drill_error_fn error, void *ctx, struct drill **out)
{
    char what[256];
    exam_err err = EXAM_NOT_FOUND;
    char *bytes = malloc(DRILL_BYTES_MAX + 1);
    FILE *f = fopen(path, "re");
    size_t n = f && bytes ? fread(bytes, 1, DRILL_BYTES_MAX + 1, f) : 0;
    if (!bytes) {
        err = EXAM_NOMEM;
    } else if (!f || ferror(f)) {
        snprintf(what, sizeof what, "cannot be read: %s", strerror(errno));
        error(ctx, path, 0, what);
    } else {
        err = drill_read(path, bytes, n, error, ctx, out);
    }
    if (f)
        fclose(f);
    free(bytes);
    return err;
}
