/* SPDX-License-Identifier: Apache-2.0 */
/* test_address.c - the promises of address.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "address.h"

static const struct pl_address extremes[] = {
    {0, 0, 0, 0},
    {1, 2, 3, 4},
    {65535, 65535, 4294967295u, 4294967295u},
    {10, 0, 100, 1},
};

static void the_address_of_nobody_is_all_zero(void **state)
{
    struct pl_address zero = {0};
    struct pl_address given = {0, 0, 0, 1};

    (void)state;
    assert_true(pl_address_is_none(zero));
    assert_false(pl_address_is_none(given));
}

static void addresses_differ_in_each_part(void **state)
{
    struct pl_address a = {1, 2, 3, 4};

    (void)state;
    assert_true(pl_address_equal(a, (struct pl_address){1, 2, 3, 4}));
    assert_false(pl_address_equal(a, (struct pl_address){9, 2, 3, 4}));
    assert_false(pl_address_equal(a, (struct pl_address){1, 9, 3, 4}));
    assert_false(pl_address_equal(a, (struct pl_address){1, 2, 9, 4}));
    assert_false(pl_address_equal(a, (struct pl_address){1, 2, 3, 9}));
}

static void the_text_of_any_address_fits_and_reads_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof extremes / sizeof *extremes; i++) {
        char text[PL_ADDRESS_TEXT_MAX];
        struct pl_address back;

        pl_address_format(extremes[i], text);
        assert_int_equal(pl_address_parse(&back, pl_span_of(text)), PL_OK);
        assert_true(pl_address_equal(back, extremes[i]));
    }
}

static void the_text_is_four_numbers_with_dots(void **state)
{
    char text[PL_ADDRESS_TEXT_MAX];

    (void)state;
    pl_address_format(extremes[1], text);
    assert_string_equal(text, "1.2.3.4");
    pl_address_format(extremes[2], text);
    assert_string_equal(text, "65535.65535.4294967295.4294967295");
}

static void other_text_is_malformed_and_leaves_the_result(void **state)
{
    static const char *const bad[] = {
        "",
        "1",
        "1.2.3",
        "1.2.3.",
        ".1.2.3",
        "1.2.3.4.",
        "1.2.3.4.5",
        "1.2.3.4 ",
        " 1.2.3.4",
        "+1.2.3.4",
        "1.-2.3.4",
        "01.2.3.4",
        "1.2.3.04",
        "00.0.0.0",
        "65536.0.0.0",
        "0.65536.0.0",
        "1..3.4",
        "1.2.3.0x4",
        "1.2.3.4e0",
        "1,2,3,4",
        "0.0.4294967296.0",
        "0.0.0.4294967296",
        "0.0.0.18446744073709551617",
        "99999999999999999999999.1.1.1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct pl_address out = {7, 7, 7, 7};

        assert_int_equal(pl_address_parse(&out, pl_span_of(bad[i])),
                         PL_EBADMSG);
        assert_true(pl_address_equal(out, (struct pl_address){7, 7, 7, 7}));
    }
    struct pl_address out;
    assert_int_equal(pl_address_parse(&out, (struct pl_span){NULL, 0}),
                     PL_EBADMSG);
    assert_int_equal(pl_address_parse(&out, (struct pl_span){"1.2.3.4\0", 8}),
                     PL_EBADMSG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_address_of_nobody_is_all_zero),
        cmocka_unit_test(addresses_differ_in_each_part),
        cmocka_unit_test(the_text_of_any_address_fits_and_reads_back),
        cmocka_unit_test(the_text_is_four_numbers_with_dots),
        cmocka_unit_test(other_text_is_malformed_and_leaves_the_result),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
