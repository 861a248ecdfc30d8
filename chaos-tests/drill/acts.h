/* acts.h - carries out one statement of a drill in its world.
 * Single-threaded. */
#ifndef DRILL_ACTS_H
#define DRILL_ACTS_H

#include "stage.h"

/* Carries out a line that is no expectation, and what follows from it at this instant. EXAM_OK, or
 * the refusal, of whatever level it came from: a node, the seat, or nobody there to ask. */
EXAM_MUST_USE exam_err act(struct stage *s, const struct drill_line *l, struct office_refusal *why);

#endif
