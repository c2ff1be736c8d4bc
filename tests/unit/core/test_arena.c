/* SPDX-License-Identifier: Apache-2.0 */
/* test_arena.c - the promises of arena.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "arena.h"

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

static int mallocs;
static int mallocs_left = -1; /* -1: any number */

void *__wrap_malloc(size_t size)
{
    if (mallocs_left == 0)
        return NULL;
    mallocs_left -= mallocs_left > 0;
    mallocs++;
    return __real_malloc(size);
}

static void what_is_given_is_aligned_and_does_not_overlap(void **state)
{
    struct pl_arena a = {0};
    char *at[500];

    (void)state;
    for (int i = 0; i < 500; i++) {
        size_t size = (size_t)(i * 37 % 700);

        at[i] = pl_arena_alloc(&a, size);
        assert_non_null(at[i]);
        assert_int_equal((uintptr_t)at[i] % _Alignof(max_align_t), 0);
        memset(at[i], i, size);
    }
    for (int i = 0; i < 500; i++) {
        for (int k = 0; k < i * 37 % 700; k++)
            assert_int_equal((unsigned char)at[i][k], (unsigned char)i);
    }
    pl_arena_fini(&a);
}

static void something_larger_than_a_block_is_given_too(void **state)
{
    struct pl_arena a = {0};
    char *small = pl_arena_alloc(&a, 1);
    char *large = pl_arena_alloc(&a, 1 << 20);

    (void)state;
    assert_non_null(small);
    assert_non_null(large);
    memset(large, 1, 1 << 20);
    *small = 2;
    pl_arena_fini(&a);
}

static void
a_reset_keeps_one_block_so_the_next_use_allocates_nothing(void **state)
{
    struct pl_arena a = {0};

    (void)state;
    void *first = pl_arena_alloc(&a, 100);
    for (int i = 0; i < 100; i++)
        assert_non_null(pl_arena_alloc(&a, 1000));
    pl_arena_reset(&a);
    assert_int_equal(a.used, 0);
    int before = mallocs;
    assert_ptr_equal(pl_arena_alloc(&a, 100), first);
    assert_non_null(pl_arena_alloc(&a, 3000));
    assert_int_equal(mallocs, before);
    pl_arena_fini(&a);
}

static void a_large_first_thing_is_not_kept(void **state)
{
    struct pl_arena a = {0};

    (void)state;
    assert_non_null(pl_arena_alloc(&a, 1 << 20));
    pl_arena_reset(&a);
    assert_true(a.end - a.at < 1 << 13);
    int before = mallocs;
    assert_non_null(pl_arena_alloc(&a, 64));
    assert_int_equal(mallocs, before);
    pl_arena_fini(&a);
}

static void what_is_over_the_limit_is_not_given(void **state)
{
    struct pl_arena a = {.limit = 10000};

    (void)state;
    assert_null(pl_arena_alloc(&a, 10001));
    assert_non_null(pl_arena_alloc(&a, 9984));
    assert_non_null(pl_arena_alloc(&a, 16));
    assert_null(pl_arena_alloc(&a, 1));
    pl_arena_reset(&a); /* the limit is one use's */
    assert_non_null(pl_arena_alloc(&a, 10000));
    pl_arena_fini(&a);
    assert_int_equal(a.limit, 10000);
}

static void a_text_is_copied_with_a_zero_byte_behind_it(void **state)
{
    struct pl_arena a = {.limit = 64};
    char text[] = "two words";

    (void)state;
    char *copy = pl_arena_text(&a, (struct pl_span){text, 3});
    text[0] = 'T';
    assert_string_equal(copy, "two");
    assert_string_equal(pl_arena_text(&a, (struct pl_span){0}), "");
    assert_null(pl_arena_text(&a, (struct pl_span){text, 64}));
    pl_arena_fini(&a);
}

static void a_size_beyond_all_memory_is_not_given(void **state)
{
    struct pl_arena a = {0};

    (void)state;
    assert_null(pl_arena_alloc(&a, SIZE_MAX));
    assert_null(pl_arena_alloc(&a, SIZE_MAX - 7));
    pl_arena_fini(&a);
}

static void without_memory_nothing_changes(void **state)
{
    struct pl_arena a = {0};

    (void)state;
    mallocs_left = 0;
    assert_null(pl_arena_alloc(&a, 1));
    mallocs_left = 1; /* the common block, then no large one */
    assert_null(pl_arena_alloc(&a, 100000));
    assert_int_equal(a.used, 0);
    assert_non_null(pl_arena_alloc(&a, 1000));
    assert_null(pl_arena_alloc(&a, 100000));
    mallocs_left = -1;
    assert_int_equal(a.used, 1008);
    pl_arena_fini(&a);
}

static void blocks_have_the_size_that_was_asked_for(void **state)
{
    struct pl_arena a = {.size = 128};

    (void)state;
    char *first = pl_arena_alloc(&a, 100);
    assert_int_equal(a.end - first, 128);
    memset(first, 1, 128);
    memset(pl_arena_alloc(&a, 1000), 2, 1000);
    assert_int_equal(first[99], 1);
    pl_arena_reset(&a);
    assert_ptr_equal(pl_arena_alloc(&a, 128), first);
    assert_ptr_equal(a.at, a.end);
    pl_arena_fini(&a);
}

static void an_arena_can_be_used_after_fini(void **state)
{
    struct pl_arena a = {0};

    (void)state;
    pl_arena_reset(&a);
    pl_arena_fini(&a);
    for (int i = 0; i < 3; i++) {
        assert_non_null(pl_arena_alloc(&a, 5000));
        pl_arena_fini(&a);
        assert_int_equal(a.used, 0);
        assert_null(a.block);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_given_is_aligned_and_does_not_overlap),
        cmocka_unit_test(something_larger_than_a_block_is_given_too),
        cmocka_unit_test(
            a_reset_keeps_one_block_so_the_next_use_allocates_nothing),
        cmocka_unit_test(a_large_first_thing_is_not_kept),
        cmocka_unit_test(what_is_over_the_limit_is_not_given),
        cmocka_unit_test(a_text_is_copied_with_a_zero_byte_behind_it),
        cmocka_unit_test(a_size_beyond_all_memory_is_not_given),
        cmocka_unit_test(without_memory_nothing_changes),
        cmocka_unit_test(blocks_have_the_size_that_was_asked_for),
        cmocka_unit_test(an_arena_can_be_used_after_fini),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
