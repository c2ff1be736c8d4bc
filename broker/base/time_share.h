/* SPDX-License-Identifier: Apache-2.0 */
/* time_share.h - a limit on the share of a loop's time that one kind of work
 * may use.
 *
 * A bound per turn keeps turns short, but mail is handled in order of arrival,
 * so a client that sends a thousand long requests delays all others for a
 * thousand turns.  A share refills at a quarter of the loop's time, up to
 * `most` units; when it is used up, its owner refuses more of that work.
 *
 * Small work, at most 1/2048 of `most`, is always allowed and never counted.
 * The last work allowed may cost more than is left; the share is then in debt.
 *
 * Thread: the loop's. */
#ifndef PL_TIME_SHARE_H
#define PL_TIME_SHARE_H

#include <stdbool.h>
#include <stdint.h>

#include "bucket.h"

enum {
    PL_TIME_SHARE_USUAL = 10000000, /* units of pl_loop_add_work(): 100 ms */
    PL_TIME_SHARE_SMALL = 2048, /* work up to this part of `most` is small */
    PL_TIME_SHARE_UNIT_NS = 40 /* a unit is 10 ns, and a quarter of the time may
                             be used */
};

struct pl_time_share {
    uint64_t most;    /* units; 0: no limit */
    uint64_t full_ns; /* loop time at which all of `most` is available again */
};

static inline bool pl_time_share_is_small(const struct pl_time_share *s,
                                          uint64_t units)
{
    return units <= s->most / PL_TIME_SHARE_SMALL;
}

/* True if work of about `units` is allowed at the loop time `now_ms`. */
static inline bool pl_time_share_allows(const struct pl_time_share *s,
                                        uint64_t now_ms, uint64_t units)
{
    return s->most == 0 || pl_time_share_is_small(s, units) ||
           s->full_ns < now_ms * 1000000 + s->most * PL_TIME_SHARE_UNIT_NS;
}

/* Count work of `units`. */
static inline void pl_time_share_spend(struct pl_time_share *s, uint64_t now_ms,
                                       uint64_t units)
{
    uint64_t now_ns = now_ms * 1000000;

    if (s->most == 0 || pl_time_share_is_small(s, units))
        return;
    s->full_ns =
        pl_bucket_after(s->full_ns, now_ns, units * PL_TIME_SHARE_UNIT_NS);
}

/* Return `units` that were counted and turned out not to be needed. */
static inline void pl_time_share_give_back(struct pl_time_share *s,
                                           uint64_t units)
{
    if (s->most > 0 && !pl_time_share_is_small(s, units))
        s->full_ns -= units * PL_TIME_SHARE_UNIT_NS;
}

#endif
