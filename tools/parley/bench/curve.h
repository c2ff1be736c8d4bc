/* SPDX-License-Identifier: Apache-2.0 */
/* curve.h - latency over load, and its picture. */
#ifndef BENCH_CURVE_H
#define BENCH_CURVE_H

#include <stdbool.h>
#include <stdio.h>

#include "plan.h"

struct bench_hist;

enum bench_quantile {
    BENCH_P50,
    BENCH_P90,
    BENCH_P99,
    BENCH_P999,
    BENCH_MOST,
    BENCH_QUANTILES
};

/* One load of a sweep. */
struct bench_point {
    double rate;                /* what was due a second */
    double done;                /* what was done a second */
    double unsent;              /* what was due and never left */
    double us[BENCH_QUANTILES]; /* microseconds */
};

struct bench_curve {
    const char *name;
    unsigned count;
    struct bench_point points[BENCH_POINTS_MAX]; /* by ascending rate */
};

/* Append a point with the quantiles of `h`. */
void bench_curve_add(struct bench_curve *c, struct bench_point point,
                     const struct bench_hist *h);

/* Write an SVG picture of the curves; the title may be any text.  Return false
 * if it could not be written. */
bool bench_curve_draw(FILE *f, const char *title,
                      const struct bench_curve *curves, unsigned count);

#endif
