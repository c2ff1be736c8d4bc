/* SPDX-License-Identifier: Apache-2.0 */
/* jws.h - JSON Web Signatures (RFC 7515) in compact form, with HS256: a payload
 * of any bytes with the proof that an owner of the secret signed it. */
#ifndef PL_JWS_H
#define PL_JWS_H

#include "buf.h"
#include "err.h"
#include "span.h"

/* Check header and signature of `token` and append its payload to `out`.
 * `secret` must not be empty.  On an error *why is a constant text without any
 * part of the token.
 * Thread: any.
 * Errors: PL_EBADMSG (not three parts of base64url, or a header that is not
 *         JSON), PL_EDENIED (another algorithm, an extension, or not signed
 *         with `secret`), PL_ENOMEM. */
enum pl_err pl_jws_read(struct pl_span secret, struct pl_span token,
                        struct pl_buf *out, const char **why);

/* Append a token with this payload.  `secret` must not be empty.
 * Thread: any.
 * Errors: PL_ENOMEM. */
enum pl_err pl_jws_write(struct pl_span secret, struct pl_span payload,
                         struct pl_buf *out);

#endif
