/* seats.h - seats as the rules describe them, in virtual time, around a site of site.h.
 * Messages take no time; heartbeats fall on whole multiples after the latest attach; a seat
 * journals its position at each answer and heartbeat instant (T6), and answers when nobody serves.
 */
#ifndef EXAM_TEST_SEATS_H
#define EXAM_TEST_SEATS_H

#include "site.h"

enum { SEATS_MAX = 8, SEAT_ACTIONS_MAX = 64 };

struct seat_action {          /* journalled, kept until acknowledged */
    char item[16], value[16]; /* item "": a submission */
    uint64_t made_at_ms, epoch, lsn;
};

struct test_seat {
    uint32_t no, sitting;
    const char *name;
    uint8_t session;
    bool up, cut, attached, signed_in, finished;
    bool found; /* T12: taken in by its mark, so time without a screen was taken back */
    /* since the newest mark, on the seat's own clock */
    bool marked, clock_continuous;
    uint8_t mark[MARK_BYTES_MAX];
    size_t mark_bytes;
    uint64_t mark_ms, mark_used_ms, mark_left_ms;
    uint64_t journal_open_ms;
    uint64_t ended_ms; /* when its time ran out; 0: it has not */
    bool submitted;
    uint64_t submitted_ms;
    bool running; /* the paper is on the screen */
    uint64_t attach_ms, next_beat_ms;
    uint64_t attachment_epoch, attachment_lsn;
    struct seat_action actions[SEAT_ACTIONS_MAX];
    uint64_t actions_n, acked;
};

struct seats {
    struct site *t; /* NULL: no node serves */
    uint64_t now_ms;
    uint64_t epoch; /* the highest that any node has begun */
    bool waiting;   /* the primary acknowledges nothing: it has lost its standby (A1) */
    struct test_seat seat[SEATS_MAX];
    size_t n;
    uint64_t grace_ms, heartbeat_ms;
};

/* Seats <room>-01, ... for the candidates first_no, ... */
void seats_init(struct seats *w, struct site *t, uint32_t n, uint32_t first_no);
void seats_go(struct seats *w, uint64_t now_ms);
struct test_seat *seats_of(struct seats *w, uint32_t no);
void seats_sign_in(struct seats *w, uint32_t no);
void seats_answer(struct seats *w, uint32_t no, const char *item, const char *value);
void seats_submit(struct seats *w, uint32_t no);
void seats_die(struct seats *w, uint32_t no);
void seats_wipe(struct seats *w, uint32_t no); /* and its disk is lost */
void seats_boot(struct seats *w, uint32_t no);
void seats_cut(struct seats *w, uint32_t no);
void seats_heal(struct seats *w, uint32_t no);
/* The serving node is gone. */
void seats_node_dies(struct seats *w);
/* `t` begins an epoch now, and the seats that are up attach to it. */
void seats_node_serves(struct seats *w, struct site *t, bool dark_known);
void seats_start(struct seats *w, const char *batch);
/* Contingencies; whom they concern takes the mark that they acknowledge (T8). Each returns what the
 * core says. */
exam_err seats_pause(struct seats *w, const char *scope);
exam_err seats_resume(struct seats *w, const char *scope);
exam_err seats_grant(struct seats *w, const char *scope, int64_t ms);
exam_err seats_suspend(struct seats *w);
exam_err seats_unsuspend(struct seats *w, const char *batch);
exam_err seats_postpone(struct seats *w, const char *batch);
/* The candidate leaves the seat, whose disk is forgotten, and has not signed in at the other yet.
 */
exam_err seats_move(struct seats *w, uint32_t no, const char *seat);

#endif
