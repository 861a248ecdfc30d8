/* stage.h - the site of one history, built in a simulated world and ready for the first act: the
 * first node founded, the others in sync with it, the batch imported, every PC switched on.
 * Single-threaded, heap. */
#ifndef EXAMSIM_STAGE_H
#define EXAMSIM_STAGE_H

#include "office.h"
#include "plan.h"
#include "world.h"

extern const char stage_batch[], stage_room[];
/* The candidate whose seat lies (hostile.h). */
extern const char stage_hostile_name[];

/* "A", "R1-02", "1003"; of places, too. */
const char *stage_node_name(uint32_t node);
const char *stage_seat_name(uint32_t seat);
const char *stage_candidate_name(uint32_t candidate);
/* It has one of its own, after the others. */
const char *stage_hostile_seat(const struct plan_site *s);
const char *stage_item_name(uint32_t item);
const char *stage_scope_name(const struct plan_site *s, uint32_t scope);
const char *stage_place_name(uint32_t place);

/* *out is set before anything happens, so that a watch can ask the world. On failure `why` says
 * what could not be set up; the world is to be freed in any case. */
EXAM_MUST_USE exam_err stage_open(const struct plan *p, const struct world_watch *watch,
                                  struct world **out, struct office_refusal *why);

/* The rooms and the batch, as at the beginning. A node that has them refuses. */
EXAM_MUST_USE exam_err stage_import(struct world *w, const struct plan *p, uint32_t node,
                                    struct office_refusal *why);

#endif
