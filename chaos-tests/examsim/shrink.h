/* shrink.h - plays histories in processes of their own, and makes a broken one short.
 * Shell: forks. A history that ends its process (an assertion of the service), or that never ends,
 * is broken like any other. */
#ifndef EXAMSIM_SHRINK_H
#define EXAMSIM_SHRINK_H

#include "history.h"

enum { HISTORY_SECONDS_MAX = 60 }; /* of real time; longer is a history that never ends */

/* Plays it in another process. `trace_path`: narrates into that file; NULL: nowhere. */
void shrink_play(const struct plan *p, const char *trace_path, struct verdict_of_history *v);

/* Leaves out acts as long as the same rule is still broken, for at most `seconds`. *p becomes the
 * shortest plan found, kept[i] the number that its i-th act had before. */
void shrink(struct plan *p, uint32_t kept[PLAN_ACTS_MAX], const struct violation *v,
            unsigned seconds);

#endif
