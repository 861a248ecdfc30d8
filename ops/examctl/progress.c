#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "monotonic.h"

enum { FIRST_SHOWN_MS = 1000, SHOWN_EVERY_MS = 200 };

void progress_begin(struct progress *p, const char *what, uint64_t total)
{
    *p = (struct progress){.what = what, .total = total, .shown_ms = monotonic_now_ms()};
    p->enabled = isatty(STDERR_FILENO) == 1;
}

void progress_step(struct progress *p, uint64_t n)
{
    uint64_t now_ms;

    p->done += n;
    if (!p->enabled)
        return;
    now_ms = monotonic_now_ms();
    if (now_ms - p->shown_ms < (p->shown ? SHOWN_EVERY_MS : FIRST_SHOWN_MS))
        return;
    p->shown = true;
    p->shown_ms = now_ms;
    if (p->total > 0)
        fprintf(stderr, "\r\033[K%s: %" PRIu64 " of %" PRIu64, p->what, p->done, p->total);
    else
        fprintf(stderr, "\r\033[K%s: %" PRIu64, p->what, p->done);
    fflush(stderr);
}

void progress_end(struct progress *p)
{
    if (p->shown)
        fputs("\r\033[K", stderr);
    p->shown = false;
}
