#include "server_core.h"

#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "config.h"
#include "oplog.h"

enum {
    BACKLOG = 4096,
    KEEPALIVE_S = 10,
    RECEIVE_FRAMES = 8, /* the longest ones; kept by the kernel for one connection */
    RECEIVE_BYTES_MIN = 64 * 1024,
};

/* ---------------------------------------------------------------- accepting */

static bool conn_name_peer(struct conn *c, struct sockaddr_storage *a)
{
    char host[48];
    int n = sizeof *a;
    if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)a, &n) < 0)
        return false;
    uint16_t port = 0;
    if (a->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)a;
        uv_ip4_name(in, host, sizeof host);
        port = ntohs(in->sin_port);
    } else {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)a;
        uv_ip6_name(in, host, sizeof host);
        port = ntohs(in->sin6_port);
    }
    snprintf(c->peer, sizeof c->peer, "%s:%u", host, port);
    return true;
}

static void on_refused_closed(uv_handle_t *h)
{
    free(h->data);
}

/* Whoever comes with a good name finds room, as long as there are strangers of addresses in debt.
 */
static bool server_make_room(struct server *s, uint64_t now_ms)
{
    struct conn *oldest = NULL;
    for (struct conn *c = s->first; c; c = c->next)
        if (!c->known && !c->closing && door_is_in_debt(c->address, now_ms))
            oldest = c;
    if (!oldest)
        return false;
    oldest->aborting = true;
    conn_close(oldest, "others wait to say who they are");
    return true;
}

static const char *server_refusal(struct server *s, struct conn *c, const struct sockaddr *from)
{
    const char *why = "out of memory";
    if (s->conns_n >= s->o.conns_max)
        return "too many connections";
    if (s->strangers_n >= s->o.strangers_max && !server_make_room(s, clock_boot_ms()))
        return "too many connections without a Hello";
    if (door_come(s->door, from, clock_boot_ms(), &c->address, &why))
        return why;
    c->data = calloc(1, s->o.conn_bytes ? s->o.conn_bytes : 1);
    if (c->data && !tunnel_init(&c->tunnel, &s->o.tunnel, c->buf, 0, false, NULL))
        return NULL;
    door_left(s->door, c->address, false, clock_boot_ms());
    return c->data ? tunnel_why(&c->tunnel) : "out of memory";
}

static void conn_refuse_at_door(struct conn *c, const char *why)
{
    struct server *s = c->server;
    s->counts.refused++;
    oplog_gated(&s->gate, clock_boot_ms(), OPLOG_WARN, "connection-refused", s->o.name,
                OPLOG_S("endpoint", s->o.name), OPLOG_S("peer", c->peer), OPLOG_S("why", why));
    free(c->data);
    c->data = NULL;
    uv_close((uv_handle_t *)&c->tcp, on_refused_closed);
}

static void conn_enter(struct conn *c)
{
    struct server *s = c->server;
    uv_tcp_nodelay(&c->tcp, 1);
    uv_tcp_keepalive(&c->tcp, 1, KEEPALIVE_S);
    c->ref.slot = s->slots_free[--s->slots_free_n];
    c->ref.generation = s->generations[c->ref.slot];
    s->slots[c->ref.slot] = c;
    c->opened_ms = c->heard_ms = clock_boot_ms();
    c->next = s->first;
    if (s->first)
        s->first->prev = c;
    s->first = c;
    s->conns_n++;
    s->strangers_n++;
    s->counts.accepted++;
    counts_note(&s->counts.strangers_max, s->strangers_n);
    conn_read_start(c);
}

static void accept_failed(struct server *s, const char *why)
{
    oplog_gated(&s->gate, clock_boot_ms(), OPLOG_WARN, "accept-failed", s->o.name,
                OPLOG_S("endpoint", s->o.name), OPLOG_S("why", why));
}

static void server_accept(struct server *s)
{
    struct sockaddr_storage from;
    struct conn *c = calloc(1, sizeof *c + tunnel_buf_bytes(&s->o.tunnel, 0));
    if (!c || uv_tcp_init(s->loop, &c->tcp) < 0) {
        free(c);
        accept_failed(s, "out of memory: tried again");
        s->more_to_accept = true;
        return;
    }
    c->server = s;
    c->tcp.data = c;
    if (uv_accept((uv_stream_t *)&s->tcp, (uv_stream_t *)&c->tcp) < 0 ||
        !conn_name_peer(c, &from)) {
        uv_close((uv_handle_t *)&c->tcp, on_refused_closed);
        return;
    }
    const char *no = server_refusal(s, c, (const struct sockaddr *)&from);
    if (no)
        conn_refuse_at_door(c, no);
    else
        conn_enter(c);
}

/* libuv stops accepting while one is not taken from it. */
static void on_connection(uv_stream_t *listener, int status)
{
    struct server *s = listener->data;
    if (status < 0) {
        accept_failed(s, uv_strerror(status));
        return;
    }
    if (s->turn_accepts >= SERVER_ACCEPTS_PER_TURN) {
        s->more_to_accept = true;
    } else {
        s->turn_accepts++;
        server_accept(s);
    }
    server_wait_for_turns(s);
}

void server_accept_more(struct server *s)
{
    s->more_to_accept = false;
    s->turn_accepts++;
    server_accept(s);
}

/* ---------------------------------------------------------------- the listener */

/* Frames of a hundred bytes on a local network need no model of its bandwidth: with BBR, where that
 * is the system's choice, each of them arms a pacing timer. Accepted connections inherit it. */
static void server_tune(struct server *s)
{
    static const char reno[] = "reno"; /* in every kernel */
    uv_os_fd_t fd;
    int receive_bytes = (int)(RECEIVE_FRAMES * (FRAME_HEADER_BYTES + s->o.payload_bytes_max));
    if (receive_bytes < RECEIVE_BYTES_MIN)
        receive_bytes = RECEIVE_BYTES_MIN;
    /* What a peer has sent in advance is taken in its turn, even when the peer is gone. */
    if (uv_fileno((const uv_handle_t *)&s->tcp, &fd) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes))
        oplog(OPLOG_DEBUG, "receive-buffer", OPLOG_S("endpoint", s->o.name));
    if (uv_fileno((const uv_handle_t *)&s->tcp, &fd) == 0 &&
        setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, reno, sizeof reno - 1))
        oplog(OPLOG_DEBUG, "congestion-control", OPLOG_S("endpoint", s->o.name));
}

static exam_err server_bind(struct server *s, char *why, size_t why_bytes)
{
    char host[ADDRESS_BYTES_MAX], port_text[8];
    uint16_t port;
    if (config_split_address(s->o.listen, host, &port)) {
        snprintf(why, why_bytes, "%s: '%s' is no HOST:PORT", s->o.name, s->o.listen);
        return EXAM_INVALID;
    }
    snprintf(port_text, sizeof port_text, "%u", port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int rc = getaddrinfo(host, port_text, &hints, &found);
    if (rc) {
        snprintf(why, why_bytes, "%s: host '%s': %s", s->o.name, host, gai_strerror(rc));
        return EXAM_INVALID;
    }
    rc = uv_tcp_bind(&s->tcp, found->ai_addr, 0);
    freeaddrinfo(found);
    if (!rc)
        server_tune(s);
    if (!rc)
        rc = uv_listen((uv_stream_t *)&s->tcp, BACKLOG, on_connection);
    if (!rc)
        return EXAM_OK;
    if (rc == UV_EADDRINUSE) {
        snprintf(why, why_bytes,
                 "%s: the port of %s is in use: is another examnode running? "
                 "Stop it, or choose another port in the configuration",
                 s->o.name, s->o.listen);
        return EXAM_EXISTS;
    }
    snprintf(why, why_bytes, "%s: cannot listen on %s: %s", s->o.name, s->o.listen,
             uv_strerror(rc));
    return EXAM_SYSTEM;
}

static void server_free(struct server *s)
{
    free(s->slots);
    free(s->generations);
    free(s->slots_free);
    struct holder *k, *next;
    HASH_ITER(hh, s->holders, k, next)
    {
        HASH_DEL(s->holders, k);
        free(k);
    }
    free(s->scratch);
    door_free(s->door);
    free(s);
}

void server_free_if_done(struct server *s)
{
    if (s->closing && !s->handles && !s->conns_n)
        server_free(s);
}

static void on_listener_failed(uv_handle_t *h)
{
    server_free(h->data);
}

exam_err server_listen(uv_loop_t *loop, const struct server_options *o,
                       const struct server_handlers *h, void *ctx, struct server **out, char *why,
                       size_t why_bytes)
{
    struct server *s = calloc(1, sizeof *s);
    if (!s)
        return EXAM_NOMEM;
    s->loop = loop;
    s->o = *o;
    s->o.tunnel.payload_bytes_max = o->payload_bytes_max;
    s->h = *h;
    s->ctx = ctx;
    s->slots = calloc(o->conns_max, sizeof *s->slots);
    s->generations = calloc(o->conns_max, sizeof *s->generations);
    s->slots_free = calloc(o->conns_max, sizeof *s->slots_free);
    const struct door_options door = {.per_address_max = o->per_address_max};
    if (!s->slots || !s->generations || !s->slots_free || door_new(&door, &s->door)) {
        server_free(s);
        return EXAM_NOMEM;
    }
    for (size_t i = 0; i < LANES; i++)
        TAILQ_INIT(&s->lanes[i]);
    while (s->slots_free_n < o->conns_max) {
        s->slots_free[s->slots_free_n] = o->conns_max - 1 - s->slots_free_n;
        s->slots_free_n++;
    }
    int rc = uv_tcp_init(loop, &s->tcp);
    assert(rc == 0);
    s->tcp.data = s;
    exam_err err = server_bind(s, why, why_bytes);
    if (err) {
        uv_close((uv_handle_t *)&s->tcp, on_listener_failed);
        return err;
    }
    server_begin_turns(s);
    *out = s;
    return EXAM_OK;
}

static void on_own_closed(uv_handle_t *h)
{
    struct server *s = h->data;
    s->handles--;
    server_free_if_done(s);
}

void server_close(struct server *s)
{
    if (s->closing)
        return;
    s->closing = true;
    uv_close((uv_handle_t *)&s->tcp, on_own_closed);
    uv_close((uv_handle_t *)&s->turns, on_own_closed);
    uv_close((uv_handle_t *)&s->more, on_own_closed);
    uv_close((uv_handle_t *)&s->later, on_own_closed);
    uv_close((uv_handle_t *)&s->go_on, on_own_closed);
    while (s->first) {
        s->first->why = "the node goes down";
        conn_drop(s->first);
    }
}
