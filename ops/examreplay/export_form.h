/* export_form.h - the form of a whole export: what a data folder holds, as JSON lines. Pure.
 *
 * Lines, in this order: the head, which says how many of each sort follow; the log's records by
 * LSN; the records of dead branches by branch and LSN; the entries of the tables by key. A record's
 * bytes as they are stored are its "raw" (base64): that is what is believed when the export is
 * read, by their hash chain (D8). All else in a record's line is for other programs.
 *
 * Each line ends with a check of itself and all lines before it, so that a change or a cut is found
 * at its line. It has no key, and proves nothing against whoever makes a file anew: hashes, and
 * what servers have signed of them, do. */
#ifndef EXAMREPLAY_EXPORT_FORM_H
#define EXAMREPLAY_EXPORT_FORM_H

#include <stddef.h>
#include <stdint.h>

#include "exam_limits.h"

#define EXPORT_HEAD                                                                                \
    "shunyan_export" /* the first member of the first line; its value: the version */

enum {
    EXPORT_VERSION = 1,
    EXPORT_CHECK_BYTES = 16,
    EXPORT_KEY_BYTES_MAX = 64,                           /* of a table (store.h) */
    EXPORT_TAIL_BYTES = 10 + 2 * EXPORT_CHECK_BYTES + 2, /* ,"check":"..."} */
    EXPORT_LINE_BYTES_MAX = 64 * 1024 * 1024,
};

/* Of the lines so far; zeros before the first. */
struct export_check {
    uint8_t value[EXPORT_CHECK_BYTES];
};

/* Takes in the next line without its tail, and makes that: `line[0..n)` begins with the bracket
 * that opens the object, and ends with its last member. */
void export_check_next(struct export_check *c, const char *line, size_t n,
                       char tail[EXPORT_TAIL_BYTES + 1]);

#endif
