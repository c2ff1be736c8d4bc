/* SPDX-License-Identifier: Apache-2.0 */
/* descriptors.c - divides the descriptors of the process: a fixed share is kept
 * for the admin server, and with api.public one for the server API, so that
 * clients, operators and backends cannot use up each other's.
 *
 * Invariant: with limits.connections 0 the limits leave OWN_DESCRIPTORS, if
 * RLIMIT_NOFILE exceeds twice the sum of OWN_DESCRIPTORS and the other
 * limits. */
#include "descriptors.h"

#include <sys/resource.h>

#include "settings.h"

enum { OWN_DESCRIPTORS = 64 /* for the broker itself */ };

/* At most one in `part` descriptors. */
static uint32_t limit_of(uint32_t limit, unsigned part)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur / part < limit)
        limit = (uint32_t)(files.rlim_cur / part);
    return limit > 0 ? limit : 1;
}

uint32_t pl_broker_admin_limit(const struct pl_settings *config)
{
    return limit_of(config->admin.limits.admin_connections, 4);
}

uint32_t pl_broker_api_limit(const struct pl_settings *config)
{
    return limit_of(config->admin.limits.api_connections, 8);
}

uint32_t pl_broker_connection_limit(const struct pl_settings *config)
{
    uint32_t limit = config->process.limits.connections;
    struct rlimit files;

    if (limit > 0 || getrlimit(RLIMIT_NOFILE, &files) != 0)
        return limit;
    rlim_t own = OWN_DESCRIPTORS + pl_broker_admin_limit(config);
    if (config->users.api.is_public || config->users.metrics.is_public)
        own += pl_broker_api_limit(config);
    rlim_t most =
        files.rlim_cur / 2 > own ? files.rlim_cur - own : files.rlim_cur / 2;
    return most < UINT32_MAX ? (uint32_t)most : UINT32_MAX;
}
