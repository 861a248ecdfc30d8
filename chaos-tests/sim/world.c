#include "world_inside.h"

#include <assert.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rep.h"
#include "sim_clock.h"
#include "sim_oplog.h"
#include "sim_random.h"

enum {
    ROUNDS_MAX = 100000, /* at one instant; more is a world that never comes to rest */
    REDIALS_MAX = 2,     /* of one seat at one instant, because its connection has ended */
    KEEP_BYTES = 256 << 20,
    MMAP_BYTES = 32 << 20, /* as large as glibc lets it be */
};

/* ---------------------------------------------------------------- ties of the machines */

struct seat_path *world_path_of(const struct world *w, uint32_t seat, uint32_t node)
{
    return &w->paths[(size_t)seat * w->nodes_n + node];
}

static bool is_open(const struct seat_path *p)
{
    return !p->cut && sim_path_is_open(&p->path);
}

void world_seat_ready(struct world *w, uint32_t seat)
{
    if (w->is_ready[seat])
        return;
    w->is_ready[seat] = true;
    w->ready[(w->ready_head + w->ready_n++) % w->o.seats_max] = seat;
}

static void seat_ready(void *ctx, uint32_t seat)
{
    world_seat_ready(ctx, seat);
}

static void seat_wake(void *ctx)
{
    struct sim_seat *s = ctx;
    seat_ready(s->ties.ctx, s->number);
}

static exam_err seat_dial(void *ctx, uint32_t seat, uint32_t node, struct sim_end **out)
{
    struct world *w = ctx;
    struct sim_seat *s = &w->seats[seat];
    struct seat_path *p = world_path_of(w, seat, node);
    if (!is_open(p) || w->nodes[node].dark) {
        if (!s->links[node].hung)
            w->counts[p->cut ? WORLD_FAULT_CUT : WORLD_FAULT_DIAL_HUNG]++;
        return EXAM_AGAIN;
    }
    p->boots = w->nodes[node].boots;
    return sim_node_dial(&w->nodes[node], w->now_ms, sim_node_seat_address, s->name, &p->path,
                         seat_wake, s, out);
}

static void seat_event(void *ctx, uint32_t seat, const struct seat_event *e)
{
    struct world *w = ctx;
    if (w->o.watch.seat)
        w->o.watch.seat(w->o.watch.ctx, seat, e);
}

/* A welcome that was under way while its node was restarted says nothing of the new process. */
static void seat_greeted(void *ctx, uint32_t seat, uint32_t node, const struct sim_greeting *g)
{
    struct world *w = ctx;
    if (w->o.watch.greeted && world_path_of(w, seat, node)->boots == w->nodes[node].boots)
        w->o.watch.greeted(w->o.watch.ctx, seat, node, g);
}

static void node_log(void *ctx, enum oplog_level level, const char *event,
                     const struct oplog_field *fields)
{
    struct world *w = ctx;
    uint32_t speaking = w->speaking;
    struct sim_turn turn = sim_clock_whose();
    if (!w->o.watch.node || w->nodes[speaking].fuse.blown)
        return;
    w->o.watch.node(w->o.watch.ctx, speaking, level, event, fields);
    w->speaking = speaking;
    sim_clock_back(turn);
}

struct sim_node *world_turn_of(struct world *w, uint32_t node)
{
    assert(node < w->nodes_n);
    w->speaking = node;
    return &w->nodes[node];
}

static void seat_fell(struct world *w, uint32_t seat)
{
    struct fallen *f = &w->fallen[seat];
    w->seats[seat].fell = false;
    if (f->at_ms != w->now_ms)
        *f = (struct fallen){.at_ms = w->now_ms, .listed = f->listed};
    if (f->listed || f->redials_n == REDIALS_MAX)
        return;
    f->listed = true;
    f->redials_n++;
    w->fallen_list[w->fallen_n++] = seat;
}

void world_seat_touched(struct world *w, uint32_t seat)
{
    if (w->seats[seat].fuse.blown) {
        w->counts[WORLD_FAULT_SEAT_FUSE]++;
        sim_seat_die(&w->seats[seat], false);
    }
    agenda_set(&w->agenda, seat, sim_seat_deadline_ms(&w->seats[seat]));
    if (w->seats[seat].fell)
        seat_fell(w, seat);
}

/* ---------------------------------------------------------------- an instant */

static void set_now(struct world *w, uint64_t now_ms)
{
    w->now_ms = w->air->now_ms = now_ms;
}

static bool nodes_turn(struct world *w)
{
    bool moved = false;
    for (uint32_t i = 0; i < w->nodes_n; i++) {
        if (!sim_node_wants_turn(&w->nodes[i], w->now_ms))
            continue;
        set_now(w, sim_node_turn(world_turn_of(w, i), w->now_ms));
        moved = true;
    }
    return moved;
}

static bool seats_turn(struct world *w)
{
    bool moved = w->ready_n > 0;
    while (w->ready_n > 0) {
        uint32_t seat = w->ready[w->ready_head];
        w->ready_head = (w->ready_head + 1) % w->o.seats_max;
        w->ready_n--;
        w->is_ready[seat] = false;
        sim_seat_turn(&w->seats[seat], w->now_ms);
        world_seat_touched(w, seat);
    }
    return moved;
}

/* What makes it worth while to dial a node: that it is there, and that it serves. */
static uint64_t reach_of(const struct world *w, uint32_t node)
{
    const struct sim_node *n = &w->nodes[node];
    if (!n->node)
        return 0;
    const rep *r = node_rep(n->node);
    bool serves = rep_role(r) == REP_ROLE_PRIMARY;
    return 1 + 2 * (uint64_t)serves + 4 * (uint64_t)rep_may_decide(r) + 8 * rep_epoch(r);
}

static void hint_seat(struct world *w, uint32_t seat, uint32_t node)
{
    struct sim_seat *s = &w->seats[seat];
    if (!s->core || seat_core_in_contact(s->core) || !is_open(world_path_of(w, seat, node)))
        return;
    sim_seat_hint(s, w->now_ms, node);
    world_seat_touched(w, seat);
}

static bool hint_fallen(struct world *w)
{
    uint32_t n = w->fallen_n;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t seat = w->fallen_list[i];
        w->fallen[seat].listed = false;
        for (uint32_t node = 0; node < w->nodes_n; node++)
            if (w->nodes[node].node && !w->o.no_hints)
                hint_seat(w, seat, node);
    }
    /* Those that fell meanwhile are behind them in the list. */
    w->fallen_n -= n;
    memmove(w->fallen_list, w->fallen_list + n, w->fallen_n * sizeof *w->fallen_list);
    return n > 0;
}

/* Tells the seats without contact of every node that can be reached in another way than before. */
static bool tell_seats(struct world *w)
{
    bool told = false;
    for (uint32_t i = 0; i < w->nodes_n; i++) {
        uint64_t reach = reach_of(w, i);
        bool news = reach != w->reach[i] || w->healed;
        w->reach[i] = reach;
        if (!news || !reach || w->o.no_hints)
            continue;
        for (uint32_t seat = 0; seat < w->seats_n; seat++)
            hint_seat(w, seat, i);
        told = true;
    }
    w->healed = false;
    return told;
}

/* Each once: one that is still due after its turn has its next turn in the next round. */
static bool seats_due(struct world *w)
{
    uint32_t seat, n = 0;
    while (n < w->seats_n && agenda_due(&w->agenda, w->now_ms, &seat)) {
        sim_seat_tick(&w->seats[seat], w->now_ms);
        world_seat_touched(w, seat);
        n++;
    }
    return n > 0;
}

static bool round_turn(struct world *w)
{
    bool moved = seats_due(w);
    moved |= nodes_turn(w);
    moved |= link_net_pump(w->net);
    moved |= seats_turn(w);
    return moved;
}

void world_settle(struct world *w)
{
    uint32_t rounds = 0;
    do {
        while (round_turn(w)) {
            if (++rounds < ROUNDS_MAX)
                continue;
            fprintf(stderr, "the world does not come to rest at %llu ms\n",
                    (unsigned long long)w->now_ms);
            abort();
        }
    } while (tell_seats(w) || hint_fallen(w));
}

static uint64_t next_ms(const struct world *w)
{
    uint64_t at_ms = agenda_first_ms(&w->agenda);
    for (uint32_t i = 0; i < w->nodes_n; i++)
        if (w->nodes[i].next_ms < at_ms && !w->nodes[i].frozen)
            at_ms = w->nodes[i].next_ms;
    uint64_t arrival_ms = link_net_next_ms(w->net);
    return arrival_ms < at_ms ? arrival_ms : at_ms;
}

void world_run(struct world *w, uint64_t until_ms)
{
    world_settle(w);
    for (;;) {
        uint64_t at_ms = next_ms(w);
        if (at_ms > until_ms)
            break;
        assert(at_ms > w->now_ms); /* else the last instant was not over */
        set_now(w, at_ms);
        world_settle(w);
    }
    if (until_ms > w->now_ms)
        set_now(w, until_ms);
}

uint64_t world_now_ms(const struct world *w)
{
    return w->now_ms;
}

/* ---------------------------------------------------------------- making a world */

static exam_err make_nodes(struct world *w, const char *const *names, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct config c = {.solo_after_ms = w->o.solo_after_ms,
                           .reserve_bytes = 1 << 20,
                           .seats_max = 2 * w->o.seats_max + 16};
        if (!codec_name_ok(names[i]))
            return EXAM_INVALID;
        snprintf(c.node, sizeof c.node, "%s", names[i]);
        for (uint32_t j = 0; j < n; j++)
            if (j != i)
                snprintf(c.peers[c.peers_n++].node, sizeof c.node, "%s", names[j]);
        c.seats_per_address_max = c.seats_max;
        exam_err err = sim_node_init(&w->nodes[i], i, w->net, &c);
        if (err)
            return err;
        w->nodes[i].window_bytes = w->o.window_bytes;
        w->nodes_n = i + 1;
    }
    return EXAM_OK;
}

static exam_err make_seats(struct world *w, uint32_t nodes_n)
{
    uint32_t max = w->o.seats_max;
    w->seats = calloc(max, sizeof *w->seats);
    w->paths = calloc((size_t)max * nodes_n, sizeof *w->paths);
    w->ready = calloc(max, sizeof *w->ready);
    w->is_ready = calloc(max, sizeof *w->is_ready);
    w->fallen = calloc(max, sizeof *w->fallen);
    w->fallen_list = calloc(2 * (size_t)max, sizeof *w->fallen_list);
    w->arena_block = malloc(ARENA_BYTES_SEAT);
    if (!w->seats || !w->paths || !w->ready || !w->is_ready || !w->fallen || !w->fallen_list ||
        !w->arena_block)
        return EXAM_NOMEM;
    arena_init(&w->arena, w->arena_block, ARENA_BYTES_SEAT);
    for (uint32_t i = 0; i < max * nodes_n; i++)
        sim_path_init(&w->paths[i].path, w->air, &w->nodes[i % nodes_n].on,
                      &w->seats[i / nodes_n].on);
    return agenda_init(&w->agenda, max);
}

/* Worlds are made and thrown away by the thousand: what one gives back is for the next, not for the
 * kernel. */
static void keep_memory(void)
{
#ifdef __GLIBC__
    (void)mallopt(M_TRIM_THRESHOLD, KEEP_BYTES);
    (void)mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
#endif
}

exam_err world_new(const struct world_options *o, const char *const *nodes, uint32_t nodes_n,
                   struct world **out)
{
    if (nodes_n < 1 || nodes_n > NODES_MAX)
        return EXAM_INVALID;
    struct world *w = calloc(1, sizeof *w);
    if (!w)
        return EXAM_NOMEM;
    keep_memory();
    sim_random_seed(o->seed);
    sim_oplog_to(node_log, w);
    w->o = *o;
    if (!w->o.seats_max)
        w->o.seats_max = 1;
    exam_err err = link_net_new(&w->net);
    if (!err) {
        w->air = link_net_air(w->net);
        mem_air_init(w->air, ~o->seed); /* not what the machines draw from */
        err = make_seats(w, nodes_n);
    }
    if (!err)
        err = make_nodes(w, nodes, nodes_n);
    if (err) {
        world_free(w);
        return err;
    }
    *out = w;
    return EXAM_OK;
}

void world_free(struct world *w)
{
    if (!w)
        return;
    for (uint32_t i = 0; i < w->seats_n; i++)
        sim_seat_fini(&w->seats[i]);
    for (uint32_t i = 0; i < w->nodes_n; i++)
        sim_node_fini(world_turn_of(w, i));
    link_net_free(w->net);
    agenda_fini(&w->agenda);
    free(w->seats);
    free(w->paths);
    free(w->ready);
    free(w->is_ready);
    free(w->fallen);
    free(w->fallen_list);
    free(w->arena_block);
    sim_oplog_to(NULL, NULL);
    free(w);
}

exam_err world_add_seat(struct world *w, const char *name, uint32_t *seat)
{
    const struct sim_seat_ties ties = {.ctx = w,
                                       .dial = seat_dial,
                                       .ready = seat_ready,
                                       .event = seat_event,
                                       .greeted = seat_greeted};
    if (w->seats_n == w->o.seats_max)
        return EXAM_FULL;
    exam_err err =
        sim_seat_init(&w->seats[w->seats_n], w->seats_n, name, w->nodes_n, &w->arena, &ties);
    if (err)
        return err;
    *seat = w->seats_n++;
    w->seats[*seat].chance = w->o.seed + *seat;
    return EXAM_OK;
}

/* ---------------------------------------------------------------- acts: nodes */

exam_err world_boot_node(struct world *w, uint32_t node, char *why, size_t why_bytes)
{
    struct sim_node *n = world_turn_of(w, node);
    if (sim_node_is_up(n))
        return EXAM_STATE;
    for (uint32_t seat = 0; n->dark && seat < w->seats_n; seat++)
        world_seat_ready(w, seat); /* an attempt that hung goes through now */
    return sim_node_boot(n, w->now_ms, why, why_bytes);
}

exam_err world_kill_node(struct world *w, uint32_t node)
{
    struct sim_node *n = world_turn_of(w, node);
    if (!sim_node_is_up(n))
        return EXAM_STATE;
    sim_node_die(n, false);
    w->counts[WORLD_FAULT_NODE_KILLED]++;
    return EXAM_OK;
}

exam_err world_stop_node(struct world *w, uint32_t node)
{
    struct sim_node *n = world_turn_of(w, node);
    if (!sim_node_is_up(n) || n->frozen)
        return EXAM_STATE;
    sim_node_stop(n, w->now_ms);
    return EXAM_OK;
}

exam_err world_wipe_node(struct world *w, uint32_t node)
{
    struct sim_node *n = world_turn_of(w, node);
    if (sim_node_is_up(n))
        sim_node_die(n, false);
    w->counts[WORLD_FAULT_NODE_WIPED]++;
    return sim_node_wipe(n);
}

exam_err world_power(struct world *w, uint32_t node, enum node_power what)
{
    return sim_node_power(world_turn_of(w, node), w->now_ms, what);
}

void world_set_date(struct world *w, uint32_t node, int64_t by_ms)
{
    world_turn_of(w, node)->clock.wall_at_ms += by_ms;
    w->counts[WORLD_FAULT_DATE]++;
}

/* ---------------------------------------------------------------- acts: seats */

exam_err world_boot_seat(struct world *w, uint32_t seat)
{
    if (sim_seat_is_on(&w->seats[seat]))
        return EXAM_STATE;
    sim_seat_boot(&w->seats[seat], w->now_ms);
    world_seat_touched(w, seat);
    return EXAM_OK;
}

exam_err world_kill_seat(struct world *w, uint32_t seat)
{
    if (!sim_seat_is_on(&w->seats[seat]))
        return EXAM_STATE;
    sim_seat_die(&w->seats[seat], false);
    w->counts[WORLD_FAULT_SEAT_KILLED]++;
    world_seat_touched(w, seat);
    return EXAM_OK;
}

void world_wipe_seat(struct world *w, uint32_t seat)
{
    if (sim_seat_is_on(&w->seats[seat]))
        sim_seat_die(&w->seats[seat], false);
    w->counts[WORLD_FAULT_SEAT_WIPED]++;
    sim_seat_wipe(&w->seats[seat]);
    world_seat_touched(w, seat);
}

exam_err world_sign_in(struct world *w, uint32_t seat, const char *admission_no, const char *id_no)
{
    exam_err err = sim_seat_sign_in(&w->seats[seat], w->now_ms, admission_no, id_no);
    world_seat_touched(w, seat);
    return err;
}

exam_err world_answer(struct world *w, uint32_t seat, const char *item, const char *value)
{
    exam_err err = sim_seat_answer(&w->seats[seat], w->now_ms, item, value);
    world_seat_touched(w, seat);
    return err;
}

exam_err world_submit(struct world *w, uint32_t seat)
{
    exam_err err = sim_seat_submit(&w->seats[seat], w->now_ms);
    world_seat_touched(w, seat);
    return err;
}

void world_leave(struct world *w, uint32_t seat)
{
    sim_seat_leave(&w->seats[seat]);
}

/* ---------------------------------------------------------------- acts: paths */

void world_cut_seat(struct world *w, uint32_t seat, uint32_t node)
{
    world_path_of(w, seat, node)->cut = true;
    w->counts[WORLD_FAULT_CUT] += w->seats[seat].links[node].end != NULL;
    sim_seat_cut(&w->seats[seat], w->now_ms, node);
    world_seat_touched(w, seat);
}

void world_heal_seat(struct world *w, uint32_t seat, uint32_t node)
{
    world_path_of(w, seat, node)->cut = false;
    w->healed = true;
    world_seat_ready(w, seat); /* an attempt that hung goes through now */
}

void world_cut_nodes(struct world *w, uint32_t a, uint32_t b)
{
    const char *x = w->nodes[a].config.node, *y = w->nodes[b].config.node;
    exam_err err = link_net_cut(w->net, x, y);
    assert(!err); /* NODES_MAX nodes have fewer pairs than it takes cuts */
    w->counts[WORLD_FAULT_CUT] += link_net_reset(w->net, x, y);
}

void world_heal_nodes(struct world *w, uint32_t a, uint32_t b)
{
    link_net_heal(w->net, w->nodes[a].config.node, w->nodes[b].config.node);
    if (w->o.no_hints)
        return;
    sim_node_dial_peers(world_turn_of(w, a), w->now_ms);
    sim_node_dial_peers(world_turn_of(w, b), w->now_ms);
}

static void nobody(void *ctx)
{
    (void)ctx; /* who has dialled looks when the instant is over */
}

exam_err world_dial_admin(struct world *w, uint32_t node, struct sim_end **out)
{
    return sim_node_dial(world_turn_of(w, node), w->now_ms, sim_node_admin_address, "office", NULL,
                         nobody, NULL, out);
}

exam_err world_dial_seat(struct world *w, uint32_t node, const char *seat, struct sim_end **out)
{
    return sim_node_dial(world_turn_of(w, node), w->now_ms, sim_node_seat_address, seat, NULL,
                         nobody, NULL, out);
}

/* ---------------------------------------------------------------- questions */

uint32_t world_nodes(const struct world *w)
{
    return w->nodes_n;
}

uint32_t world_seats(const struct world *w)
{
    return w->seats_n;
}

const char *world_node_name(const struct world *w, uint32_t node)
{
    return w->nodes[node].config.node;
}

struct node *world_node(struct world *w, uint32_t node)
{
    struct sim_node *n = world_turn_of(w, node);
    if (n->node)
        sim_clock_turn(&n->clock, w->now_ms);
    return n->node;
}

uint32_t world_node_boots(const struct world *w, uint32_t node)
{
    return w->nodes[node].boots;
}

const struct sim_seat *world_seat(const struct world *w, uint32_t seat)
{
    return &w->seats[seat];
}

const store_image *world_disk(const struct world *w, uint32_t node)
{
    return w->nodes[node].disk;
}

static bool serves(const struct sim_node *n)
{
    return n->node && rep_role(node_rep(n->node)) == REP_ROLE_PRIMARY;
}

uint32_t world_primary(const struct world *w)
{
    uint32_t best = WORLD_NONE;
    for (uint32_t i = 0; i < w->nodes_n; i++)
        if (serves(&w->nodes[i]) &&
            (best == WORLD_NONE ||
             rep_epoch(node_rep(w->nodes[i].node)) > rep_epoch(node_rep(w->nodes[best].node))))
            best = i;
    return best;
}

bool world_seat_is_served(const struct world *w, uint32_t seat)
{
    for (uint32_t i = 0; i < w->nodes_n; i++)
        if (serves(&w->nodes[i]) && is_open(world_path_of(w, seat, i)))
            return true;
    return false;
}
