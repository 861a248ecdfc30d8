/* site.h - a site for tests: an exam core, its clock, and the log of what it decided, as bytes.
 * Everything that is applied has been through the bytes that a node would store (codec.h). */
#ifndef EXAM_TEST_SITE_H
#define EXAM_TEST_SITE_H

#include "codec.h"
#include "exam.h"

/* minutes, seconds and milliseconds as milliseconds */
#define MS(min, s, ms) ((uint64_t)(min)*60000 + (uint64_t)(s)*1000 + (uint64_t)(ms))

struct site_record {
    struct record r;
    uint8_t *bytes;
};

struct site {
    exam *x;
    uint64_t now_ms;
    bool silent; /* no seat says a word as its time is up (T10) */
    struct site_record *log;
    size_t log_n, log_cap;
    size_t applied;
    struct exam_refusal why; /* of the last refusal */
    struct arena arena;
    uint8_t *arena_block;
    uint8_t history; /* what a fork decides has another hash */
};

/* malloc and free: what tests give the core. */
extern const struct exam_memory site_memory;

/* Founded, in epoch 1 since 0:00. */
struct site *site_new(void);
void site_free(struct site *t);
/* Another site with the first `records` of the log: what a standby has that got no more. */
struct site *site_fork(const struct site *t, size_t records);
/* Another site with all of the log, whose node has started again since. */
struct site *site_restarted(const struct site *t);

/* It gets what the other has decided since: a standby in sync. */
void site_follow(struct site *standby, const struct site *t);

/* Goes on to the instant, carrying out what falls due on the way at its very instant. */
void site_go(struct site *t, uint64_t now_ms);
/* Carries out what is due now, late or not. */
void site_tick(struct site *t);
/* Decides now and applies what was decided. */
exam_err site_do(struct site *t, const struct exam_command *c);
/* The newest record's event. */
const Ev__Event *site_last_event(struct site *t);
/* That of record i, from 0 up; lives until the next decision. */
const Ev__Event *site_event(struct site *t, size_t i);

/* A batch in one room: sittings first_no, first_no + 1, ... at the seats <room>-01, -02, ... */
struct site_plan {
    const char *batch, *room, *paper; /* paper NULL: open items */
    uint32_t room_seats, sittings, first_no, items;
    uint64_t allot_ms, grace_ms, heartbeat_ms;
    Ev__Timing timing;
    uint64_t extra_ms; /* of the last sitting */
};

/* The messages of an import; tests change them before they send it. */
struct site_import {
    struct exam_import im;
    Ev__RoomAdded room;
    const Ev__RoomAdded *rooms[2];
    Ev__PaperAdded paper;
    const Ev__PaperAdded *papers[2];
    Ev__PaperChunk chunks[2];
    const Ev__PaperChunk *chunk_list[2];
    Ev__NewSitting *sittings;
    struct exam_import_sitting *lines;
    Ev__Item *items, **item_list;
    char (*texts)[40];
    uint8_t *text;
};

void site_import_init(struct site_import *i, const struct site_plan *p);
void site_import_fini(struct site_import *i);
exam_err site_import_do(struct site *t, const struct site_import *i);
/* Import, asserted to succeed. */
void site_plan_batch(struct site *t, const struct site_plan *p);

exam_err site_epoch(struct site *t, bool dark_known);
exam_err site_epoch_numbered(struct site *t, uint64_t epoch, bool dark_known);
exam_err site_start(struct site *t, const char *batch);
exam_err site_collect(struct site *t, const char *batch, bool unfinished);
/* The session is `session` in every byte. */
exam_err site_sign_in(struct site *t, uint32_t no, const char *seat, uint8_t session);
exam_err site_attach(struct site *t, uint32_t no, const char *seat, uint8_t session);
exam_err site_detach(struct site *t, uint32_t sitting);
exam_err site_mark(struct site *t, uint32_t sitting);
/* T8; `scope`: "site", or the name of a batch, room or seat. */
exam_err site_pause(struct site *t, const char *scope);
exam_err site_resume(struct site *t, const char *scope);
exam_err site_grant(struct site *t, const char *scope, int64_t ms, const char *why);
exam_err site_move(struct site *t, uint32_t no, const char *seat, bool in_contact);
/* EXAM_CMD_BATCH_POSTPONE or EXAM_CMD_BATCH_UNSUSPEND. */
exam_err site_batch_act(struct site *t, enum exam_command_kind kind, const char *batch);
exam_err site_suspend(struct site *t);
/* The command by which the view's sitting answers, under the attachment and at the used time that
 * the view shows. The texts are the caller's. */
struct exam_command site_answer_of(const struct exam_sitting_view *v, uint64_t seq,
                                   const char *item, const char *value);
/* Made now, under the current attachment. */
exam_err site_answer(struct site *t, uint32_t sitting, uint64_t seq, const char *item,
                     const char *value);
exam_err site_submit(struct site *t, uint32_t sitting, uint64_t seq);

struct exam_sitting_view site_view(const struct site *t, uint32_t sitting);
struct exam_batch_view site_batch(const struct site *t, uint32_t batch_no);
void site_expect(const struct site *t, uint32_t sitting, uint64_t used_ms, uint64_t left_ms,
                 uint64_t lost_ms);
/* The value of the answer that counts; "": none. Lives until the next call. */
const char *site_answer_value(const struct site *t, uint32_t sitting, const char *item);
void site_expect_same(const exam *a, const exam *b);
/* The same log applied by another exam, and the same state flushed and loaded, have this digest. */
void site_expect_replicates(struct site *t);
/* A copy of the state through its entries. */
exam *site_reload(exam *x);

#endif
