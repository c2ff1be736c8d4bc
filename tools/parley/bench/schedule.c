/* SPDX-License-Identifier: Apache-2.0 */
/* schedule.c - see schedule.h.
 *
 * Invariant: event k is due at start + k * interval, so rounding does not add
 * up. */
#include "schedule.h"

#include "clock.h"

void bench_schedule_start(struct bench_schedule *s, double rate)
{
    s->interval_ns = 1e9 / rate;
    s->start_ns = bench_now_ns();
    s->until_ns = UINT64_MAX;
    s->done = 0;
}

void bench_schedule_stop(struct bench_schedule *s)
{
    s->until_ns = bench_now_ns();
}

uint64_t bench_schedule_next_ns(const struct bench_schedule *s)
{
    uint64_t due = s->start_ns + (uint64_t)((double)s->done * s->interval_ns);

    return due < s->until_ns ? due : UINT64_MAX;
}
