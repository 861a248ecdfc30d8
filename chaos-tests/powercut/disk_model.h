/* disk_model.h - what may be on a disk after its power is cut.
 * Pure (it allocates). The file is a row of sectors of 512 bytes, each of which the disk writes
 * whole or not at all. What was written since the last flush may be there or not, sector by sector,
 * in any order and in any of the versions that the sector had since; a flush, or the end of an
 * O_DSYNC write, makes what it covers certain. An O_DSYNC write covers its own bytes only. */
#ifndef EXAM_DISK_MODEL_H
#define EXAM_DISK_MODEL_H

#include "tape.h"

enum { SECTOR_BYTES = 512 };

/* Control arms: a disk that says "flushed" and has not. */
enum disk_lies {
    DISK_HONEST,
    DISK_LIES_FLUSHES, /* fdatasync does nothing, O_DSYNC writes are true */
    DISK_LIES_ALWAYS,
};

struct disk;

/* An empty one, honest. */
struct disk *disk_new(void);
void disk_free(struct disk *d);
/* From now on. What was certain before stays so. */
void disk_lie(struct disk *d, enum disk_lies lies);

/* An operation of the tape begins, and ends. Between the two a cut may find any part of it done. */
void disk_begin(struct disk *d, const struct tape *t, const struct tape_op *op);
void disk_end(struct disk *d, const struct tape_op *op);

/* The sectors that are uncertain now, and the writes that touched them. */
size_t disk_pending_sectors(const struct disk *d);
size_t disk_pending_writes(const struct disk *d);

/* How many different outcomes of a cut now are tried: all there are if that is at most
 * 16 x `samples`; otherwise nothing, everything, whole writes in subsets, a tear in each of the
 * writes that were there in order, and `samples` random ones. */
bool disk_tries_all(const struct disk *d, uint64_t samples);
uint64_t disk_outcomes(const struct disk *d, uint64_t samples);
/* The file after outcome `i` of disk_outcomes, in a buffer that lives until the next call.
 * The random ones follow from `seed`. */
const uint8_t *disk_outcome(struct disk *d, uint64_t samples, uint64_t i, uint64_t seed,
                            size_t *bytes);

#endif
