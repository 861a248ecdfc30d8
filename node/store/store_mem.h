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

/* --- what is committed, for checkers: an open store does not mind --- */

/* Records of the log, or of all dead branches. */
size_t store_image_records(const store_image *image, bool branches);
/* The i-th of them, from 0; what it points to lives until the next commit. */
void store_image_record_at(const store_image *image, bool branches, size_t i, struct record *out);
/* True when a byte of it was turned (store_image_rot). */
bool store_image_is_rotten(const store_image *image, bool branches, size_t i);

/* --- faults --- */

enum store_fault {
    STORE_FAULT_NONE,
    STORE_FAULT_FULL,    /* EXAM_FULL: nothing is written, the store goes on */
    STORE_FAULT_IO_LOST, /* EXAM_IO; after reopening the transaction is not there */
    STORE_FAULT_IO_KEPT, /* EXAM_IO; after reopening the transaction is there */
    /* As the two before, to the store; to the machine's owner (store_image_on_commit) it is the
     * power that goes within the commit. */
    STORE_FAULT_POWER_LOST,
    STORE_FAULT_POWER_KEPT,
    STORE_FAULTS,
};

/* The n-th commit from now (1: the next one) meets `fault`; 0: none does. */
void store_image_fail_commit(store_image *image, uint64_t n, enum store_fault fault);

/* Asked at the beginning of each commit: `due` is what store_image_fail_commit has in store for it.
 * What `meets` returns is what it meets. NULL: nobody is asked. */
void store_image_on_commit(store_image *image,
                           enum store_fault (*meets)(void *ctx, enum store_fault due), void *ctx);
/* Commits that have met the fault; with STORE_FAULT_FULL those that did not fit, too, and
 * the times that store_room came to be reserved. */
uint64_t store_image_met(const store_image *image, enum store_fault fault);

/* A disk of `capacity_bytes`, `reserve_bytes` of them for control records; 0: no limit (the
 * default). An entry counts with its key and value. Rooms as in store.h. */
void store_image_set_capacity(store_image *image, uint64_t capacity_bytes, uint64_t reserve_bytes,
                              uint64_t warn_bytes);

uint64_t store_image_bytes(const store_image *image); /* in use */

/* Turns bits of one stored byte of a record of the log. EXAM_NOT_FOUND: no such byte. */
EXAM_MUST_USE exam_err store_image_rot(store_image *image, uint64_t lsn, size_t at, uint8_t bits);
/* How often a record that has rotted was read. */
uint64_t store_image_rot_reads(const store_image *image);

#endif
