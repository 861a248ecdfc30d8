/* The hub in memory. A link is two ends that know each other; what one sends waits in its queue
 * until the pump moves it into the other's receive buffer. */
#include "link_mem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "frame.h"
#include "link_backend.h"

enum { LISTENERS_MAX = 4, CUTS_MAX = 64, URL_BYTES_MAX = 128 };

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
    bool told_open;  /* LINK_OPENED was handed out */
    bool armed;      /* the buffer has no whole frame: more may come */
    bool ended;      /* nothing more comes from the other end */
    exam_err reason; /* with ended, or of a dial that failed */
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
};

struct link_net {
    STAILQ_HEAD(, mem_hub) hubs;
    STAILQ_HEAD(, mem_link) links; /* in the order of dialling */
    struct {
        char a[NAME_BYTES_MAX + 1], b[NAME_BYTES_MAX + 1];
    } cuts[CUTS_MAX];
    size_t cuts_n;
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

void link_net_reset(struct link_net *net, const char *a, const char *b)
{
    struct mem_link *l;
    STAILQ_FOREACH(l, &net->links, net_entry)
    {
        if (!link_between(l, a, b))
            continue;
        link_end(l->other, EXAM_CONN);
        link_end(l, EXAM_CONN);
        link_part(l);
    }
}

/* ---------------------------------------------------------------- links */

static exam_err mem_make(struct mem_hub *h, bool dialled, struct mem_link **out)
{
    struct mem_link *l = calloc(1, sizeof *l);
    if (!l)
        return EXAM_NOMEM;
    l->recv_buf = malloc(h->base.o.recv_bytes);
    exam_err err = l->recv_buf ? link_slots_add(&h->slots, l, &l->id) : EXAM_NOMEM;
    if (err) {
        free(l->recv_buf);
        free(l);
        return err;
    }
    l->hub = h;
    snprintf(l->place, sizeof l->place, "%s", h->name);
    l->dialled = dialled;
    l->armed = true;
    frame_reader_init(&l->reader, l->recv_buf, h->base.o.recv_bytes, h->base.o.payload_bytes_max);
    h->accepted += !dialled;
    STAILQ_INSERT_TAIL(&h->net->links, l, net_entry);
    *out = l;
    return EXAM_OK;
}

/* The hub knows the link no more; the pump still carries what it sent. */
static void mem_detach(struct mem_link *l)
{
    struct mem_hub *h = l->hub;
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

static void pump_dial(struct link_net *net, struct mem_link *l)
{
    struct mem_hub *h = net_listener(net, l);
    struct mem_link *other;
    if (!h) {
        link_end(l, EXAM_CONN);
        return;
    }
    if (net_is_cut(net, l->hub->name, h->name)) {
        link_end(l, EXAM_TIMEOUT);
        return;
    }
    l->state = MEM_OPEN;
    if (h->accepted >= h->base.o.accepted_max || mem_make(h, false, &other)) {
        link_end(l, EXAM_CONN);
    } else {
        other->state = MEM_OPEN;
        other->other = l;
        l->other = other;
        hub_wake(h);
    }
    hub_wake(l->hub);
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

static bool pump_link(struct link_net *net, struct mem_link *l)
{
    if (l->state == MEM_DIALLING && l->hub && !l->ended) {
        pump_dial(net, l);
        return true;
    }
    struct mem_link *to = l->other;
    if (!to)
        return false;
    if (net_is_cut(net, l->place, to->place))
        return false;
    bool moved = pump_bytes(l);
    if (!l->hub && !link_queue_bytes(&l->sending) && to->armed && !to->ended) {
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
        moved = false;
        STAILQ_FOREACH(l, &net->links, net_entry)
        moved |= pump_link(net, l);
        any |= moved;
    } while (moved);
    net_sweep(net);
    return any;
}

void link_net_free(struct link_net *net)
{
    if (!net)
        return;
    assert(STAILQ_EMPTY(&net->hubs));
    struct mem_link *l;
    while ((l = STAILQ_FIRST(&net->links)))
        mem_free(net, l);
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
    return EXAM_OK;
}

static exam_err mem_dial(struct link_hub *base, const char *url, uint64_t token,
                         struct link_id *out)
{
    struct mem_link *l;
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
    struct mem_link *l = link_slots_find(&hub_of(base)->slots, id);
    if (!l || l->state != MEM_OPEN || l->ended)
        return EXAM_CONN;
    if (!link_room(&base->o, link_queue_bytes(&l->sending), bytes))
        return EXAM_AGAIN;
    return link_queue_push(&l->sending, frames, bytes);
}

static size_t mem_queued_bytes(const struct link_hub *base, struct link_id id)
{
    const struct mem_link *l = link_slots_find(&((const struct mem_hub *)base)->slots, id);
    return l ? link_queue_bytes(&l->sending) : 0;
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
    for (uint32_t i = 0; i < h->slots.n; i++) {
        struct mem_link *l = h->slots.at[(h->scan + i) % h->slots.n];
        if (l && mem_advance(l, out)) {
            h->scan = (h->scan + i + 1) % h->slots.n;
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
