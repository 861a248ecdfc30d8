/* log_check.h - walks the hash chain of the log in the background, from its first record to its
 * last, again and again: LMDB has no checksums, so the chain is what finds rot (D8).
 * Shell over the store. Loop thread. A piece is bounded in bytes, so that nobody waits for it. */
#ifndef EXAM_LOG_CHECK_H
#define EXAM_LOG_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "store.h"

struct log_check {
    struct store_walk at;
    uint64_t due_ms;   /* clock_boot_ms of the next piece, */
    uint64_t late_ms;  /* and when it comes at the latest, even if the node is busy */
    uint64_t passes;   /* times that it came to the log's end */
    uint64_t ended_ms; /* clock_boot_ms of the last time */
    uint64_t bad_lsn;  /* set by the caller: a record that is not what was written; 0: none was
                          found.  Then it checks no further */
};

/* Checks a piece if it is time to; while the node is busy (`idle` false) pieces are rarer. True: it
 * has found rot, *bad_lsn. Whatever else the store meets on the way is in store_failure. */
bool log_check_turn(struct log_check *c, store *s, uint64_t now_ms, bool idle, uint64_t *bad_lsn);
/* When to call it next. */
uint64_t log_check_due_ms(const struct log_check *c);
/* The log was cut: records that were checked may be others by now. */
void log_check_again(struct log_check *c);

#endif
