/* input_file.h - a whole input file in memory, within a bound.
 * Shell: reads a file. */
#ifndef EXAMCTL_INPUT_FILE_H
#define EXAMCTL_INPUT_FILE_H

#include <stddef.h>

#include "exam_err.h"
#include "problems.h"

/* Reads the file at `path`; *text is the caller's to free and has a NUL behind its *bytes bytes.
 * What is wrong is noted in `p`, too. EXAM_NOT_FOUND, EXAM_IO, EXAM_TOO_BIG (over bytes_max),
 * EXAM_NOMEM. */
EXAM_MUST_USE exam_err input_file_read(const char *path, size_t bytes_max, struct problems *p,
                                       char **text, size_t *bytes);

/* The same, of a file that is read alone: what is wrong is told on stderr, and NULL is returned. */
char *input_file_told(const char *path, size_t bytes_max, size_t *bytes);

#endif
