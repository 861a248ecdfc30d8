/* The hub in memory. A link is two ends that know each other; what one sends waits in its queue
 * until the pump moves it into the other's receive buffer. On a way with faults it goes through a
 * wire first: the queue is what has got through. */
#include "link_mem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "frame.h"
#include "link_backend.h"

enum { LISTENERS_MAX = 4, CUTS_MAX = 64, WAYS_MAX = 64, DARK_MAX = 16, URL_BYTES_MAX = 128 };

enum mem_state {
    MEM_DIALLING,
    MEM_OPEN,
    MEM_CLOSED_HERE, /* by the owner: what was queued is still carried, then it goes */
};

struct mem_link {
    STAILQ_ENTRY(mem_link) net_entry;
    struct mem_hub *hub;            /* NULL: closed by it */
    char place[NAME_BYTES_MAX + 1]; /* the hub's name: a path can be cut after the closing, too */
    struct mem_link *other;
    struct link_id id;
    bool dialled;
    uint64_t token;
    enum mem_state state;
    char url[URL_BYTES_MAX];
    struct frame_reader reader;
    uint8_t *recv_buf;
    struct link_queue sending;
    struct mem_wire wire;         /* wire.air is NULL: the way has always been whole */
    bool ending;                  /* closed here; the end is on the wire */
    bool orphaned;                /* the other place lost its power, and nobody said so */
    char far[NAME_BYTES_MAX + 1]; /* where the other end stands, or stood */
    uint64_t give_up_ms;          /* of a dial that meets a silent cut; 0: it has met none */
    bool told_open;               /* LINK_OPENED was handed out */
    bool armed;                   /* the buffer has no whole frame: more may come */
    bool ended;                   /* nothing more comes from the other end */
    exam_err reason;              /* with ended, or of a dial that failed */
};

struct mem_hub {
    struct link_hub base;
    struct link_net *net;
    STAILQ_ENTRY(mem_hub) net_entry;
    char name[NAME_BYTES_MAX + 1];
    struct link_slots slots;
    uint32_t accepted;
    char listens[LISTENERS_MAX][URL_BYTES_MAX];
    size_t listens_n;
    struct mem_link *current; /* the payload handed out last is in its buffer */
    uint32_t scan;            /* where link_next looks first */
    uint32_t slots_top;       /* no link has ever been behind it */
    bool (*may_send)(void *ctx);
    void *may_send_ctx;
};

struct net_way {
    char from[NAME_BYTES_MAX + 1], to[NAME_BYTES_MAX + 1];
    struct mem_way way;
};

struct link_net {
    STAILQ_HEAD(, mem_hub) hubs;
    STAILQ_HEAD(, mem_link) links; /* in the order of dialling */
    struct {
        char a[NAME_BYTES_MAX + 1], b[NAME_BYTES_MAX + 1];
    } cuts[CUTS_MAX];
    size_t cuts_n;
    struct mem_air air;
    struct net_way *ways[WAYS_MAX];
    size_t ways_n;
    char dark[DARK_MAX][URL_BYTES_MAX]; /* listened on by machines without power */
    size_t dark_n;
    uint64_t dials_hung;
};

static struct mem_hub *hub_of(struct link_hub *h)
{
    return (struct mem_hub *)h;
}

static void hub_wake(const struct mem_hub *h)
{
    if (h->base.o.wake)
        h->base.o.wake(h->base.o.wake_ctx);
}

/* ---------------------------------------------------------------- the network */

exam_err link_net_new(struct link_net **out)
{
    struct link_net *net = calloc(1, sizeof *net);
    if (!net)
        return EXAM_NOMEM;
    STAILQ_INIT(&net->hubs);
    STAILQ_INIT(&net->links);
    mem_air_init(&net->air, 0);
    *out = net;
    return EXAM_OK;
}

static bool cut_is(const struct link_net *net, size_t i, const char *a, const char *b)
{
    return (!strcmp(net->cuts[i].a, a) && !strcmp(net->cuts[i].b, b)) ||
           (!strcmp(net->cuts[i].a, b) && !strcmp(net->cuts[i].b, a));
}

static bool net_is_cut(const struct link_net *net, const char *a, const char *b)
{
    for (size_t i = 0; i < net->cuts_n; i++)
        if (cut_is(net, i, a, b))
            return true;
    return false;
}

exam_err link_net_cut(struct link_net *net, const char *a, const char *b)
{
    if (net_is_cut(net, a, b))
        return EXAM_OK;
    if (net->cuts_n == CUTS_MAX)
        return EXAM_FULL;
    snprintf(net->cuts[net->cuts_n].a, sizeof net->cuts[0].a, "%s", a);
    snprintf(net->cuts[net->cuts_n].b, sizeof net->cuts[0].b, "%s", b);
    net->cuts_n++;
    return EXAM_OK;
}

void link_net_heal(struct link_net *net, const char *a, const char *b)
{
    for (size_t i = net->cuts_n; i-- > 0;)
        if (cut_is(net, i, a, b))
            net->cuts[i] = net->cuts[--net->cuts_n];
}

static struct mem_way *net_find_way(const struct link_net *net, const char *from, const char *to)
{
    for (size_t i = 0; i < net->ways_n; i++)
        if (!strcmp(net->ways[i]->from, from) && !strcmp(net->ways[i]->to, to))
            return &net->ways[i]->way;
    return NULL;
}

exam_err link_net_way(struct link_net *net, const char *from, const char *to, struct mem_way **out)
{
    struct mem_way *back = net_find_way(net, to, from), *known = net_find_way(net, from, to);
    if (known) {
        *out = known;
        return EXAM_OK;
    }
    if (net->ways_n == WAYS_MAX)
        return EXAM_FULL;
    struct net_way *w = calloc(1, sizeof *w);
    if (!w)
        return EXAM_NOMEM;
    snprintf(w->from, sizeof w->from, "%s", from);
    snprintf(w->to, sizeof w->to, "%s", to);
    w->way.back = back;
    if (back)
        back->back = &w->way;
    net->ways[net->ways_n++] = w;
    *out = &w->way;
    return EXAM_OK;
}

static bool net_is_muted(const struct link_net *net, const char *a, const char *b)
{
    const struct mem_way *there = net_find_way(net, a, b), *back = net_find_way(net, b, a);
    return (there && there->cut) || (back && back->cut);
}

struct mem_air *link_net_air(struct link_net *net)
{
    return &net->air;
}

uint64_t link_net_dials_hung(const struct link_net *net)
{
    return net->dials_hung;
}

static bool link_between(const struct mem_link *l, const char *a, const char *b)
{
    if (!l->other)
        return false;
    const char *from = l->place, *to = l->other->place;
    return (!strcmp(from, a) && !strcmp(to, b)) || (!strcmp(from, b) && !strcmp(to, a));
}

static void link_end(struct mem_link *l, exam_err reason)
{
    if (l->ended)
        return;
    l->ended = true;
    l->reason = reason;
    if (l->hub)
        hub_wake(l->hub);
}

/* Neither end hears of the other again. */
static void link_part(struct mem_link *l)
{
    if (l->other)
        l->other->other = NULL;
    l->other = NULL;
}

static void link_break(struct mem_link *l)
{
    link_end(l->other, EXAM_CONN);
    link_end(l, EXAM_CONN);
    link_part(l);
}

uint32_t link_net_reset(struct link_net *net, const char *a, const char *b)
{
    struct mem_link *l;
    uint32_t n = 0;
    STAILQ_FOREACH(l, &net->links, net_entry)
    {
        if (!link_between(l, a, b))
            continue;
        link_break(l);
        n++;
    }
    return n;
}

/* A dial to a machine that is off hears nothing, either. */
static void hub_darken(struct link_net *net, const struct mem_hub *h)
{
    for (size_t i = 0; i < h->listens_n && net->dark_n < DARK_MAX; i++)
        memcpy(net->dark[net->dark_n++], h->listens[i], URL_BYTES_MAX);
}

static bool net_is_dark(const struct link_net *net, const char *url)
{
    for (size_t i = 0; i < net->dark_n; i++)
        if (!strcmp(net->dark[i], url))
            return true;
    return false;
}

static void net_lighten(struct link_net *net, const char *url)
{
    for (size_t i = net->dark_n; i-- > 0;)
        if (!strcmp(net->dark[i], url))
            memmove(net->dark[i], net->dark[--net->dark_n], URL_BYTES_MAX);
}

void link_net_unplug(struct link_net *net, const char *place)
{
    struct mem_link *l;
    const struct mem_hub *h;
    STAILQ_FOREACH(h, &net->hubs, net_entry)
    if (!strcmp(h->name, place))
        hub_darken(net, h);
    STAILQ_FOREACH(l, &net->links, net_entry)
    {
        if (!l->other || strcmp(l->other->place, place) != 0)
            continue;
        l->orphaned = true;
        link_part(l);
    }
}

/* ---------------------------------------------------------------- links */

static exam_err mem_make(struct mem_hub *h, bool dialled, struct mem_link **out)
{
    struct mem_link *l = calloc(1, sizeof *l);
    if (!l)
        return EXAM_NOMEM;
    exam_err err = link_slots_add(&h->slots, l, &l->id);
    if (err) {
        free(l);
        return err;
    }
    if (h->slots_top <= (uint32_t)l->id.n)
        h->slots_top = (uint32_t)l->id.n + 1;
    l->hub = h;
    snprintf(l->place, sizeof l->place, "%s", h->name);
    l->dialled = dialled;
    l->armed = true;
    h->accepted += !dialled;
    STAILQ_INSERT_TAIL(&h->net->links, l, net_entry);
    *out = l;
    return EXAM_OK;
}

/* Most dials of a long night come to nothing: only a link that opens gets a buffer. */
static exam_err mem_open(struct mem_link *l, const char *far)
{
    const struct link_options *o = &l->hub->base.o;
    l->recv_buf = malloc(o->recv_bytes);
    if (!l->recv_buf)
        return EXAM_NOMEM;
    frame_reader_init(&l->reader, l->recv_buf, o->recv_bytes, o->payload_bytes_max);
    l->state = MEM_OPEN;
    snprintf(l->far, sizeof l->far, "%s", far);
    return EXAM_OK;
}

static void wire_arrived(void *owner, enum mem_arrival what, const uint8_t *bytes, size_t n)
{
    struct mem_link *l = owner;
    switch (what) {
    case MEM_FRAME:
        if (link_queue_push(&l->sending, bytes, n))
            abort(); /* a simulation has no use for half a network */
        return;
    case MEM_END:
        l->ending = false;
        return;
    case MEM_RESET:
        l->ending = false;
        if (l->other)
            link_break(l);
        else
            link_end(l, EXAM_CONN);
        return;
    }
}

/* What l sends goes through it, if it is not NULL. */
static struct mem_wire *wire_of(struct link_net *net, struct mem_link *l)
{
    struct mem_way *way;
    if (!l->wire.air && net->ways_n && (way = net_find_way(net, l->place, l->far)))
        mem_wire_init(&l->wire, &net->air, way, wire_arrived, l);
    return l->wire.air && !mem_wire_is_idle(&l->wire) ? &l->wire : NULL;
}

/* The hub knows the link no more; the pump still carries what it sent. */
static void mem_detach(struct mem_link *l)
{
    struct mem_hub *h = l->hub;
    struct mem_wire *wire = l->other ? wire_of(h->net, l) : NULL;
    if (wire)
        l->ending = mem_wire_end(wire) == EXAM_OK;
    link_slots_remove(&h->slots, l->id);
    h->accepted -= !l->dialled;
    if (h->current == l)
        h->current = NULL;
    l->state = MEM_CLOSED_HERE;
    l->hub = NULL;
}

static void mem_free(struct link_net *net, struct mem_link *l)
{
    STAILQ_REMOVE(&net->links, l, mem_link, net_entry);
    mem_wire_fini(&l->wire);
    link_queue_fini(&l->sending);
    free(l->recv_buf);
    free(l);
}

/* ---------------------------------------------------------------- the pump */

static struct mem_hub *net_listener(const struct link_net *net, const struct mem_link *l)
{
    struct mem_hub *h;
    STAILQ_FOREACH(h, &net->hubs, net_entry)
    for (size_t i = 0; i < h->listens_n; i++)
        if (!strcmp(h->listens[i], l->url))
            return h;
    return NULL;
}

/* A silent cut says nothing: the attempt ends when its owner has waited for long enough. */
static bool dial_hangs(struct link_net *net, struct mem_link *l)
{
    uint64_t now_ms = net->air.now_ms;
    if (!l->give_up_ms) {
        l->give_up_ms = now_ms + l->hub->base.o.dial_timeout_ms;
        net->dials_hung++;
    }
    if (now_ms < l->give_up_ms)
        return false;
    link_end(l, EXAM_TIMEOUT);
    return true;
}

/* True if anything came of it. */
static bool pump_dial(struct link_net *net, struct mem_link *l)
{
    struct mem_hub *h = net_listener(net, l);
    struct mem_link *other;
    if (!h && net_is_dark(net, l->url))
        return dial_hangs(net, l);
    if (!h) {
        link_end(l, EXAM_CONN);
        return true;
    }
    if (net_is_cut(net, l->hub->name, h->name)) {
        link_end(l, EXAM_TIMEOUT);
        return true;
    }
    if (net->ways_n && net_is_muted(net, l->place, h->name))
        return dial_hangs(net, l);
    if (h->accepted >= h->base.o.accepted_max || mem_open(l, h->name) ||
        mem_make(h, false, &other)) {
        l->state = MEM_OPEN; /* and closed at once */
        link_end(l, EXAM_CONN);
    } else if (mem_open(other, l->place)) {
        abort();
    } else {
        other->other = l;
        l->other = other;
        hub_wake(h);
    }
    hub_wake(l->hub);
    return true;
}

/* Carries bytes from l to its other end. True if any moved. */
static bool pump_bytes(struct mem_link *l)
{
    struct mem_link *to = l->other;
    size_t have = link_queue_bytes(&l->sending);
    uint8_t *at;
    size_t space;
    if (!to->hub) { /* closed there: what is sent to it is lost */
        link_queue_pop(&l->sending, have);
        return false;
    }
    if (!have || !to->armed)
        return false;
    frame_reader_space(&to->reader, &at, &space);
    size_t n = have < space ? have : space;
    memcpy(at, l->sending.bytes + l->sending.begin, n);
    frame_reader_filled(&to->reader, n);
    link_queue_pop(&l->sending, n);
    to->armed = false; /* until the owner has looked */
    hub_wake(to->hub);
    return true;
}

static bool place_is_there(const struct link_net *net, const char *place)
{
    const struct mem_hub *h;
    STAILQ_FOREACH(h, &net->hubs, net_entry)
    if (!strcmp(h->name, place))
        return true;
    return false;
}

/* Nobody is at the other end, and only a machine that is there again can say so. */
static bool pump_orphan(struct link_net *net, struct mem_link *l)
{
    size_t have = link_queue_bytes(&l->sending);
    link_queue_pop(&l->sending, have);
    if (!have || l->ended || !place_is_there(net, l->far) || net_is_cut(net, l->place, l->far) ||
        net_is_muted(net, l->place, l->far))
        return false;
    link_end(l, EXAM_CONN);
    return true;
}

static bool pump_link(struct link_net *net, struct mem_link *l)
{
    if (l->state == MEM_DIALLING && l->hub && !l->ended)
        return pump_dial(net, l);
    struct mem_link *to = l->other;
    if (!to)
        return l->orphaned && pump_orphan(net, l);
    if (net_is_cut(net, l->place, to->place))
        return false;
    bool moved = pump_bytes(l);
    if (!l->hub && !link_queue_bytes(&l->sending) && !l->ending && to->armed && !to->ended) {
        link_end(to, EXAM_CONN);
        moved = true;
    }
    return moved;
}

static void net_sweep(struct link_net *net)
{
    struct mem_link *l = STAILQ_FIRST(&net->links);
    while (l) {
        struct mem_link *next = STAILQ_NEXT(l, net_entry);
        bool heard = !l->other || !l->other->hub || l->other->ended;
        if (!l->hub && heard) {
            link_part(l);
            mem_free(net, l);
        }
        l = next;
    }
}

bool link_net_pump(struct link_net *net)
{
    bool any = false, moved;
    do {
        struct mem_link *l;
        moved = mem_air_pump(&net->air);
        STAILQ_FOREACH(l, &net->links, net_entry)
        moved |= pump_link(net, l);
        any |= moved;
    } while (moved);
    net_sweep(net);
    return any;
}

uint64_t link_net_next_ms(const struct link_net *net)
{
    const struct mem_link *l;
    uint64_t first_ms = mem_air_next_ms(&net->air);
    STAILQ_FOREACH(l, &net->links, net_entry)
    if (l->state == MEM_DIALLING && l->hub && !l->ended && l->give_up_ms &&
        l->give_up_ms < first_ms)
        first_ms = l->give_up_ms;
    return first_ms;
}

void link_net_free(struct link_net *net)
{
    if (!net)
        return;
    assert(STAILQ_EMPTY(&net->hubs));
    struct mem_link *l;
    while ((l = STAILQ_FIRST(&net->links)))
        mem_free(net, l);
    while (net->ways_n)
        free(net->ways[--net->ways_n]);
    free(net);
}

/* ---------------------------------------------------------------- the owner's calls */

static exam_err mem_listen(struct link_hub *base, const char *url, char *why, size_t why_bytes)
{
    struct mem_hub *h = hub_of(base);
    struct mem_link probe = {.hub = h};
    if (strlen(url) >= URL_BYTES_MAX || !strchr(url, ':')) {
        snprintf(why, why_bytes, "%s is not an address", url);
        return EXAM_INVALID;
    }
    snprintf(probe.url, sizeof probe.url, "%s", url);
    if (net_listener(h->net, &probe)) {
        snprintf(why, why_bytes, "%s is in use", url);
        return EXAM_EXISTS;
    }
    if (h->listens_n == LISTENERS_MAX) {
        snprintf(why, why_bytes, "no more than %d addresses", LISTENERS_MAX);
        return EXAM_FULL;
    }
    snprintf(h->listens[h->listens_n++], URL_BYTES_MAX, "%s", url);
    net_lighten(h->net, url);
    return EXAM_OK;
}

static exam_err mem_dial(struct link_hub *base, const char *url, const char *peer, uint64_t token,
                         struct link_id *out)
{
    struct mem_link *l;
    (void)peer;
    if (strlen(url) >= URL_BYTES_MAX || !strchr(url, ':'))
        return EXAM_INVALID;
    exam_err err = mem_make(hub_of(base), true, &l);
    if (err)
        return err;
    l->token = token;
    snprintf(l->url, sizeof l->url, "%s", url);
    *out = l->id;
    return EXAM_OK;
}

static exam_err mem_send(struct link_hub *base, struct link_id id, const uint8_t *frames,
                         size_t bytes)
{
    struct mem_hub *h = hub_of(base);
    struct mem_link *l = link_slots_find(&h->slots, id);
    if (!l || l->state != MEM_OPEN || l->ended)
        return EXAM_CONN;
    if (!link_room(&base->o, link_queue_bytes(&l->sending) + l->wire.bytes, bytes))
        return EXAM_AGAIN;
    if (h->may_send && !h->may_send(h->may_send_ctx))
        return EXAM_OK;
    struct mem_wire *wire = wire_of(h->net, l);
    return wire ? mem_wire_send(wire, frames, bytes) : link_queue_push(&l->sending, frames, bytes);
}

static size_t mem_queued_bytes(const struct link_hub *base, struct link_id id)
{
    const struct mem_link *l = link_slots_find(&((const struct mem_hub *)base)->slots, id);
    return l ? link_queue_bytes(&l->sending) + l->wire.bytes : 0;
}

static void mem_close(struct link_hub *base, struct link_id id)
{
    struct mem_link *l = link_slots_find(&hub_of(base)->slots, id);
    if (l)
        mem_detach(l);
}

static bool mem_tell(struct mem_link *l, enum link_event_kind kind, struct link_event *out)
{
    *out =
        (struct link_event){.kind = kind, .link = l->id, .dialled = l->dialled, .token = l->token};
    if (kind == LINK_CLOSED || kind == LINK_DIAL_FAILED) {
        out->reason = l->reason;
        mem_detach(l);
    }
    return true;
}

/* What one link has to say. */
static bool mem_advance(struct mem_link *l, struct link_event *out)
{
    if (l->state == MEM_DIALLING)
        return l->ended && mem_tell(l, LINK_DIAL_FAILED, out);
    if (!l->told_open) {
        l->told_open = true;
        return mem_tell(l, LINK_OPENED, out);
    }
    const uint8_t *payload;
    size_t payload_bytes;
    exam_err err = l->armed ? EXAM_AGAIN : frame_reader_next(&l->reader, &payload, &payload_bytes);
    if (!err) {
        mem_tell(l, LINK_FRAME, out);
        out->payload = payload;
        out->payload_bytes = payload_bytes;
        l->hub->current = l;
        return true;
    }
    if (err != EXAM_AGAIN) {
        l->reason = err;
        return mem_tell(l, LINK_CLOSED, out);
    }
    l->armed = true;
    return l->ended && mem_tell(l, LINK_CLOSED, out);
}

static bool mem_next(struct link_hub *base, struct link_event *out)
{
    struct mem_hub *h = hub_of(base);
    if (h->current && mem_advance(h->current, out))
        return true;
    h->current = NULL;
    for (uint32_t i = 0; i < h->slots_top; i++) {
        uint32_t at = (h->scan + i) % h->slots_top;
        struct mem_link *l = h->slots.at[at];
        if (l && mem_advance(l, out)) {
            h->scan = at + 1;
            return true;
        }
    }
    return false;
}

static void mem_peer(const struct link_hub *base, struct link_id id, char *out, size_t out_bytes)
{
    const struct mem_link *l = link_slots_find(&((const struct mem_hub *)base)->slots, id);
    if (l && l->other)
        snprintf(out, out_bytes, "%s", l->other->place);
}

static void mem_hub_free(struct link_hub *base)
{
    struct mem_hub *h = hub_of(base);
    for (uint32_t i = 0; i < h->slots.n; i++)
        if (h->slots.at[i])
            mem_detach(h->slots.at[i]);
    STAILQ_REMOVE(&h->net->hubs, h, mem_hub, net_entry);
    link_slots_fini(&h->slots);
    free(h);
}

static const struct link_ops mem_ops = {
    .hub_free = mem_hub_free,
    .listen = mem_listen,
    .dial = mem_dial,
    .send = mem_send,
    .queued_bytes = mem_queued_bytes,
    .close = mem_close,
    .next = mem_next,
    .peer = mem_peer,
};

exam_err link_hub_new_mem(struct link_net *net, const char *name, const struct link_options *o,
                          struct link_hub **out)
{
    if (!name[0] || strlen(name) > NAME_BYTES_MAX)
        return EXAM_INVALID;
    struct mem_hub *h = calloc(1, sizeof *h);
    if (!h)
        return EXAM_NOMEM;
    link_hub_init(&h->base, &mem_ops, o);
    h->net = net;
    snprintf(h->name, sizeof h->name, "%s", name);
    if (link_slots_init(&h->slots, h->base.o.links_max)) {
        free(h);
        return EXAM_NOMEM;
    }
    STAILQ_INSERT_TAIL(&net->hubs, h, net_entry);
    *out = &h->base;
    return EXAM_OK;
}

void link_hub_mem_gate(struct link_hub *base, bool (*may_send)(void *ctx), void *ctx)
{
    struct mem_hub *h = hub_of(base);
    h->may_send = may_send;
    h->may_send_ctx = ctx;
}
