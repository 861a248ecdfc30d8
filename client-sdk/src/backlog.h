/* backlog.h - the newest actions of a session, in memory of a fixed size.
 * Pure. The journal has them all; this holds the ones that are likely to be sent, acknowledged or
 * asked for next. When it is full the oldest give way: they are read from the journal when they are
 * needed. Actions are numbered without gaps. */
#ifndef EXAMSEAT_BACKLOG_H
#define EXAMSEAT_BACKLOG_H

#include "journal_record.h"

/* Who walks over the actions: each goes on where it stopped, so that walking costs nothing. */
enum backlog_walker { BACKLOG_SENDER, BACKLOG_SETTLER, BACKLOG_ASKER, BACKLOG_WALKERS };

struct backlog_place {
    uint64_t seq; /* 0: nowhere */
    uint32_t at;
};

struct backlog {
    uint8_t *ring;
    uint32_t ring_bytes;
    uint32_t head;                /* the oldest action */
    uint32_t tail;                /* where the next one goes */
    uint32_t wrap_at;             /* where the actions jump to 0, while tail <= head */
    uint64_t first_seq, last_seq; /* first_seq > last_seq: empty */
    struct backlog_place walkers[BACKLOG_WALKERS];
};

/* `ring` is the caller's, aligned to 8; it holds at least two of the largest actions. */
void backlog_init(struct backlog *b, void *ring, size_t ring_bytes);
void backlog_clear(struct backlog *b);

/* Takes the next action; old ones give way. A number that does not follow empties it first. */
void backlog_push(struct backlog *b, const struct seat_action *a);

/* The action `seq`, its item and value in the ring until the next push; at_ms is not kept (0).
 * *state is the caller's byte beside it, 0 after the push. False: not in memory. */
bool backlog_get(struct backlog *b, enum backlog_walker w, uint64_t seq, struct seat_action *out,
                 uint8_t **state);

#endif
