#include "apply.h"

/* A3: of a dead branch; no session's count of actions is touched by it, and no mark. */
static bool answer_adopted(const struct booking *k, const Ev__Answered *e)
{
    struct sitting *s = exam_sitting(k->x, e->sitting);

    return s && apply_answer_kept(k, s, e);
}

static bool submission_adopted(const struct booking *k, const Ev__Submitted *e)
{
    struct sitting *s = exam_sitting(k->x, e->sitting);

    apply_begin_to_end(k, s);
    if (!sitting_account_open(s) || !account_mark(&s->account, e->used_ms, k->site_ms))
        return false;
    apply_begin_proven(k, s, s->account.lost_ms, k->site_ms);
    s->finish = EV__FINISH__FINISH_SUBMITTED;
    s->finish_ms = k->site_ms;
    s->submission_due = true; /* its seat may hold answers that were made before it (T10) */
    exam_mark_made(k->x, s);
    return true;
}

static bool part_adopted(const struct booking *k, const Ev__Recovered *e)
{
    if (e->answered)
        return answer_adopted(k, e->answered);
    if (e->submitted)
        return submission_adopted(k, e->submitted);
    if (e->granted)
        return apply_granted(k, e->granted);
    if (e->violation_noted)
        return apply_violation_noted(k, e->violation_noted);
    return e->incident_noted && apply_incident_noted(k, e->incident_noted);
}

bool apply_recovered(const struct booking *k, const Ev__Recovered *e)
{
    bool since = e->since_lsn > 0 && e->since_lsn < e->lsn;
    const struct recovery r = {.epoch = e->epoch,
                               .first_lsn = since ? e->since_lsn : e->lsn,
                               .lsn = e->lsn,
                               .epoch_tag = e->epoch_tag,
                               .marks_shown = e->marks};

    exam_recovery_note(k->x, &r);
    k->x->site_dirty = true;
    if (e->as == EV__RECOVERED_AS__RECOVERED_AS_ADOPTED)
        return part_adopted(k, e);
    return true;
}
