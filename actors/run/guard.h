/* SPDX-License-Identifier: Apache-2.0 */
/* guard.h - a mutex for the calls of a library, which a program may make from
 * any thread.  No message passes through it: actors need no locks. */
#ifndef PL_GUARD_H
#define PL_GUARD_H

#include "err.h"

struct pl_guard; /* opaque */

/* Owner:  the caller.
 * Errors: PL_ENOMEM. */
enum pl_err pl_guard_create(struct pl_guard **out);
void pl_guard_destroy(struct pl_guard *g); /* NULL is allowed */

/* Only one thread at a time runs between the two calls.  What it does there
 * must be short and must never block.  Entering twice fails an assertion.
 * Thread: any. */
void pl_guard_enter(struct pl_guard *g);
void pl_guard_leave(struct pl_guard *g);

#endif
