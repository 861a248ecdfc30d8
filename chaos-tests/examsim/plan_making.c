#include "plan_making.h"

#include "world.h"

uint64_t draw_between(struct making *m, uint64_t least, uint64_t most)
{
    return least + rng_next(&m->rng) % (most - least + 1);
}

uint32_t draw_below(struct making *m, uint32_t n)
{
    return rng_below(&m->rng, n);
}

/* Any instant of the history; one in four is on a whole second, where other things happen, too. */
uint64_t draw_instant(struct making *m)
{
    uint64_t at_ms = draw_between(m, 0, m->p->end_ms);
    return draw_below(m, 4) ? at_ms : at_ms - at_ms % 1000;
}

/* How long something lasts: short and long ones alike. */
uint64_t draw_lasting(struct making *m)
{
    static const uint64_t most_ms[] = {50, 500, 2500, 6000, 20000, 45000};
    return draw_between(m, 1, most_ms[draw_below(m, sizeof most_ms / sizeof *most_ms)]);
}

uint32_t draw_node(struct making *m)
{
    return draw_below(m, m->p->site.nodes_n);
}

uint32_t draw_seat(struct making *m)
{
    return draw_below(m, m->p->site.seats_n);
}

/* An administrator asks whoever serves, or goes to one node and asks that. */
uint32_t draw_asked(struct making *m)
{
    return draw_below(m, 4) ? PLAN_PRIMARY : draw_node(m);
}

void plan_add(struct making *m, struct act a)
{
    struct plan *p = m->p;
    uint32_t at = p->acts_n;
    if (p->acts_n == PLAN_ACTS_MAX || a.at_ms > p->end_ms)
        return;
    a.family = m->family;
    for (; at > 0 && p->acts[at - 1].at_ms > a.at_ms; at--)
        p->acts[at] = p->acts[at - 1];
    p->acts[at] = a;
    p->acts_n++;
}

void plan_add_pair(struct making *m, struct act first, enum act_kind then, int64_t then_x)
{
    struct act second = first;
    first.at_ms = draw_instant(m);
    second.at_ms = first.at_ms + draw_lasting(m);
    second.kind = then;
    second.x = then_x;
    plan_add(m, first);
    plan_add(m, second);
}

void plan_add_after(struct making *m, struct act *a, enum act_kind kind, uint32_t first,
                    uint32_t second)
{
    a->at_ms += draw_between(m, 1, 4000);
    a->kind = kind;
    a->a = first;
    a->b = second;
    plan_add(m, *a);
}

/* Silent cuts: one way, or both. */
void plan_mute(struct making *m, struct act a)
{
    a.kind = ACT_MUTE;
    a.at_ms = draw_instant(m);
    a.x = draw_below(m, 2) ? MEM_CUT_HOLDS : MEM_CUT_LOSES;
    struct act end = a, back = a;
    end.at_ms = a.at_ms + draw_lasting(m);
    end.x = MEM_CUT_NONE;
    plan_add(m, a);
    plan_add(m, end);
    if (draw_below(m, 2))
        return;
    back.a = a.b;
    back.b = a.a;
    plan_add(m, back);
    back.at_ms = end.at_ms;
    back.x = MEM_CUT_NONE;
    plan_add(m, back);
}
