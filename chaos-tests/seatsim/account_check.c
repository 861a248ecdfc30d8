#include "account_check.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exam_limits.h"
#include "table_file.h"

/* uthash gives up on a lack of memory through this; the caller looks at `orphan` afterwards. */
#define HASH_NONFATAL_OOM      1
#define uthash_nonfatal_oom(e) ((e)->orphan = true)
#include <uthash.h>

enum { FAULTS_SAID = 10, BOUNDS = 5 };

struct account {
    char admission_no[NAME_BYTES_MAX + 1];
    char finish[NAME_BYTES_MAX + 1];
    uint64_t total_ms, used_min_ms, used_max_ms, lost_min_ms, lost_max_ms;
    uint64_t lost_ms; /* of the results */
    bool found;
    bool orphan; /* could not be put into the table */
    UT_hash_handle hh;
};

struct account_check {
    struct account *table;
    struct account_check_figures figures;
    uint64_t said;
    account_check_say say;
    void *say_ctx;
};

exam_err account_check_new(struct account_check **out)
{
    struct account_check *c = calloc(1, sizeof *c);
    if (c == NULL)
        return EXAM_NOMEM;
    *out = c;
    return EXAM_OK;
}

void account_check_free(struct account_check *c)
{
    if (c == NULL)
        return;
    struct account *a, *next;
    HASH_ITER(hh, c->table, a, next)
    {
        HASH_DEL(c->table, a);
        free(a);
    }
    free(c);
}

void account_check_on_fault(struct account_check *c, account_check_say say, void *ctx)
{
    c->say = say;
    c->say_ctx = ctx;
}

__attribute__((format(printf, 2, 3))) static void fault(struct account_check *c, const char *format,
                                                        ...)
{
    char text[300];
    va_list args;
    if (c->say == NULL || c->said++ >= FAULTS_SAID)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    c->say(c->say_ctx, text);
}

static struct account *account_of(const struct account_check *c, const char *admission_no)
{
    struct account *a = NULL;
    HASH_FIND_STR(c->table, admission_no, a);
    return a;
}

/* ---------------------------------------------------------------- bounds */

static exam_err number_read(const char *text, uint64_t *out)
{
    char *end;
    errno = 0;
    uint64_t v = strtoull(text, &end, 10);
    if (end == text || *end != '\0' || *text == '-' || errno != 0)
        return EXAM_INVALID;
    *out = v;
    return EXAM_OK;
}

static exam_err bounds_row(void *ctx, uint64_t line, const char *const *cells)
{
    (void)line;
    struct account_check *c = ctx;
    if (strlen(cells[0]) > NAME_BYTES_MAX || strlen(cells[1]) > NAME_BYTES_MAX)
        return EXAM_INVALID;
    if (account_of(c, cells[0]) != NULL)
        return EXAM_EXISTS;
    struct account *a = calloc(1, sizeof *a);
    if (a == NULL)
        return EXAM_NOMEM;
    strcpy(a->admission_no, cells[0]);
    strcpy(a->finish, cells[1]);
    uint64_t *const to[BOUNDS] = {&a->total_ms, &a->used_min_ms, &a->used_max_ms, &a->lost_min_ms,
                                  &a->lost_max_ms};
    exam_err err = EXAM_OK;
    for (int i = 0; i < BOUNDS && err == EXAM_OK; i++)
        err = number_read(cells[2 + i], to[i]);
    if (err == EXAM_OK) {
        HASH_ADD_STR(c->table, admission_no, a);
        err = a->orphan ? EXAM_NOMEM : EXAM_OK;
    }
    if (err != EXAM_OK) {
        free(a);
        return err;
    }
    c->figures.reckoned++;
    c->figures.missing++; /* until it is found */
    return EXAM_OK;
}

exam_err account_check_bounds(struct account_check *c, const char *path, char *why,
                              size_t why_bytes)
{
    static const char *const columns[] = {"admission_no", "finish",      "total_ms",
                                          "used_ms_min",  "used_ms_max", "lost_ms_min",
                                          "lost_ms_max"};
    return table_file_read(path, columns, 2 + BOUNDS, bounds_row, c, why, why_bytes);
}

/* ---------------------------------------------------------------- results */

struct result {
    uint64_t allot_ms, used_ms, left_ms, lost_ms;
    int64_t grants_ms;
};

static exam_err result_read(const char *const *cells, struct result *r)
{
    bool less = cells[3][0] == '-';
    uint64_t grants_ms;
    exam_err err = number_read(cells[2], &r->allot_ms);
    if (err == EXAM_OK)
        err = number_read(cells[3] + less, &grants_ms);
    if (err == EXAM_OK)
        err = number_read(cells[4], &r->used_ms);
    if (err == EXAM_OK)
        err = number_read(cells[5], &r->left_ms);
    if (err == EXAM_OK)
        err = number_read(cells[6], &r->lost_ms);
    if (err == EXAM_OK)
        r->grants_ms = less ? -(int64_t)grants_ms : (int64_t)grants_ms;
    return err;
}

static bool result_right(struct account_check *c, const struct account *a, const char *finish,
                         const struct result *r)
{
    uint64_t total_ms = (uint64_t)((int64_t)r->allot_ms + r->grants_ms);
    if (total_ms != r->used_ms + r->left_ms || total_ms != a->total_ms) {
        fault(c,
              "%s: allot %" PRIu64 " + grants %" PRId64 ", used %" PRIu64 " + left %" PRIu64
              "; the seat was told %" PRIu64 " in all (section 5)",
              a->admission_no, r->allot_ms, r->grants_ms, r->used_ms, r->left_ms, a->total_ms);
        return false;
    }
    if (strcmp(finish, a->finish) != 0) {
        fault(c, "%s: finished \"%.40s\", the seat was told \"%.40s\" (T10)", a->admission_no,
              finish, a->finish);
        return false;
    }
    if (r->used_ms >= a->used_min_ms && r->used_ms <= a->used_max_ms &&
        r->lost_ms >= a->lost_min_ms && r->lost_ms <= a->lost_max_ms)
        return true;
    fault(c,
          "%s: used %" PRIu64 " lost %" PRIu64 "; must be %" PRIu64 "..%" PRIu64 " and %" PRIu64
          "..%" PRIu64 " (T5-T11)",
          a->admission_no, r->used_ms, r->lost_ms, a->used_min_ms, a->used_max_ms, a->lost_min_ms,
          a->lost_max_ms);
    return false;
}

static exam_err result_row(void *ctx, uint64_t line, const char *const *cells)
{
    (void)line;
    struct account_check *c = ctx;
    struct result r;
    struct account *a = account_of(c, cells[0]);
    if (a == NULL)
        return EXAM_OK; /* somebody who is not of that run */
    if (a->found)
        return EXAM_EXISTS;
    exam_err err = result_read(cells, &r);
    if (err != EXAM_OK)
        return err;
    a->found = true;
    a->lost_ms = r.lost_ms;
    c->figures.missing--;
    if (result_right(c, a, cells[1], &r))
        c->figures.right++;
    else
        c->figures.wrong++;
    return EXAM_OK;
}

exam_err account_check_results(struct account_check *c, const char *path, char *why,
                               size_t why_bytes)
{
    static const char *const columns[] = {"admission_no", "finish",  "allot_ms", "grants_ms",
                                          "used_ms",      "left_ms", "lost_ms"};
    return table_file_read(path, columns, 7, result_row, c, why, why_bytes);
}

/* ---------------------------------------------------------------- interruptions (T14) */

static uint64_t member_ms(const json_t *o, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(o, name));
}

static void interruptions_compare(struct account_check *c, const struct account *a,
                                  const json_t *list)
{
    uint64_t sum_ms = 0;
    bool too_long = false;
    size_t i;
    json_t *row;
    json_array_foreach(list, i, row)
    {
        uint64_t from_ms = member_ms(row, "from_ms"), to_ms = member_ms(row, "to_ms");
        uint64_t lost_ms = member_ms(row, "lost_ms");
        sum_ms += lost_ms;
        too_long |= to_ms < from_ms || lost_ms > to_ms - from_ms;
    }
    c->figures.itemized++;
    if (sum_ms == a->lost_ms && !too_long)
        return;
    c->figures.sum_wrong++;
    fault(c, "%s: lost %" PRIu64 ", its %zu interruptions sum up to %" PRIu64 "%s (T14)",
          a->admission_no, a->lost_ms, json_array_size(list), sum_ms,
          too_long ? ", and one has lost more than it lasted" : "");
}

static exam_err sitting_take(struct account_check *c, const json_t *o)
{
    const char *admission_no = json_string_value(json_object_get(o, "admission_no"));
    const json_t *list = json_object_get(o, "interruptions");
    const struct account *a = admission_no ? account_of(c, admission_no) : NULL;
    if (a == NULL || !a->found || !json_is_array(list))
        return EXAM_INVALID;
    if (member_ms(o, "interruptions_in_all") != json_array_size(list))
        return EXAM_INVALID; /* not all of them are listed: no sum can be made */
    interruptions_compare(c, a, list);
    return EXAM_OK;
}

static bool more_follows(FILE *f)
{
    int ch;
    do
        ch = fgetc(f);
    while (ch == ' ' || ch == '\n' || ch == '\r' || ch == '\t');
    return ch != EOF && ungetc(ch, f) != EOF;
}

exam_err account_check_sittings(struct account_check *c, const char *path, char *why,
                                size_t why_bytes)
{
    FILE *f = fopen(path, "re");
    exam_err err = EXAM_OK;
    uint64_t n = 0;
    if (f == NULL) {
        snprintf(why, why_bytes, "%s", strerror(errno));
        return EXAM_IO;
    }
    while (err == EXAM_OK && more_follows(f)) {
        json_error_t problem;
        json_t *o = json_loadf(f, JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, &problem);
        n++;
        err = o == NULL ? EXAM_MALFORMED : sitting_take(c, o);
        if (err != EXAM_OK)
            snprintf(why, why_bytes, "sitting %" PRIu64 ": %s", n,
                     o == NULL ? problem.text : "not a whole sitting of the results");
        json_decref(o);
    }
    fclose(f);
    return err;
}

struct account_check_figures account_check_figures(const struct account_check *c)
{
    return c->figures;
}
