#include "verdict.h"

#include <stdlib.h>
#include <string.h>

void verdict_fini(struct verdict *v)
{
    for (uint32_t i = 0; i < v->failed; i++)
        free(v->failures[i].found);
    free(v->failures);
    *v = (struct verdict){0};
}

void verdict_pass(struct verdict *v)
{
    v->passed++;
}

void verdict_fail(struct verdict *v, uint32_t line, const char *statement, const char *found)
{
    if (v->failed == v->failures_max) {
        uint32_t max = v->failures_max ? 2 * v->failures_max : 16;
        struct failure *p = realloc(v->failures, max * sizeof *p);
        if (!p)
            abort();
        v->failures = p;
        v->failures_max = max;
    }
    struct failure *f = &v->failures[v->failed++];
    *f = (struct failure){.line = line, .statement = statement, .found = strdup(found)};
    if (!f->found)
        abort();
}
