#include "apply.h"

#include <string.h>

bool apply_signed_in(const struct booking *k, const Ev__SignedIn *e)
{
    struct sitting *s = exam_sitting(k->x, e->sitting);

    if (!s || e->session.len != SESSION_BYTES || e->seat != s->seat)
        return false;
    memcpy(s->session, e->session.data, SESSION_BYTES);
    s->signed_in = true;
    s->contact = false; /* the session before this one is shut out */
    s->seq_have = 0;
    exam_sitting_touch(k->x, s, DIRTY_ACCOUNT);
    exam_clock_changed(k->x, s);
    return true;
}

/* T14: what was credited for the stretch is on record, on the same figures. */
static bool stretch_booked(const struct booking *k, struct sitting *s, uint64_t used_ms,
                           const struct interruption *i)
{
    if (!account_book(&s->account, used_ms, i->lost_ms, i->to_ms))
        return false;
    if (i->lost_ms > 0)
        exam_interruption_add(k->x, s, i);
    return true;
}

bool apply_attached(const struct booking *k, const Ev__Attached *e)
{
    exam *x = k->x;
    struct sitting *s = exam_sitting(x, e->sitting);
    struct interruption stretch = {e->from_ms, k->site_ms, e->lost_ms, e->basis};

    if (!s || !s->signed_in || e->seat != s->seat)
        return false;
    if (!sitting_finished(s) && !stretch_booked(k, s, e->used_ms, &stretch))
        return false;
    s->contact = true;
    s->attachment_epoch = k->epoch;
    s->attachment_lsn = k->lsn;
    x->seats[s->seat - 1].sitting = e->sitting;
    if (s->begun && !sitting_finished(s))
        s->screen_opened = true;
    if (!s->begun && !sitting_finished(s) && x->batches[s->batch - 1].started)
        apply_begin(k, s); /* T1, personal timing */
    else
        exam_mark_made(k->x, s);
    return true;
}

bool apply_detached(const struct booking *k, const Ev__Detached *e)
{
    struct sitting *s = exam_sitting(k->x, e->sitting);

    if (!s || !s->contact)
        return false;
    s->contact = false;
    exam_sitting_touch(k->x, s, DIRTY_ACCOUNT);
    exam_clock_changed(k->x, s);
    return true;
}

bool apply_marked(const struct booking *k, const Ev__Marked *e)
{
    bool fits = e->n_sitting == e->n_used_ms;

    for (size_t i = 0; i < e->n_sitting && i < e->n_used_ms; i++) {
        struct sitting *s = exam_sitting(k->x, e->sitting[i]);
        if (sitting_account_open(s) && account_mark(&s->account, e->used_ms[i], k->site_ms))
            exam_mark_made(k->x, s);
        else
            fits = false;
    }
    return fits;
}

bool apply_finished(const struct booking *k, const Ev__Finished *e)
{
    bool fits = e->finish != EV__FINISH__FINISH_NONE && e->n_sitting == e->n_used_ms &&
                e->n_sitting == e->n_at_ms;

    for (size_t i = 0; fits && i < e->n_sitting; i++) {
        struct sitting *s = exam_sitting(k->x, e->sitting[i]);
        if (!s || sitting_finished(s) ||
            !account_book(&s->account, e->used_ms[i], 0, e->at_ms[i])) {
            fits = false;
            continue;
        }
        s->finish = e->finish;
        s->finish_ms = e->at_ms[i];
        exam_sitting_touch(k->x, s, DIRTY_ACCOUNT);
        exam_clock_changed(k->x, s);
    }
    return fits;
}

bool apply_credited(const struct booking *k, const Ev__Credited *e)
{
    bool fits = e->n_sitting == e->n_from_ms && e->n_sitting == e->n_lost_ms;

    for (size_t i = 0; fits && i < e->n_sitting; i++) {
        struct sitting *s = exam_sitting(k->x, e->sitting[i]);
        struct interruption stretch = {e->from_ms[i], e->from_ms[i] + e->lost_ms[i], e->lost_ms[i],
                                       e->basis};
        if (sitting_account_open(s) && stretch_booked(k, s, s->account.used_ms, &stretch))
            exam_mark_made(k->x, s);
        else
            fits = false;
    }
    return fits;
}
