/* workload.h - a real history of the node's store, recorded as a disk saw it.
 * Shell: opens a store of node/store/ and records what LMDB does to its data file. What the store
 * must hold after each commit comes from the store in memory, which gets the same transactions. */
#ifndef EXAM_WORKLOAD_H
#define EXAM_WORKLOAD_H

#include "store.h"
#include "tape.h"

enum { DIGEST_BYTES = 32 };

/* What a store holds: its log's end and a digest of every table and branch. */
struct content {
    struct position last;
    uint8_t digest[DIGEST_BYTES];
};

struct workload_options {
    const char *dir; /* an empty folder */
    uint64_t seed;
    unsigned commits;
    bool no_sync; /* a control arm */
};

struct workload {
    struct tape tape;
    struct content *contents; /* after the opening, and after each commit: one a TAPE_REPORTED */
    size_t contents_n;
    unsigned full;    /* commits refused because there was no room */
    unsigned reserve; /* commits that used the reserve */
};

/* Both of a small disk and of one with room, by the seed. Ends the program when the store does not
 * do what its contract says: then there is nothing to cut. */
void workload_record(const struct workload_options *o, struct workload *out);
void workload_fini(struct workload *w);

/* The sizes that workload_record opened the store with. */
struct store_options workload_store_options(uint64_t seed);

EXAM_MUST_USE exam_err content_of(store *s, struct content *out);
bool content_equal(const struct content *a, const struct content *b);
/* One more transaction as the workload makes them; the result of its commit. */
EXAM_MUST_USE exam_err workload_go_on(store *s, uint64_t *rnd);

#endif
