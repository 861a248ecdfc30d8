/* receipt_keep.h - keeps a candidate's receipt (D8) as a file beside the seat's journal, where it
 * outlives the journal. Shell. */
#ifndef EXAM_RECEIPT_KEEP_H
#define EXAM_RECEIPT_KEEP_H

#include "receipt.h"

enum { RECEIPT_PATH_BYTES = 512 };

/* Writes DIR/receipt-CANDIDATE-RECORD.txt, whole and durable, or nothing; the same one may be
 * there. `path` is its name, on failure too. EXAM_IO, EXAM_FULL; EXAM_TOO_BIG the folder's name. */
EXAM_MUST_USE exam_err receipt_keep(const char *dir, const struct receipt *r,
                                    char path[RECEIPT_PATH_BYTES]);

#endif
