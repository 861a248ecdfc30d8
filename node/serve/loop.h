/* loop.h - examnode as a process: a node on real parts (LMDB, NNG, libuv) until it is told to stop.
 * Shell. Called once. */
#ifndef EXAM_LOOP_H
#define EXAM_LOOP_H

#include <stddef.h>

#include "config.h"
#include "exam_err.h"

/* Opens everything and serves until SIGTERM, SIGINT or a failure. EXAM_OK: stopped in order. On a
 * failure to start `why` says what to do; the process is to end by _exit, because NNG's threads may
 * still be there. `version`: of the program, for monitors. Errors: those of store_open, node_open
 * and node_failure. */
EXAM_MUST_USE exam_err loop_serve(const struct config *config, const char *version, char *why,
                                  size_t why_bytes);

#endif
