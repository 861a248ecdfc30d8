/* Passwords: from a file that nobody else may read, or from a terminal that shows nothing of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "name_list.h"
#include "password.h"

static char path[64];

static int setup(void **state)
{
    (void)state;
    strcpy(path, "/tmp/test_password.XXXXXX");
    int fd = mkstemp(path); /* mode 0600 */
    if (fd < 0)
        return -1;
    close(fd);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path);
}

static void file_put(const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* Its first line is the password, whatever comes behind it. */
static void test_password__is_the_first_line_of_a_file(void **state)
{
    static const char *const texts[] = {"correct horse", "correct horse\n",
                                        "correct horse\nmore\n"};
    const struct password_source from = {.file = path};
    struct password p;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        file_put(texts[i]);
        assert_int_equal(password_ask(&from, "", &p), EXAM_OK);
        assert_string_equal(p.text, "correct horse");
        assert_int_equal(password_choose(&from, "", &p), EXAM_OK);
    }
    password_wipe(&p);
    for (size_t i = 0; i < sizeof p.text; i++)
        assert_int_equal(p.text[i], 0);
}

/* A file that others may read, none, an empty one, one that is no text or that has no end. */
static void test_password__refuses_files_that_have_none(void **state)
{
    const struct password_source from = {.file = path}, none = {.file = "/nonexistent/file"};
    char line[KEY_PASSWORD_BYTES + 1];
    struct password p = {.text = "untouched"};

    (void)state;
    file_put("correct horse\n");
    for (mode_t bit = S_IXOTH; bit <= S_IRGRP; bit = (mode_t)(bit << 1)) {
        assert_int_equal(chmod(path, S_IRUSR | S_IWUSR | bit), 0);
        assert_int_equal(password_ask(&from, "", &p), EXAM_REFUSED);
    }
    assert_int_equal(chmod(path, S_IRUSR | S_IWUSR), 0);
    assert_int_equal(password_ask(&none, "", &p), EXAM_IO);
    file_put("");
    assert_int_equal(password_ask(&from, "", &p), EXAM_INVALID);
    file_put("\nsecond line\n");
    assert_int_equal(password_ask(&from, "", &p), EXAM_INVALID);
    file_put("bell\a\n");
    assert_int_equal(password_ask(&from, "", &p), EXAM_INVALID);
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\0';
    file_put(line);
    assert_int_equal(password_ask(&from, "", &p), EXAM_TOO_BIG);
    line[KEY_PASSWORD_BYTES - 1] = '\0';
    file_put(line);
    assert_int_equal(password_ask(&from, "", &p), EXAM_OK);
    assert_string_equal(p.text, line);
}

/* Eight characters, not bytes, are the least that may be chosen; whatever was chosen may be asked.
 */
static void test_password_choose__wants_eight_characters(void **state)
{
    const struct password_source from = {.file = path};
    struct password p;

    (void)state;
    file_put("1234567\n");
    assert_int_equal(password_choose(&from, "", &p), EXAM_INVALID);
    assert_int_equal(password_ask(&from, "", &p), EXAM_OK);
    file_put("12345678\n");
    assert_int_equal(password_choose(&from, "", &p), EXAM_OK);
    file_put("密码密码密码密\n"); /* seven, of three bytes each */
    assert_int_equal(password_choose(&from, "", &p), EXAM_INVALID);
    file_put("密码密码密码密码\n");
    assert_int_equal(password_choose(&from, "", &p), EXAM_OK);
}

/* A person at a terminal chooses a password. Returns what the program made of it; `out` is all that
 * was to be seen. Each line is typed after its prompt. */
static int choose_at_terminal(const char *const lines[], char *out, size_t out_bytes)
{
    int master, status;
    size_t n = 0, typed = 0;
    pid_t pid = forkpty(&master, NULL, NULL, NULL);

    assert_true(pid >= 0);
    if (pid == 0) {
        const struct password_source person = {.file = NULL};
        struct password p;
        exam_err err = password_choose(&person, "A new one: ", &p);
        _exit(err == EXAM_OK && strcmp(p.text, "correct horse") == 0 ? 0 : 1 + (int)err);
    }
    for (;;) { /* the end of the child is an error of read */
        ssize_t got = read(master, out + n, out_bytes - 1 - n);
        if (got <= 0)
            break;
        n += (size_t)got;
        out[n] = '\0';
        if (n >= 2 && strcmp(out + n - 2, ": ") == 0 && lines[typed] != NULL) {
            assert_int_equal(write(master, lines[typed], strlen(lines[typed])),
                             strlen(lines[typed]));
            typed++;
        }
    }
    out[n] = '\0';
    close(master);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* It is asked for twice, and nothing of it is to be seen. */
static void test_password_choose__shows_nothing_at_a_terminal(void **state)
{
    static const char *const same[] = {"correct horse\n", "correct horse\n", NULL};
    static const char *const other[] = {"correct horse\n", "correct house\n", NULL};
    static const char *const brief[] = {"horse\n", NULL};
    char seen[1024];

    (void)state;
    assert_int_equal(choose_at_terminal(same, seen, sizeof seen), 0);
    assert_non_null(strstr(seen, "A new one: "));
    assert_non_null(strstr(seen, "The same again: "));
    assert_null(strstr(seen, "horse"));
    assert_int_equal(choose_at_terminal(other, seen, sizeof seen), 1 + EXAM_INVALID);
    assert_non_null(strstr(seen, "two different passwords"));
    assert_null(strstr(seen, "horse"));
    assert_int_equal(choose_at_terminal(brief, seen, sizeof seen), 1 + EXAM_INVALID);
    assert_non_null(strstr(seen, "at least 8 characters"));
}

/* Names between commas; the first that is none is pointed at. */
static void test_name_list__takes_names(void **state)
{
    struct name_list list = {.n = 0};
    const char *bad, *text = "R01,R 2";
    char many[4 * NAMES_MAX];

    (void)state;
    assert_int_equal(name_list_take(&list, "R01,R02", &bad), EXAM_OK);
    assert_int_equal(name_list_take(&list, "考场3", &bad), EXAM_OK);
    assert_int_equal(list.n, 3);
    assert_string_equal(list.at[1], "R02");
    assert_string_equal(list.at[2], "考场3");
    assert_int_equal(name_list_take(&list, text, &bad), EXAM_INVALID);
    assert_ptr_equal(bad, text + 4);
    assert_int_equal(name_list_take(&list, "", &bad), EXAM_INVALID);
    list.n = 0;
    for (int i = 0; i <= NAMES_MAX; i++)
        strcpy(many + 2 * i, i < NAMES_MAX ? "a," : "a");
    assert_int_equal(name_list_take(&list, many, &bad), EXAM_TOO_BIG);
    assert_int_equal(list.n, NAMES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_password__is_the_first_line_of_a_file, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_password__refuses_files_that_have_none, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_password_choose__wants_eight_characters, setup,
                                        teardown),
        cmocka_unit_test(test_password_choose__shows_nothing_at_a_terminal),
        cmocka_unit_test(test_name_list__takes_names),
    };

    return cmocka_run_group_tests_name("password", tests, NULL, NULL);
}
