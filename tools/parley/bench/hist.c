/* SPDX-License-Identifier: Apache-2.0 */
/* hist.c - see hist.h.
 *
 * Each delivery is recorded, so a record costs a count of leading zeros, a
 * shift and an addition.
 *
 * Rejected: libhdr_histogram, because Debian 12 does not have it.  Rejected:
 * samples, because p99.9 of a sample is a guess.
 *
 * Invariant: `count` is the sum of `buckets`. */
#include "hist.h"

#include <math.h>

static unsigned bucket_of(uint64_t value)
{
    if (value < BENCH_HIST_STEPS)
        return (unsigned)value;
    unsigned octave = 63u - (unsigned)__builtin_clzll(value) - BENCH_HIST_BITS;
    if (octave + 1 >= BENCH_HIST_OCTAVES)
        return BENCH_HIST_BUCKETS - 1;
    return (octave + 1) * BENCH_HIST_STEPS +
           (unsigned)((value >> octave) - BENCH_HIST_STEPS);
}

/* The greatest value of a bucket. */
static uint64_t top_of(unsigned bucket)
{
    unsigned row = bucket / BENCH_HIST_STEPS;

    if (row == 0)
        return bucket;
    uint64_t step = bucket % BENCH_HIST_STEPS + BENCH_HIST_STEPS + 1;
    return (step << (row - 1)) - 1;
}

void bench_hist_add(struct bench_hist *h, uint64_t value, uint64_t times)
{
    h->buckets[bucket_of(value)] += times;
    h->count += times;
    if (times > 0 && value > h->max)
        h->max = value;
}

void bench_hist_merge(struct bench_hist *h, const struct bench_hist *from)
{
    for (unsigned i = 0; i < BENCH_HIST_BUCKETS; i++)
        h->buckets[i] += from->buckets[i];
    h->count += from->count;
    if (from->max > h->max)
        h->max = from->max;
}

void bench_hist_subtract(struct bench_hist *h, const struct bench_hist *from)
{
    for (unsigned i = 0; i < BENCH_HIST_BUCKETS; i++)
        if (h->buckets[i] < from->buckets[i])
            return;
    for (unsigned i = 0; i < BENCH_HIST_BUCKETS; i++)
        h->buckets[i] -= from->buckets[i];
    h->count -= from->count;
}

uint64_t bench_hist_quantile(const struct bench_hist *h, double q)
{
    uint64_t rank = (uint64_t)ceil(q * (double)h->count), seen = 0;

    if (h->count == 0)
        return 0;
    if (rank == 0)
        rank = 1;
    for (unsigned i = 0; i < BENCH_HIST_BUCKETS; i++) {
        seen += h->buckets[i];
        if (seen >= rank) {
            uint64_t top = top_of(i);

            return top < h->max && i + 1 < BENCH_HIST_BUCKETS ? top : h->max;
        }
    }
    return h->max;
}
