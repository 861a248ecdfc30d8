#include "codec_rules.h"

#include <assert.h>
#include <string.h>

#include "frame.h"

/* Where a check failed: sticky, the first one counts. */
struct fault {
    exam_err err;
    const char *field;
};

/* A message that is still to be checked, in the order of decoding. */
struct check {
    const struct arena *arena;
    struct fault fault;
};

static void check_message(struct check *c, const struct message_rule *rule,
                          const ProtobufCMessage *m);

static void fault_set(struct check *c, exam_err err, const char *field)
{
    if (c->fault.err == EXAM_OK)
        c->fault = (struct fault){.err = err, .field = field};
}

/* A malformed name is told apart from one that is merely long: the sender may mend the second. */
static void check_name(struct check *c, const struct field_rule *f, const char *s,
                       bool may_be_empty)
{
    size_t n = arena_string_bytes(c->arena, s);

    if (n > NAME_BYTES_MAX)
        fault_set(c, EXAM_TOO_BIG, f->field);
    else if (strlen(s) != n || !(codec_name_ok(s) || (n == 0 && may_be_empty)))
        fault_set(c, EXAM_MALFORMED, f->field);
}

static void check_text(struct check *c, const struct field_rule *f, const char *s)
{
    size_t n = arena_string_bytes(c->arena, s);

    if (n > f->max)
        fault_set(c, EXAM_TOO_BIG, f->field);
    else if (!codec_text_ok(s, n)) /* a NUL inside is a control character like others */
        fault_set(c, EXAM_MALFORMED, f->field);
}

static void check_answer(struct check *c, const struct field_rule *f, const ProtobufCBinaryData *b)
{
    bool stored = f->kind == FIELD_STORED;

    if (b->len > (stored ? ANSWER_STORED_BYTES_MAX : ANSWER_BYTES_MAX))
        fault_set(c, EXAM_TOO_BIG, f->field);
    else if (!(stored ? codec_answer_stored_ok : codec_answer_ok)(b->data, b->len))
        fault_set(c, EXAM_MALFORMED, f->field);
}

static void check_bytes(struct check *c, const struct field_rule *f, const ProtobufCBinaryData *b,
                        size_t min, size_t max)
{
    if (b->len > max)
        fault_set(c, EXAM_TOO_BIG, f->field);
    else if (b->len < min)
        fault_set(c, EXAM_MALFORMED, f->field);
}

static void check_bytes_list(struct check *c, const struct field_rule *f, size_t n,
                             const ProtobufCBinaryData *list)
{
    if (n > f->list_max)
        fault_set(c, EXAM_TOO_BIG, f->field);
    for (size_t i = 0; i < n && c->fault.err == EXAM_OK; i++)
        check_bytes(c, f, &list[i], f->min, f->max);
}

static void check_messages(struct check *c, const struct field_rule *f, size_t n,
                           ProtobufCMessage *const *list)
{
    if (n > f->max)
        fault_set(c, EXAM_TOO_BIG, f->field);
    for (size_t i = 0; i < n && c->fault.err == EXAM_OK; i++)
        check_message(c, f->message, list[i]);
}

static void check_submessage(struct check *c, const struct field_rule *f, const ProtobufCMessage *m)
{
    if (m != NULL)
        check_message(c, f->message, m);
    else if (f->kind == FIELD_MESSAGE)
        fault_set(c, EXAM_MALFORMED, f->field);
}

static void check_range(struct check *c, const struct field_rule *f, uint32_t value)
{
    if (value < f->min || value > f->max)
        fault_set(c, EXAM_MALFORMED, f->field);
}

static size_t list_count(const ProtobufCMessage *m, const struct field_rule *f)
{
    size_t n;

    memcpy(&n, (const uint8_t *)m + f->count_at, sizeof n);
    return n;
}

static uint32_t field_u32(const ProtobufCMessage *m, size_t at)
{
    uint32_t value;

    memcpy(&value, (const uint8_t *)m + at, sizeof value);
    return value;
}

static const void *field_pointer(const ProtobufCMessage *m, size_t at)
{
    const void *p;

    memcpy(&p, (const uint8_t *)m + at, sizeof p);
    return p;
}

static void check_field(struct check *c, const struct field_rule *f, const ProtobufCMessage *m)
{
    const void *at = (const uint8_t *)m + f->at;

    switch (f->kind) {
    case FIELD_NAME:
    case FIELD_NAME_OPT:
        check_name(c, f, field_pointer(m, f->at), f->kind == FIELD_NAME_OPT);
        break;
    case FIELD_TEXT:
        check_text(c, f, field_pointer(m, f->at));
        break;
    case FIELD_ANSWER:
    case FIELD_STORED:
        check_answer(c, f, at);
        break;
    case FIELD_BYTES:
        check_bytes(c, f, at, f->max, f->max);
        break;
    case FIELD_BYTES_OPT:
        if (((const ProtobufCBinaryData *)at)->len > 0)
            check_bytes(c, f, at, f->max, f->max);
        break;
    case FIELD_BYTES_UPTO:
        check_bytes(c, f, at, 0, f->max);
        break;
    case FIELD_ENUM: /* generated as an int: a negative value is out of range as an unsigned one */
    case FIELD_CODE:
        check_range(c, f, field_u32(m, f->at));
        break;
    case FIELD_MESSAGE:
    case FIELD_MESSAGE_OPT:
        check_submessage(c, f, field_pointer(m, f->at));
        break;
    case FIELD_MESSAGES:
        check_messages(c, f, list_count(m, f), field_pointer(m, f->at));
        break;
    case FIELD_BYTES_LIST:
        check_bytes_list(c, f, list_count(m, f), field_pointer(m, f->at));
        break;
    case FIELD_SCALARS:
        if (list_count(m, f) > f->max)
            fault_set(c, EXAM_TOO_BIG, f->field);
        break;
    }
}

static void check_oneof(struct check *c, const struct oneof_rule *o, const ProtobufCMessage *m)
{
    uint32_t which = field_u32(m, o->case_at);

    if (which >= o->cases_n || o->cases[which] == NULL) {
        fault_set(c, EXAM_MALFORMED, o->field); /* unset, or of a later version */
        return;
    }
    check_message(c, o->cases[which], field_pointer(m, o->at));
}

/* Fields of later versions are skipped. Number 0 is none: protobuf-c lets it through in a long form
 * and would write it in a form that it does not read itself. */
static void check_unknown(struct check *c, const ProtobufCMessage *m)
{
    for (unsigned i = 0; i < m->n_unknown_fields; i++)
        if (m->unknown_fields[i].tag == 0)
            fault_set(c, EXAM_MALFORMED, m->descriptor->name);
}

/* The messages are not recursive (event.proto), so neither, in effect, is this. */
static void check_message(struct check *c, const struct message_rule *rule,
                          const ProtobufCMessage *m)
{
    assert(m->descriptor == rule->descriptor);
    check_unknown(c, m);
    for (size_t i = 0; i < rule->fields_n && c->fault.err == EXAM_OK; i++)
        check_field(c, &rule->fields[i], m);
    if (rule->oneof != NULL && c->fault.err == EXAM_OK)
        check_oneof(c, rule->oneof, m);
    if (rule->check != NULL && c->fault.err == EXAM_OK) {
        const char *field = rule->check(m);

        if (field != NULL)
            fault_set(c, EXAM_MALFORMED, field);
    }
}

exam_err codec_decode(struct arena *a, const struct message_rule *rule, const uint8_t *bytes,
                      size_t n, size_t bytes_max, const ProtobufCMessage **out, const char **why)
{
    struct check c = {.arena = a};
    const ProtobufCMessage *m = NULL;

    arena_reset(a);
    if (n > bytes_max) {
        fault_set(&c, EXAM_TOO_BIG, rule->descriptor->name);
    } else {
        m = protobuf_c_message_unpack(rule->descriptor, &a->pb, n, bytes);
        if (m == NULL) /* only the arena says why */
            fault_set(&c, a->full ? EXAM_TOO_BIG : EXAM_MALFORMED, rule->descriptor->name);
        else
            check_message(&c, rule, m);
    }
    if (c.fault.err != EXAM_OK) {
        if (why != NULL)
            *why = c.fault.field;
        return c.fault.err;
    }
    *out = m;
    return EXAM_OK;
}

exam_err codec_frame_pack(const ProtobufCMessage *m, uint8_t *out, size_t out_bytes,
                          size_t *frame_bytes)
{
    size_t n = 0;

    if (out_bytes > FRAME_HEADER_BYTES)
        n = codec_beat_pack(m, out + FRAME_HEADER_BYTES, out_bytes - FRAME_HEADER_BYTES);
    if (n == 0 && out_bytes > FRAME_HEADER_BYTES)
        n = codec_stream_pack(m, out + FRAME_HEADER_BYTES, out_bytes - FRAME_HEADER_BYTES);
    if (n > 0) {
        frame_header_put(out, n);
        *frame_bytes = FRAME_HEADER_BYTES + n;
        return EXAM_OK;
    }
    n = protobuf_c_message_get_packed_size(m);
    assert(n > 0); /* a message of ours has a kind; a frame is never empty */
    if (n > FRAME_BYTES_MAX || out_bytes < FRAME_HEADER_BYTES || out_bytes - FRAME_HEADER_BYTES < n)
        return EXAM_TOO_BIG;
    frame_header_put(out, n);
    protobuf_c_message_pack(m, out + FRAME_HEADER_BYTES);
    *frame_bytes = FRAME_HEADER_BYTES + n;
    return EXAM_OK;
}
