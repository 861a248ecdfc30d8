/* seat_world.h - one seat core in a world of the test's own: virtual time, scripted nodes, a
 * journal in memory. For tests only; single-threaded.
 *
 * The nodes here follow seat.proto for one sitting of one candidate, with an account that is kept
 * the simple way, so that what the seat claims can be checked against figures. */
#ifndef EXAMSEAT_SEAT_WORLD_H
#define EXAMSEAT_SEAT_WORLD_H

#include "seat_core.h"

enum {
    WORLD_NODES = 3,
    WORLD_EVENTS_MAX = 40000,
    WORLD_RECORDS_MAX = 20000,
    WORLD_QUEUE_MAX = 4096,
    WORLD_PAPER_BYTES = 70000,
    WORLD_ACTIONS_MAX = 12000,
};

/* What all nodes share: the sitting, as its log would have it. */
struct world_site {
    uint8_t site_id[SITE_ID_BYTES];
    uint64_t allot_ms, used_ms, marked_at_ms; /* used up to there */
    bool signed_in, attached;
    char admission_no[NAME_BYTES_MAX + 1];
    uint8_t session[SESSION_BYTES];
    Seat__SittingState state;
    Ev__Finish finish;
    uint64_t seq_have, seq_refused; /* the newest refused one; it and those before it that have no
                                       value are refused again */
    uint64_t attachments;
    uint64_t heartbeat_ms, grace_ms;
    char values[WORLD_ACTIONS_MAX][16]; /* by seq */
    uint8_t paper[WORLD_PAPER_BYTES];
    bool paper_spoiled;
};

struct world_node {
    bool up; /* dials succeed */
    bool serving;
    bool silent; /* takes frames, answers nothing */
    bool empty;  /* of no site: new, or its disk is lost */
    bool linked; /* the seat has a connection */
    bool dialling;
    uint64_t epoch;
    uint32_t version;
    uint8_t site_id[SITE_ID_BYTES];
    Seat__Durability durability;
    exam_err refuse_sign_in, refuse_attach, refuse_answers, refuse_hello; /* EXAM_OK: not */
    uint64_t refuse_from_seq;                                             /* of refuse_answers */
    bool late; /* acknowledges actions as late */
    bool hold; /* actions get no reply yet */
    bool hold_attach;
    uint32_t held_attach_id; /* of the last Attach that was held; 0: none */
    uint64_t ago_ms;         /* what it has heard had lain unread for so long */
    uint64_t answers_n, heartbeats_n, hellos_n, byes_n;
    uint64_t epoch_told;              /* by Hello */
    uint8_t site_told[SITE_ID_BYTES]; /* the last that it named */
    /* The last attachment as it came. */
    struct {
        uint64_t open_ms, since_ms, ended_ago_ms, mark_used_ms;
        bool clock_continuous, ended, submitted;
    } claim;
    uint64_t attach_n, sign_in_n;
    uint64_t seq_unheld_from; /* first action that was held */
};

struct world_event {
    struct seat_event e;
    char text[64];
};

struct world {
    uint64_t now_ms;
    struct seat_core *core;
    struct seat_config config;
    void *block;
    struct arena arena;
    void *arena_block;

    struct world_site site;
    struct world_node nodes[WORLD_NODES];

    struct world_event *events;
    size_t events_n;
    uint64_t states_seen; /* bit per enum seat_state entered */

    /* The journal: encoded records, so that what is replayed went through its codec. */
    struct {
        uint8_t *bytes;
        size_t n;
        bool durable;
    } * records;
    size_t records_n;
    exam_err journal_fails; /* EXAM_OK: does not */
    uint64_t fetched_n;

    struct {
        uint32_t node;
        bool closed, opened;
        uint8_t *bytes;
        size_t n;
    } * queue;
    size_t queue_head, queue_n;
    uint8_t *paper_got;
    size_t paper_got_bytes;
    bool in_core;
    uint64_t mutate_seed; /* not 0: one in four frames of the nodes arrives with a byte changed */
    uint64_t mutated_n;
    uint64_t sent_undurable_n; /* actions sent that no durable record holds: must stay 0 */
    uint8_t session[SESSION_BYTES];
};

/* A world with `nodes_n` nodes, the first of which is up and serves epoch 1; the others are up and
 * stand by. The core is started. Sitting: waiting, 60 minutes, heartbeat 1 s, grace 15 s. */
struct world *world_new(uint32_t nodes_n);
/* The same with a configuration of the caller's; nodes_n, effects and arena are set here. */
struct world *world_new_with(uint32_t nodes_n, size_t answers_bytes, uint32_t pending_max,
                             uint32_t window);
void world_free(struct world *w);

/* Lets time pass up to `at_ms`; everything that is due happens at its own millisecond. */
void world_run(struct world *w, uint64_t at_ms);
/* Lets what is under way arrive, without any time passing. */
void world_settle(struct world *w);

void world_sign_in(struct world *w); /* "2026010001", accepted or not */
void world_start_batch(struct world *w);
/* Signed in, started, attached to node 0 at the time now. */
void world_begin(struct world *w);

/* The node's process ends: its links break. It stays down until world_up. */
void world_kill(struct world *w, uint32_t node);
void world_up(struct world *w, uint32_t node, bool serving, uint64_t epoch);
/* A standby is promoted and tells those that are connected. */
void world_promote(struct world *w, uint32_t node, uint64_t epoch);
/* The seat's program dies and is started again at `at_ms`, in the same boot or in another one.
 * What was not durable survives the program, not the machine. */
void world_restart_seat(struct world *w, uint64_t at_ms, bool reboot);

void world_notice(struct world *w, uint32_t node, Seat__NoticeKind kind);
void world_send(struct world *w, uint32_t node, const Seat__Reply *m);
void world_send_bytes(struct world *w, uint32_t node, const uint8_t *payload, size_t n);

/* What is under way between seat and nodes is lost without a trace. */
void world_drop_wire(struct world *w);
/* The journal loses its records from the n-th on (0: all). */
void world_cut_journal(struct world *w, size_t n);

exam_err world_answer(struct world *w, const char *item, const char *value, uint64_t *seq);

size_t world_count(const struct world *w, enum seat_event_kind kind);
/* The last event of a kind; NULL: none. */
const struct seat_event *world_last(const struct world *w, enum seat_event_kind kind);
/* What the sitting has used by the node's own account, as of now. */
uint64_t world_node_used_ms(const struct world *w);
void world_forget_events(struct world *w);

#endif
