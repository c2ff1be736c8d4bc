/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_token.c - tokens of any bytes, and genuine ones that say anything; the
 * broker has keys of every kind.
 *
 * A fuzzer does not find signatures, so the input is also signed here, as a
 * payload, and as header and payload with a line break between. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "channel_name.h"
#include "token.h"

enum { INPUT_MAX = 8192 };

#define SECRET "0123456789abcdef0123456789abcdef"

static struct pl_token_policy *policy;

/* Keys of which nobody has the private half. */
static const char rsa_key[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAoUweIL8A9vb1mA13fTZQ\n"
    "kVb5gvEId+80PQ+L6rdJU+Ak5De4fQBgO9AuNxjHGIpg30e9jhqIXzRUMO37TovC\n"
    "7aP31ooGm/ghr6G2jHmP/yczZcxBxtqRiuO/YSAvWaBiohfCApoG3Gj098E7haNB\n"
    "U3locnOEgsFbWvNjIsx5b303Ur3oRgEeqSQNZJ3axKaY8bJv3CzooW+3v48kEW1X\n"
    "X6k5yXIEqsoWKFt87VVuPKtmwtEQLXi1owJ4zBOI0W9F+bU85HLX0tDg+N0/4+xr\n"
    "72L15nFi4LTGNYhfnXCHUFnnr76ZQFyUecOjkfFNZeEjTfnzKmOMIAee6rQ1jYeB\n"
    "NQIDAQAB\n"
    "-----END PUBLIC KEY-----\n";
static const char ec_key[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE2wcmkIhr5QFcCwU+bcByBtqduyka\n"
    "Q657r2BkIaq7GpVtkR+oHRNIH7Os/jjhAOYnN3ry/tyNKyvW4LzE3arL2Q==\n"
    "-----END PUBLIC KEY-----\n";
static const char ed_key[] =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEAefYQirG9wcvifG38m3MIpgKTLg6QioGo7Dsv6JR6RxQ=\n"
    "-----END PUBLIC KEY-----\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check(const struct pl_token_claims *c, enum pl_token_kind kind)
{
    must(c->user.len <= PL_TOKEN_USER_MAX);
    must(c->info.at == NULL || c->info.len > 0);
    for (size_t i = 0; i < c->sub_count; i++) {
        must(c->subs[i].channel.len > 0);
        must(kind == PL_TOKEN_SUBSCRIPTION ||
             pl_channel_name_check(c->subs[i].channel) == PL_CHANNEL_NAME_OK);
        must((c->subs[i].values & ~c->subs[i].overrides) == 0);
        must(c->subs[i].info.at == NULL || c->subs[i].info.len > 0);
    }
    must(kind == PL_TOKEN_CONNECTION || c->sub_count == 1);
}

static void verify_as(enum pl_token_kind kind, struct pl_span token,
                      bool is_ours)
{
    struct pl_token_claims *c = NULL;
    const char *why = NULL;

    if (pl_token_verify(policy, kind, token, 1000, &c, &why) == PL_OK) {
        must(is_ours);
        check(c, kind);
        pl_token_claims_destroy(c);
    } else {
        must(c == NULL && why != NULL);
    }
}

static void verify(const char *token, size_t len, bool is_ours)
{
    verify_as(PL_TOKEN_CONNECTION, (struct pl_span){token, len}, is_ours);
    verify_as(PL_TOKEN_SUBSCRIPTION, (struct pl_span){token, len}, is_ours);
}

/* base64url without padding, behind *at. */
static char *encode(char *at, const uint8_t *data, size_t size)
{
    int len = EVP_EncodeBlock((unsigned char *)at, data, (int)size);

    for (int i = 0; i < len; i++) {
        at[i] = at[i] == '+' ? '-' : at[i] == '/' ? '_' : at[i];
        if (at[i] == '=')
            len = i;
    }
    return at + len;
}

/* Sign with `secret`; with a public key as the secret, the token must not be
 * good. */
static void sign_and_verify(const char *secret, const uint8_t *header,
                            size_t header_size, const uint8_t *payload,
                            size_t size)
{
    static char token[4 * INPUT_MAX];
    unsigned char sum[32];
    unsigned sum_len;
    char *at = encode(token, header, header_size);

    *at++ = '.';
    at = encode(at, payload, size);
    must(HMAC(EVP_sha256(), secret, (int)strlen(secret), (unsigned char *)token,
              (size_t)(at - token), sum, &sum_len) != NULL);
    *at++ = '.';
    at = encode(at, sum, sum_len);
    verify(token, (size_t)(at - token), strcmp(secret, SECRET) == 0);
}

static void begin(void)
{
    char secret[] = SECRET;
    const struct pl_token_settings settings = {
        .hmac_secret = secret,
        .rsa_public_key = (char *)rsa_key,
        .ecdsa_public_key = (char *)ec_key,
        .eddsa_public_key = (char *)ed_key};
    const char *name, *why;

    must(pl_token_policy_create(&policy, &settings, &name, &why) == PL_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    static const char *const secrets[] = {SECRET, rsa_key, ec_key, ed_key};
    const uint8_t *line;

    if (policy == NULL)
        begin();
    if (size == 0 || size > INPUT_MAX)
        return 0;
    verify((const char *)data, size, false);
    sign_and_verify(SECRET, (const uint8_t *)header, sizeof(header) - 1, data,
                    size);
    line = memchr(data, '\n', size);
    for (size_t i = 0; i < 4 && line != NULL; i++)
        sign_and_verify(secrets[i], data, (size_t)(line - data), line + 1,
                        size - (size_t)(line - data) - 1);
    return 0;
}
