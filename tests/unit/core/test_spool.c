/* SPDX-License-Identifier: Apache-2.0 */
/* test_spool.c - what any thread puts in, one thread writes, whatever blocks
 * it.  Needs TSan to be of full use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spool.h"

enum {
    PUTTERS = 4,
    EACH = 5000 / PL_FEWER,
    LIVES = 2000 / PL_FEWER,
    SHORT_MS = 20,
    LONG_MS = 60000
};

struct note {
    uint32_t from, number;
};

/* The writer's side; the gate is what it blocks on. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static struct pl_cell written, out_of_order, last_rests;
static sem_t rested; /* once more for each rest() but the last */
static uint32_t next[PUTTERS];

static void take(uint8_t tag, const char *bytes, size_t len)
{
    struct note n;

    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    if (tag == 1) {
        memcpy(&n, bytes, sizeof n);
        if (len != sizeof n + n.number % 300 || next[n.from] != n.number)
            pl_cell_add(&out_of_order, 1);
        next[n.from] = n.number + 1;
    }
    pl_cell_add(&written, 1);
}

static uint64_t rest(bool is_last)
{
    if (is_last)
        pl_cell_add(&last_rests, 1);
    else
        sem_post(&rested);
    return 0;
}

static struct pl_spool spool = PL_SPOOL_INIT("spool", take, rest);

static int setup(void **state)
{
    (void)state;
    memset(next, 0, sizeof next);
    pl_cell_set(&written, 0);
    pl_cell_set(&out_of_order, 0);
    return 0;
}

static void *put_all(void *arg)
{
    char bytes[sizeof(struct note) + 300] = {0};
    struct note n = {.from = (uint32_t)(uintptr_t)arg};

    for (n.number = 0; n.number < EACH; n.number++) {
        size_t len = sizeof n + n.number % 300;

        memcpy(bytes, &n, sizeof n);
        while (pl_spool_put(&spool, 1, bytes, len) == PL_EFULL)
            sched_yield();
    }
    return NULL;
}

static void what_a_thread_puts_comes_out_in_its_order(void **state)
{
    pthread_t t[PUTTERS];

    (void)state;
    assert_int_equal(pl_spool_start(&spool), PL_OK);
    for (uintptr_t i = 0; i < PUTTERS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, put_all, (void *)i), 0);
    for (int i = 0; i < PUTTERS; i++)
        pthread_join(t[i], NULL);
    assert_true(pl_spool_flush(&spool, LONG_MS));
    assert_true(pl_spool_is_idle(&spool));
    pl_spool_stop(&spool, LONG_MS);
    assert_int_equal(pl_cell_get(&written), PUTTERS * EACH);
    assert_int_equal(pl_cell_get(&out_of_order), 0);
}

/* How many pieces of `len` bytes fit while the writer holds one. */
static unsigned fill(size_t len)
{
    static const char bytes[PL_SPOOL_PIECE_MAX];
    unsigned count = 0;

    while (pl_spool_put(&spool, 0, bytes, len) == PL_OK)
        count++;
    return count;
}

static void a_full_queue_refuses_and_waits_for_nothing(void **state)
{
    static const char bytes[PL_SPOOL_PIECE_MAX + 1];

    (void)state;
    assert_int_equal(pl_spool_start(&spool), PL_OK);
    pthread_mutex_lock(&gate);
    unsigned small = fill(0); /* bounded by pieces; one may be out already */
    assert_in_range(small, PL_SPOOL_PIECES, PL_SPOOL_PIECES + 1);
    assert_int_equal(pl_spool_put(&spool, 0, bytes, 0), PL_EFULL);
    assert_false(pl_spool_flush(&spool, SHORT_MS));
    pthread_mutex_unlock(&gate);
    assert_true(pl_spool_flush(&spool, LONG_MS));
    pthread_mutex_lock(&gate);
    unsigned large = fill(PL_SPOOL_PIECE_MAX); /* bounded by bytes */
    assert_in_range(large, PL_SPOOL_BYTES / (PL_SPOOL_PIECE_MAX + 5),
                    PL_SPOOL_BYTES / (PL_SPOOL_PIECE_MAX + 5) + 1);
    assert_int_equal(pl_spool_put(&spool, 0, bytes, sizeof bytes), PL_ETOOBIG);
    pthread_mutex_unlock(&gate);
    pl_spool_stop(&spool, LONG_MS);
    assert_int_equal(pl_cell_get(&written), small + large);
}

static void without_a_thread_nothing_is_taken(void **state)
{
    (void)state;
    assert_int_equal(pl_spool_put(&spool, 0, "x", 1), PL_ESTOPPING);
    assert_true(pl_spool_flush(&spool, LONG_MS));
    pl_spool_poke(&spool);
}

static void a_writer_that_blocks_is_left_and_taken_over(void **state)
{
    (void)state;
    assert_int_equal(pl_spool_start(&spool), PL_OK);
    pthread_mutex_lock(&gate);
    assert_int_equal(pl_spool_put(&spool, 0, "a", 1), PL_OK);
    assert_int_equal(pl_spool_put(&spool, 0, "b", 1), PL_OK);
    pl_spool_stop(&spool, SHORT_MS);
    assert_int_equal(pl_spool_put(&spool, 0, "c", 1), PL_OK); /* still queued */
    assert_int_equal(pl_spool_start(&spool), PL_OK);
    pthread_mutex_unlock(&gate);
    assert_true(pl_spool_flush(&spool, LONG_MS));
    pl_spool_stop(&spool, LONG_MS);
    assert_int_equal(pl_cell_get(&written), 3);
    assert_int_equal(pl_spool_put(&spool, 0, "d", 1), PL_ESTOPPING);
}

static void a_writer_that_was_left_ends_by_itself(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        assert_int_equal(pl_spool_start(&spool), PL_OK);
        pthread_mutex_lock(&gate);
        assert_int_equal(pl_spool_put(&spool, 0, "a", 1), PL_OK);
        pl_spool_stop(&spool, 0);
        pthread_mutex_unlock(&gate); /* it ends while the next start comes */
    }
    assert_int_equal(pl_spool_start(&spool), PL_OK);
    assert_true(pl_spool_flush(&spool, LONG_MS));
    pl_spool_stop(&spool, LONG_MS);
    assert_int_equal(pl_cell_get(&written), 200);
}

static void a_stop_writes_what_waits_2000_times(void **state)
{
    (void)state;
    pl_cell_set(&last_rests, 0);
    for (int i = 0; i < LIVES; i++) {
        assert_int_equal(pl_spool_start(&spool), PL_OK);
        for (int j = 0; j < 3; j++)
            assert_int_equal(pl_spool_put(&spool, 0, "abc", 3), PL_OK);
        pl_spool_stop(&spool, LONG_MS);
    }
    assert_int_equal(pl_cell_get(&written), 3 * LIVES);
    assert_int_equal(pl_cell_get(&last_rests), LIVES);
}

static struct pl_cell accepted;

static void *come_and_go(void *arg)
{
    (void)arg;
    for (int i = 0; i < LIVES; i++) {
        if (pl_spool_start(&spool) != PL_OK)
            abort();
        if (pl_spool_put(&spool, 0, "abc", 3) == PL_OK)
            pl_cell_add(&accepted, 1);
        if (i % 7 == 0)
            pl_spool_poke(&spool);
        pl_spool_stop(&spool, LONG_MS);
    }
    return NULL;
}

static void *put_whenever(void *arg)
{
    (void)arg;
    for (int i = 0; i < 4 * EACH; i++) {
        if (pl_spool_put(&spool, 0, "abc", 3) == PL_OK)
            pl_cell_add(&accepted, 1);
    }
    return NULL;
}

static void users_may_come_and_go_while_others_put(void **state)
{
    pthread_t t[PUTTERS];

    (void)state;
    pl_cell_set(&accepted, 0);
    for (int i = 0; i < PUTTERS; i++)
        pthread_create(&t[i], NULL, i % 2 == 0 ? come_and_go : put_whenever,
                       NULL);
    for (int i = 0; i < PUTTERS; i++)
        pthread_join(t[i], NULL);
    assert_int_equal(pl_cell_get(&written), pl_cell_get(&accepted));
}

static void await_rest(void)
{
    struct timespec end;

    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += LONG_MS / 1000;
    assert_int_equal(sem_timedwait(&rested, &end), 0);
}

static void forget_rests(void)
{
    while (sem_trywait(&rested) == 0)
        continue;
}

static void a_poke_wakes_a_writer_that_has_nothing_to_do(void **state)
{
    (void)state;
    assert_int_equal(pl_spool_start(&spool), PL_OK);
    for (int i = 0; i < 100; i++) {
        forget_rests();
        pl_spool_poke(&spool);
        await_rest();
    }
    pl_spool_stop(&spool, LONG_MS);
}

/* 0: as it should be. */
static int live_as_a_child(void)
{
    if (pl_spool_put(&spool, 0, "x", 1) != PL_ESTOPPING)
        return 1;
    if (!pl_spool_flush(&spool, LONG_MS))
        return 2;
    pl_spool_stop(&spool, LONG_MS); /* of the parent's start: nothing */
    if (pl_spool_start(&spool) != PL_OK)
        return 3;
    uint64_t before = pl_cell_get(&written);
    if (pl_spool_put(&spool, 0, "x", 1) != PL_OK)
        return 4;
    pl_spool_stop(&spool, LONG_MS);
    return pl_cell_get(&written) == before + 1 ? 0 : 5;
}

static void a_forked_child_begins_from_nothing(void **state)
{
    int status;

    (void)state;
    assert_int_equal(pl_spool_start(&spool), PL_OK);
    assert_int_equal(pl_spool_put(&spool, 0, "x", 1), PL_OK);
    pid_t pid = fork();
    if (pid == 0)
        _exit(live_as_a_child());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    pl_spool_stop(&spool, LONG_MS);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] =
    { cmocka_unit_test_setup(what_a_thread_puts_comes_out_in_its_order, setup),
      cmocka_unit_test_setup(a_full_queue_refuses_and_waits_for_nothing, setup),
      cmocka_unit_test_setup(without_a_thread_nothing_is_taken, setup),
      cmocka_unit_test_setup(a_writer_that_blocks_is_left_and_taken_over,
                             setup),
      cmocka_unit_test_setup(a_writer_that_was_left_ends_by_itself, setup),
      cmocka_unit_test_setup(a_stop_writes_what_waits_2000_times, setup),
      cmocka_unit_test_setup(users_may_come_and_go_while_others_put, setup),
      cmocka_unit_test_setup(a_poke_wakes_a_writer_that_has_nothing_to_do,
                             setup),
#if !defined(__SANITIZE_THREAD__) /* which starts no thread after a fork */
      cmocka_unit_test_setup(a_forked_child_begins_from_nothing, setup),
#endif
    };

    sem_init(&rested, 0, 0);
    (void)a_forked_child_begins_from_nothing;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
