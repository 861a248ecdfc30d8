/* engine.h - one node's log and the exam state that follows from it, with group commit.
 * Shell over two cores' worth of truth: the exam core (exam.h) and the store (store.h).
 * Loop thread only; it owns all state.
 *
 * Records are appended in memory, as the very bytes that will be stored, and applied; a whole batch
 * of them becomes durable with engine_commit. A batch is whatever came in during one turn of the
 * loop, so nobody waits for a timer. The caller sends a batch to the standby before it commits it.
 *
 * The state tables are flushed in the same transaction as the records whose state they are, but not
 * with every batch: rewriting a sitting's row for each answer would write 4 KiB for 150 bytes. They
 * are flushed after FLUSH_BYTES of records, so that a restart applies that much of the log at the
 * most, whatever its length. `meta` holds the LSN that the tables stand for. */
#ifndef EXAM_ENGINE_H
#define EXAM_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exam.h"
#include "exam_err.h"
#include "record.h"
#include "store.h"

struct engine;

/* Where an epoch begins in this node's log. */
struct engine_epoch {
    uint64_t epoch, first_lsn;
    uint8_t first_hash[HASH_BYTES];
    bool own; /* this node was its primary */
};

/* Brings the state up to the end of the store's log. Takes the store over, on failure, too.
 * EXAM_CORRUPT: log and state do not fit, or the last part of the log is not what was written (D8);
 * EXAM_IO. `why` is for a person. */
EXAM_MUST_USE exam_err engine_open(const char *node, store *s, struct engine **out, char *why,
                                   size_t why_bytes);
/* Flushes the state tables so that the next start has nothing to apply, and closes the store. */
void engine_close(struct engine *e);
/* Ends as a crash does: nothing is written any more. */
void engine_abandon(struct engine *e);

const exam *engine_exam(const struct engine *e);
/* What the site has configured (exam.h); it stays when the state is rebuilt. */
void engine_set_options(struct engine *e, const struct exam_options *o);
struct store *engine_store(struct engine *e);
struct position engine_last(const struct engine *e);    /* appended in memory */
struct position engine_durable(const struct engine *e); /* on this node's disk */

/* The epochs of the log in memory, oldest first; lives until the next call that appends or cuts. */
const struct engine_epoch *engine_epochs(const struct engine *e, size_t *n);

/* Now, on the site's timeline (exam.h). As a standby: an estimate from what the primary has told,
 * on this machine's own clock; *known is false when nothing in this boot of the machine gives one.
 */
uint64_t engine_now_ms(const struct engine *e);
bool engine_now_known(const struct engine *e);

/* --- the primary's side --- */

/* Decides a command now and appends and applies its events. Carries out first what has fallen due.
 * `*lsn`: the record that must be durable before the outcome may be told, whatever it is. */
EXAM_MUST_USE exam_err engine_decide(struct engine *e, const struct exam_command *c,
                                     struct exam_refusal *why, uint64_t *lsn);
/* The same, of an act that persons have signed (R4, P2): their words are the records in front of
 * what it brings about. A refusal leaves none. */
enum { ENGINE_SIGNERS_MAX = 2 };
struct engine_signers {
    const Ev__CommandSigned *at[ENGINE_SIGNERS_MAX];
    size_t n;
};
EXAM_MUST_USE exam_err engine_decide_signed(struct engine *e, const struct exam_command *c,
                                            const struct engine_signers *by,
                                            struct exam_refusal *why, uint64_t *lsn);
/* Their words alone, of an act that was carried out already: a promotion. */
void engine_note_signed(struct engine *e, const struct engine_signers *by);
/* What a decision would be now: its events go to `emit` and nowhere else. */
EXAM_MUST_USE exam_err engine_preview(struct engine *e, const struct exam_command *c,
                                      exam_emit emit, void *ctx, struct exam_refusal *why);
/* The same for what falls due by itself; does nothing before exam_next_due_ms. */
void engine_tick(struct engine *e);

/* Told each event that this node has decided, after it was applied. */
void engine_on_event(struct engine *e,
                     void (*event)(void *ctx, const struct record *r, const Ev__Event *event),
                     void *ctx);

/* What a decision is about to put into the log may be given another form, with what is personal
 * sealed (vault.h): `seal` gets each event, and returns it or one in its place, which lives until
 * the next call. */
void engine_on_append(struct engine *e,
                      const Ev__Event *(*seal)(void *ctx, const exam *x, const Ev__Event *event),
                      void *ctx);

/* --- the standby's side --- */

/* Appends and applies one record as it was received. EXAM_CORRUPT: does not continue the chain, or
 * is no record; nothing was changed. */
EXAM_MUST_USE exam_err engine_follow(struct engine *e, uint64_t lsn, const uint8_t *value,
                                     size_t value_bytes);
/* The primary that serves has said what time it is on the site's timeline, when it sent what has
 * just been followed (T5). */
void engine_now_told(struct engine *e, uint64_t site_ms);
/* Moves everything after `lsn` to the branches and rebuilds the state without it. */
EXAM_MUST_USE exam_err engine_cut(struct engine *e, uint64_t lsn);

/* --- both --- */

bool engine_has_pending(const struct engine *e);
size_t engine_pending_bytes(const struct engine *e);
/* Makes everything appended durable. EXAM_OK or the node must stop serving (D6): EXAM_FULL, even
 * the reserve is used up; EXAM_IO, the outcome is unknown. */
EXAM_MUST_USE exam_err engine_commit(struct engine *e);

/* The records first..last, from memory or the store. EXAM_NOT_FOUND, EXAM_CORRUPT, EXAM_IO, or
 * what `each` returns. */
EXAM_MUST_USE exam_err engine_read(struct engine *e, uint64_t first, uint64_t last,
                                   exam_err (*each)(void *ctx, uint64_t lsn, const uint8_t *value,
                                                    size_t value_bytes),
                                   void *ctx);
/* The hash of the record at `lsn`. EXAM_NOT_FOUND. */
EXAM_MUST_USE exam_err engine_hash_at(struct engine *e, uint64_t lsn, uint8_t out[HASH_BYTES]);

/* Looks at the disk, once a second: while its room is reserved, answers are refused (EXAM_FULL). */
void engine_watch_room(struct engine *e);
enum store_room engine_room(const struct engine *e, uint64_t *free_bytes);

#endif
