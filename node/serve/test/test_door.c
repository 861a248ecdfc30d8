/* Addresses at a server's door: bounds, debts, and that what is remembered is bounded, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "door.h"

enum { PER_ADDRESS = 16 };

static struct door *door;

static int setup(void **state)
{
    const struct door_options o = {.per_address_max = PER_ADDRESS};
    (void)state;
    return door_new(&o, &door) ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    door_free(door);
    return 0;
}

static struct sockaddr_storage address_of(const char *text)
{
    struct sockaddr_storage a = {.ss_family = strchr(text, ':') ? AF_INET6 : AF_INET};
    struct sockaddr_in *in = (struct sockaddr_in *)&a;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a;
    void *to = a.ss_family == AF_INET ? (void *)&in->sin_addr : (void *)&in6->sin6_addr;
    assert_int_equal(inet_pton(a.ss_family, text, to), 1);
    return a;
}

static exam_err come(const char *from, uint64_t now_ms, struct door_address **out)
{
    struct sockaddr_storage a = address_of(from);
    const char *why = NULL;
    exam_err err = door_come(door, (const struct sockaddr *)&a, now_ms, out, &why);
    assert_true((err == EXAM_OK) == (why == NULL));
    return err;
}

static struct door_address *come_to_nothing(const char *from, uint64_t now_ms, int times)
{
    struct door_address *a = NULL;
    for (int i = 0; i < times; i++) {
        assert_int_equal(come(from, now_ms, &a), EXAM_OK);
        door_left(door, a, false, now_ms);
    }
    return a;
}

/* Connections of one address are bounded, this machine's own are not, and IPv6 counts by its /64.
 */
static void test_door__bounds_connections_of_one_address(void **state)
{
    struct door_address *a;
    (void)state;
    for (int i = 0; i < PER_ADDRESS; i++) {
        assert_int_equal(come("10.0.0.7", 1, &a), EXAM_OK);
        assert_int_equal(come(i % 2 ? "2001:db8::1" : "2001:db8::2", 1, &a), EXAM_OK);
    }
    assert_int_equal(come("10.0.0.7", 1, &a), EXAM_FULL);
    assert_int_equal(come("::ffff:10.0.0.7", 1, &a), EXAM_FULL);
    assert_int_equal(come("2001:db8::3", 1, &a), EXAM_FULL);
    assert_int_equal(come("2001:db8:0:1::3", 1, &a), EXAM_OK);
    assert_int_equal(come("10.0.0.8", 1, &a), EXAM_OK);
    for (int i = 0; i < 4 * PER_ADDRESS; i++)
        assert_int_equal(come(i % 2 ? "127.0.0.1" : "::1", 1, &a), EXAM_OK);
}

/* Eight failures in a row are forgiven; more make a debt, which time pays. */
static void test_door__strangers_who_come_to_nothing_make_a_debt(void **state)
{
    struct door_address *a;
    (void)state;
    come_to_nothing("10.0.0.7", 1000, 8);
    assert_int_equal(come("10.0.0.7", 1000, &a), EXAM_OK);
    assert_false(door_is_in_debt(a, 1000));
    door_left(door, a, false, 1000);
    assert_int_equal(come("10.0.0.7", 1000, &a), EXAM_OK);
    assert_true(door_is_in_debt(a, 1000));
    assert_false(door_is_in_debt(a, 1000 + DOOR_FAILED_MS));
    for (int i = 1; i < DOOR_DEBTOR_STRANGERS; i++)
        assert_int_equal(come("10.0.0.7", 1000, &a), EXAM_OK);
    assert_int_equal(come("10.0.0.7", 1000, &a), EXAM_FULL);
    assert_int_equal(come("10.0.0.8", 1000, &a), EXAM_OK);
    assert_false(door_is_in_debt(a, 1000));
}

/* However much it has failed, an address is out of debt a minute after the last time. */
static void test_door__no_debt_lasts_for_ever(void **state)
{
    struct door_address *a;
    (void)state;
    for (uint64_t t = 1; t < 100; t++)
        come_to_nothing("10.0.0.7", t, 1);
    assert_int_equal(come("10.0.0.7", 100, &a), EXAM_OK);
    assert_true(door_is_in_debt(a, 100));
    assert_false(door_is_in_debt(a, 100 + DOOR_DEBT_MS_MAX - DOOR_DEBT_MS));
}

/* Who is let in again and again, several times a second, waits behind the others in the end. A room
 * whose seats all come back at once does not. */
static void test_door__coming_and_going_costs_a_little(void **state)
{
    struct door_address *a = NULL;
    int times = 0;
    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(come("10.0.0.7", 5, &a), EXAM_OK);
        door_known(a, 5);
        door_left(door, a, true, 5);
    }
    assert_int_equal(come("10.0.0.7", 5, &a), EXAM_OK);
    assert_false(door_is_in_debt(a, 5));
    for (; !door_is_in_debt(a, 5) && times < 1000; times++) {
        door_known(a, 5);
        door_left(door, a, true, 5);
        assert_int_equal(come("10.0.0.7", 5, &a), EXAM_OK);
    }
    assert_in_range(times, 100, 300);
    come_to_nothing("127.0.0.1", 5, 100);
    assert_int_equal(come("127.0.0.1", 5, &a), EXAM_OK);
    assert_false(door_is_in_debt(a, 5));
}

/* What is remembered of addresses without connections has a bound, and an end. */
static void test_door__remembers_a_bounded_number(void **state)
{
    char text[INET_ADDRSTRLEN];
    (void)state;
    for (unsigned i = 0; i < DOOR_IDLE_MAX + 500; i++) {
        snprintf(text, sizeof text, "10.1.%u.%u", i / 256, i % 256);
        come_to_nothing(text, 7, 1);
    }
    assert_int_equal(door_addresses(door), DOOR_IDLE_MAX);
    door_sweep(door, 7 + DOOR_FAILED_MS);
    assert_int_equal(door_addresses(door), 0);
    come_to_nothing("10.0.0.7", 7, 1);
    assert_int_equal(door_addresses(door), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_door__bounds_connections_of_one_address, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_door__strangers_who_come_to_nothing_make_a_debt, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_door__no_debt_lasts_for_ever, setup, teardown),
        cmocka_unit_test_setup_teardown(test_door__coming_and_going_costs_a_little, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_door__remembers_a_bounded_number, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
