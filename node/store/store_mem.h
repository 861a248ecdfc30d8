/* store_mem.h - a store in memory: the same contract, for the simulator and for tests.
 * Pure (it allocates). The image is the "disk": it outlives the store that is open on it, so a
 * crash is store_close, and what a reopened store sees is what was committed. One store at a time
 * may be open on an image; an image is not thread-safe. */
#ifndef EXAM_STORE_MEM_H
#define EXAM_STORE_MEM_H

#include "store.h"

typedef struct store_image store_image;

/* An empty disk. EXAM_NOMEM. */
EXAM_MUST_USE exam_err store_image_new(store_image **out);
/* A copy of what is committed, with no faults set and not open. EXAM_NOMEM. */
EXAM_MUST_USE exam_err store_image_clone(const store_image *from, store_image **out);
/* No store may be open on it. NULL is allowed. */
void store_image_free(store_image *image);

/* Errors: EXAM_LOCKED a store is open on it; EXAM_NOMEM. */
EXAM_MUST_USE exam_err store_open_image(store_image *image, store **out);

/* --- faults --- */

enum store_fault {
    STORE_FAULT_FULL,    /* EXAM_FULL: nothing is written, the store goes on */
    STORE_FAULT_IO_LOST, /* EXAM_IO; after reopening the transaction is not there */
    STORE_FAULT_IO_KEPT, /* EXAM_IO; after reopening the transaction is there */
};

/* The n-th commit from now (1: the next one) meets `fault`; 0: none does. */
void store_image_fail_commit(store_image *image, uint64_t n, enum store_fault fault);

/* A disk of `capacity_bytes`, `reserve_bytes` of them for control records; 0: no limit (the
 * default). An entry counts with its key and value. Rooms as in store.h. */
void store_image_set_capacity(store_image *image, uint64_t capacity_bytes, uint64_t reserve_bytes,
                              uint64_t warn_bytes);

/* Turns bits of one stored byte of a record of the log. EXAM_NOT_FOUND: no such byte. */
EXAM_MUST_USE exam_err store_image_rot(store_image *image, uint64_t lsn, size_t at, uint8_t bits);

#endif
