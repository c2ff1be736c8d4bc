/* SPDX-License-Identifier: Apache-2.0 */
/* quota.c - see quota.h.
 *
 * One word holds all: shares, bytes, whether threads wait, and whether the
 * quota is closed.  A share that fits costs one compare-and-swap and no lock.
 * A thread that must wait queues under the lock; while any does, everybody
 * queues, so that a small share does not pass a large one for ever.  Whoever
 * returns a share gives the oldest of them theirs, in their place.
 *
 * Rejected: adding first and taking back what was too much.  A reader of a
 * closed quota would see numbers that still rise, and could not know when all
 * is finished.
 *
 * Invariant: `waiters` is empty unless WAITING is set, and both change only
 * under the lock; the word of a closed quota never grows. */
#include "quota.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "list.h"
#include "thread.h"

#define CLOSED ((uint64_t)1 << 63)
#define WAITING ((uint64_t)1 << 62)
#define SHARE ((uint64_t)1 << 40)
#define BYTES (SHARE - 1)

struct waiter {
    struct pl_list link; /* linked: it still waits */
    pthread_cond_t served;
    size_t bytes;
    enum pl_err result;
};

struct pl_quota {
    /* Constant. */
    uint64_t count_max, bytes_max;
    /* Any thread. */
    _Atomic uint64_t word;
    pthread_mutex_t lock;
    struct pl_list waiters; /* the oldest first; guarded by `lock` */
    atomic_uint waiting;    /* their number; written under `lock` */
};

static uint64_t count_of(uint64_t word)
{
    return (word & ~(CLOSED | WAITING)) / SHARE;
}

enum pl_err pl_quota_create(struct pl_quota **out, uint32_t count,
                            uint64_t bytes)
{
    if (count == 0 || count > PL_QUOTA_COUNT_MAX || bytes == 0 ||
        bytes > PL_QUOTA_BYTES_MAX)
        return PL_EINVAL;
    struct pl_quota *q = calloc(1, sizeof *q);
    if (q == NULL)
        return PL_ENOMEM;
    q->count_max = count;
    q->bytes_max = bytes;
    atomic_init(&q->word, 0);
    atomic_init(&q->waiting, 0);
    pthread_mutex_init(&q->lock, NULL);
    pl_list_init(&q->waiters);
    *out = q;
    return PL_OK;
}

void pl_quota_destroy(struct pl_quota *q)
{
    if (q == NULL)
        return;
    pthread_mutex_destroy(&q->lock);
    free(q);
}

static bool fits(const struct pl_quota *q, uint64_t word, size_t bytes)
{
    return count_of(word) < q->count_max &&
           (word & BYTES) + bytes <= q->bytes_max;
}

/* Take a share unless a flag of `unless` is set. */
static bool take(struct pl_quota *q, size_t bytes, uint64_t unless)
{
    uint64_t word = atomic_load_explicit(&q->word, memory_order_relaxed);

    do {
        if ((word & unless) != 0 || !fits(q, word, bytes))
            return false;
    } while (!atomic_compare_exchange_weak_explicit(
        &q->word, &word, word + SHARE + bytes, memory_order_relaxed,
        memory_order_relaxed));
    return true;
}

/* `w` waits no more, and has its result.  Under the lock. */
static void end(struct pl_quota *q, struct waiter *w, enum pl_err result)
{
    pl_list_remove(&w->link);
    atomic_fetch_sub(&q->waiting, 1);
    w->result = result;
    pthread_cond_signal(&w->served);
}

/* Give the threads that wait what fits, the oldest first.  Under the lock. */
static void serve(struct pl_quota *q)
{
    while (!pl_list_is_empty(&q->waiters)) {
        struct waiter *w = PL_CONTAINER(q->waiters.next, struct waiter, link);

        if (!take(q, w->bytes, CLOSED))
            return;
        end(q, w, PL_OK);
    }
    atomic_fetch_and(&q->word, ~WAITING);
}

/* Under the lock. */
static enum pl_err wait_for(struct pl_quota *q, struct waiter *w,
                            uint32_t wait_ms)
{
    struct timespec until = pl_thread_moment(wait_ms);

    pl_list_append(&q->waiters, &w->link);
    atomic_fetch_add(&q->waiting, 1);
    while (pl_list_is_linked(&w->link))
        if (pthread_cond_timedwait(&w->served, &q->lock, &until) == ETIMEDOUT)
            break;
    if (pl_list_is_linked(&w->link)) {
        end(q, w, PL_ETIMEDOUT);
        serve(q); /* the next may need less */
    }
    return w->result;
}

static enum pl_err queue(struct pl_quota *q, size_t bytes, uint32_t wait_ms)
{
    struct waiter w = {.bytes = bytes, .result = PL_ESTOPPING};
    enum pl_err rc = PL_ESTOPPING;

    pl_thread_condition(&w.served);
    pthread_mutex_lock(&q->lock);
    /* From here on a return takes the lock; what was returned before shows in
     * the word. */
    uint64_t word = atomic_fetch_or(&q->word, WAITING);
    if (pl_list_is_empty(&q->waiters) && take(q, bytes, CLOSED)) {
        atomic_fetch_and(&q->word, ~WAITING);
        rc = PL_OK;
    } else if ((word & CLOSED) == 0) {
        rc = wait_for(q, &w, wait_ms);
    } else {
        atomic_fetch_and(&q->word, ~WAITING);
    }
    pthread_mutex_unlock(&q->lock);
    pthread_cond_destroy(&w.served);
    return rc;
}

enum pl_err pl_quota_take(struct pl_quota *q, size_t bytes, uint32_t wait_ms)
{
    if (bytes > q->bytes_max)
        return PL_ETOOBIG;
    if (take(q, bytes, CLOSED | WAITING))
        return PL_OK;
    if ((atomic_load(&q->word) & CLOSED) != 0)
        return PL_ESTOPPING;
    return wait_ms == 0 ? PL_EFULL : queue(q, bytes, wait_ms);
}

void pl_quota_return(struct pl_quota *q, size_t bytes)
{
    uint64_t before = atomic_fetch_sub(&q->word, SHARE + bytes);

    if ((before & WAITING) == 0)
        return;
    pthread_mutex_lock(&q->lock);
    serve(q);
    pthread_mutex_unlock(&q->lock);
}

void pl_quota_close(struct pl_quota *q)
{
    pthread_mutex_lock(&q->lock);
    atomic_fetch_or(&q->word, CLOSED);
    while (!pl_list_is_empty(&q->waiters))
        end(q, PL_CONTAINER(q->waiters.next, struct waiter, link),
            PL_ESTOPPING);
    atomic_fetch_and(&q->word, ~WAITING);
    pthread_mutex_unlock(&q->lock);
}

struct pl_quota_use pl_quota_use(const struct pl_quota *q)
{
    /* This only reads, but C has no const atomic load before C17. */
    struct pl_quota *any = (struct pl_quota *)q;
    uint64_t word = atomic_load(&any->word);

    return (struct pl_quota_use){.count = (uint32_t)count_of(word),
                                 .waiting = atomic_load(&any->waiting),
                                 .bytes = word & BYTES};
}
