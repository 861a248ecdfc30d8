/* store_backend.h - what one kind of store (LMDB, memory) has to offer; internal to this folder.
 * store.c keeps the transaction's sticky error, the positions and the checks of the contract, so
 * that both kinds behave alike; a backend only carries out. Its struct begins with `struct store`.
 *
 * What a backend may return while writing: EXAM_OK, EXAM_FULL (nothing is written; the store can go
 * on), and anything else, which store.c turns into EXAM_IO for ever. */
#ifndef EXAM_STORE_BACKEND_H
#define EXAM_STORE_BACKEND_H

#include "store.h"

typedef exam_err store_each_record(void *ctx, const struct record *r);
typedef exam_err store_each_entry(void *ctx, const uint8_t *key, size_t key_bytes,
                                  const uint8_t *value, size_t value_bytes);

struct store_bytes {
    const void *at;
    size_t bytes;
};

struct store_ops {
    void (*close)(struct store *s); /* frees s; no transaction is open */

    exam_err (*begin)(struct store *s);
    exam_err (*append)(struct store *s, uint64_t lsn, struct store_bytes value);
    exam_err (*put)(struct store *s, enum store_table t, struct store_bytes key,
                    struct store_bytes value);
    exam_err (*del)(struct store *s, enum store_table t, struct store_bytes key);
    exam_err (*clear)(struct store *s, enum store_table t);
    /* Moves the records first..last, the log's tail as this transaction sees it, to a new branch.
     */
    exam_err (*cut)(struct store *s, uint64_t first, uint64_t last);
    /* The position of a record as this transaction sees it. */
    exam_err (*locate)(struct store *s, uint64_t lsn, struct position *at);
    exam_err (*commit)(struct store *s); /* ends the transaction, however it goes */
    void (*abort)(struct store *s);      /* after a failed begin, too */

    void (*use_reserve)(struct store *s, bool may);
    exam_err (*room)(struct store *s, enum store_room *room, uint64_t *free_bytes);

    /* first..last are in 1..s->last.lsn and not empty */
    exam_err (*read_log)(struct store *s, uint64_t first, uint64_t last, store_each_record *each,
                         void *ctx);
    /* As record_verify, for a record of the log as read_log tells it. NULL: record_verify itself.
     */
    exam_err (*verify)(struct store *s, const struct record *r, const uint8_t before[HASH_BYTES]);
    exam_err (*get)(struct store *s, enum store_table t, struct store_bytes key,
                    const uint8_t **value, size_t *value_bytes);
    exam_err (*read_table)(struct store *s, enum store_table t, struct store_bytes prefix,
                           store_each_entry *each, void *ctx);
    exam_err (*branch_records)(struct store *s, uint64_t *n);
    exam_err (*read_branch)(struct store *s, uint64_t branch, uint64_t first_lsn,
                            store_each_record *each, void *ctx);
};

struct store {
    const struct store_ops *ops;
    struct position last;    /* committed */
    struct position pending; /* as the open transaction sees it */
    exam_err sticky;         /* the open transaction's first failure */
    bool in_txn;
    bool failed;       /* an outcome is unknown: EXAM_IO for ever (D6) */
    exam_err failure;  /* the first thing met that makes the store unreliable */
    unsigned in_reads; /* `each` callbacks that have not returned yet */
};

/* The position that a stored value names. EXAM_CORRUPT. */
EXAM_MUST_USE exam_err store_position_of(uint64_t lsn, const uint8_t *value, size_t value_bytes,
                                         struct position *out);

#endif
