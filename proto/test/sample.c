#include "sample.h"

#include <assert.h>
#include <string.h>

static uint8_t pool[8 * 1024 * 1024] __attribute__((aligned(16)));
static size_t pool_used_bytes;

#define DECODER(function, type)                                                                    \
    static exam_err decode_##function(struct arena *a, const uint8_t *bytes, size_t n,             \
                                      const ProtobufCMessage **out, const char **why)              \
    {                                                                                              \
        const type *m = NULL;                                                                      \
        exam_err err = codec_##function(a, bytes, n, &m, why);                                     \
                                                                                                   \
        if (err == EXAM_OK)                                                                        \
            *out = &m->base;                                                                       \
        else                                                                                       \
            assert(m == NULL); /* outputs are untouched on failure */                              \
        return err;                                                                                \
    }

DECODER(seat_request, Seat__Request)
DECODER(seat_reply, Seat__Reply)
DECODER(admin_request, Admin__Request)
DECODER(admin_reply, Admin__Reply)
DECODER(replica_message, Rep__Message)
DECODER(event, Ev__Event)

const struct conversation conversations[CONVERSATIONS] = {
    {"seat.Request", &codec_rule_seat_request, SEAT_REQUEST_BYTES_MAX, decode_seat_request},
    {"seat.Reply", &codec_rule_seat_reply, FRAME_BYTES_MAX, decode_seat_reply},
    {"admin.Request", &codec_rule_admin_request, FRAME_BYTES_MAX, decode_admin_request},
    {"admin.Reply", &codec_rule_admin_reply, FRAME_BYTES_MAX, decode_admin_reply},
    {"rep.Message", &codec_rule_replica_message, FRAME_BYTES_MAX, decode_replica_message},
    {"ev.Event", &codec_rule_event, 60 * 1024 - 56, decode_event},
};

void sample_reset(void)
{
    pool_used_bytes = 0;
}

void *sample_alloc(size_t bytes)
{
    void *at = pool + pool_used_bytes;

    pool_used_bytes += (bytes + 15) / 16 * 16;
    assert(pool_used_bytes <= sizeof pool);
    memset(at, 0, bytes);
    return at;
}

const struct field_rule *sample_rule_of(const struct message_rule *rule,
                                        const ProtobufCFieldDescriptor *f)
{
    for (size_t i = 0; i < rule->fields_n; i++)
        if (rule->fields[i].at == f->offset)
            return &rule->fields[i];
    return NULL;
}

static void *member(ProtobufCMessage *m, size_t offset)
{
    return (uint8_t *)m + offset;
}

static ProtobufCBinaryData bytes_of(size_t n)
{
    ProtobufCBinaryData b = {.len = n, .data = sample_alloc(n)};

    memset(b.data, 'B', n);
    return b;
}

static void text_fill(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                      const struct field_rule *rule, bool least)
{
    const char *text = "";
    char *copy;

    if (rule->kind == FIELD_NAME)
        text = least ? "A" : "N-\xE8\x80\x83-1";
    else if (!least)
        text = rule->kind == FIELD_TEXT ? "a text, \xE6\x96\x87" : "N2";
    copy = sample_alloc(strlen(text) + 1);
    strcpy(copy, text);
    *(char **)member(m, f->offset) = copy;
}

static size_t bytes_count(const struct field_rule *rule, bool least)
{
    if (rule->kind == FIELD_BYTES)
        return rule->max;
    if (least)
        return 0;
    if (rule->kind == FIELD_ANSWER || rule->kind == FIELD_STORED)
        return 3;
    return rule->kind == FIELD_BYTES_OPT ? rule->max : rule->max / 2;
}

static void scalar_fill(void *at, ProtobufCType type, uint64_t value)
{
    switch (type) {
    case PROTOBUF_C_TYPE_UINT32:
        *(uint32_t *)at = (uint32_t)value;
        break;
    case PROTOBUF_C_TYPE_UINT64:
        *(uint64_t *)at = value;
        break;
    case PROTOBUF_C_TYPE_INT64:
        *(int64_t *)at = -(int64_t)value;
        break;
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)at = value != 0;
        break;
    default:
        assert(!"a type that no message of the conversations has");
    }
}

void sample_list_fill(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                      const struct field_rule *rule, size_t n, bool least)
{
    const struct sample_options o = {.list_n = least ? 0 : 2, .least = least};
    uint8_t *list = sample_alloc(n * sizeof(ProtobufCBinaryData)); /* the largest kind of element */

    for (size_t i = 0; i < n; i++) {
        if (rule->kind == FIELD_MESSAGES)
            ((ProtobufCMessage **)list)[i] = sample_make(rule->message, 0, &o);
        else if (rule->kind == FIELD_BYTES_LIST)
            ((ProtobufCBinaryData *)list)[i] =
                bytes_of(rule->min + (least || rule->min + i > rule->max ? 0 : i));
        else if (f->type == PROTOBUF_C_TYPE_UINT32)
            scalar_fill((uint32_t *)list + i, f->type, least ? 1 : 1000 + i);
        else
            scalar_fill((uint64_t *)list + i, f->type, least ? 1 : 1000 + i);
    }
    *(size_t *)member(m, f->quantifier_offset) = n;
    *(void **)member(m, f->offset) = list;
}

static size_t list_max(const struct field_rule *rule)
{
    return rule->kind == FIELD_BYTES_LIST ? rule->list_max : rule->max;
}

static void field_fill(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                       const struct field_rule *rule, const struct sample_options *o)
{
    void *at = member(m, f->offset);

    if (f->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t n = o->list_n < list_max(rule) ? o->list_n : list_max(rule);

        sample_list_fill(m, f, rule, n, o->least);
    } else if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
        if (rule->kind == FIELD_MESSAGE || o->list_n > 0)
            *(ProtobufCMessage **)at = sample_make(rule->message, 0, o);
    } else if (f->type == PROTOBUF_C_TYPE_STRING) {
        text_fill(m, f, rule, o->least);
    } else if (f->type == PROTOBUF_C_TYPE_BYTES) {
        *(ProtobufCBinaryData *)at = bytes_of(bytes_count(rule, o->least));
    } else if (rule != NULL) { /* an enum, or the code of one */
        *(uint32_t *)at = o->least ? rule->min : rule->max;
    } else if (!o->least) {
        scalar_fill(at, f->type, 1000 + f->id);
    }
}

ProtobufCMessage *sample_make(const struct message_rule *rule, unsigned kind,
                              const struct sample_options *o)
{
    const ProtobufCMessageDescriptor *d = rule->descriptor;
    ProtobufCMessage *m = sample_alloc(d->sizeof_message);

    protobuf_c_message_init(d, m);
    for (unsigned i = 0; i < d->n_fields; i++) {
        if ((d->fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0)
            field_fill(m, &d->fields[i], sample_rule_of(rule, &d->fields[i]), o);
    }
    if (rule->oneof != NULL) {
        *(uint32_t *)member(m, rule->oneof->case_at) = kind;
        *(ProtobufCMessage **)member(m, rule->oneof->at) =
            sample_make(rule->oneof->cases[kind], 0, o);
    }
    return m;
}

size_t sample_pack(const ProtobufCMessage *m, uint8_t *out)
{
    assert(protobuf_c_message_get_packed_size(m) <= SAMPLE_PACKED_MAX);
    return protobuf_c_message_pack(m, out);
}

void sample_each_kind(void (*each)(const struct conversation *c, unsigned kind, void *ctx),
                      void *ctx)
{
    for (size_t i = 0; i < CONVERSATIONS; i++) {
        const struct oneof_rule *o = conversations[i].rule->oneof;

        for (unsigned kind = 0; kind < o->cases_n; kind++)
            if (o->cases[kind] != NULL)
                each(&conversations[i], kind, ctx);
    }
}
