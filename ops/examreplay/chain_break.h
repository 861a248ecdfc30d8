/* chain_break.h - what has happened to a log where its chain breaks: records that were changed,
 * taken out, put in or swapped leave their neighbours as they were, and these tell (D8).
 * Pure over a store. It explains; that the chain is broken is known without it. */
#ifndef EXAMREPLAY_CHAIN_BREAK_H
#define EXAMREPLAY_CHAIN_BREAK_H

#include "store.h"

enum { CHAIN_BREAK_REACH = 64 }; /* records that are looked at around the break */

enum chain_break_kind {
    BREAK_NONE,     /* the chain goes on */
    BREAK_UNKNOWN,  /* more than what follows, or more of it than is looked at */
    BREAK_CHANGED,  /* the record; or the one before it, which was sealed anew after */
    BREAK_REMOVED,  /* `n` records before what stands here now, which moved up */
    BREAK_MISSING,  /* `n` records: nothing stands in their places */
    BREAK_INSERTED, /* this one and the next, `n` of them; the true ones moved down */
    BREAK_SWAPPED,  /* with the one at `other_lsn` */
};

struct chain_break {
    enum chain_break_kind kind;
    uint64_t lsn; /* where it begins */
    uint64_t n, other_lsn;
};

/* Why the record at `lsn` does not continue the chain from `before`, the hash of the one before. */
void chain_break_find(store *s, uint64_t lsn, const uint8_t before[HASH_BYTES],
                      struct chain_break *out);
/* "3 records were put in here", for a person; "" of BREAK_NONE. */
enum { CHAIN_BREAK_BYTES = 200 };
void chain_break_words(const struct chain_break *b, char out[CHAIN_BREAK_BYTES]);

#endif
