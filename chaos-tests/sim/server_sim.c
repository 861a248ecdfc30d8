#include "sim_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "clock.h"
#include "server.h"

enum { HELLO_WITHIN_MS = 5000, ADDRESS_BYTES = 256, PEER_BYTES = 64 };

/* Bytes on their way: appended at the end, taken from the beginning. */
struct pipe {
    uint8_t *bytes;
    size_t begin, end, max;
};

struct conn {
    TAILQ_ENTRY(conn) entry; /* of the server's open connections */
    TAILQ_ENTRY(conn) ready_entry;
    struct server *server;
    struct conn_ref ref;
    struct sim_end *other; /* NULL: it has hung up, or lost its power */
    const struct sim_path *path;
    struct mem_wire wire; /* of what comes; wire.air is NULL: nothing lies between */
    bool ended;           /* that it has hung up is known here */
    bool dark;            /* nobody said so */
    struct pipe in;
    uint64_t opened_ms, heard_ms;
    const char *why;
    bool known, held, in_frames, closing, ready, drained;
    char peer[PEER_BYTES];
    uint8_t *data;
};

struct sim_end {
    struct conn *conn; /* NULL: closed by the node, or the node lost its power */
    const struct sim_path *path;
    struct mem_wire wire; /* of what comes */
    bool ended;           /* that the node has closed is known here */
    bool dark;            /* nobody said so */
    struct pipe in;
    void (*wake)(void *ctx);
    void *wake_ctx;
};

struct server {
    TAILQ_ENTRY(server) entry;
    struct uv_loop_s *host;
    struct server_options o;
    char listen[ADDRESS_BYTES];
    struct server_handlers h;
    void *ctx;
    TAILQ_HEAD(, conn) conns; /* in the order of their coming */
    struct conn **slots;
    uint32_t *generations;
    uint32_t *slots_free;
    uint32_t slots_free_n;
    uint32_t conns_n, strangers_n;
    bool closed;
};

struct uv_loop_s {
    TAILQ_HEAD(, server) servers;
    TAILQ_HEAD(conn_list, conn) ready;
    struct conn_list graves; /* dropped: somebody up the stack may still go over them */
    void (*wake)(void *ctx);
    void *wake_ctx;
    bool (*may_send)(void *ctx);
    void *may_send_ctx;
};

/* ---------------------------------------------------------------- pipes */

static size_t pipe_bytes(const struct pipe *p)
{
    return p->end - p->begin;
}

static void pipe_push(struct pipe *p, const uint8_t *bytes, size_t n)
{
    if (p->begin == p->end)
        p->begin = p->end = 0;
    if (p->end + n > p->max && p->begin) {
        memmove(p->bytes, p->bytes + p->begin, pipe_bytes(p));
        p->end -= p->begin;
        p->begin = 0;
    }
    if (p->end + n > p->max) {
        p->max = 2 * (p->end + n);
        p->bytes = realloc(p->bytes, p->max);
        if (!p->bytes)
            abort();
    }
    memcpy(p->bytes + p->end, bytes, n);
    p->end += n;
}

/* The next whole frame's payload, which is not taken out yet. EXAM_AGAIN: there is none; otherwise
 * as frame_reader_next. */
static exam_err pipe_peek(const struct pipe *p, size_t payload_bytes_max, const uint8_t **payload,
                          size_t *bytes)
{
    uint32_t header;
    if (pipe_bytes(p) < FRAME_HEADER_BYTES)
        return EXAM_AGAIN;
    memcpy(&header, p->bytes + p->begin, sizeof header);
    size_t n = ntohl(header);
    if (!n)
        return EXAM_MALFORMED;
    if (n > payload_bytes_max)
        return EXAM_TOO_BIG;
    if (pipe_bytes(p) < FRAME_HEADER_BYTES + n)
        return EXAM_AGAIN;
    *payload = p->bytes + p->begin + FRAME_HEADER_BYTES;
    *bytes = n;
    return EXAM_OK;
}

static void pipe_pop(struct pipe *p, size_t payload_bytes)
{
    p->begin += FRAME_HEADER_BYTES + payload_bytes;
}

/* ---------------------------------------------------------------- hosts */

exam_err sim_host_new(void (*wake)(void *ctx), void *ctx, struct uv_loop_s **out)
{
    struct uv_loop_s *h = calloc(1, sizeof *h);
    if (!h)
        return EXAM_NOMEM;
    TAILQ_INIT(&h->servers);
    TAILQ_INIT(&h->ready);
    TAILQ_INIT(&h->graves);
    h->wake = wake;
    h->wake_ctx = ctx;
    *out = h;
    return EXAM_OK;
}

static void conn_make_ready(struct conn *c)
{
    struct uv_loop_s *h = c->server->host;
    if (c->ready)
        return;
    c->ready = true;
    TAILQ_INSERT_TAIL(&h->ready, c, ready_entry);
    h->wake(h->wake_ctx);
}

bool sim_host_waits(const struct uv_loop_s *h)
{
    return !TAILQ_EMPTY(&h->ready);
}

void sim_host_gate(struct uv_loop_s *h, bool (*may_send)(void *ctx), void *ctx)
{
    h->may_send = may_send;
    h->may_send_ctx = ctx;
}

/* ---------------------------------------------------------------- paths */

void sim_path_init(struct sim_path *p, struct mem_air *air, const bool *node_is_on,
                   const bool *dialler_is_on)
{
    *p = (struct sim_path){.air = air,
                           .to_node.stream = true,
                           .to_dialler.stream = true,
                           .node_is_on = node_is_on,
                           .dialler_is_on = dialler_is_on};
    p->to_node.back = &p->to_dialler;
    p->to_dialler.back = &p->to_node;
}

bool sim_path_is_open(const struct sim_path *p)
{
    return !p->to_node.cut && !p->to_dialler.cut;
}

static bool is_bad(const struct mem_wire *w)
{
    return w->air && !mem_wire_is_idle(w);
}

static void end_hears(struct sim_end *e)
{
    e->ended = true;
    e->wake(e->wake_ctx);
}

static void conn_hears(struct conn *c)
{
    c->ended = true;
    conn_make_ready(c);
}

/* Neither side knows the other any more. */
static void part(struct conn *c, struct sim_end *e)
{
    c->other = NULL;
    e->conn = NULL;
}

static void send_or_end(struct pipe *in, struct mem_wire *w, const uint8_t *frames, size_t bytes)
{
    exam_err err = EXAM_OK;
    if (is_bad(w))
        err = frames ? mem_wire_send(w, frames, bytes) : mem_wire_end(w);
    else if (frames)
        pipe_push(in, frames, bytes);
    if (err)
        abort(); /* a simulation has no use for half a network */
}

static void at_node(void *owner, enum mem_arrival what, const uint8_t *bytes, size_t n)
{
    struct conn *c = owner;
    struct sim_end *e = c->other;
    if (what == MEM_FRAME) {
        pipe_push(&c->in, bytes, n);
        conn_make_ready(c);
        return;
    }
    if (what == MEM_RESET && e) {
        part(c, e);
        mem_wire_clear(&e->wire);
        end_hears(e);
    }
    conn_hears(c);
}

static void at_dialler(void *owner, enum mem_arrival what, const uint8_t *bytes, size_t n)
{
    struct sim_end *e = owner;
    struct conn *c = e->conn;
    if (what == MEM_FRAME) {
        pipe_push(&e->in, bytes, n);
        e->wake(e->wake_ctx);
        return;
    }
    if (what == MEM_RESET && c) {
        part(c, e);
        mem_wire_clear(&c->wire);
        conn_hears(c);
    }
    end_hears(e);
}

/* ---------------------------------------------------------------- the node's side: connections */

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

const struct key_entry *conn_identity(const struct conn *c)
{
    (void)c;
    return NULL;
}

void server_recheck(struct server *s)
{
    (void)s;
}

uint64_t conn_heard_ms(const struct conn *c)
{
    return c->heard_ms;
}

size_t conn_queued_bytes(const struct conn *c)
{
    return c->other ? pipe_bytes(&c->other->in) + c->other->wire.bytes : 0;
}

static void conn_tell_end(struct conn *c)
{
    struct sim_end *e = c->other;
    part(c, e);
    if (is_bad(&e->wire))
        send_or_end(NULL, &e->wire, NULL, 0);
    else
        end_hears(e);
}

/* Takes the connection out of everything. */
static void conn_part(struct conn *c)
{
    struct server *s = c->server;
    mem_wire_clear(&c->wire);
    if (c->ready)
        TAILQ_REMOVE(&s->host->ready, c, ready_entry);
    TAILQ_REMOVE(&s->conns, c, entry);
    if (c->other)
        conn_tell_end(c);
    s->slots[c->ref.slot] = NULL;
    s->generations[c->ref.slot]++;
    s->slots_free[s->slots_free_n++] = c->ref.slot;
    s->conns_n--;
    if (!c->known)
        s->strangers_n--;
    c->closing = true;
    TAILQ_INSERT_TAIL(&s->host->graves, c, ready_entry);
}

static void graves_clear(struct uv_loop_s *h)
{
    struct conn *c;
    while ((c = TAILQ_FIRST(&h->graves))) {
        TAILQ_REMOVE(&h->graves, c, ready_entry);
        free(c->in.bytes);
        free(c->data);
        free(c);
    }
}

static void conn_drop(struct conn *c)
{
    c->closing = true;
    c->server->h.closed(c->server->ctx, c, c->why ? c->why : "closed");
    conn_part(c);
}

void conn_close(struct conn *c, const char *why)
{
    if (c->closing)
        return;
    c->closing = true;
    c->why = why;
    /* Inside the frame loop the caller still holds c: the loop drops it. */
    if (!c->in_frames)
        conn_drop(c);
}

void conn_send(struct conn *c, const uint8_t *frames, size_t bytes)
{
    struct uv_loop_s *h = c->server->host;
    if (c->closing || (h->may_send && !h->may_send(h->may_send_ctx)))
        return;
    if (c->dark && *c->path->dialler_is_on && sim_path_is_open(c->path))
        conn_hears(c); /* the machine is there again, and knows nothing of this connection */
    if (!c->other)
        return;
    if (conn_queued_bytes(c) && conn_queued_bytes(c) + bytes > c->server->o.queue_bytes_max) {
        conn_close(c, "does not read its replies");
        return;
    }
    send_or_end(&c->other->in, &c->other->wire, frames, bytes);
    c->other->wake(c->other->wake_ctx);
}

static void conn_take_frames(struct conn *c)
{
    const uint8_t *payload;
    size_t bytes;
    exam_err err = EXAM_OK;
    c->in_frames = true;
    c->held = false;
    while (!c->closing) {
        err = pipe_peek(&c->in, c->server->o.payload_bytes_max, &payload, &bytes);
        if (err)
            break;
        enum conn_verdict v = c->server->h.frame(c->server->ctx, c, payload, bytes);
        if (v == CONN_HELD) {
            c->held = true;
            break;
        }
        pipe_pop(&c->in, bytes);
        if (v == CONN_CLOSE && !c->closing)
            conn_close(c, c->why ? c->why : "refused");
    }
    c->in_frames = false;
    if (err && err != EXAM_AGAIN && !c->closing)
        conn_close(c, exam_err_text(err));
    else if (c->closing)
        conn_drop(c);
}

static void conn_deliver(struct conn *c)
{
    struct server *s = c->server;
    struct conn_ref ref = c->ref;
    bool over = c->ended;
    c->heard_ms = clock_boot_ms();
    if (c->drained && s->h.drained)
        s->h.drained(s->ctx, c);
    c->drained = false;
    if (!conn_of(s, ref))
        return;
    if (!c->held)
        conn_take_frames(c);
    c = conn_of(s, ref);
    if (c && over) {
        c->why = "closed by the peer";
        conn_drop(c);
    }
}

void sim_host_deliver(struct uv_loop_s *h)
{
    struct conn *c;
    graves_clear(h);
    while ((c = TAILQ_FIRST(&h->ready))) {
        TAILQ_REMOVE(&h->ready, c, ready_entry);
        c->ready = false;
        conn_deliver(c);
    }
}

/* ---------------------------------------------------------------- the node's side: servers */

void server_release_held(struct server *s)
{
    struct conn *c, *next;
    for (c = TAILQ_FIRST(&s->conns); c; c = next) {
        next = TAILQ_NEXT(c, entry);
        if (c->held && !c->closing)
            conn_take_frames(c);
    }
}

void server_sweep(struct server *s, uint64_t now_ms)
{
    struct conn *c, *next;
    for (c = TAILQ_FIRST(&s->conns); c; c = next) {
        next = TAILQ_NEXT(c, entry);
        if (!c->closing && !c->known && now_ms - c->opened_ms > HELLO_WITHIN_MS)
            conn_close(c, "said no Hello within 5 s");
    }
}

uint32_t server_conns(const struct server *s)
{
    return s->conns_n;
}

void server_each(struct server *s, void (*each)(void *ctx, struct conn *c), void *ctx)
{
    struct conn *c, *next;
    for (c = TAILQ_FIRST(&s->conns); c; c = next) {
        next = TAILQ_NEXT(c, entry);
        if (!c->closing)
            each(ctx, c);
    }
}

static struct server *host_find(struct uv_loop_s *h, const char *address)
{
    struct server *s;
    TAILQ_FOREACH(s, &h->servers, entry)
    if (!s->closed && !strcmp(s->listen, address))
        return s;
    return NULL;
}

static void server_free(struct server *s)
{
    free(s->slots);
    free(s->generations);
    free(s->slots_free);
    free(s);
}

exam_err server_listen(struct uv_loop_s *loop, const struct server_options *o,
                       const struct server_handlers *h, void *ctx, struct server **out, char *why,
                       size_t why_bytes)
{
    if (strlen(o->listen) >= ADDRESS_BYTES || host_find(loop, o->listen)) {
        snprintf(why, why_bytes, "%s: the port of %s is in use", o->name, o->listen);
        return EXAM_EXISTS;
    }
    struct server *s = calloc(1, sizeof *s);
    if (!s)
        return EXAM_NOMEM;
    s->host = loop;
    s->o = *o;
    s->h = *h;
    s->ctx = ctx;
    snprintf(s->listen, sizeof s->listen, "%s", o->listen);
    TAILQ_INIT(&s->conns);
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
    TAILQ_INSERT_TAIL(&loop->servers, s, entry);
    *out = s;
    return EXAM_OK;
}

/* The memory goes with the host. */
void server_close(struct server *s)
{
    struct conn *c;
    s->closed = true;
    while ((c = TAILQ_FIRST(&s->conns))) {
        c->why = "the node goes down";
        conn_drop(c);
    }
}

void sim_host_free(struct uv_loop_s *h)
{
    struct server *s;
    struct conn *c;
    if (!h)
        return;
    while ((s = TAILQ_FIRST(&h->servers))) {
        while ((c = TAILQ_FIRST(&s->conns)))
            conn_part(c);
        TAILQ_REMOVE(&h->servers, s, entry);
        server_free(s);
    }
    graves_clear(h);
    free(h);
}

void sim_host_unplug(struct uv_loop_s *h)
{
    struct server *s;
    struct conn *c;
    TAILQ_FOREACH(s, &h->servers, entry)
    TAILQ_FOREACH(c, &s->conns, entry)
    if (c->other) {
        c->other->dark = true;
        part(c, c->other);
    }
    sim_host_free(h);
}

/* ---------------------------------------------------------------- the side of who dials */

static bool server_admits(const struct server *s)
{
    /* All simulated seats have addresses of their own: per_address_max holds nobody back. */
    return s->conns_n < s->o.conns_max && s->strangers_n < s->o.strangers_max;
}

static struct conn *conn_new(struct server *s, const char *peer, const struct sim_path *path,
                             struct sim_end *other)
{
    struct conn *c = calloc(1, sizeof *c);
    uint8_t *data = calloc(1, s->o.conn_bytes ? s->o.conn_bytes : 1);
    if (!c || !data) {
        free(c);
        free(data);
        return NULL;
    }
    c->server = s;
    c->data = data;
    c->other = other;
    c->path = path;
    if (path)
        mem_wire_init(&c->wire, path->air, &path->to_node, at_node, c);
    snprintf(c->peer, sizeof c->peer, "%s", peer);
    c->ref.slot = s->slots_free[--s->slots_free_n];
    c->ref.generation = s->generations[c->ref.slot];
    s->slots[c->ref.slot] = c;
    c->opened_ms = c->heard_ms = clock_boot_ms();
    TAILQ_INSERT_TAIL(&s->conns, c, entry);
    s->conns_n++;
    s->strangers_n++;
    return c;
}

exam_err sim_dial(struct uv_loop_s *h, const char *address, const char *peer,
                  const struct sim_path *path, void (*wake)(void *ctx), void *ctx,
                  struct sim_end **out)
{
    struct server *s = host_find(h, address);
    if (!s || !server_admits(s))
        return EXAM_CONN;
    struct sim_end *e = calloc(1, sizeof *e);
    if (!e)
        return EXAM_NOMEM;
    e->wake = wake;
    e->wake_ctx = ctx;
    e->path = path;
    if (path)
        mem_wire_init(&e->wire, path->air, &path->to_dialler, at_dialler, e);
    e->conn = conn_new(s, peer, path, e);
    if (!e->conn) {
        free(e);
        return EXAM_NOMEM;
    }
    *out = e;
    return EXAM_OK;
}

exam_err sim_end_send(struct sim_end *e, const uint8_t *frames, size_t bytes)
{
    struct conn *c = e->conn;
    if (e->dark && e->path && *e->path->node_is_on && sim_path_is_open(e->path))
        end_hears(e); /* the node is there again, and knows nothing of this connection */
    if (e->ended)
        return EXAM_CONN;
    if (!c)
        return EXAM_OK; /* into the void */
    if (pipe_bytes(&c->in) + c->wire.bytes + bytes > SIM_UNREAD_BYTES_MAX)
        return EXAM_AGAIN;
    send_or_end(&c->in, &c->wire, frames, bytes);
    conn_make_ready(c);
    return EXAM_OK;
}

bool sim_end_next(struct sim_end *e, const uint8_t **payload, size_t *bytes)
{
    exam_err err = pipe_peek(&e->in, FRAME_BYTES_MAX, payload, bytes);
    if (err)
        return false;
    pipe_pop(&e->in, *bytes);
    if (!pipe_bytes(&e->in) && e->conn && e->conn->server->h.drained) {
        e->conn->drained = true;
        conn_make_ready(e->conn);
    }
    return true;
}

bool sim_end_is_over(const struct sim_end *e)
{
    return e->ended && pipe_bytes(&e->in) < FRAME_HEADER_BYTES;
}

void sim_end_shut(struct sim_end *e)
{
    struct conn *c = e->conn;
    e->ended = true;
    mem_wire_clear(&e->wire);
    if (!c)
        return;
    part(c, e);
    if (is_bad(&c->wire))
        send_or_end(NULL, &c->wire, NULL, 0);
    else
        conn_hears(c);
}

void sim_end_free(struct sim_end *e)
{
    if (!e)
        return;
    sim_end_shut(e);
    free(e->in.bytes);
    free(e);
}

void sim_end_unplug(struct sim_end *e)
{
    if (!e)
        return;
    if (e->conn) {
        e->conn->dark = e->path != NULL;
        part(e->conn, e);
    }
    sim_end_free(e);
}
