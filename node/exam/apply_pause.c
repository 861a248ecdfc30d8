#include "apply.h"
#include "pause.h"

static bool pause_begins(const struct booking *k, const struct scope *scope, bool suspension)
{
    exam *x = k->x;
    const Ev__Scope e = scope_event(scope);

    if (!scope_exists(x, scope) || scope->kind == EV__SCOPE_KIND__SCOPE_KIND_SITTING ||
        pause_standing(x, scope, suspension))
        return false;
    for (uint32_t i = 0; i < x->sittings_n; i++) {
        struct sitting *s = &x->sittings[i];
        if (scope_covers(x, scope, s) && s->signed_in && sitting_clock_runs(x, s))
            account_stop(&s->account, k->site_ms);
    }
    pause_flag(x, pause_add(x, &(struct pause){.kind = scope->kind,
                                               .no = scope->no,
                                               .suspension = suspension,
                                               .epoch = k->epoch,
                                               .from_ms = k->site_ms,
                                               .to_ms = UINT64_MAX,
                                               .dirty = true}));
    exam_clocks_changed(x, &e);
    return true;
}

static bool pause_ends(const struct booking *k, const struct scope *scope, bool suspension)
{
    exam *x = k->x;
    struct pause *p = pause_standing(x, scope, suspension);

    if (!p)
        return false;
    p->to_ms = k->site_ms;
    p->dirty = true;
    pause_flag(x, p);
    for (uint32_t i = 0; i < x->sittings_n; i++) {
        struct sitting *s = &x->sittings[i];
        if (!scope_covers(x, scope, s))
            continue;
        apply_paper_opened(k, s);
        if (sitting_clock_runs(x, s))
            s->account.unheard_ms = 0; /* it goes on from its mark */
        exam_clock_changed(x, s);
    }
    return true;
}

bool apply_paused(const struct booking *k, const Ev__Paused *e)
{
    const struct scope scope = scope_of_event(e->scope);

    return pause_begins(k, &scope, false);
}

bool apply_resumed(const struct booking *k, const Ev__Resumed *e)
{
    const struct scope scope = scope_of_event(e->scope);

    return pause_ends(k, &scope, false);
}

bool apply_batch_suspended(const struct booking *k, const Ev__BatchSuspended *e)
{
    return pause_begins(k, &(struct scope){EV__SCOPE_KIND__SCOPE_KIND_BATCH, e->batch}, true);
}

bool apply_batch_unsuspended(const struct booking *k, const Ev__BatchUnsuspended *e)
{
    return pause_ends(k, &(struct scope){EV__SCOPE_KIND__SCOPE_KIND_BATCH, e->batch}, true);
}
