/* export_store.h - a whole export (export_form.h) as a store to read from: what is opened with it
 * is read, and proven, as a data folder is. Shell: maps the file. Single-threaded; nothing is
 * written, and store_begin must not be called. */
#ifndef EXAMREPLAY_EXPORT_STORE_H
#define EXAMREPLAY_EXPORT_STORE_H

#include "store.h"

enum { EXPORT_DAMAGE_BYTES = 256 };

/* The first line that is not as it was written. What lies before it can be read. */
struct export_damage {
    bool found;
    char text[EXPORT_DAMAGE_BYTES]; /* line, byte and record, for a person */
};

/* EXAM_NOT_FOUND: no whole export, but perhaps something else. EXAM_CORRUPT: its head is damaged;
 * EXAM_VERSION: of another version; EXAM_SYSTEM, EXAM_NOMEM. Of these `why` gets a message that
 * names the file. */
EXAM_MUST_USE exam_err export_store_open(const char *path, store **out,
                                         struct export_damage *damage, char *why, size_t why_bytes);

#endif
