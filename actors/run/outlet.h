/* SPDX-License-Identifier: Apache-2.0 */
/* outlet.h - mail for a thread that runs no loop of ours.
 *
 * The thread waits for a descriptor in whatever way it waits for others, and
 * takes the mail when it likes. */
#ifndef PL_OUTLET_H
#define PL_OUTLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "msg.h"

struct pl_outlet; /* opaque */

/* The bytes of a message, which stay the same while it waits. */
typedef size_t pl_outlet_size(const struct pl_msg *msg);

/* `size_of` counts the bytes that wait; NULL: they are not counted.
 * Owner:  the caller.
 * Errors: PL_ENOMEM, PL_EIO: no descriptor. */
enum pl_err pl_outlet_create(struct pl_outlet **out, pl_outlet_size *size_of);
/* Destroy the mail that was not taken, and close the descriptor.  No thread may
 * be inside a call; NULL is allowed. */
void pl_outlet_destroy(struct pl_outlet *o);

/* The descriptor, readable exactly while there is mail.
 * Owner:  the outlet; only poll it.
 * Thread: any. */
int pl_outlet_fd(const struct pl_outlet *o);

/* Append `msg`.  There is no bound: a sender asks pl_outlet_is_full().
 * Owner:  the outlet.
 * Thread: any. */
void pl_outlet_put(struct pl_outlet *o, struct pl_msg *msg);

/* Return true if `limit` messages or `bytes` bytes wait.  Then the
 * pl_outlet_take() that leaves at most half of both says so, once.
 * Thread: any. */
bool pl_outlet_is_full(struct pl_outlet *o, uint64_t limit, uint64_t bytes);

/* Take the oldest message; NULL: there is none.  *has_space becomes true if
 * this was the call that pl_outlet_is_full() has promised, else false.
 * Owner:  the caller.
 * Thread: any; the order is kept for one at a time. */
struct pl_msg *pl_outlet_take(struct pl_outlet *o, bool *has_space);

/* The number of messages that wait.  Thread: any. */
uint64_t pl_outlet_count(const struct pl_outlet *o);

#endif
