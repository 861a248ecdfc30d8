#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec.h"
#include "input_file.h"
#include "paper_file.h"

/* A sound paper, one item a line. */
#define HEAD                                                                                       \
    "{\"format\":\"shunyan-paper-1\",\"id\":\"ELEC-3\",\"title\":\"样卷\",\"minutes\":60,"       \
    "\"subjects\":[{\"id\":\"skill\",\"title\":\"岗位技能\",\"marks\":100,\"items\":[\n"
#define ITEM1                                                                                      \
    "{\"id\":\"q1\",\"kind\":\"single\",\"text\":\"?\",\"options\":{\"A\":\"a\",\"B\":\"b\"},"     \
    "\"marks\":60}"
#define ITEM2 "{\"id\":\"q2\",\"kind\":\"true-false\",\"text\":\"?\",\"marks\":40}"
#define TAIL  "]}]}\n"

static void read_paper(const char *text, size_t bytes, struct problems *problems,
                       struct paper *paper)
{
    struct source_text source = {.file = "paper.json", .text = text, .bytes = bytes};

    problems_init(problems);
    assert_int_equal(paper_read(&source, problems, paper), EXAM_OK);
}

static void expect_problem(const char *text, const char *what, const char *advice)
{
    struct problems problems;
    struct paper paper;

    read_paper(text, strlen(text), &problems, &paper);
    paper_free(&paper);
    if (problems.n != 1)
        problems_print(&problems, stderr);
    assert_int_equal(problems.n, 1);
    if (strstr(problems.text[0], what) == NULL || strstr(problems.text[0], advice) == NULL ||
        strncmp(problems.text[0], "paper.json:", 11) != 0)
        fail_msg("expected '%s ... %s', not: %s", what, advice, problems.text[0]);
}

/* Items come out in order, with kind and subject; minutes and title too. */
static void test_paper__takes_a_sound_paper(void **state)
{
    static const char text[] = HEAD ITEM1 "," ITEM2 TAIL;
    struct problems problems;
    struct paper paper;

    (void)state;
    read_paper(text, strlen(text), &problems, &paper);
    assert_int_equal(problems.n, 0);
    assert_string_equal(paper.id, "ELEC-3");
    assert_string_equal(paper.title, "样卷");
    assert_int_equal(paper.minutes, 60);
    assert_int_equal(paper.items_n, 2);
    assert_string_equal(paper.items[0].id, "q1");
    assert_string_equal(paper.items[0].subject, "skill");
    assert_int_equal(paper.items[0].kind, EV__ITEM_KIND__ITEM_KIND_SINGLE);
    assert_int_equal(paper.items[1].kind, EV__ITEM_KIND__ITEM_KIND_TRUE_FALSE);
    paper_free(&paper);
}

/* The sample that comes with the project is sound. */
static void test_paper__takes_the_sample(void **state)
{
    struct problems problems;
    struct paper paper;
    char *text;
    size_t bytes;

    (void)state;
    problems_init(&problems);
    assert_int_equal(
        input_file_read(SAMPLE_FOLDER "/paper.json", PAPER_BYTES_MAX, &problems, &text, &bytes),
        EXAM_OK);
    read_paper(text, bytes, &problems, &paper);
    assert_int_equal(problems.n, 0);
    assert_int_equal(paper.items_n, 60);
    paper_free(&paper);
    free(text);
}

/* A key file or a receipt is bounded far below a MiB: the bound that is told is the real one. */
static void test_input_file__tells_a_small_bound(void **state)
{
    struct problems problems;
    char *text;
    size_t bytes;

    (void)state;
    problems_init(&problems);
    assert_int_equal(input_file_read(SAMPLE_FOLDER "/paper.json", 16, &problems, &text, &bytes),
                     EXAM_TOO_BIG);
    assert_int_equal(problems.n, 1);
    assert_non_null(strstr(problems.text[0], "paper.json: is over 16 bytes"));
    assert_null(input_file_told(SAMPLE_FOLDER "/no-such-file", 16, &bytes));
}

/* What is wrong is named with its place in the file and with what to do. */
static void test_paper__names_place_and_remedy(void **state)
{
    static const struct {
        const char *text, *what, *advice;
    } cases[] = {
        {HEAD "{\"id\":\"q1\",\"kind\":\"singel\",\"text\":\"?\",\"marks\":100}" TAIL,
         "$.subjects[0].items[0].kind: is 'singel'", "single, multiple or true-false"},
        {HEAD ITEM1 ","
                    "{\"id\":\"q1\",\"kind\":\"true-false\",\"text\":\"?\",\"marks\":40}" TAIL,
         "$.subjects[0].items[1].id: 'q1' is the id of item 1", "rename"},
        {HEAD ITEM1 ","
                    "{\"id\":\"q2\",\"kind\":\"true-false\",\"text\":\"?\"}" TAIL,
         "items[1].marks: is no number", "add it"},
        {HEAD ITEM1 ","
                    "{\"id\":\"q2\",\"kind\":\"true-false\",\"marks\":40}" TAIL,
         "items[1].text: is missing", "add it"},
        {HEAD ITEM1 ","
                    "{\"id\":\"q 2\",\"kind\":\"true-false\",\"text\":\"?\",\"marks\":40}" TAIL,
         "items[1].id: 'q 2' is no name", "no spaces"},
        {HEAD ITEM1 ","
                    "{\"id\":\"q2\",\"kind\":\"single\",\"text\":\"?\",\"marks\":40}" TAIL,
         "items[1].options: are not 2 to 26 options", "\"A\""},
        {HEAD ITEM1
         ","
         "{\"id\":\"q2\",\"kind\":\"single\",\"text\":\"?\",\"options\":{\"A\":\"a\",\"C\":\"c\"},"
         "\"marks\":40}" TAIL,
         "items[1].options: has 2 options but no B", "in order"},
        {HEAD ITEM1 ","
                    "{\"id\":\"q2\",\"kind\":\"true-false\",\"text\":\"?\",\"marks\":40,"
                    "\"answer\":\"true\"}" TAIL,
         "items[1]: unknown key 'answer'", "no answer keys"},
        {HEAD ITEM1 ","
                    "17" TAIL,
         "items[1]: is no object", "{...}"},
        {HEAD ITEM1 TAIL, "subjects[0].marks: is 100, its items add up to 60", "correct one"},
        {HEAD TAIL, "subjects[0].items: is no list with items", "[{...}]"},
        {"[]", "$: is no object", "{...}"},
        {"{\"format\":\"shunyan-paper-2\"}", "$.format: is 'shunyan-paper-2'", "shunyan-paper-1"},
        {"{\"format\":\"shunyan-paper-1\",\"id\":\"E\",\"title\":\"t\",\"minutes\":60,"
         "\"subjects\":[]}",
         "$.subjects: is no list of 1 to 16 subjects", "[{...}]"},
        {"{\"format\":\"shunyan-paper-1\",\"id\":\"E\",\"title\":\"t\",\"minutes\":0,\"subjects\":["
         "{"
         "\"id\":\"s\",\"title\":\"t\",\"marks\":60,\"items\":[" ITEM1 "]}]}",
         "$.minutes: is no whole number from 1 to 1440", "correct it"},
        {"{\"format\":\"shunyan-paper-1\",\"id\":\"E\",\"title\":\"t\",\"minutes\":60,"
         "\"minutes\":90}",
         "paper.json:1: duplicate object key", "correct it"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_problem(cases[i].text, cases[i].what, cases[i].advice);
}

/* A file that ends anywhere before its end is never a paper, and the last line is named. */
static void test_paper__notices_a_file_cut_off_anywhere(void **state)
{
    static const char text[] = HEAD ITEM1 ",\n" ITEM2 "]}]}";

    (void)state;
    for (size_t n = 0; n + 1 < sizeof text; n++) {
        struct problems problems;
        struct paper paper;

        read_paper(text, n, &problems, &paper);
        assert_int_equal(problems.n, 1);
        paper_free(&paper);
    }
    expect_problem(HEAD ITEM1 ",\n", "paper.json:3: ", "the file is cut off");
}

/* Text in another encoding is not let through. */
static void test_paper__refuses_what_is_not_utf8(void **state)
{
    (void)state;
    expect_problem("{\"format\":\"shunyan-paper-1\",\n\"title\":\"\xCD\xF5\"}",
                   "paper.json:2: ", "correct it");
}

/* What the JSON reader says of a place is cut to some length, perhaps inside a character: what a
 * person is shown is text all the same. Found by fuzz_paper. */
static void test_paper__tells_of_a_cut_place_in_whole_characters(void **state)
{
    (void)state;
    for (int shift = 0; shift < 3; shift++) {
        struct problems problems;
        struct paper paper;
        char text[600];
        int n = snprintf(text, sizeof text, "{\"%.*s", shift, "abc");

        for (int i = 0; i < 120; i++)
            n += snprintf(text + n, sizeof text - (size_t)n, "岗");
        n += snprintf(text + n, sizeof text - (size_t)n, "\" 1}");
        read_paper(text, (size_t)n, &problems, &paper);
        paper_free(&paper);
        assert_int_equal(problems.n, 1);
        assert_true(codec_text_ok(problems.text[0], strlen(problems.text[0])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paper__takes_a_sound_paper),
        cmocka_unit_test(test_paper__takes_the_sample),
        cmocka_unit_test(test_input_file__tells_a_small_bound),
        cmocka_unit_test(test_paper__names_place_and_remedy),
        cmocka_unit_test(test_paper__notices_a_file_cut_off_anywhere),
        cmocka_unit_test(test_paper__refuses_what_is_not_utf8),
        cmocka_unit_test(test_paper__tells_of_a_cut_place_in_whole_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
