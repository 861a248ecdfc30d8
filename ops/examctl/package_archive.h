/* package_archive.h - the content of a sealed package: an import's texts as a tar archive
 * (libarchive), from memory to memory.
 * Pure but for memory. No name of an archive is ever a path: the members have the fixed names of
 * import_text_name, in that order, and everything else is refused, as are members that are no plain
 * files or are larger than such a file may be. Nothing is written to a disk. */
#ifndef EXAMCTL_PACKAGE_ARCHIVE_H
#define EXAMCTL_PACKAGE_ARCHIVE_H

#include <stddef.h>
#include <stdint.h>

#include "import_files.h"
#include "package_header.h"

/* Of all texts together. */
#define PACKAGE_TEXT_BYTES_MAX ((uint64_t)480 * 1024 * 1024)

struct package_sink {
    exam_err (*write)(void *ctx, const void *bytes, size_t n);
    void *ctx;
};
/* EXAM_TOO_BIG, EXAM_NOMEM, and what the sink returns. */
EXAM_MUST_USE exam_err package_archive_write(const struct import_texts *t,
                                             const struct package_sink *to);

struct package_source {
    exam_err (*read)(void *ctx, const uint8_t **bytes, size_t *n); /* *n = 0: the end */
    void *ctx;
};
/* Reads the source to its end. `out` is touched only when all of it is good; wipe it then.
 * EXAM_MALFORMED it is no such archive; EXAM_TOO_BIG; EXAM_NOMEM; and what the source returns, with
 * `why` left as it is. */
EXAM_MUST_USE exam_err package_archive_read(const struct package_source *from,
                                            struct import_texts *out, char why[PACKAGE_WHY_BYTES]);

#endif
