/* report_page.h - `report`'s page: an incident or whole batches, for people who were not there. */
#ifndef EXAMREPLAY_REPORT_PAGE_H
#define EXAMREPLAY_REPORT_PAGE_H

#include "casebook.h"
#include "html.h"
#include "proof.h"

struct report_page {
    const struct casebook *c;
    const struct filter *filter; /* what it is about */
    const struct proof *proof;
};

/* EXAM_NOMEM; EXAM_IO: not written as a whole. */
EXAM_MUST_USE exam_err report_page_write(const struct report_page *p, FILE *to);

/* The end of every page: what proves it. */
void report_page_proof(const struct report_page *p, struct html *h);

#endif
