/* SPDX-License-Identifier: Apache-2.0 */
/* admin_settings.c - see admin_settings.h. */
#include "admin_settings.h"

#define AT(member) PL_CONFIG_AT(struct pl_admin_settings, member)

/* clang-format off */
static const struct pl_config_key keys[] = {
    {"admin.listen", PL_KIND_ENDPOINT, AT(listen),
     .fallback = "127.0.0.1:8001"},
    {"admin.socket", PL_KIND_SOCKET, AT(socket), .fallback = "auto"},

    {"api.error_mode", PL_KIND_WORD, AT(api.error_mode), .fallback = "plain",
     .words = "plain or transport"},
    {"metrics.compatible", PL_KIND_WORD, AT(metrics.compatible),
     .fallback = "off", .words = "off or centrifugo"},

    {"api.max_body", PL_KIND_SIZE, AT(api.max_body), .fallback = "16MiB",
     .min = 1024, .max = PL_CONFIG_GIB},

    {"limits.api_connections", PL_KIND_NUMBER, AT(limits.api_connections),
     .fallback = "512", .min = 1, .max = 65536},
    {"limits.admin_connections", PL_KIND_NUMBER, AT(limits.admin_connections),
     .fallback = "512", .min = 16, .max = 65536},
};
/* clang-format on */

const struct pl_config_table pl_admin_keys = PL_CONFIG_TABLE(keys);
