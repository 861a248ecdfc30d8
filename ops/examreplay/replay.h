/* replay.h - reads a log from its first record on, and believes nothing: the chain is checked (D8),
 * every event decoded and checked, and its accounts follow from the exam core (D4). The folder's
 * state tables are not looked at. Shell over a store; single-threaded.
 *
 * Memory holds the state and one record: it does not grow with the length of the log. Without
 * memory the process ends with 70 and a message, as exam_apply must be total. */
#ifndef EXAMREPLAY_REPLAY_H
#define EXAMREPLAY_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "codec.h"
#include "exam.h"
#include "findings.h"
#include "store.h"

struct replay {
    store *s; /* the caller's */
    exam *x;
    uint64_t lsn; /* the last record that was proven and applied; 0: none */
    uint8_t hash[HASH_BYTES];
    uint64_t site_ms; /* of it */
    int64_t wall_ms, wall_first_ms;
    uint64_t *beyond_ms; /* of sitting s: beyond_ms[s], see replay_beyond_ms */
    size_t beyond_n;
    struct findings *findings;
    volatile uint64_t *reached; /* kept at `lsn`, for whoever is told that a page is damaged */
    struct arena arena;
    void *arena_block;
};

/* One record, as it is applied. */
struct replay_record {
    const struct record *r;
    const Ev__Event *event;
    uint64_t site_ms; /* on the site's timeline (exam.h) */
};

/* Either may be NULL. */
struct replay_hooks {
    void *ctx;
    bool (*wants)(void *ctx, const struct replay_record *at); /* before: false ends the replay */
    void (*seen)(void *ctx, const struct replay *p, const struct replay_record *at); /* after */
};

void replay_open(struct replay *p, store *s, struct findings *findings, volatile uint64_t *reached);
void replay_close(struct replay *p);

/* Goes on up to the record `last` (at most the log's), or to where `wants` ends it.
 * EXAM_CORRUPT: the next record, p->lsn + 1, is not what was written, or no event; nothing can be
 * proven after it, and the findings name it. Records that are what was written but do not fit what
 * came before them are findings, too, and do not end it. EXAM_IO. */
EXAM_MUST_USE exam_err replay_to(struct replay *p, uint64_t last, const struct replay_hooks *h);

/* By how much used + lost of the sitting was more than the time since its begin, when it attached
 * with a mark of another log (T12): it had begun on a branch that is dead, had been served there
 * for longer than this log knows, or while this one took the time for dark. 0: never. */
uint64_t replay_beyond_ms(const struct replay *p, uint32_t sitting);

#endif
