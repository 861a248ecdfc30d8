#include "apply.h"

bool apply_submitted(const struct booking *k, const Ev__Submitted *e)
{
    struct sitting *s = exam_sitting(k->x, e->sitting);

    if (!sitting_account_open(s) || !account_mark(&s->account, e->used_ms, k->site_ms))
        return false;
    if (e->seq > s->seq_have)
        s->seq_have = e->seq;
    s->finish = EV__FINISH__FINISH_SUBMITTED;
    s->finish_ms = k->site_ms;
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

bool apply_answered(const struct booking *k, const Ev__Answered *e)
{
    exam *x = k->x;
    struct sitting *s = exam_sitting(x, e->sitting);
    struct answer_version v = {e->attachment_epoch, e->attachment_lsn, e->seq};
    uint32_t place;

    if (!s || e->value.len > ANSWER_BYTES_MAX)
        return false;
    if (!e->refused) {
        if (!item_place(x, s, e->item, &place))
            return false;
        answers_put(&s->answers, &x->memory, place, &v, e->value.data, e->value.len, e->made_at_ms,
                    e->late);
        exam_sitting_touch(x, s, DIRTY_ANSWERS);
    }
    if (e->seq > s->seq_have)
        s->seq_have = e->seq;
    if (sitting_account_open(s) && account_mark(&s->account, e->used_ms, k->site_ms))
        exam_mark_made(k->x, s); /* T3 */
    else
        exam_sitting_touch(x, s, DIRTY_ACCOUNT);
    return true;
}
