/* state_index.h - states of one log, every so many records, in a file beside the folder, so that a
 * moment in a long log is found without replaying it from its first record. The file is made by
 * this tool while it proves the log; afterwards what lies before a state is not proven again: only
 * that the log still has the record, by its hash, after which the state was taken.
 *
 * Each state is sealed (XChaCha20-Poly1305) under a key made of the secret that the log's first
 * record holds: who has only the file reads nothing of it, and no state is believed that was not
 * taken from this log. What the site itself has sealed stays sealed within.
 * Shell (libsqlite3, libsodium). */
#ifndef EXAMREPLAY_STATE_INDEX_H
#define EXAMREPLAY_STATE_INDEX_H

#include <sqlite3.h>

#include "moment.h"
#include "replay.h"
#include "roles.h"

enum { STATE_INDEX_EVERY = 250 * 1000, STATE_INDEX_KEY_BYTES = 32 };

/* A record that told of roles. */
struct state_role {
    uint64_t lsn, site_ms;
};

struct state_index {
    sqlite3 *db;
    uint8_t key[STATE_INDEX_KEY_BYTES];
    int64_t wall_max_ms;      /* of all records so far */
    uint64_t last_lsn;        /* of the newest state; 0: none */
    uint64_t due_lsn;         /* of the next one */
    uint64_t made;            /* since it was opened */
    struct state_role *roles; /* of all records so far */
    size_t roles_n, roles_max;
    bool failed; /* no more states are kept */
    char why[256];
};

/* The key of this log's states. EXAM_INVALID: its first record founds no site; EXAM_IO ... */
EXAM_MUST_USE exam_err state_index_key(struct replay *p, uint8_t key[STATE_INDEX_KEY_BYTES]);

/* Opens the file, or makes it, for the log of p (new, at no record). EXAM_IO, EXAM_VERSION: another
 * program's, or another version's; EXAM_INVALID: of another log. See x->why; nothing is open. */
EXAM_MUST_USE exam_err state_index_open(struct state_index *x, const char *path, struct replay *p);
/* EXAM_IO: not all of it was written. */
EXAM_MUST_USE exam_err state_index_close(struct state_index *x);

/* To be called with every record that a replay has applied, one after the other, from the first or
 * from where state_index_stand stood it. Once something is wrong, nothing is kept any more. */
void state_index_note(struct state_index *x, const struct replay *p,
                      const struct replay_record *at);

/* Stands `p` (new, at no record) and `roles` at the newest state that does not lie after the
 * moment; MOMENT_NONE: the newest. Without such a state nothing happens. EXAM_CORRUPT: the file
 * does not hold together, and p is to be opened anew; EXAM_IO. */
EXAM_MUST_USE exam_err state_index_stand(struct state_index *x, const struct moment *m,
                                         struct replay *p, struct roles *roles);

#endif
