/* SPDX-License-Identifier: Apache-2.0 */
/* bucket.h - a token bucket that is stored as one number: the time at which it
 * is full again.
 *
 * An action delays that time by its cost; it is refused if the delay would
 * exceed `most`, the cost of a whole burst.  All numbers have one unit of time,
 * chosen by the caller.  Zero is a full bucket.
 *
 * Rejected: a count of tokens and the time of its last change, because two
 * numbers need more memory and cannot be shared by threads without a lock.
 *
 * Thread: any, for values of its own. */
#ifndef PL_BUCKET_H
#define PL_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

/* Return when a bucket that is full at `full` is full again after an action
 * that costs `cost` at `now`. */
static inline uint64_t pl_bucket_after(uint64_t full, uint64_t now,
                                       uint64_t cost)
{
    return (full > now ? full : now) + cost;
}

/* Pay for an action.  Return false, and take nothing, if the bucket has too
 * little. */
static inline bool pl_bucket_take(uint64_t *full, uint64_t now, uint64_t cost,
                                  uint64_t most)
{
    uint64_t next = pl_bucket_after(*full, now, cost);

    if (next > now + most)
        return false;
    *full = next;
    return true;
}

#endif
