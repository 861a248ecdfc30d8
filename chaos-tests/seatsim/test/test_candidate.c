#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "candidate.h"

enum { ITEMS = 30, ACTIONS = 40, CANDIDATES = 400 };

static const char paper_json[] =
    "{\"format\":\"shunyan-paper-1\",\"id\":\"P\",\"subjects\":[{\"id\":\"s\",\"items\":["
    "{\"id\":\"q1\",\"kind\":\"single\",\"options\":{\"A\":\"a\",\"B\":\"b\"}},"
    "{\"id\":\"q2\",\"kind\":\"multiple\",\"options\":{\"A\":\"a\",\"B\":\"b\",\"C\":\"c\"}}]},"
    "{\"id\":\"t\",\"items\":[{\"id\":\"q3\",\"kind\":\"true-false\"}]}]}";

/* Items of all subjects are read in order, with their kinds and options. */
static void test_paper_items__reads_all_subjects(void **state)
{
    (void)state;
    struct paper_items p;
    assert_int_equal(paper_items_read((const uint8_t *)paper_json, sizeof paper_json - 1, &p),
                     EXAM_OK);
    assert_int_equal(p.n, 3);
    assert_string_equal(p.item[0].id, "q1");
    assert_int_equal(p.item[1].kind, ITEM_MULTIPLE);
    assert_int_equal(p.item[1].options, 3);
    assert_int_equal(p.item[2].kind, ITEM_TRUE_FALSE);
    paper_items_free(&p);
}

/* A paper that is cut off anywhere is refused. */
static void test_paper_items__cut_off(void **state)
{
    (void)state;
    struct paper_items p;
    for (size_t n = 0; n < sizeof paper_json - 1; n++)
        assert_int_equal(paper_items_read((const uint8_t *)paper_json, n, &p), EXAM_MALFORMED);
}

/* All candidates give exactly the answers asked for, on items of the paper, with allowed values;
 * all four tempers occur, some change answers and some leave gaps. */
static void test_candidate__plays_by_the_paper(void **state)
{
    (void)state;
    static struct item item[ITEMS];
    struct paper_items paper = {.item = item, .n = ITEMS};
    uint32_t tempers[TEMPERS] = {0}, changed = 0, gaps = 0;
    for (uint32_t i = 0; i < ITEMS; i++)
        item[i] = (struct item){.kind = (enum item_kind)(i % 3), .options = 4};
    for (uint64_t seed = 0; seed < CANDIDATES; seed++) {
        uint32_t given[ITEMS] = {0}, actions = 0;
        struct candidate c;
        struct candidate_action a;
        candidate_init(&c, seed, ITEMS, ACTIONS, 400);
        tempers[c.temper]++;
        while (candidate_next(&c, &paper, &a)) {
            actions++;
            assert_true(a.item < ITEMS);
            assert_true(candidate_think_ms(&c) <= 400 * 64);
            assert_true(strspn(a.value, item[a.item].kind == ITEM_TRUE_FALSE ? "TF" : "ABCD") ==
                        strlen(a.value));
            changed += given[a.item]++ > 0;
        }
        assert_int_equal(actions, ACTIONS);
        for (uint32_t i = 0; i < ITEMS; i++)
            gaps += given[i] == 0;
    }
    for (int t = 0; t < TEMPERS; t++)
        assert_true(tempers[t] > CANDIDATES / 8);
    assert_true(changed > 0);
    assert_true(gaps > 0);
}

/* The same seed gives the same sitting. */
static void test_candidate__is_repeatable(void **state)
{
    (void)state;
    static struct item item[ITEMS];
    struct paper_items paper = {.item = item, .n = ITEMS};
    for (uint32_t i = 0; i < ITEMS; i++)
        item[i] = (struct item){.kind = ITEM_SINGLE, .options = 4};
    struct candidate a, b;
    struct candidate_action x, y;
    candidate_init(&a, 7, ITEMS, ACTIONS, 400);
    candidate_init(&b, 7, ITEMS, ACTIONS, 400);
    while (candidate_next(&a, &paper, &x)) {
        assert_true(candidate_next(&b, &paper, &y));
        assert_int_equal(x.item, y.item);
        assert_string_equal(x.value, y.value);
        assert_int_equal(candidate_think_ms(&a), candidate_think_ms(&b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paper_items__reads_all_subjects),
        cmocka_unit_test(test_paper_items__cut_off),
        cmocka_unit_test(test_candidate__plays_by_the_paper),
        cmocka_unit_test(test_candidate__is_repeatable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
