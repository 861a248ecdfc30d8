#include "findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

void findings_explain(struct findings *f, const char *text)
{
    if (f->n == 0 || f->n != f->kept_n || text[0] == '\0')
        return;
    char *last = f->kept[f->kept_n - 1].text;
    size_t n = strlen(last);
    snprintf(last + n, FINDING_BYTES - n, "; %s", text);
}
