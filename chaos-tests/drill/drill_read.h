/* drill_read.h - reads a drill: every error is told as `file:line: what`, before anything runs.
 * Pure but for the heap and, in drill_read_file, the file. Whatever the bytes are, memory and time
 * are bounded (drill.h). */
#ifndef DRILL_READ_H
#define DRILL_READ_H

#include "drill.h"
#include "exam_err.h"

enum { DRILL_ERRORS_MAX = 20 }; /* of one file that are told */

/* Told each error; `line` is 0 when it is of the file as a whole. */
typedef void (*drill_error_fn)(void *ctx, const char *file, uint32_t line, const char *what);

/* EXAM_INVALID: errors were told; EXAM_NOMEM. */
EXAM_MUST_USE exam_err drill_read(const char *file, const char *bytes, size_t n,
                                  drill_error_fn error, void *ctx, struct drill **out);
/* The same from a file; EXAM_NOT_FOUND: it cannot be read, which was told, too. */
EXAM_MUST_USE exam_err drill_read_file(const char *path, drill_error_fn error, void *ctx,
                                       struct drill **out);
/* NULL is allowed. */
void drill_free(struct drill *d);

#endif
