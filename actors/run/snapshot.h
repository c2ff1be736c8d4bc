/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot.h - numbers that one thread writes and any thread reads, all of the
 * same moment, without a lock. */
#ifndef PL_SNAPSHOT_H
#define PL_SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct pl_snapshot; /* opaque */

/* Create a snapshot of `count` numbers, all 0 until published.
 * Errors: PL_ENOMEM. */
enum pl_err pl_snapshot_create(struct pl_snapshot **out, size_t count);
void pl_snapshot_destroy(struct pl_snapshot *s);

/* Store new numbers; never waits.  Thread: the one writer. */
void pl_snapshot_publish(struct pl_snapshot *s, const uint64_t *values);

/* Copy the newest published numbers; retries while they change.
 * Thread: any. */
void pl_snapshot_read(const struct pl_snapshot *s, uint64_t *values);

#endif
