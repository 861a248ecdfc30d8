/* carried_mark.h - the mark that each acknowledgement gives to a seat, and that only the nodes can
 * have made (T12).
 * Pure. Bytes: version, sitting, epoch and its tag, when, used (big-endian), then a keyed BLAKE2b
 * of them under the site's key, which no seat ever gets. */
#ifndef EXAM_CARRIED_MARK_H
#define EXAM_CARRIED_MARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exam_limits.h"

enum { CARRIED_MARK_KEY_BYTES = 32, CARRIED_MARK_BYTES = 1 + 4 + 8 + 4 + 8 + 8 + 16 };

struct carried_mark {
    uint32_t sitting;
    uint64_t epoch, at_ms; /* when it was made, on the site's timeline: is it newer than another? */
    uint64_t used_ms;
    uint32_t epoch_tag; /* of its EpochBegan's hash: two nodes may have begun epochs of one number
                           (W1) */
};

void carried_mark_seal(const struct carried_mark *mark, const uint8_t key[CARRIED_MARK_KEY_BYTES],
                       uint8_t out[CARRIED_MARK_BYTES]);
/* False: not made under this key. */
bool carried_mark_open(const uint8_t *bytes, size_t n, const uint8_t key[CARRIED_MARK_KEY_BYTES],
                       struct carried_mark *out);

#endif
