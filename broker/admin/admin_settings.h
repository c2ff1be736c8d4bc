/* SPDX-License-Identifier: Apache-2.0 */
/* admin_settings.h - the keys of the admin server.
 *
 * docs/configuration.md explains each key.  The values are constant once they
 * are checked, so any thread may read them.  Strings are never NULL unless
 * noted; durations end in _ms. */
#ifndef PL_ADMIN_SETTINGS_H
#define PL_ADMIN_SETTINGS_H

#include "config_key.h"

struct pl_admin_settings {
    struct pl_config_endpoint listen; /* .text is NULL: off */
    char *socket;                     /* path; NULL: off */
    struct {
        uint32_t admin_connections; /* to the admin address and socket */
    } limits;
};

extern const struct pl_config_table pl_admin_keys;

#endif
