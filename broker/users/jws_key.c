/* SPDX-License-Identifier: Apache-2.0 */
/* jws_key.c - see jws_key.h.
 *
 * OpenSSL does all of it by EVP.  A key holds the set of its algorithms, which
 * its creator fixed, so that a token cannot have an RSA key used as a secret.
 *
 * Rejected: libjwt 1.10, because it knows no EdDSA and no JWK; two libraries
 * that verify would be two places of truth.
 *
 * Invariant: a key that fits an algorithm is of its family, and on its curve.
 */
#include "jws_key.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include "base64.h"
#include "jws_key_private.h"
#include "refs.h"

enum { MAC_MAX = 64, HALF_MAX = 66 };

struct pl_jws_key {
    struct pl_refs refs;
    unsigned algs; /* 1 << enum pl_jws_alg */
    enum pl_jws_family family;
    bool is_private;
    EVP_PKEY *pair; /* owned; NULL: a secret */
    size_t secret_len;
    unsigned char secret[];
};

static const struct {
    const char *name;
    const EVP_MD *(*hash)(void);
    enum pl_jws_family family;
    size_t half;
} algs[] = {
#define X(name, family, hash, half) {#name, hash, PL_JWS_##family, half},
    PL_JWS_ALG_MAP(X)
#undef X
};

enum {
    HMACS = 1 << PL_JWS_HS256 | 1 << PL_JWS_HS384 | 1 << PL_JWS_HS512,
    RSAS = 1 << PL_JWS_RS256 | 1 << PL_JWS_RS384 | 1 << PL_JWS_RS512
};

bool pl_jws_alg_find(struct pl_span name, enum pl_jws_alg *out)
{
    for (unsigned i = 0; i < PL_JWS_ALGS; i++) {
        if (!pl_span_equal(name, pl_span_of(algs[i].name)))
            continue;
        *out = (enum pl_jws_alg)i;
        return true;
    }
    return false;
}

const char *pl_jws_alg_name(enum pl_jws_alg alg)
{
    return algs[alg].name;
}

enum pl_jws_family pl_jws_alg_family(enum pl_jws_alg alg)
{
    return algs[alg].family;
}

bool pl_jws_key_fits(const struct pl_jws_key *k, enum pl_jws_alg alg)
{
    return (k->algs >> alg & 1) != 0;
}

enum pl_jws_family pl_jws_key_family(const struct pl_jws_key *k)
{
    return k->family;
}

/* --- Life --- */

enum pl_err pl_jws_key_of_secret(struct pl_jws_key **out, struct pl_span secret)
{
    struct pl_jws_key *k;

    if (secret.len == 0 || secret.len > INT32_MAX)
        return PL_EINVAL;
    if ((k = calloc(1, sizeof *k + secret.len)) == NULL)
        return PL_ENOMEM;
    pl_refs_init(&k->refs);
    k->algs = HMACS;
    k->family = PL_JWS_HMAC;
    k->is_private = true;
    k->secret_len = secret.len;
    memcpy(k->secret, secret.at, secret.len);
    *out = k;
    return PL_OK;
}

struct pl_jws_key *pl_jws_key_hold(struct pl_jws_key *k)
{
    pl_refs_hold(&k->refs);
    return k;
}

void pl_jws_key_release(struct pl_jws_key *k)
{
    if (k == NULL || !pl_refs_release(&k->refs))
        return;
    EVP_PKEY_free(k->pair);
    OPENSSL_cleanse(k->secret, k->secret_len);
    free(k);
}

/* Return the algorithms of a key of an elliptic curve. */
static unsigned algs_of_curve(const EVP_PKEY *pair)
{
    static const struct {
        const char *name;
        enum pl_jws_alg alg;
    } curves[] = {{"prime256v1", PL_JWS_ES256},
                  {"secp384r1", PL_JWS_ES384},
                  {"secp521r1", PL_JWS_ES512}};
    char name[64] = "";

    EVP_PKEY_get_group_name(pair, name, sizeof name, NULL);
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
        if (strcmp(name, curves[i].name) == 0)
            return 1u << curves[i].alg;
    return 0;
}

/* Set the algorithms of k->pair; return what is wrong with it, or NULL. */
static const char *classify(struct pl_jws_key *k)
{
    switch (EVP_PKEY_get_base_id(k->pair)) {
    case EVP_PKEY_RSA:
        k->family = PL_JWS_RSA;
        k->algs = RSAS;
        return EVP_PKEY_get_bits(k->pair) < PL_JWS_RSA_BITS_MIN
                   ? "an RSA key has at least 2048 bits"
                   : NULL;
    case EVP_PKEY_EC:
        k->family = PL_JWS_EC;
        k->algs = algs_of_curve(k->pair);
        return k->algs == 0 ? "its curve is not P-256, P-384 or P-521" : NULL;
    case EVP_PKEY_ED25519:
        k->family = PL_JWS_ED;
        k->algs = 1u << PL_JWS_EdDSA;
        return NULL;
    default:
        return "its kind is not RSA, EC or Ed25519";
    }
}

enum pl_err pl_jws_key_of_pair(struct pl_jws_key **out, EVP_PKEY *pair,
                               bool is_private, const char **why)
{
    struct pl_jws_key *k = calloc(1, sizeof *k);

    if (k == NULL) {
        EVP_PKEY_free(pair);
        return PL_ENOMEM;
    }
    pl_refs_init(&k->refs);
    k->pair = pair;
    k->is_private = is_private;
    if ((*why = classify(k)) != NULL) {
        pl_jws_key_release(k);
        return PL_EINVAL;
    }
    *out = k;
    return PL_OK;
}

void pl_jws_key_narrow(struct pl_jws_key *k, enum pl_jws_alg alg)
{
    k->algs &= 1u << alg;
}

/* Refuse a key with a passphrase, instead of a question at a terminal. */
static int no_passphrase(char *to, int size, int is_writing, void *user)
{
    (void)to, (void)size, (void)is_writing, (void)user;
    return -1;
}

enum pl_err pl_jws_key_of_pem(struct pl_jws_key **out, struct pl_span pem,
                              bool is_private, const char **why)
{
    BIO *text = BIO_new_mem_buf(pem.at, (int)pem.len);
    EVP_PKEY *pair = NULL;

    if (text == NULL)
        return PL_ENOMEM;
    pair = is_private ? PEM_read_bio_PrivateKey(text, NULL, no_passphrase, NULL)
                      : PEM_read_bio_PUBKEY(text, NULL, no_passphrase, NULL);
    BIO_free(text);
    ERR_clear_error();
    if (pair != NULL)
        return pl_jws_key_of_pair(out, pair, is_private, why);
    *why = is_private ? "it is not a private key in PEM without a passphrase"
                      : "it is not a public key in PEM: -----BEGIN PUBLIC "
                        "KEY-----";
    return PL_EINVAL;
}

/* --- Secrets --- */

/* Return the length of the code; 0: out of memory. */
static size_t make_mac(const struct pl_jws_key *k, enum pl_jws_alg alg,
                       struct pl_span text, unsigned char mac[MAC_MAX])
{
    unsigned len = 0;

    return HMAC(algs[alg].hash(), k->secret, (int)k->secret_len,
                (const unsigned char *)text.at, text.len, mac, &len) != NULL
               ? len
               : 0;
}

/* Compare texts, because each value has one text, in a time that does not
 * depend on how much is correct. */
static enum pl_err check_mac(const struct pl_jws_key *k, enum pl_jws_alg alg,
                             struct pl_span text, struct pl_span signature)
{
    unsigned char mac[MAC_MAX];
    struct pl_buf wanted = {0};
    enum pl_err rc = PL_ENOMEM;
    size_t len = make_mac(k, alg, text, mac);

    if (len > 0) {
        pl_base64url_encode(&wanted, (struct pl_span){(const char *)mac, len});
        if (!wanted.failed)
            rc = signature.len == wanted.len &&
                         CRYPTO_memcmp(signature.at, wanted.data, wanted.len) ==
                             0
                     ? PL_OK
                     : PL_EDENIED;
    }
    pl_buf_fini(&wanted);
    return rc;
}

static enum pl_err sign_mac(const struct pl_jws_key *k, enum pl_jws_alg alg,
                            struct pl_span text, struct pl_buf *out)
{
    unsigned char mac[MAC_MAX];
    size_t len = make_mac(k, alg, text, mac);

    if (len == 0)
        return PL_ENOMEM;
    pl_base64url_encode(out, (struct pl_span){(const char *)mac, len});
    return out->failed ? PL_ENOMEM : PL_OK;
}

/* --- Pairs --- */

static const EVP_MD *hash_of(enum pl_jws_alg alg)
{
    return algs[alg].hash == NULL ? NULL : algs[alg].hash();
}

/* Turn the two numbers of a signature into the form that OpenSSL reads.  NULL:
 * out of memory. */
static unsigned char *der_of(struct pl_span halves, int *len)
{
    const unsigned char *at = (const unsigned char *)halves.at;
    int half = (int)(halves.len / 2);
    ECDSA_SIG *both = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(at, half, NULL),
           *s = BN_bin2bn(at + half, half, NULL);
    unsigned char *der = NULL;

    if (both == NULL || r == NULL || s == NULL ||
        ECDSA_SIG_set0(both, r, s) != 1) {
        BN_free(r);
        BN_free(s);
    } else {
        *len = i2d_ECDSA_SIG(both, &der);
    }
    ECDSA_SIG_free(both);
    return der;
}

/* Append the two numbers of a signature that OpenSSL wrote. */
static bool put_halves(struct pl_buf *out, const unsigned char *der, size_t len,
                       size_t half)
{
    unsigned char both[2 * HALF_MAX];
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);
    bool good = sig != NULL &&
                BN_bn2binpad(ECDSA_SIG_get0_r(sig), both, (int)half) > 0 &&
                BN_bn2binpad(ECDSA_SIG_get0_s(sig), both + half, (int)half) > 0;

    ECDSA_SIG_free(sig);
    if (good)
        pl_base64url_encode(out,
                            (struct pl_span){(const char *)both, 2 * half});
    return good;
}

static enum pl_err verify(const struct pl_jws_key *k, enum pl_jws_alg alg,
                          struct pl_span text, const void *signature,
                          size_t len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    enum pl_err rc = PL_ENOMEM;

    if (ctx != NULL &&
        EVP_DigestVerifyInit(ctx, NULL, hash_of(alg), NULL, k->pair) == 1)
        rc = EVP_DigestVerify(ctx, signature, len,
                              (const unsigned char *)text.at, text.len) == 1
                 ? PL_OK
                 : PL_EDENIED;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return rc;
}

static enum pl_err check_halves(const struct pl_jws_key *k, enum pl_jws_alg alg,
                                struct pl_span text, struct pl_span signature)
{
    unsigned char *der;
    int len = 0;

    if (signature.len != 2 * algs[alg].half)
        return PL_EDENIED;
    if ((der = der_of(signature, &len)) == NULL)
        return PL_ENOMEM;
    enum pl_err rc = verify(k, alg, text, der, (size_t)len);
    OPENSSL_free(der);
    return rc;
}

enum pl_err pl_jws_key_check(const struct pl_jws_key *k, enum pl_jws_alg alg,
                             struct pl_span text, struct pl_span signature)
{
    struct pl_buf bytes = {0};
    enum pl_err rc;

    if (!pl_jws_key_fits(k, alg))
        return PL_EDENIED;
    if (k->pair == NULL)
        return check_mac(k, alg, text, signature);
    if (!pl_base64url_decode(&bytes, signature))
        rc = bytes.failed ? PL_ENOMEM : PL_EDENIED;
    else if (k->family == PL_JWS_EC)
        rc = check_halves(k, alg, text, pl_buf_span(&bytes));
    else
        rc = verify(k, alg, text, bytes.data, bytes.len);
    pl_buf_fini(&bytes);
    return rc;
}

/* Return the signature as OpenSSL writes it; NULL: out of memory. */
static unsigned char *make_signature(const struct pl_jws_key *k,
                                     enum pl_jws_alg alg, struct pl_span text,
                                     size_t *len)
{
    const unsigned char *at = (const unsigned char *)text.at;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char *signature = NULL;

    *len = 0;
    if (ctx != NULL &&
        EVP_DigestSignInit(ctx, NULL, hash_of(alg), NULL, k->pair) == 1 &&
        EVP_DigestSign(ctx, NULL, len, at, text.len) == 1 &&
        (signature = malloc(*len)) != NULL &&
        EVP_DigestSign(ctx, signature, len, at, text.len) != 1) {
        free(signature);
        signature = NULL;
    }
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return signature;
}

enum pl_err pl_jws_key_sign(const struct pl_jws_key *k, enum pl_jws_alg alg,
                            struct pl_span text, struct pl_buf *out)
{
    size_t len;

    if (!pl_jws_key_fits(k, alg) || !k->is_private)
        return PL_EINVAL;
    if (k->pair == NULL)
        return sign_mac(k, alg, text, out);
    unsigned char *signature = make_signature(k, alg, text, &len);
    if (signature == NULL)
        return PL_ENOMEM;
    bool good = true;
    if (k->family == PL_JWS_EC)
        good = put_halves(out, signature, len, algs[alg].half);
    else
        pl_base64url_encode(out,
                            (struct pl_span){(const char *)signature, len});
    free(signature);
    return good && !out->failed ? PL_OK : PL_ENOMEM;
}
