#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "site.h"

static const struct site_plan PLAN = {.batch = "B1",
                                      .room = "R1",
                                      .paper = "P1",
                                      .room_seats = 120,
                                      .sittings = 110,
                                      .first_no = 1001,
                                      .items = 250,
                                      .allot_ms = MS(60, 0, 0)};

static int setup(void **state)
{
    *state = site_new();
    return 0;
}

static int teardown(void **state)
{
    site_free(*state);
    return 0;
}

/* Imports `i`, which must be refused with the code, name the line, and change nothing. */
static void expect_refused(struct site *t, const struct site_import *i, exam_err code,
                           uint32_t line, const char *text)
{
    size_t log_n = t->log_n;

    assert_int_equal(site_import_do(t, i), code);
    assert_int_equal(t->why.line, line);
    if (!strstr(t->why.text, text))
        fail_msg("\"%s\" does not say \"%s\"", t->why.text, text);
    if (line > 0) {
        char at[32];
        snprintf(at, sizeof at, "line %u:", line);
        assert_non_null(strstr(t->why.text, at));
    }
    assert_int_equal(t->log_n, log_n);
}

/* A whole import is there with its rooms, seats, paper and candidates, and can be started. */
static void test_p2__whole_import_is_there(void **state)
{
    struct site *t = *state;
    struct exam_sitting_view v;
    const uint8_t *text;
    size_t n;
    uint32_t sitting, batch;

    site_plan_batch(t, &PLAN);
    assert_int_equal(exam_sittings(t->x), 110);
    assert_int_equal(exam_find_sitting(t->x, "1110", &sitting), EXAM_OK);
    v = site_view(t, sitting);
    assert_string_equal(v.seat, "R1-110");
    assert_string_equal(v.room, "R1");
    assert_string_equal(v.paper, "P1");
    assert_int_equal(v.state, EXAM_SITTING_EXPECTED);
    assert_int_equal(v.account.left_ms, MS(60, 0, 0));
    assert_int_equal(v.grace_ms, 15000);
    assert_int_equal(v.heartbeat_ms, 1000);
    assert_int_equal(exam_find_batch(t->x, "B1", &batch), EXAM_OK);
    assert_int_equal(site_batch(t, batch).state, EXAM_BATCH_PLANNED);
    assert_int_equal(exam_paper_at(t->x, sitting, 0, &text, &n), EXAM_STATE);
    assert_int_equal(site_start(t, "B1"), EXAM_OK);
    assert_int_equal(exam_paper_at(t->x, sitting, 40000, &text, &n), EXAM_OK);
    assert_int_equal(n, 10000);
    assert_int_equal(exam_paper_at(t->x, sitting, 50000, &text, &n), EXAM_INVALID);
    site_expect_replicates(t);
}

/* The same batch twice is refused, and so is a candidate who has a batch already. */
static void test_p2__batch_and_candidate_are_there_once(void **state)
{
    struct site *t = *state;
    struct site_import i;

    site_plan_batch(t, &PLAN);
    site_import_init(&i, &PLAN);
    expect_refused(t, &i, EXAM_EXISTS, 0, "batch B1 already");
    i.im.batch = "B2";
    expect_refused(t, &i, EXAM_EXISTS, 2, "candidate 1001 is in batch B1 already");
    site_import_fini(&i);
}

/* What is wrong with a line of the roster is said with the line. */
static void test_p2__bad_roster_lines_are_named(void **state)
{
    struct site *t = *state;
    struct site_import i;
    Ev__NewSitting *s, good;

    site_import_init(&i, &PLAN);
    s = &i.sittings[7]; /* line 9 */
    good = *s;
    s->admission_no = i.sittings[3].admission_no;
    expect_refused(t, &i, EXAM_EXISTS, 9, "candidate 1004 is in line 5 already");
    *s = good;
    s->admission_no = (char *)(uintptr_t) "10 08";
    expect_refused(t, &i, EXAM_INVALID, 9, "admission number");
    *s = good;
    s->seat = i.sittings[3].seat;
    expect_refused(t, &i, EXAM_EXISTS, 9, "seat R1-04 is given to candidate 1004 in line 5");
    *s = good;
    s->seat = (char *)(uintptr_t) "R1-121";
    expect_refused(t, &i, EXAM_NOT_FOUND, 9, "no seat R1-121");
    s->seat = (char *)(uintptr_t) "R1-8"; /* not the seat's name */
    expect_refused(t, &i, EXAM_NOT_FOUND, 9, "no seat R1-8");
    s->seat = (char *)(uintptr_t) "R2-01";
    expect_refused(t, &i, EXAM_NOT_FOUND, 9, "no seat R2-01");
    *s = good;
    s->paper = (char *)(uintptr_t) "P2";
    expect_refused(t, &i, EXAM_NOT_FOUND, 9, "no paper P2");
    *s = good;
    s->id_no = (char *)(uintptr_t) "";
    expect_refused(t, &i, EXAM_INVALID, 9, "ID number");
    *s = good;
    s->name = (char *)(uintptr_t) "\xff\xfe";
    expect_refused(t, &i, EXAM_INVALID, 9, "not UTF-8");
    *s = good;
    s->extra_ms = MS(1441, 0, 0);
    expect_refused(t, &i, EXAM_INVALID, 9, "24 hours");
    *s = good;
    i.im.sittings_n = 0;
    expect_refused(t, &i, EXAM_INVALID, 0, "empty");
    i.im.sittings_n = PLAN.sittings;
    assert_int_equal(site_import_do(t, &i), EXAM_OK);
    site_import_fini(&i);
}

/* Rooms: a bad name, a bad size, twice in one file, another size than the site knows. */
static void test_p2__bad_rooms_are_refused(void **state)
{
    struct site *t = *state;
    struct site_import i;
    Ev__RoomAdded twice;

    site_import_init(&i, &PLAN);
    i.room.seats = 0;
    expect_refused(t, &i, EXAM_INVALID, 0, "0 seats");
    i.room.seats = ROOM_SEATS_MAX + 1;
    expect_refused(t, &i, EXAM_INVALID, 0, "1000 seats");
    i.room.seats = 120;
    i.room.room = (char *)(uintptr_t) "R 1";
    expect_refused(t, &i, EXAM_INVALID, 0, "room \"R 1\"");
    i.room.room = (char *)(uintptr_t) "R1";
    twice = i.room;
    i.rooms[1] = &twice;
    i.im.rooms_n = 2;
    expect_refused(t, &i, EXAM_EXISTS, 0, "given twice");
    i.im.rooms_n = 1;
    assert_int_equal(site_import_do(t, &i), EXAM_OK);
    i.im.batch = "B2";
    i.room.seats = 121;
    expect_refused(t, &i, EXAM_EXISTS, 0, "room R1 has 120 seats");
    site_import_fini(&i);
}

/* A paper that is cut off, damaged, out of order or without its head is refused as a whole. */
static void test_p2__damaged_papers_are_refused(void **state)
{
    struct site *t = *state;
    struct site_import i;

    site_import_init(&i, &PLAN);
    i.im.chunks_n = 1;
    expect_refused(t, &i, EXAM_CORRUPT, 0, "cut off: 32768 of 50000 bytes");
    i.im.chunks_n = 2;
    i.chunks[1].data.len--;
    expect_refused(t, &i, EXAM_CORRUPT, 0, "cut off: 49999 of 50000 bytes");
    i.chunks[1].data.len++;
    i.text[777] ^= 1;
    expect_refused(t, &i, EXAM_CORRUPT, 0, "damaged");
    i.text[777] ^= 1;
    i.chunk_list[0] = &i.chunks[1];
    i.chunk_list[1] = &i.chunks[0];
    expect_refused(t, &i, EXAM_CORRUPT, 0, "cut off");
    i.chunk_list[0] = &i.chunks[0];
    i.chunk_list[1] = &i.chunks[1];
    i.im.papers_n = 0;
    expect_refused(t, &i, EXAM_INVALID, 0, "without the paper");
    i.im.papers_n = 1;
    i.items[5].id = i.items[4].id;
    expect_refused(t, &i, EXAM_INVALID, 0, "two items q5");
    i.paper.n_items = 0;
    expect_refused(t, &i, EXAM_INVALID, 0, "no items");
    site_import_fini(&i);
}

/* A paper that the site has is used again when it is the same, and refused when it is another. */
static void test_p2__known_paper_is_used_again(void **state)
{
    struct site *t = *state;
    struct site_plan p = PLAN;
    struct site_import i;

    site_plan_batch(t, &PLAN);
    p.batch = "B2";
    p.first_no = 2001;
    site_import_init(&i, &p);
    i.text[0] ^= 1;
    expect_refused(t, &i, EXAM_CORRUPT, 0, "damaged");
    site_import_fini(&i);
    p.items = 249;
    site_import_init(&i, &p);
    expect_refused(t, &i, EXAM_EXISTS, 0, "another paper P1");
    site_import_fini(&i);
    p.items = 250;
    site_plan_batch(t, &p);
    assert_int_equal(exam_sittings(t->x), 220);
    site_expect_replicates(t);
}

/* Times out of their range are refused; without an allotment the paper's minutes count. */
static void test_p2__times_are_checked(void **state)
{
    struct site *t = *state;
    struct site_import i;

    site_import_init(&i, &PLAN);
    i.im.grace_ms = 1999;
    expect_refused(t, &i, EXAM_INVALID, 0, "grace");
    i.im.grace_ms = 0;
    i.im.heartbeat_ms = 50;
    expect_refused(t, &i, EXAM_INVALID, 0, "heartbeat");
    i.im.heartbeat_ms = 0;
    i.im.allot_ms = MS(1440, 0, 1);
    expect_refused(t, &i, EXAM_INVALID, 0, "24 hours");
    i.im.allot_ms = 0;
    i.sittings[9].paper = (char *)(uintptr_t) "";
    expect_refused(t, &i, EXAM_INVALID, 0, "--allot");
    i.sittings[9].paper = i.paper.paper;
    assert_int_equal(site_import_do(t, &i), EXAM_OK);
    assert_int_equal(site_view(t, 1).account.allot_ms, MS(45, 0, 0));
    site_import_fini(&i);
}

/* An import that stopped after any of its records leaves a batch that cannot be started and can be
 * imported again. */
static void test_p2__cut_off_import_is_done_again(void **state)
{
    struct site *t = *state;
    size_t before = t->log_n;

    site_plan_batch(t, &PLAN);
    for (size_t records = before + 1; records < t->log_n; records++) {
        struct site *cut = site_fork(t, records);
        uint32_t sitting, batch;
        assert_int_equal(exam_find_sitting(cut->x, "1001", &sitting), EXAM_NOT_FOUND);
        exam_err found = exam_find_batch(cut->x, "B1", &batch);
        assert_int_equal(site_start(cut, "B1"), found == EXAM_OK ? EXAM_STATE : EXAM_NOT_FOUND);
        site_plan_batch(cut, &PLAN);
        assert_int_equal(exam_find_batch(cut->x, "B1", &batch), EXAM_OK);
        assert_int_equal(site_batch(cut, batch).sittings, 110);
        assert_true(batch == 1 || site_batch(cut, 1).superseded);
        assert_int_equal(site_start(cut, "B1"), EXAM_OK);
        assert_int_equal(exam_find_sitting(cut->x, "1110", &sitting), EXAM_OK);
        assert_int_equal(site_sign_in(cut, 1110, "R1-110", 1), EXAM_OK);
        assert_int_equal(site_answer(cut, sitting, 1, "q250", "A"), EXAM_OK);
        site_expect_replicates(cut);
        site_free(cut);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_p2__whole_import_is_there, setup, teardown),
        cmocka_unit_test_setup_teardown(test_p2__batch_and_candidate_are_there_once, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_p2__bad_roster_lines_are_named, setup, teardown),
        cmocka_unit_test_setup_teardown(test_p2__bad_rooms_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_p2__damaged_papers_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_p2__known_paper_is_used_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_p2__times_are_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_p2__cut_off_import_is_done_again, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
