/* report.h - tells the outcome of histories, for people and for programs.
 * Shell: writes to a stream. */
#ifndef EXAMSIM_REPORT_H
#define EXAMSIM_REPORT_H

#include "campaign.h"

/* The seed, what was broken, and how to see it again. */
void report_failure(FILE *out, uint64_t seed, const struct violation *v);
/* What was simulated, how fast, and how often each fault has really happened. */
void report_totals(FILE *out, const struct campaign *c);
/* The first fault that never happened; NULL: each did. */
const char *report_missing(const struct campaign *c);
void report_json(FILE *out, const struct campaign *c);

/* The site and the acts of a plan; with `kept` the numbers that they had in the whole plan. */
void report_plan(FILE *out, const struct plan *p, const uint32_t *kept);
/* "0,3-5": what --only takes. */
void report_numbers(FILE *out, const uint32_t *numbers, uint32_t n);

#endif
