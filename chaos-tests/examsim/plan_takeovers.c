/* Takeovers that go wrong in a way that chance alone seldom finds, told act by act. */
#include "plan_making.h"

/* Of three nodes one is cut off, another is promoted, and the third, which dies as it hears of that
 * and starts again, meets only the first: it must not help that one to go on (D3). */
void plan_relays(struct making *m)
{
    uint32_t old = draw_node(m), new = (old + 1 + draw_below(m, 2)) % 3, third = 3 - old - new;
    struct act a = {.at_ms = draw_instant(m), .x = 1};
    if (m->p->site.nodes_n < 3)
        return;
    plan_add_after(m, &a, ACT_CUT, old, new);
    plan_add_after(m, &a, ACT_CUT, old, third);
    a.at_ms += 2000; /* the third notices */
    plan_add_after(m, &a, ACT_NODE_FUSE, third, draw_below(m, 12));
    a.kind = ACT_PROMOTE;
    a.a = new;
    plan_add(m, a);
    plan_add_after(m, &a, draw_below(m, 2) ? ACT_NODE_OFF : ACT_NODE_UNPLUG, third, 0);
    plan_add_after(m, &a, ACT_CUT, new, third);
    plan_add_after(m, &a, ACT_HEAL, old, third);
    plan_add_after(m, &a, ACT_NODE_ON, third, 0);
    a.at_ms += draw_lasting(m);
    plan_add_after(m, &a, ACT_HEAL, old, new);
    plan_add_after(m, &a, ACT_HEAL, new, third);
}

/* Two persons attest, each of another node and at a time when the two cannot see each other. */
void plan_twins(struct making *m)
{
    uint32_t first = draw_node(m), second;
    struct act a = {.at_ms = draw_instant(m), .x = 1};
    if (m->p->site.nodes_n < 2)
        return;
    second = (first + 1) % m->p->site.nodes_n;
    plan_add_after(m, &a, ACT_CUT, first, second);
    plan_add_after(m, &a, ACT_NODE_OFF, second, 0);
    plan_add_after(m, &a, ACT_PROMOTE, first, 0);
    plan_add_after(m, &a, ACT_NODE_ON, second, 0);
    a.at_ms -= draw_below(m, 2);
    a.kind = ACT_PROMOTE;
    plan_add(m, a);
    a.at_ms += draw_lasting(m);
    plan_add_after(m, &a, ACT_HEAL, first, second);
}

/* Who was promoted meanwhile has lost its disk when the old primary comes back (W3, D7). */
void plan_amnesias(struct making *m)
{
    uint32_t old = draw_node(m), new;
    struct act a = {.at_ms = draw_instant(m), .x = 1};
    if (m->p->site.nodes_n < 2)
        return;
    new = (old + 1) % m->p->site.nodes_n;
    plan_add_after(m, &a, draw_below(m, 2) ? ACT_NODE_OFF : ACT_NODE_UNPLUG, old, 0);
    plan_add_after(m, &a, ACT_PROMOTE, new, 0);
    a.at_ms += draw_lasting(m);
    plan_add_after(m, &a, ACT_NODE_WIPE, new, 0);
    plan_add_after(m, &a, ACT_NODE_ON, draw_below(m, 2) ? old : new, 0);
    plan_add_after(m, &a, ACT_NODE_ON, old, 0);
    plan_add_after(m, &a, ACT_NODE_ON, new, 0);
}
