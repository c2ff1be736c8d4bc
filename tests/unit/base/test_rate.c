/* SPDX-License-Identifier: Apache-2.0 */
/* test_rate.c - rates between two looks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rate.h"

static void a_rate_is_that_between_the_last_two_looks(void **state)
{
    struct pl_rate r = {0};

    (void)state;
    pl_rate_read(&r, 5000);
    r.count += 300;
    assert_int_equal(pl_rate_read(&r, 6500), 200);
    assert_int_equal(pl_rate_read(&r, 7500), 0);
}

static void a_second_reader_sees_the_same(void **state)
{
    struct pl_rate r = {0};

    (void)state;
    pl_rate_read(&r, 5000);
    r.count += 100;
    assert_int_equal(pl_rate_read(&r, 6000), 100);
    r.count += 7;
    assert_int_equal(pl_rate_read(&r, 6000 + PL_RATE_MS - 1), 100);
    assert_int_equal(r.count, 7);
}

static void the_first_look_for_long_tells_no_rate(void **state)
{
    struct pl_rate r = {0};

    (void)state;
    pl_rate_read(&r, 1);
    r.count = 4000000000u;
    assert_int_equal(pl_rate_read(&r, PL_RATE_STALE_MS + 100000), 0);
    r.count = 10;
    assert_int_equal(pl_rate_read(&r, PL_RATE_STALE_MS + 101000), 10);
}

static void the_loop_time_may_pass_32_bits(void **state)
{
    struct pl_rate r = {0};
    uint64_t now_ms = (1ull << 32) - 500;

    (void)state;
    pl_rate_read(&r, now_ms);
    r.count = 50;
    assert_int_equal(pl_rate_read(&r, now_ms + 1000), 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rate_is_that_between_the_last_two_looks),
        cmocka_unit_test(a_second_reader_sees_the_same),
        cmocka_unit_test(the_first_look_for_long_tells_no_rate),
        cmocka_unit_test(the_loop_time_may_pass_32_bits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
