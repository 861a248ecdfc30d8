/* What happens to seats, and to the paths between them and the nodes. */
#include "hostile.h"
#include "plan_making.h"
#include "sim_seat.h"

void plan_seat_deaths(struct making *m)
{
    struct act a = {.kind = draw_below(m, 2) ? ACT_SEAT_OFF : ACT_SEAT_UNPLUG};
    a.a = draw_seat(m);
    a.x = draw_below(m, 3);
    plan_add_pair(m, a, ACT_SEAT_ON, 0);
}

void plan_seat_freezes(struct making *m)
{
    plan_add_pair(m, (struct act){.kind = ACT_SEAT_FREEZE, .a = draw_seat(m)}, ACT_SEAT_THAW, 0);
}

void plan_seat_fuses(struct making *m)
{
    struct act a = {.kind = ACT_SEAT_FUSE};
    a.a = draw_seat(m);
    a.b = draw_below(m, 12);
    plan_add_pair(m, a, ACT_SEAT_ON, 0);
}

void plan_seat_wipes(struct making *m)
{
    plan_add_pair(m, (struct act){.kind = ACT_SEAT_WIPE, .a = draw_seat(m)}, ACT_SEAT_ON, 0);
}

static void seat_path(struct making *m, struct act *a)
{
    a->a = plan_seat_place(draw_seat(m));
    a->b = draw_node(m);
}

void plan_seat_cuts(struct making *m)
{
    struct act a = {.kind = ACT_CUT};
    seat_path(m, &a);
    plan_add_pair(m, a, ACT_HEAL, 0);
}

void plan_seat_mutes(struct making *m)
{
    struct act a = {0};
    seat_path(m, &a);
    if (draw_below(m, 2)) {
        uint32_t seat = a.a;
        a.a = a.b;
        a.b = seat;
    }
    plan_mute(m, a);
}

void plan_seat_weather(struct making *m)
{
    struct act a = {.kind = ACT_WEATHER, .x = 1 + draw_below(m, 1000000)};
    seat_path(m, &a);
    plan_add_pair(m, a, ACT_WEATHER, 0);
}

void plan_journal_faults(struct making *m)
{
    struct act a = {.kind = ACT_JOURNAL_FAILS};
    a.a = draw_seat(m);
    a.b = 1 + draw_below(m, 8);
    a.x = SIM_JOURNAL_FULL + draw_below(m, 3);
    a.at_ms = draw_instant(m);
    plan_add(m, a);
    /* A seat whose disk has failed works again when it has been switched off and on. */
    a.at_ms += draw_lasting(m);
    a.kind = ACT_SEAT_OFF;
    a.x = 0;
    plan_add(m, a);
    a.at_ms += draw_lasting(m);
    a.kind = ACT_SEAT_ON;
    plan_add(m, a);
}

/* Half of what it says is true, so that there is something to lie about. */
void plan_hostiles(struct making *m)
{
    struct act a = {.kind = ACT_HOSTILE, .b = HOSTILE_SIGNS_IN};
    a.at_ms = draw_between(m, 0, m->p->end_ms * 3 / 4);
    a.node = draw_asked(m);
    plan_add(m, a);
    for (uint32_t n = 5 + draw_below(m, 15); n > 0; n--) {
        a.at_ms += draw_between(m, 1, draw_below(m, 4) ? 900 : 9000);
        a.node = draw_asked(m);
        a.b = draw_below(m, 2) ? draw_below(m, HOSTILE_TRUE)
                               : HOSTILE_TRUE + draw_below(m, HOSTILE_WORDS - HOSTILE_TRUE);
        a.x = (int64_t)draw_between(m, 0, draw_below(m, 2) ? 100000 : INT64_MAX - 1);
        plan_add(m, a);
    }
}
