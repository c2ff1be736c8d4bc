/* SPDX-License-Identifier: Apache-2.0 */
/* test_buf.c - the promises of buf.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

void *__real_realloc(void *p, size_t size);
void *__wrap_realloc(void *p, size_t size);

static bool out_of_memory;

void *__wrap_realloc(void *p, size_t size)
{
    return out_of_memory ? NULL : __real_realloc(p, size);
}

static void what_is_put_is_kept_in_order(void **state)
{
    struct pl_buf b = {0};
    char expected[30000];

    (void)state;
    for (size_t i = 0; i < sizeof expected; i++) {
        expected[i] = (char)(i * 7);
        pl_buf_put_byte(&b, expected[i]);
    }
    assert_false(b.failed);
    assert_int_equal(b.len, sizeof expected);
    assert_memory_equal(b.data, expected, sizeof expected);
    pl_buf_fini(&b);
}

static void nothing_can_be_put(void **state)
{
    struct pl_buf b = {0};

    (void)state;
    pl_buf_put(&b, NULL, 0);
    pl_buf_put_span(&b, (struct pl_span){NULL, 0});
    assert_int_equal(b.len, 0);
    assert_false(b.failed);
    pl_buf_fini(&b);
}

static void reserving_does_not_change_the_length(void **state)
{
    struct pl_buf b = {0};

    (void)state;
    pl_buf_put(&b, "ab", 2);
    char *at = pl_buf_reserve(&b, 1000);
    assert_ptr_equal(at, b.data + 2);
    assert_true(b.cap >= 1002);
    assert_int_equal(b.len, 2);
    memset(at, 'x', 1000);
    b.len += 1000;
    assert_int_equal(pl_buf_span(&b).len, 1002);
    pl_buf_fini(&b);
}

static void printf_writes_after_the_content(void **state)
{
    struct pl_buf b = {0};
    char wide[301];

    (void)state;
    memset(wide, 'w', 300);
    wide[300] = '\0';
    pl_buf_put_span(&b, PL_SPAN("n="));
    pl_buf_printf(&b, "%d %s", 42, wide);
    assert_int_equal(b.len, 2 + 3 + 300);
    assert_memory_equal(b.data, "n=42 www", 8);
    pl_buf_fini(&b);
}

static void a_failed_buffer_keeps_what_it_had_and_ignores_writes(void **state)
{
    struct pl_buf b = {0};

    (void)state;
    pl_buf_put(&b, "kept", 4);
    out_of_memory = true;
    assert_null(pl_buf_reserve(&b, 100000));
    out_of_memory = false;
    assert_true(b.failed);
    pl_buf_put(&b, "x", 1);
    pl_buf_printf(&b, "y");
    assert_int_equal(b.len, 4);
    assert_memory_equal(b.data, "kept", 4);
    pl_buf_fini(&b);
    assert_false(b.failed);
    assert_int_equal(b.cap, 0);
}

static void a_size_beyond_all_memory_fails_cleanly(void **state)
{
    struct pl_buf b = {0};

    (void)state;
    assert_null(pl_buf_reserve(&b, SIZE_MAX));
    assert_true(b.failed);
    pl_buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_kept_in_order),
        cmocka_unit_test(nothing_can_be_put),
        cmocka_unit_test(reserving_does_not_change_the_length),
        cmocka_unit_test(printf_writes_after_the_content),
        cmocka_unit_test(a_failed_buffer_keeps_what_it_had_and_ignores_writes),
        cmocka_unit_test(a_size_beyond_all_memory_fails_cleanly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
