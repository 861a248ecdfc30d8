#include "closing.h"

/* P11: the batch that still holds a room of this one; 0: none. */
static uint32_t room_holder(const exam *x, const struct batch *b, uint32_t *room)
{
    for (uint32_t i = 0; i < b->sittings_n; i++) {
        const struct sitting *s = &x->sittings[b->sitting_first - 1 + i];
        uint32_t at = x->seats[s->seat - 1].room;
        if (x->rooms[at - 1].held_by != 0) {
            *room = at;
            return x->rooms[at - 1].held_by;
        }
    }
    return 0;
}

static exam_err start_check(const struct decision *d, const struct batch *b)
{
    const exam *x = d->x;
    uint32_t room;

    if (!b->complete)
        return decide_refuse(d, EXAM_STATE, "P2",
                             "the import of batch %s was cut off: import it again, then start it",
                             b->name);
    if (b->collected)
        return decide_refuse(d, EXAM_STATE, "T10",
                             "batch %s has been collected: it cannot be started again", b->name);
    if (b->postponed)
        return decide_refuse(d, EXAM_STATE, "T13",
                             "batch %s has been postponed: import a new batch for its candidates",
                             b->name);
    if (b->started)
        return decide_refuse(d, EXAM_STATE, "T1",
                             "batch %s was started already, %s ago: nothing to do", b->name,
                             span_text(d->now_ms - b->start_ms).text);
    uint32_t holder = room_holder(x, b, &room);
    if (holder != 0)
        return decide_refuse(d, EXAM_STATE, "P11",
                             "room %s still holds batch %s: collect that one first",
                             x->rooms[room - 1].name, x->batches[holder - 1].name);
    return EXAM_OK;
}

exam_err decide_batch_start(const struct decision *d)
{
    Ev__BatchStarted e;
    Ev__Event event = EV__EVENT__INIT;
    uint32_t no;
    exam_err err = decide_batch_of(d, d->c->u.batch_start.batch, &no);

    ev__batch_started__init(&e);
    if (err == EXAM_OK)
        err = start_check(d, &d->x->batches[no - 1]);
    if (err != EXAM_OK)
        return err;
    e.batch = no;
    e.who = event_text(d->c->u.batch_start.who);
    event.kind_case = EV__EVENT__KIND_BATCH_STARTED;
    event.batch_started = &e;
    d->emit(d->ctx, &event);
    return EXAM_OK;
}

/* ---------------------------------------------------------------- collection */

/* The sittings of the batch that are not finished, and the first of them. */
static uint32_t unfinished(const exam *x, const struct batch *b, const struct sitting **first)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < b->sittings_n; i++) {
        const struct sitting *s = &x->sittings[b->sitting_first - 1 + i];
        if (sitting_finished(s))
            continue;
        if (n++ == 0)
            *first = s;
    }
    return n;
}

static exam_err collect_check(const struct decision *d, const struct batch *b)
{
    const struct sitting *first = NULL;

    if (b->collected)
        return decide_refuse(d, EXAM_STATE, "P6",
                             "batch %s was collected already, %s ago: nothing to do", b->name,
                             span_text(d->now_ms - b->collect_ms).text);
    if (b->postponed)
        return decide_refuse(d, EXAM_STATE, "T13",
                             "batch %s has been postponed: its answers stay sealed, there is "
                             "nothing to collect",
                             b->name);
    if (!b->started)
        return decide_refuse(d, EXAM_STATE, "P6",
                             "batch %s has not been started: there is nothing to collect", b->name);
    uint32_t n = d->c->u.batch_collect.unfinished ? 0 : unfinished(d->x, b, &first);
    if (n > 0)
        return decide_refuse(d, EXAM_STATE, "P6",
                             "%u sittings of batch %s are not finished, the first is %s at %s: "
                             "wait for them, or collect with --unfinished to close them",
                             n, b->name, first->admission_no, exam_seat_name(d->x, first->seat));
    return EXAM_OK;
}

exam_err decide_batch_collect(const struct decision *d)
{
    Ev__BatchCollected e;
    Ev__Event event = EV__EVENT__INIT;
    struct closing k;
    uint32_t no;
    exam_err err = decide_batch_of(d, d->c->u.batch_collect.batch, &no);

    ev__batch_collected__init(&e);
    if (err == EXAM_OK)
        err = collect_check(d, &d->x->batches[no - 1]);
    if (err == EXAM_OK)
        err = closing_init(&k, d, no, EV__FINISH__FINISH_CLOSED, EV__FINISH__FINISH_ABSENT);
    if (err != EXAM_OK)
        return err;
    closing_emit(&k);
    e.batch = no;
    e.who = event_text(d->c->u.batch_collect.who);
    event.kind_case = EV__EVENT__KIND_BATCH_COLLECTED;
    event.batch_collected = &e;
    d->emit(d->ctx, &event);
    return EXAM_OK;
}

/* ---------------------------------------------------------------- postponement (R1, T13) */

exam_err decide_batch_postpone(const struct decision *d)
{
    Ev__BatchPostponed e;
    Ev__Event event = EV__EVENT__INIT;
    struct closing k;
    uint32_t no;
    exam_err err = decide_batch_of(d, d->c->u.batch_act.batch, &no);

    if (err != EXAM_OK)
        return err;
    const struct batch *b = &d->x->batches[no - 1];
    if (batch_closed(b))
        return decide_refuse(d, EXAM_STATE, "T13", "batch %s was %s already, %s ago: nothing to do",
                             b->name, b->collected ? "collected" : "postponed",
                             span_text(d->now_ms - b->collect_ms).text);
    if (!b->complete)
        return decide_refuse(d, EXAM_STATE, "T13",
                             "the import of batch %s was cut off: there is nobody to postpone",
                             b->name);
    err = closing_init(&k, d, no, EV__FINISH__FINISH_POSTPONED, EV__FINISH__FINISH_POSTPONED);
    if (err != EXAM_OK)
        return err;
    closing_emit(&k);
    ev__batch_postponed__init(&e);
    e.batch = no;
    e.who = event_text(d->c->u.batch_act.who);
    e.why = event_text(d->c->u.batch_act.why);
    event.kind_case = EV__EVENT__KIND_BATCH_POSTPONED;
    event.batch_postponed = &e;
    d->emit(d->ctx, &event);
    return EXAM_OK;
}
