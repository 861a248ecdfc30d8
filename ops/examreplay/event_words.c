#include "event_words.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "codec.h"
#include "duration.h"
#include "language.h"
#include "node_texts.h"
#include "words.h"

enum { NAMES_TOLD = 6 };

const char *event_kind_word(enum event_kind kind)
{
    static const char *const words[EVENT_KINDS] = {
        [EVENT_ROLE] = "role",
        [EVENT_INCIDENT] = "incident",
        [EVENT_INTERRUPTION] = "interruption",
        [EVENT_DECISION] = "decision",
        [EVENT_POWER] = "power",
        [EVENT_BATCH] = "batch",
        [EVENT_RECOVERED] = "recovered",
        [EVENT_FINISH] = "finish",
        [EVENT_CONTACT] = "contact",
        [EVENT_ANSWER] = "answer",
        [EVENT_MARK] = "mark",
        [EVENT_IMPORT] = "import",
    };
    return words[kind];
}

bool event_kind_of_word(const char *word, enum event_kind *out)
{
    for (enum event_kind kind = 0; kind < EVENT_KINDS; kind++) {
        if (strcmp(event_kind_word(kind), word) != 0)
            continue;
        *out = kind;
        return true;
    }
    return false;
}

const char *epoch_reason_word(Ev__EpochReason reason)
{
    switch (reason) {
    case EV__EPOCH_REASON__EPOCH_REASON_FOUNDED:
        return "founded";
    case EV__EPOCH_REASON__EPOCH_REASON_SWITCHOVER:
        return "switchover";
    case EV__EPOCH_REASON__EPOCH_REASON_ATTESTED:
        return "attested";
    case EV__EPOCH_REASON__EPOCH_REASON_RESTARTED:
        return "restarted";
    default:
        return "unknown";
    }
}

/* ---------------------------------------------------------------- sentences */

/* A sentence grows from left to right; what does not fit is cut off. */
struct sentence {
    const exam *x;
    struct event_words *out;
    size_t n;
};

__attribute__((format(printf, 2, 3))) static void say(struct sentence *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(s->out->text + s->n, EVENT_TEXT_BYTES - s->n, format, args);
    va_end(args);
    if (n > 0)
        s->n += (size_t)n < EVENT_TEXT_BYTES - s->n ? (size_t)n : EVENT_TEXT_BYTES - s->n - 1;
}

static void say_span(struct sentence *s, uint64_t ms)
{
    char text[DURATION_TEXT_BYTES];
    duration_format(ms, text);
    say(s, "%s", text);
}

static void say_by(struct sentence *s, const char *who, const char *why)
{
    s->out->who = who;
    if (who[0] != '\0')
        say(s, _(", by %s"), who);
    if (why[0] != '\0')
        say(s, _(": %s"), why);
}

static void say_incident(struct sentence *s, uint32_t incident)
{
    if (incident != 0)
        say(s, _(" (incident %" PRIu32 ")"), incident);
}

static const char *sitting_name(const struct sentence *s, uint32_t sitting)
{
    return exam_scope_name(s->x, EV__SCOPE_KIND__SCOPE_KIND_SITTING, sitting);
}

static const char *seat_name(const struct sentence *s, uint32_t seat)
{
    return exam_scope_name(s->x, EV__SCOPE_KIND__SCOPE_KIND_SEAT, seat);
}

static const char *batch_name(const struct sentence *s, uint32_t batch)
{
    return exam_scope_name(s->x, EV__SCOPE_KIND__SCOPE_KIND_BATCH, batch);
}

static void say_scope(struct sentence *s, const Ev__Scope *scope)
{
    if (scope->kind == EV__SCOPE_KIND__SCOPE_KIND_SITE)
        say(s, _("the site"));
    else
        say(s, "%s %s", _(word_of_scope_kind(scope->kind)),
            exam_scope_name(s->x, scope->kind, scope->no));
}

static void say_sittings(struct sentence *s, const uint32_t *sittings, size_t n)
{
    if (n > NAMES_TOLD)
        say(s, _("%zu sittings (%s ... %s)"), n, sitting_name(s, sittings[0]),
            sitting_name(s, sittings[n - 1]));
    for (size_t i = 0; n <= NAMES_TOLD && i < n; i++)
        say(s, "%s%s", i > 0 ? _(", ") : "", sitting_name(s, sittings[i]));
}

/* ---------------------------------------------------------------- who serves */

static void tell_site(struct sentence *s, const Ev__Event *event)
{
    const Ev__SiteFounded *e = event->site_founded;
    say(s, _("the site '%s' is founded"), e->name);
    say_by(s, e->who, "");
}

static void tell_epoch(struct sentence *s, const Ev__Event *event)
{
    const Ev__EpochBegan *e = event->epoch_began;
    say(s, _("%s SERVES from here on: epoch %" PRIu64 " (%s%s)%s"), e->node, e->epoch,
        _(epoch_reason_word(e->reason)), e->forced ? _(", forced: its log was not whole") : "",
        e->solo ? _(", alone (solo)") : "");
    if (!e->dark_known && e->reason != EV__EPOCH_REASON__EPOCH_REASON_FOUNDED)
        say(s, _(", how long nobody served before is not known"));
    say_by(s, e->who, e->why);
}

static void tell_standby(struct sentence *s, const Ev__Event *event)
{
    const Ev__StandbyChanged *e = event->standby_changed;
    say(s, _("standby %s is %s: acknowledgements are %s from here on"), e->node,
        e->in_sync ? _("in sync") : _("lost"), e->solo ? _("solo") : _("dual"));
}

/* ---------------------------------------------------------------- batches */

static void tell_room(struct sentence *s, const Ev__Event *event)
{
    say(s, _("room %s with %" PRIu32 " seats"), event->room_added->room, event->room_added->seats);
}

static void tell_paper(struct sentence *s, const Ev__Event *event)
{
    say(s, _("paper %s: items from number %" PRIu32 " on"), event->paper_added->paper,
        event->paper_added->items_at + 1);
}

static void tell_chunk(struct sentence *s, const Ev__Event *event)
{
    say(s, _("paper %s: %zu bytes of its text"), event->paper_chunk->paper,
        event->paper_chunk->data.len);
}

static void tell_planned(struct sentence *s, const Ev__Event *event)
{
    const Ev__BatchPlanned *e = event->batch_planned;
    say(s, _("batch %s is planned: allot "), e->batch);
    say_span(s, e->allot_ms);
    say(s, _(", grace "));
    say_span(s, e->grace_ms);
}

static void tell_added(struct sentence *s, const Ev__Event *event)
{
    say(s, _("batch %s: %zu candidates"), event->sittings_added->batch,
        event->sittings_added->n_sittings);
}

static void tell_imported(struct sentence *s, const Ev__Event *event)
{
    const Ev__ImportCompleted *e = event->import_completed;
    say(s, _("batch %s is imported, %" PRIu32 " candidates"), e->batch, e->sittings);
    say_by(s, e->who, "");
}

static void tell_started(struct sentence *s, const Ev__Event *event)
{
    say(s, _("batch %s STARTS"), batch_name(s, event->batch_started->batch));
    say_by(s, event->batch_started->who, "");
}

static void tell_collected(struct sentence *s, const Ev__Event *event)
{
    say(s, _("batch %s is collected"), batch_name(s, event->batch_collected->batch));
    say_by(s, event->batch_collected->who, "");
}

/* ---------------------------------------------------------------- sittings */

static void tell_signed_in(struct sentence *s, const Ev__Event *event)
{
    const Ev__SignedIn *e = event->signed_in;
    if (e->former_epoch > 0)
        say(s,
            _("%s had been at %s in epoch %llu, by a dead branch: that seat hands in what it "
              "holds"),
            sitting_name(s, e->sitting), seat_name(s, e->seat),
            (unsigned long long)e->former_epoch);
    else
        say(s, _("%s signs in at %s"), sitting_name(s, e->sitting), seat_name(s, e->seat));
}

static void tell_attached(struct sentence *s, const Ev__Event *event)
{
    const Ev__Attached *e = event->attached;
    say(s, e->lost_ms == 0 ? _("%s at %s is in contact") : _("%s at %s is in contact again"),
        sitting_name(s, e->sitting), seat_name(s, e->seat));
    if (e->lost_ms == 0)
        return;
    s->out->kind = EVENT_INTERRUPTION;
    say(s, _(": credited "));
    say_span(s, e->lost_ms);
    say(s, _(" (%s)"), _(word_of_basis(e->basis)));
    say_incident(s, e->incident);
}

static void tell_detached(struct sentence *s, const Ev__Event *event)
{
    say(s, _("%s is out of contact"), sitting_name(s, event->detached->sitting));
}

static void tell_marked(struct sentence *s, const Ev__Event *event)
{
    say(s, _("marks of "));
    say_sittings(s, event->marked->sitting, event->marked->n_sitting);
}

static void say_answered(struct sentence *s, const Ev__Answered *e)
{
    say(s, _("%s answers %s (action %" PRIu64 ")%s%s%s"), sitting_name(s, e->sitting), e->item,
        e->seq, e->former != 0 ? _(", at a seat that was left (T11)") : "",
        e->late ? _(", late (T10)") : "", e->refused ? _(", refused (T10)") : "");
}

static void tell_answered(struct sentence *s, const Ev__Event *event)
{
    say_answered(s, event->answered);
}

static void tell_submitted(struct sentence *s, const Ev__Event *event)
{
    const Ev__Submitted *e = event->submitted;
    say(s, _("%s submits%s%s"), sitting_name(s, e->sitting),
        e->former != 0 ? _(", at a seat that was left (T11)") : "",
        e->refused ? _(", refused (A3)") : "");
}

static void tell_finished(struct sentence *s, const Ev__Event *event)
{
    static const char *const texts[] = {
        [EV__FINISH__FINISH_TIMED_OUT] = N_("the time is up"),
        [EV__FINISH__FINISH_SUBMITTED] = N_("submitted"),
        [EV__FINISH__FINISH_CLOSED] = N_("closed by the collection"),
        [EV__FINISH__FINISH_POSTPONED] = N_("postponed"),
        [EV__FINISH__FINISH_ABSENT] = N_("absent"),
    };
    const Ev__Finished *e = event->finished;
    const char *text = (size_t)e->finish < sizeof texts / sizeof *texts ? texts[e->finish] : NULL;
    say_sittings(s, e->sitting, e->n_sitting);
    say(s, _(": %s"), text ? _(text) : _("finished"));
}

static void tell_credited(struct sentence *s, const Ev__Event *event)
{
    const Ev__Credited *e = event->credited;
    uint64_t least = UINT64_MAX, most = 0;
    for (size_t i = 0; i < e->n_lost_ms; i++) {
        least = e->lost_ms[i] < least ? e->lost_ms[i] : least;
        most = e->lost_ms[i] > most ? e->lost_ms[i] : most;
    }
    say_sittings(s, e->sitting, e->n_sitting);
    say(s, _(": credited "));
    say_span(s, e->n_lost_ms > 0 ? least : 0);
    if (least < most) {
        say(s, _(" to "));
        say_span(s, most);
    }
    say(s, _(" (%s)"), _(word_of_basis(e->basis)));
    say_incident(s, e->n_incident > 0 ? e->incident[0] : 0);
}

/* ---------------------------------------------------------------- decisions */

static void tell_paused(struct sentence *s, const Ev__Event *event)
{
    say_scope(s, event->paused->scope);
    say(s, _(" is PAUSED"));
    say_incident(s, event->paused->incident);
    say_by(s, event->paused->who, event->paused->why);
}

static void tell_resumed(struct sentence *s, const Ev__Event *event)
{
    say_scope(s, event->resumed->scope);
    say(s, _(" goes on"));
    say_by(s, event->resumed->who, event->resumed->why);
}

static void say_granted(struct sentence *s, const Ev__Granted *e)
{
    uint64_t ms = e->asked_ms < 0 ? -(uint64_t)e->asked_ms : (uint64_t)e->asked_ms;
    say_scope(s, e->scope);
    say(s, _(" is granted %s"), e->asked_ms < 0 ? _("-") : "");
    say_span(s, ms);
    if (e->n_sitting != 1)
        say(s, _(", %zu sittings"), e->n_sitting);
    say_incident(s, e->incident);
    say_by(s, e->who, e->why);
}

static void tell_granted(struct sentence *s, const Ev__Event *event)
{
    say_granted(s, event->granted);
}

static void tell_moved(struct sentence *s, const Ev__Event *event)
{
    const Ev__Moved *e = event->moved;
    say(s, _("%s moves from %s to %s"), sitting_name(s, e->sitting), seat_name(s, e->from_seat),
        seat_name(s, e->seat));
    say_by(s, e->who, e->why);
}

static void tell_violation(struct sentence *s, const Ev__Event *event)
{
    const Ev__ViolationNoted *e = event->violation_noted;
    say(s, _("violation of %s noted"), sitting_name(s, e->sitting));
    say_by(s, e->who, e->text);
}

static void tell_postponed(struct sentence *s, const Ev__Event *event)
{
    const Ev__BatchPostponed *e = event->batch_postponed;
    say(s, _("batch %s is POSTPONED"), batch_name(s, e->batch));
    say_by(s, e->who, e->why);
}

static void tell_suspended(struct sentence *s, const Ev__Event *event)
{
    const Ev__BatchSuspended *e = event->batch_suspended;
    say(s, _("batch %s is SUSPENDED: %s, the last server with power, goes down"),
        batch_name(s, e->batch), e->node);
    say_incident(s, e->incident);
}

static void tell_unsuspended(struct sentence *s, const Ev__Event *event)
{
    const Ev__BatchUnsuspended *e = event->batch_unsuspended;
    say(s, _("batch %s goes on"), batch_name(s, e->batch));
    say_by(s, e->who, e->why);
}

static void tell_limit(struct sentence *s, const Ev__Event *event)
{
    const Ev__InterruptionLimitReached *e = event->interruption_limit_reached;
    say(s, _("the interruption of %s has lasted for "), sitting_name(s, e->sitting));
    say_span(s, e->limit_ms);
    say(s, _(": a person is to decide (R4)"));
}

static void tell_limit_decided(struct sentence *s, const Ev__Event *event)
{
    const Ev__InterruptionLimitDecided *e = event->interruption_limit_decided;
    say(s, _("the interruption of %s is decided"), sitting_name(s, e->sitting));
    say_by(s, e->who, e->text);
}

static void tell_own_doing(struct sentence *s, const Ev__Event *event)
{
    const Ev__InterruptionOwnDoing *e = event->interruption_own_doing;
    say(s, _("interruption %" PRIu32 " of %s is the candidate's own doing"), e->interruption,
        sitting_name(s, e->sitting));
    say_by(s, e->who, e->why);
}

/* ---------------------------------------------------------------- incidents, power, branches */

static void tell_opened(struct sentence *s, const Ev__Event *event)
{
    const Ev__IncidentOpened *e = event->incident_opened;
    char shown[NODE_TEXT_BYTES];
    say(s, _("incident %" PRIu32 " opens: %s, "), e->incident, _(word_of_incident_kind(e->kind)));
    say_scope(s, e->scope);
    say_by(s, e->who, node_text_shown(e->text, shown));
}

static void tell_closed(struct sentence *s, const Ev__Event *event)
{
    const Ev__IncidentClosed *e = event->incident_closed;
    char shown[NODE_TEXT_BYTES];
    say(s, _("incident %" PRIu32 " is closed"), e->incident);
    say_by(s, e->who, node_text_shown(e->text, shown));
}

static void tell_noted(struct sentence *s, const Ev__Event *event)
{
    const Ev__IncidentNoted *e = event->incident_noted;
    say(s, _("incident %" PRIu32 ", a note"), e->incident);
    say_by(s, e->who, e->text);
}

static void tell_power(struct sentence *s, const Ev__Event *event)
{
    static const char *const texts[] = {
        [EV__POWER__POWER_MAINS_LOST] = N_("is on its UPS's battery (R1)"),
        [EV__POWER__POWER_MAINS_BACK] = N_("has mains power again"),
        [EV__POWER__POWER_BATTERY_LOW] = N_("says that its battery is low (W4)"),
    };
    const Ev__PowerChanged *e = event->power_changed;
    const char *text = (size_t)e->power < sizeof texts / sizeof *texts ? texts[e->power] : NULL;
    say(s, "%s %s", e->node, text ? _(text) : _("tells of its power"));
}

static void tell_recovered(struct sentence *s, const Ev__Event *event)
{
    static const char *const texts[] = {
        [EV__RECOVERED_AS__RECOVERED_AS_ADOPTED] = N_("adopted"),
        [EV__RECOVERED_AS__RECOVERED_AS_SUPERSEDED] = N_("superseded"),
        [EV__RECOVERED_AS__RECOVERED_AS_SHOWN] = N_("shown for a person to decide"),
    };
    const Ev__Recovered *e = event->recovered;
    char shown[NODE_TEXT_BYTES];
    const char *text = (size_t)e->as < sizeof texts / sizeof *texts ? texts[e->as] : NULL;
    say(s, _("record %" PRIu64 " of epoch %" PRIu64 " in a dead branch: %s (A3)"), e->lsn, e->epoch,
        text ? _(text) : _("unknown"));
    say_by(s, "", node_text_shown(e->text, shown));
}

static void tell_signed(struct sentence *s, const Ev__Event *event)
{
    const Ev__CommandSigned *e = event->command_signed;
    say(s, _("signed by the key of %s, asked of node %s"), e->who, e->node);
    s->out->who = e->who;
}

/* ---------------------------------------------------------------- the table */

static const struct {
    Ev__Event__KindCase event;
    enum event_kind kind;
    void (*tell)(struct sentence *s, const Ev__Event *event);
} tellers[] = {
    {EV__EVENT__KIND_SITE_FOUNDED, EVENT_ROLE, tell_site},
    {EV__EVENT__KIND_EPOCH_BEGAN, EVENT_ROLE, tell_epoch},
    {EV__EVENT__KIND_STANDBY_CHANGED, EVENT_ROLE, tell_standby},
    {EV__EVENT__KIND_ROOM_ADDED, EVENT_IMPORT, tell_room},
    {EV__EVENT__KIND_PAPER_ADDED, EVENT_IMPORT, tell_paper},
    {EV__EVENT__KIND_PAPER_CHUNK, EVENT_IMPORT, tell_chunk},
    {EV__EVENT__KIND_BATCH_PLANNED, EVENT_IMPORT, tell_planned},
    {EV__EVENT__KIND_SITTINGS_ADDED, EVENT_IMPORT, tell_added},
    {EV__EVENT__KIND_IMPORT_COMPLETED, EVENT_BATCH, tell_imported},
    {EV__EVENT__KIND_BATCH_STARTED, EVENT_BATCH, tell_started},
    {EV__EVENT__KIND_BATCH_COLLECTED, EVENT_BATCH, tell_collected},
    {EV__EVENT__KIND_SIGNED_IN, EVENT_CONTACT, tell_signed_in},
    {EV__EVENT__KIND_ATTACHED, EVENT_CONTACT, tell_attached},
    {EV__EVENT__KIND_DETACHED, EVENT_CONTACT, tell_detached},
    {EV__EVENT__KIND_MARKED, EVENT_MARK, tell_marked},
    {EV__EVENT__KIND_ANSWERED, EVENT_ANSWER, tell_answered},
    {EV__EVENT__KIND_SUBMITTED, EVENT_FINISH, tell_submitted},
    {EV__EVENT__KIND_FINISHED, EVENT_FINISH, tell_finished},
    {EV__EVENT__KIND_CREDITED, EVENT_INTERRUPTION, tell_credited},
    {EV__EVENT__KIND_PAUSED, EVENT_DECISION, tell_paused},
    {EV__EVENT__KIND_RESUMED, EVENT_DECISION, tell_resumed},
    {EV__EVENT__KIND_GRANTED, EVENT_DECISION, tell_granted},
    {EV__EVENT__KIND_MOVED, EVENT_DECISION, tell_moved},
    {EV__EVENT__KIND_VIOLATION_NOTED, EVENT_DECISION, tell_violation},
    {EV__EVENT__KIND_BATCH_POSTPONED, EVENT_DECISION, tell_postponed},
    {EV__EVENT__KIND_BATCH_SUSPENDED, EVENT_DECISION, tell_suspended},
    {EV__EVENT__KIND_BATCH_UNSUSPENDED, EVENT_DECISION, tell_unsuspended},
    {EV__EVENT__KIND_INCIDENT_OPENED, EVENT_INCIDENT, tell_opened},
    {EV__EVENT__KIND_INCIDENT_CLOSED, EVENT_INCIDENT, tell_closed},
    {EV__EVENT__KIND_INCIDENT_NOTED, EVENT_INCIDENT, tell_noted},
    {EV__EVENT__KIND_POWER_CHANGED, EVENT_POWER, tell_power},
    {EV__EVENT__KIND_INTERRUPTION_LIMIT_REACHED, EVENT_DECISION, tell_limit},
    {EV__EVENT__KIND_INTERRUPTION_LIMIT_DECIDED, EVENT_DECISION, tell_limit_decided},
    {EV__EVENT__KIND_INTERRUPTION_OWN_DOING, EVENT_DECISION, tell_own_doing},
    {EV__EVENT__KIND_RECOVERED, EVENT_RECOVERED, tell_recovered},
    {EV__EVENT__KIND_COMMAND_SIGNED, EVENT_DECISION, tell_signed},
};

void event_tell(const exam *x, const Ev__Event *event, struct event_words *out)
{
    struct sentence s = {.x = x, .out = out};
    out->kind = EVENT_IMPORT;
    out->who = "";
    out->text[0] = '\0';
    for (size_t i = 0; i < sizeof tellers / sizeof *tellers; i++) {
        if (tellers[i].event != event->kind_case)
            continue;
        out->kind = tellers[i].kind;
        tellers[i].tell(&s, event);
        break;
    }
    codec_text_mend(out->text, EVENT_TEXT_BYTES - 1);
}

/* ---------------------------------------------------------------- whom it names */

static const uint32_t *one(const uint32_t *sitting, size_t *n)
{
    *n = *sitting != 0;
    return sitting;
}

static const uint32_t *recovered_sittings(const Ev__Recovered *e, size_t *n)
{
    if (e->answered)
        return one(&e->answered->sitting, n);
    if (e->submitted)
        return one(&e->submitted->sitting, n);
    if (e->violation_noted)
        return one(&e->violation_noted->sitting, n);
    *n = e->granted ? e->granted->n_sitting : 0;
    return e->granted ? e->granted->sitting : NULL;
}

const uint32_t *event_sittings(const Ev__Event *event, size_t *n)
{
    *n = 0;
    switch (event->kind_case) {
    case EV__EVENT__KIND_SIGNED_IN:
        return one(&event->signed_in->sitting, n);
    case EV__EVENT__KIND_ATTACHED:
        return one(&event->attached->sitting, n);
    case EV__EVENT__KIND_DETACHED:
        return one(&event->detached->sitting, n);
    case EV__EVENT__KIND_ANSWERED:
        return one(&event->answered->sitting, n);
    case EV__EVENT__KIND_SUBMITTED:
        return one(&event->submitted->sitting, n);
    case EV__EVENT__KIND_MOVED:
        return one(&event->moved->sitting, n);
    case EV__EVENT__KIND_VIOLATION_NOTED:
        return one(&event->violation_noted->sitting, n);
    case EV__EVENT__KIND_INTERRUPTION_LIMIT_REACHED:
        return one(&event->interruption_limit_reached->sitting, n);
    case EV__EVENT__KIND_INTERRUPTION_LIMIT_DECIDED:
        return one(&event->interruption_limit_decided->sitting, n);
    case EV__EVENT__KIND_INTERRUPTION_OWN_DOING:
        return one(&event->interruption_own_doing->sitting, n);
    case EV__EVENT__KIND_MARKED:
        *n = event->marked->n_sitting;
        return event->marked->sitting;
    case EV__EVENT__KIND_FINISHED:
        *n = event->finished->n_sitting;
        return event->finished->sitting;
    case EV__EVENT__KIND_CREDITED:
        *n = event->credited->n_sitting;
        return event->credited->sitting;
    case EV__EVENT__KIND_GRANTED:
        *n = event->granted->n_sitting;
        return event->granted->sitting;
    case EV__EVENT__KIND_RECOVERED:
        return recovered_sittings(event->recovered, n);
    default:
        return NULL;
    }
}
