/* SPDX-License-Identifier: Apache-2.0 */
/* test_blob.c - the promises of blob.h; threads hold and release one blob. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "blob.h"

enum { THREADS = 4, ROUNDS = 20000 };

static void a_blob_is_a_copy_and_a_zero_follows(void **state)
{
    char bytes[] = "abc";
    struct pl_blob *b = pl_blob_create(PL_SPAN("x"));

    (void)state;
    pl_blob_release(b);
    b = pl_blob_create((struct pl_span){bytes, 3});
    bytes[0] = 'X';
    assert_int_equal(pl_blob_span(b).len, 3);
    assert_string_equal(pl_blob_span(b).at, "abc");
    pl_blob_release(b);
}

static void an_empty_blob_is_there_and_no_blob_is_absent(void **state)
{
    struct pl_blob *b = pl_blob_create((struct pl_span){NULL, 0});

    (void)state;
    assert_non_null(b);
    assert_non_null(pl_blob_span(b).at);
    assert_int_equal(pl_blob_span(b).len, 0);
    pl_blob_release(b);
    assert_null(pl_blob_span(NULL).at);
    assert_null(pl_blob_hold(NULL));
    pl_blob_release(NULL);
}

static void a_blob_lives_until_its_last_holder(void **state)
{
    struct pl_blob *b = pl_blob_create(PL_SPAN("shared"));

    (void)state;
    assert_ptr_equal(pl_blob_hold(b), b);
    pl_blob_release(b);
    assert_string_equal(pl_blob_span(b).at, "shared");
    pl_blob_release(b); /* the sanitizer sees a leak or a second free */
}

/* Owns one hold of the blob. */
static void *hold_and_release(void *arg)
{
    struct pl_blob *b = arg;
    uintptr_t sum = 0;

    for (int i = 0; i < ROUNDS; i++) {
        struct pl_blob *mine = pl_blob_hold(b);

        sum += (unsigned char)pl_blob_span(mine).at[i % 8];
        pl_blob_release(mine);
    }
    pl_blob_release(b);
    return (void *)sum;
}

static void any_thread_may_hold_and_release(void **state)
{
    struct pl_blob *b = pl_blob_create(PL_SPAN("\1\1\1\1\1\1\1\1"));
    pthread_t thread[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++) {
        pl_blob_hold(b);
        assert_int_equal(pthread_create(&thread[i], NULL, hold_and_release, b),
                         0);
    }
    pl_blob_release(b); /* any thread may be the last */
    for (int i = 0; i < THREADS; i++) {
        void *sum;

        assert_int_equal(pthread_join(thread[i], &sum), 0);
        assert_int_equal((uintptr_t)sum, ROUNDS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_blob_is_a_copy_and_a_zero_follows),
        cmocka_unit_test(an_empty_blob_is_there_and_no_blob_is_absent),
        cmocka_unit_test(a_blob_lives_until_its_last_holder),
        cmocka_unit_test(any_thread_may_hold_and_release),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
