/* deadlines.h - when does the next clock run out? (T10)
 * Pure. A binary heap of the sittings whose clock runs, with a place for each sitting, so that the
 * first is known at once and a change costs log n. An attached sitting's marks move nothing: its
 * mark + left is the same instant as long as its clock runs. */
#ifndef EXAM_DEADLINES_H
#define EXAM_DEADLINES_H

#include "memory.h"

struct deadlines {
    struct deadline {
        uint64_t at_ms;
        uint32_t sitting;
    } * heap;
    uint32_t n, heap_cap;
    uint32_t *place; /* by sitting: index in the heap + 1; 0: not in it */
    uint32_t place_cap;
};

void deadlines_fini(struct deadlines *d, const struct exam_memory *m);
/* UINT64_MAX: none. */
uint64_t deadlines_first_ms(const struct deadlines *d);
/* That of one sitting; UINT64_MAX: none. */
uint64_t deadlines_of(const struct deadlines *d, uint32_t sitting);
/* UINT64_MAX takes the sitting out. */
void deadlines_set(struct deadlines *d, const struct exam_memory *m, uint32_t sitting,
                   uint64_t at_ms);
void deadlines_clear(struct deadlines *d);

#endif
