/* exam_state.h - what the exam core remembers, and the questions about it that several files ask.
 * Pure; internal to node/exam. Rooms, seats, batches, papers and sittings are numbered from 1 in
 * the order of the log and are never taken away, so a number is a place in an array + 1.
 *
 * What is marked (derived) follows from the rest and is reckoned anew by a load. */
#ifndef EXAM_STATE_H
#define EXAM_STATE_H

#include "account.h"
#include "answer.h"
#include "deadlines.h"
#include "exam.h"
#include "memory.h"
#include "name_index.h"

enum {
    SEAT_NAME_BYTES_MAX = NAME_BYTES_MAX + 5, /* "<room>-999" with its NUL */
    ROOM_NAME_BYTES_MAX = NAME_BYTES_MAX - 4, /* so that its seats' names are names, too */
};

struct room {
    char *name;
    uint32_t seats, seat_first;
    char *seat_names; /* (derived) SEAT_NAME_BYTES_MAX each */
    uint32_t held_by; /* (derived) the batch that has started here and is not closed (P11) */
    bool paused;      /* (derived) by a pause of its own (T8) */
    bool dirty;
};

struct seat {
    uint32_t room;
    uint32_t sitting; /* (derived) the one that attached here last */
    bool paused;      /* (derived) by a pause of its own (T8) */
};

struct paper {
    char *name, *title;
    uint32_t bytes, minutes, have; /* complete when have == bytes */
    uint8_t digest[HASH_BYTES];
    uint8_t *text;
    struct items items;
    bool sealed;     /* the text is, for the site's data key (P3): opaque here */
    bool superseded; /* its import was cut off, and another took its name */
    bool dirty;
    uint32_t text_dirty_from; /* bytes before it are as flushed */
};

struct batch {
    char *name, *title;
    uint64_t allot_ms, grace_ms, heartbeat_ms;
    Ev__Timing timing;
    uint32_t sitting_first, sittings_n;   /* they follow one another */
    int64_t entry_wall_ms, start_wall_ms; /* planned, for people (T4) */
    bool complete, superseded, started, collected, postponed;
    uint64_t start_ms, collect_ms; /* collect_ms: of the postponement, too */
    bool paused, suspended;        /* (derived) by a pause of its own (T8); by W4 */
    uint32_t screenless_n;         /* (derived) sittings whose clock runs without a screen (T2) */
    uint64_t screenless_mark_ms;   /* (derived) their latest mark */
    bool dirty;
};

struct interruption { /* T14 */
    uint64_t from_ms, to_ms, lost_ms;
    Ev__Basis basis;
    uint32_t incident; /* 0: none */
    bool own_doing;    /* of the candidate, as a person says */
};

/* T8. Kept when it is lifted: a seat that comes back later may claim time from before it. */
struct pause {
    Ev__ScopeKind kind; /* site, batch, room or seat */
    uint32_t no;
    bool suspension;         /* W4 */
    uint64_t epoch;          /* in which it began */
    uint64_t from_ms, to_ms; /* to_ms UINT64_MAX: not lifted */
    bool dirty;
};

struct incident {
    Ev__IncidentKind kind;
    Ev__ScopeKind scope;
    uint32_t no;
    char *text, *who; /* who "": observed */
    bool open;
    uint64_t since_ms, closed_ms;
    uint32_t notes;
    uint32_t interruptions_n; /* (derived) that belong to it, and what they lost */
    uint64_t lost_ms;
    bool dirty;
};

enum { FORMERS_MAX = 64, FORMERS_APART_MAX = FORMERS_MAX / 4 };

/* T11, A3: a session that the sitting has had before; its seat may still hold answers. */
struct former {
    uint8_t session[SESSION_BYTES]; /* zeros: it became the current one again */
    uint32_t seat;
    uint64_t seq_have, seq_refused;
    uint64_t attachment_epoch, attachment_lsn; /* its last; lsn 0 of an epoch: of a dead branch, */
    uint64_t used_ms;                          /* of which the seat has shown such a mark (T12) */
};

/* An epoch's begin: numbers up to these mean the same on a branch that was left there (A3). */
struct epoch_start {
    uint64_t epoch, first_lsn;
    uint32_t epoch_tag;
    uint32_t sittings_n, incidents_n;
};

/* A3: records of a dead branch that have been recovered. Of one epoch there are as many of these as
 * there are gaps: several nodes bring what they have in any order. */
struct recovery {
    uint64_t epoch, first_lsn, lsn;
    uint32_t epoch_tag;
    bool marks_shown; /* a person was told that the branch has later marks */
};

enum { /* entries of a sitting that differ from what was flushed */
       DIRTY_ROSTER = 1,
       DIRTY_ACCOUNT = 2,
       DIRTY_ANSWERS = 4,
       DIRTY_INTERRUPTIONS = 8,
};

struct sitting {
    char *admission_no, *id_no, *name;
    uint32_t batch, seat, paper; /* paper 0: none, its items are open */
    uint64_t extra_ms;

    struct account account;
    uint64_t mark_epoch; /* in which the account's mark was made */
    bool begun;
    bool screen_opened; /* the paper has been on a screen (T2) */
    bool signed_in;
    bool contact; /* attached, if attachment_epoch is the site's epoch (W1) */
    uint64_t attachment_epoch, attachment_lsn;
    uint8_t session[SESSION_BYTES];
    uint64_t seq_have, seq_refused; /* the newest action; the newest that was refused; 0: none */
    Ev__Finish finish;
    uint64_t finish_ms;
    uint32_t violations;    /* R3; what they were is in the log */
    bool limit_told;        /* the open interruption has reached the limit, and that was logged */
    bool limit_open;        /* one has, and a person has not decided yet */
    bool submission_due;    /* T10: submitted by the seat's word; what it holds is still to come */
    uint64_t shown_used_ms; /* T12: by a mark of time that this log never gave; 0: none such */
    struct former *formers;
    uint32_t formers_n, formers_cap;

    struct answers answers;
    struct items own; /* of a sitting without a paper */
    struct interruption *interruptions;
    uint32_t interruptions_n, interruptions_cap;

    bool screenless;    /* (derived) counted in its batch's screenless_n */
    uint64_t detach_ms; /* (derived) when contact was lost last; after a load: 0 */
    uint8_t dirty;
};

struct exam {
    struct exam_memory memory;

    bool founded, solo;
    uint8_t site_id[SITE_ID_BYTES], site_key[SITE_KEY_BYTES];
    char *name;
    uint64_t epoch, base_ms, last_ms;
    uint32_t
        epoch_tag; /* of the epoch's EpochBegan: tells two histories of one number apart (W1) */
    uint64_t dark_epoch;   /* the newest that began after an unknown time (exam.h); 0: none */
    uint64_t dark_base_ms; /* its base_ms */
    char battery_low[NAME_BYTES_MAX + 1]; /* W4: the node that said so in this epoch; "": none */
    bool paused;                          /* (derived) the whole site (T8) */
    bool site_dirty;
    struct exam_options options; /* not state (exam.h) */

    struct room *rooms;
    uint32_t rooms_n, rooms_cap;
    struct seat *seats;
    uint32_t seats_n, seats_cap;
    struct paper *papers;
    uint32_t papers_n, papers_cap;
    struct batch *batches;
    uint32_t batches_n, batches_cap;
    struct sitting *sittings;
    uint32_t sittings_n, sittings_cap;

    struct pause *pauses;
    uint32_t pauses_n, pauses_cap;
    struct incident *incidents;
    uint32_t incidents_n, incidents_cap;
    struct epoch_start *epochs;
    uint32_t epochs_n, epochs_cap;
    struct recovery *recoveries;
    uint32_t recoveries_n, recoveries_cap;

    struct name_index candidates; /* (derived) admission number -> sitting, of complete batches */
    struct deadlines deadlines;   /* (derived) */
    struct deadlines limits;      /* (derived) when interruptions reach the limit */
    uint64_t screenless_due_ms;   /* (derived) */
    uint32_t *dirty;              /* sittings with a dirty entry, each once */
    uint32_t dirty_n, dirty_cap;
    uint64_t oddities;
};

/* ---------------------------------------------------------------- by number and by name */

/* NULL: no such number. */
struct sitting *exam_sitting(const exam *x, uint32_t no);
struct batch *exam_batch(const exam *x, uint32_t no);
/* 0: none. A superseded batch or paper is not found by its name. */
uint32_t exam_room_named(const exam *x, const char *name);
uint32_t exam_batch_named(const exam *x, const char *name);
uint32_t exam_paper_named(const exam *x, const char *name);
const char *exam_seat_name(const exam *x, uint32_t seat_no);
/* Takes "<room>-<number>" apart. False: no seat is named so. */
bool seat_name_split(const char *seat, char room[NAME_BYTES_MAX + 1], uint32_t *number);
uint32_t exam_sitting_no(const exam *x, const struct sitting *s);
/* The items that the sitting can answer; NULL for one without a paper. */
const struct items *exam_sitting_items(const exam *x, const struct sitting *s);

/* ---------------------------------------------------------------- conditions */

/* A seat shows the sitting and is in contact with this epoch's primary (W1). */
bool sitting_attached(const exam *x, const struct sitting *s);
bool sitting_finished(const struct sitting *s);
/* Begun and not finished. NULL is neither. */
bool sitting_account_open(const struct sitting *s);
/* A submission of another history ends it (T10): open, or, under personal timing, about to begin.
 */
bool sitting_can_end(const exam *x, const struct sitting *s);
/* Somebody has signed in to it; T12: on a dead branch, too, as a seat has shown. */
bool sitting_sat_down(const struct sitting *s);
/* T2: begun, and nobody has signed in yet. */
bool sitting_screenless(const struct sitting *s);
/* T8: its site, batch, room or seat, or the batch is suspended (W4). */
bool sitting_paused(const exam *x, const struct sitting *s);
/* It is the sitting's own; a moved sitting has none until somebody signs in to it (T11). */
bool sitting_session_is(const struct sitting *s, const uint8_t session[SESSION_BYTES]);
/* It is, or was, one of the sitting's (T11). */
bool sitting_knows_session(const struct sitting *s, const uint8_t session[SESSION_BYTES]);
/* A3: a dead branch knew it, and this log never had it as the sitting's own. */
bool former_apart(const struct former *f);
/* T1: in contact, and its screen may show the paper. */
bool sitting_opens_paper(const exam *x, const struct sitting *s);
/* T2. Of a screenless sitting the clock stands from an epoch's begin until it is credited (T5). */
bool sitting_clock_runs(const exam *x, const struct sitting *s);
uint64_t sitting_used_ms(const exam *x, const struct sitting *s, uint64_t now_ms);
/* T3, T7: account_vouched_ms of a word that is read now. */
uint64_t sitting_vouched_ms(const exam *x, const struct sitting *s, uint64_t now_ms,
                            const struct exam_word *w);
/* Started, and all its sittings are finished. */
bool batch_ended(const exam *x, const struct batch *b);
/* Collected or postponed: nothing of it goes on any more. */
bool batch_closed(const struct batch *b);
/* T3: when the batch's sittings without a screen are to be marked next; UINT64_MAX: never. */
uint64_t batch_mark_due_ms(const struct batch *b);

/* ---------------------------------------------------------------- changes */

/* The sitting's account has got a mark in this epoch (T3). */
void exam_mark_made(exam *x, struct sitting *s);
/* To be called after anything that a sitting's clock depends on has changed. */
void exam_clock_changed(exam *x, struct sitting *s);
/* The same for a change of the epoch, which stops them all. */
void exam_clocks_stop(exam *x);
void exam_sitting_touch(exam *x, struct sitting *s, unsigned dirty);
/* Of all that the scope of an event concerns (T8). */
void exam_clocks_changed(exam *x, const Ev__Scope *scope);
/* New entities at the end of their lists; the strings are copied. */
struct room *exam_room_add(exam *x, const char *name, uint32_t seats);
struct paper *exam_paper_add(exam *x, const char *name, const char *title, uint32_t bytes);
struct batch *exam_batch_add(exam *x, const char *name, const char *title);
struct sitting *exam_sitting_add(exam *x, const char *admission_no, const char *id_no,
                                 const char *name);
void exam_interruption_add(exam *x, struct sitting *s, const struct interruption *i);
/* T12, T14: so much of what has been credited, the latest first, was used and not lost; less if
 * there is less. */
void exam_credit_take_back(exam *x, struct sitting *s, uint64_t used_ms);
void exam_former_add(exam *x, struct sitting *s, const struct former *f);
/* The number that a session gets which the seat had on a dead branch of that epoch: there is one a
 * seat, the latest. 0: none, it has one that is as late, or the sitting has too many. */
uint32_t exam_former_apart_no(const struct sitting *s, uint32_t seat, uint64_t epoch);
struct incident *exam_incident_add(exam *x, const char *text, const char *who);
struct epoch_start *exam_epoch_start_add(exam *x, uint64_t epoch);
void exam_recovery_note(exam *x, const struct recovery *r);
/* The last record of that epoch that this log has itself; 0: none; UINT64_MAX: it is the newest. */
uint64_t exam_shared_lsn(const exam *x, uint64_t epoch, uint32_t epoch_tag);
/* True when a person was told of later marks of that epoch. */
bool exam_recovery_marks_shown(const exam *x, uint64_t epoch, uint32_t epoch_tag);
/* The import is whole: its candidates can be found. */
void exam_batch_index(exam *x, const struct batch *b);
/* P11: the rooms of the batch's sittings are held, or those it held are free again. */
void exam_batch_hold_rooms(exam *x, uint32_t batch_no, bool hold);

#endif
