#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rng.h"
#include "../drill/words.h"

enum { DRAWN_MS_MEAN = 2500, DRAWN_MS_MIN = 200 };

static const struct {
    const char *word;
    enum plan_kind kind;
} kinds[] = {{"power", PLAN_POWER}, {"cut", PLAN_CUT}, {"reset", PLAN_RESET}, {"move", PLAN_MOVE}};

const char *plan_kind_word(enum plan_kind kind)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].kind == kind)
            return kinds[i].word;
    return "";
}

/* ---------------------------------------------------------------- one line */

static void word_keep(struct words *w, const char *word, char out[PLAN_WORD_BYTES_MAX + 1])
{
    if (strlen(word) > PLAN_WORD_BYTES_MAX)
        words_fail(w, "a word of more than %d bytes", PLAN_WORD_BYTES_MAX);
    else
        strcpy(out, word);
}

/* @FILE, or a duration. */
static void take_time(struct words *w, const char *what, struct plan_time *out)
{
    if (words_peek(w)[0] != '@') {
        out->ms = words_take_ms(w, what);
        return;
    }
    const char *word = words_take(w, what);
    if (word[1] == '\0')
        words_fail(w, "a file's name is missing after @");
    else
        word_keep(w, word + 1, out->file);
}

static void take_kind(struct words *w, struct plan_act *a)
{
    const char *word = words_take(w, "what happens");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].word, word) == 0)
            a->kind = kinds[i].kind;
    if (!w->failed && a->kind == 0)
        words_fail(w, "'%s' cannot happen: power, cut, reset and move can", word);
}

static void take_seats(struct words *w, struct plan_act *a)
{
    const char *word = words_take(w, "to which seats");
    size_t digits = strspn(word, "0123456789");
    if (w->failed)
        return;
    if (strcmp(word, "all") == 0) {
        a->percent = 100;
    } else if (digits > 0 && strcmp(word + digits, "%") == 0) {
        long percent = digits <= 3 ? strtol(word, NULL, 10) : 0;
        if (percent < 1 || percent > 100)
            words_fail(w, "'%s' is no share of the seats: 1%% to 100%%", word);
        else
            a->percent = (uint32_t)percent;
    } else {
        word_keep(w, word, a->seats);
    }
}

static void take_span(struct words *w, struct plan_act *a, uint32_t nodes_n)
{
    if (a->kind != PLAN_POWER && words_take_if(w, "from"))
        a->node = (uint32_t)words_take_number(w, "node's place in --nodes", 1, nodes_n);
    if (words_take_if(w, "until")) {
        if (words_peek(w)[0] != '@')
            words_fail(w, "`until` wants @FILE; `for` wants a duration");
        take_time(w, "a file", &a->how_long);
        return;
    }
    if (!words_take_if(w, "for"))
        words_fail(w, "how long? `for DURATION` or `until @FILE` is missing");
    a->how_long.ms = words_take_ms(w, "duration");
}

static void take_move(struct words *w, struct plan_act *a)
{
    if (a->percent != 0 || strpbrk(a->seats, ",*") != NULL)
        words_fail(w, "one seat is moved at a time");
    if (!words_take_if(w, "to"))
        words_fail(w, "where to? `to SPARE` is missing");
    strcpy(a->spare, words_take_name(w, "a spare seat"));
}

static exam_err act_add(struct plan *p, const struct plan_act *a)
{
    if (p->n == PLAN_ACTS_MAX)
        return EXAM_TOO_BIG;
    if (p->n == p->max) {
        uint32_t max = p->max ? 2 * p->max : 16;
        struct plan_act *act = realloc(p->act, max * sizeof *act);
        if (act == NULL)
            return EXAM_NOMEM;
        p->act = act;
        p->max = max;
    }
    p->act[p->n++] = *a;
    return EXAM_OK;
}

static void act_take(struct words *w, uint32_t nodes_n, struct plan_act *a)
{
    take_time(w, "when", &a->when);
    take_kind(w, a);
    take_seats(w, a);
    if (a->kind == PLAN_MOVE)
        take_move(w, a);
    else
        take_span(w, a, nodes_n);
    words_end(w);
}

exam_err plan_read(struct plan *p, const char *text, size_t bytes, uint32_t nodes_n,
                   plan_error error, void *ctx)
{
    exam_err err = EXAM_OK;
    uint32_t line = 0;
    struct words w;
    for (size_t at = 0; at < bytes;) {
        const char *end = memchr(text + at, '\n', bytes - at);
        size_t n = end ? (size_t)(end - text) - at : bytes - at;
        struct plan_act a = {.line = ++line};
        words_cut(&w, text + at, n);
        at += n + 1;
        if (!w.failed && !words_more(&w))
            continue;
        act_take(&w, nodes_n, &a);
        exam_err added = w.failed ? EXAM_INVALID : act_add(p, &a);
        if (added == EXAM_NOMEM)
            return added;
        if (added == EXAM_TOO_BIG)
            words_fail(&w, "more than %d acts", PLAN_ACTS_MAX);
        if (w.failed) {
            err = EXAM_INVALID;
            error(ctx, line, w.error);
        }
    }
    return err;
}

void plan_free(struct plan *p)
{
    free(p->act);
    *p = (struct plan){0};
}

/* ---------------------------------------------------------------- names */

/* The next of the names with commas between them; NULL: no more. */
static const char *name_next(const char **rest, size_t *bytes)
{
    const char *name = *rest;
    if (name == NULL)
        return NULL;
    const char *comma = strchr(name, ',');
    *bytes = comma ? (size_t)(comma - name) : strlen(name);
    *rest = comma ? comma + 1 : NULL;
    return name;
}

static bool name_fits(const char *name, size_t bytes, const char *seat)
{
    if (bytes > 0 && name[bytes - 1] == '*')
        return strncmp(name, seat, bytes - 1) == 0;
    return strlen(seat) == bytes && memcmp(name, seat, bytes) == 0;
}

bool plan_act_names(const struct plan_act *a, const char *seat)
{
    const char *rest = a->seats, *name;
    size_t bytes;
    while ((name = name_next(&rest, &bytes)) != NULL)
        if (name_fits(name, bytes, seat))
            return true;
    return false;
}

static bool any_fits(const char *name, size_t bytes, const char *const *seats, uint32_t seats_n)
{
    for (uint32_t i = 0; i < seats_n; i++)
        if (name_fits(name, bytes, seats[i]))
            return true;
    return false;
}

static bool spare_is_taken(const struct plan *p, uint32_t n, const char *const *seats,
                           uint32_t seats_n)
{
    const char *spare = p->act[n].spare;
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(p->act[i].spare, spare) == 0)
            return true;
    return any_fits(spare, strlen(spare), seats, seats_n);
}

exam_err plan_check_seats(const struct plan *p, const char *const *seats, uint32_t seats_n,
                          plan_error error, void *ctx)
{
    exam_err err = EXAM_OK;
    char what[PLAN_WORD_BYTES_MAX + 100];
    for (uint32_t i = 0; i < p->n; i++) {
        const struct plan_act *a = &p->act[i];
        const char *rest = a->percent ? NULL : a->seats, *name;
        size_t bytes;
        while ((name = name_next(&rest, &bytes)) != NULL) {
            if (any_fits(name, bytes, seats, seats_n))
                continue;
            snprintf(what, sizeof what, "no candidate of this run sits at %.*s", (int)bytes, name);
            error(ctx, a->line, what);
            err = EXAM_INVALID;
        }
        if (a->kind == PLAN_MOVE && spare_is_taken(p, i, seats, seats_n)) {
            snprintf(what, sizeof what, "%s is no spare seat: it is a candidate's, or given twice",
                     a->spare);
            error(ctx, a->line, what);
            err = EXAM_INVALID;
        }
    }
    return err;
}

/* ---------------------------------------------------------------- by chance */

exam_err plan_draw(struct plan *p, uint64_t seed, double a_minute, uint64_t over_ms,
                   const char *const *seats, uint32_t seats_n, uint32_t nodes_n)
{
    static const enum plan_kind drawn[] = {PLAN_POWER, PLAN_CUT, PLAN_RESET};
    struct rng rng;
    exam_err err = EXAM_OK;
    if (a_minute <= 0)
        return EXAM_OK;
    rng_init(&rng, seed);
    uint64_t mean_ms = (uint64_t)(60000.0 / a_minute) + 1;
    for (uint32_t i = 0; i < seats_n; i++) {
        for (uint64_t at_ms = rng_exp(&rng, mean_ms); at_ms < over_ms && err == EXAM_OK;) {
            struct plan_act a = {.kind = drawn[rng_below(&rng, 3)], .when.ms = at_ms};
            a.how_long.ms = DRAWN_MS_MIN + rng_exp(&rng, DRAWN_MS_MEAN);
            if (a.kind != PLAN_POWER && nodes_n > 1)
                a.node = rng_below(&rng, nodes_n + 1);
            snprintf(a.seats, sizeof a.seats, "%s", seats[i]);
            err = act_add(p, &a);
            at_ms += a.how_long.ms + rng_exp(&rng, mean_ms);
        }
    }
    return err;
}
