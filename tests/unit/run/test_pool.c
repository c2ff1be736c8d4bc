/* SPDX-License-Identifier: Apache-2.0 */
/* test_pool.c - the promises of pool.h, under many seeds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "actor.h"
#include "pool.h"
#include "sim.h"
#include "system.h"
#include "timer.h"

enum { SEEDS = 300, LOOPS = 3, ASKERS = 6, JOBS = 40, THREADS = 2, QUEUE = 4 };

static uint64_t first_seed;

/* What became of each job. */
static struct {
    unsigned runs, answers, cancels, destroyed;
} seen[JOBS];

static unsigned answered; /* of all */
static unsigned alive;

struct errand {
    struct pl_job job; /* first */
    unsigned number;
};

struct asker {
    struct pl_actor actor;
    struct pl_timer timer;
    unsigned order[JOBS]; /* the numbers of its jobs, as they came back */
    unsigned count;
    unsigned fired; /* count when its timer fired */
    bool has_fired;
    bool is_gone;
};

static struct asker asker[ASKERS];

static void errand_run(struct pl_job *job)
{
    seen[((struct errand *)job)->number].runs++;
}

static void errand_destroy(struct pl_msg *msg)
{
    struct errand *e = (struct errand *)msg;

    seen[e->number].destroyed++;
    alive--;
    free(e);
}

static struct errand *errand(unsigned number)
{
    struct errand *e = calloc(1, sizeof *e);

    assert_non_null(e);
    e->number = number;
    e->job.name = "errand";
    e->job.run = errand_run;
    e->job.msg.type = 1;
    e->job.msg.destroy = errand_destroy;
    alive++;
    return e;
}

static void receive(struct pl_actor *a, struct pl_msg *msg)
{
    struct asker *s = PL_CONTAINER(a, struct asker, actor);
    const struct errand *e = (const struct errand *)msg;

    s->order[s->count++] = e->number;
    seen[e->number].answers++;
    seen[e->number].cancels += e->job.is_cancelled;
    answered++;
    msg->destroy(msg);
}

static void fire(struct pl_timer *t)
{
    struct asker *s = PL_CONTAINER(t, struct asker, timer);

    s->has_fired = true;
    s->fired = s->count;
}

static void reap(struct pl_actor *a)
{
    struct asker *s = PL_CONTAINER(a, struct asker, actor);

    pl_timer_stop(a->loop, &s->timer);
    s->is_gone = true;
}

/* A mailbox of one: what comes back is reserved. */
static const struct pl_actor_ops ops = {
    .name = "asker", .mailbox_limit = 1, .receive = receive, .reap = reap};

static struct pl_pool *pool_of(struct pl_sim *sim)
{
    struct pl_pool_options options = {
        .name = "pool", .threads = THREADS, .queue_limit = QUEUE};
    struct pl_pool *p;

    assert_int_equal(pl_sim_pool(sim, &p, &options), PL_OK);
    return p;
}

static bool ask(struct pl_pool *p, struct asker *s, unsigned number)
{
    struct errand *e = errand(number);
    enum pl_err rc = pl_pool_submit(p, &s->actor, &e->job);

    if (rc == PL_OK)
        return true;
    assert_int_equal(rc, PL_EFULL);
    errand_destroy(&e->job.msg); /* still the asker's */
    return false;
}

static void balances(struct pl_pool *p)
{
    struct pl_pool_stats s = pl_pool_stats(p);

    assert_int_equal(s.accepted,
                     s.done + s.cancelled + s.queued + s.in_progress);
    assert_true(s.queued <= QUEUE);
    assert_true(s.in_progress <= THREADS);
}

static void settle(struct pl_sim *sim)
{
    pl_sim_advance(sim, 100000);
}

/* Run `test` with many seeds. */
static void each_seed(void (*test)(struct pl_sim *))
{
    for (uint64_t i = 0; i < SEEDS; i++) {
        struct pl_sim *sim;

        assert_int_equal(pl_sim_create(&sim, LOOPS, first_seed + i), PL_OK);
        memset(seen, 0, sizeof seen);
        memset(asker, 0, sizeof asker);
        answered = 0;
        for (unsigned k = 0; k < ASKERS; k++) {
            struct pl_loop *loop =
                pl_system_loop(pl_sim_system(sim), k % LOOPS);

            asker[k].timer.fire = fire;
            assert_int_equal(pl_actor_init(&asker[k].actor, loop, &ops), PL_OK);
        }
        test(sim);
        pl_sim_destroy(sim);
        assert_int_equal(alive, 0);
        for (unsigned k = 0; k < JOBS; k++) {
            assert_true(seen[k].destroyed <= 1);
            assert_true(seen[k].runs + seen[k].cancels <= 1);
            assert_true(seen[k].answers <= 1);
        }
    }
}

static unsigned overtaken, raced; /* by how many seeds */

static void comes_back(struct pl_sim *sim)
{
    struct pl_pool *p = pool_of(sim);

    pl_timer_start(asker[0].actor.loop, &asker[0].timer, 400);
    for (unsigned i = 0; i < QUEUE; i++)
        assert_true(ask(p, &asker[0], i));
    settle(sim);
    assert_int_equal(asker[0].count, QUEUE);
    for (unsigned i = 0; i < QUEUE; i++) {
        assert_int_equal(seen[i].runs, 1);
        assert_int_equal(seen[i].answers, 1);
        assert_int_equal(seen[i].cancels, 0);
        assert_int_equal(seen[i].destroyed, 1);
    }
    overtaken += asker[0].order[0] > asker[0].order[1];
    raced += asker[0].fired < QUEUE;
    balances(p);
    assert_int_equal(pl_pool_stats(p).done, QUEUE);
    pl_pool_destroy(p);
}

static void a_job_comes_back_once_when_it_was_run(void **state)
{
    (void)state;
    overtaken = raced = 0;
    each_seed(comes_back);
    /* some seeds let the second end before the first, or time pass */
    assert_in_range(overtaken, 1, SEEDS - 1);
    assert_in_range(raced, 1, SEEDS - 1);
}

/* The order and times of one run, as one number. */
static uint64_t trace_of(uint64_t seed)
{
    struct pl_sim *sim;
    uint64_t trace = 0;

    assert_int_equal(pl_sim_create(&sim, 1, seed), PL_OK);
    memset(asker, 0, sizeof asker);
    asker[0].timer.fire = fire;
    assert_int_equal(pl_actor_init(&asker[0].actor,
                                   pl_system_loop(pl_sim_system(sim), 0), &ops),
                     PL_OK);
    struct pl_pool *p = pool_of(sim);
    for (unsigned i = 0; i < QUEUE; i++)
        assert_true(ask(p, &asker[0], i));
    for (unsigned i = 0; i < 100; i++) {
        pl_sim_advance(sim, 20);
        trace = trace * 5 + asker[0].count;
    }
    for (unsigned i = 0; i < QUEUE; i++)
        trace = trace * 5 + asker[0].order[i];
    pl_pool_destroy(p);
    pl_sim_destroy(sim);
    return trace;
}

static void the_same_seed_gives_the_same_run(void **state)
{
    unsigned others = 0;

    (void)state;
    for (uint64_t i = 0; i < 20; i++) {
        assert_true(trace_of(first_seed + i) == trace_of(first_seed + i));
        others += trace_of(first_seed + i) != trace_of(first_seed + i + 1);
    }
    assert_true(others > 0);
}

static void overflows(struct pl_sim *sim)
{
    struct pl_pool *p = pool_of(sim);

    for (unsigned i = 0; i < QUEUE + 3; i++)
        assert_int_equal(ask(p, &asker[i % ASKERS], i), i < QUEUE);
    balances(p);
    assert_int_equal(pl_pool_stats(p).refused, 3);
    settle(sim);
    assert_int_equal(answered, QUEUE);
    assert_true(ask(p, &asker[0], QUEUE + 3)); /* there is room again */
    settle(sim);
    assert_int_equal(answered, QUEUE + 1);
    balances(p);
    pl_pool_destroy(p);
}

static void a_full_queue_refuses_and_counts(void **state)
{
    (void)state;
    each_seed(overflows);
}

static void some_steps(struct pl_sim *sim, unsigned most)
{
    uint64_t steps = pl_random_below(pl_sim_random(sim), most + 1);

    for (uint64_t i = 0; i < steps; i++)
        pl_sim_step(sim);
}

static void stops(struct pl_sim *sim)
{
    struct pl_pool *p = pool_of(sim);

    for (unsigned i = 0; i < QUEUE; i++)
        assert_true(ask(p, &asker[i % ASKERS], i));
    some_steps(sim, 6);
    struct pl_pool_stats before = pl_pool_stats(p);
    pl_pool_stop(p);
    pl_pool_stop(p); /* once is enough */
    balances(p);
    assert_int_equal(pl_pool_stats(p).queued, 0);
    assert_int_equal(pl_pool_stats(p).cancelled, before.queued);
    struct errand *late = errand(QUEUE);
    assert_int_equal(pl_pool_submit(p, &asker[0].actor, &late->job),
                     PL_ESTOPPING);
    errand_destroy(&late->job.msg);
    settle(sim); /* what was in work ends */
    assert_int_equal(pl_pool_join(p, 0), PL_OK);
    assert_int_equal(answered, QUEUE);
    assert_int_equal(pl_pool_stats(p).done, QUEUE - before.queued);
    for (unsigned i = 0; i < QUEUE; i++)
        assert_int_equal(seen[i].runs + seen[i].cancels, 1);
    pl_pool_destroy(p);
}

static void a_stop_cancels_what_waits_and_lets_the_rest_end(void **state)
{
    (void)state;
    each_seed(stops);
}

static unsigned hung; /* by how many seeds */

static void outlives(struct pl_sim *sim)
{
    struct pl_pool *p = pool_of(sim);
    const char *name = NULL;
    uint64_t since_ns;

    for (unsigned i = 0; i < QUEUE; i++)
        assert_true(ask(p, &asker[0], i));
    some_steps(sim, 6);
    assert_int_equal(pl_pool_busy(p, &name, &since_ns),
                     pl_pool_stats(p).in_progress > 0);
    pl_pool_stop(p);
    if (pl_pool_join(p, 10) == PL_ETIMEDOUT) {
        hung++;
        assert_true(pl_pool_busy(p, &name, &since_ns));
        assert_string_equal(name, "errand");
    } else {
        assert_int_equal(pl_pool_stats(p).in_progress, 0);
    }
    pl_pool_destroy(p);
    settle(sim);
    assert_int_equal(answered, QUEUE); /* also those that hung */
}

static void a_pool_may_be_destroyed_while_a_job_runs(void **state)
{
    (void)state;
    hung = 0;
    each_seed(outlives);
    assert_in_range(hung, 1, SEEDS - 1);
}

static void asker_dies(struct pl_sim *sim)
{
    struct pl_pool *p = pool_of(sim);
    struct pl_loop *loop = asker[0].actor.loop;

    for (unsigned i = 0; i < QUEUE; i++)
        assert_true(ask(p, &asker[i % 2], i));
    some_steps(sim, 6);
    unsigned before = asker[0].count;
    pl_actor_exit(&asker[0].actor, "gone");
    settle(sim);
    assert_int_equal(asker[0].count, before);
    for (unsigned i = 0; i < QUEUE; i++) {
        assert_int_equal(seen[i].runs, 1);
        assert_int_equal(seen[i].destroyed, 1);
    }
    assert_int_equal(asker[1].count, QUEUE / 2);
    const struct pl_loop_stats *s = pl_loop_stats(loop);
    assert_int_equal(before + s->mail_dead[PL_DEAD_STALE] +
                         s->mail_dead[PL_DEAD_CLOSING],
                     QUEUE / 2);
    pl_pool_destroy(p);
}

static void a_job_of_who_has_gone_is_destroyed(void **state)
{
    (void)state;
    each_seed(asker_dies);
}

/* Random asking, exiting, stopping and waiting. */
static void make_chaos(struct pl_sim *sim, struct pl_pool *p, unsigned *asked)
{
    struct pl_random *random = pl_sim_random(sim);

    for (unsigned i = 0; i < JOBS; i++) {
        struct asker *s = &asker[pl_random_below(random, ASKERS)];

        if (!s->is_gone && !s->actor.mailbox.is_exited)
            *asked += ask(p, s, i);
        if (pl_random_below(random, 12) == 0)
            pl_actor_exit(&s->actor, "chaos");
        if (pl_random_below(random, 4) == 0)
            pl_sim_advance(sim, pl_random_below(random, 900));
        some_steps(sim, 4);
        balances(p);
    }
}

static void chaos(struct pl_sim *sim)
{
    struct pl_pool *p = pool_of(sim);
    unsigned asked = 0, ran = 0;

    make_chaos(sim, p, &asked);
    settle(sim);
    struct pl_pool_stats s = pl_pool_stats(p);
    assert_int_equal(s.accepted, asked);
    assert_int_equal(s.done, asked);
    for (unsigned i = 0; i < JOBS; i++)
        ran += seen[i].runs;
    assert_int_equal(ran, asked);
    pl_pool_destroy(p);
}

static void whatever_happens_each_job_runs_once(void **state)
{
    (void)state;
    each_seed(chaos);
}

static void chaos_ends(struct pl_sim *sim)
{
    struct pl_pool *p = pool_of(sim);
    unsigned asked = 0;

    make_chaos(sim, p, &asked);
    pl_pool_destroy(p); /* each_seed() destroys the system in the middle */
}

static void a_system_that_ends_in_the_middle_frees_all_jobs(void **state)
{
    (void)state;
    each_seed(chaos_ends); /* the sanitizer sees leaks */
}

static void wrong_options_are_refused(void **state)
{
    static const struct pl_pool_options wrong[] = {
        {"pool", 0, 1}, {"pool", 65, 1}, {"pool", 1, 0}};
    struct pl_pool *p;
    struct pl_sim *sim;

    (void)state;
    assert_int_equal(pl_sim_create(&sim, 1, 1), PL_OK);
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(pl_pool_create(&p, &wrong[i]), PL_EINVAL);
        assert_int_equal(pl_sim_pool(sim, &p, &wrong[i]), PL_EINVAL);
    }
    pl_pool_destroy(NULL);
    pl_sim_destroy(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_comes_back_once_when_it_was_run),
        cmocka_unit_test(the_same_seed_gives_the_same_run),
        cmocka_unit_test(a_full_queue_refuses_and_counts),
        cmocka_unit_test(a_stop_cancels_what_waits_and_lets_the_rest_end),
        cmocka_unit_test(a_pool_may_be_destroyed_while_a_job_runs),
        cmocka_unit_test(a_job_of_who_has_gone_is_destroyed),
        cmocka_unit_test(whatever_happens_each_job_runs_once),
        cmocka_unit_test(a_system_that_ends_in_the_middle_frees_all_jobs),
        cmocka_unit_test(wrong_options_are_refused),
    };

    first_seed = pl_sim_test_seed("pool");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
