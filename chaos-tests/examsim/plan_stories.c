/* What happens to seats and to dead branches in a way that chance alone seldom finds, told act by
 * act. Other acts of the same history may come in between, as in life. */
#include "plan_making.h"
#include "sim_seat.h"

/* Who is in it, and how far it has been told. */
struct story {
    struct making *m;
    uint64_t at_ms;
    uint32_t old, new;              /* the nodes that serve one after the other */
    uint32_t candidate, seat, item; /* the seat is the candidate's by the roster */
};

enum {
    SIGNED_IN_MS = 6000, /* by then most candidates sit, and the batch runs */
    ALONE_MS = 6000,     /* a primary that has lost its standby goes on by then (A1) */
    WITHIN_BEAT_MS = 900,
};

/* Mostly the first node still serves. */
static struct story begin(struct making *m)
{
    const struct plan_site *site = &m->p->site;
    struct story s = {.m = m};
    s.at_ms = draw_between(m, SIGNED_IN_MS, m->p->end_ms / 2);
    s.old = draw_below(m, 4) ? 0 : draw_node(m);
    s.new = s.old;
    if (site->nodes_n > 1)
        s.new = (s.old + 1 + draw_below(m, site->nodes_n - 1)) % site->nodes_n;
    s.candidate = draw_below(m, site->candidates_n);
    s.seat = s.candidate;
    s.item = draw_below(m, site->items_n);
    return s;
}

static void then(struct story *s, uint64_t within_ms, struct act a)
{
    s->at_ms += draw_between(s->m, 1, within_ms);
    a.at_ms = s->at_ms;
    plan_add(s->m, a);
}

static void some_time_later(struct story *s)
{
    s->at_ms += draw_lasting(s->m);
}

/* The seat's path to one node, or to all but one. */
static void seat_path(struct story *s, enum act_kind kind, uint32_t node)
{
    then(s, 2, (struct act){.kind = kind, .a = plan_seat_place(s->seat), .b = node});
}

static void seat_paths(struct story *s, enum act_kind kind, uint32_t but)
{
    for (uint32_t i = 0; i < s->m->p->site.nodes_n; i++)
        if (i != but)
            seat_path(s, kind, i);
}

/* The node's paths to all others. */
static void node_paths(struct story *s, enum act_kind kind, uint32_t node)
{
    for (uint32_t i = 0; i < s->m->p->site.nodes_n; i++)
        if (i != node)
            then(s, 2, (struct act){.kind = kind, .a = node, .b = i});
}

static void answer(struct story *s, uint64_t within_ms)
{
    then(s, within_ms, (struct act){.kind = ACT_ANSWER, .a = s->candidate, .b = s->item});
}

static void promote(struct story *s, uint64_t within_ms, uint32_t node, bool attest)
{
    then(s, within_ms, (struct act){.kind = ACT_PROMOTE, .a = node, .x = attest});
}

static void note(struct story *s, uint64_t within_ms, uint32_t node)
{
    then(s, within_ms, (struct act){.kind = ACT_VIOLATION, .a = s->candidate, .node = node});
}

/* A candidate answers at a seat that is out of contact, moves, and answers the same anew: what the
 * first seat brings when it comes back is older, and is not to be lost (A2, A3, T11). */
void plan_stragglers(struct making *m)
{
    struct story s = begin(m);
    uint32_t others_n = draw_below(m, 3);
    seat_paths(&s, ACT_CUT, PLAN_NODES_MAX);
    answer(&s, 1000);
    for (uint32_t i = 0; i < others_n; i++) {
        struct act other = {.kind = ACT_ANSWER, .a = s.candidate};
        other.b = draw_below(m, m->p->site.items_n);
        then(&s, 300, other);
    }
    then(
        &s, 3000,
        (struct act){
            .kind = ACT_MOVE, .a = s.candidate, .b = m->p->site.seats_n - 1, .node = PLAN_PRIMARY});
    answer(&s, 2000);
    some_time_later(&s);
    seat_paths(&s, ACT_HEAL, PLAN_NODES_MAX);
}

/* The newest version of an answer, and what a person has noted, is on one disk only: that of a
 * primary which went on alone. Its successor has an older one, and the seat's disk is lost (A2,
 * A3). */
void plan_last_copies(struct making *m)
{
    struct story s = begin(m);
    if (s.old == s.new)
        return;
    answer(&s, 2000);
    node_paths(&s, ACT_CUT, s.old);
    s.at_ms += ALONE_MS;
    answer(&s, 1000);
    note(&s, 1000, s.old);
    enum act_kind end = draw_below(m, 2) ? ACT_NODE_OFF : ACT_NODE_UNPLUG;
    then(&s, 2000, (struct act){.kind = end, .a = s.old});
    then(&s, 500, (struct act){.kind = ACT_SEAT_WIPE, .a = s.seat});
    promote(&s, 2000, s.new, true);
    then(&s, 3000, (struct act){.kind = ACT_SEAT_ON, .a = s.seat});
    some_time_later(&s);
    node_paths(&s, ACT_HEAL, s.old);
    then(&s, 3000, (struct act){.kind = ACT_NODE_ON, .a = s.old});
}

/* A seat that has heard of a new primary loses its power, and then meets the old one only (W1).
 * Somebody sits there, or sits down there then. */
void plan_strays(struct making *m)
{
    struct story s = begin(m);
    if (s.old == s.new)
        return;
    bool spare = draw_below(m, 3) == 0;
    if (spare)
        s.seat = m->p->site.seats_n - 1;
    node_paths(&s, ACT_CUT, s.old);
    s.at_ms += ALONE_MS;
    seat_path(&s, ACT_CUT, s.old);
    if (draw_below(m, 2)) {
        struct act fuse = {.kind = ACT_SEAT_FUSE, .a = s.seat};
        fuse.b = draw_below(m, 8);
        then(&s, 2, fuse);
    }
    promote(&s, 1500, s.new, true);
    then(&s, WITHIN_BEAT_MS,
         (struct act){.kind = ACT_SEAT_UNPLUG, .a = s.seat, .x = SIM_TAIL_LOST});
    seat_paths(&s, ACT_CUT, s.old);
    seat_path(&s, ACT_HEAL, s.old);
    then(&s, 2000, (struct act){.kind = ACT_SEAT_ON, .a = s.seat});
    if (spare)
        then(&s, 500, (struct act){.kind = ACT_MOVE, .a = s.candidate, .b = s.seat, .node = s.old});
    answer(&s, 2000);
    some_time_later(&s);
    seat_paths(&s, ACT_HEAL, s.old);
    node_paths(&s, ACT_HEAL, s.old);
}

/* Two nodes have begun one epoch number, and a seat goes from the one to the other (W1, A3). */
void plan_turncoats(struct making *m)
{
    struct story s = begin(m);
    if (s.old == s.new)
        return;
    node_paths(&s, ACT_CUT, s.new);
    then(&s, 1000, (struct act){.kind = ACT_NODE_OFF, .a = s.new}); /* no seat tells it anything */
    promote(&s, 4000, s.old, true);
    then(&s, 3000, (struct act){.kind = ACT_NODE_ON, .a = s.new});
    promote(&s, 2000, s.new, true);
    answer(&s, 2000);
    seat_path(&s, ACT_CUT, s.old);
    answer(&s, 3000);
    some_time_later(&s);
    seat_path(&s, ACT_HEAL, s.old);
    some_time_later(&s);
    node_paths(&s, ACT_HEAL, s.new);
}

/* A session begins at a primary that is alone, and has to follow another one then. When it serves
 * again the seat is still connected to it, and the session is known to nobody (T5, P4). */
void plan_homecomers(struct making *m)
{
    struct story s = begin(m);
    if (s.old == s.new)
        return;
    node_paths(&s, ACT_CUT, s.old);
    seat_paths(&s, ACT_CUT, s.old);
    then(&s, 1000, (struct act){.kind = ACT_SEAT_WIPE, .a = s.seat});
    then(&s, 1000, (struct act){.kind = ACT_SEAT_ON, .a = s.seat});
    s.at_ms += ALONE_MS;
    answer(&s, 2000);
    note(&s, 1000, s.old);
    promote(&s, 3000, s.new, true);
    node_paths(&s, ACT_HEAL, s.old);
    some_time_later(&s);
    promote(&s, 4000, s.old, false);
    answer(&s, 3000);
    some_time_later(&s);
    seat_paths(&s, ACT_HEAL, s.old);
}

/* A seat and a node have both lost their disks when they meet. The node gets its log from the
 * others and serves then, and the seat starts again: it is still of the same site (A2). */
void plan_newcomers(struct making *m)
{
    struct story s = begin(m);
    if (s.old == s.new)
        return;
    seat_paths(&s, ACT_CUT, s.old);
    then(&s, 1000, (struct act){.kind = ACT_NODE_WIPE, .a = s.old});
    then(&s, 500, (struct act){.kind = ACT_SEAT_WIPE, .a = s.seat});
    then(&s, 500, (struct act){.kind = ACT_NODE_ON, .a = s.old});
    then(&s, 500, (struct act){.kind = ACT_SEAT_ON, .a = s.seat});
    promote(&s, 3000, s.new, true);
    promote(&s, 4000, s.old, false);
    answer(&s, 2000);
    then(&s, 1000, (struct act){.kind = ACT_SEAT_OFF, .a = s.seat});
    then(&s, 1000, (struct act){.kind = ACT_SEAT_ON, .a = s.seat});
    some_time_later(&s);
    seat_paths(&s, ACT_HEAL, s.old);
}

/* A full disk takes no answer any more, and still a submission: in the order in which they were
 * made, or not at all (A2, A3). */
void plan_cramped_disks(struct making *m)
{
    struct story s = begin(m);
    struct act full = {.kind = ACT_DISK_FILLS, .a = s.old};
    full.b = draw_below(m, 300);
    then(&s, 2, full);
    for (uint32_t n = 1 + draw_below(m, 3); n > 0; n--)
        answer(&s, 1500);
    then(&s, 200, (struct act){.kind = ACT_SUBMIT, .a = s.candidate});
    some_time_later(&s);
    then(&s, 2, (struct act){.kind = ACT_DISK_HAS_ROOM, .a = s.old});
}

/* Switchovers in the first seconds, while candidates are still on their way (W2, T2). */
void plan_switchovers(struct making *m)
{
    struct act a = {.kind = ACT_PROMOTE};
    a.at_ms = draw_between(m, 0, SIGNED_IN_MS);
    a.a = draw_node(m);
    plan_add(m, a);
}
