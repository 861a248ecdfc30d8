/* tables.h - whether the state tables of a folder say what its log says.
 * Pure over the store. The tables may stand for an earlier record than the last one (engine.h);
 * `meta` says for which, and the replay is compared when it is there. */
#ifndef EXAMREPLAY_TABLES_H
#define EXAMREPLAY_TABLES_H

#include "findings.h"
#include "replay.h"
#include "roles.h"

struct tables {
    uint64_t lsn; /* they stand for; 0: for nothing (yet) */
    uint64_t entries;
    uint64_t own_epochs; /* in which the folder's node served */
};

/* What the tables claim to stand for. EXAM_CORRUPT: the claim is no LSN of the log, a finding. */
EXAM_MUST_USE exam_err tables_open(struct tables *t, store *s, struct findings *f);
/* `p` stands at t->lsn, and its exam has never been flushed. What differs becomes findings. */
void tables_compare_state(struct tables *t, struct replay *p);
/* `p` stands at the log's end: where the node has noted that its epochs begin. */
void tables_compare_epochs(struct tables *t, struct replay *p, const struct roles *roles);

/* Notes where epochs begin, as a node does; within a transaction. For a log that has been salvaged:
 * in none of them the folder's own node has served. */
void tables_note_epochs(store *s, const struct roles *roles);

#endif
