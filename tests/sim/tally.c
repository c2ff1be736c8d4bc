/* SPDX-License-Identifier: Apache-2.0 */
/* tally.c - see world.h: what clients said and heard, against what the broker
 * counted. */
#include <inttypes.h>

#include "trace.h"
#include "world.h"

static void at_most(const char *what, uint64_t less, uint64_t more)
{
    if (less > more)
        trace_fail("%s: %" PRIu64 " and %" PRIu64, what, less, more);
}

static void check_commands(const struct world *w)
{
    const struct tally *t = &w->tally;
    uint64_t answered = world_metric(w, PL_METRIC_COMMANDS_ANSWERED);

    at_most("results heard and counted", t->results, answered);
    at_most("answers counted and due", answered, t->asked);
    at_most("errors heard and counted", t->errors,
            world_metric(w, PL_METRIC_COMMANDS_REFUSED));
    at_most("commands counted and said", world_metric(w, PL_METRIC_COMMANDS),
            t->asked + t->silent + t->noise);
    at_most("silent commands counted and said",
            world_metric(w, PL_METRIC_COMMANDS_SILENT), t->silent + t->noise);
}

static void check_deliveries(const struct world *w)
{
    uint64_t frames = world_metric(w, PL_METRIC_MESSAGES_OUT);

    at_most("deliveries heard and counted", w->tally.pushes,
            world_metric(w, PL_METRIC_FRAMES_SENT));
    if (frames != w->tally.frames)
        trace_fail("%" PRIu64 " frames were sent, %" PRIu64 " counted",
                   w->tally.frames, frames);
    if (!world_has_slow(w, PL_SLOW_LATEST) &&
        world_metric(w, PL_METRIC_FRAMES_DROPPED_REPLACED) > 0)
        trace_fail("deliveries were replaced");
    if (!world_has_slow(w, PL_SLOW_LATEST) &&
        !world_has_slow(w, PL_SLOW_DROP_OLDEST) &&
        world_metric(w, PL_METRIC_FRAMES_DROPPED_OLDEST) +
                world_metric(w, PL_METRIC_FRAMES_DROPPED_RECOVER) >
            0)
        trace_fail("deliveries were dropped, not their readers");
}

void world_check_tally(const struct world *w)
{
    check_commands(w);
    check_deliveries(w);
}
