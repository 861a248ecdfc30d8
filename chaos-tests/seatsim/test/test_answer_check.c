#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "answer_check.h"

static char path[40];
static struct answer_check *check;
static char said[2000];

static int setup(void **state)
{
    (void)state;
    strcpy(path, "/tmp/seatsim-check-XXXXXX");
    int fd = mkstemp(path);
    if (fd < 0)
        return -1;
    close(fd);
    said[0] = '\0';
    return answer_check_new(&check) == EXAM_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    answer_check_free(check);
    return unlink(path);
}

static void say(void *ctx, const char *text)
{
    (void)ctx;
    strncat(said, text, sizeof said - strlen(said) - 1);
}

static void file_write(const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void acked(const char *rows)
{
    char text[1000], why[200];
    snprintf(text, sizeof text, "admission_no,item,made,seq,value,durability\n%s", rows);
    file_write(text);
    assert_int_equal(answer_check_note_file(check, path, why, sizeof why), EXAM_OK);
}

static struct answer_check_figures compared(const char *rows)
{
    char text[1000], why[200];
    struct answer_check_figures f;
    snprintf(text, sizeof text, "admission_no,item,subject,value,seq,made_at_ms,late\n%s", rows);
    file_write(text);
    assert_int_equal(answer_check_compare(check, path, say, NULL, &f, why, sizeof why), EXAM_OK);
    return f;
}

/* The last acknowledged answer of each item is what the result must have. */
static void test_answer_check__last_acknowledged_counts(void **state)
{
    (void)state;
    acked("1,q1,1,1,A,dual\n1,q2,2,2,B,dual\n1,q1,3,3,C,dual\n2,q1,1,1,A,solo\n");
    struct answer_check_figures f = compared("1,q1,s,C,3,10,0\n1,q2,s,B,2,9,0\n2,q1,s,A,1,9,0\n");
    assert_int_equal(f.acknowledged, 3);
    assert_int_equal(f.found, 3);
    assert_int_equal(f.missing + f.different + f.newer, 0);
}

/* An older value in the result is a difference, and the text names candidate, item and both values.
 */
static void test_answer_check__older_value(void **state)
{
    (void)state;
    acked("1,q1,1,1,A,dual\n1,q1,3,3,C,dual\n");
    struct answer_check_figures f = compared("1,q1,s,A,1,10,0\n");
    assert_int_equal(f.different, 1);
    assert_int_equal(f.found, 0);
    assert_non_null(strstr(said, "1 q1: acknowledged \"C\" (answer 3), the result has A"));
}

/* A3, T11: what the candidate made last counts, though an older answer of the seat that was left is
 * acknowledged after it, with a higher number of its own session. */
static void test_answer_check__moved_candidate(void **state)
{
    (void)state;
    acked("1,q1,8,1,B,dual\n1,q1,7,7,A,dual\n");
    struct answer_check_figures f = compared("1,q1,s,A,7,10,0\n");
    assert_int_equal(f.different, 1);
    assert_int_equal(f.newer, 0);
}

/* An acknowledged answer that the result lacks is missing. */
static void test_answer_check__missing(void **state)
{
    (void)state;
    acked("1,q1,1,1,A,dual\n");
    struct answer_check_figures f = compared("2,q1,s,A,1,10,0\n");
    assert_int_equal(f.missing, 1);
    assert_non_null(strstr(said, "nothing"));
}

/* A newer answer than the last acknowledged one is no loss: its acknowledgement was on its way. */
static void test_answer_check__newer_value(void **state)
{
    (void)state;
    acked("1,q1,1,1,A,dual\n");
    struct answer_check_figures f = compared("1,q1,s,D,4,10,0\n");
    assert_int_equal(f.found, 1);
    assert_int_equal(f.newer, 1);
}

/* An answer taken back may be absent or empty, and nothing else. */
static void test_answer_check__taken_back(void **state)
{
    (void)state;
    acked("1,q1,1,1,A,dual\n1,q1,2,2,,dual\n1,q2,3,3,,dual\n1,q3,4,4,,dual\n");
    struct answer_check_figures f = compared("1,q2,s,,3,10,0\n1,q3,s,B,1,10,0\n");
    assert_int_equal(f.acknowledged, 3);
    assert_int_equal(f.found, 2);
    assert_int_equal(f.different, 1);
}

/* A result that has an item twice is refused, with the line. */
static void test_answer_check__item_twice_in_result(void **state)
{
    (void)state;
    char why[200];
    struct answer_check_figures f;
    acked("1,q1,1,1,A,dual\n");
    file_write("admission_no,item,subject,value,seq,made_at_ms,late\n"
               "1,q1,s,A,1,1,0\n1,q1,s,A,1,1,0\n");
    assert_int_equal(answer_check_compare(check, path, say, NULL, &f, why, sizeof why),
                     EXAM_EXISTS);
    assert_non_null(strstr(why, "line 3"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answer_check__last_acknowledged_counts, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_answer_check__older_value, setup, teardown),
        cmocka_unit_test_setup_teardown(test_answer_check__moved_candidate, setup, teardown),
        cmocka_unit_test_setup_teardown(test_answer_check__missing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_answer_check__newer_value, setup, teardown),
        cmocka_unit_test_setup_teardown(test_answer_check__taken_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_answer_check__item_twice_in_result, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
