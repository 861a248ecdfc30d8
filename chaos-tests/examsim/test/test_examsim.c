#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "history.h"
#include "plan.h"
#include "shrink.h"

static struct plan plan;

/* A seed makes the same plan again, and another seed another one. */
static void test_plan__follows_from_its_seed(void **state)
{
    static struct plan again, other;
    (void)state;
    plan_make(7, &plan);
    plan_make(7, &again);
    plan_make(8, &other);
    assert_memory_equal(&plan, &again, sizeof plan);
    assert_memory_not_equal(plan.acts, other.acts, sizeof plan.acts);
}

static void hash_number(crypto_generichash_state *s, uint64_t number)
{
    uint8_t bytes[8];
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(number >> 8 * i);
    crypto_generichash_update(s, bytes, sizeof bytes);
}

static void hash_plan(crypto_generichash_state *s, const struct plan *p)
{
    const struct plan_site *t = &p->site;
    const uint64_t site[] = {t->nodes_n,  t->candidates_n, t->seats_n,       t->items_n,
                             t->allot_ms, t->grace_ms,     t->solo_after_ms, t->window_bytes,
                             t->personal, t->no_hints,     p->end_ms};
    for (size_t i = 0; i < sizeof site / sizeof *site; i++)
        hash_number(s, site[i]);
    for (uint32_t i = 0; i < p->acts_n; i++) {
        const struct act *a = &p->acts[i];
        const uint64_t act[] = {a->at_ms, a->kind, a->a, a->b, a->node, (uint64_t)a->x, a->family};
        for (size_t j = 0; j < sizeof act / sizeof *act; j++)
            hash_number(s, act[j]);
    }
}

/* A seed that somebody has written down means the same on every machine, by every compiler. Who
 * changes the plans on purpose puts the digest that this test prints in here, and knows that old
 * seeds are other histories from then on. */
static void test_plan__is_the_same_everywhere(void **state)
{
    static const char golden[] = "3055f6417fc3f94a5dfc857bd6063352";
    uint8_t digest[16];
    char text[2 * sizeof digest + 1];
    crypto_generichash_state s;
    (void)state;
    crypto_generichash_init(&s, NULL, 0, sizeof digest);
    for (uint64_t seed = 1; seed <= 500; seed++) {
        plan_make(seed, &plan);
        hash_plan(&s, &plan);
    }
    crypto_generichash_final(&s, digest, sizeof digest);
    sodium_bin2hex(text, sizeof text, digest, sizeof digest);
    assert_string_equal(text, golden);
}

/* Acts come in order, none after the end, each with names that exist. */
static void test_plan__is_in_order(void **state)
{
    char what[200];
    (void)state;
    for (uint64_t seed = 1; seed <= 500; seed++) {
        plan_make(seed, &plan);
        assert_in_range(plan.acts_n, 1, PLAN_ACTS_MAX);
        for (uint32_t i = 0; i < plan.acts_n; i++) {
            assert_true(plan.acts[i].at_ms <= plan.end_ms);
            assert_true(i == 0 || plan.acts[i - 1].at_ms <= plan.acts[i].at_ms);
            plan_act_text(&plan, &plan.acts[i], what, sizeof what);
            assert_true(what[0]);
        }
    }
}

static void test_plan__says_in_words_what_a_person_says(void **state)
{
    static const char *const said[] = {
        [PLAN_WORD_NONE] = "node B is to be promoted",
        [PLAN_WORD_ATTEST] = "node B is to be promoted, attested",
        [PLAN_WORD_FORCE] = "node B is to be promoted, attested, and forced if it must be"};
    char what[200];
    (void)state;
    for (int word = PLAN_WORD_NONE; word <= PLAN_WORD_FORCE; word++) {
        const struct act a = {.kind = ACT_PROMOTE, .a = 1, .x = word};
        plan_act_text(&plan, &a, what, sizeof what);
        assert_string_equal(what, said[word]);
    }
}

/* A family that is left out has no act any more. */
static void test_plan__leaves_families_out(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        plan_make(seed, &plan);
        plan_without(&plan, UINT64_MAX);
        for (uint32_t i = 0; i < plan.acts_n; i++)
            assert_int_equal(plan.acts[i].family, 0);
    }
}

/* The same seed gives the same history, whatever was played before it in the process. */
static void test_history__is_the_same_again(void **state)
{
    struct verdict_of_history first, other, again;
    (void)state;
    for (uint64_t seed = 20; seed < 30; seed++) {
        plan_make(seed, &plan);
        history_play(&plan, NULL, &first);
        plan_make(seed + 1000, &plan);
        history_play(&plan, NULL, &other);
        plan_make(seed, &plan);
        history_play(&plan, NULL, &again);
        assert_memory_equal(first.digest, again.digest, sizeof first.digest);
        assert_memory_not_equal(first.digest, other.digest, sizeof first.digest);
    }
}

/* What is broken stays broken when it is made short, and says the same rule; what has nothing to do
 * with it goes. Here a plan that nobody survives: its last act is none that exists. */
static void test_shrink__keeps_what_matters(void **state)
{
    static uint32_t kept[PLAN_ACTS_MAX];
    struct verdict_of_history v;
    (void)state;
    plan_make(3, &plan);
    uint32_t n = plan.acts_n;
    assert_true(n > 10);
    plan.acts[n / 2].kind = 0; /* there is no such act: the process ends */
    shrink_play(&plan, NULL, &v);
    assert_string_equal(v.violation.rule, "ends");
    shrink(&plan, kept, &v.violation, 60);
    assert_int_equal(plan.acts_n, 1);
    assert_int_equal(kept[0], n / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan__follows_from_its_seed),
        cmocka_unit_test(test_plan__is_the_same_everywhere),
        cmocka_unit_test(test_plan__is_in_order),
        cmocka_unit_test(test_plan__says_in_words_what_a_person_says),
        cmocka_unit_test(test_plan__leaves_families_out),
        cmocka_unit_test(test_history__is_the_same_again),
        cmocka_unit_test(test_shrink__keeps_what_matters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
