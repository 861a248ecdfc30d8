/* store_reserve.h - the space of one data folder: the reserve, and what a transaction may take.
 * Shell; used by store_lmdb.c only. Implements the room of store.h.
 *
 * A disk that fills up in the middle of an LMDB commit shows as a short write, which LMDB reports
 * as EIO: not to be told from a dying disk. So the store never finds out that way. Before each
 * commit it claims the most that the transaction can add to the data file, and the claim allocates
 * those blocks behind the file's end (fallocate). A refusal comes there, with nothing written.
 *
 * The reserve on the disk is a file of real blocks, which shrinks when control records need space.
 * On file systems without fallocate the claims are checked against the free space only. */
#ifndef EXAM_STORE_RESERVE_H
#define EXAM_STORE_RESERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "store.h"
#include "store_folder.h"

struct store_reserve {
    int dir_fd;        /* not owned */
    int data_fd;       /* not owned */
    int file_fd;       /* the reserve */
    bool may;          /* transactions may use the reserve */
    bool reserved;     /* STORE_ROOM_RESERVED lasts */
    bool checked_only; /* the file system cannot allocate ahead */
    uint64_t map_bytes;
    uint64_t reserve_bytes;
    uint64_t warn_bytes;
    uint64_t file_bytes;      /* of the reserve that are on the disk now */
    uint64_t allocated_bytes; /* the data file has its blocks up to here */
};

/* Takes the sizes from `o` (zeros: the defaults of store.h) and makes the reserve, or completes it
 * as far as there is space. EXAM_FULL: `fresh` and no space for it; EXAM_INVALID; EXAM_SYSTEM. */
EXAM_MUST_USE exam_err store_reserve_open(struct store_reserve *r, const struct store_options *o,
                                          const char *dir, const struct store_folder *f,
                                          struct store_why why);
/* The data file is open and `used_bytes` of it are in use. */
void store_reserve_attach(struct store_reserve *r, int data_fd, uint64_t used_bytes);
/* The next commit may add up to `need_bytes` behind `used_bytes`. EXAM_FULL; EXAM_IO. */
EXAM_MUST_USE exam_err store_reserve_claim(struct store_reserve *r, uint64_t used_bytes,
                                           uint64_t need_bytes);
EXAM_MUST_USE exam_err store_reserve_room(struct store_reserve *r, uint64_t used_bytes,
                                          enum store_room *room, uint64_t *free_bytes);
void store_reserve_close(struct store_reserve *r);

#endif
