#include "apply.h"

void apply_begin(const struct booking *k, struct sitting *s)
{
    s->begun = true;
    s->screen_opened = sitting_attached(k->x, s) && !sitting_paused(k->x, s);
    account_begin(&s->account, k->site_ms);
    exam_mark_made(k->x, s);
}

void apply_begin_to_end(const struct booking *k, struct sitting *s)
{
    if (sitting_can_end(k->x, s) && !s->begun)
        apply_begin(k, s);
}

void apply_begin_proven(const struct booking *k, struct sitting *s, uint64_t lost_ms,
                        uint64_t at_ms)
{
    struct account *a = &s->account;
    uint64_t elapsed_ms = at_ms > a->begin_ms ? at_ms - a->begin_ms : 0;

    if (sitting_account_open(s) && exam_time_known_since(k->x, a->begin_ms) &&
        a->used_ms + lost_ms > elapsed_ms)
        account_begin_earlier(a, a->used_ms + lost_ms - elapsed_ms);
}

bool apply_batch_started(const struct booking *k, const Ev__BatchStarted *e)
{
    exam *x = k->x;
    struct batch *b = exam_batch(x, e->batch);

    if (!b || !b->complete || b->started || b->postponed)
        return false;
    b->started = true;
    b->start_ms = k->site_ms;
    b->dirty = true;
    exam_batch_hold_rooms(x, e->batch, true);
    for (uint32_t i = 0; i < b->sittings_n; i++) {
        struct sitting *s = &x->sittings[b->sitting_first - 1 + i];
        if (b->timing == EV__TIMING__TIMING_COMMON || sitting_opens_paper(x, s)) /* T1 */
            apply_begin(k, s);
    }
    return true;
}

bool apply_batch_collected(const struct booking *k, const Ev__BatchCollected *e)
{
    struct batch *b = exam_batch(k->x, e->batch);

    if (!b || !b->started || batch_closed(b))
        return false;
    b->collected = true;
    b->collect_ms = k->site_ms;
    b->dirty = true;
    exam_batch_hold_rooms(k->x, e->batch, false);
    return true;
}

bool apply_batch_postponed(const struct booking *k, const Ev__BatchPostponed *e)
{
    struct batch *b = exam_batch(k->x, e->batch);

    if (!b || batch_closed(b))
        return false;
    b->postponed = true;
    b->collect_ms = k->site_ms;
    b->dirty = true;
    exam_batch_hold_rooms(k->x, e->batch, false);
    return true;
}
