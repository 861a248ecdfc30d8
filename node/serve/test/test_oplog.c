/* The operator's log: one line an event, whatever is in the values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "oplog.h"
#include "oplog_gate.h"

static int saved, pipe_fds[2];

static void capture(void)
{
    fflush(stderr);
    saved = dup(STDERR_FILENO);
    assert_int_equal(pipe(pipe_fds), 0);
    dup2(pipe_fds[1], STDERR_FILENO);
}

static const char *captured(void)
{
    static char text[8192];
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(pipe_fds[1]);
    ssize_t n = read(pipe_fds[0], text, sizeof text - 1);
    close(pipe_fds[0]);
    text[n > 0 ? n : 0] = 0;
    return text;
}

/* A line has time, level, event, node and its fields, quoted where they must be. */
static void test_oplog__writes_logfmt(void **state)
{
    (void)state;
    oplog_open("A", OPLOG_INFO);
    capture();
    oplog(OPLOG_INFO, "promoted", OPLOG_U("epoch", 2), OPLOG_S("who", "Li Wei"));
    const char *t = captured();
    assert_non_null(strstr(t, " level=info event=promoted node=A epoch=2 who=\"Li Wei\"\n"));
    assert_int_equal(strncmp(t, "ts=20", 5), 0);
}

/* A value with a line break or a quote cannot make a second line or a second field. */
static void test_oplog__escapes_hostile_values(void **state)
{
    (void)state;
    oplog_open("A", OPLOG_INFO);
    capture();
    oplog(OPLOG_WARN, "x", OPLOG_S("seat", "R1\nts=0 level=info event=forged \"q\" \\"));
    const char *t = captured();
    assert_int_equal(strchr(t, '\n') - t, (long)strlen(t) - 1);
    assert_non_null(strstr(t, "seat=\"R1\\x0ats=0 level=info event=forged \\\"q\\\" \\\\\""));
}

/* What is under the threshold is not written, and an over-long value is cut, not overrun. */
static void test_oplog__filters_and_bounds(void **state)
{
    static char big[6000];
    (void)state;
    memset(big, 'x', sizeof big - 1);
    oplog_open("A", OPLOG_WARN);
    capture();
    oplog(OPLOG_INFO, "quiet");
    oplog(OPLOG_WARN, "loud", OPLOG_S("v", big));
    const char *t = captured();
    assert_null(strstr(t, "quiet"));
    assert_true(strlen(t) <= 2048);
    assert_int_equal(t[strlen(t) - 1], '\n');
}

static int lines_of(const char *text, const char *event)
{
    int n = 0;
    for (const char *at = text; (at = strstr(at, event)); at++)
        n++;
    return n;
}

/* Of each kind so many lines a minute, and how many more there were; another kind has its own. */
static void test_oplog_gate__counts_what_it_leaves_out(void **state)
{
    static struct oplog_gate g;
    (void)state;
    oplog_open("A", OPLOG_INFO);
    capture();
    for (int i = 0; i < OPLOG_GATE_LINES + 1203; i++)
        oplog_gated(&g, 1000, OPLOG_WARN, "refused", "seat-listen", OPLOG_S("peer", "10.0.0.7"));
    oplog_gated(&g, 1000, OPLOG_WARN, "refused", "admin-listen");
    oplog_gate_sweep(&g, 1000 + OPLOG_GATE_MS - 1);
    const char *t = captured();
    assert_int_equal(lines_of(t, "event=refused "), OPLOG_GATE_LINES + 1);
    assert_null(strstr(t, "left-out"));
    capture();
    oplog_gate_sweep(&g, 1000 + OPLOG_GATE_MS);
    oplog_gated(&g, 1000 + OPLOG_GATE_MS, OPLOG_WARN, "refused", "seat-listen");
    t = captured();
    assert_non_null(strstr(t, "level=warn event=lines-left-out node=A of=refused about=seat-listen "
                              "n=1203 text=\"and 1,203 more of these within a minute\"\n"));
    assert_int_equal(lines_of(t, "event=refused "), 1);
    assert_int_equal(lines_of(t, "left-out"), 1);
}

/* More kinds than are told apart share one count: their number is no way around the bound. */
static void test_oplog_gate__bounds_the_kinds(void **state)
{
    static struct oplog_gate g;
    char about[16];
    (void)state;
    oplog_open("A", OPLOG_INFO);
    capture();
    for (int i = 0; i < 5000; i++) {
        snprintf(about, sizeof about, "R%04d", i);
        oplog_gated(&g, 1, OPLOG_WARN, "x", about);
    }
    assert_int_equal(lines_of(captured(), "event=x"), OPLOG_GATE_KINDS - 1 + OPLOG_GATE_LINES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oplog_gate__counts_what_it_leaves_out),
        cmocka_unit_test(test_oplog_gate__bounds_the_kinds),
        cmocka_unit_test(test_oplog__writes_logfmt),
        cmocka_unit_test(test_oplog__escapes_hostile_values),
        cmocka_unit_test(test_oplog__filters_and_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
