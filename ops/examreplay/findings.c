#include "findings.h"

#include <stdarg.h>
#include <stdio.h>

static void add(struct findings *f, uint64_t branch, uint64_t lsn, const char *format, va_list args)
{
    f->n++;
    if (f->kept_n == FINDINGS_MAX)
        return;
    struct finding *kept = &f->kept[f->kept_n++];
    kept->branch = branch;
    kept->lsn = lsn;
    vsnprintf(kept->text, sizeof kept->text, format, args);
}

void findings_add(struct findings *f, uint64_t lsn, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(f, 0, lsn, format, args);
    va_end(args);
}

void findings_add_branch(struct findings *f, uint64_t branch, uint64_t lsn, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(f, branch, lsn, format, args);
    va_end(args);
}
