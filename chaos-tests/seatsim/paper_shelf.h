/* paper_shelf.h - papers that seats have fetched, each read once: all seats with the same paper
 * share its items. Pure but for the heap. One thread. Owned by the caller, freed by
 * paper_shelf_free(). */
#ifndef SEATSIM_PAPER_SHELF_H
#define SEATSIM_PAPER_SHELF_H

#include <stddef.h>
#include <stdint.h>

#include "paper_items.h"

enum { SHELF_PAPERS_MAX = 64 };

struct paper_shelf {
    struct {
        uint8_t digest[HASH_BYTES];
        struct paper_items items;
    } paper[SHELF_PAPERS_MAX];
    uint32_t papers_n;
};

/* One seat's copy while its parts come in. */
struct paper_copy {
    uint8_t *bytes;
    size_t n;
    uint32_t total;
};

void paper_shelf_free(struct paper_shelf *shelf);
/* NULL: not there. */
const struct paper_items *paper_shelf_find(const struct paper_shelf *shelf,
                                           const uint8_t digest[HASH_BYTES]);
/* Takes the next part in. EXAM_MALFORMED: out of order or too long; EXAM_NOMEM. */
EXAM_MUST_USE exam_err paper_copy_add(struct paper_copy *c, uint32_t offset, uint32_t total,
                                      const uint8_t *part, size_t part_bytes);
void paper_copy_drop(struct paper_copy *c);
/* Reads the whole copy, which has this digest, and drops it. Errors as paper_items_read(), and
 * EXAM_FULL. */
EXAM_MUST_USE exam_err paper_shelf_put(struct paper_shelf *shelf, const uint8_t digest[HASH_BYTES],
                                       struct paper_copy *c, const struct paper_items **out);

#endif
