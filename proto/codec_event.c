/* What the messages of event.proto must satisfy (codec_rules.h).
 *
 * A rule here may become laxer, never stricter: an event that is in a log was allowed when it was
 * written, and every replay, in any year, must take it (D4). */
#include "codec_rules.h"

#include "record.h"

/* The text for a person and the place of field F of message M; of a list also that of its length.
 */
#define AT(M, F)   "ev." #M "." #F, offsetof(Ev__##M, F)
#define LIST(M, F) "ev." #M "." #F, offsetof(Ev__##M, F), offsetof(Ev__##M, n_##F)

/* ---------------------------------------------------------------- who serves */

static const struct field_rule site_founded_fields[] = {
    {AT(SiteFounded, site_id), .kind = FIELD_BYTES, .max = SITE_ID_BYTES},
    {AT(SiteFounded, site_key), .kind = FIELD_BYTES, .max = SITE_KEY_BYTES},
    {AT(SiteFounded, name), .kind = FIELD_TEXT, .max = TITLE_BYTES_MAX},
    {AT(SiteFounded, who), .kind = FIELD_TEXT, .max = PERSON_BYTES_MAX},
};
static const struct message_rule site_founded = RULE(ev__site_founded, site_founded_fields);

static const struct field_rule epoch_began_fields[] = {
    {AT(EpochBegan, node), .kind = FIELD_NAME},
    {AT(EpochBegan, reason), .kind = FIELD_ENUM, .min = EV__EPOCH_REASON__EPOCH_REASON_FOUNDED,
     .max = EV__EPOCH_REASON__EPOCH_REASON_RESTARTED},
    {AT(EpochBegan, who), .kind = FIELD_TEXT, .max = PERSON_BYTES_MAX},
    {AT(EpochBegan, why), .kind = FIELD_TEXT, .max = REASON_BYTES_MAX},
};
static const struct message_rule epoch_began = RULE(ev__epoch_began, epoch_began_fields);

/* A primary that never had a standby in contact cannot name the one that it goes on without. */
static const struct field_rule standby_changed_fields[] = {
    {AT(StandbyChanged, node), .kind = FIELD_NAME_OPT},
};
static const struct message_rule standby_changed =
    RULE(ev__standby_changed, standby_changed_fields);

/* ---------------------------------------------------------------- what is imported */

static const struct field_rule room_added_fields[] = {
    {AT(RoomAdded, room), .kind = FIELD_NAME},
};
const struct message_rule codec_rule_event_room_added = RULE(ev__room_added, room_added_fields);

static const struct field_rule item_fields[] = {
    {AT(Item, id), .kind = FIELD_NAME},
    {AT(Item, kind), .kind = FIELD_ENUM, .min = EV__ITEM_KIND__ITEM_KIND_SINGLE,
     .max = EV__ITEM_KIND__ITEM_KIND_TRUE_FALSE},
    {AT(Item, subject), .kind = FIELD_TEXT, .max = TITLE_BYTES_MAX},
};
static const struct message_rule item = RULE(ev__item, item_fields);

/* A further part of a long list of items may leave title and digest to the first one. */
static const struct field_rule paper_added_fields[] = {
    {AT(PaperAdded, paper), .kind = FIELD_NAME},
    {AT(PaperAdded, title), .kind = FIELD_TEXT, .max = TITLE_BYTES_MAX},
    {AT(PaperAdded, digest), .kind = FIELD_BYTES_OPT, .max = HASH_BYTES},
    {LIST(PaperAdded, items), .kind = FIELD_MESSAGES, .max = PAPER_ITEMS_MAX, .message = &item},
};
const struct message_rule codec_rule_event_paper_added = RULE(ev__paper_added, paper_added_fields);

static const struct field_rule paper_chunk_fields[] = {
    {AT(PaperChunk, paper), .kind = FIELD_NAME},
    {AT(PaperChunk, data), .kind = FIELD_BYTES_UPTO, .max = PAPER_CHUNK_BYTES_MAX},
};
const struct message_rule codec_rule_event_paper_chunk = RULE(ev__paper_chunk, paper_chunk_fields);

static const struct field_rule batch_planned_fields[] = {
    {AT(BatchPlanned, batch), .kind = FIELD_NAME},
    {AT(BatchPlanned, title), .kind = FIELD_TEXT, .max = TITLE_BYTES_MAX},
    {AT(BatchPlanned, timing), .kind = FIELD_ENUM, .max = EV__TIMING__TIMING_PERSONAL},
};
static const struct message_rule batch_planned = RULE(ev__batch_planned, batch_planned_fields);

static const struct field_rule new_sitting_fields[] = {
    {AT(NewSitting, admission_no), .kind = FIELD_NAME},
    {AT(NewSitting, id_no), .kind = FIELD_TEXT, .max = NAME_BYTES_MAX},
    {AT(NewSitting, name), .kind = FIELD_TEXT, .max = PERSON_STORED_BYTES_MAX},
    {AT(NewSitting, seat), .kind = FIELD_NAME},
    {AT(NewSitting, paper), .kind = FIELD_NAME_OPT},
};
const struct message_rule codec_rule_event_new_sitting = RULE(ev__new_sitting, new_sitting_fields);

static const struct field_rule sittings_added_fields[] = {
    {AT(SittingsAdded, batch), .kind = FIELD_NAME},
    {LIST(SittingsAdded, sittings), .kind = FIELD_MESSAGES, .max = MARKS_PER_EVENT_MAX,
     .message = &codec_rule_event_new_sitting},
};
static const struct message_rule sittings_added = RULE(ev__sittings_added, sittings_added_fields);

static const struct field_rule import_completed_fields[] = {
    {AT(ImportCompleted, batch), .kind = FIELD_NAME},
    {AT(ImportCompleted, who), .kind = FIELD_TEXT, .max = PERSON_BYTES_MAX},
};
static const struct message_rule import_completed =
    RULE(ev__import_completed, import_completed_fields);

/* ---------------------------------------------------------------- batches */

static const struct field_rule batch_started_fields[] = {
    {AT(BatchStarted, who), .kind = FIELD_TEXT, .max = PERSON_BYTES_MAX},
};
static const struct message_rule batch_started = RULE(ev__batch_started, batch_started_fields);

static const struct field_rule batch_collected_fields[] = {
    {AT(BatchCollected, who), .kind = FIELD_TEXT, .max = PERSON_BYTES_MAX},
};
static const struct message_rule batch_collected =
    RULE(ev__batch_collected, batch_collected_fields);

/* ---------------------------------------------------------------- sittings */

static const struct field_rule signed_in_fields[] = {
    {AT(SignedIn, session), .kind = FIELD_BYTES, .max = SESSION_BYTES},
};
static const struct message_rule signed_in = RULE(ev__signed_in, signed_in_fields);

static const struct field_rule attached_fields[] = {
    {AT(Attached, basis), .kind = FIELD_ENUM, .max = EV__BASIS__BASIS_DARK},
};
static const struct message_rule attached = RULE(ev__attached, attached_fields);

static const struct message_rule detached = RULE_FREE(ev__detached);

static const char *marked_check(const ProtobufCMessage *m)
{
    const Ev__Marked *e = (const Ev__Marked *)m;

    return e->n_sitting == e->n_used_ms ? NULL : "ev.Marked: lists of unequal length";
}

static const struct field_rule marked_fields[] = {
    {LIST(Marked, sitting), .kind = FIELD_SCALARS, .max = MARKS_PER_EVENT_MAX},
    {LIST(Marked, used_ms), .kind = FIELD_SCALARS, .max = MARKS_PER_EVENT_MAX},
};
static const struct message_rule marked = RULE_CHECKED(ev__marked, marked_fields, marked_check);

static const struct field_rule answered_fields[] = {
    {AT(Answered, item), .kind = FIELD_NAME},
    {AT(Answered, value), .kind = FIELD_STORED},
};
static const struct message_rule answered = RULE(ev__answered, answered_fields);

static const struct message_rule submitted = RULE_FREE(ev__submitted);

static const char *finished_check(const ProtobufCMessage *m)
{
    const Ev__Finished *e = (const Ev__Finished *)m;

    return e->n_sitting == e->n_used_ms && e->n_sitting == e->n_at_ms
               ? NULL
               : "ev.Finished: lists of unequal length";
}

static const struct field_rule finished_fields[] = {
    {AT(Finished, finish), .kind = FIELD_ENUM, .min = EV__FINISH__FINISH_TIMED_OUT,
     .max = EV__FINISH__FINISH_ABSENT},
    {LIST(Finished, sitting), .kind = FIELD_SCALARS, .max = MARKS_PER_EVENT_MAX},
    {LIST(Finished, used_ms), .kind = FIELD_SCALARS, .max = MARKS_PER_EVENT_MAX},
    {LIST(Finished, at_ms), .kind = FIELD_SCALARS, .max = MARKS_PER_EVENT_MAX},
};
static const struct message_rule finished =
    RULE_CHECKED(ev__finished, finished_fields, finished_check);

static const char *credited_check(const ProtobufCMessage *m)
{
    const Ev__Credited *e = (const Ev__Credited *)m;

    return e->n_sitting == e->n_from_ms && e->n_sitting == e->n_lost_ms &&
                   (e->n_incident == 0 || e->n_sitting == e->n_incident)
               ? NULL
               : "ev.Credited: lists of unequal length";
}

static const struct field_rule credited_fields[] = {
    {AT(Credited, basis), .kind = FIELD_ENUM, .max = EV__BASIS__BASIS_DARK},
    {LIST(Credited, sitting), .kind = FIELD_SCALARS, .max = MARKS_PER_EVENT_MAX},
    {LIST(Credited, from_ms), .kind = FIELD_SCALARS, .max = MARKS_PER_EVENT_MAX},
    {LIST(Credited, lost_ms), .kind = FIELD_SCALARS, .max = MARKS_PER_EVENT_MAX},
    {LIST(Credited, incident), .kind = FIELD_SCALARS, .max = MARKS_PER_EVENT_MAX},
};
static const struct message_rule credited =
    RULE_CHECKED(ev__credited, credited_fields, credited_check);

/* ---------------------------------------------------------------- contingencies */

#define WHO(M)                                                                                     \
    {                                                                                              \
        AT(M, who), .kind = FIELD_TEXT, .max = PERSON_BYTES_MAX                                    \
    }
#define REASON(M, F)                                                                               \
    {                                                                                              \
        AT(M, F), .kind = FIELD_TEXT, .max = REASON_BYTES_MAX                                      \
    }

static const struct field_rule scope_fields[] = {
    {AT(Scope, kind), .kind = FIELD_ENUM, .min = EV__SCOPE_KIND__SCOPE_KIND_SITE,
     .max = EV__SCOPE_KIND__SCOPE_KIND_SITTING},
};
static const struct message_rule scope = RULE(ev__scope, scope_fields);

static const struct field_rule paused_fields[] = {
    {AT(Paused, scope), .kind = FIELD_MESSAGE, .message = &scope},
    WHO(Paused),
    REASON(Paused, why),
};
static const struct message_rule paused = RULE(ev__paused, paused_fields);

static const struct field_rule resumed_fields[] = {
    {AT(Resumed, scope), .kind = FIELD_MESSAGE, .message = &scope},
    WHO(Resumed),
    REASON(Resumed, why),
};
static const struct message_rule resumed = RULE(ev__resumed, resumed_fields);

static const char *granted_check(const ProtobufCMessage *m)
{
    const Ev__Granted *e = (const Ev__Granted *)m;

    return e->n_sitting == e->n_ms && e->n_sitting == e->n_lost_ms
               ? NULL
               : "ev.Granted: lists of unequal length";
}

static const struct field_rule granted_fields[] = {
    {AT(Granted, scope), .kind = FIELD_MESSAGE, .message = &scope},
    {LIST(Granted, sitting), .kind = FIELD_SCALARS, .max = MARKS_PER_EVENT_MAX},
    {LIST(Granted, ms), .kind = FIELD_SCALARS, .max = MARKS_PER_EVENT_MAX},
    {LIST(Granted, lost_ms), .kind = FIELD_SCALARS, .max = MARKS_PER_EVENT_MAX},
    WHO(Granted),
    REASON(Granted, why),
};
static const struct message_rule granted = RULE_CHECKED(ev__granted, granted_fields, granted_check);

static const struct field_rule moved_fields[] = {WHO(Moved), REASON(Moved, why)};
static const struct message_rule moved = RULE(ev__moved, moved_fields);

static const struct field_rule violation_noted_fields[] = {
    REASON(ViolationNoted, text),
    WHO(ViolationNoted),
};
static const struct message_rule violation_noted =
    RULE(ev__violation_noted, violation_noted_fields);

static const struct field_rule batch_postponed_fields[] = {
    WHO(BatchPostponed),
    REASON(BatchPostponed, why),
};
static const struct message_rule batch_postponed =
    RULE(ev__batch_postponed, batch_postponed_fields);

static const struct field_rule batch_suspended_fields[] = {
    {AT(BatchSuspended, node), .kind = FIELD_NAME},
};
static const struct message_rule batch_suspended =
    RULE(ev__batch_suspended, batch_suspended_fields);

static const struct field_rule batch_unsuspended_fields[] = {
    WHO(BatchUnsuspended),
    REASON(BatchUnsuspended, why),
};
static const struct message_rule batch_unsuspended =
    RULE(ev__batch_unsuspended, batch_unsuspended_fields);

static const struct field_rule incident_opened_fields[] = {
    {AT(IncidentOpened, kind), .kind = FIELD_ENUM, .min = EV__INCIDENT_KIND__INCIDENT_KIND_POWER,
     .max = EV__INCIDENT_KIND__INCIDENT_KIND_OTHER},
    {AT(IncidentOpened, scope), .kind = FIELD_MESSAGE, .message = &scope},
    REASON(IncidentOpened, text),
    WHO(IncidentOpened),
};
static const struct message_rule incident_opened =
    RULE(ev__incident_opened, incident_opened_fields);

static const struct field_rule incident_closed_fields[] = {
    WHO(IncidentClosed),
    REASON(IncidentClosed, text),
};
static const struct message_rule incident_closed =
    RULE(ev__incident_closed, incident_closed_fields);

static const struct field_rule incident_noted_fields[] = {
    WHO(IncidentNoted),
    REASON(IncidentNoted, text),
};
static const struct message_rule incident_noted = RULE(ev__incident_noted, incident_noted_fields);

static const struct field_rule power_changed_fields[] = {
    {AT(PowerChanged, node), .kind = FIELD_NAME},
    {AT(PowerChanged, power), .kind = FIELD_ENUM, .min = EV__POWER__POWER_MAINS_LOST,
     .max = EV__POWER__POWER_BATTERY_LOW},
};
static const struct message_rule power_changed = RULE(ev__power_changed, power_changed_fields);

static const struct message_rule interruption_limit_reached =
    RULE_FREE(ev__interruption_limit_reached);

static const struct field_rule interruption_limit_decided_fields[] = {
    REASON(InterruptionLimitDecided, text),
    WHO(InterruptionLimitDecided),
};
static const struct message_rule interruption_limit_decided =
    RULE(ev__interruption_limit_decided, interruption_limit_decided_fields);

static const struct field_rule interruption_own_doing_fields[] = {
    WHO(InterruptionOwnDoing),
    REASON(InterruptionOwnDoing, why),
};
static const struct message_rule interruption_own_doing =
    RULE(ev__interruption_own_doing, interruption_own_doing_fields);

static const struct field_rule recovered_fields[] = {
    {AT(Recovered, as), .kind = FIELD_ENUM, .min = EV__RECOVERED_AS__RECOVERED_AS_ADOPTED,
     .max = EV__RECOVERED_AS__RECOVERED_AS_SHOWN},
    REASON(Recovered, text),
    {AT(Recovered, answered), .kind = FIELD_MESSAGE_OPT, .message = &answered},
    {AT(Recovered, submitted), .kind = FIELD_MESSAGE_OPT, .message = &submitted},
    {AT(Recovered, granted), .kind = FIELD_MESSAGE_OPT, .message = &granted},
    {AT(Recovered, violation_noted), .kind = FIELD_MESSAGE_OPT, .message = &violation_noted},
    {AT(Recovered, incident_noted), .kind = FIELD_MESSAGE_OPT, .message = &incident_noted},
};
static const struct message_rule recovered = RULE(ev__recovered, recovered_fields);

/* ---------------------------------------------------------------- */

static const struct field_rule command_signed_fields[] = {
    {AT(CommandSigned, who), .kind = FIELD_NAME},
    {AT(CommandSigned, key), .kind = FIELD_BYTES, .max = SIGN_KEY_BYTES},
    {AT(CommandSigned, node), .kind = FIELD_NAME},
    {AT(CommandSigned, nonce), .kind = FIELD_BYTES, .max = SIGN_NONCE_BYTES},
    {AT(CommandSigned, request), .kind = FIELD_BYTES_UPTO, .max = SIGNED_REQUEST_BYTES_MAX},
    {AT(CommandSigned, signature), .kind = FIELD_BYTES, .max = SIGNATURE_BYTES},
};
static const struct message_rule command_signed = RULE(ev__command_signed, command_signed_fields);

static const struct message_rule *const event_kinds[] = {
    [EV__EVENT__KIND_SITE_FOUNDED] = &site_founded,
    [EV__EVENT__KIND_EPOCH_BEGAN] = &epoch_began,
    [EV__EVENT__KIND_STANDBY_CHANGED] = &standby_changed,
    [EV__EVENT__KIND_ROOM_ADDED] = &codec_rule_event_room_added,
    [EV__EVENT__KIND_PAPER_ADDED] = &codec_rule_event_paper_added,
    [EV__EVENT__KIND_PAPER_CHUNK] = &codec_rule_event_paper_chunk,
    [EV__EVENT__KIND_BATCH_PLANNED] = &batch_planned,
    [EV__EVENT__KIND_SITTINGS_ADDED] = &sittings_added,
    [EV__EVENT__KIND_IMPORT_COMPLETED] = &import_completed,
    [EV__EVENT__KIND_BATCH_STARTED] = &batch_started,
    [EV__EVENT__KIND_BATCH_COLLECTED] = &batch_collected,
    [EV__EVENT__KIND_SIGNED_IN] = &signed_in,
    [EV__EVENT__KIND_ATTACHED] = &attached,
    [EV__EVENT__KIND_DETACHED] = &detached,
    [EV__EVENT__KIND_MARKED] = &marked,
    [EV__EVENT__KIND_ANSWERED] = &answered,
    [EV__EVENT__KIND_SUBMITTED] = &submitted,
    [EV__EVENT__KIND_FINISHED] = &finished,
    [EV__EVENT__KIND_CREDITED] = &credited,
    [EV__EVENT__KIND_PAUSED] = &paused,
    [EV__EVENT__KIND_RESUMED] = &resumed,
    [EV__EVENT__KIND_GRANTED] = &granted,
    [EV__EVENT__KIND_MOVED] = &moved,
    [EV__EVENT__KIND_VIOLATION_NOTED] = &violation_noted,
    [EV__EVENT__KIND_BATCH_POSTPONED] = &batch_postponed,
    [EV__EVENT__KIND_BATCH_SUSPENDED] = &batch_suspended,
    [EV__EVENT__KIND_BATCH_UNSUSPENDED] = &batch_unsuspended,
    [EV__EVENT__KIND_INCIDENT_OPENED] = &incident_opened,
    [EV__EVENT__KIND_INCIDENT_CLOSED] = &incident_closed,
    [EV__EVENT__KIND_INCIDENT_NOTED] = &incident_noted,
    [EV__EVENT__KIND_POWER_CHANGED] = &power_changed,
    [EV__EVENT__KIND_INTERRUPTION_LIMIT_REACHED] = &interruption_limit_reached,
    [EV__EVENT__KIND_INTERRUPTION_LIMIT_DECIDED] = &interruption_limit_decided,
    [EV__EVENT__KIND_INTERRUPTION_OWN_DOING] = &interruption_own_doing,
    [EV__EVENT__KIND_RECOVERED] = &recovered,
    [EV__EVENT__KIND_COMMAND_SIGNED] = &command_signed,
};
static const struct oneof_rule event_kind = {
    .field = "ev.Event.kind",
    .case_at = offsetof(Ev__Event, kind_case),
    .at = offsetof(Ev__Event, site_founded),
    .cases = event_kinds,
    .cases_n = RULE_COUNT(event_kinds),
};
const struct message_rule codec_rule_event = RULE_ONEOF(ev__event, event_kind);

exam_err codec_event(struct arena *a, const uint8_t *bytes, size_t n, const Ev__Event **out,
                     const char **why)
{
    const ProtobufCMessage *m;

    if (codec_answered_event(a, bytes, n, out) || codec_stream_marked(a, bytes, n, out))
        return EXAM_OK;
    exam_err err = codec_decode(a, &codec_rule_event, bytes, n,
                                RECORD_BYTES_MAX - RECORD_HEADER_BYTES, &m, why);

    if (err == EXAM_OK)
        *out = (const Ev__Event *)m;
    return err;
}

uint32_t codec_event_kind(const uint8_t *bytes, size_t n)
{
    if (n < 2)
        return 0;
    uint32_t tag = bytes[0];
    if (tag & 0x80)
        tag = (tag & 0x7f) | (uint32_t)bytes[1] << 7;
    return tag >> 3;
}
