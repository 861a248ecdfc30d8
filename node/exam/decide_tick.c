#include "decide.h"

/* What falls due by itself: time-outs at their exact instants, however late the tick is (T10), and
 * the marks of sittings without a screen (T3). */
struct due {
    struct pack timed_out, absent, marked;
};

static exam_err due_init(struct due *k, const struct decision *d)
{
    exam_err err = pack_init(&k->timed_out, d, PACK_FINISHED, d->x->sittings_n);

    if (err != EXAM_OK)
        return err;
    err = pack_init(&k->absent, d, PACK_FINISHED, d->x->sittings_n);
    if (err != EXAM_OK) {
        pack_fini(&k->timed_out);
        return err;
    }
    err = pack_init(&k->marked, d, PACK_MARKED, d->x->sittings_n);
    if (err != EXAM_OK) {
        pack_fini(&k->timed_out);
        pack_fini(&k->absent);
        return err;
    }
    k->timed_out.finish = EV__FINISH__FINISH_TIMED_OUT;
    k->absent.finish = EV__FINISH__FINISH_ABSENT;
    return EXAM_OK;
}

static void sitting_due(const struct decision *d, struct due *k, uint32_t no, bool mark)
{
    const struct sitting *s = &d->x->sittings[no - 1];

    if (!sitting_clock_runs(d->x, s))
        return;
    uint64_t deadline_ms = account_deadline_ms(&s->account);
    if (deadline_ms <= d->now_ms)
        pack_add(s->signed_in ? &k->timed_out : &k->absent, no, account_total_ms(&s->account),
                 deadline_ms);
    else if (mark && !s->signed_in)
        pack_add(&k->marked, no, sitting_used_ms(d->x, s, d->now_ms), 0);
}

/* R4: an interruption has lasted for as long as the site's limit: that is put on record, once, and
 * nothing else is done about it. */
static void limit_due(const struct decision *d, uint32_t no)
{
    const struct sitting *s = &d->x->sittings[no - 1];
    Ev__InterruptionLimitReached e = EV__INTERRUPTION_LIMIT_REACHED__INIT;
    Ev__Event event = EV__EVENT__INIT;

    if (deadlines_of(&d->x->limits, no) > d->now_ms)
        return;
    e.sitting = no;
    e.from_ms = s->account.mark_ms;
    e.limit_ms = d->x->options.interruption_limit_ms;
    event.kind_case = EV__EVENT__KIND_INTERRUPTION_LIMIT_REACHED;
    event.interruption_limit_reached = &e;
    d->emit(d->ctx, &event);
}

exam_err decide_tick(const struct decision *d)
{
    const exam *x = d->x;
    struct due k;

    if (exam_next_due_ms(x) > d->now_ms)
        return EXAM_OK;
    exam_err err = due_init(&k, d);
    if (err != EXAM_OK)
        return err;
    for (uint32_t i = 0; i < x->batches_n; i++) {
        const struct batch *b = &x->batches[i];
        if (!b->started || batch_closed(b))
            continue;
        bool mark = batch_mark_due_ms(b) <= d->now_ms;
        for (uint32_t no = b->sitting_first; no < b->sitting_first + b->sittings_n; no++) {
            sitting_due(d, &k, no, mark);
            limit_due(d, no);
        }
    }
    pack_end(&k.timed_out);
    pack_end(&k.absent);
    pack_end(&k.marked);
    return EXAM_OK;
}
