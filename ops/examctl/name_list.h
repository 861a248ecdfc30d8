/* name_list.h - a comma-separated list of names on the command line.
 * Pure. */
#ifndef EXAMCTL_NAME_LIST_H
#define EXAMCTL_NAME_LIST_H

#include <stddef.h>

#include "exam_err.h"
#include "exam_limits.h"

enum { NAMES_MAX = 64 }; /* in one list */

struct name_list {
    const char *at[NAMES_MAX];
    char text[NAMES_MAX * (NAME_BYTES_MAX + 1)]; /* what they point into */
    size_t n;
};

/* Adds the names of `text`. EXAM_TOO_BIG: more than NAMES_MAX; EXAM_INVALID: *bad is no name. */
EXAM_MUST_USE exam_err name_list_take(struct name_list *list, const char *text, const char **bad);

#endif
