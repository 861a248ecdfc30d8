/* names.h - what each name of a drill names: sittings, seats, rooms, batches, nodes, the site.
 * Pure but for the heap. One name names one thing, of whatever kind, because acts name their scope
 * by nothing else. */
#ifndef DRILL_NAMES_H
#define DRILL_NAMES_H

#include "drill.h"
#include "exam_err.h"

struct name {
    const char *text; /* not owned */
    struct drill_scope of;
    uint32_t line; /* where it was given */
};

struct names {
    struct name *at;
    uint32_t n, max;
};

void names_fini(struct names *k);
/* EXAM_NOMEM. The names are to be sorted before they are asked for. */
EXAM_MUST_USE exam_err names_add(struct names *k, const char *text, enum drill_scope_kind kind,
                                 uint32_t at, uint32_t line);
/* Sorts. Returns NULL, or the second thing that has the name of another; *first is the other one.
 */
const struct name *names_sort(struct names *k, const struct name **first);
/* NULL: no such name. */
const struct name *names_find(const struct names *k, const char *text);

/* "room", "seat" ... */
const char *names_kind_text(enum drill_scope_kind kind);

#endif
