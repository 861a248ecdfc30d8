#include "incident.h"

/* T9: what each sitting gets, and what a sitting that opens again has lost meanwhile. */
struct granting {
    const struct decision *d;
    struct scope scope;
    int64_t asked_ms;
    struct pack marked, paused, lost, timed_out, absent;
    uint32_t *sitting;
    int64_t *ms;
    uint64_t *lost_ms;
    uint32_t n;
};

enum { GRANTED_PER_EVENT = 2000 };

_Static_assert((int)GRANTED_PER_EVENT * 24 + (int)REASON_BYTES_MAX + (int)PERSON_BYTES_MAX + 256 <=
                   (int)RECORD_BYTES_MAX,
               "a grant to many fits in a record");

static const int64_t GRANT_MS_MAX = (int64_t)24 * 3600 * 1000;
static const uint64_t TOTAL_MS_MAX = (uint64_t)7 * 24 * 3600 * 1000;

/* ---------------------------------------------------------------- who can get it */

/* A sitting whose time has run out opens again as long as it is not collected. */
static bool opens_again(const struct sitting *s)
{
    return s->finish == EV__FINISH__FINISH_TIMED_OUT || s->finish == EV__FINISH__FINISH_ABSENT;
}

static uint64_t left_ms(const struct decision *d, const struct sitting *s)
{
    return account_left_ms(&s->account, sitting_used_ms(d->x, s, d->now_ms));
}

/* What it gets of what was asked; 0: nothing. */
static int64_t share_ms(const struct granting *g, const struct sitting *s)
{
    const struct batch *b = &g->d->x->batches[s->batch - 1];

    if (batch_closed(b) || (sitting_finished(s) && !opens_again(s)))
        return 0;
    if (g->asked_ms > 0)
        return account_total_ms(&s->account) + (uint64_t)g->asked_ms > TOTAL_MS_MAX ? 0
                                                                                    : g->asked_ms;
    /* Nothing is taken that was not granted, nor that has been used. */
    uint64_t granted_ms = s->account.grants_ms > 0 ? (uint64_t)s->account.grants_ms : 0;
    uint64_t take_ms = (uint64_t)-g->asked_ms;
    if (take_ms > granted_ms)
        take_ms = granted_ms;
    if (take_ms > left_ms(g->d, s))
        take_ms = left_ms(g->d, s);
    return -(int64_t)take_ms;
}

static exam_err sitting_check(const struct granting *g)
{
    const struct decision *d = g->d;
    const struct sitting *s = &d->x->sittings[g->scope.no - 1];
    const struct batch *b = &d->x->batches[s->batch - 1];

    if (batch_closed(b))
        return decide_refuse(
            d, EXAM_STATE, b->collected ? "T9" : "T13",
            "batch %s of candidate %s has been %s: no time can be granted any more", b->name,
            s->admission_no, b->collected ? "collected" : "postponed");
    if (sitting_finished(s) && !opens_again(s))
        return decide_refuse(d, EXAM_STATE, "T9",
                             "candidate %s has submitted: only a sitting whose time ran out opens "
                             "again",
                             s->admission_no);
    if (g->asked_ms < 0 && -g->asked_ms > s->account.grants_ms)
        return decide_refuse(d, EXAM_REFUSED, "T9",
                             "candidate %s has been granted %lld ms: only that much can be taken "
                             "back, paper time cannot",
                             s->admission_no, (long long)s->account.grants_ms);
    if (g->asked_ms < 0 && left_ms(d, s) == 0)
        return decide_refuse(d, EXAM_REFUSED, "T9",
                             "candidate %s has no time left: there is nothing to take back",
                             s->admission_no);
    return EXAM_OK;
}

/* A room's grant goes to the batch that holds it. */
static bool concerns(const struct granting *g, const struct sitting *s)
{
    const exam *x = g->d->x;

    if (!scope_covers(x, &g->scope, s))
        return false;
    return g->scope.kind != EV__SCOPE_KIND__SCOPE_KIND_ROOM ||
           x->rooms[g->scope.no - 1].held_by == s->batch;
}

static exam_err amount_check(const struct decision *d)
{
    int64_t ms = d->c->u.grant.ms;
    uint64_t max_ms = d->x->options.grant_ms_max;

    if (d->c->u.grant.why[0] == '\0')
        return decide_refuse(d, EXAM_INVALID, "T9", "a grant needs a reason: say why");
    if (ms == 0 || ms > GRANT_MS_MAX || ms < -GRANT_MS_MAX)
        return decide_refuse(d, EXAM_INVALID, "T9",
                             "a grant is 1 ms to 24 hours, or a negative one: correct it");
    if (max_ms > 0 && ms > 0 && (uint64_t)ms > max_ms)
        return decide_refuse(d, EXAM_REFUSED, "T9",
                             "a grant of %lld ms is over this site's maximum of %llu ms: grant "
                             "less, or change grant-max-min in the servers' configuration",
                             (long long)ms, (unsigned long long)max_ms);
    return EXAM_OK;
}

static exam_err scope_check(const struct granting *g)
{
    const struct decision *d = g->d;

    switch (g->scope.kind) {
    case EV__SCOPE_KIND__SCOPE_KIND_SITTING:
        return sitting_check(g);
    case EV__SCOPE_KIND__SCOPE_KIND_ROOM:
        if (d->x->rooms[g->scope.no - 1].held_by == 0)
            return decide_refuse(d, EXAM_STATE, "T9",
                                 "no batch is running in room %s: grant to a batch or a candidate",
                                 d->x->rooms[g->scope.no - 1].name);
        return EXAM_OK;
    case EV__SCOPE_KIND__SCOPE_KIND_BATCH:
        if (batch_closed(&d->x->batches[g->scope.no - 1]))
            return decide_refuse(d, EXAM_STATE, "T9",
                                 "batch %s is closed: no time can be granted any more",
                                 d->x->batches[g->scope.no - 1].name);
        return EXAM_OK;
    default:
        return decide_refuse(d, EXAM_INVALID, "T9",
                             "time is granted to a candidate, a room or a batch, not to %s",
                             scope_text(d->x, &g->scope).text);
    }
}

/* ---------------------------------------------------------------- events */

static void emit_granted(struct granting *g)
{
    const struct decision *d = g->d;
    Ev__Scope scope = scope_event(&g->scope);
    Ev__Granted e;
    Ev__Event event = EV__EVENT__INIT;

    if (g->n == 0)
        return;
    ev__granted__init(&e);
    e.scope = &scope;
    e.asked_ms = g->asked_ms;
    e.n_sitting = e.n_ms = e.n_lost_ms = g->n;
    e.sitting = g->sitting;
    e.ms = g->ms;
    e.lost_ms = g->lost_ms;
    e.who = event_text(d->c->u.grant.who);
    e.why = event_text(d->c->u.grant.why);
    event.kind_case = EV__EVENT__KIND_GRANTED;
    event.granted = &e;
    d->emit(d->ctx, &event);
    g->n = 0;
}

static exam_err granting_init(struct granting *g, const struct decision *d)
{
    const struct exam_memory *m = &d->x->memory;
    struct pack *const packs[] = {&g->marked, &g->paused, &g->lost, &g->timed_out, &g->absent};
    static const enum pack_kind kinds[] = {PACK_MARKED, PACK_CREDITED, PACK_CREDITED, PACK_FINISHED,
                                           PACK_FINISHED};

    for (size_t i = 0; i < sizeof packs / sizeof *packs; i++)
        *packs[i] = (struct pack){.d = d};
    for (size_t i = 0; i < sizeof packs / sizeof *packs; i++) {
        exam_err err = pack_init(packs[i], d, kinds[i], d->x->sittings_n);
        if (err != EXAM_OK)
            return err;
    }
    g->paused.basis = EV__BASIS__BASIS_PAUSE;
    g->lost.basis = EV__BASIS__BASIS_MARK;
    g->timed_out.finish = EV__FINISH__FINISH_TIMED_OUT;
    g->absent.finish = EV__FINISH__FINISH_ABSENT;
    g->sitting = memory_take(m, GRANTED_PER_EVENT * sizeof *g->sitting);
    g->ms = memory_take(m, GRANTED_PER_EVENT * sizeof *g->ms);
    g->lost_ms = memory_take(m, GRANTED_PER_EVENT * sizeof *g->lost_ms);
    if (g->sitting && g->ms && g->lost_ms)
        return EXAM_OK;
    return decide_no_memory(d);
}

static void granting_fini(struct granting *g)
{
    const struct exam_memory *m = &g->d->x->memory;

    struct pack *const packs[] = {&g->marked, &g->paused, &g->lost, &g->timed_out, &g->absent};

    for (size_t i = 0; i < sizeof packs / sizeof *packs; i++)
        pack_fini(packs[i]);
    memory_drop(m, g->sitting);
    memory_drop(m, g->ms);
    memory_drop(m, g->lost_ms);
}

static bool anybody(const struct granting *g)
{
    for (uint32_t i = 0; i < g->d->x->sittings_n; i++)
        if (concerns(g, &g->d->x->sittings[i]) && share_ms(g, &g->d->x->sittings[i]) != 0)
            return true;
    return false;
}

/* T10: what is taken back is all that was left, so the sitting ends now, whether its clock runs or
 * stands. */
static bool ends_now(const struct granting *g, const struct sitting *s)
{
    int64_t ms = share_ms(g, s);

    return ms < 0 && sitting_account_open(s) && (uint64_t)-ms == left_ms(g->d, s);
}

/* A clock that ends, or that runs without a screen, is marked; one that stood and ends has its loss
 * booked first (T14). */
static void emit_marks(struct granting *g)
{
    const struct decision *d = g->d;
    const exam *x = d->x;

    for (uint32_t no = 1; no <= x->sittings_n; no++) {
        const struct sitting *s = &x->sittings[no - 1];
        if (!concerns(g, s) || share_ms(g, s) == 0)
            continue;
        if (sitting_clock_runs(x, s) && (ends_now(g, s) || sitting_screenless(s)))
            pack_add(&g->marked, no, sitting_used_ms(x, s, d->now_ms), 0);
        else if (ends_now(g, s) && !sitting_clock_runs(x, s))
            pack_add(sitting_paused(x, s) ? &g->paused : &g->lost, no, account_stop_ms(&s->account),
                     d->now_ms - account_stop_ms(&s->account));
    }
    pack_end(&g->marked);
    pack_end(&g->paused);
    pack_end(&g->lost);
}

static void grant_emit(struct granting *g)
{
    const struct decision *d = g->d;
    const exam *x = d->x;

    emit_marks(g);
    for (uint32_t no = 1; no <= x->sittings_n; no++) {
        const struct sitting *s = &x->sittings[no - 1];
        if (!concerns(g, s) || share_ms(g, s) == 0)
            continue;
        g->sitting[g->n] = no;
        g->ms[g->n] = share_ms(g, s);
        g->lost_ms[g->n] = sitting_finished(s) ? d->now_ms - s->finish_ms : 0;
        if (++g->n == GRANTED_PER_EVENT)
            emit_granted(g);
        if (ends_now(g, s))
            pack_add(sitting_sat_down(s) ? &g->timed_out : &g->absent, no,
                     sitting_used_ms(x, s, d->now_ms), d->now_ms);
    }
    emit_granted(g);
    pack_end(&g->timed_out);
    pack_end(&g->absent);
}

exam_err decide_grant(const struct decision *d)
{
    struct granting g = {.d = d, .asked_ms = d->c->u.grant.ms};
    exam_err err = amount_check(d);

    if (err == EXAM_OK)
        err = scope_find(d, &d->c->u.grant.scope, &g.scope);
    if (err == EXAM_OK)
        err = scope_check(&g);
    if (err == EXAM_OK && !anybody(&g))
        err = decide_refuse(d, EXAM_STATE, "T9",
                            "nobody of %s can be granted that: all have submitted, are collected, "
                            "or have too much or nothing to take back",
                            scope_text(d->x, &g.scope).text);
    if (err != EXAM_OK)
        return err;
    err = granting_init(&g, d);
    if (err == EXAM_OK)
        grant_emit(&g);
    granting_fini(&g);
    return err;
}
