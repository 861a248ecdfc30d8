/* What happens to frames on their way, one fault after the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mem_wire.h"

enum { FRAMES_MAX = 4096, MANY = 1000 };

struct fixture {
    struct mem_air air;
    struct mem_way way, back;
    struct mem_wire wire;
    uint8_t got[FRAMES_MAX]; /* the first letters of the frames that arrived, */
    uint64_t at_ms[FRAMES_MAX];
    size_t got_n;
    enum mem_arrival over; /* and what came after them; MEM_FRAME: nothing */
};

static void arrived(void *owner, enum mem_arrival what, const uint8_t *bytes, size_t n)
{
    struct fixture *f = owner;
    assert_int_equal(f->over, MEM_FRAME);
    f->over = what;
    if (what != MEM_FRAME)
        return;
    assert_int_equal(n, 5);
    assert_true(f->got_n < FRAMES_MAX);
    f->at_ms[f->got_n] = f->air.now_ms;
    f->got[f->got_n++] = bytes[4];
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (!f)
        return -1;
    mem_air_init(&f->air, 7);
    f->way.back = &f->back;
    f->back.back = &f->way;
    mem_wire_init(&f->wire, &f->air, &f->way, arrived, f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    mem_wire_fini(&f->wire);
    assert_true(TAILQ_EMPTY(&f->air.busy));
    free(f);
    return 0;
}

static void say(struct fixture *f, uint8_t letter)
{
    const uint8_t frame[5] = {0, 0, 0, 1, letter};
    assert_int_equal(mem_wire_send(&f->wire, frame, sizeof frame), EXAM_OK);
}

/* From one arrival to the next, until nothing comes any more by itself. */
static void run(struct fixture *f)
{
    uint64_t at_ms;
    while ((at_ms = mem_air_next_ms(&f->air)) != UINT64_MAX) {
        assert_true(at_ms >= f->air.now_ms);
        f->air.now_ms = at_ms;
        assert_true(mem_air_pump(&f->air));
    }
    assert_false(mem_air_pump(&f->air));
}

/* A way without faults needs no wire; what is sent through one all the same arrives at once. */
static void test_mem_wire__a_fair_way_takes_no_time(void **state)
{
    struct fixture *f = *state;
    assert_true(mem_wire_is_idle(&f->wire));
    say(f, 'a');
    assert_false(mem_wire_is_idle(&f->wire)); /* what is sent now must not overtake it */
    assert_true(mem_air_pump(&f->air));
    assert_int_equal(f->got_n, 1);
    assert_true(mem_wire_is_idle(&f->wire));
}

/* Several frames in one call have a fate each; the order is kept whatever the delay. */
static void test_mem_wire__delay_keeps_the_order(void **state)
{
    struct fixture *f = *state;
    f->way.weather = (struct mem_weather){.delay_min_ms = 10, .delay_max_ms = 90};
    for (int i = 0; i < MANY; i++) {
        f->air.now_ms += 5;
        say(f, (uint8_t)i);
        (void)mem_air_pump(&f->air);
    }
    run(f);
    assert_int_equal(f->got_n, MANY);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(f->got[i], (uint8_t)i);
        assert_in_range(f->at_ms[i], 5 * (i + 1) + 10, 5 * (i + 1) + 90 + 90);
    }
    assert_int_equal(f->air.counts.delayed, MANY);
    assert_int_equal(f->air.counts.overtaken, 0);
}

/* Loss and duplication: what arrives is what was sent, less one, more the other. */
static void test_mem_wire__loss_and_duplication_add_up(void **state)
{
    struct fixture *f = *state;
    f->way.weather = (struct mem_weather){.loss_permille = 100, .duplicate_permille = 200};
    for (int i = 0; i < MANY; i++)
        say(f, 'a');
    run(f);
    assert_in_range(f->air.counts.lost, 50, 150);
    assert_in_range(f->air.counts.doubled, 120, 240);
    assert_int_equal(f->got_n, MANY - f->air.counts.lost + f->air.counts.doubled);
    assert_int_equal(f->wire.bytes, 0);
}

/* Some frames are overtaken, and none is lost; the end comes after all of them. */
static void test_mem_wire__reordering_loses_nothing(void **state)
{
    struct fixture *f = *state;
    bool seen[256] = {false};
    size_t moved = 0;
    f->way.weather = (struct mem_weather){.reorder_permille = 100};
    for (int i = 0; i < 256; i++)
        say(f, (uint8_t)i);
    assert_int_equal(mem_wire_end(&f->wire), EXAM_OK);
    run(f);
    assert_int_equal(f->got_n, 256);
    for (size_t i = 0; i < 256; i++) {
        assert_false(seen[f->got[i]]);
        seen[f->got[i]] = true;
        moved += f->got[i] != i;
    }
    assert_true(moved > 0);
    assert_true(f->air.counts.overtaken > 0);
    assert_int_equal(f->over, MEM_END);
}

/* A stall holds up all that is behind it. */
static void test_mem_wire__a_stall_holds_up_what_is_behind(void **state)
{
    struct fixture *f = *state;
    f->way.weather = (struct mem_weather){.stall_permille = 1000, .stall_ms = 700};
    say(f, 'a');
    f->way.weather.stall_permille = 0;
    f->air.now_ms = 100;
    say(f, 'b');
    run(f);
    assert_memory_equal(f->got, "ab", 2);
    assert_int_equal(f->at_ms[1], 700);
    assert_int_equal(f->air.counts.stalled, 1);
}

/* A reset takes with it what was behind it. */
static void test_mem_wire__a_reset_ends_it(void **state)
{
    struct fixture *f = *state;
    f->way.weather = (struct mem_weather){.delay_max_ms = 9, .reset_permille = 1000};
    say(f, 'a');
    say(f, 'b');
    run(f);
    assert_int_equal(f->got_n, 0);
    assert_int_equal(f->over, MEM_RESET);
    assert_int_equal(f->air.counts.resets, 1);
    assert_int_equal(f->wire.bytes, 0);
}

/* A cut that holds keeps what is under way, the end too, and gives no time to wake for. */
static void test_mem_wire__a_cut_holds(void **state)
{
    struct fixture *f = *state;
    f->way.weather.delay_max_ms = f->way.weather.delay_min_ms = 10;
    say(f, 'a');
    f->way.cut = MEM_CUT_HOLDS;
    say(f, 'b');
    f->back.cut = MEM_CUT_HOLDS;
    say(f, 'c');
    assert_int_equal(mem_wire_end(&f->wire), EXAM_OK);
    assert_true(mem_air_next_ms(&f->air) == UINT64_MAX);
    f->air.now_ms = 1000;
    assert_false(mem_air_pump(&f->air));
    f->way.cut = MEM_CUT_NONE;
    run(f);
    assert_memory_equal(f->got, "abc", 3);
    assert_int_equal(f->over, MEM_END);
    assert_int_equal(f->air.counts.held[0], 1);
    assert_int_equal(f->air.counts.held[1], 1);
}

/* A cut that loses takes what arrives in it; a stream is broken by that, when the cut is over. */
static void test_mem_wire__a_cut_loses(void **state)
{
    struct fixture *f = *state;
    f->way.weather.delay_max_ms = f->way.weather.delay_min_ms = 10;
    say(f, 'a');
    f->way.cut = MEM_CUT_LOSES;
    say(f, 'b');
    run(f);
    f->way.cut = MEM_CUT_NONE;
    say(f, 'c');
    run(f);
    assert_memory_equal(f->got, "c", 1);
    assert_int_equal(f->air.counts.cut_off[0], 2);
    f->way.stream = true;
    f->way.cut = f->back.cut = MEM_CUT_LOSES;
    say(f, 'd');
    run(f);
    assert_int_equal(f->over, MEM_FRAME);
    f->way.cut = MEM_CUT_NONE;
    run(f);
    assert_int_equal(f->over, MEM_RESET);
    assert_int_equal(f->air.counts.cut_off[1], 1);
    assert_int_equal(f->air.counts.resets, 0); /* it is the cut's, not the weather's */
}

/* An end that a cut has lost is heard of as a reset, once the way is open. */
static void test_mem_wire__an_end_that_is_lost_is_heard_of_later(void **state)
{
    struct fixture *f = *state;
    f->way.cut = MEM_CUT_LOSES;
    assert_int_equal(mem_wire_end(&f->wire), EXAM_OK);
    run(f);
    assert_int_equal(f->over, MEM_FRAME);
    f->way.cut = MEM_CUT_NONE;
    run(f);
    assert_int_equal(f->over, MEM_RESET);
}

/* Bytes that are no frames are carried all the same: whoever reads them is to refuse them. */
static void test_mem_wire__hostile_bytes_are_carried(void **state)
{
    struct fixture *f = *state;
    const uint8_t odd[5] = {0xff, 0xff, 0xff, 0xff, 'x'};
    assert_int_equal(mem_wire_send(&f->wire, odd, sizeof odd), EXAM_OK);
    run(f);
    assert_int_equal(f->got_n, 1);
}

#define WIRE(t) cmocka_unit_test_setup_teardown(test_mem_wire__##t, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WIRE(a_fair_way_takes_no_time),
        WIRE(delay_keeps_the_order),
        WIRE(loss_and_duplication_add_up),
        WIRE(reordering_loses_nothing),
        WIRE(a_stall_holds_up_what_is_behind),
        WIRE(a_reset_ends_it),
        WIRE(a_cut_holds),
        WIRE(a_cut_loses),
        WIRE(an_end_that_is_lost_is_heard_of_later),
        WIRE(hostile_bytes_are_carried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
