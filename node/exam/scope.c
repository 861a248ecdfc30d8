#include "scope.h"

#include <stdio.h>
#include <string.h>

bool scope_exists(const exam *x, const struct scope *scope)
{
    switch (scope->kind) {
    case EV__SCOPE_KIND__SCOPE_KIND_SITE:
        return scope->no == 0;
    case EV__SCOPE_KIND__SCOPE_KIND_BATCH:
        return exam_batch(x, scope->no) != NULL;
    case EV__SCOPE_KIND__SCOPE_KIND_ROOM:
        return scope->no >= 1 && scope->no <= x->rooms_n;
    case EV__SCOPE_KIND__SCOPE_KIND_SEAT:
        return scope->no >= 1 && scope->no <= x->seats_n;
    case EV__SCOPE_KIND__SCOPE_KIND_SITTING:
        return exam_sitting(x, scope->no) != NULL;
    default:
        return false;
    }
}

bool scope_covers(const exam *x, const struct scope *scope, const struct sitting *s)
{
    switch (scope->kind) {
    case EV__SCOPE_KIND__SCOPE_KIND_SITE:
        return true;
    case EV__SCOPE_KIND__SCOPE_KIND_BATCH:
        return s->batch == scope->no;
    case EV__SCOPE_KIND__SCOPE_KIND_ROOM:
        return x->seats[s->seat - 1].room == scope->no;
    case EV__SCOPE_KIND__SCOPE_KIND_SEAT:
        return s->seat == scope->no;
    case EV__SCOPE_KIND__SCOPE_KIND_SITTING:
        return exam_sitting_no(x, s) == scope->no;
    default:
        return false;
    }
}

struct scope scope_of_event(const Ev__Scope *e)
{
    return (struct scope){.kind = e->kind, .no = e->no};
}

Ev__Scope scope_event(const struct scope *scope)
{
    Ev__Scope e = EV__SCOPE__INIT;

    e.kind = scope->kind;
    e.no = scope->no;
    return e;
}

bool exam_scope_has(const exam *x, const Ev__Scope *scope, uint32_t sitting)
{
    const struct sitting *s = exam_sitting(x, sitting);
    const struct scope which = scope_of_event(scope);

    return s && scope_covers(x, &which, s);
}

const char *exam_scope_name(const exam *x, Ev__ScopeKind kind, uint32_t no)
{
    if (!scope_exists(x, &(struct scope){kind, no}))
        return "?";
    switch (kind) {
    case EV__SCOPE_KIND__SCOPE_KIND_BATCH:
        return x->batches[no - 1].name;
    case EV__SCOPE_KIND__SCOPE_KIND_ROOM:
        return x->rooms[no - 1].name;
    case EV__SCOPE_KIND__SCOPE_KIND_SEAT:
        return exam_seat_name(x, no);
    case EV__SCOPE_KIND__SCOPE_KIND_SITTING:
        return x->sittings[no - 1].admission_no;
    default:
        return "site";
    }
}

static const char *kind_word(Ev__ScopeKind kind)
{
    switch (kind) {
    case EV__SCOPE_KIND__SCOPE_KIND_BATCH:
        return "batch";
    case EV__SCOPE_KIND__SCOPE_KIND_ROOM:
        return "room";
    case EV__SCOPE_KIND__SCOPE_KIND_SEAT:
        return "seat";
    case EV__SCOPE_KIND__SCOPE_KIND_SITTING:
        return "candidate";
    default:
        return "the";
    }
}

struct scope_text scope_text(const exam *x, const struct scope *scope)
{
    struct scope_text t;

    snprintf(t.text, sizeof t.text, "%s %s", kind_word(scope->kind),
             exam_scope_name(x, scope->kind, scope->no));
    return t;
}

/* ---------------------------------------------------------------- by name */

/* The number of what has that name, of one kind; 0: there is none. */
static uint32_t number_of(const exam *x, Ev__ScopeKind kind, const char *name)
{
    uint32_t seat_no;

    switch (kind) {
    case EV__SCOPE_KIND__SCOPE_KIND_BATCH:
        return exam_batch_named(x, name);
    case EV__SCOPE_KIND__SCOPE_KIND_ROOM:
        return exam_room_named(x, name);
    case EV__SCOPE_KIND__SCOPE_KIND_SEAT:
        return exam_find_seat(x, name, &seat_no) == EXAM_OK ? seat_no : 0;
    case EV__SCOPE_KIND__SCOPE_KIND_SITTING:
        return name_index_find(&x->candidates, name);
    default:
        return 0;
    }
}

static exam_err scope_guess(const struct decision *d, const char *name, struct scope *out)
{
    struct scope found = {0};

    if (strcmp(name, "site") == 0)
        found.kind = EV__SCOPE_KIND__SCOPE_KIND_SITE;
    for (int kind = EV__SCOPE_KIND__SCOPE_KIND_BATCH; kind <= EV__SCOPE_KIND__SCOPE_KIND_SITTING;
         kind++) {
        uint32_t no = number_of(d->x, (Ev__ScopeKind)kind, name);
        if (no == 0)
            continue;
        if (found.kind != EV__SCOPE_KIND__SCOPE_KIND_UNKNOWN)
            return decide_refuse(d, EXAM_INVALID, "R4",
                                 "%s can mean %s %s and %s %s: say which of them it is", name,
                                 kind_word(found.kind), name, kind_word((Ev__ScopeKind)kind), name);
        found = (struct scope){(Ev__ScopeKind)kind, no};
    }
    if (found.kind == EV__SCOPE_KIND__SCOPE_KIND_UNKNOWN)
        return decide_refuse(d, EXAM_NOT_FOUND, "R4",
                             "there is no batch, room, seat or candidate %s here: correct the name",
                             name);
    *out = found;
    return EXAM_OK;
}

exam_err scope_find(const struct decision *d, const struct exam_scope *asked, struct scope *out)
{
    struct scope found = {.kind = asked->kind};

    if (asked->kind == EV__SCOPE_KIND__SCOPE_KIND_UNKNOWN)
        return scope_guess(d, asked->name, out);
    if (asked->kind != EV__SCOPE_KIND__SCOPE_KIND_SITE) {
        found.no = number_of(d->x, asked->kind, asked->name);
        if (found.no == 0)
            return decide_refuse(d, EXAM_NOT_FOUND, "R4",
                                 "there is no %s %s here: correct the name", kind_word(asked->kind),
                                 asked->name);
    }
    *out = found;
    return EXAM_OK;
}
