/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c - limits.memory, the limits of histories in bytes, and the memory in
 * use.
 *
 * Percentages are converted to bytes once, at start, so that a limit has the
 * same value in all log lines of a run.
 *
 * If /proc cannot be read at start, limits.memory cannot be enforced, and the
 * broker does not start.  Later /proc may be unreadable for a while, because
 * reading it needs a descriptor; the last value read then stays valid.
 *
 * Rejected: reporting 0 bytes when /proc cannot be read, because that lifts the
 * limit while the process is out of descriptors. */
#include "broker_private.h"
#include "log.h"
#include "memory_limit.h"

uint64_t pl_broker_memory_used(void *broker, bool trim)
{
    struct pl_broker *b = broker;

    if (trim)
        pl_memory_trim();
    uint64_t now = pl_memory_resident("");
    if (now > 0)
        b->memory_seen = now;
    return b->memory_seen;
}

static enum pl_err cannot_keep(const char *why)
{
    PL_LOG(PL_LOG_ERROR, "limits.memory cannot be kept",
           pl_log_string("reason", why));
    return PL_EIO;
}

static uint64_t part_of(uint64_t whole, const struct pl_config_memory *m)
{
    return m->percent == 0
               ? m->bytes
               : whole / 100 * m->percent + whole % 100 * m->percent / 100;
}

/* Convert a percentage of the memory available to the process. */
static enum pl_err share(const struct pl_config_memory *m, uint64_t *out)
{
    uint64_t ceiling = pl_memory_ceiling("");

    if (ceiling == 0)
        return cannot_keep("/proc and /sys do not say how much there is");
    *out = part_of(ceiling, m);
    PL_LOG(PL_LOG_INFO, "memory is limited",
           pl_log_number("bytes", (int64_t)*out),
           pl_log_number("of", (int64_t)ceiling));
    return PL_OK;
}

enum pl_err pl_broker_memory_limit(const struct pl_broker *b, uint64_t *out)
{
    const struct pl_config_memory *m = &b->config->process.limits.memory;

    if (m->percent == 0 && m->bytes == 0) {
        *out = 0;
        return PL_OK;
    }
    if (pl_memory_resident("") == 0)
        return cannot_keep("/proc does not say how much is used");
    if (m->percent > 0)
        return share(m, out);
    *out = m->bytes;
    return PL_OK;
}

/* A percentage counts from limits.memory if that is set, otherwise from the
 * memory available to the process. */
static uint64_t history_limit(const struct pl_broker *b)
{
    const struct pl_config_memory *m = &b->config->process.limits.memory;
    uint64_t whole = m->bytes;

    if (b->config->channels.limits.history.percent == 0)
        return b->config->channels.limits.history.bytes;
    if (whole == 0)
        whole = pl_memory_ceiling("");
    if (m->percent > 0)
        whole = part_of(whole, m);
    if (whole == 0)
        PL_LOG(PL_LOG_WARN,
               "limits.history disabled: available memory unknown");
    return part_of(whole, &b->config->channels.limits.history);
}

void pl_broker_limit_history(const struct pl_broker *b,
                             struct pl_channels_options *o)
{
    o->history_bytes = history_limit(b);
    o->client_history_bytes =
        part_of(o->history_bytes, &b->config->channels.limits.client_history);
}
