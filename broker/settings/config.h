/* SPDX-License-Identifier: Apache-2.0 */
/* config.h - all settings of the broker as plain data, checked and complete.
 *
 * docs/configuration.md explains each key; config_keys.c lists them. */
#ifndef PL_CONFIG_H
#define PL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config_read.h"
#include "ip.h"
#include "log.h"

enum { PL_CONFIG_LOOPS_MAX = 64 }; /* most worker loops */

/* The users that may do something: a key `channels.allow_*` or
 * `actors.allow_send`. */
enum pl_config_allow {
    PL_ALLOW_NONE,
    PL_ALLOW_AUTHENTICATED, /* a token or a handler authenticated the user */
    PL_ALLOW_ALL
};

enum pl_config_data { PL_DATA_JSON, PL_DATA_BINARY };

/* What happens to a client that reads more slowly than its channels publish. */
enum pl_config_slow {
    PL_SLOW_CLOSE,
    PL_SLOW_DROP_OLDEST,
    PL_SLOW_LATEST /* keep the newest publication of each channel */
};

/* The header in which an HTTP proxy names its client. */
enum pl_config_header { PL_HEADER_X_FORWARDED_FOR, PL_HEADER_FORWARDED };

/* Owned by the caller of pl_config_load(); constant, so any thread may read it.
 * Strings are never NULL unless noted.  Durations end in _ms. */
struct pl_config {
    /* At least one address in total. */
    struct pl_config_endpoints listen, listen_tls;
    uint32_t loops; /* 0: one per core */
    struct {
        struct pl_config_endpoint listen; /* .text is NULL: off */
        char *socket;                     /* path; NULL: off */
    } admin;
    struct {
        /* Equally many of both; at least one each with listen_tls. */
        struct pl_config_strings certificate, key; /* paths */
        char *client_ca;                           /* path; NULL: none */
        uint64_t ticket_rotation_ms;
    } tls;
    struct {
        char *path; /* begins with '/' */
        bool echo;
        bool deflate;
        uint64_t max_message; /* bytes */
        struct pl_config_strings allowed_origins;
        struct pl_config_strings allowed_hosts; /* empty: any */
    } websocket;
    struct {
        uint32_t connections;             /* 0: as many as descriptors allow */
        uint64_t outgoing_queue;          /* bytes per connection */
        uint32_t channels;                /* kept at once in the whole broker */
        uint32_t connection_channels;     /* subscriptions per connection */
        uint32_t new_channels_per_minute; /* per client; 0: no limit */
        uint32_t user_connections;        /* 0: no limit */
        uint32_t commands_per_second;     /* per connection; 0: no limit */
        uint32_t commands_burst;          /* at once; 0: as many as per
                                             second */
        uint32_t address_connections;     /* 0: no limit */
        uint32_t admin_connections;       /* to the admin address and socket */
        uint64_t loop_lag_ms;             /* 0: off */
        struct pl_config_memory memory;
        struct pl_config_memory history;        /* of all channels */
        struct pl_config_memory client_history; /* of a user's channels */
    } limits;
    struct {
        struct pl_config_networks trusted;
        bool protocol; /* trusted proxies send a PROXY header first */
        enum pl_config_header header;
    } proxy;
    struct {
        uint64_t timeout_ms; /* never 0 */
    } connect;
    struct {
        uint64_t interval_ms; /* 0: no pings */
        uint64_t timeout_ms;  /* never 0; less than the interval, if that is not
                                 0 */
    } ping;
    struct {
        char *hmac_secret; /* secret; NULL: no tokens */
        bool anonymous;
    } auth;
    struct {
        char *key; /* secret; NULL: the HTTP API is off */
    } api;
    struct {
        enum pl_config_allow allow_subscribe, allow_publish, allow_presence,
            allow_history;
        enum pl_config_data data;
        enum pl_config_slow slow;
        uint64_t meta_ttl_ms;
        uint32_t history_size;   /* 0: no history */
        uint64_t history_bytes;  /* per channel; 0: no limit */
        uint64_t history_ttl_ms; /* 0: no history */
        bool presence;
        bool join_leave;
    } channels;
    struct {
        enum pl_config_allow allow_send; /* to user/ and conn/ addresses */
    } actors;
    struct {
        uint64_t grace_ms, disconnect_ms, cancel_ms, reset_ms;
    } shutdown;
    struct {
        enum pl_log_level level;
    } log;
    struct {
        uint64_t slow_ms;    /* a handler that blocks this long is logged */
        uint64_t timeout_ms; /* for a result; never 0 */
    } handlers;
    bool insecure; /* --insecure was given */
};

/* All keys; those of one section are together. */
extern const struct pl_config_schema pl_config_schema;

/* Read, convert and check everything.  `report` gets a line per finding,
 * "parley.yaml:12: websocket.max_mesage: unknown key" or "--set loops: ...":
 * errors if the call fails, warnings if it returns PL_OK.  It never contains
 * secrets.
 * Owner:  the caller destroys *out.
 * Thread: any; reads the file and the environment.
 * Errors: PL_EINVAL (see the report), PL_EIO (the file; also in the report),
 *         PL_ENOMEM. */
enum pl_err pl_config_load(struct pl_config **out,
                           const struct pl_config_source *src,
                           struct pl_buf *report);

/* The defaults, without the check that clients can authenticate: for tests and
 * tools.  Errors: PL_ENOMEM. */
enum pl_err pl_config_create_default(struct pl_config **out);

/* Check what no single value shows, as a pl_config_check. */
void pl_config_check_all(struct pl_config_loading *l,
                         const struct pl_config_source *src);

/* Wipe the secrets and free everything.  NULL and incomplete configurations are
 * allowed. */
void pl_config_destroy(struct pl_config *c);

/* Bytes of recovered publications that may wait for a connection in addition to
 * limits.outgoing_queue: a client closed for a full queue has missed more than
 * that. */
static inline uint32_t pl_config_recover_bytes(const struct pl_config *c)
{
    uint64_t bytes = 2 * c->limits.outgoing_queue;

    return bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
}

#endif
