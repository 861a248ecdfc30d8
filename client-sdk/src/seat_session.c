/* Signing in, coming back, and what a node says about the sitting (T5-T7, T9-T12). */
#include "seat_internal.h"

#include <assert.h>
#include <string.h>

static uint64_t min_ms(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void session_reset(struct seat_core *s)
{
    s->have_session = s->session_void = s->session_journalled = s->sign_in = false;
    s->collected = false;
    s->admission_no[0] = s->id_no[0] = 0;
    memset(s->session, 0, sizeof(s->session));
    s->attachment_epoch = s->attachment_lsn = 0;
    s->heartbeat_ms = HEARTBEAT_DEFAULT_MS;
    s->grace_ms = 2 * HEARTBEAT_DEFAULT_MS;
    s->finish = EV__FINISH__FINISH_NONE;
    s->finish_confirmed = s->ended_continuous = false;
    s->ended_at_ms = 0;
    memset(&s->mark, 0, sizeof(s->mark));
    memset(&s->account, 0, sizeof(s->account));
    s->mark_known = s->mark_continuous = s->mark_unjournalled = s->open = false;
    s->open_ms_frozen = 0;
    s->heartbeat_at_ms = NEVER_MS;
    memset(&s->paper, 0, sizeof(s->paper));
    seat_action_reset(s);
}

/* ---------------------------------------------------------------- what the journal tells */

static void session_replay(struct seat_core *s, const struct seat_record *r)
{
    bool left_behind = s->left_behind || s->seq_last > 0;
    session_reset(s);
    s->left_behind = left_behind;
    strncpy(s->admission_no, r->u.session.admission_no, NAME_BYTES_MAX);
    memcpy(s->session, r->u.session.session, SESSION_BYTES);
    s->have_session = s->session_journalled = true;
}

static void attached_replay(struct seat_core *s, const struct seat_record *r)
{
    s->attachment_epoch = r->u.attached.attachment_epoch;
    s->attachment_lsn = r->u.attached.attachment_lsn;
    s->heartbeat_ms = r->u.attached.heartbeat_ms;
    s->grace_ms = r->u.attached.grace_ms;
    if (r->u.attached.seq_have > s->seq_last)
        s->seq_last = r->u.attached.seq_have;
}

/* T7: what a dead program's screen used is what it journalled, within the clip of T6. */
static void position_replay(struct seat_core *s, uint64_t used_ms)
{
    if (!s->mark_known || used_ms < s->mark.used_ms)
        return;
    uint64_t open_ms = used_ms - s->mark.used_ms;
    if (open_ms > s->grace_ms)
        open_ms = s->grace_ms;
    if (open_ms > s->mark.left_ms)
        open_ms = s->mark.left_ms;
    if (open_ms > s->open_ms_frozen)
        s->open_ms_frozen = open_ms;
}

static void mark_replay(struct seat_core *s, const struct seat_mark *m)
{
    if (!seat_clock_figures_ok(m->used_ms, m->left_ms))
        return;
    s->mark = *m;
    s->mark_known = true;
    s->mark_continuous = s->boot_replayed;
    s->open_ms_frozen = 0;
    s->account.used_ms = m->used_ms;
    s->account.left_ms = m->left_ms;
    if (m->finish == EV__FINISH__FINISH_TIMED_OUT)
        position_replay(s, m->used_ms + m->left_ms);
    s->finish =
        m->finish <= EV__FINISH__FINISH_ABSENT ? (Ev__Finish)m->finish : EV__FINISH__FINISH_CLOSED;
}

static void ended_replay(struct seat_core *s, uint64_t at_ms)
{
    s->finish = EV__FINISH__FINISH_TIMED_OUT;
    s->ended_at_ms = at_ms;
    s->ended_continuous = s->boot_replayed;
    position_replay(s, s->mark.used_ms + s->mark.left_ms);
}

void seat_session_replay(struct seat_core *s, const struct seat_record *r)
{
    switch (r->kind) {
    case SEAT_RECORD_BOOT:
        s->boot_replayed = memcmp(r->u.boot.boot_id, s->config.boot_id, BOOT_ID_BYTES) == 0;
        return;
    case SEAT_RECORD_SITE:
        memcpy(s->site_id, r->u.site.site_id, SITE_ID_BYTES);
        s->epoch_seen = r->u.site.epoch_seen;
        s->site_known = true;
        return;
    case SEAT_RECORD_SESSION:
        session_replay(s, r);
        return;
    case SEAT_RECORD_ATTACHED:
        attached_replay(s, r);
        return;
    case SEAT_RECORD_MARK:
        mark_replay(s, &r->u.mark);
        return;
    case SEAT_RECORD_POSITION:
        position_replay(s, r->u.position.used_ms);
        return;
    case SEAT_RECORD_ANSWER:
    case SEAT_RECORD_SUBMIT:
        position_replay(s, r->u.action.used_ms);
        seat_action_replay(s, &r->u.action);
        return;
    case SEAT_RECORD_ENDED:
        ended_replay(s, r->u.ended.at_ms);
        return;
    case SEAT_RECORD_COLLECTED:
        session_reset(s);
        return;
    }
}

void seat_session_restore(struct seat_core *s)
{
    if (s->heartbeat_ms < HEARTBEAT_MIN_MS || s->heartbeat_ms > HEARTBEAT_MAX_MS)
        s->heartbeat_ms = HEARTBEAT_DEFAULT_MS;
    s->state = SEAT_CONNECTING;
    if (!s->have_session)
        return;
    if (s->finish != EV__FINISH__FINISH_NONE)
        s->state = SEAT_FINISHED;
    else if (!s->mark_known)
        s->state = SEAT_SIGNING_IN;
    else if (s->mark.state == SEAT__SITTING_STATE__SITTING_STATE_WAITING)
        s->state = SEAT_WAITING;
    else if (s->mark.state == SEAT__SITTING_STATE__SITTING_STATE_PAUSED)
        s->state = SEAT_PAUSED;
    else
        s->state = seat_action_submit_pending(s) ? SEAT_SUBMITTING : SEAT_LOCKED;
}

/* ---------------------------------------------------------------- signing in */

static bool may_give_way(const struct seat_core *s)
{
    if (!s->have_session || s->session_void)
        return true;
    if (!s->session_journalled) /* a sign-in that was not sent yet */
        return s->phase != SESSION_ATTACHING;
    return s->state == SEAT_FINISHED && s->finish_confirmed && seat_core_unsaved_n(s) == 0;
}

static void session_begin(struct seat_core *s, const char *admission_no,
                          const uint8_t session[SESSION_BYTES])
{
    bool left_behind = s->left_behind || (s->session_journalled && s->seq_last > 0);
    bool under_way = s->phase != SESSION_IDLE;
    session_reset(s);
    s->left_behind = left_behind;
    memcpy(s->session, session, SESSION_BYTES);
    strcpy(s->admission_no, admission_no);
    s->have_session = true;
    if (under_way) /* a connection belongs to one sitting */
        seat_link_drop(s, s->main, BACKOFF_MIN_MS);
}

/* A2: what this seat holds of a session that no node knows may lie nowhere else: a node takes it as
 * soon as the sitting has left this seat, or is over (T11). So it is asked now and then. */
static bool asks_again(const struct seat_core *s)
{
    return s->session_void && s->session_journalled && s->seq_last > 0;
}

static void sign_in_begin(struct seat_core *s, const char *id_no)
{
    strcpy(s->id_no, id_no);
    s->sign_in = true;
    s->session_void = s->next.waits = false;
    s->attach_at_ms = s->now_ms;
    seat_state_set(s, SEAT_SIGNING_IN);
}

/* A2: the sitting may have left this seat just now; once this candidate's session is here nobody
 * asks any more. */
static void next_note(struct seat_core *s, const char *admission_no, const char *id_no,
                      const uint8_t session[SESSION_BYTES])
{
    if (!s->next.waits)
        s->next.until_ms = NEVER_MS;
    s->next.waits = true;
    strcpy(s->next.admission_no, admission_no);
    strcpy(s->next.id_no, id_no);
    memcpy(s->next.session, session, SESSION_BYTES);
    s->attach_at_ms = s->now_ms;
    seat_state_set(s, SEAT_SIGNING_IN);
}

static void next_begin(struct seat_core *s)
{
    session_begin(s, s->next.admission_no, s->next.session);
    sign_in_begin(s, s->next.id_no);
}

/* The session is known again, and goes on: who sits here is its candidate. */
static void next_refuse(struct seat_core *s)
{
    s->next.waits = false;
    seat_emit_problem(s, SEAT_EVENT_SIGN_IN_REFUSED, EXAM_STATE, s->main,
                      "the candidate who sat here before goes on at this seat");
}

static exam_err sign_in_take(struct seat_core *s, const char *admission_no, const char *id_no,
                             const uint8_t session[SESSION_BYTES])
{
    size_t id_bytes = strlen(id_no);
    if (!codec_name_ok(admission_no) || id_bytes < 1 || id_bytes > NAME_BYTES_MAX ||
        !codec_text_ok(id_no, id_bytes))
        return EXAM_INVALID;
    bool same = s->have_session && strcmp(s->admission_no, admission_no) == 0;
    bool under_way = !s->session_void && (s->phase == SESSION_ATTACHING || s->session_journalled);
    if (same && under_way)
        return EXAM_EXISTS;
    if (!same && (s->next.waits || asks_again(s))) {
        next_note(s, admission_no, id_no, session);
        return EXAM_OK;
    }
    if (!same && !may_give_way(s))
        return EXAM_STATE;
    if (!same)
        session_begin(s, admission_no, session);
    sign_in_begin(s, id_no);
    return EXAM_OK;
}

exam_err seat_core_sign_in(struct seat_core *s, uint64_t now_ms, const char *admission_no,
                           const char *id_no, const uint8_t session[SESSION_BYTES])
{
    seat_input_begin(s, now_ms);
    exam_err err = sign_in_take(s, admission_no, id_no, session);
    seat_input_end(s);
    return err;
}

static void sign_in_send(struct seat_core *s)
{
    Seat__SignIn sign_in = SEAT__SIGN_IN__INIT;
    Seat__Request m = SEAT__REQUEST__INIT;
    sign_in.admission_no = s->admission_no;
    sign_in.id_no = s->id_no;
    sign_in.session.data = s->session;
    sign_in.session.len = SESSION_BYTES;
    sign_in.mark.data = s->mark.bytes; /* T12: of this candidate; none of an earlier one */
    sign_in.mark.len = s->mark.bytes_n;
    m.kind_case = SEAT__REQUEST__KIND_SIGN_IN;
    m.sign_in = &sign_in;
    s->claim_open_ms = s->claim_out_ms = 0;
    seat_request_note(s, REQUEST_SIGN_IN, seat_send(s, s->main, &m), 0);
}

/* T10: when the sitting ended at this seat, out of contact or not; 0 where its clock cannot tell.
 */
static void attach_end(const struct seat_core *s, Seat__Attach *attach)
{
    bool timed_out = s->finish == EV__FINISH__FINISH_TIMED_OUT;
    bool continuous = timed_out ? s->ended_continuous : s->submit_continuous;
    uint64_t at_ms = timed_out ? s->ended_at_ms : s->submit_at_ms;
    attach->ended = timed_out && !s->finish_confirmed;
    attach->submitted = !timed_out && s->seq_submit != 0;
    if (!attach->ended && !attach->submitted)
        return;
    if (continuous && s->now_ms >= at_ms)
        attach->ended_ago_ms = s->now_ms - at_ms;
    else if (attach->submitted &&
             attach->clock_continuous) /* before its mark, or as far after it */
        attach->ended_ago_ms = attach->since_ms - min_ms(attach->open_ms, attach->since_ms);
}

/* T6, T7, T10, T12: what this seat knows of the stretch since its last mark. */
static void attach_send(struct seat_core *s)
{
    Seat__Attach attach = SEAT__ATTACH__INIT;
    Seat__Request m = SEAT__REQUEST__INIT;
    attach.admission_no = s->admission_no;
    attach.session.data = s->session;
    attach.session.len = SESSION_BYTES;
    attach.mark.data = s->mark.bytes;
    attach.mark.len = s->mark.bytes_n;
    if (s->mark_known)
        attach.open_ms = seat_clock_open_ms(s, s->now_ms);
    if (s->mark_known && s->mark_continuous && s->now_ms >= s->mark.at_ms) {
        attach.clock_continuous = true;
        attach.since_ms = s->now_ms - s->mark.at_ms;
    }
    attach_end(s, &attach);
    m.kind_case = SEAT__REQUEST__KIND_ATTACH;
    m.attach = &attach;
    s->claim_open_ms = attach.open_ms;
    s->claim_out_ms = attach.since_ms;
    seat_request_note(s, REQUEST_ATTACH, seat_send(s, s->main, &m), 0);
}

static void session_end(struct seat_core *s)
{
    struct seat_record r = {.kind = SEAT_RECORD_COLLECTED};
    if (seat_journal(s, &r, true) != EXAM_OK) {
        s->collected = false; /* told as a problem; the next program start learns it again */
        return;
    }
    struct seat_event e = {.kind = SEAT_EVENT_COLLECTED, .u.collected.keep = s->left_behind};
    session_reset(s);
    s->left_behind = false;
    seat_emit(s, &e);
    seat_state_set(s, s->main == MAIN_NONE ? SEAT_CONNECTING : SEAT_CONNECTED);
    if (s->main != MAIN_NONE) /* a connection belongs to one sitting */
        seat_link_drop(s, s->main, BACKOFF_MIN_MS);
}

static bool wants_to_attach(const struct seat_core *s)
{
    return s->main != MAIN_NONE && s->phase == SESSION_IDLE && s->have_session &&
           (!s->session_void || asks_again(s));
}

/* Nothing is left here, or it takes too long. */
static void next_turn(struct seat_core *s)
{
    bool free_now = s->phase == SESSION_ATTACHED ? may_give_way(s) : !s->have_session;
    if (s->next.waits && (free_now || s->now_ms >= s->next.until_ms))
        next_begin(s);
}

void seat_session_turn(struct seat_core *s)
{
    if (s->collected && seat_core_unsaved_n(s) == 0)
        session_end(s);
    next_turn(s);
    if (!wants_to_attach(s) || s->now_ms < s->attach_at_ms ||
        s->links[s->main].phase != LINK_PHASE_UP)
        return;
    s->phase = SESSION_ATTACHING;
    if (s->sign_in)
        sign_in_send(s);
    else
        attach_send(s);
    if (s->next.waits && s->next.until_ms == NEVER_MS)
        s->next.until_ms = s->now_ms + HAND_IN_MS_MAX;
}

uint64_t seat_session_deadline(const struct seat_core *s)
{
    uint64_t silent_ms = seat_request_oldest_ms(s);
    uint64_t next_ms = s->next.waits ? s->next.until_ms : NEVER_MS;
    if (silent_ms != NEVER_MS)
        return min_ms(silent_ms + SILENT_HEARTBEATS * s->heartbeat_ms, next_ms);
    return wants_to_attach(s) ? min_ms(s->attach_at_ms, next_ms) : next_ms;
}

void seat_session_lost(struct seat_core *s, exam_err code, const char *text)
{
    bool was_attached = s->phase == SESSION_ATTACHED;
    s->phase = SESSION_IDLE;
    seat_requests_drop(s);
    s->paper.asked = false;
    if (was_attached) {
        s->stats.losses_n++;
        seat_emit_problem(s, SEAT_EVENT_LOST, code, MAIN_NONE, text);
        seat_action_lost(s);
    }
    if (s->state == SEAT_CONNECTED)
        seat_state_set(s, SEAT_CONNECTING);
}

/* ---------------------------------------------------------------- what a node says */

static void reopen(struct seat_core *s)
{
    enum seat_state before = s->state;
    s->finish = EV__FINISH__FINISH_NONE;
    s->finish_confirmed = s->ended_continuous = false;
    s->seq_submit = 0;
    seat_clock_open(s);
    if (before == SEAT_FINISHED || before == SEAT_LOCKED) {
        struct seat_event e = {.kind = before == SEAT_LOCKED ? SEAT_EVENT_UNLOCKED
                                                             : SEAT_EVENT_REOPENED};
        seat_emit(s, &e);
    }
    seat_state_set(s, SEAT_ANSWERING);
}

/* The sitting's state by the node; the mark has been taken already. */
static void state_take(struct seat_core *s, Seat__SittingState state, Ev__Finish finish)
{
    if (state == SEAT__SITTING_STATE__SITTING_STATE_FINISHED) {
        seat_session_finish(s, finish, s->now_ms, true);
        return;
    }
    if (state == SEAT__SITTING_STATE__SITTING_STATE_ANSWERING && !seat_action_submit_pending(s)) {
        reopen(s);
        seat_clock_mark_journal(s);
        return;
    }
    seat_clock_close(s, s->now_ms);
    s->open_ms_frozen = 0;
    if (state == SEAT__SITTING_STATE__SITTING_STATE_WAITING)
        seat_state_set(s, SEAT_WAITING);
    else if (state == SEAT__SITTING_STATE__SITTING_STATE_PAUSED)
        seat_state_set(s, SEAT_PAUSED);
    else
        seat_state_set(s, SEAT_SUBMITTING);
    seat_clock_mark_journal(s);
}

void seat_session_finish(struct seat_core *s, Ev__Finish finish, uint64_t at_ms, bool confirmed)
{
    if (confirmed)
        s->finish_confirmed = true;
    if (finish == EV__FINISH__FINISH_NONE)
        finish = EV__FINISH__FINISH_CLOSED; /* finished all the same, and not by this seat */
    bool told = s->state == SEAT_FINISHED && s->finish == finish;
    seat_clock_close(s, at_ms);
    if (s->state != SEAT_FINISHED) {
        s->ended_at_ms = at_ms;
        s->ended_continuous = true;
    }
    s->finish = finish;
    if (!told) {
        struct seat_event e = {.kind = SEAT_EVENT_FINISHED,
                               .u.finished = {.finish = finish, .at_ms = at_ms}};
        seat_emit(s, &e);
    }
    seat_state_set(s, SEAT_FINISHED);
    s->mark_unjournalled = s->mark_known;
    seat_clock_mark_journal(s);
}

static bool attached_makes_sense(const struct seat_core *s, const Seat__Attached *a)
{
    return seat_clock_figures_ok(a->account->used_ms, a->account->left_ms) &&
           a->heartbeat_ms >= HEARTBEAT_MIN_MS && a->heartbeat_ms <= HEARTBEAT_MAX_MS &&
           a->grace_ms <= GRACE_MAX_MS && a->seq_have < UINT64_MAX / 2 &&
           a->seq_refused <= a->seq_have &&
           strcmp(a->candidate->admission_no, s->admission_no) == 0;
}

/* From here on the journal is this sitting's: durably before anything of it can be made, and with
 * its first mark, or to a successor that has older data nobody would have sat down (T2, T12). */
static exam_err session_journal(struct seat_core *s, const Seat__Attached *a)
{
    if (s->session_journalled)
        return EXAM_OK;
    struct seat_record r = {.kind = SEAT_RECORD_SESSION, .u.session.admission_no = s->admission_no};
    memcpy(r.u.session.session, s->session, SESSION_BYTES);
    exam_err err = seat_journal(s, &r, false);
    if (err == EXAM_OK) {
        seat_clock_account(s, a->account, a->ago_ms, &a->mark);
        err = seat_clock_mark_flush(s);
    }
    s->session_journalled = err == EXAM_OK;
    return err;
}

static void attached_journal(struct seat_core *s, uint64_t seq_have)
{
    struct seat_record r = {.kind = SEAT_RECORD_ATTACHED,
                            .u.attached = {.at_ms = s->now_ms,
                                           .attachment_epoch = s->attachment_epoch,
                                           .attachment_lsn = s->attachment_lsn,
                                           .seq_have = seq_have,
                                           .heartbeat_ms = s->heartbeat_ms,
                                           .grace_ms = s->grace_ms}};
    exam_err err = seat_journal(s, &r, false);
    (void)err; /* told as a problem; every action carries its attachment itself */
}

static void attached_tell(struct seat_core *s, const Seat__Attached *a, bool signed_in)
{
    struct seat_event e = {.kind = SEAT_EVENT_ATTACHED};
    e.u.attached.node = s->main;
    e.u.attached.epoch = a->epoch;
    e.u.attached.attachment_epoch = a->attachment_epoch;
    e.u.attached.attachment_lsn = a->attachment_lsn;
    e.u.attached.seq_have = a->seq_have;
    e.u.attached.seq_acked = s->seq_settled;
    e.u.attached.open_ms = s->claim_open_ms;
    e.u.attached.out_ms = s->claim_out_ms;
    e.u.attached.signed_in = signed_in;
    e.u.attached.account = s->account;
    seat_emit(s, &e);
    if (s->next.waits && a->state == SEAT__SITTING_STATE__SITTING_STATE_FINISHED)
        return; /* somebody else sits here, whom these data do not concern */
    struct seat_event c = {.kind = SEAT_EVENT_CANDIDATE, .u.candidate = a->candidate};
    seat_emit(s, &c);
}

void seat_session_attached(struct seat_core *s, const Seat__Attached *a, bool signed_in)
{
    if (!attached_makes_sense(s, a)) {
        seat_link_hostile(s, s->main, "an attachment with figures that cannot be");
        return;
    }
    uint32_t node = s->main;
    if (!seat_link_epoch(s, node, a->epoch))
        return;
    if (session_journal(s, a) != EXAM_OK) {
        seat_link_drop(s, node, BACKOFF_WRONG_MS);
        return;
    }
    s->phase = SESSION_ATTACHED;
    s->sign_in = s->session_void = false;
    s->stats.attaches_n++;
    s->attachment_epoch = a->attachment_epoch;
    s->attachment_lsn = a->attachment_lsn;
    s->heartbeat_ms = a->heartbeat_ms;
    s->grace_ms = a->grace_ms >= 2 * a->heartbeat_ms ? a->grace_ms : 2 * a->heartbeat_ms;
    s->heartbeat_at_ms = s->now_ms + s->heartbeat_ms;
    attached_journal(s, a->seq_have);
    seat_clock_account(s, a->account, a->ago_ms, &a->mark);
    attached_tell(s, a, signed_in);
    seat_action_attached(s, a->seq_have, a->seq_refused, a->durability);
    state_take(s, a->state, (Ev__Finish)a->finish);
    if (a->paper_bytes > 0)
        seat_paper_known(s, a->paper_bytes, &a->paper_digest);
    if (s->next.waits && s->state != SEAT_FINISHED)
        next_refuse(s);
}

/* A2: what this seat holds of it reaches no node as long as nobody signs in here. */
void seat_session_epoch(struct seat_core *s)
{
    if (!s->session_void || !s->session_journalled || s->sign_in)
        return;
    s->session_void = false;
    s->attach_at_ms = s->now_ms;
}

static void ask_later(struct seat_core *s)
{
    s->attach_at_ms = s->now_ms + seat_chance_ms(s, ASK_MIN_MS, ASK_MAX_MS);
}

/* The session is no node's any more: the candidate, or the next one, has to sign in. */
static void session_make_void(struct seat_core *s, enum seat_event_kind kind, exam_err code,
                              const char *text)
{
    bool keep = s->session_journalled;
    seat_clock_close(s, s->now_ms);
    s->sign_in = false;
    if (!keep) {
        bool left_behind = s->left_behind;
        session_reset(s);
        s->left_behind = left_behind;
    }
    s->session_void = keep;
    ask_later(s);
    seat_emit_problem(s, kind, code, s->main, text);
    seat_state_set(s, keep ? SEAT_SHUT_OUT : SEAT_CONNECTED);
}

static void attach_refused(struct seat_core *s, exam_err code, const char *text)
{
    bool unknown = code == EXAM_AUTH || code == EXAM_NOT_FOUND;
    if (s->next.waits) { /* no node wants it: it stays on the disk */
        next_begin(s);
        return;
    }
    if (s->session_void) { /* as before: nothing new for the candidate */
        ask_later(s);
        return;
    }
    if (unknown && s->id_no[0] != 0) { /* the node has older data; the same session begins again */
        s->sign_in = true;
        s->attach_at_ms = s->now_ms;
        return;
    }
    session_make_void(s, unknown ? SEAT_EVENT_SIGN_IN_NEEDED : SEAT_EVENT_PROBLEM, code, text);
}

void seat_session_refused(struct seat_core *s, const Seat__Refused *r, bool signing_in)
{
    exam_err code = (exam_err)r->code;
    switch (exam_err_class_of(code)) {
    case EXAM_CLASS_RETRY:
        s->phase = SESSION_IDLE;
        s->attach_at_ms = s->now_ms + seat_chance_ms(s, RETRY_MIN_MS, RETRY_MAX_MS);
        if (code == EXAM_NOT_PRIMARY)
            seat_link_retire(s, s->main);
        return;
    case EXAM_CLASS_REFUSED:
    case EXAM_CLASS_INPUT:
        s->phase = SESSION_IDLE;
        if (code == EXAM_STALE_EPOCH)
            seat_link_retire(s, s->main);
        else if (signing_in)
            session_make_void(s, SEAT_EVENT_SIGN_IN_REFUSED, code, r->text);
        else
            attach_refused(s, code, r->text);
        return;
    case EXAM_CLASS_OK:
    case EXAM_CLASS_FATAL:
        seat_link_drop(s, s->main, BACKOFF_MAX_MS);
        return;
    }
}

static void notice_state(struct seat_core *s, const Seat__Notice *n)
{
    switch (n->kind) {
    case SEAT__NOTICE_KIND__NOTICE_KIND_STARTED:
        state_take(s, SEAT__SITTING_STATE__SITTING_STATE_ANSWERING, EV__FINISH__FINISH_NONE);
        if (n->paper_bytes > 0)
            seat_paper_known(s, n->paper_bytes, &n->paper_digest);
        return;
    case SEAT__NOTICE_KIND__NOTICE_KIND_RESUMED:
        state_take(s, SEAT__SITTING_STATE__SITTING_STATE_ANSWERING, EV__FINISH__FINISH_NONE);
        return;
    case SEAT__NOTICE_KIND__NOTICE_KIND_PAUSED:
        state_take(s, SEAT__SITTING_STATE__SITTING_STATE_PAUSED, EV__FINISH__FINISH_NONE);
        return;
    case SEAT__NOTICE_KIND__NOTICE_KIND_FINISHED:
        seat_session_finish(s, (Ev__Finish)n->finish, s->now_ms, true);
        return;
    case SEAT__NOTICE_KIND__NOTICE_KIND_ACCOUNT:
        if (s->finish == EV__FINISH__FINISH_TIMED_OUT && s->mark.left_ms > 0)
            state_take(s, SEAT__SITTING_STATE__SITTING_STATE_ANSWERING, EV__FINISH__FINISH_NONE);
        return;
    case SEAT__NOTICE_KIND__NOTICE_KIND_COLLECTED:
        s->collected = true;
        return;
    default:
        return;
    }
}

/* Of the main link, in contact. */
void seat_session_notice(struct seat_core *s, const Seat__Notice *n)
{
    if (n->account != NULL) {
        if (!seat_clock_figures_ok(n->account->used_ms, n->account->left_ms)) {
            seat_link_hostile(s, s->main, "an account with figures that cannot be");
            return;
        }
        seat_clock_account(s, n->account, 0, &n->mark);
        seat_clock_keep(s);
        struct seat_event e = {.kind = SEAT_EVENT_ACCOUNT,
                               .u.account = {.account = s->account, .full = true}};
        seat_emit(s, &e);
    }
    if (n->receipt.len > 0) {
        struct seat_event e = {
            .kind = SEAT_EVENT_RECEIPT,
            .u.receipt = {.text = n->receipt.data, .text_bytes = n->receipt.len}};
        seat_emit(s, &e);
    }
    notice_state(s, n);
}
