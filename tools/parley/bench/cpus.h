/* SPDX-License-Identifier: Apache-2.0 */
/* cpus.h - which cores a process may use. */
#ifndef BENCH_CPUS_H
#define BENCH_CPUS_H

#include <stdbool.h>

/* Whether `list` is like "0", "1-3" or "0,2-3". */
bool bench_cpus_are(const char *list);

/* Let the calling process use only these; NULL: as it is. */
void bench_cpus_use(const char *list);

#endif
