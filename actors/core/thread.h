/* SPDX-License-Identifier: Apache-2.0 */
/* thread.h - a thread that can be waited for with a deadline. */
#ifndef PL_THREAD_H
#define PL_THREAD_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

#include "err.h"

struct pl_thread; /* opaque */

/* Run `what` on a new thread, named by the first 15 bytes of `name`.  The
 * thread blocks all signals but those of a crash: the others are for the
 * program's own threads.
 * Owner:  the caller, until pl_thread_join() returns PL_OK.
 * Thread: any.
 * Errors: PL_ENOMEM, PL_EIO. */
enum pl_err pl_thread_start(struct pl_thread **out, const char *name,
                            void (*what)(void *arg), void *arg);

#define PL_JOIN_FOREVER UINT64_MAX /* a timeout that never ends */

/* Wait until `what` has returned, then free `t`.  NULL is allowed.
 * Thread: one at a time.
 * Errors: PL_ETIMEDOUT: the thread still runs; join again, or leave it. */
enum pl_err pl_thread_join(struct pl_thread *t, uint64_t timeout_ms);

/* A condition on the monotonic clock, so that no wait depends on the wall clock
 * standing still; and the time `ms` from now on that clock. */
void pl_thread_condition(pthread_cond_t *c);
struct timespec pl_thread_moment(uint64_t ms);

/* A pointer of each thread's own, NULL at first, for the one room above that
 * uses it: the log. */
extern _Thread_local const void *pl_thread_note;

#endif
