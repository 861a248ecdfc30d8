/* oplog.h - the operator's log: one logfmt line an event on standard error.
 * Shell. For the loop thread. Keys are literals; values are quoted and escaped where they need it,
 * so that a hostile name cannot forge a line. Never give it an ID number or an answer. */
#ifndef EXAM_OPLOG_H
#define EXAM_OPLOG_H

#include <stdint.h>

enum oplog_level { OPLOG_ERROR, OPLOG_WARN, OPLOG_INFO, OPLOG_DEBUG };

struct oplog_field {
    const char *key; /* NULL ends the list */
    enum { OPLOG_TEXT, OPLOG_UINT } type;
    const char *text;
    uint64_t number;
};

#define OPLOG_S(k, v) ((struct oplog_field){.key = (k), .type = OPLOG_TEXT, .text = (v)})
#define OPLOG_U(k, v) ((struct oplog_field){.key = (k), .type = OPLOG_UINT, .number = (v)})

/* `node` is put on every line from now on. */
void oplog_open(const char *node, enum oplog_level threshold);
void oplog_write(enum oplog_level level, const char *event, const struct oplog_field *fields);

/* oplog(OPLOG_INFO, "promoted", OPLOG_U("epoch", 2), OPLOG_S("who", who)) */
#define oplog(level, event, ...)                                                                   \
    oplog_write(level, event, (struct oplog_field[]){__VA_ARGS__ __VA_OPT__(, ){.key = NULL}})

#endif
