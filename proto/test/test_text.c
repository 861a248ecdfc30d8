/* text: what names, texts and answers may be made of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "codec.h"

struct text_case {
    const char *bytes;
    size_t n;
    bool ok;
};

#define BYTES(s) (s), sizeof(s) - 1

/* UTF-8 is read by the book: the limits of each form, overlong ones, surrogates, stray and cut
 * ones. */
static void test_text__utf8_is_strict(void **state)
{
    static const struct text_case cases[] = {
        {BYTES(""), true},
        {BYTES("plain text"), true},
        {BYTES("\xC3\xA4 \xE8\x80\x83\xE7\x94\x9F \xF0\x9F\x98\x80"), true},
        {BYTES("\xC2\xA0"), true},          /* first of two bytes that is no control character */
        {BYTES("\xDF\xBF"), true},          /* last of two */
        {BYTES("\xE0\xA0\x80"), true},      /* first of three */
        {BYTES("\xEF\xBF\xBF"), true},      /* last of three */
        {BYTES("\xF0\x90\x80\x80"), true},  /* first of four */
        {BYTES("\xF4\x8F\xBF\xBF"), true},  /* U+10FFFF */
        {BYTES("\xF4\x90\x80\x80"), false}, /* above it */
        {BYTES("\xF5\x80\x80\x80"), false},
        {BYTES("\xFF"), false},
        {BYTES("\x80"), false},             /* stray continuation */
        {BYTES("\xC0\x80"), false},         /* overlong NUL */
        {BYTES("\xC1\xBF"), false},         /* overlong DEL */
        {BYTES("\xE0\x9F\xBF"), false},     /* overlong of three */
        {BYTES("\xF0\x8F\xBF\xBF"), false}, /* overlong of four */
        {BYTES("\xED\xA0\x80"), false},     /* surrogates */
        {BYTES("\xED\xBF\xBF"), false},
        {BYTES("\xED\x9F\xBF"), true}, /* just below them */
        {BYTES("\xC3"), false},        /* cut */
        {BYTES("\xE8\x80"), false},
        {BYTES("\xF0\x9F\x98"), false},
        {BYTES("\xE8\x80 "), false},
        {BYTES("ok \xC3("), false},
        {"\xC3\xA4", 1, false}, /* the rest is there, but is not the text's */
        {"\xE8\x80\x83", 2, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *exact = malloc(cases[i].n > 0 ? cases[i].n : 1); /* ASan sees a byte read beyond it */
        bool ok;

        assert_non_null(exact);
        memcpy(exact, cases[i].bytes, cases[i].n);
        ok = codec_text_ok(exact, cases[i].n);
        free(exact);
        if (ok != cases[i].ok)
            fail_msg("case %zu", i);
    }
}

/* Of the control characters a text may have the tab, an answer line ends too, a name none. */
static void test_text__control_characters(void **state)
{
    (void)state;
    for (int c = 0; c < 0x100; c++) {
        char text[4] = {'a', (char)c, 'b', 0};
        size_t n = 3;
        bool control = c < 0x20 || (c >= 0x7F && c < 0xA0);

        if (c >= 0x80) { /* as U+0080..U+00FF */
            text[1] = (char)(0xC0 | c >> 6);
            text[2] = (char)(0x80 | (c & 0x3F));
        }
        assert_int_equal(codec_text_ok(text, n), !control || c == '\t');
        assert_int_equal(codec_answer_ok((const uint8_t *)text, n),
                         !control || c == '\t' || c == '\n' || c == '\r');
        if (control && c != 0)
            assert_false(codec_name_ok(text));
    }
}

/* A name has 1 to NAME_BYTES_MAX bytes. */
static void test_name__length(void **state)
{
    char name[NAME_BYTES_MAX + 2];

    (void)state;
    assert_false(codec_name_ok(""));
    assert_true(codec_name_ok("A"));
    memset(name, 'x', sizeof name);
    name[NAME_BYTES_MAX] = 0;
    assert_true(codec_name_ok(name));
    name[NAME_BYTES_MAX] = 'x';
    name[NAME_BYTES_MAX + 1] = 0;
    assert_false(codec_name_ok(name));
}

/* A name is safe in a file name, in a CSV cell and on a screen. */
static void test_name__characters(void **state)
{
    static const char *const good[] = {"R1-01", "B1",  "2014-A_7.x", "\xE8\x80\x83\xE5\x9C\xBA-1",
                                       "a:b",   "...", "x(1)"};
    static const char *const bad[] = {"a b",
                                      " a",
                                      "a\t",
                                      "a,b",
                                      "a\"b",
                                      "a'b",
                                      "a`b",
                                      "a/b",
                                      "a\\b",
                                      "a\nb",
                                      ".",
                                      "..",
                                      "a\xC2\xA0x",     /* no-break space */
                                      "a\xE3\x80\x80x", /* ideographic space */
                                      "a\xE2\x80\x8Bx", /* zero width space */
                                      "a\xE2\x80\xAEx", /* right-to-left override */
                                      "\xEF\xBB\xBFx",  /* byte order mark */
                                      "a\xC2\x85x",     /* next line */
                                      "a\xFF"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (!codec_name_ok(good[i]))
            fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (codec_name_ok(bad[i]))
            fail_msg("accepted, number %zu: %s", i, bad[i]);
}

/* An answer is at most ANSWER_BYTES_MAX bytes, whatever is in them. */
static void test_answer__length(void **state)
{
    uint8_t value[ANSWER_BYTES_MAX + 1];

    (void)state;
    memset(value, 'B', sizeof value);
    assert_true(codec_answer_ok(value, 0));
    assert_true(codec_answer_ok(NULL, 0));
    assert_true(codec_answer_ok(value, ANSWER_BYTES_MAX));
    assert_false(codec_answer_ok(value, ANSWER_BYTES_MAX + 1));
    assert_false(codec_answer_stored_ok(value, ANSWER_BYTES_MAX + 1));
}

/* A sealed value is one for a log only, and by a byte that no text has. */
static void test_answer__sealed(void **state)
{
    uint8_t value[ANSWER_STORED_BYTES_MAX + 1] = {SEALED_MARK};

    (void)state;
    assert_true(codec_answer_stored_ok(value, ANSWER_STORED_BYTES_MAX));
    assert_false(codec_answer_stored_ok(value, ANSWER_STORED_BYTES_MAX + 1));
    assert_false(codec_answer_ok(value, 1));
    assert_true(codec_answer_stored_ok((const uint8_t *)"A", 1));
    assert_true(codec_answer_stored_ok(NULL, 0));
    assert_false(codec_answer_stored_ok((const uint8_t *)"A\xF5", 2));
}

/* A text that a program put together fits its bound afterwards: cut between characters, and with
 * question marks for what cannot be in a text. What was fit stays as it is. */
static void test_text_mend__makes_any_text_fit(void **state)
{
    static const struct {
        const char *text;
        size_t bytes_max;
        const char *mended;
    } cases[] = {
        {"", 10, ""},
        {"as it was,\tto the letter", 100, "as it was,\tto the letter"},
        {"\xE8\x80\x83\xE8\x80\x83", 6, "\xE8\x80\x83\xE8\x80\x83"},
        {"\xE8\x80\x83\xE8\x80\x83", 5, "\xE8\x80\x83"},
        {"\xE8\x80\x83\xE8\x80\x83", 2, ""},
        {"abc", 2, "ab"},
        {"abc", 0, ""},
        {"a\nb\x1B[0m", 100, "a?b?[0m"},
        {"a\xFF\xC3.", 100, "a??."},
        {"cut \xE8\x80", 100, "cut ??"}, /* as snprintf does it */
        {"a\xC2\x85", 100, "a??"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = strdup(cases[i].text);

        assert_non_null(text);
        codec_text_mend(text, cases[i].bytes_max);
        assert_string_equal(text, cases[i].mended);
        assert_true(codec_text_ok(text, strlen(text)));
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text__utf8_is_strict),
        cmocka_unit_test(test_text__control_characters),
        cmocka_unit_test(test_name__length),
        cmocka_unit_test(test_name__characters),
        cmocka_unit_test(test_answer__length),
        cmocka_unit_test(test_answer__sealed),
        cmocka_unit_test(test_text_mend__makes_any_text_fit),
    };

    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
