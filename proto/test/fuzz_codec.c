/* fuzz_codec.c - no bytes do harm to a decoder; what it accepts is safe to read, is accepted again
 * and comes out the same. Whatever has a short way is decoded and packed as the general way does
 * it. The first byte chooses the conversation. */
#include <string.h>

#include "fuzz.h"
#include "sample.h"

static const void *member(const ProtobufCMessage *m, size_t offset)
{
    return (const uint8_t *)m + offset;
}

static bool is_chosen(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    return (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0 ||
           *(const uint32_t *)member(m, f->quantifier_offset) == f->id;
}

static void expect_safe(const ProtobufCMessage *m);

/* What codec.h promises of every field, whatever its rule. */
static void expect_safe_value(const ProtobufCFieldDescriptor *f, const void *at)
{
    if (f->type == PROTOBUF_C_TYPE_STRING) {
        const char *s = *(char *const *)at;
        require(s != NULL && codec_text_ok(s, strlen(s)));
    } else if (f->type == PROTOBUF_C_TYPE_BYTES) {
        const ProtobufCBinaryData *b = at;
        require(b->len == 0 || b->data != NULL);
    } else if (f->type == PROTOBUF_C_TYPE_ENUM) {
        require(protobuf_c_enum_descriptor_get_value(f->descriptor, *(const int *)at) != NULL);
    } else if (f->type == PROTOBUF_C_TYPE_MESSAGE && *(ProtobufCMessage *const *)at != NULL) {
        expect_safe(*(ProtobufCMessage *const *)at);
    }
}

static size_t element_bytes(const ProtobufCFieldDescriptor *f)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
    case PROTOBUF_C_TYPE_STRING:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_INT64:
        return sizeof(uint64_t);
    default:
        return sizeof(uint32_t);
    }
}

static void expect_safe_list(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    size_t n = *(const size_t *)member(m, f->quantifier_offset);
    const uint8_t *list = *(uint8_t *const *)member(m, f->offset);

    require(n == 0 || list != NULL);
    for (size_t i = 0; i < n; i++)
        expect_safe_value(f, list + i * element_bytes(f));
}

static void expect_safe(const ProtobufCMessage *m)
{
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];

        if (f->label == PROTOBUF_C_LABEL_REPEATED)
            expect_safe_list(m, f);
        else if (is_chosen(m, f))
            expect_safe_value(f, member(m, f->offset));
    }
}

/* decode(encode(m)) is m: it encodes to the same bytes. */
static void expect_same_again(const struct conversation *c, const ProtobufCMessage *m)
{
    static uint8_t block[ARENA_BYTES_FRAME];
    static uint8_t packed[SAMPLE_PACKED_MAX], twice[SAMPLE_PACKED_MAX];
    const ProtobufCMessage *again = NULL;
    struct arena a;
    size_t n = protobuf_c_message_get_packed_size(m);

    if (n > c->bytes_max)
        return; /* a shorter encoding than ours came in */
    require(protobuf_c_message_pack(m, packed) == n);
    arena_init(&a, block, sizeof block);
    require(c->decode(&a, packed, n, &again, NULL) == EXAM_OK);
    require(protobuf_c_message_pack(again, twice) == n);
    require(memcmp(packed, twice, n) == 0);
}

/* The general way, of the tables, says the same of the bytes. */
static void expect_as_by_tables(const struct conversation *c, const uint8_t *bytes, size_t n,
                                exam_err err, const ProtobufCMessage *m)
{
    static uint8_t block[ARENA_BYTES_FRAME];
    static uint8_t packed[SAMPLE_PACKED_MAX], by_tables[SAMPLE_PACKED_MAX];
    const ProtobufCMessage *general = NULL;
    struct arena a;

    arena_init(&a, block, sizeof block);
    require(codec_decode(&a, c->rule, bytes, n, c->bytes_max, &general, NULL) == err);
    if (err != EXAM_OK)
        return;
    size_t packed_n = protobuf_c_message_pack(m, packed);
    require(protobuf_c_message_pack(general, by_tables) == packed_n);
    require(memcmp(packed, by_tables, packed_n) == 0);
}

/* Frames, and records of the log, are the bytes that the general way packs. */
static void expect_packed(const struct conversation *c, const ProtobufCMessage *m)
{
    static uint8_t frame[FRAME_HEADER_BYTES + FRAME_BYTES_MAX], packed[SAMPLE_PACKED_MAX];
    size_t frame_bytes, n = protobuf_c_message_pack(m, packed);

    if (c->rule == &codec_rule_event) {
        const Ev__Event *event = (const Ev__Event *)m;
        require(codec_event_bytes(event) == n);
        require(n > sizeof frame || codec_event_pack(event, frame) == n);
        require(n > sizeof frame || memcmp(frame, packed, n) == 0);
    } else if (n > 0 && codec_frame_pack(m, frame, sizeof frame, &frame_bytes) == EXAM_OK) {
        require(frame_bytes == FRAME_HEADER_BYTES + n);
        require(memcmp(frame + FRAME_HEADER_BYTES, packed, n) == 0);
    } else {
        require(n == 0 || n > FRAME_BYTES_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t block[ARENA_BYTES_FRAME];
    const ProtobufCMessage *m = NULL;
    const struct conversation *c;
    const char *why = NULL;
    struct arena a;
    exam_err err;

    if (size == 0)
        return 0;
    c = &conversations[data[0] % CONVERSATIONS];
    arena_init(&a, block, sizeof block);
    err = c->decode(&a, data + 1, size - 1, &m, &why);
    expect_as_by_tables(c, data + 1, size - 1, err, m);
    if (err != EXAM_OK) {
        require((err == EXAM_MALFORMED || err == EXAM_TOO_BIG) && why != NULL && m == NULL);
        return 0;
    }
    expect_safe(m);
    expect_same_again(c, m);
    expect_packed(c, m);
    return 0;
}
