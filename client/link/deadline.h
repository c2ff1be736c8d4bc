/* SPDX-License-Identifier: Apache-2.0 */
/* deadline.h - a timer for something that a server must do in time.
 *
 * A loop may be held: by a callback that blocks, by a signal that stops the
 * process, by a machine that sleeps.  Its timers are overdue then, though what
 * they wait for may lie in a socket.  So an overdue deadline lets the loop read
 * once before it counts.
 *
 * Some start anew with each message.  A timer that runs already is left alone
 * then, and runs again when it is over too early. */
#ifndef PLC_DEADLINE_H
#define PLC_DEADLINE_H

#include <stdbool.h>

#include "loop.h"
#include "timer.h"

struct plc_deadline {
    struct pl_timer timer; /* set its `fire` */
    uint64_t due_ms;       /* loop time */
    uint64_t fires_ms;     /* likewise, of `timer`; at most due_ms */
    bool has_waited;
};

static inline void plc_deadline_start(struct pl_loop *loop,
                                      struct plc_deadline *d, uint64_t delay_ms)
{
    d->has_waited = false;
    d->due_ms = pl_loop_now_ms(loop) + delay_ms;
    if (pl_timer_is_running(&d->timer) && d->fires_ms <= d->due_ms)
        return;
    d->fires_ms = d->due_ms;
    pl_timer_start(loop, &d->timer, delay_ms);
}

static inline void plc_deadline_stop(struct pl_loop *loop,
                                     struct plc_deadline *d)
{
    pl_timer_stop(loop, &d->timer);
}

/* In fire(): return true if it is not over: it was started anew meanwhile, or
 * it is overdue for the first time.  Then it fires again, in the second case
 * after the loop has read what is there. */
bool plc_deadline_waits(struct pl_loop *loop, struct plc_deadline *d);

#endif
