#include "decide.h"

exam_err decide_found(const struct decision *d)
{
    Ev__SiteFounded e;
    Ev__Event event = EV__EVENT__INIT;

    ev__site_founded__init(&e);
    if (d->x->founded)
        return decide_refuse(d, EXAM_EXISTS, "",
                             "this node belongs to site %s already: nothing to found", d->x->name);
    e.site_id = event_data(d->c->u.found.site_id, SITE_ID_BYTES);
    e.site_key = event_data(d->c->u.found.site_key, SITE_KEY_BYTES);
    e.name = event_text(d->c->u.found.name);
    e.who = event_text(d->c->u.found.who);
    event.kind_case = EV__EVENT__KIND_SITE_FOUNDED;
    event.site_founded = &e;
    d->emit(d->ctx, &event);
    return EXAM_OK;
}

/* T2, T5: nobody's screen was open and no server served from the sitting's mark until now; its
 * clock goes on from the epoch's begin. (A time that no clock has measured cannot be named:
 * exam.h.) */
static void credit_screenless(const struct decision *d, struct pack *p)
{
    const exam *x = d->x;

    p->basis = EV__BASIS__BASIS_DARK;
    for (uint32_t i = 0; i < x->sittings_n; i++) {
        const struct sitting *s = &x->sittings[i];
        if (sitting_screenless(s))
            pack_add(p, i + 1, s->account.mark_ms, d->now_ms - s->account.mark_ms);
    }
    pack_end(p);
}

exam_err decide_begin_epoch(const struct decision *d)
{
    Ev__EpochBegan e;
    Ev__Event event = EV__EVENT__INIT;
    struct pack credited;

    ev__epoch_began__init(&e);
    if (!d->x->founded)
        return decide_refuse(d, EXAM_STATE, "",
                             "this node belongs to no site yet: found one first");
    if (d->c->u.begin_epoch.epoch <= d->x->epoch)
        return decide_refuse(d, EXAM_STALE_EPOCH, "W1", "epoch %llu has begun already",
                             (unsigned long long)d->x->epoch);
    exam_err err = pack_init(&credited, d, PACK_CREDITED, d->x->sittings_n);
    if (err != EXAM_OK)
        return err;
    e.epoch = d->c->u.begin_epoch.epoch;
    e.node = event_text(d->c->u.begin_epoch.node);
    e.reason = d->c->u.begin_epoch.reason;
    e.base_ms = d->now_ms;
    e.dark_known = d->c->u.begin_epoch.dark_known;
    e.solo = d->c->u.begin_epoch.solo;
    e.who = event_text(d->c->u.begin_epoch.who);
    e.why = event_text(d->c->u.begin_epoch.why);
    event.kind_case = EV__EVENT__KIND_EPOCH_BEGAN;
    event.epoch_began = &e;
    d->emit(d->ctx, &event);
    credit_screenless(d, &credited);
    return EXAM_OK;
}

exam_err decide_standby_changed(const struct decision *d)
{
    Ev__StandbyChanged e;
    Ev__Event event = EV__EVENT__INIT;

    ev__standby_changed__init(&e);
    e.node = event_text(d->c->u.standby_changed.node);
    e.in_sync = d->c->u.standby_changed.in_sync;
    e.solo = d->c->u.standby_changed.solo;
    event.kind_case = EV__EVENT__KIND_STANDBY_CHANGED;
    event.standby_changed = &e;
    d->emit(d->ctx, &event);
    return EXAM_OK;
}
