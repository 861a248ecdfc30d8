/* state_keep.h - a command that proves a long log keeps its states on the way (state_cache.h), so
 * that the next one finds a moment at once. Shell: what it does, and why it could not, is told on
 * stderr; a command never fails because of it. */
#ifndef EXAMREPLAY_STATE_KEEP_H
#define EXAMREPLAY_STATE_KEEP_H

#include "proof.h"
#include "state_cache.h"

enum { STATE_KEEP_LEAST = 2 * STATE_INDEX_EVERY }; /* records; less are replayed sooner */

struct state_keep {
    struct state_index x;
    bool open;
    char path[STATE_CACHE_PATH_BYTES];
};

/* Opens the log's own file, for p, which is new, at no record. A file that does not hold together
 * is made anew. */
void state_keep_begin(struct state_keep *k, struct replay *p);
/* As state_index_stand; false: p is to be opened anew, and the file is gone. */
EXAM_MUST_USE bool state_keep_stand(struct state_keep *k, const struct moment *m, struct replay *p,
                                    struct roles *roles);
void state_keep_note(struct state_keep *k, const struct replay *p, const struct replay_record *at);
void state_keep_end(struct state_keep *k);

/* The same on the way of a proof; `k` must outlive it. */
struct proof_watch state_keep_watch(struct state_keep *k);

#endif
