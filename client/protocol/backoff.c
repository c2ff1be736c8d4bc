/* SPDX-License-Identifier: Apache-2.0 */
/* backoff.c - see backoff.h. */
#include "backoff.h"

#include "random.h"

enum { MIN_MS = 500, MAX_MS = 20000 };

void plc_backoff_defaults(uint32_t *min_ms, uint32_t *max_ms)
{
    if (*min_ms == 0)
        *min_ms = MIN_MS;
    if (*max_ms == 0)
        *max_ms = MAX_MS;
}

uint32_t plc_backoff_delay(struct pl_random *r, uint32_t min_ms,
                           uint32_t max_ms, uint32_t attempt)
{
    uint64_t step = (uint64_t)min_ms << (attempt < 31 ? attempt : 31);

    if (step > max_ms)
        step = max_ms;
    uint64_t delay = min_ms + pl_random_below(r, step + 1);
    return delay < max_ms ? (uint32_t)delay : max_ms;
}
