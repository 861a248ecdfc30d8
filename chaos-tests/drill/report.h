/* report.h - tells the outcome of drills, for people and for programs.
 * Shell: writes to a stream. */
#ifndef DRILL_REPORT_H
#define DRILL_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "stage.h"
#include "verdict.h"

/* One line for each expectation that failed, with what was found instead. */
void report_failures(FILE *out, const struct drill *d, const struct verdict *v);
void report_total(FILE *out, uint32_t passed, uint32_t failed);

/* The drill's outcome, with all accounts and interruptions at its end. Ends the process when there
 * is no memory. */
json_t *report_json(struct stage *s, const struct verdict *v);

#endif
