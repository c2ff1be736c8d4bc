/* SPDX-License-Identifier: Apache-2.0 */
/* channels_settings.h - the keys of how much all channels keep.
 *
 * docs/configuration.md explains each key.  The values are constant once they
 * are checked, so any thread may read them.  Strings are never NULL unless
 * noted; durations end in _ms. */
#ifndef PL_CHANNELS_SETTINGS_H
#define PL_CHANNELS_SETTINGS_H

#include "config_key.h"

struct pl_channels_settings {
    struct {
        uint32_t channels;                /* kept at once in the whole broker */
        uint32_t new_channels_per_minute; /* per client; 0: no limit */
        struct pl_config_memory history;  /* of all channels */
        struct pl_config_memory client_history; /* of a user's channels */
    } limits;
};

extern const struct pl_config_table pl_channels_keys;

#endif
