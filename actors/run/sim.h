/* SPDX-License-Identifier: Apache-2.0 */
/* sim.h - drives all loops of a system on one thread, in an order that a seed
 * decides, on a clock that the test drives. */
#ifndef PL_SIM_H
#define PL_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "err.h"
#include "random.h"

struct pl_sim; /* opaque */
struct pl_system;

/* A system of `loops` loops and its driver.  The same seed gives the same run.
 * Errors: PL_ENOMEM, PL_EINVAL. */
enum pl_err pl_sim_create(struct pl_sim **out, unsigned loops, uint64_t seed);
void pl_sim_destroy(struct pl_sim *sim);

struct pl_system *pl_sim_system(struct pl_sim *sim);
struct pl_random *pl_sim_random(struct pl_sim *sim);
uint64_t pl_sim_seed(const struct pl_sim *sim);

/* One turn, with a random budget, of a random loop that has work.  False when
 * none has. */
bool pl_sim_step(struct pl_sim *sim);

/* Step until nobody has work; false when `max_steps` did not suffice. */
bool pl_sim_settle(struct pl_sim *sim, uint64_t max_steps);

/* Move the clock by `ms`, stopping at each timer on the way, and settle.  A
 * system that never settles aborts the program and prints the seed. */
void pl_sim_advance(struct pl_sim *sim, uint64_t ms);

/* Move the clock by `ms` at once, past any timer, and run nothing. */
void pl_sim_jump(struct pl_sim *sim, uint64_t ms);

/* Set the time of day, which may jump either way. */
void pl_sim_set_wall(struct pl_sim *sim, uint64_t wall_ms);

/* The seed of a test run: the environment's PL_SEED, else a random one; it is
 * printed, so that a failure can be replayed. */
uint64_t pl_sim_test_seed(const char *test_name);

#endif
