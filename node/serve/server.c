#include "server.h"

#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "clock.h"
#include "config.h"
#include "oplog.h"

enum { HELLO_WITHIN_MS = 5000, LINGER_MS = 1000, BACKLOG = 4096, KEEPALIVE_S = 10 };

struct conn {
    uv_tcp_t tcp;
    struct server *server;
    struct conn *next, *prev; /* open connections */
    struct conn_ref ref;
    struct tunnel tunnel;
    uint64_t opened_ms, heard_ms, closing_since_ms;
    size_t queued_bytes;
    const char *why;
    bool known, held, reading, loopback, in_frames;
    bool closing;  /* takes and sends nothing more; what is queued is still written */
    bool aborting; /* nor is that */
    bool closed;
    char peer[64];
    char host[48];
    uint8_t *data;
    uint8_t buf[];
};

struct server {
    uv_tcp_t tcp;
    uv_loop_t *loop;
    struct server_options o;
    struct server_handlers h;
    void *ctx;
    struct conn *first;
    struct conn **slots;
    uint32_t *generations;
    uint32_t *slots_free;
    uint32_t slots_free_n;
    uint32_t conns_n, strangers_n;
    uint8_t *scratch; /* of what is being sealed */
    size_t scratch_bytes;
    bool closing;
};

struct write_queued {
    uv_write_t req;
    struct conn *conn;
    size_t bytes;
    uint8_t data[];
};

static void conn_read_start(struct conn *c);

/* ---------------------------------------------------------------- connections */

struct conn_ref conn_ref_of(const struct conn *c)
{
    return c->ref;
}

struct conn *conn_of(struct server *s, struct conn_ref ref)
{
    if (ref.slot >= s->o.conns_max || s->generations[ref.slot] != ref.generation)
        return NULL;
    struct conn *c = s->slots[ref.slot];
    return c && !c->closing ? c : NULL;
}

void *conn_data(struct conn *c)
{
    return c->data;
}

const char *conn_peer(const struct conn *c)
{
    return c->peer;
}

const struct key_entry *conn_identity(const struct conn *c)
{
    return tunnel_peer(&c->tunnel);
}

void conn_known(struct conn *c)
{
    if (!c->known)
        c->server->strangers_n--;
    c->known = true;
}

bool conn_is_known(const struct conn *c)
{
    return c->known;
}

uint64_t conn_heard_ms(const struct conn *c)
{
    return c->heard_ms;
}

size_t conn_queued_bytes(const struct conn *c)
{
    return c->queued_bytes;
}

static void on_conn_closed(uv_handle_t *h)
{
    struct conn *c = h->data;
    struct server *s = c->server;
    s->slots[c->ref.slot] = NULL;
    s->generations[c->ref.slot]++;
    s->slots_free[s->slots_free_n++] = c->ref.slot;
    s->conns_n--;
    tunnel_fini(&c->tunnel);
    free(c->data);
    free(c);
}

/* Takes the connection down now. Queued writes are cancelled; their callbacks come first. */
static void conn_drop(struct conn *c)
{
    struct server *s = c->server;
    if (c->closed)
        return;
    c->closed = c->closing = true;
    if (!c->known)
        s->strangers_n--;
    if (c->prev)
        c->prev->next = c->next;
    else
        s->first = c->next;
    if (c->next)
        c->next->prev = c->prev;
    s->h.closed(s->ctx, c, c->why ? c->why : "closed");
    uv_close((uv_handle_t *)&c->tcp, on_conn_closed);
}

static void conn_drop_if_done(struct conn *c)
{
    if (c->closing && !c->closed && (c->aborting || !c->queued_bytes))
        conn_drop(c);
}

void conn_close(struct conn *c, const char *why)
{
    if (c->closing)
        return;
    c->closing = true;
    c->why = why;
    c->closing_since_ms = clock_boot_ms();
    uv_read_stop((uv_stream_t *)&c->tcp);
    /* Inside the frame loop the caller still holds c: the loop drops it. */
    if (!c->in_frames)
        conn_drop_if_done(c);
}

static void on_written(uv_write_t *req, int status)
{
    struct write_queued *w = (struct write_queued *)req;
    struct conn *c = w->conn;
    c->queued_bytes -= w->bytes;
    free(w);
    if (c->closed)
        return;
    if (status < 0) {
        c->why = uv_strerror(status);
        conn_drop(c);
    } else if (c->closing) {
        conn_drop_if_done(c);
    } else if (!c->queued_bytes && c->server->h.drained) {
        c->server->h.drained(c->server->ctx, c);
    }
}

/* Writes bytes as they are. */
static void conn_write(struct conn *c, const uint8_t *frames, size_t bytes)
{
    if (!c->queued_bytes) {
        uv_buf_t b = uv_buf_init((char *)(uintptr_t)frames, (unsigned)bytes);
        int n = uv_try_write((uv_stream_t *)&c->tcp, &b, 1);
        if (n == (int)bytes)
            return;
        if (n > 0) {
            frames += n;
            bytes -= (size_t)n;
        } else if (n != UV_EAGAIN) {
            conn_close(c, uv_strerror(n));
            return;
        }
    }
    if (c->queued_bytes + bytes > c->server->o.queue_bytes_max) {
        c->aborting = true; /* nobody reads: do not wait for it to be written */
        conn_close(c, "does not read its replies");
        return;
    }
    struct write_queued *w = malloc(sizeof *w + bytes);
    if (!w) {
        conn_close(c, "out of memory");
        return;
    }
    w->conn = c;
    w->bytes = bytes;
    memcpy(w->data, frames, bytes);
    c->queued_bytes += bytes;
    uv_buf_t b = uv_buf_init((char *)w->data, (unsigned)bytes);
    int rc = uv_write(&w->req, (uv_stream_t *)&c->tcp, &b, 1, on_written);
    if (rc < 0) {
        c->queued_bytes -= bytes;
        free(w);
        conn_close(c, uv_strerror(rc));
    }
}

static bool scratch_make(struct server *s, size_t bytes)
{
    if (bytes <= s->scratch_bytes)
        return true;
    uint8_t *grown = realloc(s->scratch, bytes);
    if (!grown)
        return false;
    s->scratch = grown;
    s->scratch_bytes = bytes;
    return true;
}

void conn_send(struct conn *c, const uint8_t *frames, size_t bytes)
{
    struct server *s = c->server;
    if (c->closing || !tunnel_is_open(&c->tunnel))
        return; /* nobody is there, or nobody who has proven who they are */
    if (!tunnel_is_sealed(&c->tunnel)) {
        conn_write(c, frames, bytes);
        return;
    }
    struct channel_out out = {.bytes_max = tunnel_sealed_bytes(&c->tunnel, bytes)};
    if (!scratch_make(s, out.bytes_max)) {
        conn_close(c, "out of memory");
        return;
    }
    out.at = s->scratch;
    if (tunnel_seal(&c->tunnel, frames, bytes, &out))
        conn_close(c, "its channel has ended");
    else
        conn_write(c, out.at, out.bytes);
}

/* ---------------------------------------------------------------- reading */

/* What is wrong with the bytes that came, for the log where a channel says it. */
static void conn_refuse(struct conn *c, exam_err err)
{
    const struct server *s = c->server;
    if (tunnel_is_sealed(&c->tunnel))
        oplog(OPLOG_WARN, "channel-refused", OPLOG_S("endpoint", s->o.name),
              OPLOG_S("peer", c->peer), OPLOG_S("code", exam_err_name(err)),
              OPLOG_S("why", tunnel_why(&c->tunnel)));
    conn_close(c, exam_err_text(err));
}

/* The next frame; what the handshake has to say goes out at once. */
static exam_err conn_next_frame(struct conn *c, const uint8_t **payload, size_t *bytes)
{
    uint8_t reply[TUNNEL_OUT_BYTES_MAX];
    struct channel_out out = {.at = reply, .bytes_max = sizeof reply};
    exam_err err = tunnel_next(&c->tunnel, &out, payload, bytes);
    if (out.bytes)
        conn_write(c, reply, out.bytes);
    return err;
}

static void conn_take_frames(struct conn *c)
{
    const uint8_t *payload;
    size_t bytes;
    exam_err err = EXAM_OK;
    c->in_frames = true;
    c->held = false;
    while (!c->closing) {
        err = conn_next_frame(c, &payload, &bytes);
        if (err)
            break;
        enum conn_verdict v = c->server->h.frame(c->server->ctx, c, payload, bytes);
        if (v == CONN_HELD) {
            tunnel_put_back(&c->tunnel);
            c->held = true;
            break;
        }
        if (v == CONN_CLOSE && !c->closing)
            conn_close(c, c->why ? c->why : "refused");
    }
    c->in_frames = false;
    if (err && err != EXAM_AGAIN && !c->closing)
        conn_refuse(c, err);
    conn_drop_if_done(c);
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
    struct conn *c = h->data;
    uint8_t *at;
    size_t bytes;
    (void)suggested;
    tunnel_space(&c->tunnel, &at, &bytes);
    *buf = uv_buf_init((char *)at, (unsigned)bytes);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct conn *c = stream->data;
    (void)buf;
    if (n == 0)
        return;
    if (n == UV_ENOBUFS) { /* held, and the buffer is full: go on when it is released */
        uv_read_stop(stream);
        c->reading = false;
        return;
    }
    if (n < 0) {
        c->why = n == UV_EOF ? "closed by the peer" : uv_strerror((int)n);
        conn_drop(c);
        return;
    }
    c->heard_ms = clock_boot_ms();
    tunnel_filled(&c->tunnel, (size_t)n);
    if (!c->held)
        conn_take_frames(c);
}

static void conn_read_start(struct conn *c)
{
    c->reading = true;
    int rc = uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
    if (rc < 0)
        conn_close(c, uv_strerror(rc));
}

void server_release_held(struct server *s)
{
    struct conn *next;
    for (struct conn *c = s->first; c; c = next) {
        next = c->next;
        if (!c->held || c->closing)
            continue;
        conn_take_frames(c);
        if (!c->closing && !c->held && !c->reading)
            conn_read_start(c);
    }
}

/* ---------------------------------------------------------------- accepting */

static bool conn_name_peer(struct conn *c)
{
    struct sockaddr_storage a;
    int n = sizeof a;
    if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&a, &n) < 0)
        return false;
    uint16_t port = 0;
    if (a.ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&a;
        uv_ip4_name(in, c->host, sizeof c->host);
        port = ntohs(in->sin_port);
    } else {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)&a;
        uv_ip6_name(in, c->host, sizeof c->host);
        port = ntohs(in->sin6_port);
    }
    snprintf(c->peer, sizeof c->peer, "%s:%u", c->host, port);
    c->loopback = !strncmp(c->host, "127.", 4) || !strcmp(c->host, "::1");
    return true;
}

static uint32_t server_count_address(const struct server *s, const char *host)
{
    uint32_t n = 0;
    for (const struct conn *c = s->first; c; c = c->next)
        n += !strcmp(c->host, host);
    return n;
}

static void on_refused_closed(uv_handle_t *h)
{
    free(h->data);
}

static const char *server_admit(const struct server *s, const struct conn *c)
{
    if (s->conns_n >= s->o.conns_max)
        return "too many connections";
    if (s->strangers_n >= s->o.strangers_max)
        return "too many connections without a Hello";
    if (!c->loopback && server_count_address(s, c->host) >= s->o.per_address_max)
        return "too many connections of one address";
    return NULL;
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct server *s = listener->data;
    if (status < 0) {
        oplog(OPLOG_WARN, "accept-failed", OPLOG_S("endpoint", s->o.name),
              OPLOG_S("why", uv_strerror(status)));
        return;
    }
    struct conn *c = calloc(1, sizeof *c + tunnel_buf_bytes(&s->o.tunnel, 0));
    if (!c)
        return;
    c->server = s;
    if (uv_tcp_init(s->loop, &c->tcp) < 0) {
        free(c);
        return;
    }
    c->tcp.data = c;
    if (uv_accept(listener, (uv_stream_t *)&c->tcp) < 0 || !conn_name_peer(c)) {
        uv_close((uv_handle_t *)&c->tcp, on_refused_closed);
        return;
    }
    const char *no = server_admit(s, c);
    if (!no && tunnel_init(&c->tunnel, &s->o.tunnel, c->buf, 0, false, NULL))
        no = tunnel_why(&c->tunnel);
    c->data = no ? NULL : calloc(1, s->o.conn_bytes ? s->o.conn_bytes : 1);
    if (!c->data) {
        oplog(OPLOG_WARN, "connection-refused", OPLOG_S("endpoint", s->o.name),
              OPLOG_S("peer", c->peer), OPLOG_S("why", no ? no : "out of memory"));
        uv_close((uv_handle_t *)&c->tcp, on_refused_closed);
        return;
    }
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
    conn_read_start(c);
}

void server_sweep(struct server *s, uint64_t now_ms)
{
    struct conn *next;
    for (struct conn *c = s->first; c; c = next) {
        next = c->next;
        if (c->closing && now_ms - c->closing_since_ms > LINGER_MS)
            conn_drop(c);
        else if (!c->closing && !c->known && now_ms - c->opened_ms > HELLO_WITHIN_MS)
            conn_close(c, "said no Hello within 5 s");
    }
}

void server_recheck(struct server *s)
{
    struct conn *next;
    for (struct conn *c = s->first; c; c = next) {
        next = c->next;
        if (c->closing || tunnel_peer_is_good(&c->tunnel))
            continue;
        oplog(OPLOG_WARN, "channel-ended", OPLOG_S("endpoint", s->o.name), OPLOG_S("peer", c->peer),
              OPLOG_S("of", conn_identity(c)->name),
              OPLOG_S("why", "the new roster of keys does not admit it any more"));
        conn_close(c, "its key is void");
    }
}

uint32_t server_conns(const struct server *s)
{
    return s->conns_n;
}

void server_each(struct server *s, void (*each)(void *ctx, struct conn *c), void *ctx)
{
    struct conn *next;
    for (struct conn *c = s->first; c; c = next) {
        next = c->next;
        if (!c->closing)
            each(ctx, c);
    }
}

/* ---------------------------------------------------------------- the listener */

/* Frames of a hundred bytes on a local network need no model of its bandwidth: with BBR, where that
 * is the system's choice, each of them arms a pacing timer. Accepted connections inherit it. */
static void server_tune(struct server *s)
{
    static const char reno[] = "reno"; /* in every kernel */
    uv_os_fd_t fd;
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
    free(s->scratch);
    free(s);
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
    if (!s->slots || !s->generations || !s->slots_free) {
        server_free(s);
        return EXAM_NOMEM;
    }
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
    *out = s;
    return EXAM_OK;
}

static void on_listener_closed(uv_handle_t *h)
{
    (void)h; /* the connections' close callbacks may still come: main frees nothing before exit */
}

void server_close(struct server *s)
{
    if (s->closing)
        return;
    s->closing = true;
    uv_close((uv_handle_t *)&s->tcp, on_listener_closed);
    while (s->first) {
        s->first->why = "the node goes down";
        conn_drop(s->first);
    }
}
