/* agenda.h - who is due next: a heap of times by number. Times are below 2^48 ms; later is never.
 * Pure, but for its memory at agenda_init. Of two that are due at one time the lower number comes
 * first, so that the order is the same in every run. O(log n) to change one, O(1) to ask. */
#ifndef SIM_AGENDA_H
#define SIM_AGENDA_H

#include <stdbool.h>
#include <stdint.h>

#include "exam_err.h"

enum { AGENDA_MAX = 1 << 16 };

struct agenda {
    uint64_t *heap;
    uint32_t *places; /* by number: where in the heap */
    uint32_t n;
};

/* Numbers 0..n-1, all of them never due. EXAM_INVALID more than AGENDA_MAX; EXAM_NOMEM. */
EXAM_MUST_USE exam_err agenda_init(struct agenda *a, uint32_t n);
void agenda_fini(struct agenda *a);

void agenda_set(struct agenda *a, uint32_t number, uint64_t at_ms);
/* When the first one is due; UINT64_MAX: nobody is. */
uint64_t agenda_first_ms(const struct agenda *a);
/* The first of those due by now_ms; false: none. It stays until its time is set anew. */
bool agenda_due(const struct agenda *a, uint64_t now_ms, uint32_t *number);

#endif
