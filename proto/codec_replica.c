/* What the messages of replica.proto must satisfy (codec_rules.h). */
#include "codec_rules.h"

#include "record.h"

/* The text for a person and the place of field F of message M; of a list also that of its length.
 */
#define AT(M, F)   "rep." #M "." #F, offsetof(Rep__##M, F)
#define LIST(M, F) "rep." #M "." #F, offsetof(Rep__##M, F), offsetof(Rep__##M, n_##F)

/* Only the place before the first record has no hash of its own; it may be left out there. */
static const char *position_check(const ProtobufCMessage *m)
{
    const Rep__Position *p = (const Rep__Position *)m;

    return p->hash.len == HASH_BYTES || p->lsn == 0 ? NULL : "rep.Position.hash";
}

static const struct field_rule position_fields[] = {
    {AT(Position, hash), .kind = FIELD_BYTES_OPT, .max = HASH_BYTES},
};
static const struct message_rule position =
    RULE_CHECKED(rep__position, position_fields, position_check);

static const struct field_rule epoch_start_fields[] = {
    {AT(EpochStart, first_hash), .kind = FIELD_BYTES, .max = HASH_BYTES},
};
static const struct message_rule epoch_start = RULE(rep__epoch_start, epoch_start_fields);

static const struct field_rule hello_fields[] = {
    {AT(Hello, node), .kind = FIELD_NAME},
    {AT(Hello, site_id), .kind = FIELD_BYTES_OPT, .max = SITE_ID_BYTES},
    {AT(Hello, role), .kind = FIELD_ENUM, .min = REP__ROLE__ROLE_STANDBY,
     .max = REP__ROLE__ROLE_EMPTY},
    {AT(Hello, last), .kind = FIELD_MESSAGE, .message = &position},
    {LIST(Hello, epochs), .kind = FIELD_MESSAGES, .max = EPOCHS_SENT_MAX, .message = &epoch_start},
};
static const struct message_rule hello = RULE(rep__hello, hello_fields);

static const struct field_rule join_fields[] = {
    {AT(Join, common), .kind = FIELD_MESSAGE, .message = &position},
};
static const struct message_rule join = RULE(rep__join, join_fields);

static const struct field_rule append_fields[] = {
    {AT(Append, prev_hash), .kind = FIELD_BYTES, .max = HASH_BYTES},
    {LIST(Append, records), .kind = FIELD_BYTES_LIST, .min = RECORD_HEADER_BYTES,
     .max = RECORD_BYTES_MAX, .list_max = FRAME_BYTES_MAX / RECORD_HEADER_BYTES},
};
static const struct message_rule append = RULE(rep__append, append_fields);

static const char *appended_check(const ProtobufCMessage *m)
{
    const Rep__Appended *a = (const Rep__Appended *)m;

    return a->hash.len == HASH_BYTES || a->lsn == 0 ? NULL : "rep.Appended.hash";
}

static const struct field_rule appended_fields[] = {
    {AT(Appended, hash), .kind = FIELD_BYTES_OPT, .max = HASH_BYTES},
};
static const struct message_rule appended =
    RULE_CHECKED(rep__appended, appended_fields, appended_check);

static const struct field_rule ping_fields[] = {
    {AT(Ping, role), .kind = FIELD_ENUM, .min = REP__ROLE__ROLE_STANDBY,
     .max = REP__ROLE__ROLE_EMPTY},
    {LIST(Ping, checkpoints), .kind = FIELD_BYTES_LIST, .min = CHECKPOINT_BYTES,
     .max = CHECKPOINT_BYTES, .list_max = CHECKPOINTS_SENT_MAX},
};
static const struct message_rule ping = RULE(rep__ping, ping_fields);

static const struct message_rule superseded = RULE_FREE(rep__superseded);
static const struct message_rule hand_over_request = RULE_FREE(rep__hand_over_request);

static const struct field_rule hand_over_fields[] = {
    {AT(HandOver, at), .kind = FIELD_MESSAGE, .message = &position},
};
static const struct message_rule hand_over = RULE(rep__hand_over, hand_over_fields);

static const struct field_rule refused_fields[] = {
    {AT(Refused, text), .kind = FIELD_TEXT, .max = REASON_BYTES_MAX},
};
static const struct message_rule refused = RULE(rep__refused, refused_fields);

static const struct message_rule renumbered = RULE_FREE(rep__renumbered);

static const struct field_rule branch_records_fields[] = {
    {LIST(BranchRecords, records), .kind = FIELD_BYTES_LIST, .min = RECORD_HEADER_BYTES,
     .max = RECORD_BYTES_MAX, .list_max = FRAME_BYTES_MAX / RECORD_HEADER_BYTES},
    {LIST(BranchRecords, renumbered), .kind = FIELD_MESSAGES, .max = RENUMBERED_MAX,
     .message = &renumbered},
};
static const struct message_rule branch_records = RULE(rep__branch_records, branch_records_fields);
static const struct message_rule branch_taken = RULE_FREE(rep__branch_taken);

static const struct message_rule *const message_kinds[] = {
    [REP__MESSAGE__KIND_HELLO] = &hello,
    [REP__MESSAGE__KIND_APPEND] = &append,
    [REP__MESSAGE__KIND_APPENDED] = &appended,
    [REP__MESSAGE__KIND_PING] = &ping,
    [REP__MESSAGE__KIND_SUPERSEDED] = &superseded,
    [REP__MESSAGE__KIND_HAND_OVER_REQUEST] = &hand_over_request,
    [REP__MESSAGE__KIND_HAND_OVER] = &hand_over,
    [REP__MESSAGE__KIND_REFUSED] = &refused,
    [REP__MESSAGE__KIND_JOIN] = &join,
    [REP__MESSAGE__KIND_BRANCH_RECORDS] = &branch_records,
    [REP__MESSAGE__KIND_BRANCH_TAKEN] = &branch_taken,
};
static const struct oneof_rule message_kind = {
    .field = "rep.Message.kind",
    .case_at = offsetof(Rep__Message, kind_case),
    .at = offsetof(Rep__Message, hello),
    .cases = message_kinds,
    .cases_n = RULE_COUNT(message_kinds),
};
const struct message_rule codec_rule_replica_message = RULE_ONEOF(rep__message, message_kind);

exam_err codec_replica_message(struct arena *a, const uint8_t *bytes, size_t n,
                               const Rep__Message **out, const char **why)
{
    const ProtobufCMessage *m;

    if (codec_stream_message(a, bytes, n, out))
        return EXAM_OK;
    exam_err err = codec_decode(a, &codec_rule_replica_message, bytes, n, FRAME_BYTES_MAX, &m, why);

    if (err == EXAM_OK)
        *out = (const Rep__Message *)m;
    return err;
}
