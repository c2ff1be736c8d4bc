/* SPDX-License-Identifier: Apache-2.0 */
/* sim_client.c - parley_sim_client: runs of programs that use libparley-client,
 * one after the other, against a simulated broker, on one thread; what it
 * checks: program_heard.c.
 *
 * Run number k of a simulation has the seed S + k, so a failure names the seed
 * of the run that failed.
 *
 * usage: parley_sim_client [--seed S] [--steps N] [--late] [--verbose]
 *                          [--plant BUG]
 * --plant expects to find the bug within N steps: else it ends with 1. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client_faults.h"
#include "client_run.h"
#include "faults.h"
#include "trace.h"

struct options {
    uint64_t seed, steps;
    bool is_late;
    enum client_plant plant;
};

_Noreturn static void usage(void)
{
    fprintf(stderr, "usage: parley_sim_client [--seed S] [--steps N] [--late] "
                    "[--verbose] [--plant BUG]\nbugs:");
    for (unsigned p = 1; p < CLIENT_PLANTS; p++)
        fprintf(stderr, " %s", client_plant_name((enum client_plant)p));
    fprintf(stderr, "\n");
    exit(2);
}

static uint64_t number(const char *text)
{
    char *end;

    if (text == NULL || *text == '\0')
        usage();
    uint64_t n = strtoull(text, &end, 0);
    if (*end != '\0')
        usage();
    return n;
}

static enum client_plant bug(const char *name)
{
    enum client_plant p = client_plant_of(name == NULL ? "" : name);

    if (p == CLIENT_PLANTS || p == CLIENT_PLANT_NONE)
        usage();
    return p;
}

static void read_options(struct options *o, char **argv)
{
    while (*++argv != NULL) {
        if (strcmp(*argv, "--late") == 0)
            o->is_late = true;
        else if (strcmp(*argv, "--verbose") == 0)
            trace_place.is_verbose = true;
        else if (strcmp(*argv, "--seed") == 0)
            o->seed = number(*++argv);
        else if (strcmp(*argv, "--steps") == 0)
            o->steps = number(*++argv);
        else if (strcmp(*argv, "--plant") == 0)
            o->plant = bug(*++argv);
        else
            usage();
    }
}

int main(int argc, char **argv)
{
    struct options o = {.seed = 1, .steps = 100000};
    uint64_t runs = 0;

    (void)argc;
    read_options(&o, argv);
    trace_place.program = "parley_sim_client";
    trace_catch_crashes();
    if (o.plant != CLIENT_PLANT_NONE) {
        trace_place.planted = client_plant_name(o.plant);
        client_plant(o.plant, o.seed);
    }
    printf("seed %" PRIu64 ", %s store\n", o.seed,
           o.is_late ? "late" : "memory");
    for (; trace_place.step < o.steps; runs++)
        client_run_once(o.seed + runs, o.is_late, o.steps);
    printf("%" PRIu64 " runs, %" PRIu64 " steps, %" PRIu64
           " failed allocations, trace %016" PRIx64 ": nothing found\n",
           runs, trace_place.step, faults_failed(), trace_hash());
    return o.plant == CLIENT_PLANT_NONE ? 0 : 1;
}
