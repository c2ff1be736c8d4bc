/* SPDX-License-Identifier: Apache-2.0 */
/* traffic.h - the publishers of a process: in a closed loop each keeps a window
 * of messages under way, in an open loop all together keep a rate. */
#ifndef BENCH_TRAFFIC_H
#define BENCH_TRAFFIC_H

#include <stdbool.h>
#include <stdint.h>

#include "crew.h"
#include "schedule.h"

struct event;
struct event_base;
struct bench_source;

enum bench_pace { BENCH_SILENT, BENCH_CLOSED, BENCH_OPEN, BENCH_COUNTED };

struct bench_traffic {
    struct bench_crew *crew;
    struct bench_source *sources; /* owned */
    uint32_t source_count;
    struct event *alarm; /* owned */
    struct bench_schedule schedule;
    enum bench_pace pace;
    bool was_full;        /* a client had no place for a message */
    uint64_t last_number; /* counted: of each channel */
    uint64_t commands;    /* publications and calls that were accepted */
};

/* Make the publishers of `crew`.  Failures end the program. */
void bench_traffic_init(struct bench_traffic *t, struct bench_crew *crew,
                        struct event_base *base);
void bench_traffic_fini(struct bench_traffic *t);

/* Publish until bench_traffic_stop(): `rate` messages a second, 0: in a closed
 * loop. */
void bench_traffic_start(struct bench_traffic *t, double rate);
/* Publish nothing that is due from now on. */
void bench_traffic_stop(struct bench_traffic *t);
/* Publish `count` messages more to each channel. */
void bench_traffic_publish(struct bench_traffic *t, unsigned count);

/* A message of the source has come. */
void bench_traffic_had_message(struct bench_traffic *t, uint32_t source);
/* Try again what had no place in the queue of a client. */
void bench_traffic_tick(struct bench_traffic *t);

/* True if all that was due has left, and has its answer. */
bool bench_traffic_is_answered(const struct bench_traffic *t);
/* Give up what is due and has not left: it counts as unsent, and as late as it
 * is now. */
void bench_traffic_give_up(struct bench_traffic *t);

#endif
