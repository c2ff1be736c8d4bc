/* SPDX-License-Identifier: Apache-2.0 */
/* memory.h - memory of processes, as /proc has it. */
#ifndef BENCH_MEMORY_H
#define BENCH_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

/* Bytes. */
struct bench_memory {
    double private_bytes; /* of the server: pages of no other process */
    double pss;           /* of the server: shared pages divided */
    double page_tables;   /* of the server, the kernel's */
    double slab;          /* of the kernel, whole machine */
    double sockets;       /* in socket buffers, whole machine */
};

/* Read what the process `pid` and the kernel use; false: it cannot be read. */
bool bench_memory_read(int pid, struct bench_memory *out);

/* Bytes of this process that no other shares; 0: unknown. */
uint64_t bench_memory_private(void);

#endif
