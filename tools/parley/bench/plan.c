/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c - see plan.h. */
#include "plan.h"

#include <stdio.h>

const char *bench_mode_name(enum bench_mode mode)
{
    static const char *const names[] = {
        [BENCH_IDLE] = "idle",   [BENCH_FANOUT] = "fanout",
        [BENCH_ROOMS] = "rooms", [BENCH_ROUNDTRIP] = "roundtrip",
        [BENCH_STORM] = "storm", [BENCH_RETURN] = "return",
    };

    return names[mode];
}

bool bench_plan_all_publish(const struct bench_plan *plan)
{
    return plan->mode == BENCH_ROOMS || plan->mode == BENCH_ROUNDTRIP;
}

unsigned bench_plan_subs(const struct bench_plan *plan)
{
    return plan->method != NULL ? 0 : plan->channels;
}

unsigned bench_plan_first(const struct bench_plan *plan, unsigned p)
{
    unsigned groups = (plan->clients + plan->share - 1) / plan->share;
    unsigned long long first =
        (unsigned long long)groups * p / plan->processes * plan->share;

    return first < plan->clients ? (unsigned)first : plan->clients;
}

void bench_plan_channel(const struct bench_plan *plan, unsigned client,
                        unsigned k, char out[BENCH_CHANNEL_SIZE])
{
    snprintf(out, BENCH_CHANNEL_SIZE, "%s%u-%u", plan->prefix,
             client / plan->share, k);
}
