/* store_folder.h - the data folder of one store: what may be in it, and that only one has it open.
 * Shell; used by store_lmdb.c only. */
#ifndef EXAM_STORE_FOLDER_H
#define EXAM_STORE_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "exam_err.h"

#define STORE_FILE_DATA    "data.mdb"   /* LMDB's */
#define STORE_FILE_READERS "lock.mdb"   /* LMDB's */
#define STORE_FILE_OWNER   "owner.lock" /* locked while a store is open; holds the owner's pid */
#define STORE_FILE_RESERVE "reserve"    /* store_reserve.h */

/* A message for a person; `text` may be NULL. */
struct store_why {
    char *text;
    size_t text_bytes;
};

__attribute__((format(printf, 2, 3))) void store_why_set(struct store_why why, const char *format,
                                                         ...);

struct store_folder {
    int dir_fd;
    int owner_fd; /* -1: a folder to read from that nobody has locked ever */
    bool fresh;   /* there is no store in it yet */
};

/* Makes the folder if need be, refuses a foreign one, and locks it.
 * Errors: EXAM_LOCKED, EXAM_INVALID, EXAM_SYSTEM, each with a message. */
EXAM_MUST_USE exam_err store_folder_open(const char *dir, struct store_folder *out,
                                         struct store_why why);
/* The same of a folder that holds a store, without making or writing anything in it: the lock is
 * shared with others that read. Errors: EXAM_NOT_FOUND, EXAM_LOCKED, EXAM_INVALID, EXAM_SYSTEM,
 * each with a message. */
EXAM_MUST_USE exam_err store_folder_open_to_read(const char *dir, struct store_folder *out,
                                                 struct store_why why);
/* Makes the names in the folder, and the folder's own, durable. EXAM_IO. */
EXAM_MUST_USE exam_err store_folder_sync(const struct store_folder *f);
/* Unlocks. */
void store_folder_close(struct store_folder *f);

#endif
