#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roster_file.h"

#define ROOMS  "room,seats\nR01,48\nR2,100\n"
#define HEADER "admission_no,id_no,name,seat,paper,extra_minutes\n"
#define ROW1   "2026010001,990000197508230017,王芳,R01-01,ELEC-3,0\n"

struct fixture {
    struct problems problems;
    struct room_list rooms;
    struct roster roster;
};

static struct source_text source_of(const char *file, const char *text)
{
    return (struct source_text){.file = file, .text = text, .bytes = strlen(text)};
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct source_text rooms = source_of("rooms.csv", ROOMS);

    if (f == NULL || room_list_read(&rooms, &f->problems, &f->rooms) != EXAM_OK)
        return -1;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    room_list_free(&f->rooms);
    roster_free(&f->roster);
    free(f);
    return 0;
}

static void read_roster_bytes(struct fixture *f, const char *text, size_t bytes)
{
    struct source_text source = {.file = "roster.csv", .text = text, .bytes = bytes};

    roster_free(&f->roster);
    problems_init(&f->problems);
    assert_int_equal(roster_read(&source, &f->rooms, &f->problems, &f->roster), EXAM_OK);
}

static void read_roster(struct fixture *f, const char *text)
{
    read_roster_bytes(f, text, strlen(text));
}

/* Exactly one problem, at this place, and its text holds these words: what is wrong, what to do. */
static void expect_problem(const struct problems *p, const char *place, const char *what,
                           const char *advice)
{
    if (p->n != 1)
        problems_print(p, stderr);
    assert_int_equal(p->n, 1);
    if (strncmp(p->text[0], place, strlen(place)) != 0 || strstr(p->text[0], what) == NULL ||
        strstr(p->text[0], advice) == NULL)
        fail_msg("expected '%s ... %s ... %s', not: %s", place, what, advice, p->text[0]);
}

/* Every cell of a sound row arrives, Chinese and extra time included. */
static void test_roster__takes_sound_rows(void **state)
{
    struct fixture *f = *state;
    const struct candidate *c;

    read_roster(f, HEADER ROW1 "7,99X,\"Li, \"\"Q\"\"\",R2-100,P,15\n");
    assert_int_equal(f->problems.n, 0);
    assert_int_equal(f->roster.n, 2);
    c = &f->roster.candidates[0];
    assert_string_equal(c->admission_no, "2026010001");
    assert_string_equal(c->id_no, "990000197508230017");
    assert_string_equal(c->name, "王芳");
    assert_string_equal(c->seat, "R01-01");
    assert_string_equal(c->paper, "ELEC-3");
    assert_int_equal(c->extra_minutes, 0);
    assert_int_equal(c->line, 2);
    c = &f->roster.candidates[1];
    assert_string_equal(c->name, "Li, \"Q\"");
    assert_string_equal(c->seat, "R2-100");
    assert_int_equal(c->extra_minutes, 15);
    assert_int_equal(c->line, 3);
}

/* What spreadsheets do to a CSV file is no mistake: byte order mark, CRLF, other order, blank rows.
 */
static void test_roster__tolerates_what_spreadsheets_write(void **state)
{
    struct fixture *f = *state;

    read_roster(f, "\xEF\xBB\xBFname,SEAT,paper,admission_no,id_no\r\n"
                   "王芳,R01-01,P,1,11\r\n,,,,\r\n\r\n李强,R01-02,P,2,12");
    assert_int_equal(f->problems.n, 0);
    assert_int_equal(f->roster.n, 2);
    assert_string_equal(f->roster.candidates[0].admission_no, "1");
    assert_int_equal(f->roster.candidates[1].line, 5);
    assert_string_equal(f->roster.candidates[1].id_no, "12");
}

/* The message names the place, the value and the remedy. */
static void test_roster__names_line_and_remedy(void **state)
{
    static const struct {
        const char *row, *what, *advice;
    } cases[] = {
        {"2,22,王,R01-49,P,0\n", "seat 'R01-49' does not exist", "R01-01 to R01-48"},
        {"2,22,王,R01-1,P,0\n", "seat 'R01-1' does not exist", "R01-01 to R01-48"},
        {"2,22,王,R01-00,P,0\n", "seat 'R01-00' does not exist", "R01-01 to R01-48"},
        {"2,22,王,R2-101,P,0\n", "seat 'R2-101' does not exist", "R2-01 to R2-100"},
        {"2,22,王,R9-01,P,0\n", "seat 'R9-01' is in no room", "named like R01-01"},
        {"2,22,王,R0101,P,0\n", "seat 'R0101' is in no room", "named like R01-01"},
        {"2,22,王,R01-02,P,soon\n", "extra_minutes is 'soon'", "whole number from 0"},
        {"2,22,王,R01-02,P,-5\n", "extra_minutes is '-5'", "whole number from 0"},
        {"2,22,王,R01-02,P,1.5\n", "extra_minutes is '1.5'", "whole number from 0"},
        {"2,22,王,R01-02,P,601\n", "extra_minutes is '601'", "to 600"},
        {"2,22,王,R01-02,P,99999999999999999999\n", "extra_minutes is '9999", "to 600"},
        {",22,王,R01-02,P,0\n", "admission_no is empty", "fill it in"},
        {"2,,王,R01-02,P,0\n", "id_no is empty", "fill it in"},
        {"2,22,,R01-02,P,0\n", "name is empty", "fill it in"},
        {"2,22,王,,P,0\n", "seat is empty", "fill it in"},
        {"2,22,王,R01-02,,0\n", "paper is empty", "fill it in"},
        {"2 3,22,王,R01-02,P,0\n", "admission_no '2 3' is no name", "without spaces"},
        {"2,22,王,R01-02,P\n", "has 5 cells, the header has 6", "quotes"},
        {"2,22,王,R01-02,P,0,x\n", "has 7 cells, the header has 6", "quotes"},
        {"2,22,\xFF\xFE,R01-02,P,0\n", "name '\\xFF\\xFE' is not UTF-8", "CSV UTF-8"},
        {"2,22,\xCD\xF5\xB7\xBC,R01-02,P,0\n", "is not UTF-8", "CSV UTF-8"},
        {"2,22,a\x1b[2J,R01-02,P,0\n", "name 'a\\x1B[2J' is not UTF-8", "CSV UTF-8"},
        {"2,22,\"two\nlines\",R01-02,P,0\n", "has a line break", "remove it"},
        {"2,22,\"open,R01-02,P,0\n3,33,x,R01-03,P,0\n", "quoted cell begins here",
         "close the cell"},
        {"2,22,\"a\"b,R01-02,P,0\n", "quoted cell begins here", "double every quote"},
        {"1,22,王,R01-02,P,0\n", "admission_no '1' is given in line 2, too", "remove one"},
        {"2,11,王,R01-02,P,0\n", "id_no '11' is given in line 2, too", "correct one"},
        {"2,22,王,R01-01,P,0\n", "seat 'R01-01' is given in line 2, too", "another seat"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512];

        snprintf(text, sizeof text, "%s1,11,王,R01-01,P,0\n%s", HEADER, cases[i].row);
        read_roster(f, text);
        expect_problem(&f->problems, "roster.csv:3: ", cases[i].what, cases[i].advice);
    }
}

/* The header is judged before any row: rows under a wrong one would only repeat it. */
static void test_roster__names_wrong_columns(void **state)
{
    struct fixture *f = *state;

    read_roster(f, "admission_no,id_no,name,paper\n1,11,x,P\n2,22,y,P\n");
    expect_problem(&f->problems, "roster.csv:1: ", "column seat is missing", "admission_no,id_no,");
    read_roster(f, "admission_no,id_no,name,seat,paper,extra_minute\n1,11,x,R01-01,P,9\n");
    expect_problem(&f->problems, "roster.csv:1: ", "unknown column 'extra_minute'",
                   "extra_minutes");
    read_roster(f, "admission_no,id_no,name,seat,paper,seat\n1,11,x,R01-01,P,R01-01\n");
    expect_problem(&f->problems, "roster.csv:1: ", "column 'seat' stands here twice", "remove one");
}

/* Files that are no table at all. */
static void test_roster__names_files_that_are_none(void **state)
{
    static const char utf16[] = "\xFF\xFE"
                                "a\0d\0m\0";
    struct fixture *f = *state;

    read_roster(f, "");
    expect_problem(&f->problems, "roster.csv: ", "is empty", "export it again");
    read_roster(f, HEADER);
    expect_problem(&f->problems, "roster.csv: ", "has no rows", "export it again");
    read_roster(f, HEADER ",,,,,\n");
    expect_problem(&f->problems, "roster.csv: ", "has no rows", "export it again");
    read_roster_bytes(f, utf16, sizeof utf16 - 1);
    expect_problem(&f->problems, "roster.csv: ", "NUL bytes", "CSV UTF-8");
}

/* Whatever the number of mistakes: twenty are shown, and how many more there are. */
static void test_roster__counts_what_it_does_not_show(void **state)
{
    struct fixture *f = *state;
    char text[4096] = HEADER;
    char *printed = NULL;
    size_t printed_bytes;
    FILE *to;

    for (int i = 0; i < 33; i++)
        strcat(text, "1,1,x,R01-01,P,never\n");
    read_roster(f, text);
    assert_int_equal(f->problems.n, 33);
    to = open_memstream(&printed, &printed_bytes);
    assert_non_null(to);
    problems_print(&f->problems, to);
    fclose(to);
    assert_non_null(strstr(printed, "roster.csv:21: "));
    assert_null(strstr(printed, "roster.csv:22: "));
    assert_non_null(strstr(printed, "13 more"));
    free(printed);
}

/* A candidate whose paper has no file is found before anything is sent. */
static void test_roster__misses_papers(void **state)
{
    static const char *const papers[] = {"ELEC-3", "WELD-3"};
    struct fixture *f = *state;

    read_roster(f, HEADER ROW1 "2,22,x,R01-02,ELEC-4,0\n");
    roster_check_papers(&f->roster, "roster.csv", papers, 2, &f->problems);
    expect_problem(&f->problems, "roster.csv:3: ", "paper 'ELEC-4'", "--paper");
}

/* Rooms: the same care. */
static void test_rooms__name_line_and_remedy(void **state)
{
    static const struct {
        const char *text, *place, *what, *advice;
    } cases[] = {
        {"room,seats\nR1,10\nR1,12\n", "rooms.csv:3: ", "'R1' stands in line 2", "remove one"},
        {"room,seats\nR1,0\n", "rooms.csv:2: ", "seats is '0'", "from 1 to 999"},
        {"room,seats\nR1,1000\n", "rooms.csv:2: ", "seats is '1000'", "from 1 to 999"},
        {"room,seats\nR1,\n", "rooms.csv:2: ", "seats is ''", "from 1 to 999"},
        {"room,seats\nR 1,10\n", "rooms.csv:2: ", "'R 1' is no name", "without spaces"},
        {"room\nR1\n", "rooms.csv:1: ", "column seats is missing", "room,seats"},
        {"", "rooms.csv: ", "is empty", "export it again"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct source_text source = source_of("rooms.csv", cases[i].text);
        struct problems problems = {0};
        struct room_list rooms = {0};

        assert_int_equal(room_list_read(&source, &problems, &rooms), EXAM_OK);
        expect_problem(&problems, cases[i].place, cases[i].what, cases[i].advice);
        room_list_free(&rooms);
    }
}

/* Random cuts and byte changes of a sound file: any outcome but a crash, and rows only when sound.
 */
static void test_roster__survives_damaged_files(void **state)
{
    static const char sound[] = HEADER ROW1 "2,22,\"a, b\",R01-02,P,15\r\n3,33,李,R2-07,P,\n";
    enum { ROUNDS = 20000 };
    struct fixture *f = *state;
    const char *given = getenv("EXAM_SEED");
    unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 10) : 20260101u;

    print_message("seed %u (again: EXAM_SEED=%u)\n", seed, seed);
    for (unsigned round = 0; round < ROUNDS; round++) {
        char text[sizeof sound];
        size_t n = 1 + (size_t)rand_r(&seed) % (sizeof sound - 1);

        memcpy(text, sound, sizeof sound);
        for (int k = rand_r(&seed) % 4; k > 0; k--)
            text[(size_t)rand_r(&seed) % n] = (char)rand_r(&seed);
        read_roster_bytes(f, text, n);
        for (size_t i = 0; i < f->roster.n; i++)
            assert_true(f->roster.candidates[i].seat[0] == 'R');
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_roster__takes_sound_rows),
        TEST(test_roster__tolerates_what_spreadsheets_write),
        TEST(test_roster__names_line_and_remedy),
        TEST(test_roster__names_wrong_columns),
        TEST(test_roster__names_files_that_are_none),
        TEST(test_roster__counts_what_it_does_not_show),
        TEST(test_roster__misses_papers),
        TEST(test_rooms__name_line_and_remedy),
        TEST(test_roster__survives_damaged_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
