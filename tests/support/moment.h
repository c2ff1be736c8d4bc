/* SPDX-License-Identifier: Apache-2.0 */
/* moment.h - the clock of tests that wait with a deadline, and the pause
 * between two looks. */
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

#endif
