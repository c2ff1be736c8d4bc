/* SPDX-License-Identifier: Apache-2.0 */
/* web_metrics.h - the metrics of the HTTP server.  metrics.h joins the lists of
 * all modules. */
#ifndef PL_WEB_METRICS_H
#define PL_WEB_METRICS_H

/* X(symbol, kind, name, help) */
#define PL_WEB_METRICS(X)                                                      \
    X(ADMIN_CONNECTIONS, PL_GAUGE, "admin_connections",                        \
      "connections to the admin address and socket")                           \
    X(ADMIN_REFUSED, PL_COUNTER, "admin_refused",                              \
      "of those, closed for others (limits.admin_connections)")                \
    X(ADMIN_TIMED_OUT, PL_COUNTER, "admin_timed_out",                          \
      "of those, ended because a request or its reader was too slow")

#endif
