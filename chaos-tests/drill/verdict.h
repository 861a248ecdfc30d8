/* verdict.h - what held in a drill and what did not.
 * Pure but for the heap. */
#ifndef DRILL_VERDICT_H
#define DRILL_VERDICT_H

#include <stdint.h>

#include "drill.h"

struct failure {
    uint32_t line;         /* 0: at the end of the drill, by a check of all accounts and nodes */
    const char *statement; /* of the drill; "" with line 0 */
    char *found;
};

struct verdict {
    uint32_t passed, failed;
    struct failure *failures;
    uint32_t failures_max;
};

void verdict_fini(struct verdict *v);
void verdict_pass(struct verdict *v);
/* Ends the process when there is no memory. */
void verdict_fail(struct verdict *v, uint32_t line, const char *statement, const char *found);

#endif
