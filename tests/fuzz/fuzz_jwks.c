/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_jwks.c - what a server of keys may answer: sets of public keys.
 *
 * What must hold: a set has at most PL_JWKS_MAX keys; it never has a key for a
 * secret's algorithms, since a public text would then sign tokens; a key that
 * is found is for the algorithm that was asked for, and verifies no signature
 * that is made up. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jwks.h"
#include "token.h"
#include "token_policy.h"

enum { INPUT_MAX = 8192 };

static const char *const names[PL_JWS_ALGS] = {
#define X(name, family, hash, half) [PL_JWS_##name] = #name,
    PL_JWS_ALG_MAP(X)
#undef X
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

/* base64url without padding. */
static void encode(char *out, const char *text)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrs"
        "tuvwxyz0123456789-_";
    size_t len = strlen(text);

    for (size_t i = 0; i < len; i += 3) {
        size_t have = len - i < 3 ? len - i : 3;
        uint32_t v = 0;

        for (size_t j = 0; j < 3; j++)
            v = v << 8 | (j < have ? (uint8_t)text[i + j] : 0u);
        for (size_t j = 0; j <= have; j++)
            *out++ = alphabet[v >> (18 - 6 * j) & 63];
    }
    *out = '\0';
}

/* A token of this algorithm with a signature that no key made.  Its bytes are
 * not zero: with a key that is a point of small order, which only the server of
 * the keys could publish, such a signature may hold. */
static void check_forged(const struct pl_jwks *set, enum pl_jws_alg alg,
                         size_t digits)
{
    struct pl_jws_key *key = pl_jwks_find(set, PL_SPAN("k"), alg);
    struct pl_token_claims *claims = NULL;
    struct pl_token_policy *policy = NULL;
    const char *why = NULL;
    char header[64], token[1024], *at = token;

    if (key == NULL)
        return;
    must(alg > PL_JWS_HS512);
    must(pl_token_policy_of_key(&policy, key) == PL_OK);
    snprintf(header, sizeof header, "{\"alg\":\"%s\",\"kid\":\"k\"}",
             names[alg]);
    encode(at, header);
    at += strlen(at);
    at += snprintf(at, 64, ".e30.");
    memset(at, 'B', digits);
    if (digits > 0)
        at[digits - 1] = 'A'; /* its unused bits are zero */
    must(pl_token_verify_by(
             policy, key, PL_TOKEN_CONNECTION,
             (struct pl_span){token, (size_t)(at - token) + digits}, 1000,
             &claims, &why) != PL_OK);
    must(claims == NULL);
    pl_token_policy_release(policy);
}

static void check(const struct pl_jwks *set)
{
    /* base64url of 64 bytes, of ES512's 132, of RSA-2048's 256 */
    static const size_t lengths[] = {0, 86, 176, 342};

    must(pl_jwks_count(set) <= PL_JWKS_MAX);
    for (unsigned alg = 0; alg < PL_JWS_ALGS; alg++)
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
            check_forged(set, (enum pl_jws_alg)alg, lengths[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pl_jwks *set = NULL;

    if (size > INPUT_MAX)
        return 0;
    if (pl_jwks_create(&set, (struct pl_span){(const char *)data, size}) ==
        PL_OK)
        check(set);
    else
        must(set == NULL);
    pl_jwks_destroy(set);
    return 0;
}
