/* SPDX-License-Identifier: Apache-2.0 */
/* test_client_addresses.c - numeric addresses, and the order of being tried. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "addresses.h"

static struct plc_addresses all;

static int reset(void **state)
{
    (void)state;
    memset(&all, 0, sizeof all);
    return 0;
}

static void add(const char *text)
{
    assert_true(plc_addresses_add_text(&all, text, 80));
}

static void expect(size_t index, const char *wanted)
{
    char text[PLC_ADDRESS_TEXT];

    assert_true(index < all.count);
    plc_address_text(&all.at[index], text);
    assert_string_equal(text, wanted);
}

static void a_numeric_address_needs_no_one(void **state)
{
    (void)state;
    add("127.0.0.1");
    add("::1");
    expect(0, "127.0.0.1:80");
    expect(1, "[::1]:80");
}

static void a_name_is_no_numeric_address(void **state)
{
    static const char *const names[] = {
        "",      "localhost", "a.example",    "1.2.3.4.5",
        "[::1]", "::1]",      "127.0.0.1:80", "300.1.1.1"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_false(plc_addresses_add_text(&all, names[i], 80));
    assert_int_equal(all.count, 0);
}

static void the_families_take_turns_and_ipv6_is_first(void **state)
{
    (void)state;
    add("1.1.1.1");
    add("2.2.2.2");
    add("3.3.3.3");
    add("2001:db8::1");
    add("2001:db8::2");
    plc_addresses_interleave(&all);
    expect(0, "[2001:db8::1]:80");
    expect(1, "1.1.1.1:80");
    expect(2, "[2001:db8::2]:80");
    expect(3, "2.2.2.2:80");
    expect(4, "3.3.3.3:80");
}

static void one_family_keeps_its_order(void **state)
{
    (void)state;
    plc_addresses_interleave(&all);
    assert_int_equal(all.count, 0);
    add("1.1.1.1");
    add("2.2.2.2");
    plc_addresses_interleave(&all);
    expect(0, "1.1.1.1:80");
    expect(1, "2.2.2.2:80");
}

static void more_addresses_than_have_room_are_ignored(void **state)
{
    (void)state;
    for (int i = 0; i < PLC_ADDRESSES_MAX + 5; i++)
        plc_addresses_add_text(&all, "1.1.1.1", 80);
    assert_int_equal(all.count, PLC_ADDRESSES_MAX);
    plc_addresses_interleave(&all);
    assert_int_equal(all.count, PLC_ADDRESSES_MAX);
}

#define TEST(name) cmocka_unit_test_setup(name, reset)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_numeric_address_needs_no_one),
        TEST(a_name_is_no_numeric_address),
        TEST(the_families_take_turns_and_ipv6_is_first),
        TEST(one_family_keeps_its_order),
        TEST(more_addresses_than_have_room_are_ignored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
