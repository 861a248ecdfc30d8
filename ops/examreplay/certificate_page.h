/* certificate_page.h - one candidate's lost time, as a page to be printed, signed and filed. */
#ifndef EXAMREPLAY_CERTIFICATE_PAGE_H
#define EXAMREPLAY_CERTIFICATE_PAGE_H

#include "report_page.h"

/* The casebook is of that one sitting. EXAM_NOMEM; EXAM_IO: not written as a whole. */
EXAM_MUST_USE exam_err certificate_page_write(const struct report_page *p, FILE *to);

#endif
