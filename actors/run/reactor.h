/* SPDX-License-Identifier: Apache-2.0 */
/* reactor.h - drives one loop with libevent, on its own thread or inside an
 * event_base lent by a program. */
#ifndef PL_REACTOR_H
#define PL_REACTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "thread.h" /* PL_JOIN_FOREVER */

struct event_base;
struct pl_loop;
struct pl_reactor; /* opaque */

/* Attach `loop` to a base: `lent`, which its owner runs, or if NULL a new base
 * without locks.
 * Owner:  the caller, until pl_reactor_destroy().  Loop and lent base outlive
 *         it.
 * Thread: any for a new base; for a lent base the thread that runs it.
 * Errors: PL_ENOMEM, PL_EIO. */
enum pl_err pl_reactor_create(struct pl_reactor **out, struct pl_loop *loop,
                              struct event_base *lent);

struct event_base *pl_reactor_base(struct pl_reactor *r);
struct pl_loop *pl_reactor_loop(struct pl_reactor *r);

/* True on the thread that runs the loop: that of a lent base is the one that
 * created the reactor.  Thread: any. */
bool pl_reactor_is_current(const struct pl_reactor *r);

/* Wake the loop and schedule a turn after the ready I/O.  Each libevent
 * callback calls this before anything else.
 * Thread: the loop's. */
void pl_reactor_schedule_turn(struct pl_reactor *r);

/* Send libevent's warnings and errors to `call` instead of stderr, where
 * writing can block; NULL: back to stderr.  Affects the whole process, so a
 * library leaves this call to the program.
 * Thread: before other threads start. */
void pl_reactor_on_complaint(void (*call)(const char *text));

/* Call `call` on the thread before its first turn.  Set it before the start. */
void pl_reactor_on_begin(struct pl_reactor *r, void (*call)(void *), void *arg);

/* Call `call` after each turn, as the last thing that the reactor does in the
 * callback of libevent.  It may destroy the reactor, and with it the loop.  Set
 * it before the first turn. */
void pl_reactor_on_turn(struct pl_reactor *r, void (*call)(void *), void *arg);

/* Start the thread, named `name`.  Only for a base of its own, and only once.
 * Errors: PL_EIO, PL_ENOMEM. */
enum pl_err pl_reactor_start(struct pl_reactor *r, const char *name);

/* Request the thread to end after its turn.  Thread: any. */
void pl_reactor_stop(struct pl_reactor *r);

/* Wait for the thread to end.  PL_OK also if it never started.  `timeout_ms`
 * may be PL_JOIN_FOREVER.
 * Thread: one at a time, not the reactor's own.
 * Errors: PL_ETIMEDOUT: the thread still runs; join it again or abandon it. */
enum pl_err pl_reactor_join(struct pl_reactor *r, uint64_t timeout_ms);

/* Detach and free; NULL is allowed.  Before this, join the thread and call
 * pl_system_close(), so that nothing posts any more. */
void pl_reactor_destroy(struct pl_reactor *r);

#endif
