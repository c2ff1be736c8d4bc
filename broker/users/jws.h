/* SPDX-License-Identifier: Apache-2.0 */
/* jws.h - JSON Web Signatures (RFC 7515) in compact form: a payload of any
 * bytes with the proof that an owner of the key signed it.
 *
 * A reader opens a token, chooses a key by what the header says of it, checks
 * the signature, and only then believes the payload.
 *
 * Thread: any. */
#ifndef PL_JWS_H
#define PL_JWS_H

#include "buf.h"
#include "err.h"
#include "jws_key.h"
#include "span.h"

enum { PL_JWS_KID_MAX = 256 }; /* bytes of the name of a key */

/* An opened token.  The spans point into the token. */
struct pl_jws {
    enum pl_jws_alg alg;
    char *kid;           /* owned; NULL: the header names no key */
    struct pl_span text; /* what is signed */
    struct pl_span payload, signature; /* still encoded */
};

/* Read the header of `token`.  On an error *why is a constant text without any
 * part of the token.
 * Owner:  the caller calls pl_jws_fini(), also after an error.
 * Errors: PL_EBADMSG (not three parts of base64url, or a header that is not
 *         JSON), PL_EDENIED (an unknown algorithm, or an extension),
 *         PL_ENOMEM. */

enum pl_err pl_jws_open(struct pl_jws *j, struct pl_span token,
                        const char **why);
void pl_jws_fini(struct pl_jws *j);

/* Check the signature.
 * Errors: PL_EDENIED (not signed with this key, or the key is not for the
 *         algorithm), PL_ENOMEM. */
enum pl_err pl_jws_check(const struct pl_jws *j, const struct pl_jws_key *key);

/* Append the payload to `out`.
 * Errors: PL_EBADMSG, PL_ENOMEM. */
enum pl_err pl_jws_payload(const struct pl_jws *j, struct pl_buf *out);

/* Append a token with this payload.
 * Errors: PL_EINVAL (the key cannot sign by `alg`), PL_ENOMEM. */
enum pl_err pl_jws_write(const struct pl_jws_key *key, enum pl_jws_alg alg,
                         struct pl_span payload, struct pl_buf *out);

#endif
