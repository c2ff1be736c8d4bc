/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c - see plan.h. */
#include "plan.h"

#include <stdio.h>

const char plan_secret[] = "parley-load measures and keeps no secret";

unsigned plan_first(const struct plan *plan, unsigned p)
{
    unsigned groups = (plan->clients + plan->share - 1) / plan->share;
    unsigned long long first =
        (unsigned long long)groups * p / plan->processes * plan->share;

    return first < plan->clients ? (unsigned)first : plan->clients;
}

void plan_channel(const struct plan *plan, unsigned client, unsigned k,
                  char out[PLAN_CHANNEL_MAX])
{
    snprintf(out, PLAN_CHANNEL_MAX, "load:%u:%u", client / plan->share, k);
}
