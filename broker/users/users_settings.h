/* SPDX-License-Identifier: Apache-2.0 */
/* users_settings.h - the keys of authentication.
 *
 * docs/configuration.md explains each key.  The values are constant once they
 * are checked, so any thread may read them.  Strings are never NULL unless
 * noted; durations end in _ms. */
#ifndef PL_USERS_SETTINGS_H
#define PL_USERS_SETTINGS_H

#include "config_key.h"

/* One of `api.keys`. */
struct pl_api_key_settings {
    char *key;                           /* secret */
    struct pl_config_strings namespaces; /* empty: all */
    struct pl_config_strings methods;    /* empty: all */
};

struct pl_users_settings {
    struct {
        char *hmac_secret; /* secret; NULL: no tokens */
        bool anonymous;
    } auth;
    struct {
        char *key; /* secret; NULL: none permits everything */
        struct pl_config_sections keys; /* of pl_api_key_settings */
        bool is_public;                 /* also on the addresses of clients */
        char *path;                     /* there; begins with '/' */
    } api;
    struct {
        struct pl_config_strings allowed_origins;
        struct pl_config_strings allowed_hosts; /* empty: any */
    } websocket;
    bool insecure; /* no key: --insecure was given */
};

extern const struct pl_config_table pl_users_keys;

#endif
