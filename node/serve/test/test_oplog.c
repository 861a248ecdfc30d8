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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oplog__writes_logfmt),
        cmocka_unit_test(test_oplog__escapes_hostile_values),
        cmocka_unit_test(test_oplog__filters_and_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
