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
    return store_image_new(&n->disk);
}

bool sim_node_is_up(const struct sim_node *n)
{
    return n->node != NULL;
}

/* Everything but the node itself, and what the node has taken over. */
static void cut_power(struct sim_node *n)
{
    link_hub_free(n->hub);
    sim_host_free(n->host);
    n->hub = NULL;
    n->host = NULL;
    n->node = NULL;
    n->woken = false;
    n->next_ms = UINT64_MAX;
}

exam_err sim_node_boot(struct sim_node *n, uint64_t now_ms, char *why, size_t why_bytes)
{
    const struct link_options links = {
        .send_bytes_max = LINK_SEND_BYTES, .wake = wake, .wake_ctx = n};
    struct node_parts parts = {0};
    assert(!n->node);
    sim_clock_boot(&n->clock, n->number, n->boots++, now_ms);
    sim_clock_turn(&n->clock, now_ms);
    n->failure = EXAM_OK;
    exam_err err = sim_host_new(wake, n, &n->host);
    if (!err)
        err = link_hub_new_mem(n->net, n->config.node, &links, &n->hub);
    if (!err)
        err = store_open_image(n->disk, &parts.store);
    parts.hub = n->hub;
    parts.loop = n->host;
    if (!err)
        err = node_open(&n->config, &parts, &n->node, why, why_bytes);
    if (err) {
        cut_power(n);
        return err;
    }
    node_start(n->node);
    if (n->has_ups)
        node_power(n->node, n->mains);
    n->woken = true;
    return EXAM_OK;
}

void sim_node_die(struct sim_node *n)
{
    assert(n->node);
    node_abandon(n->node);
    cut_power(n);
}

void sim_node_stop(struct sim_node *n, uint64_t now_ms)
{
    assert(n->node);
    sim_clock_turn(&n->clock, now_ms);
    node_stop(n->node);
    sim_node_die(n);
}

exam_err sim_node_power(struct sim_node *n, uint64_t now_ms, enum node_power what)
{
    if (what != NODE_BATTERY_LOW) {
        n->has_ups = true;
        n->mains = what;
    }
    if (!n->node)
        return EXAM_STATE;
    sim_clock_turn(&n->clock, now_ms);
    node_power(n->node, what);
    n->woken = true;
    return EXAM_OK;
}

exam_err sim_node_wipe(struct sim_node *n)
{
    store_image *empty;
    assert(!n->node);
    exam_err err = store_image_new(&empty);
    if (err)
        return err;
    store_image_free(n->disk);
    n->disk = empty;
    return EXAM_OK;
}

void sim_node_fini(struct sim_node *n)
{
    if (n->node)
        sim_node_die(n);
    store_image_free(n->disk);
    n->disk = NULL;
}

bool sim_node_wants_turn(const struct sim_node *n, uint64_t now_ms)
{
    return n->node && (n->woken || n->next_ms <= now_ms);
}

void sim_node_turn(struct sim_node *n, uint64_t now_ms)
{
    assert(n->node);
    sim_clock_turn(&n->clock, now_ms);
    n->woken = false;
    node_take_links(n->node);
    sim_host_deliver(n->host);
    n->next_ms = sim_clock_to_world(&n->clock, node_turn(n->node));
    n->failure = node_failure(n->node);
    if (n->failure) /* the process ends by itself, without a further word (D6) */
        sim_node_die(n);
    else if (node_wants_stop(n->node))
        sim_node_stop(n, now_ms);
}

void sim_node_dial_peers(struct sim_node *n, uint64_t now_ms)
{
    if (!n->node)
        return;
    sim_clock_turn(&n->clock, now_ms);
    node_dial_peers(n->node);
    n->woken = true;
}

exam_err sim_node_dial(struct sim_node *n, uint64_t now_ms, const char *address, const char *peer,
                       void (*wake_other)(void *ctx), void *ctx, struct sim_end **out)
{
    if (!n->node)
        return EXAM_CONN;
    sim_clock_turn(&n->clock, now_ms);
    return sim_dial(n->host, address, peer, wake_other, ctx, out);
}
