/* SPDX-License-Identifier: Apache-2.0 */
/* net_settings.c - see net_settings.h. */
#include "net_settings.h"

#define AT(member) PL_CONFIG_AT(struct pl_net_settings, member)

/* clang-format off */
static const struct pl_config_key keys[] = {
    {"listen", PL_KIND_ENDPOINTS, AT(listen), .fallback = "[127.0.0.1:8000]",
     .max = 64},
    {"listen_tls", PL_KIND_ENDPOINTS, AT(listen_tls), .fallback = "[]",
     .max = 64},

    {"tls.certificate", PL_KIND_STRINGS, AT(tls.certificate), .fallback = "[]",
     .max = 64, .reload = true},
    {"tls.key", PL_KIND_STRINGS, AT(tls.key), .fallback = "[]", .max = 64,
     .reload = true},
    {"tls.client_ca", PL_KIND_STRING, AT(tls.client_ca), .reload = true},
    {"tls.ticket_rotation", PL_KIND_DURATION, AT(tls.ticket_rotation_ms),
     .fallback = "1h", .min = PL_CONFIG_MINUTE, .max = 84 * PL_CONFIG_HOUR},

    {"limits.address_connections", PL_KIND_NUMBER,
     AT(limits.address_connections), .fallback = "0", .max = UINT32_MAX / 2},

    {"proxy.trusted", PL_KIND_NETWORKS, AT(proxy.trusted), .fallback = "[]",
     .max = 256},
    {"proxy.protocol", PL_KIND_BOOL, AT(proxy.protocol), .fallback = "false"},
    {"proxy.header", PL_KIND_WORD, AT(proxy.header),
     .fallback = "x-forwarded-for", .words = "x-forwarded-for or forwarded"},
};
/* clang-format on */

const struct pl_config_table pl_net_keys = PL_CONFIG_TABLE(keys);
