/* SPDX-License-Identifier: Apache-2.0 */
/* users_settings.h - the keys of authentication and permissions.
 *
 * docs/configuration.md explains each key.  The values are constant once they
 * are checked, so any thread may read them.  Strings are never NULL unless
 * noted; durations end in _ms. */
#ifndef PL_USERS_SETTINGS_H
#define PL_USERS_SETTINGS_H

#include "config_key.h"

/* The users that may do something: a key `channels.allow_*` or
 * `actors.allow_send`. */
enum pl_allow {
    PL_ALLOW_NONE,
    PL_ALLOW_AUTHENTICATED, /* a token or a handler authenticated the user */
    PL_ALLOW_ALL
};

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
    struct {
        enum pl_allow allow_subscribe, allow_publish, allow_presence,
            allow_history;
    } channels;
    struct {
        enum pl_allow allow_send; /* to user/ and conn/ addresses */
    } actors;
    bool insecure; /* no key: --insecure was given */
};

extern const struct pl_config_table pl_users_keys;

#endif
