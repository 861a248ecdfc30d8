/* checkpoints.h - what this node and the others have signed of their logs (checkpoint.h), as one
 * node keeps it, and whether its own log still says so (D8).
 * Shell over the store and the engine; loop thread only. Everything is in memory, too: some hundred
 * kilobytes at the most.
 *
 * Each one vouches for all before it, through the chain. So when there are too many of a node,
 * every second one of the older half goes, and what is left still covers the log. */
#ifndef EXAM_CHECKPOINTS_H
#define EXAM_CHECKPOINTS_H

#include "checkpoint.h"
#include "engine.h"

enum {
    CHECKPOINTS_OF_A_NODE_MAX = 1024, /* nearly three hours of one every 10 s, then thinner */
    CHECKPOINTS_MAX = 2 * NODES_MAX * CHECKPOINTS_OF_A_NODE_MAX,
    CHECKPOINTS_READ_A_TIME = 16, /* records of the log, each some 10 ms on a cold disk */
};

struct checkpoints;

/* EXAM_NOMEM. */
EXAM_MUST_USE exam_err checkpoints_new(struct checkpoints **out);
void checkpoints_free(struct checkpoints *c); /* NULL is allowed */
/* Takes what the store has kept; *damaged: entries that are none. EXAM_IO, EXAM_NOMEM. */
EXAM_MUST_USE exam_err checkpoints_read(struct checkpoints *c, store *s, size_t *damaged);

/* Its signature has been checked. EXAM_EXISTS: it is here; EXAM_CORRUPT: the same node has signed
 * another record at that place; EXAM_FULL: too many nodes; EXAM_NOMEM. */
EXAM_MUST_USE exam_err checkpoints_add(struct checkpoints *c, const struct checkpoint *one);
/* True: the very same bytes are here. */
bool checkpoints_have(const struct checkpoints *c, const struct checkpoint *one);
/* Makes what was added and thinned out since the last time durable, in a transaction of its own;
 * `node` is this one.
 * EXAM_FULL: nothing was written, to be tried again; EXAM_IO. */
EXAM_MUST_USE exam_err checkpoints_write(struct checkpoints *c, store *s, const char *node);

/* Holds some more of them against the log, of which it reads CHECKPOINTS_READ_A_TIME records. NULL:
 * none contradicts it; else one that does, which is told once. */
const struct checkpoint *checkpoints_check(struct checkpoints *c, struct engine *e);
/* The log was cut: it has other records now. */
void checkpoints_again(struct checkpoints *c);

/* The next one of `node` after `*no` in the order in which they came, so that all are given one
 * after the other; NULL: no more. `*no` begins with 0. */
const struct checkpoint *checkpoints_next(const struct checkpoints *c, const char *node,
                                          uint64_t *no);
/* How far this log is covered by what `node` has signed, or, with `others`, by what any other one
 * has: the highest LSN that was found to be the same. */
uint64_t checkpoints_covered(const struct checkpoints *c, const char *node, bool others);

#endif
