/* SPDX-License-Identifier: Apache-2.0 */
/* sim_pool.h - what stands in for the threads of a pool in the simulation.
 * Private to actors/run. */
#ifndef PL_SIM_POOL_H
#define PL_SIM_POOL_H

#include "pool_private.h"
#include "random.h"

/* A pool of the simulation, with the jobs that its threads would work on. */
struct pl_sim_pool {
    struct pl_sim_pool *next;
    struct pl_pool *pool; /* a reference */
    const struct pl_clock *clock;
    struct pl_random *random;
    unsigned threads;
    struct pl_list work; /* jobs that have begun */
    unsigned count;      /* of them */
};

/* Owner:  the caller of pl_sim_pool_fini() for *s, the test for *out.
 * Errors: PL_ENOMEM, PL_EINVAL. */
enum pl_err pl_sim_pool_init(struct pl_sim_pool *s,
                             const struct pl_pool_options *options,
                             const struct pl_clock *clock,
                             struct pl_random *random, struct pl_pool **out);

/* Return the jobs that run, and release the pool. */
void pl_sim_pool_fini(struct pl_sim_pool *s);

/* The number of things that a thread could do now: begin a job, or return one
 * whose time has come. */
unsigned pl_sim_pool_choices(const struct pl_sim_pool *s);
void pl_sim_pool_step(struct pl_sim_pool *s, unsigned choice);

/* Milliseconds until a running job returns; UINT64_MAX: none runs. */
uint64_t pl_sim_pool_next(const struct pl_sim_pool *s);

#endif
