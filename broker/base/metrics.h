/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.h - the counters and gauges of a loop, with names and help texts.
 *
 * One struct per loop, written only by its thread.  Others read the snapshot
 * that the loop publishes at the end of a turn. */
#ifndef PL_METRICS_H
#define PL_METRICS_H

#include <stdbool.h>
#include <stdint.h>

enum pl_metric_kind { PL_COUNTER, PL_GAUGE };

/* X(symbol, kind, name, help) */
#define PL_METRIC_MAP(X)                                                       \
    X(CONNECTIONS, PL_GAUGE, "connections", "open connections")                \
    X(ACCEPTED, PL_COUNTER, "connections_accepted", "connections accepted")    \
    X(ACCEPT_FAILED, PL_COUNTER, "accept_failed", "accepts that failed")       \
    X(HANDSHAKES, PL_COUNTER, "handshakes", "WebSocket handshakes done")       \
    X(HANDSHAKES_REFUSED, PL_COUNTER, "handshakes_refused",                    \
      "HTTP requests answered with an error")                                  \
    X(REFUSED_ORIGIN, PL_COUNTER, "refused_origin",                            \
      "requests answered 403: a page from elsewhere")                          \
    X(REFUSED_HOST, PL_COUNTER, "refused_host",                                \
      "requests answered 421: a Host that is not served")                      \
    X(ADDRESSES, PL_GAUGE, "addresses",                                        \
      "addresses whose connections are counted")                               \
    X(ADDRESS_CONNECTIONS, PL_GAUGE, "address_connections",                    \
      "connections that are counted for their address")                        \
    X(REFUSED_ADDRESS, PL_COUNTER, "refused_address",                          \
      "connections over the limit of their address")                           \
    X(CUT_ADDRESS, PL_COUNTER, "cut_address",                                  \
      "connections over twice that limit, closed without an answer")           \
    X(PROXY_FAILED, PL_COUNTER, "proxy_failed",                                \
      "PROXY headers that were refused")                                       \
    X(ADMIN_CONNECTIONS, PL_GAUGE, "admin_connections",                        \
      "connections to the admin address and socket")                           \
    X(ADMIN_REFUSED, PL_COUNTER, "admin_refused",                              \
      "of those, closed for others (limits.admin_connections)")                \
    X(ADMIN_TIMED_OUT, PL_COUNTER, "admin_timed_out",                          \
      "of those, ended because a request or its reader was too slow")          \
    X(TLS_HANDSHAKES, PL_COUNTER, "tls_handshakes", "TLS handshakes done")     \
    X(TLS_RESUMED, PL_COUNTER, "tls_resumed", "TLS handshakes by a ticket")    \
    X(TLS_FAILED, PL_COUNTER, "tls_failed", "TLS handshakes that failed")      \
    X(TLS_KEY_FLOODS, PL_COUNTER, "tls_key_floods",                            \
      "connections ended for too many TLS key updates")                        \
    X(CLIENTS, PL_GAUGE, "clients", "connections that are logged in")          \
    X(SUBSCRIPTIONS, PL_GAUGE, "subscriptions", "subscriptions")               \
    X(HUB_CHANNELS, PL_GAUGE, "hub_channels",                                  \
      "channels with subscribers on this loop")                                \
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
    X(AUTH_ATTEMPTS, PL_COUNTER, "auth_attempts", "connect commands judged")   \
    X(AUTH_PASSED, PL_COUNTER, "auth_passed", "connect commands let in")       \
    X(AUTH_FAILED, PL_COUNTER, "auth_failed", "connect commands rejected")     \
    X(LOGINS_INCOMPLETE, PL_COUNTER, "logins_incomplete",                      \
      "logins without a channel of the token or the inbox: limits.channels")   \
    X(TOKENS_REJECTED, PL_COUNTER, "tokens_rejected",                          \
      "connect commands rejected for their token")                             \
    X(API_KEYS_REJECTED, PL_COUNTER, "api_keys_rejected",                      \
      "requests to the admin address answered 401: no key, or a wrong one")    \
    X(COMMANDS, PL_COUNTER, "commands_received", "commands received")          \
    X(COMMANDS_ANSWERED, PL_COUNTER, "commands_answered",                      \
      "commands answered with a reply")                                        \
    X(COMMANDS_REFUSED, PL_COUNTER, "commands_refused",                        \
      "commands answered with an error or a close")                            \
    X(COMMANDS_SILENT, PL_COUNTER, "commands_silent",                          \
      "commands accepted that have no reply")                                  \
    X(COMMANDS_CANCELLED, PL_COUNTER, "commands_cancelled",                    \
      "commands not answered yet when their connection closed")                \
    X(COMMANDS_PENDING, PL_GAUGE, "commands_pending",                          \
      "commands not answered yet")                                             \
    X(COMMANDS_WAITING, PL_GAUGE, "commands_waiting",                          \
      "commands that wait for a verdict, or behind one that does")             \
    X(ERRORS, PL_COUNTER, "errors", "errors told to clients")                  \
    X(MESSAGES_IN, PL_COUNTER, "messages_in", "messages from clients")         \
    X(MESSAGES_OUT, PL_COUNTER, "messages_out", "frames given to the kernel")  \
    X(BYTES_IN, PL_COUNTER, "bytes_in", "bytes read")                          \
    X(BYTES_OUT, PL_COUNTER, "bytes_out", "bytes written")                     \
    X(WRITES, PL_COUNTER, "writes", "system calls that wrote")                 \
    X(READS, PL_COUNTER, "reads", "system calls that read")                    \
    X(CUSTOM, PL_COUNTER, "messages_custom", "custom messages handled")        \
    X(CUSTOM_UNKNOWN, PL_COUNTER, "messages_custom_unknown",                   \
      "custom messages of a type that nobody handles")                         \
    X(PUBLICATIONS, PL_COUNTER, "publications", "publications accepted")       \
    X(FRAMES_OWED, PL_COUNTER, "deliveries_owed",                              \
      "publications, joins and leaves owed to subscribers")                    \
    X(FRAMES_GIVEN, PL_COUNTER, "deliveries_given",                            \
      "deliveries given to the kernel")                                        \
    X(FRAMES_DROPPED_SLOW, PL_COUNTER, "deliveries_dropped_slow",              \
      "deliveries dropped because the reader was slow")                        \
    X(FRAMES_DROPPED_MEMORY, PL_COUNTER, "deliveries_dropped_memory",          \
      "deliveries dropped for want of memory")                                 \
    X(FRAMES_DROPPED_OLDEST, PL_COUNTER, "deliveries_dropped_oldest",          \
      "deliveries dropped for newer ones (channels.slow)")                     \
    X(FRAMES_DROPPED_REPLACED, PL_COUNTER, "deliveries_dropped_replaced",      \
      "deliveries replaced by newer ones of their channel (channels.slow)")    \
    X(FRAMES_DROPPED_RECOVER, PL_COUNTER, "deliveries_dropped_recover",        \
      "deliveries left to the recovery of a subscription that fell behind")    \
    X(FRAMES_DROPPED_DUPLICATE, PL_COUNTER, "deliveries_dropped_duplicate",    \
      "deliveries dropped because the bus brought their publication again")    \
    X(EVENTS_LOST, PL_COUNTER, "events_lost",                                  \
      "events of channels that a loop, or the bus, was not told of")           \
    X(FRAMES_CANCELLED, PL_COUNTER, "deliveries_cancelled",                    \
      "deliveries cancelled by a closing connection")                          \
    X(FRAMES_QUEUED, PL_GAUGE, "deliveries_queued", "deliveries waiting")      \
    X(QUEUE_BYTES, PL_GAUGE, "out_queue_bytes", "bytes waiting to be sent")    \
    X(CLOSED_SLOW, PL_COUNTER, "closed_slow", "connections closed as slow")    \
    X(UNSUBSCRIBED_SLOW, PL_COUNTER, "unsubscribed_slow",                      \
      "subscriptions ended with 2500 because the reader was slow")             \
    X(CLOSED_NO_PONG, PL_COUNTER, "closed_no_pong",                            \
      "connections closed for want of a pong")                                 \
    X(CLOSED_STALE, PL_COUNTER, "closed_stale",                                \
      "connections closed that never logged in")                               \
    X(CLOSED_PROTOCOL, PL_COUNTER, "closed_protocol",                          \
      "connections closed that broke a protocol")                              \
    X(CLOSED_PEER, PL_COUNTER, "closed_peer", "connections the peer ended")    \
    X(CLOSED_SERVER, PL_COUNTER, "closed_server",                              \
      "connections closed for another reason")                                 \
    X(READS_PAUSED, PL_COUNTER, "reads_paused",                                \
      "times that reading paused as backpressure")                             \
    X(READS_PAUSED_RATE, PL_COUNTER, "reads_paused_rate",                      \
      "times that limits.commands_per_second held a client back")              \
    X(INPUT_CARRIED, PL_COUNTER, "input_carried",                              \
      "times that input waited for the next turn of its loop")                 \
    X(REFUSED_STOPPING, PL_COUNTER, "refused_stopping",                        \
      "commands refused because the broker stops")                             \
    X(REFUSED_USER, PL_COUNTER, "refused_user",                                \
      "connections closed with 3504: their user has too many")                 \
    X(REFUSED_LAG, PL_COUNTER, "refused_lag",                                  \
      "handshakes answered 503 because the loop lags (limits.loop_lag)")       \
    X(REFUSED_MEMORY, PL_COUNTER, "refused_memory",                            \
      "connections and commands refused for limits.memory")                    \
    X(SHED, PL_COUNTER, "closed_shed",                                         \
      "connections closed as the slowest for limits.memory (3008)")            \
    X(MEMORY_USED, PL_GAUGE, "memory_used_bytes",                              \
      "resident memory, when limits.memory looked last")                       \
    X(MEMORY_LIMIT, PL_GAUGE, "memory_limit_bytes", "limits.memory")           \
    X(MEMORY_STATE, PL_GAUGE, "memory_state",                                  \
      "0: enough, 1: new work is refused, 2: slow clients are closed")         \
    X(REFUSED_BUSY, PL_COUNTER, "refused_busy", "commands answered with 111")  \
    X(REFUSED_NEW_CHANNELS, PL_COUNTER, "refused_new_channels",                \
      "commands answered 111: limits.new_channels_per_minute")                 \
    X(REFUSED_STORE_REQUESTS, PL_COUNTER, "refused_store_requests",            \
      "requests about channels refused because too many wait for stores")      \
    X(USERS, PL_GAUGE, "users", "users with a connection")                     \
    X(USERS_SINGLE, PL_GAUGE, "users_single", "users with one connection")     \
    X(USERS_SEVERAL, PL_GAUGE, "users_several",                                \
      "users with several connections")                                        \
    X(HANDLERS, PL_GAUGE, "handlers", "registered custom handlers")            \
    X(LISTENERS, PL_GAUGE, "listeners", "listening sockets")                   \
    X(HANDLER_SLOW, PL_COUNTER, "handlers_slow",                               \
      "calls of handlers that took too long")                                  \
    X(HANDLER_TIMEOUT, PL_COUNTER, "handlers_timed_out",                       \
      "calls that no handler answered in handlers.timeout: error 408")         \
    X(HANDLER_LATE, PL_COUNTER, "handlers_late",                               \
      "answers of handlers to nobody: too late, or twice")                     \
    X(LOOP_TURNS, PL_COUNTER, "loop_turns", "turns of the loop")               \
    X(LOOP_LAG_NS, PL_GAUGE, "loop_lag_ns", "length of the newest turn")       \
    X(LOOP_LAG_RECENT_NS, PL_GAUGE, "loop_lag_recent_ns",                      \
      "length of turns lately, a mean over a second")                          \
    X(LOOP_LAG_MAX_NS, PL_GAUGE, "loop_lag_max_ns", "longest turn")            \
    X(LOOP_WAKES, PL_COUNTER, "loop_wakes", "writes that woke another loop")   \
    X(ACTORS, PL_GAUGE, "actors", "actors")                                    \
    X(TIMERS, PL_GAUGE, "timers", "running timers")                            \
    X(MAIL_ENQUEUED, PL_COUNTER, "mail_enqueued", "mail for actors")           \
    X(MAIL_HANDLED, PL_COUNTER, "mail_handled", "mail handled")                \
    X(MAIL_QUEUED, PL_GAUGE, "mail_queued", "mail waiting")                    \
    X(MAIL_DEEPEST, PL_GAUGE, "mail_deepest", "the deepest mailbox seen")      \
    X(MAIL_WAIT_NS, PL_GAUGE, "mail_wait_ns", "time in mailbox, sampled")      \
    X(DEAD_STALE, PL_COUNTER, "dead_letters_stale", "mail for nobody")         \
    X(DEAD_FULL, PL_COUNTER, "dead_letters_full", "mail refused: full")        \
    X(DEAD_OLDEST, PL_COUNTER, "dead_letters_oldest",                          \
      "mail dropped for newer mail")                                           \
    X(DEAD_REPLACED, PL_COUNTER, "dead_letters_replaced",                      \
      "mail replaced by newer mail")                                           \
    X(DEAD_CLOSING, PL_COUNTER, "dead_letters_closing",                        \
      "mail of actors that exited")                                            \
    X(DEAD_REFUSED, PL_COUNTER, "dead_letters_refused",                        \
      "mail of a type that its receiver does not know")                        \
    X(DEAD_UNREACHABLE, PL_COUNTER, "dead_letters_unreachable",                \
      "mail for a loop or node that is not there")                             \
    X(POSTS_SENT, PL_COUNTER, "posts_sent", "posts to other loops")            \
    X(POSTS_TAKEN, PL_COUNTER, "posts_taken", "posts taken")                   \
    X(POSTS_FOREIGN, PL_COUNTER, "posts_foreign",                              \
      "posts taken from threads without a loop")

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

/* The sum of dropped deliveries over all reasons. */
uint64_t pl_metrics_dropped(const uint64_t value[PL_METRIC_COUNT]);

/* Subtract from a gauge; asserts that it does not fall below zero. */
void pl_gauge_drop(struct pl_metrics *m, enum pl_metric what, uint64_t by);

#endif
