/* unchanged.h - tells whether a refused act has changed anything all the same.
 * Single-threaded; only asks. */
#ifndef DRILL_UNCHANGED_H
#define DRILL_UNCHANGED_H

#include "rep.h"
#include "stage.h"

/* The nodes at one moment. */
struct snapshot {
    struct {
        bool up;
        enum rep_role role;
        uint64_t epoch;
        uint8_t state[HASH_BYTES];   /* digest of the whole state */
        uint8_t figures[HASH_BYTES]; /* of all accounts, answers and batches */
    } nodes[NODES_MAX];
    uint32_t nodes_n;
};

void snapshot_take(struct stage *s, struct snapshot *out);

/* The number of a node that has changed by the refused act; WORLD_NONE: none has. An
 * administrator's act may change nothing at all. What a candidate does may: an answer made after
 * the finish is kept in the log (T10), and a seat that signs somebody in leaves the finished
 * sitting before; but no account, no result and no batch may be touched. */
uint32_t snapshot_changed(const struct snapshot *before, const struct snapshot *after,
                          enum drill_verb verb);

#endif
