/* SPDX-License-Identifier: Apache-2.0 */
/* token_policy.h - which tokens are good: the keys that sign them, and what
 * they must say.
 *
 * Immutable and reference-counted: the loops share one until a reload makes
 * another.
 *
 * Thread: any. */
#ifndef PL_TOKEN_POLICY_H
#define PL_TOKEN_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "jws.h"
#include "users_settings.h"

struct pl_token_policy; /* opaque */

/* Create the policy of one block of settings: the keys auth.*, or
 * auth.subscription.*.  On PL_EINVAL *key is the name of the bad setting
 * without its block, and *why a constant text without any part of its value.
 * Owner:  the caller releases *out.
 * Errors: PL_EINVAL, PL_ENOMEM. */
enum pl_err pl_token_policy_create(struct pl_token_policy **out,
                                   const struct pl_token_settings *s,
                                   const char **key, const char **why);

/* Create the policy that takes the tokens of one key, whatever else they say.
 * Owner:  the caller releases *out; takes a reference to `key`.
 * Errors: PL_ENOMEM. */
enum pl_err pl_token_policy_of_key(struct pl_token_policy **out,
                                   struct pl_jws_key *key);

/* pl_token_policy_release() allows NULL. */
struct pl_token_policy *pl_token_policy_hold(struct pl_token_policy *p);
void pl_token_policy_release(struct pl_token_policy *p);

/* Return true if no key is configured, so that no token is good. */
bool pl_token_policy_is_empty(const struct pl_token_policy *p);

/* Return the URL of the set of keys (JWKS) that alone counts; NULL: none. */
const char *pl_token_policy_jwks(const struct pl_token_policy *p);

/* Return true if a signature may be one of RSA or an elliptic curve, which is
 * slow to check. */
bool pl_token_policy_has_public_keys(const struct pl_token_policy *p);

/* What a policy may compare claims with. */
enum pl_token_name { PL_TOKEN_AUDIENCE, PL_TOKEN_ISSUER, PL_TOKEN_NAMES };

/* Return true if tokens must have this claim. */
bool pl_token_policy_wants(const struct pl_token_policy *p,
                           enum pl_token_name which);

/* Return true if `text` is what the policy compares the claim with. */
bool pl_token_policy_takes(const struct pl_token_policy *p,
                           enum pl_token_name which, struct pl_span text);

/* Return true if a claim that there is nothing to compare with is ignored; else
 * the token is refused. */
bool pl_token_policy_ignores_names(const struct pl_token_policy *p);

/* The claim that has the user. */
const char *pl_token_policy_user_claim(const struct pl_token_policy *p);

/* Check the signature of `j` with the keys of the policy.  On an error *why is
 * a constant text.
 * Errors: PL_EDENIED, PL_ENOMEM. */
enum pl_err pl_token_policy_check(const struct pl_token_policy *p,
                                  const struct pl_jws *j, int64_t now_s,
                                  const char **why);

#endif
