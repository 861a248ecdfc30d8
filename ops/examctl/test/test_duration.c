#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "duration.h"

static void expect_ms(const char *text, uint64_t expected_ms)
{
    uint64_t ms = 0;

    assert_int_equal(duration_parse(text, &ms), EXAM_OK);
    assert_int_equal(ms, expected_ms);
}

/* Minutes and seconds, hours in front, a fraction behind. */
static void test_duration__reads_what_people_write(void **state)
{
    (void)state;
    expect_ms("60:00", 3600000);
    expect_ms("1:00:00", 3600000);
    expect_ms("0:15", 15000);
    expect_ms("90:30", 5430000);
    expect_ms("1:02:03.250", 3723250);
    expect_ms("0:00.5", 500);
    expect_ms("00:07.07", 7070);
}

/* Nothing that could be meant otherwise is guessed at, and the output stays untouched. */
static void test_duration__refuses_everything_else(void **state)
{
    static const char *const wrong[] = {
        "",      "60",        "60m",    "1:60",   "1:5",           "1:00:60",    "1:60:00",
        "-1:00", "1:-1",      ":30",    "1:",     "1:00:00:00",    "1:00 ",      " 1:00",
        "1:00.", "1:00.1234", "1:00,5", "1e3:00", "9999999999:00", "1000:00:00", "1:00x",
        "1::00", "+1:00",     "0x1:00",
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint64_t ms = 42;

        if (duration_parse(wrong[i], &ms) == EXAM_OK)
            fail_msg("'%s' was taken as %llu ms", wrong[i], (unsigned long long)ms);
        assert_int_equal(ms, 42);
    }
}

/* What is printed is read back as the same, whatever it is. */
static void test_duration__prints_what_it_reads(void **state)
{
    static const uint64_t all_ms[] = {0, 1, 999, 1000, 59999, 3599999, 3600000, 3723250, 86400000};
    char text[DURATION_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof all_ms / sizeof all_ms[0]; i++) {
        duration_format(all_ms[i], text);
        expect_ms(text, all_ms[i]);
    }
    duration_format(32250, text);
    assert_string_equal(text, "0:32.250");
    duration_format(3600000, text);
    assert_string_equal(text, "1:00:00");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_duration__reads_what_people_write),
        cmocka_unit_test(test_duration__refuses_everything_else),
        cmocka_unit_test(test_duration__prints_what_it_reads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
