/* SPDX-License-Identifier: Apache-2.0 */
/* users_settings.h - the keys of authentication.
 *
 * docs/configuration.md explains each key.  The values are constant once they
 * are checked, so any thread may read them.  Strings are never NULL unless
 * noted; durations end in _ms. */
#ifndef PL_USERS_SETTINGS_H
#define PL_USERS_SETTINGS_H

#include "config_key.h"

/* Which tokens are good: auth.*, and auth.subscription.*.  NULL: not set. */
struct pl_token_settings {
    char *hmac_secret;                         /* secret */
    char *hmac_previous_secret;                /* secret */
    uint32_t hmac_previous_secret_valid_until; /* Unix time; 0: for ever */
    char *rsa_public_key, *ecdsa_public_key, *eddsa_public_key; /* PEM */
    char *jwks_url; /* then the keys above do not count */
    char *audience, *audience_regex, *issuer, *issuer_regex;
    char *user_id_claim; /* NULL: sub */
    bool ignores_names;  /* aud and iss that nothing is compared with */
};

/* One of `api.keys`. */
struct pl_api_key_settings {
    char *key;                           /* secret */
    struct pl_config_strings namespaces; /* empty: all */
    struct pl_config_strings methods;    /* empty: all */
};

/* health.* or metrics.*. */
struct pl_probe_settings {
    bool is_public; /* also on the addresses of clients */
    bool is_open;   /* of the metrics: no key is needed */
    char *path;     /* begins with '/' */
};

struct pl_users_settings {
    struct {
        struct pl_token_settings token;
        bool anonymous;
        bool nameless; /* tokens without a user are good */
        char *jwks_ca; /* path; NULL: the certificates of the system */
        struct {
            bool enabled; /* else `token` above is for them, too */
            struct pl_token_settings token;
        } subscription;
    } auth;
    struct {
        char *key; /* secret; NULL: none permits everything */
        struct pl_config_sections keys; /* of pl_api_key_settings */
        bool is_public;                 /* also on the addresses of clients */
        bool is_open;                   /* no key is needed */
        char *path;                     /* there; begins with '/' */
    } api;
    struct pl_probe_settings health, metrics;
    struct {
        struct pl_config_strings allowed_origins;
        struct pl_config_strings allowed_hosts; /* empty: any */
    } websocket;
    bool insecure; /* no key: --insecure was given */
};

extern const struct pl_config_table pl_users_keys;

#endif
