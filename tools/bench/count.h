/* SPDX-License-Identifier: Apache-2.0 */
/* count.h - where the work begins whose instructions are counted.
 *
 * callgrind makes a program fifty times as slow where it looks.  With
 * --instr-atstart=no it looks only from count_begin() on, so that a world of
 * 100,000 channels is built in a tenth of the time.  Without callgrind.h the
 * program is the same, and callgrind must look from the start. */
#ifndef PL_BENCH_COUNT_H
#define PL_BENCH_COUNT_H

#ifdef PL_CALLGRIND
#include <valgrind/callgrind.h>
#endif

static inline void count_begin(void)
{
#ifdef PL_CALLGRIND
    CALLGRIND_START_INSTRUMENTATION;
#endif
}

static inline void count_end(void)
{
#ifdef PL_CALLGRIND
    CALLGRIND_STOP_INSTRUMENTATION;
#endif
}

#endif
