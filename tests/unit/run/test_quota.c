/* SPDX-License-Identifier: Apache-2.0 */
/* test_quota.c - shares, their bounds, and the threads that wait for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "quota.h"

enum { PRODUCERS = 8, SHARES = 2000, LONG_MS = 60000, ROUNDS = 200 };

static struct pl_quota *quota;

static void setup(uint32_t count, uint64_t bytes)
{
    assert_int_equal(pl_quota_create(&quota, count, bytes), PL_OK);
}

static void expect_use(uint32_t count, uint64_t bytes)
{
    struct pl_quota_use use = pl_quota_use(quota);

    assert_int_equal(use.count, count);
    assert_int_equal(use.bytes, bytes);
}

/* --- One thread --- */

static void a_share_is_counted_until_it_returns(void **state)
{
    (void)state;
    setup(2, 100);
    assert_int_equal(pl_quota_take(quota, 60, 0), PL_OK);
    assert_int_equal(pl_quota_take(quota, 40, 0), PL_OK);
    expect_use(2, 100);
    pl_quota_return(quota, 60);
    expect_use(1, 40);
    pl_quota_return(quota, 40);
    expect_use(0, 0);
    pl_quota_destroy(quota);
}

static void each_bound_refuses_by_itself(void **state)
{
    (void)state;
    setup(2, 100);
    assert_int_equal(pl_quota_take(quota, 101, 0), PL_ETOOBIG);
    assert_int_equal(pl_quota_take(quota, 100, 0), PL_OK);
    assert_int_equal(pl_quota_take(quota, 1, 0), PL_EFULL);
    assert_int_equal(pl_quota_take(quota, 0, 0), PL_OK);
    assert_int_equal(pl_quota_take(quota, 0, 0), PL_EFULL);
    expect_use(2, 100);
    pl_quota_destroy(quota);
}

static void a_quota_of_nothing_or_too_much_is_refused(void **state)
{
    (void)state;
    assert_int_equal(pl_quota_create(&quota, 0, 1), PL_EINVAL);
    assert_int_equal(pl_quota_create(&quota, 1, 0), PL_EINVAL);
    assert_int_equal(pl_quota_create(&quota, PL_QUOTA_COUNT_MAX + 1, 1),
                     PL_EINVAL);
    assert_int_equal(pl_quota_create(&quota, 1, PL_QUOTA_BYTES_MAX + 1),
                     PL_EINVAL);
    setup(PL_QUOTA_COUNT_MAX, PL_QUOTA_BYTES_MAX);
    assert_int_equal(pl_quota_take(quota, PL_QUOTA_BYTES_MAX, 0), PL_OK);
    assert_int_equal(pl_quota_take(quota, 1, 0), PL_EFULL);
    pl_quota_destroy(quota);
}

static void a_closed_quota_refuses_and_still_counts_down(void **state)
{
    (void)state;
    setup(2, 100);
    assert_int_equal(pl_quota_take(quota, 10, 0), PL_OK);
    pl_quota_close(quota);
    pl_quota_close(quota);
    assert_int_equal(pl_quota_take(quota, 1, 0), PL_ESTOPPING);
    assert_int_equal(pl_quota_take(quota, 1, LONG_MS), PL_ESTOPPING);
    expect_use(1, 10);
    pl_quota_return(quota, 10);
    expect_use(0, 0);
    pl_quota_destroy(quota);
}

static void a_wait_without_a_return_times_out(void **state)
{
    (void)state;
    setup(1, 100);
    assert_int_equal(pl_quota_take(quota, 1, 0), PL_OK);
    assert_int_equal(pl_quota_take(quota, 1, 5), PL_ETIMEDOUT);
    assert_int_equal(pl_quota_use(quota).waiting, 0);
    pl_quota_return(quota, 1);
    assert_int_equal(pl_quota_take(quota, 1, 5), PL_OK);
    pl_quota_destroy(quota);
}

/* --- Threads that wait --- */

struct waiter {
    pthread_t thread;
    size_t bytes;
    uint32_t wait_ms;
    unsigned place; /* in the order of being served */
    enum pl_err result;
};

static atomic_uint served;

static void *wait_for_share(void *arg)
{
    struct waiter *w = arg;

    w->result = pl_quota_take(quota, w->bytes, w->wait_ms);
    w->place = atomic_fetch_add(&served, 1);
    return NULL;
}

/* Start a thread, and return when it waits. */
static void start_waiter(struct waiter *w, size_t bytes, uint32_t wait_ms)
{
    uint32_t before = pl_quota_use(quota).waiting;

    w->bytes = bytes;
    w->wait_ms = wait_ms;
    assert_int_equal(pthread_create(&w->thread, NULL, wait_for_share, w), 0);
    while (pl_quota_use(quota).waiting == before)
        sched_yield();
}

static void expect_served(struct waiter *w, enum pl_err result)
{
    pthread_join(w->thread, NULL);
    assert_int_equal(w->result, result);
}

static void a_return_serves_the_oldest(void **state)
{
    struct waiter w[3];

    (void)state;
    setup(1, 100);
    atomic_store(&served, 0);
    assert_int_equal(pl_quota_take(quota, 1, 0), PL_OK);
    for (int i = 0; i < 3; i++)
        start_waiter(&w[i], 1, LONG_MS);
    for (unsigned i = 0; i < 3; i++) {
        pl_quota_return(quota, 1);
        expect_served(&w[i], PL_OK);
        assert_int_equal(w[i].place, i);
    }
    expect_use(1, 1);
    pl_quota_destroy(quota);
}

static void a_small_share_does_not_pass_a_large_one(void **state)
{
    struct waiter large, small;

    (void)state;
    setup(10, 100);
    assert_int_equal(pl_quota_take(quota, 50, 0), PL_OK);
    start_waiter(&large, 80, LONG_MS);
    assert_int_equal(pl_quota_take(quota, 1, 0), PL_EFULL);
    start_waiter(&small, 1, LONG_MS);
    assert_int_equal(pl_quota_use(quota).waiting, 2);
    pl_quota_return(quota, 50);
    expect_served(&large, PL_OK);
    expect_served(&small, PL_OK);
    expect_use(2, 81);
    pl_quota_destroy(quota);
}

static void one_return_serves_all_that_fit(void **state)
{
    struct waiter w[3];

    (void)state;
    setup(2, 100);
    assert_int_equal(pl_quota_take(quota, 100, 0), PL_OK);
    for (int i = 0; i < 3; i++)
        start_waiter(&w[i], 10, LONG_MS);
    pl_quota_return(quota, 100);
    expect_served(&w[0], PL_OK);
    expect_served(&w[1], PL_OK);
    assert_int_equal(pl_quota_use(quota).waiting, 1);
    expect_use(2, 20);
    pl_quota_return(quota, 10);
    expect_served(&w[2], PL_OK);
    pl_quota_destroy(quota);
}

static void who_gives_up_lets_the_next_pass(void **state)
{
    struct waiter large, small;

    (void)state;
    setup(10, 100);
    assert_int_equal(pl_quota_take(quota, 50, 0), PL_OK);
    start_waiter(&large, 80, 50);
    start_waiter(&small, 10, LONG_MS);
    expect_served(&large, PL_ETIMEDOUT);
    expect_served(&small, PL_OK);
    expect_use(2, 60);
    pl_quota_destroy(quota);
}

static void closing_wakes_all_that_wait(void **state)
{
    struct waiter w[3];

    (void)state;
    setup(1, 100);
    assert_int_equal(pl_quota_take(quota, 1, 0), PL_OK);
    for (int i = 0; i < 3; i++)
        start_waiter(&w[i], 1, LONG_MS);
    pl_quota_close(quota);
    for (int i = 0; i < 3; i++)
        expect_served(&w[i], PL_ESTOPPING);
    expect_use(1, 1);
    pl_quota_destroy(quota);
}

/* --- Races --- */

static atomic_uint inside, given;
static atomic_bool is_broken;

static void *produce(void *arg)
{
    size_t bytes = *(size_t *)arg;

    for (int i = 0; i < SHARES; i++) {
        enum pl_err rc = pl_quota_take(quota, bytes, LONG_MS);

        if (rc != PL_OK || atomic_fetch_add(&inside, 1) >= 3)
            atomic_store(&is_broken, true);
        atomic_fetch_sub(&inside, 1);
        pl_quota_return(quota, bytes);
    }
    return NULL;
}

static void the_bounds_hold_among_many_threads(void **state)
{
    pthread_t thread[PRODUCERS];
    size_t bytes[PRODUCERS];

    (void)state;
    setup(3, 60);
    for (size_t i = 0; i < PRODUCERS; i++) {
        bytes[i] = i * 7 + 1;
        pthread_create(&thread[i], NULL, produce, &bytes[i]);
    }
    for (int i = 0; i < PRODUCERS; i++)
        pthread_join(thread[i], NULL);
    assert_false(atomic_load(&is_broken));
    expect_use(0, 0);
    assert_int_equal(pl_quota_use(quota).waiting, 0);
    pl_quota_destroy(quota);
}

static void *take_until_closed(void *arg)
{
    (void)arg;
    for (;;) {
        enum pl_err rc = pl_quota_take(quota, 1, LONG_MS);

        if (rc == PL_ESTOPPING)
            return NULL;
        if (rc != PL_OK)
            atomic_store(&is_broken, true);
        atomic_fetch_add(&given, 1);
        if (atomic_load(&given) % 2 == 0)
            pl_quota_return(quota, 1), atomic_fetch_sub(&given, 1);
    }
}

/* What closing leaves is exactly what was taken and not returned. */
static void a_close_among_threads_leaves_what_they_hold(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t thread[3];

        setup(2, 100);
        atomic_store(&given, 0);
        for (int i = 0; i < 3; i++)
            pthread_create(&thread[i], NULL, take_until_closed, NULL);
        for (int i = 0; i < round % 7; i++)
            sched_yield();
        pl_quota_close(quota);
        for (int i = 0; i < 3; i++)
            pthread_join(thread[i], NULL);
        expect_use(atomic_load(&given), atomic_load(&given));
        pl_quota_destroy(quota);
    }
    assert_false(atomic_load(&is_broken));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_share_is_counted_until_it_returns),
        cmocka_unit_test(each_bound_refuses_by_itself),
        cmocka_unit_test(a_quota_of_nothing_or_too_much_is_refused),
        cmocka_unit_test(a_closed_quota_refuses_and_still_counts_down),
        cmocka_unit_test(a_wait_without_a_return_times_out),
        cmocka_unit_test(a_return_serves_the_oldest),
        cmocka_unit_test(a_small_share_does_not_pass_a_large_one),
        cmocka_unit_test(one_return_serves_all_that_fit),
        cmocka_unit_test(who_gives_up_lets_the_next_pass),
        cmocka_unit_test(closing_wakes_all_that_wait),
        cmocka_unit_test(the_bounds_hold_among_many_threads),
        cmocka_unit_test(a_close_among_threads_leaves_what_they_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
