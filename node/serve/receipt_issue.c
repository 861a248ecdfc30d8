#include "receipt_issue.h"

#include "receipts.h"

static exam_err take_head(void *ctx, uint64_t lsn, const uint8_t *value, size_t value_bytes)
{
    struct record *r = ctx;
    exam_err err = record_open(lsn, value, value_bytes, r);
    r->event = NULL; /* it lives for this call only, and is not needed */
    r->event_bytes = 0;
    return err;
}

exam_err receipt_issue(struct engine *e, const struct keyring *keys, uint32_t sitting,
                       const struct record *at, char out[RECEIPT_BYTES_MAX], size_t *n)
{
    struct record last;
    struct receipt r;
    uint64_t lsn = engine_last(e).lsn;
    exam_err err = keys ? EXAM_OK : EXAM_REFUSED;
    if (!err && !at)
        err = engine_read(e, lsn, lsn, take_head, &last);
    if (err)
        return err;
    receipt_of_sitting(engine_exam(e), sitting, at ? at : &last, &r);
    receipt_sign(&r, keyring_own(keys));
    receipt_format(&r, out, n);
    return EXAM_OK;
}
