/* SPDX-License-Identifier: Apache-2.0 */
/* test_address.c - the promises of address.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "address.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_address_of_nobody_is_all_zero),
        cmocka_unit_test(addresses_differ_in_each_part),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
