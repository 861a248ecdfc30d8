/* seat_core.h - one seat: who serves, who sits here, what was answered, how much time is left.
 * Pure: no clock, socket, file, thread, random number or heap. One owner, one thread.
 *
 * Something happens (a link opened, a frame came, the time has come, the candidate did something):
 * the shell calls one function below with `now_ms`, CLOCK_BOOTTIME in whole milliseconds, which
 * never goes back. The core answers by calling struct seat_effects, in the order in which the
 * effects are to happen. An effect must not call back into the core (asserted): note it, act after
 * the return.
 *
 * Rules: T3 (heartbeats and marks), T4, T6 (grace, journal, claim), T7 (restart), T8 (pauses), T10
 * (the end), T12 (carried marks), A1-A4 (what `saved` means), W1 (epochs), and the order of D1:
 * journal first, durably, then the frame.
 *
 * Links. There is one for each configured node, named by its index; after the effect `close` the
 * shell reports nothing of the old connection any more. Frames and texts live for the call only. */
#ifndef EXAMSEAT_SEAT_CORE_H
#define EXAMSEAT_SEAT_CORE_H

#include "codec.h"
#include "journal_record.h"

enum {
    SEAT_ANSWERS_BYTES_DEFAULT = 32 * 1024,
    SEAT_ANSWERS_BYTES_MIN = 4 * 1024,
    SEAT_PENDING_MAX_DEFAULT = 4096,
    SEAT_WINDOW_DEFAULT = 64,
    SEAT_WINDOW_MAX = 256,
};

struct seat_core;

/* ---------------------------------------------------------------- what the core tells */

enum seat_state {
    SEAT_CONNECTING = 1, /* nobody is signed in; no node that serves is in contact */
    SEAT_CONNECTED = 2,  /* nobody is signed in; a serving node is in contact (P3) */
    SEAT_SIGNING_IN = 3,
    SEAT_WAITING = 4,    /* signed in; the batch has not started */
    SEAT_ANSWERING = 5,  /* the screen is open, in contact or within grace (T6) */
    SEAT_LOCKED = 6,     /* the screen is closed until the next attachment (T6, T7) */
    SEAT_PAUSED = 7,     /* T8 */
    SEAT_SUBMITTING = 8, /* the candidate has submitted; the node has not confirmed it */
    SEAT_FINISHED = 9,   /* T10; what was not sent is still sent */
    SEAT_SHUT_OUT = 10,  /* the sitting has gone on at another seat, or the session is unknown */
};

enum seat_answer_state {
    SEAT_ANSWER_UNKNOWN = 0, /* no such action in this session */
    SEAT_ANSWER_LOCAL = 1,   /* on this seat's disk only */
    SEAT_ANSWER_SENT = 2,    /* sent, not acknowledged */
    SEAT_ANSWER_SOLO = 3,    /* saved on the primary, which is alone (A1) */
    SEAT_ANSWER_DUAL = 4,    /* saved on the primary and a standby (A1) */
    SEAT_ANSWER_REFUSED = 5,
};

enum seat_event_kind {
    SEAT_EVENT_STATE = 1,       /* u.state */
    SEAT_EVENT_ATTACHED,        /* u.attached: in contact, the account is up to date */
    SEAT_EVENT_LOST,            /* u.problem: no contact any more */
    SEAT_EVENT_CANDIDATE,       /* u.candidate: for the screen (P4), at each attachment */
    SEAT_EVENT_SIGN_IN_REFUSED, /* u.problem */
    SEAT_EVENT_SIGN_IN_NEEDED,  /* u.problem: the node does not know the session; the same candidate
                                   signs in again, and everything unsaved is sent then */
    SEAT_EVENT_STARTED,         /* u.started: the paper can be fetched */
    SEAT_EVENT_PAPER_PART,      /* u.part: parts come in order, without gaps, from 0 */
    SEAT_EVENT_PAPER,           /* u.started: the parts make up the paper (digest checked) */
    SEAT_EVENT_PAPER_FAILED,    /* u.problem: throw the parts away; fetch again */
    SEAT_EVENT_ANSWER,          /* u.answer: an action's state changed, to the worse too */
    SEAT_EVENT_ACCOUNT,         /* u.account: a mark (T3), a grant, a pause, ... */
    SEAT_EVENT_LOCKED,          /* T6; comes before the STATE event */
    SEAT_EVENT_UNLOCKED,
    SEAT_EVENT_FINISHED,  /* u.finished */
    SEAT_EVENT_REOPENED,  /* T9: a grant opened a timed-out sitting again */
    SEAT_EVENT_COLLECTED, /* u.collected: all is saved and collected, the seat is free; the
                             journal may be discarded, then call seat_core_rejournal */
    SEAT_EVENT_PROBLEM,   /* u.problem: something a person should see; the seat goes on */
    SEAT_EVENT_RECEIPT,   /* u.receipt: as the node sent it (D8); comes before what it is about */
};

struct seat_account {
    uint64_t used_ms, left_ms; /* at the last mark */
    uint64_t allot_ms, lost_ms;
    int64_t grants_ms;
    uint64_t ago_ms; /* as the node read what it answered, the mark was so old (T7) */
};

struct seat_event {
    enum seat_event_kind kind;
    uint64_t now_ms;
    union {
        struct {
            enum seat_state from, to;
        } state;
        struct {
            uint32_t node;
            uint64_t epoch;
            uint64_t attachment_epoch, attachment_lsn;
            uint64_t seq_have;  /* actions that the node has */
            uint64_t seq_acked; /* actions that were acknowledged before: more than seq_have means
                                   that the node has older data; they are sent again (A2) */
            uint64_t open_ms;   /* what was claimed (T6); 0 after a sign-in */
            uint64_t out_ms;    /* without contact since the last mark; 0 when that is unknown */
            bool signed_in;     /* by a sign-in, not by coming back */
            struct seat_account account;
        } attached;
        const Seat__Candidate *candidate;
        struct {
            uint32_t paper_bytes;
            const uint8_t *digest; /* HASH_BYTES */
        } started;
        struct {
            uint32_t offset, total;
            const uint8_t *data;
            size_t data_bytes;
        } part;
        struct {
            uint64_t seq;
            enum seat_answer_state state;
            bool late; /* made before the finish, delivered after it (T10) */
            bool submit;
            exam_err code;    /* with REFUSED */
            const char *text; /* with REFUSED */
        } answer;
        struct {
            struct seat_account account;
            bool full; /* allot, lost and grants are given, not just used and left */
        } account;
        struct {
            Ev__Finish finish;
            uint64_t at_ms; /* when, on the seat's clock */
        } finished;
        struct {
            bool keep; /* an earlier session's actions lie in the journal, perhaps unsaved */
        } collected;
        struct {
            exam_err code;
            uint32_t node;    /* UINT32_MAX: none in particular */
            const char *text; /* never NULL */
        } problem;
        struct {
            const uint8_t *text; /* receipt.h; nothing of it was checked */
            size_t text_bytes;
        } receipt;
    } u;
};

struct seat_effects {
    /* Begin to connect; the outcome is reported by seat_core_link_opened or _link_closed. */
    void (*dial)(void *ctx, uint32_t node);
    /* Close the connection, or give the attempt up; report nothing about it any more. */
    void (*close)(void *ctx, uint32_t node);
    /* Send these bytes (a whole frame, header included); copy them. A link that cannot take them is
     * to be closed by the shell and reported. Everything journalled before is durable by then. */
    void (*send)(void *ctx, uint32_t node, const uint8_t *frame, size_t frame_bytes);
    /* Append to the journal; with `durable` return only when it is on the disk. An error means that
     * the record is not in the journal (EXAM_FULL) or may not be (EXAM_IO). */
    exam_err (*journal)(void *ctx, const struct seat_record *r, bool durable);
    /* Read an action of the newest session back from the journal. Texts live until the next effect.
     */
    exam_err (*fetch)(void *ctx, uint64_t seq, struct seat_record *out);
    void (*event)(void *ctx, const struct seat_event *e);
};

/* A handshake costs both ends a third of a millisecond of processor time. When a whole site comes
 * back to a busy server, giving up early would only make them all begin again. */
enum { SEAT_DIAL_SEALED_MS = 5000 };

struct seat_config {
    const char *seat; /* codec_name_ok; copied */
    const char
        *client;      /* program and version, for the node's log; at most NAME_BYTES_MAX; copied */
    uint32_t nodes_n; /* 1..NODES_MAX */
    uint8_t boot_id[BOOT_ID_BYTES]; /* of the machine's running boot: tells a reboot (T6) */
    uint64_t chance_seed;           /* spreads the dials of many seats; any number */
    size_t answers_bytes; /* memory for recent actions, older ones are read from the journal;
                             0: SEAT_ANSWERS_BYTES_DEFAULT; a multiple of 8 */
    uint32_t pending_max; /* unacknowledged actions; 0: SEAT_PENDING_MAX_DEFAULT */
    uint32_t window;      /* actions in flight; 0: SEAT_WINDOW_DEFAULT; at most SEAT_WINDOW_MAX */
    uint32_t dial_timeout_ms; /* until a link is open; 0: 1,000. SEAT_DIAL_SEALED_MS with keys */
    struct arena *arena;      /* for decoding, ARENA_BYTES_SEAT or more; many seats can share one */
    const struct seat_effects *effects; /* lives as long as the core */
    void *ctx;
};

/* ---------------------------------------------------------------- life */

/* The memory a seat takes, and a seat in such a block (aligned as malloc does; the caller's).
 * Nothing happens before seat_core_start. EXAM_INVALID: the configuration. sodium_init() is done.
 */
EXAM_MUST_USE exam_err seat_core_bytes(const struct seat_config *c, size_t *bytes);
EXAM_MUST_USE exam_err seat_core_init(void *block, size_t block_bytes, const struct seat_config *c,
                                      struct seat_core **out);

/* Tells one record of the journal, in order, before seat_core_start. Total: whatever they are, the
 * core takes what makes sense of them. */
void seat_core_replay(struct seat_core *s, const struct seat_record *r);

/* Journals the start (SEAT_RECORD_BOOT) and begins to dial. Fails as the journal fails. */
EXAM_MUST_USE exam_err seat_core_start(struct seat_core *s, uint64_t now_ms);

/* The shell has put an empty journal in the place of the old one (after SEAT_EVENT_COLLECTED): the
 * core writes what must not be forgotten (W1). Fails as the journal fails. */
EXAM_MUST_USE exam_err seat_core_rejournal(struct seat_core *s, uint64_t now_ms);

/* Says goodbye to the node and closes every link: an orderly end. The session stays journalled. */
void seat_core_stop(struct seat_core *s, uint64_t now_ms);

/* ---------------------------------------------------------------- what happens */

void seat_core_link_opened(struct seat_core *s, uint64_t now_ms, uint32_t node);
/* The connection broke, or could not be made. */
void seat_core_link_closed(struct seat_core *s, uint64_t now_ms, uint32_t node);
/* One frame's payload from that node; hostile bytes cost it the connection, nothing else. */
void seat_core_frame(struct seat_core *s, uint64_t now_ms, uint32_t node, const uint8_t *payload,
                     size_t payload_bytes);
void seat_core_tick(struct seat_core *s, uint64_t now_ms);
/* The network to that node may be back (a cable, a route, an address): if it is to be dialled at
 * all, it is dialled now and not when its time comes. Harmless when it is not true. */
void seat_core_hint(struct seat_core *s, uint64_t now_ms, uint32_t node);

/* When seat_core_tick is to be called at the latest; UINT64_MAX: never. O(nodes). */
uint64_t seat_core_deadline_ms(const struct seat_core *s);

/* ---------------------------------------------------------------- what the candidate does */

/* Signs a candidate in, at once or as soon as a node serves; the outcome is SEAT_EVENT_ATTACHED or
 * SEAT_EVENT_SIGN_IN_REFUSED. `session` is SESSION_BYTES random bytes; a candidate whose session
 * is in the journal goes on with that one. What an earlier candidate's session has left here is
 * handed in first, for some seconds at the most (A2); what is told meanwhile is of that one, but
 * SEAT_EVENT_CANDIDATE. EXAM_INVALID: a number that cannot be one; EXAM_STATE:
 * somebody else is signed in, with a sitting that is not finished or not saved; EXAM_EXISTS: this
 * candidate is signed in already, or about to be. */
EXAM_MUST_USE exam_err seat_core_sign_in(struct seat_core *s, uint64_t now_ms,
                                         const char *admission_no, const char *id_no,
                                         const uint8_t session[SESSION_BYTES]);

/* Fetches the paper from its beginning, once there is contact. EXAM_STATE: no paper yet. */
EXAM_MUST_USE exam_err seat_core_fetch_paper(struct seat_core *s, uint64_t now_ms);

/* Records an answer: journalled durably, then sent if there is contact. *seq names it from then on.
 * No SEAT_EVENT_ANSWER is given for its first state: ask seat_core_answer_state.
 * Errors, nothing recorded: EXAM_STATE (screen not open: not started, locked or paused), EXAM_LATE
 * (finished or submitted), EXAM_INVALID (item), EXAM_TOO_BIG (value), EXAM_FULL (too many unsaved,
 * or no space on the disk), EXAM_IO. */
EXAM_MUST_USE exam_err seat_core_answer(struct seat_core *s, uint64_t now_ms, const char *item,
                                        const uint8_t *value, size_t value_bytes, uint64_t *seq);

/* The candidate is done: no answer after this. Errors as seat_core_answer. */
EXAM_MUST_USE exam_err seat_core_submit(struct seat_core *s, uint64_t now_ms, uint64_t *seq);

/* ---------------------------------------------------------------- queries */

enum seat_state seat_core_state(const struct seat_core *s);
/* True while attached to a node that serves. */
bool seat_core_in_contact(const struct seat_core *s);
/* The account as of now: the last mark plus the seat's own clock while the screen is open. */
uint64_t seat_core_used_ms(const struct seat_core *s, uint64_t now_ms);
uint64_t seat_core_left_ms(const struct seat_core *s, uint64_t now_ms);
struct seat_account seat_core_account(const struct seat_core *s);
Ev__Finish seat_core_finish(const struct seat_core *s);
/* For an acknowledged action that is not in memory any more: the weakest state of any acknowledged
 * one; SEAT_ANSWER_UNKNOWN when one was refused. */
enum seat_answer_state seat_core_answer_state(const struct seat_core *s, uint64_t seq);
uint64_t seat_core_seq_last(const struct seat_core *s);
/* Actions that are not acknowledged: local or sent. */
uint64_t seat_core_unsaved_n(const struct seat_core *s);
uint64_t seat_core_epoch_seen(const struct seat_core *s);
/* The node in contact, UINT32_MAX: none. */
uint32_t seat_core_node(const struct seat_core *s);
/* "" when nobody is signed in; lives as long as the core, until the next sign-in. */
const char *seat_core_admission_no(const struct seat_core *s);

struct seat_stats {
    uint64_t dials_n, attaches_n, losses_n, locks_n;
    uint64_t frames_bad_n;     /* links closed for what a node sent */
    uint64_t epochs_refused_n; /* nodes that claimed to serve a lower epoch (W1) */
    uint64_t resent_n;         /* actions sent more than once */
    uint64_t fetched_n;        /* actions read back from the journal */
};
struct seat_stats seat_core_stats(const struct seat_core *s);

#endif
