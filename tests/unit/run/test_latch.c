/* SPDX-License-Identifier: Apache-2.0 */
/* test_latch.c - threads that wait for what happens once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>

#include "latch.h"

enum { WAITERS = 3, ROUNDS = 300, LONG_MS = 60000 };

static struct pl_latch *latch;
static int before_it; /* written before the latch is set */

static void waiting_times_out_until_it_has_happened(void **state)
{
    (void)state;
    assert_int_equal(pl_latch_create(&latch), PL_OK);
    assert_int_equal(pl_latch_wait(latch, 0), PL_ETIMEDOUT);
    assert_int_equal(pl_latch_wait(latch, 5), PL_ETIMEDOUT);
    pl_latch_set(latch);
    pl_latch_set(latch);
    assert_int_equal(pl_latch_wait(latch, 0), PL_OK);
    assert_int_equal(pl_latch_wait(latch, LONG_MS), PL_OK);
    pl_latch_destroy(latch);
}

static void *wait_for_it(void *arg)
{
    int *seen = arg;

    if (pl_latch_wait(latch, LONG_MS) == PL_OK)
        *seen = before_it;
    return NULL;
}

static void all_that_wait_see_what_was_done_before(void **state)
{
    (void)state;
    for (int round = 1; round <= ROUNDS; round++) {
        pthread_t thread[WAITERS];
        int seen[WAITERS] = {0};

        assert_int_equal(pl_latch_create(&latch), PL_OK);
        for (int i = 0; i < WAITERS; i++)
            pthread_create(&thread[i], NULL, wait_for_it, &seen[i]);
        if (round % 2 == 0)
            sched_yield();
        before_it = round;
        pl_latch_set(latch);
        for (int i = 0; i < WAITERS; i++) {
            pthread_join(thread[i], NULL);
            assert_int_equal(seen[i], round);
        }
        pl_latch_destroy(latch);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiting_times_out_until_it_has_happened),
        cmocka_unit_test(all_that_wait_see_what_was_done_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
