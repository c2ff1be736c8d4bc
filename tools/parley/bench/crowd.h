/* SPDX-License-Identifier: Apache-2.0 */
/* crowd.h - the processes of clients, as the leading process sees them. */
#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

#include <stdbool.h>
#include <sys/types.h>

#include "worker.h"

struct bench_crowd {
    const struct bench_plan *plan;
    unsigned count;
    int control[BENCH_PROCESSES_MAX];
    pid_t pid[BENCH_PROCESSES_MAX];
    uint32_t number;  /* of the newest order */
    bool is_stopping; /* the newest order is waited for in any case */
    /* Called about once a second while something is waited for, with the sum of
     * all reports.  NULL is allowed. */
    void (*progress)(void *arg, const struct bench_report_mail *sum);
    void *arg;
};

/* Start them; failures end the program.  Set `progress` later. */
void bench_crowd_start(struct bench_crowd *c, const struct bench_plan *plan,
                       const struct bench_kind *kind, const char *url);
void bench_crowd_stop(struct bench_crowd *c);

/* Give all an order and wait for their answers; *sum is their sum.  After
 * bench_was_interrupted() it waits for BENCH_ORDER_STOP only, and returns
 * false without an answer. */
bool bench_crowd_do(struct bench_crowd *c, enum bench_order order,
                    uint32_t count, double rate, struct bench_report_mail *sum);

/* The two halves of bench_crowd_do(). */
void bench_crowd_tell(struct bench_crowd *c, enum bench_order order,
                      uint32_t count, double rate);
bool bench_crowd_hear(struct bench_crowd *c, struct bench_report_mail *sum);

/* Wait; less after bench_was_interrupted(). */
void bench_crowd_wait(struct bench_crowd *c, double seconds);

/* --- Ctrl-C --- */

/* The first SIGINT or SIGTERM ends what is waited for, the second the
 * program. */
void bench_catch_interrupts(void);
bool bench_was_interrupted(void);

#endif
