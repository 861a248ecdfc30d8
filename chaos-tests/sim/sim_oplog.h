/* sim_oplog.h - where the lines of oplog.h go in a simulation: to the world, not to standard error.
 * Single-threaded, of the whole process. */
#ifndef SIM_OPLOG_H
#define SIM_OPLOG_H

#include "oplog.h"

typedef void (*sim_oplog_fn)(void *ctx, enum oplog_level level, const char *event,
                             const struct oplog_field *fields);

/* NULL: nobody reads them. */
void sim_oplog_to(sim_oplog_fn to, void *ctx);

#endif
