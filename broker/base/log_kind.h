/* SPDX-License-Identifier: Apache-2.0 */
/* log_kind.h - the kinds of log lines that clients can cause, each with its own
 * rate. */
#ifndef PL_LOG_KIND_H
#define PL_LOG_KIND_H

#include <stdbool.h>
#include <stdint.h>

#include "cell.h"

enum {
    PL_LOG_BURST = 20,        /* lines of a kind at once, after a pause */
    PL_LOG_INTERVAL_MS = 500, /* after a burst: one line per interval */
    PL_LOG_TELL_MS = 5000     /* between reports of suppressed lines */
};

/* X(symbol, name): `name` is the value of the field `kind` in reports. */
#define PL_LOG_KIND_MAP(X)                                                     \
    X(ACCEPT, "accept")                                                        \
    X(ACCEPT_AGAIN, "accept_again")                                            \
    X(PROXY, "proxy")                                                          \
    X(TLS, "tls")                                                              \
    X(TLS_KEY_UPDATES, "tls_key_updates")                                      \
    X(HANDSHAKE, "handshake")                                                  \
    X(WEBSOCKET, "websocket")                                                  \
    X(TOO_BIG, "too_big")                                                      \
    X(MALFORMED, "malformed")                                                  \
    X(VIOLATION, "violation")                                                  \
    X(TOKEN, "token")                                                          \
    X(KEYS, "keys")                                                            \
    X(NAMESPACE, "namespace")                                                  \
    X(API_KEY, "api_key")                                                      \
    X(UNDELIVERED, "undelivered")                                              \
    X(HANDLER_SLOW, "handler_slow")                                            \
    X(HANDLER_TIMEOUT, "handler_timeout")                                      \
    X(HANDLER_ABSENT, "handler_absent")                                        \
    X(NO_MEMORY, "no_memory")                                                  \
    X(LAG, "lag")                                                              \
    X(STALL, "stall")                                                          \
    X(SHED, "shed")                                                            \
    X(CHANNELS, "channels")                                                    \
    X(HISTORY, "history")                                                      \
    X(NEW_CHANNELS, "new_channels")                                            \
    X(INCOMPLETE, "incomplete")                                                \
    X(LIBRARY, "library")

enum pl_log_kind {
#define X(symbol, name) PL_LOG_KIND_##symbol,
    PL_LOG_KIND_MAP(X)
#undef X
        PL_LOG_KIND_COUNT
};

const char *pl_log_kind_name(enum pl_log_kind kind);

/* The rate of one kind.  All zero: nothing was logged yet.  Thread: any. */
struct pl_log_rate {
    struct pl_cell full_ms; /* when a whole burst is allowed again */
    struct pl_cell suppressed;
    struct pl_cell level; /* the highest level of the suppressed lines */
};

/* Return true if a line may be logged at `now_ms`; otherwise count it. */
bool pl_log_rate_passes(struct pl_log_rate *r, uint64_t now_ms);

#endif
