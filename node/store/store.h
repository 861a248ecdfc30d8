/* store.h - the durable, ordered event log of one node and the state that follows from it.
 * Shell (store_lmdb.c) or simulated (store_mem.c): one contract, one test suite.
 * Threading: one thread, the loop's, calls everything of one store.
 *
 * Writing is one transaction a batch with a sticky error: after the first failure the later calls
 * do nothing, and store_commit reports it. What a transaction writes becomes visible to store_last
 * and store_read_* at its commit, all at once, and is durable by then.
 *
 * Reading sees committed data only and may happen at any time, inside an open transaction too. The
 * bytes given to an `each` callback live until it returns; those of store_get until the next
 * store_get on the store. A callback may read, append and put; it must not begin, commit or abort.
 * A read blocks the loop while it lasts, and pins pages of the file: read long stretches of the log
 * (catching up, verifying) in pieces of some thousand records, one a turn of the loop. */
#ifndef EXAM_STORE_H
#define EXAM_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exam_err.h"
#include "record.h"

typedef struct store store;

/* The tables beside the log. Keys are 1..64 bytes and compare as bytes (so: big-endian). */
enum store_table {
    STORE_META,  /* what the node knows of itself and its peers */
    STORE_STATE, /* the exam state: flushed in the same transaction as records (engine.h) */
    STORE_TABLES,
};

/* Room. `reserve_bytes` are set aside for control records, on the disk (a preallocated file) and
 * below `map_bytes`. What is left beside the reserve is free: the smaller of the two counts. A
 * transaction that does not fit into what is free gets EXAM_FULL, unless the reserve is allowed to
 * it (store_use_reserve). Once the reserve has been broken into, transactions without it get
 * EXAM_FULL until it is whole again, which the store sees to by itself when space comes back. */
enum store_room {
    STORE_ROOM_OK,
    STORE_ROOM_LOW, /* warn: less than `warn_bytes` are free */
    /* Control records only: less than reserve_bytes / 8 are free, or the reserve is broken into.
     * Lasts until it is whole and reserve_bytes / 4 are free, so that it does not flap. */
    STORE_ROOM_RESERVED,
};

struct store_options {
    uint64_t map_bytes;     /* upper bound of the data file; it is sparse. 0: 1 TiB */
    uint64_t reserve_bytes; /* kept for control records. 0: 64 MiB */
    uint64_t warn_bytes;    /* 0: 4 x reserve_bytes */
    bool no_sync;           /* for a control arm of tests only: promises nothing */
};

/* Opens, or makes, the data folder (its parent must exist); instant whatever the length of the
 * log. On failure `why` gets a message for a person that names the folder and says what to do.
 * `o` may be NULL: all defaults.
 * Errors: EXAM_LOCKED it is open already, in this process or another; EXAM_VERSION another log
 * version; EXAM_CORRUPT; EXAM_FULL no space to make a new store with its reserve (an existing one
 * opens on a full disk); EXAM_INVALID not a folder, a folder with other things and no store in it,
 * or an option out of range; EXAM_IO; EXAM_NOMEM; EXAM_SYSTEM. */
EXAM_MUST_USE exam_err store_open(const char *dir, const struct store_options *o, store **out,
                                  char *why, size_t why_bytes);
/* Opens a folder that no node has open, for reading only: nothing in it is written or made, and no
 * node can open it meanwhile (where it has the file by which they lock it). Its log may have gaps,
 * which store_verify finds; store_begin must not be called. Errors as above, and EXAM_NOT_FOUND:
 * there is no such folder, or no store in it. */
EXAM_MUST_USE exam_err store_open_to_read(const char *dir, store **out, char *why,
                                          size_t why_bytes);
/* A store in memory that is gone when it is closed; store_mem.h has the ones that stay. */
EXAM_MUST_USE exam_err store_open_mem(store **out);
/* Drops an open transaction. NULL is allowed. */
void store_close(store *s);

/* The last committed record's position; all zero for an empty log. */
struct position store_last(const store *s);

/* --- writing --- */
void store_begin(store *s);
/* Requires lsn == the last record's + 1, counting what this transaction appended and cut. `value`
 * is as record_seal made it; its place in the chain is the caller's to check (record_verify). */
void store_append(store *s, uint64_t lsn, const uint8_t *value, size_t value_bytes);
void store_put(store *s, enum store_table t, const void *key, size_t key_bytes, const void *value,
               size_t value_bytes);
/* An entry that is not there needs no deleting: no error. */
void store_del(store *s, enum store_table t, const void *key, size_t key_bytes);
/* Empties a table. */
void store_clear(store *s, enum store_table t);
/* Moves the records after `lsn` to the branches, where they stay readable for ever under the number
 * of the branch (A3), and makes `lsn` the last one. Requires lsn <= the last record's; when there
 * is nothing after it, no branch is made. */
void store_cut(store *s, uint64_t lsn);
/* Ends the transaction; on any failure, too. Errors:
 * EXAM_FULL: nothing was written, the store goes on as before the transaction.
 * EXAM_IO: the outcome is unknown: after a restart all of the transaction is there, or nothing of
 * it. This and every later transaction ends with EXAM_IO; the node must stop serving (D6). */
EXAM_MUST_USE exam_err store_commit(store *s);
void store_abort(store *s);

/* Transactions that commit from now on may use the reserve (they hold control records only), or may
 * not. What they need of it is taken by store_commit itself: there is nothing to retry. */
void store_use_reserve(store *s, bool may);
/* How much room there is beside the reserve; makes a broken reserve whole again when there is space
 * for it. Cheap enough for once a second. */
EXAM_MUST_USE exam_err store_room(store *s, enum store_room *room, uint64_t *free_bytes);

/* What the store has met that makes it unreliable: a commit whose outcome is unknown, or a read
 * that failed or found damage, whoever read; EXAM_OK: nothing. It stays until the store is closed.
 * The node asks once a turn and stops serving (D6), so that no reader's error can be lost on the
 * way. Verifying (below) only reports. */
exam_err store_failure(const store *s);

/* --- reading --- */
/* Calls `each` for the records first..last in order until it returns something other than EXAM_OK,
 * which is then the result. first == last + 1: none, EXAM_OK.
 * Errors: EXAM_NOT_FOUND, and no call, when the log does not reach from first to last;
 * EXAM_CORRUPT a record is damaged or missing between others; EXAM_IO. */
EXAM_MUST_USE exam_err store_read_log(store *s, uint64_t first, uint64_t last,
                                      exam_err (*each)(void *ctx, const struct record *r),
                                      void *ctx);
/* Errors: EXAM_NOT_FOUND, EXAM_IO, EXAM_NOMEM. */
EXAM_MUST_USE exam_err store_get(store *s, enum store_table t, const void *key, size_t key_bytes,
                                 const uint8_t **value, size_t *value_bytes);
/* All entries of a table whose key begins with `prefix` (0 bytes: all), in order; stops as
 * store_read_log does. */
EXAM_MUST_USE exam_err store_read_table(store *s, enum store_table t, const void *prefix,
                                        size_t prefix_bytes,
                                        exam_err (*each)(void *ctx, const uint8_t *key,
                                                         size_t key_bytes, const uint8_t *value,
                                                         size_t value_bytes),
                                        void *ctx);
/* Records kept of all dead branches; and those of one, numbered from 1, in LSN order from first_lsn
 * (there may be none). EXAM_NOT_FOUND: no such branch. */
uint64_t store_branch_records(store *s);
EXAM_MUST_USE exam_err store_read_branch(store *s, uint64_t branch, uint64_t first_lsn,
                                         exam_err (*each)(void *ctx, const struct record *r),
                                         void *ctx);

/* Checks the hash chain of first..last, from the record before them on (D8).
 * EXAM_CORRUPT: *bad_lsn is the first record that breaks it, is damaged or missing: it or, when
 * only its link is broken, its predecessor is not what was stored. Otherwise as store_read_log. */
EXAM_MUST_USE exam_err store_verify(store *s, uint64_t first, uint64_t last, uint64_t *bad_lsn);

/* The same in pieces: where a walk along the chain stands. All zero: before the first record. */
struct store_walk {
    uint64_t lsn; /* the last one that was checked */
    uint8_t hash[HASH_BYTES];
};
/* Checks on from there, about `bytes_max` of records and at least one, if there is one. After a cut
 * before w->lsn the walk is to begin anew. EXAM_CORRUPT: w->lsn + 1 breaks the chain. */
EXAM_MUST_USE exam_err store_verify_on(store *s, struct store_walk *w, size_t bytes_max);

#endif
