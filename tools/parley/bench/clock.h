/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - the clock of all processes of a measurement. */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t bench_now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline double bench_now_s(void)
{
    return (double)bench_now_ns() * 1e-9;
}

#endif
