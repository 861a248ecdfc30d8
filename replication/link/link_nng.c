/* The hub over NNG streams.
 *
 * One receive and one send are under way a link, each with its own aio. A receive goes straight
 * into the tunnel's buffer; its callback notes the count and wakes the owner, who takes the
 * frames out in place and starts the next one: so nothing is queued, and a link that is not drained
 * is not read. A send takes all that is queued as one run of bytes.
 *
 * What the callbacks touch (`ready` list, *_done, the send queues, accepted streams) is under `mu`;
 * all else is the owner's. No lock is held while NNG is called. A stream is closed, its aios
 * stopped (that waits for their callbacks), and only then freed. */
#include "link_backend.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <nng/nng.h>
#include <nng/supplemental/util/platform.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "frame.h"

enum {
    LISTENERS_MAX = 4,
    ACCEPTED_WAITING_MAX = 16,
    ACCEPT_PAUSE_MS = 100, /* after a failure to accept, e.g. no file descriptor left */
    NNG_LINK_ADDRESS_BYTES = 64,
    GREETING_MS = 5000, /* for either end to prove who it is */
};

/* Under the hub's mu. */
struct gate {
    bool closed;
    unsigned inside; /* callbacks that are starting an aio */
};

enum nng_link_state {
    NNG_LINK_DIALLING,
    NNG_LINK_GREETING, /* connected; the channel's handshake is going on */
    NNG_LINK_OPEN,
    NNG_LINK_LINGERING, /* closed by the owner; what was queued is being sent */
};

struct nng_link {
    struct nng_hub *hub;
    struct link_id id;
    bool dialled;
    uint64_t token;
    enum nng_link_state state;
    nng_stream_dialer *dialer;
    nng_stream *stream;
    nng_aio *io_dial, *io_recv, *io_send;
    struct tunnel tunnel;
    nng_time greet_until_ms;
    bool unwelcome; /* a newer roster does not have the peer any more */
    uint8_t *recv_buf;

    /* under the hub's mu */
    STAILQ_ENTRY(nng_link) ready_entry;
    bool ready;
    bool dial_done, recv_done;
    int dial_rc, recv_rc, send_rc; /* send_rc: the first failure, sticky */
    size_t recv_bytes;
    struct gate gate;
    bool send_busy;
    struct link_queue sending, queued; /* `sending` is the aio's while send_busy */
};

struct nng_accepting {
    struct nng_hub *hub;
    nng_stream_listener *listener;
    nng_aio *io_accept, *io_pause;
    bool paused;      /* under mu: too many wait for the owner */
    struct gate gate; /* under mu */
};

struct nng_hub {
    struct link_hub base;
    struct link_slots slots;
    uint32_t accepted; /* links that are open and were accepted */
    struct nng_accepting listeners[LISTENERS_MAX];
    size_t listeners_n;
    struct nng_link *current;   /* its buffer may hold further whole frames */
    struct link_queue scratch;  /* of what is being sealed */
    char why[TUNNEL_WHY_BYTES]; /* of the event handed out last */
    char address[NNG_LINK_ADDRESS_BYTES];

    pthread_mutex_t mu;
    pthread_cond_t gate_left;
    STAILQ_HEAD(, nng_link) ready;
    nng_stream *waiting[ACCEPTED_WAITING_MAX];
    size_t waiting_n;
};

static exam_err err_of(int rc)
{
    switch (rc) {
    case 0:
        return EXAM_OK;
    case NNG_ENOMEM:
        return EXAM_NOMEM;
    case NNG_ETIMEDOUT:
        return EXAM_TIMEOUT;
    case NNG_EADDRINUSE:
        return EXAM_EXISTS;
    case NNG_EADDRINVAL:
    case NNG_EINVAL:
    case NNG_ENOTSUP:
        return EXAM_INVALID;
    case NNG_ENOFILES:
    case NNG_EPERM:
    case NNG_EINTERNAL:
        return EXAM_SYSTEM;
    default:
        return rc & NNG_ESYSERR ? EXAM_SYSTEM : EXAM_CONN;
    }
}

static struct nng_hub *hub_of(struct link_hub *h)
{
    return (struct nng_hub *)h;
}

static void hub_wake(const struct nng_hub *h)
{
    if (h->base.o.wake)
        h->base.o.wake(h->base.o.wake_ctx);
}

/* Under mu. */
static void link_set_ready(struct nng_link *l)
{
    if (l->ready)
        return;
    l->ready = true;
    STAILQ_INSERT_TAIL(&l->hub->ready, l, ready_entry);
}

/* ---------------------------------------------------------------- gates */

/* Under mu. */
static bool gate_enter(struct gate *g)
{
    if (g->closed)
        return false;
    g->inside++;
    return true;
}

static void gate_leave(struct nng_hub *h, struct gate *g)
{
    pthread_mutex_lock(&h->mu);
    g->inside--;
    pthread_cond_signal(&h->gate_left);
    pthread_mutex_unlock(&h->mu);
}

/* From here on no callback starts anything. */
static void gate_close(struct nng_hub *h, struct gate *g)
{
    pthread_mutex_lock(&h->mu);
    g->closed = true;
    while (g->inside)
        pthread_cond_wait(&h->gate_left, &h->mu);
    pthread_mutex_unlock(&h->mu);
}

/* ---------------------------------------------------------------- callbacks, NNG's threads */

static void dial_cb(void *arg)
{
    struct nng_link *l = arg;
    pthread_mutex_lock(&l->hub->mu);
    l->dial_done = true;
    l->dial_rc = nng_aio_result(l->io_dial);
    link_set_ready(l);
    pthread_mutex_unlock(&l->hub->mu);
    hub_wake(l->hub);
}

static void recv_cb(void *arg)
{
    struct nng_link *l = arg;
    pthread_mutex_lock(&l->hub->mu);
    l->recv_done = true;
    l->recv_rc = nng_aio_result(l->io_recv);
    l->recv_bytes = l->recv_rc ? 0 : nng_aio_count(l->io_recv);
    link_set_ready(l);
    pthread_mutex_unlock(&l->hub->mu);
    hub_wake(l->hub);
}

static void send_start(struct nng_link *l)
{
    nng_iov iov = {.iov_buf = l->sending.bytes + l->sending.begin,
                   .iov_len = link_queue_bytes(&l->sending)};
    int rc = nng_aio_set_iov(l->io_send, 1, &iov);
    assert(!rc);
    nng_stream_send(l->stream, l->io_send);
}

static void send_cb(void *arg)
{
    struct nng_link *l = arg;
    bool more = false, idle = false;
    pthread_mutex_lock(&l->hub->mu);
    int rc = nng_aio_result(l->io_send);
    if (rc) {
        l->send_rc = rc;
    } else {
        link_queue_pop(&l->sending, nng_aio_count(l->io_send));
        if (!link_queue_bytes(&l->sending)) {
            struct link_queue empty = l->sending;
            l->sending = l->queued;
            l->queued = empty;
        }
        more = link_queue_bytes(&l->sending) > 0 && gate_enter(&l->gate);
    }
    if (!more) {
        l->send_busy = false;
        /* The owner has nothing to hear of a send that went well, unless it waits to free it. */
        idle = rc || l->state == NNG_LINK_LINGERING;
        if (idle)
            link_set_ready(l);
    }
    pthread_mutex_unlock(&l->hub->mu);
    if (more) {
        send_start(l);
        gate_leave(l->hub, &l->gate);
    }
    if (idle)
        hub_wake(l->hub);
}

static void accept_start(struct nng_accepting *a)
{
    nng_stream_listener_accept(a->listener, a->io_accept);
}

static void accept_cb(void *arg)
{
    struct nng_accepting *a = arg;
    struct nng_hub *h = a->hub;
    int rc = nng_aio_result(a->io_accept);
    if (rc == NNG_ECLOSED || rc == NNG_ECANCELED)
        return;
    pthread_mutex_lock(&h->mu);
    if (rc) {
        bool open = gate_enter(&a->gate);
        pthread_mutex_unlock(&h->mu);
        if (open) {
            nng_sleep_aio(ACCEPT_PAUSE_MS, a->io_pause);
            gate_leave(h, &a->gate);
        }
        return;
    }
    assert(h->waiting_n < ACCEPTED_WAITING_MAX);
    h->waiting[h->waiting_n++] = nng_aio_get_output(a->io_accept, 0);
    /* Each listener may hand over one more. */
    a->paused = h->waiting_n + LISTENERS_MAX > ACCEPTED_WAITING_MAX;
    bool again = !a->paused && gate_enter(&a->gate);
    pthread_mutex_unlock(&h->mu);
    hub_wake(h);
    if (again) {
        accept_start(a);
        gate_leave(h, &a->gate);
    }
}

static void accept_pause_cb(void *arg)
{
    struct nng_accepting *a = arg;
    if (nng_aio_result(a->io_pause))
        return;
    pthread_mutex_lock(&a->hub->mu);
    bool again = gate_enter(&a->gate);
    pthread_mutex_unlock(&a->hub->mu);
    if (again) {
        accept_start(a);
        gate_leave(a->hub, &a->gate);
    }
}

/* ---------------------------------------------------------------- making and ending links */

static void link_destroy(struct nng_link *l)
{
    struct nng_hub *h = l->hub;
    gate_close(h, &l->gate);
    if (l->dialer)
        nng_stream_dialer_close(l->dialer);
    if (l->stream)
        nng_stream_close(l->stream);
    nng_aio *ios[] = {l->io_dial, l->io_recv, l->io_send};
    for (size_t i = 0; i < 3; i++)
        if (ios[i])
            nng_aio_stop(ios[i]);
    if (l->io_dial && !l->stream && l->dial_done && !l->dial_rc)
        nng_stream_free(nng_aio_get_output(l->io_dial, 0));
    for (size_t i = 0; i < 3; i++)
        if (ios[i])
            nng_aio_free(ios[i]);
    if (l->stream)
        nng_stream_free(l->stream);
    if (l->dialer)
        nng_stream_dialer_free(l->dialer);
    pthread_mutex_lock(&h->mu);
    if (l->ready)
        STAILQ_REMOVE(&h->ready, l, nng_link, ready_entry);
    pthread_mutex_unlock(&h->mu);
    if (h->current == l)
        h->current = NULL;
    if (link_slots_find(&h->slots, l->id) == l) {
        link_slots_remove(&h->slots, l->id);
        h->accepted -= !l->dialled;
    }
    link_queue_fini(&l->sending);
    link_queue_fini(&l->queued);
    tunnel_fini(&l->tunnel);
    free(l->recv_buf);
    free(l);
}

/* `peer`: who is dialled; NULL for one that was accepted. */
static exam_err link_make(struct nng_hub *h, bool dialled, const char *peer, uint64_t token,
                          struct nng_link **out)
{
    struct nng_link *l = calloc(1, sizeof *l);
    if (!l)
        return EXAM_NOMEM;
    l->hub = h;
    l->dialled = dialled;
    l->token = token;
    size_t recv_bytes = h->base.o.recv_bytes;
    l->recv_buf = malloc(tunnel_buf_bytes(&h->base.o.tunnel, recv_bytes));
    exam_err err = EXAM_NOMEM;
    if (!l->recv_buf || nng_aio_alloc(&l->io_recv, recv_cb, l) ||
        nng_aio_alloc(&l->io_send, send_cb, l))
        goto fail;
    nng_aio_set_timeout(l->io_send, (nng_duration)h->base.o.send_timeout_ms);
    err = tunnel_init(&l->tunnel, &h->base.o.tunnel, l->recv_buf, recv_bytes, dialled, peer);
    if (!err)
        err = link_slots_add(&h->slots, l, &l->id);
    if (err)
        goto fail;
    h->accepted += !dialled;
    *out = l;
    return EXAM_OK;
fail:
    link_destroy(l);
    return err;
}

static void recv_start(struct nng_link *l)
{
    uint8_t *at;
    size_t bytes;
    tunnel_space(&l->tunnel, &at, &bytes);
    nng_iov iov = {.iov_buf = at, .iov_len = bytes};
    int rc = nng_aio_set_iov(l->io_recv, 1, &iov);
    assert(!rc);
    if (l->state == NNG_LINK_GREETING) {
        nng_time now_ms = nng_clock();
        nng_duration left_ms =
            now_ms < l->greet_until_ms ? (nng_duration)(l->greet_until_ms - now_ms) : 0;
        nng_aio_set_timeout(l->io_recv, left_ms);
    } else {
        nng_aio_set_timeout(l->io_recv, NNG_DURATION_INFINITE);
    }
    nng_stream_recv(l->stream, l->io_recv);
}

/* Puts bytes into the queue as they are. The bound is the caller's to keep. */
static exam_err link_push(struct nng_link *l, const uint8_t *bytes, size_t n)
{
    struct nng_hub *h = l->hub;
    exam_err err = EXAM_CONN;
    bool start = false;
    if (!n)
        return EXAM_OK;
    pthread_mutex_lock(&h->mu);
    if (!l->send_rc) {
        err = link_queue_push(l->send_busy ? &l->queued : &l->sending, bytes, n);
        start = !err && !l->send_busy;
        l->send_busy |= start;
    }
    pthread_mutex_unlock(&h->mu);
    if (start)
        send_start(l);
    return err;
}

static void stream_address(nng_stream *stream, char *out, size_t out_bytes);

static bool link_ended(struct nng_link *l, enum link_event_kind kind, exam_err reason,
                       struct link_event *out)
{
    struct nng_hub *h = l->hub;
    bool greeting = l->state == NNG_LINK_GREETING;
    snprintf(h->why, sizeof h->why, "%s", tunnel_why(&l->tunnel));
    h->address[0] = '\0';
    if (l->unwelcome)
        snprintf(h->why, sizeof h->why, "the new roster of keys does not admit it any more");
    else if (greeting && !h->why[0])
        snprintf(h->why, sizeof h->why, "%s",
                 reason == EXAM_TIMEOUT ? "it did not finish the handshake in time"
                 : l->dialled ? "the other end closed the connection during the handshake: its log "
                                "says what it has against this key"
                              : "it closed the connection during the handshake");
    if (greeting && !l->dialled) {
        kind = LINK_REFUSED;
        stream_address(l->stream, h->address, sizeof h->address);
    } else if (greeting) {
        kind = LINK_DIAL_FAILED;
    }
    *out = (struct link_event){.kind = kind,
                               .link = l->id,
                               .dialled = l->dialled,
                               .token = l->token,
                               .reason = reason,
                               .why = h->why,
                               .address = h->address};
    link_destroy(l);
    return true;
}

/* The callback of a send looks at it, too. */
static void link_set_state(struct nng_link *l, enum nng_link_state state)
{
    pthread_mutex_lock(&l->hub->mu);
    l->state = state;
    pthread_mutex_unlock(&l->hub->mu);
}

static bool link_tell_opened(struct nng_link *l, struct link_event *out)
{
    link_set_state(l, NNG_LINK_OPEN);
    *out = (struct link_event){
        .kind = LINK_OPENED, .link = l->id, .dialled = l->dialled, .token = l->token};
    return true;
}

/* There is a connection. True: there is something to tell of it. */
static bool link_connected(struct nng_link *l, nng_stream *stream, struct link_event *out)
{
    uint8_t hello[TUNNEL_OUT_BYTES_MAX];
    struct channel_out o = {.at = hello, .bytes_max = sizeof hello};
    l->stream = stream;
    link_set_state(l, tunnel_is_open(&l->tunnel) ? NNG_LINK_OPEN : NNG_LINK_GREETING);
    l->greet_until_ms = nng_clock() + GREETING_MS;
    exam_err err = tunnel_begin(&l->tunnel, &o);
    if (!err)
        err = link_push(l, hello, o.bytes);
    if (err)
        return link_ended(l, LINK_CLOSED, err, out);
    recv_start(l);
    return l->state == NNG_LINK_OPEN && link_tell_opened(l, out);
}

/* ---------------------------------------------------------------- draining */

/* The next frame in the link's buffer, or the next receive. */
static bool link_take_frame(struct nng_link *l, struct link_event *out)
{
    uint8_t reply[TUNNEL_OUT_BYTES_MAX];
    struct channel_out o = {.at = reply, .bytes_max = sizeof reply};
    const uint8_t *payload;
    size_t payload_bytes;
    if (l->unwelcome)
        return link_ended(l, LINK_CLOSED, EXAM_AUTH, out);
    exam_err err = tunnel_next(&l->tunnel, &o, &payload, &payload_bytes);
    exam_err pushed = link_push(l, reply, o.bytes);
    if (pushed && (!err || err == EXAM_AGAIN))
        err = pushed;
    if (l->state == NNG_LINK_GREETING && tunnel_is_open(&l->tunnel) &&
        (!err || err == EXAM_AGAIN)) {
        if (!err)
            tunnel_put_back(&l->tunnel);
        l->hub->current = l;
        return link_tell_opened(l, out);
    }
    if (err == EXAM_AGAIN) {
        l->hub->current = NULL;
        recv_start(l);
        return false;
    }
    if (err)
        return link_ended(l, LINK_CLOSED, err, out);
    l->hub->current = l;
    *out = (struct link_event){.kind = LINK_FRAME,
                               .link = l->id,
                               .dialled = l->dialled,
                               .token = l->token,
                               .payload = payload,
                               .payload_bytes = payload_bytes};
    return true;
}

/* What a link that stood in the ready list has to say. */
static bool link_advance(struct nng_link *l, struct link_event *out)
{
    struct nng_hub *h = l->hub;
    pthread_mutex_lock(&h->mu);
    bool dial_done = l->dial_done, recv_done = l->recv_done, send_busy = l->send_busy;
    int send_rc = l->send_rc;
    l->recv_done = false;
    pthread_mutex_unlock(&h->mu);

    if (l->state == NNG_LINK_LINGERING) {
        if (!send_busy)
            link_destroy(l);
        return false;
    }
    if (l->state == NNG_LINK_DIALLING) {
        assert(dial_done);
        if (l->dial_rc)
            return link_ended(l, LINK_DIAL_FAILED, err_of(l->dial_rc), out);
        return link_connected(l, nng_aio_get_output(l->io_dial, 0), out);
    }
    if (l->unwelcome)
        return link_ended(l, LINK_CLOSED, EXAM_AUTH, out);
    if (recv_done && l->recv_rc)
        return link_ended(l, LINK_CLOSED, err_of(l->recv_rc), out);
    if (recv_done) {
        tunnel_filled(&l->tunnel, l->recv_bytes);
        return link_take_frame(l, out);
    }
    /* A peer that is gone ends the receive as well, after what it had still sent. One that only
     * does not read does not. */
    if (send_rc == NNG_ETIMEDOUT)
        return link_ended(l, LINK_CLOSED, EXAM_TIMEOUT, out);
    return false;
}

static nng_stream *accepted_pop(struct nng_hub *h)
{
    nng_stream *stream = NULL;
    struct nng_accepting *resume[LISTENERS_MAX];
    size_t resume_n = 0;
    pthread_mutex_lock(&h->mu);
    if (h->waiting_n) {
        stream = h->waiting[0];
        h->waiting_n--;
        memmove(h->waiting, h->waiting + 1, h->waiting_n * sizeof h->waiting[0]);
    }
    for (size_t i = 0; h->waiting_n == 0 && i < h->listeners_n; i++) {
        if (h->listeners[i].paused)
            resume[resume_n++] = &h->listeners[i];
        h->listeners[i].paused = false;
    }
    pthread_mutex_unlock(&h->mu);
    for (size_t i = 0; i < resume_n; i++)
        accept_start(resume[i]);
    return stream;
}

/* Strangers keep no peer out: the one that has taken longest to prove who it is makes room. */
static bool accepted_room(struct nng_hub *h)
{
    struct nng_link *oldest = NULL;
    if (h->accepted < h->base.o.accepted_max)
        return true;
    for (uint32_t i = 0; i < h->slots.n; i++) {
        struct nng_link *l = h->slots.at[i];
        if (l && !l->dialled && l->state == NNG_LINK_GREETING &&
            (!oldest || l->greet_until_ms < oldest->greet_until_ms))
            oldest = l;
    }
    if (oldest)
        link_destroy(oldest);
    return oldest != NULL;
}

static bool hub_take_accepted(struct nng_hub *h, struct link_event *out)
{
    nng_stream *stream;
    while ((stream = accepted_pop(h))) {
        struct nng_link *l;
        if (!accepted_room(h) || link_make(h, false, NULL, 0, &l)) {
            nng_stream_close(stream);
            nng_stream_free(stream);
        } else if (link_connected(l, stream, out)) {
            return true;
        }
    }
    return false;
}

static bool hub_next(struct link_hub *base, struct link_event *out)
{
    struct nng_hub *h = hub_of(base);
    if (h->current && link_take_frame(h->current, out))
        return true;
    for (;;) {
        if (hub_take_accepted(h, out))
            return true;
        pthread_mutex_lock(&h->mu);
        struct nng_link *l = STAILQ_FIRST(&h->ready);
        if (l) {
            STAILQ_REMOVE_HEAD(&h->ready, ready_entry);
            l->ready = false;
        }
        pthread_mutex_unlock(&h->mu);
        if (!l)
            return false;
        if (link_advance(l, out))
            return true;
    }
}

/* ---------------------------------------------------------------- the owner's calls */

static exam_err hub_dial(struct link_hub *base, const char *url, const char *peer, uint64_t token,
                         struct link_id *out)
{
    struct nng_hub *h = hub_of(base);
    struct nng_link *l;
    exam_err err = link_make(h, true, peer, token, &l);
    if (err)
        return err;
    int rc = nng_stream_dialer_alloc(&l->dialer, url);
    if (!rc)
        /* NNG 1.5.2 turns it off: records would wait 40 ms behind a ping. An ipc stream has none.
         */
        (void)nng_stream_dialer_set_bool(l->dialer, NNG_OPT_TCP_NODELAY, true);
    if (!rc)
        rc = nng_aio_alloc(&l->io_dial, dial_cb, l);
    if (rc) {
        link_destroy(l);
        return rc == NNG_ENOMEM ? EXAM_NOMEM : EXAM_INVALID;
    }
    nng_aio_set_timeout(l->io_dial, (nng_duration)h->base.o.dial_timeout_ms);
    *out = l->id;
    nng_stream_dialer_dial(l->dialer, l->io_dial);
    return EXAM_OK;
}

static void listen_why(const char *url, exam_err err, char *why, size_t why_bytes)
{
    if (err == EXAM_EXISTS)
        snprintf(why, why_bytes,
                 "%s is in use: another process listens there; end it, or choose "
                 "another port",
                 url);
    else if (err == EXAM_INVALID)
        snprintf(why, why_bytes,
                 "%s is not an address of this machine: write it as "
                 "tcp://HOST:PORT or ipc://PATH",
                 url);
    else
        snprintf(why, why_bytes, "cannot listen at %s: %s", url, exam_err_text(err));
}

static void accepting_fini(struct nng_accepting *a)
{
    gate_close(a->hub, &a->gate);
    if (a->listener)
        nng_stream_listener_close(a->listener);
    nng_aio *ios[] = {a->io_accept, a->io_pause};
    for (size_t i = 0; i < 2; i++)
        if (ios[i]) {
            nng_aio_stop(ios[i]);
            nng_aio_free(ios[i]);
        }
    if (a->listener)
        nng_stream_listener_free(a->listener);
    *a = (struct nng_accepting){0};
}

static exam_err hub_listen(struct link_hub *base, const char *url, char *why, size_t why_bytes)
{
    struct nng_hub *h = hub_of(base);
    if (h->listeners_n == LISTENERS_MAX) {
        snprintf(why, why_bytes, "cannot listen at %s: no more than %d addresses", url,
                 LISTENERS_MAX);
        return EXAM_FULL;
    }
    struct nng_accepting *a = &h->listeners[h->listeners_n];
    *a = (struct nng_accepting){.hub = h};
    int rc = nng_stream_listener_alloc(&a->listener, url);
    if (!rc)
        (void)nng_stream_listener_set_bool(a->listener, NNG_OPT_TCP_NODELAY, true);
    if (!rc)
        rc = nng_stream_listener_listen(a->listener);
    if (!rc)
        rc = nng_aio_alloc(&a->io_accept, accept_cb, a);
    if (!rc)
        rc = nng_aio_alloc(&a->io_pause, accept_pause_cb, a);
    if (rc) {
        accepting_fini(a);
        listen_why(url, err_of(rc), why, why_bytes);
        return err_of(rc);
    }
    pthread_mutex_lock(&h->mu);
    h->listeners_n++;
    pthread_mutex_unlock(&h->mu);
    accept_start(a);
    return EXAM_OK;
}

/* Seals into the hub's scratch. Whatever was sealed goes into the queue, or the link is of no use
 * any more: its receive ends with the stream. */
static exam_err link_send_sealed(struct nng_link *l, const uint8_t *frames, size_t bytes)
{
    struct nng_hub *h = l->hub;
    struct channel_out o = {0};
    exam_err err = link_queue_room(&h->scratch, tunnel_sealed_bytes(&l->tunnel, bytes));
    if (err)
        return err;
    o.at = h->scratch.bytes;
    o.bytes_max = h->scratch.capacity;
    err = tunnel_seal(&l->tunnel, frames, bytes, &o);
    if (!err)
        err = link_push(l, o.at, o.bytes);
    if (err)
        nng_stream_close(l->stream);
    return err;
}

static exam_err hub_send(struct link_hub *base, struct link_id id, const uint8_t *frames,
                         size_t bytes)
{
    struct nng_hub *h = hub_of(base);
    struct nng_link *l = link_slots_find(&h->slots, id);
    if (!l || l->state != NNG_LINK_OPEN)
        return EXAM_CONN;
    pthread_mutex_lock(&h->mu);
    size_t queued = link_queue_bytes(&l->sending) + link_queue_bytes(&l->queued);
    int send_rc = l->send_rc;
    pthread_mutex_unlock(&h->mu);
    if (send_rc)
        return EXAM_CONN;
    if (!link_room(&h->base.o, queued, bytes))
        return EXAM_AGAIN; /* the queue only becomes shorter meanwhile */
    return tunnel_is_sealed(&l->tunnel) ? link_send_sealed(l, frames, bytes)
                                        : link_push(l, frames, bytes);
}

static size_t hub_queued_bytes(const struct link_hub *base, struct link_id id)
{
    struct nng_hub *h = (struct nng_hub *)(uintptr_t)base;
    struct nng_link *l = link_slots_find(&h->slots, id);
    if (!l)
        return 0;
    pthread_mutex_lock(&h->mu);
    size_t queued = link_queue_bytes(&l->sending) + link_queue_bytes(&l->queued);
    pthread_mutex_unlock(&h->mu);
    return queued;
}

static void hub_close(struct link_hub *base, struct link_id id)
{
    struct nng_hub *h = hub_of(base);
    struct nng_link *l = link_slots_find(&h->slots, id);
    if (!l || l->state == NNG_LINK_LINGERING)
        return;
    /* The payload handed out last lies in the current link's buffer: it lives until link_next. */
    bool linger = h->current == l;
    if (linger)
        h->current = NULL;
    pthread_mutex_lock(&h->mu);
    linger |= l->state == NNG_LINK_OPEN && l->send_busy && !l->send_rc;
    if (linger) {
        l->state = NNG_LINK_LINGERING;
        if (!l->send_busy)
            link_set_ready(l);
    }
    pthread_mutex_unlock(&h->mu);
    if (!linger)
        link_destroy(l);
}

static void stream_address(nng_stream *stream, char *out, size_t out_bytes)
{
    nng_sockaddr sa;
    char host[INET6_ADDRSTRLEN];
    if (nng_stream_get_addr(stream, NNG_OPT_REMADDR, &sa))
        return;
    if (sa.s_family == NNG_AF_INET && inet_ntop(AF_INET, &sa.s_in.sa_addr, host, sizeof host))
        snprintf(out, out_bytes, "%s:%u", host, ntohs(sa.s_in.sa_port));
    else if (sa.s_family == NNG_AF_INET6 &&
             inet_ntop(AF_INET6, sa.s_in6.sa_addr, host, sizeof host))
        snprintf(out, out_bytes, "[%s]:%u", host, ntohs(sa.s_in6.sa_port));
    else if (sa.s_family == NNG_AF_IPC)
        snprintf(out, out_bytes, "ipc");
}

static void hub_peer(const struct link_hub *base, struct link_id id, char *out, size_t out_bytes)
{
    const struct nng_hub *h = (const struct nng_hub *)base;
    const struct nng_link *l = link_slots_find(&h->slots, id);
    if (l && l->stream)
        stream_address(l->stream, out, out_bytes);
}

static const struct key_entry *hub_identity(const struct link_hub *base, struct link_id id)
{
    const struct nng_hub *h = (const struct nng_hub *)base;
    const struct nng_link *l = link_slots_find(&h->slots, id);
    return l && l->state == NNG_LINK_OPEN ? tunnel_peer(&l->tunnel) : NULL;
}

static void hub_recheck(struct link_hub *base)
{
    struct nng_hub *h = hub_of(base);
    for (uint32_t i = 0; i < h->slots.n; i++) {
        struct nng_link *l = h->slots.at[i];
        if (!l || l->state != NNG_LINK_OPEN || tunnel_peer_is_good(&l->tunnel))
            continue;
        l->unwelcome = true;
        pthread_mutex_lock(&h->mu);
        link_set_ready(l);
        pthread_mutex_unlock(&h->mu);
    }
    hub_wake(h);
}

/* ---------------------------------------------------------------- the hub */

static void hub_free(struct link_hub *base)
{
    struct nng_hub *h = hub_of(base);
    for (size_t i = 0; i < h->listeners_n; i++)
        accepting_fini(&h->listeners[i]);
    for (size_t i = 0; i < h->waiting_n; i++) {
        nng_stream_close(h->waiting[i]);
        nng_stream_free(h->waiting[i]);
    }
    for (uint32_t i = 0; i < h->slots.n; i++)
        if (h->slots.at[i])
            link_destroy(h->slots.at[i]);
    link_slots_fini(&h->slots);
    link_queue_fini(&h->scratch);
    pthread_cond_destroy(&h->gate_left);
    pthread_mutex_destroy(&h->mu);
    free(h);
}

static const struct link_ops hub_ops = {
    .hub_free = hub_free,
    .listen = hub_listen,
    .dial = hub_dial,
    .send = hub_send,
    .queued_bytes = hub_queued_bytes,
    .close = hub_close,
    .next = hub_next,
    .peer = hub_peer,
    .identity = hub_identity,
    .recheck = hub_recheck,
};

exam_err link_hub_new(const struct link_options *o, struct link_hub **out)
{
    struct nng_hub *h = calloc(1, sizeof *h);
    if (!h)
        return EXAM_NOMEM;
    link_hub_init(&h->base, &hub_ops, o);
    STAILQ_INIT(&h->ready);
    if (link_slots_init(&h->slots, h->base.o.links_max)) {
        free(h);
        return EXAM_NOMEM;
    }
    /* With default attributes neither can fail here (glibc). */
    (void)pthread_mutex_init(&h->mu, NULL);
    (void)pthread_cond_init(&h->gate_left, NULL);
    *out = &h->base;
    return EXAM_OK;
}
