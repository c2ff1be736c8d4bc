/* SPDX-License-Identifier: Apache-2.0 */
/* test_loop_handle.c - threads that post to a loop which ends meanwhile. */
#include "recorder.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

#include "loop_handle.h"
#include "reactor.h"

static void a_post_reaches_its_actor_while_the_system_is_open(void **state)
{
    struct pl_system *s = system_of(2, NULL);
    struct pl_loop *loop = pl_system_loop(s, 1);
    struct recorder *r = recorder_new(loop, &recorder_ops);

    (void)state;
    assert_true(pl_loop_handle_post(
        pl_loop_handle_of(loop), pl_actor_address(&r->actor), note(5, 1, 0)));
    settle(s);
    GOT(r, 5);
    assert_int_equal(pl_loop_stats(loop)->posts_foreign, 1);
    assert_int_equal(pl_loop_handle_refused(pl_loop_handle_of(loop)), 0);
    pl_system_destroy(s);
    assert_int_equal(atomic_load(&notes_alive), 0);
}

static void a_post_after_the_close_is_destroyed_and_counted(void **state)
{
    struct pl_system *s = system_of(2, NULL);
    struct pl_loop *loop = pl_system_loop(s, 1);
    struct recorder *r = recorder_new(loop, &recorder_ops);
    struct pl_address to = pl_actor_address(&r->actor);

    (void)state;
    pl_system_close(s);
    pl_system_close(s);
    for (int i = 0; i < 3; i++)
        assert_false(
            pl_loop_handle_post(pl_loop_handle_of(loop), to, note(5, 1, 0)));
    assert_int_equal(atomic_load(&notes_alive), 0);
    settle(s);
    assert_int_equal(r->count, 0);
    assert_int_equal(pl_loop_handle_refused(pl_loop_handle_of(loop)), 3);
    assert_int_equal(
        pl_loop_handle_refused(pl_loop_handle_of(pl_system_loop(s, 0))), 0);
    pl_system_destroy(s);
}

static void a_loop_handle_outlives_its_system(void **state)
{
    struct pl_system *s = system_of(1, NULL);
    struct pl_loop *loop = pl_system_loop(s, 0);
    struct recorder *r = recorder_new(loop, &recorder_ops);
    struct pl_address to = pl_actor_address(&r->actor);
    struct pl_loop_handle *handle =
        pl_loop_handle_hold(pl_loop_handle_of(loop));

    (void)state;
    pl_system_destroy(s);
    assert_false(pl_loop_handle_post(handle, to, note(5, 1, 0)));
    assert_int_equal(pl_loop_handle_refused(handle), 1);
    assert_int_equal(atomic_load(&notes_alive), 0);
    pl_loop_handle_release(handle);
    pl_loop_handle_release(NULL);
}

/* --- Who is inside when the end comes --- */

struct meeting {
    struct pl_system *system;
    struct pl_loop_handle *handle;
    struct pl_address to;
    sem_t inside;     /* somebody is waking the loop */
    atomic_bool asks; /* the other is about to close, or does */
    atomic_bool is_closed;
    bool was_closed; /* while somebody was inside */
};

/* Stays as long as a thread that does not wait for it would need to pass. */
static void wake_slowly(void *arg)
{
    struct meeting *m = arg;

    sem_post(&m->inside);
    while (!atomic_load(&m->asks))
        sched_yield();
    for (int i = 0; i < 10000; i++)
        sched_yield();
    m->was_closed = atomic_load(&m->is_closed);
}

static void *post_one(void *arg)
{
    struct meeting *m = arg;

    assert_true(pl_loop_handle_post(m->handle, m->to, note(1, 1, 0)));
    return NULL;
}

static void the_close_waits_for_who_is_waking_a_loop(void **state)
{
    struct meeting m = {.system = system_of(1, NULL)};
    struct pl_loop *loop = pl_system_loop(m.system, 0);
    pthread_t thread;

    (void)state;
    m.handle = pl_loop_handle_of(loop);
    m.to = pl_actor_address(&recorder_new(loop, &recorder_ops)->actor);
    sem_init(&m.inside, 0, 0);
    pl_loop_set_wake(loop, wake_slowly, &m);
    assert_true(pl_loop_sleep(loop));
    assert_int_equal(pthread_create(&thread, NULL, post_one, &m), 0);
    while (sem_wait(&m.inside) != 0)
        continue;
    atomic_store(&m.asks, true);
    pl_system_close(m.system);
    atomic_store(&m.is_closed, true);
    pthread_join(thread, NULL);
    assert_false(m.was_closed);
    sem_destroy(&m.inside);
    pl_system_destroy(m.system);
}

/* --- Racing the end --- */

enum { POSTERS = 2, LIVES = 300 };

struct race {
    struct pl_loop_handle *handle;
    struct pl_address to;
    atomic_uint posted;
};

static void *post_until_the_end(void *arg)
{
    struct race *race = arg;

    while (pl_loop_handle_post(race->handle, race->to, note(1, 1, 0))) {
        atomic_fetch_add(&race->posted, 1);
        sched_yield(); /* the loop may sleep between two */
    }
    pl_loop_handle_release(race->handle);
    return NULL;
}

static void live(void)
{
    struct pl_system *s = system_of(1, NULL);
    struct pl_loop *loop = pl_system_loop(s, 0);
    struct race race = {.handle = pl_loop_handle_of(loop)};
    pthread_t threads[POSTERS];
    struct pl_reactor *re;

    race.to = pl_actor_address(&recorder_new(loop, &recorder_ops)->actor);
    assert_int_equal(pl_reactor_create(&re, loop, NULL), PL_OK);
    assert_int_equal(pl_reactor_start(re, "loop"), PL_OK);
    for (int i = 0; i < POSTERS; i++) {
        pl_loop_handle_hold(race.handle);
        assert_int_equal(
            pthread_create(&threads[i], NULL, post_until_the_end, &race), 0);
    }
    while (atomic_load(&race.posted) < 10)
        sched_yield();
    pl_reactor_stop(re);
    assert_int_equal(pl_reactor_join(re, 60000), PL_OK);
    pl_system_close(s);
    pl_system_reap(s);
    pl_reactor_destroy(re);
    pl_system_destroy(s);
    for (int i = 0; i < POSTERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&notes_alive), 0);
}

static void posts_may_race_the_end_of_their_loop(void **state)
{
    const char *wanted = getenv("PL_LINE_LIVES");
    long lives = wanted != NULL ? strtol(wanted, NULL, 10) : LIVES;

    (void)state;
    while (lives-- > 0)
        live();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_post_reaches_its_actor_while_the_system_is_open),
        cmocka_unit_test(a_post_after_the_close_is_destroyed_and_counted),
        cmocka_unit_test(a_loop_handle_outlives_its_system),
        cmocka_unit_test(the_close_waits_for_who_is_waking_a_loop),
        cmocka_unit_test(posts_may_race_the_end_of_their_loop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
