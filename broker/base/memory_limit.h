/* SPDX-License-Identifier: Apache-2.0 */
/* memory_limit.h - the memory of the process and its limit, as the kernel
 * reports them.
 *
 * Thread: any; each call reads files below /proc and /sys.  `root` replaces
 *         "/": "" except in tests. */
#ifndef PL_MEMORY_LIMIT_H
#define PL_MEMORY_LIMIT_H

#include <stdint.h>

/* The bytes that the process may use: the smallest limit of its control groups
 * (version 2: memory.max, version 1: memory.limit_in_bytes), of the groups
 * above them, and of the machine (MemTotal).  0: unknown. */
uint64_t pl_memory_ceiling(const char *root);

/* The resident bytes of the process; 0: unknown. */
uint64_t pl_memory_resident(const char *root);

/* Return freed memory to the kernel, where the C library can. */
void pl_memory_trim(void);

#endif
