/* SPDX-License-Identifier: Apache-2.0 */
/* thread.c - see thread.h.
 *
 * The condition uses the monotonic clock.
 *
 * Rejected: pthread_timedjoin_np(), because it depends on the wall clock.
 *
 * Invariant: a thread that was neither joined nor left keeps its struct.  Of
 * the end of `run` and pl_thread_leave(), the later frees it. */
#include "thread.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

struct pl_thread {
    /* Constant. */
    void (*run)(void *arg);
    void *arg;
    pthread_t id;
    /* Any thread. */
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool has_ended; /* this and the next: guarded by `lock` */
    bool is_left;
};

_Thread_local const void *pl_thread_note;

static void destroy(struct pl_thread *t)
{
    pthread_cond_destroy(&t->ended);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

static void *run(void *arg)
{
    struct pl_thread *t = arg;

    t->run(t->arg);
    pthread_mutex_lock(&t->lock);
    t->has_ended = true;
    bool is_left = t->is_left;
    pthread_cond_signal(&t->ended);
    pthread_mutex_unlock(&t->lock);
    if (is_left)
        destroy(t);
    return NULL;
}

void pl_thread_condition(pthread_cond_t *c)
{
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(c, &attr);
    pthread_condattr_destroy(&attr);
}

/* The signals of a crash stay unblocked.  A handler, such as a sanitizer's,
 * must receive them; blocked, they would end the process at once. */
static void block_all_but_crashes(sigset_t *set)
{
    static const int crashes[] = {SIGABRT, SIGSEGV, SIGBUS,
                                  SIGFPE,  SIGILL,  SIGTRAP};

    sigfillset(set);
    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++)
        sigdelset(set, crashes[i]);
}

enum pl_err pl_thread_start(struct pl_thread **out, const char *name,
                            void (*what)(void *arg), void *arg)
{
    struct pl_thread *t = calloc(1, sizeof *t);
    sigset_t all, before;
    char short_name[16];

    if (t == NULL)
        return PL_ENOMEM;
    pthread_mutex_init(&t->lock, NULL);
    pl_thread_condition(&t->ended);
    t->run = what;
    t->arg = arg;
    block_all_but_crashes(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&t->id, NULL, run, t);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        destroy(t);
        return PL_EIO;
    }
    snprintf(short_name, sizeof short_name, "%s", name);
    pthread_setname_np(t->id, short_name);
    *out = t;
    return PL_OK;
}

struct timespec pl_thread_moment(uint64_t ms)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += (time_t)(ms / 1000u);
    t.tv_nsec += (long)(ms % 1000u) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

enum pl_err pl_thread_join(struct pl_thread *t, uint64_t timeout_ms)
{
    struct timespec until = {0};
    int failed = 0;

    if (t == NULL)
        return PL_OK;
    if (timeout_ms != PL_JOIN_FOREVER)
        until = pl_thread_moment(timeout_ms);
    pthread_mutex_lock(&t->lock);
    while (!t->has_ended && failed == 0)
        failed = timeout_ms == PL_JOIN_FOREVER
                     ? pthread_cond_wait(&t->ended, &t->lock)
                     : pthread_cond_timedwait(&t->ended, &t->lock, &until);
    bool has_ended = t->has_ended;
    pthread_mutex_unlock(&t->lock);
    if (!has_ended)
        return PL_ETIMEDOUT;
    pthread_join(t->id, NULL);
    destroy(t);
    return PL_OK;
}

void pl_thread_leave(struct pl_thread *t)
{
    if (t == NULL)
        return;
    pthread_mutex_lock(&t->lock);
    bool has_ended = t->has_ended;
    t->is_left = true;
    if (!has_ended)
        pthread_detach(t->id);
    pthread_mutex_unlock(&t->lock);
    if (has_ended)
        pl_thread_join(t, PL_JOIN_FOREVER);
}
