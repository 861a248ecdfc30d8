/* watch.h - what is looked at in a history while it goes on: every event of a seat and a node as it
 * happens, and everything that lies on the disks and in the states at the end of a step.
 * Single-threaded. Only observes: the world is the same without it. */
#ifndef EXAMSIM_WATCH_H
#define EXAMSIM_WATCH_H

#include "history.h"

/* The callbacks for the world. */
void watch_seat(void *ctx, uint32_t seat, const struct seat_event *e);
void watch_node(void *ctx, uint32_t node, enum oplog_level level, const char *event,
                const struct oplog_field *fields);

/* After each step: who serves and what each knows (W1), what the disks hold, whether replicas agree
 * (D4) and accounts add up (section 5 of the rules). */
void watch_look(struct history *h);
/* The epochs that the nodes know of now: before anything follows from them. */
void watch_epochs(struct history *h);

/* The answer's number that a value names; SAVED_NONE. */
int watch_answer_of(const struct history *h, const uint8_t *value, size_t bytes);
bool watch_is_answer(const struct record *r);
/* The answer that this record holds; SAVED_NONE: none. */
int watch_answer_in(struct history *h, const struct record *r);
/* The last answer that this seat made under this number of its session; SAVED_NONE. */
int watch_answer_at(const struct history *h, uint32_t seat, uint64_t seq);

/* What the node that told it had in its log then is not in this node's. */
bool watch_is_apart(const struct history *h, uint32_t node, const struct told_at *told);

/* The number of the field that an encoded event begins with: its kind. */
uint32_t watch_kind_of(const struct record *r);

#endif
