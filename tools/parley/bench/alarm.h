/* SPDX-License-Identifier: Apache-2.0 */
/* alarm.h - a timer of the base with the clock's precision. */
#ifndef BENCH_ALARM_H
#define BENCH_ALARM_H

#include <event2/event.h>

#include "clock.h"

/* Let `e` fire at `at_ns`, or at once. */
static inline void bench_alarm_set(struct event *e, uint64_t at_ns)
{
    uint64_t now = bench_now_ns(), left = at_ns > now ? at_ns - now : 0;
    struct timeval t = {(time_t)(left / 1000000000u),
                        (suseconds_t)(left % 1000000000u / 1000u)};

    event_add(e, &t);
}

#endif
