#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server.h"
#include "sim_clock.h"
#include "sim_server.h"

/* A server that does with every frame what the test says, and what it was told. */
struct fixture {
    struct sim_clock clock;
    struct uv_loop_s *host;
    struct server *server;
    enum conn_verdict verdict;
    char taken[64]; /* the first letters of the frames that were taken */
    size_t taken_n, frames_n, closed_n, drained_n, host_woken, end_woken;
    char why[64];
    struct conn *last;
};

static enum conn_verdict on_frame(void *ctx, struct conn *c, const uint8_t *payload, size_t bytes)
{
    struct fixture *f = ctx;
    f->frames_n++;
    f->last = c;
    assert_true(bytes >= 1);
    if (f->verdict == CONN_HELD)
        return CONN_HELD;
    f->taken[f->taken_n++] = (char)payload[0];
    return f->verdict;
}

static void on_closed(void *ctx, struct conn *c, const char *why)
{
    struct fixture *f = ctx;
    assert_non_null(conn_data(c));
    f->closed_n++;
    snprintf(f->why, sizeof f->why, "%s", why);
}

static void on_drained(void *ctx, struct conn *c)
{
    struct fixture *f = ctx;
    (void)c;
    f->drained_n++;
}

static void host_wake(void *ctx)
{
    struct fixture *f = ctx;
    f->host_woken++;
}

static void end_wake(void *ctx)
{
    struct fixture *f = ctx;
    f->end_woken++;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    const struct server_options o = {.name = "test",
                                     .listen = "here",
                                     .conns_max = 2,
                                     .strangers_max = 2,
                                     .payload_bytes_max = 8,
                                     .queue_bytes_max = 40,
                                     .conn_bytes = 4};
    const struct server_handlers h = {
        .frame = on_frame, .closed = on_closed, .drained = on_drained};
    char why[128];
    sim_clock_boot(&f->clock, 1, 0, 0);
    sim_clock_turn(&f->clock, 1000);
    if (sim_host_new(host_wake, f, &f->host) ||
        server_listen(f->host, &o, &h, f, &f->server, why, sizeof why))
        return -1;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    sim_host_free(f->host);
    free(f);
    return 0;
}

static struct sim_end *dial(struct fixture *f)
{
    struct sim_end *e = NULL;
    assert_int_equal(sim_dial(f->host, "here", "peer", NULL, end_wake, f, &e), EXAM_OK);
    return e;
}

/* A frame whose payload is `bytes` times the letter. */
static exam_err say(struct sim_end *e, char letter, size_t bytes)
{
    uint8_t frame[64] = {0, 0, 0, (uint8_t)bytes};
    memset(frame + 4, letter, bytes);
    return sim_end_send(e, frame, 4 + bytes);
}

static void reply(struct conn *c, char letter, size_t bytes)
{
    uint8_t frame[64] = {0, 0, 0, (uint8_t)bytes};
    memset(frame + 4, letter, bytes);
    conn_send(c, frame, 4 + bytes);
}

/* Frames arrive in order, and only when the host delivers. */
static void test_server_sim__delivers_in_order_and_on_request(void **state)
{
    struct fixture *f = *state;
    struct sim_end *e = dial(f);
    assert_int_equal(say(e, 'a', 3), EXAM_OK);
    assert_int_equal(say(e, 'b', 8), EXAM_OK);
    assert_int_equal(f->frames_n, 0);
    assert_true(sim_host_waits(f->host));
    assert_true(f->host_woken > 0);
    sim_host_deliver(f->host);
    assert_string_equal(f->taken, "ab");
    assert_false(sim_host_waits(f->host));
    sim_end_free(e);
}

/* A length of zero, or over the bound, costs the peer its connection before a handler sees it. */
static void test_server_sim__a_hostile_length_ends_the_connection(void **state)
{
    struct fixture *f = *state;
    const size_t lengths[] = {0, 9};
    for (size_t i = 0; i < 2; i++) {
        struct sim_end *e = dial(f);
        assert_int_equal(say(e, 'x', lengths[i]), EXAM_OK);
        sim_host_deliver(f->host);
        assert_int_equal(f->frames_n, 0);
        assert_int_equal(f->closed_n, i + 1);
        assert_true(sim_end_is_over(e));
        sim_end_free(e);
    }
}

/* What is held stays, with all that came after it, and is given again when it is released. */
static void test_server_sim__held_frames_wait_for_their_release(void **state)
{
    struct fixture *f = *state;
    struct sim_end *e = dial(f);
    f->verdict = CONN_HELD;
    assert_int_equal(say(e, 'a', 1), EXAM_OK);
    sim_host_deliver(f->host);
    assert_int_equal(say(e, 'b', 1), EXAM_OK);
    sim_host_deliver(f->host);
    assert_int_equal(f->frames_n, 1);
    f->verdict = CONN_TAKEN;
    server_release_held(f->server);
    assert_string_equal(f->taken, "ab");
    sim_end_free(e);
}

/* Replies come out one by one; `drained` is told when the last one has been taken. */
static void test_server_sim__tells_when_replies_were_read(void **state)
{
    struct fixture *f = *state;
    struct sim_end *e = dial(f);
    const uint8_t *payload;
    size_t bytes;
    assert_int_equal(say(e, 'a', 1), EXAM_OK);
    sim_host_deliver(f->host);
    reply(f->last, 'r', 2);
    reply(f->last, 's', 3);
    assert_int_equal(conn_queued_bytes(f->last), 13);
    assert_true(f->end_woken > 0);
    assert_true(sim_end_next(e, &payload, &bytes));
    assert_int_equal(bytes, 2);
    sim_host_deliver(f->host);
    assert_int_equal(f->drained_n, 0);
    assert_true(sim_end_next(e, &payload, &bytes));
    assert_int_equal(payload[0], 's');
    assert_false(sim_end_next(e, &payload, &bytes));
    sim_host_deliver(f->host);
    assert_int_equal(f->drained_n, 1);
    sim_end_free(e);
}

/* A peer that does not read its replies until the bound is reached is closed. */
static void test_server_sim__a_peer_that_does_not_read_is_closed(void **state)
{
    struct fixture *f = *state;
    struct sim_end *e = dial(f);
    assert_int_equal(say(e, 'a', 1), EXAM_OK);
    sim_host_deliver(f->host);
    reply(f->last, 'r', 20);
    assert_int_equal(f->closed_n, 0);
    reply(f->last, 'r', 20);
    assert_int_equal(f->closed_n, 1);
    assert_string_equal(f->why, "does not read its replies");
    sim_end_free(e);
}

/* A reference to a connection that is gone finds nothing, though another one has its slot. */
static void test_server_sim__references_do_not_outlive_their_connection(void **state)
{
    struct fixture *f = *state;
    struct sim_end *e = dial(f);
    assert_int_equal(say(e, 'a', 1), EXAM_OK);
    sim_host_deliver(f->host);
    struct conn_ref old = conn_ref_of(f->last);
    assert_ptr_equal(conn_of(f->server, old), f->last);
    sim_end_free(e);
    sim_host_deliver(f->host);
    assert_int_equal(f->closed_n, 1);
    assert_null(conn_of(f->server, old));
    e = dial(f);
    assert_int_equal(say(e, 'a', 1), EXAM_OK);
    sim_host_deliver(f->host);
    assert_int_equal(conn_ref_of(f->last).slot, old.slot);
    assert_null(conn_of(f->server, old));
    sim_end_free(e);
}

/* A server that is full, or that is not there, takes nobody. */
static void test_server_sim__refuses_more_than_it_may_take(void **state)
{
    struct fixture *f = *state;
    struct sim_end *a = dial(f), *b = dial(f), *c = NULL;
    assert_int_equal(sim_dial(f->host, "here", "peer", NULL, end_wake, f, &c), EXAM_CONN);
    assert_int_equal(sim_dial(f->host, "there", "peer", NULL, end_wake, f, &c), EXAM_CONN);
    assert_null(c);
    sim_end_free(a);
    sim_host_deliver(f->host);
    c = dial(f);
    sim_end_free(b);
    sim_end_free(c);
}

/* Who does not say who he is loses his connection after five seconds; who does, keeps it. */
static void test_server_sim__strangers_have_five_seconds(void **state)
{
    struct fixture *f = *state;
    struct sim_end *a = dial(f), *b = dial(f);
    assert_int_equal(say(a, 'a', 1), EXAM_OK);
    sim_host_deliver(f->host);
    conn_known(f->last);
    server_sweep(f->server, sim_clock_to_machine(&f->clock, 6000));
    assert_int_equal(f->closed_n, 0);
    server_sweep(f->server, sim_clock_to_machine(&f->clock, 6001));
    assert_int_equal(f->closed_n, 1);
    assert_true(sim_end_is_over(b));
    assert_false(sim_end_is_over(a));
    sim_end_free(a);
    sim_end_free(b);
}

/* A power cut resets every connection, and no handler hears of it. */
static void test_server_sim__a_power_cut_resets_all(void **state)
{
    struct fixture *f = *state;
    struct sim_end *e = dial(f);
    sim_host_free(f->host);
    f->host = NULL;
    assert_int_equal(f->closed_n, 0);
    assert_true(f->end_woken > 0);
    assert_true(sim_end_is_over(e));
    assert_int_equal(say(e, 'a', 1), EXAM_CONN);
    sim_end_free(e);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SERVER(test_server_sim__delivers_in_order_and_on_request),
        WITH_SERVER(test_server_sim__a_hostile_length_ends_the_connection),
        WITH_SERVER(test_server_sim__held_frames_wait_for_their_release),
        WITH_SERVER(test_server_sim__tells_when_replies_were_read),
        WITH_SERVER(test_server_sim__a_peer_that_does_not_read_is_closed),
        WITH_SERVER(test_server_sim__references_do_not_outlive_their_connection),
        WITH_SERVER(test_server_sim__refuses_more_than_it_may_take),
        WITH_SERVER(test_server_sim__strangers_have_five_seconds),
        WITH_SERVER(test_server_sim__a_power_cut_resets_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
