/* bytes.h - a growing buffer and a bounded cursor, for the values of state entries.
 * Pure. Sticky errors: after the first failure the later calls do nothing, and one check at the end
 * tells. Integers are little groups of 7 bits (varints), as short as they are small. */
#ifndef EXAM_BYTES_H
#define EXAM_BYTES_H

#include <stdbool.h>

#include "memory.h"

struct bytes_out {
    const struct exam_memory *m;
    uint8_t *at;
    size_t n, cap;
    bool failed; /* out of memory */
};

void bytes_out_fini(struct bytes_out *o);
/* Room for n more bytes, counted as written; NULL: out of memory. */
uint8_t *bytes_out_room(struct bytes_out *o, size_t n);
void bytes_put(struct bytes_out *o, const void *from, size_t n);
void bytes_put_varint(struct bytes_out *o, uint64_t v);

struct bytes_in {
    const uint8_t *at;
    size_t n;
    bool failed; /* ended in the middle of something */
};

/* The next n bytes, inside the input; NULL after a failure. */
const uint8_t *bytes_get(struct bytes_in *i, size_t n);
/* 0 after a failure. */
uint64_t bytes_get_varint(struct bytes_in *i);

#endif
