/* examseat.h - the seat's side of the exam service, for the programs that show papers.
 *
 * What it does. Finds the node that serves among those given, signs the candidate in, keeps the
 * account of the candidate's time, journals every answer on this machine's disk before it is sent,
 * sends it, and moves to the next node by itself when one dies. The program shows what it is told.
 *
 * Threading. No thread is asked of the caller, and none calls back: every callback is called from
 * inside examseat_poll(), on the caller's thread. A handle is used by one thread at a time; two
 * handles are independent of each other. A callback may call any function here with its own handle
 * but examseat_poll and examseat_close.
 *
 * Ownership. What is passed in is copied before the call returns. What a callback is given lives
 * until it returns. Strings are UTF-8 and end with NUL.
 *
 * Units. Times are whole milliseconds of a clock that a change of the machine's date does not
 * touch.
 *
 * Errors. Functions that can fail return an examseat_err; outputs come last and are untouched on
 * failure; examseat_error_text() says for a person what happened and what to do.
 *
 * ABI. Structs that may grow begin with `size`: set it to sizeof the struct (the *_INIT macros do).
 * Numbers of enums are never changed or used again. A program must expect events and states that it
 * does not know, and ignore them. */
#ifndef EXAMSEAT_H
#define EXAMSEAT_H

#include <stddef.h>
#include <stdint.h>

#define EXAMSEAT_VERSION_MAJOR 0
#define EXAMSEAT_VERSION_MINOR 1
#define EXAMSEAT_VERSION_PATCH 0

#if defined(_WIN32)
#define EXAMSEAT_API
#elif defined(__GNUC__)
#define EXAMSEAT_API __attribute__((visibility("default")))
#else
#define EXAMSEAT_API
#endif
#if defined(__GNUC__)
#define EXAMSEAT_MUST_USE __attribute__((warn_unused_result))
#else
#define EXAMSEAT_MUST_USE
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct examseat examseat;

typedef enum examseat_err {
    EXAMSEAT_OK = 0,
    EXAMSEAT_AGAIN = 1,       /* not now; nothing is wrong */
    EXAMSEAT_NO_CONTACT = 2,  /* no node that serves is in contact */
    EXAMSEAT_FULL = 3,        /* no space on this machine's disk, or too many unsaved answers */
    EXAMSEAT_STATE = 4,       /* not in this state: not signed in, not started, locked, paused */
    EXAMSEAT_LATE = 5,        /* after the finish: not recorded (from a node: not in the result) */
    EXAMSEAT_AUTH = 6,        /* admission number and ID number do not fit */
    EXAMSEAT_SEAT_TAKEN = 7,  /* the candidate belongs to another seat; the text names it */
    EXAMSEAT_EXISTS = 8,      /* this candidate is signed in already */
    EXAMSEAT_NOT_FOUND = 9,   /* no such item, answer or folder */
    EXAMSEAT_REFUSED = 10,    /* a rule of the exam forbids it; the text names it */
    EXAMSEAT_INVALID = 11,    /* a value out of its range */
    EXAMSEAT_TOO_BIG = 12,    /* an answer over EXAMSEAT_ANSWER_BYTES_MAX */
    EXAMSEAT_VERSION = 13,    /* the node or the journal is of another version */
    EXAMSEAT_OTHER_SITE = 14, /* a node of another site, or another seat's journal */
    EXAMSEAT_IO = 15,         /* this machine's disk failed: what was last written is unknown */
    EXAMSEAT_CORRUPT = 16,    /* the journal is damaged; it is kept aside and the text names it */
    EXAMSEAT_LOCKED = 17,     /* another program has this seat's journal open */
    EXAMSEAT_SYSTEM = 18      /* memory, or the operating system */
} examseat_err;

enum {
    EXAMSEAT_NODES_MAX = 8,
    EXAMSEAT_ANSWER_BYTES_MAX = 1024,
    EXAMSEAT_NAME_BYTES_MAX = 32 /* seat, item, admission number */
};

/* Where the seat is. Only in EXAMSEAT_STATE_ANSWERING may the candidate see and answer questions.
 */
typedef enum examseat_state {
    EXAMSEAT_STATE_CONNECTING = 1, /* nobody signed in, no serving node found yet */
    EXAMSEAT_STATE_CONNECTED = 2,  /* ready for a candidate */
    EXAMSEAT_STATE_SIGNING_IN = 3,
    EXAMSEAT_STATE_WAITING = 4, /* signed in; the batch has not started */
    EXAMSEAT_STATE_ANSWERING = 5,
    EXAMSEAT_STATE_LOCKED = 6, /* out of contact for too long: the screen closes, time stands */
    EXAMSEAT_STATE_PAUSED = 7,
    EXAMSEAT_STATE_SUBMITTING = 8, /* submitted; not yet confirmed */
    EXAMSEAT_STATE_FINISHED = 9,
    EXAMSEAT_STATE_SHUT_OUT = 10 /* the candidate has gone on at another seat */
} examseat_state;

/* How safe an answer is. Show it as saved only when it is SOLO or DUAL. It can go back, from DUAL
 * to SENT too, when a node that had it is lost for good; the answer is then sent again by itself.
 */
typedef enum examseat_answer_state {
    EXAMSEAT_ANSWER_UNKNOWN = 0,
    EXAMSEAT_ANSWER_LOCAL = 1, /* on this machine's disk only */
    EXAMSEAT_ANSWER_SENT = 2,  /* on its way */
    EXAMSEAT_ANSWER_SOLO = 3,  /* saved on the one server that runs */
    EXAMSEAT_ANSWER_DUAL = 4,  /* saved on two servers */
    EXAMSEAT_ANSWER_REFUSED = 5
} examseat_answer_state;

typedef enum examseat_finish {
    EXAMSEAT_FINISH_NONE = 0,
    EXAMSEAT_FINISH_TIMED_OUT = 1,
    EXAMSEAT_FINISH_SUBMITTED = 2,
    EXAMSEAT_FINISH_CLOSED = 3,    /* by a person */
    EXAMSEAT_FINISH_POSTPONED = 4, /* the batch is sat again on another day */
    EXAMSEAT_FINISH_ABSENT = 5
} examseat_finish;

/* What the candidate checks on the screen after signing in. */
typedef struct examseat_candidate {
    const char *admission_no;
    const char *id_no; /* "": the site keeps only what can tell whether another one is the same */
    const char *name;
    const char *room, *seat;
    const char *batch, *batch_title;
    const char *paper, *paper_title;
} examseat_candidate;

typedef enum examseat_event_kind {
    EXAMSEAT_EVENT_STATE = 1,           /* state */
    EXAMSEAT_EVENT_CANDIDATE = 2,       /* candidate: signed in, or back after a loss */
    EXAMSEAT_EVENT_SIGN_IN_REFUSED = 3, /* err, text */
    EXAMSEAT_EVENT_SIGN_IN_NEEDED = 4,  /* err, text: the same candidate signs in once more */
    EXAMSEAT_EVENT_STARTED = 5,         /* the paper can be fetched */
    EXAMSEAT_EVENT_PAPER = 6,           /* paper, paper_bytes: whole, its digest is right */
    EXAMSEAT_EVENT_PAPER_FAILED = 7,    /* err, text: fetch again */
    EXAMSEAT_EVENT_ANSWER = 8,          /* seq, answer_state, late; with REFUSED err, text */
    EXAMSEAT_EVENT_CONTACT = 9,         /* in contact (in_contact = 1) or not (0); text */
    EXAMSEAT_EVENT_ACCOUNT = 10,        /* the time left was set by the node: ask time_left_ms */
    EXAMSEAT_EVENT_FINISHED = 11,       /* finish */
    EXAMSEAT_EVENT_REOPENED = 12,       /* time was granted after a time-out: answering again */
    EXAMSEAT_EVENT_COLLECTED = 13,      /* unsaved (0: all is well): the seat is free again */
    EXAMSEAT_EVENT_PROBLEM = 14,        /* err, text: for a person; the seat goes on by itself */
    EXAMSEAT_EVENT_RECEIPT = 15         /* receipt; text: the file in which it is kept */
} examseat_event_kind;

typedef struct examseat_event {
    uint32_t size; /* of this struct, as the library knows it */
    examseat_event_kind kind;
    examseat_err err;
    const char *text; /* never NULL */
    examseat_state state;
    const examseat_candidate *candidate; /* NULL but with CANDIDATE */
    const uint8_t *paper;                /* NULL but with PAPER */
    size_t paper_bytes;
    uint64_t seq;
    examseat_answer_state answer_state;
    int late; /* made before the finish, delivered after it: counts */
    int in_contact;
    examseat_finish finish;
    uint64_t unsaved;
    const char *receipt; /* NULL but with RECEIPT: see examseat_receipt */
} examseat_event;

typedef void (*examseat_event_fn)(void *user, examseat *h, const examseat_event *event);

typedef struct examseat_config {
    uint32_t size;            /* sizeof(examseat_config) */
    const char *const *nodes; /* addresses: "host:port"; with a key "NAME@host:port" */
    uint32_t nodes_n;         /* 1..EXAMSEAT_NODES_MAX */
    const char *seat;         /* this seat's name, as the site knows it: "R03-17" */
    const char *journal_dir;  /* a folder on a local disk that is kept over restarts */
    const char *client;       /* the program and its version, for the node's log; may be NULL */
    examseat_event_fn on_event;
    void *user;
    /* This seat's own key, and the site's roster of keys: files that the site's administrator made.
     * With both, connections are encrypted and either end proves who it is. Neither, or both. A
     * newer roster may take the file's place at any time; one that is older than one that this seat
     * has used is refused (SEAT.roster-used in journal_dir has its number). */
    const char *key_file;
    const char *key_roster;
} examseat_config;

#define EXAMSEAT_CONFIG_INIT                                                                       \
    {                                                                                              \
        sizeof(examseat_config), NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL                 \
    }

/* Opens the seat: its journal is read, and if a sitting is in it the seat goes back to it by
 * itself. On failure, *h is untouched and `why` (may be NULL; why_bytes of room) has the text.
 * INVALID, NOT_FOUND (journal_dir, a file of keys), REFUSED (the key is another's, was revoked, or
 * can be read by others; the roster is an old one), LOCKED, CORRUPT, VERSION, OTHER_SITE, FULL, IO,
 * SYSTEM. */
EXAMSEAT_API EXAMSEAT_MUST_USE examseat_err examseat_open(const examseat_config *config,
                                                          examseat **h, char *why,
                                                          size_t why_bytes);

/* Closes the seat in order; NULL is allowed. A sitting stays in the journal: the next examseat_open
 * goes on with it. Takes at most about a second. */
EXAMSEAT_API void examseat_close(examseat *h);

/* Does what there is to do and calls the callbacks; waits for at most timeout_ms (0: does not wait,
 * -1: until something happens) when there is nothing. Call it at least as often as
 * examseat_next_ms() says: deadlines, such as the end of the exam, are kept inside it. */
EXAMSEAT_API EXAMSEAT_MUST_USE examseat_err examseat_poll(examseat *h, int timeout_ms);

/* For programs with an event loop of their own: a descriptor that is readable when examseat_poll(h,
 * 0) has something to do, and in how many milliseconds it is to be called at the latest. */
EXAMSEAT_API int examseat_fd(const examseat *h);
EXAMSEAT_API int examseat_next_ms(const examseat *h);

/* Signs a candidate in, at once or as soon as a node serves. The outcome comes as an event:
 * CANDIDATE or SIGN_IN_REFUSED. INVALID, EXISTS, STATE (another candidate's sitting is open),
 * FULL, IO. */
EXAMSEAT_API EXAMSEAT_MUST_USE examseat_err examseat_sign_in(examseat *h, const char *admission_no,
                                                             const char *id_no);

/* Fetches the paper; it comes as an event: PAPER or PAPER_FAILED. STATE: no paper yet. */
EXAMSEAT_API EXAMSEAT_MUST_USE examseat_err examseat_fetch_paper(examseat *h);

/* Records an answer: when it returns OK the answer is on this machine's disk, and it is sent now or
 * as soon as there is contact. `value` is the program's own notation of up to
 * EXAMSEAT_ANSWER_BYTES_MAX bytes of UTF-8; 0 bytes: the candidate took the answer back. `seq` (may
 * be NULL) names it in ANSWER events. STATE, LATE, INVALID, TOO_BIG, FULL, IO: nothing recorded;
 * show it to the candidate and let the same answer be given again. */
EXAMSEAT_API EXAMSEAT_MUST_USE examseat_err examseat_answer(examseat *h, const char *item,
                                                            const void *value, size_t value_bytes,
                                                            uint64_t *seq);

/* The candidate is done. No answer is taken after it. Errors as examseat_answer. */
EXAMSEAT_API EXAMSEAT_MUST_USE examseat_err examseat_submit(examseat *h, uint64_t *seq);

EXAMSEAT_API examseat_state examseat_get_state(const examseat *h);
EXAMSEAT_API int examseat_in_contact(const examseat *h);
EXAMSEAT_API examseat_finish examseat_get_finish(const examseat *h);

/* The candidate's time as of now. left is 0 when nobody is signed in. */
EXAMSEAT_API uint64_t examseat_time_left_ms(const examseat *h);
EXAMSEAT_API uint64_t examseat_time_used_ms(const examseat *h);

EXAMSEAT_API examseat_answer_state examseat_get_answer_state(const examseat *h, uint64_t seq);

/* Answers that no node has acknowledged. Nobody leaves the room while there is one. */
EXAMSEAT_API uint64_t examseat_unsaved(const examseat *h);

/* The newest receipt of a candidate of this seat, since the program started: what a server has
 * signed about the answers that it has, after the candidate submitted, and when the batch is
 * collected. NULL: none. A text of some lines, to be shown or printed; the last word of its line
 * "check" is what a person types to have it compared with the servers' log. This library has
 * checked the signature, and keeps each receipt in the journal's folder:
 * receipt-CANDIDATE-RECORD.txt. There are none without keys. */
EXAMSEAT_API const char *examseat_receipt(const examseat *h);

/* Gives every answer of the sitting from this machine's journal, oldest first (the last one of an
 * item counts): for a program that has been restarted. Callbacks come from inside this call. */
typedef void (*examseat_answer_fn)(void *user, uint64_t seq, const char *item, const void *value,
                                   size_t value_bytes);
EXAMSEAT_API EXAMSEAT_MUST_USE examseat_err examseat_each_answer(examseat *h, examseat_answer_fn fn,
                                                                 void *user);

/* What the last failed call, or the last trouble, was: for a person. Never NULL. */
EXAMSEAT_API const char *examseat_error_text(const examseat *h);

/* A short English name of an error, a state or an answer's state: for logs. Never NULL. */
EXAMSEAT_API const char *examseat_err_name(examseat_err err);
EXAMSEAT_API const char *examseat_state_name(examseat_state state);
EXAMSEAT_API const char *examseat_answer_state_name(examseat_answer_state state);

/* The library's version, "0.1.0". */
EXAMSEAT_API const char *examseat_version(void);

#ifdef __cplusplus
}
#endif

#endif
