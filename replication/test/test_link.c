/* One contract over every implementation of link.h: in memory, TCP and local sockets, and TCP with
 * keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "frame.h"
#include "link.h"
#include "link_mem.h"
#include "site_keys.h"

enum { NEAR, FAR, HUBS };
enum kind { MEM, TCP, IPC, SEALED };
enum { WAIT_MS = 10000, POLL_MS = 20 };

struct world {
    enum kind kind;
    struct link_net *net;
    struct link_hub *hub[HUBS];
    struct site_keys site;         /* SEALED */
    struct link_event early[HUBS]; /* came while the other hub was waited for */
    bool is_early[HUBS];
    int wake_fd;
    char url[128];
    char dir[64];
};

static void wake(void *ctx)
{
    const struct world *w = ctx;
    uint64_t one = 1;
    ssize_t n = write(w->wake_fd, &one, sizeof one);
    (void)n;
}

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static uint16_t free_port(void)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof sa;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
    close(fd);
    return ntohs(sa.sin_port);
}

static void hub_make(struct world *w, int i, struct link_options o)
{
    static const char *const names[HUBS] = {"near", "far"};
    o.wake = wake;
    o.wake_ctx = w;
    if (w->kind == SEALED)
        o.tunnel = (struct tunnel_end){
            .keys = w->site.ring[i], .conversation = CHANNEL_REPLICA, .peers = KEY_NODE};
    if (w->kind == MEM)
        assert_int_equal(link_hub_new_mem(w->net, names[i], &o, &w->hub[i]), EXAM_OK);
    else
        assert_int_equal(link_hub_new(&o, &w->hub[i]), EXAM_OK);
}

static struct world *world_new(void **state, struct link_options near, struct link_options far)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->kind = *(const enum kind *)*state;
    w->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    assert_true(w->wake_fd >= 0);
    if (w->kind == MEM)
        assert_int_equal(link_net_new(&w->net), EXAM_OK);
    if (w->kind == SEALED)
        site_keys_init(&w->site, 1);
    snprintf(w->dir, sizeof w->dir, "/tmp/test_link.XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    if (w->kind == IPC)
        snprintf(w->url, sizeof w->url, "ipc://%s/socket", w->dir);
    else
        snprintf(w->url, sizeof w->url, "tcp://127.0.0.1:%u", free_port());
    hub_make(w, NEAR, near);
    hub_make(w, FAR, far);
    return w;
}

static struct world *world_plain(void **state)
{
    return world_new(state, (struct link_options){0}, (struct link_options){0});
}

static void world_free(struct world *w)
{
    char path[128];
    link_hub_free(w->hub[NEAR]);
    link_hub_free(w->hub[FAR]);
    link_net_free(w->net);
    if (w->kind == SEALED)
        site_keys_fini(&w->site);
    snprintf(path, sizeof path, "%s/socket", w->dir);
    unlink(path);
    rmdir(w->dir);
    close(w->wake_fd);
    free(w);
}

/* Waits a moment for something to happen anywhere. */
static void await(struct world *w)
{
    uint64_t n;
    struct pollfd p = {.fd = w->wake_fd, .events = POLLIN};
    if (w->net)
        (void)link_net_pump(w->net);
    else
        (void)poll(&p, 1, POLL_MS);
    ssize_t got = read(w->wake_fd, &n, sizeof n);
    (void)got;
}

static bool next(struct world *w, int hub, struct link_event *e)
{
    if (!w->is_early[hub])
        return link_next(w->hub[hub], e);
    *e = w->early[hub];
    w->is_early[hub] = false;
    return true;
}

/* A handshake, and the end of a link that lingers, need the owners of both hubs. */
static void drain_other(struct world *w, int hub)
{
    int other = !hub;
    if (w->kind == SEALED && w->hub[other] && !w->is_early[other])
        w->is_early[other] = link_next(w->hub[other], &w->early[other]);
}

static void expect(struct world *w, int hub, struct link_event *e)
{
    uint64_t until = now_ms() + WAIT_MS;
    while (!link_next(w->hub[hub], e)) {
        if (now_ms() > until)
            fail_msg("no event in %d ms", WAIT_MS);
        drain_other(w, hub);
        await(w);
    }
}

static struct link_event expect_kind(struct world *w, int hub, enum link_event_kind kind)
{
    struct link_event e;
    expect(w, hub, &e);
    if (e.kind != kind)
        fail_msg("event %d (%s) instead of %d", e.kind, exam_err_name(e.reason), kind);
    return e;
}

static void listen_far(struct world *w)
{
    char why[256] = "";
    exam_err err = link_listen(w->hub[FAR], w->url, why, sizeof why);
    if (err)
        fail_msg("%s", why);
}

/* A link from near to far; out[] are its ids at both ends. */
static void open_link(struct world *w, struct link_id out[HUBS])
{
    struct link_id id;
    struct link_event e;
    assert_int_equal(link_dial(w->hub[NEAR], w->url, "B", 7, &id), EXAM_OK);
    e = expect_kind(w, NEAR, LINK_OPENED);
    assert_true(link_same(e.link, id));
    assert_true(e.dialled);
    assert_int_equal(e.token, 7);
    out[NEAR] = id;
    e = expect_kind(w, FAR, LINK_OPENED);
    assert_false(e.dialled);
    out[FAR] = e.link;
}

static uint8_t pattern(size_t n, size_t i)
{
    return (uint8_t)(n * 31 + i * 7);
}

static size_t make_frame(uint8_t *out, size_t payload_bytes)
{
    frame_header_put(out, payload_bytes);
    for (size_t i = 0; i < payload_bytes; i++)
        out[FRAME_HEADER_BYTES + i] = pattern(payload_bytes, i);
    return FRAME_HEADER_BYTES + payload_bytes;
}

static void assert_payload(const struct link_event *e, size_t payload_bytes)
{
    assert_int_equal(e->payload_bytes, payload_bytes);
    for (size_t i = 0; i < payload_bytes; i++)
        if (e->payload[i] != pattern(payload_bytes, i))
            fail_msg("byte %zu of %zu is wrong", i, payload_bytes);
}

/* Sends when there is room; drains the other hub's frames into *got meanwhile, in order. */
static void send_patiently(struct world *w, struct link_id id, const uint8_t *frame, size_t bytes)
{
    uint64_t until = now_ms() + WAIT_MS;
    exam_err err;
    while ((err = link_send(w->hub[NEAR], id, frame, bytes)) == EXAM_AGAIN) {
        assert_true(now_ms() < until);
        await(w);
    }
    assert_int_equal(err, EXAM_OK);
}

static size_t open_fds(void)
{
    size_t n = 0;
    DIR *d = opendir("/proc/self/fd");
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

/* ---------------------------------------------------------------- tests */

/* Both ends hear of the opening, and of the closing by either. */
static void test_link__opens_and_closes(void **state)
{
    struct world *w = world_plain(state);
    struct link_id id[HUBS];
    char peer[64];
    listen_far(w);
    for (int closer = 0; closer < HUBS; closer++) {
        open_link(w, id);
        link_peer(w->hub[FAR], id[FAR], peer, sizeof peer);
        assert_true(peer[0]);
        link_close(w->hub[closer], id[closer]);
        struct link_event e = expect_kind(w, !closer, LINK_CLOSED);
        assert_int_equal(e.reason, EXAM_CONN);
        assert_true(link_same(e.link, id[!closer]));
        assert_false(next(w, closer, &e));
    }
    world_free(w);
}

/* A dial to nobody ends with an event that carries the token. */
static void test_link__dial_is_refused(void **state)
{
    struct world *w = world_plain(state);
    struct link_id id;
    assert_int_equal(link_dial(w->hub[NEAR], w->url, "B", 42, &id), EXAM_OK);
    struct link_event e = expect_kind(w, NEAR, LINK_DIAL_FAILED);
    assert_int_equal(e.token, 42);
    assert_int_equal(e.reason, EXAM_CONN);
    assert_int_equal(link_send(w->hub[NEAR], id, (const uint8_t *)"\0\0\0\1x", 5), EXAM_CONN);
    world_free(w);
}

/* An address in use, or none at all, is said in words. */
static void test_link__listening_fails_in_words(void **state)
{
    struct world *w = world_plain(state);
    struct link_id id;
    char why[256] = "";
    listen_far(w);
    assert_int_equal(link_listen(w->hub[NEAR], w->url, why, sizeof why), EXAM_EXISTS);
    assert_non_null(strstr(why, "in use"));
    assert_int_equal(link_listen(w->hub[NEAR], "nonsense", why, sizeof why), EXAM_INVALID);
    assert_int_equal(link_dial(w->hub[NEAR], "nonsense", "B", 1, &id), EXAM_INVALID);
    world_free(w);
}

/* Frames of every size up to the bound arrive whole, both ways. */
static void test_link__frames_of_every_size(void **state)
{
    static const size_t sizes[] = {1,     2,     3,     4,     5,     127,   128,   1447,
                                   1448,  1449,  4095,  4096,  4097,  8191,  16384, 32768,
                                   40000, 65531, 65532, 65533, 65534, 65535, 65536};
    struct world *w = world_plain(state);
    struct link_id id[HUBS];
    uint8_t *frame = malloc(FRAME_HEADER_BYTES + FRAME_BYTES_MAX);
    listen_far(w);
    open_link(w, id);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (int from = 0; from < HUBS; from++) {
            size_t bytes = make_frame(frame, sizes[i]);
            assert_int_equal(link_send(w->hub[from], id[from], frame, bytes), EXAM_OK);
            struct link_event e = expect_kind(w, !from, LINK_FRAME);
            assert_payload(&e, sizes[i]);
        }
    free(frame);
    world_free(w);
}

/* Many frames of many sizes arrive in order, however they are packed on the way. */
static void test_link__many_frames_in_order(void **state)
{
    enum { FRAMES = 20000 };
    struct world *w = world_plain(state);
    struct link_id id[HUBS];
    uint8_t frame[FRAME_HEADER_BYTES + 4000];
    struct link_event e;
    size_t sent = 0, got = 0;
    uint64_t until = now_ms() + 6 * WAIT_MS;
    listen_far(w);
    open_link(w, id);
    while (got < FRAMES) {
        assert_true(now_ms() < until);
        while (sent < FRAMES) {
            size_t bytes = make_frame(frame, 1 + sent * 7919 % 4000);
            exam_err err = link_send(w->hub[NEAR], id[NEAR], frame, bytes);
            if (err == EXAM_AGAIN)
                break;
            assert_int_equal(err, EXAM_OK);
            sent++;
        }
        while (next(w, FAR, &e)) {
            assert_int_equal(e.kind, LINK_FRAME);
            assert_payload(&e, 1 + got * 7919 % 4000);
            got++;
        }
        if (got < FRAMES)
            await(w);
    }
    world_free(w);
}

/* A length over the bound, or of zero, costs the link before a byte of it is kept. */
static void test_link__hostile_length_closes(void **state)
{
    static const struct {
        uint8_t bytes[8];
        exam_err reason;
    } hostile[] = {{{0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4}, EXAM_TOO_BIG},
                   {{0, 1, 0, 1, 1, 2, 3, 4}, EXAM_TOO_BIG},
                   {{0, 0, 0, 0, 1, 2, 3, 4}, EXAM_MALFORMED}};
    struct world *w = world_plain(state);
    struct link_id id[HUBS];
    uint8_t frame[FRAME_HEADER_BYTES + 10];
    listen_far(w);
    for (size_t i = 0; i < 3; i++) {
        open_link(w, id);
        assert_int_equal(link_send(w->hub[NEAR], id[NEAR], frame, make_frame(frame, 10)), EXAM_OK);
        assert_int_equal(link_send(w->hub[NEAR], id[NEAR], hostile[i].bytes, 8), EXAM_OK);
        struct link_event e = expect_kind(w, FAR, LINK_FRAME); /* what came before it counts */
        assert_payload(&e, 10);
        e = expect_kind(w, FAR, LINK_CLOSED);
        assert_int_equal(e.reason, hostile[i].reason);
        (void)expect_kind(w, NEAR, LINK_CLOSED);
    }
    world_free(w);
}

/* A hub may bound what it takes below what a frame may be. */
static void test_link__own_bound_of_payload(void **state)
{
    struct link_options far = {.payload_bytes_max = 1000};
    struct world *w = world_new(state, (struct link_options){0}, far);
    struct link_id id[HUBS];
    uint8_t frame[FRAME_HEADER_BYTES + 1001];
    listen_far(w);
    open_link(w, id);
    assert_int_equal(link_send(w->hub[NEAR], id[NEAR], frame, make_frame(frame, 1000)), EXAM_OK);
    struct link_event e = expect_kind(w, FAR, LINK_FRAME);
    assert_payload(&e, 1000);
    assert_int_equal(link_send(w->hub[NEAR], id[NEAR], frame, make_frame(frame, 1001)), EXAM_OK);
    e = expect_kind(w, FAR, LINK_CLOSED);
    assert_int_equal(e.reason, EXAM_TOO_BIG);
    world_free(w);
}

/* The end of a peer's process, here of its hub, is heard of after what it had sent. */
static void test_link__peer_goes_away(void **state)
{
    struct world *w = world_plain(state);
    struct link_id id[HUBS];
    uint8_t frame[FRAME_HEADER_BYTES + 100];
    listen_far(w);
    open_link(w, id);
    assert_int_equal(link_send(w->hub[FAR], id[FAR], frame, make_frame(frame, 100)), EXAM_OK);
    struct link_event e = expect_kind(w, NEAR, LINK_FRAME);
    link_hub_free(w->hub[FAR]);
    w->hub[FAR] = NULL;
    e = expect_kind(w, NEAR, LINK_CLOSED);
    assert_int_equal(e.reason, EXAM_CONN);
    assert_int_equal(link_send(w->hub[NEAR], id[NEAR], frame, sizeof frame), EXAM_CONN);
    assert_int_equal(link_dial(w->hub[NEAR], w->url, "B", 1, &id[NEAR]), EXAM_OK);
    (void)expect_kind(w, NEAR, LINK_DIAL_FAILED);
    world_free(w);
}

/* A peer that does not read costs a bounded queue; when it reads again, nothing is missing. */
static void test_link__slow_reader_is_bounded(void **state)
{
    enum { PAYLOAD = 8000, FRAMES_MAX = 100000 };
    struct link_options near = {.send_bytes_max = 100000, .send_timeout_ms = 60000};
    struct world *w = world_new(state, near, (struct link_options){0});
    struct link_id id[HUBS];
    uint8_t frame[FRAME_HEADER_BYTES + PAYLOAD];
    size_t sent = 0, refused = 0;
    listen_far(w);
    open_link(w, id);
    size_t bytes = make_frame(frame, PAYLOAD);
    while (refused < 20 && sent < FRAMES_MAX) {
        exam_err err = link_send(w->hub[NEAR], id[NEAR], frame, bytes);
        sent += err == EXAM_OK;
        refused = err == EXAM_AGAIN ? refused + 1 : 0;
        if (err == EXAM_AGAIN)
            await(w);
        assert_true(link_queued_bytes(w->hub[NEAR], id[NEAR]) <= 100000);
    }
    assert_true(refused == 20 && sent > 12);
    for (size_t i = 0; i < sent; i++) {
        struct link_event e = expect_kind(w, FAR, LINK_FRAME);
        assert_payload(&e, PAYLOAD);
    }
    send_patiently(w, id[NEAR], frame, bytes);
    (void)expect_kind(w, FAR, LINK_FRAME);
    world_free(w);
}

/* A peer that has taken nothing for the time limit of a send is closed. */
static void test_link__send_has_a_time_limit(void **state)
{
    enum { PAYLOAD = 60000 };
    struct link_options near = {.send_bytes_max = 1 << 20, .send_timeout_ms = 100};
    struct world *w = world_new(state, near, (struct link_options){0});
    struct link_id id[HUBS];
    uint8_t *frame = malloc(FRAME_HEADER_BYTES + PAYLOAD);
    struct link_event e = {0};
    if (w->kind == MEM) { /* has no clock */
        free(frame);
        world_free(w);
        return;
    }
    listen_far(w);
    open_link(w, id);
    size_t bytes = make_frame(frame, PAYLOAD);
    uint64_t until = now_ms() + WAIT_MS;
    while (!next(w, NEAR, &e)) {
        exam_err err = link_send(w->hub[NEAR], id[NEAR], frame, bytes);
        assert_true(err == EXAM_OK || err == EXAM_AGAIN || err == EXAM_CONN);
        if (err)
            await(w);
        assert_true(now_ms() < until);
    }
    assert_int_equal(e.kind, LINK_CLOSED);
    assert_int_equal(e.reason, EXAM_TIMEOUT);
    free(frame);
    world_free(w);
}

/* What was queued before a close is still sent. */
static void test_link__close_sends_what_is_queued(void **state)
{
    enum { FRAMES = 30, PAYLOAD = 60000, SEALED_BYTES = 2 * FRAME_HEADER_BYTES + 16 };
    struct link_options near = {.send_bytes_max = FRAMES * (PAYLOAD + SEALED_BYTES)};
    struct world *w = world_new(state, near, (struct link_options){0});
    struct link_id id[HUBS];
    uint8_t *frame = malloc(FRAME_HEADER_BYTES + PAYLOAD);
    struct link_event e;
    listen_far(w);
    open_link(w, id);
    size_t bytes = make_frame(frame, PAYLOAD);
    for (int i = 0; i < FRAMES; i++)
        assert_int_equal(link_send(w->hub[NEAR], id[NEAR], frame, bytes), EXAM_OK);
    link_close(w->hub[NEAR], id[NEAR]);
    assert_int_equal(link_send(w->hub[NEAR], id[NEAR], frame, bytes), EXAM_CONN);
    for (int i = 0; i < FRAMES; i++) {
        assert_false(next(w, NEAR, &e));
        e = expect_kind(w, FAR, LINK_FRAME);
        assert_payload(&e, PAYLOAD);
    }
    uint64_t until = now_ms() + WAIT_MS;
    while (!next(w, FAR, &e)) { /* the end comes when the owner has drained its hub, too */
        assert_true(now_ms() < until);
        await(w);
        struct link_event other;
        assert_false(next(w, NEAR, &other));
    }
    assert_int_equal(e.kind, LINK_CLOSED);
    free(frame);
    world_free(w);
}

/* A payload outlives the closing of its link by the one who reads it. */
static void test_link__payload_lives_until_next(void **state)
{
    struct world *w = world_plain(state);
    struct link_id id[HUBS];
    uint8_t frame[FRAME_HEADER_BYTES + 3000];
    listen_far(w);
    open_link(w, id);
    assert_int_equal(link_send(w->hub[NEAR], id[NEAR], frame, make_frame(frame, 3000)), EXAM_OK);
    struct link_event e = expect_kind(w, FAR, LINK_FRAME);
    link_close(w->hub[FAR], id[FAR]);
    link_close(w->hub[FAR], id[FAR]); /* a void id is fine */
    assert_payload(&e, 3000);
    assert_false(next(w, FAR, &e));
    (void)expect_kind(w, NEAR, LINK_CLOSED);
    world_free(w);
}

/* More connections than allowed are closed at once; room that comes free is used again. */
static void test_link__accepts_a_bounded_number(void **state)
{
    struct link_options far = {.accepted_max = 2, .links_max = 4};
    struct world *w = world_new(state, (struct link_options){0}, far);
    struct link_id a[HUBS], b[HUBS], third;
    struct link_event e;
    listen_far(w);
    open_link(w, a);
    open_link(w, b);
    assert_int_equal(link_dial(w->hub[NEAR], w->url, "B", 9, &third), EXAM_OK);
    do { /* far has to drain, too, to close it */
        await(w);
        assert_false(next(w, FAR, &e));
    } while (!next(w, NEAR, &e));
    assert_true(link_same(e.link, third));
    uint64_t until = now_ms() + WAIT_MS;
    while (e.kind == LINK_OPENED) { /* the kernel had accepted it: its end is still to come */
        struct link_event other;
        assert_true(now_ms() < until);
        if (next(w, NEAR, &other))
            e = other;
        await(w);
        assert_false(next(w, FAR, &other));
    }
    assert_true(e.kind == LINK_CLOSED || e.kind == LINK_DIAL_FAILED);
    link_close(w->hub[NEAR], a[NEAR]);
    (void)expect_kind(w, FAR, LINK_CLOSED);
    open_link(w, a);
    world_free(w);
}

/* Dialling more than a hub may hold is refused, without an event. */
static void test_link__links_are_bounded(void **state)
{
    struct link_options near = {.links_max = 2};
    struct world *w = world_new(state, near, (struct link_options){0});
    struct link_id a[HUBS], b[HUBS], third;
    listen_far(w);
    open_link(w, a);
    open_link(w, b);
    assert_int_equal(link_dial(w->hub[NEAR], w->url, "B", 9, &third), EXAM_FULL);
    link_close(w->hub[NEAR], a[NEAR]);
    (void)expect_kind(w, FAR, LINK_CLOSED);
    open_link(w, a);
    world_free(w);
}

/* Opening and closing two hundred times leaves no file descriptor behind. */
static void test_link__reopening_leaks_nothing(void **state)
{
    struct world *w = world_plain(state);
    struct link_id id[HUBS];
    uint8_t frame[FRAME_HEADER_BYTES + 64];
    size_t bytes = make_frame(frame, 64), before = 0;
    listen_far(w);
    for (int i = 0; i < 200; i++) {
        open_link(w, id);
        assert_int_equal(link_send(w->hub[i & 1], id[i & 1], frame, bytes), EXAM_OK);
        if (i & 2) {
            struct link_event e = expect_kind(w, !(i & 1), LINK_FRAME);
            assert_payload(&e, 64);
        }
        link_close(w->hub[NEAR], id[NEAR]);
        link_close(w->hub[FAR], id[FAR]);
        if (i == 20)
            before = open_fds();
    }
    uint64_t until = now_ms() + WAIT_MS;
    struct link_event e;
    while (open_fds() > before) { /* lingering ones go when their hub is drained */
        assert_true(now_ms() < until);
        await(w);
        assert_false(next(w, NEAR, &e) || next(w, FAR, &e));
    }
    world_free(w);
}

/* A hub can be freed at any moment, with dials, links and queues in every state. */
static void test_link__freeing_never_hangs(void **state)
{
    for (int i = 0; i < 30; i++) {
        struct world *w = world_plain(state);
        struct link_id id[HUBS], other;
        uint8_t *frame = malloc(FRAME_HEADER_BYTES + FRAME_BYTES_MAX);
        size_t bytes = make_frame(frame, FRAME_BYTES_MAX);
        listen_far(w);
        open_link(w, id);
        for (int k = 0; k < 4 && i % 2; k++)
            (void)!link_send(w->hub[NEAR], id[NEAR], frame, bytes);
        assert_int_equal(link_dial(w->hub[NEAR], w->url, "B", 1, &other), EXAM_OK);
        if (i % 3 == 0)
            link_close(w->hub[NEAR], id[NEAR]);
        if (i % 5 == 0)
            link_close(w->hub[NEAR], other);
        uint64_t begun = now_ms();
        world_free(w);
        assert_true(now_ms() - begun < 2000);
        free(frame);
    }
}

/* Strangers that connect, send rubbish and go leave nothing behind, and hold up nobody. */
static void test_link__strangers_leave_nothing(void **state)
{
    struct world *w = world_plain(state);
    struct link_id id[HUBS];
    struct link_event e;
    uint8_t frame[FRAME_HEADER_BYTES + 64];
    unsigned port = 0;
    if (w->kind != TCP && w->kind != SEALED) {
        world_free(w);
        return;
    }
    listen_far(w);
    open_link(w, id);
    assert_int_equal(sscanf(w->url, "tcp://127.0.0.1:%u", &port), 1);
    size_t before = open_fds();
    for (int i = 0; i < 300; i++) {
        struct sockaddr_in sa = {.sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
        uint8_t rubbish[16];
        for (size_t k = 0; k < sizeof rubbish; k++)
            rubbish[k] = (uint8_t)(i * 37 + (int)k * 11);
        ssize_t n = i % 3 ? send(fd, rubbish, sizeof rubbish, MSG_NOSIGNAL) : 0;
        (void)n;
        close(fd);
        while (next(w, FAR, &e))
            assert_false(link_same(e.link, id[FAR]));
    }
    uint64_t until = now_ms() + WAIT_MS;
    while (open_fds() > before) {
        assert_true(now_ms() < until);
        await(w);
        while (next(w, FAR, &e))
            assert_false(link_same(e.link, id[FAR]));
    }
    send_patiently(w, id[NEAR], frame, make_frame(frame, 64));
    do { /* the last of them may be taken from the kernel's queue only now */
        expect(w, FAR, &e);
    } while (!link_same(e.link, id[FAR]));
    assert_int_equal(e.kind, LINK_FRAME);
    assert_payload(&e, 64);
    world_free(w);
}

/* The network in memory: what is sent over a cut path waits for the healing; a reset is heard by
 * both. */
static void test_link_mem__cut_heal_reset(void **state)
{
    struct world *w = world_plain(state);
    struct link_id id[HUBS], other;
    struct link_event e;
    uint8_t frame[FRAME_HEADER_BYTES + 64];
    listen_far(w);
    open_link(w, id);
    assert_int_equal(link_net_cut(w->net, "far", "near"), EXAM_OK);
    assert_int_equal(link_send(w->hub[NEAR], id[NEAR], frame, make_frame(frame, 64)), EXAM_OK);
    assert_int_equal(link_dial(w->hub[NEAR], w->url, "B", 3, &other), EXAM_OK);
    (void)link_net_pump(w->net);
    assert_false(next(w, FAR, &e));
    e = expect_kind(w, NEAR, LINK_DIAL_FAILED);
    assert_int_equal(e.reason, EXAM_TIMEOUT);
    link_net_heal(w->net, "near", "far");
    e = expect_kind(w, FAR, LINK_FRAME);
    assert_payload(&e, 64);
    link_net_reset(w->net, "near", "far");
    (void)expect_kind(w, NEAR, LINK_CLOSED);
    (void)expect_kind(w, FAR, LINK_CLOSED);
    world_free(w);
}

/* ---------------------------------------------------------------- with keys */

/* Both ends are told who the other one is; a newer roster closes the link of who is not in it. */
static void test_link_sealed__names_the_peer_until_it_is_revoked(void **state)
{
    struct world *w = world_plain(state);
    struct link_id id[HUBS];
    listen_far(w);
    open_link(w, id);
    assert_string_equal(link_identity(w->hub[NEAR], id[NEAR])->name, "B");
    assert_string_equal(link_identity(w->hub[FAR], id[FAR])->name, "A");
    link_recheck(w->hub[FAR]);
    struct link_event e;
    assert_false(next(w, FAR, &e));
    key_roster_next(w->site.roster);
    assert_int_equal(key_roster_revoke(w->site.roster, "A", KEY_NODE), EXAM_OK);
    link_recheck(w->hub[FAR]);
    e = expect_kind(w, FAR, LINK_CLOSED);
    assert_int_equal(e.reason, EXAM_AUTH);
    assert_non_null(strstr(e.why, "does not admit it any more"));
    (void)expect_kind(w, NEAR, LINK_CLOSED);
    world_free(w);
}

/* Drains both hubs until each has told of the refusal; nothing opens. */
static void require_refused(struct world *w, exam_err reason, const char *why)
{
    struct link_event e;
    uint64_t until = now_ms() + WAIT_MS;
    bool told[HUBS] = {false};
    while (!told[NEAR] || !told[FAR]) {
        assert_true(now_ms() < until);
        while (next(w, NEAR, &e)) {
            assert_int_equal(e.kind, LINK_DIAL_FAILED);
            assert_true(e.why[0]);
            told[NEAR] = true;
        }
        while (next(w, FAR, &e)) {
            assert_int_equal(e.kind, LINK_REFUSED);
            assert_int_equal(e.reason, reason);
            assert_non_null(strstr(e.why, why));
            assert_non_null(strstr(e.address, "127.0.0.1:"));
            told[FAR] = true;
        }
        await(w);
    }
}

/* A peer whose key is not let in gets no link, and both sides say why in their logs. */
static void test_link_sealed__refuses_other_keys(void **state)
{
    struct world *w = world_new(state, (struct link_options){0}, (struct link_options){0});
    struct link_id id;
    listen_far(w);
    assert_int_equal(link_dial(w->hub[NEAR], w->url, "C", 1, &id), EXAM_NOT_FOUND);
    link_hub_free(w->hub[NEAR]);
    struct link_options o = {.tunnel = {.keys = w->site.ring[SITE_PERSON],
                                        .conversation = CHANNEL_REPLICA,
                                        .peers = KEY_NODE},
                             .wake = wake,
                             .wake_ctx = w};
    assert_int_equal(link_hub_new(&o, &w->hub[NEAR]), EXAM_OK);
    assert_int_equal(link_dial(w->hub[NEAR], w->url, "B", 1, &id), EXAM_OK);
    require_refused(w, EXAM_AUTH, "of person operator");
    world_free(w);
}

/* Whoever connects and says nothing is ended; a plain peer is refused by its first bytes. */
static void test_link_sealed__refuses_plain_peers(void **state)
{
    struct world *w = world_plain(state);
    struct link_id id;
    struct link_event e;
    uint8_t frame[FRAME_HEADER_BYTES + 300];
    listen_far(w);
    link_hub_free(w->hub[NEAR]);
    struct link_options o = {.wake = wake, .wake_ctx = w};
    assert_int_equal(link_hub_new(&o, &w->hub[NEAR]), EXAM_OK);
    assert_int_equal(link_dial(w->hub[NEAR], w->url, NULL, 1, &id), EXAM_OK);
    (void)expect_kind(w, NEAR, LINK_OPENED);
    assert_int_equal(link_send(w->hub[NEAR], id, frame, make_frame(frame, 300)), EXAM_OK);
    e = expect_kind(w, FAR, LINK_REFUSED);
    assert_non_null(strstr(e.why, "no channel's hello"));
    (void)expect_kind(w, NEAR, LINK_CLOSED);
    world_free(w);
}

/* Strangers who say nothing take no peer's place. */
static void test_link_sealed__strangers_make_room(void **state)
{
    struct link_options far = {.accepted_max = 2, .links_max = 4};
    struct world *w = world_new(state, (struct link_options){0}, far);
    struct link_id id[HUBS];
    struct link_event e;
    unsigned port = 0;
    int fd[5];
    listen_far(w);
    assert_int_equal(sscanf(w->url, "tcp://127.0.0.1:%u", &port), 1);
    for (int i = 0; i < 5; i++) {
        struct sockaddr_in sa = {.sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        fd[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fd[i], (struct sockaddr *)&sa, sizeof sa), 0);
        await(w);
        while (next(w, FAR, &e))
            assert_int_equal(e.kind, LINK_REFUSED);
    }
    open_link(w, id);
    for (int i = 0; i < 5; i++)
        close(fd[i]);
    world_free(w);
}

#define CONTRACT(kind)                                                                             \
    cmocka_unit_test_prestate(test_link__opens_and_closes, &(kind)),                               \
        cmocka_unit_test_prestate(test_link__dial_is_refused, &(kind)),                            \
        cmocka_unit_test_prestate(test_link__listening_fails_in_words, &(kind)),                   \
        cmocka_unit_test_prestate(test_link__frames_of_every_size, &(kind)),                       \
        cmocka_unit_test_prestate(test_link__many_frames_in_order, &(kind)),                       \
        cmocka_unit_test_prestate(test_link__hostile_length_closes, &(kind)),                      \
        cmocka_unit_test_prestate(test_link__own_bound_of_payload, &(kind)),                       \
        cmocka_unit_test_prestate(test_link__peer_goes_away, &(kind)),                             \
        cmocka_unit_test_prestate(test_link__slow_reader_is_bounded, &(kind)),                     \
        cmocka_unit_test_prestate(test_link__send_has_a_time_limit, &(kind)),                      \
        cmocka_unit_test_prestate(test_link__close_sends_what_is_queued, &(kind)),                 \
        cmocka_unit_test_prestate(test_link__payload_lives_until_next, &(kind)),                   \
        cmocka_unit_test_prestate(test_link__accepts_a_bounded_number, &(kind)),                   \
        cmocka_unit_test_prestate(test_link__links_are_bounded, &(kind)),                          \
        cmocka_unit_test_prestate(test_link__reopening_leaks_nothing, &(kind)),                    \
        cmocka_unit_test_prestate(test_link__freeing_never_hangs, &(kind)),                        \
        cmocka_unit_test_prestate(test_link__strangers_leave_nothing, &(kind))

int main(void)
{
    static enum kind mem = MEM, tcp = TCP, ipc = IPC, sealed = SEALED;
    const struct CMUnitTest tests[] = {
        CONTRACT(mem),
        CONTRACT(tcp),
        CONTRACT(ipc),
        CONTRACT(sealed),
        cmocka_unit_test_prestate(test_link_mem__cut_heal_reset, &mem),
        cmocka_unit_test_prestate(test_link_sealed__names_the_peer_until_it_is_revoked, &sealed),
        cmocka_unit_test_prestate(test_link_sealed__refuses_other_keys, &sealed),
        cmocka_unit_test_prestate(test_link_sealed__refuses_plain_peers, &sealed),
        cmocka_unit_test_prestate(test_link_sealed__strangers_make_room, &sealed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
