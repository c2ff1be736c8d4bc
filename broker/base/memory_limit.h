/* SPDX-License-Identifier: Apache-2.0 */
/* memory_limit.h - how much memory the process has and may have, as the kernel
 * says.
 *
 * Thread: any; each call reads files below /proc and /sys.  `root` stands for
 * "/": "" but in tests. */
#ifndef PL_MEMORY_LIMIT_H
#define PL_MEMORY_LIMIT_H

#include <stdint.h>

/* The bytes that the process may use: the smallest limit of its control groups
 * (version 2: memory.max, version 1: memory.limit_in_bytes), of the groups
 * above them, and of the machine (MemTotal).  0: nothing is known. */
uint64_t pl_memory_ceiling(const char *root);

/* Its resident bytes; 0: not known. */
uint64_t pl_memory_resident(const char *root);

/* Give the kernel back what was freed, where the C library can. */
void pl_memory_trim(void);

#endif
