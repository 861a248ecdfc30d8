#include "incident.h"
#include "pause.h"

/* What is due to the sittings that a pause, or its end, concerns: clocks without a screen that stop
 * are marked first, and those that go on have their loss booked first (T14). What a seat has used
 * right before the pause, its next word says (T7, T8). */
struct pause_act {
    const struct decision *d;
    struct scope scope;
};

static bool concerns(const struct pause_act *a, const struct sitting *s)
{
    return sitting_account_open(s) && scope_covers(a->d->x, &a->scope, s);
}

static exam_err emit_marks(const struct pause_act *a)
{
    const exam *x = a->d->x;
    struct pack marked;
    exam_err err = pack_init(&marked, a->d, PACK_MARKED, x->sittings_n);

    if (err != EXAM_OK)
        return err;
    for (uint32_t no = 1; no <= x->sittings_n; no++) {
        const struct sitting *s = &x->sittings[no - 1];
        if (concerns(a, s) && sitting_screenless(s) && sitting_clock_runs(x, s))
            pack_add(&marked, no, sitting_used_ms(x, s, a->d->now_ms), 0);
    }
    pack_end(&marked);
    return EXAM_OK;
}

/* A seat in contact goes on now; one that is not, when it attaches; a sitting without a screen
 * needs none (T2). */
static exam_err emit_credits(const struct pause_act *a)
{
    const exam *x = a->d->x;
    struct pack credited;
    exam_err err = pack_init(&credited, a->d, PACK_CREDITED, x->sittings_n);

    if (err != EXAM_OK)
        return err;
    credited.basis = EV__BASIS__BASIS_PAUSE;
    for (uint32_t no = 1; no <= x->sittings_n; no++) {
        const struct sitting *s = &x->sittings[no - 1];
        if (concerns(a, s) && pauses_over(x, s) == 1 &&
            (sitting_attached(x, s) || sitting_screenless(s)))
            pack_add(&credited, no, account_stop_ms(&s->account),
                     a->d->now_ms - account_stop_ms(&s->account));
    }
    pack_end(&credited);
    return EXAM_OK;
}

/* ---------------------------------------------------------------- pause and resume (T8) */

static exam_err batch_can_pause(const struct decision *d, const struct batch *b)
{
    if (!b->started || batch_closed(b))
        return decide_refuse(d, EXAM_STATE, "T8",
                             "batch %s is not running: there is nothing to pause", b->name);
    if (batch_ended(d->x, b))
        return decide_refuse(d, EXAM_STATE, "T8",
                             "all sittings of batch %s are finished: there is nothing to pause",
                             b->name);
    return EXAM_OK;
}

static exam_err pause_check(const struct pause_act *a)
{
    const struct decision *d = a->d;
    const struct pause *p = pause_standing(d->x, &a->scope, false);

    if (a->scope.kind == EV__SCOPE_KIND__SCOPE_KIND_SITTING)
        return decide_refuse(d, EXAM_INVALID, "T8",
                             "a candidate is paused by the seat: pause seat %s instead",
                             exam_seat_name(d->x, d->x->sittings[a->scope.no - 1].seat));
    if (p)
        return decide_refuse(
            d, EXAM_STATE, "T8", "%s has been paused for %s already: nothing to do",
            scope_text(d->x, &a->scope).text, span_text(d->now_ms - p->from_ms).text);
    if (a->scope.kind == EV__SCOPE_KIND__SCOPE_KIND_BATCH)
        return batch_can_pause(d, &d->x->batches[a->scope.no - 1]);
    return EXAM_OK;
}

/* An open incident over the very scope: the pause belongs to it. */
static uint32_t incident_of_scope(const exam *x, const struct scope *scope)
{
    for (uint32_t i = x->incidents_n; i > 0; i--)
        if (x->incidents[i - 1].open && x->incidents[i - 1].scope == scope->kind &&
            x->incidents[i - 1].no == scope->no)
            return i;
    return 0;
}

exam_err decide_pause(const struct decision *d)
{
    struct pause_act a = {.d = d};
    Ev__Paused e;
    Ev__Event event = EV__EVENT__INIT;
    exam_err err = scope_find(d, &d->c->u.pause.scope, &a.scope);

    if (err == EXAM_OK)
        err = pause_check(&a);
    if (err == EXAM_OK)
        err = emit_marks(&a);
    if (err != EXAM_OK)
        return err;
    Ev__Scope scope = scope_event(&a.scope);
    ev__paused__init(&e);
    e.scope = &scope;
    e.who = event_text(d->c->u.pause.who);
    e.why = event_text(d->c->u.pause.why);
    e.incident = incident_of_scope(d->x, &a.scope);
    event.kind_case = EV__EVENT__KIND_PAUSED;
    event.paused = &e;
    d->emit(d->ctx, &event);
    return EXAM_OK;
}

exam_err decide_resume(const struct decision *d)
{
    struct pause_act a = {.d = d};
    Ev__Resumed e;
    Ev__Event event = EV__EVENT__INIT;
    exam_err err = scope_find(d, &d->c->u.pause.scope, &a.scope);

    if (err == EXAM_OK && !pause_standing(d->x, &a.scope, false))
        err = decide_refuse(d, EXAM_STATE, "T8", "%s is not paused by itself: nothing to resume",
                            scope_text(d->x, &a.scope).text);
    if (err == EXAM_OK)
        err = emit_credits(&a);
    if (err != EXAM_OK)
        return err;
    Ev__Scope scope = scope_event(&a.scope);
    ev__resumed__init(&e);
    e.scope = &scope;
    e.who = event_text(d->c->u.pause.who);
    e.why = event_text(d->c->u.pause.why);
    event.kind_case = EV__EVENT__KIND_RESUMED;
    event.resumed = &e;
    d->emit(d->ctx, &event);
    return EXAM_OK;
}

/* ---------------------------------------------------------------- suspension (W4) */

static exam_err suspend_batch(const struct decision *d, uint32_t no)
{
    const struct scope site = {EV__SCOPE_KIND__SCOPE_KIND_SITE, 0};
    struct pause_act a = {.d = d, .scope = {EV__SCOPE_KIND__SCOPE_KIND_BATCH, no}};
    Ev__BatchSuspended e;
    Ev__Event event = EV__EVENT__INIT;
    exam_err err = emit_marks(&a);

    if (err != EXAM_OK)
        return err;
    ev__batch_suspended__init(&e);
    e.batch = no;
    e.node = event_text(d->c->u.suspend.node);
    e.incident = incident_observed(d->x, EV__INCIDENT_KIND__INCIDENT_KIND_POWER, &site);
    event.kind_case = EV__EVENT__KIND_BATCH_SUSPENDED;
    event.batch_suspended = &e;
    d->emit(d->ctx, &event);
    return EXAM_OK;
}

exam_err decide_suspend(const struct decision *d)
{
    const exam *x = d->x;
    exam_err err = EXAM_OK;

    for (uint32_t no = 1; err == EXAM_OK && no <= x->batches_n; no++) {
        const struct batch *b = &x->batches[no - 1];
        if (b->started && !batch_closed(b) && !b->suspended && !batch_ended(x, b))
            err = suspend_batch(d, no);
    }
    return err;
}

exam_err decide_batch_unsuspend(const struct decision *d)
{
    struct pause_act a = {.d = d, .scope = {.kind = EV__SCOPE_KIND__SCOPE_KIND_BATCH}};
    Ev__BatchUnsuspended e;
    Ev__Event event = EV__EVENT__INIT;
    exam_err err = decide_batch_of(d, d->c->u.batch_act.batch, &a.scope.no);

    if (err != EXAM_OK)
        return err;
    const struct batch *b = &d->x->batches[a.scope.no - 1];
    if (!b->suspended || batch_closed(b))
        return decide_refuse(d, EXAM_STATE, "W4",
                             "batch %s is not suspended: there is nothing to decide", b->name);
    err = emit_credits(&a);
    if (err != EXAM_OK)
        return err;
    ev__batch_unsuspended__init(&e);
    e.batch = a.scope.no;
    e.who = event_text(d->c->u.batch_act.who);
    e.why = event_text(d->c->u.batch_act.why);
    event.kind_case = EV__EVENT__KIND_BATCH_UNSUSPENDED;
    event.batch_unsuspended = &e;
    d->emit(d->ctx, &event);
    return EXAM_OK;
}
