/* SPDX-License-Identifier: Apache-2.0 */
/* config_keys.c - see config_keys.h.
 *
 * One table drives the YAML schema, the defaults, the conversion and the test
 * of the documentation.  A new key needs one line here, one member in config.h
 * and one row in docs/configuration.md.  Defaults are texts and take the same
 * path as the file's, so there is no second path to keep correct. */
#include "config_keys.h"

#include "config.h"

#define AT(member) offsetof(struct pl_config, member)
#define MINUTE ((uint64_t)60 * 1000)
#define HOUR (60 * MINUTE)
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

/* Longer than a server runs without a restart; durations can be added without
 * overflow. */
#define LONGEST (HOUR * 24 * 366)

/* clang-format off */
const struct pl_config_key pl_config_keys[] = {
    {"listen", PL_KIND_ENDPOINTS, AT(listen), "[127.0.0.1:8000]", NULL,
     0, 64, false},
    {"listen_tls", PL_KIND_ENDPOINTS, AT(listen_tls), "[]", NULL,
     0, 64, false},
    {"loops", PL_KIND_NUMBER, AT(loops), "0", NULL,
     0, PL_CONFIG_LOOPS_MAX, false},

    {"tls.certificate", PL_KIND_STRINGS, AT(tls.certificate), "[]", NULL,
     0, 64, false},
    {"tls.key", PL_KIND_STRINGS, AT(tls.key), "[]", NULL, 0, 64, false},
    {"tls.client_ca", PL_KIND_STRING, AT(tls.client_ca), NULL, NULL,
     0, 0, false},
    {"tls.ticket_rotation", PL_KIND_DURATION, AT(tls.ticket_rotation_ms),
     "1h", NULL, MINUTE, 84 * HOUR, false},

    {"admin.listen", PL_KIND_ENDPOINT, AT(admin.listen), "127.0.0.1:8001",
     NULL, 0, 0, false},
    {"admin.socket", PL_KIND_SOCKET, AT(admin.socket), "auto", NULL,
     0, 0, false},

    {"websocket.path", PL_KIND_STRING, AT(websocket.path),
     "/connection/websocket", NULL, 0, 0, false},
    {"websocket.echo", PL_KIND_BOOL, AT(websocket.echo), "false", NULL,
     0, 0, false},
    {"websocket.max_message", PL_KIND_SIZE, AT(websocket.max_message),
     "64KiB", NULL, 1024, GIB, false},
    {"websocket.deflate", PL_KIND_BOOL, AT(websocket.deflate), "false", NULL,
     0, 0, false},
    {"websocket.allowed_origins", PL_KIND_STRINGS,
     AT(websocket.allowed_origins), "[]", NULL, 0, 256, false},
    {"websocket.allowed_hosts", PL_KIND_STRINGS, AT(websocket.allowed_hosts),
     "[]", NULL, 0, 256, false},

    {"limits.connections", PL_KIND_NUMBER, AT(limits.connections), "0", NULL,
     0, UINT32_MAX, false},
    {"limits.outgoing_queue", PL_KIND_SIZE, AT(limits.outgoing_queue), "1MiB",
     NULL, 1024, 4 * GIB, false},
    {"limits.channels", PL_KIND_NUMBER, AT(limits.channels), "1000000", NULL,
     1, UINT32_MAX, false},
    {"limits.connection_channels", PL_KIND_NUMBER,
     AT(limits.connection_channels), "128", NULL, 1, 1000000, false},
    {"limits.new_channels_per_minute", PL_KIND_NUMBER,
     AT(limits.new_channels_per_minute), "600", NULL, 0, 1000000, false},
    {"limits.user_connections", PL_KIND_NUMBER, AT(limits.user_connections),
     "0", NULL, 0, UINT32_MAX, false},
    {"limits.memory", PL_KIND_MEMORY, AT(limits.memory), "off", NULL,
     MIB, MIB * GIB, false},
    {"limits.history", PL_KIND_SHARE, AT(limits.history), "25%", NULL,
     1024, MIB * GIB, false},
    {"limits.client_history", PL_KIND_SHARE, AT(limits.client_history), "10%",
     NULL, 1024, MIB * GIB, false},
    {"limits.loop_lag", PL_KIND_DURATION, AT(limits.loop_lag_ms), "1s", NULL,
     0, HOUR, false},
    {"limits.commands_per_second", PL_KIND_NUMBER,
     AT(limits.commands_per_second), "0", NULL, 0, 1000000, false},
    {"limits.commands_burst", PL_KIND_NUMBER, AT(limits.commands_burst), "0",
     NULL, 0, 1000000, false},

    {"limits.address_connections", PL_KIND_NUMBER,
     AT(limits.address_connections), "0", NULL, 0, UINT32_MAX / 2, false},
    {"limits.admin_connections", PL_KIND_NUMBER,
     AT(limits.admin_connections), "512", NULL, 16, 65536, false},

    {"proxy.trusted", PL_KIND_NETWORKS, AT(proxy.trusted), "[]", NULL,
     0, 256, false},
    {"proxy.protocol", PL_KIND_BOOL, AT(proxy.protocol), "false", NULL,
     0, 0, false},
    {"proxy.header", PL_KIND_HEADER, AT(proxy.header), "x-forwarded-for", NULL,
     0, 0, false},

    {"connect.timeout", PL_KIND_DURATION, AT(connect.timeout_ms), "10s", NULL,
     1, LONGEST, false},
    {"ping.interval", PL_KIND_DURATION, AT(ping.interval_ms), "25s", NULL,
     0, LONGEST, false},
    {"ping.timeout", PL_KIND_DURATION, AT(ping.timeout_ms), "10s", NULL,
     1, LONGEST, false},

    {"auth.hmac_secret", PL_KIND_STRING, AT(auth.hmac_secret), NULL, NULL,
     0, 0, true},
    {"auth.anonymous", PL_KIND_BOOL, AT(auth.anonymous), "false", "true",
     0, 0, false},
    {"api.key", PL_KIND_STRING, AT(api.key), NULL, NULL, 0, 0, true},

    {"channels.allow_subscribe", PL_KIND_ALLOW, AT(channels.allow_subscribe),
     "none", "all", 0, 0, false},
    {"channels.allow_publish", PL_KIND_ALLOW, AT(channels.allow_publish),
     "none", "all", 0, 0, false},
    {"channels.allow_presence", PL_KIND_ALLOW, AT(channels.allow_presence),
     "none", "all", 0, 0, false},
    {"channels.allow_history", PL_KIND_ALLOW, AT(channels.allow_history),
     "none", "all", 0, 0, false},
    {"channels.data", PL_KIND_DATA, AT(channels.data), "json", "binary",
     0, 0, false},
    {"channels.slow", PL_KIND_SLOW, AT(channels.slow), "close", NULL,
     0, 0, false},
    {"channels.meta_ttl", PL_KIND_DURATION, AT(channels.meta_ttl_ms), "1h",
     NULL, 0, LONGEST, false},
    {"channels.history_size", PL_KIND_NUMBER, AT(channels.history_size), "0",
     "100", 0, 1000000, false},
    {"channels.history_bytes", PL_KIND_SIZE, AT(channels.history_bytes),
     "2MiB", NULL, 0, MIB * GIB, false},
    {"channels.history_ttl", PL_KIND_DURATION, AT(channels.history_ttl_ms),
     "300s", "300s", 0, LONGEST, false},
    {"channels.presence", PL_KIND_BOOL, AT(channels.presence), "false",
     "true", 0, 0, false},
    {"channels.join_leave", PL_KIND_BOOL, AT(channels.join_leave), "false",
     "true", 0, 0, false},

    {"actors.allow_send", PL_KIND_ALLOW, AT(actors.allow_send), "none", "all",
     0, 0, false},

    {"shutdown.grace", PL_KIND_DURATION, AT(shutdown.grace_ms), "100ms", NULL,
     0, HOUR, false},
    {"shutdown.disconnect", PL_KIND_DURATION, AT(shutdown.disconnect_ms),
     "1s", NULL, 0, HOUR, false},
    {"shutdown.cancel", PL_KIND_DURATION, AT(shutdown.cancel_ms), "1s", NULL,
     0, HOUR, false},
    {"shutdown.reset", PL_KIND_DURATION, AT(shutdown.reset_ms), "3s", NULL,
     0, HOUR, false},

    {"log.level", PL_KIND_LEVEL, AT(log.level), "info", NULL, 0, 0, false},
    {"handlers.slow", PL_KIND_DURATION, AT(handlers.slow_ms), "100ms", NULL,
     1, HOUR, false},
    {"handlers.timeout", PL_KIND_DURATION, AT(handlers.timeout_ms), "30s",
     NULL, 1, HOUR, false},
};
/* clang-format on */

const size_t pl_config_key_count =
    sizeof(pl_config_keys) / sizeof(pl_config_keys[0]);

const char *pl_config_kind_text(enum pl_config_kind kind)
{
    static const char *const text[] = {
        [PL_KIND_BOOL] = "true or false",
        [PL_KIND_NUMBER] = "number",
        [PL_KIND_DURATION] = "duration",
        [PL_KIND_SIZE] = "size",
        [PL_KIND_MEMORY] = "size, percentage, auto or off",
        [PL_KIND_SHARE] = "size, percentage or off",
        [PL_KIND_STRING] = "string",
        [PL_KIND_SOCKET] = "path, auto or off",
        [PL_KIND_ENDPOINT] = "host:port or off",
        [PL_KIND_ENDPOINTS] = "list of host:port",
        [PL_KIND_STRINGS] = "list of strings",
        [PL_KIND_NETWORKS] = "list of networks",
        [PL_KIND_HEADER] = "x-forwarded-for or forwarded",
        [PL_KIND_ALLOW] = "none, authenticated or all",
        [PL_KIND_DATA] = "json or binary",
        [PL_KIND_SLOW] = "close, drop_oldest or latest",
        [PL_KIND_LEVEL] = "debug, info, warn or error",
    };

    return text[kind];
}
