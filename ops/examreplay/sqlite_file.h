/* sqlite_file.h - an export as a database file, for ad-hoc questions: events, and what follows from
 * them (batches, candidates, accounts, interruptions, incidents), with views over them.
 * Shell (libsqlite3). Sticky: the first failure shows when the file is closed. */
#ifndef EXAMREPLAY_SQLITE_FILE_H
#define EXAMREPLAY_SQLITE_FILE_H

#include <sqlite3.h>

#include "event_words.h"
#include "filter.h"
#include "story.h"

struct sqlite_file {
    sqlite3 *db;
    sqlite3_stmt *event, *concerns;
    const struct vault *vault; /* the caller's to set: opens names; NULL: none */
    bool failed;
    char why[256]; /* for a person */
};

/* `path`: an empty file, or none. EXAM_IO: see f->why; nothing is open. */
EXAM_MUST_USE exam_err sqlite_file_open(struct sqlite_file *f, const char *path);
/* One event; `json` is taken over. */
void sqlite_file_event(struct sqlite_file *f, const struct replay_record *at,
                       const struct event_words *w, const char *type, char *json);
/* What follows from the events; the story has noted all of them. */
void sqlite_file_state(struct sqlite_file *f, const struct replay *p, const struct story *s,
                       const struct filter *filter);
/* EXAM_IO: see f->why. */
EXAM_MUST_USE exam_err sqlite_file_close(struct sqlite_file *f);

#endif
