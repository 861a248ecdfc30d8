#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "answer.h"
#include "deadlines.h"
#include "site.h"

static void put(struct answers *s, uint32_t place, uint64_t epoch, uint64_t lsn, uint64_t seq,
                const char *value)
{
    struct answer_version v = {epoch, lsn, seq};

    answers_put(s, &site_memory, place, &v, (const uint8_t *)value, strlen(value), seq, false);
}

static void expect(const struct answers *s, uint32_t place, const char *value)
{
    assert_int_equal(s->slots[place].value_bytes, strlen(value));
    assert_memory_equal(answer_value(&s->slots[place]), value, strlen(value));
}

/* The attachment orders first, by its epoch and its place in the log, then the session's count. */
static void test_a3__later_attachment_wins_over_higher_seq(void **state)
{
    struct answers s = {0};

    (void)state;
    put(&s, 0, 1, 500, 9, "A");
    put(&s, 0, 2, 100, 1, "B"); /* a later epoch */
    expect(&s, 0, "B");
    put(&s, 0, 1, 900, 50, "C"); /* recovered from before it */
    expect(&s, 0, "B");
    put(&s, 0, 2, 101, 1, "D");
    put(&s, 0, 2, 100, 7, "E");
    expect(&s, 0, "D");
    put(&s, 0, 2, 101, 2, "F");
    expect(&s, 0, "F");
    assert_int_equal(s.given, 1);
    answers_fini(&s, &site_memory);
}

/* An answer taken back is a version like any other, but none that counts. */
static void test_a3__taken_back_answer_is_a_version(void **state)
{
    struct answers s = {0};

    (void)state;
    put(&s, 2, 1, 10, 1, "A");
    put(&s, 2, 1, 10, 3, "");
    put(&s, 2, 1, 10, 2, "B"); /* older than the taking back */
    expect(&s, 2, "");
    assert_int_equal(s.given, 0);
    put(&s, 2, 1, 10, 4, "C");
    assert_int_equal(s.given, 1);
    answers_fini(&s, &site_memory);
}

/* Values short and long, in slots near and far, come back from their bytes as they were. */
static void test_answers__survive_their_bytes(void **state)
{
    struct answers s = {0}, copy = {0};
    struct items own = {0}, own_copy = {0};
    char longest[ANSWER_BYTES_MAX + 1];
    struct bytes_out out = {.m = &site_memory}, again = {.m = &site_memory};

    (void)state;
    memset(longest, 'x', ANSWER_BYTES_MAX);
    longest[ANSWER_BYTES_MAX] = '\0';
    for (int i = 0; i < 3; i++)
        items_add(&own, &site_memory, (const char *[]){"q1", "q2", "q3"}[i], "", 0);
    put(&s, 0, 1, 10, 1, "12345678");
    put(&s, 1, 1, 10, 2, longest);
    put(&s, 2, UINT64_MAX, UINT64_MAX, UINT64_MAX, "");
    answers_encode(&s, &own, &out);
    struct bytes_in in = {.at = out.at, .n = out.n};
    assert_int_equal(answers_decode(&in, &site_memory, 0, &own_copy, &copy), EXAM_OK);
    assert_string_equal(own_copy.at[2].id, "q3");
    expect(&copy, 1, longest);
    assert_int_equal(copy.given, 2);
    answers_encode(&copy, &own_copy, &again);
    assert_int_equal(out.n, again.n);
    assert_memory_equal(out.at, again.at, out.n);
    for (size_t n = 0; n < out.n; n++) { /* cut off anywhere: refused, or fewer answers */
        struct answers part = {0};
        struct items part_own = {0};
        in = (struct bytes_in){.at = out.at, .n = n};
        if (answers_decode(&in, &site_memory, 0, &part_own, &part) == EXAM_OK)
            assert_true(part.given < s.given || part.slots_n < 4 || !part.slots[2].set);
        answers_fini(&part, &site_memory);
        items_fini(&part_own, &site_memory);
    }
    answers_fini(&s, &site_memory);
    answers_fini(&copy, &site_memory);
    items_fini(&own, &site_memory);
    items_fini(&own_copy, &site_memory);
    bytes_out_fini(&out);
    bytes_out_fini(&again);
}

static uint64_t scan_first(const uint64_t *at_ms, size_t n)
{
    uint64_t first = UINT64_MAX;

    for (size_t i = 0; i < n; i++)
        if (at_ms[i] < first)
            first = at_ms[i];
    return first;
}

static void expect_heap(const struct deadlines *d)
{
    for (uint32_t i = 1; i < d->n; i++)
        assert_true(d->heap[i].at_ms >= d->heap[(i - 1) / 2].at_ms);
}

/* The heap's first is what a scan finds, after any changes, and it stays a heap. */
static void test_deadlines__first_is_what_a_scan_finds(void **state)
{
    enum { N = 50 };
    struct deadlines d = {0};
    uint64_t at_ms[N], random = 12345;

    (void)state;
    memset(at_ms, 0xff, sizeof at_ms);
    for (int i = 0; i < 20000; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        uint32_t who = (uint32_t)(random >> 33) % N;
        at_ms[who] = random >> 60 < 5 ? UINT64_MAX : random >> 40 & 255;
        deadlines_set(&d, &site_memory, who + 1, at_ms[who]);
        assert_int_equal(deadlines_first_ms(&d), scan_first(at_ms, N));
        assert_int_equal(deadlines_of(&d, who + 1), at_ms[who]);
        expect_heap(&d);
    }
    deadlines_clear(&d);
    assert_int_equal(deadlines_first_ms(&d), UINT64_MAX);
    deadlines_fini(&d, &site_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a3__later_attachment_wins_over_higher_seq),
        cmocka_unit_test(test_a3__taken_back_answer_is_a_version),
        cmocka_unit_test(test_answers__survive_their_bytes),
        cmocka_unit_test(test_deadlines__first_is_what_a_scan_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
