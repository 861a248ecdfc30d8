/* journal.h - a seat's journal: one append-only file that survives the program and the power.
 * Shell. One owner, one thread. One file a seat: <dir>/<seat>.journal, locked while it is open.
 *
 * A record is durable when journal_append(.., durable = true) has returned EXAM_OK, and so is every
 * record before it (T6, A2). Others are buffered: they are written with the next durable one, by
 * journal_flush, or when JOURNAL_BUFFER_BYTES of them have come together.
 *
 * At opening a torn end (a write that the power cut) is cut off and its bytes are kept aside as
 * <seat>.journal.torn.N. Damage before the end is never repaired: the file is kept aside as
 * <seat>.journal.damaged.N and EXAM_CORRUPT names it with the offset; opening again begins an empty
 * journal. No file is ever deleted but by journal_discard.
 *
 * With a key the values of the answers are sealed in the file (a candidate's PC is not a place of
 * trust), each for its file, item and place; without it the journal cannot be taken in, and is left
 * as it is. A journal that was begun plain stays so until it is discarded. */
#ifndef EXAMSEAT_JOURNAL_H
#define EXAMSEAT_JOURNAL_H

#include "journal_record.h"

enum {
    JOURNAL_BUFFER_BYTES = 4096,
    JOURNAL_WHY_BYTES = 512,
    JOURNAL_BYTES_MAX = 256 * 1024 * 1024,
    JOURNAL_KEY_BYTES = 32,
};

struct journal;

/* Gets every record of the file in order while journal_open runs; texts live until it returns.
 * Anything but EXAM_OK ends the opening with that error. */
typedef exam_err (*journal_replay_fn)(void *ctx, const struct seat_record *r);

struct journal_opened {
    bool created;        /* there was no journal of this seat */
    uint64_t records_n;  /* that were replayed */
    uint64_t torn_bytes; /* cut off the end; 0: it was whole */
};

/* Where a journal is, and what seals it. */
struct journal_place {
    const char *dir, *seat;
    const uint8_t *key; /* JOURNAL_KEY_BYTES, secret, of this seat alone; NULL: plain */
};

/* Opens or creates the journal of `seat` in the folder `dir`, which must exist.
 * Errors: EXAM_LOCKED (another program has it open), EXAM_CORRUPT (see above), EXAM_VERSION,
 * EXAM_OTHER_SITE (the file is another seat's), EXAM_AUTH (sealed with another key), EXAM_FULL,
 * EXAM_IO, EXAM_INVALID (seat's name), EXAM_NOT_FOUND (no such folder), EXAM_NOMEM, EXAM_SYSTEM, or
 * what `replay` returned. On failure *why (JOURNAL_WHY_BYTES) says what happened to which file, and
 * what to do. `how` may be NULL. */
EXAM_MUST_USE exam_err journal_open(const struct journal_place *place, journal_replay_fn replay,
                                    void *ctx, struct journal **out, struct journal_opened *how,
                                    char why[JOURNAL_WHY_BYTES]);

/* Closes the file and gives its lock up; writes what is buffered, without waiting for the disk. */
void journal_close(struct journal *j);

/* Appends one record. Errors: EXAM_FULL (no space: this record is not in the journal; earlier ones
 * are kept and written when there is space again), EXAM_TOO_BIG, EXAM_INVALID (nothing written),
 * EXAM_IO (the outcome is unknown, D6: from now on every call fails with it). */
EXAM_MUST_USE exam_err journal_append(struct journal *j, const struct seat_record *r, bool durable);

/* Hands what is buffered to the operating system, so that it survives the program (not the power).
 * Errors as journal_append. */
EXAM_MUST_USE exam_err journal_flush(struct journal *j);

/* The action number `seq` of the newest session; its item and value live until the next call with
 * this journal. Asking for rising numbers is cheap: the search goes on where it stopped.
 * EXAM_NOT_FOUND: no such action; EXAM_IO, EXAM_CORRUPT: it cannot be read. */
EXAM_MUST_USE exam_err journal_find(struct journal *j, uint64_t seq, struct seat_record *out);

/* Begins an empty journal in the place of this one: everything in it has been collected. With
 * `keep` the old file is kept aside as <seat>.journal.kept.N (some answer in it was never
 * acknowledged). Errors: the old journal is still there and goes on. */
EXAM_MUST_USE exam_err journal_discard(struct journal *j, bool keep);

/* Why the last journal_append failed, for a person: "" when it did not. */
const char *journal_why(const struct journal *j);

/* Bytes of the file, those still buffered included. */
uint64_t journal_bytes(const struct journal *j);

#endif
