/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>

#include "guard.h"

enum { THREADS = 4, ROUNDS = 10000 };

static struct pl_guard *guard;
static int inside, rounds;

static void *go_in_and_out(void *arg)
{
    int *met = arg;

    for (int i = 0; i < ROUNDS; i++) {
        pl_guard_enter(guard);
        *met += inside;
        inside++;
        rounds++;
        inside--;
        pl_guard_leave(guard);
    }
    return NULL;
}

static void nobody_else_is_inside(void **state)
{
    pthread_t threads[THREADS];
    int met[THREADS] = {0};

    (void)state;
    assert_int_equal(pl_guard_create(&guard), PL_OK);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, go_in_and_out, &met[i]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(met[i], 0);
    assert_int_equal(rounds, THREADS * ROUNDS);
    pl_guard_destroy(guard);
}

static void no_guard_is_destroyed_as_well(void **state)
{
    (void)state;
    pl_guard_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_else_is_inside),
        cmocka_unit_test(no_guard_is_destroyed_as_well),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
