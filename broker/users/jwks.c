/* SPDX-License-Identifier: Apache-2.0 */
/* jwks.c - see jwks.h.
 *
 * jansson reads the set, and OpenSSL makes the keys of its numbers; both check
 * what they read, points against their curve too.  A key is left out rather
 * than the set refused: providers add kinds of keys, and a new one must not
 * lock all users out.
 *
 * Rejected: a key without `use`, because it may be one for encryption. */
#include "jwks.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "base64.h"
#include "jws.h"
#include "jws_key_private.h"

struct item {
    char *kid; /* owned */
    struct pl_jws_key *key;
};

struct pl_jwks {
    size_t count;
    struct item items[PL_JWKS_MAX];
};

static struct pl_span text_of(const json_t *jwk, const char *name)
{
    const json_t *value = json_object_get(jwk, name);

    return (struct pl_span){json_string_value(value),
                            json_string_length(value)};
}

static bool is(const json_t *jwk, const char *name, const char *wanted)
{
    return pl_span_equal(text_of(jwk, name), pl_span_of(wanted));
}

/* Append the bytes of a member. */
static bool put_bytes(struct pl_buf *out, const json_t *jwk, const char *name)
{
    struct pl_span text = text_of(jwk, name);

    return text.len > 0 && pl_base64url_decode(out, text);
}

/* --- Key pairs --- */

/* Return a public key of `type` with the parameters in `build`; NULL: they make
 * none. */
static EVP_PKEY *make(const char *type, OSSL_PARAM_BLD *build)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    if (params != NULL && ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1)
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    ERR_clear_error();
    return key;
}

static BIGNUM *number(const struct pl_buf *b)
{
    return BN_bin2bn((const unsigned char *)b->data, (int)b->len, NULL);
}

static EVP_PKEY *make_rsa(const json_t *jwk)
{
    struct pl_buf n = {0}, e = {0};
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *modulus = NULL, *exponent = NULL;
    EVP_PKEY *key = NULL;

    if (build != NULL && put_bytes(&n, jwk, "n") && put_bytes(&e, jwk, "e") &&
        (modulus = number(&n)) != NULL && (exponent = number(&e)) != NULL &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
        key = make("RSA", build);
    BN_free(modulus);
    BN_free(exponent);
    OSSL_PARAM_BLD_free(build);
    pl_buf_fini(&n);
    pl_buf_fini(&e);
    return key;
}

/* The length of a coordinate is fixed, so x and y need no lengths. */
static EVP_PKEY *make_ec(const json_t *jwk)
{
    static const struct {
        const char *crv, *group;
        size_t len;
    } curves[] = {{"P-256", "prime256v1", 65},
                  {"P-384", "secp384r1", 97},
                  {"P-521", "secp521r1", 133}};
    struct pl_buf point = {0};
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;

    pl_buf_put_byte(&point, 4); /* uncompressed */
    bool good = build != NULL && put_bytes(&point, jwk, "x") &&
                put_bytes(&point, jwk, "y");
    for (size_t i = 0; i < sizeof curves / sizeof curves[0] && good; i++) {
        if (!is(jwk, "crv", curves[i].crv) || point.len != curves[i].len)
            continue;
        if (OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME,
                                            curves[i].group, 0) == 1 &&
            OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY,
                                             point.data, point.len) == 1)
            key = make("EC", build);
    }
    OSSL_PARAM_BLD_free(build);
    pl_buf_fini(&point);
    return key;
}

static EVP_PKEY *make_ed(const json_t *jwk)
{
    struct pl_buf x = {0};
    EVP_PKEY *key = NULL;

    if (is(jwk, "crv", "Ed25519") && put_bytes(&x, jwk, "x"))
        key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
                                          (const unsigned char *)x.data, x.len);
    ERR_clear_error();
    pl_buf_fini(&x);
    return key;
}

static EVP_PKEY *make_pair(const json_t *jwk)
{
    return is(jwk, "kty", "RSA")   ? make_rsa(jwk)
           : is(jwk, "kty", "EC")  ? make_ec(jwk)
           : is(jwk, "kty", "OKP") ? make_ed(jwk)
                                   : NULL;
}

/* --- The set --- */

/* Return the key of `jwk`; NULL: it is none for signatures, or a bad one. */
static struct pl_jws_key *read_key(const json_t *jwk)
{
    struct pl_jws_key *key = NULL;
    const char *why;
    enum pl_jws_alg alg;
    EVP_PKEY *pair = is(jwk, "use", "sig") ? make_pair(jwk) : NULL;

    if (pair == NULL || pl_jws_key_of_pair(&key, pair, false, &why) != PL_OK)
        return NULL;
    if (json_object_get(jwk, "alg") == NULL)
        return key;
    if (pl_jws_alg_find(text_of(jwk, "alg"), &alg) &&
        pl_jws_key_fits(key, alg)) {
        pl_jws_key_narrow(key, alg);
        return key;
    }
    pl_jws_key_release(key);
    return NULL;
}

static enum pl_err add(struct pl_jwks *set, const json_t *jwk)
{
    struct pl_span kid = text_of(jwk, "kid");
    struct item *item = &set->items[set->count];

    if (kid.len == 0 || kid.len > PL_JWS_KID_MAX || set->count == PL_JWKS_MAX)
        return PL_OK;
    if ((item->key = read_key(jwk)) == NULL)
        return PL_OK;
    if ((item->kid = strdup(kid.at)) == NULL) {
        pl_jws_key_release(item->key);
        return PL_ENOMEM;
    }
    set->count++;
    return PL_OK;
}

enum pl_err pl_jwks_create(struct pl_jwks **out, struct pl_span text)
{
    json_t *root = json_loadb(text.at, text.len, 0, NULL);
    const json_t *keys = json_object_get(root, "keys");
    struct pl_jwks *set = calloc(1, sizeof *set);
    enum pl_err rc = set == NULL            ? PL_ENOMEM
                     : !json_is_array(keys) ? PL_EBADMSG
                                            : PL_OK;

    for (size_t i = 0; i < json_array_size(keys) && rc == PL_OK; i++)
        rc = add(set, json_array_get(keys, i));
    json_decref(root);
    if (rc == PL_OK)
        *out = set;
    else
        pl_jwks_destroy(set);
    return rc;
}

void pl_jwks_destroy(struct pl_jwks *set)
{
    for (size_t i = 0; set != NULL && i < set->count; i++) {
        free(set->items[i].kid);
        pl_jws_key_release(set->items[i].key);
    }
    free(set);
}

size_t pl_jwks_count(const struct pl_jwks *set)
{
    return set->count;
}

struct pl_jws_key *pl_jwks_find(const struct pl_jwks *set, struct pl_span kid,
                                enum pl_jws_alg alg)
{
    for (size_t i = 0; i < set->count; i++)
        if (pl_span_equal(kid, pl_span_of(set->items[i].kid)) &&
            pl_jws_key_fits(set->items[i].key, alg))
            return set->items[i].key;
    return NULL;
}
