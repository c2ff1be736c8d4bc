/* SPDX-License-Identifier: Apache-2.0 */
/* guard.c - see guard.h.
 *
 * An error-checking mutex: entering twice, or leaving without having entered,
 * is a bug of the caller and fails an assertion. */
#include "guard.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

struct pl_guard {
    pthread_mutex_t lock;
};

enum pl_err pl_guard_create(struct pl_guard **out)
{
    struct pl_guard *g = malloc(sizeof *g);
    pthread_mutexattr_t attr;

    if (g == NULL)
        return PL_ENOMEM;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&g->lock, &attr);
    pthread_mutexattr_destroy(&attr);
    *out = g;
    return PL_OK;
}

void pl_guard_destroy(struct pl_guard *g)
{
    if (g == NULL)
        return;
    pthread_mutex_destroy(&g->lock);
    free(g);
}

void pl_guard_enter(struct pl_guard *g)
{
    int failed = pthread_mutex_lock(&g->lock);

    assert(!failed);
    (void)failed;
}

void pl_guard_leave(struct pl_guard *g)
{
    int failed = pthread_mutex_unlock(&g->lock);

    assert(!failed);
    (void)failed;
}
