/* SPDX-License-Identifier: Apache-2.0 */
/* history.c - see history.h. */
#include "history.h"

#include <inttypes.h>
#include <stdio.h>

#include "trace.h"

const char *history_setting(uint64_t seed, unsigned which,
                            char text[HISTORY_SETTING_MAX])
{
    static const unsigned kib[] = {2, 1 << 20, 8, 1 << 20, 32};
    static const char *const key[HISTORY_SETTINGS] = {
        "limits.history", "limits.client_history", "channels.history_bytes"};
    const unsigned value[HISTORY_SETTINGS] = {kib[seed % 5], kib[seed / 5 % 4],
                                              (unsigned)(seed / 20 % 3)};

    snprintf(text, HISTORY_SETTING_MAX, "%s=%uKiB", key[which], value[which]);
    return text;
}

void history_check(const struct share *s)
{
    const uint64_t *v = s->metrics.value;
    uint64_t limit = s->world->config->channels.limits.history.bytes;

    if (limit > 0 && v[PL_METRIC_HISTORY_BYTES] > limit)
        trace_fail("histories take %" PRIu64 " of %" PRIu64 " bytes",
                   v[PL_METRIC_HISTORY_BYTES], limit);
    if (v[PL_METRIC_STREAMS] > s->world->config->channels.limits.channels)
        trace_fail("%" PRIu64 " streams", v[PL_METRIC_STREAMS]);
}

uint64_t history_shed(const struct world *w)
{
    return world_metric(w, PL_METRIC_HISTORY_SHED_CHANNEL) +
           world_metric(w, PL_METRIC_HISTORY_SHED_CLIENT) +
           world_metric(w, PL_METRIC_HISTORY_SHED_HISTORY) +
           world_metric(w, PL_METRIC_HISTORY_SHED_CHANNELS) +
           world_metric(w, PL_METRIC_HISTORY_SHED_MEMORY);
}
