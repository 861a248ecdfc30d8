#include "apply.h"

#include <string.h>

bool apply_site_founded(const struct booking *k, const Ev__SiteFounded *e)
{
    exam *x = k->x;

    if (x->founded || e->site_id.len != SITE_ID_BYTES || e->site_key.len != SITE_KEY_BYTES)
        return false;
    memcpy(x->site_id, e->site_id.data, SITE_ID_BYTES);
    memcpy(x->site_key, e->site_key.data, SITE_KEY_BYTES);
    memory_drop(&x->memory, x->name);
    x->name = memory_text(&x->memory, e->name);
    x->founded = true;
    return true;
}

/* W1, T5: every seat is out of contact, and every clock stands until its sitting attaches anew, or,
 * without a screen, is credited. Marks stay what they are. */
bool apply_epoch_began(const struct booking *k, const Ev__EpochBegan *e)
{
    exam *x = k->x;

    if (e->epoch <= x->epoch)
        return false;
    x->epoch = e->epoch;
    x->epoch_tag = k->tag;
    x->base_ms = e->base_ms > x->last_ms ? e->base_ms : x->last_ms;
    x->last_ms = x->base_ms;
    x->solo = e->solo;
    if (!e->dark_known) {
        x->dark_epoch = e->epoch;
        x->dark_base_ms = x->base_ms;
    }
    x->battery_low[0] = '\0';
    struct epoch_start *start = exam_epoch_start_add(x, e->epoch);
    start->first_lsn = k->lsn;
    start->epoch_tag = k->tag;
    start->sittings_n = x->sittings_n;
    start->incidents_n = x->incidents_n;
    exam_clocks_stop(x);
    return true;
}

bool apply_standby_changed(const struct booking *k, const Ev__StandbyChanged *e)
{
    k->x->solo = e->solo; /* A1 */
    return true;
}

static bool apply_contingency(const struct booking *k, const Ev__Event *event)
{
    switch (event->kind_case) {
    case EV__EVENT__KIND_PAUSED:
        return apply_paused(k, event->paused);
    case EV__EVENT__KIND_RESUMED:
        return apply_resumed(k, event->resumed);
    case EV__EVENT__KIND_GRANTED:
        return apply_granted(k, event->granted);
    case EV__EVENT__KIND_MOVED:
        return apply_moved(k, event->moved);
    case EV__EVENT__KIND_VIOLATION_NOTED:
        return apply_violation_noted(k, event->violation_noted);
    case EV__EVENT__KIND_BATCH_POSTPONED:
        return apply_batch_postponed(k, event->batch_postponed);
    case EV__EVENT__KIND_BATCH_SUSPENDED:
        return apply_batch_suspended(k, event->batch_suspended);
    case EV__EVENT__KIND_BATCH_UNSUSPENDED:
        return apply_batch_unsuspended(k, event->batch_unsuspended);
    case EV__EVENT__KIND_INCIDENT_OPENED:
        return apply_incident_opened(k, event->incident_opened);
    case EV__EVENT__KIND_INCIDENT_CLOSED:
        return apply_incident_closed(k, event->incident_closed);
    case EV__EVENT__KIND_INCIDENT_NOTED:
        return apply_incident_noted(k, event->incident_noted);
    case EV__EVENT__KIND_POWER_CHANGED:
        return apply_power_changed(k, event->power_changed);
    case EV__EVENT__KIND_INTERRUPTION_LIMIT_REACHED:
        return apply_limit_reached(k, event->interruption_limit_reached);
    case EV__EVENT__KIND_INTERRUPTION_LIMIT_DECIDED:
        return apply_limit_decided(k, event->interruption_limit_decided);
    case EV__EVENT__KIND_INTERRUPTION_OWN_DOING:
        return apply_own_doing(k, event->interruption_own_doing);
    case EV__EVENT__KIND_RECOVERED:
        return apply_recovered(k, event->recovered);
    case EV__EVENT__KIND_COMMAND_SIGNED:
        return true; /* of what follows it; nothing in the state */
    default:
        return false; /* of a later version, or nothing */
    }
}

static bool apply_event(const struct booking *k, const Ev__Event *event)
{
    switch (event->kind_case) {
    case EV__EVENT__KIND_SITE_FOUNDED:
        return apply_site_founded(k, event->site_founded);
    case EV__EVENT__KIND_EPOCH_BEGAN:
        return apply_epoch_began(k, event->epoch_began);
    case EV__EVENT__KIND_STANDBY_CHANGED:
        return apply_standby_changed(k, event->standby_changed);
    case EV__EVENT__KIND_ROOM_ADDED:
        return apply_room_added(k, event->room_added);
    case EV__EVENT__KIND_PAPER_ADDED:
        return apply_paper_added(k, event->paper_added);
    case EV__EVENT__KIND_PAPER_CHUNK:
        return apply_paper_chunk(k, event->paper_chunk);
    case EV__EVENT__KIND_BATCH_PLANNED:
        return apply_batch_planned(k, event->batch_planned);
    case EV__EVENT__KIND_SITTINGS_ADDED:
        return apply_sittings_added(k, event->sittings_added);
    case EV__EVENT__KIND_IMPORT_COMPLETED:
        return apply_import_completed(k, event->import_completed);
    case EV__EVENT__KIND_BATCH_STARTED:
        return apply_batch_started(k, event->batch_started);
    case EV__EVENT__KIND_BATCH_COLLECTED:
        return apply_batch_collected(k, event->batch_collected);
    case EV__EVENT__KIND_SIGNED_IN:
        return apply_signed_in(k, event->signed_in);
    case EV__EVENT__KIND_ATTACHED:
        return apply_attached(k, event->attached);
    case EV__EVENT__KIND_DETACHED:
        return apply_detached(k, event->detached);
    case EV__EVENT__KIND_MARKED:
        return apply_marked(k, event->marked);
    case EV__EVENT__KIND_ANSWERED:
        return apply_answered(k, event->answered);
    case EV__EVENT__KIND_SUBMITTED:
        return apply_submitted(k, event->submitted);
    case EV__EVENT__KIND_FINISHED:
        return apply_finished(k, event->finished);
    case EV__EVENT__KIND_CREDITED:
        return apply_credited(k, event->credited);
    default:
        return apply_contingency(k, event);
    }
}

void exam_apply(exam *x, const struct record *r, const Ev__Event *event)
{
    uint64_t site_ms = x->base_ms + r->at_ms;

    if (site_ms < x->last_ms)
        site_ms = x->last_ms; /* the timeline never goes back, whatever a log says */
    struct booking k = {
        .x = x, .epoch = r->epoch, .lsn = r->lsn, .site_ms = site_ms, .tag = record_tag(r->hash)};
    if (!apply_event(&k, event))
        x->oddities++;
    if (event->kind_case != EV__EVENT__KIND_EPOCH_BEGAN)
        x->last_ms = site_ms;
    x->site_dirty = true;
}

void exam_apply_soon(const exam *x, const Ev__Event *event)
{
    if (event->kind_case == EV__EVENT__KIND_ANSWERED)
        apply_answered_soon(x, event->answered);
}

uint64_t exam_oddities(const exam *x)
{
    return x->oddities;
}
