#include "decide.h"

#include <sodium.h>
#include <string.h>

#include "carried_mark.h"
#include "incident.h"
#include "pause.h"

/* Longer than any exam, short enough that sums of a seat's figures cannot overflow. */
static const uint64_t SEAT_FIGURE_MS_MAX = (uint64_t)366 * 24 * 3600 * 1000;

static uint64_t seat_figure_ms(uint64_t figure_ms)
{
    return figure_ms < SEAT_FIGURE_MS_MAX ? figure_ms : SEAT_FIGURE_MS_MAX;
}

static exam_err seat_of(const struct decision *d, const char *seat, uint32_t *no)
{
    if (exam_find_seat(d->x, seat, no) == EXAM_OK)
        return EXAM_OK;
    return decide_refuse(d, EXAM_NOT_FOUND, "",
                         "no seat %s at this site: correct this PC's seat name", seat);
}

static exam_err right_seat(const struct decision *d, const struct sitting *s, const char *seat,
                           uint32_t seat_no)
{
    if (s->seat == seat_no)
        return EXAM_OK;
    return decide_refuse(
        d, EXAM_SEAT_TAKEN, "", "candidate %s belongs to seat %s, this is %s: go on at seat %s",
        s->admission_no, exam_seat_name(d->x, s->seat), seat, exam_seat_name(d->x, s->seat));
}

/* ---------------------------------------------------------------- events */

static void emit_signed_in(const struct decision *d, uint32_t no, const uint8_t *session)
{
    Ev__SignedIn e;
    Ev__Event event = EV__EVENT__INIT;

    ev__signed_in__init(&e);
    e.sitting = no;
    e.session = event_data(session, SESSION_BYTES);
    e.seat = d->x->sittings[no - 1].seat;
    event.kind_case = EV__EVENT__KIND_SIGNED_IN;
    event.signed_in = &e;
    d->emit(d->ctx, &event);
}

static void emit_detached(const struct decision *d, uint32_t no)
{
    Ev__Detached e;
    Ev__Event event = EV__EVENT__INIT;

    ev__detached__init(&e);
    e.sitting = no;
    event.kind_case = EV__EVENT__KIND_DETACHED;
    event.detached = &e;
    d->emit(d->ctx, &event);
}

/* What the seat's claim was rests in the event beside what was made of it (D4). */
static void emit_attached(const struct decision *d, uint32_t no, const struct account_return *r,
                          const struct account_stretch *stretch)
{
    const struct sitting *s = &d->x->sittings[no - 1];
    struct account from = s->account;
    Ev__Attached e;
    Ev__Event event = EV__EVENT__INIT;

    if (r->found)
        account_take_back(&from, stretch->used_ms);
    ev__attached__init(&e);
    e.sitting = no;
    e.seat = s->seat;
    e.used_ms = stretch->used_ms;
    e.lost_ms = stretch->lost_ms;
    e.from_ms = from.mark_ms;
    e.basis = stretch->basis;
    e.claim_ms = r->open_ms;
    e.since_ms = r->since_ms;
    e.carried_used_ms = r->carried_used_ms;
    e.found = r->found;
    if (stretch->lost_ms > 0)
        e.incident = incident_of(d->x, s, from.mark_ms, d->now_ms);
    event.kind_case = EV__EVENT__KIND_ATTACHED;
    event.attached = &e;
    d->emit(d->ctx, &event);
}

/* T10: its time ran out, or the candidate submitted, while it was out of contact, so its account
 * ends there. The submission itself comes after the answers that were made before it. */
static void emit_finished(const struct decision *d, uint32_t no, Ev__Finish finish,
                          const struct account_stretch *stretch)
{
    Ev__Finished e;
    Ev__Event event = EV__EVENT__INIT;
    uint64_t used_ms = stretch->used_ms, at_ms = stretch->end_ms;

    ev__finished__init(&e);
    e.finish = finish;
    e.n_sitting = e.n_used_ms = e.n_at_ms = 1;
    e.sitting = &no;
    e.used_ms = &used_ms;
    e.at_ms = &at_ms;
    event.kind_case = EV__EVENT__KIND_FINISHED;
    event.finished = &e;
    d->emit(d->ctx, &event);
}

/* A seat shows one sitting: whoever else is in contact from it is so no longer. */
static void emit_seat_taken_over(const struct decision *d, uint32_t no)
{
    const exam *x = d->x;
    uint32_t seat = x->sittings[no - 1].seat, other = x->seats[seat - 1].sitting;
    bool sits_here = other != 0 && x->sittings[other - 1].seat == seat; /* or was moved (T11) */

    if (other != no && sits_here && sitting_attached(x, &x->sittings[other - 1]))
        emit_detached(d, other);
}

/* ---------------------------------------------------------------- the account on attaching */

/* A sitting whose account is not open: nothing to reckon. A mark that was given before the start of
 * the batch was known here is adopted (T12: this node has older data). */
static void stretch_not_open(const struct sitting *s, const struct account_return *r,
                             struct account_stretch *out)
{
    uint64_t used_ms = s->account.used_ms, total_ms = account_total_ms(&s->account);

    if (!sitting_finished(s) && r->carried && r->carried_used_ms > used_ms)
        used_ms = r->carried_used_ms < total_ms ? r->carried_used_ms : total_ms;
    *out = (struct account_stretch){.used_ms = used_ms,
                                    .basis = used_ms > s->account.used_ms ? EV__BASIS__BASIS_CARRIED
                                                                          : EV__BASIS__BASIS_MARK,
                                    .end_ms = r->now_ms};
}

/* T1, T2: until a latecomer's first sign-in the clock has run without a screen: nothing was lost.
 */
static void stretch_latecomer(const exam *x, const struct sitting *s,
                              const struct account_return *r, struct account_stretch *out)
{
    uint64_t used_ms = sitting_used_ms(x, s, r->now_ms), total_ms = account_total_ms(&s->account);

    *out = (struct account_stretch){
        .used_ms = used_ms, .basis = EV__BASIS__BASIS_MARK, .end_ms = r->now_ms};
    if (!r->carried || r->carried_used_ms <= used_ms)
        return;
    /* It is late only here: this node has older data (T12). */
    out->used_ms = r->carried_used_ms < total_ms ? r->carried_used_ms : total_ms;
    out->basis = EV__BASIS__BASIS_CARRIED;
}

/* T5, T12: a dead branch knew the session. That the sitting had a screen since is known by the mark
 * alone, so that is where the account goes on from; what the clock has run here without one since
 * is not used, but lost. */
static void stretch_found(const struct sitting *s, const struct account_return *r,
                          struct account_stretch *out)
{
    struct account a = s->account;

    account_take_back(&a, r->carried_used_ms);
    account_reckon_return(&a, r, out);
    out->basis = EV__BASIS__BASIS_CARRIED;
}

/* An attachment over a connection that nobody has noticed dead is reckoned like any other, from the
 * last mark: a seat whose screen was open all the time loses nothing by it, and one that had died
 * is not charged for the time that nothing recorded (T7). */
static void stretch_of(const exam *x, const struct sitting *s, const struct account_return *r,
                       struct account_stretch *out)
{
    if (!sitting_account_open(s))
        stretch_not_open(s, r, out);
    else if (r->found)
        stretch_found(s, r, out);
    else if (!s->signed_in && sitting_clock_runs(x, s))
        stretch_latecomer(x, s, r, out);
    else
        account_reckon_return(&s->account, r, out);
}

/* The site_ms of the mark that the seat's claim counts from. One that was given on a timeline apart
 * from this one is as long ago as the seat says (T4), or nobody knows. */
static uint64_t claim_from_ms(const struct sitting *s, const struct account_return *r)
{
    if (!r->carried || (r->carried_apart && !r->clock_continuous))
        return s->account.mark_ms;
    if (!r->carried_apart)
        return r->carried_at_ms;
    return r->now_ms > r->since_ms ? r->now_ms - r->since_ms : 0;
}

/* T8: when the first pause came, counted from the mark that the seat's claim counts from. A pause
 * that stood then, by this node's log, does not when the log is older than the mark (T12): the
 * clock ran at the mark, so the pause had been lifted. A pause after a dark time that no node's
 * clock has measured lies as far back as this node says, and the mark as far as the seat says (T4:
 * durations, not two clocks). */
static void pause_since_mark(const struct decision *d, const struct sitting *s,
                             struct account_return *r)
{
    uint64_t at_ms, from_ms = claim_from_ms(s, r);
    const struct pause *p = pause_first_since(d->x, s, from_ms, !r->carried_newer, &at_ms);

    if (!p)
        return;
    r->paused = true;
    r->pause_after_ms = at_ms - from_ms;
    if (!r->dark_known && r->clock_continuous && p->epoch >= d->x->dark_epoch) {
        uint64_t ago_ms = d->now_ms > at_ms ? d->now_ms - at_ms : 0;
        r->pause_after_ms = r->since_ms > ago_ms ? r->since_ms - ago_ms : 0;
    }
}

static struct account_return return_of(const struct decision *d, const struct sitting *s)
{
    return (struct account_return){.now_ms = d->now_ms,
                                   .grace_ms = d->x->batches[s->batch - 1].grace_ms,
                                   .dark_known = s->mark_epoch >= d->x->dark_epoch,
                                   .screen_opened = s->screen_opened};
}

static void attach(const struct decision *d, uint32_t no, const struct account_return *r)
{
    const struct sitting *s = &d->x->sittings[no - 1];
    struct account_stretch stretch;

    stretch_of(d->x, s, r, &stretch);
    emit_attached(d, no, r, &stretch);
    if (sitting_account_open(s) && stretch.finished)
        emit_finished(d, no, EV__FINISH__FINISH_TIMED_OUT, &stretch);
    else if (sitting_account_open(s) && r->submitted)
        emit_finished(d, no, EV__FINISH__FINISH_SUBMITTED, &stretch);
    incident_observe_back(d, s);
}

/* ---------------------------------------------------------------- the mark a seat brings (T12) */

static exam_err mark_open(const struct decision *d, uint32_t no, const uint8_t *bytes, size_t n,
                          struct account_return *r)
{
    struct carried_mark mark;
    const char *candidate = d->x->sittings[no - 1].admission_no;

    if (!bytes || n == 0)
        return EXAM_OK;
    if (!carried_mark_open(bytes, n, d->x->site_key, &mark))
        return decide_refuse(d, EXAM_REFUSED, "T12",
                             "the mark that the seat of candidate %s carries was not made by this "
                             "site's servers: sign the candidate in again",
                             candidate);
    if (mark.sitting != no)
        return decide_refuse(d, EXAM_REFUSED, "T12",
                             "the mark that the seat of candidate %s carries belongs to another "
                             "sitting: sign the candidate in again",
                             candidate);
    if (mark.epoch > d->x->epoch ||
        (mark.epoch == d->x->epoch && mark.epoch_tag != d->x->epoch_tag)) {
        exam_err err = decide_refuse(d, EXAM_STALE_EPOCH, "W1",
                                     "the seat of candidate %s has a mark of epoch %llu of another "
                                     "server, this one is in epoch %llu: two have served",
                                     candidate, (unsigned long long)mark.epoch,
                                     (unsigned long long)d->x->epoch);
        d->why->epoch_proven = mark.epoch;
        return err;
    }
    const struct sitting *s = &d->x->sittings[no - 1];
    r->carried = true;
    r->carried_used_ms = mark.used_ms;
    r->carried_at_ms = mark.at_ms;
    r->carried_apart = exam_shared_lsn(d->x, mark.epoch, mark.epoch_tag) == 0;
    r->carried_newer =
        mark.epoch > s->mark_epoch ||
        (mark.epoch == s->mark_epoch && !r->carried_apart && mark.at_ms > s->account.mark_ms);
    return EXAM_OK;
}

/* ---------------------------------------------------------------- sign-in (P4) */

/* The ID number is compared in constant time, with that of nobody for an unknown candidate, so that
 * the time of the answer says as little as its text. */
static bool identity_fits(const struct sitting *s, const char *id_no)
{
    uint8_t given[NAME_BYTES_MAX + 1] = {0}, known[NAME_BYTES_MAX + 1] = {0};
    const char *id = s ? s->id_no : "";
    size_t given_bytes = strlen(id_no), known_bytes = strlen(id);

    if (given_bytes > NAME_BYTES_MAX || known_bytes > NAME_BYTES_MAX)
        return false;
    memcpy(given, id_no, given_bytes);
    memcpy(known, id, known_bytes);
    return sodium_memcmp(given, known, sizeof known) == 0 && s != NULL;
}

static exam_err room_free_for(const struct decision *d, const struct sitting *s)
{
    const exam *x = d->x;
    const struct room *r = &x->rooms[x->seats[s->seat - 1].room - 1];

    if (r->held_by == 0 || r->held_by == s->batch)
        return EXAM_OK;
    return decide_refuse(d, EXAM_STATE, "P11",
                         "room %s still holds batch %s: candidate %s of batch %s signs in after "
                         "that one is collected",
                         r->name, x->batches[r->held_by - 1].name, s->admission_no,
                         x->batches[s->batch - 1].name);
}

static exam_err sign_in_check(const struct decision *d, const struct sitting *s, uint32_t seat_no)
{
    const exam *x = d->x;
    const struct batch *b = &x->batches[s->batch - 1];
    exam_err err = right_seat(d, s, d->c->u.sign_in.seat, seat_no);

    if (err != EXAM_OK)
        return err;
    if (b->collected)
        return decide_refuse(d, EXAM_STATE, "P6",
                             "batch %s has been collected: candidate %s cannot sign in any more",
                             b->name, s->admission_no);
    if (b->postponed)
        return decide_refuse(d, EXAM_STATE, "T13",
                             "batch %s has been postponed: candidate %s will be told when to sit",
                             b->name, s->admission_no);
    if (sitting_finished(s))
        return decide_refuse(d, EXAM_STATE, "T10",
                             "candidate %s has finished: ask the invigilator if this is wrong",
                             s->admission_no);
    if (sitting_attached(x, s) && !sitting_session_is(s, d->c->u.sign_in.session))
        return decide_refuse(d, EXAM_SEAT_TAKEN, "",
                             "candidate %s is signed in and in contact from another PC that says "
                             "it is seat %s: look for it, or wait until it is shown as lost",
                             s->admission_no, d->c->u.sign_in.seat);
    return room_free_for(d, s);
}

/* T12: the mark that a seat which was left has shown of a dead branch, as long as the candidate has
 * not attached since: this node has older data. */
static void mark_of_former(const struct sitting *s, struct account_return *r)
{
    for (uint32_t i = 0; i < s->formers_n; i++) {
        const struct former *f = &s->formers[i];
        uint64_t known_ms = r->carried ? r->carried_used_ms : s->account.used_ms;
        if (!former_apart(f) || s->attachment_epoch > f->attachment_epoch || f->used_ms <= known_ms)
            continue;
        r->carried = r->carried_newer = r->carried_apart = true;
        r->carried_used_ms = f->used_ms;
    }
}

exam_err decide_sign_in(const struct decision *d)
{
    const exam *x = d->x;
    uint32_t seat_no, no = name_index_find(&x->candidates, d->c->u.sign_in.admission_no);
    const struct sitting *s = exam_sitting(x, no);
    exam_err err = seat_of(d, d->c->u.sign_in.seat, &seat_no);

    if (err != EXAM_OK)
        return err;
    if (sodium_is_zero(d->c->u.sign_in.session, SESSION_BYTES))
        return decide_refuse(d, EXAM_INVALID, "T11", "a session must be random, this one is not");
    if (!identity_fits(s, d->c->u.sign_in.id_no))
        return decide_refuse(d, EXAM_AUTH, "P4",
                             "no candidate with this admission number and ID number: check both "
                             "with the candidate's papers");
    err = sign_in_check(d, s, seat_no);
    if (err != EXAM_OK)
        return err;
    struct account_return r = return_of(d, s); /* no claim: nothing of an earlier session (T7) */
    err = mark_open(d, no, d->c->u.sign_in.mark, d->c->u.sign_in.mark_bytes, &r);
    if (err == EXAM_STALE_EPOCH)
        return err;
    *d->why = (struct exam_refusal){.code = EXAM_OK, .rule = ""}; /* a wrong one keeps nobody out */
    mark_of_former(s, &r);
    pause_since_mark(d, s, &r);
    emit_seat_taken_over(d, no);
    if (!sitting_session_is(s, d->c->u.sign_in.session))
        emit_signed_in(d, no, d->c->u.sign_in.session);
    attach(d, no, &r);
    return EXAM_OK;
}

/* ---------------------------------------------------------------- attach (T5-T7, T10, T12) */

/* T11: a seat that the sitting has left is shut out, and told apart from a stranger, so that what
 * it still holds can be taken in (A3). */
static exam_err shut_out(const struct decision *d, uint32_t no, uint32_t former)
{
    const struct sitting *s = exam_sitting(d->x, no);
    exam_err err = decide_refuse(d, EXAM_SEAT_TAKEN, "T11",
                                 "candidate %s goes on at seat %s: this seat is shut out",
                                 s->admission_no, exam_seat_name(d->x, s->seat));

    d->why->former = former;
    d->why->sitting = no;
    return err;
}

static exam_err stranger(const struct decision *d)
{
    return decide_refuse(d, EXAM_AUTH, "T11",
                         "this server knows no such session: the candidate signs in again");
}

static void emit_session_found(const struct decision *d, uint32_t no, uint32_t seat_no,
                               uint64_t epoch, uint64_t used_ms)
{
    Ev__SignedIn e;
    Ev__Event event = EV__EVENT__INIT;

    ev__signed_in__init(&e);
    e.sitting = no;
    e.session = event_data(d->c->u.attach.session, SESSION_BYTES);
    e.seat = seat_no;
    e.former_epoch = epoch;
    e.former_used_ms = used_ms;
    event.kind_case = EV__EVENT__KIND_SIGNED_IN;
    event.signed_in = &e;
    d->emit(d->ctx, &event);
    d->why->consumed = true;
}

/* The candidate can sign in with it again, so that it becomes the sitting's own. */
static bool session_may_return(const struct decision *d, const struct sitting *s, uint32_t seat_no)
{
    return s->seat == seat_no && !sitting_finished(s) &&
           !batch_closed(&d->x->batches[s->batch - 1]);
}

/* T12: the seat shows that a dead branch has had the sitting there, by a mark that it gave. */
static exam_err mark_of_branch(const struct decision *d, uint32_t no, struct account_return *r,
                               uint64_t *epoch)
{
    const uint8_t *bytes = d->c->u.attach.mark;
    struct carried_mark mark;
    exam_err err = mark_open(d, no, bytes, d->c->u.attach.mark_bytes, r);

    if (err == EXAM_STALE_EPOCH)
        return err;
    if (err != EXAM_OK || !r->carried || sodium_is_zero(d->c->u.attach.session, SESSION_BYTES) ||
        !carried_mark_open(bytes, d->c->u.attach.mark_bytes, d->x->site_key, &mark) ||
        mark.epoch >= d->x->epoch)
        return stranger(d);
    *epoch = mark.epoch;
    return EXAM_OK;
}

/* A2: the sitting has left the seat since, or is over: what the seat holds is perhaps nowhere else.
 */
static exam_err session_left(const struct decision *d, uint32_t no, uint32_t seat_no)
{
    struct account_return r = return_of(d, exam_sitting(d->x, no));
    uint64_t epoch;
    exam_err err = mark_of_branch(d, no, &r, &epoch);

    if (err != EXAM_OK)
        return err;
    uint32_t former = exam_former_apart_no(exam_sitting(d->x, no), seat_no, epoch);
    if (former == 0)
        return stranger(d);
    err = shut_out(d, no, former);
    emit_session_found(d, no, seat_no, epoch, r.carried_used_ms);
    return err;
}

static void claim_take(const struct decision *d, struct account_return *r)
{
    r->open_ms = seat_figure_ms(d->c->u.attach.open_ms);
    r->since_ms = seat_figure_ms(d->c->u.attach.since_ms);
    r->slack_ms = d->c->u.attach.slack_ms;
    r->clock_continuous = d->c->u.attach.clock_continuous;
    r->ended = d->c->u.attach.ended;
    r->ended_ago_ms = seat_figure_ms(d->c->u.attach.ended_ago_ms);
    r->submitted = d->c->u.attach.submitted;
    if (r->submitted && !r->clock_continuous)
        r->ended_ago_ms = SEAT_FIGURE_MS_MAX; /* at the position that it journalled (T7) */
}

/* Where the clock without a screen has not come as far as the mark and the claim, since a dark time
 * has been credited, which stays on record (T14), the candidate signs in again, with the mark. */
static bool clock_has_run_beyond(const struct sitting *s, const struct account_return *r)
{
    struct account_stretch stretch;

    if (!sitting_account_open(s) || r->carried_used_ms > s->account.used_ms)
        return false;
    stretch_found(s, r, &stretch);
    return stretch.used_ms <= account_used_ms(&s->account, true, r->now_ms);
}

/* T5, T12: nobody has signed in here, so whatever mark the sitting has is of a dead branch, and
 * later than all that this log shares with it: the candidate goes on from there, and is no
 * latecomer (T2). */
static exam_err session_goes_on(const struct decision *d, uint32_t no)
{
    const struct sitting *s = exam_sitting(d->x, no);
    struct account_return r = return_of(d, s);
    uint64_t epoch;
    exam_err err = mark_of_branch(d, no, &r, &epoch);

    if (err == EXAM_OK)
        err = room_free_for(d, s);
    if (err != EXAM_OK)
        return err;
    r.found = r.carried_newer = true;
    r.dark_known &= epoch >= d->x->dark_epoch;
    claim_take(d, &r);
    pause_since_mark(d, s, &r);
    if (!clock_has_run_beyond(s, &r))
        return stranger(d);
    emit_seat_taken_over(d, no);
    emit_signed_in(d, no, d->c->u.attach.session);
    attach(d, no, &r);
    return EXAM_OK;
}

static exam_err session_unknown(const struct decision *d, uint32_t no, uint32_t seat_no)
{
    const struct sitting *s = exam_sitting(d->x, no);
    struct account_return r = {0};
    uint64_t epoch;

    for (uint32_t i = 0; s && i < s->formers_n; i++) {
        const struct former *f = &s->formers[i];
        if (sodium_is_zero(f->session, SESSION_BYTES) ||
            sodium_memcmp(f->session, d->c->u.attach.session, SESSION_BYTES) != 0)
            continue;
        if (former_apart(f) && mark_of_branch(d, no, &r, &epoch) != EXAM_OK)
            return d->why->code;
        exam_err err = shut_out(d, no, i + 1);
        d->why->seq_have = f->seq_have;
        d->why->seq_refused = f->seq_refused;
        return err;
    }
    if (s && !session_may_return(d, s, seat_no))
        return session_left(d, no, seat_no);
    return s && !s->signed_in ? session_goes_on(d, no) : stranger(d);
}

exam_err decide_attach(const struct decision *d)
{
    const exam *x = d->x;
    uint32_t seat_no, no = name_index_find(&x->candidates, d->c->u.attach.admission_no);
    const struct sitting *s = exam_sitting(x, no);
    exam_err err = seat_of(d, d->c->u.attach.seat, &seat_no);

    if (err != EXAM_OK)
        return err;
    if (!s || !sitting_session_is(s, d->c->u.attach.session))
        return session_unknown(d, no, seat_no);
    err = right_seat(d, s, d->c->u.attach.seat, seat_no);
    if (err != EXAM_OK)
        return err;
    struct account_return r = return_of(d, s);
    err = mark_open(d, no, d->c->u.attach.mark, d->c->u.attach.mark_bytes, &r);
    if (err != EXAM_OK)
        return err;
    claim_take(d, &r);
    pause_since_mark(d, s, &r);
    emit_seat_taken_over(d, no);
    attach(d, no, &r);
    return EXAM_OK;
}

/* ---------------------------------------------------------------- contact */

exam_err decide_detach(const struct decision *d)
{
    const struct sitting *s = exam_sitting(d->x, d->c->u.detach.sitting);

    if (s && sitting_attached(d->x, s)) {
        emit_detached(d, d->c->u.detach.sitting);
        incident_observe_lost(d, s);
    }
    return EXAM_OK;
}

/* T3: a sitting without a screen is not marked by heartbeats but at its batch's instants (tick). */
exam_err decide_mark(const struct decision *d)
{
    struct pack p;
    exam_err err = pack_init(&p, d, PACK_MARKED, (uint32_t)d->c->u.mark.n);

    if (err != EXAM_OK)
        return err;
    for (size_t i = 0; i < d->c->u.mark.n; i++) {
        const struct exam_word *w = &d->c->u.mark.words[i];
        const struct sitting *s = exam_sitting(d->x, w->sitting);
        if (!s || !sitting_account_open(s) || !sitting_attached(d->x, s))
            continue;
        if (sitting_clock_runs(d->x, s) || s->account.unheard_ms > 0)
            pack_add(&p, w->sitting, sitting_vouched_ms(d->x, s, d->now_ms, w), 0);
    }
    pack_end(&p);
    return EXAM_OK;
}

/* W2: whatever is durable on the successor is all that it has: so clocks without a screen are
 * marked for it. What a seat has used since its mark it says to the successor (T6): nobody loses by
 * it, and nothing is charged that nothing recorded (T7). */
exam_err decide_mark_all(const struct decision *d)
{
    const exam *x = d->x;
    struct pack p;
    exam_err err = pack_init(&p, d, PACK_MARKED, x->sittings_n);

    if (err != EXAM_OK)
        return err;
    for (uint32_t no = 1; no <= x->sittings_n; no++) {
        const struct sitting *s = &x->sittings[no - 1];
        if (sitting_screenless(s) && sitting_clock_runs(x, s))
            pack_add(&p, no, sitting_used_ms(x, s, d->now_ms), 0);
    }
    pack_end(&p);
    return EXAM_OK;
}
