/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.h - the counters and gauges of a loop, with names and help texts.
 *
 * Each module lists its metrics in its <module>_metrics.h.  The build joins the
 * lists of all modules in metrics_of_modules.h, so that each metric has a
 * constant place in one array and counting is one addition.
 *
 * One struct per loop, written only by its thread.  Others read the snapshot
 * that the loop publishes at the end of a turn. */
#ifndef PL_METRICS_H
#define PL_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "metrics_of_modules.h" /* PL_METRIC_MAP(X) */

enum pl_metric_kind { PL_COUNTER, PL_GAUGE };

enum pl_metric {
#define X(symbol, kind, name, help) PL_METRIC_##symbol,
    PL_METRIC_MAP(X)
#undef X
        PL_METRIC_COUNT
};

/* Thread: the loop's. */
struct pl_metrics {
    uint64_t value[PL_METRIC_COUNT];
};

struct pl_metric_info {
    const char *name; /* without the prefix "parley_" */
    const char *help;
    enum pl_metric_kind kind;
};

/* The name, help text and kind of a metric; constant. */
const struct pl_metric_info *pl_metric_info(enum pl_metric m);

static inline void pl_count(struct pl_metrics *m, enum pl_metric what,
                            uint64_t by)
{
    m->value[what] += by;
}

/* The sum of the metrics with names that begin with `prefix`. */
uint64_t pl_metrics_sum(const uint64_t value[PL_METRIC_COUNT],
                        const char *prefix);

/* Subtract from a gauge; asserts that it does not fall below zero. */
void pl_gauge_drop(struct pl_metrics *m, enum pl_metric what, uint64_t by);

#endif
