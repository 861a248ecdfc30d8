#include "rep_append.h"

#include <assert.h>
#include <string.h>

#include "codec.h"

void rep_append_begin(struct rep_append *a, uint64_t epoch, uint64_t first_lsn,
                      const uint8_t prev_hash[HASH_BYTES], uint64_t released_lsn)
{
    rep__append__init(&a->append);
    memcpy(a->prev_hash, prev_hash, HASH_BYTES);
    a->append.epoch = epoch;
    a->append.first_lsn = first_lsn;
    a->append.prev_hash = (ProtobufCBinaryData){.data = a->prev_hash, .len = HASH_BYTES};
    a->append.released_lsn = released_lsn;
    a->append.records = a->records;
    a->values_bytes = 0;
}

exam_err rep_append_add(struct rep_append *a, const uint8_t *value, size_t value_bytes)
{
    if (value_bytes > RECORD_BYTES_MAX)
        return EXAM_TOO_BIG;
    if (a->append.n_records == REP_APPEND_RECORDS_MAX ||
        value_bytes > sizeof a->values - a->values_bytes)
        return EXAM_FULL;
    uint8_t *at = a->values + a->values_bytes;
    memcpy(at, value, value_bytes);
    a->values_bytes += value_bytes;
    a->records[a->append.n_records++] = (ProtobufCBinaryData){.data = at, .len = value_bytes};
    return EXAM_OK;
}

size_t rep_append_records(const struct rep_append *a)
{
    return a->append.n_records;
}

void rep_append_finish(struct rep_append *a, const uint8_t **frame, size_t *frame_bytes)
{
    Rep__Message m = REP__MESSAGE__INIT;
    assert(a->append.n_records);
    m.kind_case = REP__MESSAGE__KIND_APPEND;
    m.append = &a->append;
    exam_err err = codec_frame_pack(&m.base, a->frame, sizeof a->frame, frame_bytes);
    assert(!err); /* REP_APPEND_VALUES_BYTES leaves room for all headers */
    *frame = a->frame;
}
