/* SPDX-License-Identifier: Apache-2.0 */
/* sim.c - see sim.h.
 *
 * The seed makes the decisions that threads would: which loop runs its turn
 * next and with what budget, which also decides the order in which mail of
 * different senders arrives.  The loops' random numbers derive from the seed
 * too, and the clock moves only when the test moves it.  A budget of one
 * message is as likely as a large one, because the rare interleavings are those
 * in which an actor is interrupted.  Loops never sleep here; wake-ups belong to
 * the reactor.
 *
 * Invariant: no run depends on addresses in memory, the machine's clock or
 * threads. */
#include "sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "loop_private.h"
#include "system.h"

enum { BUDGETS = 8 /* powers of two */, RUNAWAY_STEPS = 100000000 };

struct pl_sim {
    uint64_t seed;
    struct pl_clock_driven clock;
    struct pl_random random;
    struct pl_system *system;
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
    free(sim);
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

/* Return a random loop with work, or NULL.  Each replaces the one chosen before
 * with the probability that makes all equally likely. */
static struct pl_loop *choose(struct pl_sim *sim)
{
    struct pl_loop *chosen = NULL;
    unsigned seen = 0;

    for (unsigned i = 0; i < pl_system_loop_count(sim->system); i++) {
        struct pl_loop *loop = loop_at(sim, i);

        if (pl_loop_has_work(loop) &&
            pl_random_below(&sim->random, ++seen) == 0)
            chosen = loop;
    }
    return chosen;
}

static unsigned random_budget(struct pl_sim *sim)
{
    return 1u << pl_random_below(&sim->random, BUDGETS);
}

bool pl_sim_step(struct pl_sim *sim)
{
    struct pl_loop *loop = choose(sim);

    if (loop == NULL)
        return false;
    unsigned an_actor = random_budget(sim);
    unsigned a_turn = random_budget(sim);
    pl_loop_set_budget(loop, an_actor, a_turn);
    pl_loop_turn(loop);
    return true;
}

bool pl_sim_settle(struct pl_sim *sim, uint64_t max_steps)
{
    for (uint64_t i = 0; i < max_steps; i++) {
        if (!pl_sim_step(sim))
            return true;
    }
    return choose(sim) == NULL;
}

static void settle_or_abort(struct pl_sim *sim)
{
    if (pl_sim_settle(sim, RUNAWAY_STEPS))
        return;
    fprintf(stderr, "pl_sim: never settles, PL_SEED=%" PRIu64 "\n", sim->seed);
    abort();
}

/* Milliseconds to the next timer of any loop; UINT64_MAX: never. */
static uint64_t next_timer(struct pl_sim *sim)
{
    uint64_t next = UINT64_MAX;

    for (unsigned i = 0; i < pl_system_loop_count(sim->system); i++) {
        uint64_t mine = pl_loop_next_timer(loop_at(sim, i));

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
    settle_or_abort(sim);
    for (uint64_t next; (next = next_timer(sim)) <= ms; ms -= next) {
        move_clock(sim, next);
        settle_or_abort(sim);
    }
    move_clock(sim, ms);
    settle_or_abort(sim);
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
