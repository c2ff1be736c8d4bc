/* SPDX-License-Identifier: Apache-2.0 */
/* share.h - how much of a loop's time one kind of work may take, over time.
 *
 * A bound per turn keeps turns short, but mail is handled in the order in which
 * it came.  So whoever sends a thousand long requests makes everybody else wait
 * for a thousand turns.  A share says when there was enough of such work: it
 * fills at a quarter of the loop's time, up to `most` units, and its owner
 * refuses more.
 *
 * Small work is always allowed and never counted: what is small is at most a
 * 2048th of `most`.  The last work that is allowed may cost more than was left;
 * the share is then in debt.
 *
 * Thread: the loop's. */
#ifndef PL_SHARE_H
#define PL_SHARE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    PL_SHARE_USUAL = 10000000, /* units of pl_loop_add_work(): 100 ms */
    PL_SHARE_SMALL = 2048,     /* the part of `most` up to which work is */
    PL_SHARE_UNIT_NS = 40      /* a unit is 10 ns, and a quarter may be spent */
};

struct pl_share {
    uint64_t most;    /* units; 0: there is no bound */
    uint64_t full_ns; /* loop time at which all of `most` is there again */
};

static inline bool pl_share_is_small(const struct pl_share *s, uint64_t units)
{
    return units <= s->most / PL_SHARE_SMALL;
}

/* Whether work of about `units` may be done at the loop time `now_ms`. */
static inline bool pl_share_allows(const struct pl_share *s, uint64_t now_ms,
                                   uint64_t units)
{
    return s->most == 0 || pl_share_is_small(s, units) ||
           s->full_ns < now_ms * 1000000 + s->most * PL_SHARE_UNIT_NS;
}

/* Work of `units` was done. */
static inline void pl_share_spend(struct pl_share *s, uint64_t now_ms,
                                  uint64_t units)
{
    uint64_t now_ns = now_ms * 1000000;

    if (s->most == 0 || pl_share_is_small(s, units))
        return;
    if (s->full_ns < now_ns)
        s->full_ns = now_ns;
    s->full_ns += units * PL_SHARE_UNIT_NS;
}

#endif
