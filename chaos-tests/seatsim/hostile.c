#include "hostile.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netdb.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <uv.h>

#include "boot_clock.h"
#include "codec.h"
#include "rng.h"
#include "roster.h"
#include "seat_keys.h"
#include "tunnel.h"

enum {
    GARBAGE_BYTES_MAX = 4096,
    HELLO_HALF_BYTES = 20,
    TICK_MS = 10,
    REQUESTS_A_WRITE = 20,
    WRITE_BYTES = REQUESTS_A_WRITE * 512,
    READ_BYTES = 64 * 1024,
};

struct hostile;

struct peer {
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t write;
    TAILQ_ENTRY(peer) idle;
    struct hostile *host;
    enum hostile_kind kind;
    uint32_t index;
    bool writing, attached;
    const struct roster_row *row; /* whose key it has; NULL: a stranger */
    struct keyring *ring;
    struct tunnel_end end;
    struct tunnel tunnel;
    uint8_t *buf;
    uint32_t id;
    uint64_t seq, epoch, lsn;
    uint8_t out[TUNNEL_OUT_BYTES_MAX + WRITE_BYTES + CHANNEL_RECORD_FRAME_BYTES];
};

/* What one kind has come to. */
struct deeds {
    uint64_t connected, refused, closed, bytes_out, bytes_in, requests;
};

struct hostile {
    const struct hostile_options *options;
    uv_loop_t loop;
    uv_timer_t tick, end;
    uv_signal_t signal;
    struct sockaddr_in node, from;
    char node_name[KEY_NAME_BYTES];
    struct roster roster;
    struct seat_keys keys;
    struct rng rng;
    struct peer *peers;
    uint32_t peers_n, never_connected;
    TAILQ_HEAD(, peer) idle; /* who is to connect */
    double may_connect;
    struct deeds deeds[HOSTILE_KINDS];
    uint8_t hello[2][TUNNEL_OUT_BYTES_MAX]; /* of an enrolled seat, and of nobody */
    size_t hello_bytes[2];
    struct arena arena;
    uint8_t read[READ_BYTES];
    uint8_t garbage[GARBAGE_BYTES_MAX];
    bool over;
};

const char *hostile_kind_name(enum hostile_kind kind)
{
    static const char *const names[] = {"garbage", "half", "replay", "wrong-key", "deaf", "flood"};
    return names[kind];
}

static bool has_key(enum hostile_kind kind)
{
    return kind == HOSTILE_DEAF || kind == HOSTILE_FLOOD;
}

/* ---------------------------------------------------------------- one connection */

static void on_closed(uv_handle_t *h)
{
    struct peer *p = h->data;
    struct hostile *b = p->host;
    if (p->buf != NULL)
        tunnel_fini(&p->tunnel);
    p->writing = p->attached = false;
    if (!b->over)
        TAILQ_INSERT_TAIL(&b->idle, p, idle);
}

static void peer_close(struct peer *p)
{
    if (uv_is_closing((uv_handle_t *)&p->tcp))
        return;
    p->host->deeds[p->kind].closed++;
    if (uv_tcp_close_reset(&p->tcp, on_closed) != 0)
        uv_close((uv_handle_t *)&p->tcp, on_closed);
}

static void peer_say_more(struct peer *p);

static void on_written(uv_write_t *w, int status)
{
    struct peer *p = w->data;
    p->writing = false;
    if (status != 0)
        peer_close(p);
    else if (p->attached && p->kind == HOSTILE_FLOOD)
        peer_say_more(p);
}

static void peer_write(struct peer *p, const uint8_t *bytes, size_t n)
{
    uv_buf_t b = uv_buf_init((char *)(uintptr_t)bytes, (unsigned)n);
    p->write.data = p;
    p->writing = true;
    p->host->deeds[p->kind].bytes_out += n;
    if (uv_write(&p->write, (uv_stream_t *)&p->tcp, &b, 1, on_written) != 0)
        peer_close(p);
}

/* ---------------------------------------------------------------- those who have a key */

static size_t request_put(struct peer *p, Seat__Request *q, uint8_t *at, size_t room)
{
    size_t n = 0;
    q->id = ++p->id;
    exam_err err = codec_frame_pack(&q->base, at, room, &n);
    p->host->deeds[p->kind].requests += err == EXAM_OK;
    return err == EXAM_OK ? n : 0;
}

static size_t hello_put(struct peer *p, uint8_t *at, size_t room)
{
    Seat__Request q = SEAT__REQUEST__INIT;
    Seat__Hello m = SEAT__HELLO__INIT;
    char client[] = "hostile";
    m.seat = (char *)(uintptr_t)p->row->seat;
    m.client = client;
    m.version = SEAT_VERSION;
    q.kind_case = SEAT__REQUEST__KIND_HELLO;
    q.hello = &m;
    return request_put(p, &q, at, room);
}

static size_t sign_in_put(struct peer *p, uint8_t *at, size_t room)
{
    Seat__Request q = SEAT__REQUEST__INIT;
    Seat__SignIn m = SEAT__SIGN_IN__INIT;
    uint8_t session[SESSION_BYTES]; /* the same one whenever it comes again */
    crypto_generichash(session, sizeof session, (const uint8_t *)p->row->seat, strlen(p->row->seat),
                       NULL, 0);
    m.admission_no = (char *)(uintptr_t)p->row->admission_no;
    m.id_no = (char *)(uintptr_t)p->row->id_no;
    m.session = (ProtobufCBinaryData){.len = sizeof session, .data = session};
    q.kind_case = SEAT__REQUEST__KIND_SIGN_IN;
    q.sign_in = &m;
    return request_put(p, &q, at, room);
}

static size_t answer_put(struct peer *p, uint8_t *at, size_t room)
{
    Seat__Request q = SEAT__REQUEST__INIT;
    Seat__Answer m = SEAT__ANSWER__INIT;
    static uint8_t value[120];
    char item[16];
    memset(value, 'F', sizeof value);
    snprintf(item, sizeof item, "Q%03u", (unsigned)(p->seq % 40 + 1));
    m.seq = ++p->seq;
    m.item = item;
    m.value = (ProtobufCBinaryData){.len = sizeof value, .data = value};
    m.attachment_epoch = p->epoch;
    m.attachment_lsn = p->lsn;
    q.kind_case = SEAT__REQUEST__KIND_ANSWER;
    q.answer = &m;
    return request_put(p, &q, at, room);
}

static size_t fetch_put(struct peer *p, uint8_t *at, size_t room)
{
    Seat__Request q = SEAT__REQUEST__INIT;
    Seat__FetchPaper m = SEAT__FETCH_PAPER__INIT;
    q.kind_case = SEAT__REQUEST__KIND_FETCH_PAPER;
    q.fetch_paper = &m;
    return request_put(p, &q, at, room);
}

/* Behind what the handshake has left to say. */
static void peer_say(struct peer *p, struct channel_out out, const uint8_t *frames, size_t n)
{
    if (n == 0 || tunnel_seal(&p->tunnel, frames, n, &out) != EXAM_OK)
        peer_close(p);
    else
        peer_write(p, p->out, out.bytes);
}

static void peer_say_more(struct peer *p)
{
    uint8_t frames[WRITE_BYTES];
    size_t n = 0;
    for (int i = 0; i < REQUESTS_A_WRITE; i++)
        n += p->kind == HOSTILE_FLOOD ? answer_put(p, frames + n, sizeof frames - n)
                                      : fetch_put(p, frames + n, sizeof frames - n);
    peer_say(p, (struct channel_out){.at = p->out, .bytes_max = sizeof p->out}, frames, n);
}

static void peer_sign_in(struct peer *p, struct channel_out out)
{
    uint8_t frames[2048];
    size_t n = hello_put(p, frames, sizeof frames);
    n += sign_in_put(p, frames + n, sizeof frames - n);
    peer_say(p, out, frames, n);
}

/* Takes the reply to SignIn; from there on what comes is thrown away, or not even read. */
static void peer_hear(struct peer *p, const uint8_t *payload, size_t n)
{
    const Seat__Reply *r;
    const char *why;
    if (codec_seat_reply(&p->host->arena, payload, n, &r, &why) != EXAM_OK ||
        r->kind_case == SEAT__REPLY__KIND_REFUSED) {
        peer_close(p);
        return;
    }
    if (r->kind_case != SEAT__REPLY__KIND_ATTACHED)
        return;
    p->epoch = r->attached->attachment_epoch;
    p->lsn = r->attached->attachment_lsn;
    p->seq = r->attached->seq_have;
    p->attached = true;
    if (p->kind == HOSTILE_DEAF)
        uv_read_stop((uv_stream_t *)&p->tcp);
    if (!p->writing)
        peer_say_more(p);
}

static void peer_take(struct peer *p, const uint8_t *bytes, size_t n)
{
    while (n > 0 && !p->attached && !uv_is_closing((uv_handle_t *)&p->tcp)) {
        struct channel_out out = {.at = p->out, .bytes_max = sizeof p->out};
        const uint8_t *payload;
        size_t room, payload_bytes;
        uint8_t *at;
        exam_err err;
        tunnel_space(&p->tunnel, &at, &room);
        room = room < n ? room : n;
        memcpy(at, bytes, room);
        tunnel_filled(&p->tunnel, room);
        bytes += room;
        n -= room;
        bool was_open = tunnel_is_open(&p->tunnel);
        while ((err = tunnel_next(&p->tunnel, &out, &payload, &payload_bytes)) == EXAM_OK)
            peer_hear(p, payload, payload_bytes);
        if (err != EXAM_AGAIN)
            peer_close(p);
        else if (!was_open && tunnel_is_open(&p->tunnel))
            peer_sign_in(p, out);
    }
}

/* ---------------------------------------------------------------- connecting */

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *out)
{
    struct peer *p = h->data;
    (void)suggested;
    *out = uv_buf_init((char *)p->host->read, sizeof p->host->read);
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    struct peer *p = s->data;
    if (n < 0) {
        peer_close(p);
    } else {
        p->host->deeds[p->kind].bytes_in += (uint64_t)n;
        if (has_key(p->kind))
            peer_take(p, (const uint8_t *)buf->base, (size_t)n);
    }
}

static void peer_begin_channel(struct peer *p)
{
    struct channel_out out = {.at = p->out, .bytes_max = sizeof p->out};
    p->id = 0;
    if (tunnel_init(&p->tunnel, &p->end, p->buf, 0, true, p->host->node_name) != EXAM_OK ||
        tunnel_begin(&p->tunnel, &out) != EXAM_OK)
        peer_close(p);
    else
        peer_write(p, p->out, out.bytes);
}

static void peer_begin(struct peer *p)
{
    struct hostile *b = p->host;
    switch (p->kind) {
    case HOSTILE_GARBAGE:
        peer_write(p, b->garbage, 1 + rng_below(&b->rng, GARBAGE_BYTES_MAX));
        break;
    case HOSTILE_HALF:
        peer_write(p, b->hello[0], HELLO_HALF_BYTES);
        break;
    case HOSTILE_REPLAY:
        peer_write(p, b->hello[0], b->hello_bytes[0]);
        break;
    case HOSTILE_WRONG_KEY:
        peer_write(p, b->hello[1], b->hello_bytes[1]);
        break;
    default:
        peer_begin_channel(p);
    }
}

static void on_connected(uv_connect_t *c, int status)
{
    struct peer *p = c->data;
    struct deeds *d = &p->host->deeds[p->kind];
    if (status != 0) {
        d->refused++;
        peer_close(p);
        return;
    }
    d->connected++;
    uv_read_start((uv_stream_t *)&p->tcp, on_alloc, on_read);
    peer_begin(p);
}

static void peer_connect(struct peer *p)
{
    struct hostile *b = p->host;
    struct sockaddr_in from = b->from;
    /* Who has a key has a machine of its own, too. */
    uint32_t which =
        has_key(p->kind) ? b->options->addresses_n + p->index : p->index % b->options->addresses_n;
    from.sin_addr.s_addr = htonl(ntohl(from.sin_addr.s_addr) + which);
    uv_tcp_init(&b->loop, &p->tcp);
    p->tcp.data = p->connect.data = p;
    if (uv_tcp_bind(&p->tcp, (const struct sockaddr *)&from, 0) != 0 ||
        uv_tcp_connect(&p->connect, &p->tcp, (const struct sockaddr *)&b->node, on_connected) != 0)
        peer_close(p);
}

/* Who does not read asks for more than it is given: no faster, it is not the generator's time that
 * is to be used up. */
static void deaf_ask(struct hostile *b)
{
    for (uint32_t i = 0; i < b->peers_n; i++)
        if (b->peers[i].kind == HOSTILE_DEAF && b->peers[i].attached && !b->peers[i].writing)
            peer_say_more(&b->peers[i]);
}

static void on_tick(uv_timer_t *t)
{
    struct hostile *b = t->data;
    struct peer *p;
    deaf_ask(b);
    b->may_connect += b->options->rate * (TICK_MS / 1000.0);
    if (b->may_connect > b->peers_n)
        b->may_connect = b->peers_n;
    while (b->may_connect >= 1 && (p = TAILQ_FIRST(&b->idle)) != NULL) {
        b->may_connect -= 1;
        TAILQ_REMOVE(&b->idle, p, idle);
        peer_connect(p);
        if (b->never_connected > 0 && --b->never_connected == 0) {
            puts("READY");
            fflush(stdout);
        }
    }
}

/* ---------------------------------------------------------------- the whole */

static int refuse(const char *what, const char *why)
{
    fprintf(stderr, "seatsim: %s: %s\n", what, why);
    return EX_DATAERR;
}

static int node_take(struct hostile *b)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_INET}, *found;
    char host[256];
    const char *at = strchr(b->options->node, '@'), *colon = strrchr(b->options->node, ':');
    if (at == NULL || colon == NULL || colon < at || colon - at >= (ptrdiff_t)sizeof host)
        return refuse(b->options->node, "no NAME@HOST:PORT");
    snprintf(b->node_name, sizeof b->node_name, "%.*s", (int)(at - b->options->node),
             b->options->node);
    snprintf(host, sizeof host, "%.*s", (int)(colon - at - 1), at + 1);
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
        return refuse(b->options->node, "no such host");
    memcpy(&b->node, found->ai_addr, sizeof b->node);
    freeaddrinfo(found);
    b->from.sin_family = AF_INET;
    return inet_pton(AF_INET, b->options->from, &b->from.sin_addr) == 1
               ? EXIT_SUCCESS
               : refuse(b->options->from, "no IPv4 address");
}

/* A hello as that key would say it, to be said again and again. */
static exam_err hello_record(struct hostile *b, const struct keyring *ring, int which)
{
    struct tunnel_end end = {.keys = ring,
                             .conversation = CHANNEL_SEAT,
                             .peers = KEY_NODE,
                             .payload_bytes_max = FRAME_BYTES_MAX};
    struct channel_out out = {.at = b->hello[which], .bytes_max = sizeof b->hello[which]};
    struct tunnel t = {.end = NULL};
    uint8_t *buf = malloc(tunnel_buf_bytes(&end, 0));
    exam_err err = buf == NULL ? EXAM_NOMEM : tunnel_init(&t, &end, buf, 0, true, b->node_name);
    if (err == EXAM_OK)
        err = tunnel_begin(&t, &out);
    b->hello_bytes[which] = out.bytes;
    tunnel_fini(&t);
    free(buf);
    return err;
}

static exam_err hellos_record(struct hostile *b, const char *seat)
{
    struct keyring *ring = NULL, *nobody = NULL;
    uint8_t chance[KEY_BYTES];
    struct key_file k;
    exam_err err = seat_keys_ring(&b->keys, seat, &ring);
    if (err == EXAM_OK)
        err = hello_record(b, ring, 0);
    if (err == EXAM_OK) {
        randombytes_buf(chance, sizeof chance);
        key_file_make(&k, seat, KEY_SEAT, keyring_own(ring)->site_id, keyring_own(ring)->authority,
                      chance);
        err = keyring_new(&k, b->keys.roster, &nobody);
    }
    if (err == EXAM_OK)
        err = hello_record(b, nobody, 1);
    keyring_free(nobody);
    keyring_free(ring);
    return err;
}

static exam_err peer_prepare(struct hostile *b, struct peer *p, uint32_t *row)
{
    p->host = b;
    TAILQ_INSERT_TAIL(&b->idle, p, idle);
    if (!has_key(p->kind))
        return EXAM_OK;
    p->row = &b->roster.row[b->options->skip_n + (*row)++];
    exam_err err = seat_keys_ring(&b->keys, p->row->seat, &p->ring);
    p->end = (struct tunnel_end){.keys = p->ring,
                                 .conversation = CHANNEL_SEAT,
                                 .peers = KEY_NODE,
                                 .payload_bytes_max = FRAME_BYTES_MAX};
    if (err == EXAM_OK && (p->buf = malloc(tunnel_buf_bytes(&p->end, 0))) == NULL)
        err = EXAM_NOMEM;
    return err;
}

static exam_err peers_prepare(struct hostile *b)
{
    uint32_t at = 0, row = 0;
    exam_err err = EXAM_OK;
    for (size_t k = 0; k < HOSTILE_KINDS; k++)
        b->peers_n += b->options->n[k];
    b->never_connected = b->peers_n;
    b->peers = calloc(b->peers_n + 1, sizeof *b->peers);
    if (b->peers == NULL)
        return EXAM_NOMEM;
    for (size_t k = 0; k < HOSTILE_KINDS; k++)
        for (uint32_t i = 0; i < b->options->n[k] && err == EXAM_OK; i++, at++) {
            b->peers[at].kind = (enum hostile_kind)k;
            b->peers[at].index = at;
            err = peer_prepare(b, &b->peers[at], &row);
        }
    return err;
}

static int hostile_open(struct hostile *b, uint8_t *block)
{
    const struct hostile_options *o = b->options;
    char why[300] = "";
    int code = node_take(b);
    if (code != EXIT_SUCCESS)
        return code;
    if (roster_read(o->roster_path, &b->roster, why, sizeof why) != EXAM_OK)
        return refuse(o->roster_path, why);
    if (o->skip_n + o->n[HOSTILE_DEAF] + o->n[HOSTILE_FLOOD] > b->roster.n)
        return refuse(o->roster_path, "it has too few candidates beyond those of --skip");
    arena_init(&b->arena, block, ARENA_BYTES_FRAME);
    rng_init(&b->rng, o->seed);
    for (size_t i = 0; i < sizeof b->garbage; i++)
        b->garbage[i] = (uint8_t)rng_next(&b->rng);
    TAILQ_INIT(&b->idle);
    if (seat_keys_open(o->keys_dir, b->roster.row[0].seat, &b->keys) != EXAM_OK ||
        hellos_record(b, b->roster.row[0].seat) != EXAM_OK || peers_prepare(b) != EXAM_OK)
        return refuse(o->keys_dir, "its keys cannot be used");
    return EXIT_SUCCESS;
}

static int report(const struct hostile *b)
{
    struct rusage r;
    bool idle = false;
    getrusage(RUSAGE_SELF, &r);
    for (size_t k = 0; k < HOSTILE_KINDS; k++) {
        const struct deeds *d = &b->deeds[k];
        if (b->options->n[k] == 0)
            continue;
        printf("HOSTILE %-9s peers %u connected %" PRIu64 " refused %" PRIu64 " closed %" PRIu64
               " requests %" PRIu64 " bytes out %" PRIu64 " in %" PRIu64 "\n",
               hostile_kind_name((enum hostile_kind)k), b->options->n[k], d->connected, d->refused,
               d->closed, d->requests, d->bytes_out, d->bytes_in);
        idle |= d->connected == 0 || (has_key((enum hostile_kind)k) && d->requests < 100);
    }
    printf("HOSTILE cpu %.2f s (seed %" PRIu64 ")\n",
           (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
               (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6,
           b->options->seed);
    return idle && !b->options->sink ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void end(struct hostile *b)
{
    b->over = true;
    uv_stop(&b->loop);
}

static void on_end(uv_timer_t *t)
{
    end(t->data);
}

static void on_signal(uv_signal_t *s, int number)
{
    (void)number;
    end(s->data);
}

int hostile_peers(const struct hostile_options *o)
{
    struct hostile *b = calloc(1, sizeof *b);
    uint8_t *block = malloc(ARENA_BYTES_FRAME);
    if (b == NULL || block == NULL)
        return EX_OSERR;
    b->options = o;
    int code = hostile_open(b, block);
    if (code == EXIT_SUCCESS) {
        uv_loop_init(&b->loop);
        uv_timer_init(&b->loop, &b->tick);
        uv_timer_init(&b->loop, &b->end);
        uv_signal_init(&b->loop, &b->signal);
        uv_signal_start(&b->signal, on_signal, SIGINT);
        b->tick.data = b->end.data = b->signal.data = b;
        uv_timer_start(&b->tick, on_tick, 0, TICK_MS);
        uv_timer_start(&b->end, on_end, (uint64_t)(o->dur_s * 1000), 0);
        uv_run(&b->loop, UV_RUN_DEFAULT);
        code = report(b); /* connections and memory go with the process */
    }
    return code;
}
