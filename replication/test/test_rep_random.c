/* Random histories of two and three nodes: messages late, lost, repeated and out of order, links
 * cut, one way too, and reset, nodes dying between any two effects, disks wiped, persons attesting
 * what is not so. Whatever happens, the checks of cluster.h hold, and when everything is well again
 * one node serves and all logs are equal.
 *
 * EXAM_TEST_SEED=n repeats one history, EXAM_TEST_RUNS=n says how many, EXAM_TEST_TRACE=1 tells
 * all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chance.h"
#include "cluster.h"

enum { RUNS = 3000, STEPS_MAX = 600 };

/* Sanitizers make a history ten times as long. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { RUNS_NOW = RUNS / 10 };
#else
enum { RUNS_NOW = RUNS };
#endif

struct dice {
    uint64_t state;
};

static uint32_t roll(struct dice *d, uint32_t sides)
{
    return (uint32_t)(chance_next(&d->state) % sides);
}

static uint64_t number_from_env(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

/* ---------------------------------------------------------------- one history */

struct history {
    struct cluster *c;
    struct dice dice;
    int nodes;
    bool wipes, weather; /* messages lost, repeated, out of order */
};

static int some_node(struct history *h)
{
    return (int)roll(&h->dice, (uint32_t)h->nodes);
}

static int another_node(struct history *h, int than)
{
    return (than + 1 + (int)roll(&h->dice, (uint32_t)h->nodes - 1)) % h->nodes;
}

static void spoil(struct history *h, int from, int to)
{
    switch (roll(&h->dice, 3)) {
    case 0:
        cluster_lose_message(h->c, from, to);
        break;
    case 1:
        cluster_repeat_message(h->c, from, to);
        break;
    default:
        cluster_swap_messages(h->c, from, to);
    }
}

static void deliver_some(struct history *h)
{
    for (uint32_t i = roll(&h->dice, 12); i-- > 0;) {
        int from = some_node(h), to = another_node(h, from);
        size_t links = cluster_links(h->c, from, to);
        if (h->weather && roll(&h->dice, 40) == 0)
            spoil(h, from, to);
        if (links)
            (void)cluster_deliver(h->c, from, to, roll(&h->dice, (uint32_t)links));
    }
}

static void harm(struct history *h)
{
    int a = some_node(h), b = another_node(h, a);
    switch (roll(&h->dice, 14)) {
    case 0:
    case 1:
        cluster_kill(h->c, a);
        if (h->wipes && roll(&h->dice, 3) == 0 && cluster_may_wipe(h->c, a))
            cluster_wipe(h->c, a);
        break;
    case 2:
        cluster_cut(h->c, a, b);
        break;
    case 12:
        cluster_cut_one_way(h->c, a, b);
        break;
    case 13:
        cluster_fuse(h->c, a, 1 + roll(&h->dice, 8));
        break;
    case 3:
    case 4:
        cluster_reset(h->c, a, b);
        break;
    case 5:
        if (cluster_is_up(h->c, a))
            cluster_promote(h->c, a, roll(&h->dice, 2));
        break;
    case 6:
        cluster_link_frames_max(h->c, roll(&h->dice, 4));
        break;
    case 7:
        cluster_refuse_records(h->c, a, roll(&h->dice, 2));
        break;
    default:
        cluster_heal(h->c, a, b);
        cluster_boot(h->c, a);
    }
}

static void random_step(struct history *h)
{
    int a = some_node(h);
    switch (roll(&h->dice, 16)) {
    case 0:
    case 1:
    case 2:
        (void)cluster_write(h->c, a, 1 + roll(&h->dice, 5));
        break;
    case 3:
    case 4:
    case 5:
    case 6:
        (void)cluster_commit(h->c, a);
        break;
    case 7:
        cluster_pass(h->c, 1 + roll(&h->dice, 30));
        break;
    case 8:
        cluster_pass(h->c, 1 + roll(&h->dice, roll(&h->dice, 6) ? 200 : 2500));
        break;
    case 9:
        if (cluster_links(h->c, a, another_node(h, a)) < 3)
            cluster_connect(h->c, a, another_node(h, a));
        break;
    case 10:
        harm(h);
        break;
    default:
        deliver_some(h);
    }
}

static void history_begin(struct history *h, uint64_t seed, int nodes)
{
    *h = (struct history){.dice = {seed}, .nodes = nodes};
    h->c = cluster_new((size_t)nodes, NULL);
    cluster_found(h->c, 0);
    cluster_run(h->c, 100);
    cluster_by_hand(h->c, true);
    cluster_frame_records_max(h->c, 1 + roll(&h->dice, 8));
}

/* Everything is well again; if nobody may serve by himself, a person says who. */
static void all_well(struct history *h)
{
    cluster_link_frames_max(h->c, 0);
    cluster_frame_records_max(h->c, 0);
    for (int a = 0; a < h->nodes; a++) {
        cluster_fuse(h->c, a, 0);
        for (int b = 0; b < h->nodes; b++)
            cluster_heal(h->c, a, b);
        cluster_boot(h->c, a);
    }
    cluster_by_hand(h->c, false);
    for (int a = 0; a < h->nodes; a++)
        cluster_refuse_records(h->c, a, false);
    cluster_run(h->c, 10000);
    for (int a = 0; a < h->nodes && cluster_primary(h->c) == NOBODY; a++) {
        cluster_promote(h->c, a, true);
        cluster_run(h->c, 100);
    }
    cluster_run(h->c, 5000);
}

static const char *not_well(struct history *h)
{
    int primary = cluster_primary(h->c);
    if (cluster_broken(h->c))
        return cluster_broken(h->c);
    if (primary == NOBODY)
        return "nobody serves in the end";
    rep *p = cluster_rep(h->c, primary);
    if (!rep_may_decide(p) || rep_is_solo(p))
        return "the primary does not have its standby in the end";
    for (int a = 0; a < h->nodes; a++) {
        rep *r = cluster_rep(h->c, a);
        if (a != primary && rep_role(r) != REP_ROLE_STANDBY)
            return "another node is no standby in the end";
        if (rep_epoch(r) != rep_epoch(p))
            return "the nodes know different epochs in the end";
        if (!cluster_logs_equal(h->c, a, primary))
            return "the logs differ in the end";
    }
    if (cluster_write(h->c, primary, 3) != 3)
        return "nothing can be decided in the end";
    cluster_run(h->c, 50);
    if (cluster_released(h->c, primary) != cluster_last(h->c, primary) ||
        !cluster_released_dual(h->c, primary))
        return "what is decided in the end is not released as dual";
    return cluster_broken(h->c);
}

static void add_counts(struct cluster_counts *sum, const struct cluster_counts *c)
{
    for (size_t i = 0; i < 5; i++)
        sum->epochs[i] += c->epochs[i];
    sum->cuts += c->cuts;
    sum->solo += c->solo;
    sum->in_sync += c->in_sync;
    sum->released_dual += c->released_dual;
    sum->released_solo += c->released_solo;
    sum->step_downs += c->step_downs;
    sum->pulls += c->pulls;
    sum->fuses += c->fuses;
    sum->wipes += c->wipes;
    sum->lost += c->lost;
    sum->repeated += c->repeated;
    sum->swapped += c->swapped;
    sum->kept += c->kept;
}

static void show_counts(const struct cluster_counts *c)
{
    print_message("epochs: %llu switchover, %llu attested, %llu restarted; %llu cuts, %llu pulls, "
                  "%llu step-downs; %llu alone, %llu in sync; releases: %llu dual, %llu solo\n",
                  (unsigned long long)c->epochs[2], (unsigned long long)c->epochs[3],
                  (unsigned long long)c->epochs[4], (unsigned long long)c->cuts,
                  (unsigned long long)c->pulls, (unsigned long long)c->step_downs,
                  (unsigned long long)c->solo, (unsigned long long)c->in_sync,
                  (unsigned long long)c->released_dual, (unsigned long long)c->released_solo);
    print_message(
        "died between two effects %llu, disks wiped %llu; messages lost %llu, repeated %llu, "
        "swapped %llu; kept %llu\n",
        (unsigned long long)c->fuses, (unsigned long long)c->wipes, (unsigned long long)c->lost,
        (unsigned long long)c->repeated, (unsigned long long)c->swapped,
        (unsigned long long)c->kept);
}

/* NULL: all is as it must be. The text lives until the next call. */
static const char *run_history(uint64_t seed, int nodes, struct cluster_counts *sum)
{
    static char text[300];
    struct history h;
    history_begin(&h, seed, nodes);
    h.wipes = roll(&h.dice, 3) == 0;
    h.weather = roll(&h.dice, 3) == 0;
    if (nodes > 2)
        cluster_allow_stale_heirs(h.c);
    uint32_t steps = 20 + roll(&h.dice, STEPS_MAX);
    for (uint32_t i = 0; i < steps && !cluster_broken(h.c); i++)
        random_step(&h);
    add_counts(sum, cluster_counts(h.c));
    all_well(&h);
    const char *wrong = not_well(&h);
    if (wrong)
        snprintf(text, sizeof text, "%s", wrong);
    cluster_free(h.c);
    return wrong ? text : NULL;
}

static void run_histories(int nodes)
{
    uint64_t seed = number_from_env("EXAM_TEST_SEED", 0);
    uint64_t runs = seed ? 1 : number_from_env("EXAM_TEST_RUNS", RUNS_NOW);
    if (!seed)
        seed = (uint64_t)time(NULL) * 1000003u;
    print_message("%d nodes, %llu histories from seed %llu\n", nodes, (unsigned long long)runs,
                  (unsigned long long)seed);
    struct cluster_counts sum = {0};
    for (uint64_t i = 0; i < runs; i++) {
        const char *wrong = run_history(seed + i, nodes, &sum);
        if (wrong)
            fail_msg("%d nodes, EXAM_TEST_SEED=%llu: %s", nodes, (unsigned long long)(seed + i),
                     wrong);
    }
    show_counts(&sum);
    if (runs < RUNS)
        return;
    /* Histories in which nothing happens would prove nothing. */
    assert_true(sum.epochs[2] > 50 && sum.epochs[3] > 200 && sum.epochs[4] > 50);
    assert_true(sum.cuts > 50 && sum.pulls > 10 && sum.step_downs > 200);
    assert_true(sum.solo > 200 && sum.in_sync > 500 && sum.released_dual > 5000);
    assert_true(sum.fuses > 200 && sum.wipes > 50 && sum.kept > 1000);
    assert_true(sum.lost > 50 && sum.repeated > 50 && sum.swapped > 50);
}

/* ---------------------------------------------------------------- tests */

/* Two nodes: what was released as dual survives every promotion, and all converges. */
static void test_rep_random__two_nodes(void **state)
{
    (void)state;
    run_histories(2);
}

/* Three nodes, one of which may lose its disk: nothing false is released, and all converges. */
static void test_rep_random__three_nodes(void **state)
{
    (void)state;
    run_histories(3);
}

/* Histories of nodes that have been made to err, until the checks find one out. */
static void assert_found(void (*err_so)(struct cluster *c), bool wipes, uint64_t seeds,
                         const char *what)
{
    char found[300] = "";
    for (uint64_t seed = 1; seed < seeds && !found[0]; seed++) {
        struct history h;
        history_begin(&h, seed, 2);
        h.wipes = wipes;
        err_so(h.c);
        for (uint32_t i = 0; i < STEPS_MAX && !cluster_broken(h.c); i++)
            random_step(&h);
        if (cluster_broken(h.c))
            snprintf(found, sizeof found, "%s", cluster_broken(h.c));
        cluster_free(h.c);
    }
    assert_non_null(strstr(found, what));
}

/* The checks can fail: a standby that acknowledges before it has written is found out. */
static void test_rep_random__lying_standby_is_found(void **state)
{
    (void)state;
    assert_found(cluster_lying_standbys, false, 50, "dual");
}

/* The checks can fail: a learner that takes itself for a standby after a crash is found out (D7).
 */
static void test_rep_random__hasty_learner_is_found(void **state)
{
    (void)state;
    assert_found(cluster_hasty_learners, true, 3000, "without record");
}

/* ---------------------------------------------------------------- made-up messages */

struct invention {
    Rep__Message m;
    union {
        Rep__Hello hello;
        Rep__Join join;
        Rep__Append append;
        Rep__Appended appended;
        Rep__Ping ping;
        Rep__Superseded superseded;
        Rep__HandOverRequest request;
        Rep__HandOver hand_over;
        Rep__Refused refused;
    } as;
    Rep__Position position;
    Rep__EpochStart epochs[4], *epochs_at[4];
    ProtobufCBinaryData records[4];
    uint8_t hashes[8][HASH_BYTES], site[SITE_ID_BYTES], record[RECORD_HEADER_BYTES + 9];
    char name[2];
    size_t hashes_n;
};

static uint64_t some_number(struct dice *d)
{
    static const uint64_t odd[] = {
        0, 1, 2, 3, 4, 5, 1000, UINT32_MAX, 1ull << 47, UINT64_MAX - 1, UINT64_MAX};
    return odd[roll(d, roll(d, 2) ? 6 : sizeof odd / sizeof odd[0])];
}

/* Mostly ones that fit: else nothing gets past the first check. */
static uint64_t some_epoch(struct history *h)
{
    if (roll(&h->dice, 8) == 0)
        return some_number(&h->dice);
    return rep_epoch(cluster_rep(h->c, 0)) + (roll(&h->dice, 6) == 0);
}

static uint64_t some_lsn(struct history *h)
{
    if (roll(&h->dice, 4) == 0)
        return some_number(&h->dice);
    return cluster_last(h->c, 0) + roll(&h->dice, 3) - roll(&h->dice, 2);
}

static ProtobufCBinaryData some_hash(struct history *h, struct invention *v, uint64_t lsn)
{
    struct position p = cluster_position(h->c, 0, lsn);
    uint8_t *hash = v->hashes[v->hashes_n++];
    memcpy(hash, p.hash, HASH_BYTES);
    if (roll(&h->dice, 8) == 0)
        hash[0] ^= 1;
    return (ProtobufCBinaryData){.data = hash, .len = HASH_BYTES};
}

static Rep__Position *some_position(struct history *h, struct invention *v)
{
    rep__position__init(&v->position);
    v->position.epoch = some_epoch(h);
    v->position.lsn = some_lsn(h);
    v->position.hash = some_hash(h, v, v->position.lsn);
    return &v->position;
}

static void invent_hello(struct history *h, struct invention *v)
{
    Rep__Hello *m = &v->as.hello;
    rep__hello__init(m);
    m->version = roll(&h->dice, 20) ? 1 : 2;
    v->name[0] = roll(&h->dice, 10) ? 'B' : (char)('A' + roll(&h->dice, 3));
    m->node = v->name;
    if (roll(&h->dice, 10) && cluster_site_id(h->c, 0, v->site))
        m->site_id = (ProtobufCBinaryData){.data = v->site, .len = SITE_ID_BYTES};
    m->epoch = some_epoch(h);
    m->role = (Rep__Role)(1 + roll(&h->dice, 4));
    m->last = some_position(h, v);
    m->n_epochs = roll(&h->dice, 5);
    m->epochs = v->epochs_at;
    for (size_t i = 0; i < m->n_epochs; i++) {
        v->epochs_at[i] = &v->epochs[i];
        rep__epoch_start__init(&v->epochs[i]);
        v->epochs[i].epoch = i ? some_epoch(h) : 1;
        v->epochs[i].first_lsn = i ? some_lsn(h) : 2;
        v->epochs[i].first_hash = some_hash(h, v, v->epochs[i].first_lsn);
    }
    v->m.hello = m;
}

static void invent_append(struct history *h, struct invention *v)
{
    Rep__Append *m = &v->as.append;
    rep__append__init(m);
    m->epoch = some_epoch(h);
    m->first_lsn = some_lsn(h);
    m->prev_hash = some_hash(h, v, m->first_lsn - 1);
    m->n_records = roll(&h->dice, 5);
    m->records = v->records;
    for (size_t i = 0; i < m->n_records; i++)
        v->records[i] = (ProtobufCBinaryData){.data = v->record, .len = sizeof v->record};
    m->released_lsn = some_number(&h->dice);
    v->m.append = m;
}

static void invent_ping(struct history *h, struct invention *v)
{
    rep__ping__init(&v->as.ping);
    v->as.ping.epoch = some_epoch(h);
    v->as.ping.role = (Rep__Role)(1 + roll(&h->dice, 4));
    v->as.ping.lsn = some_lsn(h);
    v->as.ping.lsn_epoch = some_number(&h->dice);
    v->m.ping = &v->as.ping;
}

static void invent_appended(struct history *h, struct invention *v)
{
    rep__appended__init(&v->as.appended);
    v->as.appended.epoch = some_epoch(h);
    v->as.appended.lsn = some_lsn(h);
    v->as.appended.hash = some_hash(h, v, v->as.appended.lsn);
    v->m.appended = &v->as.appended;
}

/* Whatever the codec lets through. */
static void invent(struct history *h, struct invention *v)
{
    static char text[] = "made up";
    memset(v, 0, sizeof *v);
    rep__message__init(&v->m);
    v->m.kind_case = (Rep__Message__KindCase)(1 + roll(&h->dice, 9));
    switch (v->m.kind_case) {
    case REP__MESSAGE__KIND_HELLO:
        invent_hello(h, v);
        break;
    case REP__MESSAGE__KIND_JOIN:
        rep__join__init(&v->as.join);
        v->as.join.epoch = some_epoch(h);
        v->as.join.common = some_position(h, v);
        v->m.join = &v->as.join;
        break;
    case REP__MESSAGE__KIND_APPEND:
        invent_append(h, v);
        break;
    case REP__MESSAGE__KIND_APPENDED:
        invent_appended(h, v);
        break;
    case REP__MESSAGE__KIND_PING:
        invent_ping(h, v);
        break;
    case REP__MESSAGE__KIND_SUPERSEDED:
        rep__superseded__init(&v->as.superseded);
        v->as.superseded.epoch = some_epoch(h);
        v->m.superseded = &v->as.superseded;
        break;
    case REP__MESSAGE__KIND_HAND_OVER_REQUEST:
        rep__hand_over_request__init(&v->as.request);
        v->as.request.epoch = some_epoch(h);
        v->m.hand_over_request = &v->as.request;
        break;
    case REP__MESSAGE__KIND_HAND_OVER:
        rep__hand_over__init(&v->as.hand_over);
        v->as.hand_over.epoch = some_epoch(h);
        v->as.hand_over.at = some_position(h, v);
        v->m.hand_over = &v->as.hand_over;
        break;
    default:
        rep__refused__init(&v->as.refused);
        v->as.refused.code = (uint32_t)some_number(&h->dice);
        v->as.refused.text = text;
        v->m.kind_case = REP__MESSAGE__KIND_REFUSED;
        v->m.refused = &v->as.refused;
    }
}

/* Somebody makes messages up: the node may lose its links and its role, never its footing. */
static void test_rep_random__made_up_messages(void **state)
{
    (void)state;
    static struct invention v;
    uint64_t seed = number_from_env("EXAM_TEST_SEED", (uint64_t)time(NULL) * 1000003u);
    struct cluster_counts sum = {0};
    print_message("seed %llu\n", (unsigned long long)seed);
    for (uint64_t i = 0; i < RUNS_NOW; i++) {
        struct history h;
        history_begin(&h, seed + i, 2);
        cluster_allow_forgery(h.c);
        cluster_allow_stale_heirs(h.c);
        cluster_by_hand(h.c, false);
        if (roll(&h.dice, 2))
            cluster_kill(h.c, 1);
        cluster_cut(h.c, 0, 1);
        uint64_t link = 0;
        for (uint32_t k = 0; k < 60; k++) {
            bool anew = k == 0 || roll(&h.dice, 10) == 0;
            if (anew)
                link = cluster_intrude(h.c, 0);
            do
                invent(&h, &v);
            while (anew && v.m.kind_case != REP__MESSAGE__KIND_HELLO);
            if (roll(&h.dice, 8) == 0)
                cluster_pass(h.c, roll(&h.dice, 900));
            if (roll(&h.dice, 30) == 0)
                cluster_promote(h.c, 0, true);
            (void)cluster_write(h.c, 0, 1);
            cluster_say(h.c, 0, link, &v.m);
        }
        if (cluster_broken(h.c))
            fail_msg("EXAM_TEST_SEED=%llu: %s", (unsigned long long)(seed + i),
                     cluster_broken(h.c));
        add_counts(&sum, cluster_counts(h.c));
        cluster_free(h.c);
    }
    show_counts(&sum);
    /* They do get past the first checks. */
    assert_true(sum.step_downs > RUNS_NOW / 6 && sum.cuts > RUNS_NOW / 60);
    assert_true(sum.epochs[4] > RUNS_NOW / 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rep_random__two_nodes),
        cmocka_unit_test(test_rep_random__three_nodes),
        cmocka_unit_test(test_rep_random__lying_standby_is_found),
        cmocka_unit_test(test_rep_random__hasty_learner_is_found),
        cmocka_unit_test(test_rep_random__made_up_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
