/* What administrators and candidates do. */
#include "plan_making.h"

void plan_promotions(struct making *m)
{
    struct act a = {.kind = ACT_PROMOTE};
    a.at_ms = draw_instant(m);
    a.a = draw_node(m);
    plan_add(m, a);
}

/* With attest, whatever is true; often while the nodes cannot see each other. */
void plan_wrong_promotions(struct making *m)
{
    struct act a = {.kind = ACT_PROMOTE, .x = 1};
    a.at_ms = draw_instant(m);
    a.a = draw_node(m);
    struct act cut = {.kind = ACT_CUT, .at_ms = a.at_ms - a.at_ms % 3000, .a = a.a};
    if (m->p->site.nodes_n > 1 && draw_below(m, 4)) {
        cut.b = (a.a + 1) % m->p->site.nodes_n;
        plan_add(m, cut);
        cut.kind = ACT_HEAL;
        cut.at_ms = a.at_ms + draw_lasting(m);
        plan_add(m, cut);
    }
    plan_add(m, a);
}

void plan_pauses(struct making *m)
{
    struct act a = {.kind = ACT_PAUSE, .node = draw_asked(m)};
    a.a = draw_below(m, PLAN_SCOPE_SEAT + m->p->site.seats_n);
    plan_add_pair(m, a, ACT_RESUME, 0);
}

static struct act asked_at_any_instant(struct making *m, enum act_kind kind)
{
    struct act a = {.kind = kind};
    a.at_ms = draw_instant(m);
    a.node = draw_asked(m);
    return a;
}

void plan_grants(struct making *m)
{
    const struct plan_site *s = &m->p->site;
    struct act a = asked_at_any_instant(m, ACT_GRANT);
    a.a = draw_below(m, 3) ? PLAN_SCOPE_SEAT + s->seats_n + draw_below(m, s->candidates_n)
                           : PLAN_SCOPE_BATCH + draw_below(m, 2);
    a.x = (int64_t)draw_between(m, 1, 80000) - 20000;
    plan_add(m, a);
}

void plan_moves(struct making *m)
{
    struct act a = asked_at_any_instant(m, ACT_MOVE);
    a.a = draw_below(m, m->p->site.candidates_n);
    a.b = draw_below(m, 3) ? m->p->site.seats_n - 1 : draw_seat(m);
    plan_add(m, a);
}

void plan_submissions(struct making *m)
{
    uint32_t candidate = draw_below(m, m->p->site.candidates_n);
    plan_add(m, (struct act){.kind = ACT_SUBMIT, .at_ms = draw_instant(m), .a = candidate});
}

void plan_collections(struct making *m)
{
    struct act a = {.kind = ACT_COLLECT};
    a.a = draw_below(m, 2);
    a.node = draw_asked(m);
    a.at_ms = draw_between(m, m->p->end_ms / 2, m->p->end_ms);
    plan_add(m, a);
}

void plan_violations(struct making *m)
{
    struct act a = asked_at_any_instant(m, ACT_VIOLATION);
    a.a = draw_below(m, m->p->site.candidates_n);
    plan_add(m, a);
}

void plan_incidents(struct making *m)
{
    const struct plan_site *s = &m->p->site;
    struct act a = asked_at_any_instant(m, ACT_INCIDENT);
    a.a = draw_below(m, PLAN_SCOPE_SEAT + s->seats_n + s->candidates_n);
    a.b = 1 + draw_below(m, 5);
    plan_add(m, a);
}

void plan_postponements(struct making *m)
{
    struct act a = {.kind = ACT_POSTPONE};
    a.node = draw_asked(m);
    a.at_ms = draw_between(m, m->p->end_ms / 2, m->p->end_ms);
    plan_add(m, a);
}
