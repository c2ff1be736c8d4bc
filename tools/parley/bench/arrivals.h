/* SPDX-License-Identifier: Apache-2.0 */
/* arrivals.h - how the members of a process come in: all of them, so many at a
 * time or at a rate; or again and again, as in a storm. */
#ifndef BENCH_ARRIVALS_H
#define BENCH_ARRIVALS_H

#include <stdbool.h>
#include <stdint.h>

#include "crew.h"
#include "schedule.h"

struct event;
struct event_base;

struct bench_arrivals {
    struct bench_crew *crew;
    struct event *alarm; /* owned */
    struct bench_schedule schedule;
    struct bench_member **idle; /* owned; of a storm: members that are out */
    uint32_t idle_count;
    uint32_t next, target; /* members that are looked at */
    uint32_t making;       /* begun, and neither in nor out */
    uint32_t at_once;      /* of those */
    bool is_paced, is_storm;
};

/* Failures end the program. */
void bench_arrivals_init(struct bench_arrivals *a, struct bench_crew *crew,
                         struct event_base *base);
void bench_arrivals_fini(struct bench_arrivals *a);

/* Let the first `target` members come in, and the publisher; `rate` a second,
 * 0: as fast as `at_once` allows. */
void bench_arrivals_open(struct bench_arrivals *a, uint32_t target,
                         uint32_t at_once, double rate);
/* True if there is nothing left to try. */
bool bench_arrivals_are_over(const struct bench_arrivals *a);

/* Let all members come in, leave and come again: `rate` arrivals a second, 0:
 * each at once when it has left. */
void bench_arrivals_storm(struct bench_arrivals *a, double rate);
/* Let no more come. */
void bench_arrivals_stop(struct bench_arrivals *a);

/* Let all members but the publisher leave. */
void bench_arrivals_leave(struct bench_arrivals *a);

/* See struct bench_crew_calls. */
void bench_arrivals_came_in(struct bench_arrivals *a, struct bench_member *m);
void bench_arrivals_went_out(struct bench_arrivals *a, struct bench_member *m);

#endif
