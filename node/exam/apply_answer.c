#include "apply.h"

/* The session, `former` or the current one, has this action now. */
static void seq_taken(const struct booking *k, struct sitting *s, uint32_t former, uint64_t seq)
{
    uint64_t *seq_have = former > 0 ? &s->formers[former - 1].seq_have : &s->seq_have;

    if (seq > *seq_have)
        *seq_have = seq;
    exam_sitting_touch(k->x, s, former > 0 ? DIRTY_ROSTER : DIRTY_ACCOUNT);
}

static void seq_refused(const struct booking *k, struct sitting *s, uint32_t former, uint64_t seq)
{
    uint64_t *seq_refused = former > 0 ? &s->formers[former - 1].seq_refused : &s->seq_refused;

    seq_taken(k, s, former, seq);
    if (seq > *seq_refused)
        *seq_refused = seq;
}

bool apply_submitted(const struct booking *k, const Ev__Submitted *e)
{
    struct sitting *s = exam_sitting(k->x, e->sitting);

    if (!s || e->former > s->formers_n)
        return false;
    if (e->refused || (e->former == 0 && s->submission_due)) {
        s->submission_due &= e->refused;
        seq_taken(k, s, e->former, e->seq);
        return true;
    }
    apply_begin_to_end(k, s);
    if (!sitting_account_open(s) || !account_mark_used(&s->account, e->used_ms))
        return false;
    s->account.unheard_ms = 0; /* nothing of it is still to be vouched for */
    seq_taken(k, s, e->former, e->seq);
    s->finish = EV__FINISH__FINISH_SUBMITTED;
    s->finish_ms = s->account.mark_ms;
    exam_mark_made(k->x, s);
    return true;
}

/* The place of the item; an open sitting gets one with its first answer. */
static bool item_place(exam *x, struct sitting *s, const char *id, uint32_t *place)
{
    const struct items *items = exam_sitting_items(x, s);

    if (items_find(items ? items : &s->own, id, place))
        return true;
    if (items || s->own.n >= PAPER_ITEMS_MAX)
        return false;
    *place = items_add(&s->own, &x->memory, id, "", EV__ITEM_KIND__ITEM_KIND_UNKNOWN);
    return true;
}

void apply_answered_soon(const exam *x, const Ev__Answered *e)
{
    const struct sitting *s = exam_sitting(x, e->sitting);

    if (!s)
        return;
    const struct items *items = exam_sitting_items(x, s);
    name_index_soon(items ? &items->index : &s->own.index, e->item);
    answers_soon(&s->answers);
}

bool apply_answer_kept(const struct booking *k, struct sitting *s, const Ev__Answered *e)
{
    struct answer_version v = {e->attachment_epoch, e->attachment_lsn, e->seq};
    uint32_t place;

    if (e->value.len > ANSWER_STORED_BYTES_MAX || !item_place(k->x, s, e->item, &place))
        return false;
    answers_put(&s->answers, &k->x->memory, place, &v, e->value.data, e->value.len, e->made_at_ms,
                e->late);
    exam_sitting_touch(k->x, s, DIRTY_ANSWERS);
    return true;
}

bool apply_answered(const struct booking *k, const Ev__Answered *e)
{
    exam *x = k->x;
    struct sitting *s = exam_sitting(x, e->sitting);

    if (!s || e->value.len > ANSWER_STORED_BYTES_MAX || e->former > s->formers_n)
        return false;
    if (!e->refused && !apply_answer_kept(k, s, e))
        return false;
    if (e->refused)
        seq_refused(k, s, e->former, e->seq);
    else
        seq_taken(k, s, e->former, e->seq);
    if (e->former == 0 && sitting_clock_runs(x, s) && account_mark_used(&s->account, e->used_ms))
        exam_mark_made(x, s); /* T3 */
    return true;
}
