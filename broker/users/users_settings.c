/* SPDX-License-Identifier: Apache-2.0 */
/* users_settings.c - see users_settings.h. */
#include "users_settings.h"

#define AT(member) PL_CONFIG_AT(struct pl_users_settings, member)

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
     .insecure = "true", .reload = true},

    {"api.key", PL_KIND_STRING, AT(api.key), .secret = true, .reload = true},
};
/* clang-format on */

const struct pl_config_table pl_users_keys = PL_CONFIG_TABLE(keys);
