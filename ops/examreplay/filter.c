#include "filter.h"

#include <string.h>

bool filter_names_any(const struct filter *f)
{
    return f->batch || f->room || f->seat || f->sitting;
}

static bool fits_name(const char *wanted, const char *name)
{
    return !wanted || strcmp(wanted, name) == 0;
}

bool filter_fits_sitting(const struct filter *f, const struct exam_sitting_view *v)
{
    return fits_name(f->batch, v->batch) && fits_name(f->room, v->room) &&
           fits_name(f->seat, v->seat) && fits_name(f->sitting, v->admission_no);
}

static void view_of(const exam *x, uint32_t sitting, struct exam_sitting_view *v)
{
    exam_sitting_view(x, sitting, exam_last_ms(x), v);
}

static bool fits_list(const struct filter *f, const exam *x, const uint32_t *sittings, size_t n)
{
    struct exam_sitting_view v;
    for (size_t i = 0; i < n; i++) {
        if (sittings[i] < 1 || sittings[i] > exam_sittings(x))
            continue;
        view_of(x, sittings[i], &v);
        if (filter_fits_sitting(f, &v))
            return true;
    }
    return false;
}

static const char *name_in(const struct exam_sitting_view *v, Ev__ScopeKind kind)
{
    switch (kind) {
    case EV__SCOPE_KIND__SCOPE_KIND_BATCH:
        return v->batch;
    case EV__SCOPE_KIND__SCOPE_KIND_ROOM:
        return v->room;
    case EV__SCOPE_KIND__SCOPE_KIND_SEAT:
        return v->seat;
    default:
        return v->admission_no;
    }
}

/* One of the sittings asked for is in that batch, room or seat. */
static bool fits_scope(const struct filter *f, const exam *x, Ev__ScopeKind kind, const char *name)
{
    struct exam_sitting_view v;
    if (kind == EV__SCOPE_KIND__SCOPE_KIND_SITE || kind == EV__SCOPE_KIND__SCOPE_KIND_UNKNOWN)
        return true;
    for (uint32_t i = 1; i <= exam_sittings(x); i++) {
        view_of(x, i, &v);
        if (filter_fits_sitting(f, &v) && strcmp(name_in(&v, kind), name) == 0)
            return true;
    }
    return false;
}

static bool fits_incident(const struct filter *f, const exam *x, uint32_t incident)
{
    struct exam_incident_view in;
    if (incident < 1 || incident > exam_incidents(x))
        return false;
    exam_incident_view(x, incident, &in);
    return fits_scope(f, x, in.scope, in.scope_name);
}

/* Whom the events concern that name no sittings: the number of a batch, or a scope. */
static bool fits_wider(const struct filter *f, const exam *x, const Ev__Event *event)
{
    const Ev__Scope *scope = NULL;
    uint32_t batch = 0;
    switch (event->kind_case) {
    case EV__EVENT__KIND_PAUSED:
        scope = event->paused->scope;
        break;
    case EV__EVENT__KIND_RESUMED:
        scope = event->resumed->scope;
        break;
    case EV__EVENT__KIND_INCIDENT_OPENED:
        scope = event->incident_opened->scope;
        break;
    case EV__EVENT__KIND_INCIDENT_CLOSED:
        return fits_incident(f, x, event->incident_closed->incident);
    case EV__EVENT__KIND_INCIDENT_NOTED:
        return fits_incident(f, x, event->incident_noted->incident);
    case EV__EVENT__KIND_BATCH_STARTED:
        batch = event->batch_started->batch;
        break;
    case EV__EVENT__KIND_BATCH_COLLECTED:
        batch = event->batch_collected->batch;
        break;
    case EV__EVENT__KIND_BATCH_POSTPONED:
        batch = event->batch_postponed->batch;
        break;
    case EV__EVENT__KIND_BATCH_SUSPENDED:
        batch = event->batch_suspended->batch;
        break;
    case EV__EVENT__KIND_BATCH_UNSUSPENDED:
        batch = event->batch_unsuspended->batch;
        break;
    case EV__EVENT__KIND_RECOVERED:
        return event->recovered->as == EV__RECOVERED_AS__RECOVERED_AS_SHOWN;
    case EV__EVENT__KIND_IMPORT_COMPLETED:
        return fits_scope(f, x, EV__SCOPE_KIND__SCOPE_KIND_BATCH, event->import_completed->batch);
    default:
        return true; /* of the site */
    }
    if (scope)
        return fits_scope(f, x, scope->kind, exam_scope_name(x, scope->kind, scope->no));
    return fits_scope(f, x, EV__SCOPE_KIND__SCOPE_KIND_BATCH,
                      exam_scope_name(x, EV__SCOPE_KIND__SCOPE_KIND_BATCH, batch));
}

bool filter_fits_event(const struct filter *f, const exam *x, const Ev__Event *event)
{
    size_t n;
    const uint32_t *sittings = event_sittings(event, &n);
    if (!filter_names_any(f))
        return true;
    return n > 0 ? fits_list(f, x, sittings, n) : fits_wider(f, x, event);
}

bool filter_fits(const struct filter *f, const exam *x, const struct replay_record *at,
                 const struct event_words *w)
{
    return (f->kinds & (1u << w->kind)) != 0 && !moment_is_before(&f->from, at) &&
           !moment_is_after(&f->to, at) && filter_fits_event(f, x, at->event);
}
