/* state_index.h - states of one log, every so many records, in a file beside the folder, so that a
 * moment in a long log is found without replaying it from its first record. The file is made by
 * this tool while it proves the log; afterwards what lies before a state is not proven again: only
 * that the log still has the record, by its hash, after which the state was taken.
 * Shell (libsqlite3). */
#ifndef EXAMREPLAY_STATE_INDEX_H
#define EXAMREPLAY_STATE_INDEX_H

#include <sqlite3.h>

#include "moment.h"
#include "replay.h"
#include "roles.h"

enum { STATE_INDEX_EVERY = 250 * 1000 };

struct state_index {
    sqlite3 *db;
    sqlite3_stmt *put_entry;
    int64_t wall_max_ms; /* of all records so far */
    uint64_t last_lsn;   /* of the newest state; 0: none */
    uint64_t lsn_now;    /* the state that is being written */
    bool failed;
    char why[256];
};

/* Opens the file, or makes it. EXAM_IO, EXAM_VERSION: another program's, or another version's;
 * EXAM_INVALID: of another log than this store's. See x->why; nothing is open. */
EXAM_MUST_USE exam_err state_index_open(struct state_index *x, const char *path, store *s);
/* EXAM_IO: not all of it was written. */
EXAM_MUST_USE exam_err state_index_close(struct state_index *x);

/* To be called with every record that a replay has applied, one after the other. */
void state_index_note(struct state_index *x, const struct replay *p,
                      const struct replay_record *at);

/* Stands `p` (new, at no record) and `roles` at the newest state that does not lie after the
 * moment; MOMENT_NONE: the newest. Without such a state nothing happens. EXAM_CORRUPT: the file
 * does not hold together; EXAM_IO. */
EXAM_MUST_USE exam_err state_index_stand(struct state_index *x, const struct moment *m,
                                         struct replay *p, struct roles *roles);

#endif
