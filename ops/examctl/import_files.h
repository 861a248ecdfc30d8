/* import_files.h - all that an import is made of: its files as they are, and what was read in them.
 * Shell: reads files. The bytes hold item texts and people's names: import_files_free wipes them.
 *
 * They come as files of their own (import_files_load), or out of a sealed package (package_file.h),
 * and are checked by the same import_files_check. */
#ifndef EXAMCTL_IMPORT_FILES_H
#define EXAMCTL_IMPORT_FILES_H

#include "batch_settings.h"
#include "exam_err.h"
#include "exam_limits.h"
#include "options.h"
#include "paper_file.h"
#include "problems.h"
#include "roster_file.h"

/* The places of the texts; papers from IMPORT_PAPERS on. */
enum { IMPORT_SETTINGS, IMPORT_ROOMS, IMPORT_ROSTER, IMPORT_PAPERS };
enum { IMPORT_TEXTS_MAX = IMPORT_PAPERS + PAPERS_MAX, IMPORT_NAME_BYTES = 16 };

struct import_text {
    const char *path;             /* of a file; NULL: it came in a package */
    char name[IMPORT_NAME_BYTES]; /* in a package */
    char *bytes;                  /* heap; NULL: none */
    size_t n;
};

struct import_texts {
    struct import_text at[IMPORT_TEXTS_MAX];
    size_t n;
};

/* batch.json, rooms.csv, roster.csv, papers/001.json ...: the only names in a package, in this
 * order. i < IMPORT_TEXTS_MAX. */
void import_text_name(size_t i, char out[IMPORT_NAME_BYTES]);
/* The most bytes that the text of that place may have. */
size_t import_text_bytes_max(size_t i);
void import_texts_wipe(struct import_texts *t);

struct import_files {
    struct batch_settings settings;
    struct import_texts texts;
    struct room_list rooms;
    struct roster roster;
    struct paper papers[PAPERS_MAX];
    size_t papers_n;
    struct problems problems;
};

/* Zeroed, on the heap. NULL: no memory. */
struct import_files *import_files_new(void);
void import_files_free(struct import_files *f); /* NULL is allowed */

/* The files and settings that the options name. What is wrong is in f->problems. EXAM_NOT_FOUND,
 * EXAM_IO, EXAM_TOO_BIG, EXAM_NOMEM. */
EXAM_MUST_USE exam_err import_files_load(const struct options *o, struct import_files *f);
/* Reads the texts that are there. EXAM_INVALID: f->problems say what is wrong; EXAM_NOMEM. */
EXAM_MUST_USE exam_err import_files_check(struct import_files *f);

/* The text at that place as the parsers want it. */
struct source_text import_files_source(const struct import_files *f, size_t i);

/* Both of the above, with the mistakes told on stderr and then "nothing was <done>". */
enum exit_code import_files_take(const struct options *o, const char *done, struct import_files *f);
/* The telling alone, for what import_files_check has returned. */
enum exit_code import_files_report(const struct import_files *f, exam_err err, const char *done);

#endif
