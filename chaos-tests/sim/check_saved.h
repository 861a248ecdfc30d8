/* check_saved.h - what has become of every answer: who took it, who was told that it is saved, on
 * which disks it lies, and which of these a fault has destroyed (A1, A2, A3, D1, D2, D3).
 * Pure. Stands apart from the world: whoever watches it tells what was seen, and asks here whether
 * that may be.
 *
 * A place is a disk: a node's (log and dead branches alike) or a seat's journal. An answer that was
 * once seen at a place is held there until a fault destroys it: whoever discards it of his own
 * accord has lost it. */
#ifndef SIM_CHECK_SAVED_H
#define SIM_CHECK_SAVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exam_limits.h"

enum { SAVED_ANSWERS_MAX = 512, SAVED_PLACES_MAX = 32, SAVED_NONE = -1 };

/* Where an answer stands in A3's order. */
struct saved_version {
    uint64_t epoch, lsn; /* of the attachment */
    uint64_t seq;
};

struct saved_answer {
    uint32_t candidate, item, seat;
    struct saved_version version;
    uint64_t at_ms;
    bool solo, dual;           /* somebody was told so */
    bool refused;              /* it need not count: made after the finish (T10), for instance */
    uint32_t seen;             /* places, a bit each: it was there once */
    uint32_t held;             /* ... and no fault has destroyed it there */
    uint64_t heard[NODES_MAX]; /* by node: the epoch known there before it came (D3) */
};

struct saved {
    uint32_t nodes_n; /* the first places; seats follow */
    uint32_t n;
    bool twins; /* two epochs have had one number: A3 does not order their attachments */
    struct saved_answer answers[SAVED_ANSWERS_MAX];
};

void saved_init(struct saved *s, uint32_t nodes_n);
/* A seat has taken it. Returns its number; SAVED_NONE: no more room, nobody is to make another. */
int saved_made(struct saved *s, const struct saved_answer *a);

/* It lies at that place; of a node: the highest epoch known there before. */
void saved_seen(struct saved *s, uint32_t answer, uint32_t place, uint64_t epoch_heard);
/* A fault has destroyed what that place held of it, or all that the place held. */
void saved_destroyed(struct saved *s, uint32_t answer, uint32_t place);
void saved_place_destroyed(struct saved *s, uint32_t place);
/* The seat has thrown its journal away, as that node told it (P6, collected; T11). It may, of what
 * a node holds, and of what the one that told it had: that disk may be lost while the word is on
 * its way. */
void saved_discarded(struct saved *s, uint32_t seat_place, uint32_t told_by);

/* Somebody was told that it is saved, by the primary of that epoch. False: it was not (D1), or not
 * by who may say so (D3). */
bool saved_told(struct saved *s, uint32_t answer, bool dual, uint64_t epoch, char *what,
                size_t what_bytes);

/* Which of two is the later one (A3): below 0, 0, above 0. */
int saved_version_compare(const struct saved_version *a, const struct saved_version *b);
/* The version of that item which must count in the end, when everything has been delivered: the
 * latest of those that are held (A2, A3). SAVED_NONE: none. */
int saved_expected(const struct saved *s, uint32_t candidate, uint32_t item);
/* True when `found` (an answer's number, SAVED_NONE: none) is what must count. */
bool saved_counts(const struct saved *s, uint32_t candidate, uint32_t item, int found, char *what,
                  size_t what_bytes);

#endif
