/* SPDX-License-Identifier: Apache-2.0 */
/* bench.h - the load generator of the tool. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

struct bench_plan;

/* What the help says before the options. */
extern const char bench_help[];

/* Measure what the plan says, and print it; return what to exit with: 1 if
 * anything was lost, double, out of order or damaged. */
int bench_run(struct bench_plan *plan);

#endif
