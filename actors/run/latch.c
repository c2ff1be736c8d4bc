/* SPDX-License-Identifier: Apache-2.0 */
/* latch.c - see latch.h. */
#include "latch.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "thread.h"

struct pl_latch {
    pthread_mutex_t lock;
    pthread_cond_t happened;
    bool is_set; /* guarded by `lock` */
};

enum pl_err pl_latch_create(struct pl_latch **out)
{
    struct pl_latch *l = calloc(1, sizeof *l);

    if (l == NULL)
        return PL_ENOMEM;
    pthread_mutex_init(&l->lock, NULL);
    pl_thread_condition(&l->happened);
    *out = l;
    return PL_OK;
}

void pl_latch_destroy(struct pl_latch *l)
{
    if (l == NULL)
        return;
    pthread_cond_destroy(&l->happened);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

void pl_latch_set(struct pl_latch *l)
{
    pthread_mutex_lock(&l->lock);
    l->is_set = true;
    pthread_cond_broadcast(&l->happened);
    pthread_mutex_unlock(&l->lock);
}

enum pl_err pl_latch_wait(struct pl_latch *l, uint64_t timeout_ms)
{
    struct timespec until = pl_thread_moment(timeout_ms);
    int failed = 0;

    pthread_mutex_lock(&l->lock);
    while (!l->is_set && failed != ETIMEDOUT)
        failed = pthread_cond_timedwait(&l->happened, &l->lock, &until);
    bool is_set = l->is_set;
    pthread_mutex_unlock(&l->lock);
    return is_set ? PL_OK : PL_ETIMEDOUT;
}
