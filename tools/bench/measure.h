/* SPDX-License-Identifier: Apache-2.0 */
/* measure.h - how long a thing takes, and how that is printed. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

struct measure {
    const char *only; /* names that contain it; NULL: all */
    bool json;        /* one object a line in place of a table */
    unsigned rounds;  /* the median of so many is printed */
    unsigned told;    /* how many were */
};

/* Do the thing `times` times. */
typedef void measured(void *arg, uint64_t times);

/* Whether the name is wanted: look before an expensive preparation. */
bool measure_wants(const struct measure *m, const char *name);

/* Measure `call` and print what one of its times costs.  Each of them is
 * `parts` operations (publications in a burst, say), whose cost is printed;
 * with `bytes` a part also the throughput. */
void measure(struct measure *m, const char *name, measured *call, void *arg,
             uint64_t parts, uint64_t bytes);

/* Keep the compiler from dropping what leads to `at`. */
static inline void measure_keep(const void *at)
{
    __asm__ volatile("" : : "g"(at) : "memory");
}

#endif
