#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hist.h"
#include "rng.h"

enum { SAMPLES = 20000 };
static const double quantiles[] = {0, 0.01, 0.5, 0.9, 0.99, 0.999, 0.9999, 1};

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void quantiles_compare(uint64_t *sample, size_t n)
{
    static struct hist h;
    hist_reset(&h);
    for (size_t i = 0; i < n; i++)
        hist_record(&h, sample[i]);
    qsort(sample, n, sizeof *sample, compare);
    assert_int_equal(h.count, n);
    assert_int_equal(h.value_max, sample[n - 1]);
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++) {
        uint64_t exact = sample[(size_t)((double)(n - 1) * quantiles[i])];
        uint64_t got = hist_quantile(&h, quantiles[i]);
        assert_true(got >= exact);
        assert_true(got - exact <= exact >> HIST_SUB_BITS);
    }
}

/* Small values are kept exactly. */
static void test_hist__small_values_are_exact(void **state)
{
    (void)state;
    static struct hist h;
    hist_reset(&h);
    for (uint64_t v = 0; v < 256; v++)
        hist_record(&h, v);
    for (uint64_t v = 0; v < 256; v++)
        assert_int_equal(hist_quantile(&h, (double)v / 255.0), v);
}

/* Every quantile of random samples over nine decades lies within one bucket above the exact one. */
static void test_hist__quantiles_match_a_sorted_array(void **state)
{
    (void)state;
    static uint64_t sample[SAMPLES];
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct rng r;
        rng_init(&r, seed);
        print_message("seed %lu\n", (unsigned long)seed);
        for (size_t i = 0; i < SAMPLES; i++)
            sample[i] = seed % 2 ? rng_exp(&r, 100000) : rng_next(&r) >> (25 + rng_below(&r, 30));
        quantiles_compare(sample, SAMPLES);
    }
}

/* Bucket borders: each power of two and its neighbours come back within the promised error. */
static void test_hist__borders_of_buckets(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < HIST_VALUE_BITS; bit++) {
        uint64_t at = UINT64_C(1) << bit;
        for (uint64_t v = at - 1; v <= at + 1 && v <= HIST_VALUE_MAX; v++) {
            uint64_t one[1] = {v};
            quantiles_compare(one, 1);
        }
    }
}

/* A value beyond the range is counted, and the maximum stays true. */
static void test_hist__value_beyond_the_range(void **state)
{
    (void)state;
    static struct hist h;
    hist_reset(&h);
    hist_record(&h, 5);
    hist_record(&h, UINT64_MAX);
    assert_int_equal(h.count, 2);
    assert_int_equal(hist_quantile(&h, 0), 5);
    assert_int_equal(hist_quantile(&h, 1), UINT64_MAX);
}

/* Nothing recorded: every quantile is 0. */
static void test_hist__empty(void **state)
{
    (void)state;
    static struct hist h;
    hist_reset(&h);
    assert_int_equal(hist_quantile(&h, 0.5), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hist__small_values_are_exact),
        cmocka_unit_test(test_hist__quantiles_match_a_sorted_array),
        cmocka_unit_test(test_hist__borders_of_buckets),
        cmocka_unit_test(test_hist__value_beyond_the_range),
        cmocka_unit_test(test_hist__empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
