/* SPDX-License-Identifier: Apache-2.0 */
/* access.c - see access.h.
 *
 * Rejected: sharing a whole configuration, because most of it is constant while
 * the broker runs, and modules keep pointers into it.
 *
 * Invariant: a table does not change while anything refers to it. */
#include "access.h"

#include <stdlib.h>
#include <string.h>

static bool copy_text(char **out, const char *from)
{
    *out = from == NULL ? NULL : strdup(from);
    return (*out == NULL) == (from == NULL);
}

static enum pl_err make_policies(struct pl_access *a,
                                 const struct pl_users_settings *s)
{
    const char *key, *why;
    enum pl_err rc =
        pl_token_policy_create(&a->tokens, &s->auth.token, &key, &why);

    if (rc != PL_OK)
        return rc;
    if (s->auth.subscription.enabled)
        return pl_token_policy_create(&a->sub_tokens,
                                      &s->auth.subscription.token, &key, &why);
    a->sub_tokens = pl_token_policy_hold(a->tokens);
    return PL_OK;
}

enum pl_err pl_access_create(struct pl_access **out,
                             const struct pl_users_settings *settings)
{
    struct pl_access *a = calloc(1, sizeof *a);
    enum pl_err rc = PL_OK;

    if (a == NULL)
        return PL_ENOMEM;
    pl_refs_init(&a->refs);
    a->anonymous = settings->auth.anonymous;
    a->nameless = settings->auth.nameless;
    a->health_is_public = settings->health.is_public;
    a->metrics_are_public = settings->metrics.is_public;
    a->metrics_are_open = settings->metrics.is_open;
    if (!pl_config_strings_copy(&a->allowed_origins,
                                &settings->websocket.allowed_origins) ||
        !pl_config_strings_copy(&a->allowed_hosts,
                                &settings->websocket.allowed_hosts) ||
        pl_api_keys_init(&a->api_keys, settings) != PL_OK ||
        !copy_text(&a->api_path,
                   settings->api.is_public ? settings->api.path : NULL) ||
        !copy_text(&a->health_path, settings->health.path) ||
        !copy_text(&a->metrics_path, settings->metrics.path))
        rc = PL_ENOMEM;
    if (rc == PL_OK)
        rc = make_policies(a, settings);
    if (rc == PL_OK)
        *out = a;
    else
        pl_access_release(a);
    return rc;
}

struct pl_access *pl_access_hold(struct pl_access *a)
{
    pl_refs_hold(&a->refs);
    return a;
}

void pl_access_release(struct pl_access *a)
{
    if (a == NULL || !pl_refs_release(&a->refs))
        return;
    pl_config_strings_fini(&a->allowed_origins);
    pl_config_strings_fini(&a->allowed_hosts);
    pl_api_keys_fini(&a->api_keys);
    free(a->api_path);
    free(a->health_path);
    free(a->metrics_path);
    pl_token_policy_release(a->tokens);
    pl_token_policy_release(a->sub_tokens);
    free(a);
}
