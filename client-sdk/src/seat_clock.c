/* The account between two marks (T3, T6, T10): while the screen is open the candidate's time runs
 * by this seat's own clock, from the last acknowledgement on, for `grace` at the most. */
#include "seat_internal.h"

#include <assert.h>
#include <string.h>

static uint64_t min_ms(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t lock_at_ms(const struct seat_core *s)
{
    return s->mark.at_ms + s->grace_ms;
}

static uint64_t end_at_ms(const struct seat_core *s)
{
    return s->mark.at_ms + s->mark.left_ms;
}

uint64_t seat_clock_open_ms(const struct seat_core *s, uint64_t now_ms)
{
    if (!s->open)
        return s->open_ms_frozen;
    uint64_t since_ms = now_ms > s->mark.at_ms ? now_ms - s->mark.at_ms : 0;
    return min_ms(since_ms, min_ms(s->grace_ms, s->mark.left_ms));
}

bool seat_clock_figures_ok(uint64_t used_ms, uint64_t left_ms)
{
    return used_ms < ACCOUNT_MAX_MS && left_ms < ACCOUNT_MAX_MS;
}

static uint8_t sitting_state_of(const struct seat_core *s)
{
    switch (s->state) {
    case SEAT_ANSWERING:
    case SEAT_LOCKED:
    case SEAT_SUBMITTING:
        return SEAT__SITTING_STATE__SITTING_STATE_ANSWERING;
    case SEAT_PAUSED:
        return SEAT__SITTING_STATE__SITTING_STATE_PAUSED;
    case SEAT_FINISHED:
        return SEAT__SITTING_STATE__SITTING_STATE_FINISHED;
    default:
        return SEAT__SITTING_STATE__SITTING_STATE_WAITING;
    }
}

void seat_clock_mark(struct seat_core *s, uint64_t used_ms, uint64_t left_ms, uint64_t ago_ms,
                     const ProtobufCBinaryData *bytes)
{
    assert(seat_clock_figures_ok(used_ms, left_ms));
    uint64_t closed_at_ms = s->mark_continuous ? s->mark.at_ms + s->open_ms_frozen : 0;
    s->mark.at_ms = s->now_ms - min_ms(ago_ms, s->now_ms);
    s->mark.used_ms = used_ms;
    s->mark.left_ms = left_ms;
    if (bytes != NULL && bytes->len > 0) {
        assert(bytes->len <= MARK_BYTES_MAX);
        s->mark.bytes_n = (uint8_t)bytes->len;
        memcpy(s->mark.bytes, bytes->data, bytes->len);
    }
    s->mark_known = s->mark_continuous = s->mark_unjournalled = true;
    /* An acknowledgement on its way when the time ran out here changes nothing of that (T10). */
    bool timed_out = s->state == SEAT_FINISHED && s->finish == EV__FINISH__FINISH_TIMED_OUT;
    s->open_ms_frozen = timed_out                      ? min_ms(left_ms, s->grace_ms)
                        : closed_at_ms > s->mark.at_ms ? closed_at_ms - s->mark.at_ms
                                                       : 0;
    s->account.used_ms = used_ms;
    s->account.left_ms = left_ms;
    s->account.ago_ms = ago_ms;
}

void seat_clock_account(struct seat_core *s, const Seat__Account *a, uint64_t ago_ms,
                        const ProtobufCBinaryData *bytes)
{
    seat_clock_mark(s, a->used_ms, a->left_ms, ago_ms, bytes);
    s->account.allot_ms = a->allot_ms;
    s->account.grants_ms = a->grants_ms;
    s->account.lost_ms = a->lost_ms;
}

void seat_clock_open(struct seat_core *s)
{
    assert(s->mark_known);
    s->open = true;
    s->open_ms_frozen = 0;
}

/* From `at_ms` on the candidate cannot answer. Nothing happens to a screen that is closed. */
void seat_clock_close(struct seat_core *s, uint64_t at_ms)
{
    if (!s->open)
        return;
    s->open_ms_frozen = seat_clock_open_ms(s, at_ms);
    s->open = false;
}

static exam_err mark_journal(struct seat_core *s, bool durable)
{
    struct seat_record r = {.kind = SEAT_RECORD_MARK, .u.mark = s->mark};
    r.u.mark.state = sitting_state_of(s);
    r.u.mark.finish = (uint8_t)s->finish;
    return seat_journal(s, &r, durable);
}

/* Not durable: a restarted seat with an older mark is charged less, never more (T7), and the nodes
 * have their own. It goes to the disk with the next record that has to. */
void seat_clock_mark_journal(struct seat_core *s)
{
    if (!s->mark_unjournalled || !s->session_journalled)
        return;
    if (mark_journal(s, false) == EXAM_OK)
        s->mark_unjournalled = false;
}

exam_err seat_clock_mark_flush(struct seat_core *s)
{
    return mark_journal(s, true);
}

/* T6: the position at a heartbeat instant, durable, in contact, too: the mark that an
 * acknowledgement brings is only as safe as the nodes that have it, and one that went on alone (A1)
 * may take it with it. Then this seat's disk is the only place that knows what was used (T7, T12).
 */
static void position_journal(struct seat_core *s, uint64_t at_ms)
{
    if (!s->session_journalled)
        return;
    struct seat_record r = {
        .kind = SEAT_RECORD_POSITION,
        .u.position = {.at_ms = at_ms, .used_ms = s->mark.used_ms + seat_clock_open_ms(s, at_ms)}};
    seat_clock_mark_journal(s);
    exam_err err = seat_journal(s, &r, true);
    (void)err; /* told as a problem; the screen stays open: its time is then not charged */
}

/* A notice tells what was used when a person acted. The nodes book it with this seat's next word
 * (T7): until then it is known here only. */
void seat_clock_keep(struct seat_core *s)
{
    position_journal(s, s->now_ms);
}

static void heartbeat_send(struct seat_core *s)
{
    if (s->phase != SESSION_ATTACHED || !seat_request_room(s))
        return;
    Seat__Heartbeat beat = SEAT__HEARTBEAT__INIT;
    Seat__Request m = SEAT__REQUEST__INIT;
    beat.used_ms = seat_core_used_ms(s, s->now_ms);
    beat.unsent = seat_core_unsaved_n(s);
    m.kind_case = SEAT__REQUEST__KIND_HEARTBEAT;
    m.heartbeat = &beat;
    seat_request_note(s, REQUEST_HEARTBEAT, seat_send(s, s->main, &m), 0);
}

static void heartbeat_turn(struct seat_core *s)
{
    if (s->heartbeat_at_ms == NEVER_MS || s->now_ms < s->heartbeat_at_ms)
        return;
    /* Whole multiples from the attachment (T3), whatever the shell's delay; instants that it slept
     * through are gone. */
    uint64_t late = (s->now_ms - s->heartbeat_at_ms) / s->heartbeat_ms;
    uint64_t instant_ms = s->heartbeat_at_ms + late * s->heartbeat_ms;
    s->heartbeat_at_ms = instant_ms + s->heartbeat_ms;
    if (s->open)
        position_journal(s, instant_ms);
    else
        seat_clock_mark_journal(s);
    heartbeat_send(s);
}

/* T6: the screen closes at last ack + grace, exactly, whenever the shell comes to it. */
static void lock(struct seat_core *s)
{
    uint64_t at_ms = lock_at_ms(s);
    position_journal(s, at_ms);
    seat_clock_close(s, at_ms);
    s->stats.locks_n++;
    struct seat_event e = {.kind = SEAT_EVENT_LOCKED};
    seat_emit(s, &e);
    seat_state_set(s, SEAT_LOCKED);
    /* A node that is connected and acknowledges nothing opens no screen again: only attaching does.
     */
    if (s->phase == SESSION_ATTACHED)
        seat_link_drop(s, s->main, 0);
}

/* T10: at that exact instant, in contact or out of it. */
static void end(struct seat_core *s)
{
    uint64_t at_ms = end_at_ms(s);
    struct seat_record r = {.kind = SEAT_RECORD_ENDED, .u.ended.at_ms = at_ms};
    seat_clock_mark_journal(s);
    exam_err err = seat_journal(s, &r, true);
    (void)err; /* told as a problem; the end stands all the same */
    seat_session_finish(s, EV__FINISH__FINISH_TIMED_OUT, at_ms, false);
    heartbeat_send(s); /* by this word the node ends the account, at that instant */
}

void seat_clock_stop(struct seat_core *s)
{
    if (!s->open)
        return;
    position_journal(s, s->now_ms);
    seat_clock_close(s, s->now_ms);
}

void seat_clock_turn(struct seat_core *s)
{
    if (s->open) {
        uint64_t end_ms = end_at_ms(s), lock_ms = lock_at_ms(s);
        if (end_ms <= lock_ms && s->now_ms >= end_ms)
            end(s);
        else if (lock_ms < end_ms && s->now_ms >= lock_ms)
            lock(s);
    }
    heartbeat_turn(s);
}

uint64_t seat_clock_deadline(const struct seat_core *s)
{
    uint64_t at_ms = NEVER_MS;
    if (s->open)
        at_ms = min_ms(lock_at_ms(s), end_at_ms(s));
    if (s->open || s->phase == SESSION_ATTACHED)
        at_ms = min_ms(at_ms, s->heartbeat_at_ms);
    return at_ms;
}
