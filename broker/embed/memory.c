/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c - limits.memory in bytes, and what the process has of them.
 *
 * A share is worked out when the broker starts: a limit that moved while it
 * runs would have to be explained in each log line that names it. */
#include "broker_private.h"
#include "log.h"
#include "memory_limit.h"

uint64_t pl_broker_memory_used(void *broker, bool trim)
{
    (void)broker;
    if (trim)
        pl_memory_trim();
    return pl_memory_resident("");
}

uint64_t pl_broker_memory_limit(const struct pl_broker *b)
{
    const struct pl_config_memory *m = &b->config->limits.memory;

    if (m->percent == 0)
        return m->bytes;
    uint64_t ceiling = pl_memory_ceiling("");
    uint64_t limit = ceiling / 100 * m->percent;

    if (ceiling == 0)
        PL_LOG(PL_LOG_WARN, "limits.memory is off: /proc and /sys do not say "
                            "how much there is");
    else
        PL_LOG(PL_LOG_INFO, "memory is limited",
               pl_log_number("bytes", (int64_t)limit),
               pl_log_number("of", (int64_t)ceiling));
    return limit;
}
