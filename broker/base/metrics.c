/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.c - see metrics.h.
 *
 * The map in the header is the only list; status and /metrics iterate over
 * it. */
#include "metrics.h"

#include <assert.h>

static const struct pl_metric_info info[PL_METRIC_COUNT] = {
#define X(symbol, kind, name, help) {name, help, kind},
    PL_METRIC_MAP(X)
#undef X
};

const struct pl_metric_info *pl_metric_info(enum pl_metric m)
{
    return &info[m];
}

void pl_gauge_drop(struct pl_metrics *m, enum pl_metric what, uint64_t by)
{
    assert(m->value[what] >= by);
    m->value[what] -= by;
}

uint64_t pl_metrics_dropped(const uint64_t value[PL_METRIC_COUNT])
{
    return value[PL_METRIC_FRAMES_DROPPED_SLOW] +
           value[PL_METRIC_FRAMES_DROPPED_MEMORY] +
           value[PL_METRIC_FRAMES_DROPPED_OLDEST] +
           value[PL_METRIC_FRAMES_DROPPED_REPLACED] +
           value[PL_METRIC_FRAMES_DROPPED_RECOVER] +
           value[PL_METRIC_FRAMES_DROPPED_DUPLICATE];
}
