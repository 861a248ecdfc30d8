/* fuzz_codec.c - libFuzzer: no bytes do harm to a decoder, and what it accepts, it accepts again.
 * The first byte chooses the conversation. Build with -DEXAM_FUZZ=ON and clang. */
#include <stdlib.h>
#include <string.h>

#include "sample.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t block[ARENA_BYTES_FRAME], again_block[ARENA_BYTES_FRAME];
    static uint8_t packed[SAMPLE_PACKED_MAX];
    const ProtobufCMessage *m = NULL, *again = NULL;
    const struct conversation *c;
    const char *why = NULL;
    struct arena a, b;
    exam_err err;
    size_t n;

    if (size == 0)
        return 0;
    c = &conversations[data[0] % CONVERSATIONS];
    arena_init(&a, block, sizeof block);
    err = c->decode(&a, data + 1, size - 1, &m, &why);
    if (err != EXAM_OK) {
        require((err == EXAM_MALFORMED || err == EXAM_TOO_BIG) && why != NULL && m == NULL);
        return 0;
    }
    n = protobuf_c_message_get_packed_size(m);
    if (n > c->bytes_max)
        return 0; /* a shorter encoding than ours came in */
    require(protobuf_c_message_pack(m, packed) == n);
    arena_init(&b, again_block, sizeof again_block);
    require(c->decode(&b, packed, n, &again, &why) == EXAM_OK);
    require(protobuf_c_message_get_packed_size(again) == n);
    return 0;
}
