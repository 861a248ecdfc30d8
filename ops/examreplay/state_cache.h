/* state_cache.h - where the states of long logs are kept when nobody has named a file: one file a
 * log, by its site's secret and its last record's hash, in $XDG_CACHE_HOME/shunyan/examreplay
 * (~/.cache/... without it), which is the user's own alone (0700). The files that were not used for
 * longest go when there are too many; all of them may be removed at any time. Shell. */
#ifndef EXAMREPLAY_STATE_CACHE_H
#define EXAMREPLAY_STATE_CACHE_H

#include "state_index.h"

enum { STATE_CACHE_PATH_BYTES = 4096, STATE_CACHE_FILES_MAX = 16 };

/* The file for the log of p (new, at no record), which may not exist yet; what exists counts as
 * used now. EXAM_NOT_FOUND: the user has no such folder, and none can be made, or it is open to
 * others; otherwise as state_index_key. */
EXAM_MUST_USE exam_err state_cache_path(struct replay *p, char path[STATE_CACHE_PATH_BYTES]);

#endif
