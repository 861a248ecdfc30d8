/* results.h - a batch's accounts and answers at one instant, as the serving primary gives them to
 * an administrator (admin.proto, Results). Single-threaded, heap. */
#ifndef DRILL_RESULTS_H
#define DRILL_RESULTS_H

#include "stage.h"

struct result_answer {
    char item[NAME_BYTES_MAX + 1];
    uint8_t value[ANSWER_BYTES_MAX];
    size_t value_bytes;
    bool late;
};

struct result {
    bool known;
    char state[16], finish[16];
    char seat[NAME_BYTES_MAX + 1];
    uint64_t allot_ms, used_ms, left_ms, lost_ms;
    int64_t grants_ms;
    struct result_answer *answers;
    uint32_t answers_n, answers_max;
};

struct results {
    struct result *of; /* by sitting of the drill; NULL: nothing has been asked */
    bool *asked;       /* by batch */
    uint32_t sittings_n;
};

/* The account of one sitting; the whole batch is asked for at the first question of an instant.
 * Errors: those of stage_ask; EXAM_NOT_FOUND the node does not tell of it. */
EXAM_MUST_USE exam_err results_of(struct results *r, struct stage *s, uint32_t sitting,
                                  const struct result **out, struct office_refusal *why);
/* NULL: the sitting has no answer to this item. */
const struct result_answer *results_answer(const struct result *of, const char *item);
/* The instant is over. */
void results_clear(struct results *r);

#endif
