/* A password opens what it has closed; a data key's file gives the site's own key, or nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keyring.h"

static const uint8_t SITE[SITE_ID_BYTES] = {1, 2, 3};
static const uint8_t CHANCE[PASSWORD_CHANCE_BYTES] = {4, 5, 6};
static const uint8_t KEY[DATA_KEY_BYTES] = {7, 8, 9};
static const char BOUND[] = "what stands beside it";

static struct password_box box_make(const char *password)
{
    struct password_box box;

    assert_int_equal(
        password_box_seal(&box, &password_cost_least, password, BOUND, sizeof BOUND, KEY, CHANCE),
        EXAM_OK);
    return box;
}

static void test_password_box__opens_with_its_password(void **state)
{
    struct password_box box = box_make("correct horse"), read;
    char text[PASSWORD_BOX_TEXT_BYTES];
    uint8_t secret[PASSWORD_SECRET_BYTES] = {0};

    (void)state;
    password_box_format(&box, text);
    assert_int_equal(password_box_parse(text, &read), EXAM_OK);
    assert_memory_equal(&read, &box, sizeof box);
    assert_int_equal(password_box_open(&read, "correct horse", BOUND, sizeof BOUND, secret),
                     EXAM_OK);
    assert_memory_equal(secret, KEY, sizeof secret);
}

/* Another password, another file around it, a changed bit: EXAM_AUTH, and nothing is given. */
static void test_password_box__opens_with_nothing_else(void **state)
{
    struct password_box box = box_make("correct horse");
    uint8_t secret[PASSWORD_SECRET_BYTES] = {0};

    (void)state;
    assert_int_equal(password_box_open(&box, "Correct horse", BOUND, sizeof BOUND, secret),
                     EXAM_AUTH);
    assert_int_equal(password_box_open(&box, "", BOUND, sizeof BOUND, secret), EXAM_AUTH);
    assert_int_equal(password_box_open(&box, "correct horse", BOUND, sizeof BOUND - 1, secret),
                     EXAM_AUTH);
    for (size_t i = 0; i < sizeof box.sealed; i += 7) {
        struct password_box changed = box;
        changed.sealed[i] ^= 1;
        assert_int_equal(password_box_open(&changed, "correct horse", BOUND, sizeof BOUND, secret),
                         EXAM_AUTH);
    }
    assert_true(sodium_is_zero(secret, sizeof secret));
}

/* A file that somebody else wrote must not take all memory, nor for ever. */
static void test_password_box__is_bounded(void **state)
{
    struct password_box box = box_make("x"), out;
    char good[PASSWORD_BOX_TEXT_BYTES], text[PASSWORD_BOX_TEXT_BYTES + 8];

    (void)state;
    password_box_format(&box, good);
    const char *hex = strrchr(good, ' ');
    static const struct {
        const char *cost;
        exam_err err;
    } costs[] = {
        {"argon2id 1 8192", EXAM_OK},
        {"argon2id 17 8192", EXAM_TOO_BIG},
        {"argon2id 1 1073741825", EXAM_TOO_BIG},
        {"argon2id 1 18446744073709551616", EXAM_MALFORMED},
        {"argon2id 0 8192", EXAM_MALFORMED},
        {"argon2id 1 8191", EXAM_MALFORMED},
        {"argon2id -1 8192", EXAM_MALFORMED},
        {"argon2id 1", EXAM_MALFORMED},
        {"scrypt 1 8192", EXAM_MALFORMED},
        {"", EXAM_MALFORMED},
    };
    for (size_t i = 0; i < sizeof costs / sizeof *costs; i++) {
        snprintf(text, sizeof text, "%s%s", costs[i].cost, hex);
        assert_int_equal(password_box_parse(text, &out), costs[i].err);
    }
    for (size_t n = 0; n < strlen(good); n++) {
        memcpy(text, good, n);
        text[n] = '\0';
        assert_int_equal(password_box_parse(text, &out), EXAM_MALFORMED);
    }
    snprintf(text, sizeof text, "%s00", good);
    assert_int_equal(password_box_parse(text, &out), EXAM_MALFORMED);
}

/* ---------------------------------------------------------------- the file */

static void file_of(struct data_key_file *f, const char *password)
{
    data_key_file_make(f, SITE, KEY);
    if (password != NULL)
        assert_int_equal(data_key_file_close(f, &password_cost_least, password, CHANCE), EXAM_OK);
}

static void read_back(const struct data_key_file *f, struct data_key_file *out)
{
    char text[DATA_KEY_FILE_BYTES_MAX], why[256];
    size_t n;

    assert_int_equal(data_key_file_format(f, text, &n), EXAM_OK);
    if (data_key_file_parse(text, n, out, why, sizeof why) != EXAM_OK)
        fail_msg("%s", why);
}

static void test_data_key__in_the_clear_and_under_a_password(void **state)
{
    struct data_key_file f, g;

    (void)state;
    file_of(&f, NULL);
    read_back(&f, &g);
    assert_false(g.boxed);
    assert_memory_equal(g.key, KEY, sizeof g.key);
    file_of(&f, "secret");
    assert_true(sodium_is_zero(f.key, sizeof f.key));
    read_back(&f, &g);
    assert_true(g.boxed);
    assert_int_equal(data_key_file_open(&g, "Secret"), EXAM_AUTH);
    assert_true(g.boxed);
    assert_int_equal(data_key_file_open(&g, "secret"), EXAM_OK);
    assert_memory_equal(g.key, KEY, sizeof g.key);
    assert_false(g.boxed);
}

/* Its site and its id are bound to the box: nobody passes another site's key off as this one's. */
static void test_data_key__cannot_be_passed_off(void **state)
{
    struct data_key_file f;

    (void)state;
    file_of(&f, "secret");
    f.site_id[0] ^= 1;
    assert_int_equal(data_key_file_open(&f, "secret"), EXAM_AUTH);
    file_of(&f, "secret");
    f.id[0] ^= 1;
    assert_int_equal(data_key_file_open(&f, "secret"), EXAM_AUTH);
}

static void expect_refused(const char *text, exam_err expected)
{
    struct data_key_file f;
    char why[256] = "";

    assert_int_equal(data_key_file_parse(text, strlen(text), &f, why, sizeof why), expected);
    assert_string_not_equal(why, "");
}

static void test_data_key__what_is_no_such_file(void **state)
{
    static const char head[] = "\"site\": \"01020300000000000000000000000000\", \"id\": "
                               "\"00000000000000000000000000000000\"";
    char text[DATA_KEY_FILE_BYTES_MAX + 2];

    (void)state;
    expect_refused("", EXAM_MALFORMED);
    expect_refused("[]", EXAM_MALFORMED);
    expect_refused("{}", EXAM_MALFORMED);
    snprintf(text, sizeof text, "{\"format\": \"shunyan-data-key-2\", %s}", head);
    expect_refused(text, EXAM_VERSION);
    snprintf(text, sizeof text, "{\"format\": \"shunyan-data-key-1\", %s}", head);
    expect_refused(text, EXAM_INVALID);
    snprintf(text, sizeof text, "{\"format\": \"shunyan-data-key-1\", %s, \"box\": \"x\"}", head);
    expect_refused(text, EXAM_INVALID);
    snprintf(text, sizeof text, "{\"format\": \"shunyan-data-key-1\", %s, \"key\": \"%064d\"}",
             head, 0);
    expect_refused(text, EXAM_INVALID); /* not the key of that id */
    snprintf(text, sizeof text, "{\"format\": \"shunyan-data-key-1\", %s, \"more\": \"\"}", head);
    expect_refused(text, EXAM_MALFORMED);
    memset(text, ' ', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    expect_refused(text, EXAM_TOO_BIG);
}

/* A key that others may read is refused, as everybody's is. */
static void test_data_key__a_file_that_others_may_read_is_refused(void **state)
{
    char path[] = "/tmp/test_data_key.XXXXXX", text[DATA_KEY_FILE_BYTES_MAX];
    char why[KEYRING_WHY_BYTES] = "";
    struct data_key_file f, g;
    size_t n;
    int fd = mkstemp(path);

    (void)state;
    file_of(&f, NULL);
    assert_int_equal(data_key_file_format(&f, text, &n), EXAM_OK);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, n), n);
    assert_int_equal(keyring_read_data_key(path, &g, why, sizeof why), EXAM_OK);
    assert_memory_equal(g.key, KEY, sizeof g.key);
    assert_int_equal(fchmod(fd, 0640), 0);
    assert_int_equal(keyring_read_data_key(path, &g, why, sizeof why), EXAM_REFUSED);
    assert_non_null(strstr(why, "others may read"));
    close(fd);
    unlink(path);
    assert_int_equal(keyring_read_data_key(path, &g, why, sizeof why), EXAM_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_password_box__opens_with_its_password),
        cmocka_unit_test(test_password_box__opens_with_nothing_else),
        cmocka_unit_test(test_password_box__is_bounded),
        cmocka_unit_test(test_data_key__in_the_clear_and_under_a_password),
        cmocka_unit_test(test_data_key__cannot_be_passed_off),
        cmocka_unit_test(test_data_key__what_is_no_such_file),
        cmocka_unit_test(test_data_key__a_file_that_others_may_read_is_refused),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
