#include "plan.h"

#include <string.h>

#include "plan_making.h"

enum {
    END_MS_MIN = 40 * 1000,
    END_MS_MAX = 150 * 1000,
    FAMILIES_A_SEED_MAX = 10,
    TEND_EVERY_MS = 8000,
};

static const struct family {
    const char *name;
    void (*make)(struct making *m);
    uint32_t times_max;
} all_families[PLAN_FAMILIES] = {
    [PLAN_NODE_DEATHS] = {"node-deaths", plan_node_deaths, 5},
    [PLAN_NODE_STOPS] = {"node-stops", plan_node_stops, 3},
    [PLAN_NODE_FREEZES] = {"node-freezes", plan_node_freezes, 4},
    [PLAN_NODE_FUSES] = {"node-fuses", plan_node_fuses, 6},
    [PLAN_NODE_CUTS] = {"node-cuts", plan_node_cuts, 5},
    [PLAN_NODE_MUTES] = {"node-mutes", plan_node_mutes, 4},
    [PLAN_NODE_WEATHER] = {"node-weather", plan_node_weather, 3},
    [PLAN_COMMIT_FAULTS] = {"commit-faults", plan_commit_faults, 4},
    [PLAN_DISK_FULL] = {"disk-full", plan_disk_full, 3},
    [PLAN_ROTS] = {"rots", plan_rots, 1},
    [PLAN_NODE_WIPES] = {"node-wipes", plan_node_wipes, 2},
    [PLAN_DATES] = {"dates", plan_dates, 3},
    [PLAN_UPS] = {"ups", plan_ups, 2},
    [PLAN_SEAT_DEATHS] = {"seat-deaths", plan_seat_deaths, 5},
    [PLAN_SEAT_FREEZES] = {"seat-freezes", plan_seat_freezes, 4},
    [PLAN_SEAT_FUSES] = {"seat-fuses", plan_seat_fuses, 6},
    [PLAN_SEAT_WIPES] = {"seat-wipes", plan_seat_wipes, 2},
    [PLAN_SEAT_CUTS] = {"seat-cuts", plan_seat_cuts, 6},
    [PLAN_SEAT_MUTES] = {"seat-mutes", plan_seat_mutes, 4},
    [PLAN_SEAT_WEATHER] = {"seat-weather", plan_seat_weather, 4},
    [PLAN_JOURNAL_FAULTS] = {"journal-faults", plan_journal_faults, 2},
    [PLAN_PROMOTIONS] = {"promotions", plan_promotions, 5},
    [PLAN_WRONG_PROMOTIONS] = {"wrong-promotions", plan_wrong_promotions, 4},
    [PLAN_RELAYS] = {"relays", plan_relays, 2},
    [PLAN_TWINS] = {"twins", plan_twins, 2},
    [PLAN_AMNESIAS] = {"amnesias", plan_amnesias, 2},
    [PLAN_EQUALS] = {"equals", plan_equals, 2},
    [PLAN_FORKS] = {"forks", plan_forks, 2},
    [PLAN_HALF_COPIES] = {"half-copies", plan_half_copies, 2},
    [PLAN_LOST_WORDS] = {"lost-words", plan_lost_words, 2},
    [PLAN_LATE_HAND_OVERS] = {"late-hand-overs", plan_late_hand_overs, 2},
    [PLAN_PAUSES] = {"pauses", plan_pauses, 4},
    [PLAN_GRANTS] = {"grants", plan_grants, 4},
    [PLAN_MOVES] = {"moves", plan_moves, 3},
    [PLAN_SUBMISSIONS] = {"submissions", plan_submissions, 2},
    [PLAN_COLLECTIONS] = {"collections", plan_collections, 1},
    [PLAN_STRAGGLERS] = {"stragglers", plan_stragglers, 2},
    [PLAN_LAST_COPIES] = {"last-copies", plan_last_copies, 2},
    [PLAN_STRAYS] = {"strays", plan_strays, 2},
    [PLAN_TURNCOATS] = {"turncoats", plan_turncoats, 2},
    [PLAN_HOMECOMERS] = {"homecomers", plan_homecomers, 1},
    [PLAN_NEWCOMERS] = {"newcomers", plan_newcomers, 1},
    [PLAN_CRAMPED_DISKS] = {"cramped-disks", plan_cramped_disks, 2},
    [PLAN_SWITCHOVERS] = {"switchovers", plan_switchovers, 4},
    [PLAN_VIOLATIONS] = {"violations", plan_violations, 6},
    [PLAN_INCIDENTS] = {"incidents", plan_incidents, 3},
    [PLAN_POSTPONEMENTS] = {"postponements", plan_postponements, 1},
    [PLAN_HOSTILES] = {"hostiles", plan_hostiles, 2},
};

const char *plan_family_name(enum plan_family f)
{
    return all_families[f].name;
}

static void make_site(struct making *m)
{
    static const uint32_t nodes_n[] = {1, 2, 2, 2, 2, 3, 3};
    struct plan_site *s = &m->p->site;
    s->nodes_n = nodes_n[draw_below(m, sizeof nodes_n / sizeof *nodes_n)];
    s->candidates_n = 2 + draw_below(m, PLAN_CANDIDATES_MAX - 1);
    s->seats_n = s->candidates_n + 1;
    s->items_n = 2 + draw_below(m, PLAN_ITEMS_MAX - 1);
    s->allot_ms = draw_below(m, 3) ? 10 * 60 * 1000 : draw_between(m, 20, 120) * 1000;
    s->grace_ms = draw_between(m, 2, 15) * 1000;
    s->solo_after_ms = draw_below(m, 2) ? 2000 : draw_between(m, 500, 5000);
    s->window_bytes = draw_below(m, 2) ? 0 : (uint32_t)draw_between(m, 200, 4000);
    s->personal = draw_below(m, 3) == 0;
    s->no_hints = draw_below(m, 2) == 0;
}

/* What an exam is without trouble: a start, sign-ins, answers, and somebody who looks after it. */
static void make_exam(struct making *m)
{
    struct plan *p = m->p;
    struct act answer = {.kind = ACT_ANSWER};
    uint32_t answers_n = 10 + draw_below(m, 30);
    plan_add(m, (struct act){
                    .kind = ACT_START, .at_ms = draw_between(m, 0, 4000), .node = PLAN_PRIMARY});
    for (uint32_t i = 0; i < p->site.candidates_n; i++)
        plan_add(
            m, (struct act){.kind = ACT_SIGN_IN,
                            .a = i,
                            .at_ms = draw_between(m, 0, draw_below(m, 4) ? 6000 : p->end_ms / 2)});
    for (uint32_t i = 0; i < answers_n; i++) {
        answer.at_ms = draw_instant(m);
        answer.a = draw_below(m, p->site.candidates_n);
        answer.b = draw_below(m, p->site.items_n);
        plan_add(m, answer);
    }
    if (draw_below(m, 5) == 0)
        return;
    for (uint64_t at_ms = 0; (at_ms += draw_between(m, 2000, 2 * TEND_EVERY_MS)) < p->end_ms;)
        plan_add(m, (struct act){.kind = ACT_TEND, .at_ms = at_ms});
}

void plan_make(uint64_t seed, struct plan *p)
{
    struct making m = {.p = p};
    memset(p, 0, sizeof *p);
    p->seed = seed;
    rng_init(&m.rng, seed);
    make_site(&m);
    p->end_ms = draw_between(&m, END_MS_MIN, END_MS_MAX);
    make_exam(&m);
    for (uint32_t n = draw_below(&m, FAMILIES_A_SEED_MAX + 1); n > 0; n--) {
        uint32_t f = draw_below(&m, PLAN_FAMILIES);
        m.family = plan_bit(f);
        p->families |= m.family;
        for (uint32_t i = 1 + draw_below(&m, all_families[f].times_max); i > 0; i--)
            all_families[f].make(&m);
    }
}

bool plan_takes_disks(const struct plan *p)
{
    for (uint32_t i = 0; i < p->acts_n; i++)
        if (p->acts[i].kind == ACT_NODE_WIPE || p->acts[i].kind == ACT_ROT)
            return true;
    return false;
}

bool plan_has_node_weather(const struct plan *p)
{
    for (uint32_t i = 0; i < p->acts_n; i++)
        if (p->acts[i].kind == ACT_WEATHER && p->acts[i].a < PLAN_NODES_MAX)
            return true;
    return false;
}

bool plan_has_node_mutes(const struct plan *p)
{
    for (uint32_t i = 0; i < p->acts_n; i++)
        if (p->acts[i].kind == ACT_MUTE && p->acts[i].a < PLAN_NODES_MAX &&
            p->acts[i].b < PLAN_NODES_MAX)
            return true;
    return false;
}

bool plan_has_hostile(const struct plan *p)
{
    for (uint32_t i = 0; i < p->acts_n; i++)
        if (p->acts[i].kind == ACT_HOSTILE)
            return true;
    return false;
}

bool plan_kills_seats(const struct plan *p)
{
    for (uint32_t i = 0; i < p->acts_n; i++) {
        enum act_kind k = p->acts[i].kind;
        if (k == ACT_SEAT_OFF || k == ACT_SEAT_UNPLUG || k == ACT_SEAT_FUSE || k == ACT_SEAT_WIPE ||
            k == ACT_JOURNAL_FAILS)
            return true;
    }
    return false;
}

void plan_without(struct plan *p, uint64_t families)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->acts_n; i++)
        if (!(p->acts[i].family & families))
            p->acts[n++] = p->acts[i];
    p->acts_n = n;
    p->families &= ~families;
}
