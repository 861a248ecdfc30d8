/* scope.h - whom an act concerns: the site, a batch, a room, a seat or a sitting.
 * Pure; internal to node/exam. */
#ifndef EXAM_SCOPE_H
#define EXAM_SCOPE_H

#include "decide.h"

struct scope {
    Ev__ScopeKind kind;
    uint32_t no; /* 0: the site */
};

/* There is such a thing: what an event names is checked before it is looked up. */
bool scope_exists(const exam *x, const struct scope *scope);
bool scope_covers(const exam *x, const struct scope *scope, const struct sitting *s);
struct scope scope_of_event(const Ev__Scope *e);
Ev__Scope scope_event(const struct scope *scope);

/* What a person has named. Refuses what is not there, or could be two things. */
EXAM_MUST_USE exam_err scope_find(const struct decision *d, const struct exam_scope *asked,
                                  struct scope *out);

/* "room R1", "the site": for a text. */
struct scope_text {
    char text[NAME_BYTES_MAX + 16];
};
struct scope_text scope_text(const exam *x, const struct scope *scope);

#endif
