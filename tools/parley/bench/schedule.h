/* SPDX-License-Identifier: Apache-2.0 */
/* schedule.h - when the events of an open loop are due.
 *
 * Latency counts from there, however late the event began: a server that stalls
 * is charged for all that was due meanwhile. */
#ifndef BENCH_SCHEDULE_H
#define BENCH_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

struct bench_schedule {
    double interval_ns;
    uint64_t start_ns;
    uint64_t until_ns; /* what is due from then on is not done */
    uint64_t done;     /* events */
};

/* Begin now, with `rate` events a second. */
void bench_schedule_start(struct bench_schedule *s, double rate);
/* Let it end now. */
void bench_schedule_stop(struct bench_schedule *s);

/* When the next event is due; UINT64_MAX: there is none any more. */
uint64_t bench_schedule_next_ns(const struct bench_schedule *s);

#endif
