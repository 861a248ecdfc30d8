/* progress.h - how far a longer piece of work has come, for a person who watches.
 * Shell. Silent unless stderr is a terminal and the work takes over a second. */
#ifndef EXAMCTL_PROGRESS_H
#define EXAMCTL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *what;
    uint64_t total; /* 0: not known */
    uint64_t done;
    uint64_t shown_ms; /* when it was last shown, or the work began */
    bool enabled;
    bool shown;
};

void progress_begin(struct progress *p, const char *what, uint64_t total);
void progress_step(struct progress *p, uint64_t n);
void progress_end(struct progress *p); /* wipes the line */

#endif
