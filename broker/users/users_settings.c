/* SPDX-License-Identifier: Apache-2.0 */
/* users_settings.c - see users_settings.h. */
#include "users_settings.h"

#define AT(member) PL_CONFIG_AT(struct pl_users_settings, member)
#define ALLOW "none, authenticated or all"

/* clang-format off */
static const struct pl_config_key keys[] = {
    {"websocket.allowed_origins", PL_KIND_STRINGS,
     AT(websocket.allowed_origins), .fallback = "[]", .max = 256,
     .reload = true},
    {"websocket.allowed_hosts", PL_KIND_STRINGS, AT(websocket.allowed_hosts),
     .fallback = "[]", .max = 256, .reload = true},

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

    {"actors.allow_send", PL_KIND_WORD, AT(actors.allow_send),
     .fallback = "none", .insecure = "all", .words = ALLOW},
};
/* clang-format on */

const struct pl_config_table pl_users_keys = PL_CONFIG_TABLE(keys);
