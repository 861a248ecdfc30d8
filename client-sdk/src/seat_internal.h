/* seat_internal.h - the seat core's state, and what its parts ask of each other. Private to it.
 * Pure; see seat_core.h.
 *
 *   seat_core.c     life, inputs, the turn at the end of each input, queries
 *   seat_link.c     which nodes are dialled, which one is the main link (W1)
 *   seat_session.c  signing in, attaching, what a node says about the sitting (T5-T7, T9-T12)
 *   seat_clock.c    the account between two marks, heartbeat instants, lock and end (T3, T6, T10)
 *   seat_action.c   answers and the submission: journal, window, acknowledgements (A1-A4)
 *   seat_paper.c    fetching the paper
 *
 *              dial            opened            Welcome
 *   LINK_DOWN ------> DIALLING -------> GREETING --------> UP     any trouble: back to DOWN
 *
 * One link that is UP and serves is the main one (s->main). Its session:
 *
 *                  SignIn or Attach sent             Attached
 *   SESSION_IDLE ------------------------> ATTACHING ---------> ATTACHED   link lost: back to IDLE
 *
 * Invariants: ATTACHING and ATTACHED only with a main link; the screen is open (s->open) exactly in
 * SEAT_ANSWERING; requests wait for replies (s->requests) only on the main link. */
#ifndef EXAMSEAT_SEAT_INTERNAL_H
#define EXAMSEAT_SEAT_INTERNAL_H

#include <sodium.h>

#include "backlog.h"
#include "seat_core.h"

enum {
    DIAL_TIMEOUT_MS = 1000,
    GREETING_TIMEOUT_MS = 2000,
    BACKOFF_MIN_MS = 50,
    BACKOFF_MAX_MS = 400,
    BACKOFF_WRONG_MS = 2000, /* another site, another version: a person has to act */
    PROBE_EVERY_MS = 4000,   /* a link that is not attached: is it still there? */
    TRIM_AFTER_MS = 1000,    /* the other links are closed so long after one is good */
    HEARTBEAT_DEFAULT_MS = 1000,
    HEARTBEAT_MIN_MS = 20,
    HEARTBEAT_MAX_MS = 60 * 1000,
    GRACE_MAX_MS = 60 * 60 * 1000,
    SILENT_HEARTBEATS = 3,
    RETRY_MIN_MS = 50, /* of something that a node answered with EXAM_AGAIN */
    RETRY_MAX_MS = 200,
    ASK_MIN_MS = 5000, /* is a session that no node knew taken now? */
    ASK_MAX_MS = 10000,
    HAND_IN_MS_MAX = 5000, /* whoever signs in waits for what an earlier session has left here */
    REQUESTS_SPARE = 16,   /* requests in flight that are no actions */
};

#define MAIN_NONE UINT32_MAX
#define NEVER_MS  UINT64_MAX
/* Longer than any account: figures over it come from no exam. */
#define ACCOUNT_MAX_MS (UINT64_C(1) << 40)

enum link_phase { LINK_PHASE_DOWN, LINK_PHASE_DIALLING, LINK_PHASE_GREETING, LINK_PHASE_UP };

struct seat_link {
    enum link_phase phase;
    bool founded;      /* UP: belonged to a site when it greeted */
    bool serving;      /* UP: claims to serve, with an epoch that is not too low */
    uint32_t id_last;  /* of the requests on this connection */
    uint32_t void_id;  /* replies up to this one are to requests that were given up */
    uint32_t probe_id; /* Hello, or a probe, without a reply yet; 0: none */
    uint32_t failures; /* in a row */
    exam_err told;     /* the trouble that was told last, so that it is told once */
    uint64_t at_ms;    /* DOWN: to be dialled; else: the phase's patience ends, or to be probed */
    uint64_t epoch;
};

enum request_kind {
    REQUEST_SIGN_IN,
    REQUEST_ATTACH,
    REQUEST_HEARTBEAT,
    REQUEST_ACTION,
    REQUEST_PAPER
};

struct seat_request {
    uint64_t seq;   /* of an action */
    uint64_t at_ms; /* sent */
    uint32_t id;
    uint8_t kind;
    bool done;
};

enum session_phase { SESSION_IDLE, SESSION_ATTACHING, SESSION_ATTACHED };

struct seat_paper {
    bool wanted, done;
    bool asked; /* a part is on its way */
    uint32_t bytes, have_bytes;
    uint64_t retry_at_ms;
    uint8_t digest[HASH_BYTES];
    crypto_generichash_state hash;
};

struct seat_core {
    struct seat_config config;
    char seat[NAME_BYTES_MAX + 1], client[NAME_BYTES_MAX + 1];
    bool started, stopped, busy;
    uint64_t now_ms;
    uint64_t chance;
    struct seat_stats stats;

    /* seat_link.c */
    struct seat_link links[NODES_MAX];
    uint32_t main;
    uint64_t trim_at_ms;
    uint64_t epoch_seen;
    uint8_t site_id[SITE_ID_BYTES];
    bool site_known;

    /* seat_session.c */
    enum seat_state state;
    enum session_phase phase;
    uint64_t attach_at_ms;                /* not before */
    uint64_t claim_open_ms, claim_out_ms; /* of the attachment under way, as sent */
    bool have_session;                    /* session and admission_no are a sitting's */
    bool session_void; /* but no node knows it: the candidate has to sign in again, or moves */
    bool session_journalled;
    bool sign_in;     /* by SignIn; id_no is known */
    bool collected;   /* as soon as nothing is unsaved the seat is free */
    bool left_behind; /* an earlier session's actions lie in the journal, perhaps unsaved */
    char admission_no[NAME_BYTES_MAX + 1], id_no[NAME_BYTES_MAX + 1];
    uint8_t session[SESSION_BYTES];
    struct {
        bool waits;
        uint64_t until_ms;
        char admission_no[NAME_BYTES_MAX + 1], id_no[NAME_BYTES_MAX + 1];
        uint8_t session[SESSION_BYTES];
    } next; /* who signs in when what a void session has left here is handed in, or not wanted */
    uint64_t attachment_epoch, attachment_lsn;
    uint64_t heartbeat_ms, grace_ms;
    Ev__Finish finish;
    bool finish_confirmed; /* by a node */
    uint64_t ended_at_ms;  /* T10: when the time ran out, by this seat's clock */
    bool ended_continuous; /* and the clock has not been interrupted since */

    /* seat_clock.c */
    struct seat_mark mark; /* the last acknowledgement */
    bool mark_known, mark_continuous, mark_unjournalled;
    struct seat_account account;
    bool open;               /* the screen */
    uint64_t open_ms_frozen; /* closed: how long it was open after the mark */
    uint64_t heartbeat_at_ms;

    /* seat_action.c */
    struct backlog backlog;
    uint64_t seq_last, seq_settled, seq_next, seq_submit;
    uint64_t seq_there; /* the node had the actions up to here when this seat attached, */
    enum seat_answer_state there_state; /* as safe as that */
    uint64_t submit_at_ms;              /* T10: when that was, by this seat's clock */
    bool submit_continuous;             /* and the clock has not been interrupted since */
    uint64_t seq_quiet; /* the action that the running call made: its first state is not told */
    uint32_t in_flight;
    uint32_t rewind_id; /* refusals of requests before this one are of a flight that was given up */
    uint64_t retry_at_ms;
    uint32_t retries;
    enum seat_answer_state weakest; /* of all settled actions */

    struct seat_paper paper;

    /* The requests in flight, oldest first: a ring in the block behind this struct. */
    uint32_t requests_max, requests_head, requests_n;
    bool boot_replayed; /* the journal's last BOOT record is of the running boot */
    struct seat_request *requests;
};

/* ---------------------------------------------------------------- inputs (seat_core.c) */

/* Every input is begun (time first: what was due happens) and ended (then everything that follows
 * from it). In between the core is busy: an effect that calls back is a defect of the shell. */
void seat_input_begin(struct seat_core *s, uint64_t now_ms);
void seat_input_end(struct seat_core *s);

/* ---------------------------------------------------------------- effects (seat_core.c) */

void seat_emit(struct seat_core *s, const struct seat_event *e);
void seat_emit_problem(struct seat_core *s, enum seat_event_kind kind, exam_err code, uint32_t node,
                       const char *text);
/* Journals; a failure is told to the candidate's program, which goes on. */
EXAM_MUST_USE exam_err seat_journal(struct seat_core *s, const struct seat_record *r, bool durable);
/* Sends on a link; *id is the request's. m->id is set here. */
uint32_t seat_send(struct seat_core *s, uint32_t node, Seat__Request *m);
uint64_t seat_chance_ms(struct seat_core *s, uint64_t min_ms, uint64_t max_ms);
void seat_state_set(struct seat_core *s, enum seat_state state);

/* Requests on the main link. */
bool seat_request_room(const struct seat_core *s);
void seat_request_note(struct seat_core *s, enum request_kind kind, uint32_t id, uint64_t seq);
struct seat_request *seat_request_find(struct seat_core *s, uint32_t id);
void seat_request_done(struct seat_core *s, struct seat_request *r);
void seat_requests_drop(struct seat_core *s);
/* When the oldest one was sent; NEVER_MS: none. */
uint64_t seat_request_oldest_ms(const struct seat_core *s);

/* ---------------------------------------------------------------- seat_link.c */

void seat_link_dial_all(struct seat_core *s);
/* Closes it and dials it again after `backoff_ms` (0: the usual, growing). */
void seat_link_drop(struct seat_core *s, uint32_t node, uint64_t backoff_ms);
/* The same for a link that is closed already. */
void seat_link_gone(struct seat_core *s, uint32_t node, uint64_t backoff_ms);
/* What a node sent makes no sense: closes it, counts it. */
void seat_link_hostile(struct seat_core *s, uint32_t node, const char *why);
/* The node does not serve: it stays up, another one is looked for. */
void seat_link_retire(struct seat_core *s, uint32_t node);
/* Notes an epoch (W1). False: it is lower than one seen, and the link has been dropped. */
bool seat_link_epoch(struct seat_core *s, uint32_t node, uint64_t epoch);
void seat_link_greet(struct seat_core *s, uint32_t node);
void seat_link_welcome(struct seat_core *s, uint32_t node, const Seat__Welcome *w);
void seat_link_hello_refused(struct seat_core *s, uint32_t node, const Seat__Refused *r);
void seat_link_notice(struct seat_core *s, uint32_t node, const Seat__Notice *n);
void seat_link_turn(struct seat_core *s);
uint64_t seat_link_deadline(const struct seat_core *s);

/* ---------------------------------------------------------------- seat_session.c */

void seat_session_replay(struct seat_core *s, const struct seat_record *r);
void seat_session_restore(struct seat_core *s); /* after the last replay */
void seat_session_turn(struct seat_core *s);
/* Another primary serves: it may know the session that its predecessor did not. */
void seat_session_epoch(struct seat_core *s);
uint64_t seat_session_deadline(const struct seat_core *s);
/* The main link is gone. */
void seat_session_lost(struct seat_core *s, exam_err code, const char *text);
void seat_session_attached(struct seat_core *s, const Seat__Attached *a, bool signed_in);
void seat_session_refused(struct seat_core *s, const Seat__Refused *r, bool signing_in);
void seat_session_notice(struct seat_core *s, const Seat__Notice *n);
/* The sitting is finished, told by a node or by this seat's clock. */
void seat_session_finish(struct seat_core *s, Ev__Finish finish, uint64_t at_ms, bool confirmed);
void seat_session_collect(struct seat_core *s);

/* ---------------------------------------------------------------- seat_clock.c */

uint64_t seat_clock_open_ms(const struct seat_core *s, uint64_t now_ms);
/* Takes an acknowledgement as the new mark: so much was used ago_ms ago (T7). `bytes` may be NULL:
 * the old ones stay. */
void seat_clock_mark(struct seat_core *s, uint64_t used_ms, uint64_t left_ms, uint64_t ago_ms,
                     const ProtobufCBinaryData *bytes);
void seat_clock_account(struct seat_core *s, const Seat__Account *a, uint64_t ago_ms,
                        const ProtobufCBinaryData *bytes);
bool seat_clock_figures_ok(uint64_t used_ms, uint64_t left_ms);
void seat_clock_open(struct seat_core *s);
void seat_clock_close(struct seat_core *s, uint64_t at_ms);
void seat_clock_mark_journal(struct seat_core *s);
/* The first one of a session, durably; it is journalled again when the state is known, too. */
EXAM_MUST_USE exam_err seat_clock_mark_flush(struct seat_core *s);
/* Everything that time itself brought about up to now: heartbeat instants, lock, end. */
void seat_clock_turn(struct seat_core *s);
/* The program ends in order: its screen closes now, and what it used is journalled (T7). */
void seat_clock_stop(struct seat_core *s);
/* What a notice has told is durable here: no node has it yet. */
void seat_clock_keep(struct seat_core *s);
uint64_t seat_clock_deadline(const struct seat_core *s);

/* ---------------------------------------------------------------- seat_action.c */

void seat_action_replay(struct seat_core *s, const struct seat_action *a);
void seat_action_reset(struct seat_core *s);
/* In contact again: the node has the actions up to seq_have, as durable as `durability`; it has
 * refused that of seq_refused, and perhaps earlier ones. */
void seat_action_attached(struct seat_core *s, uint64_t seq_have, uint64_t seq_refused,
                          Seat__Durability durability);
void seat_action_lost(struct seat_core *s);
/* False: the acknowledgement or refusal makes no sense. */
bool seat_action_acked(struct seat_core *s, const struct seat_request *q, const Seat__Ack *a);
bool seat_action_refused(struct seat_core *s, const struct seat_request *q, const Seat__Refused *r);
void seat_action_turn(struct seat_core *s);
bool seat_action_submit_pending(const struct seat_core *s);
enum seat_answer_state seat_answer_state_of(Seat__Durability durability);

/* ---------------------------------------------------------------- seat_paper.c */

void seat_paper_known(struct seat_core *s, uint32_t bytes, const ProtobufCBinaryData *digest);
bool seat_paper_part(struct seat_core *s, const Seat__PaperPart *p);
void seat_paper_refused(struct seat_core *s, const Seat__Refused *r);
void seat_paper_turn(struct seat_core *s);

#endif
