/* What the messages of admin.proto must satisfy (codec_rules.h). */
#include "codec_rules.h"

/* The text for a person and the place of field F of message M; of a list also that of its length.
 */
#define AT(M, F)   "admin." #M "." #F, offsetof(Admin__##M, F)
#define LIST(M, F) "admin." #M "." #F, offsetof(Admin__##M, F), offsetof(Admin__##M, n_##F)

/* ---------------------------------------------------------------- what a tool sends */

static const struct field_rule hello_fields[] = {
    {AT(Hello, who), .kind = FIELD_TEXT, .max = PERSON_BYTES_MAX},
    {AT(Hello, client), .kind = FIELD_TEXT, .max = TITLE_BYTES_MAX},
};
static const struct message_rule hello = RULE(admin__hello, hello_fields);

static const struct message_rule status = RULE_FREE(admin__status);

static const struct field_rule unlock_fields[] = {
    {AT(Unlock, data_key), .kind = FIELD_BYTES, .max = DATA_KEY_BYTES},
};
static const struct message_rule unlock = RULE(admin__unlock, unlock_fields);

static const struct field_rule found_fields[] = {
    {AT(Found, site_name), .kind = FIELD_TEXT, .max = TITLE_BYTES_MAX},
    {AT(Found, who), .kind = FIELD_TEXT, .max = PERSON_BYTES_MAX},
};
static const struct message_rule found = RULE(admin__found, found_fields);

static const struct field_rule promote_fields[] = {
    {AT(Promote, who), .kind = FIELD_TEXT, .max = PERSON_BYTES_MAX},
    {AT(Promote, why), .kind = FIELD_TEXT, .max = REASON_BYTES_MAX},
};
static const struct message_rule promote = RULE(admin__promote, promote_fields);

static const struct field_rule import_begin_fields[] = {
    {AT(ImportBegin, batch), .kind = FIELD_NAME},
    {AT(ImportBegin, title), .kind = FIELD_TEXT, .max = TITLE_BYTES_MAX},
    {AT(ImportBegin, timing), .kind = FIELD_ENUM, .max = EV__TIMING__TIMING_PERSONAL},
    {AT(ImportBegin, who), .kind = FIELD_TEXT, .max = PERSON_BYTES_MAX},
};
static const struct message_rule import_begin = RULE(admin__import_begin, import_begin_fields);

static const struct field_rule import_sitting_fields[] = {
    {AT(ImportSitting, sitting), .kind = FIELD_MESSAGE, .message = &codec_rule_event_new_sitting},
};
static const struct message_rule import_sitting =
    RULE(admin__import_sitting, import_sitting_fields);

static const struct field_rule import_part_fields[] = {
    {LIST(ImportPart, rooms), .kind = FIELD_MESSAGES, .max = ROOMS_MAX,
     .message = &codec_rule_event_room_added},
    {LIST(ImportPart, sittings), .kind = FIELD_MESSAGES, .max = MARKS_PER_EVENT_MAX,
     .message = &import_sitting},
    {AT(ImportPart, paper), .kind = FIELD_MESSAGE_OPT, .message = &codec_rule_event_paper_added},
    {AT(ImportPart, paper_chunk), .kind = FIELD_MESSAGE_OPT,
     .message = &codec_rule_event_paper_chunk},
};
static const struct message_rule import_part = RULE(admin__import_part, import_part_fields);

static const struct field_rule import_commit_fields[] = {
    {AT(ImportCommit, batch), .kind = FIELD_NAME_OPT},
    {AT(ImportCommit, digest), .kind = FIELD_BYTES_OPT, .max = HASH_BYTES},
};
static const struct message_rule import_commit = RULE(admin__import_commit, import_commit_fields);

static const struct field_rule batch_start_fields[] = {
    {AT(BatchStart, batch), .kind = FIELD_NAME},
    {AT(BatchStart, who), .kind = FIELD_TEXT, .max = PERSON_BYTES_MAX},
};
static const struct message_rule batch_start = RULE(admin__batch_start, batch_start_fields);

static const struct field_rule batch_status_fields[] = {
    {AT(BatchStatus, batch), .kind = FIELD_NAME_OPT},
};
static const struct message_rule batch_status = RULE(admin__batch_status, batch_status_fields);

static const struct field_rule batch_collect_fields[] = {
    {AT(BatchCollect, batch), .kind = FIELD_NAME},
    {AT(BatchCollect, who), .kind = FIELD_TEXT, .max = PERSON_BYTES_MAX},
};
static const struct message_rule batch_collect = RULE(admin__batch_collect, batch_collect_fields);

static const struct field_rule results_fields[] = {
    {AT(Results, batch), .kind = FIELD_NAME},
};
static const struct message_rule results = RULE(admin__results, results_fields);

/* ---------------------------------------------------------------- contingencies */

#define WHO(M)                                                                                     \
    {                                                                                              \
        AT(M, who), .kind = FIELD_TEXT, .max = PERSON_BYTES_MAX                                    \
    }
#define REASON(M, F)                                                                               \
    {                                                                                              \
        AT(M, F), .kind = FIELD_TEXT, .max = REASON_BYTES_MAX                                      \
    }
#define TARGET(M)                                                                                  \
    {                                                                                              \
        AT(M, target), .kind = FIELD_MESSAGE, .message = &target                                   \
    }

static const struct field_rule target_fields[] = {
    {AT(Target, kind), .kind = FIELD_ENUM, .max = EV__SCOPE_KIND__SCOPE_KIND_SITTING},
    {AT(Target, name), .kind = FIELD_NAME_OPT}, /* the site needs none */
};
static const struct message_rule target = RULE(admin__target, target_fields);

static const struct field_rule pause_fields[] = {TARGET(Pause), WHO(Pause), REASON(Pause, why)};
static const struct message_rule pause = RULE(admin__pause, pause_fields);

static const struct field_rule resume_fields[] = {
    TARGET(Resume),
    WHO(Resume),
    REASON(Resume, why),
};
static const struct message_rule resume = RULE(admin__resume, resume_fields);

static const struct field_rule grant_fields[] = {TARGET(Grant), WHO(Grant), REASON(Grant, why)};
static const struct message_rule grant = RULE(admin__grant, grant_fields);

static const struct field_rule move_fields[] = {
    {AT(Move, admission_no), .kind = FIELD_NAME},
    {AT(Move, seat), .kind = FIELD_NAME},
    WHO(Move),
    REASON(Move, why),
};
static const struct message_rule move = RULE(admin__move, move_fields);

static const struct field_rule violation_fields[] = {
    {AT(Violation, admission_no), .kind = FIELD_NAME},
    REASON(Violation, text),
    WHO(Violation),
};
static const struct message_rule violation = RULE(admin__violation, violation_fields);

static const struct field_rule postpone_fields[] = {
    {AT(Postpone, batch), .kind = FIELD_NAME},
    WHO(Postpone),
    REASON(Postpone, why),
};
static const struct message_rule postpone = RULE(admin__postpone, postpone_fields);

static const struct field_rule suspended_decision_fields[] = {
    {AT(SuspendedDecision, batch), .kind = FIELD_NAME},
    WHO(SuspendedDecision),
    REASON(SuspendedDecision, why),
};
static const struct message_rule suspended_decision =
    RULE(admin__suspended_decision, suspended_decision_fields);

static const struct field_rule incident_open_fields[] = {
    {AT(IncidentOpen, kind), .kind = FIELD_ENUM, .min = EV__INCIDENT_KIND__INCIDENT_KIND_POWER,
     .max = EV__INCIDENT_KIND__INCIDENT_KIND_OTHER},
    TARGET(IncidentOpen),
    REASON(IncidentOpen, text),
    WHO(IncidentOpen),
};
static const struct message_rule incident_open = RULE(admin__incident_open, incident_open_fields);

static const struct field_rule incident_close_fields[] = {
    REASON(IncidentClose, text),
    WHO(IncidentClose),
};
static const struct message_rule incident_close =
    RULE(admin__incident_close, incident_close_fields);

static const struct field_rule incident_note_fields[] = {
    REASON(IncidentNote, text),
    WHO(IncidentNote),
};
static const struct message_rule incident_note = RULE(admin__incident_note, incident_note_fields);

static const struct message_rule incidents = RULE_FREE(admin__incidents);

static const struct field_rule sitting_show_fields[] = {
    {AT(SittingShow, admission_no), .kind = FIELD_NAME},
};
static const struct message_rule sitting_show = RULE(admin__sitting_show, sitting_show_fields);

static const struct field_rule seats_fields[] = {
    {AT(Seats, room), .kind = FIELD_NAME_OPT},
};
static const struct message_rule seats = RULE(admin__seats, seats_fields);

static const struct field_rule limit_decide_fields[] = {
    {AT(LimitDecide, admission_no), .kind = FIELD_NAME},
    REASON(LimitDecide, text),
    WHO(LimitDecide),
};
static const struct message_rule limit_decide = RULE(admin__limit_decide, limit_decide_fields);

static const struct field_rule own_doing_fields[] = {
    {AT(OwnDoing, admission_no), .kind = FIELD_NAME},
    WHO(OwnDoing),
    REASON(OwnDoing, why),
};
static const struct message_rule own_doing = RULE(admin__own_doing, own_doing_fields);

static const struct message_rule proposals = RULE_FREE(admin__proposals);

static const struct field_rule confirm_fields[] = {
    {AT(Confirm, digest), .kind = FIELD_BYTES, .max = HASH_BYTES},
};
static const struct message_rule confirm = RULE(admin__confirm, confirm_fields);

/* ---------------------------------------------------------------- */

static const struct field_rule receipt_fields[] = {
    {AT(Receipt, admission_no), .kind = FIELD_NAME},
};
static const struct message_rule receipt = RULE(admin__receipt, receipt_fields);

static const struct message_rule *const request_kinds[] = {
    [ADMIN__REQUEST__KIND_HELLO] = &hello,
    [ADMIN__REQUEST__KIND_STATUS] = &status,
    [ADMIN__REQUEST__KIND_FOUND] = &found,
    [ADMIN__REQUEST__KIND_PROMOTE] = &promote,
    [ADMIN__REQUEST__KIND_IMPORT_BEGIN] = &import_begin,
    [ADMIN__REQUEST__KIND_IMPORT_PART] = &import_part,
    [ADMIN__REQUEST__KIND_IMPORT_COMMIT] = &import_commit,
    [ADMIN__REQUEST__KIND_BATCH_START] = &batch_start,
    [ADMIN__REQUEST__KIND_BATCH_STATUS] = &batch_status,
    [ADMIN__REQUEST__KIND_BATCH_COLLECT] = &batch_collect,
    [ADMIN__REQUEST__KIND_RESULTS] = &results,
    [ADMIN__REQUEST__KIND_PAUSE] = &pause,
    [ADMIN__REQUEST__KIND_RESUME] = &resume,
    [ADMIN__REQUEST__KIND_GRANT] = &grant,
    [ADMIN__REQUEST__KIND_MOVE] = &move,
    [ADMIN__REQUEST__KIND_VIOLATION] = &violation,
    [ADMIN__REQUEST__KIND_POSTPONE] = &postpone,
    [ADMIN__REQUEST__KIND_SUSPENDED_DECISION] = &suspended_decision,
    [ADMIN__REQUEST__KIND_INCIDENT_OPEN] = &incident_open,
    [ADMIN__REQUEST__KIND_INCIDENT_CLOSE] = &incident_close,
    [ADMIN__REQUEST__KIND_INCIDENT_NOTE] = &incident_note,
    [ADMIN__REQUEST__KIND_INCIDENTS] = &incidents,
    [ADMIN__REQUEST__KIND_SITTING_SHOW] = &sitting_show,
    [ADMIN__REQUEST__KIND_SEATS] = &seats,
    [ADMIN__REQUEST__KIND_LIMIT_DECIDE] = &limit_decide,
    [ADMIN__REQUEST__KIND_OWN_DOING] = &own_doing,
    [ADMIN__REQUEST__KIND_UNLOCK] = &unlock,
    [ADMIN__REQUEST__KIND_RECEIPT] = &receipt,
    [ADMIN__REQUEST__KIND_PROPOSALS] = &proposals,
    [ADMIN__REQUEST__KIND_CONFIRM] = &confirm,
};
static const struct oneof_rule request_kind = {
    .field = "admin.Request.kind",
    .case_at = offsetof(Admin__Request, kind_case),
    .at = offsetof(Admin__Request, hello),
    .cases = request_kinds,
    .cases_n = RULE_COUNT(request_kinds),
};
static const struct field_rule request_fields[] = {
    {AT(Request, signature), .kind = FIELD_BYTES_OPT, .max = SIGNATURE_BYTES},
};
const struct message_rule codec_rule_admin_request =
    RULE_FIELDS_ONEOF(admin__request, request_fields, request_kind);

/* ---------------------------------------------------------------- what a node sends */

static const struct field_rule welcome_fields[] = {
    {AT(Welcome, node), .kind = FIELD_NAME},
    {AT(Welcome, site_id), .kind = FIELD_BYTES_OPT, .max = SITE_ID_BYTES},
    {AT(Welcome, nonce), .kind = FIELD_BYTES_OPT, .max = SIGN_NONCE_BYTES},
};
static const struct message_rule welcome = RULE(admin__welcome, welcome_fields);

static const struct field_rule done_fields[] = {
    {AT(Done, text), .kind = FIELD_TEXT, .max = REASON_BYTES_MAX},
};
static const struct message_rule done = RULE(admin__done, done_fields);

static const struct field_rule refused_fields[] = {
    {AT(Refused, text), .kind = FIELD_TEXT, .max = REASON_BYTES_MAX},
    {AT(Refused, rule), .kind = FIELD_TEXT, .max = NAME_BYTES_MAX},
};
static const struct message_rule refused = RULE(admin__refused, refused_fields);

static const struct field_rule peer_status_fields[] = {
    {AT(PeerStatus, node), .kind = FIELD_NAME},
    {AT(PeerStatus, role), .kind = FIELD_ENUM, .max = ADMIN__ROLE__ROLE_FAILED},
    REASON(PeerStatus, trouble),
};
static const struct message_rule peer_status = RULE(admin__peer_status, peer_status_fields);

static const struct field_rule batch_info_fields[] = {
    {AT(BatchInfo, batch), .kind = FIELD_NAME},
    {AT(BatchInfo, title), .kind = FIELD_TEXT, .max = TITLE_BYTES_MAX},
    {AT(BatchInfo, state), .kind = FIELD_ENUM, .min = ADMIN__BATCH_STATE__BATCH_STATE_PLANNED,
     .max = ADMIN__BATCH_STATE__BATCH_STATE_POSTPONED},
    REASON(BatchInfo, warning),
};
static const struct message_rule batch_info = RULE(admin__batch_info, batch_info_fields);

static const struct field_rule node_status_fields[] = {
    {AT(NodeStatus, node), .kind = FIELD_NAME},
    {AT(NodeStatus, version), .kind = FIELD_TEXT, .max = TITLE_BYTES_MAX},
    {AT(NodeStatus, site_id), .kind = FIELD_BYTES_OPT, .max = SITE_ID_BYTES},
    {AT(NodeStatus, site_name), .kind = FIELD_TEXT, .max = TITLE_BYTES_MAX},
    {AT(NodeStatus, role), .kind = FIELD_ENUM, .max = ADMIN__ROLE__ROLE_FAILED},
    {AT(NodeStatus, hash), .kind = FIELD_BYTES_OPT, .max = HASH_BYTES},
    {AT(NodeStatus, state_digest), .kind = FIELD_BYTES_OPT, .max = HASH_BYTES},
    {LIST(NodeStatus, peers), .kind = FIELD_MESSAGES, .max = NODES_MAX, .message = &peer_status},
    {LIST(NodeStatus, batches), .kind = FIELD_MESSAGES, .max = BATCHES_MAX, .message = &batch_info},
    REASON(NodeStatus, failure),
    {AT(NodeStatus, power), .kind = FIELD_ENUM, .max = ADMIN__POWER__POWER_BATTERY_LOW},
    REASON(NodeStatus, power_text),
    REASON(NodeStatus, promotion),
    REASON(NodeStatus, forced),
    {AT(NodeStatus, contradicted_by), .kind = FIELD_NAME_OPT},
};
static const struct message_rule node_status = RULE(admin__node_status, node_status_fields);

static const struct field_rule sitting_result_fields[] = {
    {AT(SittingResult, admission_no), .kind = FIELD_NAME},
    {AT(SittingResult, name), .kind = FIELD_TEXT, .max = PERSON_BYTES_MAX},
    {AT(SittingResult, room), .kind = FIELD_NAME},
    {AT(SittingResult, seat), .kind = FIELD_NAME},
    {AT(SittingResult, paper), .kind = FIELD_NAME_OPT},
    {AT(SittingResult, state), .kind = FIELD_NAME},
    {AT(SittingResult, finish), .kind = FIELD_NAME_OPT},
    {AT(SittingResult, id_no), .kind = FIELD_NAME_OPT},
};
static const struct message_rule sitting_result =
    RULE(admin__sitting_result, sitting_result_fields);

static const struct field_rule answer_row_fields[] = {
    {AT(AnswerRow, item), .kind = FIELD_NAME},
    {AT(AnswerRow, subject), .kind = FIELD_TEXT, .max = TITLE_BYTES_MAX},
    {AT(AnswerRow, value), .kind = FIELD_ANSWER},
};
static const struct message_rule answer_row = RULE(admin__answer_row, answer_row_fields);

static const struct field_rule answer_rows_fields[] = {
    {AT(AnswerRows, admission_no), .kind = FIELD_NAME},
    {LIST(AnswerRows, rows), .kind = FIELD_MESSAGES, .max = PAPER_ITEMS_MAX,
     .message = &answer_row},
};
static const struct message_rule answer_rows = RULE(admin__answer_rows, answer_rows_fields);

static const struct field_rule interruption_row_fields[] = {
    {AT(InterruptionRow, basis), .kind = FIELD_ENUM, .max = EV__BASIS__BASIS_DARK},
};
static const struct message_rule interruption_row =
    RULE(admin__interruption_row, interruption_row_fields);

static const struct field_rule sitting_detail_fields[] = {
    {AT(SittingDetail, result), .kind = FIELD_MESSAGE, .message = &sitting_result},
    {AT(SittingDetail, batch), .kind = FIELD_NAME},
    {LIST(SittingDetail, interruptions), .kind = FIELD_MESSAGES, .max = ROWS_PER_REPLY_MAX,
     .message = &interruption_row},
};
static const struct message_rule sitting_detail =
    RULE(admin__sitting_detail, sitting_detail_fields);

static const struct field_rule seat_row_fields[] = {
    {AT(SeatRow, seat), .kind = FIELD_NAME},
    {AT(SeatRow, admission_no), .kind = FIELD_NAME_OPT},
    {AT(SeatRow, state), .kind = FIELD_NAME_OPT},
};
static const struct message_rule seat_row = RULE(admin__seat_row, seat_row_fields);

static const struct field_rule seat_rows_fields[] = {
    {AT(SeatRows, node), .kind = FIELD_NAME},
    {LIST(SeatRows, rows), .kind = FIELD_MESSAGES, .max = ROWS_PER_REPLY_MAX, .message = &seat_row},
};
static const struct message_rule seat_rows = RULE(admin__seat_rows, seat_rows_fields);

static const struct field_rule incident_row_fields[] = {
    {AT(IncidentRow, kind), .kind = FIELD_ENUM, .min = EV__INCIDENT_KIND__INCIDENT_KIND_POWER,
     .max = EV__INCIDENT_KIND__INCIDENT_KIND_OTHER},
    {AT(IncidentRow, scope), .kind = FIELD_ENUM, .min = EV__SCOPE_KIND__SCOPE_KIND_SITE,
     .max = EV__SCOPE_KIND__SCOPE_KIND_SITTING},
    {AT(IncidentRow, scope_name), .kind = FIELD_NAME},
    REASON(IncidentRow, text),
    WHO(IncidentRow),
};
static const struct message_rule incident_row = RULE(admin__incident_row, incident_row_fields);

static const struct field_rule incident_rows_fields[] = {
    {LIST(IncidentRows, rows), .kind = FIELD_MESSAGES, .max = ROWS_PER_REPLY_MAX,
     .message = &incident_row},
};
static const struct message_rule incident_rows = RULE(admin__incident_rows, incident_rows_fields);

static const struct field_rule proposed_fields[] = {REASON(Proposed, text)};
static const struct message_rule proposed = RULE(admin__proposed, proposed_fields);

static const struct field_rule proposal_fields[] = {
    {AT(Proposal, who), .kind = FIELD_NAME},
    REASON(Proposal, text),
    {AT(Proposal, request), .kind = FIELD_BYTES_UPTO, .max = SIGNED_REQUEST_BYTES_MAX},
};
static const struct message_rule proposal = RULE(admin__proposal, proposal_fields);

static const struct field_rule receipt_text_fields[] = {
    {AT(ReceiptText, text), .kind = FIELD_BYTES_UPTO, .max = RECEIPT_BYTES_MAX},
};
static const struct message_rule receipt_text = RULE(admin__receipt_text, receipt_text_fields);

static const struct message_rule *const reply_kinds[] = {
    [ADMIN__REPLY__KIND_WELCOME] = &welcome,
    [ADMIN__REPLY__KIND_DONE] = &done,
    [ADMIN__REPLY__KIND_REFUSED] = &refused,
    [ADMIN__REPLY__KIND_NODE_STATUS] = &node_status,
    [ADMIN__REPLY__KIND_BATCH_INFO] = &batch_info,
    [ADMIN__REPLY__KIND_SITTING_RESULT] = &sitting_result,
    [ADMIN__REPLY__KIND_ANSWER_ROWS] = &answer_rows,
    [ADMIN__REPLY__KIND_SITTING_DETAIL] = &sitting_detail,
    [ADMIN__REPLY__KIND_SEAT_ROWS] = &seat_rows,
    [ADMIN__REPLY__KIND_INCIDENT_ROWS] = &incident_rows,
    [ADMIN__REPLY__KIND_RECEIPT_TEXT] = &receipt_text,
    [ADMIN__REPLY__KIND_PROPOSED] = &proposed,
    [ADMIN__REPLY__KIND_PROPOSAL] = &proposal,
};
static const struct oneof_rule reply_kind = {
    .field = "admin.Reply.kind",
    .case_at = offsetof(Admin__Reply, kind_case),
    .at = offsetof(Admin__Reply, welcome),
    .cases = reply_kinds,
    .cases_n = RULE_COUNT(reply_kinds),
};
const struct message_rule codec_rule_admin_reply = RULE_ONEOF(admin__reply, reply_kind);

/* ---------------------------------------------------------------- */

exam_err codec_admin_request(struct arena *a, const uint8_t *bytes, size_t n,
                             const Admin__Request **out, const char **why)
{
    const ProtobufCMessage *m;
    exam_err err = codec_decode(a, &codec_rule_admin_request, bytes, n, FRAME_BYTES_MAX, &m, why);

    if (err == EXAM_OK)
        *out = (const Admin__Request *)m;
    return err;
}

exam_err codec_admin_reply(struct arena *a, const uint8_t *bytes, size_t n,
                           const Admin__Reply **out, const char **why)
{
    const ProtobufCMessage *m;
    exam_err err = codec_decode(a, &codec_rule_admin_reply, bytes, n, FRAME_BYTES_MAX, &m, why);

    if (err == EXAM_OK)
        *out = (const Admin__Reply *)m;
    return err;
}
