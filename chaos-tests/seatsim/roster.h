/* roster.h - who sits where, from the roster file that the import used.
 * Shell (reads a file). Owned by the caller, freed by roster_free(). */
#ifndef SEATSIM_ROSTER_H
#define SEATSIM_ROSTER_H

#include <stddef.h>
#include <stdint.h>

#include "exam_err.h"
#include "exam_limits.h"

struct roster_row {
    char admission_no[NAME_BYTES_MAX + 1];
    char id_no[NAME_BYTES_MAX + 1];
    char seat[NAME_BYTES_MAX + 1];
};

struct roster {
    struct roster_row *row;
    uint32_t n;
};

/* Reads the columns admission_no, id_no and seat by the header's names. On failure `why` says what
 * is wrong, and where. EXAM_IO, EXAM_INVALID, EXAM_TOO_BIG (over SITTINGS_MAX), EXAM_NOMEM. */
EXAM_MUST_USE exam_err roster_read(const char *path, struct roster *out, char *why,
                                   size_t why_bytes);
void roster_free(struct roster *r);

#endif
