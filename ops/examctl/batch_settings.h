/* batch_settings.h - what is decided about a batch when it is imported, beside its files.
 * Pure. As text it is JSON, the member batch.json of a sealed package (package_archive.h):
 *   {"format":"shunyan-batch-1","batch":"B1","title":"...","allot_ms":0,"grace_ms":0,
 *    "entry_wall_ms":0,"timing":"common|personal"} */
#ifndef EXAMCTL_BATCH_SETTINGS_H
#define EXAMCTL_BATCH_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

#include "event.pb-c.h"
#include "exam_err.h"
#include "exam_limits.h"

enum { BATCH_SETTINGS_BYTES_MAX = 4096 };

struct batch_settings {
    char batch[NAME_BYTES_MAX + 1];
    char title[TITLE_BYTES_MAX + 1];
    uint64_t allot_ms, grace_ms; /* 0: the paper's minutes, the node's default */
    int64_t entry_wall_ms;       /* Unix time; 0: not planned */
    Ev__Timing timing;
};

/* EXAM_NOMEM. *n bytes and a NUL. */
EXAM_MUST_USE exam_err batch_settings_format(const struct batch_settings *s,
                                             char out[BATCH_SETTINGS_BYTES_MAX], size_t *n);
/* EXAM_MALFORMED no such JSON; EXAM_VERSION of another format; EXAM_INVALID a value is wrong;
 * EXAM_TOO_BIG. `out` is untouched by errors. */
EXAM_MUST_USE exam_err batch_settings_parse(const char *text, size_t n, struct batch_settings *out);

#endif
