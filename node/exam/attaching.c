#include "attaching.h"

#include <string.h>

#include "carried_mark.h"
#include "incident.h"
#include "pause.h"

/* ---------------------------------------------------------------- events */

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

/* ---------------------------------------------------------------- the account */

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

/* Where the clock without a screen has not come as far as the mark and the claim, since a dark time
 * has been credited, which stays on record (T14), the candidate signs in again, with the mark. */
bool attaching_is_found(const struct sitting *s, const struct account_return *r)
{
    struct account_stretch stretch;

    if (!sitting_account_open(s) || r->carried_used_ms > s->account.used_ms)
        return false;
    stretch_found(s, r, &stretch);
    return stretch.used_ms <= account_used_ms(&s->account, true, r->now_ms);
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
    else if (sitting_screenless(s) && sitting_clock_runs(x, s))
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
void attaching_pause(const struct decision *d, const struct sitting *s, struct account_return *r)
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

struct account_return attaching_return(const struct decision *d, const struct sitting *s)
{
    return (struct account_return){.now_ms = d->now_ms,
                                   .grace_ms = d->x->batches[s->batch - 1].grace_ms,
                                   .dark_known = s->mark_epoch >= d->x->dark_epoch,
                                   .begin_known = exam_time_known_since(d->x, s->account.begin_ms),
                                   .screen_opened = s->screen_opened};
}

void attaching_emit(const struct decision *d, uint32_t no, const struct account_return *r)
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

/* Or the one that its candidate had in an import that was cut off, and done again since (P2). */
static bool is_of_sitting(const exam *x, const struct carried_mark *mark, uint32_t no)
{
    const struct sitting *s = exam_sitting(x, mark->sitting);

    return mark->sitting == no || (s && x->batches[s->batch - 1].superseded &&
                                   strcmp(s->admission_no, x->sittings[no - 1].admission_no) == 0);
}

exam_err attaching_mark(const struct decision *d, uint32_t no, const uint8_t *bytes, size_t n,
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
    if (!is_of_sitting(d->x, &mark, no))
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
