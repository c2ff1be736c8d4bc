/* SPDX-License-Identifier: Apache-2.0 */
/* progress.h - a line on stderr each second, about what goes on. */
#ifndef BENCH_PROGRESS_H
#define BENCH_PROGRESS_H

#include "worker.h"

struct bench_progress {
    const struct bench_plan *plan;
    const struct bench_kind *kind;
    double started_s, last_s;
    double rate; /* of a sweep; 0: none */
    struct bench_report_mail last;
};

void bench_progress_init(struct bench_progress *p,
                         const struct bench_plan *plan,
                         const struct bench_kind *kind);
/* A sweep has got to this rate. */
void bench_progress_rate(struct bench_progress *p, double rate);
/* See struct bench_crowd; `arg` is a struct bench_progress. */
void bench_progress_show(void *arg, const struct bench_report_mail *sum);

#endif
