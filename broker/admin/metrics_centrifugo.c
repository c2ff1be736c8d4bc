/* SPDX-License-Identifier: Apache-2.0 */
/* metrics_centrifugo.c - the numbers of dashboards made for Centrifugo, under
 * its names (metrics.compatible).
 *
 * Only what parley counts anyway is here, summed over the loops, with those
 * labels that have one value.  Names of counters lack the suffix _total, as in
 * Centrifugo. */
#include <inttypes.h>

#include "metrics_text.h"

static const struct {
    const char *name, *labels;
    enum pl_metric_kind kind;
    enum pl_metric metric;
} rows[] = {
    {"node_num_clients", "", PL_GAUGE, PL_METRIC_CLIENTS},
    {"node_num_users", "", PL_GAUGE, PL_METRIC_USERS},
    {"node_num_subscriptions", "", PL_GAUGE, PL_METRIC_SUBSCRIPTIONS},
    {"node_num_channels", "", PL_GAUGE, PL_METRIC_CHANNELS},
    {"node_messages_sent_count", "{type=\"publication\"}", PL_COUNTER,
     PL_METRIC_PUBLICATIONS},
    {"client_connections_accepted", "{transport=\"websocket\"}", PL_COUNTER,
     PL_METRIC_AUTH_PASSED},
    {"client_connections_inflight", "{transport=\"websocket\"}", PL_GAUGE,
     PL_METRIC_CLIENTS},
    {"client_subscriptions_inflight", "", PL_GAUGE, PL_METRIC_SUBSCRIPTIONS},
    {"client_num_reply_errors", "", PL_COUNTER, PL_METRIC_ERRORS},
    {"transport_messages_sent", "{transport=\"websocket\"}", PL_COUNTER,
     PL_METRIC_MESSAGES_OUT},
    {"transport_messages_sent_size", "{transport=\"websocket\"}", PL_COUNTER,
     PL_METRIC_BYTES_OUT},
    {"transport_messages_received", "{transport=\"websocket\"}", PL_COUNTER,
     PL_METRIC_MESSAGES_IN},
    {"transport_messages_received_size", "{transport=\"websocket\"}",
     PL_COUNTER, PL_METRIC_BYTES_IN},
};

static void write_row(struct pl_buf *b, const char *name, const char *labels,
                      enum pl_metric_kind kind, uint64_t value)
{
    pl_buf_printf(b, "# TYPE centrifugo_%s %s\ncentrifugo_%s%s %" PRIu64 "\n",
                  name, kind == PL_COUNTER ? "counter" : "gauge", name, labels,
                  value);
}

void pl_metrics_write_compatible(struct pl_buf *b, const struct pl_status *s)
{
    pl_metrics_write_text(b, s);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        write_row(b, rows[i].name, rows[i].labels, rows[i].kind,
                  s->total[rows[i].metric]);
    write_row(b, "node_num_nodes", "", PL_GAUGE, 1);
    pl_buf_printf(b,
                  "# TYPE centrifugo_node_build gauge\n"
                  "centrifugo_node_build{version=\"%s\"} 1\n",
                  s->version);
}
