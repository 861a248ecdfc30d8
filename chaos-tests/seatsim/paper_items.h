/* paper_items.h - the items of a paper as a simulated candidate needs them.
 * Reads bytes given by the caller; no file, no clock. Owned by the caller, freed by
 * paper_items_free(). Not thread-safe while it is being read. */
#ifndef SEATSIM_PAPER_ITEMS_H
#define SEATSIM_PAPER_ITEMS_H

#include <stddef.h>
#include <stdint.h>

#include "exam_err.h"
#include "exam_limits.h"

enum item_kind { ITEM_SINGLE, ITEM_MULTIPLE, ITEM_TRUE_FALSE };

struct item {
    char id[NAME_BYTES_MAX + 1];
    enum item_kind kind;
    uint8_t options; /* A, B, C ... */
};

struct paper_items {
    struct item *item;
    uint32_t n;
};

/* Reads a paper ("shunyan-paper-1"). EXAM_MALFORMED: no such paper, or one without items;
 * EXAM_TOO_BIG: over PAPER_ITEMS_MAX; EXAM_NOMEM. */
EXAM_MUST_USE exam_err paper_items_read(const uint8_t *bytes, size_t n, struct paper_items *out);
void paper_items_free(struct paper_items *p);

#endif
