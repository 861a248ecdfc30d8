#include "pause.h"

struct pause *pause_standing(const exam *x, const struct scope *scope, bool suspension)
{
    for (uint32_t i = x->pauses_n; i > 0; i--) {
        struct pause *p = &x->pauses[i - 1];
        if (p->kind == scope->kind && p->no == scope->no && p->suspension == suspension &&
            p->to_ms == UINT64_MAX)
            return p;
    }
    return NULL;
}

struct pause *pause_add(exam *x, const struct pause *p)
{
    x->pauses =
        memory_grow(&x->memory, x->pauses, &x->pauses_cap, x->pauses_n + 1, sizeof *x->pauses);
    x->pauses[x->pauses_n] = *p;
    return &x->pauses[x->pauses_n++];
}

void pause_flag(exam *x, const struct pause *p)
{
    bool stands = p->to_ms == UINT64_MAX;

    switch (p->kind) {
    case EV__SCOPE_KIND__SCOPE_KIND_SITE:
        x->paused = stands;
        break;
    case EV__SCOPE_KIND__SCOPE_KIND_BATCH:
        if (p->suspension)
            x->batches[p->no - 1].suspended = stands;
        else
            x->batches[p->no - 1].paused = stands;
        break;
    case EV__SCOPE_KIND__SCOPE_KIND_ROOM:
        x->rooms[p->no - 1].paused = stands;
        break;
    case EV__SCOPE_KIND__SCOPE_KIND_SEAT:
        x->seats[p->no - 1].paused = stands;
        break;
    default:
        break;
    }
}

uint32_t pauses_over(const exam *x, const struct sitting *s)
{
    const struct batch *b = &x->batches[s->batch - 1];
    const struct seat *seat = &x->seats[s->seat - 1];

    return (uint32_t)x->paused + b->paused + b->suspended + x->rooms[seat->room - 1].paused +
           seat->paused;
}

bool sitting_paused(const exam *x, const struct sitting *s)
{
    return pauses_over(x, s) > 0;
}

const struct pause *pause_first_since(const exam *x, const struct sitting *s, uint64_t from_ms,
                                      bool standing, uint64_t *at_ms)
{
    const struct pause *first = NULL;
    uint64_t first_ms = 0;

    for (uint32_t i = 0; i < x->pauses_n; i++) {
        const struct pause *p = &x->pauses[i];
        uint64_t since_ms = p->from_ms > from_ms ? p->from_ms : from_ms;
        if (p->from_ms <= from_ms && (p->to_ms <= from_ms || !standing))
            continue;
        if ((first && since_ms >= first_ms) || !scope_covers(x, &(struct scope){p->kind, p->no}, s))
            continue;
        first = p;
        first_ms = since_ms;
    }
    if (first)
        *at_ms = first_ms;
    return first;
}
