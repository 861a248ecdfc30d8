#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drill_read.h"
#include "play.h"
#include "report.h"

#define SITE                                                                                       \
    "nodes A B\n"                                                                                  \
    "batch B1 allot 60:00\n"                                                                       \
    "room R1 seats 4\n"                                                                            \
    "sitting 1001 batch B1 seat R1-01\n"                                                           \
    "sitting 1002 batch B1 seat R1-02\n"                                                           \
    "0:00 start B1\n"                                                                              \
    "0:00 sign-in 1001\n"                                                                          \
    "0:00 sign-in 1002\n"

static void no_error(void *ctx, const char *file, uint32_t line, const char *what)
{
    (void)ctx;
    fail_msg("%s:%u: %s", file, line, what);
}

static struct drill *read_drill(const char *text)
{
    struct drill *d = NULL;
    assert_int_equal(drill_read("d", text, strlen(text), no_error, NULL, &d), EXAM_OK);
    return d;
}

/* Plays the drill; `v` is to be ended by verdict_fini after drill_free's texts are not needed. */
static void play_text(const char *text, FILE *trace, void (*check)(const struct verdict *v),
                      json_t **json)
{
    struct drill *d = read_drill(text);
    struct trace t = {.out = trace};
    struct office_refusal why;
    struct verdict v = {0};
    struct stage s;
    assert_int_equal(stage_open(&s, d, trace ? &t : NULL, &why), EXAM_OK);
    play(&s, &v);
    if (json)
        *json = report_json(&s, &v);
    stage_close(&s);
    check(&v);
    verdict_fini(&v);
    drill_free(d);
}

static void assert_failure(const struct verdict *v, uint32_t i, uint32_t line, const char *found)
{
    assert_true(i < v->failed);
    assert_int_equal(v->failures[i].line, line);
    if (!strstr(v->failures[i].found, found))
        fail_msg("line %u: found '%s', not '%s'", line, v->failures[i].found, found);
}

static void check_found(const struct verdict *v)
{
    assert_int_equal(v->passed, 2);
    assert_int_equal(v->failed, 6);
    assert_failure(v, 0, 10, "used 5:00 left 55:00 lost 0:00 state answering");
    assert_failure(v, 1, 11, "B");
    assert_failure(v, 2, 12, "none");
    assert_failure(v, 3, 13, "role standby epoch 1");
    assert_failure(v, 4, 14, "state running");
    assert_failure(v, 5, 15, "used 5:00");
}

/* An expectation that does not hold says what is there instead; to the millisecond. */
static void test_drill_play__a_failed_expectation_says_what_it_found(void **state)
{
    (void)state;
    play_text(SITE "1:00 answer 1001 q1 B\n"
                   "5:00 expect sitting 1001 used 5:01\n"
                   "5:00 expect answer 1001 q1 C\n"
                   "5:00 expect answer 1001 q2 C\n"
                   "5:00 expect node B role primary\n"
                   "5:00 expect batch B1 state ended\n"
                   "5:00 expect sitting 1001 used 5:00.001\n"
                   "5:00 expect sitting 1001 used 5:00 left 55:00 lost 0:00 state answering\n"
                   "5:00 expect answer 1001 q1 B\n",
              NULL, check_found, NULL);
}

static void check_refusals(const struct verdict *v)
{
    assert_int_equal(v->passed, 3);
    assert_int_equal(v->failed, 5);
    assert_failure(v, 0, 9, "it was refused: ");
    assert_failure(v, 1, 10, "it was not refused");
    assert_failure(v, 2, 12, "it was refused: the candidate is not signed in");
    assert_failure(v, 3, 13, "it was refused: the seat's PC is off already");
    assert_failure(v, 4, 17, "it was refused: no server serves");
}

/* A line that is refused fails, unless `!` says that it must be: then it fails when it is not. */
static void test_drill_play__refusals_count_where_they_must(void **state)
{
    (void)state;
    play_text(SITE "1:00 start B1\n"
                   "1:00 ! answer 1001 q1 B\n"
                   "2:00 seat-dies R1-01\n"
                   "2:00 answer 1001 q1 B\n"
                   "2:00 seat-dies R1-01\n"
                   "2:00 ! sign-in 1001\n"
                   "2:00 ! start B1\n"
                   "3:00 node-dies A\n"
                   "3:01 collect B1\n"
                   "3:01 ! promote B\n",
              NULL, check_refusals, NULL);
}

static void check_order(const struct verdict *v)
{
    assert_int_equal(v->passed, 3);
    assert_int_equal(v->failed, 0);
}

/* At one instant: what is due by itself, the lines, and the expectations last, wherever they stand.
 */
static void test_drill_play__expectations_come_last_in_their_instant(void **state)
{
    (void)state;
    play_text(SITE "0:05 expect answer 1001 q1 C\n"
                   "0:05 expect sitting 1002 used 0:05 state lost\n"
                   "0:05 answer 1001 q1 B\n"
                   "0:05 seat-dies R1-02\n"
                   "0:05 answer 1001 q1 C\n"
                   "0:06 expect sitting 1002 used 0:05\n",
              NULL, check_order, NULL);
}

static void check_finish(const struct verdict *v)
{
    for (uint32_t i = 0; i < v->failed; i++)
        print_message("%u: %s\n", v->failures[i].line, v->failures[i].found);
    assert_int_equal(v->failed, 0);
    assert_int_equal(v->passed, 12);
}

/* Submission, late answers, absence and collection come out in the words of the rules. */
static void test_drill_play__finishes_have_their_words(void **state)
{
    (void)state;
    play_text("nodes A\n"
              "batch B1 allot 10:00 grace 0:30\n"
              "room R1 seats 4\n"
              "sitting 1 batch B1 seat R1-01\n"
              "sitting 2 batch B1 seat R1-02\n"
              "sitting 3 batch B1 seat R1-03\n"
              "sitting 4 batch B1 seat R1-04 extra 5:00\n"
              "0:00 start B1\n"
              "0:00 sign-in 1\n"
              "0:00 sign-in 2\n"
              "0:00 sign-in 4\n"
              "1:00 expect sitting 3 used 1:00 state expected\n"
              "2:00 submit 1\n"
              "2:00 ! answer 1 q1 A\n"
              "2:00 ! submit 1\n"
              "9:50 cut R1-02\n"
              "9:55 answer 2 q9 D\n"
              "10:00 expect sitting 3 finish absent state finished\n"
              "10:10 heal R1-02 A\n"
              "10:10 expect sitting 2 used 10:00 left 0:00 lost 0:00 finish timed-out\n"
              "10:10 expect answer 2 q9 D late\n"
              "11:00 expect sitting 1 used 2:00 left 8:00 finish submitted\n"
              "11:00 expect batch B1 state running\n"
              "12:00 collect B1\n"
              "12:00 expect batch B1 state collected\n"
              "12:00 expect sitting 4 used 12:00 left 3:00 finish closed\n"
              "12:00 ! collect B1\n"
              "12:00 ! sign-in 4\n",
              NULL, check_finish, NULL);
}

static void check_nothing(const struct verdict *v)
{
    assert_int_equal(v->failed, 0);
}

/* The trace tells what an invigilator would see: instant, who, what. */
static void test_drill_play__the_trace_tells_what_happens(void **state)
{
    char *text = NULL;
    size_t bytes;
    FILE *f = open_memstream(&text, &bytes);
    (void)state;
    assert_non_null(f);
    play_text(SITE
              "10:00.300 node-dies A\n11:00 promote B attest\n11:01 expect node B role primary\n",
              f, check_nothing, NULL);
    fclose(f);
    assert_non_null(strstr(text, "   10:00.300  ---                  node-dies A\n"));
    assert_non_null(strstr(text, "       10:15  seat R1-01 1001      the screen is locked"));
    assert_non_null(strstr(text, "in contact again, epoch 2: used 10:15, left 49:45, lost 0:45"));
    free(text);
}

/* The JSON has the account of every sitting, and interruptions whose sum is `lost` (T14). */
static void test_drill_play__json_has_accounts_and_interruptions(void **state)
{
    json_t *json = NULL;
    (void)state;
    play_text(SITE "1:00 answer 1001 q1 B\n"
                   "2:00 seat-dies R1-01\n"
                   "3:00 seat-boots R1-01\n"
                   "4:00 expect sitting 1001 lost 1:00\n",
              NULL, check_nothing, &json);
    const json_t *sitting = json_array_get(json_object_get(json, "sittings"), 0);
    assert_string_equal(json_string_value(json_object_get(sitting, "sitting")), "1001");
    assert_int_equal(json_integer_value(json_object_get(sitting, "used_ms")), 180000);
    assert_int_equal(json_integer_value(json_object_get(sitting, "left_ms")), 3420000);
    assert_int_equal(json_integer_value(json_object_get(sitting, "lost_ms")), 60000);
    const json_t *list = json_object_get(sitting, "interruptions");
    assert_int_equal(json_array_size(list), 1);
    const json_t *in = json_array_get(list, 0);
    assert_int_equal(json_integer_value(json_object_get(in, "from_ms")), 120000);
    assert_int_equal(json_integer_value(json_object_get(in, "to_ms")), 180000);
    assert_int_equal(json_integer_value(json_object_get(in, "lost_ms")), 60000);
    const json_t *q1 = json_object_get(json_object_get(sitting, "answers"), "q1");
    assert_string_equal(json_string_value(json_object_get(q1, "value")), "B");
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drill_play__a_failed_expectation_says_what_it_found),
        cmocka_unit_test(test_drill_play__refusals_count_where_they_must),
        cmocka_unit_test(test_drill_play__expectations_come_last_in_their_instant),
        cmocka_unit_test(test_drill_play__finishes_have_their_words),
        cmocka_unit_test(test_drill_play__the_trace_tells_what_happens),
        cmocka_unit_test(test_drill_play__json_has_accounts_and_interruptions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
