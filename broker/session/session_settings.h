/* SPDX-License-Identifier: Apache-2.0 */
/* session_settings.h - the configuration keys of connections and of what they
 * may send.
 *
 * docs/configuration.md explains each key.  The values are constant once they
 * are checked, so any thread may read them.  Strings are never NULL unless
 * noted; durations end in _ms. */
#ifndef PL_SESSION_SETTINGS_H
#define PL_SESSION_SETTINGS_H

#include "config_key.h"

struct pl_session_settings {
    struct {
        char *path; /* begins with '/' */
        bool echo;
        bool deflate;
        uint64_t max_message; /* bytes */
    } websocket;
    struct {
        uint64_t outgoing_queue;       /* bytes per connection */
        uint32_t connection_channels;  /* subscriptions per connection */
        uint32_t history_publications; /* in one reply; 0: any number */
        uint32_t commands_per_second;  /* per connection; 0: no limit */
        uint32_t commands_burst;       /* at once; 0: as many as per second */
        uint64_t loop_lag_ms;          /* 0: off */
    } limits;
    struct {
        uint64_t timeout_ms;              /* never 0 */
        struct pl_config_strings headers; /* of the request, for the judge */
    } connect;
    struct {
        uint64_t interval_ms; /* 0: no pings */
        uint64_t timeout_ms;  /* never 0; less than the interval, if that is not
                                 0 */
    } ping;
    struct {
        uint64_t slow_ms;    /* a handler that blocks this long is logged */
        uint64_t timeout_ms; /* for a result; never 0 */
    } handlers;
};

/* The allowance: bytes of recovered publications that may be queued beyond
 * limits.outgoing_queue.  A client that was closed for a full queue has missed
 * more than the limit. */
static inline uint32_t
pl_session_recover_bytes(const struct pl_session_settings *s)
{
    uint64_t bytes = 2 * s->limits.outgoing_queue;

    return bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
}

extern const struct pl_config_table pl_session_keys;

#endif
