/* fuzz_drill.c - whatever is in a drill's file, errors with their lines are told or the drill is
 * sound: every number leads to something that is there, and its statements, written again, are read
 * as the same. */
#include <string.h>

#include "drill_read.h"
#include "fuzz.h"

struct errors {
    uint32_t n, lines;
};

static void take_error(void *ctx, const char *file, uint32_t line, const char *what)
{
    struct errors *e = ctx;

    require(file != NULL && what != NULL && what[0] != 0 && line <= e->lines);
    e->n++;
}

static exam_err read_text(const char *bytes, size_t n, struct drill **d)
{
    struct errors errors = {.lines = 1};

    for (size_t i = 0; i < n; i++)
        errors.lines += bytes[i] == '\n';
    exam_err err = drill_read("drill", bytes, n, take_error, &errors, d);
    require((err == EXAM_OK && errors.n == 0) ||
            (err == EXAM_INVALID && errors.n > 0 && errors.n <= DRILL_ERRORS_MAX));
    return err;
}

static void expect_scope(const struct drill *d, const struct drill_scope *s)
{
    switch (s->kind) {
    case DRILL_BATCH:
        require(s->at < d->batches_n);
        return;
    case DRILL_ROOM:
        require(s->at < d->rooms_n);
        return;
    case DRILL_SEAT:
        require(s->at < d->seats_n);
        return;
    case DRILL_SITTING:
        require(s->at < d->sittings_n);
        return;
    case DRILL_NODE:
        require(s->at < d->nodes_n || s->at == DRILL_ALL);
        return;
    default:
        return;
    }
}

static void expect_sound(const struct drill *d)
{
    require(d->nodes_n > 0 && d->nodes_n <= NODES_MAX);
    require(d->seats_n <= DRILL_SEATS_MAX && d->sittings_n <= DRILL_SITTINGS_MAX);
    for (uint32_t i = 0; i < d->rooms_n; i++)
        require(d->rooms[i].seat_first + d->rooms[i].seats <= d->seats_n);
    for (uint32_t i = 0; i < d->sittings_n; i++)
        require(d->sittings[i].batch < d->batches_n && d->sittings[i].seat < d->seats_n);
    for (uint32_t i = 0; i < d->lines_n; i++) {
        const struct drill_line *l = &d->lines[i];

        require(i == 0 || d->lines[i - 1].at_ms <= l->at_ms);
        require(l->text != NULL && l->why != NULL);
        expect_scope(d, &l->scope);
        if (l->verb == DRILL_CUT || l->verb == DRILL_HEAL)
            require(l->node < d->nodes_n || l->node == DRILL_ALL);
        if (l->verb == DRILL_MOVE)
            require(l->seat < d->seats_n);
    }
}

/* The same bytes once more, with an end of line of the other kind, are the same drill. */
static void expect_same_again(const struct drill *d, const char *bytes, size_t n)
{
    char *other = malloc(2 * n + 1);
    size_t other_n = 0;
    struct drill *again;

    require(other != NULL);
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == '\n' && (i == 0 || bytes[i - 1] != '\r'))
            other[other_n++] = '\r';
        other[other_n++] = bytes[i];
    }
    require(read_text(other, other_n, &again) == EXAM_OK);
    require(again->lines_n == d->lines_n && again->seats_n == d->seats_n);
    for (uint32_t i = 0; i < d->lines_n; i++)
        require(again->lines[i].at_ms == d->lines[i].at_ms &&
                again->lines[i].verb == d->lines[i].verb &&
                strcmp(again->lines[i].text, d->lines[i].text) == 0);
    drill_free(again);
    free(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct drill *d = NULL;

    if (read_text(text, size, &d) != EXAM_OK)
        return 0;
    expect_sound(d);
    expect_same_again(d, text, size);
    drill_free(d);
    return 0;
}
