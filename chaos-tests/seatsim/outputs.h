/* outputs.h - what a run leaves behind: acknowledged answers as CSV, events as JSON lines.
 * Shell. Either may be closed (NULL path): writing is then a no-op. Errors are sticky and told once
 * by outputs_close. */
#ifndef SEATSIM_OUTPUTS_H
#define SEATSIM_OUTPUTS_H

#include <stdint.h>
#include <stdio.h>

#include "exam_err.h"
#include "swarm.h"

struct outputs {
    FILE *acked, *events;
};

/* Creates or empties the files. EXAM_IO, with a text on stderr. */
EXAM_MUST_USE exam_err outputs_open(struct outputs *o, const char *acked_path,
                                    const char *events_path);
/* Hands over what is buffered, so that others can watch the run. */
void outputs_flush(struct outputs *o);
/* EXAM_IO when any write since the opening failed. */
EXAM_MUST_USE exam_err outputs_close(struct outputs *o);

/* `made`: the number of the answer among all of this candidate's, at whatever seat. */
void outputs_acked(struct outputs *o, const struct swarm_seat *s, const char *item, uint64_t made,
                   uint64_t seq, const char *value, bool dual);

/* One line {"ms": wall clock, "event": name, "seat":, "admission_no":, ...}. `format` writes
 * further members, beginning with a comma; "" for none. */
void outputs_event(struct outputs *o, const struct swarm_seat *s, const char *name,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
