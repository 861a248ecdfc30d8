#include "scope.h"

/* ---------------------------------------------------------------- moves (T11) */

/* Who sits, or is to sit, at the seat as long as the batch goes on; 0: nobody. Who has finished
 * there keeps it: the time may open again (T9), and what the seat holds may one day lie nowhere
 * else, and is handed in by that candidate's session only (A2). */
static uint32_t seat_taken_by(const exam *x, uint32_t seat, uint32_t mover)
{
    uint32_t batch = x->sittings[mover - 1].batch;

    for (uint32_t no = 1; no <= x->sittings_n; no++) {
        const struct sitting *s = &x->sittings[no - 1];
        const struct batch *b = &x->batches[s->batch - 1];
        bool now = s->batch == batch || (b->started && !batch_closed(b));
        bool sits = s->finish != EV__FINISH__FINISH_ABSENT;
        if (no != mover && s->seat == seat && now && sits)
            return no;
    }
    return 0;
}

static exam_err sitting_can_move(const struct decision *d, const struct sitting *s)
{
    const struct batch *b = &d->x->batches[s->batch - 1];

    if (batch_closed(b))
        return decide_refuse(d, EXAM_STATE, "T11", "batch %s of candidate %s has been %s", b->name,
                             s->admission_no, b->collected ? "collected" : "postponed");
    if (sitting_finished(s))
        return decide_refuse(d, EXAM_STATE, "T11",
                             "candidate %s has finished: there is nothing to go on with",
                             s->admission_no);
    return EXAM_OK;
}

static exam_err seat_is_free(const struct decision *d, uint32_t no, uint32_t seat)
{
    const exam *x = d->x;
    const struct sitting *s = &x->sittings[no - 1];
    const struct room *room = &x->rooms[x->seats[seat - 1].room - 1];
    const char *name = exam_seat_name(x, seat);
    uint32_t other = seat_taken_by(x, seat, no);

    if (s->seat == seat)
        return decide_refuse(d, EXAM_STATE, "T11", "candidate %s sits at seat %s already",
                             s->admission_no, name);
    if (other != 0)
        return decide_refuse(
            d, EXAM_SEAT_TAKEN, "T11", "seat %s is taken by candidate %s%s: choose a spare seat",
            name, x->sittings[other - 1].admission_no,
            sitting_finished(&x->sittings[other - 1]) ? " until that batch is collected" : "");
    if (room->held_by != 0 && room->held_by != s->batch)
        return decide_refuse(d, EXAM_STATE, "P11",
                             "room %s holds batch %s: choose a seat in a room of batch %s or a "
                             "free one",
                             room->name, x->batches[room->held_by - 1].name,
                             x->batches[s->batch - 1].name);
    if (!d->c->u.move.seat_in_contact)
        return decide_refuse(d, EXAM_STATE, "T11",
                             "seat %s is not in contact with this server: switch it on first, or "
                             "choose another",
                             name);
    return EXAM_OK;
}

/* A clock without a screen runs on from one seat to the other, or stands at one of them. */
static exam_err emit_mark(const struct decision *d, uint32_t no)
{
    const struct sitting *s = &d->x->sittings[no - 1];
    bool runs = sitting_clock_runs(d->x, s);
    struct pack p;

    if (!sitting_screenless(s) || (!runs && !sitting_paused(d->x, s)))
        return EXAM_OK;
    exam_err err = pack_init(&p, d, runs ? PACK_MARKED : PACK_CREDITED, 1);
    if (err != EXAM_OK)
        return err;
    p.basis = EV__BASIS__BASIS_PAUSE;
    if (runs)
        pack_add(&p, no, sitting_used_ms(d->x, s, d->now_ms), 0);
    else
        pack_add(&p, no, s->account.mark_ms, d->now_ms - s->account.mark_ms);
    pack_end(&p);
    return EXAM_OK;
}

exam_err decide_move(const struct decision *d)
{
    Ev__Moved e;
    Ev__Event event = EV__EVENT__INIT;
    uint32_t no, seat;
    exam_err err = decide_sitting_of(d, d->c->u.move.admission_no, &no);

    if (err != EXAM_OK)
        return err;
    if (exam_find_seat(d->x, d->c->u.move.seat, &seat) != EXAM_OK)
        return decide_refuse(d, EXAM_NOT_FOUND, "T11", "no seat %s at this site: correct the seat",
                             d->c->u.move.seat);
    err = sitting_can_move(d, &d->x->sittings[no - 1]);
    if (err == EXAM_OK)
        err = seat_is_free(d, no, seat);
    if (err == EXAM_OK)
        err = emit_mark(d, no);
    if (err != EXAM_OK)
        return err;
    ev__moved__init(&e);
    e.sitting = no;
    e.seat = seat;
    e.from_seat = d->x->sittings[no - 1].seat;
    e.who = event_text(d->c->u.move.who);
    e.why = event_text(d->c->u.move.why);
    event.kind_case = EV__EVENT__KIND_MOVED;
    event.moved = &e;
    d->emit(d->ctx, &event);
    return EXAM_OK;
}

/* ---------------------------------------------------------------- violations (R3) */

exam_err decide_violation(const struct decision *d)
{
    Ev__ViolationNoted e;
    Ev__Event event = EV__EVENT__INIT;
    uint32_t no;
    exam_err err = decide_sitting_of(d, d->c->u.violation.admission_no, &no);

    if (err != EXAM_OK)
        return err;
    if (d->c->u.violation.text[0] == '\0')
        return decide_refuse(d, EXAM_INVALID, "R3",
                             "say what candidate %s did, and where the evidence is",
                             d->x->sittings[no - 1].admission_no);
    ev__violation_noted__init(&e);
    e.sitting = no;
    e.text = event_text(d->c->u.violation.text);
    e.who = event_text(d->c->u.violation.who);
    event.kind_case = EV__EVENT__KIND_VIOLATION_NOTED;
    event.violation_noted = &e;
    d->emit(d->ctx, &event);
    return EXAM_OK;
}
