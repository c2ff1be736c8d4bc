/* SPDX-License-Identifier: Apache-2.0 */
/* report.h - the figures of several rounds, as a table of medians or as
 * JSON. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>

#include "curve.h"
#include "hist.h"
#include "plan.h"

enum { BENCH_FIGURES_MAX = 32, BENCH_ROUNDS_MAX = 31 };

/* The figures of each kind and round; an all-zero struct is an empty one. */
struct bench_report {
    const char *names[BENCH_FIGURES_MAX];
    double values[BENCH_KINDS_MAX][BENCH_FIGURES_MAX][BENCH_ROUNDS_MAX];
    unsigned figures;
    unsigned faults;      /* kinds of faults, of all rounds */
    unsigned kind, round; /* which is being measured */
    unsigned rounds_done;
    struct bench_curve curves[BENCH_KINDS_MAX]; /* of a sweep */
};

/* Note a figure of the kind and round that is being measured.  `name` is
 * constant. */
void bench_report_note(struct bench_report *r, const char *name, double value);
/* Note the quantiles of `h`, in microseconds; nothing if it is empty. */
void bench_report_latency(struct bench_report *r, const struct bench_hist *h);

/* Note something that must not happen; 0 is nothing. */
void bench_report_fault(struct bench_report *r, const char *what, double count);

/* Print the rounds that are done. */
void bench_report_print(const struct bench_report *r,
                        const struct bench_plan *plan);

#endif
