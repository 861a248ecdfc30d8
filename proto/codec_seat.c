/* What the messages of seat.proto must satisfy (codec_rules.h). */
#include "codec_rules.h"

/* The text for a person and the place of field F of message M. */
#define AT(M, F) "seat." #M "." #F, offsetof(Seat__##M, F)

/* ---------------------------------------------------------------- what a seat sends */

static const struct field_rule hello_fields[] = {
    {AT(Hello, seat), .kind = FIELD_NAME},
    {AT(Hello, client), .kind = FIELD_TEXT, .max = TITLE_BYTES_MAX},
    {AT(Hello, site_id), .kind = FIELD_BYTES_OPT, .max = SITE_ID_BYTES},
};
static const struct message_rule hello = RULE(seat__hello, hello_fields);

static const struct field_rule sign_in_fields[] = {
    {AT(SignIn, admission_no), .kind = FIELD_NAME},
    {AT(SignIn, id_no), .kind = FIELD_TEXT, .max = NAME_BYTES_MAX},
    {AT(SignIn, session), .kind = FIELD_BYTES, .max = SESSION_BYTES},
    {AT(SignIn, mark), .kind = FIELD_BYTES_UPTO, .max = MARK_BYTES_MAX},
};
static const struct message_rule sign_in = RULE(seat__sign_in, sign_in_fields);

static const struct field_rule attach_fields[] = {
    {AT(Attach, admission_no), .kind = FIELD_NAME},
    {AT(Attach, session), .kind = FIELD_BYTES, .max = SESSION_BYTES},
    {AT(Attach, mark), .kind = FIELD_BYTES_UPTO, .max = MARK_BYTES_MAX},
};
static const struct message_rule attach = RULE(seat__attach, attach_fields);

static const struct message_rule heartbeat = RULE_FREE(seat__heartbeat);

static const struct field_rule answer_fields[] = {
    {AT(Answer, item), .kind = FIELD_NAME},
    {AT(Answer, value), .kind = FIELD_ANSWER},
};
static const struct message_rule answer = RULE(seat__answer, answer_fields);

static const struct message_rule submit = RULE_FREE(seat__submit);
static const struct message_rule fetch_paper = RULE_FREE(seat__fetch_paper);
static const struct message_rule bye = RULE_FREE(seat__bye);

static const struct message_rule *const request_kinds[] = {
    [SEAT__REQUEST__KIND_HELLO] = &hello,
    [SEAT__REQUEST__KIND_SIGN_IN] = &sign_in,
    [SEAT__REQUEST__KIND_ATTACH] = &attach,
    [SEAT__REQUEST__KIND_HEARTBEAT] = &heartbeat,
    [SEAT__REQUEST__KIND_ANSWER] = &answer,
    [SEAT__REQUEST__KIND_SUBMIT] = &submit,
    [SEAT__REQUEST__KIND_FETCH_PAPER] = &fetch_paper,
    [SEAT__REQUEST__KIND_BYE] = &bye,
};
static const struct oneof_rule request_kind = {
    .field = "seat.Request.kind",
    .case_at = offsetof(Seat__Request, kind_case),
    .at = offsetof(Seat__Request, hello),
    .cases = request_kinds,
    .cases_n = RULE_COUNT(request_kinds),
};
const struct message_rule codec_rule_seat_request = RULE_ONEOF(seat__request, request_kind);

/* ---------------------------------------------------------------- what a node sends */

static const struct field_rule welcome_fields[] = {
    {AT(Welcome, node), .kind = FIELD_NAME},
    {AT(Welcome, site_id), .kind = FIELD_BYTES_OPT, .max = SITE_ID_BYTES},
};
static const struct message_rule welcome = RULE(seat__welcome, welcome_fields);

static const struct field_rule candidate_fields[] = {
    {AT(Candidate, admission_no), .kind = FIELD_NAME},
    {AT(Candidate, name), .kind = FIELD_TEXT, .max = PERSON_BYTES_MAX},
    {AT(Candidate, id_no), .kind = FIELD_TEXT, .max = NAME_BYTES_MAX},
    {AT(Candidate, room), .kind = FIELD_NAME},
    {AT(Candidate, seat), .kind = FIELD_NAME},
    {AT(Candidate, batch), .kind = FIELD_NAME},
    {AT(Candidate, batch_title), .kind = FIELD_TEXT, .max = TITLE_BYTES_MAX},
    {AT(Candidate, paper), .kind = FIELD_NAME_OPT},
    {AT(Candidate, paper_title), .kind = FIELD_TEXT, .max = TITLE_BYTES_MAX},
};
static const struct message_rule candidate = RULE(seat__candidate, candidate_fields);

static const struct message_rule account = RULE_FREE(seat__account);

static const struct field_rule attached_fields[] = {
    {AT(Attached, candidate), .kind = FIELD_MESSAGE, .message = &candidate},
    {AT(Attached, account), .kind = FIELD_MESSAGE, .message = &account},
    {AT(Attached, state), .kind = FIELD_ENUM, .min = SEAT__SITTING_STATE__SITTING_STATE_WAITING,
     .max = SEAT__SITTING_STATE__SITTING_STATE_FINISHED},
    {AT(Attached, finish), .kind = FIELD_CODE, .max = EV__FINISH__FINISH_ABSENT},
    {AT(Attached, paper_digest), .kind = FIELD_BYTES_OPT, .max = HASH_BYTES},
    {AT(Attached, durability), .kind = FIELD_ENUM, .min = SEAT__DURABILITY__DURABILITY_SOLO,
     .max = SEAT__DURABILITY__DURABILITY_DUAL},
    {AT(Attached, mark), .kind = FIELD_BYTES_UPTO, .max = MARK_BYTES_MAX},
};
static const struct message_rule attached = RULE(seat__attached, attached_fields);

/* D1: every acknowledgement says which of the two it is. */
static const struct field_rule ack_fields[] = {
    {AT(Ack, durability), .kind = FIELD_ENUM, .min = SEAT__DURABILITY__DURABILITY_SOLO,
     .max = SEAT__DURABILITY__DURABILITY_DUAL},
    {AT(Ack, mark), .kind = FIELD_BYTES_UPTO, .max = MARK_BYTES_MAX},
};
static const struct message_rule ack = RULE(seat__ack, ack_fields);

static const struct field_rule refused_fields[] = {
    {AT(Refused, text), .kind = FIELD_TEXT, .max = REASON_BYTES_MAX},
};
static const struct message_rule refused = RULE(seat__refused, refused_fields);

static const struct field_rule paper_part_fields[] = {
    {AT(PaperPart, data), .kind = FIELD_BYTES_UPTO, .max = PAPER_CHUNK_BYTES_MAX},
};
static const struct message_rule paper_part = RULE(seat__paper_part, paper_part_fields);

static const struct field_rule notice_fields[] = {
    {AT(Notice, kind), .kind = FIELD_ENUM, .min = SEAT__NOTICE_KIND__NOTICE_KIND_SERVING,
     .max = SEAT__NOTICE_KIND__NOTICE_KIND_COLLECTED},
    {AT(Notice, account), .kind = FIELD_MESSAGE_OPT, .message = &account},
    {AT(Notice, finish), .kind = FIELD_CODE, .max = EV__FINISH__FINISH_ABSENT},
    {AT(Notice, mark), .kind = FIELD_BYTES_UPTO, .max = MARK_BYTES_MAX},
    {AT(Notice, paper_digest), .kind = FIELD_BYTES_OPT, .max = HASH_BYTES},
    {AT(Notice, receipt), .kind = FIELD_BYTES_UPTO, .max = RECEIPT_BYTES_MAX},
};
static const struct message_rule notice = RULE(seat__notice, notice_fields);

static const struct message_rule *const reply_kinds[] = {
    [SEAT__REPLY__KIND_WELCOME] = &welcome,
    [SEAT__REPLY__KIND_ATTACHED] = &attached,
    [SEAT__REPLY__KIND_ACK] = &ack,
    [SEAT__REPLY__KIND_REFUSED] = &refused,
    [SEAT__REPLY__KIND_PAPER_PART] = &paper_part,
    [SEAT__REPLY__KIND_NOTICE] = &notice,
};
static const struct oneof_rule reply_kind = {
    .field = "seat.Reply.kind",
    .case_at = offsetof(Seat__Reply, kind_case),
    .at = offsetof(Seat__Reply, welcome),
    .cases = reply_kinds,
    .cases_n = RULE_COUNT(reply_kinds),
};
const struct message_rule codec_rule_seat_reply = RULE_ONEOF(seat__reply, reply_kind);

/* ---------------------------------------------------------------- */

exam_err codec_seat_request(struct arena *a, const uint8_t *bytes, size_t n,
                            const Seat__Request **out, const char **why)
{
    const Seat__Request *beat;
    const ProtobufCMessage *m;

    if (codec_beat_request(a, bytes, n, &beat)) {
        *out = beat;
        return EXAM_OK;
    }
    exam_err err =
        codec_decode(a, &codec_rule_seat_request, bytes, n, SEAT_REQUEST_BYTES_MAX, &m, why);
    if (err == EXAM_OK)
        *out = (const Seat__Request *)m;
    return err;
}

exam_err codec_seat_reply(struct arena *a, const uint8_t *bytes, size_t n, const Seat__Reply **out,
                          const char **why)
{
    const Seat__Reply *beat;
    const ProtobufCMessage *m;

    if (codec_beat_reply(a, bytes, n, &beat)) {
        *out = beat;
        return EXAM_OK;
    }
    exam_err err = codec_decode(a, &codec_rule_seat_reply, bytes, n, FRAME_BYTES_MAX, &m, why);
    if (err == EXAM_OK)
        *out = (const Seat__Reply *)m;
    return err;
}
