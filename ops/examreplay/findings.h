/* findings.h - what is wrong with a log, each at its place.
 * Pure. The first ones are kept, the others counted: one rotten page may be a thousand findings. */
#ifndef EXAMREPLAY_FINDINGS_H
#define EXAMREPLAY_FINDINGS_H

#include <stddef.h>
#include <stdint.h>

enum { FINDINGS_MAX = 20, FINDING_BYTES = 512 };

struct finding {
    uint64_t lsn;    /* 0: of no record */
    uint64_t branch; /* 0: of the log */
    char text[FINDING_BYTES];
};

struct findings {
    struct finding kept[FINDINGS_MAX];
    size_t kept_n;
    uint64_t n;
};

__attribute__((format(printf, 3, 4))) void findings_add(struct findings *f, uint64_t lsn,
                                                        const char *format, ...);
/* The same of a record of a dead branch. */
__attribute__((format(printf, 4, 5))) void
findings_add_branch(struct findings *f, uint64_t branch, uint64_t lsn, const char *format, ...);

/* Says more about the one that was added last, if it was kept. */
void findings_explain(struct findings *f, const char *text);

#endif
