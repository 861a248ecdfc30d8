#include "apply.h"

/* T9: the stretch between a time-out and the reopening is lost; its clock goes on from now. */
static bool reopen(const struct booking *k, struct sitting *s, uint64_t lost_ms, uint32_t incident)
{
    const struct interruption stretch = {.from_ms = s->finish_ms,
                                         .to_ms = k->site_ms,
                                         .lost_ms = lost_ms,
                                         .basis = EV__BASIS__BASIS_MARK,
                                         .incident = incident};

    s->finish = EV__FINISH__FINISH_NONE;
    s->finish_ms = 0;
    return apply_stretch(k, s, s->account.used_ms, &stretch);
}

static bool grant_one(const struct booking *k, uint32_t no, int64_t ms, uint64_t lost_ms,
                      uint32_t incident)
{
    struct sitting *s = exam_sitting(k->x, no);
    bool ran_out;

    if (!s || batch_closed(&k->x->batches[s->batch - 1]))
        return false;
    ran_out = s->finish == EV__FINISH__FINISH_TIMED_OUT || s->finish == EV__FINISH__FINISH_ABSENT;
    if (sitting_finished(s) && !ran_out)
        return false;
    s->account.grants_ms += ms;
    if (account_total_ms(&s->account) < s->account.used_ms) {
        s->account.grants_ms -= ms; /* no grant leaves less than what has been used */
        return false;
    }
    exam_sitting_touch(k->x, s, DIRTY_ACCOUNT);
    if (ran_out && ms > 0 && reopen(k, s, lost_ms, incident))
        exam_mark_made(k->x, s);
    else
        exam_clock_changed(k->x, s);
    return true;
}

bool apply_granted(const struct booking *k, const Ev__Granted *e)
{
    bool fits = e->n_sitting == e->n_ms && e->n_sitting == e->n_lost_ms;

    for (size_t i = 0; fits && i < e->n_sitting; i++)
        fits = grant_one(k, e->sitting[i], e->ms[i], e->lost_ms[i], e->incident);
    return fits;
}

/* ---------------------------------------------------------------- moves (T11), violations (R3) */

bool apply_moved(const struct booking *k, const Ev__Moved *e)
{
    exam *x = k->x;
    struct sitting *s = exam_sitting(x, e->sitting);

    if (!s || e->seat < 1 || e->seat > x->seats_n)
        return false;
    apply_session_leaves(k, s);
    s->seat = e->seat;
    exam_sitting_touch(x, s, DIRTY_ROSTER | DIRTY_ACCOUNT);
    const struct batch *b = &x->batches[s->batch - 1];
    if (b->started && !batch_closed(b))
        exam_batch_hold_rooms(x, s->batch, true);
    exam_clock_changed(x, s);
    return true;
}

bool apply_violation_noted(const struct booking *k, const Ev__ViolationNoted *e)
{
    struct sitting *s = exam_sitting(k->x, e->sitting);

    if (!s)
        return false;
    s->violations++;
    exam_sitting_touch(k->x, s, DIRTY_ACCOUNT);
    return true;
}
