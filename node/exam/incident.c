#include "incident.h"

/* From the narrowest scope to the widest. */
static int width(Ev__ScopeKind kind)
{
    switch (kind) {
    case EV__SCOPE_KIND__SCOPE_KIND_SITTING:
        return 0;
    case EV__SCOPE_KIND__SCOPE_KIND_SEAT:
        return 1;
    case EV__SCOPE_KIND__SCOPE_KIND_ROOM:
        return 2;
    case EV__SCOPE_KIND__SCOPE_KIND_BATCH:
        return 3;
    default:
        return 4;
    }
}

uint32_t incident_of(const exam *x, const struct sitting *s, uint64_t from_ms, uint64_t to_ms)
{
    uint32_t found = 0;
    int narrowest = 0;

    for (uint32_t i = 0; i < x->incidents_n; i++) {
        const struct incident *in = &x->incidents[i];
        if (in->since_ms > to_ms || (!in->open && in->closed_ms < from_ms) ||
            !scope_covers(x, &(struct scope){in->scope, in->no}, s))
            continue;
        if (found == 0 || width(in->scope) < narrowest) {
            found = i + 1;
            narrowest = width(in->scope);
        }
    }
    return found;
}

uint32_t incident_observed(const exam *x, Ev__IncidentKind kind, const struct scope *scope)
{
    for (uint32_t i = x->incidents_n; i > 0; i--) {
        const struct incident *in = &x->incidents[i - 1];
        if (in->open && in->who[0] == '\0' && in->kind == kind && in->scope == scope->kind &&
            in->no == scope->no)
            return i;
    }
    return 0;
}

bool incident_over_room(const exam *x, uint32_t room)
{
    for (uint32_t i = 0; i < x->incidents_n; i++) {
        const struct incident *in = &x->incidents[i];
        if (in->open && (in->scope == EV__SCOPE_KIND__SCOPE_KIND_SITE ||
                         (in->scope == EV__SCOPE_KIND__SCOPE_KIND_ROOM && in->no == room)))
            return true;
    }
    return false;
}

void incident_emit_opened(const struct decision *d, const struct incident_news *n)
{
    Ev__IncidentOpened e;
    Ev__Event event = EV__EVENT__INIT;
    Ev__Scope scope = scope_event(&n->scope);

    ev__incident_opened__init(&e);
    e.incident = n->number;
    e.kind = n->kind;
    e.scope = &scope;
    e.text = event_text(n->text);
    e.who = event_text(n->who);
    e.since_ms = n->since_ms;
    event.kind_case = EV__EVENT__KIND_INCIDENT_OPENED;
    event.incident_opened = &e;
    d->emit(d->ctx, &event);
}

void incident_emit_closed(const struct decision *d, uint32_t incident, const char *who,
                          const char *text)
{
    Ev__IncidentClosed e;
    Ev__Event event = EV__EVENT__INIT;

    ev__incident_closed__init(&e);
    e.incident = incident;
    e.who = event_text(who);
    e.text = event_text(text);
    event.kind_case = EV__EVENT__KIND_INCIDENT_CLOSED;
    event.incident_closed = &e;
    d->emit(d->ctx, &event);
}

/* ---------------------------------------------------------------- the network of a room */

enum { ROOM_LOST_WITHIN_MS = 2000 };

/* Seats of the room that were in contact a moment ago; 0: one still is. *since_ms: of the first. */
static uint32_t room_lost(const struct decision *d, const struct sitting *lost, uint64_t *since_ms)
{
    const exam *x = d->x;
    const struct batch *b = &x->batches[lost->batch - 1];
    uint32_t room = x->seats[lost->seat - 1].room, n = 1;

    *since_ms = d->now_ms;
    for (uint32_t i = 0; i < b->sittings_n; i++) {
        const struct sitting *s = &x->sittings[b->sitting_first - 1 + i];
        if (s == lost || x->seats[s->seat - 1].room != room)
            continue;
        if (sitting_attached(x, s))
            return 0;
        if (s->detach_ms == 0 || s->detach_ms + ROOM_LOST_WITHIN_MS < d->now_ms)
            continue;
        n++;
        if (s->detach_ms < *since_ms)
            *since_ms = s->detach_ms;
    }
    return n;
}

void incident_observe_lost(const struct decision *d, const struct sitting *lost)
{
    const exam *x = d->x;
    uint32_t room = x->seats[lost->seat - 1].room;
    struct incident_news n = {.number = x->incidents_n + 1,
                              .kind = EV__INCIDENT_KIND__INCIDENT_KIND_NETWORK,
                              .scope = {EV__SCOPE_KIND__SCOPE_KIND_ROOM, room},
                              .text = "all seats of the room were lost at once"};

    if (!sitting_account_open(lost) || incident_over_room(x, room) ||
        room_lost(d, lost, &n.since_ms) < 2)
        return;
    incident_emit_opened(d, &n);
}

void incident_observe_back(const struct decision *d, const struct sitting *back)
{
    const struct scope room = {EV__SCOPE_KIND__SCOPE_KIND_ROOM, d->x->seats[back->seat - 1].room};
    uint32_t incident = incident_observed(d->x, EV__INCIDENT_KIND__INCIDENT_KIND_NETWORK, &room);

    if (incident != 0)
        incident_emit_closed(d, incident, "", "a seat of the room is back");
}
