#include "decide.h"

#include <sodium.h>
#include <string.h>

#include "attaching.h"
#include "carried_mark.h"
#include "incident.h"

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

/* A seat shows one sitting: whoever else is in contact from it is so no longer. */
static void emit_seat_taken_over(const struct decision *d, uint32_t no)
{
    const exam *x = d->x;
    uint32_t seat = x->sittings[no - 1].seat, other = x->seats[seat - 1].sitting;
    bool sits_here = other != 0 && x->sittings[other - 1].seat == seat; /* or was moved (T11) */

    if (other != no && sits_here && sitting_attached(x, &x->sittings[other - 1]))
        emit_detached(d, other);
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
 * not attached since: this node has older data, and nobody knows more where nobody has signed in.
 */
static void mark_of_former(const struct sitting *s, struct account_return *r)
{
    for (uint32_t i = 0; i < s->formers_n; i++) {
        const struct former *f = &s->formers[i];
        uint64_t known_ms = s->signed_in ? s->account.used_ms : 0;
        if (r->carried)
            known_ms = r->carried_used_ms;
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
    struct account_return r =
        attaching_return(d, s); /* no claim: nothing of an earlier session (T7) */
    err = attaching_mark(d, no, d->c->u.sign_in.mark, d->c->u.sign_in.mark_bytes, &r);
    if (err == EXAM_STALE_EPOCH)
        return err;
    *d->why = (struct exam_refusal){.code = EXAM_OK, .rule = ""}; /* a wrong one keeps nobody out */
    mark_of_former(s, &r);
    r.found = !s->signed_in && r.carried && attaching_is_found(s, &r);
    r.carried_newer |= r.found;
    attaching_pause(d, s, &r);
    emit_seat_taken_over(d, no);
    if (!sitting_session_is(s, d->c->u.sign_in.session))
        emit_signed_in(d, no, d->c->u.sign_in.session);
    attaching_emit(d, no, &r);
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
    exam_err err = attaching_mark(d, no, bytes, d->c->u.attach.mark_bytes, r);

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
    struct account_return r = attaching_return(d, exam_sitting(d->x, no));
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

/* T5, T12: nobody has signed in here, so whatever mark the sitting has is of a dead branch, and
 * later than all that this log shares with it: the candidate goes on from there, and is no
 * latecomer (T2). */
static exam_err session_goes_on(const struct decision *d, uint32_t no)
{
    const struct sitting *s = exam_sitting(d->x, no);
    struct account_return r = attaching_return(d, s);
    uint64_t epoch;
    exam_err err = mark_of_branch(d, no, &r, &epoch);

    if (err == EXAM_OK)
        err = room_free_for(d, s);
    if (err != EXAM_OK)
        return err;
    r.found = r.carried_newer = true;
    r.dark_known &= epoch >= d->x->dark_epoch;
    claim_take(d, &r);
    attaching_pause(d, s, &r);
    if (!attaching_is_found(s, &r))
        return stranger(d);
    emit_seat_taken_over(d, no);
    emit_signed_in(d, no, d->c->u.attach.session);
    attaching_emit(d, no, &r);
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
        if (f->seat != seat_no)
            return stranger(d); /* nobody has had it here */
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
    struct account_return r = attaching_return(d, s);
    err = attaching_mark(d, no, d->c->u.attach.mark, d->c->u.attach.mark_bytes, &r);
    if (err != EXAM_OK)
        return err;
    claim_take(d, &r);
    attaching_pause(d, s, &r);
    emit_seat_taken_over(d, no);
    attaching_emit(d, no, &r);
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
