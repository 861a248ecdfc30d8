#include "tcp_link.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot_clock.h"

struct tcp_link {
    uv_tcp_t tcp;
    uv_connect_t connect;
    struct tcp_link_pool *pool;
    const struct tcp_link_hooks *hooks;
    void *ctx;
    uint32_t node;
    bool closing;
    bool stalled;
    bool opened_unseen; /* connected while stalled */
    bool blind;         /* lost count of its requests: no time of one is known any more */
    bool greeted;       /* its opening was told */
    struct tunnel tunnel;
    uint8_t *buf;   /* a sealed one's */
    uint8_t *carry; /* a plain one's beginning of a frame whose end has not come */
    size_t carry_bytes;
    uint64_t opened_ms;
    uint32_t requests_first, requests_n; /* a ring of the times at which requests were sent */
    uint64_t request_ms[TCP_LINK_REQUESTS_TIMED];
    uint64_t healed_ms;
    uint32_t left_n;                /* stalled: of the requests, those that had been sent before */
    STAILQ_HEAD(, held_frame) held; /* sent while stalled */
    size_t held_bytes;
    LIST_ENTRY(tcp_link) abandoned;
};

struct queued_write {
    uv_write_t write;
    uint8_t bytes[];
};

struct held_frame {
    STAILQ_ENTRY(held_frame) next;
    size_t n;
    uint8_t bytes[];
};

static void on_closed(uv_handle_t *h)
{
    struct tcp_link *l = h->data;
    l->pool->links_open--;
    tunnel_fini(&l->tunnel);
    free(l->buf);
    free(l->carry);
    free(l);
}

static void held_drop(struct tcp_link *l)
{
    while (!STAILQ_EMPTY(&l->held)) {
        struct held_frame *f = STAILQ_FIRST(&l->held);
        STAILQ_REMOVE_HEAD(&l->held, next);
        free(f);
    }
    l->held_bytes = 0;
}

void tcp_link_close(struct tcp_link *l)
{
    assert(!l->closing);
    l->closing = true;
    held_drop(l);
    if (l->stalled)
        LIST_INSERT_HEAD(&l->pool->abandoned, l, abandoned);
    else
        uv_close((uv_handle_t *)&l->tcp, on_closed);
}

void tcp_link_reset(struct tcp_link *l)
{
    assert(!l->closing);
    l->closing = true;
    held_drop(l);
    if (uv_tcp_close_reset(&l->tcp, on_closed) != 0)
        uv_close((uv_handle_t *)&l->tcp, on_closed);
}

void tcp_link_release(struct tcp_link_pool *pool, const void *ctx, uint32_t node)
{
    struct tcp_link *next;
    for (struct tcp_link *l = LIST_FIRST(&pool->abandoned); l != NULL; l = next) {
        next = LIST_NEXT(l, abandoned);
        if (l->ctx != ctx || l->node != node)
            continue;
        LIST_REMOVE(l, abandoned);
        if (uv_tcp_close_reset(&l->tcp, on_closed) != 0)
            uv_close((uv_handle_t *)&l->tcp, on_closed);
    }
}

bool tcp_link_waits(const struct tcp_link *l)
{
    return l->stalled ? l->left_n > 0 : l->requests_n > 0;
}

uint64_t tcp_link_healed_ms(const struct tcp_link *l)
{
    return l->healed_ms;
}

static void link_end(struct tcp_link *l)
{
    tcp_link_close(l);
    l->hooks->closed(l->ctx, l->node);
}

/* A Reply's first field is its request's id; protobuf leaves out an id of 0, which marks a pushed
 * frame. So the first byte tells the two apart without decoding. */
bool tcp_link_is_reply(const uint8_t *payload)
{
    enum { TAG_ID = 1 << 3 };
    return payload[0] == TAG_ID;
}

static uint64_t request_answered(struct tcp_link *l, const uint8_t *payload)
{
    if (l->blind || !tcp_link_is_reply(payload) || l->requests_n == 0)
        return l->opened_ms;
    uint64_t sent_ms = l->request_ms[l->requests_first];
    l->requests_first = (l->requests_first + 1) % TCP_LINK_REQUESTS_TIMED;
    l->requests_n--;
    return sent_ms;
}

static void request_note(struct tcp_link *l, uint64_t now_ms)
{
    if (l->requests_n == TCP_LINK_REQUESTS_TIMED) {
        l->blind = true;
        return;
    }
    l->request_ms[(l->requests_first + l->requests_n) % TCP_LINK_REQUESTS_TIMED] = now_ms;
    l->requests_n++;
}

static void on_space(uv_handle_t *h, size_t wanted, uv_buf_t *out)
{
    (void)wanted;
    struct tcp_link *l = h->data;
    struct tcp_link_pool *p = l->pool;
    if (l->buf != NULL) {
        uint8_t *at;
        size_t bytes;
        tunnel_space(&l->tunnel, &at, &bytes);
        *out = uv_buf_init((char *)at, (unsigned)bytes);
        return;
    }
    /* libuv reads into this at once, before anything else runs: one buffer serves all links. */
    if (l->carry_bytes > 0)
        memcpy(p->buffer, l->carry, l->carry_bytes);
    *out = uv_buf_init((char *)p->buffer + l->carry_bytes,
                       (unsigned)(sizeof p->buffer - l->carry_bytes));
}

/* Keeps what is left after the last whole frame for the next read. False: no memory. */
static bool carry_keep(struct tcp_link *l, const uint8_t *bytes, size_t n)
{
    if (n > 0 && l->carry == NULL)
        l->carry = malloc(FRAME_HEADER_BYTES + FRAME_BYTES_MAX);
    if (n > 0 && l->carry == NULL)
        return false;
    if (n > 0)
        memcpy(l->carry, bytes, n);
    l->carry_bytes = n;
    return true;
}

static exam_err send_now(struct tcp_link *l, const uint8_t *frame, size_t frame_bytes);
static void link_tell_opened(struct tcp_link *l);

static void sealed_bytes_take(struct tcp_link *l)
{
    exam_err err;
    do {
        uint8_t reply[TUNNEL_OUT_BYTES_MAX];
        struct channel_out out = {.at = reply, .bytes_max = sizeof reply};
        const uint8_t *payload;
        size_t payload_bytes;
        err = tunnel_next(&l->tunnel, &out, &payload, &payload_bytes);
        if (out.bytes > 0 && send_now(l, reply, out.bytes) != EXAM_OK)
            err = EXAM_CONN;
        if (!l->greeted && tunnel_is_open(&l->tunnel)) {
            if (err == EXAM_OK)
                tunnel_put_back(&l->tunnel);
            link_tell_opened(l);
            if (l->closing)
                return;
            continue;
        }
        if (err == EXAM_OK)
            l->hooks->frame(l->ctx, l->node, payload, payload_bytes, request_answered(l, payload));
        if (l->closing)
            return;
    } while (err == EXAM_OK);
    if (err == EXAM_AGAIN)
        return;
    l->pool->refused_n++;
    snprintf(l->pool->refused_why, sizeof l->pool->refused_why, "%s", tunnel_why(&l->tunnel));
    link_end(l);
}

static void on_bytes(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    (void)buf;
    struct tcp_link *l = stream->data;
    if (n == 0)
        return;
    if (n < 0) {
        if (!l->greeted) {
            l->pool->refused_n++;
            snprintf(l->pool->refused_why, sizeof l->pool->refused_why,
                     "the node ended the connection before the channel was open");
        }
        link_end(l);
        return;
    }
    if (l->buf != NULL) {
        tunnel_filled(&l->tunnel, (size_t)n);
        sealed_bytes_take(l);
        return;
    }
    struct frame_reader r;
    const uint8_t *payload;
    size_t payload_bytes;
    exam_err err;
    frame_reader_init(&r, l->pool->buffer, sizeof l->pool->buffer, FRAME_BYTES_MAX);
    frame_reader_filled(&r, l->carry_bytes + (size_t)n);
    l->carry_bytes = 0;
    while ((err = frame_reader_next(&r, &payload, &payload_bytes)) == EXAM_OK) {
        l->hooks->frame(l->ctx, l->node, payload, payload_bytes, request_answered(l, payload));
        if (l->closing)
            return;
    }
    if (err != EXAM_AGAIN || !carry_keep(l, r.buf + r.begin, r.end - r.begin))
        link_end(l);
}

static void link_tell_opened(struct tcp_link *l)
{
    l->greeted = true;
    l->hooks->opened(l->ctx, l->node);
}

static void link_open(struct tcp_link *l)
{
    uint8_t hello[TUNNEL_OUT_BYTES_MAX];
    struct channel_out out = {.at = hello, .bytes_max = sizeof hello};
    if (uv_read_start((uv_stream_t *)&l->tcp, on_space, on_bytes) != 0) {
        link_end(l);
        return;
    }
    uv_tcp_nodelay(&l->tcp, 1);
    l->opened_ms = boot_clock_ms();
    l->healed_ms = l->opened_ms;
    if (tunnel_begin(&l->tunnel, &out) != EXAM_OK ||
        (out.bytes > 0 && send_now(l, hello, out.bytes) != EXAM_OK))
        link_end(l);
    else if (tunnel_is_open(&l->tunnel))
        link_tell_opened(l);
}

static void on_connect(uv_connect_t *c, int status)
{
    struct tcp_link *l = c->data;
    if (l->closing)
        return;
    if (status != 0)
        link_end(l);
    else if (l->stalled)
        l->opened_unseen = true;
    else
        link_open(l);
}

/* Of a plain link the tunnel does nothing but say that it is one: its frames are taken out of the
 * pool's buffer. */
static exam_err link_tunnel(struct tcp_link *l, const struct tcp_link_target *target)
{
    if (target->end->keys == NULL)
        return tunnel_init(&l->tunnel, target->end, l->pool->buffer, 0, true, NULL);
    l->buf = malloc(tunnel_buf_bytes(target->end, 0));
    if (l->buf == NULL)
        return EXAM_NOMEM;
    return tunnel_init(&l->tunnel, target->end, l->buf, 0, true, target->name);
}

exam_err tcp_link_dial(struct tcp_link_pool *pool, const struct tcp_link_target *target,
                       const struct tcp_link_hooks *hooks, void *ctx, uint32_t node,
                       struct tcp_link **out)
{
    struct tcp_link *l = calloc(1, sizeof *l);
    if (l == NULL)
        return EXAM_NOMEM;
    l->pool = pool;
    exam_err err = link_tunnel(l, target);
    if (err != EXAM_OK) {
        snprintf(pool->refused_why, sizeof pool->refused_why, "%s", tunnel_why(&l->tunnel));
        pool->refused_n++;
        free(l->buf);
        free(l);
        return err;
    }
    l->hooks = hooks;
    l->ctx = ctx;
    l->node = node;
    STAILQ_INIT(&l->held);
    if (uv_tcp_init(pool->loop, &l->tcp) != 0) {
        tunnel_fini(&l->tunnel);
        free(l->buf);
        free(l);
        return EXAM_SYSTEM;
    }
    pool->links_open++;
    l->tcp.data = l;
    l->connect.data = l;
    if (uv_tcp_connect(&l->connect, &l->tcp, target->to, on_connect) != 0) {
        tcp_link_close(l);
        return EXAM_SYSTEM;
    }
    *out = l;
    return EXAM_OK;
}

static void on_written(uv_write_t *w, int status)
{
    (void)status; /* a broken connection is seen by the reader, too */
    free(w->data);
}

static exam_err send_later(struct tcp_link *l, const uint8_t *bytes, size_t n)
{
    if (uv_stream_get_write_queue_size((uv_stream_t *)&l->tcp) + n > TCP_LINK_QUEUED_BYTES_MAX)
        return EXAM_FULL;
    struct queued_write *q = malloc(sizeof *q + n);
    if (q == NULL)
        return EXAM_NOMEM;
    memcpy(q->bytes, bytes, n);
    q->write.data = q;
    uv_buf_t buf = uv_buf_init((char *)q->bytes, (unsigned)n);
    if (uv_write(&q->write, (uv_stream_t *)&l->tcp, &buf, 1, on_written) != 0) {
        free(q);
        return EXAM_CONN;
    }
    return EXAM_OK;
}

static exam_err send_held(struct tcp_link *l, const uint8_t *bytes, size_t n)
{
    if (l->held_bytes + n > TCP_LINK_QUEUED_BYTES_MAX)
        return EXAM_FULL;
    struct held_frame *f = malloc(sizeof *f + n);
    if (f == NULL)
        return EXAM_NOMEM;
    memcpy(f->bytes, bytes, n);
    f->n = n;
    l->held_bytes += n;
    STAILQ_INSERT_TAIL(&l->held, f, next);
    return EXAM_OK;
}

static exam_err send_now(struct tcp_link *l, const uint8_t *frame, size_t frame_bytes)
{
    /* libuv reads the bytes only; its interface has no const. */
    uv_buf_t buf = {.base = (char *)(uintptr_t)frame, .len = frame_bytes};
    int n = uv_try_write((uv_stream_t *)&l->tcp, &buf, 1);
    if (n == UV_EAGAIN)
        n = 0;
    if (n < 0)
        return EXAM_CONN;
    if ((size_t)n == frame_bytes)
        return EXAM_OK;
    return send_later(l, frame + n, frame_bytes - (size_t)n);
}

exam_err tcp_link_send(struct tcp_link *l, const uint8_t *frame, size_t frame_bytes,
                       uint64_t now_ms)
{
    struct channel_out out = {.at = l->pool->sealed, .bytes_max = sizeof l->pool->sealed};
    assert(!l->closing);
    request_note(l, now_ms);
    if (l->buf != NULL) { /* what is held was sealed in its order, too */
        exam_err err = tunnel_seal(&l->tunnel, frame, frame_bytes, &out);
        if (err != EXAM_OK)
            return EXAM_CONN;
        frame = out.at;
        frame_bytes = out.bytes;
    }
    return l->stalled ? send_held(l, frame, frame_bytes) : send_now(l, frame, frame_bytes);
}

/* ---------------------------------------------------------------- a path that is cut */

void tcp_link_stall(struct tcp_link *l)
{
    assert(!l->closing);
    if (l->stalled)
        return;
    l->stalled = true;
    l->left_n = l->requests_n;
    uv_read_stop((uv_stream_t *)&l->tcp);
}

static void requests_left_now(struct tcp_link *l, uint64_t now_ms)
{
    for (uint32_t i = l->left_n; i < l->requests_n; i++)
        l->request_ms[(l->requests_first + i) % TCP_LINK_REQUESTS_TIMED] = now_ms;
}

void tcp_link_heal(struct tcp_link *l, uint64_t now_ms)
{
    exam_err err = EXAM_OK;
    assert(!l->closing);
    if (!l->stalled)
        return;
    l->stalled = false;
    l->healed_ms = now_ms;
    requests_left_now(l, now_ms);
    while (err == EXAM_OK && !STAILQ_EMPTY(&l->held)) {
        struct held_frame *f = STAILQ_FIRST(&l->held);
        STAILQ_REMOVE_HEAD(&l->held, next);
        err = send_now(l, f->bytes, f->n);
        free(f);
    }
    held_drop(l);
    if (err != EXAM_OK)
        link_end(l);
    else if (l->opened_unseen)
        link_open(l);
    else if (l->opened_ms != 0 && uv_read_start((uv_stream_t *)&l->tcp, on_space, on_bytes) != 0)
        link_end(l);
}
