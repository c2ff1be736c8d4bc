/* SPDX-License-Identifier: Apache-2.0 */
/* channels_metrics.h - the metrics of channels and what they keep.  metrics.h
 * joins the lists of all modules. */
#ifndef PL_CHANNELS_METRICS_H
#define PL_CHANNELS_METRICS_H

/* X(symbol, kind, name, help) */
#define PL_CHANNELS_METRICS(X)                                                 \
    X(CHANNELS, PL_GAUGE, "channels", "channels with subscribers, by owner")   \
    X(STORE_REQUESTS, PL_GAUGE, "store_requests",                              \
      "requests about channels that wait for stores")                          \
    X(STORE_REQUEST_BYTES, PL_GAUGE, "store_request_bytes",                    \
      "what their publications and parts of answers take")                     \
    X(LEAVING, PL_GAUGE, "leaving",                                            \
      "clients that presence is still to forget")                              \
    X(STREAMS, PL_GAUGE, "streams", "channels whose position is kept")         \
    X(STREAMS_EVICTED, PL_COUNTER, "streams_evicted",                          \
      "channels forgotten for new ones at limits.channels")                    \
    X(HISTORY_BYTES, PL_GAUGE, "history_bytes",                                \
      "what the histories of channels take")                                   \
    X(HISTORY_SHED_CHANNEL, PL_COUNTER, "history_shed_channel",                \
      "publications shed for channels.history_bytes")                          \
    X(HISTORY_SHED_CHANNEL_BYTES, PL_COUNTER, "history_shed_channel_bytes",    \
      "the same in bytes")                                                     \
    X(HISTORY_SHED_CLIENT, PL_COUNTER, "history_shed_client",                  \
      "publications shed for limits.client_history")                           \
    X(HISTORY_SHED_CLIENT_BYTES, PL_COUNTER, "history_shed_client_bytes",      \
      "the same in bytes")                                                     \
    X(HISTORY_SHED_HISTORY, PL_COUNTER, "history_shed_limit",                  \
      "publications shed for limits.history")                                  \
    X(HISTORY_SHED_HISTORY_BYTES, PL_COUNTER, "history_shed_limit_bytes",      \
      "the same in bytes")                                                     \
    X(HISTORY_SHED_CHANNELS, PL_COUNTER, "history_shed_channels",              \
      "publications shed for limits.channels")                                 \
    X(HISTORY_SHED_CHANNELS_BYTES, PL_COUNTER, "history_shed_channels_bytes",  \
      "the same in bytes")                                                     \
    X(HISTORY_SHED_MEMORY, PL_COUNTER, "history_shed_memory",                  \
      "publications shed for limits.memory")                                   \
    X(HISTORY_SHED_MEMORY_BYTES, PL_COUNTER, "history_shed_memory_bytes",      \
      "the same in bytes")                                                     \
    X(PUBLICATIONS, PL_COUNTER, "publications", "publications accepted")       \
    X(PUBLICATIONS_REPEATED, PL_COUNTER, "publications_repeated",              \
      "publications that a bus brought again")                                 \
    X(PUBLICATIONS_KNOWN, PL_COUNTER, "publications_known",                    \
      "publications sent again with their idempotency key, published once")    \
    X(PUBLICATIONS_STALE, PL_COUNTER, "publications_stale",                    \
      "publications whose version was not newer, which were left out")         \
    X(PUBLICATION_IDS, PL_GAUGE, "publication_ids",                            \
      "idempotency keys that are remembered")                                  \
    X(PUBLICATION_IDS_EVICTED, PL_COUNTER, "publication_ids_evicted",          \
      "idempotency keys forgotten early for new ones")                         \
    X(EVENTS_LOST, PL_COUNTER, "events_lost",                                  \
      "events of channels that did not reach a loop, or the bus")              \
    X(REFUSED_NEW_CHANNELS, PL_COUNTER, "refused_new_channels",                \
      "commands answered 111: limits.new_channels_per_minute")                 \
    X(REFUSED_PUBLISH_RATE, PL_COUNTER, "refused_publish_rate",                \
      "publications answered 111: publish_rate of their channel")              \
    X(REFUSED_STORE_REQUESTS, PL_COUNTER, "refused_store_requests",            \
      "requests about channels refused because too many wait for stores")

#endif
