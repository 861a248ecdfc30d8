#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "account_check.h"

static char path[40];
static struct account_check *check;
static char said[2000], why[200];

static void say(void *ctx, const char *text)
{
    (void)ctx;
    strncat(said, text, sizeof said - strlen(said) - 1);
}

static void file_write(const char *head, const char *rows)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fprintf(f, "%s%s", head, rows) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* Two sittings, as a run reckons them. */
static int setup(void **state)
{
    (void)state;
    strcpy(path, "/tmp/seatsim-accounts-XXXXXX");
    int fd = mkstemp(path);
    if (fd < 0 || close(fd) != 0 || account_check_new(&check) != EXAM_OK)
        return -1;
    said[0] = '\0';
    account_check_on_fault(check, say, NULL);
    file_write("admission_no,finish,total_ms,used_ms_min,used_ms_max,lost_ms_min,lost_ms_max,"
               "interruptions\n",
               "1,submitted,60000,5000,5020,0,0,0\n2,timed-out,60000,60000,60000,300,310,1\n");
    return account_check_bounds(check, path, why, sizeof why) == EXAM_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    account_check_free(check);
    return unlink(path);
}

static struct account_check_figures compared(const char *rows)
{
    file_write("admission_no,finish,allot_ms,grants_ms,used_ms,left_ms,lost_ms\n", rows);
    assert_int_equal(account_check_results(check, path, why, sizeof why), EXAM_OK);
    return account_check_figures(check);
}

/* Within the bounds, the edges included; others than the run's candidates do not matter. */
static void test_account_check__within(void **state)
{
    (void)state;
    struct account_check_figures f = compared("1,submitted,60000,0,5000,55000,0\n"
                                              "2,timed-out,70000,-10000,60000,0,310\n"
                                              "3,closed,60000,0,1,2,3\n");
    assert_int_equal(f.reckoned, 2);
    assert_int_equal(f.right, 2);
    assert_int_equal(f.wrong + f.missing, 0);
    assert_string_equal(said, "");
}

/* One millisecond too much or too little is told, with what it must be. */
static void test_account_check__outside(void **state)
{
    (void)state;
    struct account_check_figures f = compared("1,submitted,60000,0,5021,54979,0\n"
                                              "2,timed-out,60000,0,60000,0,299\n");
    assert_int_equal(f.right, 0);
    assert_int_equal(f.wrong, 2);
    assert_non_null(strstr(said, "1: used 5021 lost 0; must be 5000..5020 and 0..0"));
    assert_non_null(strstr(said, "2: used 60000 lost 299; must be 60000..60000 and 300..310"));
}

/* An account that contradicts itself, and one that ended otherwise than its seat was told. */
static void test_account_check__sum_and_finish(void **state)
{
    (void)state;
    struct account_check_figures f = compared("1,submitted,60000,0,5010,54991,0\n"
                                              "2,submitted,60000,0,60000,0,305\n");
    assert_int_equal(f.wrong, 2);
    assert_non_null(strstr(said, "section 5"));
    assert_non_null(strstr(said, "T10"));
}

/* A sitting without results is missing. */
static void test_account_check__missing(void **state)
{
    (void)state;
    struct account_check_figures f = compared("1,submitted,60000,0,5010,54990,0\n");
    assert_int_equal(f.right, 1);
    assert_int_equal(f.missing, 1);
}

/* T14: interruptions sum up to what was lost, and none loses more than it lasts. */
static void test_account_check__interruptions(void **state)
{
    (void)state;
    compared("1,submitted,60000,0,5010,54990,0\n2,timed-out,60000,0,60000,0,305\n");
    file_write("{\"admission_no\":\"1\",\"interruptions_in_all\":0,\"interruptions\":[]}\n",
               "{\"admission_no\":\"2\",\"interruptions_in_all\":2,\"interruptions\":["
               "{\"from_ms\":0,\"to_ms\":200,\"lost_ms\":200},"
               "{\"from_ms\":300,\"to_ms\":405,\"lost_ms\":105}]}\n");
    assert_int_equal(account_check_sittings(check, path, why, sizeof why), EXAM_OK);
    assert_int_equal(account_check_figures(check).itemized, 2);
    assert_int_equal(account_check_figures(check).sum_wrong, 0);
}

static void test_account_check__interruptions_do_not_sum_up(void **state)
{
    (void)state;
    compared("1,submitted,60000,0,5010,54990,0\n2,timed-out,60000,0,60000,0,305\n");
    file_write("{\"admission_no\":\"1\",\"interruptions_in_all\":1,\"interruptions\":["
               "{\"from_ms\":0,\"to_ms\":5,\"lost_ms\":1}]}\n",
               "{\"admission_no\":\"2\",\"interruptions_in_all\":1,\"interruptions\":["
               "{\"from_ms\":100,\"to_ms\":404,\"lost_ms\":305}]}\n");
    assert_int_equal(account_check_sittings(check, path, why, sizeof why), EXAM_OK);
    assert_int_equal(account_check_figures(check).sum_wrong, 2);
    assert_non_null(strstr(said, "1: lost 0, its 1 interruptions sum up to 1"));
    assert_non_null(strstr(said, "lost more than it lasted"));
}

/* A list that is cut short, or no JSON, is not taken for a whole one. */
static void test_account_check__list_is_cut_short(void **state)
{
    (void)state;
    compared("1,submitted,60000,0,5010,54990,0\n2,timed-out,60000,0,60000,0,305\n");
    file_write("", "{\"admission_no\":\"1\",\"interruptions_in_all\":2,\"interruptions\":[]}");
    assert_int_equal(account_check_sittings(check, path, why, sizeof why), EXAM_INVALID);
    file_write("", "{\"admission_no\":");
    assert_int_equal(account_check_sittings(check, path, why, sizeof why), EXAM_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_account_check__within, setup, teardown),
        cmocka_unit_test_setup_teardown(test_account_check__outside, setup, teardown),
        cmocka_unit_test_setup_teardown(test_account_check__sum_and_finish, setup, teardown),
        cmocka_unit_test_setup_teardown(test_account_check__missing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_account_check__interruptions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_account_check__interruptions_do_not_sum_up, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_account_check__list_is_cut_short, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
