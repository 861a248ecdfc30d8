#include "server_core.h"

#include <assert.h>

#include "clock.h"

enum {
    PACE_AHEAD_US = 2000000,
    GO_ON_MS = 5,
};

static void on_more(uv_idle_t *h);
static void on_later(uv_timer_t *h);
static void on_go_on(uv_timer_t *h);

bool conn_waits(const struct conn *c)
{
    return c->lane != LANE_NONE;
}

void server_wait_for_turns(struct server *s)
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

void conn_call_up(struct conn *c)
{
    if (c->lane == LANE_NONE)
        return;
    TAILQ_REMOVE(&c->server->lanes[c->lane], c, waits);
    c->server->lane_conns[c->lane]--;
    c->lane = LANE_NONE;
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

void conn_count_written(struct conn *c, size_t bytes)
{
    conn_count_from(c);
    c->turn_bytes += bytes;
    pace_add(c, bytes);
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

bool conn_may_go_on(struct conn *c)
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

void conn_go_on(struct conn *c)
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

/* A turn of its own would make what the others send meanwhile wait for its commit; it gets that
 * after a while only. */
void server_go_on(struct server *s)
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

void server_begin_turns(struct server *s)
{
    uv_prepare_init(s->loop, &s->turns);
    uv_idle_init(s->loop, &s->more);
    uv_timer_init(s->loop, &s->later);
    uv_timer_init(s->loop, &s->go_on);
    s->turns.data = s->more.data = s->later.data = s->go_on.data = s;
    uv_prepare_start(&s->turns, on_turn);
    s->handles = 5; /* these and the listener */
}
