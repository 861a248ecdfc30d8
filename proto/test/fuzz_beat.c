/* fuzz_beat.c - the short way of heartbeats and acknowledgements is the general way: of any bytes
 * the same message or the same refusal, and the same bytes of any message. The first byte chooses
 * requests or replies, and the room there is for packing. */
#include <string.h>

#include "codec_rules.h"
#include "frame.h"
#include "fuzz.h"

enum { PACKED_MAX = 16 * 1024 };

static uint8_t short_block[ARENA_BYTES_SEAT] __attribute__((aligned(16)));
static uint8_t general_block[ARENA_BYTES_SEAT] __attribute__((aligned(16)));
static uint8_t of_short[PACKED_MAX], of_general[PACKED_MAX];

static const ProtobufCMessage *decode_short(struct arena *a, bool request, const uint8_t *bytes,
                                            size_t n)
{
    const Seat__Request *q = NULL;
    const Seat__Reply *r = NULL;

    if (request)
        return codec_beat_request(a, bytes, n, &q) ? &q->base : NULL;
    return codec_beat_reply(a, bytes, n, &r) ? &r->base : NULL;
}

/* What the conversation's own decoder says: short first, and the general one for the rest. */
static exam_err decode_seat(struct arena *a, bool request, const uint8_t *bytes, size_t n)
{
    const Seat__Request *q = NULL;
    const Seat__Reply *r = NULL;

    return request ? codec_seat_request(a, bytes, n, &q, NULL)
                   : codec_seat_reply(a, bytes, n, &r, NULL);
}

static void expect_same_packed(const ProtobufCMessage *m, size_t room)
{
    size_t n = protobuf_c_message_pack(m, of_general);
    size_t short_n = codec_beat_pack(m, of_short, room);

    require(short_n == 0 || (short_n == n && memcmp(of_short, of_general, n) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = {data, size};
    uint8_t first = fuzz_byte(&in);
    bool request = first & 1;
    const struct message_rule *rule = request ? &codec_rule_seat_request : &codec_rule_seat_reply;
    size_t bytes_max = request ? (size_t)SEAT_REQUEST_BYTES_MAX : (size_t)FRAME_BYTES_MAX;
    const ProtobufCMessage *beat, *general = NULL;
    struct arena a, b;

    arena_init(&a, short_block, sizeof short_block);
    arena_init(&b, general_block, sizeof general_block);
    exam_err err = codec_decode(&b, rule, in.at, in.n, bytes_max, &general, NULL);
    beat = decode_short(&a, request, in.at, in.n);
    if (beat != NULL) {
        require(err == EXAM_OK);
        size_t n = protobuf_c_message_pack(general, of_general);
        require(protobuf_c_message_pack(beat, of_short) == n);
        require(memcmp(of_short, of_general, n) == 0);
    }
    if (err == EXAM_OK && protobuf_c_message_get_packed_size(general) <= PACKED_MAX)
        expect_same_packed(general, first >> 1);
    if (err == EXAM_OK && protobuf_c_message_get_packed_size(general) <= PACKED_MAX)
        expect_same_packed(general, PACKED_MAX);
    require(decode_seat(&a, request, in.at, in.n) == err);
    return 0;
}
