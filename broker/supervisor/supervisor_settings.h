/* SPDX-License-Identifier: Apache-2.0 */
/* supervisor_settings.h - the keys of the end of the broker and of its users.
 *
 * docs/configuration.md explains each key.  The values are constant once they
 * are checked, so any thread may read them.  Strings are never NULL unless
 * noted; durations end in _ms. */
#ifndef PL_SUPERVISOR_SETTINGS_H
#define PL_SUPERVISOR_SETTINGS_H

#include "config_key.h"

struct pl_supervisor_settings {
    struct {
        uint64_t grace_ms, disconnect_ms, cancel_ms, reset_ms;
    } shutdown;
    struct {
        uint32_t user_connections; /* 0: no limit */
    } limits;
};

extern const struct pl_config_table pl_supervisor_keys;

#endif
