/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - the source of time: the machine, or a test. */
#ifndef PL_CLOCK_H
#define PL_CLOCK_H

#include <stdint.h>

struct pl_clock {
    /* Nanoseconds since an arbitrary start; never goes back.  Thread: any. */
    uint64_t (*monotonic)(const struct pl_clock *c);
    /* Milliseconds since 1970; may jump.  Thread: any. */
    uint64_t (*wall)(const struct pl_clock *c);
};

/* The machine's clocks. */
extern const struct pl_clock pl_clock_system;

/* A clock that only pl_clock_driven_advance() moves.  Thread: one. */
struct pl_clock_driven {
    struct pl_clock clock;
    uint64_t monotonic_ns;
    uint64_t wall_ms;
};

void pl_clock_driven_init(struct pl_clock_driven *c);
void pl_clock_driven_advance(struct pl_clock_driven *c, uint64_t ns);

#endif
