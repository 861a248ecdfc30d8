#include "story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exit_code.h"
#include "filter.h"
#include "report.h"

static void *need(void *block)
{
    if (block)
        return block;
    report_error("out of memory");
    exit(EXIT_CODE_INTERNAL);
}

static void *grown(void *list, size_t n, size_t *max, size_t each)
{
    if (n < *max)
        return list;
    *max = *max ? 2 * *max : 32;
    return need(realloc(list, *max * each));
}

void story_fini(struct story *s)
{
    for (size_t i = 0; i < s->acts_n; i++) {
        free(s->acts[i].who);
        free(s->acts[i].text);
    }
    free(s->acts);
    free(s->causes);
}

/* ---------------------------------------------------------------- noting */

static const Ev__Scope *scope_of(const Ev__Event *event)
{
    if (event->kind_case == EV__EVENT__KIND_PAUSED)
        return event->paused->scope;
    return event->kind_case == EV__EVENT__KIND_RESUMED ? event->resumed->scope : NULL;
}

static void note_act(struct story *s, const struct replay_record *at, const struct event_words *w)
{
    const Ev__Scope *scope = scope_of(at->event);
    s->acts = grown(s->acts, s->acts_n, &s->acts_max, sizeof *s->acts);
    s->acts[s->acts_n++] = (struct story_act){
        .lsn = at->r->lsn,
        .site_ms = at->site_ms,
        .wall_ms = at->r->wall_ms,
        .kind = w->kind,
        .event = at->event->kind_case,
        .scope = scope ? scope->kind : EV__SCOPE_KIND__SCOPE_KIND_UNKNOWN,
        .scope_no = scope ? scope->no : 0,
        .who = need(strdup(w->who)),
        .text = need(strdup(w->text)),
    };
}

/* Whichever event booked an interruption: the state tells that there is one more. */
static void note_causes(struct story *s, const struct replay *p, const struct replay_record *at,
                        uint32_t sitting)
{
    struct exam_sitting_view v;
    exam_sitting_view(p->x, sitting, p->site_ms, &v);
    while (s->causes_n < v.interruptions) {
        s->causes = grown(s->causes, s->causes_n, &s->causes_max, sizeof *s->causes);
        s->causes[s->causes_n++] = (struct story_cause){
            .lsn = at->r->lsn, .wall_ms = at->r->wall_ms, .event = at->event->kind_case};
    }
}

static bool is_told(enum event_kind kind)
{
    return kind != EVENT_MARK && kind != EVENT_ANSWER && kind != EVENT_IMPORT;
}

void story_note(struct story *s, const struct replay *p, const struct replay_record *at)
{
    const struct filter filter = {.sitting = s->admission_no};
    struct event_words w;
    uint32_t sitting;
    if (exam_find_sitting(p->x, s->admission_no, &sitting))
        return;
    note_causes(s, p, at, sitting);
    event_tell(p->x, at->event, &w);
    if (is_told(w.kind) && filter_fits_event(&filter, p->x, at->event))
        note_act(s, at, &w);
}

/* ---------------------------------------------------------------- who decided */

struct deciding {
    char *out;
    size_t n;
};

static void say(struct deciding *d, const char *text)
{
    int n = snprintf(d->out + d->n, STORY_TEXT_BYTES - d->n, "%s%s", d->n > 0 ? "; " : "", text);
    if (n > 0)
        d->n += (size_t)n < STORY_TEXT_BYTES - d->n ? (size_t)n : STORY_TEXT_BYTES - d->n - 1;
}

/* The end of the pause that act i began; NULL: it lasts. */
static const struct story_act *pause_end(const struct story *s, size_t i)
{
    for (size_t j = i + 1; j < s->acts_n; j++)
        if (s->acts[j].event == EV__EVENT__KIND_RESUMED && s->acts[j].scope == s->acts[i].scope &&
            s->acts[j].scope_no == s->acts[i].scope_no)
            return &s->acts[j];
    return NULL;
}

static void say_pauses(const struct story *s, const struct exam_interruption_view *in,
                       struct deciding *d)
{
    for (size_t i = 0; i < s->acts_n; i++) {
        const struct story_act *a = &s->acts[i];
        const struct story_act *end = a->event == EV__EVENT__KIND_PAUSED ? pause_end(s, i) : NULL;
        bool suspends = a->event == EV__EVENT__KIND_BATCH_SUSPENDED;
        if ((a->event != EV__EVENT__KIND_PAUSED && !suspends) || a->site_ms >= in->to_ms ||
            (end && end->site_ms <= in->from_ms))
            continue;
        say(d, a->text);
        if (end)
            say(d, end->text);
    }
}

static const char *rule_of(Ev__Basis basis)
{
    switch (basis) {
    case EV__BASIS__BASIS_MARK:
        return "by rule: nothing recorded any use after its last mark (T5, T7)";
    case EV__BASIS__BASIS_CARRIED:
        return "by rule: counted from the mark that the seat carried (T12)";
    case EV__BASIS__BASIS_CLAIM:
        return "by rule: the seat's screen was open for what it claims, and closed after (T6)";
    case EV__BASIS__BASIS_DARK:
        return "by rule: no server served, and no screen was open (T2, T5)";
    default:
        return "by rule (T8)";
    }
}

static void say_grant(const struct story *s, uint64_t lsn, struct deciding *d)
{
    for (size_t i = 0; i < s->acts_n; i++)
        if (s->acts[i].lsn == lsn)
            say(d, s->acts[i].text);
}

void story_decided(const struct story *s, uint32_t i, const struct exam_interruption_view *in,
                   char out[STORY_TEXT_BYTES])
{
    struct deciding d = {.out = out};
    out[0] = '\0';
    if (i < s->causes_n && s->causes[i].event == EV__EVENT__KIND_GRANTED)
        say_grant(s, s->causes[i].lsn, &d);
    else if (in->basis == EV__BASIS__BASIS_PAUSE)
        say_pauses(s, in, &d);
    if (d.n == 0)
        say(&d, rule_of(in->basis));
}
