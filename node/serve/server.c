#include "server.h"

#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <uthash.h>
#include <uv.h>

#include "clock.h"
#include "config.h"
#include "door.h"
#include "oplog.h"
#include "oplog_gate.h"

enum {
    HELLO_WITHIN_MS = 5000,
    LINGER_MS = 1000,
    BACKLOG = 4096,
    KEEPALIVE_S = 10,
    PACE_AHEAD_US = 2000000,
    GO_ON_MS = 5,
    RECEIVE_FRAMES = 8, /* the longest ones; kept by the kernel for one connection */
    RECEIVE_BYTES_MIN = 64 * 1024,
};

/* Who waits for a turn of the loop, in the order of their coming. */
enum lane {
    LANE_NONE,
    LANE_GO_ON,   /* has had its share of a turn */
    LANE_PACED,   /* has been written as much as is written to one key in that time */
    LANE_GREET,   /* has sent its hello */
    LANE_DEBTORS, /* the same, of an address in debt */
    LANES,
};

/* The connections that have proven to own a key. */
struct holder {
    uint8_t key[KEY_BYTES];
    uint32_t conns;
    uint64_t paid_us; /* see pace_add */
    UT_hash_handle hh;
};

struct conn {
    uv_tcp_t tcp;
    struct server *server;
    struct conn *next, *prev; /* open connections, the newest first */
    TAILQ_ENTRY(conn) waits;
    enum lane lane;
    bool greet;    /* its handshake is not put off any more */
    uint64_t turn; /* what follows is of it */
    uint32_t turn_frames;
    size_t turn_bytes;
    struct door_address *address;
    struct holder *holder; /* NULL: none, or without keys */
    uint64_t paid_us;      /* then */
    struct conn_ref ref;
    struct tunnel tunnel;
    uint64_t opened_ms, heard_ms, closing_since_ms;
    size_t queued_bytes;
    const char *why;
    bool known, held, reading, in_frames;
    bool closing;  /* takes and sends nothing more; what is queued is still written */
    bool aborting; /* nor is that */
    bool closed;
    char peer[64];
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
    uint32_t handles; /* its own, beside those of connections */
    struct door *door;
    struct holder *holders;
    struct oplog_gate gate;
    TAILQ_HEAD(conn_queue, conn) lanes[LANES];
    uint32_t lane_conns[LANES];
    bool more_to_accept;
    uv_prepare_t turns;
    uv_idle_t more;   /* active while somebody waits for a turn: the loop does not sleep */
    uv_timer_t later; /* active while there are debtors, or some are paced */
    uv_timer_t go_on; /* active while somebody has had its share */
    uint64_t went_on; /* the turn in which those did, last */
    bool turn_begun;
    uint32_t turn_accepts, turn_greetings;
    struct server_counts counts;
};

struct write_queued {
    uv_write_t req;
    struct conn *conn;
    size_t bytes;
    uint8_t data[];
};

static void conn_read_start(struct conn *c);
static void conn_take_frames(struct conn *c);
static void server_free_if_done(struct server *s);

/* ---------------------------------------------------------------- turns */

static void on_more(uv_idle_t *h);
static void on_later(uv_timer_t *h);
static void on_go_on(uv_timer_t *h);

static bool conn_waits(const struct conn *c)
{
    return c->lane != LANE_NONE;
}

/* What is left for the next turn keeps the loop from sleeping. */
static void server_wait_for_turns(struct server *s)
{
    if (s->closing)
        return;
    if (s->more_to_accept || !TAILQ_EMPTY(&s->lanes[LANE_GREET]))
        uv_idle_start(&s->more, on_more);
    else
        uv_idle_stop(&s->more);
    if (TAILQ_EMPTY(&s->lanes[LANE_GO_ON]))
        uv_timer_stop(&s->go_on);
    else if (!uv_is_active((const uv_handle_t *)&s->go_on))
        uv_timer_start(&s->go_on, on_go_on, GO_ON_MS, 0);
    if (TAILQ_EMPTY(&s->lanes[LANE_DEBTORS]) && TAILQ_EMPTY(&s->lanes[LANE_PACED]))
        uv_timer_stop(&s->later);
    else if (!uv_is_active((const uv_handle_t *)&s->later))
        uv_timer_start(&s->later, on_later, SERVER_DEBTOR_GREETING_MS, SERVER_DEBTOR_GREETING_MS);
}

static void conn_put_off(struct conn *c, enum lane lane)
{
    struct server *s = c->server;
    assert(c->lane == LANE_NONE);
    c->lane = lane;
    TAILQ_INSERT_TAIL(&s->lanes[lane], c, waits);
    s->lane_conns[lane]++;
    s->counts.put_off++;
    server_wait_for_turns(s);
}

static void conn_call_up(struct conn *c)
{
    if (c->lane == LANE_NONE)
        return;
    TAILQ_REMOVE(&c->server->lanes[c->lane], c, waits);
    c->server->lane_conns[c->lane]--;
    c->lane = LANE_NONE;
}

static void counts_note(uint32_t *most, uint32_t now)
{
    if (now > *most)
        *most = now;
}

static void turn_begin(struct server *s)
{
    counts_note(&s->counts.accepts_turn_max, s->turn_accepts);
    counts_note(&s->counts.greetings_turn_max, s->turn_greetings);
    s->counts.turns++;
    s->turn_accepts = s->turn_greetings = 0;
}

/* By what comes before the poll: with it that is one turn. */
static void turn_begin_early(struct server *s)
{
    if (!s->turn_begun)
        turn_begin(s);
    s->turn_begun = true;
}

/* Before the loop polls. */
static void on_turn(uv_prepare_t *h)
{
    struct server *s = h->data;
    if (!s->turn_begun)
        turn_begin(s);
    s->turn_begun = false;
}

static void conn_count_from(struct conn *c)
{
    if (c->turn == c->server->counts.turns)
        return;
    c->turn = c->server->counts.turns;
    c->turn_frames = 0;
    c->turn_bytes = 0;
}

/* What is written to a key takes its time, as if its line had bytes_a_second; PACE_AHEAD_US of that
 * may be ahead. So many small questions with long answers come to nothing. */
static uint64_t *pace_of(struct conn *c)
{
    return c->holder ? &c->holder->paid_us : &c->paid_us;
}

static void pace_add(struct conn *c, size_t bytes)
{
    uint64_t now_us = clock_boot_ms() * 1000, *paid_us = pace_of(c);
    if (!c->server->o.bytes_a_second)
        return;
    if (*paid_us < now_us)
        *paid_us = now_us;
    *paid_us += bytes * UINT64_C(1000000) / c->server->o.bytes_a_second;
}

static bool pace_is_ahead(struct conn *c)
{
    return *pace_of(c) > clock_boot_ms() * 1000 + PACE_AHEAD_US;
}

/* Who comes with a hello is greeted in the order of coming, a few in a turn. */
static bool conn_may_be_greeted(struct conn *c)
{
    struct server *s = c->server;
    if (!c->greet && door_is_in_debt(c->address, clock_boot_ms())) {
        conn_put_off(c, LANE_DEBTORS);
        return false;
    }
    if (!c->greet &&
        (s->turn_greetings >= SERVER_GREETINGS_PER_TURN || !TAILQ_EMPTY(&s->lanes[LANE_GREET]))) {
        conn_put_off(c, LANE_GREET);
        return false;
    }
    s->turn_greetings++;
    s->counts.greeted++;
    return true;
}

/* False: the rest of what it has sent waits for another turn. */
static bool conn_may_go_on(struct conn *c)
{
    struct server *s = c->server;
    if (tunnel_has_hello(&c->tunnel))
        return conn_may_be_greeted(c);
    conn_count_from(c);
    if ((s->o.frames_per_turn && c->turn_frames >= s->o.frames_per_turn) ||
        c->turn_bytes >= SERVER_BYTES_PER_TURN) {
        conn_put_off(c, LANE_GO_ON);
        return false;
    }
    if (pace_is_ahead(c)) {
        conn_put_off(c, LANE_PACED);
        return false;
    }
    return true;
}

/* After waiting, or having been held: what is there, and what comes. */
static void conn_go_on(struct conn *c)
{
    conn_take_frames(c);
    if (!c->closing && !c->held && !conn_waits(c) && !c->reading)
        conn_read_start(c);
}

static void greet(struct conn *c)
{
    conn_call_up(c);
    c->greet = true;
    conn_go_on(c);
}

/* Those who wait there now; who is put off again meanwhile waits behind. */
static void lane_go_on(struct server *s, enum lane lane)
{
    struct conn *c;
    for (uint32_t n = s->lane_conns[lane]; n && (c = TAILQ_FIRST(&s->lanes[lane])); n--) {
        conn_call_up(c);
        conn_go_on(c);
    }
}

/* Who has sent more than its share goes on with the others' turns. A turn of its own would make
 * what the others send meanwhile wait for its commit; it gets that after a while only. */
static void server_go_on(struct server *s)
{
    if (s->went_on == s->counts.turns)
        return;
    s->went_on = s->counts.turns;
    lane_go_on(s, LANE_GO_ON);
    server_wait_for_turns(s);
}

static void on_go_on(uv_timer_t *h)
{
    turn_begin_early(h->data);
    server_go_on(h->data);
}

static void on_later(uv_timer_t *h)
{
    struct server *s = h->data;
    struct conn *c = TAILQ_FIRST(&s->lanes[LANE_DEBTORS]);
    turn_begin_early(s);
    lane_go_on(s, LANE_PACED);
    if (c) {
        s->counts.debtors_greeted++;
        greet(c);
    }
    server_wait_for_turns(s);
}

static void server_accept_more(struct server *s);

/* Before the turn's decisions are made durable. */
static void on_more(uv_idle_t *h)
{
    struct server *s = h->data;
    struct conn *c;
    turn_begin_early(s);
    while (s->turn_greetings < SERVER_GREETINGS_PER_TURN &&
           (c = TAILQ_FIRST(&s->lanes[LANE_GREET])))
        greet(c);
    if (s->more_to_accept)
        server_accept_more(s);
    server_wait_for_turns(s);
}

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

/* Takes the connection down now. Queued writes are cancelled; their callbacks come first. */
static void conn_drop(struct conn *c)
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
    conn_count_from(c);
    c->turn_bytes += bytes;
    pace_add(c, bytes);
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

static void conn_take_frames(struct conn *c)
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
        if (c->held && !c->closing)
            conn_go_on(c);
    }
}

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

static void server_accept(struct server *s)
{
    struct sockaddr_storage from;
    struct conn *c = calloc(1, sizeof *c + tunnel_buf_bytes(&s->o.tunnel, 0));
    if (!c)
        return;
    c->server = s;
    if (uv_tcp_init(s->loop, &c->tcp) < 0) {
        free(c);
        return;
    }
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
        oplog_gated(&s->gate, clock_boot_ms(), OPLOG_WARN, "accept-failed", s->o.name,
                    OPLOG_S("endpoint", s->o.name), OPLOG_S("why", uv_strerror(status)));
        return;
    }
    if (s->turn_accepts >= SERVER_ACCEPTS_PER_TURN) {
        s->more_to_accept = true;
        server_wait_for_turns(s);
        return;
    }
    s->turn_accepts++;
    server_accept(s);
}

static void server_accept_more(struct server *s)
{
    s->more_to_accept = false;
    s->turn_accepts++;
    server_accept(s);
}

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

static void server_free_if_done(struct server *s)
{
    if (s->closing && !s->handles && !s->conns_n)
        server_free(s);
}

/* Those for whom turns are kept. */
static void server_begin_turns(struct server *s)
{
    uv_prepare_init(s->loop, &s->turns);
    uv_idle_init(s->loop, &s->more);
    uv_timer_init(s->loop, &s->later);
    uv_timer_init(s->loop, &s->go_on);
    s->turns.data = s->more.data = s->later.data = s->go_on.data = s;
    uv_prepare_start(&s->turns, on_turn);
    s->handles = 5; /* these and the listener */
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
