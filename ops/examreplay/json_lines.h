/* json_lines.h - one JSON object a line. Shell. */
#ifndef EXAMREPLAY_JSON_LINES_H
#define EXAMREPLAY_JSON_LINES_H

#include <jansson.h>
#include <stdio.h>

#include "exam_err.h"

/* Writes and frees. EXAM_NOMEM (NULL came), EXAM_IO. */
EXAM_MUST_USE exam_err json_line(json_t *o, FILE *to);

#endif
