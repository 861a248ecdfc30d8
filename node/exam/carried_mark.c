#include "carried_mark.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

enum { VERSION = 2, MAC_AT = 1 + 4 + 8 + 4 + 8 + 8, MAC_BYTES = 16 };

_Static_assert((int)MAC_AT + MAC_BYTES == (int)CARRIED_MARK_BYTES, "the layout adds up");
_Static_assert((int)CARRIED_MARK_BYTES <= (int)MARK_BYTES_MAX, "a mark fits in an acknowledgement");

static void put_be(uint8_t *to, unsigned n, uint64_t v)
{
    for (; n > 0; v >>= 8)
        to[--n] = (uint8_t)v;
}

static uint64_t get_be(const uint8_t *from, unsigned n)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < n; i++)
        v = v << 8 | from[i];
    return v;
}

/* BLAKE2b over the key and the mark. Both have a fixed length, so this is as good as its keyed
 * mode, which fills a block with the key: at half the cost, one of these goes out with every
 * answer. */
static void mac(const uint8_t *bytes, const uint8_t *key, uint8_t out[MAC_BYTES])
{
    uint8_t keyed[CARRIED_MARK_KEY_BYTES + MAC_AT];

    memcpy(keyed, key, CARRIED_MARK_KEY_BYTES);
    memcpy(keyed + CARRIED_MARK_KEY_BYTES, bytes, MAC_AT);
    int failed = crypto_generichash(out, MAC_BYTES, keyed, sizeof keyed, NULL, 0);
    assert(failed == 0); /* it can only refuse sizes, and these are constant */
    sodium_memzero(keyed, sizeof keyed);
}

void carried_mark_seal(const struct carried_mark *mark, const uint8_t key[CARRIED_MARK_KEY_BYTES],
                       uint8_t out[CARRIED_MARK_BYTES])
{
    out[0] = VERSION;
    put_be(out + 1, 4, mark->sitting);
    put_be(out + 5, 8, mark->epoch);
    put_be(out + 13, 4, mark->epoch_tag);
    put_be(out + 17, 8, mark->at_ms);
    put_be(out + 25, 8, mark->used_ms);
    mac(out, key, out + MAC_AT);
}

bool carried_mark_open(const uint8_t *bytes, size_t n, const uint8_t key[CARRIED_MARK_KEY_BYTES],
                       struct carried_mark *out)
{
    uint8_t expected[MAC_BYTES];

    if (n != CARRIED_MARK_BYTES || bytes[0] != VERSION)
        return false;
    mac(bytes, key, expected);
    if (sodium_memcmp(expected, bytes + MAC_AT, MAC_BYTES) != 0)
        return false;
    out->sitting = (uint32_t)get_be(bytes + 1, 4);
    out->epoch = get_be(bytes + 5, 8);
    out->epoch_tag = (uint32_t)get_be(bytes + 13, 4);
    out->at_ms = get_be(bytes + 17, 8);
    out->used_ms = get_be(bytes + 25, 8);
    return true;
}
