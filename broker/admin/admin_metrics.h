/* SPDX-License-Identifier: Apache-2.0 */
/* admin_metrics.h - the metrics of the admin server.  metrics.h joins the lists
 * of all modules. */
#ifndef PL_ADMIN_METRICS_H
#define PL_ADMIN_METRICS_H

/* X(symbol, kind, name, help) */
#define PL_ADMIN_METRICS(X)                                                    \
    X(API_KEYS_REJECTED, PL_COUNTER, "api_keys_rejected",                      \
      "requests to the admin address answered 401: no key, or a wrong one")

#endif
