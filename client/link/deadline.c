/* SPDX-License-Identifier: Apache-2.0 */
/* deadline.c - see deadline.h.
 *
 * A tick later is enough: between two turns the loop reads.
 *
 * Rejected: reading in the callback of the timer.  It would handle messages in
 * the middle of the timers of a turn.
 *
 * Invariant: a deadline waits once for each start, so a loop that is always
 * late still ends what is due. */
#include "deadline.h"

enum { LATE_MS = 100 };

static bool wait(struct pl_loop *loop, struct plc_deadline *d,
                 uint64_t delay_ms)
{
    d->fires_ms = pl_loop_now_ms(loop) + delay_ms;
    pl_timer_start(loop, &d->timer, delay_ms);
    return true;
}

bool plc_deadline_waits(struct pl_loop *loop, struct plc_deadline *d)
{
    uint64_t now_ms = pl_loop_now_ms(loop);

    if (now_ms < d->due_ms)
        return wait(loop, d, d->due_ms - now_ms);
    if (d->has_waited || now_ms <= d->due_ms + LATE_MS)
        return false;
    d->has_waited = true;
    return wait(loop, d, PL_TIMER_TICK_MS);
}
