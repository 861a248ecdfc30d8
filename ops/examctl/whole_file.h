/* whole_file.h - a file that is there as a whole or not at all.
 * Shell. Written beside its place under another name, flushed to the disk and only then renamed, so
 * that an export that was cut off never looks like one that was not. Readable by its owner only:
 * answers are nobody else's. A link stays, and the file behind it is replaced. What is no file
 * (/dev/stdout, a pipe) stays, too, and is written as it is: there is no "whole" then. */
#ifndef EXAMCTL_WHOLE_FILE_H
#define EXAMCTL_WHOLE_FILE_H

#include <stdio.h>

#include "exam_err.h"

enum { WHOLE_FILE_PATH_BYTES = 4096 };

struct whole_file {
    FILE *stream; /* write here */
    char path[WHOLE_FILE_PATH_BYTES];
    char temporary[WHOLE_FILE_PATH_BYTES]; /* "": there is none, `path` itself is written */
};

/* EXAM_TOO_BIG: the path is too long; EXAM_IO; errno says why. */
EXAM_MUST_USE exam_err whole_file_open(const char *path, struct whole_file *f);

/* Puts the file in its place. EXAM_IO: a write failed, errno says why; the old file, if any, is
 * still there and the new one is gone. Either way `f` is closed. */
EXAM_MUST_USE exam_err whole_file_commit(struct whole_file *f);

/* Throws away what was written. */
void whole_file_abandon(struct whole_file *f);

#endif
