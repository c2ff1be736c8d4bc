/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_token.c - tokens of any bytes, and genuine ones that say anything.
 *
 * A fuzzer does not find signatures, so the input is also signed here, as a
 * payload, and as header and payload with a line break between. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "permission.h"
#include "token.h"

enum { INPUT_MAX = 8192 };

static const struct pl_token_key key = {
    {"0123456789abcdef0123456789abcdef", 32}};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check(const struct pl_token_claims *c)
{
    must(c->user.len <= PL_TOKEN_USER_MAX);
    must(c->info.at == NULL || c->info.len > 0);
    for (size_t i = 0; i < c->channel_count; i++)
        must(pl_channel_name_check(c->channels[i]) == PL_CHANNEL_NAME_OK);
}

static void verify(const char *token, size_t len, bool is_ours)
{
    struct pl_token_claims *c = NULL;
    const char *why = NULL;

    if (pl_token_verify(&key, (struct pl_span){token, len}, 1000, &c, &why) ==
        PL_OK) {
        must(is_ours);
        check(c);
        pl_token_claims_destroy(c);
    } else {
        must(c == NULL && why != NULL);
    }
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

static void sign_and_verify(const uint8_t *header, size_t header_size,
                            const uint8_t *payload, size_t size)
{
    static char token[4 * INPUT_MAX];
    unsigned char sum[32];
    unsigned sum_len;
    char *at = encode(token, header, header_size);

    *at++ = '.';
    at = encode(at, payload, size);
    must(HMAC(EVP_sha256(), key.secret.at, (int)key.secret.len,
              (unsigned char *)token, (size_t)(at - token), sum,
              &sum_len) != NULL);
    *at++ = '.';
    at = encode(at, sum, sum_len);
    verify(token, (size_t)(at - token), true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    const uint8_t *line;

    if (size == 0 || size > INPUT_MAX)
        return 0;
    verify((const char *)data, size, false);
    sign_and_verify((const uint8_t *)header, sizeof(header) - 1, data, size);
    if ((line = memchr(data, '\n', size)) != NULL)
        sign_and_verify(data, (size_t)(line - data), line + 1,
                        size - (size_t)(line - data) - 1);
    return 0;
}
