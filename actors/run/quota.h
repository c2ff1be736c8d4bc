/* SPDX-License-Identifier: Apache-2.0 */
/* quota.h - bounds what threads have given to a loop and it has not finished,
 * in number and bytes.
 *
 * A thread takes a share before it posts something, and whoever finishes that
 * returns the share.  A thread that finds the quota used up may wait for its
 * turn. */
#ifndef PL_QUOTA_H
#define PL_QUOTA_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum { PL_QUOTA_COUNT_MAX = 1 << 21 };
#define PL_QUOTA_BYTES_MAX (((uint64_t)1 << 40) - 1)

struct pl_quota; /* opaque */

/* What is in use, and how many threads wait. */
struct pl_quota_use {
    uint32_t count;
    uint32_t waiting;
    uint64_t bytes;
};

/* Create a quota of at most `count` shares with `bytes` in all.
 * Owner:  the caller.
 * Errors: PL_EINVAL (0, or over the maximum), PL_ENOMEM. */
enum pl_err pl_quota_create(struct pl_quota **out, uint32_t count,
                            uint64_t bytes);
/* No thread may be inside a call; NULL is allowed. */
void pl_quota_destroy(struct pl_quota *q);

/* Take one share of `bytes`.  If it does not fit, wait for `wait_ms` at most;
 * threads that wait are served in the order in which they came, and none that
 * came later passes them.
 * Thread: any; with a wait none that pl_quota_return() is due from.
 * Errors: PL_EFULL; PL_ETIMEDOUT (only after a wait); PL_ETOOBIG: more than the
 *         whole quota; PL_ESTOPPING: it is closed. */
enum pl_err pl_quota_take(struct pl_quota *q, size_t bytes, uint32_t wait_ms);

/* Return a share that was taken, which may let several threads go on.
 * Thread: any. */
void pl_quota_return(struct pl_quota *q, size_t bytes);

/* Refuse all from now on, threads that wait among them.  A second call does
 * nothing.
 * Thread: any. */
void pl_quota_close(struct pl_quota *q);

/* After pl_quota_close() the numbers can only become smaller: a thread that
 * sees 0 then knows that no thread will post any more.
 * Thread: any. */
struct pl_quota_use pl_quota_use(const struct pl_quota *q);

#endif
