/* SPDX-License-Identifier: Apache-2.0 */
/* latch.h - something that happens once, and threads that wait for it. */
#ifndef PL_LATCH_H
#define PL_LATCH_H

#include <stdint.h>

#include "err.h"

struct pl_latch; /* opaque */

/* Owner:  the caller.
 * Errors: PL_ENOMEM. */
enum pl_err pl_latch_create(struct pl_latch **out);
/* No thread may be inside a call; NULL is allowed. */
void pl_latch_destroy(struct pl_latch *l);

/* It has happened.  A second call does nothing.  Thread: any. */
void pl_latch_set(struct pl_latch *l);

/* Wait until it has happened; what was done before pl_latch_set() is visible
 * then.
 * Thread: any.
 * Errors: PL_ETIMEDOUT. */
enum pl_err pl_latch_wait(struct pl_latch *l, uint64_t timeout_ms);

#endif
