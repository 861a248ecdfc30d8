/* salvage_signed.h - what servers have signed (checkpoint.h), as it is found in damaged files:
 * whatever a signed hash covers was not changed, and a stretch of records that reaches one is
 * proven by it, though the chain from the first record on is broken (D8). Shell (memory: ends the
 * process when there is none). */
#ifndef EXAMREPLAY_SALVAGE_SIGNED_H
#define EXAMREPLAY_SALVAGE_SIGNED_H

#include <stdbool.h>

#include "checkpoint.h"

struct salvage_signed {
    struct checkpoint *at; /* by LSN, once settled */
    size_t n, max;
    bool checked;    /* each is good by the site's roster */
    uint64_t forged; /* that were not */
};

/* Takes an entry of a page, if it is a checkpoint under its own key. */
void salvage_signed_add(struct salvage_signed *s, const uint8_t *key, size_t key_bytes,
                        const uint8_t *value, size_t value_bytes);
/* Once all are there. `roster` NULL: signatures are not checked. */
void salvage_signed_settle(struct salvage_signed *s, const struct key_roster *roster);
void salvage_signed_fini(struct salvage_signed *s);

/* Who has signed this record, as it is; NULL: nobody. */
const struct checkpoint *salvage_signed_of(const struct salvage_signed *s, const struct record *r);
/* Who has signed the record before it, which this one continues; NULL: nobody. */
const struct checkpoint *salvage_signed_before(const struct salvage_signed *s,
                                               const struct record *r);

#endif
