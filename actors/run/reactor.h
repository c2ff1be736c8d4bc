/* SPDX-License-Identifier: Apache-2.0 */
/* reactor.h - drives one loop with libevent, on a thread of its own or inside
 * an event_base that a program lends. */
#ifndef PL_REACTOR_H
#define PL_REACTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "thread.h" /* PL_JOIN_FOREVER */

struct event_base;
struct pl_loop;
struct pl_reactor; /* opaque */

/* Attach `loop` to a base: to `lent`, which its owner runs, or with NULL to a
 * new one without locks.
 * Owner:  the caller, until pl_reactor_destroy(); loop and lent base outlive
 *         it.
 * Thread: any for an own base; the one that runs a lent base.
 * Errors: PL_ENOMEM, PL_EIO. */
enum pl_err pl_reactor_create(struct pl_reactor **out, struct pl_loop *loop,
                              struct event_base *lent);

struct event_base *pl_reactor_base(struct pl_reactor *r);
struct pl_loop *pl_reactor_loop(struct pl_reactor *r);

/* Every callback of libevent calls this before anything else: the loop is
 * awake, and a turn follows behind the ready I/O.
 * Thread: the loop's. */
void pl_reactor_touch(struct pl_reactor *r);

/* What libevent finds wrong goes to `call` and not to stderr, where it could
 * block; NULL: to stderr again.  For the whole process, so a library leaves it
 * to the program.  Thread: before other threads start. */
void pl_reactor_on_complaint(void (*call)(const char *text));

/* Have `call` called on the thread, before its first turn.  Set before the
 * start. */
void pl_reactor_on_begin(struct pl_reactor *r, void (*call)(void *), void *arg);

/* Start the thread (own base only, once), named `name`.
 * Errors: PL_EIO, PL_ENOMEM. */
enum pl_err pl_reactor_start(struct pl_reactor *r, const char *name);

/* Ask the thread to end after its turn.  Thread: any. */
void pl_reactor_stop(struct pl_reactor *r);

/* Wait for the thread to end.  PL_OK also when it never started.
 * `timeout_ms` may be PL_JOIN_FOREVER.
 * Thread: one at a time, and not the reactor's own.
 * Errors: PL_ETIMEDOUT: it still runs; join again or leave it. */
enum pl_err pl_reactor_join(struct pl_reactor *r, uint64_t timeout_ms);

/* Detach and free; NULL is allowed.  The thread has been joined, and nobody
 * posts any more: pl_system_close(). */
void pl_reactor_destroy(struct pl_reactor *r);

#endif
