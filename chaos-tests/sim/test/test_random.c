/* Random days: machines die and come back, paths are cut and healed, persons promote the newest
 * node or a stale one, while candidates answer. Whatever happened, in the end every answer that a
 * seat took is there (A2: the seats' disks survive here), all accounts add up and all nodes are
 * alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "check_accounts.h"
#include "check_replicas.h"
#include "rep.h"
#include "site.h"

enum { DAYS = 150, STEPS = 80, SEATS = 3, ITEMS = 4 };

struct day {
    struct site s;
    uint64_t chance;
    uint32_t nodes_n;
    char values[SEATS][ITEMS][16]; /* the last answer that the seat took; "": none */
    uint32_t answers_n;
    uint64_t epoch;
};

static uint32_t below(struct day *d, uint32_t n)
{
    uint64_t x = d->chance += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)((x ^ (x >> 31)) % n);
}

/* ---------------------------------------------------------------- what may happen */

static void answer(struct day *d)
{
    uint32_t seat = below(d, SEATS), item = below(d, ITEMS);
    char name[16], value[16];
    snprintf(name, sizeof name, "q%u", item);
    snprintf(value, sizeof value, "v%u", d->answers_n++);
    if (!world_answer(d->s.w, seat, name, value))
        strcpy(d->values[seat][item], value);
}

static void boot_node(struct day *d, uint32_t node)
{
    char why[256] = "";
    exam_err err = world_boot_node(d->s.w, node, why, sizeof why);
    if (err && err != EXAM_STATE)
        fail_msg("node %u does not start: %s", node, why);
}

static void power_nodes(struct day *d)
{
    uint32_t node = below(d, d->nodes_n);
    if (!world_node(d->s.w, node))
        boot_node(d, node);
    else if (below(d, 3) == 0)
        assert_int_equal(world_stop_node(d->s.w, node), EXAM_OK);
    else
        assert_int_equal(world_kill_node(d->s.w, node), EXAM_OK);
}

static void power_seats(struct day *d)
{
    uint32_t seat = below(d, SEATS);
    if (sim_seat_is_on(world_seat(d->s.w, seat)))
        assert_int_equal(world_kill_seat(d->s.w, seat), EXAM_OK);
    else
        assert_int_equal(world_boot_seat(d->s.w, seat), EXAM_OK);
}

static void touch_paths(struct day *d)
{
    uint32_t a = below(d, d->nodes_n), b = (a + 1) % d->nodes_n;
    uint32_t seat = below(d, SEATS);
    switch (below(d, 4)) {
    case 0:
        world_cut_seat(d->s.w, seat, a);
        break;
    case 1:
        world_heal_seat(d->s.w, seat, a);
        break;
    case 2:
        world_cut_nodes(d->s.w, a, b);
        break;
    default:
        world_heal_nodes(d->s.w, a, b);
        break;
    }
}

/* The newest epoch that ever began. */
static uint64_t newest_epoch(struct day *d)
{
    for (uint32_t i = 0; i < d->nodes_n; i++) {
        struct node *n = world_node(d->s.w, i);
        if (n && rep_epoch(node_rep(n)) > d->epoch)
            d->epoch = rep_epoch(node_rep(n));
    }
    return d->epoch;
}

/* A node that has missed an epoch learns of it from the seats. One that is promoted while no seat
 * in contact knows of that epoch begins another one of the same number: two histories then share
 * their names, which A3 cannot order. Nobody can know better there; no day here does it. */
static bool can_number(struct day *d, uint32_t node)
{
    uint64_t known = rep_epoch(node_rep(world_node(d->s.w, node)));
    for (uint32_t i = 0; i < SEATS; i++) {
        const struct sim_seat *s = world_seat(d->s.w, i);
        if (s->core && s->links[node].end && seat_core_epoch_seen(s->core) > known)
            known = seat_core_epoch_seen(s->core);
    }
    return known >= newest_epoch(d);
}

static void promote(struct day *d)
{
    uint32_t node = below(d, d->nodes_n);
    bool attest = below(d, 2) == 0;
    if (!world_node(d->s.w, node))
        return;
    /* Persons attest nothing that is not true. */
    if (world_primary(d->s.w) != WORLD_NONE || !can_number(d, node))
        attest = false;
    exam_err err = site_promote(&d->s, node, attest);
    (void)err; /* most are refused */
}

static void interrupt(struct day *d)
{
    static const char *const scopes[] = {"site", "R1", "R1-01", "R1-02"};
    static const char *const grantees[] = {"1001", "1002", "R1", "B1"};
    exam_err err;
    if (below(d, 3) == 0)
        err = site_grant(&d->s, grantees[below(d, 4)], (int64_t)below(d, 240000) - 60000);
    else
        err = site_pause(&d->s, scopes[below(d, 4)], below(d, 3) > 0);
    (void)err; /* many are refused */
}

static void step(struct day *d)
{
    uint32_t what = below(d, 23);
    if (what < 10)
        answer(d);
    else if (what < 12)
        power_nodes(d);
    else if (what < 14)
        power_seats(d);
    else if (what < 17)
        touch_paths(d);
    else if (what < 19)
        promote(d);
    else if (what < 22)
        interrupt(d);
    world_settle(d->s.w);
    newest_epoch(d);
    world_run(d->s.w, world_now_ms(d->s.w) + below(d, 6000));
    newest_epoch(d);
}

/* ---------------------------------------------------------------- the evening */

static void mend_all(struct day *d)
{
    for (uint32_t a = 0; a < d->nodes_n; a++) {
        for (uint32_t b = a + 1; b < d->nodes_n; b++)
            world_heal_nodes(d->s.w, a, b);
        for (uint32_t seat = 0; seat < SEATS; seat++)
            world_heal_seat(d->s.w, seat, a);
        boot_node(d, a);
    }
    for (uint32_t seat = 0; seat < SEATS; seat++)
        if (!sim_seat_is_on(world_seat(d->s.w, seat)))
            assert_int_equal(world_boot_seat(d->s.w, seat), EXAM_OK);
    world_settle(d->s.w);
    for (uint32_t i = 0; i < d->nodes_n && world_primary(d->s.w) == WORLD_NONE; i++) {
        exam_err err = site_promote(&d->s, i, true);
        (void)err; /* one of them has the most, and is taken */
    }
    world_run(d->s.w, world_now_ms(d->s.w) + 10000);
}

static void check_answers(struct day *d)
{
    struct node *n = world_node(d->s.w, world_primary(d->s.w));
    for (uint32_t seat = 0; seat < SEATS; seat++) {
        char no[16];
        uint32_t sitting;
        snprintf(no, sizeof no, "%u", 1001 + seat);
        assert_int_equal(exam_find_sitting(node_exam(n), no, &sitting), EXAM_OK);
        assert_int_equal(seat_core_unsaved_n(world_seat(d->s.w, seat)->core), 0);
        struct exam_answer_view a;
        uint32_t found = 0, wanted = 0;
        for (uint32_t i = 0; !exam_answer_at(node_exam(n), sitting, i, &a); i++) {
            uint32_t item = (uint32_t)atoi(a.item + 1);
            assert_int_equal(a.value_bytes, strlen(d->values[seat][item]));
            assert_memory_equal(a.value, d->values[seat][item], a.value_bytes);
            found++;
        }
        for (uint32_t item = 0; item < ITEMS; item++)
            wanted += d->values[seat][item][0] != '\0';
        assert_int_equal(found, wanted);
    }
}

static void check_sound(struct day *d)
{
    char what[256];
    if (!check_replicas(d->s.w, what, sizeof what))
        fail_msg("%s", what);
    for (uint32_t i = 0; i < d->nodes_n; i++) {
        struct node *n = world_node(d->s.w, i);
        if (n && !check_accounts(node_exam(n), node_site_ms(n), what, sizeof what))
            fail_msg("%s", what);
    }
}

static void check_evening(struct day *d)
{
    assert_true(world_primary(d->s.w) != WORLD_NONE);
    struct position last = node_last(world_node(d->s.w, world_primary(d->s.w)));
    for (uint32_t i = 0; i < d->nodes_n; i++)
        assert_memory_equal(node_last(world_node(d->s.w, i)).hash, last.hash, HASH_BYTES);
    check_answers(d);
}

static void live(uint64_t seed)
{
    struct day d = {.chance = seed};
    d.nodes_n = 1 + below(&d, 3);
    site_open(&d.s, seed, d.nodes_n, SEATS);
    site_start(&d.s);
    site_sign_in_all(&d.s);
    for (uint32_t i = 0; i < STEPS; i++) {
        step(&d);
        check_sound(&d);
    }
    mend_all(&d);
    check_sound(&d);
    check_evening(&d);
    site_close(&d.s);
}

/* No day ends with an answer lost, a millisecond unaccounted for, or nodes that differ. */
static void test_world__no_day_loses_anything(void **state)
{
    const char *from_environment = getenv("EXAM_TEST_SEED");
    uint64_t first = from_environment ? strtoull(from_environment, NULL, 10) : 1;
    uint64_t last = from_environment ? first : DAYS;
    (void)state;
    for (uint64_t seed = first; seed <= last; seed++) {
        /* Told before, because an assertion inside the node ends the process. */
        fprintf(stderr, "\rEXAM_TEST_SEED=%llu ", (unsigned long long)seed);
        live(seed);
    }
    fprintf(stderr, "\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_world__no_day_loses_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
