/* SPDX-License-Identifier: Apache-2.0 */
/* metrics_text.c - see metrics_text.h.
 *
 * One line a loop: adding them up is the reader's part, and a loop that stands
 * out can be seen.  Everything in metrics.h is shown, so a new metric needs
 * nothing here. */
#include "metrics_text.h"

#include <inttypes.h>

static void write_head(struct pl_buf *b, const char *name, const char *help,
                       enum pl_metric_kind kind)
{
    pl_buf_printf(b, "# HELP parley_%s %s\n# TYPE parley_%s %s\n", name, help,
                  name, kind == PL_COUNTER ? "counter" : "gauge");
}

static void write_number(struct pl_buf *b, const char *name, const char *help,
                         uint64_t value)
{
    write_head(b, name, help, PL_GAUGE);
    pl_buf_printf(b, "parley_%s %" PRIu64 "\n", name, value);
}

void pl_metrics_write_text(struct pl_buf *b, const struct pl_status *s)
{
    for (int m = 0; m < PL_METRIC_COUNT; m++) {
        const struct pl_metric_info *info = pl_metric_info(m);

        write_head(b, info->name, info->help, info->kind);
        for (unsigned i = 0; i < s->loop_count; i++)
            pl_buf_printf(b, "parley_%s{loop=\"%u\"} %" PRIu64 "\n", info->name,
                          i, s->loops[i].value[m]);
    }
    write_number(b, "uptime_seconds", "since the broker started",
                 s->life.uptime_ms / 1000u);
    write_number(b, "memory_bytes", "resident memory", s->memory_bytes);
    write_number(b, "phase", "0 running, 1 to 6 stopping, 7 stopped",
                 s->life.phase);
}
