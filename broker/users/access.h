/* SPDX-License-Identifier: Apache-2.0 */
/* access.h - the settings that admit requests and may change while the broker
 * runs: the keys of tokens, whether clients without a token are admitted, the
 * API keys, the origins and hosts, the paths that are served beside.
 *
 * Immutable and reference-counted.  The loops share one; a reload creates
 * another and sends it to each loop, so no loop waits for a reload. */
#ifndef PL_ACCESS_H
#define PL_ACCESS_H

#include "api_key.h"
#include "err.h"
#include "refs.h"
#include "token_policy.h"
#include "users_settings.h"

struct pl_access {
    struct pl_refs refs;
    struct pl_config_strings allowed_origins, allowed_hosts;
    bool anonymous; /* admit clients without a token */
    bool nameless;  /* admit tokens without a user */
    struct pl_api_keys api_keys;
    char *api_path; /* of the server API on the addresses of clients; NULL: it
                       is not there */
    char *health_path, *metrics_path; /* on all addresses that have them */
    bool health_is_public, metrics_are_public; /* also on those of clients */
    bool metrics_are_open;                     /* without a key */
    struct pl_token_policy *tokens;     /* own reference: of connections */
    struct pl_token_policy *sub_tokens; /* own reference: of subscriptions;
                                           the same, or another */
};

/* Copy the access settings of `settings`.
 * Owner:  the caller releases *out.
 * Thread: any.
 * Errors: PL_EINVAL (a key of tokens is bad: pl_settings_check() reports
 * which), PL_ENOMEM. */
enum pl_err pl_access_create(struct pl_access **out,
                             const struct pl_users_settings *settings);

/* Releasing the last reference wipes the secrets.  pl_access_release() allows
 * NULL.
 * Thread: any. */
struct pl_access *pl_access_hold(struct pl_access *a);
void pl_access_release(struct pl_access *a);

#endif
