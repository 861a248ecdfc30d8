/* Answers and the submission: journalled, sent, acknowledged, sent again (A1-A4).
 *
 * Actions are numbered 1, 2, 3, ... in a session. Three numbers cut them:
 *
 *   1 ...... seq_settled ...... seq_next-1 | seq_next ...... seq_last
 *   acknowledged or refused     in flight    on this seat's disk only
 *
 * A node takes an action only when it has the one before. So an acknowledgement of n says of every
 * action up to n that it is as safe: they come earlier in the same log. */
#include "seat_internal.h"

#include <assert.h>
#include <string.h>

enum seat_answer_state seat_answer_state_of(Seat__Durability durability)
{
    return durability == SEAT__DURABILITY__DURABILITY_DUAL ? SEAT_ANSWER_DUAL : SEAT_ANSWER_SOLO;
}

void seat_action_reset(struct seat_core *s)
{
    backlog_clear(&s->backlog);
    s->seq_last = s->seq_settled = s->seq_submit = s->seq_quiet = 0;
    s->seq_next = 1;
    s->retry_at_ms = 0;
    s->retries = 0;
    s->weakest = SEAT_ANSWER_DUAL;
}

static void submit_note(struct seat_core *s, const struct seat_action *a, bool continuous)
{
    s->seq_submit = a->seq;
    s->submit_at_ms = a->at_ms;
    s->submit_continuous = continuous;
}

void seat_action_replay(struct seat_core *s, const struct seat_action *a)
{
    if (a->seq <= s->seq_last) /* out of order: no journal of this program */
        return;
    backlog_push(&s->backlog, a);
    s->seq_last = a->seq;
    s->seq_submit = 0;
    if (a->submit)
        submit_note(s, a, s->boot_replayed);
}

bool seat_action_submit_pending(const struct seat_core *s)
{
    return s->seq_submit > s->seq_settled;
}

uint64_t seat_core_unsaved_n(const struct seat_core *s)
{
    return s->seq_last - s->seq_settled;
}

/* ---------------------------------------------------------------- states */

static enum seat_answer_state state_unsettled(const struct seat_core *s, uint64_t seq)
{
    return s->phase == SESSION_ATTACHED && seq < s->seq_next ? SEAT_ANSWER_SENT : SEAT_ANSWER_LOCAL;
}

static void state_tell(struct seat_core *s, uint64_t seq, enum seat_answer_state state)
{
    if (seq == s->seq_quiet)
        return;
    struct seat_event e = {.kind = SEAT_EVENT_ANSWER};
    e.u.answer.seq = seq;
    e.u.answer.state = state;
    e.u.answer.submit = seq == s->seq_submit;
    e.u.answer.text = "";
    seat_emit(s, &e);
}

/* Which of two is to be shown when only one can be: never falsely green. */
static enum seat_answer_state weaker(enum seat_answer_state a, enum seat_answer_state b)
{
    if (a == SEAT_ANSWER_REFUSED || b == SEAT_ANSWER_REFUSED)
        return SEAT_ANSWER_REFUSED;
    return a < b ? a : b;
}

static void state_note(struct seat_core *s, uint64_t seq, enum seat_answer_state state)
{
    struct seat_action a;
    uint8_t *noted;
    if (backlog_get(&s->backlog, BACKLOG_SETTLER, seq, &a, &noted))
        *noted = (uint8_t)state;
    s->weakest = weaker(s->weakest, state);
}

enum seat_answer_state seat_core_answer_state(const struct seat_core *s, uint64_t seq)
{
    if (seq == 0 || seq > s->seq_last)
        return SEAT_ANSWER_UNKNOWN;
    if (seq > s->seq_settled)
        return state_unsettled(s, seq);
    struct backlog walked = s->backlog; /* asking moves nothing */
    struct seat_action a;
    uint8_t *noted;
    if (backlog_get(&walked, BACKLOG_ASKER, seq, &a, &noted) && *noted != 0)
        return (enum seat_answer_state) * noted;
    return s->weakest == SEAT_ANSWER_REFUSED ? SEAT_ANSWER_UNKNOWN : s->weakest;
}

/* Everything up to `seq` is as durable as said. */
static void settle(struct seat_core *s, uint64_t seq, enum seat_answer_state state)
{
    for (uint64_t i = s->seq_settled + 1; i <= seq; i++) {
        s->seq_settled = i;
        state_note(s, i, state);
        state_tell(s, i, state);
    }
}

/* The node does not have what it, or its predecessor, acknowledged: it is only here (A2). */
static void unsettle(struct seat_core *s, uint64_t seq_have)
{
    uint64_t settled = s->seq_settled;
    if (seq_have >= settled)
        return;
    s->seq_settled = seq_have;
    if (s->seq_next > seq_have + 1)
        s->seq_next = seq_have + 1;
    for (uint64_t i = seq_have + 1; i <= settled; i++)
        state_tell(s, i, SEAT_ANSWER_LOCAL);
}

/* ---------------------------------------------------------------- in contact, out of contact */

/* A1: what the node has may be what it has refused; the seat asks by sending it once more. */
void seat_action_attached(struct seat_core *s, uint64_t seq_have, uint64_t seq_refused,
                          Seat__Durability durability)
{
    if (seq_have > s->seq_last) {
        /* Only a disk that lost what it had called durable gets a seat here. A number that the node
         * has seen is never used again: the node would take the new action for the old one. */
        seat_emit_problem(s, SEAT_EVENT_PROBLEM, EXAM_CORRUPT, s->main,
                          "the server has answers that this seat's journal has lost: they are safe "
                          "there; this machine's disk is not to be trusted");
        backlog_clear(&s->backlog);
        s->seq_last = seq_have;
    }
    unsettle(s, seq_have);
    if (seq_refused <= s->seq_settled)
        settle(s, seq_have, seat_answer_state_of(durability));
    s->seq_next = s->seq_settled + 1;
    s->seq_there = seq_have;
    s->there_state = seat_answer_state_of(durability);
    s->in_flight = 0;
    s->rewind_id = 0;
    s->retry_at_ms = 0;
    s->retries = 0;
}

void seat_action_lost(struct seat_core *s)
{
    uint64_t next = s->seq_next;
    s->seq_next = s->seq_settled + 1;
    s->in_flight = 0;
    for (uint64_t i = s->seq_settled + 1; i < next; i++)
        state_tell(s, i, SEAT_ANSWER_LOCAL);
}

/* ---------------------------------------------------------------- sending */

/* From memory, or from the journal when it is too old for that. */
static bool action_find(struct seat_core *s, uint64_t seq, struct seat_action *out)
{
    uint8_t *noted;
    if (backlog_get(&s->backlog, BACKLOG_SENDER, seq, out, &noted))
        return true;
    struct seat_record r;
    exam_err err = s->config.effects->fetch(s->config.ctx, seq, &r);
    if (err == EXAM_OK && r.u.action.seq == seq) {
        s->stats.fetched_n++;
        *out = r.u.action;
        return true;
    }
    seat_emit_problem(s, SEAT_EVENT_PROBLEM, err == EXAM_OK ? EXAM_CORRUPT : err, s->main,
                      "an answer that the server asks for cannot be read from this seat's journal");
    return false;
}

static void action_send(struct seat_core *s, const struct seat_action *a)
{
    Seat__Request m = SEAT__REQUEST__INIT;
    Seat__Answer answer = SEAT__ANSWER__INIT;
    Seat__Submit submit = SEAT__SUBMIT__INIT;
    if (a->submit) {
        submit.seq = a->seq;
        submit.used_ms = a->used_ms;
        submit.attachment_epoch = a->attachment_epoch;
        m.kind_case = SEAT__REQUEST__KIND_SUBMIT;
        m.submit = &submit;
    } else {
        answer.seq = a->seq;
        answer.item = (char *)(uintptr_t)a->item; /* protobuf-c has no const; packing only reads */
        answer.value.data = (uint8_t *)(uintptr_t)a->value;
        answer.value.len = a->value_bytes;
        answer.used_ms = a->used_ms;
        answer.attachment_epoch = a->attachment_epoch;
        answer.attachment_lsn = a->attachment_lsn;
        m.kind_case = SEAT__REQUEST__KIND_ANSWER;
        m.answer = &answer;
    }
    seat_request_note(s, REQUEST_ACTION, seat_send(s, s->main, &m), a->seq);
    s->in_flight++;
}

void seat_action_turn(struct seat_core *s)
{
    while (s->phase == SESSION_ATTACHED && s->seq_next <= s->seq_last &&
           s->in_flight < s->config.window && s->now_ms >= s->retry_at_ms && seat_request_room(s)) {
        struct seat_action a;
        if (!action_find(s, s->seq_next, &a)) {
            if (s->seq_next <= s->seq_there) { /* the node has it; what it said of it is lost */
                settle(s, s->seq_next++, SEAT_ANSWER_UNKNOWN);
                continue;
            }
            s->retry_at_ms = s->now_ms + BACKOFF_WRONG_MS;
            return;
        }
        s->seq_next++;
        action_send(s, &a);
        state_tell(s, a.seq, SEAT_ANSWER_SENT);
    }
}

/* Everything after `seq_have` is to be sent again, a little later. */
static void rewind_to(struct seat_core *s, uint64_t seq_have)
{
    uint64_t next = s->seq_next;
    s->stats.resent_n += next - (seq_have + 1);
    s->seq_next = seq_have + 1;
    for (uint64_t i = seq_have + 1; i < next; i++)
        if (i > s->seq_settled)
            state_tell(s, i, SEAT_ANSWER_LOCAL);
    unsettle(s, seq_have);
    s->rewind_id = s->links[s->main].id_last + 1;
    uint32_t doublings = s->retries < 4 ? s->retries : 4;
    s->retries++;
    s->retry_at_ms = s->now_ms + seat_chance_ms(s, RETRY_MIN_MS, RETRY_MAX_MS) * (1u << doublings);
}

/* ---------------------------------------------------------------- replies */

static void submit_settled(struct seat_core *s)
{
    if (s->seq_submit != 0 && s->seq_submit <= s->seq_settled && s->state != SEAT_FINISHED)
        seat_session_finish(s, EV__FINISH__FINISH_SUBMITTED, s->now_ms, true);
}

static void late_tell(struct seat_core *s, uint64_t seq, enum seat_answer_state state)
{
    struct seat_event e = {.kind = SEAT_EVENT_ANSWER};
    e.u.answer.seq = seq;
    e.u.answer.state = state;
    e.u.answer.late = true;
    e.u.answer.text = "";
    seat_emit(s, &e);
}

bool seat_action_acked(struct seat_core *s, const struct seat_request *q, const Seat__Ack *a)
{
    uint64_t seq = q->seq;
    if (a->seq != seq)
        return false;
    s->in_flight -= s->in_flight > 0;
    s->retries = 0;
    enum seat_answer_state state = seat_answer_state_of(a->durability);
    if (seq > s->seq_settled) {
        if (s->seq_next <= seq) /* a rewind was faster than this acknowledgement */
            s->seq_next = seq + 1;
        settle(s, a->late ? seq - 1 : seq, state);
        if (a->late) {
            s->seq_settled = seq;
            state_note(s, seq, state);
            late_tell(s, seq, state);
        }
    }
    if (seq == s->seq_submit)
        submit_settled(s);
    else if (a->finished && s->state != SEAT_FINISHED)
        seat_session_finish(s, EV__FINISH__FINISH_CLOSED, s->now_ms, true);
    return true;
}

static void refusal_take(struct seat_core *s, uint64_t seq, const Seat__Refused *r)
{
    if (seq > s->seq_settled) {
        /* It has them, or it would have said EXAM_GAP. */
        settle(s, seq - 1, seq - 1 <= s->seq_there ? s->there_state : SEAT_ANSWER_SOLO);
        s->seq_settled = seq;
    }
    if (s->seq_next <= seq)
        s->seq_next = seq + 1;
    state_note(s, seq, SEAT_ANSWER_REFUSED);
    struct seat_event e = {.kind = SEAT_EVENT_ANSWER};
    e.u.answer.seq = seq;
    e.u.answer.state = SEAT_ANSWER_REFUSED;
    e.u.answer.submit = seq == s->seq_submit;
    e.u.answer.code = (exam_err)r->code;
    e.u.answer.text = r->text;
    seat_emit(s, &e);
}

bool seat_action_refused(struct seat_core *s, const struct seat_request *q, const Seat__Refused *r)
{
    uint64_t seq = q->seq;
    exam_err code = (exam_err)r->code;
    if (r->seq != 0 && r->seq != seq)
        return false;
    s->in_flight -= s->in_flight > 0;
    if (q->id < s->rewind_id)
        return true; /* of a flight that was given up: it is on its way again */
    if (exam_err_class_of(code) == EXAM_CLASS_RETRY) {
        uint64_t seq_have = code == EXAM_GAP ? r->seq_have : seq - 1;
        if (seq_have >= seq)
            return false; /* it has this very action and does not */
        rewind_to(s, seq_have);
        return true;
    }
    if (exam_err_class_of(code) == EXAM_CLASS_FATAL || code == EXAM_OK)
        return false;
    if (r->seq == 0) { /* not of this action: this connection is not the sitting's */
        seat_link_drop(s, s->main, BACKOFF_MIN_MS);
        return true;
    }
    bool submit = seq == s->seq_submit;
    refusal_take(s, seq, r);
    if (submit) { /* whatever the reason, the node knows better what the sitting's state is */
        s->seq_submit = 0;
        if (s->state == SEAT_SUBMITTING)
            seat_link_drop(s, s->main, BACKOFF_MIN_MS);
    }
    return true;
}

/* ---------------------------------------------------------------- the candidate */

static exam_err may_act(const struct seat_core *s)
{
    if (s->state == SEAT_FINISHED || s->state == SEAT_SUBMITTING)
        return EXAM_LATE;
    if (!s->open)
        return EXAM_STATE;
    if (seat_core_unsaved_n(s) >= s->config.pending_max)
        return EXAM_FULL;
    return EXAM_OK;
}

static exam_err act(struct seat_core *s, struct seat_action *a)
{
    exam_err err = may_act(s);
    if (err != EXAM_OK)
        return err;
    a->seq = s->seq_last + 1;
    a->at_ms = s->now_ms;
    a->used_ms = seat_core_used_ms(s, s->now_ms);
    a->attachment_epoch = s->attachment_epoch;
    a->attachment_lsn = s->attachment_lsn;
    struct seat_record r = {.kind = a->submit ? SEAT_RECORD_SUBMIT : SEAT_RECORD_ANSWER,
                            .u.action = *a};
    err = s->config.effects->journal(s->config.ctx, &r, true);
    if (err != EXAM_OK)
        return err;
    backlog_push(&s->backlog, a);
    s->seq_last = s->seq_quiet = a->seq;
    return EXAM_OK;
}

exam_err seat_core_answer(struct seat_core *s, uint64_t now_ms, const char *item,
                          const uint8_t *value, size_t value_bytes, uint64_t *seq)
{
    if (value_bytes > ANSWER_BYTES_MAX)
        return EXAM_TOO_BIG;
    if (!codec_name_ok(item) || !codec_answer_ok(value, value_bytes))
        return EXAM_INVALID;
    struct seat_action a = {.item = item, .value = value, .value_bytes = value_bytes};
    seat_input_begin(s, now_ms);
    exam_err err = act(s, &a);
    seat_input_end(s);
    s->seq_quiet = 0;
    if (err == EXAM_OK)
        *seq = a.seq;
    return err;
}

exam_err seat_core_submit(struct seat_core *s, uint64_t now_ms, uint64_t *seq)
{
    struct seat_action a = {.submit = true};
    seat_input_begin(s, now_ms);
    exam_err err = act(s, &a);
    if (err == EXAM_OK) {
        submit_note(s, &a, true);
        seat_clock_close(s, s->now_ms);
        seat_state_set(s, SEAT_SUBMITTING);
    }
    seat_input_end(s);
    s->seq_quiet = 0;
    if (err == EXAM_OK)
        *seq = a.seq;
    return err;
}
