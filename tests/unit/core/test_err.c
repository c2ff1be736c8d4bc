/* SPDX-License-Identifier: Apache-2.0 */
/* test_err.c - the promises of err.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "err.h"

static const enum pl_err all[] = {
#define X(name, value, text) name,
    PL_ERR_MAP(X)
#undef X
};
enum { COUNT = sizeof all / sizeof *all };

static void each_error_has_a_text_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        for (int k = 0; k < i; k++) {
            assert_int_not_equal(all[i], all[k]);
            assert_string_not_equal(pl_err_text(all[i]), pl_err_text(all[k]));
        }
    }
}

static void only_success_is_zero_and_errors_are_below(void **state)
{
    (void)state;
    assert_int_equal(all[0], PL_OK);
    assert_int_equal(PL_OK, 0);
    for (int i = 1; i < COUNT; i++)
        assert_true(all[i] < 0);
}

static void a_number_that_is_no_error_has_a_text_too(void **state)
{
    (void)state;
    assert_string_equal(pl_err_text((enum pl_err) - 99), "unknown error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_error_has_a_text_of_its_own),
        cmocka_unit_test(only_success_is_zero_and_errors_are_below),
        cmocka_unit_test(a_number_that_is_no_error_has_a_text_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
