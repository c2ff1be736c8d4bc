/* SPDX-License-Identifier: Apache-2.0 */
/* guard.h - mutual exclusion for a library's own calls, which a program may
 * make from any thread.  Never on the way of a message: actors need none. */
#ifndef PL_GUARD_H
#define PL_GUARD_H

#include "err.h"

struct pl_guard; /* opaque */

/* Owner:  the caller.
 * Errors: PL_ENOMEM. */
enum pl_err pl_guard_create(struct pl_guard **out);
void pl_guard_destroy(struct pl_guard *g); /* NULL is allowed */

/* Between the two nobody else is; what is done there is short and never waits.
 * Not to be entered twice by one thread.
 * Thread: any. */
void pl_guard_enter(struct pl_guard *g);
void pl_guard_leave(struct pl_guard *g);

#endif
