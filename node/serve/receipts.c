#include "receipts.h"

#include <stdio.h>
#include <string.h>

static void take_answers(const exam *x, uint32_t sitting, struct receipt *out)
{
    struct receipt_answers a;
    struct exam_answer_view v;
    receipt_answers_begin(&a);
    for (uint32_t i = 0; exam_answer_at(x, sitting, i, &v) == EXAM_OK; i++)
        receipt_answers_add(&a, v.item, v.value, v.value_bytes);
    receipt_answers_end(&a, out);
}

void receipt_of_sitting(const exam *x, uint32_t sitting, const struct record *at,
                        struct receipt *out)
{
    struct exam_sitting_view v;
    *out = (struct receipt){
        .lsn = at->lsn, .epoch = at->epoch, .wall_ms = receipt_wall_ms(at->wall_ms)};
    exam_sitting_view(x, sitting, exam_last_ms(x), &v);
    memcpy(out->site_id, exam_site_id(x), SITE_ID_BYTES);
    memcpy(out->chain, at->hash, HASH_BYTES);
    snprintf(out->batch, sizeof out->batch, "%s", v.batch);
    snprintf(out->candidate, sizeof out->candidate, "%s", v.admission_no);
    take_answers(x, sitting, out);
}
