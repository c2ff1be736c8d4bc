/* SPDX-License-Identifier: Apache-2.0 */
/* sim.c - see sim.h.
 *
 * The seed makes the decisions that threads would: which loop runs its turn
 * next and with what budget, which also decides the order in which mail of
 * different senders arrives, and when a job of a pool begins and ends.  The
 * loops' random numbers derive from the seed too, and the clock moves only when
 * the test moves it.  A budget of one message is as likely as a large one,
 * because the rare interleavings are those in which an actor is interrupted.
 * Loops never sleep here; wake-ups belong to the reactor.
 *
 * Invariant: no run depends on addresses in memory, the machine's clock or
 * threads. */
#include "sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "loop_private.h"
#include "sim_pool.h"
#include "system.h"

enum { BUDGETS = 8 /* powers of two */, RUNAWAY_STEPS = 100000000 };

struct pl_sim {
    uint64_t seed;
    struct pl_clock_driven clock;
    struct pl_random random;
    struct pl_system *system;
    struct pl_sim_pool *pools;
};

/* What a step does: a turn of a loop, or something that a pool can do. */
struct choice {
    struct pl_loop *loop;     /* or NULL */
    struct pl_sim_pool *pool; /* or NULL */
    unsigned what;            /* of the pool */
};

enum pl_err pl_sim_create(struct pl_sim **out, unsigned loops, uint64_t seed)
{
    struct pl_sim *sim = calloc(1, sizeof *sim);
    struct pl_system_options options = {.loops = loops};

    if (sim == NULL)
        return PL_ENOMEM;
    sim->seed = seed;
    pl_clock_driven_init(&sim->clock);
    pl_random_init_seeded(&sim->random, seed);
    options.clock = &sim->clock.clock;
    options.seed = pl_random_u64(&sim->random) | 1; /* 0 would mean unseeded */
    enum pl_err err = pl_system_create(&sim->system, &options);
    if (err != PL_OK) {
        free(sim);
        return err;
    }
    *out = sim;
    return PL_OK;
}

void pl_sim_destroy(struct pl_sim *sim)
{
    if (sim == NULL)
        return;
    pl_system_destroy(sim->system);
    while (sim->pools != NULL) {
        struct pl_sim_pool *p = sim->pools;

        sim->pools = p->next;
        pl_sim_pool_fini(p);
        free(p);
    }
    free(sim);
}

enum pl_err pl_sim_pool(struct pl_sim *sim, struct pl_pool **out,
                        const struct pl_pool_options *options)
{
    struct pl_sim_pool *p = calloc(1, sizeof *p);

    if (p == NULL)
        return PL_ENOMEM;
    enum pl_err rc =
        pl_sim_pool_init(p, options, &sim->clock.clock, &sim->random, out);
    if (rc != PL_OK) {
        free(p);
        return rc;
    }
    p->next = sim->pools;
    sim->pools = p;
    return PL_OK;
}

struct pl_system *pl_sim_system(struct pl_sim *sim)
{
    return sim->system;
}

struct pl_random *pl_sim_random(struct pl_sim *sim)
{
    return &sim->random;
}

uint64_t pl_sim_seed(const struct pl_sim *sim)
{
    return sim->seed;
}

static struct pl_loop *loop_at(struct pl_sim *sim, unsigned index)
{
    return pl_system_loop(sim->system, index);
}

/* Choose a step.  Each replaces the one chosen before with the probability that
 * makes all equally likely.  Return false if there is none. */
static bool choose(struct pl_sim *sim, struct choice *chosen)
{
    unsigned seen = 0;

    for (unsigned i = 0; i < pl_system_loop_count(sim->system); i++) {
        struct pl_loop *loop = loop_at(sim, i);

        if (pl_loop_has_work(loop) &&
            pl_random_below(&sim->random, ++seen) == 0)
            *chosen = (struct choice){.loop = loop};
    }
    for (struct pl_sim_pool *p = sim->pools; p != NULL; p = p->next) {
        for (unsigned i = pl_sim_pool_choices(p); i > 0; i--)
            if (pl_random_below(&sim->random, ++seen) == 0)
                *chosen = (struct choice){.pool = p, .what = i - 1};
    }
    return seen > 0;
}

static unsigned random_budget(struct pl_sim *sim)
{
    return 1u << pl_random_below(&sim->random, BUDGETS);
}

bool pl_sim_step(struct pl_sim *sim)
{
    struct choice c = {0};

    if (!choose(sim, &c))
        return false;
    if (c.pool != NULL) {
        pl_sim_pool_step(c.pool, c.what);
        return true;
    }
    unsigned an_actor = random_budget(sim);
    unsigned a_turn = random_budget(sim);
    pl_loop_set_budget(c.loop, an_actor, a_turn);
    pl_loop_turn(c.loop);
    return true;
}

bool pl_sim_run_until_idle(struct pl_sim *sim, uint64_t max_steps)
{
    for (uint64_t i = 0; i < max_steps; i++) {
        if (!pl_sim_step(sim))
            return true;
    }
    struct choice c = {0};

    return !choose(sim, &c);
}

static void run_until_idle(struct pl_sim *sim)
{
    if (pl_sim_run_until_idle(sim, RUNAWAY_STEPS))
        return;
    fprintf(stderr, "pl_sim: never idle, PL_SEED=%" PRIu64 "\n", sim->seed);
    abort();
}

/* Milliseconds to the next timer of any loop, or to the end of a job;
 * UINT64_MAX: never. */
static uint64_t next_event(struct pl_sim *sim)
{
    uint64_t next = UINT64_MAX;

    for (unsigned i = 0; i < pl_system_loop_count(sim->system); i++) {
        uint64_t mine = pl_loop_next_timer(loop_at(sim, i));

        if (mine < next)
            next = mine;
    }
    for (struct pl_sim_pool *p = sim->pools; p != NULL; p = p->next) {
        uint64_t mine = pl_sim_pool_next(p);

        if (mine < next)
            next = mine;
    }
    return next;
}

static void move_clock(struct pl_sim *sim, uint64_t ms)
{
    pl_clock_driven_advance(&sim->clock, ms * 1000000);
}

void pl_sim_advance(struct pl_sim *sim, uint64_t ms)
{
    run_until_idle(sim);
    for (uint64_t next; (next = next_event(sim)) <= ms; ms -= next) {
        move_clock(sim, next);
        run_until_idle(sim);
    }
    move_clock(sim, ms);
    run_until_idle(sim);
}

void pl_sim_jump(struct pl_sim *sim, uint64_t ms)
{
    move_clock(sim, ms);
}

void pl_sim_set_wall(struct pl_sim *sim, uint64_t wall_ms)
{
    sim->clock.wall_ms = wall_ms;
}

uint64_t pl_sim_test_seed(const char *test_name)
{
    const char *text = getenv("PL_SEED");
    struct pl_random random;
    uint64_t seed;

    if (text != NULL && *text != '\0') {
        seed = strtoull(text, NULL, 0);
    } else {
        pl_random_init(&random);
        seed = pl_random_u64(&random);
    }
    printf("PL_SEED=%" PRIu64 " %s\n", seed, test_name);
    fflush(stdout);
    return seed;
}
