#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "agenda.h"

enum { MAX = 37, STEPS = 20000 };

/* An agenda of which nothing was said has nobody due, whatever the time. */
static void test_agenda__begins_with_nobody_due(void **state)
{
    struct agenda a;
    uint32_t who;
    (void)state;
    assert_int_equal(agenda_init(&a, 3), EXAM_OK);
    assert_true(agenda_first_ms(&a) == UINT64_MAX);
    assert_false(agenda_due(&a, UINT64_MAX - 1, &who));
    agenda_fini(&a);
}

/* Of two that are due at one time the lower number comes first, whoever was set first. */
static void test_agenda__ties_go_by_number(void **state)
{
    struct agenda a;
    uint32_t who;
    (void)state;
    assert_int_equal(agenda_init(&a, 4), EXAM_OK);
    agenda_set(&a, 3, 50);
    agenda_set(&a, 1, 50);
    agenda_set(&a, 2, 60);
    assert_false(agenda_due(&a, 49, &who));
    assert_true(agenda_due(&a, 50, &who));
    assert_int_equal(who, 1);
    agenda_set(&a, 1, 100);
    assert_true(agenda_due(&a, 50, &who));
    assert_int_equal(who, 3);
    agenda_set(&a, 3, UINT64_MAX);
    assert_true(agenda_first_ms(&a) == 60);
    agenda_fini(&a);
}

/* Whatever times are set, the first one is the one that a search through all of them finds. */
static void test_agenda__agrees_with_a_search(void **state)
{
    struct agenda a;
    uint64_t at_ms[MAX];
    uint32_t who;
    (void)state;
    assert_int_equal(agenda_init(&a, MAX), EXAM_OK);
    for (uint32_t i = 0; i < MAX; i++)
        at_ms[i] = UINT64_MAX;
    srand(7);
    for (uint32_t step = 0; step < STEPS; step++) {
        uint32_t number = (uint32_t)rand() % MAX, best = 0;
        at_ms[number] = rand() % 5 ? (uint64_t)(rand() % 100) : UINT64_MAX;
        agenda_set(&a, number, at_ms[number]);
        for (uint32_t i = 1; i < MAX; i++)
            if (at_ms[i] < at_ms[best])
                best = i;
        assert_true(agenda_first_ms(&a) == at_ms[best]);
        if (at_ms[best] == UINT64_MAX)
            continue;
        assert_true(agenda_due(&a, at_ms[best], &who));
        assert_int_equal(who, best);
    }
    agenda_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agenda__begins_with_nobody_due),
        cmocka_unit_test(test_agenda__ties_go_by_number),
        cmocka_unit_test(test_agenda__agrees_with_a_search),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
