/* name_index.h - from a name to a number: admission numbers to sittings, ids to a paper's items.
 * Pure. Open addressing, at most half full; names stay the caller's and must outlive the index.
 * (Not uthash: its macros cannot reach the caller's allocator, and its handle in each entry is
 * three times this table.) What fills one comes from an administrator, or is bounded a sitting. */
#ifndef EXAM_NAME_INDEX_H
#define EXAM_NAME_INDEX_H

#include <stdbool.h>

#include "memory.h"

struct name_index {
    struct name_slot {
        const char *name; /* NULL: free */
        uint32_t value;
    } * slots;
    uint32_t slots_n; /* a power of two, or 0 */
    uint32_t used;
};

void name_index_fini(struct name_index *ix, const struct exam_memory *m);
/* The number of the name; 0: not there. */
uint32_t name_index_find(const struct name_index *ix, const char *name);
/* It will be looked for soon: asks for the memory where it would be. */
void name_index_soon(const struct name_index *ix, const char *name);
/* Adds a name that is not there, or gives it another number. False: out of memory, unchanged. */
EXAM_MUST_USE bool name_index_set(struct name_index *ix, const struct exam_memory *m,
                                  const char *name, uint32_t value);

#endif
