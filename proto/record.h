/* record.h - one record of the log as bytes: what is stored, replicated, hashed and verified.
 * Pure. The hash chain is D8 and the only check against bit rot (LMDB 0.9 has no page checksums):
 *   hash(n) = BLAKE2b-256(hash(n-1) || lsn || epoch || at_ms || wall_ms || event bytes)
 * with hash(0) = 32 zero bytes and all integers big-endian. What is hashed is the bytes as stored,
 * never a re-encoding.
 *
 * Layout of the stored value (the LSN is the key): epoch u64, at_ms u64, wall_ms i64, hash[32],
 * event bytes. On the way to a standby the LSN goes with it (replica.proto). */
#ifndef EXAM_RECORD_H
#define EXAM_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "exam_err.h"
#include "exam_limits.h"

enum { RECORD_HEADER_BYTES = 8 + 8 + 8 + HASH_BYTES };

struct record {
    uint64_t lsn;    /* 1, 2, 3, ... without a gap */
    uint64_t epoch;  /* W1 */
    uint64_t at_ms;  /* since the epoch began, its primary's monotonic clock */
    int64_t wall_ms; /* Unix time, for people only (T4) */
    uint8_t hash[HASH_BYTES];
    const uint8_t *event; /* encoded ev.Event; not owned */
    size_t event_bytes;
};

/* A place in the history: two logs with equal positions are equal up to there. */
struct position {
    uint64_t epoch;
    uint64_t lsn;
    uint8_t hash[HASH_BYTES];
};

/* Writes the stored value of `r` to out (room for RECORD_HEADER_BYTES + r->event_bytes) and sets
 * r->hash from the predecessor's. The event may have been encoded into its place there already:
 * r->event == out + RECORD_HEADER_BYTES. */
void record_seal(struct record *r, const uint8_t prev_hash[HASH_BYTES], uint8_t *out);

/* Reads a stored value; r->event points into it. EXAM_CORRUPT when it is too short or too long. */
EXAM_MUST_USE exam_err record_open(uint64_t lsn, const uint8_t *value, size_t value_bytes,
                                   struct record *r);

/* The hash that r would have to have, were it to continue the chain from prev_hash; the two may be
 * one place. */
void record_reckon(const struct record *r, const uint8_t prev_hash[HASH_BYTES],
                   uint8_t hash[HASH_BYTES]);

/* EXAM_CORRUPT unless r->hash continues the chain from prev_hash. */
EXAM_MUST_USE exam_err record_verify(const struct record *r, const uint8_t prev_hash[HASH_BYTES]);

/* The first four bytes of a record's hash; of an EpochBegan, they tell its epoch from another one
 * that has the same number (W1). */
uint32_t record_tag(const uint8_t hash[HASH_BYTES]);

#endif
