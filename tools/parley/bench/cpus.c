/* SPDX-License-Identifier: Apache-2.0 */
/* cpus.c - see cpus.h. */
#include "cpus.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

static bool parse(const char *at, cpu_set_t *set)
{
    CPU_ZERO(set);
    for (;;) {
        char *end;
        unsigned long from = strtoul(at, &end, 10), to = from;

        if (end == at || from >= CPU_SETSIZE)
            return false;
        if (*end == '-') {
            at = end + 1;
            to = strtoul(at, &end, 10);
            if (end == at || to < from || to >= CPU_SETSIZE)
                return false;
        }
        for (; from <= to; from++)
            CPU_SET(from, set);
        if (*end == '\0')
            return true;
        if (*end != ',')
            return false;
        at = end + 1;
    }
}

bool bench_cpus_are(const char *list)
{
    cpu_set_t set;

    return parse(list, &set);
}

void bench_cpus_use(const char *list)
{
    cpu_set_t set;

    if (list != NULL && parse(list, &set) &&
        sched_setaffinity(0, sizeof set, &set) != 0) {
        perror("parley bench: sched_setaffinity");
        exit(1);
    }
}
