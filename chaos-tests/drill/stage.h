/* stage.h - a drill's site, built in a simulated world and ready for 0:00; and its candidates.
 * Single-threaded, heap. Everything is set up as at a real site: the first node is founded, the
 * second joins it, the batches are imported through the administrators' endpoint, every PC is
 * switched on (P3). */
#ifndef DRILL_STAGE_H
#define DRILL_STAGE_H

#include "drill.h"
#include "office.h"
#include "trace.h"
#include "world.h"

struct stage {
    const struct drill *d;
    struct world *w;
    struct trace *trace; /* NULL: nobody watches */
    uint64_t zero_ms;    /* the world's time at the drill's 0:00 */
    uint64_t zero_site_ms;
    uint32_t *sits_at;          /* by sitting: the seat where the candidate is */
    struct office_refusal last; /* of an answer or a submission that a node refused; code 0: none */
};

/* On failure *why says what could not be set up. `stage` must not move afterwards. */
EXAM_MUST_USE exam_err stage_open(struct stage *s, const struct drill *d, struct trace *trace,
                                  struct office_refusal *why);
void stage_close(struct stage *s);

/* Everything that is due by itself up to the drill's instant at_ms. */
void stage_run(struct stage *s, uint64_t at_ms);

/* Asks the serving primary with the highest epoch. EXAM_NOT_PRIMARY: none serves. */
EXAM_MUST_USE exam_err stage_ask(struct stage *s, Admin__Request *m,
                                 void (*each)(void *ctx, const Admin__Reply *r), void *ctx,
                                 struct office_refusal *why);

EXAM_MUST_USE exam_err stage_refuse(struct office_refusal *why, exam_err code, const char *text);

#endif
