/* SPDX-License-Identifier: Apache-2.0 */
/* What a kind of work may take of a loop's time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "time_share.h"

enum { SMALL = PL_TIME_SHARE_USUAL / PL_TIME_SHARE_SMALL, MORE = SMALL + 1 };

static void
it_may_be_spent_at_once_and_fills_at_a_quarter_of_the_time(void **state)
{
    struct pl_time_share s = {.most = PL_TIME_SHARE_USUAL}; /* 100 ms of work */

    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_true(pl_time_share_allows(&s, 5000, MORE));
        pl_time_share_spend(&s, 5000, PL_TIME_SHARE_USUAL / 10);
    }
    assert_false(pl_time_share_allows(&s, 5000, MORE));
    assert_true(pl_time_share_allows(&s, 5001, MORE));
    pl_time_share_spend(&s, 5001,
                        PL_TIME_SHARE_USUAL / 10); /* of which 10 ms */
    assert_false(pl_time_share_allows(&s, 5040, MORE));
    assert_true(pl_time_share_allows(&s, 5041, MORE));
}

static void rest_saves_no_more_than_all_of_it(void **state)
{
    struct pl_time_share s = {.most = PL_TIME_SHARE_USUAL};

    (void)state;
    pl_time_share_spend(&s, 1, PL_TIME_SHARE_USUAL / 2);
    pl_time_share_spend(&s, 1000000, PL_TIME_SHARE_USUAL);
    assert_false(pl_time_share_allows(&s, 1000000, MORE));
}

static void one_that_is_too_long_is_a_debt(void **state)
{
    struct pl_time_share s = {.most = PL_TIME_SHARE_USUAL};

    (void)state;
    pl_time_share_spend(&s, 0, (uint64_t)PL_TIME_SHARE_USUAL * 10);
    assert_false(pl_time_share_allows(&s, 3600, MORE));
    assert_true(pl_time_share_allows(&s, 3601, MORE));
}

static void what_is_small_is_free(void **state)
{
    struct pl_time_share s = {.most = PL_TIME_SHARE_USUAL};

    (void)state;
    pl_time_share_spend(&s, 7, PL_TIME_SHARE_USUAL);
    assert_true(pl_time_share_allows(&s, 7, SMALL));
    for (int i = 0; i < 10 * PL_TIME_SHARE_SMALL; i++)
        pl_time_share_spend(&s, 7, SMALL);
    assert_true(pl_time_share_allows(&s, 8, MORE));
}

static void what_is_given_back_may_be_spent_again(void **state)
{
    struct pl_time_share s = {.most = PL_TIME_SHARE_USUAL};

    (void)state;
    pl_time_share_spend(&s, 7, PL_TIME_SHARE_USUAL);
    assert_false(pl_time_share_allows(&s, 7, MORE));
    pl_time_share_give_back(&s, PL_TIME_SHARE_USUAL);
    assert_true(pl_time_share_allows(&s, 7, MORE));
    pl_time_share_give_back(&s, SMALL); /* was never spent */
    pl_time_share_spend(&s, 7, PL_TIME_SHARE_USUAL);
    assert_false(pl_time_share_allows(&s, 7, MORE));
}

static void without_a_bound_everything_is_allowed(void **state)
{
    struct pl_time_share s = {0};

    (void)state;
    pl_time_share_spend(&s, 7, UINT64_MAX / PL_TIME_SHARE_UNIT_NS);
    assert_true(pl_time_share_allows(&s, 7, UINT64_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            it_may_be_spent_at_once_and_fills_at_a_quarter_of_the_time),
        cmocka_unit_test(rest_saves_no_more_than_all_of_it),
        cmocka_unit_test(one_that_is_too_long_is_a_debt),
        cmocka_unit_test(what_is_small_is_free),
        cmocka_unit_test(what_is_given_back_may_be_spent_again),
        cmocka_unit_test(without_a_bound_everything_is_allowed),
    };

    return cmocka_run_group_tests_name("share", tests, NULL, NULL);
}
