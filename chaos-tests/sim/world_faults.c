#include <assert.h>

#include "world_inside.h"

/* ---------------------------------------------------------------- paths */

static struct mem_way *node_way(struct world *w, uint32_t from, uint32_t to)
{
    const char *x = w->nodes[from].config.node, *y = w->nodes[to].config.node;
    struct mem_way *way;
    exam_err err = link_net_way(w->net, x, y, &way);
    assert(!err); /* NODES_MAX nodes have fewer ways than a network takes */
    return way;
}

static struct mem_way *way_of(struct world *w, struct world_place from, struct world_place to)
{
    assert(!from.is_seat || !to.is_seat);
    if (from.is_seat)
        return &world_path_of(w, from.number, to.number)->path.to_node;
    if (to.is_seat)
        return &world_path_of(w, to.number, from.number)->path.to_dialler;
    (void)node_way(w, to.number, from.number); /* each is to know the other */
    return node_way(w, from.number, to.number);
}

void world_mute(struct world *w, struct world_place from, struct world_place to, enum mem_cut how)
{
    way_of(w, from, to)->cut = how;
    if (how == MEM_CUT_NONE && (from.is_seat || to.is_seat)) /* an attempt that hung goes through */
        world_seat_ready(w, from.is_seat ? from.number : to.number);
}

void world_weather(struct world *w, struct world_place from, struct world_place to,
                   const struct mem_weather *weather)
{
    struct mem_way *way = way_of(w, from, to);
    way->weather = weather ? *weather : (struct mem_weather){0};
    if (way->stream) /* TCP mends these */
        way->weather.loss_permille = way->weather.duplicate_permille =
            way->weather.reorder_permille = 0;
}

/* ---------------------------------------------------------------- machines */

exam_err world_unplug_node(struct world *w, uint32_t node)
{
    struct sim_node *n = world_turn_of(w, node);
    if (!sim_node_is_up(n))
        return EXAM_STATE;
    sim_node_die(n, true);
    w->counts[WORLD_FAULT_NODE_UNPLUGGED]++;
    return EXAM_OK;
}

exam_err world_unplug_seat(struct world *w, uint32_t seat)
{
    if (!sim_seat_is_on(&w->seats[seat]))
        return EXAM_STATE;
    sim_seat_die(&w->seats[seat], true);
    w->counts[WORLD_FAULT_SEAT_UNPLUGGED]++;
    world_seat_touched(w, seat);
    return EXAM_OK;
}

bool world_node_is_frozen(const struct world *w, uint32_t node)
{
    return w->nodes[node].frozen;
}

bool world_seat_is_frozen(const struct world *w, uint32_t seat)
{
    return w->seats[seat].frozen;
}

exam_err world_freeze_node(struct world *w, uint32_t node)
{
    struct sim_node *n = world_turn_of(w, node);
    if (!sim_node_is_up(n) || n->frozen)
        return EXAM_STATE;
    sim_node_freeze(n, true);
    return EXAM_OK;
}

exam_err world_thaw_node(struct world *w, uint32_t node)
{
    struct sim_node *n = world_turn_of(w, node);
    if (!n->frozen)
        return EXAM_STATE;
    sim_node_freeze(n, false);
    w->counts[WORLD_FAULT_NODE_FROZEN] += sim_node_wants_turn(n, w->now_ms);
    return EXAM_OK;
}

exam_err world_freeze_seat(struct world *w, uint32_t seat)
{
    struct sim_seat *s = &w->seats[seat];
    if (!sim_seat_is_on(s) || s->frozen)
        return EXAM_STATE;
    sim_seat_freeze(s, true);
    world_seat_touched(w, seat);
    return EXAM_OK;
}

exam_err world_thaw_seat(struct world *w, uint32_t seat)
{
    struct sim_seat *s = &w->seats[seat];
    if (!s->frozen)
        return EXAM_STATE;
    sim_seat_freeze(s, false);
    w->counts[WORLD_FAULT_SEAT_FROZEN] += sim_seat_deadline_ms(s) <= w->now_ms;
    world_seat_touched(w, seat);
    return EXAM_OK;
}

void world_fuse_node(struct world *w, uint32_t node, uint64_t n, bool commit_kept)
{
    sim_fuse_set(&w->nodes[node].fuse, n);
    w->nodes[node].commit_kept = commit_kept;
}

void world_fuse_seat(struct world *w, uint32_t seat, uint64_t n)
{
    sim_fuse_set(&w->seats[seat].fuse, n);
}

uint64_t world_node_effects(const struct world *w, uint32_t node)
{
    return w->nodes[node].fuse.effects_n;
}

uint64_t world_seat_effects(const struct world *w, uint32_t seat)
{
    return w->seats[seat].fuse.effects_n;
}

/* ---------------------------------------------------------------- disks */

void world_fail_commit(struct world *w, uint32_t node, uint64_t n, enum store_fault fault)
{
    store_image_fail_commit(w->nodes[node].disk, n, fault);
}

void world_hang_commit(struct world *w, uint32_t node, uint64_t n, uint64_t ms)
{
    w->nodes[node].hang_in = n;
    w->nodes[node].hang_ms = ms;
}

void world_fill_disk(struct world *w, uint32_t node, uint64_t free_bytes, uint64_t reserve_bytes)
{
    store_image *disk = w->nodes[node].disk;
    if (free_bytes == WORLD_ROOM)
        store_image_set_capacity(disk, 0, 0, 0);
    else
        store_image_set_capacity(disk, store_image_bytes(disk) + free_bytes + reserve_bytes,
                                 reserve_bytes, 2 * reserve_bytes);
}

exam_err world_rot(struct world *w, uint32_t node, uint64_t lsn, size_t at, uint8_t bits)
{
    return store_image_rot(w->nodes[node].disk, lsn, at, bits);
}

void world_set_tail(struct world *w, uint32_t seat, enum sim_tail tail)
{
    w->seats[seat].tail = tail;
}

void world_fail_journal(struct world *w, uint32_t seat, uint64_t n, enum sim_journal_fault fault)
{
    w->seats[seat].journal.fail_in = n;
    w->seats[seat].journal.fault = fault;
}

/* ---------------------------------------------------------------- counts */

static uint64_t count_paths(const struct world *w, enum world_fault f)
{
    const struct mem_counts *c = &w->air->counts;
    switch (f) {
    case WORLD_FAULT_HELD_ONE_WAY:
        return c->held[0];
    case WORLD_FAULT_HELD_BOTH:
        return c->held[1];
    case WORLD_FAULT_LOST_ONE_WAY:
        return c->cut_off[0];
    case WORLD_FAULT_LOST_BOTH:
        return c->cut_off[1];
    case WORLD_FAULT_DIAL_HUNG:
        return link_net_dials_hung(w->net);
    case WORLD_FAULT_DELAY:
        return c->delayed;
    case WORLD_FAULT_LOSS:
        return c->lost;
    case WORLD_FAULT_DUPLICATE:
        return c->doubled;
    case WORLD_FAULT_REORDER:
        return c->overtaken;
    case WORLD_FAULT_STALL:
        return c->stalled;
    case WORLD_FAULT_RESET:
        return c->resets;
    default:
        return 0;
    }
}

static uint64_t count_node(const struct sim_node *n, enum world_fault f)
{
    switch (f) {
    case WORLD_FAULT_NODE_FUSE:
        return n->fuses_n;
    case WORLD_FAULT_POWER_LOST:
        return n->power_lost_n;
    case WORLD_FAULT_POWER_KEPT:
        return n->power_kept_n;
    case WORLD_FAULT_IO_LOST:
        return sim_node_met(n, STORE_FAULT_IO_LOST);
    case WORLD_FAULT_IO_KEPT:
        return sim_node_met(n, STORE_FAULT_IO_KEPT);
    case WORLD_FAULT_DISK_FULL:
        return sim_node_met(n, STORE_FAULT_FULL);
    case WORLD_FAULT_ROT:
        return sim_node_rot_reads(n);
    default:
        return 0;
    }
}

static uint64_t count_seat(const struct sim_seat *s, enum world_fault f)
{
    switch (f) {
    case WORLD_FAULT_TAIL_LOST:
        return s->tails_n[SIM_TAIL_LOST];
    case WORLD_FAULT_TAIL_TORN:
        return s->tails_n[SIM_TAIL_TORN];
    case WORLD_FAULT_TAIL_KEPT:
        return s->tails_n[SIM_TAIL_KEPT];
    case WORLD_FAULT_JOURNAL_FULL:
        return s->journal.met[SIM_JOURNAL_FULL];
    case WORLD_FAULT_JOURNAL_IO:
        return s->journal.met[SIM_JOURNAL_IO_LOST] + s->journal.met[SIM_JOURNAL_IO_KEPT];
    default:
        return 0;
    }
}

uint64_t world_count(const struct world *w, enum world_fault f)
{
    assert(f < WORLD_FAULTS);
    uint64_t n = w->counts[f] + count_paths(w, f);
    for (uint32_t i = 0; i < w->nodes_n; i++)
        n += count_node(&w->nodes[i], f);
    for (uint32_t i = 0; i < w->seats_n; i++)
        n += count_seat(&w->seats[i], f);
    return n;
}

const char *world_fault_name(enum world_fault f)
{
    static const char *const names[WORLD_FAULTS] = {
        [WORLD_FAULT_CUT] = "cut",
        [WORLD_FAULT_HELD_ONE_WAY] = "held-one-way",
        [WORLD_FAULT_HELD_BOTH] = "held-both-ways",
        [WORLD_FAULT_LOST_ONE_WAY] = "lost-one-way",
        [WORLD_FAULT_LOST_BOTH] = "lost-both-ways",
        [WORLD_FAULT_DIAL_HUNG] = "dial-hung",
        [WORLD_FAULT_DELAY] = "delay",
        [WORLD_FAULT_LOSS] = "loss",
        [WORLD_FAULT_DUPLICATE] = "duplicate",
        [WORLD_FAULT_REORDER] = "reorder",
        [WORLD_FAULT_STALL] = "stall",
        [WORLD_FAULT_RESET] = "reset",
        [WORLD_FAULT_NODE_KILLED] = "node-killed",
        [WORLD_FAULT_NODE_UNPLUGGED] = "node-unplugged",
        [WORLD_FAULT_NODE_FROZEN] = "node-frozen",
        [WORLD_FAULT_NODE_FUSE] = "node-fuse",
        [WORLD_FAULT_NODE_WIPED] = "node-wiped",
        [WORLD_FAULT_DATE] = "date",
        [WORLD_FAULT_SEAT_KILLED] = "seat-killed",
        [WORLD_FAULT_SEAT_UNPLUGGED] = "seat-unplugged",
        [WORLD_FAULT_SEAT_FROZEN] = "seat-frozen",
        [WORLD_FAULT_SEAT_FUSE] = "seat-fuse",
        [WORLD_FAULT_SEAT_WIPED] = "seat-wiped",
        [WORLD_FAULT_POWER_LOST] = "power-lost",
        [WORLD_FAULT_POWER_KEPT] = "power-kept",
        [WORLD_FAULT_IO_LOST] = "io-lost",
        [WORLD_FAULT_IO_KEPT] = "io-kept",
        [WORLD_FAULT_DISK_FULL] = "disk-full",
        [WORLD_FAULT_ROT] = "rot",
        [WORLD_FAULT_TAIL_LOST] = "tail-lost",
        [WORLD_FAULT_TAIL_TORN] = "tail-torn",
        [WORLD_FAULT_TAIL_KEPT] = "tail-kept",
        [WORLD_FAULT_JOURNAL_FULL] = "journal-full",
        [WORLD_FAULT_JOURNAL_IO] = "journal-io",
    };
    return f < WORLD_FAULTS ? names[f] : "?";
}
