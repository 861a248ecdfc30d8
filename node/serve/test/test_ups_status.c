/* The words of a UPS, and what follows from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ups_status.h"

/* Only whole words count, LB on battery only, and FSD always. */
static void test_ups_state__reads_the_words_of_nut(void **state)
{
    static const struct {
        const char *status;
        enum ups_state is;
    } cases[] = {
        {"OL", UPS_MAINS},
        {"OL CHRG", UPS_MAINS},
        {"TRIM OL", UPS_MAINS},
        {"OL CHRG LB", UPS_MAINS},
        {"OB", UPS_BATTERY},
        {"OB DISCHRG", UPS_BATTERY},
        {"OB LB", UPS_BATTERY_LOW},
        {"LB DISCHRG OB", UPS_BATTERY_LOW},
        {"FSD OL", UPS_BATTERY_LOW},
        {"FSD OB LB", UPS_BATTERY_LOW},
        {"  OB  LB ", UPS_BATTERY_LOW},
        {"", UPS_UNKNOWN},
        {"WAIT", UPS_UNKNOWN},
        {"OFF", UPS_UNKNOWN},
        {"OBX", UPS_UNKNOWN},
        {"XOL", UPS_UNKNOWN},
        {"LB", UPS_UNKNOWN},
        {"ol", UPS_UNKNOWN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (ups_state_of(cases[i].status) != cases[i].is)
            fail_msg("'%s' was read as %d", cases[i].status, ups_state_of(cases[i].status));
}

/* Every pair of a known state and a reading: what it changes, and what is known afterwards. */
static void test_ups_changes__follow_from_each_step(void **state)
{
    enum { LOST = 1 << UPS_MAINS_LOST, BACK = 1 << UPS_MAINS_BACK, LOW = 1 << UPS_LOW };
    /* of: unknown, mains, battery, low */
    static const unsigned expected[4][4] = {
        [UPS_UNKNOWN] = {0, BACK, LOST, LOST | LOW},
        [UPS_MAINS] = {0, 0, LOST, LOST | LOW},
        [UPS_BATTERY] = {0, BACK, 0, LOW},
        [UPS_BATTERY_LOW] = {0, BACK, 0, 0},
    };
    (void)state;
    for (unsigned before = 0; before < 4; before++)
        for (unsigned now = 0; now < 4; now++) {
            enum ups_change changes[UPS_CHANGES_MAX];
            enum ups_state known = (enum ups_state)before;
            unsigned got = 0;
            size_t n = ups_changes(&known, (enum ups_state)now, changes);
            for (size_t i = 0; i < n; i++)
                got |= 1u << changes[i];
            if (got != expected[before][now])
                fail_msg("from %u to %u: changes %x, not %x", before, now, got,
                         expected[before][now]);
            assert_int_equal(known, now == UPS_UNKNOWN ? before : now);
        }
}

/* A battery that is low at once has lost the mains first. */
static void test_ups_changes__come_in_order(void **state)
{
    enum ups_change changes[UPS_CHANGES_MAX];
    enum ups_state known = UPS_MAINS;
    (void)state;
    assert_int_equal(ups_changes(&known, UPS_BATTERY_LOW, changes), 2);
    assert_int_equal(changes[0], UPS_MAINS_LOST);
    assert_int_equal(changes[1], UPS_LOW);
}

/* A UPS that could not be asked for a while has lost nothing when it says the same again. */
static void test_ups_changes__a_gap_changes_nothing(void **state)
{
    enum ups_change changes[UPS_CHANGES_MAX];
    enum ups_state known = UPS_BATTERY;
    (void)state;
    assert_int_equal(ups_changes(&known, UPS_UNKNOWN, changes), 0);
    assert_int_equal(ups_changes(&known, UPS_BATTERY, changes), 0);
    assert_int_equal(ups_changes(&known, UPS_MAINS, changes), 1);
    assert_int_equal(changes[0], UPS_MAINS_BACK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ups_state__reads_the_words_of_nut),
        cmocka_unit_test(test_ups_changes__follow_from_each_step),
        cmocka_unit_test(test_ups_changes__come_in_order),
        cmocka_unit_test(test_ups_changes__a_gap_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
