/* answer.h - the answers of one sitting: per item the version that counts (A3).
 * Pure. A slot an item, in the order of the paper; short values lie in the slot itself. Slots come
 * into being with the first answer. Every version is in the log; only the one that counts is here.
 */
#ifndef EXAM_ANSWER_H
#define EXAM_ANSWER_H

#include <stdbool.h>

#include "bytes.h"
#include "memory.h"
#include "name_index.h"

/* What can be answered: a paper's items, or, of a sitting without one, those answered so far. */
struct items {
    struct item {
        char *id, *subject;
        Ev__ItemKind kind;
    } * at;
    uint32_t n, cap;
    struct name_index index; /* id -> place + 1 */
};

void items_fini(struct items *s, const struct exam_memory *m);
/* Appends an item whose id is not there; its place. */
uint32_t items_add(struct items *s, const struct exam_memory *m, const char *id,
                   const char *subject, Ev__ItemKind kind);
/* False: no such item. */
bool items_find(const struct items *s, const char *id, uint32_t *place);

/* A3: the attachment under which an action was made (its epoch, then its place in the log), then
 * the session's own count. */
struct answer_version {
    uint64_t epoch, lsn, seq;
};
/* < 0: `a` is the earlier action. */
int answer_version_compare(const struct answer_version *a, const struct answer_version *b);

enum { ANSWER_INLINE_BYTES = 8 };

struct answer {
    struct answer_version version;
    uint64_t made_at_ms;
    union {
        uint8_t here[ANSWER_INLINE_BYTES];
        uint8_t *heap; /* of a longer value */
    } value;
    uint16_t value_bytes; /* 0: the candidate took the answer back; still a version */
    bool set, late;
};

struct answers {
    struct answer *slots;
    uint32_t slots_n;
    uint32_t given, late; /* that count: set and not taken back */
    uint32_t last;        /* the place that was put last; for answers_soon only */
};

void answers_fini(struct answers *s, const struct exam_memory *m);
const uint8_t *answer_value(const struct answer *a);
/* A3: puts the version in unless there is a later one. */
void answers_put(struct answers *s, const struct exam_memory *m, uint32_t place,
                 const struct answer_version *version, const uint8_t *value, size_t value_bytes,
                 uint64_t made_at_ms, bool late);

/* One more will be put soon, most likely after the last one: asks for the memory there. */
void answers_soon(const struct answers *s);

/* The value of a state entry: compact, as it is written for every sitting that answers. `own` is
 * NULL for a sitting with a paper. */
void answers_encode(const struct answers *s, const struct items *own, struct bytes_out *out);
/* `items_n` is the paper's, and is ignored with `own`, which is filled. EXAM_CORRUPT. */
EXAM_MUST_USE exam_err answers_decode(struct bytes_in *in, const struct exam_memory *m,
                                      uint32_t items_n, struct items *own, struct answers *out);

#endif
