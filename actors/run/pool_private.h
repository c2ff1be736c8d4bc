/* SPDX-License-Identifier: Apache-2.0 */
/* pool_private.h - pools without threads, for the simulation.  Private to
 * actors/run. */
#ifndef PL_POOL_PRIVATE_H
#define PL_POOL_PRIVATE_H

#include "clock.h"
#include "pool.h"

/* What replaces the threads of a pool. */
struct pl_pool_driver {
    /* As pl_pool_join(). */
    enum pl_err (*join)(void *arg, uint64_t timeout_ms);
    void *arg;
};

/* Create a pool that `driver` drives.  Errors: PL_ENOMEM, PL_EINVAL. */
enum pl_err pl_pool_create_driven(struct pl_pool **out,
                                  const struct pl_pool_options *options,
                                  struct pl_pool_driver driver,
                                  const struct pl_clock *clock);

/* Another reference, which pl_pool_release() drops. */
struct pl_pool *pl_pool_hold(struct pl_pool *p);
void pl_pool_release(struct pl_pool *p);

/* Begin the oldest queued job; NULL: none.  The caller runs it, then returns it
 * with pl_pool_finish(). */
struct pl_job *pl_pool_begin(struct pl_pool *p);
void pl_pool_finish(struct pl_pool *p, struct pl_job *job);

#endif
