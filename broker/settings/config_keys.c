/* SPDX-License-Identifier: Apache-2.0 */
/* config_keys.c - the table of all keys.
 *
 * One table drives the reading, the defaults, the conversion and the test of
 * the documentation.  A new key needs one entry here, one member in config.h
 * and one row in docs/configuration.md. */
#include "config.h"

#define AT(member) .offset = offsetof(struct pl_config, member)
#define ALLOW "none, authenticated or all"
#define MINUTE ((uint64_t)60 * 1000)
#define HOUR (60 * MINUTE)
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

/* Longer than a server runs without a restart; durations can be added without
 * overflow. */
#define LONGEST (HOUR * 24 * 366)

/* clang-format off */
static const struct pl_config_key keys[] = {
    {"listen", PL_KIND_ENDPOINTS, AT(listen), .fallback = "[127.0.0.1:8000]",
     .max = 64},
    {"listen_tls", PL_KIND_ENDPOINTS, AT(listen_tls), .fallback = "[]",
     .max = 64},
    {"loops", PL_KIND_NUMBER, AT(loops), .fallback = "0",
     .max = PL_CONFIG_LOOPS_MAX},

    {"tls.certificate", PL_KIND_STRINGS, AT(tls.certificate), .fallback = "[]",
     .max = 64, .reload = true},
    {"tls.key", PL_KIND_STRINGS, AT(tls.key), .fallback = "[]", .max = 64,
     .reload = true},
    {"tls.client_ca", PL_KIND_STRING, AT(tls.client_ca), .reload = true},
    {"tls.ticket_rotation", PL_KIND_DURATION, AT(tls.ticket_rotation_ms),
     .fallback = "1h", .min = MINUTE, .max = 84 * HOUR},

    {"admin.listen", PL_KIND_ENDPOINT, AT(admin.listen),
     .fallback = "127.0.0.1:8001"},
    {"admin.socket", PL_KIND_SOCKET, AT(admin.socket), .fallback = "auto"},

    {"websocket.path", PL_KIND_STRING, AT(websocket.path),
     .fallback = "/connection/websocket"},
    {"websocket.echo", PL_KIND_BOOL, AT(websocket.echo), .fallback = "false"},
    {"websocket.max_message", PL_KIND_SIZE, AT(websocket.max_message),
     .fallback = "64KiB", .min = 1024, .max = GIB},
    {"websocket.deflate", PL_KIND_BOOL, AT(websocket.deflate),
     .fallback = "false"},
    {"websocket.allowed_origins", PL_KIND_STRINGS,
     AT(websocket.allowed_origins), .fallback = "[]", .max = 256,
     .reload = true},
    {"websocket.allowed_hosts", PL_KIND_STRINGS, AT(websocket.allowed_hosts),
     .fallback = "[]", .max = 256, .reload = true},

    {"limits.connections", PL_KIND_NUMBER, AT(limits.connections),
     .fallback = "0", .max = UINT32_MAX},
    {"limits.outgoing_queue", PL_KIND_SIZE, AT(limits.outgoing_queue),
     .fallback = "1MiB", .min = 1024, .max = 4 * GIB},
    {"limits.channels", PL_KIND_NUMBER, AT(limits.channels),
     .fallback = "1000000", .min = 1, .max = UINT32_MAX},
    {"limits.connection_channels", PL_KIND_NUMBER,
     AT(limits.connection_channels), .fallback = "128", .min = 1,
     .max = 1000000},
    {"limits.new_channels_per_minute", PL_KIND_NUMBER,
     AT(limits.new_channels_per_minute), .fallback = "600", .max = 1000000},
    {"limits.user_connections", PL_KIND_NUMBER, AT(limits.user_connections),
     .fallback = "0", .max = UINT32_MAX},
    {"limits.memory", PL_KIND_MEMORY, AT(limits.memory), .fallback = "off",
     .min = MIB, .max = MIB * GIB},
    {"limits.history", PL_KIND_SHARE, AT(limits.history), .fallback = "25%",
     .min = 1024, .max = MIB * GIB},
    {"limits.client_history", PL_KIND_SHARE, AT(limits.client_history),
     .fallback = "10%", .min = 1024, .max = MIB * GIB},
    {"limits.loop_lag", PL_KIND_DURATION, AT(limits.loop_lag_ms),
     .fallback = "1s", .max = HOUR},
    {"limits.commands_per_second", PL_KIND_NUMBER,
     AT(limits.commands_per_second), .fallback = "0", .max = 1000000},
    {"limits.commands_burst", PL_KIND_NUMBER, AT(limits.commands_burst),
     .fallback = "0", .max = 1000000},
    {"limits.address_connections", PL_KIND_NUMBER,
     AT(limits.address_connections), .fallback = "0", .max = UINT32_MAX / 2},
    {"limits.admin_connections", PL_KIND_NUMBER, AT(limits.admin_connections),
     .fallback = "512", .min = 16, .max = 65536},

    {"proxy.trusted", PL_KIND_NETWORKS, AT(proxy.trusted), .fallback = "[]",
     .max = 256},
    {"proxy.protocol", PL_KIND_BOOL, AT(proxy.protocol), .fallback = "false"},
    {"proxy.header", PL_KIND_WORD, AT(proxy.header),
     .fallback = "x-forwarded-for", .words = "x-forwarded-for or forwarded"},

    {"connect.timeout", PL_KIND_DURATION, AT(connect.timeout_ms),
     .fallback = "10s", .min = 1, .max = LONGEST},

    {"ping.interval", PL_KIND_DURATION, AT(ping.interval_ms), .fallback = "25s",
     .max = LONGEST},
    {"ping.timeout", PL_KIND_DURATION, AT(ping.timeout_ms), .fallback = "10s",
     .min = 1, .max = LONGEST},

    {"auth.hmac_secret", PL_KIND_STRING, AT(auth.hmac_secret), .secret = true,
     .reload = true},
    {"auth.anonymous", PL_KIND_BOOL, AT(auth.anonymous), .fallback = "false",
     .insecure = "true"},

    {"api.key", PL_KIND_STRING, AT(api.key), .secret = true, .reload = true},

    {"channels.allow_subscribe", PL_KIND_WORD, AT(channels.allow_subscribe),
     .fallback = "none", .insecure = "all", .words = ALLOW},
    {"channels.allow_publish", PL_KIND_WORD, AT(channels.allow_publish),
     .fallback = "none", .insecure = "all", .words = ALLOW},
    {"channels.allow_presence", PL_KIND_WORD, AT(channels.allow_presence),
     .fallback = "none", .insecure = "all", .words = ALLOW},
    {"channels.allow_history", PL_KIND_WORD, AT(channels.allow_history),
     .fallback = "none", .insecure = "all", .words = ALLOW},
    {"channels.data", PL_KIND_WORD, AT(channels.data), .fallback = "json",
     .insecure = "binary", .words = "json or binary"},
    {"channels.slow", PL_KIND_WORD, AT(channels.slow), .fallback = "close",
     .words = "close, drop_oldest or latest"},
    {"channels.meta_ttl", PL_KIND_DURATION, AT(channels.meta_ttl_ms),
     .fallback = "1h", .max = LONGEST},
    {"channels.history_size", PL_KIND_NUMBER, AT(channels.history_size),
     .fallback = "0", .insecure = "100", .max = 1000000},
    {"channels.history_bytes", PL_KIND_SIZE, AT(channels.history_bytes),
     .fallback = "2MiB", .max = MIB * GIB},
    {"channels.history_ttl", PL_KIND_DURATION, AT(channels.history_ttl_ms),
     .fallback = "300s", .insecure = "300s", .max = LONGEST},
    {"channels.presence", PL_KIND_BOOL, AT(channels.presence),
     .fallback = "false", .insecure = "true"},
    {"channels.join_leave", PL_KIND_BOOL, AT(channels.join_leave),
     .fallback = "false", .insecure = "true"},

    {"actors.allow_send", PL_KIND_WORD, AT(actors.allow_send),
     .fallback = "none", .insecure = "all", .words = ALLOW},

    {"shutdown.grace", PL_KIND_DURATION, AT(shutdown.grace_ms),
     .fallback = "100ms", .max = HOUR},
    {"shutdown.disconnect", PL_KIND_DURATION, AT(shutdown.disconnect_ms),
     .fallback = "1s", .max = HOUR},
    {"shutdown.cancel", PL_KIND_DURATION, AT(shutdown.cancel_ms),
     .fallback = "1s", .max = HOUR},
    {"shutdown.reset", PL_KIND_DURATION, AT(shutdown.reset_ms),
     .fallback = "3s", .max = HOUR},

    {"log.level", PL_KIND_WORD, AT(log.level), .fallback = "info",
     .words = "debug, info, warn or error", .reload = true},

    {"handlers.slow", PL_KIND_DURATION, AT(handlers.slow_ms),
     .fallback = "100ms", .min = 1, .max = HOUR},
    {"handlers.timeout", PL_KIND_DURATION, AT(handlers.timeout_ms),
     .fallback = "30s", .min = 1, .max = HOUR},
};
/* clang-format on */

static const struct pl_config_table table = {keys,
                                             sizeof keys / sizeof keys[0]};

static const struct pl_config_part part = {&table, 0};

const struct pl_config_schema pl_config_schema = {&part, 1,
                                                  sizeof(struct pl_config)};
