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

#include "pattern.h"
#include "refs.h"

enum { SECRET, PREVIOUS, RSA_KEY, EC_KEY, ED_KEY, KEYS };

struct pl_token_policy {
    struct pl_refs refs;
    struct pl_jws_key *keys[KEYS]; /* own references; NULL: none */
    int64_t previous_until_s;      /* Unix time; 0: for ever */
    struct {
        char *exact;                /* owned; NULL: not compared */
        struct pl_pattern *pattern; /* owned; NULL: not compared */
    } names[PL_TOKEN_NAMES];
    bool ignores_names;
    char *user_claim; /* owned; NULL: sub */
    char *jwks;       /* owned; NULL: `keys` count */
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

static enum pl_err add_text(char **out, const char *text)
{
    *out = text == NULL ? NULL : strdup(text);
    return text != NULL && *out == NULL ? PL_ENOMEM : PL_OK;
}

static enum pl_err add_pattern(struct pl_pattern **out, const char *text,
                               const char **why)
{
    *why = "it is not a regular expression";
    return text == NULL ? PL_OK : pl_pattern_create(out, pl_span_of(text));
}

static bool is_claim(const char *name)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";

    return name[strspn(name, letters)] == '\0';
}

static enum pl_err add_patterns(struct pl_token_policy *p,
                                const struct pl_token_settings *s,
                                const char **key, const char **why)
{
    enum pl_err rc;

    *key = "audience_regex";
    *why = "audience is set, too";
    if (s->audience != NULL && s->audience_regex != NULL)
        return PL_EINVAL;
    rc = add_pattern(&p->names[PL_TOKEN_AUDIENCE].pattern, s->audience_regex,
                     why);
    if (rc != PL_OK)
        return rc;
    *key = "issuer_regex";
    *why = "issuer is set, too";
    if (s->issuer != NULL && s->issuer_regex != NULL)
        return PL_EINVAL;
    return add_pattern(&p->names[PL_TOKEN_ISSUER].pattern, s->issuer_regex,
                       why);
}

static enum pl_err add_names(struct pl_token_policy *p,
                             const struct pl_token_settings *s,
                             const char **key, const char **why)
{
    enum pl_err rc;

    if ((rc = add_text(&p->names[PL_TOKEN_AUDIENCE].exact, s->audience)) !=
            PL_OK ||
        (rc = add_text(&p->names[PL_TOKEN_ISSUER].exact, s->issuer)) != PL_OK ||
        (rc = add_text(&p->user_claim, s->user_id_claim)) != PL_OK ||
        (rc = add_patterns(p, s, key, why)) != PL_OK)
        return rc;
    p->ignores_names = s->ignores_names;
    *key = "user_id_claim";
    *why = "a claim has letters and _ alone";
    return s->user_id_claim == NULL || is_claim(s->user_id_claim) ? PL_OK
                                                                  : PL_EINVAL;
}

/* A placeholder, {{name}}, would let claims choose the server. */
static bool is_url(const char *text)
{
    size_t i = 0;

    for (; text[i] != '\0'; i++)
        if (text[i] <= ' ' || text[i] >= 0x7f || strchr("{}\\^`\"<>", text[i]))
            return false;
    return strncmp(text, "https://", 8) == 0 ||
           strncmp(text, "http://", 7) == 0;
}

static enum pl_err add_keys(struct pl_token_policy *p,
                            const struct pl_token_settings *s, const char **key,
                            const char **why)
{
    enum pl_err rc;

    if (s->jwks_url != NULL) {
        *key = "jwks_url";
        *why = "it is not a URL as https://id.example.org/keys";
        return is_url(s->jwks_url) ? add_text(&p->jwks, s->jwks_url)
                                   : PL_EINVAL;
    }
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
    rc = add_names(p, s, key, why);
    if (rc == PL_OK)
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
    for (unsigned i = 0; i < PL_TOKEN_NAMES; i++) {
        free(p->names[i].exact);
        pl_pattern_destroy(p->names[i].pattern);
    }
    free(p->user_claim);
    free(p->jwks);
    free(p);
}

bool pl_token_policy_is_empty(const struct pl_token_policy *p)
{
    for (unsigned i = 0; i < KEYS; i++)
        if (p->keys[i] != NULL)
            return false;
    return p->jwks == NULL;
}

const char *pl_token_policy_jwks(const struct pl_token_policy *p)
{
    return p->jwks;
}

bool pl_token_policy_has_public_keys(const struct pl_token_policy *p)
{
    return p->jwks != NULL || p->keys[RSA_KEY] != NULL ||
           p->keys[EC_KEY] != NULL || p->keys[ED_KEY] != NULL;
}

bool pl_token_policy_wants(const struct pl_token_policy *p,
                           enum pl_token_name which)
{
    return p->names[which].exact != NULL || p->names[which].pattern != NULL;
}

bool pl_token_policy_takes(const struct pl_token_policy *p,
                           enum pl_token_name which, struct pl_span text)
{
    const char *exact = p->names[which].exact;
    const struct pl_pattern *pattern = p->names[which].pattern;

    return (exact == NULL || pl_span_equal(text, pl_span_of(exact))) &&
           (pattern == NULL || pl_pattern_matches(pattern, text));
}

bool pl_token_policy_ignores_names(const struct pl_token_policy *p)
{
    return p->ignores_names;
}

const char *pl_token_policy_user_claim(const struct pl_token_policy *p)
{
    return p->user_claim == NULL ? "sub" : p->user_claim;
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
