/* SPDX-License-Identifier: Apache-2.0 */
/* measure.c - see measure.h.
 *
 * A round lasts a few milliseconds of this thread's wall clock; the median of
 * the rounds is printed, with the fastest beside it: on a machine that others
 * use the two show how much to trust.  CPU time was rejected, since pieces with
 * several threads have theirs elsewhere. */
#include "measure.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUND_NS = 10000000, ROUNDS_MAX = 99 };

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t take(measured *call, void *arg, uint64_t times)
{
    uint64_t start = now_ns();

    call(arg, times);
    return now_ns() - start;
}

/* So many times that a round is long enough. */
static uint64_t calibrate(measured *call, void *arg)
{
    uint64_t times = 1;

    for (;;) {
        uint64_t ns = take(call, arg, times);

        if (ns >= ROUND_NS / 2)
            return times;
        times = ns < ROUND_NS / 64 ? times * 16 : times * 2;
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

bool measure_wants(const struct measure *m, const char *name)
{
    return m->only == NULL || strstr(name, m->only) != NULL;
}

static void tell(struct measure *m, const char *name, double median,
                 double best, uint64_t bytes)
{
    double gbps = (double)bytes / median;

    if (m->json) {
        printf("{\"name\":\"%s\",\"ns\":%.2f,\"best_ns\":%.2f", name, median,
               best);
        if (bytes > 0)
            printf(",\"gb_per_s\":%.3f", gbps);
        printf("}\n");
    } else {
        if (m->told == 0)
            printf("%-44s %12s %12s %9s\n", "", "ns", "fastest", "GB/s");
        printf("%-44s %12.1f %12.1f", name, median, best);
        if (bytes > 0)
            printf(" %9.2f", gbps);
        printf("\n");
    }
    fflush(stdout);
    m->told++;
}

void measure(struct measure *m, const char *name, measured *call, void *arg,
             uint64_t parts, uint64_t bytes)
{
    double ns[ROUNDS_MAX];

    if (!measure_wants(m, name))
        return;
    uint64_t times = calibrate(call, arg);
    for (unsigned i = 0; i < m->rounds; i++)
        ns[i] = (double)take(call, arg, times) / (double)(times * parts);
    qsort(ns, m->rounds, sizeof *ns, compare);
    tell(m, name, ns[m->rounds / 2], ns[0], bytes);
}
