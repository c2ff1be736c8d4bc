/* SPDX-License-Identifier: Apache-2.0 */
/* test_refs.c - exactly one of many holders is the last, on any thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "refs.h"

enum { THREADS = 4, ROUNDS = 2000 };

struct shared {
    struct pl_refs refs[ROUNDS];
    int written[ROUNDS][THREADS]; /* each by one thread, read by the last */
};

struct worker {
    struct shared *shared;
    pthread_barrier_t *start;
    int index;
    int last; /* times this one was the last */
    int missing;
};

static void one_holder_is_the_last(void **state)
{
    struct pl_refs r;

    (void)state;
    pl_refs_init(&r);
    assert_true(pl_refs_release(&r));
}

static void as_many_releases_as_holders_are_needed(void **state)
{
    struct pl_refs r;

    (void)state;
    pl_refs_init(&r);
    pl_refs_hold(&r);
    pl_refs_hold(&r);
    assert_false(pl_refs_release(&r));
    assert_false(pl_refs_release(&r));
    assert_true(pl_refs_release(&r));
}

static void *work(void *arg)
{
    struct worker *w = arg;

    pthread_barrier_wait(w->start);
    for (int i = 0; i < ROUNDS; i++) {
        w->shared->written[i][w->index] = 1;
        if (!pl_refs_release(&w->shared->refs[i]))
            continue;
        w->last++;
        for (int k = 0; k < THREADS; k++)
            w->missing += w->shared->written[i][k] != 1;
    }
    return NULL;
}

static void the_last_holder_sees_what_the_others_wrote(void **state)
{
    static struct shared shared;
    struct worker worker[THREADS];
    pthread_t thread[THREADS];
    pthread_barrier_t start;
    int last = 0;

    (void)state;
    pthread_barrier_init(&start, NULL, THREADS);
    for (int i = 0; i < ROUNDS; i++) {
        pl_refs_init(&shared.refs[i]);
        for (int k = 1; k < THREADS; k++)
            pl_refs_hold(&shared.refs[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        worker[i] = (struct worker){&shared, &start, i, 0, 0};
        assert_int_equal(pthread_create(&thread[i], NULL, work, &worker[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        last += worker[i].last;
        assert_int_equal(worker[i].missing, 0);
    }
    assert_int_equal(last, ROUNDS);
    pthread_barrier_destroy(&start);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_holder_is_the_last),
        cmocka_unit_test(as_many_releases_as_holders_are_needed),
        cmocka_unit_test(the_last_holder_sees_what_the_others_wrote),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
