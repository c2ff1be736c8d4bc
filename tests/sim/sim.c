/* SPDX-License-Identifier: Apache-2.0 */
/* sim.c - parley_sim: runs of a whole broker, one after the other, on one
 * thread; what it checks: sim_run.c, client_hear.c.
 *
 * Life number k of a run has the seed S + k, so a failure names the seed of the
 * run that failed and replays without those before it.
 *
 * usage: parley_sim [--seed S] [--steps N] [--late] [--forever] [--verbose]
 *                   [--plant BUG] [--idle N]
 * --plant expects to find the bug within N steps: else it ends with 1. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"
#include "idle.h"
#include "sim_run.h"
#include "random.h"
#include "trace.h"

struct options {
    uint64_t seed;
    uint64_t steps;
    uint64_t idle;
    bool is_late;
    bool is_forever;
    enum plant plant;
};

_Noreturn static void usage(void)
{
    fprintf(stderr, "usage: parley_sim [--seed S] [--steps N] [--late] "
                    "[--forever] [--verbose] [--plant BUG] [--idle N]\nbugs:");
    for (unsigned p = 1; p < PLANT_COUNT; p++)
        fprintf(stderr, " %s", plant_name((enum plant)p));
    fprintf(stderr, "\n");
    exit(2);
}

static uint64_t number(const char *text)
{
    char *end;

    errno = 0;
    uint64_t n = text == NULL ? 0 : strtoull(text, &end, 0);
    if (text == NULL || *text == '\0' || *end != '\0' || errno != 0)
        usage();
    return n;
}

static enum plant bug(const char *name)
{
    enum plant p = name == NULL ? PLANT_COUNT : plant_of(name);

    if (p == PLANT_NONE || p == PLANT_COUNT)
        usage();
    return p;
}

static uint64_t draw_seed(void)
{
    struct pl_random r;

    pl_random_init(&r);
    return pl_random_u64(&r) >> 32; /* short enough to be typed again */
}

static void read_options(struct options *o, char **argv)
{
    while (*++argv != NULL) {
        if (strcmp(*argv, "--late") == 0)
            o->is_late = true;
        else if (strcmp(*argv, "--forever") == 0)
            o->is_forever = true;
        else if (strcmp(*argv, "--verbose") == 0)
            trace_place.is_verbose = true;
        else if (strcmp(*argv, "--seed") == 0)
            o->seed = number(*++argv);
        else if (strcmp(*argv, "--steps") == 0)
            o->steps = number(*++argv);
        else if (strcmp(*argv, "--plant") == 0)
            o->plant = bug(*++argv);
        else if (strcmp(*argv, "--idle") == 0)
            o->idle = number(*++argv);
        else
            usage();
    }
}

static void run(const struct options *o)
{
    uint64_t last = o->is_forever ? UINT64_MAX : o->steps;
    uint64_t runs = 0;

    printf("seed %" PRIu64 ", %s store\n", o->seed,
           o->is_late ? "late" : "memory");
    fflush(stdout);
    while (trace_place.step < last) {
        sim_run_once(o->seed + runs, o->is_late, last);
        if (++runs % 1000 == 0) {
            printf("%" PRIu64 " runs, %" PRIu64 " steps\n", runs,
                   trace_place.step);
            fflush(stdout);
        }
    }
    printf("%" PRIu64 " runs, %" PRIu64 " steps, %" PRIu64
           " failed allocations, %" PRIu64 " full mailboxes, trace %016" PRIx64
           ": nothing found\n",
           runs, trace_place.step, faults_failed(), faults_full(),
           trace_hash());
}

int main(int argc, char **argv)
{
    struct options o = {.seed = draw_seed(), .steps = 100000};

    (void)argc;
    read_options(&o, argv);
    trace_catch_crashes();
    if (o.idle > 0) {
        idle_measure((unsigned)o.idle);
        return 0;
    }
    if (o.plant != PLANT_NONE) {
        trace_place.planted = plant_name(o.plant);
        faults_plant(o.plant, o.seed);
    }
    run(&o);
    return o.plant == PLANT_NONE ? 0 : 1;
}
