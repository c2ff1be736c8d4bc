/* SPDX-License-Identifier: Apache-2.0 */
/* test_admin_key.c - who may use the API over TCP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "key.h"

static void without_a_configured_key_nobody_may(void **state)
{
    (void)state;
    assert_int_equal(pl_key_check(NULL, "x", NULL), PL_KEY_OFF);
    assert_int_equal(pl_key_check("", "", NULL), PL_KEY_OFF);
    assert_int_equal(pl_key_check(NULL, NULL, NULL), PL_KEY_OFF);
}

static void the_key_is_taken_from_either_header(void **state)
{
    (void)state;
    assert_int_equal(pl_key_check("secret", "secret", NULL), PL_KEY_GOOD);
    assert_int_equal(pl_key_check("secret", NULL, "apikey secret"),
                     PL_KEY_GOOD);
    assert_int_equal(pl_key_check("secret", NULL, "ApiKey  secret"),
                     PL_KEY_GOOD);
}

static void another_key_is_wrong(void **state)
{
    (void)state;
    assert_int_equal(pl_key_check("secret", NULL, NULL), PL_KEY_WRONG);
    assert_int_equal(pl_key_check("secret", "", NULL), PL_KEY_WRONG);
    assert_int_equal(pl_key_check("secret", "secre", NULL), PL_KEY_WRONG);
    assert_int_equal(pl_key_check("secret", "secrets", NULL), PL_KEY_WRONG);
    assert_int_equal(pl_key_check("secret", NULL, "secret"), PL_KEY_WRONG);
    assert_int_equal(pl_key_check("secret", NULL, "Bearer secret"),
                     PL_KEY_WRONG);
    /* The first header decides. */
    assert_int_equal(pl_key_check("secret", "x", "apikey secret"),
                     PL_KEY_WRONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_configured_key_nobody_may),
        cmocka_unit_test(the_key_is_taken_from_either_header),
        cmocka_unit_test(another_key_is_wrong),
    };

    return cmocka_run_group_tests_name("admin_key", tests, NULL, NULL);
}
