/* SPDX-License-Identifier: Apache-2.0 */
/* test_supervision_threads.c - monitors and supervision on real threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor.h"
#include "reactor.h"
#include "supervision.h"
#include "system.h"

enum {
    LOOPS = 3,
    CHILDREN = 6,
    STARTS = 300, /* lives, until nobody crashes any more */
    PAIRS = 2000,
    JOIN_MS = 30000
};

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

/* --- Supervision --- */

struct life {
    struct pl_actor actor;
    struct pl_timer timer;
};

struct owner {
    struct pl_actor actor;
    struct pl_supervision *supervision;
    unsigned told_started;
    unsigned forced;
};

static struct owner owner;
static atomic_int starts, lives;

static void life_receive(struct pl_actor *a, struct pl_msg *msg)
{
    uint16_t type = msg->type;

    msg->destroy(msg);
    if (type == PL_MSG_STOP)
        pl_actor_exit(a, "stopped");
}

static void life_reap(struct pl_actor *a)
{
    struct life *l = PL_CONTAINER(a, struct life, actor);

    pl_timer_stop(a->loop, &l->timer);
    atomic_fetch_sub(&lives, 1);
    free(l);
}

static const struct pl_actor_ops life_ops = {.name = "life",
                                             .mailbox = {4, PL_FULL_REFUSE},
                                             .receive = life_receive,
                                             .reap = life_reap};

static void crash(struct pl_timer *t)
{
    pl_actor_exit(&PL_CONTAINER(t, struct life, timer)->actor, "crash");
}

static enum pl_err start_life(struct pl_loop *loop, void *arg,
                              struct pl_address *out)
{
    (void)arg;
    int number = atomic_fetch_add(&starts, 1);
    if (number < STARTS && number % 7 == 3)
        return PL_EIO;
    struct life *l = calloc(1, sizeof *l);
    assert_non_null(l);
    assert_int_equal(pl_actor_init(&l->actor, loop, &life_ops), PL_OK);
    atomic_fetch_add(&lives, 1);
    l->timer.fire = crash;
    if (number < STARTS)
        pl_timer_start(loop, &l->timer,
                       pl_random_below(pl_loop_random(loop), 9));
    *out = pl_actor_address(&l->actor);
    return PL_OK;
}

static void owner_receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct owner *o = PL_CONTAINER(a, struct owner, actor);

    assert_true(pl_supervision_receive(o->supervision, msg));
}

static void owner_reap(struct pl_actor *a)
{
    pl_supervision_destroy(PL_CONTAINER(a, struct owner, actor)->supervision);
    sem_post(&done);
}

static const struct pl_actor_ops owner_ops = {.name = "owner",
                                              .mailbox = {1, PL_FULL_REFUSE},
                                              .receive = owner_receive,
                                              .reap = owner_reap};

/* Stops when nobody crashes any more, else waits for the next crash. */
static void started(struct pl_actor *a)
{
    struct owner *o = PL_CONTAINER(a, struct owner, actor);

    o->told_started++;
    if (atomic_load(&starts) >= STARTS + CHILDREN)
        pl_supervision_stop(o->supervision);
}

static void stopped(struct pl_actor *a, unsigned forced)
{
    PL_CONTAINER(a, struct owner, actor)->forced = forced;
    pl_actor_exit(a, "stopped");
}

static void supervise(enum pl_strategy strategy)
{
    struct pl_supervision_options options = {.strategy = strategy,
                                             .restarts = 100000,
                                             .within_ms = 1000,
                                             .started = started,
                                             .stopped = stopped};

    memset(&owner, 0, sizeof owner);
    atomic_store(&starts, 0);
    assert_int_equal(
        pl_actor_init(&owner.actor, pl_system_loop(sys, 0), &owner_ops), PL_OK);
    assert_int_equal(
        pl_supervision_create(&owner.supervision, &owner.actor, &options),
        PL_OK);
    for (unsigned i = 0; i < CHILDREN; i++) {
        struct pl_child_spec spec = {.name = "life",
                                     .loop = i % LOOPS,
                                     .start = start_life,
                                     .stop_ms = JOIN_MS};
        assert_int_equal(pl_supervision_add(owner.supervision, &spec), PL_OK);
    }
    pl_supervision_start(owner.supervision);
    run();
    assert_int_equal(owner.forced, 0);
    assert_true(owner.told_started > 0);
    assert_int_equal(atomic_load(&lives), 0);
}

static void children_on_other_threads_all_stop_one_for_all(void **state)
{
    (void)state;
    supervise(PL_ONE_FOR_ALL);
}

static void children_on_other_threads_all_stop_rest_for_one(void **state)
{
    (void)state;
    supervise(PL_REST_FOR_ONE);
}

/* --- Monitors: each watcher on loop 0 has an actor on loop 1 or 2. --- */

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

/* Some watch after the exit was sent, some before, some withdraw. */
static void watch(struct member *w)
{
    unsigned way = w->number % 4;

    if (way == 0)
        pl_actor_send(&w->actor, w->other, exit_msg());
    if (pl_monitor_start(&w->actor, w->other, w->number) != PL_OK)
        atomic_fetch_add(&wrong, 1);
    if (way == 1)
        pl_actor_send(&w->actor, w->other, exit_msg());
    if (way == 2) {
        pl_monitor_stop(&w->actor, w->other, w->number);
        pl_actor_exit(&w->actor, "withdrew");
    }
    if (way == 3)
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
                                                .mailbox = {4, PL_FULL_REFUSE},
                                                .receive = watcher_receive,
                                                .reap = watcher_reap};
static const struct pl_actor_ops watched_ops = {.name = "watched",
                                                .mailbox = {4, PL_FULL_REFUSE},
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
        cmocka_unit_test_setup_teardown(
            children_on_other_threads_all_stop_one_for_all, setup, teardown),
        cmocka_unit_test_setup_teardown(
            children_on_other_threads_all_stop_rest_for_one, setup, teardown),
        cmocka_unit_test_setup_teardown(monitors_across_threads_are_told_once,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
