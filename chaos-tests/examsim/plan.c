#include "plan.h"

#include <string.h>

#include "rng.h"
#include "sim_seat.h"
#include "store_mem.h"
#include "world.h"

enum {
    END_MS_MIN = 40 * 1000,
    END_MS_MAX = 150 * 1000,
    FAMILIES_A_SEED_MAX = 7,
    TEND_EVERY_MS = 8000,
};

struct making {
    struct plan *p;
    struct rng rng;
    uint32_t family; /* of the acts that are being added */
};

static uint64_t between(struct making *m, uint64_t least, uint64_t most)
{
    return least + rng_next(&m->rng) % (most - least + 1);
}

static uint32_t below(struct making *m, uint32_t n)
{
    return rng_below(&m->rng, n);
}

/* Chance is drawn one statement at a time: the order of calls within an initializer or an operator
 * is the compiler's, and a seed is to mean the same everywhere. */

/* Any instant of the history; one in four is on a whole second, where other things happen, too. */
static uint64_t instant(struct making *m)
{
    uint64_t at_ms = between(m, 0, m->p->end_ms);
    return below(m, 4) ? at_ms : at_ms - at_ms % 1000;
}

/* How long something lasts: short and long ones alike. */
static uint64_t lasting(struct making *m)
{
    static const uint64_t most_ms[] = {50, 500, 2500, 6000, 20000, 45000};
    return between(m, 1, most_ms[below(m, sizeof most_ms / sizeof *most_ms)]);
}

static uint32_t any_node(struct making *m)
{
    return below(m, m->p->site.nodes_n);
}

static uint32_t any_seat(struct making *m)
{
    return below(m, m->p->site.seats_n);
}

/* An administrator asks whoever serves, or goes to one node and asks that. */
static uint32_t asked(struct making *m)
{
    return below(m, 4) ? PLAN_PRIMARY : any_node(m);
}

static void add(struct making *m, struct act a)
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

static void add_pair(struct making *m, struct act first, enum act_kind then, int64_t then_x)
{
    struct act second = first;
    first.at_ms = instant(m);
    second.at_ms = first.at_ms + lasting(m);
    second.kind = then;
    second.x = then_x;
    add(m, first);
    add(m, second);
}

/* ---------------------------------------------------------------- nodes */

static void node_deaths(struct making *m)
{
    enum act_kind how = below(m, 2) ? ACT_NODE_OFF : ACT_NODE_UNPLUG;
    add_pair(m, (struct act){.kind = how, .a = any_node(m)}, ACT_NODE_ON, 0);
}

static void node_stops(struct making *m)
{
    add_pair(m, (struct act){.kind = ACT_NODE_STOP, .a = any_node(m)}, ACT_NODE_ON, 0);
}

static void node_freezes(struct making *m)
{
    add_pair(m, (struct act){.kind = ACT_NODE_FREEZE, .a = any_node(m)}, ACT_NODE_THAW, 0);
}

static void node_fuses(struct making *m)
{
    struct act a = {.kind = ACT_NODE_FUSE};
    a.a = any_node(m);
    a.b = below(m, 60);
    a.x = below(m, 2);
    add_pair(m, a, ACT_NODE_ON, 0);
}

static void two_nodes(struct making *m, struct act *a)
{
    a->a = any_node(m);
    a->b = (a->a + 1 + below(m, m->p->site.nodes_n - 1)) % m->p->site.nodes_n;
}

static void node_cuts(struct making *m)
{
    struct act a = {.kind = ACT_CUT};
    if (m->p->site.nodes_n < 2)
        return;
    two_nodes(m, &a);
    add_pair(m, a, ACT_HEAL, 0);
}

/* Silent cuts: one way, or both. */
static void mute(struct making *m, struct act a)
{
    a.kind = ACT_MUTE;
    a.at_ms = instant(m);
    a.x = below(m, 2) ? MEM_CUT_HOLDS : MEM_CUT_LOSES;
    struct act end = a, back = a;
    end.at_ms = a.at_ms + lasting(m);
    end.x = MEM_CUT_NONE;
    add(m, a);
    add(m, end);
    if (below(m, 2))
        return;
    back.a = a.b;
    back.b = a.a;
    add(m, back);
    back.at_ms = end.at_ms;
    back.x = MEM_CUT_NONE;
    add(m, back);
}

static void node_mutes(struct making *m)
{
    struct act a = {0};
    if (m->p->site.nodes_n < 2)
        return;
    two_nodes(m, &a);
    mute(m, a);
}

static void node_weather(struct making *m)
{
    struct act a = {.kind = ACT_WEATHER, .x = 1 + below(m, 1000000)};
    if (m->p->site.nodes_n < 2)
        return;
    two_nodes(m, &a);
    add_pair(m, a, ACT_WEATHER, 0);
}

static void commit_faults(struct making *m)
{
    static const enum store_fault faults[] = {STORE_FAULT_IO_LOST, STORE_FAULT_IO_KEPT,
                                              STORE_FAULT_POWER_LOST, STORE_FAULT_POWER_KEPT};
    struct act a = {.kind = ACT_COMMIT_FAILS};
    a.a = any_node(m);
    a.b = 1 + below(m, 12);
    a.x = faults[below(m, 4)];
    add_pair(m, a, ACT_NODE_ON, 0);
}

static void disk_full(struct making *m)
{
    struct act a = {.kind = ACT_DISK_FILLS};
    a.a = any_node(m);
    a.b = below(m, 6000);
    add_pair(m, a, ACT_DISK_HAS_ROOM, 0);
}

static void rots(struct making *m)
{
    struct act a = {.kind = ACT_ROT};
    a.at_ms = instant(m);
    a.a = any_node(m);
    a.b = below(m, 80);
    a.x = below(m, 120);
    add(m, a);
}

static void node_wipes(struct making *m)
{
    add_pair(m, (struct act){.kind = ACT_NODE_WIPE, .a = any_node(m)}, ACT_NODE_ON, 0);
}

static void dates(struct making *m)
{
    struct act a = {.kind = ACT_DATE};
    a.at_ms = instant(m);
    a.a = any_node(m);
    a.x = (int64_t)between(m, 1, 20000000000) - 10000000000;
    add(m, a);
}

static void ups(struct making *m)
{
    struct act a = {.kind = ACT_MAINS_LOST};
    a.at_ms = instant(m);
    a.a = any_node(m);
    add(m, a);
    a.at_ms += lasting(m);
    a.kind = below(m, 2) ? ACT_BATTERY_LOW : ACT_MAINS_BACK;
    add(m, a);
    a.at_ms += lasting(m);
    a.kind = ACT_MAINS_BACK;
    add(m, a);
    a.kind = ACT_NODE_ON;
    add(m, a);
}

/* ---------------------------------------------------------------- seats */

static void seat_deaths(struct making *m)
{
    struct act a = {.kind = below(m, 2) ? ACT_SEAT_OFF : ACT_SEAT_UNPLUG};
    a.a = any_seat(m);
    a.x = below(m, 3);
    add_pair(m, a, ACT_SEAT_ON, 0);
}

static void seat_freezes(struct making *m)
{
    add_pair(m, (struct act){.kind = ACT_SEAT_FREEZE, .a = any_seat(m)}, ACT_SEAT_THAW, 0);
}

static void seat_fuses(struct making *m)
{
    struct act a = {.kind = ACT_SEAT_FUSE};
    a.a = any_seat(m);
    a.b = below(m, 12);
    add_pair(m, a, ACT_SEAT_ON, 0);
}

static void seat_wipes(struct making *m)
{
    add_pair(m, (struct act){.kind = ACT_SEAT_WIPE, .a = any_seat(m)}, ACT_SEAT_ON, 0);
}

static void seat_path(struct making *m, struct act *a)
{
    a->a = plan_seat_place(any_seat(m));
    a->b = any_node(m);
}

static void seat_cuts(struct making *m)
{
    struct act a = {.kind = ACT_CUT};
    seat_path(m, &a);
    add_pair(m, a, ACT_HEAL, 0);
}

static void seat_mutes(struct making *m)
{
    struct act a = {0};
    seat_path(m, &a);
    if (below(m, 2)) {
        uint32_t seat = a.a;
        a.a = a.b;
        a.b = seat;
    }
    mute(m, a);
}

static void seat_weather(struct making *m)
{
    struct act a = {.kind = ACT_WEATHER, .x = 1 + below(m, 1000000)};
    seat_path(m, &a);
    add_pair(m, a, ACT_WEATHER, 0);
}

static void journal_faults(struct making *m)
{
    struct act a = {.kind = ACT_JOURNAL_FAILS};
    a.a = any_seat(m);
    a.b = 1 + below(m, 8);
    a.x = SIM_JOURNAL_FULL + below(m, 3);
    a.at_ms = instant(m);
    add(m, a);
    /* A seat whose disk has failed works again when it has been switched off and on. */
    a.at_ms += lasting(m);
    a.kind = ACT_SEAT_OFF;
    a.x = 0;
    add(m, a);
    a.at_ms += lasting(m);
    a.kind = ACT_SEAT_ON;
    add(m, a);
}

/* ---------------------------------------------------------------- persons */

static void promotions(struct making *m)
{
    struct act a = {.kind = ACT_PROMOTE};
    a.at_ms = instant(m);
    a.a = any_node(m);
    add(m, a);
}

/* With attest, whatever is true; often while the nodes cannot see each other. */
static void wrong_promotions(struct making *m)
{
    struct act a = {.kind = ACT_PROMOTE, .x = 1};
    a.at_ms = instant(m);
    a.a = any_node(m);
    struct act cut = {.kind = ACT_CUT, .at_ms = a.at_ms - a.at_ms % 3000, .a = a.a};
    if (m->p->site.nodes_n > 1 && below(m, 4)) {
        cut.b = (a.a + 1) % m->p->site.nodes_n;
        add(m, cut);
        cut.kind = ACT_HEAL;
        cut.at_ms = a.at_ms + lasting(m);
        add(m, cut);
    }
    add(m, a);
}

static void add_after(struct making *m, struct act *a, enum act_kind kind, uint32_t first,
                      uint32_t second)
{
    a->at_ms += between(m, 1, 4000);
    a->kind = kind;
    a->a = first;
    a->b = second;
    add(m, *a);
}

/* Of three nodes one is cut off, another is promoted, and the third, which dies as it hears of that
 * and starts again, meets only the first: it must not help that one to go on (D3). */
static void relays(struct making *m)
{
    uint32_t old = any_node(m), new = (old + 1 + below(m, 2)) % 3, third = 3 - old - new;
    struct act a = {.at_ms = instant(m), .x = 1};
    if (m->p->site.nodes_n < 3)
        return;
    add_after(m, &a, ACT_CUT, old, new);
    add_after(m, &a, ACT_CUT, old, third);
    a.at_ms += 2000; /* the third notices */
    add_after(m, &a, ACT_NODE_FUSE, third, below(m, 12));
    a.kind = ACT_PROMOTE;
    a.a = new;
    add(m, a);
    add_after(m, &a, below(m, 2) ? ACT_NODE_OFF : ACT_NODE_UNPLUG, third, 0);
    add_after(m, &a, ACT_CUT, new, third);
    add_after(m, &a, ACT_HEAL, old, third);
    add_after(m, &a, ACT_NODE_ON, third, 0);
    a.at_ms += lasting(m);
    add_after(m, &a, ACT_HEAL, old, new);
    add_after(m, &a, ACT_HEAL, new, third);
}

/* Two persons attest, each of another node and at a time when the two cannot see each other. */
static void twins(struct making *m)
{
    uint32_t first = any_node(m), second;
    struct act a = {.at_ms = instant(m), .x = 1};
    if (m->p->site.nodes_n < 2)
        return;
    second = (first + 1) % m->p->site.nodes_n;
    add_after(m, &a, ACT_CUT, first, second);
    add_after(m, &a, ACT_NODE_OFF, second, 0);
    add_after(m, &a, ACT_PROMOTE, first, 0);
    add_after(m, &a, ACT_NODE_ON, second, 0);
    a.at_ms -= below(m, 2);
    a.kind = ACT_PROMOTE;
    add(m, a);
    a.at_ms += lasting(m);
    add_after(m, &a, ACT_HEAL, first, second);
}

/* Who was promoted meanwhile has lost its disk when the old primary comes back (W3, D7). */
static void amnesias(struct making *m)
{
    uint32_t old = any_node(m), new;
    struct act a = {.at_ms = instant(m), .x = 1};
    if (m->p->site.nodes_n < 2)
        return;
    new = (old + 1) % m->p->site.nodes_n;
    add_after(m, &a, below(m, 2) ? ACT_NODE_OFF : ACT_NODE_UNPLUG, old, 0);
    add_after(m, &a, ACT_PROMOTE, new, 0);
    a.at_ms += lasting(m);
    add_after(m, &a, ACT_NODE_WIPE, new, 0);
    add_after(m, &a, ACT_NODE_ON, below(m, 2) ? old : new, 0);
    add_after(m, &a, ACT_NODE_ON, old, 0);
    add_after(m, &a, ACT_NODE_ON, new, 0);
}

static void pauses(struct making *m)
{
    struct act a = {.kind = ACT_PAUSE, .node = asked(m)};
    a.a = below(m, PLAN_SCOPE_SEAT + m->p->site.seats_n);
    add_pair(m, a, ACT_RESUME, 0);
}

static void grants(struct making *m)
{
    const struct plan_site *s = &m->p->site;
    struct act a = {.kind = ACT_GRANT};
    a.at_ms = instant(m);
    a.node = asked(m);
    a.a = below(m, 3) ? PLAN_SCOPE_SEAT + s->seats_n + below(m, s->candidates_n)
                      : PLAN_SCOPE_BATCH + below(m, 2);
    a.x = (int64_t)between(m, 1, 80000) - 20000;
    add(m, a);
}

static void moves(struct making *m)
{
    struct act a = {.kind = ACT_MOVE};
    a.at_ms = instant(m);
    a.node = asked(m);
    a.a = below(m, m->p->site.candidates_n);
    a.b = below(m, 3) ? m->p->site.seats_n - 1 : any_seat(m);
    add(m, a);
}

static void submissions(struct making *m)
{
    uint32_t candidate = below(m, m->p->site.candidates_n);
    add(m, (struct act){.kind = ACT_SUBMIT, .at_ms = instant(m), .a = candidate});
}

static void collections(struct making *m)
{
    struct act a = {.kind = ACT_COLLECT};
    a.a = below(m, 2);
    a.node = asked(m);
    a.at_ms = between(m, m->p->end_ms / 2, m->p->end_ms);
    add(m, a);
}

/* ---------------------------------------------------------------- the whole */

static const struct family {
    const char *name;
    void (*make)(struct making *m);
    uint32_t times_max;
} all_families[PLAN_FAMILIES] = {
    [PLAN_NODE_DEATHS] = {"node-deaths", node_deaths, 5},
    [PLAN_NODE_STOPS] = {"node-stops", node_stops, 3},
    [PLAN_NODE_FREEZES] = {"node-freezes", node_freezes, 4},
    [PLAN_NODE_FUSES] = {"node-fuses", node_fuses, 6},
    [PLAN_NODE_CUTS] = {"node-cuts", node_cuts, 5},
    [PLAN_NODE_MUTES] = {"node-mutes", node_mutes, 4},
    [PLAN_NODE_WEATHER] = {"node-weather", node_weather, 3},
    [PLAN_COMMIT_FAULTS] = {"commit-faults", commit_faults, 4},
    [PLAN_DISK_FULL] = {"disk-full", disk_full, 3},
    [PLAN_ROTS] = {"rots", rots, 1},
    [PLAN_NODE_WIPES] = {"node-wipes", node_wipes, 2},
    [PLAN_DATES] = {"dates", dates, 3},
    [PLAN_UPS] = {"ups", ups, 2},
    [PLAN_SEAT_DEATHS] = {"seat-deaths", seat_deaths, 5},
    [PLAN_SEAT_FREEZES] = {"seat-freezes", seat_freezes, 4},
    [PLAN_SEAT_FUSES] = {"seat-fuses", seat_fuses, 6},
    [PLAN_SEAT_WIPES] = {"seat-wipes", seat_wipes, 2},
    [PLAN_SEAT_CUTS] = {"seat-cuts", seat_cuts, 6},
    [PLAN_SEAT_MUTES] = {"seat-mutes", seat_mutes, 4},
    [PLAN_SEAT_WEATHER] = {"seat-weather", seat_weather, 4},
    [PLAN_JOURNAL_FAULTS] = {"journal-faults", journal_faults, 2},
    [PLAN_PROMOTIONS] = {"promotions", promotions, 5},
    [PLAN_WRONG_PROMOTIONS] = {"wrong-promotions", wrong_promotions, 4},
    [PLAN_RELAYS] = {"relays", relays, 2},
    [PLAN_TWINS] = {"twins", twins, 2},
    [PLAN_AMNESIAS] = {"amnesias", amnesias, 2},
    [PLAN_PAUSES] = {"pauses", pauses, 4},
    [PLAN_GRANTS] = {"grants", grants, 4},
    [PLAN_MOVES] = {"moves", moves, 3},
    [PLAN_SUBMISSIONS] = {"submissions", submissions, 2},
    [PLAN_COLLECTIONS] = {"collections", collections, 1},
};

const char *plan_family_name(enum plan_family f)
{
    return all_families[f].name;
}

static void make_site(struct making *m)
{
    static const uint32_t nodes_n[] = {1, 2, 2, 2, 2, 3, 3};
    struct plan_site *s = &m->p->site;
    s->nodes_n = nodes_n[below(m, sizeof nodes_n / sizeof *nodes_n)];
    s->candidates_n = 2 + below(m, PLAN_CANDIDATES_MAX - 1);
    s->seats_n = s->candidates_n + 1;
    s->items_n = 2 + below(m, PLAN_ITEMS_MAX - 1);
    s->allot_ms = below(m, 3) ? 10 * 60 * 1000 : between(m, 20, 120) * 1000;
    s->grace_ms = between(m, 2, 15) * 1000;
    s->solo_after_ms = below(m, 2) ? 2000 : between(m, 500, 5000);
    s->personal = below(m, 3) == 0;
    s->no_hints = below(m, 2) == 0;
}

/* What an exam is without trouble: a start, sign-ins, answers, and somebody who looks after it. */
static void make_exam(struct making *m)
{
    struct plan *p = m->p;
    struct act answer = {.kind = ACT_ANSWER};
    uint32_t answers_n = 10 + below(m, 30);
    add(m, (struct act){.kind = ACT_START, .at_ms = between(m, 0, 4000), .node = PLAN_PRIMARY});
    for (uint32_t i = 0; i < p->site.candidates_n; i++)
        add(m, (struct act){.kind = ACT_SIGN_IN,
                            .a = i,
                            .at_ms = between(m, 0, below(m, 4) ? 6000 : p->end_ms / 2)});
    for (uint32_t i = 0; i < answers_n; i++) {
        answer.at_ms = instant(m);
        answer.a = below(m, p->site.candidates_n);
        answer.b = below(m, p->site.items_n);
        add(m, answer);
    }
    if (below(m, 5) == 0)
        return;
    for (uint64_t at_ms = 0; (at_ms += between(m, 2000, 2 * TEND_EVERY_MS)) < p->end_ms;)
        add(m, (struct act){.kind = ACT_TEND, .at_ms = at_ms});
}

void plan_make(uint64_t seed, struct plan *p)
{
    struct making m = {.p = p};
    memset(p, 0, sizeof *p);
    p->seed = seed;
    rng_init(&m.rng, seed);
    make_site(&m);
    p->end_ms = between(&m, END_MS_MIN, END_MS_MAX);
    make_exam(&m);
    for (uint32_t n = below(&m, FAMILIES_A_SEED_MAX + 1); n > 0; n--) {
        uint32_t f = below(&m, PLAN_FAMILIES);
        m.family = UINT32_C(1) << f;
        p->families |= m.family;
        for (uint32_t i = 1 + below(&m, all_families[f].times_max); i > 0; i--)
            all_families[f].make(&m);
    }
}

void plan_without(struct plan *p, uint32_t families)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->acts_n; i++)
        if (!(p->acts[i].family & families))
            p->acts[n++] = p->acts[i];
    p->acts_n = n;
    p->families &= ~families;
}
