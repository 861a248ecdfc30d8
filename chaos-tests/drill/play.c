#include "play.h"

#include <stdio.h>

#include "acts.h"
#include "check_accounts.h"
#include "check_replicas.h"
#include "expect.h"
#include "unchanged.h"

/* ---------------------------------------------------------------- lines that must be refused */

static void play_refused(struct stage *s, const struct drill_line *l, struct verdict *v)
{
    struct snapshot before, after;
    struct office_refusal why = {0};
    char found[FOUND_BYTES];
    snapshot_take(s, &before);
    exam_err err = act(s, l, &why);
    snapshot_take(s, &after);
    if (s->trace)
        trace_line(s->trace, world_now_ms(s->w), "---", err ? why.text : "it was not refused");
    uint32_t node = snapshot_changed(&before, &after, l->verb);
    exam_err_class class = exam_err_class_of(err);
    if (!err) {
        verdict_fail(v, l->line, l->text, "it was not refused");
    } else if (class == EXAM_CLASS_FATAL || err == EXAM_CONN || !why.text[0]) {
        snprintf(found, sizeof found, "no refusal, but: %s", why.text);
        verdict_fail(v, l->line, l->text, found);
    } else if (node != WORLD_NONE) {
        snprintf(found, sizeof found,
                 "it was refused, and changed the state of node %s all the same",
                 world_node_name(s->w, node));
        verdict_fail(v, l->line, l->text, found);
    } else {
        verdict_pass(v);
    }
}

/* ---------------------------------------------------------------- lines */

static void play_act(struct stage *s, const struct drill_line *l, struct verdict *v)
{
    struct office_refusal why = {0};
    char found[FOUND_BYTES];
    if (s->trace)
        trace_line(s->trace, world_now_ms(s->w), "---", l->text);
    if (l->must_be_refused) {
        play_refused(s, l, v);
        return;
    }
    exam_err err = act(s, l, &why);
    if (!err)
        return;
    if (s->trace)
        trace_line(s->trace, world_now_ms(s->w), "---", why.text);
    snprintf(found, sizeof found, "it was refused: %s", why.text);
    verdict_fail(v, l->line, l->text, found);
}

static void play_expectation(struct stage *s, struct results *r, const struct drill_line *l,
                             struct verdict *v)
{
    char found[FOUND_BYTES] = "", told[2 * FOUND_BYTES];
    if (expect_holds(s, r, l, found)) {
        verdict_pass(v);
        return;
    }
    if (s->trace) {
        snprintf(told, sizeof told, "does not hold: %s; found: %s", l->text, found);
        trace_line(s->trace, world_now_ms(s->w), "---", told);
    }
    verdict_fail(v, l->line, l->text, found);
}

/* The lines first..n-1 are those of one instant. */
static void play_instant(struct stage *s, const struct drill_line *lines, uint32_t n,
                         struct verdict *v)
{
    struct results r = {0};
    stage_run(s, lines[0].at_ms);
    for (uint32_t i = 0; i < n; i++)
        if (!drill_is_expectation(lines[i].verb))
            play_act(s, &lines[i], v);
    for (uint32_t i = 0; i < n; i++)
        if (drill_is_expectation(lines[i].verb))
            play_expectation(s, &r, &lines[i], v);
    results_clear(&r);
}

/* ---------------------------------------------------------------- the end */

static void check_end(struct stage *s, struct verdict *v)
{
    char what[256], told[512];
    for (uint32_t i = 0; i < s->d->nodes_n; i++) {
        struct node *n = world_node(s->w, i);
        if (!n || check_accounts(node_exam(n), node_site_ms(n), what, sizeof what))
            continue;
        snprintf(told, sizeof told, "node %s: %s", world_node_name(s->w, i), what);
        verdict_fail(v, 0, "", told);
    }
    if (!check_replicas(s->w, NULL, what, sizeof what))
        verdict_fail(v, 0, "", what);
}

void play(struct stage *s, struct verdict *v)
{
    const struct drill *d = s->d;
    for (uint32_t i = 0, n; i < d->lines_n; i += n) {
        for (n = 1; i + n < d->lines_n && d->lines[i + n].at_ms == d->lines[i].at_ms;)
            n++;
        play_instant(s, d->lines + i, n, v);
    }
    check_end(s, v);
}
