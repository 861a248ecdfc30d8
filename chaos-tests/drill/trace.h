/* trace.h - tells what happens in a drill, one line an event, for an invigilator to read:
 * instant, who, what.
 * Shell: writes to a stream. */
#ifndef DRILL_TRACE_H
#define DRILL_TRACE_H

#include <stdio.h>

#include "oplog.h"
#include "sim_seat.h"

struct trace {
    FILE *out;
    uint64_t zero_ms; /* world time of the drill's 0:00 */
};

void trace_begin(struct trace *t, uint64_t zero_ms);
/* now_ms: the world's. */
void trace_line(struct trace *t, uint64_t now_ms, const char *who, const char *what);
void trace_seat(struct trace *t, uint64_t now_ms, const struct sim_seat *s,
                const struct seat_event *e);
void trace_node(struct trace *t, uint64_t now_ms, const char *node, enum oplog_level level,
                const char *event, const struct oplog_field *fields);

#endif
