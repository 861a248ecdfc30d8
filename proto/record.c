#include "record.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include <sodium.h>

enum { EPOCH_AT = 0, AT_MS_AT = 8, WALL_MS_AT = 16, HASH_AT = 24 };

static_assert(HASH_AT + HASH_BYTES == RECORD_HEADER_BYTES, "the header's fields fill it");
static_assert(HASH_BYTES == crypto_generichash_BYTES, "BLAKE2b-256");

static void u64_put(uint8_t *out, uint64_t v)
{
    v = htobe64(v);
    memcpy(out, &v, sizeof v);
}

static uint64_t u64_get(const uint8_t *in)
{
    uint64_t v;

    memcpy(&v, in, sizeof v);
    return be64toh(v);
}

/* D8. Nothing of the event is copied: the hash takes the parts where they are. */
void record_reckon(const struct record *r, const uint8_t prev_hash[HASH_BYTES],
                   uint8_t hash[HASH_BYTES])
{
    uint8_t head[HASH_BYTES + 4 * 8];
    crypto_generichash_state state;
    int bad = 0;

    memcpy(head, prev_hash, HASH_BYTES);
    u64_put(head + HASH_BYTES, r->lsn);
    u64_put(head + HASH_BYTES + 8, r->epoch);
    u64_put(head + HASH_BYTES + 16, r->at_ms);
    u64_put(head + HASH_BYTES + 24, (uint64_t)r->wall_ms);

    bad |= crypto_generichash_init(&state, NULL, 0, HASH_BYTES);
    bad |= crypto_generichash_update(&state, head, sizeof head);
    bad |= crypto_generichash_update(&state, r->event, r->event_bytes);
    bad |= crypto_generichash_final(&state, hash, HASH_BYTES);
    assert(bad == 0); /* it fails for wrong sizes only, and these are constants */
}

void record_seal(struct record *r, const uint8_t prev_hash[HASH_BYTES], uint8_t *out)
{
    assert(r->lsn > 0);
    assert(r->event_bytes <= RECORD_BYTES_MAX - RECORD_HEADER_BYTES);

    record_reckon(r, prev_hash, r->hash);
    u64_put(out + EPOCH_AT, r->epoch);
    u64_put(out + AT_MS_AT, r->at_ms);
    u64_put(out + WALL_MS_AT, (uint64_t)r->wall_ms);
    memcpy(out + HASH_AT, r->hash, HASH_BYTES);
    /* An event that was encoded straight into its place stays there. */
    if (r->event_bytes > 0 && r->event != out + RECORD_HEADER_BYTES)
        memcpy(out + RECORD_HEADER_BYTES, r->event, r->event_bytes);
}

exam_err record_open(uint64_t lsn, const uint8_t *value, size_t value_bytes, struct record *r)
{
    if (value_bytes < RECORD_HEADER_BYTES || value_bytes > RECORD_BYTES_MAX)
        return EXAM_CORRUPT;

    r->lsn = lsn;
    r->epoch = u64_get(value + EPOCH_AT);
    r->at_ms = u64_get(value + AT_MS_AT);
    r->wall_ms = (int64_t)u64_get(value + WALL_MS_AT);
    memcpy(r->hash, value + HASH_AT, HASH_BYTES);
    r->event = value + RECORD_HEADER_BYTES;
    r->event_bytes = value_bytes - RECORD_HEADER_BYTES;
    return EXAM_OK;
}

exam_err record_verify(const struct record *r, const uint8_t prev_hash[HASH_BYTES])
{
    uint8_t hash[HASH_BYTES];

    record_reckon(r, prev_hash, hash);
    return memcmp(hash, r->hash, HASH_BYTES) == 0 ? EXAM_OK : EXAM_CORRUPT;
}

uint32_t record_tag(const uint8_t hash[HASH_BYTES])
{
    return (uint32_t)hash[0] << 24 | (uint32_t)hash[1] << 16 | (uint32_t)hash[2] << 8 | hash[3];
}
