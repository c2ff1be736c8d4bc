/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.c - see metrics.h.
 *
 * /metrics and the sums of the status iterate over the joined list. */
#include "metrics.h"

#include <assert.h>
#include <string.h>

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

uint64_t pl_metrics_sum(const uint64_t value[PL_METRIC_COUNT],
                        const char *prefix)
{
    uint64_t sum = 0;

    for (int m = 0; m < PL_METRIC_COUNT; m++)
        if (strncmp(info[m].name, prefix, strlen(prefix)) == 0)
            sum += value[m];
    return sum;
}
