/* SPDX-License-Identifier: Apache-2.0 */
/* clock.c - see clock.h.
 *
 * A clock is two functions, so a test can stop time.  The clock of the machine
 * has no state and is a constant.
 *
 * Rejected: CLOCK_MONOTONIC_COARSE, because it cannot show a lag of less than 4
 * ms and saves nothing at a few readings per turn. */
#include "clock.h"

#include <time.h>

#include "list.h"

static uint64_t system_monotonic(const struct pl_clock *c)
{
    struct timespec t;

    (void)c;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t system_wall(const struct pl_clock *c)
{
    struct timespec t;

    (void)c;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

const struct pl_clock pl_clock_system = {system_monotonic, system_wall};

static uint64_t driven_monotonic(const struct pl_clock *c)
{
    return PL_CONTAINER(c, const struct pl_clock_driven, clock)->monotonic_ns;
}

static uint64_t driven_wall(const struct pl_clock *c)
{
    return PL_CONTAINER(c, const struct pl_clock_driven, clock)->wall_ms;
}

void pl_clock_driven_init(struct pl_clock_driven *c)
{
    *c = (struct pl_clock_driven){.clock = {driven_monotonic, driven_wall}};
}

/* The wall clock advances with whole milliseconds of the monotonic clock, so
 * many small steps add up to the same time as one large step. */
void pl_clock_driven_advance(struct pl_clock_driven *c, uint64_t ns)
{
    uint64_t before_ms = c->monotonic_ns / 1000000u;

    c->monotonic_ns += ns;
    c->wall_ms += c->monotonic_ns / 1000000u - before_ms;
}
