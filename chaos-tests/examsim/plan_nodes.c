/* What happens to nodes, and to the paths between them. */
#include "plan_making.h"
#include "store_mem.h"

void plan_node_deaths(struct making *m)
{
    enum act_kind how = draw_below(m, 2) ? ACT_NODE_OFF : ACT_NODE_UNPLUG;
    plan_add_pair(m, (struct act){.kind = how, .a = draw_node(m)}, ACT_NODE_ON, 0);
}

void plan_node_stops(struct making *m)
{
    plan_add_pair(m, (struct act){.kind = ACT_NODE_STOP, .a = draw_node(m)}, ACT_NODE_ON, 0);
}

void plan_node_freezes(struct making *m)
{
    plan_add_pair(m, (struct act){.kind = ACT_NODE_FREEZE, .a = draw_node(m)}, ACT_NODE_THAW, 0);
}

void plan_node_fuses(struct making *m)
{
    struct act a = {.kind = ACT_NODE_FUSE};
    a.a = draw_node(m);
    a.b = draw_below(m, 60);
    a.x = draw_below(m, 2);
    plan_add_pair(m, a, ACT_NODE_ON, 0);
}

static void two_nodes(struct making *m, struct act *a)
{
    a->a = draw_node(m);
    a->b = (a->a + 1 + draw_below(m, m->p->site.nodes_n - 1)) % m->p->site.nodes_n;
}

void plan_node_cuts(struct making *m)
{
    struct act a = {.kind = ACT_CUT};
    if (m->p->site.nodes_n < 2)
        return;
    two_nodes(m, &a);
    plan_add_pair(m, a, ACT_HEAL, 0);
}

void plan_node_mutes(struct making *m)
{
    struct act a = {0};
    if (m->p->site.nodes_n < 2)
        return;
    two_nodes(m, &a);
    plan_mute(m, a);
}

void plan_node_weather(struct making *m)
{
    struct act a = {.kind = ACT_WEATHER, .x = 1 + draw_below(m, 1000000)};
    if (m->p->site.nodes_n < 2)
        return;
    two_nodes(m, &a);
    plan_add_pair(m, a, ACT_WEATHER, 0);
}

void plan_commit_faults(struct making *m)
{
    static const enum store_fault faults[] = {STORE_FAULT_IO_LOST, STORE_FAULT_IO_KEPT,
                                              STORE_FAULT_POWER_LOST, STORE_FAULT_POWER_KEPT};
    struct act a = {.kind = ACT_COMMIT_FAILS};
    a.a = draw_node(m);
    a.b = 1 + draw_below(m, 12);
    a.x = faults[draw_below(m, 4)];
    plan_add_pair(m, a, ACT_NODE_ON, 0);
}

void plan_disk_full(struct making *m)
{
    struct act a = {.kind = ACT_DISK_FILLS};
    a.a = draw_node(m);
    a.b = draw_below(m, 6000);
    plan_add_pair(m, a, ACT_DISK_HAS_ROOM, 0);
}

void plan_rots(struct making *m)
{
    struct act a = {.kind = ACT_ROT};
    a.at_ms = draw_instant(m);
    a.a = draw_node(m);
    a.b = draw_below(m, 80);
    a.x = draw_below(m, 120);
    plan_add(m, a);
}

void plan_node_wipes(struct making *m)
{
    plan_add_pair(m, (struct act){.kind = ACT_NODE_WIPE, .a = draw_node(m)}, ACT_NODE_ON, 0);
}

void plan_dates(struct making *m)
{
    struct act a = {.kind = ACT_DATE};
    a.at_ms = draw_instant(m);
    a.a = draw_node(m);
    a.x = (int64_t)draw_between(m, 1, 20000000000) - 10000000000;
    plan_add(m, a);
}

void plan_ups(struct making *m)
{
    struct act a = {.kind = ACT_MAINS_LOST};
    a.at_ms = draw_instant(m);
    a.a = draw_node(m);
    plan_add(m, a);
    a.at_ms += draw_lasting(m);
    a.kind = draw_below(m, 2) ? ACT_BATTERY_LOW : ACT_MAINS_BACK;
    plan_add(m, a);
    a.at_ms += draw_lasting(m);
    a.kind = ACT_MAINS_BACK;
    plan_add(m, a);
    a.kind = ACT_NODE_ON;
    plan_add(m, a);
}
