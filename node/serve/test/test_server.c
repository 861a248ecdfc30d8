/* What the bounds of a listener come to, on real sockets of this machine, a turn of the loop at a
 * time: strangers, handshakes and floods cost the others of the same turn nothing but their share.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

#include "clock.h"
#include "door.h"
#include "oplog.h"
#include "server.h"
#include "site_keys.h"

enum {
    PAYLOAD = 100,
    CLIENTS = 64,
    SEATS = 8,
    FRAMES_PER_TURN = 8,
    PER_KEY = 2,
    STRANGERS = 40,
    WAIT_MS = 20000,
    FDS_MAX = 512,
    REPLY = 32 * 1024,
    BYTES_A_SECOND = 512 * 1024,
};

struct client {
    int fd;
    bool ended;
    struct tunnel_end end;
    struct tunnel tunnel;
    uint8_t *buf;
    size_t got; /* bytes of frames */
};

static struct {
    struct site_keys site;
    struct key_file seat_key[SEATS];
    struct keyring *seat[SEATS];
    uv_loop_t loop;
    struct server *server;
    uint16_t port;
    struct client client[CLIENTS];
    size_t clients_n;
    uint32_t taken[SEATS], taken_in_turn[SEATS], closed;
    bool replies; /* each frame is answered with REPLY bytes */
    bool no_memory;
    uint32_t denied;
} t;

/* --wrap=calloc */
void *__real_calloc(size_t n, size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes)
{
    t.denied += t.no_memory;
    return t.no_memory ? NULL : __real_calloc(n, bytes);
}

/* ---------------------------------------------------------------- the server */

static size_t seat_of(const struct conn *c)
{
    const struct key_entry *e = conn_identity(c);
    assert_non_null(e);
    for (size_t i = 0; i < SEATS; i++)
        if (!strcmp(e->name, t.seat_key[i].name))
            return i;
    fail();
    return 0;
}

static enum conn_verdict on_frame(void *ctx, struct conn *c, const uint8_t *payload, size_t bytes)
{
    static uint8_t reply[FRAME_HEADER_BYTES + REPLY];
    (void)ctx;
    (void)payload;
    assert_int_equal(bytes, PAYLOAD);
    conn_known(c);
    t.taken[seat_of(c)]++;
    t.taken_in_turn[seat_of(c)]++;
    if (t.replies) {
        frame_header_put(reply, REPLY);
        conn_send(c, reply, sizeof reply);
    }
    return CONN_TAKEN;
}

static void on_closed(void *ctx, struct conn *c, const char *why)
{
    (void)ctx;
    (void)c;
    (void)why;
    t.closed++;
}

static uint16_t free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, n), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    close(fd);
    return ntohs(a.sin_port);
}

static int setup(void **state)
{
    const struct server_handlers h = {.frame = on_frame, .closed = on_closed};
    char listen[32], why[256] = "", name[16];
    (void)state;
    memset(&t, 0, sizeof t);
    oplog_open("A", OPLOG_ERROR);
    site_keys_init(&t.site, 5);
    for (uint8_t i = 0; i < SEATS; i++) {
        snprintf(name, sizeof name, "R02-%02u", i + 1u);
        site_keys_add(&t.site, name, KEY_SEAT, (uint8_t)(20 + i), &t.seat_key[i]);
        if (keyring_new(&t.seat_key[i], t.site.roster, &t.seat[i]))
            return -1;
    }
    t.port = free_port();
    snprintf(listen, sizeof listen, "127.0.0.1:%u", t.port);
    const struct server_options o = {.name = "seat-listen",
                                     .listen = listen,
                                     .conns_max = CLIENTS,
                                     .per_address_max = CLIENTS,
                                     .strangers_max = STRANGERS,
                                     .per_key_max = PER_KEY,
                                     .frames_per_turn = FRAMES_PER_TURN,
                                     .bytes_a_second = BYTES_A_SECOND,
                                     .payload_bytes_max = PAYLOAD,
                                     .queue_bytes_max = 1 << 24,
                                     .tunnel = {.keys = t.site.ring[SITE_NODE_A],
                                                .conversation = CHANNEL_SEAT,
                                                .peers = KEY_SEAT}};
    uv_loop_init(&t.loop);
    return server_listen(&t.loop, &o, &h, NULL, &t.server, why, sizeof why) ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    server_close(t.server);
    while (uv_run(&t.loop, UV_RUN_DEFAULT))
        ;
    for (size_t i = 0; i < t.clients_n; i++) {
        struct client *c = &t.client[i];
        close(c->fd);
        if (c->buf)
            tunnel_fini(&c->tunnel);
        free(c->buf);
    }
    for (size_t i = 0; i < SEATS; i++)
        keyring_free(t.seat[i]);
    site_keys_fini(&t.site);
    return uv_loop_close(&t.loop);
}

static void turn(void)
{
    memset(t.taken_in_turn, 0, sizeof t.taken_in_turn);
    uv_run(&t.loop, UV_RUN_NOWAIT);
}

/* ---------------------------------------------------------------- clients */

static struct client *connect_from(const char *address)
{
    struct sockaddr_in from = {.sin_family = AF_INET}, to = from;
    struct client *c = &t.client[t.clients_n++];
    assert_true(t.clients_n <= CLIENTS);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(t.port);
    assert_int_equal(inet_pton(AF_INET, address, &from.sin_addr), 1);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(c->fd, (struct sockaddr *)&from, sizeof from), 0);
    assert_int_equal(connect(c->fd, (struct sockaddr *)&to, sizeof to), 0);
    return c;
}

static void say(struct client *c, const uint8_t *bytes, size_t n)
{
    ssize_t sent = send(c->fd, bytes, n, MSG_NOSIGNAL);
    if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
        c->ended = true;
    else
        assert_int_equal(sent, n);
}

static void say_hello(struct client *c, const struct keyring *ring)
{
    uint8_t bytes[TUNNEL_OUT_BYTES_MAX];
    struct channel_out out = {.at = bytes, .bytes_max = sizeof bytes};
    c->end = (struct tunnel_end){.keys = ring,
                                 .conversation = CHANNEL_SEAT,
                                 .peers = KEY_NODE,
                                 .payload_bytes_max = FRAME_BYTES_MAX};
    c->buf = malloc(tunnel_buf_bytes(&c->end, 0));
    assert_non_null(c->buf);
    assert_int_equal(tunnel_init(&c->tunnel, &c->end, c->buf, 0, true, "A"), EXAM_OK);
    assert_int_equal(tunnel_begin(&c->tunnel, &out), EXAM_OK);
    say(c, bytes, out.bytes);
}

static struct client *seat_from(const char *address, size_t seat)
{
    struct client *c = connect_from(address);
    say_hello(c, t.seat[seat]);
    return c;
}

/* Takes what has come. */
static void listen_to(struct client *c)
{
    uint8_t bytes[TUNNEL_OUT_BYTES_MAX];
    const uint8_t *payload;
    size_t room, n;
    uint8_t *at;
    for (;;) {
        tunnel_space(&c->tunnel, &at, &room);
        ssize_t got = recv(c->fd, at, room, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (got <= 0) {
            c->ended = true;
            return;
        }
        tunnel_filled(&c->tunnel, (size_t)got);
        struct channel_out out = {.at = bytes, .bytes_max = sizeof bytes};
        exam_err err;
        while ((err = tunnel_next(&c->tunnel, &out, &payload, &n)) == EXAM_OK)
            c->got += n;
        assert_int_equal(err, EXAM_AGAIN);
        if (out.bytes)
            say(c, bytes, out.bytes);
    }
}

static void say_frames(struct client *c, size_t n)
{
    uint8_t frame[FRAME_HEADER_BYTES + PAYLOAD] = {0}, sealed[2 * sizeof frame];
    frame_header_put(frame, PAYLOAD);
    for (size_t i = 0; i < n; i++) {
        struct channel_out out = {.at = sealed, .bytes_max = sizeof sealed};
        assert_int_equal(tunnel_seal(&c->tunnel, frame, sizeof frame, &out), EXAM_OK);
        say(c, sealed, out.bytes);
    }
}

static void open_it(struct client *c)
{
    for (uint64_t began_ms = clock_boot_ms(); !tunnel_is_open(&c->tunnel); listen_to(c)) {
        assert_true(clock_boot_ms() - began_ms < WAIT_MS);
        turn();
    }
}

/* Turns until the condition holds: the kernel takes its time to carry bytes and connections over.
 */
#define until(condition)                                                                           \
    do {                                                                                           \
        uint64_t began_ms = clock_boot_ms();                                                       \
        while (!(condition)) {                                                                     \
            assert_true(clock_boot_ms() - began_ms < WAIT_MS);                                     \
            turn();                                                                                \
        }                                                                                          \
    } while (0)

static uint64_t came(void)
{
    struct server_counts n = server_counts(t.server);
    return n.accepted + n.refused;
}

/* The server's end of a connection, and how many bytes wait there to be read. */
static int bytes_waiting(const struct client *c)
{
    struct sockaddr_in mine, peer;
    socklen_t n = sizeof mine;
    int bytes = 0;
    assert_int_equal(getsockname(c->fd, (struct sockaddr *)&mine, &n), 0);
    for (int fd = 3; fd < FDS_MAX; fd++) {
        n = sizeof peer;
        if (fd != c->fd && !getpeername(fd, (struct sockaddr *)&peer, &n) &&
            peer.sin_port == mine.sin_port && peer.sin_addr.s_addr == mine.sin_addr.s_addr)
            assert_int_equal(ioctl(fd, FIONREAD, &bytes), 0);
    }
    return bytes;
}

/* What it has just said lies at the server. */
static void arrive(const struct client *c)
{
    uint64_t began_ms = clock_boot_ms();
    while (bytes_waiting(c) == 0)
        assert_true(clock_boot_ms() - began_ms < WAIT_MS);
}

static void strangers_fail(const char *from, int n)
{
    for (int i = 0; i < n; i++) {
        uint32_t closed = t.closed;
        struct client *c = connect_from(from);
        say(c, (const uint8_t *)"GET / HTTP/1.0\r\n\r\n", 18);
        until(t.closed == closed + 1);
        close(c->fd);
        t.clients_n--;
    }
}

/* ---------------------------------------------------------------- tests */

/* Connections that wait in the kernel's queue are taken a few a turn, and all of them in the end.
 */
static void test_server__accepts_a_few_a_turn(void **state)
{
    (void)state;
    for (int i = 0; i < 30; i++)
        connect_from("127.0.0.1");
    until(came() == 30);
    struct server_counts n = server_counts(t.server);
    assert_int_equal(n.accepted, 30);
    assert_int_equal(n.accepts_turn_max, SERVER_ACCEPTS_PER_TURN);
    assert_true(n.turns >= 30 / SERVER_ACCEPTS_PER_TURN);
}

/* When memory is short for a moment, who comes then waits, and whoever comes later is heard, too:
 * libuv accepts nobody any more while one is not taken from it. */
static void test_server__accepts_again_when_there_is_memory(void **state)
{
    (void)state;
    t.no_memory = true;
    connect_from("127.0.0.1");
    until(t.denied > 0);
    t.no_memory = false;
    connect_from("127.0.0.1");
    until(came() == 2);
    assert_int_equal(server_counts(t.server).accepted, 2);
}

/* However many say hello at once, a turn has so many handshakes, and each of them has its own. */
static void test_server__greets_a_few_a_turn(void **state)
{
    struct client *c[30];
    (void)state;
    for (size_t i = 0; i < 30; i++)
        c[i] = seat_from("127.0.0.1", i % SEATS);
    until(server_counts(t.server).greeted == 30);
    struct server_counts n = server_counts(t.server);
    assert_int_equal(n.greeted, 30);
    assert_int_equal(n.greetings_turn_max, SERVER_GREETINGS_PER_TURN);
    assert_true(n.put_off > 0);
    for (size_t i = 0; i < 30; i++) {
        open_it(c[i]);
    }
}

/* A seat that floods gets its share of each turn, and nothing of it is lost; another one is heard
 * in the very turn in which it speaks. */
static void test_server__a_flood_gets_its_share_of_a_turn(void **state)
{
    struct client *flood = seat_from("127.0.0.1", 0), *other = seat_from("127.0.0.1", 1);
    enum { FLOOD = 300 };
    (void)state;
    open_it(flood);
    open_it(other);
    say_frames(other, 1);
    until(t.taken[1] == 1);
    say_frames(flood, FLOOD);
    for (uint32_t turns = 0; t.taken[0] < FLOOD; turns++) {
        uint32_t heard = t.taken[1];
        assert_true(turns < 10 * FLOOD);
        say_frames(other, 1);
        arrive(other);
        turn();
        assert_true(t.taken_in_turn[0] <= FRAMES_PER_TURN);
        assert_int_equal(t.taken[1], heard + 1);
    }
    assert_int_equal(t.taken[0], FLOOD);
    assert_int_equal(server_counts(t.server).frames_turn_max, FRAMES_PER_TURN);
    assert_true(server_counts(t.server).put_off >= FLOOD / FRAMES_PER_TURN);
}

/* What is written to one connection counts, too: small questions with long answers. */
static void test_server__long_answers_count(void **state)
{
    struct client *c = seat_from("127.0.0.1", 0);
    enum { ASKED = 40 };
    (void)state;
    open_it(c);
    t.replies = true;
    say_frames(c, ASKED);
    for (uint64_t from_ms = clock_boot_ms(); c->got < (size_t)ASKED * REPLY;) {
        assert_true(clock_boot_ms() - from_ms < WAIT_MS);
        turn();
        assert_true(t.taken_in_turn[0] <= SERVER_BYTES_PER_TURN / REPLY);
        listen_to(c);
    }
    assert_int_equal(t.taken[0], ASKED);
}

/* In the long run a key is written so much and no more, over as many connections as it likes; what
 * it has asked for is answered all the same. */
static void test_server__long_answers_take_their_time(void **state)
{
    enum { AT_ONCE = 2 * BYTES_A_SECOND / REPLY, ASKED = AT_ONCE + 8 };
    struct client *c = seat_from("127.0.0.1", 0);
    uint64_t from_ms = clock_boot_ms();
    (void)state;
    open_it(c);
    t.replies = true;
    say_frames(c, ASKED / 2);
    for (; t.taken[0] < ASKED / 2; turn())
        listen_to(c);
    c = seat_from("127.0.0.1", 0);
    open_it(c);
    say_frames(c, ASKED / 2);
    while (t.taken[0] < ASKED) {
        assert_true(clock_boot_ms() - from_ms < WAIT_MS);
        uv_run(&t.loop, UV_RUN_ONCE);
        listen_to(c);
    }
    assert_true(clock_boot_ms() - from_ms >= (ASKED - AT_ONCE - 2) * REPLY * 1000 / BYTES_A_SECOND);
}

/* An address whose strangers come to nothing waits behind all others, and is not forgotten. */
static void test_server__debtors_are_greeted_last(void **state)
{
    struct client *debtor[3], *seat[6];
    (void)state;
    strangers_fail("127.0.0.2", 16);
    uint64_t from_ms = clock_boot_ms();
    for (size_t i = 0; i < 3; i++)
        debtor[i] = seat_from("127.0.0.2", i);
    for (size_t i = 0; i < 6; i++)
        seat[i] = seat_from("127.0.0.3", i);
    for (size_t i = 0; i < 6; i++)
        open_it(seat[i]);
    for (size_t i = 0; i < 3; i++) {
        while (!tunnel_is_open(&debtor[i]->tunnel)) {
            assert_true(clock_boot_ms() - from_ms < WAIT_MS);
            uv_run(&t.loop, UV_RUN_ONCE);
            listen_to(debtor[i]);
        }
    }
    assert_int_equal(server_counts(t.server).debtors_greeted, 3);
    assert_true(clock_boot_ms() - from_ms >= 2 * SERVER_DEBTOR_GREETING_MS);
}

/* There are so many strangers and no more; one with a good name finds room among debtors. */
static void test_server__strangers_are_bounded(void **state)
{
    (void)state;
    for (int i = 0; i < STRANGERS + 10; i++)
        connect_from("127.0.0.2");
    until(came() == STRANGERS + 10);
    struct server_counts n = server_counts(t.server);
    assert_int_equal(n.accepted, STRANGERS);
    assert_int_equal(n.refused, 10);
    assert_int_equal(n.strangers_max, STRANGERS);
    for (int i = 0; i < 20; i++) {
        uint32_t closed = t.closed;
        close(t.client[i].fd);
        t.client[i].fd = -1;
        until(t.closed == closed + 1);
    }
    for (int i = 0; i < 8; i++)
        connect_from("127.0.0.4");
    until(came() == STRANGERS + 18);
    assert_int_equal(server_conns(t.server), STRANGERS - 20 + 8);
}

/* A stranger with a good name gets the place of one whose address is in debt. */
static void test_server__room_is_made_among_debtors(void **state)
{
    enum { FAILED = 16, KEPT = DOOR_DEBTOR_STRANGERS - 1 };
    (void)state;
    for (int i = 0; i < KEPT; i++)
        connect_from("127.0.0.2");
    until(came() == KEPT);
    strangers_fail("127.0.0.2", FAILED);
    for (int i = KEPT; i < STRANGERS; i++)
        connect_from(i % 2 ? "127.0.0.3" : "127.0.0.4");
    until(came() == FAILED + STRANGERS);
    assert_int_equal(server_conns(t.server), STRANGERS);
    uint32_t closed = t.closed;
    uint64_t refused = server_counts(t.server).refused;
    struct client *c = seat_from("127.0.0.5", 0);
    open_it(c);
    assert_int_equal(t.closed, closed + 1);
    assert_int_equal(server_counts(t.server).refused, refused);
    /* A debtor takes that of another debtor, as long as there is one, and then of nobody. */
    for (int i = 0; i < KEPT; i++)
        connect_from("127.0.0.2");
    until(came() == FAILED + STRANGERS + 1 + KEPT);
    assert_int_equal(server_conns(t.server), STRANGERS);
    assert_int_equal(server_counts(t.server).refused, refused);
    listen_to(c);
    assert_false(c->ended);
}

/* A seat that comes again and again has a few connections at once: the newest. */
static void test_server__one_key_has_few_connections(void **state)
{
    struct client *c[5];
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        c[i] = seat_from("127.0.0.1", 3);
        open_it(c[i]);
        say_frames(c[i], 1);
        until(t.taken[3] == i + 1);
    }
    assert_int_equal(server_conns(t.server), PER_KEY);
    for (size_t i = 0; i < 5; i++) {
        for (uint64_t from_ms = clock_boot_ms(); i < 5 - PER_KEY && !c[i]->ended;) {
            assert_true(clock_boot_ms() - from_ms < WAIT_MS);
            listen_to(c[i]);
        }
        listen_to(c[i]);
        assert_int_equal(c[i]->ended, i < 5 - PER_KEY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_server__accepts_a_few_a_turn, setup, teardown),
        cmocka_unit_test_setup_teardown(test_server__accepts_again_when_there_is_memory, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_server__greets_a_few_a_turn, setup, teardown),
        cmocka_unit_test_setup_teardown(test_server__a_flood_gets_its_share_of_a_turn, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_server__long_answers_count, setup, teardown),
        cmocka_unit_test_setup_teardown(test_server__long_answers_take_their_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_server__debtors_are_greeted_last, setup, teardown),
        cmocka_unit_test_setup_teardown(test_server__strangers_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_server__room_is_made_among_debtors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_server__one_key_has_few_connections, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
