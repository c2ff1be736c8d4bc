/* SPDX-License-Identifier: Apache-2.0 */
/* test_admin_key.c - who may use the API over TCP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "key.h"

static enum pl_key_verdict check(const char *key, const char *header,
                                 const char *authorization)
{
    return pl_key_check(key, pl_span_of(header), pl_span_of(authorization));
}

static void without_a_configured_key_nobody_may(void **state)
{
    (void)state;
    assert_int_equal(check(NULL, "x", NULL), PL_KEY_OFF);
    assert_int_equal(check("", "", NULL), PL_KEY_OFF);
    assert_int_equal(check(NULL, NULL, NULL), PL_KEY_OFF);
}

static void the_key_is_taken_from_either_header(void **state)
{
    (void)state;
    assert_int_equal(check("secret", "secret", NULL), PL_KEY_GOOD);
    assert_int_equal(check("secret", NULL, "apikey secret"), PL_KEY_GOOD);
    assert_int_equal(check("secret", NULL, "ApiKey  secret"), PL_KEY_GOOD);
}

static void another_key_is_wrong(void **state)
{
    (void)state;
    assert_int_equal(check("secret", NULL, NULL), PL_KEY_WRONG);
    assert_int_equal(check("secret", "", NULL), PL_KEY_WRONG);
    assert_int_equal(check("secret", "secre", NULL), PL_KEY_WRONG);
    assert_int_equal(check("secret", "secrets", NULL), PL_KEY_WRONG);
    assert_int_equal(check("secret", NULL, "secret"), PL_KEY_WRONG);
    assert_int_equal(check("secret", NULL, "Bearer secret"), PL_KEY_WRONG);
    /* The first header decides. */
    assert_int_equal(check("secret", "x", "apikey secret"), PL_KEY_WRONG);
}

static void every_byte_of_a_key_counts(void **state)
{
    const struct pl_span none = {0};

    (void)state;
    assert_int_equal(pl_key_check("secret", PL_SPAN("secret\0"), none),
                     PL_KEY_WRONG);
    assert_int_equal(pl_key_check("secret", PL_SPAN("secret\0x"), none),
                     PL_KEY_WRONG);
    assert_int_equal(pl_key_check("secret", PL_SPAN("\0secret"), none),
                     PL_KEY_WRONG);
    assert_int_equal(pl_key_check("secret", none, PL_SPAN("apikey secret\0x")),
                     PL_KEY_WRONG);
    assert_int_equal(pl_key_check("secret", none, PL_SPAN("apikey ")),
                     PL_KEY_WRONG);
    assert_int_equal(pl_key_check("secret", none, PL_SPAN("apikey")),
                     PL_KEY_WRONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_configured_key_nobody_may),
        cmocka_unit_test(the_key_is_taken_from_either_header),
        cmocka_unit_test(another_key_is_wrong),
        cmocka_unit_test(every_byte_of_a_key_counts),
    };

    return cmocka_run_group_tests_name("admin_key", tests, NULL, NULL);
}
