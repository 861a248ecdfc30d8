/* exam.h - the exam core: what may happen to a batch and its sittings, and what follows from it.
 * Pure: no clock, socket, file, thread or random number; memory comes from the caller's allocator.
 * Not thread-safe: one owner. Everything here is deterministic (D4).
 *
 *   decide(state, command, now) -> events | refusal     holds every rule of the digest
 *   apply(state, event)                                  books what the event says; total
 *
 * A node that serves decides and then applies what it has decided from the very bytes that go into
 * the log; a standby, a restart and a replay only apply. So all of them have the same state.
 *
 * Times. `now_ms` and every *_at_ms here are `site_ms`: the site's own monotonic timeline in whole
 * milliseconds, which goes on over epochs. An epoch begins at its `base_ms`, which its primary
 * reckons from the last record's site_ms and the time that has passed since on its own clock (T4);
 * a record's site_ms is base_ms + at_ms. When that clock was interrupted (the machine rebooted) the
 * dark time is not known here (`dark_known` false) and only a seat's own clock can tell it. */
#ifndef EXAM_EXAM_H
#define EXAM_EXAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.pb-c.h"
#include "exam_err.h"
#include "exam_limits.h"
#include "record.h"

typedef struct exam exam;

/* realloc-like: bytes == 0 frees and returns NULL. Returning NULL otherwise means: out of memory.
 * exam_apply() must be total, so the allocator that a node passes ends the process instead. */
struct exam_memory {
    void *(*resize)(void *ctx, void *block, size_t bytes);
    void *ctx;
};

EXAM_MUST_USE exam_err exam_new(const struct exam_memory *m, exam **out);
void exam_free(exam *x);

/* ---------------------------------------------------------------- decide */

enum exam_command_kind {
    EXAM_CMD_FOUND,
    EXAM_CMD_BEGIN_EPOCH,
    EXAM_CMD_STANDBY_CHANGED,
    EXAM_CMD_IMPORT,
    EXAM_CMD_BATCH_START,
    EXAM_CMD_BATCH_COLLECT,
    EXAM_CMD_SIGN_IN,
    EXAM_CMD_ATTACH,
    EXAM_CMD_DETACH,
    EXAM_CMD_MARK,
    EXAM_CMD_MARK_ALL, /* every clock that runs without a screen: for a switchover (W2) */
    EXAM_CMD_ANSWER,
    EXAM_CMD_SUBMIT,
    EXAM_CMD_TICK,
    /* contingencies (section 3 of the rules) */
    EXAM_CMD_PAUSE,
    EXAM_CMD_RESUME,
    EXAM_CMD_GRANT,
    EXAM_CMD_MOVE,
    EXAM_CMD_VIOLATION,
    EXAM_CMD_BATCH_POSTPONE,
    EXAM_CMD_SUSPEND,
    EXAM_CMD_BATCH_UNSUSPEND,
    EXAM_CMD_INCIDENT_OPEN,
    EXAM_CMD_INCIDENT_CLOSE,
    EXAM_CMD_INCIDENT_NOTE,
    EXAM_CMD_POWER,
    EXAM_CMD_LIMIT_DECIDE,
    EXAM_CMD_OWN_DOING,
    EXAM_CMD_RECOVER,
};

/* Whom an act concerns. With kind unknown the core finds out what has that name ("site": the site),
 * and refuses a name that fits more than one thing. A sitting's name is its admission number. */
struct exam_scope {
    Ev__ScopeKind kind;
    const char *name; /* of the site: not looked at */
};

/* One sitting, room, paper or chunk of an import, as the administrator's tool sent it. */
struct exam_import_sitting {
    const Ev__NewSitting *sitting;
    uint32_t line; /* of the roster file */
};

struct exam_import {
    const char *batch, *title, *who;
    uint64_t allot_ms; /* 0: the minutes of the batch's paper, which then must be one */
    Ev__Timing timing;
    uint64_t grace_ms;                    /* 0: 15,000 (T6); at least 2 heartbeats */
    uint64_t heartbeat_ms;                /* 0: 1,000 (T3) */
    int64_t entry_wall_ms, start_wall_ms; /* planned, for people; 0: none */
    const Ev__RoomAdded *const
        *rooms; /* a room that the site has already must have as many seats */
    size_t rooms_n;
    const Ev__PaperAdded *const *papers; /* items of a paper may be spread over several */
    size_t papers_n;
    const Ev__PaperChunk *const *chunks; /* in order; complete; the digest is checked */
    size_t chunks_n;
    const struct exam_import_sitting *sittings;
    size_t sittings_n;
};

/* T3, T7: a seat has said something, by which its clock is marked. */
struct exam_word {
    uint32_t sitting;
    uint64_t said_ms; /* used when it was sent, by the seat's own reckoning; UINT64_MAX: just now */
    uint64_t heard_ms; /* site_ms: what seats had sent before had been read by then; 0: unknown */
};

/* A3: n numbers of sittings from `there` on, which a dead branch has imported itself
 * (SittingsAdded), are those from `here` on in this log; here 0: of candidates whom nobody knows
 * here. */
struct exam_renumbered {
    uint32_t there, here, n;
};

/* A3: a record of a dead branch; they come in their order, and each is decided once. */
struct exam_recover {
    const struct record *record; /* its epoch, with the tag, and its lsn name it */
    const Ev__Event *event;
    uint32_t epoch_tag;
    uint64_t since_lsn; /* of that epoch: all up to the record were decided here already */
    const struct exam_renumbered *renumbered; /* the first that has a number counts */
    size_t renumbered_n;
};

struct exam_command {
    enum exam_command_kind kind;
    union {
        struct {
            const uint8_t *site_id;  /* SITE_ID_BYTES */
            const uint8_t *site_key; /* 32 bytes: secret of the nodes, keys the marks of T12 */
            const char *name, *who;
        } found;
        struct { /* base_ms is `now_ms` */
            uint64_t epoch;
            const char *node, *who, *why;
            Ev__EpochReason reason;
            bool dark_known, solo, forced;
        } begin_epoch;
        struct {
            const char *node;
            bool in_sync, solo;
        } standby_changed;
        const struct exam_import *import;
        struct {
            const char *batch, *who;
        } batch_start;
        struct {
            const char *batch, *who;
            bool unfinished; /* close what is not finished; without it a batch must have ended */
        } batch_collect;
        struct {
            const char *seat, *admission_no, *id_no;
            const uint8_t *session; /* SESSION_BYTES */
            const uint8_t *mark;    /* NULL: none */
            size_t mark_bytes;
        } sign_in;
        struct { /* seat.proto, Attach */
            const char *seat, *admission_no;
            const uint8_t *session;
            const uint8_t *mark; /* NULL: none */
            size_t mark_bytes;
            uint64_t open_ms, since_ms, ended_ago_ms;
            uint64_t slack_ms; /* T7: what it may take from a seat to be read, without being late */
            bool clock_continuous, ended, submitted;
        } attach;
        struct { /* T10: a sitting in contact times out by its seat's word, at or after that
                    instant: the command that is about to be decided may be one. NULL: nothing
                    follows */
            const struct exam_command *next;
        } tick;
        struct {
            uint32_t sitting;
        } detach;
        struct { /* heartbeats that came in together; sittings whose clock stands still are skipped
                  */
            const struct exam_word *words; /* at the most one of a sitting */
            size_t n;
        } mark;
        struct { /* seat.proto, Answer */
            uint32_t sitting;
            uint64_t seq;
            const char *item;
            const uint8_t *value;
            size_t value_bytes;
            uint64_t made_at_ms;        /* of the candidate's used time */
            uint64_t said_ms, heard_ms; /* as in exam_word */
            uint64_t attachment_epoch, attachment_lsn;
            uint32_t former; /* T11: as exam_refusal.former said; 0: the session that is attached */
        } answer;
        struct {
            uint32_t sitting;
            uint64_t seq, said_ms, heard_ms;
            uint64_t attachment_epoch; /* under which it was made; 0: the seat does not say */
            uint32_t former;           /* as in answer */
        } submit;
        struct { /* pause, resume (T8): site, batch, room or seat */
            struct exam_scope scope;
            const char *who, *why;
        } pause;
        struct { /* T9: sitting, room (the batch that holds it) or batch */
            struct exam_scope scope;
            int64_t ms;            /* negative: takes an earlier grant back */
            const char *who, *why; /* the reason is mandatory */
        } grant;
        struct { /* T11 */
            const char *admission_no, *seat;
            bool seat_in_contact; /* a seat of that name is connected to this node */
            const char *who, *why;
        } move;
        struct { /* R3 */
            const char *admission_no, *text, *who;
        } violation;
        struct { /* postponed (T13); unsuspended: goes on (W4) */
            const char *batch, *who, *why;
        } batch_act;
        struct { /* W4: `node`, the last with power, goes down: suspends what runs */
            const char *node;
        } suspend;
        struct {
            Ev__IncidentKind kind;
            struct exam_scope scope;
            const char *text, *who; /* who "": observed by the node */
        } incident_open;
        struct { /* closed, noted */
            uint32_t incident;
            const char *text, *who;
        } incident;
        struct { /* R1: of this node's own UPS; opens and closes the incident that goes with it */
            const char *node;
            Ev__Power power;
        } power;
        struct { /* R4 */
            const char *admission_no, *text, *who;
        } limit_decide;
        struct {
            const char *admission_no;
            uint32_t interruption; /* counted from 1 */
            const char *who, *why;
        } own_doing;
        struct exam_recover recover;
    } u;
};

/* Why not: for the code that asked and for the person behind it. */
struct exam_refusal {
    exam_err code;
    const char *rule;     /* "T10", or "" */
    char text[400];       /* what, to which seat or sitting, and what to do next */
    uint32_t line;        /* of an imported file; 0: none */
    uint64_t seq_have;    /* with EXAM_GAP */
    uint64_t seq_refused; /* with `former`: the newest action of it that was refused; 0: none */
    /* The refusals that emit: an answer that can never be accepted has been emitted as
     * Answered{refused}, or a submission of a former session as Submitted{refused}, which is to
     * be applied like any event, so that it is kept (A3) and does not block the seat's later ones.
     * The seat is told the refusal, and need not send it again. And with `former`: a session that
     * only a dead branch knew has been emitted as SignedIn{former_epoch}, which makes it one. */
    bool consumed;
    /* With EXAM_SEAT_TAKEN of EXAM_CMD_ATTACH, T11: the session is a former one of `sitting`, which
     * has gone on elsewhere. The seat is shut out; what it still holds after seq_have is taken in
     * through EXAM_CMD_ANSWER and _SUBMIT with this number (A3). 0: it is not. */
    uint32_t former, sitting;
    /* With EXAM_STALE_EPOCH of EXAM_CMD_ATTACH, W1: that of a mark which this site's nodes made, so
     * one of them has served in it. The state's own epoch: another node has begun one of the same
     * number. */
    uint64_t epoch_proven;
};

/* Gets each event while exam_decide runs; packs it, keeps nothing of it, and must not apply it
 * before exam_decide has returned. */
typedef void (*exam_emit)(void *ctx, const Ev__Event *event);

/* Decides one command at `now_ms`. On EXAM_OK the events (perhaps none: A4, a duplicate) have been
 * emitted and are to be applied in that order. On a refusal `why` is filled and nothing was
 * emitted, unless why->consumed. now_ms is never less than exam_last_ms(). Everything that falls
 * due by itself up to now_ms must have been carried out before, by EXAM_CMD_TICK with this command
 * as its `next` (see exam_next_due_ms). Commands come from admins and seats over a network and are
 * decoded by codec.h: field sizes are right, everything else is checked here. */
EXAM_MUST_USE exam_err exam_decide(const exam *x, const struct exam_command *c, uint64_t now_ms,
                                   exam_emit emit, void *ctx, struct exam_refusal *why);

/* What a site may configure. Decisions look at it; what follows from them is in their events, so
 * the state does not (D4). To be set before the first decision; 0: none. */
struct exam_options {
    uint64_t interruption_limit_ms; /* an interruption that lasts so long asks for a person (R4) */
    uint64_t grant_ms_max;          /* of one grant (T9) */
};
void exam_set_options(exam *x, const struct exam_options *o);

/* The site_ms at which EXAM_CMD_TICK has something to do by itself (a time-out, T10, or a mark, T3,
 * of a sitting without a screen; an interruption that reaches the limit); UINT64_MAX: never. O(1).
 * A sitting with a screen is timed out by the first word of its seat at or after that instant, at
 * that very instant; one that says nothing has been lost, and has used what its last mark says
 * (T7). */
uint64_t exam_next_due_ms(const exam *x);

/* T5, T6: after so long without an acknowledgement a seat may have locked: the least grace, less a
 * heartbeat, of the batches that run. A primary that has not run for so long was dead. UINT64_MAX:
 * no batch runs. */
uint64_t exam_lock_after_ms(const exam *x);

/* ---------------------------------------------------------------- apply */

/* Books one record. Total: an event that does not fit the state is counted in exam_oddities() and
 * changes nothing else. */
void exam_apply(exam *x, const struct record *r, const Ev__Event *event);
uint64_t exam_oddities(const exam *x);
/* The event will be applied soon: asks the processor for the memory that it will need, of a state
 * that is larger than a processor's cache. Changes nothing. */
void exam_apply_soon(const exam *x, const Ev__Event *event);

/* ---------------------------------------------------------------- ask */

uint64_t exam_epoch(const exam *x); /* of the newest EpochBegan; 0: none */
uint64_t exam_epoch_base_ms(const exam *x);
uint64_t exam_last_ms(const exam *x); /* site_ms of the last record applied */
/* T4: no epoch has begun since then after a time that no node has measured (dark_known). */
bool exam_time_known_since(const exam *x, uint64_t site_ms);
bool exam_solo(const exam *x); /* A1, as logged */
/* W4: the node that has said in this epoch that its battery is low; "": none. */
const char *exam_battery_low(const exam *x);
bool exam_founded(const exam *x);
const uint8_t *exam_site_id(const exam *x); /* SITE_ID_BYTES; zeros before */
const char *exam_site_name(const exam *x);

/* The drills' words; the first that fits. */
enum exam_sitting_state {
    EXAM_SITTING_FINISHED,
    EXAM_SITTING_EXPECTED, /* nobody has signed in */
    EXAM_SITTING_LOST,     /* seat out of contact */
    EXAM_SITTING_PAUSED,   /* or the batch has not started */
    EXAM_SITTING_ANSWERING,
};

struct exam_account { /* section 5 of the rules; allot + grants == used + left */
    uint64_t allot_ms;
    int64_t grants_ms;
    uint64_t used_ms, left_ms, lost_ms;
};

/* Strings live as long as the exam; figures are as of `now_ms`. */
struct exam_sitting_view {
    uint32_t sitting;
    const char *admission_no, *id_no, *name, *room, *seat, *batch, *batch_title, *paper,
        *paper_title;
    uint32_t batch_no, seat_no;
    enum exam_sitting_state state;
    Ev__Finish finish;
    bool batch_running; /* started, and neither collected nor ended for this sitting */
    bool attached;
    struct exam_account account;
    uint64_t attachment_epoch, attachment_lsn;
    uint64_t seq_have, seq_refused; /* of its session: the newest action, the newest refused one */
    uint64_t grace_ms, heartbeat_ms;
    uint32_t paper_bytes;
    const uint8_t *paper_digest; /* HASH_BYTES; NULL: no paper */
    bool paper_sealed;           /* exam_paper_at gives sealed bytes (PaperAdded) */
    uint32_t answers, late, interruptions;
    bool begun, paused;
    uint64_t begin_ms, mark_ms, finish_ms; /* site_ms; where they have come */
    uint64_t stands_ms; /* its clock has been standing for so long; 0: it runs, or is finished */
    uint32_t violations, formers;
    uint32_t former_newest; /* T11: that the last move made; 0: there are too many to name it */
    bool limit_reached;     /* its interruption waits for a person's decision */
};

uint32_t exam_sittings(const exam *x); /* sittings are numbered 1..n, batches and seats too */
uint32_t exam_batches(const exam *x);
EXAM_MUST_USE exam_err exam_find_sitting(const exam *x, const char *admission_no,
                                         uint32_t *sitting);
EXAM_MUST_USE exam_err exam_find_batch(const exam *x, const char *batch, uint32_t *batch_no);
EXAM_MUST_USE exam_err exam_find_seat(const exam *x, const char *seat, uint32_t *seat_no);
void exam_sitting_view(const exam *x, uint32_t sitting, uint64_t now_ms,
                       struct exam_sitting_view *out);
/* How a field of it is named where it is sealed (P3). */
void exam_sitting_names(const exam *x, uint32_t sitting, const char **batch,
                        const char **admission_no);
/* Just the figures that an acknowledgement needs. */
void exam_sitting_account(const exam *x, uint32_t sitting, uint64_t now_ms,
                          struct exam_account *out);
/* The site_ms of its last mark: by it, rather than by now, a seat's word is acknowledged (T3). */
uint64_t exam_sitting_mark_ms(const exam *x, uint32_t sitting);

/* Values as admin.proto's BatchState. */
enum exam_batch_state {
    EXAM_BATCH_PLANNED = 1,
    EXAM_BATCH_RUNNING,
    EXAM_BATCH_PAUSED,
    EXAM_BATCH_SUSPENDED,
    EXAM_BATCH_ENDED,
    EXAM_BATCH_COLLECTED,
    EXAM_BATCH_POSTPONED,
};

struct exam_batch_view {
    const char *batch, *title;
    enum exam_batch_state state;
    uint32_t sittings, signed_in, attached, answering, finished, submitted, timed_out, absent,
        closed;
    uint64_t answers;
    uint64_t allot_ms, elapsed_ms;
    uint64_t lost_ms_min, lost_ms_median, lost_ms_max, left_ms_max;
    bool complete;   /* the import is whole; without it the batch can only be imported again */
    bool superseded; /* it was: another batch of this name took its place; show nothing of it */
    uint32_t postponed, expected, lost, paused, limits_reached;
    bool sign_in_open;            /* planned, and every room of it is free (P11) */
    bool is_paused, is_suspended; /* by a pause of site or batch (T8); by W4 */
    uint64_t end_ms; /* projected, if nothing more happens: site_ms; the past, when it has ended */
    int64_t entry_wall_ms, start_wall_ms; /* as planned; 0: not */
};
void exam_batch_view(const exam *x, uint32_t batch_no, uint64_t now_ms,
                     struct exam_batch_view *out);
/* The batch's sittings in order; 0 ends the list. Begin with after == 0. */
uint32_t exam_batch_next_sitting(const exam *x, uint32_t batch_no, uint32_t after);

struct exam_answer_view {
    const char *item, *subject;
    const uint8_t *value;
    size_t value_bytes;
    uint64_t seq, made_at_ms;
    bool late;
};
/* The sitting's answers that count, in the order of the paper; i = 0, 1, ... until EXAM_NOT_FOUND.
 */
EXAM_MUST_USE exam_err exam_answer_at(const exam *x, uint32_t sitting, uint32_t i,
                                      struct exam_answer_view *out);

struct exam_interruption_view { /* T14 */
    uint64_t from_ms, to_ms, lost_ms;
    Ev__Basis basis;
    uint32_t incident; /* 0: none */
    bool own_doing;
};
EXAM_MUST_USE exam_err exam_interruption_at(const exam *x, uint32_t sitting, uint32_t i,
                                            struct exam_interruption_view *out);

struct exam_incident_view {
    Ev__IncidentKind kind;
    Ev__ScopeKind scope;
    const char *scope_name; /* "site": the site's */
    const char *text, *who; /* who "": observed */
    bool open;
    uint64_t since_ms, closed_ms; /* site_ms */
    uint32_t notes, interruptions;
    uint64_t lost_ms; /* of all its interruptions */
};
uint32_t exam_incidents(const exam *x); /* numbered 1..n */
void exam_incident_view(const exam *x, uint32_t incident, struct exam_incident_view *out);
uint32_t exam_limits_reached(const exam *x);

/* The name of a batch, room, seat or sitting as events name it; "site"; "?" for no such thing. */
const char *exam_scope_name(const exam *x, Ev__ScopeKind kind, uint32_t no);
/* True when the sitting is one of those that the scope of an event concerns. */
bool exam_scope_has(const exam *x, const Ev__Scope *scope, uint32_t sitting);
/* The seats of the site: 1..n; `sitting`: of the batch that holds the room, or is to sit there
 * next; 0: nobody. */
uint32_t exam_seats(const exam *x);
void exam_seat_view(const exam *x, uint32_t seat_no, const char **room, const char **seat,
                    uint32_t *sitting);
/* A3: nothing of that record is left to be recovered: it has been, or left no trace between others
 * that have been, or is in this log itself.
 * An epoch is known by its number and by the first four bytes of its EpochBegan's hash, as carried
 * marks name it: two wrong promotions may give one number twice. */
bool exam_recovered(const exam *x, uint64_t epoch, uint32_t epoch_tag, uint64_t lsn);
/* A2, A3: what the record says has a meaning only once something else is in this log: the import of
 * a candidate whom it names, or the start of the batch that a submission ends. It is not to be
 * decided before, nor to be told of by a later one's since_lsn, and is asked about again when
 * exam_batch_steps has changed. */
bool exam_recover_waits(const exam *x, const struct exam_recover *c);
/* How many times a batch was imported, started or closed. */
uint32_t exam_batch_steps(const exam *x);
/* The batch that the projected end runs into: the next one planned for one of its rooms, by its
 * planned entry (wall time, for people; `end_wall_ms` is the caller's to reckon); 0: none. */
uint32_t exam_batch_runs_into(const exam *x, uint32_t batch_no, int64_t end_wall_ms);

/* Bytes of the sitting's paper; they live until the next apply. EXAM_STATE before the batch has
 * started (P2), EXAM_INVALID beyond the end. */
EXAM_MUST_USE exam_err exam_paper_at(const exam *x, uint32_t sitting, uint32_t offset,
                                     const uint8_t **bytes, size_t *n);

/* The mark that an acknowledgement carries (T12): sitting, epoch, when, used, and a keyed hash of
 * them. `used_ms` is what the acknowledged record says. */
size_t exam_mark_make(const exam *x, uint32_t sitting, uint64_t used_ms,
                      uint8_t out[MARK_BYTES_MAX]);

/* ---------------------------------------------------------------- persistence */

/* Every entity of the state is an entry: a key that sorts and a value that is the same bytes on
 * every machine. exam_flush hands out those changed since the last flush. */
typedef exam_err (*exam_put)(void *ctx, const uint8_t *key, size_t key_bytes, const uint8_t *value,
                             size_t value_bytes);
EXAM_MUST_USE exam_err exam_flush(exam *x, exam_put put, void *ctx);
/* Hands out all of them, in the order of their keys, and leaves open what the next flush does. */
EXAM_MUST_USE exam_err exam_entries(const exam *x, exam_put put, void *ctx);
/* How many entries the next flush would write. */
size_t exam_flush_pending(const exam *x);
/* Takes one entry back in, in the order of their keys, to a new exam; exam_load_end checks that all
 * fit together. EXAM_CORRUPT; EXAM_VERSION: entries of another version. After either the exam is to
 * be freed: the log gives the same state again. */
EXAM_MUST_USE exam_err exam_load(exam *x, const uint8_t *key, size_t key_bytes,
                                 const uint8_t *value, size_t value_bytes);
EXAM_MUST_USE exam_err exam_load_end(exam *x);
/* BLAKE2b-256 over all entries in key order: equal on every node that has applied the same log. */
void exam_digest(const exam *x, uint8_t out[HASH_BYTES]);

#endif
