/* SPDX-License-Identifier: Apache-2.0 */
/* users_settings.h - the keys of authentication.
 *
 * docs/configuration.md explains each key.  The values are constant once they
 * are checked, so any thread may read them.  Strings are never NULL unless
 * noted; durations end in _ms. */
#ifndef PL_USERS_SETTINGS_H
#define PL_USERS_SETTINGS_H

#include "config_key.h"

struct pl_users_settings {
    struct {
        char *hmac_secret; /* secret; NULL: no tokens */
        bool anonymous;
    } auth;
    struct {
        char *key; /* secret; NULL: the HTTP API is off */
    } api;
    struct {
        struct pl_config_strings allowed_origins;
        struct pl_config_strings allowed_hosts; /* empty: any */
    } websocket;
    bool insecure; /* no key: --insecure was given */
};

extern const struct pl_config_table pl_users_keys;

#endif
