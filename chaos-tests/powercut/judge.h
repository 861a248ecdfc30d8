/* judge.h - whether a data file, as a power cut left it, is what the store promises.
 * Shell: writes the file into a folder and opens it with the store itself. */
#ifndef EXAM_JUDGE_H
#define EXAM_JUDGE_H

#include "workload.h"

enum judgement {
    JUDGED_LAST,    /* exactly what was reported last */
    JUDGED_NEXT,    /* the commit that was under way, too: never reported, and whole */
    JUDGED_REFUSED, /* an honest refusal, before anything was reported */
    JUDGED_BROKEN,  /* a promise is broken */
    JUDGEMENTS,
};

enum { JUDGE_TEXT_BYTES = 512 };

struct judge_case {
    const char *dir; /* of its own; emptied */
    const uint8_t *file;
    size_t file_bytes;
    uint64_t seed;              /* of the workload */
    const struct content *last; /* reported last; NULL: nothing yet */
    const struct content *next; /* of the commit under way; NULL: none is */
    bool go_on;                 /* commit some more, open again, and look again */
};

/* `why`: what is broken (D1, D6, D8). */
enum judgement judge(const struct judge_case *c, char why[JUDGE_TEXT_BYTES]);

#endif
