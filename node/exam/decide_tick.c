#include "decide.h"

/* What falls due by itself: time-outs of sittings without a screen, at their exact instants,
 * however late the tick is (T10), and their marks (T3). */
struct due {
    struct pack absent, marked;
};

static exam_err due_init(struct due *k, const struct decision *d)
{
    exam_err err = pack_init(&k->absent, d, PACK_FINISHED, d->x->sittings_n);

    if (err != EXAM_OK)
        return err;
    err = pack_init(&k->marked, d, PACK_MARKED, d->x->sittings_n);
    if (err != EXAM_OK) {
        pack_fini(&k->absent);
        return err;
    }
    k->absent.finish = EV__FINISH__FINISH_ABSENT;
    return EXAM_OK;
}

static void sitting_due(const struct decision *d, struct due *k, uint32_t no, bool mark)
{
    const struct sitting *s = &d->x->sittings[no - 1];

    if (!sitting_screenless(s) || !sitting_clock_runs(d->x, s))
        return;
    uint64_t deadline_ms = account_deadline_ms(&s->account);
    if (deadline_ms <= d->now_ms)
        pack_add(&k->absent, no, account_total_ms(&s->account), deadline_ms);
    else if (mark)
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
    e.from_ms = account_stop_ms(&s->account);
    e.limit_ms = d->x->options.interruption_limit_ms;
    event.kind_case = EV__EVENT__KIND_INTERRUPTION_LIMIT_REACHED;
    event.interruption_limit_reached = &e;
    d->emit(d->ctx, &event);
}

static exam_err tick_by_itself(const struct decision *d)
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
    pack_end(&k.absent);
    pack_end(&k.marked);
    return EXAM_OK;
}

/* ---------------------------------------------------------------- by a seat's word (T10) */

static bool time_is_up(const struct decision *d, struct exam_word w)
{
    const struct sitting *s = exam_sitting(d->x, w.sitting);

    if (!sitting_account_open(s) || !s->signed_in)
        return false;
    if (!sitting_clock_runs(d->x, s) && s->account.unheard_ms == 0)
        return false; /* it did not run out right before a pause, either */
    return sitting_vouched_ms(d->x, s, d->now_ms, &w) >= account_total_ms(&s->account);
}

static struct exam_word word_at(const struct exam_word *words, size_t i)
{
    return words ? words[i] : (struct exam_word){.sitting = (uint32_t)i + 1, .said_ms = UINT64_MAX};
}

/* By these words; NULL: of all sittings, for who gives time waits for nobody's word (T9). */
static exam_err time_out(const struct decision *d, const struct exam_word *words, size_t n)
{
    size_t ups_n = 0;
    struct pack p;

    for (size_t i = 0; i < n; i++)
        ups_n += time_is_up(d, word_at(words, i));
    if (ups_n == 0)
        return EXAM_OK;
    exam_err err = pack_init(&p, d, PACK_FINISHED, (uint32_t)ups_n);
    if (err != EXAM_OK)
        return err;
    p.finish = EV__FINISH__FINISH_TIMED_OUT;
    for (size_t i = 0; i < n; i++) {
        uint32_t no = word_at(words, i).sitting;
        if (time_is_up(d, word_at(words, i)))
            pack_add(&p, no, account_total_ms(&d->x->sittings[no - 1].account),
                     account_deadline_ms(&d->x->sittings[no - 1].account));
    }
    pack_end(&p);
    return EXAM_OK;
}

static exam_err tick_before(const struct decision *d, const struct exam_command *next)
{
    const struct exam_word w = decide_word(next);

    switch (next->kind) {
    case EXAM_CMD_MARK:
        return time_out(d, next->u.mark.words, next->u.mark.n);
    case EXAM_CMD_ANSWER:
        return next->u.answer.former ? EXAM_OK : time_out(d, &w, 1);
    case EXAM_CMD_SUBMIT:
        return next->u.submit.former ? EXAM_OK : time_out(d, &w, 1);
    case EXAM_CMD_GRANT:
        return time_out(d, NULL, d->x->sittings_n);
    default:
        return EXAM_OK;
    }
}

exam_err decide_tick(const struct decision *d)
{
    exam_err err = tick_by_itself(d);

    if (err == EXAM_OK && d->c->u.tick.next)
        err = tick_before(d, d->c->u.tick.next);
    return err;
}
