/* SPDX-License-Identifier: Apache-2.0 */
/* code.h - the numbers of the client protocol with their texts: errors in
 * replies, codes of unsubscribe pushes and of Close frames. */
#ifndef PL_CODE_H
#define PL_CODE_H

#include <stdbool.h>
#include <stdint.h>

/* Errors in replies.  Those marked true are temporary: SDKs retry. */
#define PL_CODE_ERROR_MAP(X)                                                   \
    X(PL_ERROR_INTERNAL, 100, "internal server error", true)                   \
    X(PL_ERROR_UNAUTHORIZED, 101, "unauthorized", false)                       \
    X(PL_ERROR_UNKNOWN_CHANNEL, 102, "unknown channel", false)                 \
    X(PL_ERROR_PERMISSION_DENIED, 103, "permission denied", false)             \
    X(PL_ERROR_METHOD_NOT_FOUND, 104, "method not found", false)               \
    X(PL_ERROR_ALREADY_SUBSCRIBED, 105, "already subscribed", false)           \
    X(PL_ERROR_LIMIT_EXCEEDED, 106, "limit exceeded", false)                   \
    X(PL_ERROR_BAD_REQUEST, 107, "bad request", false)                         \
    X(PL_ERROR_NOT_AVAILABLE, 108, "not available", false)                     \
    X(PL_ERROR_TOKEN_EXPIRED, 109, "token expired", false)                     \
    X(PL_ERROR_EXPIRED, 110, "expired", false)                                 \
    X(PL_ERROR_TOO_MANY_REQUESTS, 111, "too many requests", true)              \
    X(PL_ERROR_UNRECOVERABLE, 112, "unrecoverable position", false)            \
    X(PL_ERROR_NOT_FOUND, 404, "nobody has this address", false)               \
    X(PL_ERROR_TIMED_OUT, 408, "timed out", false)                             \
    X(PL_ERROR_GONE, 409, "the other side went away", false)                   \
    X(PL_ERROR_STOPPING, 503, "stopping or full", true)

/* Close codes.  SDKs reconnect after 3000 to 3499, not after 3500 to 3999. */
#define PL_CODE_DISCONNECT_MAP(X)                                              \
    X(PL_DISCONNECT_CLOSED, 3000, "connection closed")                         \
    X(PL_DISCONNECT_SHUTDOWN, 3001, "shutdown")                                \
    X(PL_DISCONNECT_SERVER_ERROR, 3004, "internal server error")               \
    X(PL_DISCONNECT_EXPIRED, 3005, "connection expired")                       \
    X(PL_DISCONNECT_SUB_EXPIRED, 3006, "subscription expired")                 \
    X(PL_DISCONNECT_SLOW, 3008, "slow")                                        \
    X(PL_DISCONNECT_WRITE_ERROR, 3009, "write error")                          \
    X(PL_DISCONNECT_INSUFFICIENT_STATE, 3010, "insufficient state")            \
    X(PL_DISCONNECT_FORCE_RECONNECT, 3011, "force reconnect")                  \
    X(PL_DISCONNECT_NO_PONG, 3012, "no pong")                                  \
    X(PL_DISCONNECT_TOO_MANY_REQUESTS, 3013, "too many requests")              \
    X(PL_DISCONNECT_INVALID_TOKEN, 3500, "invalid token")                      \
    X(PL_DISCONNECT_BAD_REQUEST, 3501, "bad request")                          \
    X(PL_DISCONNECT_STALE, 3502, "stale")                                      \
    X(PL_DISCONNECT_FORCED, 3503, "force disconnect")                          \
    X(PL_DISCONNECT_CONNECTION_LIMIT, 3504, "connection limit")                \
    X(PL_DISCONNECT_CHANNEL_LIMIT, 3505, "channel limit")                      \
    X(PL_DISCONNECT_INAPPROPRIATE, 3506, "inappropriate protocol")             \
    X(PL_DISCONNECT_PERMISSION, 3507, "permission denied")                     \
    X(PL_DISCONNECT_NOT_AVAILABLE, 3508, "not available")                      \
    X(PL_DISCONNECT_TOO_MANY_ERRORS, 3509, "too many errors")

/* Codes of unsubscribe pushes.  SDKs subscribe again from 2500 on. */
#define PL_CODE_UNSUBSCRIBE_MAP(X)                                             \
    X(PL_UNSUBSCRIBE_SERVER, 2000, "server unsubscribe")                       \
    X(PL_UNSUBSCRIBE_INSUFFICIENT, 2500, "insufficient state")                 \
    X(PL_UNSUBSCRIBE_EXPIRED, 2501, "subscription expired")

enum pl_error_code {
#define X(name, value, text, temporary) name = value,
    PL_CODE_ERROR_MAP(X)
#undef X
};

enum pl_disconnect_code {
#define X(name, value, text) name = value,
    PL_CODE_DISCONNECT_MAP(X)
#undef X
};

enum pl_unsubscribe_code {
#define X(name, value, text) name = value,
    PL_CODE_UNSUBSCRIBE_MAP(X)
#undef X
};

/* The text of any of these codes; "unknown code" for other numbers. */
const char *pl_code_text(uint32_t code);

/* True if an error in a reply is temporary. */
bool pl_code_is_temporary(uint32_t code);

#endif
