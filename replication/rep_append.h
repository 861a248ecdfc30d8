/* rep_append.h - packs records of the log into Append frames, for REP_DO_SEND_RECORDS.
 * Pure. The caller owns the struct (about 140 KiB: not on a stack) and uses it again and again. */
#ifndef EXAM_REP_APPEND_H
#define EXAM_REP_APPEND_H

#include <stddef.h>
#include <stdint.h>

#include "exam_err.h"
#include "exam_limits.h"
#include "record.h"
#include "replica.pb-c.h"

enum {
    REP_APPEND_RECORDS_MAX = 512,
    REP_APPEND_VALUES_BYTES = FRAME_BYTES_MAX - 3 * REP_APPEND_RECORDS_MAX - 256,
};

struct rep_append {
    Rep__Append append;
    ProtobufCBinaryData records[REP_APPEND_RECORDS_MAX];
    uint8_t prev_hash[HASH_BYTES];
    uint8_t values[REP_APPEND_VALUES_BYTES];
    size_t values_bytes;
    uint8_t frame[FRAME_HEADER_BYTES + FRAME_BYTES_MAX];
};

/* Starts a frame whose first record is `first_lsn`; prev_hash is that of the record before it
 * (zeros for the first of all). */
void rep_append_begin(struct rep_append *a, uint64_t epoch, uint64_t first_lsn,
                      const uint8_t prev_hash[HASH_BYTES], uint64_t released_lsn);

/* Takes a copy of one stored value (record.h). EXAM_FULL: the frame is full, send it first: every
 * record within RECORD_BYTES_MAX fits in an empty one. EXAM_TOO_BIG: no frame takes it. */
EXAM_MUST_USE exam_err rep_append_add(struct rep_append *a, const uint8_t *value,
                                      size_t value_bytes);

size_t rep_append_records(const struct rep_append *a);

/* The frame, header included; lives until the next begin. Requires at least one record. */
void rep_append_finish(struct rep_append *a, const uint8_t **frame, size_t *frame_bytes);

#endif
