#include "sim_node.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { LINK_SEND_BYTES = 8 << 20 }; /* as loop.c of the real node has it */

const char sim_node_seat_address[] = "seats";
const char sim_node_admin_address[] = "admins";

static void wake(void *ctx)
{
    struct sim_node *n = ctx;
    n->woken = true;
}

/* ---------------------------------------------------------------- what the fuse holds back */

static bool may_send(void *ctx)
{
    struct sim_node *n = ctx;
    return sim_fuse_pass(&n->fuse);
}

/* The beginning of a commit is one effect, its end another. */
static enum store_fault commit_meets(void *ctx, enum store_fault due)
{
    struct sim_node *n = ctx;
    if (!sim_fuse_pass(&n->fuse))
        return STORE_FAULT_POWER_LOST;
    if (n->in_turn && n->hang_in && --n->hang_in == 0)
        sim_clock_pass(n->hang_ms);
    if (due == STORE_FAULT_POWER_LOST || due == STORE_FAULT_POWER_KEPT)
        n->fuse.blown = true;
    else if (!sim_fuse_pass(&n->fuse))
        due = n->commit_kept ? STORE_FAULT_POWER_KEPT : STORE_FAULT_POWER_LOST;
    n->power_lost_n += due == STORE_FAULT_POWER_LOST;
    n->power_kept_n += due == STORE_FAULT_POWER_KEPT;
    return due;
}

/* ---------------------------------------------------------------- the machine */

exam_err sim_node_init(struct sim_node *n, uint32_t number, struct link_net *net,
                       const struct config *config)
{
    *n = (struct sim_node){.config = *config, .net = net, .number = number, .next_ms = UINT64_MAX};
    struct config *c = &n->config;
    snprintf(c->seat_listen, sizeof c->seat_listen, "%s", sim_node_seat_address);
    snprintf(c->admin_listen, sizeof c->admin_listen, "%s", sim_node_admin_address);
    snprintf(c->replica_listen, sizeof c->replica_listen, "%s:1", c->node);
    for (size_t i = 0; i < c->peers_n; i++)
        snprintf(c->peers[i].replica, sizeof c->peers[i].replica, "%s:1", c->peers[i].node);
    exam_err err = store_image_new(&n->disk);
    if (!err)
        store_image_on_commit(n->disk, commit_meets, n);
    return err;
}

bool sim_node_is_up(const struct sim_node *n)
{
    return n->node != NULL;
}

/* Everything but the node itself, and what the node has taken over. */
static void cut_power(struct sim_node *n, bool unheard)
{
    if (unheard)
        link_net_unplug(n->net, n->config.node);
    link_hub_free(n->hub);
    if (unheard)
        sim_host_unplug(n->host);
    else
        sim_host_free(n->host);
    n->dark = unheard;
    n->fuses_n += sim_fuse_is_burnt(&n->fuse);
    n->hub = NULL;
    n->host = NULL;
    n->node = NULL;
    n->on = n->woken = n->frozen = n->ups_unheard = false;
    n->fuse = (struct sim_fuse){0};
    n->next_ms = UINT64_MAX;
}

static exam_err open_network(struct sim_node *n)
{
    const struct link_options links = {
        .send_bytes_max = LINK_SEND_BYTES, .wake = wake, .wake_ctx = n};
    exam_err err = sim_host_new(wake, n, &n->host);
    if (!err)
        err = link_hub_new_mem(n->net, n->config.node, &links, &n->hub);
    if (err)
        return err;
    sim_host_gate(n->host, may_send, n);
    link_hub_mem_gate(n->hub, may_send, n);
    return EXAM_OK;
}

static bool die_if_blown(struct sim_node *n)
{
    if (!n->fuse.blown)
        return false;
    /* A process that crashes leaves a kernel which says so; a power cut leaves nothing. */
    sim_node_die(n, !sim_fuse_is_burnt(&n->fuse));
    return true;
}

exam_err sim_node_boot(struct sim_node *n, uint64_t now_ms, char *why, size_t why_bytes)
{
    struct node_parts parts = {0};
    assert(!n->node);
    sim_clock_boot(&n->clock, n->number, n->boots++, now_ms);
    sim_clock_turn(&n->clock, now_ms);
    n->on = true;
    n->dark = false;
    n->failure = EXAM_OK;
    exam_err err = open_network(n);
    if (!err)
        err = store_open_image(n->disk, &parts.store);
    parts.hub = n->hub;
    parts.loop = n->host;
    parts.window_bytes = n->window_bytes;
    if (!err)
        err = node_open(&n->config, &parts, &n->node, why, why_bytes);
    if (err) {
        bool crashed = n->fuse.blown;
        cut_power(n, false);
        return crashed ? EXAM_OK : err;
    }
    node_start(n->node);
    if (n->has_ups)
        node_power(n->node, n->mains);
    n->woken = true;
    die_if_blown(n);
    return EXAM_OK;
}

void sim_node_die(struct sim_node *n, bool unheard)
{
    assert(n->node);
    node_abandon(n->node);
    cut_power(n, unheard);
}

void sim_node_stop(struct sim_node *n, uint64_t now_ms)
{
    assert(n->node && !n->frozen);
    sim_clock_turn(&n->clock, now_ms);
    node_stop(n->node);
    sim_node_die(n, false);
}

void sim_node_freeze(struct sim_node *n, bool frozen)
{
    assert(n->node);
    n->frozen = frozen;
}

static void hear_ups(struct sim_node *n, uint64_t now_ms)
{
    sim_clock_turn(&n->clock, now_ms);
    n->ups_unheard = false;
    node_power(n->node, n->ups_said);
}

exam_err sim_node_power(struct sim_node *n, uint64_t now_ms, enum node_power what)
{
    if (what != NODE_BATTERY_LOW) {
        n->has_ups = true;
        n->mains = what;
    }
    if (!n->node)
        return EXAM_STATE;
    n->ups_said = what;
    n->ups_unheard = true;
    n->woken = true;
    if (!n->frozen)
        hear_ups(n, now_ms);
    die_if_blown(n);
    return EXAM_OK;
}

exam_err sim_node_wipe(struct sim_node *n)
{
    store_image *empty;
    assert(!n->node);
    exam_err err = store_image_new(&empty);
    if (err)
        return err;
    for (int f = 0; f < STORE_FAULTS; f++)
        n->met[f] += store_image_met(n->disk, (enum store_fault)f);
    n->rot_reads += store_image_rot_reads(n->disk);
    store_image_free(n->disk);
    n->disk = empty;
    store_image_on_commit(n->disk, commit_meets, n);
    return EXAM_OK;
}

uint64_t sim_node_met(const struct sim_node *n, enum store_fault fault)
{
    return n->met[fault] + store_image_met(n->disk, fault);
}

uint64_t sim_node_rot_reads(const struct sim_node *n)
{
    return n->rot_reads + store_image_rot_reads(n->disk);
}

void sim_node_fini(struct sim_node *n)
{
    if (n->node)
        sim_node_die(n, false);
    store_image_free(n->disk);
    n->disk = NULL;
}

bool sim_node_wants_turn(const struct sim_node *n, uint64_t now_ms)
{
    return n->node && !n->frozen && (n->woken || n->next_ms <= now_ms);
}

uint64_t sim_node_turn(struct sim_node *n, uint64_t now_ms)
{
    assert(n->node && !n->frozen);
    sim_clock_turn(&n->clock, now_ms);
    n->in_turn = true;
    n->woken = false;
    if (n->ups_unheard)
        hear_ups(n, now_ms);
    node_take_links(n->node);
    sim_host_deliver(n->host);
    n->next_ms = sim_clock_to_world(&n->clock, node_turn(n->node));
    n->in_turn = false;
    now_ms = sim_clock_pass(0);
    if (die_if_blown(n))
        return now_ms;
    n->failure = node_failure(n->node);
    if (n->failure) /* the process ends by itself, without a further word (D6) */
        sim_node_die(n, false);
    else if (node_wants_stop(n->node))
        sim_node_stop(n, now_ms);
    return now_ms;
}

void sim_node_dial_peers(struct sim_node *n, uint64_t now_ms)
{
    if (!n->node || n->frozen)
        return;
    sim_clock_turn(&n->clock, now_ms);
    node_dial_peers(n->node);
    n->woken = true;
}

exam_err sim_node_dial(struct sim_node *n, uint64_t now_ms, const char *address, const char *peer,
                       const struct sim_path *path, void (*wake_other)(void *ctx), void *ctx,
                       struct sim_end **out)
{
    if (!n->node)
        return EXAM_CONN;
    sim_clock_turn(&n->clock, now_ms);
    return sim_dial(n->host, address, peer, path, wake_other, ctx, out);
}
