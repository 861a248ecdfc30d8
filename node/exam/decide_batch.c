#include "decide.h"

#include <stdio.h>

/* "12 min 34 s" on the site's own timeline: a text needs no wall clock (T4). */
static void span_text(uint64_t span_ms, char out[32])
{
    snprintf(out, 32, "%llu min %llu s", (unsigned long long)(span_ms / 60000),
             (unsigned long long)(span_ms / 1000 % 60));
}

static exam_err batch_of(const struct decision *d, const char *name, uint32_t *no)
{
    *no = exam_batch_named(d->x, name);
    if (*no == 0)
        return decide_refuse(d, EXAM_NOT_FOUND, "",
                             "no batch %s here: look at the names with `batch list`", name);
    return EXAM_OK;
}

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
    char ago[32];
    uint32_t room;

    if (!b->complete)
        return decide_refuse(d, EXAM_STATE, "P2",
                             "the import of batch %s was cut off: import it again, then start it",
                             b->name);
    if (b->collected)
        return decide_refuse(d, EXAM_STATE, "T10",
                             "batch %s has been collected: it cannot be started again", b->name);
    if (b->started) {
        span_text(d->now_ms - b->start_ms, ago);
        return decide_refuse(d, EXAM_STATE, "T1",
                             "batch %s was started already, %s ago: nothing to do", b->name, ago);
    }
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
    exam_err err = batch_of(d, d->c->u.batch_start.batch, &no);

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
    char ago[32];

    if (b->collected) {
        span_text(d->now_ms - b->collect_ms, ago);
        return decide_refuse(d, EXAM_STATE, "P6",
                             "batch %s was collected already, %s ago: nothing to do", b->name, ago);
    }
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

/* The packs of a collection that closes what is not finished (T10). */
struct closing {
    struct pack credited, closed, absent;
};

static exam_err closing_init(struct closing *k, const struct decision *d, const struct batch *b)
{
    exam_err err = pack_init(&k->credited, d, PACK_CREDITED, b->sittings_n);

    if (err != EXAM_OK)
        return err;
    err = pack_init(&k->closed, d, PACK_FINISHED, b->sittings_n);
    if (err != EXAM_OK) {
        pack_fini(&k->credited);
        return err;
    }
    err = pack_init(&k->absent, d, PACK_FINISHED, b->sittings_n);
    if (err != EXAM_OK) {
        pack_fini(&k->credited);
        pack_fini(&k->closed);
        return err;
    }
    k->credited.basis = EV__BASIS__BASIS_MARK;
    k->closed.finish = EV__FINISH__FINISH_CLOSED;
    k->absent.finish = EV__FINISH__FINISH_ABSENT;
    return EXAM_OK;
}

/* A seat that is out of contact has used what its last mark says (T7); since then it has lost. All
 * of that is booked before the first account is closed. */
static void close_sittings(const struct decision *d, struct closing *k, const struct batch *b)
{
    const exam *x = d->x;
    uint32_t end = b->sitting_first + b->sittings_n;

    for (uint32_t no = b->sitting_first; no < end; no++) {
        const struct sitting *s = &x->sittings[no - 1];
        if (sitting_account_open(s) && !sitting_clock_runs(x, s))
            pack_add(&k->credited, no, s->account.mark_ms, d->now_ms - s->account.mark_ms);
    }
    pack_end(&k->credited);
    for (uint32_t no = b->sitting_first; no < end; no++) {
        const struct sitting *s = &x->sittings[no - 1];
        if (!sitting_finished(s))
            pack_add(s->signed_in ? &k->closed : &k->absent, no, sitting_used_ms(x, s, d->now_ms),
                     d->now_ms);
    }
    pack_end(&k->closed);
    pack_end(&k->absent);
}

exam_err decide_batch_collect(const struct decision *d)
{
    Ev__BatchCollected e;
    Ev__Event event = EV__EVENT__INIT;
    struct closing k;
    uint32_t no;
    exam_err err = batch_of(d, d->c->u.batch_collect.batch, &no);

    ev__batch_collected__init(&e);
    if (err == EXAM_OK)
        err = collect_check(d, &d->x->batches[no - 1]);
    if (err == EXAM_OK)
        err = closing_init(&k, d, &d->x->batches[no - 1]);
    if (err != EXAM_OK)
        return err;
    close_sittings(d, &k, &d->x->batches[no - 1]);
    e.batch = no;
    e.who = event_text(d->c->u.batch_collect.who);
    event.kind_case = EV__EVENT__KIND_BATCH_COLLECTED;
    event.batch_collected = &e;
    d->emit(d->ctx, &event);
    return EXAM_OK;
}
