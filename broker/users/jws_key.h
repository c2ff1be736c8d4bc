/* SPDX-License-Identifier: Apache-2.0 */
/* jws_key.h - a key of JSON Web Signatures: a secret, or one half of a key
 * pair.
 *
 * A key knows which algorithms it may be used with, and nothing that a token
 * says changes that.  Keys are immutable and reference-counted.
 *
 * Thread: any. */
#ifndef PL_JWS_KEY_H
#define PL_JWS_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "span.h"

/* Name, family (enum pl_jws_family), hash and bytes of a half of an ECDSA
 * signature. */
#define PL_JWS_ALG_MAP(X)                                                      \
    X(HS256, HMAC, EVP_sha256, 0)                                              \
    X(HS384, HMAC, EVP_sha384, 0)                                              \
    X(HS512, HMAC, EVP_sha512, 0)                                              \
    X(RS256, RSA, EVP_sha256, 0)                                               \
    X(RS384, RSA, EVP_sha384, 0)                                               \
    X(RS512, RSA, EVP_sha512, 0)                                               \
    X(ES256, EC, EVP_sha256, 32)                                               \
    X(ES384, EC, EVP_sha384, 48)                                               \
    X(ES512, EC, EVP_sha512, 66)                                               \
    X(EdDSA, ED, NULL, 0)

enum pl_jws_alg {
#define X(name, family, hash, half) PL_JWS_##name,
    PL_JWS_ALG_MAP(X)
#undef X
        PL_JWS_ALGS
};

enum pl_jws_family { PL_JWS_HMAC, PL_JWS_RSA, PL_JWS_EC, PL_JWS_ED };

enum { PL_JWS_RSA_BITS_MIN = 2048 }; /* RFC 7518, section 3.3 */

struct pl_jws_key; /* opaque */

/* Create the key of HS256, HS384 and HS512.
 * Owner:  the caller releases *out.
 * Errors: PL_EINVAL (empty, or longer than 2^31 bytes), PL_ENOMEM. */
enum pl_err pl_jws_key_of_secret(struct pl_jws_key **out,
                                 struct pl_span secret);

/* Create a key of a PEM text with one public key, or with one private key if
 * `is_private`.  An RSA key is for RS256, RS384 and RS512, one of an elliptic
 * curve for the algorithm of the curve, one of Ed25519 for EdDSA.  On an error
 * *why is a constant text without any part of the key.
 * Owner:  the caller releases *out.
 * Errors: PL_EINVAL (no such text, another kind of key, or an RSA key of less
 *         than 2048 bits), PL_ENOMEM. */
enum pl_err pl_jws_key_of_pem(struct pl_jws_key **out, struct pl_span pem,
                              bool is_private, const char **why);

/* pl_jws_key_release() allows NULL.  The last release wipes a secret. */
struct pl_jws_key *pl_jws_key_hold(struct pl_jws_key *k);
void pl_jws_key_release(struct pl_jws_key *k);

/* Return true if the key may be used with `alg`. */
bool pl_jws_key_fits(const struct pl_jws_key *k, enum pl_jws_alg alg);
enum pl_jws_family pl_jws_key_family(const struct pl_jws_key *k);

/* Find an algorithm by its name, as tokens write it.  False: none has it. */
bool pl_jws_alg_find(struct pl_span name, enum pl_jws_alg *out);
const char *pl_jws_alg_name(enum pl_jws_alg alg);
enum pl_jws_family pl_jws_alg_family(enum pl_jws_alg alg);

/* Check `signature`, which is in base64url, of `text`.  The key fits `alg`.
 * Errors: PL_EDENIED, PL_ENOMEM. */
enum pl_err pl_jws_key_check(const struct pl_jws_key *k, enum pl_jws_alg alg,
                             struct pl_span text, struct pl_span signature);

/* Append the signature of `text` in base64url.  `text` must not be in `out`.
 * Errors: PL_EINVAL (the key does not fit, or it is a public one),
 *         PL_ENOMEM. */
enum pl_err pl_jws_key_sign(const struct pl_jws_key *k, enum pl_jws_alg alg,
                            struct pl_span text, struct pl_buf *out);

#endif
