#include "report.h"

#include <inttypes.h>
#include <stdlib.h>

#include "results.h"

void report_failures(FILE *out, const struct drill *d, const struct verdict *v)
{
    for (uint32_t i = 0; i < v->failed; i++) {
        const struct failure *f = &v->failures[i];
        if (f->line)
            fprintf(out, "%s:%" PRIu32 ": %s\n    found: %s\n", d->file, f->line, f->statement,
                    f->found);
        else
            fprintf(out, "%s: at the end\n    found: %s\n", d->file, f->found);
    }
}

void report_total(FILE *out, uint32_t passed, uint32_t failed)
{
    fprintf(out, "%" PRIu32 " passed, %" PRIu32 " failed\n", passed, failed);
}

/* ---------------------------------------------------------------- JSON */

static json_t *must(json_t *j)
{
    if (!j)
        abort();
    return j;
}

static void put(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, must(value)))
        abort();
}

static void push(json_t *array, json_t *value)
{
    if (json_array_append_new(array, must(value)))
        abort();
}

static json_t *json_ms(uint64_t ms)
{
    return json_integer((json_int_t)ms);
}

static const char *basis_text(Ev__Basis basis)
{
    static const char *const texts[] = {
        [EV__BASIS__BASIS_UNKNOWN] = "unknown", [EV__BASIS__BASIS_MARK] = "mark",
        [EV__BASIS__BASIS_CARRIED] = "carried", [EV__BASIS__BASIS_CLAIM] = "claim",
        [EV__BASIS__BASIS_PAUSE] = "pause",     [EV__BASIS__BASIS_DARK] = "dark",
    };
    size_t n = sizeof texts / sizeof *texts;
    return (size_t)basis < n && texts[basis] ? texts[basis] : "unknown";
}

static json_t *json_failures(const struct verdict *v)
{
    json_t *list = must(json_array());
    for (uint32_t i = 0; i < v->failed; i++) {
        const struct failure *f = &v->failures[i];
        json_t *o = must(json_object());
        put(o, "line", json_integer(f->line));
        put(o, "statement", json_string(f->statement));
        put(o, "found", json_string(f->found));
        push(list, o);
    }
    return list;
}

/* T14. Instants are of the site's own timeline, counted from the drill's 0:00: it does not know of
 * a dark time that no server's clock has measured. */
static json_t *json_interruptions(const struct stage *s, const exam *x, const char *admission_no)
{
    struct exam_interruption_view in;
    json_t *list = must(json_array());
    uint32_t no;
    if (exam_find_sitting(x, admission_no, &no))
        return list;
    for (uint32_t i = 0; exam_interruption_at(x, no, i, &in) == EXAM_OK; i++) {
        json_t *o = must(json_object());
        put(o, "from_ms", json_integer((json_int_t)in.from_ms - (json_int_t)s->zero_site_ms));
        put(o, "to_ms", json_integer((json_int_t)in.to_ms - (json_int_t)s->zero_site_ms));
        put(o, "lost_ms", json_ms(in.lost_ms));
        put(o, "basis", json_string(basis_text(in.basis)));
        push(list, o);
    }
    return list;
}

static json_t *json_answers(const struct result *r)
{
    json_t *list = must(json_object());
    for (uint32_t i = 0; i < r->answers_n; i++) {
        const struct result_answer *a = &r->answers[i];
        json_t *o = must(json_object());
        put(o, "value", json_stringn((const char *)a->value, a->value_bytes));
        put(o, "late", json_boolean(a->late));
        put(list, a->item, o);
    }
    return list;
}

static json_t *json_sitting(const struct stage *s, const exam *x, uint32_t i,
                            const struct result *r)
{
    const struct drill_sitting *d = &s->d->sittings[i];
    json_t *o = must(json_object());
    put(o, "sitting", json_string(d->admission_no));
    put(o, "batch", json_string(s->d->batches[d->batch].name));
    put(o, "seat", json_string(r->seat));
    put(o, "state", json_string(r->state));
    put(o, "finish", r->finish[0] ? json_string(r->finish) : json_null());
    put(o, "allot_ms", json_ms(r->allot_ms));
    put(o, "grants_ms", json_integer((json_int_t)r->grants_ms));
    put(o, "used_ms", json_ms(r->used_ms));
    put(o, "left_ms", json_ms(r->left_ms));
    put(o, "lost_ms", json_ms(r->lost_ms));
    put(o, "interruptions", json_interruptions(s, x, d->admission_no));
    put(o, "answers", json_answers(r));
    return o;
}

static json_t *json_sittings(struct stage *s)
{
    struct results r = {0};
    struct office_refusal why;
    const struct result *of;
    json_t *list = must(json_array());
    uint32_t node = world_primary(s->w);
    for (uint32_t i = 0; node != WORLD_NONE && i < s->d->sittings_n; i++)
        if (!results_of(&r, s, i, &of, &why))
            push(list, json_sitting(s, node_exam(world_node(s->w, node)), i, of));
    results_clear(&r);
    return list;
}

json_t *report_json(struct stage *s, const struct verdict *v)
{
    uint32_t node = world_primary(s->w);
    json_t *o = must(json_object());
    put(o, "drill", json_string(s->d->file));
    put(o, "passed", json_integer(v->passed));
    put(o, "failed", json_integer(v->failed));
    put(o, "failures", json_failures(v));
    put(o, "at_ms", json_ms(world_now_ms(s->w) - s->zero_ms));
    put(o, "served_by",
        node == WORLD_NONE ? json_null() : json_string(world_node_name(s->w, node)));
    put(o, "sittings", json_sittings(s));
    return o;
}
