/* pause.h - pauses of the site, a batch, a room or a seat, and suspensions (T8, W4).
 * Pure; internal to node/exam. Pauses nest: a clock stands while one is over it. They are kept when
 * they are lifted, because a seat that was out of contact claims time from before them. */
#ifndef EXAM_PAUSE_H
#define EXAM_PAUSE_H

#include "scope.h"

/* The one of this scope that is not lifted; NULL: none. */
struct pause *pause_standing(const exam *x, const struct scope *scope, bool suspension);
struct pause *pause_add(exam *x, const struct pause *p);
/* What it is over stands, or no longer. */
void pause_flag(exam *x, const struct pause *p);
/* How many are over the sitting. */
uint32_t pauses_over(const exam *x, const struct sitting *s);
/* The first over the sitting after from_ms, or, with `standing`, that stood at from_ms already;
 * NULL: none. *at_ms: since when it has stood, not before from_ms. */
const struct pause *pause_first_since(const exam *x, const struct sitting *s, uint64_t from_ms,
                                      bool standing, uint64_t *at_ms);

#endif
