/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c - see memory.h.
 *
 * What the kernel uses is known for the whole machine only, so it has both ends
 * of the connections and whatever else runs. */
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Add the numbers after `name` at the front of a line, in KiB, to *sum. */
static bool add_up(const char *path, const char *name, double *sum)
{
    FILE *f = fopen(path, "re");
    char line[256];

    if (f == NULL)
        return false;
    while (fgets(line, sizeof line, f) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0)
            *sum += 1024 * strtod(line + strlen(name), NULL);
    }
    fclose(f);
    return true;
}

/* Pages of TCP's buffers: "TCP: inuse 5 orphan 0 tw 0 alloc 6 mem 2". */
static bool read_sockets(double *out)
{
    FILE *f = fopen("/proc/net/sockstat", "re");
    char line[256];

    if (f == NULL)
        return false;
    while (fgets(line, sizeof line, f) != NULL) {
        const char *mem = strstr(line, " mem ");

        if (strncmp(line, "TCP:", 4) == 0 && mem != NULL)
            *out = strtod(mem + 5, NULL) * (double)sysconf(_SC_PAGESIZE);
    }
    fclose(f);
    return true;
}

bool bench_memory_read(int pid, struct bench_memory *out)
{
    char rollup[64], status[64];

    memset(out, 0, sizeof *out);
    snprintf(rollup, sizeof rollup, "/proc/%d/smaps_rollup", pid);
    snprintf(status, sizeof status, "/proc/%d/status", pid);
    return add_up(rollup, "Private_Clean:", &out->private_bytes) &&
           add_up(rollup, "Private_Dirty:", &out->private_bytes) &&
           add_up(rollup, "Pss:", &out->pss) &&
           add_up(status, "VmPTE:", &out->page_tables) &&
           add_up("/proc/meminfo", "Slab:", &out->slab) &&
           read_sockets(&out->sockets);
}

uint64_t bench_memory_private(void)
{
    double sum = 0;

    if (!add_up("/proc/self/smaps_rollup", "Private_Clean:", &sum) ||
        !add_up("/proc/self/smaps_rollup", "Private_Dirty:", &sum))
        return 0;
    return (uint64_t)sum;
}
