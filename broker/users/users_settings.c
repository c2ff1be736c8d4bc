/* SPDX-License-Identifier: Apache-2.0 */
/* users_settings.c - see users_settings.h. */
#include "users_settings.h"

#define AT(member) PL_CONFIG_AT(struct pl_users_settings, member)

#define OF_KEY(member) PL_CONFIG_AT(struct pl_api_key_settings, member)

/* clang-format off */
static const struct pl_config_key key_keys[] = {
    {"key", PL_KIND_STRING, OF_KEY(key), .secret = true, .reload = true},
    {"namespaces", PL_KIND_STRINGS, OF_KEY(namespaces), .fallback = "[]",
     .max = 256, .reload = true},
    {"methods", PL_KIND_STRINGS, OF_KEY(methods), .fallback = "[]", .max = 64,
     .reload = true},
};
static const struct pl_config_table key_table = PL_CONFIG_TABLE(key_keys);
static const struct pl_config_part key_part = {&key_table, 0};
static const struct pl_config_schema key_schema = {
    &key_part, 1, sizeof(struct pl_api_key_settings)};
/* The keys of a struct pl_token_settings. */
#define TOKEN(section, block)                                                  \
    {section ".hmac_secret", PL_KIND_STRING, AT(block.token.hmac_secret),      \
     .secret = true, .reload = true},                                          \
    {section ".hmac_previous_secret", PL_KIND_STRING,                          \
     AT(block.token.hmac_previous_secret), .secret = true, .reload = true},    \
    {section ".hmac_previous_secret_valid_until", PL_KIND_NUMBER,              \
     AT(block.token.hmac_previous_secret_valid_until), .fallback = "0",        \
     .max = UINT32_MAX, .reload = true},                                       \
    {section ".rsa_public_key", PL_KIND_STRING,                                \
     AT(block.token.rsa_public_key), .reload = true},                          \
    {section ".ecdsa_public_key", PL_KIND_STRING,                              \
     AT(block.token.ecdsa_public_key), .reload = true},                        \
    {section ".eddsa_public_key", PL_KIND_STRING,                              \
     AT(block.token.eddsa_public_key), .reload = true},                        \
    {section ".jwks_url", PL_KIND_STRING, AT(block.token.jwks_url),            \
     .reload = true},                                                          \
    {section ".audience", PL_KIND_STRING, AT(block.token.audience),            \
     .reload = true},                                                          \
    {section ".audience_regex", PL_KIND_STRING,                                \
     AT(block.token.audience_regex), .reload = true},                          \
    {section ".issuer", PL_KIND_STRING, AT(block.token.issuer),                \
     .reload = true},                                                          \
    {section ".issuer_regex", PL_KIND_STRING, AT(block.token.issuer_regex),    \
     .reload = true},                                                          \
    {section ".user_id_claim", PL_KIND_STRING,                                 \
     AT(block.token.user_id_claim), .reload = true},                           \
    {section ".ignore_unchecked", PL_KIND_BOOL,                                \
     AT(block.token.ignores_names), .fallback = "false", .reload = true},

static const struct pl_config_key keys[] = {
    {"websocket.allowed_origins", PL_KIND_STRINGS,
     AT(websocket.allowed_origins), .fallback = "[]", .max = 256,
     .reload = true},
    {"websocket.allowed_hosts", PL_KIND_STRINGS, AT(websocket.allowed_hosts),
     .fallback = "[]", .max = 256, .reload = true},

    TOKEN("auth", auth)
    {"auth.jwks_ca", PL_KIND_STRING, AT(auth.jwks_ca)},
    {"auth.anonymous", PL_KIND_BOOL, AT(auth.anonymous), .fallback = "false",
     .insecure = "true", .reload = true},
    {"auth.anonymous_tokens", PL_KIND_BOOL, AT(auth.nameless),
     .fallback = "true", .reload = true},
    {"auth.subscription.enabled", PL_KIND_BOOL, AT(auth.subscription.enabled),
     .fallback = "false", .reload = true},
    TOKEN("auth.subscription", auth.subscription)

    {"api.key", PL_KIND_STRING, AT(api.key), .secret = true, .reload = true},
    {"api.keys", PL_KIND_SECTIONS, AT(api.keys), .max = 64, .one = &key_schema,
     .reload = true},
    {"api.public", PL_KIND_BOOL, AT(api.is_public), .fallback = "false",
     .reload = true},
    {"api.open", PL_KIND_BOOL, AT(api.is_open), .fallback = "false",
     .reload = true},
    {"api.path", PL_KIND_STRING, AT(api.path), .fallback = "/api",
     .reload = true},

    {"health.public", PL_KIND_BOOL, AT(health.is_public), .fallback = "false",
     .reload = true},
    {"health.path", PL_KIND_STRING, AT(health.path), .fallback = "/health",
     .reload = true},
    {"metrics.public", PL_KIND_BOOL, AT(metrics.is_public),
     .fallback = "false", .reload = true},
    {"metrics.open", PL_KIND_BOOL, AT(metrics.is_open), .fallback = "false",
     .reload = true},
    {"metrics.path", PL_KIND_STRING, AT(metrics.path), .fallback = "/metrics",
     .reload = true},
};
/* clang-format on */

const struct pl_config_table pl_users_keys = PL_CONFIG_TABLE(keys);
