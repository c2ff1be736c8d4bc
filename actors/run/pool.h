/* SPDX-License-Identifier: Apache-2.0 */
/* pool.h - threads for work that blocks.
 *
 * A loop must never wait, neither for a disk nor for a long computation.  An
 * actor gives such work to a pool as a job.  A thread of the pool runs it, and
 * the job itself returns to the actor as mail, exactly once. */
#ifndef PL_POOL_H
#define PL_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "list.h"
#include "msg.h"

struct pl_actor;
struct pl_loop_handle;
struct pl_pool; /* opaque */

/* The first member of each job.  Set `type` and `destroy` of `msg`, `name` and
 * `run`.  Any thread may call `destroy`, because the actor may be gone when the
 * job returns. */
struct pl_job {
    struct pl_msg msg;
    const char *name; /* for logs; constant */
    /* Do the work.  It may last longer than the pool and the system: use
     * nothing but the job, and do not log.
     * Thread: one of the pool. */
    void (*run)(struct pl_job *job);
    bool is_cancelled; /* when it returns: the pool stopped before it ran */
    /* Private to actors/run. */
    struct pl_list link;
    struct pl_loop_handle *handle; /* to the asker's loop */
    uint64_t begun_ns;
    struct pl_list due_link; /* this and the rest: in the simulation */
    uint64_t due_ms;
    bool has_run;
};

struct pl_pool_options {
    const char *name;     /* of the threads; constant */
    unsigned threads;     /* 1 to 64; they start when they are needed */
    uint32_t queue_limit; /* jobs that wait for a thread, at least 1 */
};

/* `accepted` is the sum of the other numbers without `refused`. */
struct pl_pool_stats {
    uint64_t accepted;
    uint64_t done;
    uint64_t cancelled;
    uint64_t refused; /* the queue was full */
    uint32_t queued;
    uint32_t in_progress;
};

/* Owner:  the caller, until pl_pool_destroy().
 * Errors: PL_ENOMEM, PL_EINVAL. */
enum pl_err pl_pool_create(struct pl_pool **out,
                           const struct pl_pool_options *options);

/* Have `job` run.  It returns to `asker` as reserved mail; if `asker` has
 * exited, `destroy` is called.  Jobs begin in the order of this call, and
 * return in any order.
 * Owner:  the pool; on an error the caller.
 * Thread: the loop of `asker`.
 * Errors: PL_EFULL, PL_ESTOPPING; PL_ENOMEM, PL_EIO: no thread. */
enum pl_err pl_pool_submit(struct pl_pool *p, struct pl_actor *asker,
                           struct pl_job *job);

/* Refuse new jobs, return the queued ones cancelled, and let the threads end
 * after the jobs that run.  Returns at once; a second call does nothing.
 * Thread: any. */
void pl_pool_stop(struct pl_pool *p);

/* Wait until a stopped pool has no job that runs.
 * Thread: one at a time.
 * Errors: PL_ETIMEDOUT: a job still runs; wait again, or destroy the pool. */
enum pl_err pl_pool_join(struct pl_pool *p, uint64_t timeout_ms);

/* Stop and free the pool without waiting; NULL is allowed.  A job that still
 * runs goes on and returns later; if the system has been closed by then, it is
 * destroyed. */
void pl_pool_destroy(struct pl_pool *p);

/* Thread: any. */
struct pl_pool_stats pl_pool_stats(struct pl_pool *p);

/* Return true if a job runs, with the name and the begin (monotonic) of
 * the one that began first.  Thread: any. */
bool pl_pool_busy(struct pl_pool *p, const char **name, uint64_t *since_ns);

#endif
