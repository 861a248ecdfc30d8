/* codec_rules: no field is without a rule, and every rule is the one that was meant.
 *
 * The table below says once more, by hand, what each field must satisfy. From it come the negative
 * tests: for every line, values just inside and just outside of it, in every kind of message that
 * has the field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "sample.h"

enum meant {
    NAME,      /* a name, mandatory */
    NAME_OPT,  /* a name or nothing */
    TEXT,      /* at most b bytes of text */
    ANSWER,    /* an answer's value, at most a bytes, or sealed and at most b */
    EXACT,     /* exactly b bytes */
    EXACT_OPT, /* none or b bytes */
    UPTO,      /* at most b bytes */
    ENUM,      /* a..b */
    PRESENT,   /* a submessage that is always there */
    MAYBE,     /* one that may be missing */
    LIST,      /* at most b submessages */
    SCALARS,   /* at most b numbers */
    RECORDS,   /* list of bytes, each a..b long */
};

struct meaning {
    const char *message, *field;
    enum meant meant;
    int64_t a, b;
};

static const struct meaning meanings[] = {
    /* seat.proto */
    {"seat.Hello", "seat", NAME, 0, 0},
    {"seat.Hello", "client", TEXT, 0, 256},
    {"seat.Hello", "site_id", EXACT_OPT, 0, 16},
    {"seat.SignIn", "admission_no", NAME, 0, 0},
    {"seat.SignIn", "id_no", TEXT, 0, 32},
    {"seat.SignIn", "session", EXACT, 0, 16},
    {"seat.SignIn", "mark", UPTO, 0, 96},
    {"seat.Attach", "admission_no", NAME, 0, 0},
    {"seat.Attach", "session", EXACT, 0, 16},
    {"seat.Attach", "mark", UPTO, 0, 96},
    {"seat.Answer", "item", NAME, 0, 0},
    {"seat.Answer", "value", ANSWER, 1024, 0},
    {"seat.Welcome", "node", NAME, 0, 0},
    {"seat.Welcome", "site_id", EXACT_OPT, 0, 16},
    {"seat.Candidate", "admission_no", NAME, 0, 0},
    {"seat.Candidate", "name", TEXT, 0, 128},
    {"seat.Candidate", "id_no", TEXT, 0, 32},
    {"seat.Candidate", "room", NAME, 0, 0},
    {"seat.Candidate", "seat", NAME, 0, 0},
    {"seat.Candidate", "batch", NAME, 0, 0},
    {"seat.Candidate", "batch_title", TEXT, 0, 256},
    {"seat.Candidate", "paper", NAME_OPT, 0, 0},
    {"seat.Candidate", "paper_title", TEXT, 0, 256},
    {"seat.Attached", "candidate", PRESENT, 0, 0},
    {"seat.Attached", "account", PRESENT, 0, 0},
    {"seat.Attached", "state", ENUM, 1, 4},
    {"seat.Attached", "finish", ENUM, 0, 5},
    {"seat.Attached", "paper_digest", EXACT_OPT, 0, 32},
    {"seat.Attached", "durability", ENUM, 1, 2},
    {"seat.Attached", "mark", UPTO, 0, 96},
    {"seat.Ack", "durability", ENUM, 1, 2},
    {"seat.Ack", "mark", UPTO, 0, 96},
    {"seat.Refused", "text", TEXT, 0, 512},
    {"seat.PaperPart", "data", UPTO, 0, 32768},
    {"seat.Notice", "kind", ENUM, 1, 8},
    {"seat.Notice", "account", MAYBE, 0, 0},
    {"seat.Notice", "finish", ENUM, 0, 5},
    {"seat.Notice", "mark", UPTO, 0, 96},
    {"seat.Notice", "paper_digest", EXACT_OPT, 0, 32},
    {"seat.Notice", "receipt", UPTO, 0, 1024},

    /* event.proto */
    {"ev.SiteFounded", "site_id", EXACT, 0, 16},
    {"ev.SiteFounded", "site_key", EXACT, 0, 32},
    {"ev.SiteFounded", "name", TEXT, 0, 256},
    {"ev.SiteFounded", "who", TEXT, 0, 128},
    {"ev.EpochBegan", "node", NAME, 0, 0},
    {"ev.EpochBegan", "reason", ENUM, 1, 4},
    {"ev.EpochBegan", "who", TEXT, 0, 128},
    {"ev.EpochBegan", "why", TEXT, 0, 512},
    {"ev.StandbyChanged", "node", NAME_OPT, 0, 0},
    {"ev.RoomAdded", "room", NAME, 0, 0},
    {"ev.Item", "id", NAME, 0, 0},
    {"ev.Item", "kind", ENUM, 1, 3},
    {"ev.Item", "subject", TEXT, 0, 256},
    {"ev.PaperAdded", "paper", NAME, 0, 0},
    {"ev.PaperAdded", "title", TEXT, 0, 256},
    {"ev.PaperAdded", "digest", EXACT_OPT, 0, 32},
    {"ev.PaperAdded", "items", LIST, 0, 1000},
    {"ev.PaperChunk", "paper", NAME, 0, 0},
    {"ev.PaperChunk", "data", UPTO, 0, 32768},
    {"ev.BatchPlanned", "batch", NAME, 0, 0},
    {"ev.BatchPlanned", "title", TEXT, 0, 256},
    {"ev.BatchPlanned", "timing", ENUM, 0, 1},
    {"ev.NewSitting", "admission_no", NAME, 0, 0},
    {"ev.NewSitting", "id_no", TEXT, 0, 32},
    {"ev.NewSitting", "name", TEXT, 0, 256},
    {"ev.NewSitting", "seat", NAME, 0, 0},
    {"ev.NewSitting", "paper", NAME_OPT, 0, 0},
    {"ev.SittingsAdded", "batch", NAME, 0, 0},
    {"ev.SittingsAdded", "sittings", LIST, 0, 4096},
    {"ev.ImportCompleted", "batch", NAME, 0, 0},
    {"ev.ImportCompleted", "who", TEXT, 0, 128},
    {"ev.BatchStarted", "who", TEXT, 0, 128},
    {"ev.BatchCollected", "who", TEXT, 0, 128},
    {"ev.SignedIn", "session", EXACT, 0, 16},
    {"ev.Attached", "basis", ENUM, 0, 5},
    {"ev.Marked", "sitting", SCALARS, 0, 4096},
    {"ev.Marked", "used_ms", SCALARS, 0, 4096},
    {"ev.Answered", "item", NAME, 0, 0},
    {"ev.Answered", "value", ANSWER, 1024, 1082},
    {"ev.Finished", "finish", ENUM, 1, 5},
    {"ev.Finished", "sitting", SCALARS, 0, 4096},
    {"ev.Finished", "used_ms", SCALARS, 0, 4096},
    {"ev.Finished", "at_ms", SCALARS, 0, 4096},
    {"ev.Credited", "basis", ENUM, 0, 5},
    {"ev.Credited", "sitting", SCALARS, 0, 4096},
    {"ev.Credited", "from_ms", SCALARS, 0, 4096},
    {"ev.Credited", "lost_ms", SCALARS, 0, 4096},
    {"ev.Credited", "incident", SCALARS, 0, 4096},
    {"ev.Scope", "kind", ENUM, 1, 5},
    {"ev.Paused", "scope", PRESENT, 0, 0},
    {"ev.Paused", "who", TEXT, 0, 128},
    {"ev.Paused", "why", TEXT, 0, 512},
    {"ev.Resumed", "scope", PRESENT, 0, 0},
    {"ev.Resumed", "who", TEXT, 0, 128},
    {"ev.Resumed", "why", TEXT, 0, 512},
    {"ev.Granted", "scope", PRESENT, 0, 0},
    {"ev.Granted", "sitting", SCALARS, 0, 4096},
    {"ev.Granted", "ms", SCALARS, 0, 4096},
    {"ev.Granted", "lost_ms", SCALARS, 0, 4096},
    {"ev.Granted", "who", TEXT, 0, 128},
    {"ev.Granted", "why", TEXT, 0, 512},
    {"ev.Moved", "who", TEXT, 0, 128},
    {"ev.Moved", "why", TEXT, 0, 512},
    {"ev.ViolationNoted", "text", TEXT, 0, 512},
    {"ev.ViolationNoted", "who", TEXT, 0, 128},
    {"ev.BatchPostponed", "who", TEXT, 0, 128},
    {"ev.BatchPostponed", "why", TEXT, 0, 512},
    {"ev.BatchSuspended", "node", NAME, 0, 0},
    {"ev.BatchUnsuspended", "who", TEXT, 0, 128},
    {"ev.BatchUnsuspended", "why", TEXT, 0, 512},
    {"ev.IncidentOpened", "kind", ENUM, 1, 5},
    {"ev.IncidentOpened", "scope", PRESENT, 0, 0},
    {"ev.IncidentOpened", "text", TEXT, 0, 512},
    {"ev.IncidentOpened", "who", TEXT, 0, 128},
    {"ev.IncidentClosed", "who", TEXT, 0, 128},
    {"ev.IncidentClosed", "text", TEXT, 0, 512},
    {"ev.IncidentNoted", "who", TEXT, 0, 128},
    {"ev.IncidentNoted", "text", TEXT, 0, 512},
    {"ev.PowerChanged", "node", NAME, 0, 0},
    {"ev.PowerChanged", "power", ENUM, 1, 3},
    {"ev.InterruptionLimitDecided", "text", TEXT, 0, 512},
    {"ev.InterruptionLimitDecided", "who", TEXT, 0, 128},
    {"ev.InterruptionOwnDoing", "who", TEXT, 0, 128},
    {"ev.InterruptionOwnDoing", "why", TEXT, 0, 512},
    {"ev.CommandSigned", "who", NAME, 0, 0},
    {"ev.CommandSigned", "key", EXACT, 0, 32},
    {"ev.CommandSigned", "node", NAME, 0, 0},
    {"ev.CommandSigned", "nonce", EXACT, 0, 32},
    {"ev.CommandSigned", "request", UPTO, 0, 4096},
    {"ev.CommandSigned", "signature", EXACT, 0, 64},
    {"ev.Recovered", "as", ENUM, 1, 3},
    {"ev.Recovered", "text", TEXT, 0, 512},
    {"ev.Recovered", "answered", MAYBE, 0, 0},
    {"ev.Recovered", "submitted", MAYBE, 0, 0},
    {"ev.Recovered", "granted", MAYBE, 0, 0},
    {"ev.Recovered", "violation_noted", MAYBE, 0, 0},
    {"ev.Recovered", "incident_noted", MAYBE, 0, 0},

    /* replica.proto */
    {"rep.Position", "hash", EXACT, 0, 32},
    {"rep.EpochStart", "first_hash", EXACT, 0, 32},
    {"rep.Hello", "node", NAME, 0, 0},
    {"rep.Hello", "site_id", EXACT_OPT, 0, 16},
    {"rep.Hello", "role", ENUM, 1, 4},
    {"rep.Hello", "last", PRESENT, 0, 0},
    {"rep.Hello", "epochs", LIST, 0, 64},
    {"rep.Join", "common", PRESENT, 0, 0},
    {"rep.Append", "prev_hash", EXACT, 0, 32},
    {"rep.Append", "records", RECORDS, 56, 61440},
    {"rep.Appended", "hash", EXACT, 0, 32},
    {"rep.Ping", "role", ENUM, 1, 4},
    {"rep.Ping", "checkpoints", RECORDS, 166, 166},
    {"rep.HandOver", "at", PRESENT, 0, 0},
    {"rep.Refused", "text", TEXT, 0, 512},
    {"rep.BranchRecords", "records", RECORDS, 56, 61440},
    {"rep.BranchRecords", "renumbered", LIST, 0, 128},

    /* admin.proto */
    {"admin.Request", "signature", EXACT_OPT, 0, 64},
    {"admin.Hello", "who", TEXT, 0, 128},
    {"admin.Hello", "client", TEXT, 0, 256},
    {"admin.Found", "site_name", TEXT, 0, 256},
    {"admin.Found", "who", TEXT, 0, 128},
    {"admin.Promote", "who", TEXT, 0, 128},
    {"admin.Promote", "why", TEXT, 0, 512},
    {"admin.ImportBegin", "batch", NAME, 0, 0},
    {"admin.ImportBegin", "title", TEXT, 0, 256},
    {"admin.ImportBegin", "timing", ENUM, 0, 1},
    {"admin.ImportBegin", "who", TEXT, 0, 128},
    {"admin.ImportSitting", "sitting", PRESENT, 0, 0},
    {"admin.ImportPart", "rooms", LIST, 0, 256},
    {"admin.ImportPart", "sittings", LIST, 0, 4096},
    {"admin.ImportPart", "paper", MAYBE, 0, 0},
    {"admin.ImportPart", "paper_chunk", MAYBE, 0, 0},
    {"admin.BatchStart", "batch", NAME, 0, 0},
    {"admin.BatchStart", "who", TEXT, 0, 128},
    {"admin.BatchStatus", "batch", NAME_OPT, 0, 0},
    {"admin.BatchCollect", "batch", NAME, 0, 0},
    {"admin.BatchCollect", "who", TEXT, 0, 128},
    {"admin.Results", "batch", NAME, 0, 0},
    {"admin.Welcome", "node", NAME, 0, 0},
    {"admin.Welcome", "site_id", EXACT_OPT, 0, 16},
    {"admin.Welcome", "nonce", EXACT_OPT, 0, 32},
    {"admin.ImportCommit", "batch", NAME_OPT, 0, 0},
    {"admin.ImportCommit", "digest", EXACT_OPT, 0, 32},
    {"admin.Proposed", "text", TEXT, 0, 512},
    {"admin.Proposal", "who", NAME, 0, 0},
    {"admin.Proposal", "text", TEXT, 0, 512},
    {"admin.Proposal", "request", UPTO, 0, 4096},
    {"admin.Confirm", "digest", EXACT, 0, 32},
    {"admin.Done", "text", TEXT, 0, 512},
    {"admin.Refused", "text", TEXT, 0, 512},
    {"admin.Refused", "rule", TEXT, 0, 32},
    {"admin.PeerStatus", "node", NAME, 0, 0},
    {"admin.PeerStatus", "role", ENUM, 0, 5},
    {"admin.PeerStatus", "trouble", TEXT, 0, 512},
    {"admin.BatchInfo", "batch", NAME, 0, 0},
    {"admin.BatchInfo", "title", TEXT, 0, 256},
    {"admin.BatchInfo", "state", ENUM, 1, 7},
    {"admin.NodeStatus", "node", NAME, 0, 0},
    {"admin.NodeStatus", "version", TEXT, 0, 256},
    {"admin.NodeStatus", "site_id", EXACT_OPT, 0, 16},
    {"admin.NodeStatus", "site_name", TEXT, 0, 256},
    {"admin.NodeStatus", "role", ENUM, 0, 5},
    {"admin.NodeStatus", "hash", EXACT_OPT, 0, 32},
    {"admin.NodeStatus", "state_digest", EXACT_OPT, 0, 32},
    {"admin.NodeStatus", "peers", LIST, 0, 8},
    {"admin.NodeStatus", "batches", LIST, 0, 256},
    {"admin.NodeStatus", "failure", TEXT, 0, 512},
    {"admin.SittingResult", "admission_no", NAME, 0, 0},
    {"admin.SittingResult", "name", TEXT, 0, 128},
    {"admin.SittingResult", "room", NAME, 0, 0},
    {"admin.SittingResult", "seat", NAME, 0, 0},
    {"admin.SittingResult", "paper", NAME_OPT, 0, 0},
    {"admin.SittingResult", "state", NAME, 0, 0},
    {"admin.SittingResult", "finish", NAME_OPT, 0, 0},
    {"admin.SittingResult", "id_no", NAME_OPT, 0, 0},
    {"admin.AnswerRow", "item", NAME, 0, 0},
    {"admin.AnswerRow", "subject", TEXT, 0, 256},
    {"admin.AnswerRow", "value", ANSWER, 1024, 0},
    {"admin.AnswerRows", "admission_no", NAME, 0, 0},
    {"admin.AnswerRows", "rows", LIST, 0, 1000},
    {"admin.NodeStatus", "power", ENUM, 0, 3},
    {"admin.NodeStatus", "power_text", TEXT, 0, 512},
    {"admin.NodeStatus", "promotion", TEXT, 0, 512},
    {"admin.NodeStatus", "forced", TEXT, 0, 512},
    {"admin.BatchInfo", "warning", TEXT, 0, 512},
    {"admin.Target", "kind", ENUM, 0, 5},
    {"admin.Target", "name", NAME_OPT, 0, 0},
    {"admin.Pause", "target", PRESENT, 0, 0},
    {"admin.Pause", "who", TEXT, 0, 128},
    {"admin.Pause", "why", TEXT, 0, 512},
    {"admin.Resume", "target", PRESENT, 0, 0},
    {"admin.Resume", "who", TEXT, 0, 128},
    {"admin.Resume", "why", TEXT, 0, 512},
    {"admin.Grant", "target", PRESENT, 0, 0},
    {"admin.Grant", "who", TEXT, 0, 128},
    {"admin.Grant", "why", TEXT, 0, 512},
    {"admin.Move", "admission_no", NAME, 0, 0},
    {"admin.Move", "seat", NAME, 0, 0},
    {"admin.Move", "who", TEXT, 0, 128},
    {"admin.Move", "why", TEXT, 0, 512},
    {"admin.Violation", "admission_no", NAME, 0, 0},
    {"admin.Violation", "text", TEXT, 0, 512},
    {"admin.Violation", "who", TEXT, 0, 128},
    {"admin.Postpone", "batch", NAME, 0, 0},
    {"admin.Postpone", "who", TEXT, 0, 128},
    {"admin.Postpone", "why", TEXT, 0, 512},
    {"admin.SuspendedDecision", "batch", NAME, 0, 0},
    {"admin.SuspendedDecision", "who", TEXT, 0, 128},
    {"admin.SuspendedDecision", "why", TEXT, 0, 512},
    {"admin.IncidentOpen", "kind", ENUM, 1, 5},
    {"admin.IncidentOpen", "target", PRESENT, 0, 0},
    {"admin.IncidentOpen", "text", TEXT, 0, 512},
    {"admin.IncidentOpen", "who", TEXT, 0, 128},
    {"admin.IncidentClose", "text", TEXT, 0, 512},
    {"admin.IncidentClose", "who", TEXT, 0, 128},
    {"admin.IncidentNote", "text", TEXT, 0, 512},
    {"admin.IncidentNote", "who", TEXT, 0, 128},
    {"admin.SittingShow", "admission_no", NAME, 0, 0},
    {"admin.Receipt", "admission_no", NAME, 0, 0},
    {"admin.ReceiptText", "text", UPTO, 0, 1024},
    {"admin.NodeStatus", "contradicted_by", NAME_OPT, 0, 0},
    {"admin.Seats", "room", NAME_OPT, 0, 0},
    {"admin.LimitDecide", "admission_no", NAME, 0, 0},
    {"admin.LimitDecide", "text", TEXT, 0, 512},
    {"admin.LimitDecide", "who", TEXT, 0, 128},
    {"admin.OwnDoing", "admission_no", NAME, 0, 0},
    {"admin.OwnDoing", "who", TEXT, 0, 128},
    {"admin.OwnDoing", "why", TEXT, 0, 512},
    {"admin.InterruptionRow", "basis", ENUM, 0, 5},
    {"admin.SittingDetail", "result", PRESENT, 0, 0},
    {"admin.SittingDetail", "batch", NAME, 0, 0},
    {"admin.SittingDetail", "interruptions", LIST, 0, 256},
    {"admin.SeatRow", "seat", NAME, 0, 0},
    {"admin.SeatRow", "admission_no", NAME_OPT, 0, 0},
    {"admin.SeatRow", "state", NAME_OPT, 0, 0},
    {"admin.SeatRows", "node", NAME, 0, 0},
    {"admin.SeatRows", "rows", LIST, 0, 256},
    {"admin.IncidentRow", "kind", ENUM, 1, 5},
    {"admin.IncidentRow", "scope", ENUM, 1, 5},
    {"admin.IncidentRow", "scope_name", NAME, 0, 0},
    {"admin.IncidentRow", "text", TEXT, 0, 512},
    {"admin.IncidentRow", "who", TEXT, 0, 128},
    {"admin.IncidentRows", "rows", LIST, 0, 256},
    {"admin.Unlock", "data_key", EXACT, 0, 32},
};
enum { MEANINGS = sizeof meanings / sizeof meanings[0] };

/* ---------------------------------------------------------------- no field without a rule */

static bool needs_rule(const ProtobufCFieldDescriptor *f)
{
    return (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0 &&
           (f->label == PROTOBUF_C_LABEL_REPEATED || f->type == PROTOBUF_C_TYPE_STRING ||
            f->type == PROTOBUF_C_TYPE_BYTES || f->type == PROTOBUF_C_TYPE_ENUM ||
            f->type == PROTOBUF_C_TYPE_MESSAGE);
}

/* True when a rule of that kind reads the field as what it is. */
static bool rule_fits(const struct field_rule *rule, const ProtobufCFieldDescriptor *f)
{
    bool list = f->label == PROTOBUF_C_LABEL_REPEATED;

    if (list != (rule->count_at != 0) || (list && rule->count_at != f->quantifier_offset))
        return false;
    switch (rule->kind) {
    case FIELD_NAME:
    case FIELD_NAME_OPT:
    case FIELD_TEXT:
        return !list && f->type == PROTOBUF_C_TYPE_STRING;
    case FIELD_ANSWER:
    case FIELD_STORED:
    case FIELD_BYTES:
    case FIELD_BYTES_OPT:
    case FIELD_BYTES_UPTO:
        return !list && f->type == PROTOBUF_C_TYPE_BYTES;
    case FIELD_ENUM:
        return !list && f->type == PROTOBUF_C_TYPE_ENUM;
    case FIELD_CODE:
        return !list && f->type == PROTOBUF_C_TYPE_UINT32;
    case FIELD_MESSAGE:
    case FIELD_MESSAGE_OPT:
    case FIELD_MESSAGES:
        return list == (rule->kind == FIELD_MESSAGES) && f->type == PROTOBUF_C_TYPE_MESSAGE &&
               rule->message->descriptor == f->descriptor;
    case FIELD_BYTES_LIST:
        return list && f->type == PROTOBUF_C_TYPE_BYTES;
    case FIELD_SCALARS:
        return list && (f->type == PROTOBUF_C_TYPE_UINT32 || f->type == PROTOBUF_C_TYPE_UINT64 ||
                        f->type == PROTOBUF_C_TYPE_INT64);
    }
    return false;
}

static bool is_meant(const char *message, const char *field)
{
    for (size_t i = 0; i < MEANINGS; i++)
        if (strcmp(meanings[i].message, message) == 0 && strcmp(meanings[i].field, field) == 0)
            return true;
    return false;
}

static void check_rule(const struct message_rule *rule);

/* True when the rule has a line for it. */
static bool check_field(const struct message_rule *rule, const ProtobufCFieldDescriptor *f)
{
    const ProtobufCMessageDescriptor *d = rule->descriptor;
    const struct field_rule *r = sample_rule_of(rule, f);
    char name[128];

    snprintf(name, sizeof name, "%s.%s", d->name, f->name);
    if (r == NULL || (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
        if (needs_rule(f))
            fail_msg("%s has no rule in its codec_*.c", name);
        return false;
    }
    assert_string_equal(r->field, name);
    if (!rule_fits(r, f))
        fail_msg("%s has a rule of the wrong kind", name);
    if (!is_meant(d->name, f->name))
        fail_msg("%s is not in this test's table", name);
    if (r->message != NULL)
        check_rule(r->message);
    return true;
}

static void check_rule(const struct message_rule *rule)
{
    const ProtobufCMessageDescriptor *d = rule->descriptor;
    size_t rules = 0;

    for (unsigned i = 0; i < d->n_fields; i++)
        rules += check_field(rule, &d->fields[i]);
    assert_int_equal(rules, rule->fields_n);
}

/* What stands beside the oneof of a conversation's message. */
static void check_beside(const struct message_rule *rule)
{
    const ProtobufCMessageDescriptor *d = rule->descriptor;
    size_t rules = 0;

    for (unsigned i = 0; i < d->n_fields; i++)
        if ((d->fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0)
            rules += check_field(rule, &d->fields[i]);
    assert_int_equal(rules, rule->fields_n);
}

/* Every text, bytes, enum, submessage and list of every message that can come in has a rule, of a
 * kind that fits, under its own name, and a line in the table above. */
static void test_rules__no_field_is_without_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < CONVERSATIONS; i++) {
        const struct message_rule *rule = conversations[i].rule;

        check_beside(rule);
        for (size_t k = 0; k < rule->oneof->cases_n; k++)
            if (rule->oneof->cases[k] != NULL)
                check_rule(rule->oneof->cases[k]);
    }
}

/* Every member of every oneof leads to the rule of its own message. */
static void test_rules__no_kind_is_without_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < CONVERSATIONS; i++) {
        const struct oneof_rule *o = conversations[i].rule->oneof;
        const ProtobufCMessageDescriptor *d = conversations[i].rule->descriptor;
        char name[128];
        size_t kinds = 0, cases = 0;

        snprintf(name, sizeof name, "%s.kind", d->name);
        assert_string_equal(o->field, name);
        for (unsigned k = 0; k < d->n_fields; k++) {
            const ProtobufCFieldDescriptor *f = &d->fields[k];

            if ((f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0)
                continue;
            kinds++;
            assert_true(f->id < o->cases_n && o->cases[f->id] != NULL);
            assert_ptr_equal(o->cases[f->id]->descriptor, f->descriptor);
            assert_int_equal(o->at, f->offset);
            assert_int_equal(o->case_at, f->quantifier_offset);
        }
        for (size_t k = 0; k < o->cases_n; k++)
            cases += o->cases[k] != NULL;
        assert_int_equal(cases, kinds);
    }
}

/* ---------------------------------------------------------------- every rule as it was meant */

/* The field under test in a fresh sample. */
struct place {
    ProtobufCMessage *m;
    const ProtobufCFieldDescriptor *f;
    const struct field_rule *rule;
};

/* What stands for a NUL until the message is packed, as packing would stop at a real one. */
static const char nul_stand_in[] = "Q\x01Z";

static void *place_at(const struct place *p)
{
    return (uint8_t *)p->m + p->f->offset;
}

static void set_text(const struct place *p, const char *text)
{
    char *copy = sample_alloc(strlen(text) + 1);

    strcpy(copy, text);
    *(char **)place_at(p) = copy;
}

static void set_text_bytes(const struct place *p, size_t n)
{
    char *copy = sample_alloc(n + 1);

    memset(copy, 'x', n);
    *(char **)place_at(p) = copy;
}

static void set_bytes(const struct place *p, const void *bytes, size_t n)
{
    ProtobufCBinaryData *b = place_at(p);

    b->len = n;
    b->data = sample_alloc(n);
    if (bytes != NULL)
        memcpy(b->data, bytes, n);
    else
        memset(b->data, 'x', n);
}

/* Each *_try sets the v-th value to try and returns what is to come of it; false: no v-th one. */

static bool name_try(const struct meaning *e, int v, const struct place *p, exam_err *expected)
{
    static const char *const bad[] = {"a b", "a,b", "a/b", "\xFF", nul_stand_in, "a\n"};

    *expected = EXAM_OK;
    if (v == 0)
        set_text_bytes(p, 32);
    else if (v == 1)
        set_text(p, "");
    else if (v == 2)
        set_text_bytes(p, 33);
    else if (v - 3 < (int)(sizeof bad / sizeof bad[0]))
        set_text(p, bad[v - 3]);
    else
        return false;
    if (v == 1 && e->meant == NAME_OPT)
        return true;
    if (v > 0)
        *expected = v == 2 ? EXAM_TOO_BIG : EXAM_MALFORMED;
    return true;
}

static bool text_try(const struct meaning *e, int v, const struct place *p, exam_err *expected)
{
    static const char *const bad[] = {"a\nb", "a\xC3", "\xC0\x80", nul_stand_in, "\x1B[2J"};

    *expected = EXAM_OK;
    if (v == 0) {
        set_text(p, "");
    } else if (v == 1) {
        set_text_bytes(p, (size_t)e->b);
    } else if (v == 2) {
        set_text_bytes(p, (size_t)e->b + 1);
        *expected = EXAM_TOO_BIG;
    } else if (v - 3 < (int)(sizeof bad / sizeof bad[0])) {
        set_text(p, bad[v - 3]);
        *expected = EXAM_MALFORMED;
    } else {
        return false;
    }
    return true;
}

static bool answer_try(const struct meaning *e, int v, const struct place *p, exam_err *expected)
{
    *expected = EXAM_OK;
    switch (v) {
    case 0:
        set_bytes(p, NULL, 0);
        return true;
    case 1:
        set_bytes(p, NULL, (size_t)e->a);
        return true;
    case 2:
        set_bytes(p, "a\r\nb\tc", 6);
        return true;
    case 3:
        set_bytes(p, NULL, (size_t)(e->b ? e->b : e->a) + 1);
        *expected = EXAM_TOO_BIG;
        return true;
    case 4:
        set_bytes(p, "a\0b", 3);
        *expected = EXAM_MALFORMED;
        return true;
    case 5:
        set_bytes(p, "a\xE8\x80", 3);
        *expected = EXAM_MALFORMED;
        return true;
    case 6:
        set_bytes(p, "\xF5\x01\x80", 3);
        *expected = e->b ? EXAM_OK : EXAM_MALFORMED;
        return true;
    default:
        return false;
    }
}

static bool bytes_try(const struct meaning *e, int v, const struct place *p, exam_err *expected)
{
    static const exam_err results[][4] = {
        /* none, one too few, just enough, one too many */
        [EXACT] = {EXAM_MALFORMED, EXAM_MALFORMED, EXAM_OK, EXAM_TOO_BIG},
        [EXACT_OPT] = {EXAM_OK, EXAM_MALFORMED, EXAM_OK, EXAM_TOO_BIG},
        [UPTO] = {EXAM_OK, EXAM_OK, EXAM_OK, EXAM_TOO_BIG},
    };

    if (v > 3)
        return false;
    set_bytes(p, NULL, v == 0 ? 0 : (size_t)(e->b - 2 + v));
    *expected = results[e->meant][v];
    return true;
}

static bool enum_try(const struct meaning *e, int v, const struct place *p, exam_err *expected)
{
    const int64_t values[] = {e->a, e->b, e->a - 1, e->b + 1, -1, INT32_MAX, INT32_MIN};

    if (v >= (int)(sizeof values / sizeof values[0]))
        return false;
    *(int32_t *)place_at(p) = (int32_t)values[v];
    *expected = v < 2 ? EXAM_OK : EXAM_MALFORMED;
    return true;
}

static bool message_try(const struct meaning *e, int v, const struct place *p, exam_err *expected)
{
    *(void **)place_at(p) = NULL;
    *expected = e->meant == MAYBE ? EXAM_OK : EXAM_MALFORMED;
    return v == 0;
}

/* As many as are allowed, and one more. Numbers in parallel lists are tried by one more only. */
static bool list_try(const struct meaning *e, int v, const struct place *p, exam_err *expected)
{
    if (e->meant == SCALARS)
        v++;
    sample_list_fill(p->m, p->f, p->rule, (size_t)e->b + (v == 1), true);
    *expected = v == 1 ? EXAM_TOO_BIG : EXAM_OK;
    return v < 2;
}

static bool records_try(const struct meaning *e, int v, const struct place *p, exam_err *expected)
{
    const int64_t sizes[] = {e->a, e->b, e->a - 1, e->b + 1, 0};
    static const exam_err results[] = {EXAM_OK, EXAM_OK, EXAM_MALFORMED, EXAM_TOO_BIG,
                                       EXAM_MALFORMED};
    ProtobufCBinaryData *list = sample_alloc(sizeof *list);

    if (v >= (int)(sizeof sizes / sizeof sizes[0]))
        return false;
    list->len = (size_t)sizes[v];
    list->data = sample_alloc(list->len);
    *(ProtobufCBinaryData **)place_at(p) = list;
    *(size_t *)((uint8_t *)p->m + p->f->quantifier_offset) = 1;
    *expected = results[v];
    return true;
}

static bool try_value(const struct meaning *e, int v, const struct place *p, exam_err *expected)
{
    switch (e->meant) {
    case NAME:
    case NAME_OPT:
        return name_try(e, v, p, expected);
    case TEXT:
        return text_try(e, v, p, expected);
    case ANSWER:
        return answer_try(e, v, p, expected);
    case EXACT:
    case EXACT_OPT:
    case UPTO:
        return bytes_try(e, v, p, expected);
    case ENUM:
        return enum_try(e, v, p, expected);
    case PRESENT:
    case MAYBE:
        return message_try(e, v, p, expected);
    case LIST:
    case SCALARS:
        return list_try(e, v, p, expected);
    case RECORDS:
        return records_try(e, v, p, expected);
    }
    return false;
}

/* Finds the first submessage of the meaning's type below `m`. */
static bool find_place(ProtobufCMessage *m, const struct message_rule *rule,
                       const struct meaning *e, struct place *out)
{
    if (strcmp(rule->descriptor->name, e->message) == 0) {
        out->m = m;
        out->f = protobuf_c_message_descriptor_get_field_by_name(rule->descriptor, e->field);
        assert_non_null(out->f);
        out->rule = sample_rule_of(rule, out->f);
        assert_non_null(out->rule);
        return true;
    }
    for (size_t i = 0; i < rule->fields_n; i++) {
        const struct field_rule *r = &rule->fields[i];
        void *at;

        if (r->message == NULL)
            continue;
        at = *(void **)((uint8_t *)m + r->at);
        if (r->kind == FIELD_MESSAGES)
            at = ((ProtobufCMessage **)at)[0];
        if (find_place(at, r->message, e, out))
            return true;
    }
    return false;
}

static void put_nuls(uint8_t *bytes, size_t n)
{
    uint8_t *at = memmem(bytes, n, nul_stand_in, sizeof nul_stand_in - 1);

    if (at != NULL)
        at[1] = 0;
}

struct trial {
    const struct meaning *e;
    size_t tried;
};

/* Tries all values of one line of the table in one kind of message. */
static void try_in_kind(const struct conversation *c, unsigned kind, void *ctx)
{
    static uint8_t block[ARENA_BYTES_FRAME], packed[SAMPLE_PACKED_MAX];
    static const struct sample_options full = {.list_n = 2};
    struct trial *t = ctx;
    struct arena a;

    arena_init(&a, block, sizeof block);
    for (int v = 0;; v++) {
        const struct message_rule *rule = c->rule->oneof->cases[kind];
        const ProtobufCMessage *out = NULL;
        const char *why = "";
        struct place p;
        exam_err expected, got;
        char field[128];
        ProtobufCMessage *m;
        size_t n;

        sample_reset();
        m = sample_make(c->rule, kind, &full);
        if (!find_place(*(ProtobufCMessage **)((uint8_t *)m + c->rule->oneof->at), rule, t->e,
                        &p) &&
            !find_place(m, c->rule, t->e, &p))
            return;
        if (!try_value(t->e, v, &p, &expected))
            return;
        n = sample_pack(m, packed);
        put_nuls(packed, n);
        got = c->decode(&a, packed, n, &out, &why);
        snprintf(field, sizeof field, "%s.%s", t->e->message, t->e->field);
        if (got != expected || (got != EXAM_OK && strcmp(why, field) != 0))
            fail_msg("%s in %s, value %d: %s, not %s (%s)", field, rule->descriptor->name, v,
                     exam_err_name(got), exam_err_name(expected), why);
        t->tried++;
    }
}

/* Each line of the table: values at its bounds pass, values beyond them are refused under the
 * field's name, with the error that tells a wrong value from a long one. */
static void test_rules__each_is_as_meant(void **state)
{
    size_t tried = 0;

    (void)state;
    for (size_t i = 0; i < MEANINGS; i++) {
        struct trial t = {.e = &meanings[i]};

        sample_each_kind(try_in_kind, &t);
        if (t.tried == 0)
            fail_msg("%s.%s was not tried", t.e->message, t.e->field);
        tried += t.tried;
    }
    printf("%zu values of %d fields tried\n", tried, MEANINGS);
}

/* ---------------------------------------------------------------- rules over several fields */

static exam_err decode_event(Ev__Event *e, const char **why)
{
    static uint8_t block[ARENA_BYTES_FRAME], packed[SAMPLE_PACKED_MAX];
    const Ev__Event *out = NULL;
    struct arena a;

    arena_init(&a, block, sizeof block);
    return codec_event(&a, packed, sample_pack(&e->base, packed), &out, why);
}

/* Lists that belong together are equally long, or the event is refused. */
static void test_rules__parallel_lists(void **state)
{
    uint32_t sitting[] = {1, 2, 3};
    uint64_t ms[] = {1, 2, 3};
    Ev__Marked marked = EV__MARKED__INIT;
    Ev__Finished finished = EV__FINISHED__INIT;
    Ev__Credited credited = EV__CREDITED__INIT;
    Ev__Scope scope = EV__SCOPE__INIT;
    int64_t signed_ms[] = {1, -2, 3};
    Ev__Granted granted;
    Ev__Event e = EV__EVENT__INIT;

    (void)state;
    ev__granted__init(&granted);
    scope.kind = EV__SCOPE_KIND__SCOPE_KIND_SITE;
    granted.scope = &scope;
    granted.sitting = credited.incident = sitting;
    granted.ms = signed_ms;
    granted.lost_ms = ms;
    marked.sitting = finished.sitting = credited.sitting = sitting;
    marked.used_ms = finished.used_ms = finished.at_ms = ms;
    credited.from_ms = credited.lost_ms = ms;
    finished.finish = EV__FINISH__FINISH_TIMED_OUT;
    for (int i = 0; i < 64; i++) {
        size_t x = (size_t)i % 4, y = (size_t)i / 4 % 4, z = (size_t)i / 16;
        const char *why = "";

        e.kind_case = EV__EVENT__KIND_MARKED;
        e.marked = &marked;
        marked.n_sitting = x;
        marked.n_used_ms = y;
        assert_int_equal(decode_event(&e, &why), x == y ? EXAM_OK : EXAM_MALFORMED);

        e.kind_case = EV__EVENT__KIND_FINISHED;
        e.finished = &finished;
        finished.n_sitting = x;
        finished.n_used_ms = y;
        finished.n_at_ms = z;
        assert_int_equal(decode_event(&e, &why), x == y && x == z ? EXAM_OK : EXAM_MALFORMED);

        e.kind_case = EV__EVENT__KIND_CREDITED;
        e.credited = &credited;
        credited.n_sitting = x;
        credited.n_from_ms = y;
        credited.n_lost_ms = z;
        assert_int_equal(decode_event(&e, &why), x == y && x == z ? EXAM_OK : EXAM_MALFORMED);
        if (x != y || x != z)
            assert_string_equal(why, "ev.Credited: lists of unequal length");

        e.kind_case = EV__EVENT__KIND_GRANTED;
        e.granted = &granted;
        granted.n_sitting = x;
        granted.n_ms = y;
        granted.n_lost_ms = z;
        assert_int_equal(decode_event(&e, &why), x == y && x == z ? EXAM_OK : EXAM_MALFORMED);

        e.kind_case = EV__EVENT__KIND_CREDITED; /* incidents: as many, or none */
        e.credited = &credited;
        credited.n_sitting = credited.n_from_ms = credited.n_lost_ms = x;
        credited.n_incident = y;
        assert_int_equal(decode_event(&e, &why), y == 0 || x == y ? EXAM_OK : EXAM_MALFORMED);
        credited.n_incident = 0;
    }
}

/* A position has a hash, but for the place before the first record, which may go without. */
static void test_rules__position_before_the_first_record(void **state)
{
    static uint8_t block[4096], packed[4096], zeros[HASH_BYTES];
    Rep__Position at = REP__POSITION__INIT;
    Rep__Join join = REP__JOIN__INIT;
    Rep__Appended appended = REP__APPENDED__INIT;
    Rep__Message m = REP__MESSAGE__INIT;
    const Rep__Message *out = NULL;
    struct arena a;

    (void)state;
    arena_init(&a, block, sizeof block);
    join.common = &at;
    for (uint64_t lsn = 0; lsn < 2; lsn++) {
        for (size_t n = 0; n <= HASH_BYTES; n += HASH_BYTES) {
            exam_err expected = lsn == 0 || n > 0 ? EXAM_OK : EXAM_MALFORMED;

            at.lsn = appended.lsn = lsn;
            at.hash = appended.hash = (ProtobufCBinaryData){.len = n, .data = zeros};
            m.kind_case = REP__MESSAGE__KIND_JOIN;
            m.join = &join;
            assert_int_equal(
                codec_replica_message(&a, packed, sample_pack(&m.base, packed), &out, NULL),
                expected);
            m.kind_case = REP__MESSAGE__KIND_APPENDED;
            m.appended = &appended;
            assert_int_equal(
                codec_replica_message(&a, packed, sample_pack(&m.base, packed), &out, NULL),
                expected);
        }
    }
}

/* A message without its oneof, or with one of a later version only, is no message; fields of a
 * later version beside a known one are skipped. */
static void test_rules__kind_is_mandatory(void **state)
{
    static const uint8_t id_only[] = {0x08, 0x05};
    static const uint8_t later_kind[] = {0x08, 0x05, 0xF2, 0x07, 0x00};          /* field 126 */
    static const uint8_t later_field[] = {0x08, 0x05, 0x4A, 0x02, 0x58, 0x01};   /* bye, 11: 1 */
    static const uint8_t field_zero[] = {0x08, 0x05, 0x80, 0x00, 0x01, 0x4A, 0}; /* 0: 1 */
    static uint8_t block[4096];
    const Seat__Request *m = NULL;
    const char *why = "";
    struct arena a;

    (void)state;
    arena_init(&a, block, sizeof block);
    assert_int_equal(codec_seat_request(&a, id_only, 2, &m, &why), EXAM_MALFORMED);
    assert_string_equal(why, "seat.Request.kind");
    assert_int_equal(codec_seat_request(&a, NULL, 0, &m, &why), EXAM_MALFORMED);
    assert_int_equal(codec_seat_request(&a, later_kind, 5, &m, &why), EXAM_MALFORMED);
    assert_string_equal(why, "seat.Request.kind");
    assert_int_equal(codec_seat_request(&a, field_zero, 7, &m, &why), EXAM_MALFORMED);
    assert_null(m);

    assert_int_equal(codec_seat_request(&a, later_field, 6, &m, &why), EXAM_OK);
    assert_int_equal(m->id, 5);
    assert_int_equal(m->kind_case, SEAT__REQUEST__KIND_BYE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules__no_field_is_without_one),
        cmocka_unit_test(test_rules__no_kind_is_without_one),
        cmocka_unit_test(test_rules__each_is_as_meant),
        cmocka_unit_test(test_rules__parallel_lists),
        cmocka_unit_test(test_rules__position_before_the_first_record),
        cmocka_unit_test(test_rules__kind_is_mandatory),
    };

    return cmocka_run_group_tests_name("codec_rules", tests, NULL, NULL);
}
