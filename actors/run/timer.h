/* SPDX-License-Identifier: Apache-2.0 */
/* timer.h - many timers per loop; starting and stopping cost two list links.
 *
 * A hierarchical wheel with ticks of PL_TIMER_TICK_MS: a timer fires at the
 * first tick at or after its time, never before. */
#ifndef PL_TIMER_H
#define PL_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include "list.h"

struct pl_loop;

enum { PL_TIMER_TICK_MS = 4 };

struct pl_timer {
    struct pl_list link;
    uint64_t tick; /* when it is due */
    void (*fire)(struct pl_timer *t);
};

/* A timer that is all zero except `fire` is not running. */
static inline bool pl_timer_is_running(const struct pl_timer *t)
{
    return pl_list_is_linked(&t->link);
}

/* Fire `t` once in `delay_ms`; a running timer is moved.  The callback may
 * start it again.
 * Owner:  the caller; stop the timer before freeing it.
 * Thread: the loop's. */
void pl_timer_start(struct pl_loop *loop, struct pl_timer *t,
                    uint64_t delay_ms);

/* Stop `t`, if it is running.  Thread: the loop's. */
void pl_timer_stop(struct pl_loop *loop, struct pl_timer *t);

/* The wheel itself, which loop.c embeds.  The caller passes the time; the wheel
 * reads no clock. */
enum {
    PL_WHEEL_BITS = 8,
    PL_WHEEL_SLOTS = 1 << PL_WHEEL_BITS,
    PL_WHEEL_LEVELS = 4
};

struct pl_wheel {
    uint64_t tick; /* all timers due at or before it have fired */
    uint64_t count;
    struct pl_list slot[PL_WHEEL_LEVELS][PL_WHEEL_SLOTS];
    uint64_t occupied[PL_WHEEL_LEVELS][PL_WHEEL_SLOTS / 64];
};

void pl_wheel_init(struct pl_wheel *w, uint64_t now_ms);
void pl_wheel_start(struct pl_wheel *w, struct pl_timer *t, uint64_t due_ms);
void pl_wheel_stop(struct pl_wheel *w, struct pl_timer *t);

/* Fire the timers due at `now_ms`, in the order of their ticks. */
void pl_wheel_run(struct pl_wheel *w, uint64_t now_ms);

/* Milliseconds from `now_ms` until pl_wheel_run() has work (firing timers or
 * moving them to a finer level); 0: now; UINT64_MAX: never. */
uint64_t pl_wheel_next(const struct pl_wheel *w, uint64_t now_ms);

#endif
