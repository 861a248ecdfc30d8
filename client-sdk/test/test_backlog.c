/* The ring of recent actions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "backlog.h"

static _Alignas(8) uint8_t ring[4096];
static uint8_t value_bytes[ANSWER_BYTES_MAX];

static struct seat_action action_of(uint64_t seq, size_t n, char item[16])
{
    snprintf(item, 16, "q%lu", (unsigned long)(seq % 1000));
    memset(value_bytes, (int)seq, n);
    return (struct seat_action){.seq = seq,
                                .used_ms = seq * 3,
                                .attachment_epoch = seq * 5,
                                .attachment_lsn = seq * 7,
                                .submit = seq % 13 == 0,
                                .item = item,
                                .value = value_bytes,
                                .value_bytes = n};
}

static void expect(struct backlog *b, enum backlog_walker who, uint64_t seq, size_t n)
{
    struct seat_action a;
    uint8_t *state;
    char item[16];
    assert_true(backlog_get(b, who, seq, &a, &state));
    struct seat_action want = action_of(seq, n, item);
    assert_int_equal(a.seq, seq);
    assert_int_equal(a.used_ms, want.used_ms);
    assert_int_equal(a.attachment_epoch, want.attachment_epoch);
    assert_int_equal(a.attachment_lsn, want.attachment_lsn);
    assert_int_equal(a.submit, want.submit);
    if (want.submit)
        return;
    assert_string_equal(a.item, item);
    assert_int_equal(a.value_bytes, n);
    assert_memory_equal(a.value, want.value, n);
}

/* Sizes from 0 to the largest, over many turns of the ring: what is there is right, and the newest
 * are there. */
static void test_backlog__keeps_the_newest(void **state)
{
    (void)state;
    struct backlog b;
    size_t sizes[5000];
    uint64_t chance = 99;
    backlog_init(&b, ring, sizeof(ring));
    for (uint64_t seq = 1; seq < 5000; seq++) {
        char item[16];
        chance = chance * 6364136223846793005u + 1442695040888963407u;
        sizes[seq] = (chance >> 40) % 4 ? (chance >> 33) % 30 : (chance >> 33) % 1025;
        struct seat_action a = action_of(seq, sizes[seq], item);
        backlog_push(&b, &a);
        assert_int_equal(b.last_seq, seq);
        assert_true(b.first_seq < seq || seq == 1); /* two of the largest always fit */
        for (uint64_t i = b.first_seq; i <= seq; i++)
            expect(&b, BACKLOG_SENDER, i, sizes[i]);
        expect(&b, BACKLOG_SETTLER, b.first_seq + (seq - b.first_seq) / 2,
               sizes[b.first_seq + (seq - b.first_seq) / 2]);
    }
}

/* What is not there is said not to be. */
static void test_backlog__knows_what_it_lacks(void **state)
{
    (void)state;
    struct backlog b;
    struct seat_action a;
    uint8_t *noted;
    char item[16];
    backlog_init(&b, ring, sizeof(ring));
    assert_false(backlog_get(&b, BACKLOG_ASKER, 1, &a, &noted));
    for (uint64_t seq = 1; seq <= 10; seq++) {
        a = action_of(seq, 1000, item);
        backlog_push(&b, &a);
    }
    assert_false(backlog_get(&b, BACKLOG_ASKER, 1, &a, &noted));
    assert_false(backlog_get(&b, BACKLOG_ASKER, 0, &a, &noted));
    assert_false(backlog_get(&b, BACKLOG_ASKER, 11, &a, &noted));
    backlog_clear(&b);
    assert_false(backlog_get(&b, BACKLOG_ASKER, 10, &a, &noted));
}

/* A number that does not follow begins anew. */
static void test_backlog__a_jump_empties_it(void **state)
{
    (void)state;
    struct backlog b;
    struct seat_action a;
    uint8_t *noted;
    char item[16];
    backlog_init(&b, ring, sizeof(ring));
    a = action_of(1, 5, item);
    backlog_push(&b, &a);
    a = action_of(9, 5, item);
    backlog_push(&b, &a);
    assert_false(backlog_get(&b, BACKLOG_ASKER, 1, &a, &noted));
    expect(&b, BACKLOG_ASKER, 9, 5);
}

/* The byte beside an action is the caller's, and 0 at first. */
static void test_backlog__keeps_the_callers_byte(void **state)
{
    (void)state;
    struct backlog b;
    struct seat_action a;
    uint8_t *noted;
    char item[16];
    backlog_init(&b, ring, sizeof(ring));
    for (uint64_t seq = 1; seq <= 8; seq++) {
        a = action_of(seq, 5, item);
        backlog_push(&b, &a);
    }
    assert_true(backlog_get(&b, BACKLOG_SETTLER, 5, &a, &noted));
    assert_int_equal(*noted, 0);
    *noted = 4;
    assert_true(backlog_get(&b, BACKLOG_ASKER, 5, &a, &noted));
    assert_int_equal(*noted, 4);
    assert_true(backlog_get(&b, BACKLOG_ASKER, 6, &a, &noted));
    assert_int_equal(*noted, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backlog__keeps_the_newest),
        cmocka_unit_test(test_backlog__knows_what_it_lacks),
        cmocka_unit_test(test_backlog__a_jump_empties_it),
        cmocka_unit_test(test_backlog__keeps_the_callers_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
