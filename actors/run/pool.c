/* SPDX-License-Identifier: Apache-2.0 */
/* pool.c - see pool.h.
 *
 * One queue for all threads, behind one lock: jobs are few and long, so the
 * lock is never busy.  The queue is bounded by the number of jobs; what a job
 * allocates is its asker's, which counts it.
 *
 * A thread starts when a job finds none idle, so a pool without jobs costs
 * no thread.
 *
 * The job is its own answer, so an answer needs no memory.  It is reserved
 * mail: the bound of the queue also bounds how many return.  It travels by the
 * handle of the asker's loop, because a job may end after the system.
 *
 * A job that hangs, as on a file of a server that is away, cannot be ended.
 * pl_pool_destroy() leaves its thread alone: the last thread frees the pool.
 *
 * Rejected: a thread for each job, because nothing would bound their number;
 * running jobs on a loop of its own, because one that hangs would hold all
 * others; returning the results through the queue of one loop, because any
 * actor may ask.
 *
 * Invariant: an accepted job is in `queue`, or in `work`, or has returned. */
#include "pool.h"

#include <stdlib.h>

#include "actor.h"
#include "loop_handle_private.h"
#include "loop.h"
#include "pool_private.h"
#include "refs.h"
#include "thread.h"

enum { THREADS_MAX = 64 };

struct pl_pool {
    struct pl_refs refs; /* of the owner, and of each thread or the driver */
    /* Constant. */
    const char *name;
    unsigned thread_limit;
    uint32_t queue_limit;
    struct pl_pool_driver driver; /* all NULL: threads */
    const struct pl_clock *clock;
    /* Any thread, guarded by `lock`. */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a job is queued, or the pool stops */
    unsigned idle;          /* threads that wait for it */
    struct pl_list queue;   /* oldest first */
    struct pl_list work;    /* the first that began first */
    struct pl_pool_stats stats;
    bool is_stopping; /* no thread starts from here on */
    unsigned thread_count;
    struct pl_thread *threads[]; /* NULL: joined, by the owner */
};

static struct pl_job *job_at(struct pl_list *link)
{
    return PL_CONTAINER(link, struct pl_job, link);
}

/* --- References --- */

struct pl_pool *pl_pool_hold(struct pl_pool *p)
{
    pl_refs_hold(&p->refs);
    return p;
}

void pl_pool_release(struct pl_pool *p)
{
    if (!pl_refs_release(&p->refs))
        return;
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* --- Jobs --- */

/* Send the job back, or destroy it if its system was closed. */
static void give_back(struct pl_job *job)
{
    struct pl_loop_handle *handle = job->handle;

    job->handle = NULL;
    if (!pl_loop_handle_try_post(handle, job->msg.to, &job->msg))
        job->msg.destroy(&job->msg);
    pl_loop_handle_release(handle);
}

/* Move the oldest job from `queue` to `work`; call this with the lock held. */
static struct pl_job *begin(struct pl_pool *p)
{
    if (pl_list_is_empty(&p->queue))
        return NULL;
    struct pl_job *job = job_at(p->queue.next);
    pl_list_remove(&job->link);
    pl_list_append(&p->work, &job->link);
    job->begun_ns = p->clock->monotonic(p->clock);
    p->stats.queued--;
    p->stats.in_progress++;
    return job;
}

struct pl_job *pl_pool_begin(struct pl_pool *p)
{
    pthread_mutex_lock(&p->lock);
    struct pl_job *job = begin(p);
    pthread_mutex_unlock(&p->lock);
    return job;
}

void pl_pool_finish(struct pl_pool *p, struct pl_job *job)
{
    pthread_mutex_lock(&p->lock);
    pl_list_remove(&job->link);
    p->stats.in_progress--;
    p->stats.done++;
    pthread_mutex_unlock(&p->lock);
    give_back(job);
}

/* Wait for a job; NULL: the pool stops. */
static struct pl_job *await(struct pl_pool *p)
{
    pthread_mutex_lock(&p->lock);
    p->idle++;
    while (pl_list_is_empty(&p->queue) && !p->is_stopping)
        pthread_cond_wait(&p->changed, &p->lock);
    p->idle--;
    struct pl_job *job = begin(p);
    pthread_mutex_unlock(&p->lock);
    return job;
}

static void work(void *arg)
{
    struct pl_pool *p = arg;
    struct pl_job *job;

    while ((job = await(p)) != NULL) {
        job->run(job);
        pl_pool_finish(p, job);
    }
    pl_pool_release(p);
}

/* Start another thread if the queued jobs are more than the idle threads; call
 * this with the lock held.
 * Errors: no thread could be started, and there is none. */
static enum pl_err provide_thread(struct pl_pool *p)
{
    if (p->stats.queued < p->idle || p->thread_count >= p->thread_limit)
        return PL_OK;
    enum pl_err rc = pl_thread_start(&p->threads[p->thread_count], p->name,
                                     work, pl_pool_hold(p));
    if (rc == PL_OK)
        p->thread_count++;
    else
        (void)pl_refs_release(&p->refs); /* not the last: the caller has one */
    return p->thread_count > 0 ? PL_OK : rc;
}

/* Queue `job`; call this with the lock held. */
static enum pl_err enqueue(struct pl_pool *p, struct pl_job *job)
{
    if (p->is_stopping)
        return PL_ESTOPPING;
    if (p->stats.queued >= p->queue_limit) {
        p->stats.refused++;
        return PL_EFULL;
    }
    enum pl_err rc = provide_thread(p);
    if (rc != PL_OK)
        return rc;
    p->stats.accepted++;
    p->stats.queued++;
    pl_list_append(&p->queue, &job->link);
    pthread_cond_signal(&p->changed);
    return PL_OK;
}

enum pl_err pl_pool_submit(struct pl_pool *p, struct pl_actor *asker,
                           struct pl_job *job)
{
    job->msg.to = pl_actor_address(asker);
    job->msg.flags |= PL_MSG_RESERVED;
    job->is_cancelled = false;
    job->handle = pl_loop_handle_hold(pl_loop_handle_of(asker->loop));
    pthread_mutex_lock(&p->lock);
    enum pl_err rc = enqueue(p, job);
    pthread_mutex_unlock(&p->lock);
    if (rc != PL_OK) /* else a thread may have freed it */
        pl_loop_handle_release(job->handle);
    return rc;
}

/* --- Life --- */

static bool is_valid(const struct pl_pool_options *options)
{
    return options->threads >= 1 && options->threads <= THREADS_MAX &&
           options->queue_limit >= 1;
}

static struct pl_pool *allocate(const struct pl_pool_options *options,
                                unsigned threads)
{
    struct pl_pool *p =
        calloc(1, sizeof *p + threads * sizeof(struct pl_thread *));

    if (p == NULL)
        return NULL;
    pl_refs_init(&p->refs);
    pthread_mutex_init(&p->lock, NULL);
    pl_thread_condition(&p->changed);
    pl_list_init(&p->queue);
    pl_list_init(&p->work);
    p->name = options->name;
    p->thread_limit = threads;
    p->queue_limit = options->queue_limit;
    p->clock = &pl_clock_system;
    return p;
}

enum pl_err pl_pool_create(struct pl_pool **out,
                           const struct pl_pool_options *options)
{
    if (!is_valid(options))
        return PL_EINVAL;
    struct pl_pool *p = allocate(options, options->threads);
    if (p == NULL)
        return PL_ENOMEM;
    *out = p;
    return PL_OK;
}

enum pl_err pl_pool_create_driven(struct pl_pool **out,
                                  const struct pl_pool_options *options,
                                  struct pl_pool_driver driver,
                                  const struct pl_clock *clock)
{
    if (!is_valid(options))
        return PL_EINVAL;
    struct pl_pool *p = allocate(options, 0);
    if (p == NULL)
        return PL_ENOMEM;
    p->driver = driver;
    p->clock = clock;
    *out = p;
    return PL_OK;
}

void pl_pool_stop(struct pl_pool *p)
{
    struct pl_list left;

    pl_list_init(&left);
    pthread_mutex_lock(&p->lock);
    p->is_stopping = true;
    while (!pl_list_is_empty(&p->queue)) {
        struct pl_list *link = p->queue.next;

        pl_list_remove(link);
        pl_list_append(&left, link);
        p->stats.cancelled++;
    }
    p->stats.queued = 0;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    while (!pl_list_is_empty(&left)) {
        struct pl_job *job = job_at(left.next);

        pl_list_remove(&job->link);
        job->is_cancelled = true;
        give_back(job);
    }
}

static uint64_t now_ms(void)
{
    return pl_clock_system.monotonic(&pl_clock_system) / 1000000;
}

/* All threads share one deadline. */
static enum pl_err join_threads(struct pl_pool *p, uint64_t timeout_ms)
{
    uint64_t begin = now_ms();
    enum pl_err rc = PL_OK;

    for (unsigned i = 0; i < p->thread_count; i++) {
        uint64_t spent = now_ms() - begin, left = timeout_ms;

        if (timeout_ms != PL_JOIN_FOREVER)
            left = spent < timeout_ms ? timeout_ms - spent : 0;
        if (pl_thread_join(p->threads[i], left) == PL_OK)
            p->threads[i] = NULL;
        else
            rc = PL_ETIMEDOUT;
    }
    return rc;
}

enum pl_err pl_pool_join(struct pl_pool *p, uint64_t timeout_ms)
{
    if (p->driver.join != NULL)
        return p->driver.join(p->driver.arg, timeout_ms);
    return join_threads(p, timeout_ms);
}

void pl_pool_destroy(struct pl_pool *p)
{
    if (p == NULL)
        return;
    pl_pool_stop(p);
    for (unsigned i = 0; i < p->thread_count; i++)
        pl_thread_leave(p->threads[i]);
    pl_pool_release(p);
}

struct pl_pool_stats pl_pool_stats(struct pl_pool *p)
{
    pthread_mutex_lock(&p->lock);
    struct pl_pool_stats stats = p->stats;
    pthread_mutex_unlock(&p->lock);
    return stats;
}

bool pl_pool_busy(struct pl_pool *p, const char **name, uint64_t *since_ns)
{
    pthread_mutex_lock(&p->lock);
    bool is_busy = !pl_list_is_empty(&p->work);
    if (is_busy) {
        *name = job_at(p->work.next)->name;
        *since_ns = job_at(p->work.next)->begun_ns;
    }
    pthread_mutex_unlock(&p->lock);
    return is_busy;
}
