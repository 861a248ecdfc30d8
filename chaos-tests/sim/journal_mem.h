/* journal_mem.h - a seat's journal in memory: the disk of a simulated PC.
 * Pure, but for the heap. As journal.h: a record is durable when it was appended durably, and so is
 * every record before it; others are buffered. A power cut loses all that is buffered, or what of
 * it lies after any byte; the end of a program loses nothing.
 *
 * Marks and positions that a later mark makes void are dropped, or three hours of heartbeats would
 * fill the memory: what a replay makes of the rest is the same (seat_core.h). */
#ifndef SIM_JOURNAL_MEM_H
#define SIM_JOURNAL_MEM_H

#include "journal_record.h"

/* What meets a write. */
enum sim_journal_fault {
    SIM_JOURNAL_OK,
    SIM_JOURNAL_FULL,    /* EXAM_FULL: it is not in the journal */
    SIM_JOURNAL_IO_LOST, /* EXAM_IO: it is not in the journal after the next start, */
    SIM_JOURNAL_IO_KEPT, /* or it is; until then every write fails (journal.h) */
    SIM_JOURNAL_FAULTS,
};

struct journal_mem {
    struct seat_record *records; /* texts and values of their own */
    size_t n, max, durable_n;    /* those from durable_n on are buffered */
    uint64_t fail_in;            /* writes; 0: none fails */
    enum sim_journal_fault fault;
    uint64_t met[SIM_JOURNAL_FAULTS];
    bool failed; /* EXAM_IO until the owner has opened it again, and clears this */
};

void journal_mem_init(struct journal_mem *j);
void journal_mem_fini(struct journal_mem *j);

/* EXAM_NOMEM; EXAM_FULL, EXAM_IO: a fault. */
EXAM_MUST_USE exam_err journal_mem_append(struct journal_mem *j, const struct seat_record *r,
                                          bool durable);
/* The action `seq` of the newest session; lives until the next append. EXAM_NOT_FOUND. */
EXAM_MUST_USE exam_err journal_mem_find(const struct journal_mem *j, uint64_t seq,
                                        struct seat_record *out);
/* Tells every record, in order. */
void journal_mem_replay(const struct journal_mem *j,
                        void (*each)(void *ctx, const struct seat_record *r), void *ctx);

/* Bytes that are not durable, as journal_record.h stores them. */
size_t journal_mem_buffered_bytes(const struct journal_mem *j);
/* Of those only the first `bytes` were on the disk: a record that is torn is none. What is left is
 * durable. How many records were lost. */
size_t journal_mem_power_cut(struct journal_mem *j, size_t bytes);
/* The disk is gone, or an empty journal takes the place of this one. */
void journal_mem_wipe(struct journal_mem *j);

#endif
