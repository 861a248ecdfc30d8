#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "journal_mem.h"

static struct seat_record answer(uint64_t seq, const char *item)
{
    return (struct seat_record){
        .kind = SEAT_RECORD_ANSWER,
        .u.action = {.seq = seq, .item = item, .value = (const uint8_t *)"B", .value_bytes = 1}};
}

static struct seat_record mark(uint64_t used_ms)
{
    return (struct seat_record){.kind = SEAT_RECORD_MARK, .u.mark.used_ms = used_ms};
}

static struct seat_record position(uint64_t used_ms)
{
    return (struct seat_record){.kind = SEAT_RECORD_POSITION, .u.position.used_ms = used_ms};
}

static struct seat_record session(const char *admission_no)
{
    return (struct seat_record){.kind = SEAT_RECORD_SESSION,
                                .u.session.admission_no = admission_no};
}

static void put(struct journal_mem *j, struct seat_record r, bool durable)
{
    assert_int_equal(journal_mem_append(j, &r, durable), EXAM_OK);
}

/* One letter a record, and the used time of marks and positions. */
static void tell(void *ctx, const struct seat_record *r)
{
    static const char letters[] = "?bsSamPaue";
    char *out = ctx;
    char told[32];
    uint64_t used_ms = r->kind == SEAT_RECORD_MARK       ? r->u.mark.used_ms
                       : r->kind == SEAT_RECORD_POSITION ? r->u.position.used_ms
                                                         : 0;
    snprintf(told, sizeof told, "%c%llu ", letters[r->kind], (unsigned long long)used_ms);
    strcat(out, told);
}

static void assert_holds(const struct journal_mem *j, const char *expected)
{
    char told[256] = "";
    journal_mem_replay(j, tell, told);
    assert_string_equal(told, expected);
}

/* A durable record makes everything before it durable; a power cut loses the rest. */
static void test_journal_mem__a_power_cut_loses_what_is_buffered(void **state)
{
    struct journal_mem j;
    (void)state;
    journal_mem_init(&j);
    put(&j, mark(1), false);
    put(&j, answer(1, "q1"), true);
    put(&j, mark(2), false);
    assert_holds(&j, "m1 a0 m2 ");
    (void)journal_mem_power_cut(&j, 0);
    assert_holds(&j, "m1 a0 ");
    journal_mem_wipe(&j);
    assert_holds(&j, "");
    put(&j, mark(3), false);
    (void)journal_mem_power_cut(&j, 0);
    assert_holds(&j, "");
    journal_mem_fini(&j);
}

/* A mark makes the marks and positions right before it void; nothing else is ever dropped. */
static void test_journal_mem__drops_only_what_a_later_mark_makes_void(void **state)
{
    struct journal_mem j;
    (void)state;
    journal_mem_init(&j);
    put(&j, mark(1), false);
    put(&j, position(2), false);
    put(&j, position(3), false);
    assert_holds(&j, "m1 P3 ");
    put(&j, mark(4), false);
    assert_holds(&j, "m4 ");
    put(&j, answer(1, "q1"), false);
    put(&j, mark(5), false);
    assert_holds(&j, "m4 a0 m5 ");
    journal_mem_fini(&j);
}

/* What is buffered makes nothing void that is on the disk: the power may go yet. */
static void test_journal_mem__keeps_the_durable_mark_until_the_new_one_is(void **state)
{
    struct journal_mem j;
    (void)state;
    journal_mem_init(&j);
    put(&j, mark(1), true);
    put(&j, mark(2), false);
    (void)journal_mem_power_cut(&j, 0);
    assert_holds(&j, "m1 ");
    put(&j, mark(3), false);
    put(&j, position(4), true);
    assert_holds(&j, "m3 P4 ");
    journal_mem_fini(&j);
}

/* An action is found with its texts, of the newest session only. */
static void test_journal_mem__finds_actions_of_the_newest_session(void **state)
{
    struct journal_mem j;
    struct seat_record r;
    (void)state;
    journal_mem_init(&j);
    put(&j, session("1001"), true);
    put(&j, answer(1, "q1"), true);
    put(&j, answer(2, "q2"), false);
    assert_int_equal(journal_mem_find(&j, 2, &r), EXAM_OK);
    assert_string_equal(r.u.action.item, "q2");
    assert_int_equal(journal_mem_find(&j, 1, &r), EXAM_OK);
    assert_string_equal(r.u.action.item, "q1");
    assert_int_equal(journal_mem_find(&j, 3, &r), EXAM_NOT_FOUND);
    put(&j, session("1002"), true);
    assert_int_equal(journal_mem_find(&j, 1, &r), EXAM_NOT_FOUND);
    journal_mem_fini(&j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_journal_mem__a_power_cut_loses_what_is_buffered),
        cmocka_unit_test(test_journal_mem__drops_only_what_a_later_mark_makes_void),
        cmocka_unit_test(test_journal_mem__keeps_the_durable_mark_until_the_new_one_is),
        cmocka_unit_test(test_journal_mem__finds_actions_of_the_newest_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
