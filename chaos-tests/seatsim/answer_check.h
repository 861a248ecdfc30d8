/* answer_check.h - are all acknowledged answers in the exported result (A2)?
 * Shell (reads two files). Owned by the caller, freed by answer_check_free().
 *
 * For each candidate and item the last acknowledged answer counts. An answer that was taken back
 * (empty value) must be absent from the result, or empty there. An answer in the result that was
 * never acknowledged is no fault: it may have been durable before its acknowledgement was lost. But
 * then it must be a newer one of that seat: the sequence number tells. */
#ifndef SEATSIM_ANSWER_CHECK_H
#define SEATSIM_ANSWER_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "exam_err.h"

struct answer_check;

struct answer_check_figures {
    uint64_t acknowledged; /* candidates' items with an acknowledged answer */
    uint64_t found;        /* of them, those that the result has with this value, or a newer one */
    uint64_t newer;        /* of those found, the ones with a newer value than acknowledged */
    uint64_t missing;
    uint64_t different;
};

EXAM_MUST_USE exam_err answer_check_new(struct answer_check **out);
void answer_check_free(struct answer_check *c);

struct answer_note {
    const char *admission_no, *item, *value; /* copied */
    uint64_t made; /* counts this candidate's answers, at whatever seat (A3: the latest one wins) */
    uint64_t seq;  /* of the session that it was made in */
};
/* Notes an acknowledged answer. One that was made later replaces an earlier one of the same
 * candidate and item, in whatever order they were acknowledged. EXAM_NOMEM. */
EXAM_MUST_USE exam_err answer_check_note(struct answer_check *c, const struct answer_note *n);
/* The same from a file that seatsim wrote with --acked. Errors as table_file_read(). */
EXAM_MUST_USE exam_err answer_check_note_file(struct answer_check *c, const char *path, char *why,
                                              size_t why_bytes);

/* Compares with what `examctl results --answers` wrote; may be called once. A line on `say` (may be
 * NULL) for each of the first ten faults. Errors as table_file_read(). */
typedef void (*answer_check_say)(void *ctx, const char *text);
EXAM_MUST_USE exam_err answer_check_compare(struct answer_check *c, const char *path,
                                            answer_check_say say, void *ctx,
                                            struct answer_check_figures *out, char *why,
                                            size_t why_bytes);

#endif
