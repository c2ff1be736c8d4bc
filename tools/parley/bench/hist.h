/* SPDX-License-Identifier: Apache-2.0 */
/* hist.h - a histogram of times.
 *
 * Buckets are linear within each power of two, so a value is known to 1 % of
 * itself, from one nanosecond to some hours. */
#ifndef BENCH_HIST_H
#define BENCH_HIST_H

#include <stdint.h>

enum {
    BENCH_HIST_BITS = 6, /* of a value that are kept, after the first one */
    BENCH_HIST_STEPS = 1 << BENCH_HIST_BITS,
    BENCH_HIST_OCTAVES = 40,
    BENCH_HIST_BUCKETS = BENCH_HIST_OCTAVES * BENCH_HIST_STEPS
};

/* An all-zero struct is an empty histogram. */
struct bench_hist {
    uint64_t count, max;
    uint64_t buckets[BENCH_HIST_BUCKETS];
};

/* Add `value`, `times` times. */
void bench_hist_add(struct bench_hist *h, uint64_t value, uint64_t times);

/* Add what `from` has. */
void bench_hist_merge(struct bench_hist *h, const struct bench_hist *from);
/* Take away what `from` has; the maximum stays.  `h` has it all, or nothing
 * happens. */
void bench_hist_subtract(struct bench_hist *h, const struct bench_hist *from);

/* The least value that the fraction `q` of all values does not exceed, as the
 * top of its bucket; 0 if the histogram is empty.  `q` is 0 to 1. */
uint64_t bench_hist_quantile(const struct bench_hist *h, double q);

#endif
