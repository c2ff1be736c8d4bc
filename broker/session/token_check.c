/* SPDX-License-Identifier: Apache-2.0 */
/* token_check.c - see token_check.h.
 *
 * With auth.jwks_url the first token of a key waits until the keyring has the
 * key.  A login waits as it does for a connect handler, another command as it
 * does for a judge, and both run again from their start. */
#include "token_check.h"

#include "access.h"
#include "denied.h"
#include "key_cache.h"
#include "session_manager_private.h"
#include "session_private.h"
#include "verdict_private.h"

/* Numbers of waits that no call of a handler has. */
enum { OF_KEYS = 1 << 30 };

static const struct pl_token_policy *policy_of(const struct pl_session *s,
                                               enum pl_token_kind kind)
{
    const struct pl_access *a = s->manager->access;

    return kind == PL_TOKEN_CONNECTION ? a->tokens : a->sub_tokens;
}

/* Errors: those of pl_token_verify(); PL_EAGAIN, and then *need is the key;
 * PL_EIO. */
static enum pl_err verify(struct pl_session *s, enum pl_token_kind kind,
                          struct pl_span token, struct pl_token_need *need,
                          struct pl_token_claims **out, const char **why)
{
    const struct pl_token_policy *policy = policy_of(s, kind);
    const char *url = pl_token_policy_jwks(policy);
    int64_t now_s = (int64_t)(pl_loop_wall_ms(s->actor.loop) / 1000);
    struct pl_jws_key *key = NULL;
    enum pl_err rc;

    pl_budget_spend(&s->manager->budget, pl_token_policy_has_public_keys(policy)
                                             ? PL_COST_SIGNATURE
                                             : PL_COST_SECRET);
    if (url == NULL)
        return pl_token_verify(policy, kind, token, now_s, out, why);
    if ((rc = pl_token_needs(token, need, why)) != PL_OK)
        return rc;
    rc = pl_key_cache_find(s->manager, url, need, &key);
    if (rc == PL_OK)
        return pl_token_verify_by(policy, key, kind, token, now_s, out, why);
    *why = rc == PL_ENOENT ? "its key is not among those of auth.jwks_url"
                           : "the keys of auth.jwks_url cannot be had";
    return rc == PL_ENOENT ? PL_EDENIED : rc;
}

/* Likewise; PL_EDENIED also if the token is revoked. */
static enum pl_err check(struct pl_session *s, enum pl_token_kind kind,
                         struct pl_span token, struct pl_token_need *need,
                         struct pl_token_claims **out, const char **why)
{
    struct pl_token_claims *claims;
    enum pl_err rc = verify(s, kind, token, need, &claims, why);

    if (rc != PL_OK)
        return rc;
    if (kind == PL_TOKEN_CONNECTION
            ? pl_session_denies_token(s, claims, claims->user)
            : pl_session_denies_sub_token(s, claims)) {
        *why = "the token is revoked";
        pl_count(metrics(s), PL_METRIC_REFUSED_DENIED, 1);
        pl_token_claims_destroy(claims);
        return PL_EDENIED;
    }
    *out = claims;
    return PL_OK;
}

enum pl_err pl_session_check_login(struct pl_session *s, struct pl_span token,
                                   struct pl_token_claims **out,
                                   const char **why)
{
    struct pl_token_need need;
    enum pl_err rc = check(s, PL_TOKEN_CONNECTION, token, &need, out, why);

    if (rc != PL_EAGAIN)
        return rc;
    rc = pl_key_cache_wait(
        s, pl_token_policy_jwks(policy_of(s, PL_TOKEN_CONNECTION)), &need, 0);
    return rc == PL_OK ? PL_EAGAIN : rc;
}

enum pl_err pl_session_check_token(struct pl_session *s, uint32_t id,
                                   struct pl_span channel,
                                   enum pl_token_kind kind,
                                   struct pl_span token,
                                   struct pl_token_claims **out,
                                   const char **why)
{
    struct pl_token_need need;
    enum pl_err rc = check(s, kind, token, &need, out, why);
    uint32_t number = OF_KEYS | s->manager->keys.numbers;

    if (rc != PL_EAGAIN)
        return rc;
    s->manager->keys.numbers = (s->manager->keys.numbers + 1) % OF_KEYS;
    rc = pl_key_cache_wait(s, pl_token_policy_jwks(policy_of(s, kind)), &need,
                           number);
    if (rc != PL_OK)
        return rc;
    pl_session_wait_for(s, id, channel, number);
    return PL_EAGAIN;
}
