/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.c - see metrics.h.
 *
 * The map in the header is the only list; status and /metrics walk it. */
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
