/* closing.h - every sitting of a batch that is not finished ends now (T10): it is collected, or the
 * batch is postponed (T13).
 * Pure; internal to node/exam. */
#ifndef EXAM_CLOSING_H
#define EXAM_CLOSING_H

#include "decide.h"

struct closing {
    const struct decision *d;
    uint32_t batch;
    struct pack credited, paused, closed, absent;
};

/* `closed`: how those end that have been signed in to; `absent`: the others. EXAM_NOMEM. */
EXAM_MUST_USE exam_err closing_init(struct closing *k, const struct decision *d, uint32_t batch,
                                    Ev__Finish closed, Ev__Finish absent);
void closing_emit(struct closing *k);

#endif
