#include "report.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "duration.h"

void report_failure(FILE *out, uint64_t seed, const struct violation *v)
{
    char at[DURATION_TEXT_BYTES];
    duration_format(v->at_ms, at);
    fprintf(out, "seed %" PRIu64 " breaks %s at %s: %s\n", seed, v->rule, at, v->text);
}

void report_totals(FILE *out, const struct campaign *c)
{
    const struct campaign_totals *t = &c->totals;
    fprintf(out, "%" PRIu64 " histories, %" PRIu64 " broken; %.1f s, %.0f a second\n", t->seeds_n,
            t->failures_n, c->seconds, c->seconds > 0 ? (double)t->seeds_n / c->seconds : 0.0);
    fprintf(out,
            "%" PRIu64 " h of exams, %" PRIu64 " answers, %" PRIu64 " called saved, %" PRIu64
            " epochs; in %" PRIu64 " histories two had one number\n",
            t->virtual_ms / 3600000, t->answers_n, t->saved_n, t->epochs_n, t->twins_n);
    fprintf(out, "%-24s %12s %12s\n", "fault", "happened", "histories");
    for (int i = 0; i < WORLD_FAULTS; i++)
        fprintf(out, "%-24s %12" PRIu64 " %12" PRIu64 "\n", world_fault_name((enum world_fault)i),
                t->faults[i], t->fault_seeds[i]);
}

const char *report_missing(const struct campaign *c)
{
    for (int i = 0; i < WORLD_FAULTS; i++)
        if (!c->totals.faults[i])
            return world_fault_name((enum world_fault)i);
    return NULL;
}

static json_t *failures_json(const struct campaign *c)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < c->failures_n; i++) {
        const struct violation *v = &c->failures[i].violation;
        json_t *one = json_pack("{s:I, s:s, s:I, s:s}", "seed", (json_int_t)c->failures[i].seed,
                                "rule", v->rule, "at_ms", (json_int_t)v->at_ms, "text", v->text);
        if (!one || json_array_append_new(list, one))
            abort();
    }
    return list;
}

static json_t *faults_json(const struct campaign *c)
{
    json_t *faults = json_object();
    for (int i = 0; i < WORLD_FAULTS; i++)
        if (json_object_set_new(faults, world_fault_name((enum world_fault)i),
                                json_integer((json_int_t)c->totals.faults[i])))
            abort();
    return faults;
}

void report_json(FILE *out, const struct campaign *c)
{
    const struct campaign_totals *t = &c->totals;
    json_t *whole =
        json_pack("{s:I, s:I, s:f, s:I, s:I, s:I, s:I, s:o, s:o}", "histories",
                  (json_int_t)t->seeds_n, "broken", (json_int_t)t->failures_n, "seconds",
                  c->seconds, "virtual_ms", (json_int_t)t->virtual_ms, "answers",
                  (json_int_t)t->answers_n, "saved", (json_int_t)t->saved_n, "epochs",
                  (json_int_t)t->epochs_n, "failures", failures_json(c), "faults", faults_json(c));
    if (!whole || json_dumpf(whole, out, JSON_INDENT(2)))
        abort();
    fputc('\n', out);
    json_decref(whole);
}

/* ---------------------------------------------------------------- plans */

void report_numbers(FILE *out, const uint32_t *numbers, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t last = i;
        while (last + 1 < n && numbers[last + 1] == numbers[last] + 1)
            last++;
        fprintf(out, last > i ? "%s%u-%u" : "%s%u", i ? "," : "", numbers[i], numbers[last]);
        i = last;
    }
}

void report_plan(FILE *out, const struct plan *p, const uint32_t *kept)
{
    char at[DURATION_TEXT_BYTES], what[200];
    const struct plan_site *s = &p->site;
    fprintf(out,
            "seed %" PRIu64 ": %u nodes, %u candidates, %u seats; %" PRIu64
            " s of %s time, %" PRIu64 " s of grace, alone after %" PRIu64
            " ms, windows of %u bytes%s\n",
            p->seed, s->nodes_n, s->candidates_n, s->seats_n, s->allot_ms / 1000,
            s->personal ? "personal" : "common", s->grace_ms / 1000, s->solo_after_ms,
            s->window_bytes, s->no_hints ? ", nobody is told what is back" : "");
    for (uint32_t i = 0; i < p->acts_n; i++) {
        plan_act_text(p, &p->acts[i], what, sizeof what);
        duration_format(p->acts[i].at_ms, at);
        fprintf(out, "%4u %12s  %s\n", kept ? kept[i] : i, at, what);
    }
    duration_format(p->end_ms, at);
    fprintf(out, "     %12s  everything is repaired\n", at);
}
