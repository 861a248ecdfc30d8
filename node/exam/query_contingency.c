#include <assert.h>

#include "scope.h"

uint32_t exam_incidents(const exam *x)
{
    return x->incidents_n;
}

void exam_incident_view(const exam *x, uint32_t incident, struct exam_incident_view *out)
{
    assert(incident >= 1 && incident <= x->incidents_n);
    const struct incident *in = &x->incidents[incident - 1];

    *out = (struct exam_incident_view){.kind = in->kind,
                                       .scope = in->scope,
                                       .scope_name = exam_scope_name(x, in->scope, in->no),
                                       .text = in->text,
                                       .who = in->who,
                                       .open = in->open,
                                       .since_ms = in->since_ms,
                                       .closed_ms = in->closed_ms,
                                       .notes = in->notes,
                                       .interruptions = in->interruptions_n,
                                       .lost_ms = in->lost_ms};
}

uint32_t exam_limits_reached(const exam *x)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < x->sittings_n; i++)
        n += x->sittings[i].limit_open;
    return n;
}

/* ---------------------------------------------------------------- seats */

uint32_t exam_seats(const exam *x)
{
    return x->seats_n;
}

/* The batch that holds the room comes first, then the next one planned for it. */
static uint32_t sitting_at(const exam *x, uint32_t seat_no)
{
    uint32_t holder = x->rooms[x->seats[seat_no - 1].room - 1].held_by;

    for (uint32_t i = 0; i < x->sittings_n; i++) {
        const struct sitting *s = &x->sittings[i];
        const struct batch *b = &x->batches[s->batch - 1];
        if (s->seat != seat_no || b->superseded || batch_closed(b))
            continue;
        if (holder == 0 || s->batch == holder)
            return i + 1;
    }
    return 0;
}

void exam_seat_view(const exam *x, uint32_t seat_no, const char **room, const char **seat,
                    uint32_t *sitting)
{
    assert(seat_no >= 1 && seat_no <= x->seats_n);
    *room = x->rooms[x->seats[seat_no - 1].room - 1].name;
    *seat = exam_seat_name(x, seat_no);
    *sitting = sitting_at(x, seat_no);
}

/* ---------------------------------------------------------------- the next batch */

static bool share_a_room(const exam *x, const struct batch *a, const struct batch *b)
{
    for (uint32_t i = 0; i < a->sittings_n; i++) {
        uint32_t room = x->seats[x->sittings[a->sitting_first - 1 + i].seat - 1].room;
        for (uint32_t j = 0; j < b->sittings_n; j++)
            if (x->seats[x->sittings[b->sitting_first - 1 + j].seat - 1].room == room)
                return true;
    }
    return false;
}

uint32_t exam_batch_runs_into(const exam *x, uint32_t batch_no, int64_t end_wall_ms)
{
    const struct batch *b = exam_batch(x, batch_no);
    uint32_t first = 0;

    assert(b);
    for (uint32_t i = 0; i < x->batches_n; i++) {
        const struct batch *next = &x->batches[i];
        if (next == b || !next->complete || next->superseded || next->started ||
            batch_closed(next) || next->entry_wall_ms == 0 || next->entry_wall_ms >= end_wall_ms ||
            (first != 0 && x->batches[first - 1].entry_wall_ms <= next->entry_wall_ms))
            continue;
        if (share_a_room(x, b, next))
            first = i + 1;
    }
    return first;
}
