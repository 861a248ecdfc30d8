/* damage.h - LMDB has no checksums: a page that is cut off, or whose head has rotted, shows as a
 * signal. Shell; once a process, before a folder is opened. */
#ifndef EXAMREPLAY_DAMAGE_H
#define EXAMREPLAY_DAMAGE_H

#include <stdint.h>

/* Such a signal ends the process with 1, and a line that names the record after which it came.
 * `*reached` is kept by a replay (replay.h), and lives as long as the process. */
void damage_watch(const volatile uint64_t *reached);

#endif
