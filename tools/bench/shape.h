/* SPDX-License-Identifier: Apache-2.0 */
/* shape.h - work of a fixed size, for tools that count instructions. */
#ifndef BENCH_SHAPE_H
#define BENCH_SHAPE_H

#include <stdbool.h>

struct shape {
    const char *name;  /* fanout, rooms, rtt, idle */
    unsigned others;   /* other channels */
    unsigned idle;     /* connections that do nothing */
    unsigned each;     /* further channels of each connection */
    unsigned history;  /* publications that a channel keeps */
    unsigned spaces;   /* namespaces */
    char mark;         /* names begin with "s07" and this; '\0': they do not */
    const char *rules; /* keys of each namespace; NULL: none */
    unsigned repeat;
};

/* Build it, run it, and print how many deliveries (of `idle`: pings) were made
 * inside of shape_run().  False: no such shape. */
bool shape_count(const struct shape *s);

#endif
