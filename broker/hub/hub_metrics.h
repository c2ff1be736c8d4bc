/* SPDX-License-Identifier: Apache-2.0 */
/* hub_metrics.h - the metrics of subscriptions and deliveries.  metrics.h joins
 * the lists of all modules. */
#ifndef PL_HUB_METRICS_H
#define PL_HUB_METRICS_H

/* X(symbol, kind, name, help) */
#define PL_HUB_METRICS(X)                                                      \
    X(SUBSCRIPTIONS, PL_GAUGE, "subscriptions", "subscriptions")               \
    X(HUB_CHANNELS, PL_GAUGE, "hub_channels",                                  \
      "channels with subscribers on this loop")                                \
    X(FRAMES_OWED, PL_COUNTER, "deliveries_owed",                              \
      "publications, joins and leaves owed to subscribers")                    \
    X(FRAMES_SENT, PL_COUNTER, "deliveries_sent",                              \
      "deliveries sent to the kernel")                                         \
    X(FRAMES_DROPPED_SLOW, PL_COUNTER, "deliveries_dropped_slow",              \
      "deliveries dropped because the reader was slow")                        \
    X(FRAMES_DROPPED_MEMORY, PL_COUNTER, "deliveries_dropped_memory",          \
      "deliveries dropped because allocation failed")                          \
    X(FRAMES_DROPPED_OLDEST, PL_COUNTER, "deliveries_dropped_oldest",          \
      "deliveries dropped for newer ones (channels.slow)")                     \
    X(FRAMES_DROPPED_REPLACED, PL_COUNTER, "deliveries_dropped_replaced",      \
      "deliveries replaced by newer ones of their channel (channels.slow)")    \
    X(FRAMES_DROPPED_RECOVER, PL_COUNTER, "deliveries_dropped_recover",        \
      "deliveries left to the recovery of a subscription that was too slow")   \
    X(FRAMES_DROPPED_DUPLICATE, PL_COUNTER, "deliveries_dropped_duplicate",    \
      "deliveries dropped because the bus brought their publication again")    \
    X(FRAMES_CANCELLED, PL_COUNTER, "deliveries_cancelled",                    \
      "deliveries cancelled by a closing connection")                          \
    X(FRAMES_QUEUED, PL_GAUGE, "deliveries_queued", "deliveries waiting")

#endif
