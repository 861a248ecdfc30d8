#include "server_core.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "oplog.h"

enum {
    HELLO_WITHIN_MS = 5000,
    LINGER_MS = 1000,
};

struct write_queued {
    uv_write_t req;
    struct conn *conn;
    size_t bytes;
    uint8_t data[];
};

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
    if (c->known)
        return;
    c->server->strangers_n--;
    c->known = true;
    door_known(c->address, clock_boot_ms());
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
    server_free_if_done(s);
}

static void holder_let_go(struct conn *c)
{
    struct holder *k = c->holder;
    c->holder = NULL;
    if (k)
        k->conns--;
}

/* A key is remembered until what was written to it is paid for: there are as many as the roster
 * has. */
static void holders_sweep(struct server *s, uint64_t now_ms)
{
    struct holder *k, *next;
    HASH_ITER(hh, s->holders, k, next)
    {
        if (k->conns || k->paid_us > now_ms * 1000)
            continue;
        HASH_DEL(s->holders, k);
        free(k);
    }
}

void conn_drop(struct conn *c)
{
    struct server *s = c->server;
    if (c->closed)
        return;
    c->closed = c->closing = true;
    if (!c->known)
        s->strangers_n--;
    conn_call_up(c);
    door_left(s->door, c->address, c->known, clock_boot_ms());
    holder_let_go(c);
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
    conn_count_written(c, bytes);
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
    struct server *s = c->server;
    if (tunnel_is_sealed(&c->tunnel))
        oplog_gated(&s->gate, clock_boot_ms(), OPLOG_WARN, "channel-refused", s->o.name,
                    OPLOG_S("endpoint", s->o.name), OPLOG_S("peer", c->peer),
                    OPLOG_S("code", exam_err_name(err)), OPLOG_S("why", tunnel_why(&c->tunnel)));
    conn_close(c, exam_err_text(err));
}

/* The oldest of that key but this one. */
static struct conn *holder_oldest(const struct conn *c)
{
    struct conn *oldest = NULL;
    for (struct conn *other = c->server->first; other; other = other->next)
        if (other->holder == c->holder && other != c && !other->closing)
            oldest = other;
    return oldest;
}

/* The peer has just proven whose key it has. A machine that has lost its connections without a word
 * comes again; nobody needs many at once. */
static void conn_take_key(struct conn *c)
{
    const struct key_entry *e = conn_identity(c);
    struct server *s = c->server;
    struct holder *k;
    if (!e || c->holder)
        return;
    HASH_FIND(hh, s->holders, e->public, KEY_BYTES, k);
    if (!k) {
        k = calloc(1, sizeof *k);
        if (!k) {
            conn_close(c, "out of memory");
            return;
        }
        memcpy(k->key, e->public, KEY_BYTES);
        HASH_ADD(hh, s->holders, key, sizeof k->key, k);
    }
    c->holder = k;
    k->conns++;
    struct conn *oldest = s->o.per_key_max && k->conns > s->o.per_key_max ? holder_oldest(c) : NULL;
    if (oldest)
        conn_close(oldest, "the same key has connected again and again");
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

void conn_take_frames(struct conn *c)
{
    const uint8_t *payload;
    size_t bytes;
    exam_err err = EXAM_OK;
    c->in_frames = true;
    c->held = false;
    while (!c->closing && conn_may_go_on(c)) {
        err = conn_next_frame(c, &payload, &bytes);
        conn_take_key(c);
        if (err || c->closing)
            break;
        counts_note(&c->server->counts.frames_turn_max, ++c->turn_frames);
        enum conn_verdict v = c->server->h.frame(c->server->ctx, c, payload, bytes);
        if (v == CONN_HELD) {
            tunnel_put_back(&c->tunnel);
            c->turn_frames--;
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
    if (n == UV_ENOBUFS) { /* held or waiting, and the buffer is full: go on when it is taken */
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
    if (c->held || conn_waits(c))
        return;
    struct server *s = c->server;
    conn_take_frames(c);
    server_go_on(s);
}

void conn_read_start(struct conn *c)
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
        if (c->held && !c->closing)
            conn_go_on(c);
    }
}

/* ---------------------------------------------------------------- all of them */

void server_sweep(struct server *s, uint64_t now_ms)
{
    struct conn *next;
    door_sweep(s->door, now_ms);
    holders_sweep(s, now_ms);
    oplog_gate_sweep(&s->gate, now_ms);
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

struct server_counts server_counts(const struct server *s)
{
    struct server_counts counts = s->counts;
    counts_note(&counts.accepts_turn_max, s->turn_accepts);
    counts_note(&counts.greetings_turn_max, s->turn_greetings);
    return counts;
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
