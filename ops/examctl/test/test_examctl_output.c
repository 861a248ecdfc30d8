/* What examctl writes: tables, CSV, files, exit codes. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "exit_code.h"
#include "node_address.h"
#include "result_csv.h"
#include "text_table.h"
#include "whole_file.h"

static void expect_cell(const char *text, const char *expected)
{
    char *written = NULL;
    size_t n;
    FILE *to = open_memstream(&written, &n);

    assert_non_null(to);
    result_csv_text(to, text, strlen(text));
    fclose(to);
    assert_string_equal(written, expected);
    free(written);
}

/* What a spreadsheet would run gets an apostrophe; so does an apostrophe, to be taken off again. */
static void test_result_csv__defuses_formulas(void **state)
{
    (void)state;
    expect_cell("=1+1", "\"'=1+1\"");
    expect_cell("+1", "\"'+1\"");
    expect_cell("-1", "\"'-1\"");
    expect_cell("@SUM(A1)", "\"'@SUM(A1)\"");
    expect_cell("\t=1", "\"'\t=1\"");
    expect_cell("\r=1", "\"'\r=1\"");
    expect_cell("＝1", "\"'＝1\"");
    expect_cell("'x", "\"''x\"");
    expect_cell("=\"a\"", "\"'=\"\"a\"\"\"");
}

/* Everything else is a plain quoted cell, and quotes in it are doubled. */
static void test_result_csv__leaves_the_rest_alone(void **state)
{
    (void)state;
    expect_cell("A", "\"A\"");
    expect_cell("A=B", "\"A=B\"");
    expect_cell("王芳", "\"王芳\"");
    expect_cell("a,\"b\"\nc", "\"a,\"\"b\"\"\nc\"");
    expect_cell("", "\"\"");
}

/* Chinese characters take two cells each, combining ones none, broken bytes one. */
static void test_text_table__measures_terminal_cells(void **state)
{
    (void)state;
    assert_int_equal(text_width("abc"), 3);
    assert_int_equal(text_width("王芳"), 4);
    assert_int_equal(text_width("e\xCC\x81"), 1);
    assert_int_equal(text_width("\xFF"), 1);
    assert_int_equal(text_width(""), 0);
}

/* Columns line up under their headers with Chinese in them, and no line ends in blanks. */
static void test_text_table__lines_up_with_chinese(void **state)
{
    static const struct text_column columns[] = {{"NAME", false}, {"N", true}, {"END", false}};
    struct text_table t;
    char *written = NULL;
    size_t n;
    FILE *to = open_memstream(&written, &n);

    (void)state;
    assert_non_null(to);
    text_table_init(&t, columns, 3);
    text_table_add(&t, "王芳芳");
    text_table_add(&t, "%d", 5);
    text_table_add(&t, "x");
    text_table_add(&t, "Li");
    text_table_add(&t, "%d", 1234);
    text_table_add(&t, "%s", "");
    assert_int_equal(text_table_print(&t, to), EXAM_OK);
    text_table_fini(&t);
    fclose(to);
    assert_string_equal(written, "NAME       N  END\n"
                                 "王芳芳     5  x\n"
                                 "Li      1234  \n");
    free(written);
}

/* A committed file is whole and its owner's alone; an abandoned one leaves the old in place. */
static void test_whole_file__is_there_as_a_whole_or_not_at_all(void **state)
{
    char folder[] = "/tmp/test_examctl.XXXXXX";
    char path[64], line[16] = "";
    struct whole_file f;
    struct stat st;
    FILE *again;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/r.csv", folder);
    assert_int_equal(whole_file_open(path, &f), EXAM_OK);
    fputs("one\n", f.stream);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(whole_file_commit(&f), EXAM_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);

    assert_int_equal(whole_file_open(path, &f), EXAM_OK);
    fputs("two\n", f.stream);
    whole_file_abandon(&f);
    again = fopen(path, "r");
    assert_non_null(again);
    assert_non_null(fgets(line, sizeof line, again));
    fclose(again);
    assert_string_equal(line, "one\n");
    unlink(path);
    assert_int_equal(rmdir(folder), 0); /* so nothing else was left in it */
}

static void text_expect(int fd, const char *expected)
{
    char text[32] = "";
    ssize_t n = read(fd, text, sizeof text - 1);

    assert_int_equal(n, strlen(expected));
    assert_string_equal(text, expected);
    close(fd);
}

static void text_write(const char *path, const char *text, bool commit)
{
    struct whole_file f;

    assert_int_equal(whole_file_open(path, &f), EXAM_OK);
    fputs(text, f.stream);
    if (commit)
        assert_int_equal(whole_file_commit(&f), EXAM_OK);
    else
        whole_file_abandon(&f);
}

/* A device, a pipe and a link stay what they are: what is written goes to them, or to the file
 * behind the link. A folder is refused, and a link to nowhere. */
static void test_whole_file__takes_the_place_of_files_only(void **state)
{
    char folder[] = "/tmp/test_examctl.XXXXXX";
    char file[64], pipe[64], link[64], nowhere[64];
    struct whole_file f;
    struct stat st;
    int fd;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/file", folder);
    snprintf(pipe, sizeof pipe, "%s/pipe", folder);
    snprintf(link, sizeof link, "%s/link", folder);
    snprintf(nowhere, sizeof nowhere, "%s/nowhere", folder);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_int_equal(symlink(file, link), 0);
    assert_int_equal(symlink("/nowhere/at/all", nowhere), 0);

    fd = open(pipe, O_RDWR | O_NONBLOCK);
    assert_true(fd >= 0);
    text_write(pipe, "through the pipe", true);
    text_expect(fd, "through the pipe");
    text_write(file, "of old", true);
    text_write(link, "behind the link", true);
    text_expect(open(file, O_RDONLY), "behind the link");
    text_write(link, "thrown away", false);
    text_expect(open(link, O_RDONLY), "behind the link");
    assert_int_equal(lstat(link, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(lstat(pipe, &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
    text_write("/dev/null", "gone", true);
    text_write("/dev/null", "gone", false);
    assert_int_equal(lstat("/dev/null", &st), 0);
    assert_true(S_ISCHR(st.st_mode));
    assert_int_equal(whole_file_open(folder, &f), EXAM_IO);
    assert_int_equal(errno, EISDIR);
    assert_int_equal(whole_file_open(nowhere, &f), EXAM_IO);
    assert_int_equal(errno, ENOENT);
    unlink(nowhere);
    unlink(link);
    unlink(pipe);
    unlink(file);
    assert_int_equal(rmdir(folder), 0); /* so nothing else was left in it */
}

/* A full disk is noticed, however late the C library tells, and nothing stays behind. */
static void test_whole_file__notices_a_full_disk(void **state)
{
    char folder[] = "/tmp/test_examctl.XXXXXX";
    char path[64];
    struct whole_file f;
    FILE *full;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/r.csv", folder);
    assert_int_equal(whole_file_open(path, &f), EXAM_OK);
    full = freopen("/dev/full", "w", f.stream);
    assert_non_null(full);
    f.stream = full;
    fputs("something", f.stream);
    assert_int_equal(whole_file_commit(&f), EXAM_IO);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(rmdir(folder), 0);
}

/* Scripts branch on these numbers. */
static void test_exit_code__follows_the_error(void **state)
{
    (void)state;
    assert_int_equal(exit_code_of(EXAM_OK, 0), 0);
    assert_int_equal(exit_code_of(EXAM_STATE, 0), 1);
    assert_int_equal(exit_code_of(EXAM_ATTEST, 0), 1);
    assert_int_equal(exit_code_of(EXAM_INVALID, 0), 1);
    assert_int_equal(exit_code_of(EXAM_EXISTS, 17), 65);
    assert_int_equal(exit_code_of(EXAM_NOT_PRIMARY, 0), 69);
    assert_int_equal(exit_code_of(EXAM_IO, 0), 70);
    assert_int_equal(exit_code_of(EXAM_NOMEM, 0), 70);
    assert_int_equal(exit_code_of(EXAM_AGAIN, 0), 75);
    assert_int_equal(exit_code_of(EXAM_TIMEOUT, 0), 75);
    assert_int_equal(exit_code_of(EXAM_CONN, 0), 75);
    assert_int_equal(exit_code_of(EXAM_VERSION, 0), 76);
    assert_int_equal(exit_code_of(EXAM_MALFORMED, 0), 76);
    assert_int_equal(exit_code_of((exam_err)999, 0), 70);
}

/* Names, IPv4 and IPv6, several with commas. */
static void test_node_address__reads_lists(void **state)
{
    struct node_address at[3];
    struct node_address_list list = {.at = at, .room = 3};

    (void)state;
    assert_int_equal(node_address_list_parse("exam-a:7101,127.0.0.1:1,[::1]:65535", &list, NULL),
                     EXAM_OK);
    assert_int_equal(list.n, 3);
    assert_string_equal(at[0].host, "exam-a");
    assert_string_equal(at[0].port, "7101");
    assert_string_equal(at[2].host, "::1");
    assert_string_equal(at[2].text, "[::1]:65535");
    assert_int_equal(node_address_list_parse("a:1", &list, NULL), EXAM_TOO_BIG);
}

/* Everything else is pointed at. */
static void test_node_address__refuses_everything_else(void **state)
{
    static const char *const wrong[] = {"",     "a",    ":7101", "a:",    "a:0",   "a:65536",
                                        "a:x",  "a:1,", ",a:1",  "a b:1", "::1:1", "[::1]",
                                        "[]:1", "[a:1", "a:1 ",  "a:+1",  "a:1,b"};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct node_address at[3];
        struct node_address_list list = {.at = at, .room = 3};
        const char *bad = NULL;

        if (node_address_list_parse(wrong[i], &list, &bad) != EXAM_INVALID)
            fail_msg("'%s' was taken", wrong[i]);
        assert_true(bad >= wrong[i] && bad <= wrong[i] + strlen(wrong[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_result_csv__defuses_formulas),
        cmocka_unit_test(test_result_csv__leaves_the_rest_alone),
        cmocka_unit_test(test_text_table__measures_terminal_cells),
        cmocka_unit_test(test_text_table__lines_up_with_chinese),
        cmocka_unit_test(test_whole_file__is_there_as_a_whole_or_not_at_all),
        cmocka_unit_test(test_whole_file__takes_the_place_of_files_only),
        cmocka_unit_test(test_whole_file__notices_a_full_disk),
        cmocka_unit_test(test_exit_code__follows_the_error),
        cmocka_unit_test(test_node_address__reads_lists),
        cmocka_unit_test(test_node_address__refuses_everything_else),
    };

    text_locale_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
