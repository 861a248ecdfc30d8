/* fuzz_record.c - records of any event make a chain that verifies, and none that does once a byte
 * of it is another one (D8). The input: where and how to spoil it, then lengths and events. */
#include <sodium.h>
#include <string.h>

#include "fuzz.h"
#include "record.h"

enum { RECORDS_MAX = 8, EVENT_MAX = 255 };

struct chain {
    size_t n;
    size_t bytes[RECORDS_MAX];
    uint8_t value[RECORDS_MAX][RECORD_HEADER_BYTES + EVENT_MAX];
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    require(sodium_init() >= 0);
    return 0;
}

static void chain_make(struct chain *c, struct fuzz_input *in)
{
    uint8_t prev[HASH_BYTES] = {0};

    for (c->n = 0; c->n < RECORDS_MAX && in->n > 0; c->n++) {
        size_t event_bytes = fuzz_byte(in), have;
        struct record r = {.lsn = c->n + 1,
                           .epoch = fuzz_number(in, 2),
                           .at_ms = fuzz_number(in, 4),
                           .wall_ms = (int64_t)fuzz_number(in, 8)};
        r.event = fuzz_piece(in, event_bytes, &have);
        r.event_bytes = have;
        record_seal(&r, prev, c->value[c->n]);
        c->bytes[c->n] = RECORD_HEADER_BYTES + have;
        memcpy(prev, r.hash, HASH_BYTES);
    }
}

/* The number of the first record that does not continue the chain; n: all do. */
static size_t chain_broken_at(const struct chain *c)
{
    uint8_t prev[HASH_BYTES] = {0};
    struct record r;

    for (size_t i = 0; i < c->n; i++) {
        if (record_open(i + 1, c->value[i], c->bytes[i], &r) != EXAM_OK ||
            record_verify(&r, prev) != EXAM_OK)
            return i;
        require(r.event_bytes == c->bytes[i] - RECORD_HEADER_BYTES);
        memcpy(prev, r.hash, HASH_BYTES);
    }
    return c->n;
}

/* Bytes that nobody sealed: opened or refused, by their length alone. */
static void expect_opens_by_length(const uint8_t *bytes, size_t n)
{
    struct record r;
    exam_err err = record_open(1, bytes, n, &r);

    require(err == (n < RECORD_HEADER_BYTES || n > RECORD_BYTES_MAX ? EXAM_CORRUPT : EXAM_OK));
    if (err == EXAM_OK)
        require(r.event == bytes + RECORD_HEADER_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct chain c;
    struct fuzz_input in = {data, size};
    size_t record = fuzz_byte(&in), at = fuzz_number(&in, 2);
    uint8_t bits = fuzz_byte(&in);

    expect_opens_by_length(data, size);
    chain_make(&c, &in);
    require(chain_broken_at(&c) == c.n);
    if (c.n == 0 || bits == 0)
        return 0;
    record %= c.n;
    c.value[record][at % c.bytes[record]] ^= bits;
    require(chain_broken_at(&c) == record);
    return 0;
}
