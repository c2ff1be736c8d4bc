/* SPDX-License-Identifier: Apache-2.0 */
/* supervisor_settings.c - see supervisor_settings.h. */
#include "supervisor_settings.h"

#define AT(member) PL_CONFIG_AT(struct pl_supervisor_settings, member)

/* clang-format off */
static const struct pl_config_key keys[] = {
    {"limits.user_connections", PL_KIND_NUMBER, AT(limits.user_connections),
     .fallback = "0", .max = UINT32_MAX},

    {"shutdown.grace", PL_KIND_DURATION, AT(shutdown.grace_ms),
     .fallback = "100ms", .max = PL_CONFIG_HOUR},
    {"shutdown.disconnect", PL_KIND_DURATION, AT(shutdown.disconnect_ms),
     .fallback = "1s", .max = PL_CONFIG_HOUR},
    {"shutdown.cancel", PL_KIND_DURATION, AT(shutdown.cancel_ms),
     .fallback = "1s", .max = PL_CONFIG_HOUR},
    {"shutdown.reset", PL_KIND_DURATION, AT(shutdown.reset_ms),
     .fallback = "3s", .max = PL_CONFIG_HOUR},
};
/* clang-format on */

const struct pl_config_table pl_supervisor_keys = PL_CONFIG_TABLE(keys);
