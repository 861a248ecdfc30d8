/* short_way.h - for tests of the codec's short ways (codec_rules.h): whether one gives what the
 * general way gives. Asserts; single-threaded. */
#ifndef EXAM_TEST_SHORT_WAY_H
#define EXAM_TEST_SHORT_WAY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec_rules.h"
#include "seed.h"

/* NULL: the bytes are left to the general way. */
typedef const ProtobufCMessage *short_way(struct arena *a, const uint8_t *bytes, size_t n);

/* Numbers of every length. */
static inline uint64_t short_way_number(uint64_t *seed)
{
    return seed_next(seed) >> seed_below(seed, 64) >> seed_below(seed, 2);
}

/* What the short way takes, and it is counted, is the same message the general way. */
static inline void short_way_expect_same(short_way *decode, const struct message_rule *rule,
                                         const uint8_t *bytes, size_t n, size_t *taken)
{
    static uint8_t short_block[ARENA_BYTES_FRAME] __attribute__((aligned(16)));
    static uint8_t general_block[ARENA_BYTES_FRAME] __attribute__((aligned(16)));
    static uint8_t of_short[2 * FRAME_BYTES_MAX], of_general[2 * FRAME_BYTES_MAX];
    const ProtobufCMessage *general = NULL;
    struct arena a, b;
    uint8_t *exact = malloc(n > 0 ? n : 1); /* a byte read beyond it is an ASan error */

    assert_non_null(exact);
    memcpy(exact, bytes, n);
    arena_init(&a, short_block, sizeof short_block);
    arena_init(&b, general_block, sizeof general_block);
    const ProtobufCMessage *quick = decode(&a, exact, n);
    if (quick != NULL) {
        (*taken)++;
        assert_int_equal(codec_decode(&b, rule, exact, n, FRAME_BYTES_MAX, &general, NULL),
                         EXAM_OK);
        size_t short_n = protobuf_c_message_pack(quick, of_short);
        assert_int_equal(short_n, protobuf_c_message_pack(general, of_general));
        assert_memory_equal(of_short, of_general, short_n);
    }
    free(exact);
}

/* Up to three of the bytes are changed, cut off, doubled or left out; nearer the beginning, where
 * the structure is, more often. There is room for three more. Returns how many there are. */
static inline size_t short_way_spoil(uint64_t *seed, uint8_t *bytes, size_t n)
{
    for (size_t k = 1 + seed_below(seed, 3); k > 0 && n > 1; k--) {
        size_t at = seed_below(seed, 1 + seed_below(seed, n));
        switch (seed_below(seed, 4)) {
        case 0:
            bytes[at] = (uint8_t)seed_next(seed);
            break;
        case 1:
            bytes[at] ^= (uint8_t)(1u << seed_below(seed, 8));
            break;
        case 2:
            memmove(bytes + at, bytes + at + 1, --n - at);
            break;
        default:
            memmove(bytes + at + 1, bytes + at, n++ - at);
        }
    }
    return n;
}

#endif
