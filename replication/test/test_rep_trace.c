/* One site's day as the cores tell it: whoever changes the protocol reads here what changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "cluster.h"

enum { A, B };

static void assert_trace(struct cluster *c, const char *expected)
{
    const char *got = cluster_trace(c);
    if (strcmp(got, expected))
        fail_msg("expected:\n%s\ngot:\n%s", expected, got);
}

/* Founding, a standby that joins, records that stream, a loss, going alone, catching up, a
 * switchover, the death of the new primary, an attested promotion and the return of the dead one
 * with a tail. */
static void test_rep_trace__a_day(void **state)
{
    (void)state;
    struct cluster *c = cluster_new(2, NULL);
    cluster_trace(c);
    cluster_found(c, A);
    cluster_run(c, 10);
    assert_trace(c, "[    0] A begins epoch 1, founded, solo\n"
                    "[    0] A replies ok: A serves, epoch 1\n"
                    "[    0] A releases up to 2, solo\n"
                    "[    0] A is primary\n"
                    "[    0] A -> B: Hello primary epoch 1 last 2\n"
                    "[    0] B -> A: Hello empty epoch 0 last 0\n"
                    "[    0] B -> A: Join epoch 1 common 0\n"
                    "[    0] A -> B: records 1-2\n"
                    "[    0] B is standby\n"
                    "[    0] B -> A: Appended 2\n"
                    "[    0] A logs that B is in sync\n"
                    "[    0] A -> B: records 3-3\n"
                    "[    0] B -> A: Appended 3\n"
                    "[    0] A releases up to 3, dual\n");

    cluster_write(c, A, 3);
    cluster_run(c, 10);
    assert_trace(c, "[   10] A -> B: records 4-6\n"
                    "[   10] B -> A: Appended 6\n"
                    "[   10] A releases up to 6, dual\n");

    cluster_kill(c, B);
    cluster_run(c, 2100);
    assert_trace(c, "[   20] B dies\n"
                    "[ 2020] A logs that B is lost: goes on alone\n"
                    "[ 2020] A releases up to 7, solo\n");

    cluster_write(c, A, 2);
    cluster_boot(c, B);
    cluster_run(c, 10);
    assert_trace(c, "[ 2120] A releases up to 9, solo\n"
                    "[ 2120] B is standby\n"
                    "[ 2120] A -> B: Hello primary epoch 1 last 9\n"
                    "[ 2120] B -> A: Hello standby epoch 1 last 6\n"
                    "[ 2120] B -> A: Join epoch 1 common 6\n"
                    "[ 2120] A -> B: records 7-9\n"
                    "[ 2120] B -> A: Appended 9\n"
                    "[ 2120] A logs that B is in sync\n"
                    "[ 2120] A -> B: records 10-10\n"
                    "[ 2120] B -> A: Appended 10\n"
                    "[ 2120] A releases up to 10, dual\n");

    cluster_promote(c, B, false);
    cluster_run(c, 10);
    assert_trace(c, "[ 2130] B -> A: HandOverRequest\n"
                    "[ 2130] A -> B: HandOver at 10\n"
                    "[ 2130] A steps down, epoch 1 is known\n"
                    "[ 2130] A -> B: Hello fenced epoch 1 last 10\n"
                    "[ 2130] A is fenced\n"
                    "[ 2130] B begins epoch 2, switchover\n"
                    "[ 2130] B replies ok: B serves, epoch 2\n"
                    "[ 2130] B -> A: Hello primary epoch 2 last 11\n"
                    "[ 2130] B is primary\n"
                    "[ 2130] A -> B: Join epoch 2 common 10\n"
                    "[ 2130] B -> A: records 11-11\n"
                    "[ 2130] A is standby\n"
                    "[ 2130] A -> B: Appended 11\n"
                    "[ 2130] B logs that A is in sync\n"
                    "[ 2130] B releases up to 11, dual\n"
                    "[ 2130] B -> A: records 12-12\n"
                    "[ 2130] A -> B: Appended 12\n"
                    "[ 2130] B releases up to 12, dual\n");

    cluster_cut(c, A, B);
    cluster_run(c, 3600);
    assert_trace(c, "[ 3630] A closes its link to B: nothing heard of B for 1500 ms\n"
                    "[ 3630] B closes its link to A: nothing heard of A for 1500 ms\n"
                    "[ 5630] B logs that A is lost: goes on alone\n"
                    "[ 5630] B releases up to 13, solo\n");

    cluster_write(c, B, 1);
    cluster_kill(c, B);
    cluster_promote(c, A, false);
    cluster_promote(c, A, true);
    cluster_heal(c, A, B);
    cluster_boot(c, B);
    cluster_run(c, 10);
    assert_trace(c, "[ 5740] B releases up to 14, solo\n"
                    "[ 5740] B dies\n"
                    "[ 5740] A replies attest: B, the primary, has been out of contact for 3.610 s "
                    "and may be serving: make sure that it is off, then attest it\n"
                    "[ 5740] A begins epoch 3, attested, solo\n"
                    "[ 5740] A replies ok: A serves, epoch 3\n"
                    "[ 5740] A releases up to 13, solo\n"
                    "[ 5740] A is primary\n"
                    "[ 5740] B is standby\n"
                    "[ 5740] A -> B: Hello primary epoch 3 last 13\n"
                    "[ 5740] B -> A: Hello standby epoch 2 last 14\n"
                    "[ 5740] B cuts off records 13-14\n"
                    "[ 5740] B -> A: Join epoch 3 common 12\n"
                    "[ 5740] A -> B: records 13-13\n"
                    "[ 5740] B -> A: Appended 13\n"
                    "[ 5740] A logs that B is in sync\n"
                    "[ 5740] A -> B: records 14-14\n"
                    "[ 5740] B -> A: Appended 14\n"
                    "[ 5740] A releases up to 14, dual\n");

    assert_null(cluster_broken(c));
    assert_true(cluster_logs_equal(c, A, B));
    cluster_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rep_trace__a_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
