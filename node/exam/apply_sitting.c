#include "apply.h"

#include <sodium.h>

#include <string.h>

void apply_session_leaves(const struct booking *k, struct sitting *s)
{
    struct former f = {.seat = s->seat,
                       .seq_have = s->seq_have,
                       .seq_refused = s->seq_refused,
                       .attachment_epoch = s->attachment_epoch,
                       .attachment_lsn = s->attachment_lsn};

    s->contact = false; /* its seat is shut out */
    s->account.unheard_ms = 0;
    if (!s->signed_in || sodium_is_zero(s->session, SESSION_BYTES))
        return;
    memcpy(f.session, s->session, SESSION_BYTES);
    exam_former_add(k->x, s, &f);
    memset(s->session, 0, SESSION_BYTES);
    s->seq_have = s->seq_refused = 0;
}

/* One that was there before goes on with its own count of actions. */
static void session_enters(const struct booking *k, struct sitting *s, const uint8_t *session)
{
    s->seq_have = s->seq_refused = 0;
    for (uint32_t i = 0; i < s->formers_n; i++)
        if (memcmp(s->formers[i].session, session, SESSION_BYTES) == 0) {
            s->seq_have = s->formers[i].seq_have;
            s->seq_refused = s->formers[i].seq_refused;
            memset(s->formers[i].session, 0, SESSION_BYTES);
            exam_sitting_touch(k->x, s, DIRTY_ROSTER);
        }
    memcpy(s->session, session, SESSION_BYTES);
}

bool apply_signed_in(const struct booking *k, const Ev__SignedIn *e)
{
    struct sitting *s = exam_sitting(k->x, e->sitting);

    if (!s || e->session.len != SESSION_BYTES || e->seat != s->seat)
        return false;
    apply_session_leaves(k, s);
    session_enters(k, s, e->session.data);
    s->signed_in = true;
    exam_sitting_touch(k->x, s, DIRTY_ACCOUNT);
    exam_clock_changed(k->x, s);
    return true;
}

bool apply_stretch(const struct booking *k, struct sitting *s, uint64_t used_ms,
                   const struct interruption *i)
{
    if (!account_book(&s->account, used_ms, i->lost_ms, i->to_ms))
        return false;
    if (i->lost_ms > 0)
        exam_interruption_add(k->x, s, i);
    return true;
}

void apply_paper_opened(const struct booking *k, struct sitting *s)
{
    if (sitting_finished(s) || !k->x->batches[s->batch - 1].started ||
        !sitting_opens_paper(k->x, s))
        return;
    if (s->begun)
        s->screen_opened = true;
    else
        apply_begin(k, s); /* T1, personal timing */
}

bool apply_attached(const struct booking *k, const Ev__Attached *e)
{
    exam *x = k->x;
    struct sitting *s = exam_sitting(x, e->sitting);
    struct interruption stretch = {.from_ms = e->from_ms,
                                   .to_ms = k->site_ms,
                                   .lost_ms = e->lost_ms,
                                   .basis = e->basis,
                                   .incident = e->incident};

    if (!s || !s->signed_in || e->seat != s->seat)
        return false;
    if (!sitting_finished(s) && !apply_stretch(k, s, e->used_ms, &stretch))
        return false;
    s->contact = true;
    s->attachment_epoch = k->epoch;
    s->attachment_lsn = k->lsn;
    x->seats[s->seat - 1].sitting = e->sitting;
    apply_paper_opened(k, s);
    exam_mark_made(x, s);
    return true;
}

bool apply_detached(const struct booking *k, const Ev__Detached *e)
{
    struct sitting *s = exam_sitting(k->x, e->sitting);

    if (!s || !s->contact)
        return false;
    s->contact = false;
    s->account.unheard_ms = 0;
    s->detach_ms = k->site_ms;
    exam_sitting_touch(k->x, s, DIRTY_ACCOUNT);
    exam_clock_changed(k->x, s);
    return true;
}

/* T3; of a clock that stands it says what was used when it stopped (T8). */
static bool mark_one(const struct booking *k, struct sitting *s, uint64_t used_ms)
{
    if (!sitting_account_open(s))
        return false;
    if (!sitting_clock_runs(k->x, s))
        return account_mark_stopped(&s->account, used_ms);
    return account_mark(&s->account, used_ms, k->site_ms);
}

bool apply_marked(const struct booking *k, const Ev__Marked *e)
{
    bool fits = e->n_sitting == e->n_used_ms;

    for (size_t i = 0; i < e->n_sitting && i < e->n_used_ms; i++) {
        struct sitting *s = exam_sitting(k->x, e->sitting[i]);
        if (mark_one(k, s, e->used_ms[i]))
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
        s->submission_due = e->finish == EV__FINISH__FINISH_SUBMITTED;
        exam_sitting_touch(k->x, s, DIRTY_ACCOUNT);
        exam_clock_changed(k->x, s);
    }
    return fits;
}

bool apply_credited(const struct booking *k, const Ev__Credited *e)
{
    bool fits = e->n_sitting == e->n_from_ms && e->n_sitting == e->n_lost_ms &&
                (e->n_incident == 0 || e->n_incident == e->n_sitting);

    for (size_t i = 0; fits && i < e->n_sitting; i++) {
        struct sitting *s = exam_sitting(k->x, e->sitting[i]);
        struct interruption stretch = {.from_ms = e->from_ms[i],
                                       .to_ms = e->from_ms[i] + e->lost_ms[i],
                                       .lost_ms = e->lost_ms[i],
                                       .basis = e->basis,
                                       .incident = e->n_incident > 0 ? e->incident[i] : 0};
        if (!sitting_account_open(s)) {
            fits = false;
            continue;
        }
        account_credit(&s->account, stretch.lost_ms);
        if (stretch.lost_ms > 0)
            exam_interruption_add(k->x, s, &stretch);
        exam_mark_made(k->x, s);
    }
    return fits;
}
