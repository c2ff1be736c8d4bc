/* SPDX-License-Identifier: Apache-2.0 */
/* session_settings.c - see session_settings.h. */
#include "session_settings.h"

#define AT(member) PL_CONFIG_AT(struct pl_session_settings, member)

/* clang-format off */
static const struct pl_config_key keys[] = {
    {"websocket.path", PL_KIND_STRING, AT(websocket.path),
     .fallback = "/connection/websocket"},
    {"websocket.echo", PL_KIND_BOOL, AT(websocket.echo), .fallback = "false"},
    {"websocket.max_message", PL_KIND_SIZE, AT(websocket.max_message),
     .fallback = "64KiB", .min = 1024, .max = PL_CONFIG_GIB},
    {"websocket.deflate", PL_KIND_BOOL, AT(websocket.deflate),
     .fallback = "false"},

    {"limits.outgoing_queue", PL_KIND_SIZE, AT(limits.outgoing_queue),
     .fallback = "1MiB", .min = 1024, .max = 4 * PL_CONFIG_GIB},
    {"limits.connection_channels", PL_KIND_NUMBER,
     AT(limits.connection_channels), .fallback = "128", .min = 1,
     .max = 1000000},
    {"limits.history_publications", PL_KIND_NUMBER,
     AT(limits.history_publications), .fallback = "300", .max = 1000000},
    {"limits.loop_lag", PL_KIND_DURATION, AT(limits.loop_lag_ms),
     .fallback = "1s", .max = PL_CONFIG_HOUR},
    {"limits.commands_per_second", PL_KIND_NUMBER,
     AT(limits.commands_per_second), .fallback = "0", .max = 1000000},
    {"limits.commands_burst", PL_KIND_NUMBER, AT(limits.commands_burst),
     .fallback = "0", .max = 1000000},

    {"connect.timeout", PL_KIND_DURATION, AT(connect.timeout_ms),
     .fallback = "10s", .min = 1, .max = PL_CONFIG_LONGEST},
    {"connect.headers", PL_KIND_STRINGS, AT(connect.headers), .fallback = "[]",
     .max = 16},

    {"ping.interval", PL_KIND_DURATION, AT(ping.interval_ms), .fallback = "25s",
     .max = PL_CONFIG_LONGEST},
    {"ping.timeout", PL_KIND_DURATION, AT(ping.timeout_ms), .fallback = "10s",
     .min = 1, .max = PL_CONFIG_LONGEST},

    {"handlers.slow", PL_KIND_DURATION, AT(handlers.slow_ms),
     .fallback = "100ms", .min = 1, .max = PL_CONFIG_HOUR},
    {"handlers.timeout", PL_KIND_DURATION, AT(handlers.timeout_ms),
     .fallback = "30s", .min = 1, .max = PL_CONFIG_HOUR},
};
/* clang-format on */

const struct pl_config_table pl_session_keys = PL_CONFIG_TABLE(keys);
