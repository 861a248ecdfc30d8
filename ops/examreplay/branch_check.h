/* branch_check.h - the dead branches of a folder (W5, A3): whether each is what was written, where
 * it left the log, and what has become of its records. Pure over the store. */
#ifndef EXAMREPLAY_BRANCH_CHECK_H
#define EXAMREPLAY_BRANCH_CHECK_H

#include "replay.h"
#include "roles.h"

struct branch {
    uint64_t first_lsn, last_lsn; /* last: that is proven */
    uint64_t records;             /* there, proven or not */
    uint64_t epoch;               /* of the first one */
    uint64_t parent;    /* the branch that it continues; 0: the log; itself: nothing that is here */
    uint64_t acts;      /* answers, submissions and acts of people among them, which A3 recovers; */
    uint64_t recovered; /* and those of which nothing is left that the log does not know */
    uint8_t before[HASH_BYTES];
};

/* `p` stands at the log's end. What is wrong becomes findings. The caller frees *out (n entries,
 * branch 1 first; NULL: none). EXAM_IO, EXAM_NOMEM. */
EXAM_MUST_USE exam_err branches_check(struct replay *p, const struct roles *roles,
                                      struct branch **out, size_t *n);

#endif
