/* SPDX-License-Identifier: Apache-2.0 */
/* test_pool_threads.c - a pool on real threads, and its races. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "actor.h"
#include "list.h"
#include "pool.h"
#include "reactor.h"
#include "system.h"

enum {
    LOOPS = 2,
    ASKERS = 4,
    BATCH = 8, /* jobs that one asker wants at once */
    ROUNDS = 2000 / PL_FEWER,
    THREADS = 3,
    JOIN_MS = 30000,
    MSG_ASK = 1,
    MSG_DONE = 2
};

static struct pl_system *sys;
static struct pl_reactor *reactor[LOOPS];
static atomic_int alive; /* errands */

/* --- Jobs --- */

struct errand {
    struct pl_job job; /* first */
    pthread_barrier_t *meet;
    sem_t *hang, *gone;
    pthread_t ran_on;
};

static void errand_run(struct pl_job *job)
{
    struct errand *e = (struct errand *)job;

    e->ran_on = pthread_self();
    if (e->meet != NULL)
        pthread_barrier_wait(e->meet);
    while (e->hang != NULL && sem_wait(e->hang) != 0)
        ;
}

static void errand_destroy(struct pl_msg *msg)
{
    struct errand *e = (struct errand *)msg;
    sem_t *gone = e->gone;

    free(e);
    atomic_fetch_sub(&alive, 1);
    if (gone != NULL)
        sem_post(gone);
}

static struct errand *errand(void)
{
    struct errand *e = calloc(1, sizeof *e);

    assert_non_null(e);
    e->job.name = "errand";
    e->job.run = errand_run;
    e->job.msg.type = MSG_DONE;
    e->job.msg.destroy = errand_destroy;
    atomic_fetch_add(&alive, 1);
    return e;
}

/* --- Askers --- */

struct asker {
    struct pl_actor actor;
    struct pl_msg ask; /* to it, from the test */
    struct pl_pool *pool;
    pthread_barrier_t *meet;
    unsigned want, accepted, answers, cancelled;
    bool is_same_thread; /* a job ran on that of the loop */
    sem_t asked, done;
};

static struct asker asker[ASKERS];

static void keep(struct pl_msg *msg)
{
    (void)msg; /* the asker's */
}

/* Once for each time that it was asked: its jobs return after ask() only. */
static void tell_done(struct asker *s)
{
    if (s->answers == s->accepted)
        sem_post(&s->done);
}

static void ask(struct asker *s)
{
    s->accepted = s->answers = s->cancelled = 0;
    for (unsigned i = 0; i < s->want; i++) {
        struct errand *e = errand();

        e->meet = s->meet;
        if (pl_pool_submit(s->pool, &s->actor, &e->job) == PL_OK)
            s->accepted++;
        else
            errand_destroy(&e->job.msg);
    }
    sem_post(&s->asked);
    tell_done(s);
}

static void receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct asker *s = PL_CONTAINER(a, struct asker, actor);

    if (msg->type == MSG_ASK) {
        ask(s);
        return;
    }
    const struct errand *e = (const struct errand *)msg;
    s->answers++;
    s->cancelled += e->job.is_cancelled;
    s->is_same_thread |=
        !e->job.is_cancelled && pthread_equal(e->ran_on, pthread_self()) != 0;
    msg->destroy(msg);
    tell_done(s);
}

static void reap(struct pl_actor *a)
{
    (void)a;
}

static const struct pl_actor_ops ops = {
    .name = "asker", .mailbox_limit = 4, .receive = receive, .reap = reap};

static void await(sem_t *s)
{
    while (sem_wait(s) != 0)
        ;
}

static void asker_init(struct asker *s, struct pl_loop *loop)
{
    *s = (struct asker){.want = BATCH,
                        .ask = {.type = MSG_ASK, .destroy = keep}};
    sem_init(&s->asked, 0, 0);
    sem_init(&s->done, 0, 0);
    assert_int_equal(pl_actor_init(&s->actor, loop, &ops), PL_OK);
}

static struct pl_pool *pool_of(unsigned threads, uint32_t queue_limit)
{
    struct pl_pool_options options = {
        .name = "pool", .threads = threads, .queue_limit = queue_limit};
    struct pl_pool *p;

    assert_int_equal(pl_pool_create(&p, &options), PL_OK);
    return p;
}

static int setup(void **state)
{
    struct pl_system_options options = {.loops = LOOPS};

    (void)state;
    if (pl_system_create(&sys, &options) != PL_OK)
        return -1;
    for (unsigned i = 0; i < ASKERS; i++)
        asker_init(&asker[i], pl_system_loop(sys, i % LOOPS));
    for (unsigned i = 0; i < LOOPS; i++) {
        if (pl_reactor_create(&reactor[i], pl_system_loop(sys, i), NULL) !=
                PL_OK ||
            pl_reactor_start(reactor[i], "loop") != PL_OK)
            return -1;
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LOOPS; i++)
        pl_reactor_stop(reactor[i]);
    for (unsigned i = 0; i < LOOPS; i++) {
        if (pl_reactor_join(reactor[i], JOIN_MS) != PL_OK)
            return -1;
    }
    pl_system_close(sys);
    for (unsigned i = 0; i < LOOPS; i++)
        pl_reactor_destroy(reactor[i]);
    pl_system_destroy(sys);
    return atomic_load(&alive) == 0 ? 0 : -1;
}

static void have_ask(struct asker *s, struct pl_pool *p)
{
    s->pool = p;
    pl_system_post(sys, pl_actor_address(&s->actor), &s->ask);
}

/* --- Tests --- */

static void jobs_run_side_by_side_and_on_no_loop(void **state)
{
    struct pl_pool *p = pool_of(THREADS, BATCH);
    pthread_barrier_t meet;

    (void)state;
    pthread_barrier_init(&meet, NULL, THREADS); /* all threads, or none */
    asker[0].meet = &meet;
    asker[0].want = THREADS;
    have_ask(&asker[0], p);
    await(&asker[0].done);
    assert_int_equal(asker[0].answers, THREADS);
    assert_false(asker[0].is_same_thread);
    pl_pool_destroy(p);
    pthread_barrier_destroy(&meet);
}

static void a_stop_may_come_while_jobs_are_queued(void **state)
{
    uint64_t cancelled = 0, done = 0;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct pl_pool *p = pool_of(1 + (unsigned)round % THREADS, BATCH);
        unsigned told = 0, accepted = 0;

        for (unsigned i = 0; i < ASKERS; i++)
            have_ask(&asker[i], p);
        if (round % 4 != 0)
            await(&asker[round % 4].asked);
        pl_pool_stop(p);
        for (unsigned i = 0; i < ASKERS; i++) {
            if (round % 4 == 0 || i != (unsigned)round % 4)
                await(&asker[i].asked);
        }
        assert_int_equal(pl_pool_join(p, JOIN_MS), PL_OK);
        struct pl_pool_stats s = pl_pool_stats(p);
        pl_pool_destroy(p);
        for (unsigned i = 0; i < ASKERS; i++) {
            await(&asker[i].done);
            told += asker[i].cancelled;
            accepted += asker[i].accepted;
        }
        assert_int_equal(s.accepted, accepted);
        assert_int_equal(s.cancelled, told);
        assert_int_equal(s.done + s.cancelled, s.accepted);
        cancelled += s.cancelled;
        done += s.done;
    }
    assert_true(cancelled > 0);
    assert_true(done > 0);
}

/* Jobs come back to who has exited, and to a system that has ended; this thread
 * drives the loop. */
static void an_asker_may_exit_and_its_system_end_meanwhile(void **state)
{
    static const struct pl_system_options options = {.loops = 1};
    struct pl_pool *p = pool_of(THREADS, BATCH * 2);
    uint64_t accepted = 0, answers = 0;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct pl_system *s;
        struct asker a;

        assert_int_equal(pl_system_create(&s, &options), PL_OK);
        asker_init(&a, pl_system_loop(s, 0));
        a.pool = p;
        ask(&a);
        for (int turn = 0; turn < round % 8; turn++)
            pl_loop_turn(a.actor.loop);
        if (round % 2 == 0) {
            pl_actor_exit(&a.actor, "careless");
            pl_loop_turn(a.actor.loop);
        }
        pl_system_destroy(s);
        accepted += a.accepted;
        answers += a.answers;
    }
    pl_pool_stop(p);
    assert_int_equal(pl_pool_join(p, JOIN_MS), PL_OK);
    assert_int_equal(pl_pool_stats(p).accepted, accepted);
    assert_true(answers < accepted);
    assert_int_equal(atomic_load(&alive), 0);
    pl_pool_destroy(p);
}

static void hang(struct pl_pool *p, struct errand *e)
{
    const char *name = NULL;
    uint64_t since_ns;

    assert_int_equal(pl_pool_submit(p, &asker[0].actor, &e->job), PL_OK);
    while (!pl_pool_busy(p, &name, &since_ns))
        sched_yield();
    assert_string_equal(name, "errand");
    assert_true(since_ns > 0);
}

/* On a system of its own, whose loop this thread drives. */
static void a_job_that_hangs_delays_no_other(void **state)
{
    static const struct pl_system_options options = {.loops = 1};
    struct errand *first = errand(), *second = errand();
    struct pl_system *s;
    sem_t release, gone;

    (void)state;
    sem_init(&release, 0, 0);
    sem_init(&gone, 0, 0);
    first->hang = &release;
    first->gone = second->gone = &gone;
    assert_int_equal(pl_system_create(&s, &options), PL_OK);
    asker_init(&asker[0], pl_system_loop(s, 0));
    struct pl_pool *p = pool_of(1, 1);
    hang(p, first);
    assert_int_equal(pl_pool_submit(p, &asker[0].actor, &second->job), PL_OK);
    pl_pool_stop(p);
    assert_int_equal(pl_pool_join(p, 10), PL_ETIMEDOUT);
    assert_int_equal(pl_pool_join(p, 0), PL_ETIMEDOUT);
    pl_loop_turn(pl_system_loop(s, 0));
    assert_int_equal(asker[0].cancelled, 1); /* the second */
    pl_pool_destroy(p);
    pl_system_destroy(s);
    assert_int_equal(atomic_load(&alive), 1);
    await(&gone);
    sem_post(&release); /* the first ends by itself, and frees the pool */
    await(&gone);
    assert_int_equal(atomic_load(&alive), 0);
    sem_destroy(&release);
    sem_destroy(&gone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(jobs_run_side_by_side_and_on_no_loop,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_stop_may_come_while_jobs_are_queued,
                                        setup, teardown),
        cmocka_unit_test(an_asker_may_exit_and_its_system_end_meanwhile),
        cmocka_unit_test(a_job_that_hangs_delays_no_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
