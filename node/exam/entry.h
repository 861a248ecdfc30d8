/* entry.h - the state as entries: a key that sorts and a value that is the same bytes on every
 * machine (D4).
 * Pure; internal to node/exam. A key is the kind (1 byte), the number (4, big-endian) and, of a
 * paper's text, the piece (4). Their order is the order in which a load can take them in. */
#ifndef EXAM_ENTRY_H
#define EXAM_ENTRY_H

#include "bytes.h"
#include "exam_state.h"

enum { ENTRY_KEY_BYTES_MAX = 9, ENTRY_VERSION = 4 };

enum entry_kind {
    ENTRY_SITE = 1,
    ENTRY_ROOM,
    ENTRY_PAPER,
    ENTRY_PAPER_TEXT,
    ENTRY_BATCH,
    ENTRY_ROSTER,
    ENTRY_ACCOUNT,
    ENTRY_ANSWERS,
    ENTRY_INCIDENT, /* before the interruptions, which point to it */
    ENTRY_PAUSE,
    ENTRY_INTERRUPTIONS,
};

struct entry {
    enum entry_kind kind;
    uint32_t no;    /* of the room, paper, batch, sitting, incident or pause; 0: the site's */
    uint32_t piece; /* of a paper's text, PAPER_CHUNK_BYTES_MAX each */
};

size_t entry_key_put(const struct entry *e, uint8_t out[ENTRY_KEY_BYTES_MAX]);
/* False: no key of this kind. */
bool entry_key_get(const uint8_t *key, size_t key_bytes, struct entry *out);
/* False: the entry has nothing to say (no answers, no interruptions), so there is none. */
bool entry_exists(const exam *x, const struct entry *e);
/* The value, to an empty buffer whose `failed` tells of missing memory. Requires entry_exists. */
void entry_value_put(const exam *x, const struct entry *e, struct bytes_out *out);
uint32_t entry_pieces(const struct paper *p);

#endif
