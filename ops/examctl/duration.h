/* duration.h - spans of time as people write them: [h:]mm:ss[.mmm].
 * Pure. Whole milliseconds, as everywhere (section 5 of the rules). */
#ifndef EXAMCTL_DURATION_H
#define EXAMCTL_DURATION_H

#include <stdint.h>

#include "exam_err.h"

enum { DURATION_TEXT_BYTES = 32 };

/* "60:00" and "1:00:00" are an hour, "0:15" is 15 seconds, "1:02:03.250" has milliseconds. Minutes
 * go over 59 only when no hours are given. EXAM_INVALID: anything else, or over 999 hours. */
EXAM_MUST_USE exam_err duration_parse(const char *text, uint64_t *ms);

/* The shortest form that duration_parse reads back as the same. */
void duration_format(uint64_t ms, char out[DURATION_TEXT_BYTES]);

#endif
