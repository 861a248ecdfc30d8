/* receipts.h - what a log says a candidate has handed in, as a receipt (receipt.h). Pure readers of
 * the exam core; nodes sign it, whoever reads the log later reckons it again. */
#ifndef EXAM_RECEIPTS_H
#define EXAM_RECEIPTS_H

#include "exam.h"
#include "receipt.h"
#include "record.h"

/* All that follows from the log. `at` is the last record that has been applied; answers are taken
 * as they are stored, so nobody needs a key to reckon it. */
void receipt_of_sitting(const exam *x, uint32_t sitting, const struct record *at,
                        struct receipt *out);

#endif
