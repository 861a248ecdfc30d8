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

/* A3, T11: of a dead branch. Nothing of the sitting is touched by it. */
static bool session_found(const struct booking *k, struct sitting *s, const Ev__SignedIn *e)
{
    uint32_t no = exam_former_apart_no(s, e->seat, e->former_epoch);
    struct former f = {
        .seat = e->seat, .attachment_epoch = e->former_epoch, .used_ms = e->former_used_ms};

    if (no == 0 || e->seat < 1 || e->seat > k->x->seats_n)
        return false;
    memcpy(f.session, e->session.data, SESSION_BYTES);
    if (no > s->formers_n)
        exam_former_add(k->x, s, &f);
    else
        s->formers[no - 1] = f;
    exam_sitting_touch(k->x, s, DIRTY_ROSTER);
    exam_clock_changed(k->x, s); /* no latecomer any more (T2) */
    return true;
}

bool apply_signed_in(const struct booking *k, const Ev__SignedIn *e)
{
    struct sitting *s = exam_sitting(k->x, e->sitting);

    if (!s || e->session.len != SESSION_BYTES)
        return false;
    if (e->former_epoch > 0)
        return session_found(k, s, e);
    if (e->seat != s->seat)
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

/* Where the mark lies: what ran after the seat spoke is not booked yet (T7). */
static uint64_t attached_until_ms(const struct booking *k, const struct sitting *s,
                                  const Ev__Attached *e)
{
    if (!sitting_account_open(s) || e->used_ms < s->account.used_ms)
        return k->site_ms;
    uint64_t at_ms = s->account.mark_ms + (e->used_ms - s->account.used_ms) + e->lost_ms;
    return at_ms < k->site_ms ? at_ms : k->site_ms;
}

/* Section 5: what a mark of another log tells beyond the time since this log's own was used in a
 * time that has been credited here (T12). Over a dark time that no node's clock has measured it
 * need not have been. */
static uint64_t used_of_credit_ms(const struct booking *k, const struct sitting *s,
                                  const Ev__Attached *e)
{
    const struct account *a = &s->account;
    uint64_t elapsed_ms = k->site_ms > a->mark_ms ? k->site_ms - a->mark_ms : 0;

    if (!sitting_account_open(s) || s->mark_epoch < k->x->dark_epoch || e->used_ms < a->used_ms)
        return 0;
    uint64_t used_ms = e->used_ms - a->used_ms;
    return used_ms > elapsed_ms ? used_ms - elapsed_ms : 0;
}

bool apply_attached(const struct booking *k, const Ev__Attached *e)
{
    exam *x = k->x;
    struct sitting *s = exam_sitting(x, e->sitting);
    struct interruption stretch = {
        .from_ms = e->from_ms, .lost_ms = e->lost_ms, .basis = e->basis, .incident = e->incident};

    if (!s || !s->signed_in || e->seat != s->seat)
        return false;
    if (e->found && sitting_account_open(s))
        account_take_back(&s->account, e->used_ms);
    stretch.to_ms = attached_until_ms(k, s, e);
    uint64_t credited_ms = used_of_credit_ms(k, s, e);
    if (!sitting_finished(s) && !apply_stretch(k, s, e->used_ms, &stretch))
        return false;
    exam_credit_take_back(x, s, credited_ms);
    if (e->carried_used_ms > 0 && s->account.lost_ms >= e->lost_ms) /* which proves nothing */
        apply_begin_proven(k, s, s->account.lost_ms - e->lost_ms, s->account.mark_ms);
    s->contact = true;
    s->attachment_epoch = k->epoch;
    s->attachment_lsn = k->lsn;
    if (e->carried_used_ms > account_total_ms(&s->account) && e->carried_used_ms > s->shown_used_ms)
        s->shown_used_ms = e->carried_used_ms;
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

bool apply_marked(const struct booking *k, const Ev__Marked *e)
{
    bool fits = e->n_sitting == e->n_used_ms;

    for (size_t i = 0; i < e->n_sitting && i < e->n_used_ms; i++) {
        struct sitting *s = exam_sitting(k->x, e->sitting[i]);
        if (sitting_account_open(s) && account_mark_used(&s->account, e->used_ms[i])) /* T3 */
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
