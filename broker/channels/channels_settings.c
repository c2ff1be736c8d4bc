/* SPDX-License-Identifier: Apache-2.0 */
/* channels_settings.c - see channels_settings.h. */
#include "channels_settings.h"

#define AT(member) PL_CONFIG_AT(struct pl_channels_settings, member)

/* clang-format off */
static const struct pl_config_key keys[] = {
    {"limits.channels", PL_KIND_NUMBER, AT(limits.channels),
     .fallback = "1000000", .min = 1, .max = UINT32_MAX},
    {"limits.new_channels_per_minute", PL_KIND_NUMBER,
     AT(limits.new_channels_per_minute), .fallback = "600", .max = 1000000},
    {"limits.history", PL_KIND_SHARE, AT(limits.history), .fallback = "25%",
     .min = 1024, .max = PL_CONFIG_MIB * PL_CONFIG_GIB},
    {"limits.client_history", PL_KIND_SHARE, AT(limits.client_history),
     .fallback = "10%", .min = 1024, .max = PL_CONFIG_MIB * PL_CONFIG_GIB},
};
/* clang-format on */

const struct pl_config_table pl_channels_keys = PL_CONFIG_TABLE(keys);
