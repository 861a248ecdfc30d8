/* roster_memory.h - the newest roster that its owner has used: an older one is not believed again,
 * over restarts too, or whoever was revoked since would be let in.
 * The rule is keyring_remember's; here is where the number is kept. A node has a place of its own
 * (its store), seats and people a file. Not thread-safe. */
#ifndef EXAM_ROSTER_MEMORY_H
#define EXAM_ROSTER_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "key_file.h"

enum { ROSTER_MEMORY_BYTES_MAX = 512 };

/* Each authority's rosters count anew: a site that was made again begins with 1. */
struct roster_memory {
    /* 0: none of this authority's is known. */
    exam_err (*get)(void *ctx, const uint8_t authority[KEY_BYTES], uint64_t *version, char *why,
                    size_t why_bytes);
    /* Durable when it returns. */
    exam_err (*put)(void *ctx, const uint8_t authority[KEY_BYTES], uint64_t version, char *why,
                    size_t why_bytes);
    void *ctx;
};

/* In the file of that path, which lives longer. EXAM_IO: it cannot be read or written;
 * EXAM_CORRUPT: it is no such file; EXAM_NOMEM. */
struct roster_memory roster_memory_file(const char *path);

/* What such a file says. Pure. *version is 0 for another authority. EXAM_CORRUPT. */
EXAM_MUST_USE exam_err roster_memory_parse(const char *text, size_t n,
                                           const uint8_t authority[KEY_BYTES], uint64_t *version);

#endif
