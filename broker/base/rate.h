/* SPDX-License-Identifier: Apache-2.0 */
/* rate.h - how often something happens lately, for 12 bytes and one addition
 * for each event.
 *
 * The rate is that between two looks at least PL_RATE_MS apart, so several
 * readers see the same.  After a long time without a look there is no rate
 * until the next one: the mean of an hour says nothing about now, and the count
 * may have wrapped. */
#ifndef PL_RATE_H
#define PL_RATE_H

#include <stdint.h>

enum { PL_RATE_MS = 900, PL_RATE_STALE_MS = 10000 };

/* All zero: nothing happened. */
struct pl_rate {
    uint32_t count;    /* since the last look */
    uint32_t since_ms; /* low half of its loop time */
    uint32_t rate;     /* per second, between the two looks before */
};

/* Return the events per second at the loop time `now_ms`. */
static inline uint32_t pl_rate_read(struct pl_rate *r, uint64_t now_ms)
{
    uint32_t elapsed = (uint32_t)now_ms - r->since_ms;

    if (elapsed < PL_RATE_MS)
        return r->rate;
    r->rate = elapsed > PL_RATE_STALE_MS
                  ? 0
                  : (uint32_t)((uint64_t)r->count * 1000 / elapsed);
    r->count = 0;
    r->since_ms = (uint32_t)now_ms;
    return r->rate;
}

#endif
