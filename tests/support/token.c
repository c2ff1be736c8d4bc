/* SPDX-License-Identifier: Apache-2.0 */
/* token.c - box_token(): JSON Web Tokens (RFC 7519) signed by ourselves, so
 * that a mistake which a library and the broker share would show. */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "box.h"

enum { PART_MAX = 1024 };

/* Base64 with the alphabet for URLs and without padding (RFC 4648). */
static void encode(char *out, const void *bytes, size_t len)
{
    EVP_EncodeBlock((unsigned char *)out, bytes, (int)len);
    for (char *at = out; *at != '\0'; at++) {
        if (*at == '+')
            *at = '-';
        else if (*at == '/')
            *at = '_';
        else if (*at == '=')
            *at = '\0';
    }
}

char *box_token(const char *secret, const char *user, const char *claims)
{
    static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    char body[PART_MAX / 2], part[PART_MAX];
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned mac_len;
    char *token = calloc(1, 3 * PART_MAX);

    if (token == NULL)
        abort();
    snprintf(body, sizeof body, "{\"sub\":\"%s\"%s%s}", user,
             claims == NULL ? "" : ",", claims == NULL ? "" : claims);
    encode(part, header, strlen(header));
    strcat(strcat(token, part), ".");
    encode(part, body, strlen(body));
    strcat(token, part);
    HMAC(EVP_sha256(), secret, (int)strlen(secret),
         (const unsigned char *)token, strlen(token), mac, &mac_len);
    encode(part, mac, mac_len);
    strcat(strcat(token, "."), part);
    return token;
}
