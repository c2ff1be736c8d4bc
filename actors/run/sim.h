/* SPDX-License-Identifier: Apache-2.0 */
/* sim.h - drives all loops of a system on one thread, in an order chosen by a
 * seed, on a clock that the test moves. */
#ifndef PL_SIM_H
#define PL_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "err.h"
#include "random.h"

struct pl_pool;
struct pl_pool_options;
struct pl_sim; /* opaque */
struct pl_system;

/* Create a system of `loops` loops and its driver.  The same seed repeats the
 * same run.
 * Errors: PL_ENOMEM, PL_EINVAL. */
enum pl_err pl_sim_create(struct pl_sim **out, unsigned loops, uint64_t seed);
void pl_sim_destroy(struct pl_sim *sim);

struct pl_system *pl_sim_system(struct pl_sim *sim);
struct pl_random *pl_sim_random(struct pl_sim *sim);
uint64_t pl_sim_seed(const struct pl_sim *sim);

/* Create a pool without threads: a step of the simulation begins or ends a job,
 * at a time drawn by the seed.
 * Owner:  the caller; pl_pool_destroy() before pl_sim_destroy().
 * Errors: PL_ENOMEM, PL_EINVAL. */
enum pl_err pl_sim_pool(struct pl_sim *sim, struct pl_pool **out,
                        const struct pl_pool_options *options);

/* Run one turn, with a random budget, of a random loop that has work, or one
 * step of a pool.  Return false if there is no work. */
bool pl_sim_step(struct pl_sim *sim);

/* Step until there is no work.  Return false if `max_steps` did not suffice. */
bool pl_sim_run_until_idle(struct pl_sim *sim, uint64_t max_steps);

/* Move the clock by `ms`, stopping at each timer and at each end of a job
 * until then, and run all work.  If that never ends, print the seed and abort
 * the program. */
void pl_sim_advance(struct pl_sim *sim, uint64_t ms);

/* Move the clock by `ms` at once, past any timer, and run nothing. */
void pl_sim_jump(struct pl_sim *sim, uint64_t ms);

/* Set the wall clock, forwards or backwards. */
void pl_sim_set_wall(struct pl_sim *sim, uint64_t wall_ms);

/* The seed of a test run: PL_SEED of the environment, else a random one.
 * Prints it, so that a failure can be replayed. */
uint64_t pl_sim_test_seed(const char *test_name);

#endif
