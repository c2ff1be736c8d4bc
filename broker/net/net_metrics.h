/* SPDX-License-Identifier: Apache-2.0 */
/* net_metrics.h - the metrics of sockets, addresses and TLS.  metrics.h joins
 * the lists of all modules. */
#ifndef PL_NET_METRICS_H
#define PL_NET_METRICS_H

/* X(symbol, kind, name, help) */
#define PL_NET_METRICS(X)                                                      \
    X(CONNECTIONS, PL_GAUGE, "connections", "open connections")                \
    X(ACCEPTED, PL_COUNTER, "connections_accepted", "connections accepted")    \
    X(ACCEPT_FAILED, PL_COUNTER, "accept_failed", "accepts that failed")       \
    X(ADDRESSES, PL_GAUGE, "addresses",                                        \
      "addresses whose connections are counted")                               \
    X(ADDRESS_CONNECTIONS, PL_GAUGE, "address_connections",                    \
      "connections that are counted for their address")                        \
    X(REFUSED_ADDRESS, PL_COUNTER, "refused_address",                          \
      "connections over the limit of their address")                           \
    X(CLOSED_ADDRESS, PL_COUNTER, "closed_address",                            \
      "connections over twice that limit, closed without a response")          \
    X(PROXY_FAILED, PL_COUNTER, "proxy_failed",                                \
      "PROXY headers that were refused")                                       \
    X(TLS_HANDSHAKES, PL_COUNTER, "tls_handshakes", "TLS handshakes done")     \
    X(TLS_RESUMED, PL_COUNTER, "tls_resumed", "TLS handshakes by a ticket")    \
    X(TLS_FAILED, PL_COUNTER, "tls_failed", "TLS handshakes that failed")      \
    X(TLS_KEY_FLOODS, PL_COUNTER, "tls_key_floods",                            \
      "connections ended for too many TLS key updates")                        \
    X(BYTES_OUT, PL_COUNTER, "bytes_out", "bytes written")                     \
    X(WRITES, PL_COUNTER, "writes", "system calls that wrote")                 \
    X(READS, PL_COUNTER, "reads", "system calls that read")                    \
    X(LISTENERS, PL_GAUGE, "listeners", "listening sockets")

#endif
