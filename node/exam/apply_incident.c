#include "apply.h"

#include <string.h>

#include "scope.h"

bool apply_incident_opened(const struct booking *k, const Ev__IncidentOpened *e)
{
    exam *x = k->x;
    const struct scope scope = scope_of_event(e->scope);

    if (e->incident != x->incidents_n + 1 || !scope_exists(x, &scope))
        return false;
    struct incident *in = exam_incident_add(x, e->text, e->who);
    in->kind = e->kind;
    in->scope = scope.kind;
    in->no = scope.no;
    in->since_ms = e->since_ms < k->site_ms ? e->since_ms : k->site_ms;
    return true;
}

static struct incident *incident(const struct booking *k, uint32_t no)
{
    return no >= 1 && no <= k->x->incidents_n ? &k->x->incidents[no - 1] : NULL;
}

bool apply_incident_closed(const struct booking *k, const Ev__IncidentClosed *e)
{
    struct incident *in = incident(k, e->incident);

    if (!in || !in->open)
        return false;
    in->open = false;
    in->closed_ms = k->site_ms;
    in->dirty = true;
    return true;
}

bool apply_incident_noted(const struct booking *k, const Ev__IncidentNoted *e)
{
    struct incident *in = incident(k, e->incident);

    if (!in)
        return false;
    in->notes++;
    in->dirty = true;
    return true;
}

/* For people, but for W4: what else follows from it are events of their own. */
bool apply_power_changed(const struct booking *k, const Ev__PowerChanged *e)
{
    bool low = e->power == EV__POWER__POWER_BATTERY_LOW;

    if (strlen(e->node) > NAME_BYTES_MAX)
        return false;
    strcpy(k->x->battery_low, low ? e->node : "");
    k->x->site_dirty = true;
    return true;
}

/* ---------------------------------------------------------------- interruptions */

bool apply_limit_reached(const struct booking *k, const Ev__InterruptionLimitReached *e)
{
    struct sitting *s = exam_sitting(k->x, e->sitting);

    if (!s)
        return false;
    s->limit_told = s->limit_open = true;
    exam_sitting_touch(k->x, s, DIRTY_ACCOUNT);
    exam_clock_changed(k->x, s);
    return true;
}

bool apply_limit_decided(const struct booking *k, const Ev__InterruptionLimitDecided *e)
{
    struct sitting *s = exam_sitting(k->x, e->sitting);

    if (!s)
        return false;
    s->limit_open = false;
    exam_sitting_touch(k->x, s, DIRTY_ACCOUNT);
    return true;
}

bool apply_own_doing(const struct booking *k, const Ev__InterruptionOwnDoing *e)
{
    struct sitting *s = exam_sitting(k->x, e->sitting);

    if (!s || e->interruption < 1 || e->interruption > s->interruptions_n)
        return false;
    s->interruptions[e->interruption - 1].own_doing = true;
    exam_sitting_touch(k->x, s, DIRTY_INTERRUPTIONS);
    return true;
}
