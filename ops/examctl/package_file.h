/* package_file.h - a sealed package (P2) as a file: made from an import's files, and read into the
 * same.
 * Shell: reads and writes files, asks for the password. Errors are told on stderr, with the file's
 * name. Not thread-safe. sodium_init has been called.
 *
 * What was sealed is only ever in this process's memory, of which there is no core file, and is
 * wiped by import_files_free. */
#ifndef EXAMCTL_PACKAGE_FILE_H
#define EXAMCTL_PACKAGE_FILE_H

#include "import_files.h"
#include "key_roster.h"
#include "package_open.h"
#include "package_seal.h"
#include "password.h"

/* Writes the file, whole or not at all. */
enum exit_code package_file_make(const char *path, const struct package_order *order,
                                 const struct import_files *f);

struct package_file {
    const char *path;
    struct package_open package; /* its header, and so on */
};

/* Opens it and reads the header, which is not to be believed yet. Close it in any case. */
enum exit_code package_file_open(const char *path, struct package_file *f);
/* The signature, and, with a roster, whose it is. `why` is left in f->package.why, and not told. */
EXAM_MUST_USE exam_err package_file_verify(struct package_file *f, const struct key_roster *roster);
/* The texts, checked as the files of an import are. Requires verify. EXIT_CODE_REFUSED: that is not
 * its password, or none was given. */
enum exit_code package_file_read(struct package_file *f, const struct password_source *password,
                                 struct import_files *out);
void package_file_close(struct package_file *f);

/* All of it, for an import: this site's, by the exam office, and of the batch that was asked for if
 * one was (o->batch). */
enum exit_code package_file_import(const struct options *o, struct import_files *out);

/* Tells f->package.why, unless err is EXAM_OK. */
enum exit_code package_file_report(const struct package_file *f, exam_err err);

enum { PACKAGE_MADE_BYTES = 32 };
/* "2026-05-16 10:30", by this machine's calendar. */
void package_made_format(int64_t wall_ms, char out[PACKAGE_MADE_BYTES]);

#endif
