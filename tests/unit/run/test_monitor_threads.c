/* SPDX-License-Identifier: Apache-2.0 */
/* test_monitor_threads.c - monitors on real threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "monitor.h"
#include "reactor.h"
#include "system.h"

enum { LOOPS = 3, PAIRS = 2000, JOIN_MS = 30000 };

static struct pl_system *sys;
static struct pl_reactor *reactor[LOOPS];
static sem_t done;

static int setup(void **state)
{
    struct pl_system_options options = {.loops = LOOPS};

    (void)state;
    sem_init(&done, 0, 0);
    if (pl_system_create(&sys, &options) != PL_OK)
        return -1;
    for (unsigned i = 0; i < LOOPS; i++) {
        if (pl_reactor_create(&reactor[i], pl_system_loop(sys, i), NULL) !=
            PL_OK)
            return -1;
    }
    return 0;
}

/* Run the loops until somebody posts `done`. */
static void run(void)
{
    for (unsigned i = 0; i < LOOPS; i++) {
        char name[8];

        snprintf(name, sizeof name, "loop%u", i);
        assert_int_equal(pl_reactor_start(reactor[i], name), PL_OK);
    }
    while (sem_wait(&done) != 0)
        ;
    for (unsigned i = 0; i < LOOPS; i++)
        pl_reactor_stop(reactor[i]);
    for (unsigned i = 0; i < LOOPS; i++)
        assert_int_equal(pl_reactor_join(reactor[i], JOIN_MS), PL_OK);
}

static int teardown(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LOOPS; i++)
        pl_reactor_destroy(reactor[i]);
    pl_system_destroy(sys);
    sem_destroy(&done);
    return 0;
}

/* Each watcher on loop 0 has an actor on loop 1 or 2. */

enum { MSG_EXIT = 1 };

struct member {
    struct pl_actor actor;
    struct pl_address other;
    uint32_t number;
};

static struct member watcher[PAIRS], watched[PAIRS];
static atomic_int watchers_left, watched_left, downs, wrong;

static void free_msg(struct pl_msg *msg)
{
    free(msg);
}

static struct pl_msg *exit_msg(void)
{
    struct pl_msg *msg = calloc(1, sizeof *msg);

    assert_non_null(msg);
    msg->type = MSG_EXIT;
    msg->destroy = free_msg;
    return msg;
}

/* Some watch after the exit was sent, some before; some exit at once. */
static void watch(struct member *w)
{
    unsigned way = w->number % 4;

    if (way == 0)
        pl_actor_send(&w->actor, w->other, exit_msg());
    if (pl_monitor_start(&w->actor, w->other, w->number) != PL_OK)
        atomic_fetch_add(&wrong, 1);
    if (way == 1)
        pl_actor_send(&w->actor, w->other, exit_msg());
    if (way >= 2)
        pl_actor_exit(&w->actor, "careless");
}

static void watcher_receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct member *w = PL_CONTAINER(a, struct member, actor);

    if (msg->type == PL_MSG_DOWN) {
        const struct pl_down_msg *d =
            PL_CONTAINER(msg, struct pl_down_msg, msg);
        atomic_fetch_add(&downs, 1);
        atomic_fetch_add(&wrong, d->ref != w->number ||
                                     !pl_address_equal(d->of, w->other));
        pl_actor_exit(a, "told");
    } else {
        watch(w);
    }
    msg->destroy(msg);
}

static void watcher_reap(struct pl_actor *a)
{
    (void)a;
    if (atomic_fetch_sub(&watchers_left, 1) == 1)
        sem_post(&done);
}

static void watched_receive(struct pl_actor *a, struct pl_msg *msg)
{
    msg->destroy(msg);
    pl_actor_exit(a, "asked");
}

static void watched_reap(struct pl_actor *a)
{
    (void)a;
    atomic_fetch_sub(&watched_left, 1);
}

static const struct pl_actor_ops watcher_ops = {.name = "watcher",
                                                .mailbox_limit = 4,
                                                .receive = watcher_receive,
                                                .reap = watcher_reap};
static const struct pl_actor_ops watched_ops = {.name = "watched",
                                                .mailbox_limit = 4,
                                                .receive = watched_receive,
                                                .reap = watched_reap};

static void monitors_across_threads_are_told_once(void **state)
{
    (void)state;
    atomic_store(&watchers_left, PAIRS);
    atomic_store(&watched_left, PAIRS);
    for (uint32_t i = 0; i < PAIRS; i++) {
        assert_int_equal(pl_actor_init(&watched[i].actor,
                                       pl_system_loop(sys, 1 + i / 7 % 2),
                                       &watched_ops),
                         PL_OK);
        assert_int_equal(pl_actor_init(&watcher[i].actor,
                                       pl_system_loop(sys, 0), &watcher_ops),
                         PL_OK);
        watcher[i].number = i;
        watcher[i].other = pl_actor_address(&watched[i].actor);
        pl_actor_send(&watched[i].actor, pl_actor_address(&watcher[i].actor),
                      exit_msg()); /* "begin" */
    }
    run();
    assert_int_equal(atomic_load(&wrong), 0);
    assert_int_equal(atomic_load(&downs), PAIRS / 2);
    assert_true(atomic_load(&watched_left) >= PAIRS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(monitors_across_threads_are_told_once,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
