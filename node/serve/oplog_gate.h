/* oplog_gate.h - lines of the operator's log that a stranger can cause: so many a minute of each
 * kind, and how many more there were, so that whoever scans ports or floods cannot fill the disk.
 * For the loop thread. A gate is its owner's; all zero is a good one. */
#ifndef EXAM_OPLOG_GATE_H
#define EXAM_OPLOG_GATE_H

#include <stddef.h>
#include <stdint.h>

#include "oplog.h"

enum {
    OPLOG_GATE_LINES = 10, /* of a kind in */
    OPLOG_GATE_MS = 60000,
    OPLOG_GATE_KINDS = 64, /* at once; those beyond share one */
};

/* Lines of one event about one thing, since the first of them. */
struct oplog_gate_kind {
    char event[32];
    char about[40];
    uint64_t since_ms;
    uint64_t lines; /* 0: nothing is counted here */
    enum oplog_level level;
};

struct oplog_gate {
    struct oplog_gate_kind kinds[OPLOG_GATE_KINDS];
};

/* Writes the line, or counts it. `about` is what tells one kind of an event from another: an
 * endpoint, a seat of the site; never what a stranger can choose. */
void oplog_gate_write(struct oplog_gate *g, uint64_t now_ms, enum oplog_level level,
                      const char *event, const char *about, const struct oplog_field *fields);

#define oplog_gated(gate, now_ms, level, event, about, ...)                                        \
    oplog_gate_write(gate, now_ms, level, event, about,                                            \
                     (struct oplog_field[]){__VA_ARGS__ __VA_OPT__(, ){.key = NULL}})

/* Says how many lines were left out of the minutes that are over. Call it about once a second. */
void oplog_gate_sweep(struct oplog_gate *g, uint64_t now_ms);

#endif
