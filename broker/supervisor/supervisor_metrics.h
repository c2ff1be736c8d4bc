/* SPDX-License-Identifier: Apache-2.0 */
/* supervisor_metrics.h - the metrics of users and memory.  metrics.h joins the
 * lists of all modules. */
#ifndef PL_SUPERVISOR_METRICS_H
#define PL_SUPERVISOR_METRICS_H

/* X(symbol, kind, name, help) */
#define PL_SUPERVISOR_METRICS(X)                                               \
    X(REFUSED_USER, PL_COUNTER, "refused_user",                                \
      "connections closed with 3504: their user has too many")                 \
    X(CLOSED_OLDER, PL_COUNTER, "closed_older",                                \
      "connections closed with 3504 for a newer one of their user")            \
    X(DENIALS, PL_GAUGE, "denials", "revoked tokens and blocked users kept")   \
    X(DENIALS_BYTES, PL_GAUGE, "denials_bytes", "bytes of their texts")        \
    X(MEMORY_USED, PL_GAUGE, "memory_used_bytes",                              \
      "resident memory, when limits.memory looked last")                       \
    X(MEMORY_LIMIT, PL_GAUGE, "memory_limit_bytes", "limits.memory")           \
    X(MEMORY_STATE, PL_GAUGE, "memory_state",                                  \
      "0: enough, 1: new work is refused, 2: slow clients are closed")         \
    X(USERS, PL_GAUGE, "users", "users with a connection")                     \
    X(USERS_SINGLE, PL_GAUGE, "users_single", "users with one connection")     \
    X(USERS_SEVERAL, PL_GAUGE, "users_several",                                \
      "users with several connections")

#endif
