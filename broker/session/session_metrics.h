/* SPDX-License-Identifier: Apache-2.0 */
/* session_metrics.h - the metrics of connections and their commands. metrics.h
 * joins the lists of all modules. */
#ifndef PL_SESSION_METRICS_H
#define PL_SESSION_METRICS_H

/* X(symbol, kind, name, help) */
#define PL_SESSION_METRICS(X)                                                  \
    X(HANDSHAKES, PL_COUNTER, "handshakes", "WebSocket handshakes done")       \
    X(HANDSHAKES_REFUSED, PL_COUNTER, "handshakes_refused",                    \
      "HTTP requests answered with an error")                                  \
    X(REFUSED_ORIGIN, PL_COUNTER, "refused_origin",                            \
      "requests answered 403: a page from elsewhere")                          \
    X(REFUSED_HOST, PL_COUNTER, "refused_host",                                \
      "requests answered 421: a Host that is not served")                      \
    X(CLIENTS, PL_GAUGE, "clients", "connections that are logged in")          \
    X(AUTH_ATTEMPTS, PL_COUNTER, "auth_attempts", "connect commands judged")   \
    X(AUTH_PASSED, PL_COUNTER, "auth_passed", "connect commands admitted")     \
    X(AUTH_FAILED, PL_COUNTER, "auth_failed", "connect commands rejected")     \
    X(LOGINS_INCOMPLETE, PL_COUNTER, "logins_incomplete",                      \
      "logins without a channel of the token or the inbox: limits.channels")   \
    X(TOKENS_REJECTED, PL_COUNTER, "tokens_rejected",                          \
      "connect commands rejected for their token")                             \
    X(REFUSED_DENIED, PL_COUNTER, "refused_denied",                            \
      "tokens and users refused: revoked, or blocked")                         \
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
      "commands that wait for a verdict, or after one that does")              \
    X(ERRORS, PL_COUNTER, "errors", "errors sent to clients")                  \
    X(MESSAGES_IN, PL_COUNTER, "messages_in", "messages from clients")         \
    X(MESSAGES_OUT, PL_COUNTER, "messages_out", "frames sent to the kernel")   \
    X(BYTES_IN, PL_COUNTER, "bytes_in", "bytes read")                          \
    X(CUSTOM, PL_COUNTER, "messages_custom", "custom messages handled")        \
    X(CUSTOM_UNKNOWN, PL_COUNTER, "messages_custom_unknown",                   \
      "custom messages of a type without a handler")                           \
    X(QUEUE_BYTES, PL_GAUGE, "out_queue_bytes", "bytes waiting to be sent")    \
    X(CLOSED_SLOW, PL_COUNTER, "closed_slow", "connections closed as slow")    \
    X(UNSUBSCRIBED_SLOW, PL_COUNTER, "unsubscribed_slow",                      \
      "subscriptions ended with 2500 because the reader was slow")             \
    X(SUBS_EXPIRED, PL_COUNTER, "subscriptions_expired",                       \
      "subscriptions ended with 2501 because no refresh came")                 \
    X(CLOSED_NO_PONG, PL_COUNTER, "closed_no_pong",                            \
      "connections closed because no pong came")                               \
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
      "times that limits.commands_per_second paused reading")                  \
    X(INPUT_CARRIED, PL_COUNTER, "input_carried",                              \
      "times that input waited for the next turn of its loop")                 \
    X(REFUSED_STOPPING, PL_COUNTER, "refused_stopping",                        \
      "commands refused because the broker stops")                             \
    X(REFUSED_LAG, PL_COUNTER, "refused_lag",                                  \
      "handshakes answered 503 because the loop lags (limits.loop_lag)")       \
    X(REFUSED_MEMORY, PL_COUNTER, "refused_memory",                            \
      "connections and commands refused for limits.memory")                    \
    X(SHED, PL_COUNTER, "closed_shed",                                         \
      "connections closed as the slowest for limits.memory (3008)")            \
    X(REFUSED_BUSY, PL_COUNTER, "refused_busy", "commands answered with 111")  \
    X(HANDLERS, PL_GAUGE, "handlers", "registered custom handlers")            \
    X(HANDLER_SLOW, PL_COUNTER, "handlers_slow",                               \
      "calls of handlers that took too long")                                  \
    X(HANDLER_TIMEOUT, PL_COUNTER, "handlers_timed_out",                       \
      "calls that no handler answered in handlers.timeout: error 408")         \
    X(HANDLER_LATE, PL_COUNTER, "handlers_late",                               \
      "answers of handlers without a waiting call: too late, or twice")

#endif
