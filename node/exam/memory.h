/* memory.h - the caller's allocator, as the exam core uses it.
 * Pure. What an applied event needs must be there (exam_apply is total), so memory_need asserts;
 * what a decision or a load needs may be missing, so memory_take says so with NULL. */
#ifndef EXAM_MEMORY_H
#define EXAM_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "exam.h"

/* Zeroed; NULL: out of memory. */
void *memory_take(const struct exam_memory *m, size_t bytes);
/* Zeroed; never NULL. */
void *memory_need(const struct exam_memory *m, size_t bytes);
/* A copy of the text; never NULL. */
char *memory_text(const struct exam_memory *m, const char *text);
/* NULL is allowed. */
void memory_drop(const struct exam_memory *m, void *block);
/* The array again, with room for `n` entries of `each` bytes; new room is zeroed. Never NULL. */
void *memory_grow(const struct exam_memory *m, void *array, uint32_t *cap, uint32_t n, size_t each);

#endif
