/* paper_file.h - an exam paper, read from JSON and checked in full.
 * Pure: text in, items out. The text itself goes to the seats as it is; what is taken out of it
 * here is what a node checks answers against.
 *   {"format":"shunyan-paper-1","id":"ELEC-3","title":"...","minutes":60,"subjects":[
 *     {"id":"skill","title":"...","marks":100,"items":[
 *       {"id":"q1","kind":"single|multiple|true-false","text":"...","options":{"A":"...","B":"..."},
 *        "marks":2}]}]}
 * Unknown keys are errors: a paper carries no answer keys, and a misspelt key is not overlooked. */
#ifndef EXAMCTL_PAPER_FILE_H
#define EXAMCTL_PAPER_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "event.pb-c.h"
#include "exam_err.h"
#include "exam_limits.h"
#include "problems.h"
#include "roster_file.h" /* source_text */

enum { PAPER_MINUTES_MAX = 24 * 60, PAPER_SUBJECTS_MAX = 16 };

struct paper_item {
    char id[NAME_BYTES_MAX + 1];
    char subject[NAME_BYTES_MAX + 1];
    Ev__ItemKind kind;
};

struct paper {
    char id[NAME_BYTES_MAX + 1];
    char title[TITLE_BYTES_MAX + 1];
    uint32_t minutes;
    struct paper_item *items;
    size_t items_n;
};

/* Whatever is wrong is noted in `p` with the place in the file ("$.subjects[0].items[3].kind"), or
 * the line where the text stops being JSON; then the paper is not to be used (it may be empty).
 * EXAM_NOMEM is the only error returned. */
EXAM_MUST_USE exam_err paper_read(const struct source_text *source, struct problems *p,
                                  struct paper *out);
void paper_free(struct paper *paper);

#endif
