#include "story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exit_code.h"
#include "language.h"
#include "report.h"

/* Calendars and the site's timeline may part by so much before it is noted. */
enum { DATE_DRIFT_MS = 500 };

static void *need(void *block)
{
    if (block)
        return block;
    report_error(_("out of memory"));
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
    for (size_t i = 0; i < s->of_n; i++)
        free(s->of[i].list);
    free(s->acts);
    free(s->of);
    free(s->darks);
    free(s->roles);
    free(s->dates);
}

/* ---------------------------------------------------------------- noting acts */

static Ev__Scope scope_of(const Ev__Event *event)
{
    Ev__Scope scope = EV__SCOPE__INIT;
    if (event->kind_case == EV__EVENT__KIND_PAUSED)
        scope = *event->paused->scope;
    else if (event->kind_case == EV__EVENT__KIND_RESUMED)
        scope = *event->resumed->scope;
    else if (event->kind_case == EV__EVENT__KIND_BATCH_SUSPENDED)
        scope = (Ev__Scope){.base = scope.base,
                            .kind = EV__SCOPE_KIND__SCOPE_KIND_BATCH,
                            .no = event->batch_suspended->batch};
    return scope;
}

static void note_act(struct story *s, const struct replay_record *at, const struct event_words *w)
{
    s->acts = grown(s->acts, s->acts_n, &s->acts_max, sizeof *s->acts);
    s->acts[s->acts_n++] = (struct story_act){
        .lsn = at->r->lsn,
        .site_ms = at->site_ms,
        .wall_ms = at->r->wall_ms,
        .kind = w->kind,
        .event = at->event->kind_case,
        .scope = scope_of(at->event),
        .who = need(strdup(w->who)),
        .text = need(strdup(w->text)),
    };
}

/* ---------------------------------------------------------------- noting bookings */

static void bookings_for(struct story *s, uint32_t sittings)
{
    while (s->of_n < sittings) {
        s->of = grown(s->of, s->of_n, &s->of_max, sizeof *s->of);
        s->of[s->of_n++] = (struct story_bookings){.n = 0};
    }
}

/* Whichever event booked an interruption: the state tells that there is one more. */
static void note_booked(struct story *s, const struct replay *p, const struct replay_record *at,
                        uint32_t sitting)
{
    struct story_bookings *b = &s->of[sitting - 1];
    struct exam_interruption_view in;
    while (exam_interruption_at(p->x, sitting, (uint32_t)b->n, &in) == EXAM_OK) {
        b->list = grown(b->list, b->n, &b->max, sizeof *b->list);
        b->list[b->n++] = (struct story_booked){
            .lsn = at->r->lsn, .wall_ms = at->r->wall_ms, .event = at->event->kind_case};
    }
}

static void note_bookings(struct story *s, const struct replay *p, const struct replay_record *at)
{
    size_t n;
    const uint32_t *named = event_sittings(at->event, &n);
    bookings_for(s, exam_sittings(p->x));
    for (size_t i = 0; i < n; i++)
        if (named[i] >= 1 && named[i] <= s->of_n)
            note_booked(s, p, at, named[i]);
}

/* ---------------------------------------------------------------- noting time */

static void note_date(struct story *s, const struct replay_record *at)
{
    int64_t expected = s->dates_n > 0 ? story_wall_ms(s, at->site_ms) : 0;
    int64_t drift = at->r->wall_ms - expected;
    if (s->dates_n > 0 && drift < DATE_DRIFT_MS && drift > -DATE_DRIFT_MS)
        return;
    s->dates = grown(s->dates, s->dates_n, &s->dates_max, sizeof *s->dates);
    s->dates[s->dates_n++] = (struct story_date){.site_ms = at->site_ms, .wall_ms = at->r->wall_ms};
}

int64_t story_wall_ms(const struct story *s, uint64_t site_ms)
{
    size_t i = s->dates_n;
    while (i > 1 && s->dates[i - 1].site_ms > site_ms)
        i--;
    if (i == 0)
        return 0;
    return s->dates[i - 1].wall_ms + (int64_t)site_ms - (int64_t)s->dates[i - 1].site_ms;
}

static void note_role(struct story *s, uint64_t site_ms, enum story_role_kind kind,
                      const char *node)
{
    s->roles = grown(s->roles, s->roles_n, &s->roles_max, sizeof *s->roles);
    struct story_role *r = &s->roles[s->roles_n++];
    *r = (struct story_role){.site_ms = site_ms, .kind = kind};
    snprintf(r->node, sizeof r->node, "%s", node);
}

static void note_dark(struct story *s, const struct replay_record *at)
{
    const Ev__EpochBegan *e = at->event->epoch_began;
    struct story_dark d = {.from_ms = s->last_ms,
                           .to_ms = at->site_ms,
                           .epoch = e->epoch,
                           .reason = e->reason,
                           .known = e->dark_known};
    memcpy(d.before, s->serves, sizeof d.before);
    snprintf(d.after, sizeof d.after, "%s", e->node);
    snprintf(d.who, sizeof d.who, "%s", e->who);
    snprintf(d.why, sizeof d.why, "%s", e->why);
    memcpy(s->serves, d.after, sizeof s->serves);
    if (d.before[0] == '\0')
        return;
    s->darks = grown(s->darks, s->darks_n, &s->darks_max, sizeof *s->darks);
    s->darks[s->darks_n++] = d;
}

static void note_service(struct story *s, const struct replay_record *at)
{
    const Ev__StandbyChanged *e = at->event->standby_changed;
    if (at->event->kind_case == EV__EVENT__KIND_EPOCH_BEGAN) {
        note_dark(s, at);
        note_role(s, at->site_ms, STORY_SERVES, at->event->epoch_began->node);
    } else if (at->event->kind_case == EV__EVENT__KIND_STANDBY_CHANGED) {
        note_role(s, at->site_ms, e->in_sync ? STORY_IN_SYNC : STORY_LOST, e->node);
    }
}

/* ---------------------------------------------------------------- noting */

static bool is_told(enum event_kind kind)
{
    return kind != EVENT_MARK && kind != EVENT_ANSWER && kind != EVENT_IMPORT;
}

/* They are nearly all of a log, and book no interruption. */
static bool is_routine(const Ev__Event *event)
{
    return event->kind_case == EV__EVENT__KIND_MARKED ||
           event->kind_case == EV__EVENT__KIND_ANSWERED;
}

void story_note(struct story *s, const struct replay *p, const struct replay_record *at)
{
    struct event_words w;
    note_date(s, at);
    note_service(s, at);
    s->last_ms = at->site_ms;
    if (is_routine(at->event))
        return;
    note_bookings(s, p, at);
    event_tell(p->x, at->event, &w);
    if (is_told(w.kind) && filter_fits_event(s->filter, p->x, at->event))
        note_act(s, at, &w);
}

const struct story_booked *story_booked(const struct story *s, uint32_t sitting, uint32_t i)
{
    if (sitting < 1 || sitting > s->of_n || i >= s->of[sitting - 1].n)
        return NULL;
    return &s->of[sitting - 1].list[i];
}

/* ---------------------------------------------------------------- causes */

static bool ends(const struct story_act *end, const struct story_act *a)
{
    return end->event == EV__EVENT__KIND_RESUMED && end->scope.kind == a->scope.kind &&
           end->scope.no == a->scope.no;
}

/* The end of the pause that act i began; NULL: it lasts. */
static const struct story_act *pause_end(const struct story *s, size_t i)
{
    for (size_t j = i + 1; j < s->acts_n; j++)
        if (ends(&s->acts[j], &s->acts[i]))
            return &s->acts[j];
    return NULL;
}

static bool is_stop(const struct story_act *a)
{
    return a->event == EV__EVENT__KIND_PAUSED || a->event == EV__EVENT__KIND_BATCH_SUSPENDED;
}

/* The next pause from act i on that stopped this sitting's clock within the stretch; *i: after it.
 */
static const struct story_act *next_stop(const struct story *s, const exam *x, uint32_t sitting,
                                         const struct exam_interruption_view *in, size_t *i,
                                         const struct story_act **end)
{
    while (*i < s->acts_n) {
        const struct story_act *a = &s->acts[(*i)++];
        if (!is_stop(a) || a->site_ms >= in->to_ms || !exam_scope_has(x, &a->scope, sitting))
            continue;
        *end = a->event == EV__EVENT__KIND_PAUSED ? pause_end(s, *i - 1) : NULL;
        if (!*end || (*end)->site_ms > in->from_ms)
            return a;
    }
    return NULL;
}

static const struct story_act *act_at(const struct story *s, uint64_t lsn)
{
    for (size_t i = 0; i < s->acts_n; i++)
        if (s->acts[i].lsn == lsn)
            return &s->acts[i];
    return NULL;
}

static const struct story_dark *dark_within(const struct story *s,
                                            const struct exam_interruption_view *in)
{
    for (size_t i = 0; i < s->darks_n; i++)
        if (s->darks[i].from_ms < in->to_ms && s->darks[i].to_ms > in->from_ms)
            return &s->darks[i];
    return NULL;
}

static bool is_reopened(const struct story_booked *b)
{
    return b && b->event == EV__EVENT__KIND_GRANTED;
}

void story_cause(const struct story *s, const exam *x, uint32_t sitting, uint32_t i,
                 const struct exam_interruption_view *in, struct story_cause *out)
{
    const struct story_booked *b = story_booked(s, sitting, i);
    size_t at = 0;
    *out = (struct story_cause){.kind = STORY_CAUSE_SEAT, .incident = in->incident};
    if (is_reopened(b)) {
        out->kind = STORY_CAUSE_REOPENED;
        out->act = act_at(s, b->lsn);
        return;
    }
    if (in->basis == EV__BASIS__BASIS_PAUSE)
        out->act = next_stop(s, x, sitting, in, &at, &out->end);
    if (out->act) {
        out->kind =
            out->act->event == EV__EVENT__KIND_PAUSED ? STORY_CAUSE_PAUSE : STORY_CAUSE_SUSPENDED;
        return;
    }
    out->dark = dark_within(s, in);
    if (out->dark)
        out->kind = STORY_CAUSE_SERVER;
}

bool story_same_cause(const struct story_cause *a, const struct story_cause *b)
{
    return a->kind == b->kind && a->incident == b->incident && a->act == b->act &&
           a->dark == b->dark;
}

/* ---------------------------------------------------------------- who decided */

struct deciding {
    char *out;
    size_t n;
};

static void say(struct deciding *d, const char *text)
{
    int n = snprintf(d->out + d->n, STORY_TEXT_BYTES - d->n, "%s%s", d->n > 0 ? _("; ") : "", text);
    if (n > 0)
        d->n += (size_t)n < STORY_TEXT_BYTES - d->n ? (size_t)n : STORY_TEXT_BYTES - d->n - 1;
}

static void say_stops(const struct story *s, const exam *x, uint32_t sitting,
                      const struct exam_interruption_view *in, struct deciding *d)
{
    const struct story_act *a, *end = NULL;
    size_t i = 0;
    while ((a = next_stop(s, x, sitting, in, &i, &end))) {
        say(d, a->text);
        if (end)
            say(d, end->text);
    }
}

static const char *rule_of(Ev__Basis basis)
{
    switch (basis) {
    case EV__BASIS__BASIS_MARK:
        return _("by rule: nothing recorded any use after its last mark (T5, T7)");
    case EV__BASIS__BASIS_CARRIED:
        return _("by rule: counted from the mark that the seat carried (T12)");
    case EV__BASIS__BASIS_CLAIM:
        return _("by rule: the seat's screen was open for what it claims, and closed after (T6)");
    case EV__BASIS__BASIS_DARK:
        return _("by rule: no server served, and no screen was open (T2, T5)");
    default:
        return _("by rule (T8)");
    }
}

void story_decided(const struct story *s, const exam *x, uint32_t sitting, uint32_t i,
                   const struct exam_interruption_view *in, char out[STORY_TEXT_BYTES])
{
    struct deciding d = {.out = out};
    const struct story_booked *b = story_booked(s, sitting, i);
    const struct story_act *grant = is_reopened(b) ? act_at(s, b->lsn) : NULL;
    out[0] = '\0';
    if (grant)
        say(&d, grant->text);
    else if (in->basis == EV__BASIS__BASIS_PAUSE)
        say_stops(s, x, sitting, in, &d);
    if (d.n == 0)
        say(&d, rule_of(in->basis));
}
