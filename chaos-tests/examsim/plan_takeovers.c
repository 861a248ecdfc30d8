/* Takeovers that go wrong in a way that chance alone seldom finds, told act by act. */
#include "mem_wire.h"
#include "plan_making.h"
#include "store_mem.h"

/* An instant that leaves time for a story; `node` serves then, if nothing else is in the way. */
static struct act begins(struct making *m, uint32_t node)
{
    struct act a = {.kind = ACT_PROMOTE, .at_ms = draw_between(m, 2000, m->p->end_ms / 2)};
    a.a = node;
    plan_add(m, a);
    return a;
}

/* All nodes of a site of three, in any order; false: it is another site. Some of those with two get
 * a third one for it. */
static bool three_nodes(struct making *m, uint32_t *first, uint32_t *second, uint32_t *third)
{
    uint32_t *nodes_n = &m->p->site.nodes_n;
    if (*nodes_n == 2 && draw_below(m, 2))
        *nodes_n = 3;
    if (*nodes_n < 3)
        return false;
    *first = draw_node(m);
    *second = (*first + 1 + draw_below(m, 2)) % 3;
    *third = 3 - *first - *second;
    return true;
}

static enum act_kind draw_death(struct making *m)
{
    return draw_below(m, 2) ? ACT_NODE_OFF : ACT_NODE_UNPLUG;
}

/* At the same instant as the one before. */
static void meanwhile(struct making *m, struct act a, enum act_kind kind, uint32_t first,
                      uint32_t second)
{
    a.kind = kind;
    a.a = first;
    a.b = second;
    plan_add(m, a);
}

/* A person's word, true or not. */
static void attest(struct making *m, struct act *a, uint32_t node)
{
    a->x = PLAN_WORD_ATTEST;
    plan_add_after(m, a, ACT_PROMOTE, node, 0);
    a->x = 0;
}

/* A candidate whose seat does not hear of the new primary goes on answering at the old one. */
static void answers_at_the_old(struct making *m, struct act *a, uint32_t candidate)
{
    for (uint32_t n = 0; n < 2; n++)
        plan_add_after(m, a, ACT_ANSWER, candidate, draw_below(m, m->p->site.items_n));
}

/* The third hears of the new primary and takes no record of it: it dies on the way, or the new one
 * does not hear it. */
static void hears_and_takes_nothing(struct making *m, struct act *a, uint32_t new, uint32_t third)
{
    if (draw_below(m, 4)) {
        a->x = draw_below(m, 2) ? MEM_CUT_HOLDS : MEM_CUT_LOSES;
        plan_add_after(m, a, ACT_MUTE, third, new);
    } else {
        plan_add_after(m, a, ACT_NODE_FUSE, third, draw_below(m, 12));
    }
    a->at_ms += draw_below(m, 500);
    a->x = 1;
    meanwhile(m, *a, ACT_PROMOTE, new, 0);
    a->x = 0;
}

/* Of three nodes one is cut off, another is promoted, and the third, which hears of that, dies and
 * starts again, meets only the first: it must not help that one to go on (D3). */
void plan_relays(struct making *m)
{
    uint32_t old, new, third, candidate = draw_below(m, m->p->site.candidates_n);
    if (!three_nodes(m, &old, &new, &third))
        return;
    struct act a = begins(m, old);
    plan_add_after(m, &a, ACT_SIGN_IN, candidate, 0);
    plan_add_after(m, &a, ACT_CUT, plan_seat_place(candidate), new);
    plan_add_after(m, &a, ACT_CUT, old, new);
    meanwhile(m, a, ACT_CUT, old, third);
    hears_and_takes_nothing(m, &a, new, third);
    plan_add_after(m, &a, draw_death(m), third, 0);
    meanwhile(m, a, ACT_CUT, new, third);
    meanwhile(m, a, ACT_MUTE, third, new);
    meanwhile(m, a, ACT_HEAL, old, third);
    plan_add_after(m, &a, ACT_NODE_ON, third, 0);
    answers_at_the_old(m, &a, candidate);
    a.at_ms += draw_lasting(m);
    plan_add_after(m, &a, ACT_HEAL, old, new);
    plan_add_after(m, &a, ACT_HEAL, new, third);
    plan_add_after(m, &a, ACT_HEAL, plan_seat_place(candidate), new);
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

/* Both histories have ended; whoever meets the other again has to ask who else was promoted. */
static void both_come_back(struct making *m, struct act *a, uint32_t first, uint32_t second,
                           bool again)
{
    plan_add_after(m, a, draw_death(m), first, 0);
    plan_add_after(m, a, draw_death(m), second, 0);
    plan_add_after(m, a, ACT_NODE_ON, first, 0);
    if (again)
        attest(m, a, first);
    plan_add_after(m, a, ACT_HEAL, first, second);
    plan_add_after(m, a, ACT_NODE_ON, second, 0);
}

/* The primary dies, and of what it has left two nodes make two histories, which part at the same
 * record, at a time or one after the other. Sometimes both go down before they meet (W1, W3, W5).
 */
void plan_equals(struct making *m)
{
    uint32_t old = draw_node(m), first, second;
    if (m->p->site.nodes_n < 2)
        return;
    first = (old + 1) % m->p->site.nodes_n;
    second = (first + 1) % m->p->site.nodes_n; /* of two nodes the old primary itself */
    bool in_turn = draw_below(m, 2);
    bool down = draw_below(m, 2);
    struct act a = begins(m, old);
    plan_add_after(m, &a, draw_death(m), old, 0);
    plan_add_after(m, &a, ACT_CUT, first, second);
    plan_add_after(m, &a, ACT_NODE_ON, second, 0);
    attest(m, &a, first);
    if (in_turn)
        plan_add_after(m, &a, draw_death(m), first, 0);
    attest(m, &a, second);
    if (down)
        both_come_back(m, &a, first, second, in_turn);
    a.at_ms += draw_lasting(m);
    plan_add_after(m, &a, ACT_HEAL, first, second);
    plan_add_after(m, &a, ACT_NODE_ON, first, 0);
    plan_add_after(m, &a, ACT_NODE_ON, old, 0);
}

/* Two successors part from the old primary at different records, one follows the other and takes
 * over from it, and only then the old one comes back (W5). */
void plan_forks(struct making *m)
{
    uint32_t old, behind, level;
    if (!three_nodes(m, &old, &behind, &level))
        return;
    struct act a = begins(m, old);
    plan_add_after(m, &a, ACT_CUT, behind, old);
    meanwhile(m, a, ACT_CUT, behind, level);
    plan_add_after(m, &a, draw_death(m), old, 0);
    attest(m, &a, behind);
    attest(m, &a, level);
    plan_add_after(m, &a, ACT_HEAL, behind, level);
    plan_add_after(m, &a, ACT_PROMOTE, level, 0);
    plan_add_after(m, &a, ACT_HEAL, behind, old);
    plan_add_after(m, &a, ACT_NODE_ON, old, 0);
}

/* Copying takes many steps: it can be interrupted. */
static void copy_slowly(struct making *m)
{
    m->p->site.window_bytes = (uint32_t)draw_between(m, 200, 1500);
}

/* What it cannot keep it must not say (D6, D7). */
static void disk_fails(struct making *m, struct act *a, uint32_t node, uint32_t commits)
{
    a->x = STORE_FAULT_IO_LOST;
    plan_add_after(m, a, ACT_COMMIT_FAILS, node, commits);
    a->x = 0;
}

/* Half of them before the epoch is begun: then it is a learner as before (D7). */
static void forced_and_dies(struct making *m, struct act *a, uint32_t node, uint32_t effects)
{
    enum { EFFECTS_MAX = 10, NEVER = 100000 };
    plan_add_after(m, a, ACT_NODE_FUSE, node, effects < EFFECTS_MAX ? effects : NEVER);
    struct act next = *a;
    next.x = PLAN_WORD_FORCE;
    meanwhile(m, next, ACT_PROMOTE, node, 0);
    next.at_ms += 1;
    next.x = PLAN_WORD_ATTEST;
    meanwhile(m, next, ACT_NODE_ON, node, 0);
    next.at_ms += 1;
    meanwhile(m, next, ACT_PROMOTE, node, 0);
}

/* A node that has lost its disk dies as it is copied, comes back while nobody else is there, and is
 * asked to serve, sometimes forced to; and again as soon as a whole copy is there (D7). */
void plan_half_copies(struct making *m)
{
    enum { MEETING_MS = 500 };
    uint32_t nodes_n = m->p->site.nodes_n, old = draw_node(m);
    uint32_t copy = (old + 1) % nodes_n, third = (old + 2) % nodes_n;
    if (nodes_n < 2)
        return;
    copy_slowly(m);
    struct act a = begins(m, old);
    plan_add_after(m, &a, ACT_NODE_WIPE, copy, 0);
    uint32_t effects = draw_below(m, 40);
    if (effects % 4)
        plan_add_after(m, &a, ACT_NODE_FUSE, copy, effects);
    else
        disk_fails(m, &a, copy, 1 + effects / 4);
    plan_add_after(m, &a, ACT_NODE_ON, copy, 0);
    plan_add_after(m, &a, draw_death(m), copy, 0);
    plan_add_after(m, &a, draw_death(m), old, 0);
    if (third != old)
        plan_add_after(m, &a, ACT_CUT, copy, third);
    plan_add_after(m, &a, ACT_NODE_ON, copy, 0);
    if (effects % 2)
        forced_and_dies(m, &a, copy, effects / 2);
    else
        attest(m, &a, copy);
    a.at_ms += draw_lasting(m);
    plan_add_after(m, &a, ACT_NODE_ON, old, 0);
    struct act forced = a;
    forced.x = PLAN_WORD_FORCE;
    forced.at_ms += MEETING_MS;
    meanwhile(m, forced, ACT_PROMOTE, copy, 0);
    plan_add_after(m, &a, ACT_HEAL, copy, third);
}

/* Of three nodes one has served last and lost its disk, and what it has now it has, in part, from
 * one whose time was over: the word of neither is enough for the one that served between (W3). */
void plan_lost_words(struct making *m)
{
    uint32_t over, between, last;
    if (!three_nodes(m, &over, &between, &last))
        return;
    copy_slowly(m);
    struct act a = begins(m, over);
    plan_add_after(m, &a, ACT_CUT, over, between);
    meanwhile(m, a, ACT_CUT, over, last);
    attest(m, &a, between);
    plan_add_after(m, &a, draw_death(m), between, 0);
    attest(m, &a, last);
    plan_add_after(m, &a, ACT_NODE_WIPE, last, 0);
    plan_add_after(m, &a, ACT_NODE_FUSE, last, draw_below(m, 40));
    plan_add_after(m, &a, ACT_HEAL, over, last);
    plan_add_after(m, &a, ACT_NODE_ON, last, 0);
    plan_add_after(m, &a, ACT_CUT, over, last);
    plan_add_after(m, &a, ACT_NODE_ON, last, 0);
    plan_add_after(m, &a, ACT_HEAL, over, between);
    plan_add_after(m, &a, ACT_NODE_ON, between, 0);
    a.at_ms += draw_lasting(m);
    plan_add_after(m, &a, ACT_HEAL, over, last);
}

/* Frames take their time, and the primary dies as its word to take over is under way, and is back
 * before it arrives (W1, W3). */
void plan_late_hand_overs(struct making *m)
{
    uint32_t old = draw_node(m), heir;
    if (m->p->site.nodes_n < 2)
        return;
    heir = (old + 1) % m->p->site.nodes_n;
    struct act a = begins(m, old);
    a.x = (int64_t)draw_between(m, 900, 1199); /* up to 400 ms */
    plan_add_after(m, &a, ACT_WEATHER, old, heir);
    a.at_ms += 1000;
    a.x = 0;
    plan_add_after(m, &a, ACT_PROMOTE, heir, 0);
    struct act death = a;
    death.kind = ACT_NODE_OFF;
    death.a = old;
    death.at_ms += draw_between(m, 50, 600);
    plan_add(m, death);
    death.kind = ACT_NODE_ON;
    death.at_ms += draw_between(m, 1, 100);
    plan_add(m, death);
    a.at_ms += draw_lasting(m);
    plan_add_after(m, &a, ACT_WEATHER, old, heir);
}
