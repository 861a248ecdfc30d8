#include "incident.h"

/* ---------------------------------------------------------------- by a person (R4) */

exam_err decide_incident_open(const struct decision *d)
{
    struct incident_news n = {.number = d->x->incidents_n + 1,
                              .kind = d->c->u.incident_open.kind,
                              .text = d->c->u.incident_open.text,
                              .who = d->c->u.incident_open.who,
                              .since_ms = d->now_ms};

    if (n.kind < EV__INCIDENT_KIND__INCIDENT_KIND_POWER ||
        n.kind > EV__INCIDENT_KIND__INCIDENT_KIND_OTHER)
        return decide_refuse(d, EXAM_INVALID, "R4",
                             "an incident is of power, network, server, software or other");
    if (n.who[0] == '\0')
        return decide_refuse(d, EXAM_INVALID, "R4", "say who opens the incident");
    exam_err err = scope_find(d, &d->c->u.incident_open.scope, &n.scope);
    if (err == EXAM_OK)
        incident_emit_opened(d, &n);
    return err;
}

static exam_err incident_check(const struct decision *d)
{
    uint32_t no = d->c->u.incident.incident;

    if (no < 1 || no > d->x->incidents_n)
        return decide_refuse(d, EXAM_NOT_FOUND, "R4",
                             "there is no incident %u here: look at the list of incidents", no);
    return EXAM_OK;
}

exam_err decide_incident_close(const struct decision *d)
{
    exam_err err = incident_check(d);

    if (err != EXAM_OK)
        return err;
    const struct incident *in = &d->x->incidents[d->c->u.incident.incident - 1];
    if (!in->open)
        return decide_refuse(d, EXAM_STATE, "R4", "incident %u was closed already, %s ago",
                             d->c->u.incident.incident, span_text(d->now_ms - in->closed_ms).text);
    incident_emit_closed(d, d->c->u.incident.incident, d->c->u.incident.who, d->c->u.incident.text);
    return EXAM_OK;
}

exam_err decide_incident_note(const struct decision *d)
{
    Ev__IncidentNoted e;
    Ev__Event event = EV__EVENT__INIT;
    exam_err err = incident_check(d);

    if (err != EXAM_OK)
        return err;
    if (d->c->u.incident.text[0] == '\0')
        return decide_refuse(d, EXAM_INVALID, "R4", "a note without a text: say what to note");
    ev__incident_noted__init(&e);
    e.incident = d->c->u.incident.incident;
    e.who = event_text(d->c->u.incident.who);
    e.text = event_text(d->c->u.incident.text);
    event.kind_case = EV__EVENT__KIND_INCIDENT_NOTED;
    event.incident_noted = &e;
    d->emit(d->ctx, &event);
    return EXAM_OK;
}

/* ---------------------------------------------------------------- power (R1) */

exam_err decide_power(const struct decision *d)
{
    const struct scope site = {EV__SCOPE_KIND__SCOPE_KIND_SITE, 0};
    uint32_t open = incident_observed(d->x, EV__INCIDENT_KIND__INCIDENT_KIND_POWER, &site);
    Ev__PowerChanged e;
    Ev__Event event = EV__EVENT__INIT;

    if (d->c->u.power.power ==
        (open != 0 ? EV__POWER__POWER_MAINS_LOST : EV__POWER__POWER_MAINS_BACK))
        return EXAM_OK; /* known already: a watcher that starts anew tells what it finds */
    ev__power_changed__init(&e);
    e.node = event_text(d->c->u.power.node);
    e.power = d->c->u.power.power;
    event.kind_case = EV__EVENT__KIND_POWER_CHANGED;
    event.power_changed = &e;
    d->emit(d->ctx, &event);
    if (e.power == EV__POWER__POWER_MAINS_BACK && open != 0)
        incident_emit_closed(d, open, "", "mains power is back");
    if (e.power != EV__POWER__POWER_MAINS_BACK && open == 0)
        incident_emit_opened(d,
                             &(struct incident_news){.number = d->x->incidents_n + 1,
                                                     .kind = EV__INCIDENT_KIND__INCIDENT_KIND_POWER,
                                                     .scope = site,
                                                     .text = "mains power is lost",
                                                     .since_ms = d->now_ms});
    return EXAM_OK;
}

/* ---------------------------------------------------------------- interruptions */

exam_err decide_limit_decide(const struct decision *d)
{
    Ev__InterruptionLimitDecided e;
    Ev__Event event = EV__EVENT__INIT;
    uint32_t no;
    exam_err err = decide_sitting_of(d, d->c->u.limit_decide.admission_no, &no);

    if (err != EXAM_OK)
        return err;
    if (!d->x->sittings[no - 1].limit_open)
        return decide_refuse(d, EXAM_STATE, "R4",
                             "no interruption of candidate %s waits for a decision",
                             d->c->u.limit_decide.admission_no);
    if (d->c->u.limit_decide.text[0] == '\0')
        return decide_refuse(d, EXAM_INVALID, "R4", "say what was decided");
    ev__interruption_limit_decided__init(&e);
    e.sitting = no;
    e.text = event_text(d->c->u.limit_decide.text);
    e.who = event_text(d->c->u.limit_decide.who);
    event.kind_case = EV__EVENT__KIND_INTERRUPTION_LIMIT_DECIDED;
    event.interruption_limit_decided = &e;
    d->emit(d->ctx, &event);
    return EXAM_OK;
}

exam_err decide_own_doing(const struct decision *d)
{
    Ev__InterruptionOwnDoing e;
    Ev__Event event = EV__EVENT__INIT;
    uint32_t no, which = d->c->u.own_doing.interruption;
    exam_err err = decide_sitting_of(d, d->c->u.own_doing.admission_no, &no);

    if (err != EXAM_OK)
        return err;
    const struct sitting *s = &d->x->sittings[no - 1];
    if (which < 1 || which > s->interruptions_n)
        return decide_refuse(d, EXAM_NOT_FOUND, "T14",
                             "candidate %s has %u interruptions, there is no number %u",
                             s->admission_no, s->interruptions_n, which);
    if (s->interruptions[which - 1].own_doing)
        return decide_refuse(d, EXAM_STATE, "T14",
                             "interruption %u of candidate %s is marked already: nothing to do",
                             which, s->admission_no);
    if (d->c->u.own_doing.why[0] == '\0')
        return decide_refuse(d, EXAM_INVALID, "R4", "say why it was the candidate's own doing");
    ev__interruption_own_doing__init(&e);
    e.sitting = no;
    e.interruption = which;
    e.who = event_text(d->c->u.own_doing.who);
    e.why = event_text(d->c->u.own_doing.why);
    event.kind_case = EV__EVENT__KIND_INTERRUPTION_OWN_DOING;
    event.interruption_own_doing = &e;
    d->emit(d->ctx, &event);
    return EXAM_OK;
}
