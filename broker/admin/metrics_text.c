/* SPDX-License-Identifier: Apache-2.0 */
/* metrics_text.c - see metrics_text.h.
 *
 * Each metric has one line per loop: the reader can sum them, and one loop that
 * differs is visible.  All metrics of metrics.h appear without further code
 * here.
 *
 * Names of counters end in _total, as Prometheus and OpenMetrics require; the
 * names in metrics.h lack this suffix. */
#include "metrics_text.h"

#include <inttypes.h>

static const char *ending_of(enum pl_metric_kind kind)
{
    return kind == PL_COUNTER ? "_total" : "";
}

static void write_head(struct pl_buf *b, const char *name, const char *help,
                       enum pl_metric_kind kind)
{
    const char *ending = ending_of(kind);

    pl_buf_printf(b, "# HELP parley_%s%s %s\n# TYPE parley_%s%s %s\n", name,
                  ending, help, name, ending,
                  kind == PL_COUNTER ? "counter" : "gauge");
}

/* Write a number of the process, without the label of a loop. */
static void write_number(struct pl_buf *b, const char *name, const char *help,
                         enum pl_metric_kind kind, uint64_t value)
{
    write_head(b, name, help, kind);
    pl_buf_printf(b, "parley_%s%s %" PRIu64 "\n", name, ending_of(kind), value);
}

void pl_metrics_write_text(struct pl_buf *b, const struct pl_status *s)
{
    for (int m = 0; m < PL_METRIC_COUNT; m++) {
        const struct pl_metric_info *info = pl_metric_info(m);

        write_head(b, info->name, info->help, info->kind);
        for (unsigned i = 0; i < s->loop_count; i++)
            pl_buf_printf(b, "parley_%s%s{loop=\"%u\"} %" PRIu64 "\n",
                          info->name, ending_of(info->kind), i,
                          s->loops[i].value[m]);
    }
    write_number(b, "uptime_seconds", "since the broker started", PL_GAUGE,
                 s->run.uptime_ms / 1000u);
    write_number(b, "memory_bytes", "resident memory", PL_GAUGE,
                 s->memory_bytes);
    write_number(b, "phase", "0 running, 1 to 6 stopping, 7 stopped", PL_GAUGE,
                 s->run.phase);
    write_number(b, "loops_stuck", "loops that do not turn (limits.loop_lag)",
                 PL_GAUGE, s->stuck);
    write_number(b, "log_lines_dropped",
                 "log lines for which there was no space, or that could not be "
                 "written (of the process)",
                 PL_COUNTER, s->log.dropped);
    write_number(b, "log_lines_suppressed",
                 "log lines over the rate of their kind (of the process)",
                 PL_COUNTER, s->log.suppressed);
}
