/* SPDX-License-Identifier: Apache-2.0 */
/* moment.h - the clock of tests that wait with a deadline, and the pauses
 * between looks. */
#ifndef TESTS_MOMENT_H
#define TESTS_MOMENT_H

#include <stdint.h>
#include <time.h>

/* Milliseconds since some moment, always forward. */
static inline uint64_t moment_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

/* Pause for less than a second. */
static inline void moment_nap(uint32_t us)
{
    struct timespec t = {0, (long)us * 1000};

    nanosleep(&t, NULL);
}

/* Pause between looks at what was waited for since `began`: a quarter of the
 * time until now, 2 ms at least, 20 at most.  A look at a status often costs
 * more than what it waits for, and both share the cores. */
static inline void moment_rest(uint64_t began)
{
    uint64_t ms = (moment_ms() - began) / 4;

    moment_nap(1000 * (uint32_t)(ms < 2 ? 2 : ms > 20 ? 20 : ms));
}

#endif
