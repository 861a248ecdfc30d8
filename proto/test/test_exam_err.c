/* exam_err: every code has a class, a name and a text, and the numbers stay what they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "exam_err.h"

enum { CODES_CHECKED = 300 };

/* The names once more, so that a code that exam_err.h gains is a compile error here (-Wswitch)
 * until someone has thought of its name. NULL: no such code. */
static const char *name_expected(int code)
{
    switch ((exam_err)code) {
    case EXAM_OK:
        return "0 ok";
    case EXAM_AGAIN:
        return "1 again";
    case EXAM_NOT_PRIMARY:
        return "1 not-primary";
    case EXAM_CONN:
        return "1 conn";
    case EXAM_TIMEOUT:
        return "1 timeout";
    case EXAM_GAP:
        return "1 gap";
    case EXAM_FULL:
        return "1 full";
    case EXAM_STATE:
        return "2 state";
    case EXAM_NOT_FOUND:
        return "2 not-found";
    case EXAM_EXISTS:
        return "2 exists";
    case EXAM_AUTH:
        return "2 auth";
    case EXAM_SEAT_TAKEN:
        return "2 seat-taken";
    case EXAM_LATE:
        return "2 late";
    case EXAM_STALE_EPOCH:
        return "2 stale-epoch";
    case EXAM_ATTEST:
        return "2 attest";
    case EXAM_REFUSED:
        return "2 refused";
    case EXAM_INVALID:
        return "3 invalid";
    case EXAM_MALFORMED:
        return "3 malformed";
    case EXAM_TOO_BIG:
        return "3 too-big";
    case EXAM_VERSION:
        return "3 version";
    case EXAM_OTHER_SITE:
        return "3 other-site";
    case EXAM_IO:
        return "4 io";
    case EXAM_CORRUPT:
        return "4 corrupt";
    case EXAM_LOCKED:
        return "4 locked";
    case EXAM_NOMEM:
        return "4 nomem";
    case EXAM_SYSTEM:
        return "4 system";
    }
    return NULL;
}

/* Each code has the class and the name that belong to it, and each a text of its own. */
static void test_exam_err__is_complete(void **state)
{
    const char *texts[CODES_CHECKED] = {0};

    (void)state;
    for (int code = 0; code < CODES_CHECKED; code++) {
        const char *expected = name_expected(code);
        exam_err err = (exam_err)code;
        char got[64];

        if (expected == NULL)
            continue;
        snprintf(got, sizeof got, "%d %s", (int)exam_err_class_of(err), exam_err_name(err));
        assert_string_equal(got, expected);

        texts[code] = exam_err_text(err);
        assert_true(strlen(texts[code]) > 0);
        for (int other = 0; other < code; other++)
            assert_true(texts[other] == NULL || strcmp(texts[other], texts[code]) != 0);
    }
}

/* A code that came off the wire and means nothing here is fatal and still has words. */
static void test_exam_err__unknown_code_is_fatal(void **state)
{
    static const int unknown[] = {-1, 7, 19, 29, 39, 45, 59, 65, 1000, INT32_MAX, INT32_MIN};

    (void)state;
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        exam_err err = (exam_err)unknown[i];

        assert_null(name_expected(unknown[i]));
        assert_int_equal(exam_err_class_of(err), EXAM_CLASS_FATAL);
        assert_string_equal(exam_err_name(err), "unknown");
        assert_true(strlen(exam_err_text(err)) > 0);
    }
}

/* The numbers are on the wire and in journals: a changed one would be read as another error. */
static void test_exam_err__numbers_are_fixed(void **state)
{
    (void)state;
    assert_int_equal(EXAM_GAP, 5);
    assert_int_equal(EXAM_FULL, 6);
    assert_int_equal(EXAM_STATE, 20);
    assert_int_equal(EXAM_LATE, 25);
    assert_int_equal(EXAM_REFUSED, 28);
    assert_int_equal(EXAM_INVALID, 40);
    assert_int_equal(EXAM_OTHER_SITE, 44);
    assert_int_equal(EXAM_IO, 60);
    assert_int_equal(EXAM_SYSTEM, 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exam_err__is_complete),
        cmocka_unit_test(test_exam_err__unknown_code_is_fatal),
        cmocka_unit_test(test_exam_err__numbers_are_fixed),
    };

    return cmocka_run_group_tests_name("exam_err", tests, NULL, NULL);
}
