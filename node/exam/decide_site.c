#include <stdio.h>

#include "incident.h"

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
 * exam.h.) Over one that is paused the pause goes on, and its end books it all (T8). */
static void credit_screenless(const struct decision *d, struct pack *p)
{
    const exam *x = d->x;

    p->basis = EV__BASIS__BASIS_DARK;
    for (uint32_t i = 0; i < x->sittings_n; i++) {
        const struct sitting *s = &x->sittings[i];
        if (sitting_screenless(s) && !sitting_paused(x, s))
            pack_add(p, i + 1, s->account.mark_ms, d->now_ms - s->account.mark_ms);
    }
    pack_end(p);
}

static bool anybody_sits(const exam *x)
{
    for (uint32_t i = 0; i < x->sittings_n; i++)
        if (sitting_account_open(&x->sittings[i]))
            return true;
    return false;
}

/* R2: a server was lost from the last that was heard of it until now. Its number; 0: this is no
 * such beginning. */
static uint32_t emit_server_lost(const struct decision *d)
{
    const exam *x = d->x;
    char text[160];
    bool lost = d->c->u.begin_epoch.reason == EV__EPOCH_REASON__EPOCH_REASON_ATTESTED ||
                d->c->u.begin_epoch.reason == EV__EPOCH_REASON__EPOCH_REASON_RESTARTED;
    const struct incident_news n = {.number = x->incidents_n + 1,
                                    .kind = EV__INCIDENT_KIND__INCIDENT_KIND_SERVER,
                                    .scope = {EV__SCOPE_KIND__SCOPE_KIND_SITE, 0},
                                    .text = text,
                                    .since_ms = x->last_ms};

    if (!lost || !anybody_sits(x))
        return 0;
    snprintf(text, sizeof text, "no server served until epoch %llu began on %s",
             (unsigned long long)d->c->u.begin_epoch.epoch, d->c->u.begin_epoch.node);
    incident_emit_opened(d, &n);
    incident_emit_closed(d, n.number, "", "a server serves again");
    return n.number;
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
    e.forced = d->c->u.begin_epoch.forced;
    e.who = event_text(d->c->u.begin_epoch.who);
    e.why = event_text(d->c->u.begin_epoch.why);
    event.kind_case = EV__EVENT__KIND_EPOCH_BEGAN;
    event.epoch_began = &e;
    d->emit(d->ctx, &event);
    credited.incident = emit_server_lost(d);
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
