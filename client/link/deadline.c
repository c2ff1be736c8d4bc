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

#include "loop.h"

enum { LATE_MS = 100 };

bool plc_deadline_waits(struct pl_loop *loop, struct plc_deadline *d)
{
    uint64_t due_ms = d->timer.tick * PL_TIMER_TICK_MS;

    if (d->has_waited || pl_loop_now_ms(loop) <= due_ms + LATE_MS)
        return false;
    d->has_waited = true;
    pl_timer_start(loop, &d->timer, PL_TIMER_TICK_MS);
    return true;
}
