/* Replies wait until what they promise is durable, and keep their order (D1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "reply_queue.h"

/* Nothing comes out before its LSN is released, everything up to it does, in order. */
static void test_reply_queue__releases_in_order(void **state)
{
    struct reply_queue q = {.ring = NULL};
    (void)state;
    for (uint64_t i = 0; i < 5000; i++) {
        struct reply in = {.lsn = 1 + i / 10, .kind = REPLY_ACK, .seq = i};
        reply_queue_push(&q, &in);
    }
    struct reply r;
    assert_false(reply_queue_take(&q, 0, &r));
    uint64_t next = 0;
    for (uint64_t lsn = 1; lsn <= 500; lsn++) {
        while (reply_queue_take(&q, lsn, &r)) {
            assert_int_equal(r.seq, next++);
            assert_true(r.lsn <= lsn);
            reply_fini(&r);
        }
        assert_int_equal(next, lsn * 10);
    }
    assert_int_equal(q.n, 0);
    reply_queue_fini(&q);
}

/* The ring wraps and grows while it is in use without mixing its entries. */
static void test_reply_queue__grows_while_in_use(void **state)
{
    struct reply_queue q = {.ring = NULL};
    uint64_t in = 0, out = 0;
    (void)state;
    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < 37; i++) {
            struct reply r = {.lsn = in, .kind = REPLY_FRAME, .seq = in};
            r.frame = malloc(8);
            in++;
            reply_queue_push(&q, &r);
        }
        for (int i = 0; i < 23; i++) {
            struct reply r;
            assert_true(reply_queue_take(&q, UINT64_MAX, &r));
            assert_int_equal(r.seq, out++);
            reply_fini(&r);
        }
    }
    assert_int_equal(q.n, in - out);
    reply_queue_fini(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reply_queue__releases_in_order),
        cmocka_unit_test(test_reply_queue__grows_while_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
