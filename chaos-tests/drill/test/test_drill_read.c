#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "drill_read.h"

/* The errors of one reading, one a line, as examdrill tells them. */
struct errors {
    char text[16384];
    uint32_t n;
};

static void take_error(void *ctx, const char *file, uint32_t line, const char *what)
{
    struct errors *e = ctx;
    size_t at = strlen(e->text);
    e->n++;
    snprintf(e->text + at, sizeof e->text - at, "%s:%u: %s\n", file, line, what);
}

static exam_err read_text(const char *text, struct errors *e, struct drill **d)
{
    *e = (struct errors){.n = 0};
    return drill_read("d", text, strlen(text), take_error, e, d);
}

#define SITE                                                                                       \
    "nodes A B\n"                                                                                  \
    "batch B1 allot 60:00\n"                                                                       \
    "room R1 seats 4\n"                                                                            \
    "sitting 1001 batch B1 seat R1-01\n"

static const char every_statement[] =
    "\xEF\xBB\xBF# a comment\r\n"
    "nodes A B\r\n"
    "option solo-after 0:05\n"
    "batch B1 allot 1:00:00 timing personal grace 0:20 heartbeat 0:02\n"
    "batch B2 allot 60:00 timing common\n"
    "sitting 1001 batch B1 seat R1-01 extra 15:00   # before its room\n"
    "sitting 1002 batch B2 seat R1-100\n"
    "room R1 seats 120\n"
    "\n"
    "0:00 start B1\n"
    "0:00 sign-in 1001\n"
    "5:00.250 answer 1001 q7 B\n"
    "5:01 submit 1001\n"
    "5:02 seat-dies R1-01\n"
    "5:02 seat-boots R1-01\n"
    "5:02 seat-wiped R1-01\n"
    "5:02 node-dies A\n"
    "5:02 node-boots A\n"
    "5:02 node-wiped A\n"
    "5:02 cut R1-01 A\n"
    "5:02 cut R1\n"
    "5:02 cut site B\n"
    "5:02 cut A B\n"
    "5:02 heal A\n"
    "5:02 ! promote B\n"
    "5:02 promote B attest\n"
    "5:02 pause site power is gone\n"
    "5:02 resume B1\n"
    "5:02 grant R1 -2:00 by mistake\n"
    "5:02 move 1001 R1-04\n"
    "5:02 mains-lost A\n"
    "5:02 mains-back A\n"
    "5:02 battery-low A\n"
    "5:02 date A -1:00:00\n"
    "5:02 violation 1001 phone on desk\n"
    "5:02 postpone B1\n"
    "5:02 collect B2\n"
    "1:06:00 expect sitting 1001 used 6:00 left 54:00 lost 0:00 state paused finish closed\n"
    "1:06:00 expect answer 1001 q7 B late\n"
    "1:06:00 expect answer 1001 q8 none\n"
    "1:06:00 expect node B role primary epoch 2 solo\n"
    "1:06:00 expect batch B1 state suspended";

/* Every statement of the form is read, into what it says. */
static void test_drill_read__takes_every_statement(void **state)
{
    struct errors e;
    struct drill *d = NULL;
    (void)state;
    assert_int_equal(read_text(every_statement, &e, &d), EXAM_OK);
    assert_int_equal(e.n, 0);
    assert_int_equal(d->nodes_n, 2);
    assert_true(d->solo_after_ms == 5000);
    assert_int_equal(d->seats_n, 120);
    assert_string_equal(d->seats[0], "R1-01");
    assert_string_equal(d->seats[119], "R1-120");
    assert_true(d->batches[0].personal && !d->batches[1].personal);
    assert_true(d->batches[0].allot_ms == 3600000 && d->batches[0].grace_ms == 20000);
    assert_true(d->batches[0].heartbeat_ms == 2000 && d->batches[1].heartbeat_ms == 1000);
    assert_true(d->sittings[0].extra_ms == 900000);
    assert_int_equal(d->sittings[1].seat, 99);
    assert_int_equal(d->lines_n, 33);

    const struct drill_line *l = d->lines;
    assert_int_equal(l[2].verb, DRILL_ANSWER);
    assert_true(l[2].at_ms == 300250);
    assert_string_equal(l[2].item, "q7");
    assert_string_equal(l[2].value, "B");
    assert_int_equal(l[2].line, 12);
    assert_int_equal(l[10].scope.kind, DRILL_SEAT);
    assert_int_equal(l[10].node, 0);
    assert_int_equal(l[11].scope.kind, DRILL_ROOM);
    assert_int_equal(l[11].node, DRILL_ALL);
    assert_int_equal(l[12].scope.kind, DRILL_SITE);
    assert_int_equal(l[13].scope.kind, DRILL_NODE);
    assert_int_equal(l[13].node, 1);
    assert_true(l[15].must_be_refused && !l[15].attest);
    assert_string_equal(l[15].text, "! promote B");
    assert_true(!l[16].must_be_refused && l[16].attest);
    assert_string_equal(l[17].why, "power is gone");
    assert_string_equal(l[18].why, "");
    assert_int_equal(l[18].scope.kind, DRILL_BATCH);
    assert_true(l[19].by_ms == -120000);
    assert_int_equal(l[20].seat, 3);
    assert_true(l[24].by_ms == -3600000);
    assert_string_equal(l[25].why, "phone on desk");

    const struct drill_expected *x = &l[28].expected;
    assert_true(x->has_used && x->used_ms == 360000 && x->has_left && x->has_lost);
    assert_string_equal(x->state, "paused");
    assert_string_equal(x->finish, "closed");
    assert_true(l[29].expected.late && l[30].expected.no_answer);
    assert_true(l[31].expected.solo && l[31].expected.epoch == 2);
    drill_free(d);
}

struct bad {
    const char *text, *error;
};

static const struct bad cases[] = {
    {"", "d:0: a drill needs its nodes"},
    {SITE, "d:0: nothing happens"},
    {"nodes A\nbatch B1 allot 1:00\n0:00 start B1", "d:2: nobody sits this batch"},
    {"nodes\n", "d:1: a node's name is missing"},
    {"nodes A/B\n", "d:1: 'A/B' cannot be a node's name"},
    {"nodes A\nnodes B\n", "d:2: a second line of nodes"},
    {"nodes A B C D E F G H I\n", "d:1: more than 8 nodes"},
    {"nodes A A\n0:00 start B1\n", "d:1: 'A' is a node's name already"},
    {"server A\n", "d:1: 'server' is neither an instant nor one of nodes"},
    {"option\n", "d:1: an option is missing"},
    {"option fast yes\n", "d:1: 'fast' is no option"},
    {"option solo-after\n", "d:1: duration is missing"},
    {"option solo-after soon\n", "d:1: 'soon' is no duration"},
    {"option solo-after 5\n", "d:1: '5' is no duration"},
    {"option solo-after 0:5\n", "d:1: '0:5' is no duration"},
    {"option solo-after 0:60\n", "d:1: '0:60' is no duration"},
    {"option solo-after 0:05.1234\n", "d:1: '0:05.1234' is no duration"},
    {"option solo-after 1:60:00\n", "d:1: '1:60:00' is no duration"},
    {"option solo-after 99999999999:00\n", "is no duration"},
    {"option solo-after -0:05\n", "d:1: duration cannot be negative"},
    {"option solo-after 0:00\n", "d:1: solo-after is at least 0:00.001"},
    {"option solo-after 0:05 0:06\n", "d:1: '0:06' is too much here"},
    {"batch\n", "d:1: a batch's name is missing"},
    {"batch B1\n", "d:1: a batch needs its allot"},
    {"batch B1 allot 0:00\n", "d:1: a batch needs its allot"},
    {"batch B1 allot 25:00:00\n", "d:1: a batch needs its allot"},
    {"batch B1 minutes 60\n", "d:1: 'minutes' is not one of allot, timing"},
    {"batch B1 allot 60:00 timing loose\n", "d:1: timing is common or personal"},
    {"batch B1 allot 60:00 grace 0:01\n", "d:1: grace is at least two heartbeats"},
    {"batch B1 allot 60:00 grace 1:00:01\n", "d:1: grace is at least two heartbeats"},
    {"batch B1 allot 60:00 heartbeat 0:00.010\n", "d:1: a heartbeat is from"},
    {"batch B1 allot 60:00 heartbeat 1:01\n", "d:1: a heartbeat is from"},
    {"room R1\n", "d:1: `seats` and their number are missing"},
    {"room R1 seats\n", "d:1: number of seats is missing"},
    {"room R1 seats four\n", "d:1: 'four' is no number of seats"},
    {"room R1 seats 0\n", "d:1: '0' is no number of seats"},
    {"room R1 seats 1000\n", "d:1: '1000' is no number of seats"},
    {"room R1 seats -1\n", "d:1: '-1' is no number of seats"},
    {"room R2345678901234567890123456789012 seats 1\n", "names would be too long"},
    {"room R1 seats 2\nroom R1 seats 2\n0:00 start B1\n", "d:2: 'R1' is a room's name already"},
    {"room R1 seats 2\nroom R1-02 seats 1\n0:00 start B1\n", "'R1-02' is a "},
    {"room site seats 2\n0:00 start B1\n", "d:1: 'site' is a site's name already"},
    {"sitting 1001\n", "d:1: a sitting needs its batch and its seat"},
    {"sitting 1001 batch B1 seat\n", "d:1: a seat is missing"},
    {"sitting 1001 batch B1 chair R1-01\n", "d:1: 'chair' is not one of batch, seat, extra"},
    {"sitting 1001 batch B1 seat R1-01 extra 24:00:01\n", "d:1: extra is at most 24 hours"},
    {SITE "sitting 1001 batch B1 seat R1-02\n0:00 start B1\n", "d:5: '1001' is a sitting's"},
    {SITE "sitting 1002 batch B9 seat R1-02\n0:00 start B1\n", "d:5: there is no batch 'B9'"},
    {SITE "sitting 1002 batch B1 seat R9-02\n0:00 start B1\n", "d:5: there is no seat 'R9-02'"},
    {SITE "sitting 1002 batch R1 seat R1-02\n0:00 start B1\n", "d:5: there is no batch 'R1'"},
    {SITE "sitting 1002 batch B1 seat R1-01\n0:00 start B1\n",
     "d:5: seat R1-01 is given to sitting 1001 already"},
    {SITE "0:00\n", "d:5: a statement is missing behind the instant"},
    {SITE "0:00 !\n", "d:5: a statement is missing"},
    {SITE "12 start B1\n", "d:5: '12' is no instant"},
    {SITE "0:01 start B1\n0:00 sign-in 1001\n", "d:6: instants go on, never back"},
    {SITE "0:00 start B1\nroom R2 seats 1\n", "d:6: `room` describes the site"},
    {SITE "0:00 fly B1\n", "d:5: 'fly' is no statement"},
    {SITE "0:00 ! node-dies A\n", "d:5: nobody can refuse 'node-dies'"},
    {SITE "0:00 ! expect node A role primary\n", "d:5: nobody can refuse 'expect'"},
    {SITE "0:00 start\n", "d:5: a batch is missing"},
    {SITE "0:00 start B2\n", "d:5: nothing is named 'B2' in this drill: a batch is wanted"},
    {SITE "0:00 start R1\n", "d:5: 'R1' is a room: a batch is wanted"},
    {SITE "0:00 start B1 now\n", "d:5: 'now' is too much here"},
    {SITE "0:00 sign-in R1-01\n", "d:5: 'R1-01' is a seat: a sitting's admission number"},
    {SITE "0:00 answer 1001\n", "d:5: an item is missing"},
    {SITE "0:00 answer 1001 q1\n", "d:5: the answer's value is missing"},
    {SITE "0:00 answer 1001 q/1 A\n", "d:5: 'q/1' cannot be an item"},
    {SITE "0:00 seat-dies A\n", "d:5: 'A' is a node: a seat is wanted"},
    {SITE "0:00 node-dies R1\n", "d:5: 'R1' is a room: a node is wanted"},
    {SITE "0:00 cut B1 A\n", "d:5: 'B1' is a batch: `site`, a room, a seat or a node"},
    {SITE "0:00 cut R1 R1-01\n", "d:5: 'R1-01' is a seat: a node is wanted"},
    {SITE "0:00 cut A A\n", "d:5: a node has no path to itself"},
    {SITE "0:00 promote B really\n", "d:5: 'really' is too much here"},
    {SITE "0:00 pause A\n", "d:5: 'A' is a node: `site`, a batch, a room or a seat"},
    {SITE "0:00 grant 1001 two minutes\n", "d:5: 'two' is no duration"},
    {SITE "0:00 grant 1001 2:00\n", "d:5: the reason of the grant (T9) is missing"},
    {SITE "0:00 grant site 2:00 why\n", "d:5: 'site' is a site: a sitting, a room or a batch"},
    {SITE "0:00 move 1001\n", "d:5: the seat to move to is missing"},
    {SITE "0:00 violation 1001\n", "d:5: what was seen is missing"},
    {SITE "0:00 date A yesterday\n", "d:5: 'yesterday' is no duration"},
    {SITE "0:00 expect\n", "d:5: sitting, answer, node or batch is missing"},
    {SITE "0:00 expect rain\n", "d:5: 'rain' cannot be expected"},
    {SITE "0:00 expect sitting 1001\n", "d:5: what is expected of the sitting?"},
    {SITE "0:00 expect sitting 1001 used\n", "d:5: duration is missing"},
    {SITE "0:00 expect sitting 1001 spent 1:00\n", "d:5: 'spent' is not one of used"},
    {SITE "0:00 expect sitting 1001 state asleep\n", "d:5: 'asleep' is no state of a sitting"},
    {SITE "0:00 expect sitting 1001 finish soon\n", "d:5: 'soon' is no finish of a sitting"},
    {SITE "0:00 expect answer 1001 q1\n", "d:5: the value, or `none`, is missing"},
    {SITE "0:00 expect answer 1001 q1 none late\n", "d:5: 'late' is too much here"},
    {SITE "0:00 expect node A\n", "d:5: what is expected of the node?"},
    {SITE "0:00 expect node A role boss\n", "d:5: 'boss' is no role of a node"},
    {SITE "0:00 expect node A epoch 0\n", "d:5: '0' is no epoch"},
    {SITE "0:00 expect node A alone\n", "d:5: 'alone' is not one of role, epoch, solo"},
    {SITE "0:00 expect batch B1\n", "d:5: what is expected of the batch? state"},
    {SITE "0:00 expect batch B1 state gone\n", "d:5: 'gone' is no state of a batch"},
    {"nodes A\x01\n", "d:1: this is no text"},
    {"nodes \xff\xfe\n", "d:1: this is no text"},
};

/* Every error is told with its line and with what is wrong. */
static void test_drill_read__tells_every_error_with_its_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct errors e;
        struct drill *d = NULL;
        assert_int_equal(read_text(cases[i].text, &e, &d), EXAM_INVALID);
        assert_null(d);
        if (!strstr(e.text, cases[i].error))
            fail_msg("of\n%s\nwas expected\n%s\nand told\n%s", cases[i].text, cases[i].error,
                     e.text);
    }
}

/* One error does not hide the next; after twenty the reading gives up. */
static void test_drill_read__tells_all_errors_up_to_a_bound(void **state)
{
    char text[4096] = SITE;
    struct errors e;
    struct drill *d = NULL;
    (void)state;
    assert_int_equal(read_text(SITE "0:00 fly\n0:00 start B1\n0:01 crawl\n", &e, &d), EXAM_INVALID);
    assert_int_equal(e.n, 2);
    assert_non_null(strstr(e.text, "d:5: "));
    assert_non_null(strstr(e.text, "d:7: "));
    for (int i = 0; i < 100; i++)
        strcat(text, "0:00 fly\n");
    assert_int_equal(read_text(text, &e, &d), EXAM_INVALID);
    assert_int_equal(e.n, DRILL_ERRORS_MAX);
}

/* Lines and words that are too long or too many are refused, whatever they say. */
static void test_drill_read__bounds_lines_and_words(void **state)
{
    char text[4 * DRILL_LINE_BYTES_MAX];
    struct errors e;
    struct drill *d = NULL;
    (void)state;
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_int_equal(read_text(text, &e, &d), EXAM_INVALID);
    assert_non_null(strstr(e.text, "d:1: a line of more than 1024 bytes"));
    for (size_t i = 0; i < DRILL_LINE_BYTES_MAX; i++)
        text[i] = i % 2 ? ' ' : 'x';
    text[DRILL_LINE_BYTES_MAX] = '\0';
    assert_int_equal(read_text(text, &e, &d), EXAM_INVALID);
    assert_non_null(strstr(e.text, "d:1: more than 128 words"));
}

/* A site larger than a drill may have is refused before it takes memory. */
static void test_drill_read__bounds_the_site(void **state)
{
    char text[1024] = "nodes A\n", line[64];
    struct errors e;
    struct drill *d = NULL;
    (void)state;
    for (int i = 0; i < 13; i++) {
        snprintf(line, sizeof line, "room R%d seats 999\n", i);
        strcat(text, line);
    }
    assert_int_equal(read_text(text, &e, &d), EXAM_INVALID);
    assert_non_null(strstr(e.text, "d:14: more than 12000 seats in all"));
}

/* Bytes that nobody wrote: they are refused or read, and nothing else happens (run it under the
 * sanitizers). */
static void test_drill_read__survives_any_bytes(void **state)
{
    static const char good[] = SITE "0:00 start B1\n0:00 sign-in 1001\n"
                                    "5:00 answer 1001 q1 B\n6:00 grant 1001 -2:00 why not\n"
                                    "7:00 expect sitting 1001 used 7:00 state answering\n";
    const char *from_environment = getenv("EXAM_TEST_SEED");
    unsigned seed = from_environment ? (unsigned)strtoul(from_environment, NULL, 10) : 20260110;
    uint32_t read_n = 0;
    (void)state;
    print_message("EXAM_TEST_SEED=%u\n", seed);
    srand(seed);
    for (int round = 0; round < 20000; round++) {
        char text[sizeof good];
        struct errors e = {.n = 0};
        struct drill *d = NULL;
        size_t n = sizeof good - 1;
        memcpy(text, good, sizeof good);
        for (int i = rand() % 6; i > 0; i--)
            text[(size_t)rand() % n] = (char)(rand() % 3 ? good[(size_t)rand() % n] : rand());
        exam_err err = drill_read("d", text, (size_t)rand() % (n + 1), take_error, &e, &d);
        assert_true(err == EXAM_OK || err == EXAM_INVALID);
        assert_int_equal(err == EXAM_OK, e.n == 0);
        read_n += err == EXAM_OK;
        drill_free(d);
    }
    assert_true(read_n > 0); /* else nothing was tried behind the first line */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drill_read__takes_every_statement),
        cmocka_unit_test(test_drill_read__tells_every_error_with_its_line),
        cmocka_unit_test(test_drill_read__tells_all_errors_up_to_a_bound),
        cmocka_unit_test(test_drill_read__bounds_lines_and_words),
        cmocka_unit_test(test_drill_read__bounds_the_site),
        cmocka_unit_test(test_drill_read__survives_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
