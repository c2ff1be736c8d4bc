/* SPDX-License-Identifier: Apache-2.0 */
/* test_top.c - the best rows of many, against a sorted array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "top.h"

enum { MANY = 5000, MOST = 50 };

static void enter(struct pl_top *t, uint64_t score)
{
    if (!pl_top_wants(t, score))
        return;
    struct pl_buf *b = pl_top_enter(t, score);
    assert_non_null(b);
    assert_int_equal(b->len, 0);
    pl_buf_printf(b, "%llu", (unsigned long long)score);
}

static void assert_written(struct pl_top *t, const char *want)
{
    struct pl_buf out = {0};

    pl_top_write(t, &out);
    pl_buf_put_byte(&out, '\0');
    assert_string_equal(out.data, want);
    pl_buf_fini(&out);
}

static int descending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? 1 : -(x > y);
}

static void the_best_of_any_order_come_out_sorted(void **state)
{
    struct pl_top t = {.most = MOST};
    uint64_t score[MANY];
    struct pl_buf want = {0};
    unsigned seed = 5;

    (void)state;
    for (int i = 0; i < MANY; i++) {
        score[i] = (uint64_t)rand_r(&seed) % 1000;
        enter(&t, score[i]);
    }
    qsort(score, MANY, sizeof score[0], descending);
    for (int i = 0; i < MOST; i++)
        pl_buf_printf(&want, "%s%llu", i > 0 ? "," : "",
                      (unsigned long long)score[i]);
    pl_buf_put_byte(&want, '\0');
    assert_written(&t, want.data);
    pl_buf_fini(&want);
}

static void fewer_rows_than_wanted_are_all_there(void **state)
{
    struct pl_top t = {.most = MOST};

    (void)state;
    assert_written(&t, "");
    enter(&t, 0);
    enter(&t, 7);
    enter(&t, 0);
    assert_written(&t, "7,0,0");
    assert_int_equal(t.count, 0); /* and it can be used again */
    enter(&t, 1);
    assert_written(&t, "1");
}

static void a_score_that_is_no_better_is_not_wanted(void **state)
{
    struct pl_top t = {.most = 2};

    (void)state;
    enter(&t, 5);
    enter(&t, 3);
    assert_false(pl_top_wants(&t, 3));
    assert_true(pl_top_wants(&t, 4));
    pl_top_fini(&t);
    t.most = 0;
    assert_false(pl_top_wants(&t, UINT64_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_of_any_order_come_out_sorted),
        cmocka_unit_test(fewer_rows_than_wanted_are_all_there),
        cmocka_unit_test(a_score_that_is_no_better_is_not_wanted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
