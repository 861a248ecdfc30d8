/* journal_mem.h - a seat's journal in memory: the disk of a simulated PC.
 * Pure, but for the heap. As journal.h: a record is durable when it was appended durably, and so is
 * every record before it; others are buffered. A power cut loses all that is buffered (the real one
 * may lose less), the end of a program loses nothing.
 *
 * Marks and positions that a later mark makes void are dropped, or three hours of heartbeats would
 * fill the memory: what a replay makes of the rest is the same (seat_core.h). */
#ifndef SIM_JOURNAL_MEM_H
#define SIM_JOURNAL_MEM_H

#include "journal_record.h"

struct journal_list {
    struct seat_record *records; /* texts and values of their own */
    size_t n, max;
};

struct journal_mem {
    struct journal_list durable, buffered;
};

void journal_mem_init(struct journal_mem *j);
void journal_mem_fini(struct journal_mem *j);

/* EXAM_NOMEM. */
EXAM_MUST_USE exam_err journal_mem_append(struct journal_mem *j, const struct seat_record *r,
                                          bool durable);
/* The action `seq` of the newest session; lives until the next append. EXAM_NOT_FOUND. */
EXAM_MUST_USE exam_err journal_mem_find(const struct journal_mem *j, uint64_t seq,
                                        struct seat_record *out);
/* Tells every record, in order. */
void journal_mem_replay(const struct journal_mem *j,
                        void (*each)(void *ctx, const struct seat_record *r), void *ctx);

void journal_mem_power_cut(struct journal_mem *j);
/* The disk is gone, or an empty journal takes the place of this one. */
void journal_mem_wipe(struct journal_mem *j);

#endif
