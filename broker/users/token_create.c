/* SPDX-License-Identifier: Apache-2.0 */
/* token_create.c - signs tokens for tools and tests; see token.h.
 *
 * What is created is verified before it is returned, so that a tool never
 * prints a token that a broker refuses. */
#include "token.h"

#include <jansson.h>
#include <stdlib.h>

#include "buf.h"

/* Set `name` to `value` and take it; return false if `value` is NULL. */
static bool put(json_t *payload, const char *name, json_t *value)
{
    return json_object_set_new(payload, name, value) == 0;
}

static json_t *string_of(struct pl_span s)
{
    return json_stringn(s.len == 0 ? "" : s.at, s.len);
}

static json_t *channels_of(const struct pl_token_grant *g)
{
    json_t *list = json_array();

    for (size_t i = 0; i < g->channel_count && list != NULL; i++)
        if (json_array_append_new(list, string_of(g->channels[i])) != 0) {
            json_decref(list);
            list = NULL;
        }
    return list;
}

/* Return the payload as text; NULL if the grant is invalid or memory ran
 * out. */
static char *payload_of(const struct pl_token_grant *g)
{
    json_t *payload = json_object();
    char *text = NULL;
    bool good = put(payload, "sub", string_of(g->user)) &&
                put(payload, "iat", json_integer(g->issued_at_s));

    if (good && g->ttl_s > 0)
        good = put(payload, "exp", json_integer(g->issued_at_s + g->ttl_s));
    if (good && g->info.at != NULL)
        good = put(payload, "info",
                   json_loadb(g->info.at, g->info.len,
                              JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL));
    if (good && g->is_subscription)
        good = g->channel_count == 1 &&
               put(payload, "channel", string_of(g->channels[0]));
    else if (good && g->channel_count > 0)
        good = put(payload, "channels", channels_of(g));
    if (good)
        text = json_dumps(payload, JSON_COMPACT);
    json_decref(payload);
    return text;
}

static enum pl_err check_grant(const struct pl_token_grant *g, const char **why)
{
    *why = "the time is out of range";
    return g->issued_at_s < 0 || g->ttl_s < 0 ||
                   g->ttl_s > INT64_MAX - g->issued_at_s
               ? PL_EINVAL
               : PL_OK;
}

static enum pl_err sign(const struct pl_jws_key *key, enum pl_jws_alg alg,
                        const struct pl_token_grant *g, struct pl_buf *out,
                        const char **why)
{
    char *payload = payload_of(g);

    *why = "info is not JSON, or a text is not UTF-8";
    if (payload == NULL)
        return PL_EINVAL;
    *why = "the key is not for the algorithm";
    enum pl_err rc = pl_jws_write(key, alg, pl_span_of(payload), out);
    free(payload);
    return rc;
}

/* pl_token_verify() is the only definition of a valid token. */
static enum pl_err verify_own(struct pl_jws_key *key, enum pl_token_kind kind,
                              struct pl_span token, int64_t now_s,
                              const char **why)
{
    struct pl_token_policy *policy = NULL;
    struct pl_token_claims *claims = NULL;
    enum pl_err rc = pl_token_policy_of_key(&policy, key);

    if (rc == PL_OK)
        rc = pl_token_verify(policy, kind, token, now_s, &claims, why);
    pl_token_claims_destroy(claims);
    pl_token_policy_release(policy);
    return rc == PL_OK || rc == PL_ENOMEM || rc == PL_ETOOBIG ? rc : PL_EINVAL;
}

/* Owner: the caller releases *out. */
static enum pl_err key_of(const struct pl_token_key *key,
                          struct pl_jws_key **out, const char **why)
{
    *why = "no secret";
    if (key->signer == NULL)
        return pl_jws_key_of_secret(out, key->secret);
    *out = pl_jws_key_hold(key->signer);
    return PL_OK;
}

static enum pl_err create(const struct pl_token_key *with,
                          const struct pl_token_grant *grant,
                          struct pl_buf *token, const char **why)
{
    struct pl_jws_key *key = NULL;
    enum pl_err rc = check_grant(grant, why);

    if (rc == PL_OK)
        rc = key_of(with, &key, why);
    if (rc == PL_OK)
        rc = sign(key, with->alg, grant, token, why);
    if (rc == PL_OK)
        rc = verify_own(key,
                        grant->is_subscription ? PL_TOKEN_SUBSCRIPTION
                                               : PL_TOKEN_CONNECTION,
                        pl_buf_span(token), grant->issued_at_s, why);
    pl_jws_key_release(key);
    if (rc == PL_OK)
        pl_buf_put_byte(token, '\0');
    return token->failed ? PL_ENOMEM : rc;
}

enum pl_err pl_token_create(const struct pl_token_key *key,
                            const struct pl_token_grant *grant, char **out,
                            const char **why)
{
    struct pl_buf token = {0};
    const char *reason = NULL;
    enum pl_err rc = create(key, grant, &token, &reason);

    if (rc != PL_OK) {
        if (why != NULL)
            *why = rc == PL_ENOMEM ? pl_err_text(rc) : reason;
        pl_buf_fini(&token);
        return rc;
    }
    *out = token.data;
    return PL_OK;
}
