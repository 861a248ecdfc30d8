/* receipt_issue.h - a node's receipt for one candidate (receipt.h). Shell over the engine; loop
 * thread. To be sent only when the record that it names is durable, as everything else (D1). */
#ifndef EXAM_RECEIPT_ISSUE_H
#define EXAM_RECEIPT_ISSUE_H

#include "engine.h"
#include "keyring.h"

/* Of the state as it is, which is that after `at`; NULL: after the log's last record. The text is
 * out[0..*n). Errors: EXAM_REFUSED without keys; those of engine_read. */
EXAM_MUST_USE exam_err receipt_issue(struct engine *e, const struct keyring *keys, uint32_t sitting,
                                     const struct record *at, char out[RECEIPT_BYTES_MAX],
                                     size_t *n);

#endif
