/* SPDX-License-Identifier: Apache-2.0 */
/* thread.h - a thread that can be joined with a deadline. */
#ifndef PL_THREAD_H
#define PL_THREAD_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

#include "err.h"

struct pl_thread; /* opaque */

/* Run `what` on a new thread, named by the first 15 bytes of `name`.  The
 * thread blocks all signals except those of a crash; the program's own threads
 * handle the others.
 * Owner:  the caller, until pl_thread_join() returns PL_OK.
 * Thread: any.
 * Errors: PL_ENOMEM, PL_EIO. */
enum pl_err pl_thread_start(struct pl_thread **out, const char *name,
                            void (*what)(void *arg), void *arg);

#define PL_JOIN_FOREVER UINT64_MAX /* no timeout */

/* Wait until `what` has returned, then free `t`.  NULL is allowed.
 * Thread: one at a time.
 * Errors: PL_ETIMEDOUT: the thread still runs; join it again or abandon it. */
enum pl_err pl_thread_join(struct pl_thread *t, uint64_t timeout_ms);

/* Do not wait: `t` is freed when `what` has returned.  NULL is allowed.
 * Thread: one at a time.  Do not join `t` after this. */
void pl_thread_leave(struct pl_thread *t);

/* Initialise a condition that uses the monotonic clock, so that changes of the
 * wall clock affect no wait. */
void pl_thread_condition(pthread_cond_t *c);
struct timespec pl_thread_moment(uint64_t ms);

/* A thread-local pointer, NULL at first, for the log, the only module above
 * that uses it. */
extern _Thread_local const void *pl_thread_note;

#endif
