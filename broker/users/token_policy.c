/* SPDX-License-Identifier: Apache-2.0 */
/* token_policy.c - see token_policy.h.
 *
 * The algorithm of a token chooses among the keys, each of which knows the
 * algorithms that it may be used with.  The previous secret is tried if the
 * present one does not fit, until its end: tokens that were signed before a
 * change of the secret stay good for as long as the operator says.
 *
 * Invariant: a policy does not change. */
#include "token_policy.h"

#include <stdlib.h>
#include <string.h>

#include "refs.h"

enum { SECRET, PREVIOUS, RSA_KEY, EC_KEY, ED_KEY, KEYS };

struct pl_token_policy {
    struct pl_refs refs;
    struct pl_jws_key *keys[KEYS]; /* own references; NULL: none */
    int64_t previous_until_s;      /* Unix time; 0: for ever */
};

static enum pl_err add_secret(struct pl_token_policy *p, unsigned place,
                              const char *secret)
{
    return secret == NULL
               ? PL_OK
               : pl_jws_key_of_secret(&p->keys[place], pl_span_of(secret));
}

static enum pl_err add_pem(struct pl_token_policy *p, unsigned place,
                           const char *pem, enum pl_jws_family family,
                           const char **why)
{
    static const char *const names[] = {
        [PL_JWS_RSA] = "it is not a key of RSA",
        [PL_JWS_EC] = "it is not a key of an elliptic curve",
        [PL_JWS_ED] = "it is not a key of Ed25519",
    };
    enum pl_err rc = PL_OK;

    if (pem == NULL)
        return PL_OK;
    rc = pl_jws_key_of_pem(&p->keys[place], pl_span_of(pem), false, why);
    if (rc == PL_OK && pl_jws_key_family(p->keys[place]) != family) {
        *why = names[family];
        rc = PL_EINVAL;
    }
    return rc;
}

static enum pl_err add_keys(struct pl_token_policy *p,
                            const struct pl_token_settings *s, const char **key,
                            const char **why)
{
    enum pl_err rc;

    if ((rc = add_secret(p, SECRET, s->hmac_secret)) != PL_OK ||
        (rc = add_secret(p, PREVIOUS, s->hmac_previous_secret)) != PL_OK)
        return rc;
    *key = "rsa_public_key";
    rc = add_pem(p, RSA_KEY, s->rsa_public_key, PL_JWS_RSA, why);
    if (rc != PL_OK)
        return rc;
    *key = "ecdsa_public_key";
    rc = add_pem(p, EC_KEY, s->ecdsa_public_key, PL_JWS_EC, why);
    if (rc != PL_OK)
        return rc;
    *key = "eddsa_public_key";
    return add_pem(p, ED_KEY, s->eddsa_public_key, PL_JWS_ED, why);
}

enum pl_err pl_token_policy_create(struct pl_token_policy **out,
                                   const struct pl_token_settings *s,
                                   const char **key, const char **why)
{
    struct pl_token_policy *p = calloc(1, sizeof *p);
    enum pl_err rc;

    if (p == NULL)
        return PL_ENOMEM;
    pl_refs_init(&p->refs);
    p->previous_until_s = s->hmac_previous_secret_valid_until;
    rc = add_keys(p, s, key, why);
    if (rc != PL_OK) {
        pl_token_policy_release(p);
        return rc;
    }
    *out = p;
    return PL_OK;
}

enum pl_err pl_token_policy_of_key(struct pl_token_policy **out,
                                   struct pl_jws_key *key)
{
    struct pl_token_policy *p = calloc(1, sizeof *p);

    if (p == NULL)
        return PL_ENOMEM;
    pl_refs_init(&p->refs);
    p->keys[SECRET] = pl_jws_key_hold(key);
    *out = p;
    return PL_OK;
}

struct pl_token_policy *pl_token_policy_hold(struct pl_token_policy *p)
{
    pl_refs_hold(&p->refs);
    return p;
}

void pl_token_policy_release(struct pl_token_policy *p)
{
    if (p == NULL || !pl_refs_release(&p->refs))
        return;
    for (unsigned i = 0; i < KEYS; i++)
        pl_jws_key_release(p->keys[i]);
    free(p);
}

bool pl_token_policy_is_empty(const struct pl_token_policy *p)
{
    for (unsigned i = 0; i < KEYS; i++)
        if (p->keys[i] != NULL)
            return false;
    return true;
}

static bool is_in_force(const struct pl_token_policy *p, unsigned place,
                        int64_t now_s)
{
    return place != PREVIOUS || p->previous_until_s == 0 ||
           now_s < p->previous_until_s;
}

enum pl_err pl_token_policy_check(const struct pl_token_policy *p,
                                  const struct pl_jws *j, int64_t now_s,
                                  const char **why)
{
    enum pl_err rc = PL_EDENIED;

    *why = "no key for its algorithm is configured";
    for (unsigned i = 0; i < KEYS && rc == PL_EDENIED; i++) {
        const struct pl_jws_key *key = p->keys[i];

        if (key == NULL || !pl_jws_key_fits(key, j->alg) ||
            !is_in_force(p, i, now_s))
            continue;
        *why = "the signature is not ours";
        rc = pl_jws_check(j, key);
    }
    return rc;
}
